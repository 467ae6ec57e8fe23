//! Questions that are written in a conversation document, and answers that come into one: both stream there with the engine
//! that rewrites code, so that typing elsewhere, a stop and an undo do what they do there.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Notify;

use super::commands::Answer;
use super::job::{Job, Part, Status, Work};
use super::outbox::Message;
use super::start::Started;
use super::state::State;
use crate::action;
use crate::config::HistoryScope;
use crate::conversation::markdown::Head;
use crate::conversation::page::{self, Addition, Writing};
use crate::rewrite::{Event, Rewrite};
use crate::store::Home;
use crate::task::Subject;
use crate::text::Span;

impl State {
    /// Whether *Send* has something to send.
    pub(super) fn can_send(&self, uri: &str) -> bool {
        let document = || self.documents.get(uri);
        let is_written = || {
            document().is_some_and(|document| page::question(&document.text().to_string()).is_ok())
        };
        self.page_of(uri).is_some() && self.at_work(uri).is_none() && is_written()
    }

    /// Sends the question that stands under the last heading of a conversation document; the answer goes behind it.
    pub(super) fn send(&mut self, argument: &Value, started: &mut Option<Started>) -> Answer {
        self.refresh_settings();
        let uri = self.page_meant(argument)?;
        let name = super::uri::name(&uri);
        let page = self.page_of(&uri).ok_or_else(|| {
            format!("{name} is no conversation document; ezrouter.openConversation opens one")
        })?;
        let document = self.documents.get(&uri).ok_or("the document is not open")?;
        if document.is_out_of_step() {
            return Err(format!(
                "{name} is out of step with the editor: close and reopen the file"
            ));
        }
        if let Some(reason) = self.at_work(&uri) {
            return Err(reason);
        }
        let text = document.text().to_string();
        let place = page::question(&text)?;
        let question = text.get(place.clone()).unwrap_or_default();
        let behind = text.get(place.end..).unwrap_or_default();
        let subject = Subject::question(question)?;
        let writing = Writing::answer(behind, document.line_ending().as_str());
        let span = Span::new(place.end, place.end);
        let rewrite = Rewrite::new(document.text(), span, self.page_options(&uri));
        let work = Work::Page(Box::new((rewrite, writing)));
        let model = argument.get("model").and_then(Value::as_str);
        let model = model.map_or_else(|| self.model(&uri), str::to_owned);
        let id = self.new_job_id();
        let disconnect = Arc::new(Notify::new());
        let job = Job {
            status: Status::Waiting(format!("waiting for {model}")),
            model,
            part: Part::Reply,
            document: String::new(),
            home: Home {
                conversation: page.conversation,
                workspace: page.workspace,
                alone: self.settings(&uri).history_scope == HistoryScope::None,
            },
            argument: argument.clone(),
            disconnect: Arc::clone(&disconnect),
            ..Job::new(&id, uri.clone(), action::title(question), work, self.now())
        };
        self.jobs.insert(id.clone(), job);
        self.lacks_turns(&uri);
        self.keep_original(&id);
        self.begin_progress(&id);
        *started = Some(Started {
            id: id.clone(),
            subject,
            disconnect,
        });
        Ok(json!({"job": id}))
    }

    /// The document that a command means: the one that it names, that of the newest selection, or the only one that is open.
    fn page_meant(&self, argument: &Value) -> Result<String, String> {
        if let Some(uri) = argument.get("uri").and_then(Value::as_str) {
            return Ok(uri.to_owned());
        }
        let selected = self.selection.as_ref().map(|selection| &selection.uri);
        let selected = selected.filter(|uri| self.page_of(uri).is_some());
        if let Some(uri) = selected {
            return Ok(uri.clone());
        }
        let mut open = self
            .documents
            .keys()
            .filter(|uri| self.page_of(uri).is_some());
        match (open.next(), open.next()) {
            (Some(uri), None) => Ok(uri.clone()),
            (None, _) => Err(
                "no conversation document is open; ezrouter.openConversation opens one".to_owned(),
            ),
            (Some(_), Some(_)) => {
                Err("several conversation documents are open; name one: {\"uri\": ...}".to_owned())
            }
        }
    }

