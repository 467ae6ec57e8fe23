//! The journal of running rewrites: a file for each, so that the text from before a rewrite is not lost when the server
//! dies. Its server holds a lock on it, so that only a dead server's entry is ever offered. What an entry says is
//! [`crate::recovery`]'s work.
//!
//! A thread of its own does all the work, in the order in which it was asked for: nobody waits for the disk who does not
//! want to.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::config::make_private_directory;
use crate::recovery::{Interrupted, Start};

/// Entries older than this are of no use to anybody.
const KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// No rewrite leaves a larger entry.
const LARGEST: u64 = 64 << 20;

/// The handle of the journal. Cheap to clone; the last one ends its thread, and with it all locks.
#[derive(Clone, Debug)]
pub struct Journal {
    orders: Sender<Order>,
}

/// An entry that a dead server left behind; its lock is held by the journal until it is released or removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Names it in [`Journal::remove`] and [`Journal::release`].
    pub name: String,
    /// What it says.
    pub interrupted: Interrupted,
}

/// One line of an entry. The first is a beginning; a line that was not written to its end is left out.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// The version of this format is part of the word.
    Rewrite1(Start),
    Reply(String),
    Complete,
}

enum Order {
    Write(String, Line),
    Remove(String),
    Release(String),
    Look(String, oneshot::Sender<Vec<Found>>),
    Settle(oneshot::Sender<Option<String>>),
}

impl Journal {
    /// A journal below `state_directory`; without one nothing is kept.
    pub fn new(state_directory: Option<PathBuf>) -> Self {
        let (orders, inbox) = channel();
        let directory = state_directory.map(|directory| directory.join("journal"));
        let mut keeper = Keeper {
            directory,
            entries: HashMap::new(),
            problem: None,
        };
        // Without a thread nothing is kept, and the orders go nowhere.
        let _ = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || keeper.run(&inbox));
        Self { orders }
    }

    /// Begins the entry `name`.
    pub fn begin(&self, name: &str, start: Start) {
        self.order(Order::Write(name.to_owned(), Line::Rewrite1(start)));
    }

    /// More of the reply has come.
    pub fn reply(&self, name: &str, delta: &str) {
        self.order(Order::Write(name.to_owned(), Line::Reply(delta.to_owned())));
    }

    /// The reply is complete.
    pub fn complete(&self, name: &str) {
        self.order(Order::Write(name.to_owned(), Line::Complete));
    }

    /// The entry is not needed any more.
    pub fn remove(&self, name: &str) {
        self.order(Order::Remove(name.to_owned()));
    }

    /// The entry stays, for whoever opens its document next.
    pub fn release(&self, name: &str) {
        self.order(Order::Release(name.to_owned()));
    }

    /// The entries that dead servers left for a document, the newest first. `uri` as this client spells it.
    pub async fn look(&self, uri: &str) -> Vec<Found> {
        let (answer, found) = oneshot::channel();
        self.order(Order::Look(uri.to_owned(), answer));
        found.await.unwrap_or_default()
    }

    /// Waits until everything ordered so far is on disk, and gives what went wrong since the last time.
    pub async fn settled(&self) -> Option<String> {
        let (answer, settled) = oneshot::channel();
        self.order(Order::Settle(answer));
        settled.await.unwrap_or_default()
    }

    fn order(&self, order: Order) {
        // The thread is gone only if it could not be started.
        let _ = self.orders.send(order);
    }
}

/// Does the work.
struct Keeper {
    directory: Option<PathBuf>,
    /// The open files of our own entries, and of those that were found.
    entries: HashMap<String, (PathBuf, File)>,
    problem: Option<String>,
}

impl Keeper {
    fn run(&mut self, inbox: &Receiver<Order>) {
        while let Ok(order) = inbox.recv() {
            match order {
                Order::Write(name, line) => {
                    if let Err(error) = self.write(&name, &line) {
                        self.problem = Some(error.to_string());
                    }
                }
                Order::Remove(name) => {
                    if let Some((path, file)) = self.entries.remove(&name) {
                        // First, so that nobody finds it unlocked.
                        if let Err(error) = fs::remove_file(path) {
                            self.problem = Some(error.to_string());
                        }
                        drop(file);
                    }
                }
                Order::Release(name) => drop(self.entries.remove(&name)),
                // Who asked may have gone.
                Order::Look(uri, answer) => drop(answer.send(self.look(&uri))),
                Order::Settle(answer) => drop(answer.send(self.problem.take())),
            }
        }
    }

