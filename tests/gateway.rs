//! The gateway client against a scripted gateway, over real sockets: what a user gets to read, how often a request is
//! repeated, and that a dropped request closes its connection. The pure parts have their own tests beside them.

use std::time::Duration;

use ezrouter_lsp::gateway::signal::{Finish, Signal, Usage};
use ezrouter_lsp::gateway::{Gateway, Reply, Settings};
use ezrouter_lsp::key::Key;
use ezrouter_lsp::offline::{Answer, REQUEST_ID, Script, Standin};
use ezrouter_lsp::prompt::{Message, Request, Role};

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
    }
}

fn settings(base_url: &str) -> Settings {
    Settings {
        base_url: base_url.to_owned(),
        key: Key::new(KEY),
        retry_unit: Duration::from_millis(1),
        ..Settings::default()
    }
}

async fn collect(mut reply: Reply) -> Vec<Signal> {
    let mut signals = Vec::new();
    while let Some(signal) = reply.next().await {
        signals.push(signal);
    }
    signals
}

#[tokio::test]
async fn an_answer_streams_in_pieces_with_usage_and_one_end() {
    let standin = Standin::start(Script::always(Answer::text("fn main() {}")))
        .await
        .unwrap();
    let gateway = Gateway::new(settings(&standin.base_url()));
    let signals = collect(gateway.send(request())).await;
    let expected = [
        Signal::Attempt { number: 1, of: 5 },
        Signal::Started {
            request_id: Some(REQUEST_ID.to_owned()),
        },
        Signal::Text("fn".to_owned()),
        Signal::Text(" main(".to_owned()),
        Signal::Text(") {}".to_owned()),
        Signal::Usage(Usage {
            input: 100,
            cached: 0,
            output: 3,
        }),
        Signal::End(Ok(Finish::Complete)),
    ];
    assert_eq!(signals, expected);
}
