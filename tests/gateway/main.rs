//! The gateway client against a scripted gateway, over real sockets: what a user gets to read, how often a request is
//! repeated, and that a dropped request closes its connection. The pure parts have their own tests beside them.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod cancel;
mod catalog;
mod errors;
mod keys;
mod patience;
mod replay;
mod secure;

use std::time::Duration;

use ezrouter_lsp::gateway::error::{Failure, Kind};
use ezrouter_lsp::gateway::signal::{Finish, Signal, Usage};
use ezrouter_lsp::gateway::surface::Choice;
use ezrouter_lsp::gateway::{Gateway, Reply, Settings};
use ezrouter_lsp::key::Key;
use ezrouter_lsp::offline::{Answer, REQUEST_ID, Script, Standin, State, Step, body};
use ezrouter_lsp::prompt::{Message, Request, Role, Thinking};
use serde_json::json;

const KEY: &str = "sk-testkey-1234567890";

fn request() -> Request {
    Request {
        model: "standin".to_owned(),
        system: "Be short.".to_owned(),
        messages: vec![Message {
            role: Role::User,
            text: "Say something".to_owned(),
        }],
        max_output_tokens: 64,
        thinking: Thinking::Off,
        keeps_tags: false,
    }
}

/// Both surfaces, for tests that must come out the same on each.
const SURFACES: [Choice; 2] = [Choice::OpenAi, Choice::Anthropic];

fn settings(base_url: &str) -> Settings {
    Settings {
        base_url: base_url.to_owned(),
        key: Key::new(KEY).into(),
        retry_unit: Duration::from_millis(1),
        ..Settings::default()
    }
}

async fn play(script: Script) -> (Standin, Gateway) {
    play_on(Choice::Auto, script).await
}

async fn play_on(surface: Choice, script: Script) -> (Standin, Gateway) {
    let standin = Standin::start(script).await.unwrap();
    let gateway = Gateway::new(Settings {
        surface,
        ..settings(&standin.base_url())
    });
    (standin, gateway)
}

/// All signals of a reply; holds that there is exactly one end, and that it comes last.
async fn collect(mut reply: Reply) -> Vec<Signal> {
    let mut signals = Vec::new();
    while let Some(signal) = within(reply.next()).await {
        signals.push(signal);
    }
    let ends = signals
        .iter()
        .filter(|signal| matches!(signal, Signal::End(_)))
        .count();
    assert!(
        ends == 1 && matches!(signals.last(), Some(Signal::End(_))),
        "{signals:?}"
    );
    signals
}

/// The text of a reply and its end.
async fn outcome(reply: Reply) -> (String, Result<Finish, Failure>) {
    let mut text = String::new();
    for signal in collect(reply).await {
        match signal {
            Signal::Text(piece) => text.push_str(&piece),
            Signal::End(end) => return (text, end),
            _ => {}
        }
    }
    unreachable!("a reply without an end")
}

async fn failure(reply: Reply) -> Failure {
    outcome(reply).await.1.expect_err("the request failed")
}

/// What `future` gives; a test that waits for too long has failed.
async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future)
        .await
        .expect("nothing happened for 20 s")
}

