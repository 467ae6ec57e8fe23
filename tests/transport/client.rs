//! A strict client on the other end of a pair of pipes: it wants exactly `Content-Length: N`, CR LF twice and N bytes of
//! JSON, and every wait has an end.

use std::time::Duration;

use ezrouter_lsp::server::transport::{Hooks, run};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::fixture::{Fixture, service};

/// Longer than anything takes that works.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Client {
    /// What the server reads. `None` after [`Client::hang_up`].
    input: Option<pipe::Sender>,
    /// What the server writes. `None` after [`Client::stop_reading`].
    output: Option<pipe::Receiver>,
    received: Vec<u8>,
    pub(crate) server: JoinHandle<i32>,
    /// The server's own view, for questions that the protocol does not answer.
    pub(crate) fixture: Fixture,
}

impl Client {
    /// A client of a server that has not been initialized.
    pub(crate) fn connect() -> Self {
        Self::connect_with(Hooks::default())
    }

    pub(crate) fn connect_with(hooks: Hooks) -> Self {
        let (input, reader) = pipe::pipe().unwrap();
        let (writer, output) = pipe::pipe().unwrap();
        let (service, socket) = service();
        let fixture = service.inner().clone();
        let server = tokio::spawn(run(reader, writer, service, socket, hooks));
        Self {
            input: Some(input),
            output: Some(output),
            received: Vec::new(),
            server,
            fixture,
        }
    }

    /// A client that has done the handshake.
    pub(crate) async fn initialized() -> Self {
        let mut client = Self::connect();
        client.initialize().await;
        client
    }

    pub(crate) async fn initialize(&mut self) {
        let reply = self
            .request(json!("init"), "initialize", json!({ "capabilities": {} }))
            .await;
        assert!(reply["result"].is_object(), "{reply}");
        self.notify("initialized", json!({})).await;
    }

    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        self.try_send_bytes(bytes).await.unwrap();
    }

    /// Fails when the server has closed its input.
    pub(crate) async fn try_send_bytes(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        let input = self.input.as_mut().expect("the client has hung up");
        let sent = timeout(PATIENCE, input.write_all(bytes)).await;
        sent.expect("the server does not read")
    }

    pub(crate) async fn send(&mut self, message: &Value) {
        self.send_bytes(&framed(message.to_string().as_bytes()))
            .await;
    }

    pub(crate) async fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }))
            .await;
    }

    /// Sends a request and gives the next message, which must be its answer.
    pub(crate) async fn request(&mut self, id: Value, method: &str, params: Value) -> Value {
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))
            .await;
        let reply = self.receive().await;
        assert_eq!(reply["id"], id, "{reply} is not the answer to {method}");
        reply
    }

    /// The server still answers.
    pub(crate) async fn assert_served(&mut self) {
        let reply = self
            .request(json!("alive"), "test/echo", json!(["hello"]))
            .await;
        assert_eq!(reply["result"], json!(["hello"]));
    }

    pub(crate) async fn receive(&mut self) -> Value {
        self.try_receive()
            .await
            .expect("the server closed its output")
    }

    /// The next message, or `None` at the end of the output.
    pub(crate) async fn try_receive(&mut self) -> Option<Value> {
        loop {
            if let Some(message) = self.take_message() {
                assert_eq!(message["jsonrpc"], "2.0", "{message}");
                return Some(message);
            }
            let mut chunk = vec![0; 64 << 10];
            let output = self
                .output
                .as_mut()
                .expect("the client has stopped reading");
            let read = timeout(PATIENCE, output.read(&mut chunk));
            let count = read.await.expect("the server says nothing").unwrap();
            if count == 0 {
                assert!(self.received.is_empty(), "the output ends within a message");
                return None;
            }
            self.received.extend_from_slice(&chunk[..count]);
        }
    }

    fn take_message(&mut self) -> Option<Value> {
        let header_ends = self
            .received
            .windows(4)
            .position(|window| window == b"\r\n\r\n")?;
        let header = std::str::from_utf8(&self.received[..header_ends]).unwrap();
        let length: usize = header
            .strip_prefix("Content-Length: ")
            .expect(header)
            .parse()
            .unwrap();
        let body = header_ends + 4..header_ends + 4 + length;
        let message = serde_json::from_slice(self.received.get(body.clone())?).unwrap();
        self.received.drain(..body.end);
        Some(message)
    }

    /// Closes the server's input.
    pub(crate) fn hang_up(&mut self) {
        self.input = None;
    }

    /// Closes the server's output.
    pub(crate) fn stop_reading(&mut self) {
        self.output = None;
    }

    /// The exit code, once the server has returned.
    pub(crate) async fn exit_code(&mut self) -> i32 {
        timeout(PATIENCE, &mut self.server)
            .await
            .expect("the server does not end")
            .unwrap()
    }
}

/// A body with its header.
pub(crate) fn framed(body: &[u8]) -> Vec<u8> {
    [
        format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes(),
        body,
    ]
    .concat()
}
