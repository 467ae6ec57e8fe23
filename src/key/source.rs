//! Where the key comes from: the environment, a command, or a file, the first of these that there is. It is asked when a
//! request needs the key, never before; a command's answer is kept until it is refused or the settings are read again.

use std::fmt;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;
use zeroize::Zeroizing;

use super::{Key, command};
use crate::gateway::error::{Failure, Kind};

/// How long a command may take: somebody may have to type a password first.
const PATIENCE: Duration = Duration::from_secs(60);

/// A larger file holds no key.
const LARGEST: u64 = 64 << 10;

/// Where a key comes from.
#[derive(Clone)]
pub enum Origin {
    /// There is none.
    Nowhere,
    /// `EZROUTER_API_KEY`.
    Environment(Key),
    /// `api_key_command`: a program and its arguments.
    Command(Vec<String>),
    /// `api_key_file`, and what messages call it.
    File(PathBuf, String),
}

/// The source of the key. Cheap to clone; clones share what a command has answered.
#[derive(Clone)]
pub struct Source {
    shared: Arc<Shared>,
}

struct Shared {
    origin: Origin,
    home: Option<PathBuf>,
    patience: Duration,
    asked: Mutex<Asking>,
}

/// One time that the source was asked, however many wait for the answer.
#[derive(Clone, Default)]
struct Asking {
    number: u64,
    answer: Arc<OnceCell<Result<Key, Failure>>>,
}

/// A key as it was given at one time of asking.
pub struct Given {
    /// The key.
    pub key: Key,
    number: u64,
}

impl Source {
    /// A source; `home` is what `~/` stands for in a command, and where it runs.
    pub fn new(origin: Origin, home: Option<PathBuf>) -> Self {
        Self::with_patience(origin, home, PATIENCE)
    }

    /// The same with another time that a command may take.
    pub fn with_patience(origin: Origin, home: Option<PathBuf>, patience: Duration) -> Self {
        Self {
            shared: Arc::new(Shared {
                origin,
                home,
                patience,
                asked: Mutex::default(),
            }),
        }
    }

    /// Whether there is no such place at all.
    pub fn is_nowhere(&self) -> bool {
        matches!(self.shared.origin, Origin::Nowhere)
    }

    /// Whether it is the same place, so that an answer of one is one of the other.
    pub fn is_like(&self, other: &Self) -> bool {
        match (&self.shared.origin, &other.shared.origin) {
            (Origin::Nowhere, Origin::Nowhere) => true,
            (Origin::Environment(one), Origin::Environment(other)) => one.is(other),
            (Origin::Command(one), Origin::Command(other)) => one == other,
            (Origin::File(one, _), Origin::File(other, _)) => one == other,
            _ => false,
        }
    }

    /// The key. All who ask at the same time share one answer; a failure is not kept.
    pub async fn key(&self) -> Result<Given, Failure> {
        let asking = self.asking();
        let answer = asking.answer.get_or_init(|| self.ask()).await.clone();
        let is_kept = answer.is_ok() && matches!(self.shared.origin, Origin::Command(_));
        if !is_kept {
            self.forget_asking(asking.number);
        }
        answer.map(|key| Given {
            key,
            number: asking.number,
        })
    }

    /// The key, if it can be had without a command, which may ask a person: run by a request before, or not needed.
    pub async fn at_hand(&self) -> Option<Key> {
        if let Origin::Command(_) = &self.shared.origin {
            return self.asking().answer.get()?.clone().ok();
        }
        self.key().await.ok().map(|given| given.key)
    }

    /// Another key than the one that was refused, if the source now has one. It is asked at most once again, however many
    /// were refused with the same answer.
    pub async fn other_than(&self, refused: &Given) -> Option<Given> {
        if matches!(self.shared.origin, Origin::Environment(_)) {
            return None;
        }
        self.forget_asking(refused.number);
        let given = self.key().await.ok()?;
        (!given.key.is(&refused.key)).then_some(given)
    }

