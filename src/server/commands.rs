//! `workspace/executeCommand`: which commands there are and what each does. Every one answers at once; what takes time
//! goes on as a job.

use serde_json::{Value, json};

use super::job::{Job, Status, Work};
use super::outbox::Message;
use super::params;
use super::progress::Progress;
use super::state::State;
use crate::action::Kind;
use crate::rewrite::Event;
use crate::text::{Span, position};

/// The names offered to the client.
pub const COMMANDS: &[&str] = &[
    "ezrouter.ask",
    "ezrouter.rewrite",
    "ezrouter.cancel",
    "ezrouter.accept",
    "ezrouter.reject",
    "ezrouter.apply",
    "ezrouter.dismiss",
    "ezrouter.showAnswer",
    "ezrouter.newConversation",
    "ezrouter.selectModel",
    "ezrouter.status",
];

/// The answer of a command, or one sentence on why it did nothing.
pub type Answer = Result<Value, String>;

impl State {
    /// Runs a command. A refusal is shown as a message too: Helix shows no error of a command.
    pub(super) fn execute(
        &mut self,
        command: &str,
        argument: &Value,
    ) -> (Answer, Option<super::start::Started>) {
        let mut started = None;
        let answer = match command {
            "ezrouter.ask" => self.start(Kind::Ask, argument, &mut started),
            "ezrouter.rewrite" => self.start(Kind::Rewrite, argument, &mut started),
            "ezrouter.cancel" => self.cancel(argument),
            "ezrouter.accept" => self.judge(argument, Event::Accept),
            "ezrouter.reject" => self.judge(argument, Event::Reject),
            "ezrouter.apply" => self.apply(argument),
            "ezrouter.dismiss" => self.show_answer(argument, Visibility::Dismissed),
            "ezrouter.showAnswer" => self.show_answer(argument, Visibility::Shown),
            "ezrouter.newConversation" => Ok(self.new_conversation(argument)),
            "ezrouter.selectModel" => self.select_model(argument),
            "ezrouter.status" => Ok(self.status()),
            other => Err(format!(
                "there is no command {other} in ezrouter-lsp {}",
                env!("CARGO_PKG_VERSION")
            )),
        };
        if let Err(reason) = &answer {
            self.show(&Message::error(reason.clone()));
        }
        (answer, started)
    }

    /// Stops one job, or all of them.
    pub(super) fn cancel(&mut self, argument: &Value) -> Answer {
        let running: Vec<String> = match argument.get("job").and_then(Value::as_str) {
            Some(id) => {
                let job = self.jobs.get(id).ok_or_else(|| unknown_job(id))?;
                if job.status.is_running() {
                    vec![id.to_owned()]
                } else {
                    Vec::new()
                }
            }
            None => self
                .jobs
                .values()
                .filter(|job| job.status.is_running())
                .map(|job| job.id.clone())
                .collect(),
        };
        for id in &running {
            self.cancel_job(id);
        }
        Ok(json!({"cancelled": running}))
    }

    pub(super) fn cancel_job(&mut self, id: &str) {
        let Some(job) = self.jobs.get_mut(id).filter(|job| job.status.is_running()) else {
            return;
        };
        match &mut job.work {
            Work::Ask(answer) => {
                job.disconnect.notify_one();
                answer.stage = crate::answer::Stage::Stopped("stopped".to_owned());
                answer.dismissed |= answer.text.is_empty();
                self.tell_answer(id, "", true);
                self.settle(id, Status::Cancelled, None);
            }
            Work::Rewrite(_) => self.step_rewrite(id, Event::Cancel),
        }
    }

    /// Accepts or rejects a pending rewrite.
    fn judge(&mut self, argument: &Value, verdict: Event) -> Answer {
        let id = self.find(
            argument,
            |job| job.status == Status::Pending,
            "there is no rewrite to review here",
        )?;
        let kept = match (&verdict, self.jobs.get(&id)) {
            (Event::Reject, Some(job)) => self.kept(job),
            _ => Vec::new(),
        };
        self.step_rewrite(&id, verdict);
        Ok(json!({"ok": true, "kept": kept}))
    }

    fn kept(&self, job: &Job) -> Vec<Value> {
        let Some((rewrite, document)) = job.rewrite().zip(self.documents.get(&job.uri)) else {
            return Vec::new();
        };
        let spans = rewrite.kept_by_reject(document.text());
        let ranges = spans
            .into_iter()
            .map(|span| position::range(document.text(), span, self.caps.encoding));
        ranges
            .enumerate()
            .map(|(hunk, range)| json!({"hunk": hunk, "range": params::range_value(range)}))
            .collect()
    }