    fn write(&mut self, name: &str, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_string(line)?;
        text.push('\n');
        if let Line::Rewrite1(_) = line {
            return self.begin(name, &text);
        }
        match self.entries.get_mut(name) {
            Some((_, file)) => file.write_all(text.as_bytes()),
            // It could not be begun, which was said then.
            None => Ok(()),
        }
    }

    fn begin(&mut self, name: &str, text: &str) -> io::Result<()> {
        let Some(directory) = &self.directory else {
            return Err(io::Error::other("there is no home directory"));
        };
        make_private_directory(directory)?;
        let unique = format!("{}-{name}-{:08x}", std::process::id(), fastrand::u32(..));
        let path = directory.join(format!("{unique}.jsonl"));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path)?;
        file.try_lock()?;
        file.write_all(text.as_bytes())?;
        // The one moment that must survive a power failure: before the first edit.
        file.sync_data()?;
        self.entries.insert(name.to_owned(), (path, file));
        Ok(())
    }

    fn look(&mut self, uri: &str) -> Vec<Found> {
        let mut found = Vec::new();
        let directory = self.directory.as_deref().unwrap_or(Path::new(""));
        for path in entries(directory) {
            let Some((age, file, interrupted)) = read(&path) else {
                continue;
            };
            if KEPT < age {
                fs::remove_file(&path).ok();
                continue;
            }
            if is_same_document(&interrupted.start.uri, uri) {
                let name = path.to_string_lossy().into_owned();
                self.entries.insert(name.clone(), (path, file));
                found.push((age, Found { name, interrupted }));
            }
        }
        found.sort_by_key(|(age, _)| *age);
        found.into_iter().map(|(_, found)| found).collect()
    }
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let listed = fs::read_dir(directory).into_iter().flatten().flatten();
    listed
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "jsonl")
        })
        .collect()
}

/// Reads an entry that no living server holds; `None` for one that is held, and for one that cannot be read.
fn read(path: &Path) -> Option<(Duration, File, Interrupted)> {
    let file = OpenOptions::new().read(true).write(true).open(path).ok()?;
    file.try_lock().ok()?;
    let metadata = file.metadata().ok()?;
    // Its owner may have removed it between our opening it and the lock.
    if !path.exists() {
        return None;
    }
    let modified = metadata.modified().ok()?;
    let age = SystemTime::now()
        .duration_since(modified)
        .unwrap_or_default();
    let mut text = Vec::new();
    (&file).take(LARGEST).read_to_end(&mut text).ok()?;
    Some((age, file, parse(&text)?))
}

fn parse(text: &[u8]) -> Option<Interrupted> {
    let mut lines = text
        .split_inclusive(|byte| *byte == b'\n')
        .filter(|line| line.ends_with(b"\n"));
    let Line::Rewrite1(start) = serde_json::from_slice(lines.next()?).ok()? else {
        return None;
    };
    let mut interrupted = Interrupted {
        start,
        reply: String::new(),
        complete: false,
    };
    for line in lines {
        match serde_json::from_slice(line) {
            Ok(Line::Reply(delta)) => interrupted.reply.push_str(&delta),
            Ok(Line::Complete) => interrupted.complete = true,
            // What follows a damaged line cannot be trusted.
            Ok(Line::Rewrite1(_)) | Err(_) => break,
        }
    }
    Some(interrupted)
}

/// Whether two URIs name one file: editors escape differently.
fn is_same_document(one: &str, other: &str) -> bool {
    let decoded = |uri: &str| {
        let bytes: Vec<u8> = percent_encoding::percent_decode_str(uri).collect();
        bytes
    };
    one == other || decoded(one) == decoded(other)
}

#[cfg(test)]
mod tests;
