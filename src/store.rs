//! What outlives the server: conversations with their turns, and what the models took. A thread of its own does all the
//! work, in the order in which it was asked for, so that neither a slow disk nor another program that holds the file ever
//! holds up an editor. How it is kept in the file is [`database`]'s work.
//!
//! What cannot be written is kept in memory and written later, when the disk has room again or the file is free. When that
//! never comes it is gone with the server; what is in the file is never touched because of it.

mod database;
mod file;
mod keeper;
mod problem;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::oneshot;

use self::database::Database;
use self::keeper::{Keeper, Order};
pub use self::problem::{Cause, Problem};
use crate::conversation::{Record, Turn};
use crate::gateway::signal::Usage;

/// What the user has decided about the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Whether anything is read from the disk or written to it.
    pub persist: bool,
    /// How long a turn is kept.
    pub keep: Duration,
}

/// The conversation that a turn belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Home {
    /// Its id.
    pub conversation: String,
    /// The folder that it is about; empty for documents outside of all workspaces.
    pub workspace: String,
    /// Whether it is a single question that carried no past, which no other goes on from.
    pub alone: bool,
}

/// Where the window of a conversation begins after a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// With this turn.
    From(i64),
    /// Behind the turn: none of all so far is in it.
    Behind,
    /// Where it began before, for all that is known.
    Unknown,
}

/// Something to be written.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A conversation begins, without a turn as yet.
    Begin {
        /// Which one.
        home: Home,
        /// Milliseconds since 1970 (UTC).
        time: i64,
    },
    /// A turn was completed.
    Turn {
        /// Its conversation.
        home: Home,
        /// The turn.
        record: Box<Record>,
        /// Where the conversation's window begins now.
        window: Window,
    },
    /// A turn is being replaced.
    Forget(i64),
    /// Turns are left out of their window from now on, for example since they are about a file that is never sent any more.
    Leave(Vec<i64>),
    /// A request took so much.
    Usage {
        /// The model.
        model: String,
        /// The tokens.
        usage: Usage,
        /// Milliseconds since 1970 (UTC).
        time: i64,
    },
}

/// A conversation to go on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// Its id.
    pub conversation: String,
    /// The turns from the beginning of its window on.
    pub turns: Vec<Turn>,
}

impl Past {
    /// That of a conversation in which nothing was said yet.
    pub fn new(conversation: &str) -> Self {
        Self {
            conversation: conversation.to_owned(),
            turns: Vec::new(),
        }
    }
}

/// A conversation in a list. Times are those of its first and its last turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Its id.
    pub conversation: String,
    /// The folder that it is about; empty for documents outside of all workspaces.
    pub workspace: String,
    /// What its first turn was about; empty if it has none.
    pub title: String,
    /// RFC 3339, UTC.
    pub created: String,
    /// RFC 3339, UTC.
    pub updated: String,
    /// The last turn's date and time on this computer's clock.
    pub when: String,
    /// The number of turns.
    pub turns: u64,
}

/// What a model took on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    /// The date on this computer's clock, `2026-11-26`.
    pub day: String,
    /// The model.
    pub model: String,
    /// The number of requests whose tokens are known.
    pub requests: u64,
    /// Tokens of prompts, cached ones included.
    pub input: u64,
    /// The part of `input` that came from a cache.
    pub cached: u64,
    /// The part of `input` that was written to a cache.
    pub written: u64,
    /// Tokens that were generated.
    pub output: u64,
    /// The number of requests whose tokens are a guess.
    pub estimated: u64,
}

/// How the store is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The file; `None` if there is no place for one, or none is wanted.
    pub path: Option<PathBuf>,
    /// What the file and those beside it take, in bytes.
    pub bytes: u64,
    /// The number of changes that are kept in memory until they can be written.
    pub waiting: usize,
    /// What was wrong at the last try.
    pub problem: Option<Problem>,
}

/// The handle of the store. Cheap to clone; the thread ends with the last one.
#[derive(Clone, Debug)]
pub struct Store {
    orders: Sender<Order>,
}

