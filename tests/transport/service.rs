//! One handler never stops another: hanging, panicking and unknown requests, and a client that does not read.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ezrouter_lsp::server::transport::Hooks;
use serde_json::{Value, json};

use crate::client::Client;

#[tokio::test]
async fn after_1200_hanging_requests_the_next_one_is_answered() {
    let mut client = Client::initialized().await;
    for id in 0..1200 {
        client
            .send(&json!({ "jsonrpc": "2.0", "id": id, "method": "test/hang" }))
            .await;
    }
    client.assert_served().await;
    assert_eq!(client.fixture.hanging(), 1200);
}

#[tokio::test]
async fn a_hanging_request_can_be_cancelled_and_then_answers_so() {
    let mut client = Client::initialized().await;
    client
        .send(&json!({ "jsonrpc": "2.0", "id": 1, "method": "test/hang" }))
        .await;
    client.notify("$/cancelRequest", json!({ "id": 1 })).await;
    let answer = client.receive().await;
    assert_eq!(
        (&answer["id"], &answer["error"]["code"]),
        (&json!(1), &json!(-32800))
    );
    client.assert_served().await;
    assert_eq!(client.fixture.hanging(), 0);
}

#[tokio::test]
async fn a_panic_is_answered_and_survived() {
    let mut client = Client::initialized().await;
    for method in ["test/panic", "test/panicLater"] {
        let answer = client.request(json!(method), method, Value::Null).await;
        assert_eq!(answer["error"]["code"], -32603, "{method}");
        assert!(!answer.to_string().contains("as asked"), "{answer}");
        client.assert_served().await;
    }
    client.notify("test/panicNotification", Value::Null).await;
    client.assert_served().await;
}

#[tokio::test]
async fn what_is_not_served_says_so() {
    let mut client = Client::initialized().await;
    for method in ["test/unknown", "$/unknown", "$/cancelRequest", "$/setTrace"] {
        let answer = client.request(json!(1), method, json!({})).await;
        assert_eq!(answer["error"]["code"], -32601, "{method}");
    }
    // Unknown notifications have no answer.
    client.notify("$/unknown", json!({})).await;
    client.notify("test/unknown", json!({})).await;
    client.assert_served().await;
}

#[tokio::test]
async fn two_requests_with_one_id_get_two_answers() {
    let mut client = Client::initialized().await;
    client
        .send(&json!({ "jsonrpc": "2.0", "id": 1, "method": "test/hang" }))
        .await;
    let second = client.request(json!(1), "test/echo", json!([])).await;
    assert_eq!(second["error"]["code"], -32600);
    client.notify("$/cancelRequest", json!({ "id": 1 })).await;
    assert_eq!(client.receive().await["error"]["code"], -32800);
}

#[tokio::test]
async fn before_initialize_requests_are_refused_and_notifications_dropped() {
    let mut client = Client::connect();
    let early = client.request(json!(1), "test/echo", json!(["x"])).await;
    assert_eq!(early["error"]["code"], -32002);
    let early = client.request(json!(2), "shutdown", Value::Null).await;
    assert_eq!(early["error"]["code"], -32002);
    client
        .notify(
            "textDocument/didChange",
            json!({ "textDocument": { "uri": "u", "version": 5 } }),
        )
        .await;
    client.initialize().await;
    assert_eq!(
        client.request(json!(3), "test/version", Value::Null).await["result"],
        0
    );
    let again = client.request(json!(4), "initialize", json!({})).await;
    assert_eq!(again["error"]["code"], -32600);
    client.assert_served().await;
}

#[tokio::test]
async fn initialize_takes_what_strict_parameters_would_refuse() {
    for (params, name) in [
        (json!(null), ""),
        (json!([]), ""),
        (
            json!({ "capabilities": null, "clientInfo": { "name": "A" } }),
            "A",
        ),
        (
            json!({ "capabilities": [], "processId": "x", "rootUri": 1, "clientInfo": { "name": "B", "version": 3 } }),
            "B",
        ),
        (
            json!({ "capabilities": { "workspace": { "applyEdit": "yes" }, "textDocument": [] }, "trace": "loud" }),
            "",
        ),
    ] {
        let mut client = Client::connect();
        let answer = client.request(json!(1), "initialize", params.clone()).await;
        assert_eq!(
            answer["result"]["serverInfo"]["name"],
            format!("for {name}"),
            "{params}"
        );
        client.notify("initialized", Value::Null).await;
        client.assert_served().await;
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_can_still_write_and_misses_nothing() {
    let mut client = Client::initialized().await;
    let text = "x".repeat(4000);
    // 8 MB of replies: far more than a pipe holds.
    for id in 0..2000 {
        client
            .send(&json!({ "jsonrpc": "2.0", "id": id, "method": "test/echo", "params": [text] }))
            .await;
    }
    for id in 0..2000 {
        assert_eq!(client.receive().await["id"], json!(id));
    }
}

#[tokio::test]
async fn the_servers_own_messages_wait_for_a_client_that_does_not_read_and_replies_do_not() {
    let mut client = Client::initialized().await;
    client.notify("test/say", json!(100)).await;
    // These are served while the job waits: their replies are queued behind what it has said.
    for id in 0..100 {
        client
            .send(&json!({ "jsonrpc": "2.0", "id": id, "method": "test/echo", "params": [] }))
            .await;
    }
    // Long enough for everything that can happen without the client.
    for _ in 0..2000 {
        tokio::task::yield_now().await;
    }
    let said = client.fixture.said();
    assert!(
        (10..30).contains(&said),
        "{said} messages of 64 KiB wait for a client that does not read"
    );
    let (mut replies, mut messages) = (0, 0);
    while (replies, messages) != (100, 100) {
        let message = client.receive().await;
        if message.get("method").is_some() {
            messages += 1;
        } else {
            replies += 1;
        }
    }
}

#[tokio::test]
async fn every_message_of_the_client_is_a_sign_of_life() {
    let heard = Arc::new(AtomicUsize::new(0));
    let counter = heard.clone();
    let hooks = Hooks {
        heard: Box::new(move || {
            counter.fetch_add(1, Ordering::SeqCst);
        }),
        ..Hooks::default()
    };
    let mut client = Client::connect_with(hooks);
    client.initialize().await;
    client.assert_served().await;
    assert_eq!(heard.load(Ordering::SeqCst), 3);
    client.send_bytes(b"Content-Length: x\r\n\r\n").await;
    client.receive().await;
    client
        .send(&json!({ "jsonrpc": "2.0", "id": 77, "result": null }))
        .await;
    client.assert_served().await;
    assert_eq!(heard.load(Ordering::SeqCst), 6);
}
