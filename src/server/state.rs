//! Everything that the server knows, behind one lock: documents, jobs, conversations, settings. No async function; nothing
//! here waits for anything. What is to be sent goes into the outbox.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use ropey::Rope;
use serde_json::Value;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use super::capabilities::Caps;
use super::ext::EditRequest;
use super::job::{Job, Status};
use super::ongoing::Ongoing;
use super::outbox::{Message, Outbox, Outgoing};
use super::record;

use crate::config::{Config, Environment};
use crate::gateway::Gateway;
use crate::journal::Journal;
use crate::rewrite::{Command, Event, Millis, Now, Outcome, Pace};
use crate::store::{self, Store};
use crate::text::document::Document;
use crate::text::{Edit, Span, position};

/// The state of one connection.
pub struct State {
    /// What the client can do.
    pub caps: Caps,
    /// The open documents by the client's own URI string.
    pub documents: HashMap<String, Document>,
    /// All jobs of this run; old ones are forgotten.
    pub jobs: BTreeMap<String, Job>,
    /// The conversation of each workspace that was asked about; `""` is that of documents outside all of them.
    pub conversations: HashMap<String, Ongoing>,
    /// Where conversations outlive the server.
    pub store: Store,
    /// The settings in force, those of each workspace folder among them.
    pub config: Config,
    /// What of the settings' problems has been said.
    pub(super) said: BTreeSet<String>,
    /// The model that the user selected; it beats the settings until the server stops.
    pub selected_model: Option<String>,
    /// The newest selection that code actions were asked for; it follows the text.
    pub selection: Option<Selection>,
    /// Where messages go.
    pub outbox: Outbox,
    /// The gateway.
    pub gateway: Gateway,
    /// The environment that the server was started with.
    pub environment: Environment,
    pub(super) pace: Pace,
    pub(super) next_job: u64,
    /// How many requests were shown.
    pub(super) views: u64,
    /// Keeps the originals of running rewrites.
    pub(super) journal: Journal,
    /// The interrupted rewrites of open documents.
    pub(super) interrupted: HashMap<String, super::interrupted::Offer>,
    /// The retries that wait for the result of an earlier job to be taken back, by that job.
    pub(super) retries: BTreeMap<String, super::review::Retry>,
    started: Instant,
    /// Whether the client has said `initialized`.
    pub(super) is_ready: bool,
    pub(super) closed: HashMap<String, Rope>,
    /// What rewrites have left in documents that were closed for good, the newest last.
    pub(super) left: VecDeque<super::moved::Left>,
    stopping: bool,
    /// The document whose change is being taken: set if that panicked half-way.
    pub(super) changing: Option<String>,
    pub(super) early: super::order::Early,
    /// What is to be done in conversation documents.
    pub(super) pages: super::pages::Pages,
}

/// A selection that follows the text.
#[derive(Clone, Debug)]
pub struct Selection {
    /// Its document.
    pub uri: String,
    /// Where it stands now, in bytes; `None` once its text is gone.
    pub span: Option<Span>,
    /// The range and the document's version as they were.
    pub asked: (crate::text::Range, Option<i32>),
    /// What other servers say about it, as the client sent it.
    pub diagnostics: Vec<Value>,
}

/// Jobs that have ended are kept, for `ezrouter.status` and *Show answer*, up to this number.
const KEPT_JOBS: usize = 100;

impl State {
    /// The state before `initialize`, and what comes to be wrong with its store.
    pub fn new(
        environment: Environment,
        outbox: Outbox,
    ) -> (Self, UnboundedReceiver<store::Problem>) {
        let config = Config::new(&environment);
        let gateway = Gateway::new(config.gateway());
        let journal = Journal::new(environment.state_directory());
        let policy = super::history::policy(config.settings(), &environment);
        let (store, problems) = Store::new(environment.state_directory(), policy);
        let state = Self {
            caps: Caps::default(),
            documents: HashMap::new(),
            jobs: BTreeMap::new(),
            conversations: HashMap::new(),
            store,
            config,
            said: BTreeSet::new(),
            selected_model: None,
            selection: None,
            outbox,
            gateway,
            environment,
            pace: Pace::Unknown,
            next_job: 1,
            views: 0,
            journal,
            interrupted: HashMap::new(),
            retries: BTreeMap::new(),
            started: Instant::now(),
            is_ready: false,
            closed: HashMap::new(),
            left: VecDeque::new(),
            stopping: false,
            changing: None,
            early: super::order::Early::default(),
            pages: super::pages::Pages::default(),
        };
        (state, problems)
    }

