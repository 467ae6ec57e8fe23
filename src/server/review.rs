//! What can be done with a job that has ended or waits for the user, beside accepting and rejecting: *Retry* and *Show diff*.

use std::time::Duration;

use serde_json::{Value, json};
use similar::TextDiff;

use super::commands::{Answer, unknown_job};
use super::ext::{JobNote, JobState};
use super::job::{Job, Part, Status};
use super::outbox::{Message, Outgoing};
use super::params;
use super::state::State;
use crate::action::Kind;
use crate::rewrite::Event;
use crate::text::document::Document;
use crate::text::{Span, hidden, position};
use crate::views;

/// A retry that waits until the earlier result is taken back.
pub(super) struct Retry {
    /// The new job.
    pub(super) id: String,
    kind: Kind,
    argument: Value,
}

impl State {
    /// Runs a job again, perhaps with other words or another model. A pending rewrite is rejected first; an answer is
    /// replaced, and its turn of the conversation with it.
    pub(super) fn retry(
        &mut self,
        argument: &Value,
        started: &mut Option<super::start::Started>,
    ) -> Answer {
        let named = argument.get("job").and_then(Value::as_str);
        let id = match named {
            Some(id) => id.to_owned(),
            None => self.find(
                argument,
                |job| !job.status.is_running(),
                "there is nothing to try again here",
            )?,
        };
        let job = self.jobs.get(&id).ok_or_else(|| unknown_job(&id))?;
        if job.status.is_running() {
            return Err("it is still running; stop it first".to_owned());
        }
        let (kind, pending) = (job.kind(), job.status == Status::Pending);
        let (part, uri) = (job.part, job.uri.clone());
        let mut again = arguments_again(job, argument);
        if pending {
            let new = self.new_job_id();
            let retry = Retry {
                id: new.clone(),
                kind,
                argument: again,
            };
            self.retries.insert(id.clone(), retry);
            self.step_rewrite(&id, Event::Reject);
            return Ok(json!({"job": new}));
        }
        match part {
            Part::Reply => return self.send(&json!({"uri": uri}), started),
            Part::Section => {}
            _ => again = self.with_range(&id, again)?,
        }
        let new = self.new_job_id();
        if kind == Kind::Ask {
            self.forget_answer(&id);
        }
        self.start_as(&new, kind, &again, started)
    }

    /// An earlier result has been taken back, or could not be: the retry that waits for that starts, or says that it does not.
    pub(super) fn go_on_with_retry(&mut self, id: &str) {
        let Some(retry) = self.retries.remove(id) else {
            return;
        };
        let mut started = None;
        let again = match self.jobs.get(id).map(|job| &job.status) {
            Some(Status::Cancelled) => self.with_range(id, retry.argument.clone()),
            _ => Err("the earlier result was not taken back, so it was not tried again".to_owned()),
        };
        let outcome =
            again.and_then(|again| self.start_as(&retry.id, retry.kind, &again, &mut started));
        if let Err(reason) = outcome {
            self.show(&Message::error(reason.clone()));
            if self.caps.ext_jobs {
                let uri = retry.argument.get("uri").and_then(Value::as_str);
                self.outbox.send(Outgoing::Job(JobNote {
                    job: retry.id,
                    kind: retry.kind.into(),
                    uri: uri.unwrap_or_default().to_owned(),
                    range: None,
                    state: JobState::Failed,
                    parked: None,
                    message: Some(reason),
                    usage: None,
                }));
            }
        }
        if let Some(started) = started {
            self.outbox.send(Outgoing::Start(started));
        }
    }

    /// The arguments with the range that the job's text has now.
    fn with_range(&self, id: &str, mut argument: Value) -> Answer {
        let gone = || "its text is gone; select again".to_owned();
        let job = self.jobs.get(id).ok_or_else(gone)?;
        let document = self.documents.get(&job.uri).ok_or_else(|| {
            format!(
                "{} is not open in the editor; open it and select again",
                super::uri::name(&job.uri)
            )
        })?;
        let was_empty = job
            .rewrite()
            .is_some_and(|rewrite| rewrite.original().is_empty());
        let span = job
            .about
            .or(job.span())
            .filter(|span| !span.is_empty() || was_empty)
            .ok_or_else(gone)?;
        let range = position::range(document.text(), span, self.caps.encoding);
        argument["range"] = params::range_value(range);
        Ok(argument)
    }

    /// Takes an answer away, and its turn out of the conversation.
    fn forget_answer(&mut self, id: &str) {
        let Some(job) = self.jobs.remove(id) else {
            return;
        };
        if let Some(turn) = job.turn {
            self.forget_turn(&job.home, turn);
        }
    }

