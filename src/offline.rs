//! A scripted stand-in for the gateway on this computer: real HTTP over a real socket, answers from a [`Script`]. Tests and
//! the offline mode use it; it calls no model and opens no connection to anywhere.
//!
//! It writes HTTP by hand, since it must be able to do what a decent server never does: break off at any byte, reset, hang.

mod script;

pub use self::script::{Answer, REQUEST_ID, Script, Step};

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// A running stand-in. Dropping it closes its socket and all connections.
#[derive(Debug)]
pub struct Standin {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: tokio::task::AbortHandle,
}

/// A request that the stand-in got, and how its answer goes.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The HTTP method.
    pub method: String,
    /// The path, with the query.
    pub path: String,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, or null if it is no JSON.
    pub body: Value,
    /// How the answer goes.
    pub state: State,
}

impl Recorded {
    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }
}

/// How an answer goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is being written.
    Open,
    /// It was written as the script says, even if that was to break off.
    Completed,
    /// The client closed the connection before.
    ClientClosed,
}

impl Standin {
    /// Listens on a free port of this computer. Needs a tokio runtime.
    ///
    /// # Errors
    /// That of the socket.
    pub async fn start(script: Script) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            script,
            log: watch::Sender::default(),
            gates: Semaphore::new(0),
        });
        let task = tokio::spawn(serve(listener, Arc::clone(&shared))).abort_handle();
        Ok(Self {
            address,
            shared,
            task,
        })
    }

    /// The base URL to give to the client.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far, in order, but for those of the catalog (`GET /v1/models`).
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.log.borrow().requests.clone()
    }

    /// How many connections there have been.
    pub fn connections(&self) -> usize {
        self.shared.log.borrow().connections
    }

    /// Lets one answer pass one [`Step::Gate`], now or when it comes there.
    pub fn release(&self) {
        self.shared.gates.add_permits(1);
    }

    /// Waits until `count` requests have come.
    pub async fn received(&self, count: usize) {
        self.wait_for(|log| count <= log.requests.len()).await;
    }

    /// Waits until the client has closed the connection of request `index` (from 0) before the end of the answer. If the
    /// answer is written to its end, this never returns; [`Self::ended`] does.
    pub async fn closed(&self, index: usize) {
        self.wait_for(|log| log.state(index) == Some(State::ClientClosed))
            .await;
    }

    /// Waits until the answer to request `index` (from 0) is no longer [`State::Open`] and says how it ended.
    pub async fn ended(&self, index: usize) -> State {
        let ended = |log: &Log| log.state(index).filter(|state| *state != State::Open);
        self.wait_for(|log| ended(log).is_some()).await;
        ended(&self.shared.log.borrow()).unwrap_or(State::Open)
    }

    async fn wait_for(&self, condition: impl Fn(&Log) -> bool) {
        // The sender lives in `shared`, so this cannot fail while `self` does.
        self.shared
            .log
            .subscribe()
            .wait_for(|log| condition(log))
            .await
            .ok();
    }
}

impl Drop for Standin {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Debug)]
struct Shared {
    script: Script,
    log: watch::Sender<Log>,
    gates: Semaphore,
}

#[derive(Debug, Default)]
struct Log {
    connections: usize,
    requests: Vec<Recorded>,
    /// How many answers of the script's order are used up.
    used: usize,
}

impl Log {
    fn state(&self, index: usize) -> Option<State> {
        self.requests.get(index).map(|request| request.state)
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    // Connections end with this task: an aborted set aborts its tasks.
    let mut connections = JoinSet::new();
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            shared.log.send_modify(|log| log.connections += 1);
            connections.spawn(connection(stream, Arc::clone(&shared)));
        }
        while connections.try_join_next().is_some() {}
    }
}

/// How a connection goes on after an answer.
#[derive(Clone, Copy, PartialEq)]
enum Next {
    Request,
    Close,
    Reset,
}

async fn connection(mut stream: TcpStream, shared: Arc<Shared>) {
    stream.set_nodelay(true).ok();
    let next = {
        let (mut reader, mut writer) = stream.split();
        let mut unread = Vec::new();
        loop {
            let Some(request) = read_request(&mut reader, &mut unread).await else {
                // A client that speaks TLS is told so in the clear, as web servers do.
                writer
                    .write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
                    .await
                    .ok();
                break Next::Close;
            };
            let next = respond(&shared, request, &mut reader, &mut writer, &mut unread).await;
            if next != Next::Request {
                break next;
            }
        }
    };
    if next == Next::Reset {
        // Closing with a linger of zero sends a reset instead of an orderly end.
        stream.set_zero_linger().ok();
    }
}

/// Answers one request, and watches meanwhile whether the client goes.
async fn respond(
    shared: &Shared,
    request: Recorded,
    reader: &mut (impl AsyncRead + Unpin),
    writer: &mut (impl AsyncWrite + Unpin),
    unread: &mut Vec<u8>,
) -> Next {
    if request.method == "GET" && request.path == "/v1/models" {
        let mut player = Player::new(shared, writer, catalog(), 0);
        return player.play().await.unwrap_or(Next::Close);
    }
    let mut index = 0;
    let mut answer = unknown_path(&request);
    shared.log.send_modify(|log| {
        index = log.requests.len();
        if request.method == "POST" && request.path == "/v1/chat/completions" {
            (answer, log.used) = shared.script.answer(&request.body, log.used);
        }
        log.requests.push(request);
    });
    let mut player = Player::new(shared, writer, answer, index);
    let end = tokio::select! {
        end = player.play() => end.ok(),
        () = hang_up(reader, unread) => None,
    };
    let state = if end.is_some() {
        State::Completed
    } else {
        State::ClientClosed
    };
    shared.log.send_modify(|log| {
        if let Some(request) = log.requests.get_mut(index) {
            request.state = state;
        }
    });
    end.unwrap_or(Next::Close)
}