impl Store {
    /// A store below `state_directory`, which opens nothing until it is used; without a directory everything is kept in
    /// memory. What is wrong with it comes out of the receiver, once.
    pub fn new(
        state_directory: Option<PathBuf>,
        policy: Policy,
    ) -> (Self, UnboundedReceiver<Problem>) {
        let (orders, inbox) = channel();
        let (problems, told) = unbounded_channel();
        let mut keeper = Keeper::new(state_directory, policy, problems);
        // Without a thread nothing is kept, and the orders go nowhere.
        let _ = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || keeper.run(&inbox));
        (Self { orders }, told)
    }

    /// Takes what the user has decided.
    pub fn set(&self, policy: Policy) {
        self.order(Order::Set(policy));
    }

    /// Writes a change, some time soon.
    pub fn write(&self, change: Change) {
        self.order(Order::Write(change));
    }

    /// Deletes the turns that are too old, once, when there is nothing else to do.
    pub fn clean(&self) {
        self.order(Order::Clean);
    }

    /// The conversation of a workspace that was used last, with the turns of its window; a new one if there is none. `None`
    /// if that cannot be found out.
    pub async fn current(&self, workspace: &str) -> Option<Past> {
        let workspace = workspace.to_owned();
        let found = self.ask(|answer| Order::Current(workspace, answer)).await;
        found.flatten()
    }

    /// The last answers about a document, by its URI, at most so many, the newest first.
    pub async fn answers(&self, document: &str, most: usize) -> Vec<Record> {
        let document = document.to_owned();
        let found = self.ask(|answer| Order::Answers(document, most, answer));
        found.await.unwrap_or_default()
    }

    /// A conversation by its id, with the turns of its window; `None` if there is none, or none can be read.
    pub async fn find(&self, conversation: &str) -> Option<(Home, Past)> {
        let conversation = conversation.to_owned();
        let found = self.ask(|answer| Order::Find(conversation, answer)).await;
        found.flatten()
    }

    /// All turns of a conversation, each with its date and time on this computer's clock.
    pub async fn turns(&self, conversation: &str) -> Vec<(Record, String)> {
        let conversation = conversation.to_owned();
        let found = self.ask(|answer| Order::Turns(conversation, answer)).await;
        found.unwrap_or_default()
    }

    /// All conversations, the one that was used last first.
    pub async fn conversations(&self) -> Vec<Summary> {
        self.ask(Order::Conversations).await.unwrap_or_default()
    }

    /// Deletes a conversation; gives whether there was one.
    pub async fn delete(&self, conversation: &str) -> Result<bool, Problem> {
        let conversation = conversation.to_owned();
        let deleted = self.ask(|answer| Order::Delete(conversation, answer)).await;
        deleted.unwrap_or(Ok(false))
    }

    /// What each model took on each day, the newest first.
    pub async fn usage(&self) -> Vec<Used> {
        self.ask(Order::Usage).await.unwrap_or_default()
    }

    /// How the store is.
    pub async fn report(&self) -> Report {
        self.ask(Order::Report).await.unwrap_or_default()
    }

    /// Waits until everything ordered so far was written, or could not be.
    pub async fn settled(&self) {
        self.ask(Order::Settle).await.unwrap_or_default();
    }

    async fn ask<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> Order) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        self.order(order(answer));
        answered.await.ok()
    }

    fn order(&self, order: Order) {
        // The thread is gone only if it could not be started.
        let _ = self.orders.send(order);
    }
}

/// The store as the command line uses it: at once, and with an error where the server would go on in memory.
pub struct Archive {
    database: Database,
    directory: PathBuf,
}

impl Archive {
    /// Opens what is below `state_directory`; `None` if nothing was ever kept there.
    pub fn open(state_directory: &Path) -> Result<Option<Self>, Problem> {
        let database = Database::open_existing(state_directory, keeper::BUSY)?;
        Ok(database.map(|database| Self {
            database,
            directory: state_directory.to_owned(),
        }))
    }

    /// All conversations, the one that was used last first.
    pub fn conversations(&mut self) -> Result<Vec<Summary>, Problem> {
        self.database.conversations()
    }

    /// The turns of a conversation, each with its date and time on this computer's clock.
    pub fn turns(&mut self, conversation: &str) -> Result<Vec<(Record, String)>, Problem> {
        self.database.turns(conversation)
    }

    /// What is taken on disk, in bytes.
    pub fn bytes(&self) -> u64 {
        file::size(&self.directory)
    }

    /// Deletes a conversation.
    pub fn delete(&mut self, conversation: &str) -> Result<bool, Problem> {
        self.database.delete(conversation)
    }

    /// Deletes all conversations; gives how many there were.
    pub fn clear(&mut self) -> Result<u64, Problem> {
        self.database.clear()
    }
}

/// The moment, in milliseconds since 1970 (UTC).
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
}

/// A name for a new turn: no other has it.
pub fn new_turn() -> i64 {
    fastrand::i64(1..)
}

/// An id for a new conversation: no other has it, and a person can type it.
pub fn new_conversation() -> String {
    format!("{:010x}", fastrand::u64(..1 << 40))
}

/// The id of the first conversation of a workspace: the same for all that begin it at the same time, so that it is one.
fn first_conversation(workspace: &str) -> String {
    let mut hasher = DefaultHasher::new();
    workspace.hash(&mut hasher);
    format!("{:010x}", hasher.finish() >> 24)
}

#[cfg(test)]
mod tests;
