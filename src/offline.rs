//! A scripted stand-in for the gateway on this computer: real HTTP over a real socket, answers from a [`Script`]. Tests and
//! the offline mode use it; it calls no model and opens no connection to anywhere.
//!
//! It writes HTTP by hand, since it must be able to do what a decent server never does: break off at any byte, reset, hang.

mod derived;
mod player;
mod script;
mod voice;

use self::player::{Next, Player};
pub use self::script::{Answer, REQUEST_ID, Script, Step};
pub use self::voice::body;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::config::Environment;
use crate::gateway::surface::Surface;

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
    /// The body as it came.
    pub text: String,
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

/// Starts a stand-in that answers by what it is asked, and points `environment` to it: its address, a key that is none,
/// and a model named `scripted`. It answers as long as the returned value lives.
///
/// # Errors
/// That of the socket.
pub async fn instead_of_gateway(environment: &mut Environment) -> io::Result<Standin> {
    let standin = Standin::start(Script::derived()).await?;
    let variables = [
        ("EZROUTER_OFFLINE", "1".to_owned()),
        ("EZROUTER_BASE_URL", standin.base_url()),
        ("EZROUTER_API_KEY", "sk-scripted".to_owned()),
        ("EZROUTER_MODEL", "scripted".to_owned()),
    ];
    for (name, value) in variables {
        environment.variables.insert(name.to_owned(), value);
    }
    // It has both surfaces, so nothing is to be sent anywhere else.
    environment.variables.remove("EZROUTER_ANTHROPIC_BASE_URL");
    Ok(standin)
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

    /// How often the catalog has been asked for (`GET /v1/models`).
    pub fn catalogs(&self) -> usize {
        self.shared.log.borrow().catalogs
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
    /// How often the catalog was asked for.
    catalogs: usize,
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
        let mut number = 0;
        shared.log.send_modify(|log| {
            number = log.catalogs;
            log.catalogs += 1;
        });
        let answer = shared.script.catalog_answer(number).unwrap_or_else(catalog);
        let mut player = Player::new(&shared.gates, writer, answer, Surface::OpenAi, 0);
        return player.play().await.unwrap_or(Next::Close);
    }
    let mut index = 0;
    let mut answer = unknown_path(&request);
    let surface = surface(&request);
    shared.log.send_modify(|log| {
        index = log.requests.len();
        if surface.is_some() {
            (answer, log.used) = shared.script.answer(&request.body, log.used);
        }
        log.requests.push(request);
    });
    let surface = surface.unwrap_or(Surface::OpenAi);
    let mut player = Player::new(&shared.gates, writer, answer, surface, index);
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
    let text = String::from_utf8_lossy(unread.get(body_start..end)?).into_owned();
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    unread.drain(..end);
    Some(Recorded {
        method,
        path,
        headers,
        body,
        text,
        state: State::Open,
    })
}

/// The surface that a request means. The Anthropic one has a second path, as on servers that have no other.
fn surface(request: &Recorded) -> Option<Surface> {
    match (request.method.as_str(), request.path.as_str()) {
        ("POST", "/v1/chat/completions") => Some(Surface::OpenAi),
        ("POST", "/anthropic/v1/messages" | "/v1/messages") => Some(Surface::Anthropic),
        _ => None,
    }
}

/// What the gateway says to a path that it does not serve: an error below its surfaces, its home page anywhere else.
fn unknown_path(request: &Recorded) -> Answer {
    if request.path.starts_with("/v1") || request.path.starts_with("/anthropic/v1") {
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
    let model = |id: &str| json!({"id": id, "object": "model", "created": 1_626_777_600, "owned_by": "standin", "supported_endpoint_types": ["openai", "anthropic"]});
    let body = json!({"success": true, "object": "list", "data": [model("standin"), model("standin-small"), model("scripted")]});
    let mut answer = Answer::error(200, body);
    "application/json; charset=utf-8".clone_into(&mut answer.content_type);
    answer
}