    /// Shows what a rewrite changes, as a unified diff in a document of its own.
    pub(super) fn show_diff(&mut self, argument: &Value) -> Answer {
        let id = self.find(
            argument,
            |job| job.rewrite().is_some(),
            "there is no rewrite to show here",
        )?;
        let Some((job, rewrite)) = self
            .jobs
            .get(&id)
            .and_then(|job| Some((job, job.rewrite()?)))
        else {
            return Err(unknown_job(&id));
        };
        let name = super::uri::name(&job.uri);
        let (old, new) = (format!("a/{name}"), format!("b/{name}"));
        let place = self.documents.get(&job.uri).zip(job.span());
        // Where the place is known the diff is one of the whole file, so that its line numbers are right.
        let whole = |part: &str| place.map_or_else(|| part.to_owned(), |place| with(place, part));
        let (before, after) = (whole(rewrite.original()), whole(rewrite.reply()));
        let diff = TextDiff::configure()
            .timeout(DIFF)
            .diff_lines(before.as_str(), after.as_str());
        let diff = diff.unified_diff().header(&old, &new).to_string();
        let text = format!(
            "{}{}\n{diff}",
            job.title,
            job.message
                .as_ref()
                .map_or_else(String::new, |message| format!(": {message}"))
        );
        // What cannot be seen would be missed in a review.
        let text = hidden::visible(&text);
        let directory = self
            .environment
            .state_directory()
            .ok_or("there is no home directory to keep a diff in; set EZROUTER_STATE_DIR")?;
        let path = views::path(&directory, &format!("{}-{id}.diff", std::process::id()));
        let uri = super::uri::file_uri(&path);
        self.outbox.send(Outgoing::View {
            path,
            text,
            uri: uri.clone(),
        });
        Ok(json!({"uri": uri}))
    }

    /// A view was written, or not.
    pub(super) fn view_written(&mut self, path: &std::path::Path, outcome: &std::io::Result<()>) {
        match outcome {
            Err(error) => self.show(&Message::error(format!(
                "{} cannot be written: {error}",
                path.display()
            ))),
            Ok(()) if !self.shows_documents() => {
                self.show(&Message::info(format!("It is in {}", path.display())));
            }
            Ok(()) => {}
        }
    }

    /// Whether the client opens a document that it is told to. Helix 25.01 does so and does not say it.
    pub(super) fn shows_documents(&self) -> bool {
        self.caps.show_document || self.caps.client_name == "helix"
    }
}

/// How long a diff may be looked for; a rougher one takes no time.
const DIFF: Duration = Duration::from_millis(100);

/// The document with `part` in one place.
fn with((document, span): (&Document, Span), part: &str) -> String {
    let text = document.text();
    let read = |from, to| text.get_byte_slice(from..to).map(String::from);
    let before = read(0, span.start).unwrap_or_default();
    let after = read(span.end, text.len_bytes()).unwrap_or_default();
    format!("{before}{part}{after}")
}

/// The arguments of a job, with those of its retry over them, without a place.
fn arguments_again(job: &Job, newer: &Value) -> Value {
    let mut again = job.argument.clone();
    if !again.is_object() {
        again = json!({});
    }
    again["uri"] = job.document.as_str().into();
    if let Some(model) = newer.get("model").filter(|model| model.is_string()) {
        again["model"] = model.clone();
    }
    let words = newer.get("instruction").or(newer.get("question"));
    if let Some(words) = words.filter(|words| words.is_string()) {
        for earlier in ["action", "question", "instruction"] {
            again.as_object_mut().map(|object| object.remove(earlier));
        }
        again["instruction"] = words.clone();
    }
    if let Some(object) = again.as_object_mut() {
        object.remove("version");
    }
    again
}

/// Where an ended rewrite stands is followed as long as it is known, so that it can be tried again.
pub(super) fn follow_ended(job: &mut Job, batch: &crate::text::document::Batch) {
    if let Some(rewrite) = job.rewrite_mut()
        && rewrite.is_over()
    {
        rewrite.carry(batch);
    }
}

/// The hunks of a pending rewrite that a selection touches.
pub(super) fn touched(hunks: Vec<(usize, Span)>, selection: Span) -> Vec<usize> {
    let touches = |span: &Span| span.start <= selection.end && selection.start <= span.end;
    hunks
        .into_iter()
        .filter(|(_, span)| touches(span))
        .map(|(number, _)| number)
        .collect()
}
