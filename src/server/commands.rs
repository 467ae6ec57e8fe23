//! `workspace/executeCommand`: which commands there are and what each does. Every one answers at once; what takes time
//! goes on as a job.

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::arguments;
use super::job::{Job, Status, Work};
use super::opening::Opening;
use super::outbox::Message;
use super::params;
use super::show_request::Wanted;
use super::state::State;
use crate::action::Kind;
use crate::gateway::catalog::Model;
use crate::rewrite::Event;
use crate::text::{Span, position};

/// The names offered to the client.
pub const COMMANDS: &[&str] = &[
    "ezrouter.ask",
    "ezrouter.rewrite",
    "ezrouter.cancel",
    "ezrouter.accept",
    "ezrouter.reject",
    "ezrouter.retry",
    "ezrouter.showDiff",
    "ezrouter.showRequest",
    "ezrouter.apply",
    "ezrouter.dismiss",
    "ezrouter.showAnswer",
    "ezrouter.openConversation",
    "ezrouter.send",
    "ezrouter.newConversation",
    "ezrouter.listConversations",
    "ezrouter.deleteConversation",
    "ezrouter.usage",
    "ezrouter.models",
    "ezrouter.selectModel",
    "ezrouter.restore",
    "ezrouter.status",
];

/// How long a command waits for the request for code actions that tells it what is selected. Helix 25.01 sends each message from
/// a task of its own, so a key that asks for both may send the command first (seen), and it would mean what was selected before.
pub(super) const OVERTAKEN: std::time::Duration = std::time::Duration::from_millis(60);

/// The answer of a command, or one sentence on why it did nothing.
pub type Answer = Result<Value, String>;

/// An answer that is there, or one that the store or the disk is asked for. No handler waits for it: the transport goes on
/// meanwhile.
pub(super) enum Reply {
    Now(Answer),
    Later(BoxFuture<'static, Answer>),
    /// A request is to be shown.
    View(Box<Wanted>),
    /// One that a conversation document is made for.
    Page(Opening),
}

impl State {
    /// Whether a command means what is selected, and may be here before that is told.
    pub(super) fn overtakes_its_selection(&self, params: &params::CommandParams) -> bool {
        let asks = ["ezrouter.ask", "ezrouter.rewrite", "ezrouter.showRequest"];
        self.caps.is_helix()
            && asks.contains(&params.command.as_str())
            && params.argument.get("range").is_none_or(Value::is_null)
    }

    /// Runs a command. A refusal is shown as a message too: Helix shows no error of a command.
    pub(super) fn execute(
        &mut self,
        command: &str,
        argument: &Value,
    ) -> (Reply, Option<super::start::Started>) {
        match arguments::read(argument) {
            Ok(argument) => self.execute_with(command, &argument),
            Err(reason) => {
                self.show(&Message::error(reason.clone()));
                (Reply::Now(Err(reason)), None)
            }
        }
    }

    fn execute_with(
        &mut self,
        command: &str,
        argument: &Value,
    ) -> (Reply, Option<super::start::Started>) {
        let mut started = None;
        let answer = match command {
            "ezrouter.listConversations" => {
                return (Reply::Later(self.list_conversations()), None);
            }
            "ezrouter.deleteConversation" => {
                return (Reply::Later(self.delete_conversation(argument)), None);
            }
            "ezrouter.openConversation" => return (Reply::Page(self.opening(argument)), None),
            "ezrouter.usage" => return (Reply::Later(self.usage()), None),
            "ezrouter.showRequest" => match self.request_to_show(argument) {
                Ok(wanted) => return (Reply::View(Box::new(wanted)), None),
                Err(reason) => Err(reason),
            },
            "ezrouter.status" => return (Reply::Later(self.with_store(self.status())), None),
            "ezrouter.ask" => self.start(Kind::Ask, argument, &mut started),
            "ezrouter.rewrite" => self.start(Kind::Rewrite, argument, &mut started),
            "ezrouter.cancel" => self.cancel(argument),
            "ezrouter.accept" => self.judge(argument, Verdict::Accept),
            "ezrouter.reject" => self.judge(argument, Verdict::Reject),
            "ezrouter.retry" => self.retry(argument, &mut started),
            "ezrouter.showDiff" => self.show_diff(argument),
            "ezrouter.apply" => self.apply(argument),
            "ezrouter.dismiss" => self.show_answer(argument, Visibility::Dismissed),
            "ezrouter.showAnswer" => self.show_answer(argument, Visibility::Shown),
            "ezrouter.send" => self.send(argument, &mut started),
            "ezrouter.newConversation" => Ok(self.new_conversation(argument)),
            "ezrouter.models" => Ok(self.models()),
            "ezrouter.selectModel" => self.select_model(argument),
            "ezrouter.restore" => self.restore(argument),
            other => Err(format!(
                "there is no command {other} in ezrouter-lsp {}",
                env!("CARGO_PKG_VERSION")
            )),
        };
        if let Err(reason) = &answer {
            self.show(&Message::error(reason.clone()));
        }
        (Reply::Now(answer), started)
    }

