//! A language client over any pair of byte streams: the other side of the server. The demo and the tests drive the server
//! through it, so that both see what an editor sees. It keeps no text; that is [`editor`]'s work.

pub mod editor;

use std::io;

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use crate::server::framing::{Frame, Framing};

/// What the server has sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Incoming {
    /// A request, to be answered with [`Connection::answer`].
    Request {
        /// Its id.
        id: Value,
        /// Its method.
        method: String,
        /// Its parameters; null if it has none.
        params: Value,
    },
    /// A notification.
    Notification {
        /// Its method.
        method: String,
        /// Its parameters; null if it has none.
        params: Value,
    },
    /// The answer to a request of this side.
    Response {
        /// The id that [`Connection::request`] gave.
        id: u64,
        /// The result, or the error object.
        result: Result<Value, Value>,
    },
    /// The server's output has ended, or holds something that is no message; says what.
    Ended(String),
}

/// The sending half, with what has been received waiting in order.
pub struct Connection {
    outgoing: UnboundedSender<Value>,
    incoming: UnboundedReceiver<Incoming>,
    next_id: u64,
    tasks: [JoinHandle<()>; 2],
}

impl Connection {
    /// Talks over a pair of streams. Needs a runtime: reading and writing run beside it until it is dropped.
    pub fn new<R, W>(reader: R, writer: W) -> Self
    where
        R: AsyncRead + Unpin + Send + 'static,
        W: AsyncWrite + Unpin + Send + 'static,
    {
        let (outgoing, to_write) = unbounded_channel();
        let (received, incoming) = unbounded_channel();
        let tasks = [
            tokio::spawn(write(writer, to_write)),
            tokio::spawn(read(reader, received)),
        ];
        Self {
            outgoing,
            incoming,
            next_id: 1,
            tasks,
        }
    }

    /// Sends a request and gives the id of its answer.
    pub fn request(&mut self, method: &str, params: &Value) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.send(json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        id
    }

    /// Sends a notification.
    pub fn notify(&self, method: &str, params: &Value) {
        self.send(json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// Answers a request of the server's.
    pub fn answer(&self, id: &Value, result: Result<Value, Value>) {
        self.send(match result {
            Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
            Err(error) => json!({"jsonrpc": "2.0", "id": id, "error": error}),
        });
    }

    /// The next thing that the server sent. Cancel safe.
    pub async fn next(&mut self) -> Incoming {
        let next = self.incoming.recv().await;
        next.unwrap_or_else(|| Incoming::Ended("the server's output has ended".to_owned()))
    }

    fn send(&self, message: Value) {
        // When the writer is gone, the reader tells.
        let _ = self.outgoing.send(message);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn write<W: AsyncWrite + Unpin>(mut writer: W, mut messages: UnboundedReceiver<Value>) {
    while let Some(message) = messages.recv().await {
        let body = message.to_string();
        let framed = format!("Content-Length: {}\r\n\r\n{body}", body.len());
        if writer.write_all(framed.as_bytes()).await.is_err() || writer.flush().await.is_err() {
            return;
        }
    }
}

async fn read<R: AsyncRead + Unpin>(mut reader: R, messages: UnboundedSender<Incoming>) {
    let mut framing = Framing::default();
    let mut chunk = vec![0; 16 << 10];
    loop {
        while let Some(frame) = framing.next_frame() {
            let message = match frame {
                Frame::Body(body) => understand(&body),
                Frame::Lost(reason) => Incoming::Ended(reason.to_owned()),
            };
            if messages.send(message).is_err() {
                return;
            }
        }
        match reader.read(&mut chunk).await {
            Ok(count @ 1..) => framing.push(chunk.get(..count).unwrap_or_default()),
            Ok(0) => return,
            Err(error) => return drop(messages.send(Incoming::Ended(ended_by(&error)))),
        }
    }
}

fn ended_by(error: &io::Error) -> String {
    format!("the server's output cannot be read: {error}")
}

fn understand(body: &[u8]) -> Incoming {
    let Ok(mut message) = serde_json::from_slice::<Value>(body) else {
        return Incoming::Ended("the server wrote something that is not JSON".to_owned());
    };
    let mut take = |name| message.get_mut(name).map(Value::take);
    let method = take("method").and_then(|method| method.as_str().map(str::to_owned));
    let (id, params) = (take("id"), take("params").unwrap_or_default());
    match (method, id) {
        (Some(method), Some(id)) => Incoming::Request { id, method, params },
        (Some(method), None) => Incoming::Notification { method, params },
        (None, id) => Incoming::Response {
            id: id.and_then(|id| id.as_u64()).unwrap_or_default(),
            result: take("error").map_or_else(|| Ok(take("result").unwrap_or_default()), Err),
        },
    }
}