    fn apply(&mut self, argument: &Value) -> Answer {
        let parked = |job: &Job| {
            job.rewrite()
                .and_then(super::super::rewrite::Rewrite::parked)
                .is_some_and(|parked| parked.applicable)
        };
        let id = self.find(argument, parked, "there is no result to apply here")?;
        if !self.caps.apply_edit {
            return Err(
                "this editor takes no edits from servers; choose Apply in the list of code actions"
                    .to_owned(),
            );
        }
        self.step_rewrite(&id, Event::Apply);
        Ok(json!({"ok": true, "kept": []}))
    }

    fn show_answer(&mut self, argument: &Value, visibility: Visibility) -> Answer {
        let dismissed = visibility == Visibility::Dismissed;
        let fits = |job: &Job| {
            job.answer()
                .is_some_and(|answer| answer.dismissed != dismissed)
        };
        let missing = if dismissed {
            "there is no answer to dismiss here"
        } else {
            "there is no answer to show here"
        };
        let id = self.find(argument, fits, missing)?;
        if let Some(Job {
            work: Work::Ask(answer),
            ..
        }) = self.jobs.get_mut(&id)
        {
            answer.dismissed = dismissed;
        }
        Ok(json!({"ok": true}))
    }

    /// The job that a command means: the one it names, or the newest fitting one at its position, or in its document, or
    /// anywhere.
    fn find(
        &self,
        argument: &Value,
        fits: impl Fn(&Job) -> bool,
        missing: &str,
    ) -> Result<String, String> {
        if let Some(id) = argument.get("job").and_then(Value::as_str) {
            let job = self.jobs.get(id).ok_or_else(|| unknown_job(id))?;
            return if fits(job) {
                Ok(id.to_owned())
            } else {
                Err(missing.to_owned())
            };
        }
        let uri = argument.get("uri").and_then(Value::as_str);
        let place = argument
            .get("position")
            .or_else(|| argument.pointer("/range/start"))
            .map(params::position);
        let here = |job: &Job| {
            let Some(uri) = uri else { return true };
            job.uri == uri
                && place.is_none_or(|place| {
                    self.documents
                        .get(uri)
                        .zip(job.span())
                        .is_some_and(|(document, span)| {
                            let offset =
                                position::offset(document.text(), place, self.caps.encoding);
                            touches(Span::new(offset, offset), span)
                        })
                })
        };
        let newest = self
            .jobs
            .values()
            .filter(|job| fits(job) && here(job))
            .max_by_key(|job| job.started);
        newest
            .map(|job| job.id.clone())
            .ok_or_else(|| missing.to_owned())
    }

    fn new_conversation(&mut self, argument: &Value) -> Value {
        let uri = argument.get("uri").and_then(Value::as_str);
        let selected = self
            .selection
            .as_ref()
            .map(|selection| selection.uri.as_str());
        let newest = self
            .jobs
            .values()
            .next_back()
            .map(|job| job.conversation.clone());
        let name = match uri.or(selected) {
            Some(uri) => self.conversation_of(uri),
            None => newest.unwrap_or_default(),
        };
        self.conversations.entry(name.clone()).or_default().clear();
        json!({"conversation": name})
    }

    fn select_model(&mut self, argument: &Value) -> Answer {
        let model = argument
            .get("model")
            .and_then(Value::as_str)
            .map(str::trim)
            .filter(|model| !model.is_empty());
        let model = model.ok_or("name a model: {\"model\": \"claude-sonnet-4-6\"}")?;
        self.selected_model = Some(model.to_owned());
        Ok(json!({"model": model}))
    }

    fn status(&self) -> Value {
        let now = self.now();
        let jobs: Vec<Value> = self
            .jobs
            .values()
            .rev()
            .map(|job| {
                json!({
                    "job": job.id, "title": job.title, "uri": job.uri, "range": self.job_range(job),
                    "state": job.status.word(), "model": job.model, "seconds": job.seconds(now),
                    "usage": job.usage_value(), "requestId": job.request_id, "message": job.message,
                    "progress": matches!(job.progress, Progress::Shown(_)),
                })
            })
            .collect();
        let gateway = self.environment.gateway(&self.settings);
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "settings": {
                "model": self.model(),
                "max_output_tokens": self.settings.max_output_tokens,
                "base_url": gateway.base_url,
                "key": if gateway.key.is_some() { "EZROUTER_API_KEY" } else { "none: set EZROUTER_API_KEY" },
            },
            "store": "in memory",
            "jobs": jobs,
        })
    }
}

/// Whether an answer is to be seen.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Visibility {
    Shown,
    Dismissed,
}

/// Whether two spans overlap or touch.
pub(super) fn touches(one: Span, other: Span) -> bool {
    one.start <= other.end && other.start <= one.end
}

fn unknown_job(id: &str) -> String {
    let id: String = id.chars().take(40).collect();
    format!("there is no job {id} any more")
}
