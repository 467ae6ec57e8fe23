//! The history of this server's conversations: what is kept of each turn, and the commands that list, begin and delete
//! conversations. How turns are kept on disk is the store's business; which conversation goes on is that of `ongoing`.

use std::sync::Weak;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

use super::Shared;
use super::commands::Answer;
use super::ongoing::Ongoing;
use super::outbox::Message;
use super::state::State;
use crate::config::{Environment, Settings};
use crate::conversation::{Record, Turn};
use crate::store::{self, Change, Home, Policy, Problem, Report, Window};

/// How long a question waits for its past, and a command for the store. A disk that is slower must not hold the work up.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// What is said when that was not enough.
pub(super) const BUSY: &str = "the history is busy; try again";

/// After so long the start is over.
const START: Duration = Duration::from_secs(60);

/// Tells what is wrong with the store.
pub(super) async fn tell(shared: Weak<Shared>, mut problems: UnboundedReceiver<Problem>) {
    while let Some(problem) = problems.recv().await {
        let Some(shared) = shared.upgrade() else {
            return;
        };
        shared.change(|state| state.store_fails(&problem));
    }
}

/// Has turns that are too old deleted, also if nothing is asked: when the start is over, and the client has had the time to
/// say how long they are to be kept.
pub(super) async fn clean_later(shared: Weak<Shared>) {
    tokio::time::sleep(START).await;
    if let Some(shared) = shared.upgrade() {
        shared.quietly(|state| state.store.clean());
    }
}

impl State {
    /// What the user has decided about the history.
    pub(super) fn policy(&self) -> Policy {
        policy(self.config.settings(), &self.environment)
    }

    /// Keeps a completed turn, so that the next question can refer to it.
    pub(super) fn remember(&mut self, id: &str) {
        let now = self.now();
        let Some(uri) = self.jobs.get(id).map(|job| job.uri.clone()) else {
            return;
        };
        let budget = self.settings(&uri).history_max_bytes as usize;
        let Some(job) = self.jobs.get_mut(id) else {
            return;
        };
        // No surface takes an empty message.
        if job.raw.trim().is_empty() {
            return;
        }
        let turn = Turn {
            id: store::new_turn(),
            question: job.question.clone(),
            answer: job.raw.clone(),
            document: std::iter::once(&job.document)
                .chain(&job.along)
                .filter(|uri| !uri.is_empty())
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join("\n"),
        };
        job.turn = Some(turn.id);
        let home = job.home.clone();
        let record = Box::new(Record {
            turn: turn.clone(),
            kind: job.kind(),
            title: job.title.clone(),
            path: job.path.clone(),
            lines: job.lines,
            model: job.model.clone(),
            surface: self.gateway.surface(&job.model),
            time: store::now(),
            usage: job.usage,
            seconds: job.seconds(now),
        });
        let window = match self.past_mut(&home) {
            Some(past) => {
                past.append(turn, budget);
                past.first().map_or(Window::Behind, Window::From)
            }
            None => Window::Unknown,
        };
        self.store.write(Change::Turn {
            home,
            record,
            window,
        });
        self.store.clean();
    }

    /// Takes the turn of a job that is being replaced out of its conversation.
    pub(super) fn forget_turn(&mut self, home: &Home, turn: i64) {
        if let Some(past) = self.past_mut(home) {
            past.forget(turn);
        }
        self.store.write(Change::Forget(turn));
    }

    /// Counts what a job took.
    pub(super) fn count(&self, id: &str) {
        let job = self.jobs.get(id);
        if let Some((job, usage)) = job.and_then(|job| Some((job, job.usage?))) {
            self.store.write(Change::Usage {
                model: job.model.clone(),
                usage,
                time: store::now(),
            });
        }
    }

    /// Begins a new conversation in a document's workspace.
    pub(super) fn new_conversation(&mut self, argument: &Value) -> Value {
        let workspace = self.workspace_meant(argument);
        let ongoing = Ongoing::new();
        let conversation = ongoing.id.clone();
        let home = Home {
            conversation: conversation.clone(),
            workspace: workspace.clone(),
            alone: false,
        };
        self.store.write(Change::Begin {
            home,
            time: store::now(),
        });
        self.conversations.insert(workspace, ongoing);
        json!({"conversation": conversation})
    }

