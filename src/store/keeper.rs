//! The store's thread: takes orders one after the other, writes what can be written at once, keeps the rest in memory and
//! tries again, and tells of a problem once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use super::database::Database;
use super::problem::{Cause, Problem};
use super::{Change, Home, Past, Policy, Report, Summary, Used, file, first_conversation, now};
use crate::conversation::Record;

/// How long a statement waits for other programs. Under more load than people make it fails all the same, and what is to be
/// written waits in memory; nobody sees it.
pub(super) const BUSY: Duration = Duration::from_secs(5);

/// The pause before what could not be written is tried again.
const AGAIN: Duration = Duration::from_secs(10);

/// The file is held by another program so often in a row before that is told: nobody need know that it happens.
const PATIENCE: u32 = 3;

/// So many changes wait in memory at most, and so many turns are kept there; the oldest ones go.
const IN_MEMORY: usize = 1_000;

/// So many changes are written together at most.
const TOGETHER: usize = 100;

/// What the thread is asked to do.
pub(super) enum Order {
    Set(Policy),
    Write(Change),
    Clean,
    Current(String, oneshot::Sender<Option<Past>>),
    Answers(String, usize, oneshot::Sender<Vec<Record>>),
    Find(String, oneshot::Sender<Option<(Home, Past)>>),
    Turns(String, oneshot::Sender<Vec<(Record, String)>>),
    Conversations(oneshot::Sender<Vec<Summary>>),
    Delete(String, oneshot::Sender<Result<bool, Problem>>),
    Usage(oneshot::Sender<Vec<Used>>),
    Report(oneshot::Sender<Report>),
    Settle(oneshot::Sender<()>),
}

/// Does the work.
pub(super) struct Keeper {
    directory: Option<PathBuf>,
    policy: Policy,
    /// How long a statement waits for other programs.
    pub(super) busy: Duration,
    /// The file, once it could be opened.
    pub(super) disk: Option<Database>,
    /// What is not on disk yet, or is not to be there.
    memory: Option<Database>,
    /// What is to be written to disk later; memory has it meanwhile.
    pub(super) waiting: Vec<Change>,
    /// What was wrong at the last try.
    problem: Option<Problem>,
    /// How often in a row the file was held.
    held: u32,
    problems: UnboundedSender<Problem>,
    told: bool,
    cleaning: Cleaning,
}

/// How far the deletion of turns that are too old has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cleaning {
    NotYet,
    Due,
    Done,
}

impl Keeper {
    pub(super) fn new(
        directory: Option<PathBuf>,
        policy: Policy,
        problems: UnboundedSender<Problem>,
    ) -> Self {
        Self {
            directory,
            policy,
            busy: BUSY,
            disk: None,
            memory: None,
            waiting: Vec::new(),
            problem: None,
            held: 0,
            problems,
            told: false,
            cleaning: Cleaning::NotYet,
        }
    }

    /// Works until the last handle is gone.
    pub(super) fn run(&mut self, inbox: &Receiver<Order>) {
        while let Some(order) = self.next(inbox) {
            let mut changes = Vec::new();
            let mut next = Some(order);
            // What has come meanwhile is written together: one wait for the disk instead of many.
            while let Some(order) = next.take() {
                match order {
                    Order::Write(change) => changes.push(change),
                    other => {
                        self.write(std::mem::take(&mut changes));
                        self.carry_out(other);
                    }
                }
                if changes.len() < TOGETHER {
                    next = inbox.try_recv().ok();
                }
            }
            self.write(changes);
        }
    }

    /// The next order; while none comes, what is left to do is done.
    fn next(&mut self, inbox: &Receiver<Order>) -> Option<Order> {
        loop {
            match inbox.try_recv() {
                Err(TryRecvError::Empty) => {}
                other => return other.ok(),
            }
            if self.cleaning == Cleaning::Due {
                self.clean();
            } else if self.waiting.is_empty() {
                return inbox.recv().ok();
            } else {
                match inbox.recv_timeout(AGAIN) {
                    Err(RecvTimeoutError::Timeout) => self.write(Vec::new()),
                    other => return other.ok(),
                }
            }
        }
    }

    fn carry_out(&mut self, order: Order) {
        // Who asked may have gone.
        match order {
            Order::Set(policy) => self.set(policy),
            Order::Write(change) => self.write(vec![change]),
            Order::Clean if self.cleaning == Cleaning::NotYet => self.cleaning = Cleaning::Due,
            Order::Clean => {}
            Order::Current(workspace, answer) => {
                let _ = answer.send(self.current(&workspace));
                self.warm_up();
            }
            Order::Answers(document, most, answer) => {
                let _ = answer.send(self.answers(&document, most));
            }
            Order::Find(conversation, answer) => drop(answer.send(self.find(&conversation))),
            Order::Turns(conversation, answer) => drop(answer.send(self.turns(&conversation))),
            Order::Conversations(answer) => drop(answer.send(self.conversations())),
            Order::Delete(conversation, answer) => drop(answer.send(self.delete(&conversation))),
            Order::Usage(answer) => drop(answer.send(self.usage())),
            Order::Report(answer) => drop(answer.send(self.report())),
            Order::Settle(answer) => {
                self.write(Vec::new());
                let _ = answer.send(());
            }
        }
    }

