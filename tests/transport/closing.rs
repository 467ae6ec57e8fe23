//! How a connection ends, and that nothing delays it.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ezrouter_lsp::server::transport::{Hooks, run};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;

use crate::client::{Client, framed};
use crate::fixture::service;

/// What is promised is 300 ms; a loaded machine gets some more.
const PROMPTLY: Duration = Duration::from_secs(1);

#[tokio::test]
async fn exit_gives_0_after_an_accepted_shutdown_and_1_otherwise() {
    let mut polite = Client::initialized().await;
    assert_eq!(
        polite.request(json!(1), "shutdown", Value::Null).await["result"],
        Value::Null
    );
    let late = polite.request(json!(2), "test/echo", json!([])).await;
    assert_eq!(late["error"]["code"], -32600);
    polite.notify("exit", Value::Null).await;
    assert_eq!(polite.exit_code().await, 0);

    let mut hasty = Client::initialized().await;
    hasty.notify("exit", Value::Null).await;
    assert_eq!(hasty.exit_code().await, 1);

    let mut early = Client::connect();
    early.request(json!(1), "shutdown", Value::Null).await;
    early.notify("exit", Value::Null).await;
    assert_eq!(early.exit_code().await, 1);
}

#[tokio::test]
async fn the_last_replies_leave_before_the_end() {
    let mut client = Client::initialized().await;
    let messages = [
        json!({ "id": 1, "method": "test/echo", "params": ["last words"] }),
        json!({ "id": 2, "method": "shutdown", "params": {} }),
        json!({ "method": "exit", "params": [] }),
    ];
    client
        .send_bytes(
            &messages
                .map(|message| framed(message.to_string().as_bytes()))
                .concat(),
        )
        .await;
    assert_eq!(client.exit_code().await, 0);
    assert_eq!(client.receive().await["result"], json!(["last words"]));
    assert_eq!(client.receive().await["id"], 2);
    assert_eq!(client.try_receive().await, None);
}

#[tokio::test]
async fn the_end_of_the_input_ends_hanging_handlers_and_the_server() {
    let ended = Arc::new(AtomicUsize::new(0));
    let counter = ended.clone();
    let hooks = Hooks {
        ended: Box::new(move || {
            counter.fetch_add(1, Ordering::SeqCst);
        }),
        ..Hooks::default()
    };
    let mut client = Client::connect_with(hooks);
    client.initialize().await;
    for id in 0..50 {
        client
            .send(&json!({ "id": id, "method": "test/hang" }))
            .await;
    }
    client.assert_served().await;
    assert_eq!(
        (client.fixture.hanging(), ended.load(Ordering::SeqCst)),
        (50, 0)
    );
    let start = Instant::now();
    client.hang_up();
    assert_eq!(client.exit_code().await, 1);
    assert!(start.elapsed() < PROMPTLY, "it took {:?}", start.elapsed());
    assert_eq!(ended.load(Ordering::SeqCst), 1);
    while client.fixture.hanging() != 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_message_cut_short_by_the_end_is_dropped() {
    let mut client = Client::initialized().await;
    client
        .send_bytes(b"Content-Length: 100\r\n\r\n{\"jsonrpc\":")
        .await;
    client.hang_up();
    assert_eq!(client.exit_code().await, 1);
    assert_eq!(client.try_receive().await, None);
}

/// On a paused clock, so that a wait of any length shows and costs nothing.
#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_delays_the_end_by_at_most_200_ms() {
    let (mut client, server) = tokio::io::duplex(1 << 10);
    let (reader, writer) = tokio::io::split(server);
    let (service, socket) = service();
    let serving = tokio::spawn(run(reader, writer, service, socket, Hooks::default()));
    let initialize = json!({ "id": 1, "method": "initialize", "params": { "clientInfo": { "name": "x".repeat(4 << 10) } } });
    client
        .write_all(&framed(initialize.to_string().as_bytes()))
        .await
        .unwrap();
    client
        .write_all(&framed(br#"{"method":"exit"}"#))
        .await
        .unwrap();
    let start = Instant::now();
    assert_eq!(serving.await.unwrap(), 1);
    assert_eq!(start.elapsed(), Duration::from_millis(200));
}

#[tokio::test]
async fn a_client_that_has_closed_its_side_ends_the_server() {
    let mut client = Client::initialized().await;
    client.stop_reading();
    // Again and again: a process that another test is starting may hold a copy of the pipe for a moment, and the first
    // replies then go nowhere without an error.
    let question = framed(br#"{"id":1,"method":"test/echo","params":[]}"#);
    while !client.server.is_finished() && client.try_send_bytes(&question).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert_eq!(client.exit_code().await, 1);
}

/// Serves on a paused clock, with `processId` as given; gives the client's end and the server's code to come.
async fn serve_for(process: u32) -> (tokio::io::DuplexStream, tokio::task::JoinHandle<i32>) {
    let (mut client, server) = tokio::io::duplex(64 << 10);
    let (reader, writer) = tokio::io::split(server);
    let (service, socket) = service();
    let serving = tokio::spawn(run(reader, writer, service, socket, Hooks::default()));
    let initialize = json!({ "id": 1, "method": "initialize", "params": { "processId": process } });
    client
        .write_all(&framed(initialize.to_string().as_bytes()))
        .await
        .unwrap();
    client.read_u8().await.unwrap();
    (client, serving)
}

#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn the_end_of_the_clients_process_ends_the_server_within_5_s_even_as_a_zombie() {
    let mut parent = Command::new("sleep").arg("600").spawn().unwrap();
    let (_client, serving) = serve_for(parent.id()).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(!serving.is_finished(), "the parent lives");
    parent.kill().unwrap();
    let status = format!("/proc/{}/stat", parent.id());
    while !std::fs::read_to_string(&status).unwrap().contains(") Z ") {
        std::thread::yield_now();
    }
    let start = Instant::now();
    assert_eq!(serving.await.unwrap(), 1);
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "it took {:?}",
        start.elapsed()
    );
    parent.wait().unwrap();
}

/// A number from another container, or one of a client that has long gone.
#[tokio::test(start_paused = true)]
async fn a_process_that_was_not_there_at_initialize_is_not_watched() {
    let mut gone = Command::new("true").spawn().unwrap();
    gone.wait().unwrap();
    let (_client, serving) = serve_for(gone.id()).await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert!(!serving.is_finished());
}
