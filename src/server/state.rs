//! Everything that the server knows, behind one lock: documents, jobs, conversations, settings. No async function; nothing
//! here waits for anything. What is to be sent goes into the outbox.

use std::collections::{BTreeMap, HashMap};

use ropey::Rope;
use serde_json::Value;
use tokio::time::Instant;

use super::capabilities::Caps;
use super::job::{Job, Status, Work};
use super::outbox::{Message, Outbox, Outgoing};
use super::params::{ChangeParams, ContentChange, OpenParams};
use crate::config::{self, Environment, Settings};
use crate::conversation::Conversation;
use crate::gateway::Gateway;
use crate::prompt::context::Exclusions;
use crate::rewrite::{Command, Event, Millis, Now, Outcome, Pace};
use crate::text::document::{Batch, Change, Document, between_texts};
use crate::text::{Span, position};

/// The state of one connection.
pub struct State {
    /// What the client can do.
    pub caps: Caps,
    /// The open documents by the client's own URI string.
    pub documents: HashMap<String, Document>,
    /// All jobs of this run; old ones are forgotten.
    pub jobs: BTreeMap<String, Job>,
    /// The conversation of each workspace folder; `""` is that of documents outside all of them.
    pub conversations: HashMap<String, Conversation>,
    /// The settings in force.
    pub settings: Settings,
    /// The model that the user selected; it beats the settings until the server stops.
    pub selected_model: Option<String>,
    /// The newest selection that code actions were asked for; it follows the text.
    pub selection: Option<Selection>,
    /// Where messages go.
    pub outbox: Outbox,
    /// The gateway.
    pub gateway: Gateway,
    /// Which files are never sent.
    pub exclusions: Exclusions,
    /// The environment that the server was started with.
    pub environment: Environment,
    pub(super) pace: Pace,
    pub(super) next_job: u64,
    started: Instant,
    closed: HashMap<String, Rope>,
    stopping: bool,
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
}

/// Jobs that have ended are kept, for `ezrouter.status` and *Show answer*, up to this number.
const KEPT_JOBS: usize = 100;

impl State {
    /// The state before `initialize`.
    pub fn new(environment: Environment, outbox: Outbox) -> Self {
        let (settings, _) = config::settings(&environment, &Value::Null);
        let gateway = Gateway::new(environment.gateway(&settings));
        Self {
            caps: Caps::default(),
            documents: HashMap::new(),
            jobs: BTreeMap::new(),
            conversations: HashMap::new(),
            settings,
            selected_model: None,
            selection: None,
            outbox,
            gateway,
            exclusions: Exclusions::default(),
            environment,
            pace: Pace::Unknown,
            next_job: 1,
            started: Instant::now(),
            closed: HashMap::new(),
            stopping: false,
        }
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
    }

    /// Takes the editor's settings; what is wrong with them is said, and the rest is used.
    pub fn configure(&mut self, editor: &Value) {
        let (settings, problems) = config::settings(&self.environment, editor);
        let before = self.environment.gateway(&self.settings);
        let after = self.environment.gateway(&settings);
        if (before.timeouts, before.attempts) != (after.timeouts, after.attempts) {
            self.gateway = Gateway::new(after);
        }
        self.settings = settings;
        if !problems.is_empty() {
            self.show(&Message::warning(format!(
                "ezrouter settings: {}",
                problems.join("; ")
            )));
        }
    }

    /// The model to ask.
    pub fn model(&self) -> String {
        self.selected_model
            .clone()
            .unwrap_or_else(|| self.settings.model.clone())
    }

    /// A document was opened, or opened again.
    pub fn open(&mut self, params: OpenParams) {
        let known = params.text.is_some();
        let document = Document::open(
            params.language,
            params.version,
            &params.text.unwrap_or_default(),
        );
        let before = self.closed.remove(&params.uri);
        let before = before.or_else(|| {
            self.documents
                .get(&params.uri)
                .map(|document| document.text().clone())
        });
        let after = document.text().clone();
        self.documents.insert(params.uri.clone(), document);
        if !known {
            self.lose_step(&params.uri, "it was opened without a text");
        } else if let Some(before) = before {
            let hull = between_texts(&before, &after);
            self.follow(
                &params.uri,
                &Batch {
                    before,
                    after,
                    hull,
                    between: Vec::new(),
                },
            );
        }
    }