    /// Milliseconds since the server started.
    pub fn now(&self) -> Millis {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The moment, as an instant of the runtime.
    pub fn instant(&self, at: Millis) -> Instant {
        self.started + std::time::Duration::from_millis(at)
    }

    /// Takes what `initialize` says.
    pub fn initialize(&mut self, caps: Caps) {
        self.pace = if caps.version_guard() {
            Pace::Unknown
        } else {
            Pace::Late
        };
        self.caps = caps;
        self.read_projects();
    }

    /// `shutdown`, or the client has gone: no edit is sent any more and all connections are closed.
    pub fn stop(&mut self) {
        self.stopping = true;
        for job in self.jobs.values() {
            job.disconnect.notify_one();
        }
    }

    /// The connection has ended; gives the store, which may still be writing.
    pub fn end(&mut self) -> Store {
        self.stop();
        self.store.clone()
    }

    /// Some message came from the client.
    pub fn heard(&mut self) {
        let waiting: Vec<String> = self
            .jobs
            .values()
            .filter(|job| {
                job.rewrite()
                    .is_some_and(crate::rewrite::Rewrite::holds_turn)
            })
            .map(|job| job.id.clone())
            .collect();
        for id in waiting {
            self.step_rewrite(&id, Event::Heard);
        }
    }

    /// Time has passed.
    pub fn tick(&mut self) {
        let now = self.now();
        let due: Vec<String> = self
            .jobs
            .values()
            .filter(|job| {
                job.rewrite()
                    .and_then(super::super::rewrite::Rewrite::wake)
                    .is_some_and(|wake| wake <= now)
            })
            .map(|job| job.id.clone())
            .collect();
        for id in due {
            self.step_rewrite(&id, Event::Tick);
        }
        self.report_due();
        self.give_up_waiting();
    }

    /// The next moment at which [`State::tick`] has something to do.
    pub fn next_wake(&self) -> Option<Millis> {
        let rewrites = self
            .jobs
            .values()
            .filter_map(|job| job.rewrite().and_then(super::super::rewrite::Rewrite::wake))
            .min();
        let others = self.next_report().into_iter().chain(self.next_overdue());
        rewrites.into_iter().chain(others).min()
    }

    /// Gives an event to a rewrite and carries out what it wants.
    pub fn step_rewrite(&mut self, id: &str, event: Event) {
        if self.stopping {
            return;
        }
        let Some(uri) = self.jobs.get(id).map(|job| job.uri.clone()) else {
            return;
        };
        let now = Now {
            millis: self.now(),
            turn: self.turn_is_free(&uri, id),
            unchanged: self.is_unchanged(&uri),
        };
        let text = self.text(&uri);
        let Some(rewrite) = self.jobs.get_mut(id).and_then(Job::rewrite_mut) else {
            return;
        };
        let held = rewrite.holds_turn();
        let commands = rewrite.step(now, &text, event);
        let passes = held && !rewrite.holds_turn();
        self.carry_out(id, commands);
        if passes {
            self.pass_turn(&uri, id);
        }
    }

    /// Ends a generation, or the pending state behind it, and tells it.
    pub(super) fn settle(&mut self, id: &str, status: Status, message: Option<String>) {
        let now = self.now();
        let Some(job) = self.jobs.get_mut(id) else {
            return;
        };
        let was_pending = job.status == Status::Pending;
        job.status = status;
        // What the gateway or a model has said may stand in it.
        job.message = message.map(|message| crate::text::hidden::visible(&message));
        job.finished.get_or_insert(now);
        record::settled(job, now);
        self.settle_entry(id);
        if !was_pending {
            self.count(id);
        }
        if was_pending {
            self.tell_job(id);
            self.go_on_with_retry(id);
        } else {
            self.tell_end(id);
        }
        self.go_on_in_page(id);
        self.forget_old_jobs();
    }

    pub(super) fn carry_out(&mut self, id: &str, commands: Vec<Command>) {
        for command in commands {
            match command {
                Command::Send { seq, phase, edits } => self.send_edit(id, seq, phase, &edits),
                Command::Disconnect => {
                    if let Some(job) = self.jobs.get(id) {
                        job.disconnect.notify_one();
                    }
                }
                Command::Learned(pace) => self.pace = pace,
                Command::Refused(reason) => self.refused(id, &reason),
                Command::Settled(outcome) => {
                    let (status, message) = match outcome {
                        Outcome::Pending { parked } => (Status::Pending, parked),
                        Outcome::Done => (Status::Done, None),
                        Outcome::Cancelled => (Status::Cancelled, self.left_changes(id)),
                        Outcome::Failed(reason) => {
                            let left = self
                                .left_changes(id)
                                .map(|left| format!("{reason} ({left})"));
                            (Status::Failed, left.or(Some(reason)))
                        }
                    };
                    self.settle(id, status, message);
                }
            }
        }
    }

    /// What the user asked of a pending result could not be done.
    fn refused(&mut self, id: &str, reason: &str) {
        let title = self.jobs.get(id).map(|job| job.title.clone());
        let title = title.unwrap_or_default();
        self.show(&Message::warning(format!("{title}: {reason}")));
        self.go_on_with_retry(id);
    }

    /// What to say of text that was not taken back with the rest.
    fn left_changes(&self, id: &str) -> Option<String> {
        let left = self
            .jobs
            .get(id)
            .and_then(Job::rewrite)
            .is_some_and(crate::rewrite::Rewrite::left_changes);
        left.then(|| "what you changed in the new text was left in place".to_owned())
    }

    fn send_edit(&mut self, id: &str, seq: u64, phase: crate::rewrite::Phase, edits: &[Edit]) {
        let Some((job, document)) = self
            .jobs
            .get(id)
            .and_then(|job| Some((job, self.documents.get(&job.uri)?)))
        else {
            return;
        };
        let one = self
            .caps
            .undoes_edits_apart()
            .then(|| Edit::joined(document.text(), edits))
            .flatten();
        let edits: Vec<Value> = one
            .as_ref()
            .map_or(edits, std::slice::from_ref)
            .iter()
            .map(|edit| {
                let range = position::range(document.text(), edit.span, self.caps.encoding);
                serde_json::json!({"range": super::params::range_value(range), "newText": edit.text})
            })
            .collect();
        // The last version received, never a computed one: Neovim's versions jump.
        let identifier = serde_json::json!({"uri": job.uri, "version": document.version()});
        let edit = serde_json::json!({"textDocument": identifier, "edits": edits});
        let joined = self.caps.ext_apply_edit;
        let request = EditRequest {
            job: id.to_owned(),
            seq,
            phase: phase.into(),
            edit,
        };
        self.outbox.send(Outgoing::Edit { request, joined });
    }

    pub(super) fn text(&self, uri: &str) -> Rope {
        let open = self
            .documents
            .get(uri)
            .map(|document| document.text().clone());
        open.or_else(|| self.closed.get(uri).cloned())
            .unwrap_or_default()
    }

    pub(super) fn holds_turn(&self, id: &str) -> bool {
        self.jobs
            .get(id)
            .and_then(Job::rewrite)
            .is_some_and(crate::rewrite::Rewrite::holds_turn)
    }

    pub(super) fn turn_is_free(&self, uri: &str, id: &str) -> bool {
        self.documents.contains_key(uri)
            && !self.jobs.values().any(|job| {
                job.id != id
                    && job.uri == uri
                    && job
                        .rewrite()
                        .is_some_and(crate::rewrite::Rewrite::holds_turn)
            })
    }

    /// The rewrites of a document that are not over.
    pub(super) fn rewrites(&self, uri: &str) -> Vec<String> {
        self.jobs
            .values()
            .filter(|job| job.uri == uri && job.rewrite().is_some_and(|rewrite| !rewrite.is_over()))
            .map(|job| job.id.clone())
            .collect()
    }

    pub(super) fn forget_old_jobs(&mut self) {
        let ended: Vec<String> = self
            .jobs
            .values()
            .filter(|job| !job.status.is_running() && job.status != Status::Pending)
            .filter(|job| !job.is_earlier)
            .map(|job| job.id.clone())
            .collect();
        for id in ended.iter().take(ended.len().saturating_sub(KEPT_JOBS)) {
            self.jobs.remove(id);
        }
        let jobs = &self.jobs;
        self.closed.retain(|uri, _| {
            jobs.values()
                .any(|job| job.uri == *uri && job.span().is_some())
        });
    }
}