    /// Why nothing can be sent from a document at the moment.
    fn at_work(&self, uri: &str) -> Option<String> {
        let here = |job: &&Job| job.uri == uri && matches!(job.part, Part::Section | Part::Reply);
        let mut jobs = self.jobs.values().filter(here);
        jobs.find_map(|job| match job.status {
            Status::Pending => Some(
                "the last answer here is not decided yet; choose Apply the rest or Restore the original".to_owned(),
            ),
            _ if job.status.is_running() => Some(
                "an answer is being written here already; stop it first, or wait for it".to_owned(),
            ),
            _ => None,
        })
    }

    /// The turns that a document shows are no longer kept.
    pub(super) fn say_what_is_gone(&mut self, id: &str) {
        let Some(job) = self.jobs.get(id) else {
            return;
        };
        let text = self.text(&job.uri).to_string();
        if !page::read(&text).turns.is_empty() {
            let name = super::uri::name(&job.uri);
            let text = format!(
                "The earlier turns in {name} are no longer kept, so they are not sent along"
            );
            self.show(&Message::warning(text));
        }
    }

    /// Gives the answer of a job a place in the document of its conversation: from now on it is written there.
    pub(super) fn write_section(
        &mut self,
        id: &str,
        uri: &str,
        text: &str,
        addition: Option<Addition>,
    ) {
        let (Some(job), Some(document)) = (self.jobs.get(id), self.documents.get(uri)) else {
            return;
        };
        let Some((heading, _)) = page::read(text).question else {
            return;
        };
        let head = Head {
            title: &job.title,
            path: &job.path,
            lines: job.lines,
            when: "",
            question: &job.question,
        };
        let line_ending = document.line_ending().as_str();
        let (at, place) = page::place_of_section(text, heading, line_ending);
        let earlier = addition.map_or_else(String::new, |addition| addition.text);
        let mut writing = Writing::section(&head, &earlier, place, line_ending);
        let rewrite = Rewrite::new(document.text(), Span::new(at, at), self.page_options(uri));
        let piece = writing.push(&job.raw);
        if let Some(job) = self.jobs.get_mut(id) {
            job.part = Part::Section;
            uri.clone_into(&mut job.uri);
            job.work = Work::Page(Box::new((rewrite, writing)));
        }
        self.keep_original(id);
        self.bring_in(id, piece);
    }

    /// The answer in a document is whole.
    pub(super) fn complete_page(&mut self, id: &str) {
        self.remember(id);
        let now = self.now();
        let Some(job) = self.jobs.get_mut(id) else {
            return;
        };
        let (footer, turn) = (job.footer(now), job.turn);
        let conversation = job.home.conversation.clone();
        let Work::Page(work) = &mut job.work else {
            return;
        };
        work.1.end_with(&footer, turn);
        match work.1.finish() {
            Ok(rest) => {
                if let Some(turn) = turn {
                    self.is_in_page(&conversation, turn);
                }
                self.keep_reply(id, &rest, true);
                self.step_rewrite(id, Event::Complete(rest));
            }
            Err(rejected) => self.fail(id, format!("{rejected}; try again")),
        }
    }

    /// The answer in a document was cut off: what there is of it stays until the user has decided, and is no turn.
    pub(super) fn cut_page(&mut self, id: &str, reason: String) {
        let now = self.now();
        let Some(job) = self.jobs.get_mut(id) else {
            return;
        };
        let footer = format!("cut off; {}", job.footer(now));
        let Work::Page(work) = &mut job.work else {
            return;
        };
        work.1.end_with(&footer, None);
        match work.1.finish() {
            Ok(rest) => {
                // Parked first: the last text of a cut answer is kept, not sent.
                self.step_rewrite(id, Event::Incomplete(reason));
                self.step_rewrite(id, Event::Text(rest));
            }
            Err(_) => self.fail(id, reason),
        }
    }
}
