//! The gateway client: sends a [`Request`], streams [`Signal`]s. The only file that names the HTTP client; what bytes,
//! statuses and errors mean is decided in the pure modules below it. It knows nothing of editors and documents.
//!
//! A request is a task of its own. Dropping its [`Reply`] ends the task and closes the connection, in every phase: the
//! gateway sees that and stops generating, which is what the user pays for.

pub mod address;
pub mod catalog;
pub mod complaint;
pub mod connection;
pub mod error;
pub mod openai;
pub mod pace;
pub mod refusal;
pub mod signal;
pub mod sse;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::header::{
    ACCEPT, ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION,
    RETRY_AFTER,
};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

use self::address::{Address, Scheme};
use self::catalog::Model;
use self::error::{Failure, Kind, Repeat, Setback};
use self::openai::{Progress, Reader};
use self::pace::Pace;
pub use self::pace::Timeouts;
use self::refusal::Refusal;
use self::signal::{Finish, Signal};
use crate::key::Key;
use crate::prompt::Request;

/// How to reach the gateway.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The root of the gateway; `/v1` and the like at its end do no harm. `https` only, but for this computer.
    pub base_url: String,
    /// The key; without one every request ends with [`Kind::NoKey`].
    pub key: Option<Key>,
    /// How long to wait for what.
    pub timeouts: Timeouts,
    /// How many attempts there are in all, the first included; at least one is made.
    pub attempts: u32,
    /// The wait before the second attempt; it doubles with each one after that, and varies by a fifth either way.
    pub retry_unit: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            base_url: "https://www.ezrouter.dev".to_owned(),
            key: None,
            timeouts: Timeouts::default(),
            attempts: 5,
            retry_unit: Duration::from_secs(1),
        }
    }
}

/// What is read of an error body, and for how long.
const ERROR_BODY: (usize, Duration) = (64 << 10, Duration::from_secs(5));

/// What is read of a catalog, and for how long.
const CATALOG: (usize, Duration) = (4 << 20, Duration::from_secs(20));

/// What is read behind the end mark, and for how long, so that the connection can serve the next request.
const REMAINDER: (usize, Duration) = (64 << 10, Duration::from_secs(1));

/// A client for one gateway. Cloning is cheap, and clones share their connections.
#[derive(Clone, Debug)]
pub struct Gateway {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    settings: Settings,
    address: Result<Address, Failure>,
    /// Built at the first use, since reading the system's certificates takes time and may fail.
    client: OnceLock<Result<reqwest::Client, Failure>>,
}

impl Gateway {
    /// A client with these settings. Never fails: what is wrong with them is told by the first request.
    pub fn new(settings: Settings) -> Self {
        let address = Address::new(&settings.base_url);
        Self {
            shared: Arc::new(Shared {
                settings,
                address,
                client: OnceLock::new(),
            }),
        }
    }

    /// Prepares the first request in the background: reads the system's certificates. Needs a tokio runtime; returns at once.
    pub fn warm_up(&self) {
        let shared = Arc::clone(&self.shared);
        tokio::task::spawn_blocking(move || shared.client().is_ok());
    }

    /// The models that the gateway offers. One attempt; an error is what the user reads. Dropping the future cancels it.
    pub async fn models(&self) -> Result<Vec<Model>, Failure> {
        let models = self.shared.models().await;
        models.map_err(|failure| failure.presentable(self.shared.settings.key.as_ref()))
    }

    /// Sends a request. Needs a tokio runtime; returns at once.
    pub fn send(&self, request: Request) -> Reply {
        let (sender, signals) = mpsc::unbounded_channel();
        let shared = Arc::clone(&self.shared);
        let task = tokio::spawn(async move {
            let end = shared.run(&request, &sender).await;
            let end = end.map_err(|failure| failure.presentable(shared.settings.key.as_ref()));
            tell(&sender, Signal::End(end));
        });
        Reply {
            signals,
            task: task.abort_handle(),
            ended: false,
        }
    }
}

/// A reply on its way. Dropping it cancels the request and closes its connection.
#[derive(Debug)]
pub struct Reply {
    signals: mpsc::UnboundedReceiver<Signal>,
    task: tokio::task::AbortHandle,
    ended: bool,
}

