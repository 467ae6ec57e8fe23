//! A request that is dropped closes its connection, in every phase, as the other side sees it.

use ezrouter_lsp::gateway::route::Proxy;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// A phase of a request, an answer that stays in it, and the signal that tells that it is reached.
type Phase = (&'static str, Answer, fn(&Signal) -> bool);

#[tokio::test]
async fn a_dropped_request_closes_its_connection_in_every_phase() {
    let busy = json!({"error": {"message": "busy", "type": "new_api_error", "code": ""}});
    let phases: &[Phase] = &[
        (
            "before the headers",
            Answer::stream([Step::Hang]),
            |signal| matches!(signal, Signal::Attempt { .. }),
        ),
        (
            "before the first byte",
            Answer::stream([Step::Headers, Step::Hang]),
            |signal| matches!(signal, Signal::Started { .. }),
        ),
        (
            "while thinking",
            Answer::stream([Step::Thinking("hm".to_owned()), Step::Hang]),
            |signal| matches!(signal, Signal::Thinking { .. }),
        ),
        (
            "in the text",
            Answer::stream([Step::text("a"), Step::Hang]),
            |signal| matches!(signal, Signal::Text(_)),
        ),
        (
            "before the end mark",
            Answer::stream([
                Step::text("a"),
                Step::finish("stop"),
                Step::Usage(Usage::default()),
                Step::Hang,
            ]),
            |signal| matches!(signal, Signal::Usage(_)),
        ),
        (
            "in an error body",
            Answer {
                status: 500,
                ..Answer::stream([Step::Raw(b"{".to_vec()), Step::Hang])
            },
            |signal| matches!(signal, Signal::Attempt { .. }),
        ),
    ];
    for ((phase, answer, reached), surface) in
        phases.iter().flat_map(|it| SURFACES.map(|on| (it, on)))
    {
        let (standin, gateway) = play_on(surface, Script::always(answer.clone())).await;
        let mut reply = gateway.send(request());
        while !reached(&within(reply.next()).await.unwrap()) {}
        within(standin.received(1)).await;
        assert_eq!(standin.requests()[0].state, State::Open, "{phase}");
        drop(reply);
        let closed = tokio::time::timeout(Duration::from_millis(500), standin.closed(0)).await;
        assert!(closed.is_ok(), "{phase}: {:?}", standin.requests());
    }
    // In the wait between two attempts there is nothing to close, but there must be no second attempt.
    let (standin, gateway) = play(Script::always(Answer::error(503, busy))).await;
    let mut reply = gateway.send(request());
    while !matches!(within(reply.next()).await, Some(Signal::Retry { .. })) {}
    drop(reply);
    within(standin.ended(0)).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(standin.requests().len(), 1);
}

/// Takes a connection, and then all that comes until the client says something that is complete in itself.
async fn greeted(listener: &TcpListener) -> TcpStream {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut greeting = Vec::new();
    // Something of a TLS greeting, or a whole `CONNECT`.
    while greeting.is_empty()
        || (greeting.starts_with(b"CONNECT") && !greeting.ends_with(b"\r\n\r\n"))
    {
        stream.read_buf(&mut greeting).await.unwrap();
    }
    stream
}

/// Reads until the client has gone.
async fn gone(mut stream: TcpStream) {
    let mut rest = [0; 1024];
    // A reset is an end too: the client need not have read all that was sent.
    while stream.read(&mut rest).await.is_ok_and(|count| count != 0) {}
}

#[tokio::test]
async fn a_dropped_request_closes_a_connection_that_is_being_made() {
    let certificates = secure::authority();
    for by_proxy in [false, true] {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let proxy = Proxy::new(&format!("http://{address}"));
        let gateway = Gateway::new(if by_proxy {
            Settings {
                proxy,
                ca_file: Some(certificates.file()),
                ..settings("https://gateway.invalid")
            }
        } else {
            settings(&format!("https://{address}"))
        });
        let reply = gateway.send(request());
        // Neither the handshake nor the tunnel is ever answered.
        let stream = within(greeted(&listener)).await;
        drop(reply);
        within(gone(stream)).await;
        let second = std::future::poll_fn(|context| {
            std::task::Poll::Ready(listener.poll_accept(context).is_ready())
        });
        assert!(!second.await, "nothing is tried again");
    }
}