    /// Stops one job, or all of them.
    pub(super) fn cancel(&mut self, argument: &Value) -> Answer {
        let running: Vec<String> = match argument.get("job").and_then(Value::as_str) {
            Some(id) => {
                let waiting = self.retries.iter().find(|(_, retry)| retry.id == id);
                if let Some((earlier, _)) = waiting {
                    let earlier = earlier.clone();
                    self.retries.remove(&earlier);
                    return Ok(json!({"cancelled": [id]}));
                }
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
                let rest = answer.end(crate::answer::Stage::Stopped("stopped".to_owned()));
                answer.dismissed |= answer.is_empty();
                self.tell_answer(id, &rest, true);
                self.settle(id, Status::Cancelled, None);
            }
            Work::Rewrite(_) | Work::Page(_) => self.step_rewrite(id, Event::Cancel),
        }
    }

    /// Accepts or rejects a pending rewrite, or one hunk of it.
    fn judge(&mut self, argument: &Value, verdict: Verdict) -> Answer {
        let id = self.find(
            argument,
            |job| job.status == Status::Pending,
            "there is no rewrite to review here",
        )?;
        let hunk = argument.get("hunk").and_then(Value::as_u64);
        let hunk = hunk.and_then(|number| usize::try_from(number).ok());
        if let Some(number) = hunk {
            let document = self
                .jobs
                .get(&id)
                .and_then(|job| self.documents.get(&job.uri));
            let rewrite = self.jobs.get(&id).and_then(Job::rewrite);
            let hunks = rewrite
                .zip(document)
                .map_or_else(Vec::new, |(rewrite, document)| {
                    rewrite.hunks(document.text())
                });
            if !hunks.iter().any(|(known, _)| *known == number) {
                return Err(format!("there is no hunk {number} to review any more"));
            }
        }
        let kept = match (verdict, self.jobs.get(&id)) {
            (Verdict::Reject, Some(job)) => self.kept(job, hunk),
            _ => Vec::new(),
        };
        let event = match (verdict, hunk) {
            (Verdict::Accept, None) => Event::Accept,
            (Verdict::Reject, None) => Event::Reject,
            (Verdict::Accept, Some(number)) => Event::AcceptHunk(number),
            (Verdict::Reject, Some(number)) => Event::RejectHunk(number),
        };
        self.step_rewrite(&id, event);
        Ok(json!({"ok": true, "kept": kept}))
    }

    pub(super) fn kept(&self, job: &Job, hunk: Option<usize>) -> Vec<Value> {
        let Some((rewrite, document)) = job.rewrite().zip(self.documents.get(&job.uri)) else {
            return Vec::new();
        };
        let kept = rewrite.kept_by_reject(document.text(), hunk);
        kept.into_iter()
            .map(|(hunk, span)| {
                let range = position::range(document.text(), span, self.caps.encoding);
                json!({"hunk": hunk, "range": params::range_value(range)})
            })
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
    pub(super) fn find(
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

    /// The catalog as it was seen last; it is asked for again behind this answer.
    fn models(&self) -> Value {
        let seen = self.gateway.seen();
        self.gateway.refresh();
        let entry = |model: &Model| json!({"id": model.id, "surfaces": model.surfaces});
        json!({
            "models": seen.models.iter().map(entry).collect::<Vec<_>>(),
            "age": seen.age.map(|age| age.as_secs()),
            "model": self.selected_model.as_ref().unwrap_or(&self.config.settings().model),
        })
    }

    fn select_model(&mut self, argument: &Value) -> Answer {
        let model = argument
            .get("model")
            .and_then(Value::as_str)
            .map(str::trim)
            .filter(|model| !model.is_empty());
        let model = model.ok_or("name a model: {\"model\": \"claude-sonnet-4-6\"}")?;
        self.selected_model = Some(model.to_owned());
        let mut answer = json!({"model": model});
        // Taken all the same: the catalog may be older than the model, and the gateway decides.
        if let Some(lack) = self.gateway.seen().lack_of(model) {
            let message = format!("{model} is selected, but {lack}");
            self.show(&Message::warning(message.clone()));
            answer["message"] = message.into();
        }
        Ok(answer)
    }
}

/// What the user says of a pending rewrite.
#[derive(Clone, Copy)]
enum Verdict {
    Accept,
    Reject,
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

pub(super) fn unknown_job(id: &str) -> String {
    let id: String = id.chars().take(40).collect();
    format!("there is no job {id} any more")
}