/// Returns when the client has closed its side; what it sends meanwhile is kept for the next request.
async fn hang_up(reader: &mut (impl AsyncRead + Unpin), unread: &mut Vec<u8>) {
    while reader.read_buf(unread).await.is_ok_and(|count| count != 0) {}
}

/// Reads one request; `None` at the end of the connection or if it is not HTTP.
async fn read_request(
    reader: &mut (impl AsyncRead + Unpin),
    unread: &mut Vec<u8>,
) -> Option<Recorded> {
    let head_length = loop {
        if let Some(end) = memchr::memmem::find(unread, b"\r\n\r\n") {
            break end;
        }
        let is_http = unread.first().is_none_or(u8::is_ascii_uppercase);
        if !is_http || reader.read_buf(unread).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(unread.get(..head_length)?).into_owned();
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let body_start = head_length + 4;
    let end = body_start + length.map_or(Some(0), |(_, value)| value.parse::<usize>().ok())?;
    while unread.len() < end {
        if reader.read_buf(unread).await.ok()? == 0 {
            return None;
        }
    }
    let body = serde_json::from_slice(unread.get(body_start..end)?).unwrap_or(Value::Null);
    unread.drain(..end);
    Some(Recorded {
        method,
        path,
        headers,
        body,
        state: State::Open,
    })
}

/// What the gateway says to a path that it does not serve: an error below `/v1`, its home page anywhere else.
fn unknown_path(request: &Recorded) -> Answer {
    if request.path.starts_with("/v1") {
        let message = format!("Invalid URL ({} {})", request.method, request.path);
        return Answer::error(
            404,
            json!({"error": {"message": message, "type": "invalid_request_error", "param": "", "code": ""}}),
        );
    }
    Answer::html(
        200,
        "<!doctype html><html><head><title>Stand-in</title></head><body></body></html>",
    )
}

fn catalog() -> Answer {
    let model = |id: &str| json!({"id": id, "object": "model", "created": 1_626_777_600, "owned_by": "standin", "supported_endpoint_types": ["openai"]});
    let body = json!({"success": true, "object": "list", "data": [model("standin"), model("standin-small")]});
    let mut answer = Answer::error(200, body);
    "application/json; charset=utf-8".clone_into(&mut answer.content_type);
    answer
}

/// Plays one answer on one connection.
struct Player<'a, W> {
    shared: &'a Shared,
    writer: &'a mut W,
    answer: Answer,
    id: String,
    sent_headers: bool,
    named_role: bool,
}

impl<'a, W: AsyncWrite + Unpin> Player<'a, W> {
    fn new(shared: &'a Shared, writer: &'a mut W, answer: Answer, index: usize) -> Self {
        Self {
            shared,
            writer,
            answer,
            id: format!("chatcmpl-standin-{index}"),
            sent_headers: false,
            named_role: false,
        }
    }

    async fn play(&mut self) -> io::Result<Next> {
        for step in std::mem::take(&mut self.answer.steps) {
            match step {
                Step::Headers => self.send_headers().await?,
                Step::Text(text) => self.send_delta("content", &text).await?,
                Step::Thinking(text) => self.send_delta("reasoning_content", &text).await?,
                Step::Wait(time) => tokio::time::sleep(time).await,
                Step::Gate => {
                    if let Ok(permit) = self.shared.gates.acquire().await {
                        permit.forget();
                    }
                }
                Step::Raw(bytes) => self.send(&bytes).await?,
                Step::Finish(reason) => {
                    self.send(&script::chunk(&self.id, &json!({}), Some(&reason)))
                        .await?;
                }
                Step::Usage(usage) => self.send(&script::usage_chunk(&self.id, usage)).await?,
                Step::Done => self.send(b"data: [DONE]\n\n").await?,
                Step::Cut => return Ok(Next::Close),
                Step::Reset => return Ok(Next::Reset),
                Step::Hang => std::future::pending().await,
            }
        }
        self.send_headers().await?;
        self.writer.write_all(b"0\r\n\r\n").await?;
        Ok(Next::Request)
    }

    async fn send_headers(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.sent_headers, true) {
            return Ok(());
        }
        let mut lines = vec![format!("HTTP/1.1 {} Stand-in", self.answer.status)];
        let headers = self.answer.headers.iter();
        lines.extend(headers.map(|(name, value)| format!("{name}: {value}")));
        lines.push(format!("content-type: {}", self.answer.content_type));
        lines.push("transfer-encoding: chunked\r\n\r\n".to_owned());
        let head = lines.join("\r\n");
        self.writer.write_all(head.as_bytes()).await
    }

    async fn send_delta(&mut self, field: &str, text: &str) -> io::Result<()> {
        let mut delta = json!({field: text});
        if !std::mem::replace(&mut self.named_role, true) {
            delta["role"] = "assistant".into();
        }
        self.send(&script::chunk(&self.id, &delta, None)).await
    }

    /// Writes one chunk of the body, in the sense of HTTP.
    async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.send_headers().await?;
        if bytes.is_empty() {
            // An empty chunk would end the body.
            return Ok(());
        }
        let mut framed = format!("{:x}\r\n", bytes.len()).into_bytes();
        framed.extend_from_slice(bytes);
        framed.extend_from_slice(b"\r\n");
        self.writer.write_all(&framed).await?;
        // Lets the reader run between two pieces also where everything shares one thread.
        tokio::task::yield_now().await;
        Ok(())
    }
}