    /// A document was changed.
    pub fn change(&mut self, params: ChangeParams) {
        let ChangeParams {
            uri,
            version,
            changes,
        } = params;
        let Some(document) = self.documents.get_mut(&uri) else {
            tracing::warn!("a change of a document that is not open was ignored");
            return;
        };
        let was_out_of_step = document.is_out_of_step();
        let unreadable = changes
            .iter()
            .rposition(|change| matches!(change, ContentChange::Unreadable(_)));
        let readable = changes
            .get(unreadable.map_or(0, |index| index + 1)..)
            .unwrap_or_default();
        if unreadable.is_some() {
            document.mark_out_of_step();
        }
        let readable: Vec<Change> = readable.iter().filter_map(readable_change).collect();
        match document.apply(version, &readable, self.caps.encoding) {
            Ok(batch) => self.follow(&uri, &batch),
            Err(_) if was_out_of_step => {}
            Err(error) => self.lose_step(&uri, &error.reason),
        }
    }

    /// A document was closed. Its rewrites wait a moment for it to be opened again.
    pub fn close(&mut self, uri: &str) {
        let Some(document) = self.documents.remove(uri) else {
            return;
        };
        if self.rewrites(uri).is_empty() {
            self.put_away_answers(uri);
            return;
        }
        self.closed.insert(uri.to_owned(), document.text().clone());
        for id in self.rewrites(uri) {
            self.step_rewrite(&id, Event::Closed);
        }
    }

    /// `shutdown`, or the client has gone: no edit is sent any more and all connections are closed.
    pub fn stop(&mut self) {
        self.stopping = true;
        for job in self.jobs.values() {
            job.disconnect.notify_one();
        }
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
    }

