//! The gateway client: sends a [`Request`], streams [`Signal`]s. What bytes, statuses and errors mean is decided in the pure
//! modules below it. It knows nothing of editors and documents.
//!
//! A request is a task of its own. Dropping its [`Reply`] ends the task and closes the connection, in every phase: the
//! gateway sees that and stops generating, which is what the user pays for.

pub mod address;
pub mod anthropic;
mod attempt;
pub mod catalog;
pub mod complaint;
pub mod connection;
pub mod effort;
pub mod error;
pub mod grammar;
pub mod headers;
mod keyed;
pub mod known;
pub mod openai;
pub mod pace;
pub mod preview;
pub mod reader;
pub mod refusal;
pub mod route;
pub mod signal;
pub mod sse;
pub mod surface;
pub mod visit;
mod way;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;

use self::address::Address;
use self::attempt::Attempt;
use self::catalog::Model;
use self::error::{Failure, Kind, Repeat};
use self::known::{Freshness, Known};
pub use self::pace::Timeouts;
use self::preview::Preview;
use self::route::Proxy;
use self::signal::{Finish, Signal};
use self::surface::{Choice, Surface};
use self::way::Way;
use crate::key::Key;
use crate::key::source::Source;
use crate::prompt::Request;

/// How to reach the gateway.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The root of the gateway; `/v1` and the like at its end do no harm. `https` only, but for this computer.
    pub base_url: String,
    /// Where the Anthropic surface is, if not where the gateway has it; `/v1/messages` follows on it.
    pub anthropic_base_url: Option<String>,
    /// The surface that models are spoken to on.
    pub surface: Choice,
    /// Where the key comes from; without one every request ends with [`Kind::NoKey`].
    pub key: Source,
    /// How long to wait for what.
    pub timeouts: Timeouts,
    /// How many attempts there are in all, the first included; at least one is made.
    pub attempts: u32,
    /// The proxy that leads there, instead of those of the environment; never for this computer.
    pub proxy: Option<Proxy>,
    /// A file of certificates that are trusted beside the system's.
    pub ca_file: Option<PathBuf>,
    /// When it is told that the key takes long to come.
    pub slow_key: Duration,
    /// When the catalog is asked for again.
    pub freshness: Freshness,
    /// The wait before the second attempt; it doubles with each one after that, and varies by a fifth either way.
    pub retry_unit: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            base_url: "https://www.ezrouter.dev".to_owned(),
            anthropic_base_url: None,
            surface: Choice::Auto,
            key: Source::default(),
            proxy: None,
            ca_file: None,
            slow_key: Duration::from_secs(1),
            timeouts: Timeouts::default(),
            attempts: 5,
            freshness: Freshness::default(),
            retry_unit: Duration::from_secs(1),
        }
    }
}

/// A client for one gateway. Cloning is cheap, and clones share their connections.
#[derive(Clone, Debug)]
pub struct Gateway {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    settings: Settings,
    /// To the gateway, and to its Anthropic surface if that is somewhere else.
    main: Arc<Way>,
    anthropic: Option<Arc<Way>>,
    known: Mutex<Known>,
}