    /// All conversations, also those of other workspaces; `current` are those that questions go on with.
    pub(super) fn list_conversations(&self) -> BoxFuture<'static, Answer> {
        let store = self.store.clone();
        let current: Vec<String> = self
            .conversations
            .values()
            .map(|ongoing| ongoing.id.clone())
            .collect();
        in_time(async move {
            let all = store.conversations().await;
            let entry = |summary: &store::Summary| {
                json!({
                    "conversation": summary.conversation, "workspace": summary.workspace, "title": summary.title,
                    "created": summary.created, "updated": summary.updated, "turns": summary.turns,
                    "current": current.contains(&summary.conversation),
                })
            };
            Ok(all.iter().map(entry).collect())
        })
    }

    /// Deletes a conversation. A question that is being answered in it goes on in a new one.
    pub(super) fn delete_conversation(&mut self, argument: &Value) -> BoxFuture<'static, Answer> {
        let Some(id) = argument.get("conversation").and_then(Value::as_str) else {
            let reason = "name a conversation: {\"conversation\": ...}; ezrouter.listConversations tells which there are";
            return std::future::ready(Err(reason.to_owned())).boxed();
        };
        let id = id.to_owned();
        let mut is_current = false;
        for ongoing in self.conversations.values_mut() {
            if ongoing.id == id {
                *ongoing = Ongoing::new();
                is_current = true;
                let moved = self.jobs.values_mut();
                for job in moved.filter(|job| job.home.conversation == id) {
                    job.home.conversation.clone_from(&ongoing.id);
                }
            }
        }
        let store = self.store.clone();
        in_time(async move {
            match store.delete(&id).await {
                Ok(deleted) if deleted || is_current => Ok(json!({"ok": true})),
                Ok(_) => Err(format!("there is no conversation {}", shortened(&id))),
                Err(problem) => Err(format!("it was not deleted: {problem}")),
            }
        })
    }

    /// What each model took on each day.
    pub(super) fn usage(&self) -> BoxFuture<'static, Answer> {
        let store = self.store.clone();
        in_time(async move {
            let days = store.usage().await;
            let entry = |used: &store::Used| {
                json!({
                    "day": used.day, "model": used.model, "requests": used.requests, "input": used.input,
                    "cached": used.cached, "written": used.written, "output": used.output, "estimated": used.estimated,
                })
            };
            Ok(days.iter().map(entry).collect())
        })
    }

    /// Puts the store's state into the answer of `ezrouter.status`, which comes whatever the store does.
    pub(super) fn with_store(&self, mut status: Value) -> BoxFuture<'static, Answer> {
        let (store, wanted) = (self.store.clone(), self.policy().persist);
        let environment = self.environment.clone();
        let told = async move {
            let report = timeout(PATIENCE, store.report()).await;
            status["store"] = match report {
                Ok(report) => store_value(&environment, &report, wanted),
                Err(_) => json!({"state": "busy"}),
            };
            Ok(status)
        };
        told.boxed()
    }

    /// The history cannot be kept on disk.
    pub(super) fn store_fails(&mut self, problem: &Problem) {
        let text = format!("{problem}. Until then conversations are kept in memory only");
        self.show(&Message::warning(text));
    }
}

/// The answer of a command that waits for the store.
fn in_time(answer: impl Future<Output = Answer> + Send + 'static) -> BoxFuture<'static, Answer> {
    let answered = timeout(PATIENCE, answer);
    answered
        .map(|answer| answer.unwrap_or_else(|_| Err(BUSY.to_owned())))
        .boxed()
}

/// What `ezrouter.status` says of the store.
fn store_value(environment: &Environment, report: &Report, wanted: bool) -> Value {
    let state = match &report.problem {
        _ if !wanted => "in memory, as the settings say".to_owned(),
        Some(problem) => format!("in memory: {problem}"),
        None if report.path.is_none() => {
            "in memory: there is no home directory; set EZROUTER_STATE_DIR".to_owned()
        }
        None => "on disk".to_owned(),
    };
    let path = report.path.as_ref().map(|path| environment.shown(path));
    let state = environment.without_home(&state);
    json!({"path": path, "bytes": report.bytes, "state": state, "waiting": report.waiting})
}

/// What a client wrote, for a message.
pub(super) fn shortened(id: &str) -> String {
    id.chars().take(40).collect()
}

/// What the user has decided about the history. Scripted answers have no place in it.
pub(super) fn policy(settings: &Settings, environment: &Environment) -> Policy {
    Policy {
        persist: settings.history_persist && !environment.is_offline(),
        keep: Duration::from_secs(u64::from(settings.history_keep_days) * 24 * 60 * 60),
    }
}