    /// The next moment at which [`State::tick`] has something to do.
    pub fn next_wake(&self) -> Option<Millis> {
        let rewrites = self
            .jobs
            .values()
            .filter_map(|job| job.rewrite().and_then(super::super::rewrite::Rewrite::wake))
            .min();
        rewrites.into_iter().chain(self.next_report()).min()
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
        };
        let text = self.text(&uri);
        let Some(Job {
            work: Work::Rewrite(work),
            ..
        }) = self.jobs.get_mut(id)
        else {
            return;
        };
        let held = work.0.holds_turn();
        let commands = work.0.step(now, &text, event);
        let passes = held && !work.0.holds_turn();
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
        job.message = message;
        job.finished.get_or_insert(now);
        if was_pending {
            self.tell_job(id);
        } else {
            self.tell_end(id);
        }
        self.forget_old_jobs();
    }

    fn carry_out(&mut self, id: &str, commands: Vec<Command>) {
        for command in commands {
            match command {
                Command::Send { seq, phase, edits } => self.send_edit(id, seq, phase, &edits),
                Command::Disconnect => {
                    if let Some(job) = self.jobs.get(id) {
                        job.disconnect.notify_one();
                    }
                }
                Command::Learned(pace) => self.pace = pace,
                Command::Settled(outcome) => {
                    let (status, message) = match outcome {
                        Outcome::Pending { parked } => (Status::Pending, parked),
                        Outcome::Done => (Status::Done, None),
                        Outcome::Cancelled => (Status::Cancelled, None),
                        Outcome::Failed(reason) => (Status::Failed, Some(reason)),
                    };
                    self.settle(id, status, message);
                }
            }
        }
    }

    fn send_edit(
        &mut self,
        id: &str,
        seq: u64,
        phase: crate::rewrite::Phase,
        edits: &[crate::text::Edit],
    ) {
        let Some((job, document)) = self
            .jobs
            .get(id)
            .and_then(|job| Some((job, self.documents.get(&job.uri)?)))
        else {
            return;
        };
        let edits: Vec<Value> = edits
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
        self.outbox.send(Outgoing::Edit {
            job: id.to_owned(),
            seq,
            phase,
            edit,
            joined,
        });
    }

    /// Carries everything that is anchored in a document through a change. The rewrite whose edit is under way judges
    /// first: what is its own echo is nobody's typing.
    fn follow(&mut self, uri: &str, batch: &Batch) {
        let mut rewrites = self.rewrites(uri);
        rewrites.sort_by_key(|id| !self.holds_turn(id));
        let mut own = false;
        for (index, id) in rewrites.iter().enumerate() {
            let now = Now {
                millis: self.now(),
                turn: self.turn_is_free(uri, id),
            };
            let holder = index == 0 && self.holds_turn(id);
            let Some(Job {
                work: Work::Rewrite(work),
                ..
            }) = self.jobs.get_mut(id)
            else {
                continue;
            };
            let (commands, foreign) = work.0.changed(now, batch, own);
            own |= holder && !foreign;
            self.carry_out(id, commands);
        }
        for job in self.jobs.values_mut().filter(|job| job.uri == uri) {
            if let Work::Ask(answer) = &mut job.work {
                answer.follow(batch);
            }
        }
        if let Some(selection) = self
            .selection
            .as_mut()
            .filter(|selection| selection.uri == uri)
        {
            selection.span = selection
                .span
                .and_then(|span| crate::answer::follow(span, &batch.before, &batch.after, batch));
        }
        self.pass_turn(uri, "");
    }

    /// Lets the rewrites of a document, other than `from`, go on now that the turn may be free.
    fn pass_turn(&mut self, uri: &str, from: &str) {
        for id in self.rewrites(uri) {
            if id != from && !self.holds_turn(&id) && self.turn_is_free(uri, &id) {
                self.step_rewrite(&id, Event::Tick);
            }
        }
    }

    /// The document's text is no longer known. Said once.
    fn lose_step(&mut self, uri: &str, reason: &str) {
        if let Some(document) = self.documents.get_mut(uri) {
            document.mark_out_of_step();
        }
        for id in self.rewrites(uri) {
            self.step_rewrite(&id, Event::OutOfStep);
        }
        let name = super::uri::name(uri);
        self.show(&Message::error(format!(
            "{name} is out of step with the editor: close and reopen the file ({reason})"
        )));
    }

    fn text(&self, uri: &str) -> Rope {
        let open = self
            .documents
            .get(uri)
            .map(|document| document.text().clone());
        open.or_else(|| self.closed.get(uri).cloned())
            .unwrap_or_default()
    }

    fn holds_turn(&self, id: &str) -> bool {
        self.jobs
            .get(id)
            .and_then(Job::rewrite)
            .is_some_and(crate::rewrite::Rewrite::holds_turn)
    }

    fn turn_is_free(&self, uri: &str, id: &str) -> bool {
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
    fn rewrites(&self, uri: &str) -> Vec<String> {
        self.jobs
            .values()
            .filter(|job| job.uri == uri && job.rewrite().is_some_and(|rewrite| !rewrite.is_over()))
            .map(|job| job.id.clone())
            .collect()
    }

    fn put_away_answers(&mut self, uri: &str) {
        for job in self.jobs.values_mut().filter(|job| job.uri == uri) {
            if let Work::Ask(answer) = &mut job.work {
                answer.dismissed = true;
            }
        }
    }

    fn forget_old_jobs(&mut self) {
        let ended: Vec<String> = self
            .jobs
            .values()
            .filter(|job| !job.status.is_running() && job.status != Status::Pending)
            .map(|job| job.id.clone())
            .collect();
        for id in ended.iter().take(ended.len().saturating_sub(KEPT_JOBS)) {
            self.jobs.remove(id);
        }
        let waiting: Vec<String> = self.closed.keys().cloned().collect();
        for uri in waiting {
            if self.rewrites(&uri).is_empty() {
                self.closed.remove(&uri);
            }
        }
    }
}

fn readable_change(change: &ContentChange) -> Option<Change> {
    match change {
        ContentChange::Whole(text) => Some(Change::Whole(text.clone())),
        ContentChange::Partial { range, text } => Some(Change::Partial {
            range: *range,
            text: text.clone(),
        }),
        ContentChange::Unreadable(_) => None,
    }
}