    /// Asks again at the next request.
    pub fn forget(&self) {
        let number = self.asking().number;
        self.forget_asking(number);
    }

    /// What messages call it, without any argument of a command, since one may be a secret.
    pub fn name(&self) -> String {
        match &self.shared.origin {
            Origin::Nowhere => "none".to_owned(),
            Origin::Environment(_) => "EZROUTER_API_KEY".to_owned(),
            Origin::Command(argv) => {
                let program = argv.first().map(String::as_str).unwrap_or_default();
                format!("api_key_command ({program})")
            }
            Origin::File(_, name) => format!("api_key_file ({name})"),
        }
    }

    /// A failure, with advice that names the place to change where it was the key that was refused.
    #[must_use]
    pub fn advise(&self, mut failure: Failure) -> Failure {
        if failure.kind == Kind::BadKey {
            match &self.shared.origin {
                Origin::Nowhere | Origin::Environment(_) => {}
                Origin::Command(_) => {
                    failure.advice = format!("Have the {} print a valid key", self.name());
                }
                Origin::File(..) => {
                    failure.advice = format!("Put a valid key into the {}", self.name());
                }
            }
        }
        failure
    }

    fn asking(&self) -> Asking {
        let asked = self.shared.asked.lock();
        asked.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lets the next one ask again, unless somebody has already.
    fn forget_asking(&self, number: u64) {
        let asked = self.shared.asked.lock();
        let mut asked = asked.unwrap_or_else(PoisonError::into_inner);
        if asked.number == number {
            *asked = Asking {
                number: number + 1,
                answer: Arc::default(),
            };
        }
    }

    async fn ask(&self) -> Result<Key, Failure> {
        let failed =
            |what: String, advice: &str| Failure::new(Kind::NoKey, what, advice).presentable(None);
        match &self.shared.origin {
            Origin::Nowhere => Err(failed("No API key is set".to_owned(), NO_KEY)),
            Origin::Environment(key) => Ok(key.clone()),
            Origin::Command(argv) => {
                let home = self.shared.home.as_deref();
                let outcome = command::run(argv, home, self.shared.patience).await;
                outcome.map_err(|what| {
                    let advice = "Run that command in a terminal to see what it needs";
                    failed(format!("The {} {what}", self.name()), advice)
                })
            }
            Origin::File(path, _) => {
                let path = path.clone();
                let read = tokio::task::spawn_blocking(move || read(&path)).await;
                let read = read.unwrap_or_else(|_| Err("cannot be read".to_owned()));
                read.map_err(|what| {
                    failed(
                        format!("The {} {what}", self.name()),
                        "The file must hold the key alone, and only you may read it",
                    )
                })
            }
        }
    }
}

const NO_KEY: &str = "Set EZROUTER_API_KEY where this program is started from, or api_key_command or api_key_file in the \
                      user file; with --offline it answers from a script";

/// The key in a file that nobody else can read. Blocks.
fn read(path: &Path) -> Result<Key, String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    // Asked before it is opened: opening a pipe would wait for somebody to write into it.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err("is not a file".to_owned());
    }
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(format!(
                "can be used by other users (mode {mode:04o}); chmod 600 it"
            ));
        }
    }
    if LARGEST < metadata.len() {
        return Err(format!("is larger than {} KiB", LARGEST >> 10));
    }
    let room = usize::try_from(LARGEST).unwrap_or_default() + 1;
    // With room for all of it, so that no copy is left behind by growing.
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    file.take(LARGEST)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    Key::from_output(&bytes).ok_or_else(|| "holds no key".to_owned())
}

impl Default for Source {
    fn default() -> Self {
        Self::new(Origin::Nowhere, None)
    }
}

impl From<Option<Key>> for Source {
    fn from(key: Option<Key>) -> Self {
        Self::new(key.map_or(Origin::Nowhere, Origin::Environment), None)
    }
}

/// The same source, not one like it.
impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Source").field(&self.name()).finish()
    }
}

#[cfg(test)]
mod tests;