/// Lets everything run that can run without a word from outside.
async fn settle() {
    for _ in 0..2000 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_answer_streams_in_pieces_with_usage_and_one_end() {
    let usage = |output, estimated| {
        Signal::Usage(Usage {
            input: 100,
            output,
            estimated,
            ..Usage::default()
        })
    };
    for surface in SURFACES {
        let (_standin, gateway) =
            play_on(surface, Script::always(Answer::text("fn main() {}"))).await;
        let mut expected = vec![
            Signal::Attempt { number: 1, of: 5 },
            Signal::Started {
                request_id: Some(REQUEST_ID.to_owned()),
            },
            Signal::Text("fn".to_owned()),
            Signal::Text(" main(".to_owned()),
            Signal::Text(") {}".to_owned()),
            usage(3, false),
            Signal::End(Ok(Finish::Complete)),
        ];
        // The prompt's count stands at the beginning of this one.
        if surface == Choice::Anthropic {
            expected.insert(2, usage(1, true));
        }
        assert_eq!(collect(gateway.send(request())).await, expected);
    }
}

#[tokio::test]
async fn a_piece_arrives_before_the_next_one_is_written() {
    let steps = [
        Step::Headers,
        Step::Gate,
        Step::text("a"),
        Step::Gate,
        Step::text("b"),
        Step::finish("stop"),
        Step::Done,
    ];
    let (standin, gateway) = play(Script::always(Answer::stream(steps))).await;
    let mut reply = gateway.send(request());
    let mut signals = Vec::new();
    for releases in [false, false, true, true, false] {
        if releases {
            standin.release();
        }
        signals.push(within(reply.next()).await.unwrap());
    }
    assert_eq!(
        signals[2..],
        [
            Signal::Text("a".to_owned()),
            Signal::Text("b".to_owned()),
            Signal::End(Ok(Finish::Complete))
        ]
    );
}

#[tokio::test]
async fn the_request_carries_the_key_and_the_headers_that_the_gateway_needs() {
    let bearer = format!("Bearer {KEY}");
    let openai = [
        ("authorization", Some(bearer.as_str())),
        ("x-api-key", None),
        ("anthropic-version", None),
    ];
    let anthropic = [
        ("authorization", None),
        ("x-api-key", Some(KEY)),
        ("anthropic-version", Some("2023-06-01")),
    ];
    let agent = format!("ezrouter-lsp/{}", env!("CARGO_PKG_VERSION"));
    let both = [
        ("content-type", Some("application/json")),
        ("accept", Some("text/event-stream")),
        ("accept-language", Some("en")),
        ("user-agent", Some(agent.as_str())),
    ];
    for (surface, path, own) in [
        (Choice::OpenAi, "/v1/chat/completions", openai),
        (Choice::Anthropic, "/anthropic/v1/messages", anthropic),
    ] {
        let (standin, gateway) = play_on(surface, Script::always(Answer::text("x"))).await;
        outcome(gateway.send(request())).await.1.unwrap();
        let requests = standin.requests();
        let [sent] = requests.as_slice() else {
            panic!("{requests:?}")
        };
        assert_eq!((sent.method.as_str(), sent.path.as_str()), ("POST", path));
        for (name, value) in own.into_iter().chain(both) {
            assert_eq!(sent.header(name), value, "{surface:?} {name}");
        }
        assert_eq!(sent.body["model"], "standin");
        assert_eq!(sent.body["stream"], true);
        assert_eq!(sent.body["max_tokens"], 64);
        assert!(sent.body.get("temperature").is_none());
    }
}

#[tokio::test]
async fn an_answer_ends_at_its_end_mark_and_the_connection_serves_the_next_request() {
    for surface in SURFACES {
        // The body is still open behind the end mark; the answer does not wait for it.
        let open_end = [
            Step::text("x"),
            Step::finish("stop"),
            Step::Done,
            Step::Gate,
        ];
        let script = Script::new([Answer::stream(open_end), Answer::text("y")]);
        let (standin, gateway) = play_on(surface, script).await;
        assert_eq!(
            outcome(gateway.send(request())).await.1,
            Ok(Finish::Complete)
        );
        assert_eq!(standin.requests()[0].state, State::Open);
        standin.release();
        assert_eq!(within(standin.ended(0)).await, State::Completed);
        // The client reads the end of the body in the background.
        settle().await;
        assert_eq!(
            outcome(gateway.send(request())).await.1,
            Ok(Finish::Complete)
        );
        within(standin.ended(1)).await;
        assert_eq!(standin.connections(), 1, "{surface:?}");
    }
}

#[tokio::test]
async fn several_requests_run_at_once_and_do_not_mix() {
    let script = (0..8).fold(Script::default(), |script, number| {
        script.route(
            format!("<{number}>"),
            Answer::text(&format!("answer number {number}")),
        )
    });
    let (_standin, gateway) = play(script).await;
    let ask = |number: usize| {
        let mut request = request();
        request.messages[0].text = format!("<{number}>");
        outcome(gateway.send(request))
    };
    let answers = futures_util::future::join_all((0..8).map(ask)).await;
    for (number, (text, end)) in answers.into_iter().enumerate() {
        assert_eq!(
            (text, end),
            (format!("answer number {number}"), Ok(Finish::Complete))
        );
    }
}

#[tokio::test]
async fn a_base_url_that_names_a_surface_leads_to_the_same_endpoint() {
    let standin = Standin::start(Script::always(Answer::text("x")))
        .await
        .unwrap();
    let paths = ["/v1/chat/completions", "/anthropic/v1/messages"];
    for suffix in ["", "/", "/v1", "/v1/", "/anthropic", "/anthropic/v1/"] {
        for (surface, path) in SURFACES.into_iter().zip(paths) {
            let gateway = Gateway::new(Settings {
                surface,
                ..settings(&format!("{}{suffix}", standin.base_url()))
            });
            gateway.warm_up();
            assert_eq!(
                outcome(gateway.send(request())).await.1,
                Ok(Finish::Complete),
                "{suffix}"
            );
            assert_eq!(standin.requests().last().unwrap().path, path, "{suffix}");
        }
    }
    let gateway = Gateway::new(settings(&format!("{}/wrong", standin.base_url())));
    let failure = failure(gateway.send(request())).await;
    assert_eq!(
        (
            failure.kind,
            standin.requests().last().map(|sent| sent.path.clone())
        ),
        (
            Kind::WrongAddress,
            Some("/wrong/v1/chat/completions".to_owned())
        )
    );
}

#[tokio::test]
async fn the_anthropic_surface_may_be_on_another_server() {
    let answer = || Script::always(Answer::text("x"));
    let gateway = Standin::start(answer()).await.unwrap();
    let other = Standin::start(answer()).await.unwrap();
    for suffix in ["", "/", "/v1", "/v1/messages"] {
        let client = Gateway::new(Settings {
            anthropic_base_url: Some(format!("{}{suffix}", other.base_url())),
            ..settings(&gateway.base_url())
        });
        for model in ["claude-sonnet-4-6", "kimi-k2.6"] {
            let request = Request {
                model: model.to_owned(),
                ..request()
            };
            outcome(client.send(request)).await.1.unwrap();
        }
        let path = |standin: &Standin| standin.requests().last().unwrap().path.clone();
        assert_eq!(path(&gateway), "/v1/chat/completions", "{suffix}");
        assert_eq!(path(&other), "/v1/messages", "{suffix}");
    }
    assert_eq!((gateway.requests().len(), other.requests().len()), (4, 4));
    let broken = Gateway::new(Settings {
        anthropic_base_url: Some("http://gateway.example".to_owned()),
        surface: Choice::Anthropic,
        ..settings(&gateway.base_url())
    });
    let failure = failure(broken.send(request())).await;
    assert_eq!(failure.kind, Kind::WrongAddress);
    assert!(
        failure.advice.contains("EZROUTER_ANTHROPIC_BASE_URL"),
        "{failure}"
    );
}

#[tokio::test]
async fn without_a_key_or_with_an_impossible_one_nothing_is_sent() {
    let standin = Standin::start(Script::always(Answer::text("x")))
        .await
        .unwrap();
    for (key, kind) in [
        (None, Kind::NoKey),
        (Key::new("sk-two\nlines"), Kind::BadKey),
    ] {
        let gateway = Gateway::new(Settings {
            key: key.into(),
            ..settings(&standin.base_url())
        });
        let signals = collect(gateway.send(request())).await;
        let [Signal::End(Err(failure))] = signals.as_slice() else {
            panic!("{signals:?}")
        };
        assert_eq!(failure.kind, kind);
        assert!(failure.advice.contains("EZROUTER_API_KEY"), "{failure}");
    }
    assert!(standin.requests().is_empty());
}