impl Reply {
    /// The next signal; `None` after [`Signal::End`]. Cancel safe: a signal is never lost.
    pub async fn next(&mut self) -> Option<Signal> {
        if self.ended {
            return None;
        }
        // The task ends without a word only if it panicked or the runtime is shutting down.
        let signal = self.signals.recv().await.unwrap_or_else(|| {
            Signal::End(Err(Failure::new(
                Kind::Cut,
                "The request was broken off inside this program",
                "Try again",
            )))
        });
        self.ended = matches!(signal, Signal::End(_));
        Some(signal)
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Sender = mpsc::UnboundedSender<Signal>;

fn tell(sender: &Sender, signal: Signal) {
    // Nobody listens any more only if the reply was dropped, and then this task is being aborted.
    sender.send(signal).ok();
}

impl Shared {
    /// All attempts of one request.
    async fn run(self: &Arc<Self>, request: &Request, sender: &Sender) -> Result<Finish, Failure> {
        let address = self.address.as_ref().map_err(Clone::clone)?;
        let headers = headers(self.settings.key.as_ref())?;
        let client = self.ready_client().await?;
        let body = openai::body(request);
        let of = self.settings.attempts.max(1);
        let mut number = 1;
        let mut repeated_once = false;
        loop {
            tell(sender, Signal::Attempt { number, of });
            let post = client
                .post(&address.chat)
                .headers(headers.clone())
                .body(body.clone());
            let setback = match self.attempt(post, address, sender).await {
                Ok(finish) => return Ok(finish),
                Err(setback) => setback,
            };
            let may_repeat = match setback.repeat {
                Repeat::Never => false,
                Repeat::Once => !std::mem::replace(&mut repeated_once, true),
                Repeat::Allowed => true,
            };
            if !may_repeat || of <= number {
                return Err(setback.failure);
            }
            let wait = self.wait_after(number);
            number += 1;
            let seconds = wait.as_secs_f64();
            tell(
                sender,
                Signal::Retry {
                    seconds,
                    next: number,
                    of,
                    reason: setback.reason,
                },
            );
            tokio::time::sleep(wait).await;
        }
    }

    async fn models(self: &Arc<Self>) -> Result<Vec<Model>, Failure> {
        let address = self.address.as_ref().map_err(Clone::clone)?;
        let headers = headers(self.settings.key.as_ref())?;
        let get = self
            .ready_client()
            .await?
            .get(&address.models)
            .headers(headers);
        let limit = self.settings.timeouts.first_byte;
        let response = match timeout(limit, get.send()).await {
            Err(_) => return Err(pace::silence(limit)),
            Ok(Err(error)) => {
                return Err(connection::judge(&error.without_url(), &address.host).failure);
            }
            Ok(Ok(response)) => response,
        };
        if !response.status().is_success() {
            return Err(refused(response).await.failure);
        }
        let body = read_some(response, CATALOG).await;
        let catalog = serde_json::from_slice(&body)
            .ok()
            .and_then(|body| catalog::read(&body));
        catalog.ok_or_else(openai::web_page)
    }

    /// The wait after an attempt that failed: 1, 2, 4, 8 units, a fifth more or less, so that the clients of a gateway that
    /// comes back do not all return at the same moment.
    fn wait_after(&self, number: u32) -> Duration {
        let doubled = self
            .settings
            .retry_unit
            .saturating_mul(1 << (number - 1).min(6));
        doubled.mul_f64(0.8 + 0.4 * fastrand::f64())
    }

    /// One attempt, from the connection to the end of the reply.
    async fn attempt(
        &self,
        post: reqwest::RequestBuilder,
        address: &Address,
        sender: &Sender,
    ) -> Result<Finish, Setback> {
        let limit = self.settings.timeouts.first_byte;
        let response = match timeout(limit, post.send()).await {
            Err(_) => return Err(Setback::last(pace::silence(limit))),
            Ok(Err(error)) => return Err(connection::judge(&error.without_url(), &address.host)),
            Ok(Ok(response)) => response,
        };
        let request_id = header(&response, "x-oneapi-request-id");
        let name = |mut setback: Setback| {
            setback.failure.request_id = request_id.clone().or(setback.failure.request_id);
            setback
        };
        if !response.status().is_success() {
            return Err(name(refused(response).await));
        }
        tell(
            sender,
            Signal::Started {
                request_id: request_id.clone(),
            },
        );
        if header(&response, CONTENT_TYPE.as_str())
            .is_some_and(|kind| kind.starts_with("text/html"))
        {
            return Err(name(Setback::last(openai::web_page())));
        }
        self.stream(response, address, sender).await.map_err(name)
    }

    /// Reads the body of a reply whose status said success.
    async fn stream(
        &self,
        mut response: reqwest::Response,
        address: &Address,
        sender: &Sender,
    ) -> Result<Finish, Setback> {
        let mut reader = Reader::default();
        let mut pace = Pace::new(self.settings.timeouts, Instant::now().into_std());
        loop {
            let mut signals = Vec::new();
            let chunk = timeout_at(Instant::from_std(pace.deadline()), response.chunk()).await;
            let end = if let Ok(Ok(Some(bytes))) = &chunk {
                let progress = reader.push(bytes, &mut signals);
                pace.note(&signals, &progress, Instant::now().into_std());
                match progress {
                    Progress::Open | Progress::Finished => None,
                    Progress::Ended(end) => Some(end),
                }
            } else {
                Some(reader.finish(&mut signals))
            };
            for signal in signals {
                tell(sender, signal);
            }
            let Some(end) = end else { continue };
            return match (end, chunk) {
                (Ok(finish), chunk) => {
                    if chunk.is_ok_and(|chunk| chunk.is_ok_and(|bytes| bytes.is_some())) {
                        tokio::spawn(read_remainder(response));
                    }
                    Ok(finish)
                }
                // What the gateway said about it tells more than how it was cut off.
                (Err(failure), _) if failure != openai::cut() => Err(Setback::last(failure)),
                (Err(_), Err(_)) => Err(Setback::last(pace.failure())),
                (Err(_), Ok(Err(error))) if !reader.has_spoken() => {
                    Err(connection::judge(&error.without_url(), &address.host))
                }
                (Err(failure), _) => Err(Setback::last(failure)),
            };
        }
    }

    async fn ready_client(self: &Arc<Self>) -> Result<reqwest::Client, Failure> {
        if let Some(client) = self.client.get() {
            return client.clone();
        }
        let shared = Arc::clone(self);
        let built = tokio::task::spawn_blocking(move || shared.client().clone()).await;
        built.unwrap_or_else(|_| Err(no_client("its setup was broken off")))
    }

    /// The HTTP client, built at the first call; blocks while it reads the system's certificates.
    fn client(&self) -> &Result<reqwest::Client, Failure> {
        self.client.get_or_init(|| {
            // Another part of the process may have chosen a provider before; any will do.
            rustls::crypto::ring::default_provider()
                .install_default()
                .ok();
            let mut builder = reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .connect_timeout(self.settings.timeouts.connect)
                .tcp_nodelay(true)
                .user_agent(concat!("ezrouter-lsp/", env!("CARGO_PKG_VERSION")));
            if matches!(&self.address, Ok(address) if address.is_loopback) {
                // What stays on this computer must not take the way over a proxy.
                builder = builder.no_proxy();
            }
            if matches!(&self.address, Ok(address) if address.scheme == Scheme::Http) {
                // Plain http needs no certificates, and a system without any would fail the client.
                builder = builder.tls_certs_only([]);
            }
            builder
                .build()
                .map_err(|error| no_client(&innermost(&error)))
        })
    }
}

fn headers(key: Option<&Key>) -> Result<HeaderMap, Failure> {
    let Some(key) = key else {
        return Err(Failure::new(
            Kind::NoKey,
            "No API key is set",
            "Set EZROUTER_API_KEY",
        ));
    };
    let mut authorization =
        HeaderValue::from_str(&format!("Bearer {}", key.expose())).map_err(|_| {
            let what = "The API key holds characters that a key cannot hold";
            Failure::new(Kind::BadKey, what, "Set EZROUTER_API_KEY to a valid key")
        })?;
    authorization.set_sensitive(true);
    Ok(HeaderMap::from_iter([
        (AUTHORIZATION, authorization),
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (ACCEPT, HeaderValue::from_static("text/event-stream")),
        // The gateway words its errors in the language of this header, in Chinese without it.
        (ACCEPT_LANGUAGE, HeaderValue::from_static("en")),
    ]))
}

fn header(response: &reqwest::Response, name: &str) -> Option<String> {
    let value = response.headers().get(name)?.to_str().ok()?;
    (!value.is_empty()).then(|| value.to_owned())
}

/// What a reply with an error status means.
async fn refused(response: reqwest::Response) -> Setback {
    let status = response.status().as_u16();
    let retry_after = header(&response, RETRY_AFTER.as_str());
    let location = header(&response, LOCATION.as_str());
    let body = read_some(response, ERROR_BODY).await;
    refusal::judge(Refusal {
        status,
        body: &String::from_utf8_lossy(&body),
        retry_after: retry_after.as_deref(),
        location: location.as_deref(),
    })
}

/// Reads a body until it ends or breaks, the time is over, or there is more of it than wanted.
async fn read_some(mut response: reqwest::Response, (most, limit): (usize, Duration)) -> Vec<u8> {
    let deadline = Instant::now() + limit;
    let mut body = Vec::new();
    while let Ok(Ok(Some(bytes))) = timeout_at(deadline, response.chunk()).await {
        body.extend_from_slice(&bytes);
        if most <= body.len() {
            break;
        }
    }
    body
}

async fn read_remainder(response: reqwest::Response) {
    read_some(response, REMAINDER).await;
}

fn no_client(why: &str) -> Failure {
    Failure::new(
        Kind::Unreachable,
        format!("The HTTP client could not be set up: {why}"),
        "Install the system's CA certificates (package ca-certificates), or name a certificate file in SSL_CERT_FILE",
    )
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