    pub(super) fn set(&mut self, policy: Policy) {
        self.policy = policy;
        if !policy.persist {
            self.waiting.clear();
            self.disk = None;
        }
    }

    /// Writes to disk what has been waiting and then this, or keeps it.
    pub(super) fn write(&mut self, changes: Vec<Change>) {
        if changes.is_empty() && self.waiting.is_empty() {
            return;
        }
        if !self.policy.persist {
            return self.keep_in_memory(&changes);
        }
        let earlier = self.waiting.len();
        self.waiting.extend(changes);
        let waiting = std::mem::take(&mut self.waiting);
        let written = self.opened().and_then(|disk| disk.write(&waiting));
        self.waiting = waiting;
        match written {
            Ok(()) => {
                self.waiting.clear();
                self.memory = None;
                self.held = 0;
                self.problem = None;
            }
            Err(problem) => {
                self.note(problem);
                let new = self.waiting.split_off(earlier.min(self.waiting.len()));
                self.keep_in_memory(&new);
                self.waiting.extend(new);
                let too_many = self.waiting.len().saturating_sub(IN_MEMORY);
                self.waiting.drain(..too_many);
            }
        }
    }

    /// A question was asked: what makes the first write slow is done while the model answers, so that its turn, and those
    /// close behind it, are on their way to the disk for an instant only.
    fn warm_up(&mut self) {
        if self.policy.persist
            && let Err(problem) = self.opened().and_then(Database::warm_up)
        {
            self.note(problem);
        }
    }

    fn opened(&mut self) -> Result<&mut Database, Problem> {
        let Some(directory) = &self.directory else {
            return Err(Problem {
                place: None,
                cause: Cause::Homeless,
            });
        };
        let disk = match self.disk.take() {
            Some(disk) => disk,
            None => Database::open(directory, self.busy)?,
        };
        Ok(self.disk.insert(disk))
    }

    fn keep_in_memory(&mut self, changes: &[Change]) {
        let memory = match self.memory.take() {
            Some(memory) => Ok(memory),
            None => Database::in_memory(),
        };
        let kept = memory.and_then(|memory| {
            let memory = self.memory.insert(memory);
            memory.write(changes)?;
            memory.keep_newest(IN_MEMORY)
        });
        if let Err(problem) = kept {
            tracing::warn!("the history is not even kept in memory: {problem}");
        }
    }

    /// What can be read of the disk, and of memory. A disk that cannot be read counts as empty.
    fn read<T>(&mut self, read: impl Fn(&mut Database) -> Result<T, Problem>) -> Vec<T> {
        let on_disk = self.read_disk(&read);
        let in_memory = self.memory.as_mut().and_then(|memory| {
            let read = read(memory);
            read.inspect_err(|problem| {
                tracing::warn!("what is in memory cannot be read: {problem}");
            })
            .ok()
        });
        on_disk.into_iter().chain(in_memory).collect()
    }

    fn read_disk<T>(&mut self, read: impl Fn(&mut Database) -> Result<T, Problem>) -> Option<T> {
        match self.try_disk(read) {
            Ok(found) => {
                if self.waiting.is_empty() {
                    self.problem = None;
                }
                found
            }
            Err(problem) => {
                self.note(problem);
                None
            }
        }
    }

    fn try_disk<T>(
        &mut self,
        read: impl Fn(&mut Database) -> Result<T, Problem>,
    ) -> Result<Option<T>, Problem> {
        let Some(directory) = self.directory.as_ref().filter(|_| self.policy.persist) else {
            return Ok(None);
        };
        let opened = match self.disk.take() {
            Some(disk) => Ok(Some(disk)),
            None => Database::open_existing(directory, self.busy),
        };
        opened.and_then(|disk| {
            self.disk = disk;
            self.disk.as_mut().map(read).transpose()
        })
    }

    /// The last answers about a document, the newest first. Nobody has asked for them: what is wrong with the disk is told
    /// when somebody does.
    pub(super) fn answers(&mut self, document: &str, most: usize) -> Vec<Record> {
        let found = self.try_disk(|disk| disk.answers(document, most));
        if found.is_err() {
            self.disk = None;
        }
        found.ok().flatten().unwrap_or_default()
    }