impl Gateway {
    /// A client with these settings. Never fails: what is wrong with them is told by the first request.
    pub fn new(settings: Settings) -> Self {
        let way = |address| Arc::new(Way::new(address, &settings));
        let anthropic = settings.anthropic_base_url.as_deref();
        let shared = Shared {
            main: way(Address::new(&settings.base_url)),
            anthropic: anthropic.map(|base| way(Address::of_anthropic(base))),
            settings,
            known: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Whether it was made with these settings.
    pub fn has(&self, settings: &Settings) -> bool {
        fn parts(settings: &Settings) -> impl PartialEq {
            let Settings {
                base_url,
                anthropic_base_url,
                surface,
                key,
                proxy,
                ca_file,
                slow_key,
                timeouts,
                attempts,
                freshness,
                retry_unit,
            } = settings;
            let bases = (base_url, anthropic_base_url);
            let waits = (*timeouts, *slow_key, *retry_unit, *freshness);
            (bases, *surface, key, proxy, ca_file, waits, *attempts)
        }
        parts(&self.shared.settings) == parts(settings)
    }

    /// Prepares the first request in the background: reads the system's certificates, and asks for the catalog, which also
    /// opens a connection. From then on the catalog is kept fresh. Needs a tokio runtime; returns at once.
    pub fn warm_up(&self) {
        for way in std::iter::once(&self.shared.main).chain(&self.shared.anthropic) {
            let way = Arc::clone(way);
            tokio::task::spawn_blocking(move || way.client().is_ok());
        }
        self.shared.known().follow();
        self.refresh();
    }

    /// The models that the gateway offers; from then on requests know which surfaces a model has. One attempt; an error is
    /// what the user reads. Dropping the future cancels it.
    pub async fn models(&self) -> Result<Vec<Model>, Failure> {
        self.shared.settings.key.key().await?;
        self.visit().await.catalog
    }

    /// The surface that a model is spoken to on.
    pub fn surface(&self, model: &str) -> Surface {
        let known = self.shared.known();
        let offered = known.model(model).map(|found| found.surfaces.as_slice());
        self.shared.settings.surface.surface(model, offered)
    }

    /// What [`Self::send`] would send now. Sends nothing, and asks nobody for the key.
    ///
    /// # Errors
    /// What is wrong with the base URL, as the request itself would tell it.
    pub fn preview(&self, request: &Request) -> Result<Preview, Failure> {
        let surface = self.surface(&request.model);
        let address = self.shared.way(surface).address.as_ref();
        let address = address.map_err(|failure| self.shared.advise(surface, failure.clone()))?;
        Ok(Preview::new(surface, address, request))
    }

    /// Sends a request. Needs a tokio runtime; returns at once.
    pub fn send(&self, request: Request) -> Reply {
        let (sender, signals) = mpsc::unbounded_channel();
        let surface = self.surface(&request.model);
        let shared = Arc::clone(&self.shared);
        let task = tokio::spawn(async move {
            let end = shared.run(surface, &request, &sender).await;
            let end = shared.follow_up(end, &request.model).await;
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
    /// All attempts of one request with one key.
    async fn attempts(
        self: &Arc<Self>,
        surface: Surface,
        request: &Request,
        key: &Key,
        sender: &Sender,
    ) -> Result<Finish, Failure> {
        let way = self.way(surface);
        let address = way.address.as_ref().map_err(Clone::clone)?;
        let headers = headers::of(surface, key)?;
        let client = way.ready_client().await?;
        let url = address.endpoint(surface);
        let body = surface.body(request);
        let attempt = Attempt {
            shared: self,
            surface,
            request,
            host: &address.host,
            key,
            timeouts: self.settings.timeouts.with(request.thinking),
            sender,
        };
        let of = self.settings.attempts.max(1);
        let mut number = 1;
        let mut repeated_once = false;
        loop {
            tell(sender, Signal::Attempt { number, of });
            let post = client.post(url).headers(headers.clone()).body(body.clone());
            let setback = match attempt.run(post).await {
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

    /// The wait after an attempt that failed: 1, 2, 4, 8 units, a fifth more or less, so that the clients of a gateway that
    /// comes back do not all return at the same moment.
    fn wait_after(&self, number: u32) -> Duration {
        let doubled = self
            .settings
            .retry_unit
            .saturating_mul(1 << (number - 1).min(6));
        doubled.mul_f64(0.8 + 0.4 * fastrand::f64())
    }

    fn way(&self, surface: Surface) -> &Arc<Way> {
        let anthropic = self.anthropic.as_ref();
        let other = anthropic.filter(|_| surface == Surface::Anthropic);
        other.unwrap_or(&self.main)
    }
}