    pub(super) fn current(&mut self, workspace: &str) -> Option<Past> {
        let found = self.read_disk(|disk| disk.current(workspace)).flatten();
        let can_be_read = self.policy.persist && self.directory.is_some() && self.problem.is_none();
        found.or_else(|| {
            can_be_read.then(|| Past {
                conversation: first_conversation(workspace),
                turns: Vec::new(),
            })
        })
    }

    /// A conversation, with what is only in memory of it at its end.
    pub(super) fn find(&mut self, conversation: &str) -> Option<(Home, Past)> {
        let found = self.read(|database| database.find(conversation));
        let mut found = found.into_iter().flatten();
        let (home, mut past) = found.next()?;
        for (_, more) in found {
            let turns = more.turns.into_iter();
            let known: Vec<i64> = past.turns.iter().map(|turn| turn.id).collect();
            let new = turns.filter(|turn| !known.contains(&turn.id));
            past.turns.extend(new);
        }
        Some((home, past))
    }

    /// All turns of a conversation, each with its date and time on this computer's clock.
    pub(super) fn turns(&mut self, conversation: &str) -> Vec<(Record, String)> {
        let mut all: Vec<(Record, String)> = Vec::new();
        let mut known = BTreeSet::new();
        for found in self.read(|database| database.turns(conversation)) {
            let new = found.into_iter();
            all.extend(new.filter(|(record, _)| known.insert(record.turn.id)));
        }
        all
    }

    pub(super) fn conversations(&mut self) -> Vec<Summary> {
        let mut all: Vec<Summary> = Vec::new();
        for found in self.read(Database::conversations).into_iter().flatten() {
            let known = all
                .iter_mut()
                .find(|known| known.conversation == found.conversation);
            match known {
                None => all.push(found),
                Some(known) => {
                    known.turns += found.turns;
                    (known.updated, known.when) = (found.updated, found.when);
                }
            }
        }
        all.sort_by(|one, other| other.updated.cmp(&one.updated));
        all
    }

    pub(super) fn usage(&mut self) -> Vec<Used> {
        let mut all: BTreeMap<(String, String), Used> = BTreeMap::new();
        for found in self.read(Database::usage).into_iter().flatten() {
            match all.get_mut(&(found.day.clone(), found.model.clone())) {
                None => drop(all.insert((found.day.clone(), found.model.clone()), found)),
                Some(known) => {
                    known.requests += found.requests;
                    known.input += found.input;
                    known.cached += found.cached;
                    known.written += found.written;
                    known.output += found.output;
                    known.estimated += found.estimated;
                }
            }
        }
        let mut all: Vec<Used> = all.into_values().collect();
        all.sort_by(|one, other| other.day.cmp(&one.day));
        all
    }

    pub(super) fn delete(&mut self, conversation: &str) -> Result<bool, Problem> {
        let elsewhere = |change: &Change| match change {
            Change::Begin { home, .. } | Change::Turn { home, .. } => {
                home.conversation != conversation
            }
            Change::Forget(_) | Change::Leave(_) | Change::Usage { .. } => true,
        };
        self.waiting.retain(elsewhere);
        let in_memory = match &mut self.memory {
            Some(memory) => memory.delete(conversation)?,
            None => false,
        };
        self.problem = None;
        let on_disk = self.read_disk(|disk| disk.delete(conversation));
        match (&self.problem, on_disk) {
            (Some(problem), None) => Err(problem.clone()),
            (_, on_disk) => Ok(in_memory || on_disk.unwrap_or_default()),
        }
    }

    pub(super) fn report(&mut self) -> Report {
        self.read_disk(|_| Ok(()));
        let directory = self.directory.as_ref().filter(|_| self.policy.persist);
        Report {
            path: directory.map(|directory| file::path(directory)),
            bytes: directory.map_or(0, |directory| file::size(directory)),
            waiting: self.waiting.len(),
            problem: self.problem.clone(),
        }
    }

    pub(super) fn clean(&mut self) {
        let keep = i64::try_from(self.policy.keep.as_millis()).unwrap_or(i64::MAX);
        let more = self.read_disk(|disk| disk.delete_before(now().saturating_sub(keep)));
        if more != Some(true) {
            self.cleaning = Cleaning::Done;
        }
    }

    /// Something is wrong with the disk.
    fn note(&mut self, problem: Problem) {
        self.held = if problem.is_busy() { self.held + 1 } else { 0 };
        let passes = problem.is_busy() && self.held < PATIENCE;
        if !passes && !std::mem::replace(&mut self.told, true) {
            let _ = self.problems.send(problem.clone());
        }
        if !problem.is_busy() {
            // Opened anew at the next try: by then there may be another file.
            self.disk = None;
        }
        self.problem = Some(problem);
    }
}
