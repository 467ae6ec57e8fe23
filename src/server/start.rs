//! How a job starts: its text is found and checked, its request put together, and what overlaps it is settled. Whatever is
//! wrong is said in one sentence, before anything has changed.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Notify;

use super::commands::Answer;
use super::job::{Job, Status, Work};
use super::params;
use super::progress::Progress;
use super::state::State;
use crate::action::Kind;
use crate::config::Apply;
use crate::conversation::Conversation;
use crate::prompt::Request;
use crate::reply::{Cleaner, Shape};
use crate::rewrite::{Delivery, Event, Guard, Options, Pace, Review, Rewrite};
use crate::task;
use crate::text::document::Document;
use crate::text::{Span, position};

/// A job that was started and the request that is to be sent for it.
pub struct Started {
    /// The job.
    pub id: String,
    /// Its request.
    pub request: Request,
    /// Ends the request.
    pub disconnect: Arc<Notify>,
}

/// What is asked of which text.
struct Task {
    uri: String,
    span: Span,
    title: String,
    instruction: String,
    model: String,
}

impl State {
    /// Starts a job and gives its id.
    pub(super) fn start(
        &mut self,
        kind: Kind,
        argument: &Value,
        started: &mut Option<Started>,
    ) -> Answer {
        let task = self.task(kind, argument)?;
        if kind == Kind::Rewrite {
            self.settle_overlapping(&task)?;
        }
        let document = self
            .documents
            .get(&task.uri)
            .ok_or("the document is not open")?;
        let conversation_name = self.conversation_of(&task.uri);
        let (request, question) = self.request(kind, &task, document, &conversation_name);
        let work = match kind {
            Kind::Ask => Work::Ask(crate::answer::Answer::new(without_line_break(
                document, task.span,
            ))),
            Kind::Rewrite => {
                let rewrite =
                    Rewrite::new(document.text(), task.span, self.rewrite_options(document));
                Work::Rewrite(Box::new((
                    rewrite,
                    Cleaner::new(Shape::of(document, task.span)),
                )))
            }
        };
        let id = format!("{:06}", self.next_job);
        self.next_job += 1;
        let disconnect = Arc::new(Notify::new());
        let job = Job {
            id: id.clone(),
            uri: task.uri,
            title: task.title,
            started: self.now(),
            finished: None,
            status: Status::Waiting(format!("waiting for {}", task.model)),
            model: task.model,
            raw: String::new(),
            question,
            conversation: conversation_name,
            usage: None,
            request_id: None,
            message: None,
            work,
            progress: Progress::None,
            disconnect: Arc::clone(&disconnect),
        };
        self.jobs.insert(id.clone(), job);
        self.begin_progress(&id);
        *started = Some(Started {
            id: id.clone(),
            request,
            disconnect,
        });
        Ok(json!({"job": id}))
    }

    /// The conversation that a document's questions belong to: that of the innermost workspace folder that holds it.
    pub(super) fn conversation_of(&self, uri: &str) -> String {
        let holding = self
            .caps
            .workspace_folders
            .iter()
            .filter(|(folder, _)| is_inside(uri, folder));
        holding
            .max_by_key(|(folder, _)| folder.len())
            .map(|(folder, _)| folder.clone())
            .unwrap_or_default()
    }

    fn task(&self, kind: Kind, argument: &Value) -> Result<Task, String> {
        let text = |name: &str| {
            argument
                .get(name)
                .and_then(Value::as_str)
                .map(str::trim)
                .filter(|text| !text.is_empty())
        };
        let (uri, span) = self.place(argument)?;
        let (title, instruction) = task::instruction(
            kind,
            text("action"),
            text("question").or(text("instruction")),
        )?;
        let document = self.documents.get(&uri).ok_or("the document is not open")?;
        let name = super::uri::name(&uri);
        if document.is_out_of_step() {
            return Err(format!(
                "{name} is out of step with the editor: close and reopen the file"
            ));
        }
        let path = super::uri::file_path(&uri).map(|path| path.to_string_lossy().into_owned());
        task::check_path(&self.exclusions, path.as_deref().unwrap_or(&uri), &name)?;
        task::check_selection(kind, document, span, &name, self.settings.max_output_tokens)?;
        let model = text("model").map_or_else(|| self.model(), str::to_owned);
        Ok(Task {
            uri,
            span,
            title,
            instruction,
            model,
        })
    }

    /// The text that a command means: what it says, or the newest selection that code actions were asked for.
    fn place(&self, argument: &Value) -> Result<(String, Span), String> {
        let uri = argument.get("uri").and_then(Value::as_str);
        let range = argument
            .get("range")
            .filter(|range| range.is_object())
            .map(params::range);
        let newest = self
            .selection
            .as_ref()
            .filter(|selection| uri.is_none_or(|uri| uri == selection.uri));
        let Some(range) = range else {
            let selection =
                newest.ok_or("select some text first, and open the list of code actions once")?;
            let span = selection
                .span
                .ok_or("the selected text is gone; select again")?;
            return Ok((selection.uri.clone(), span));
        };
        let uri = uri
            .or(newest.map(|selection| selection.uri.as_str()))
            .ok_or("the command names no document")?;
        let document = self.documents.get(uri).ok_or_else(|| {
            format!(
                "{} is not open in the editor; open it and select again",
                super::uri::name(uri)
            )
        })?;
        // An action that was offered for an older text: the selection has been followed since, or it is refused.
        let offered = argument.get("version").and_then(Value::as_i64);
        let version = document.version().map(i64::from);
        if offered.is_some() && offered != version {
            let followed = newest.filter(|selection| {
                selection.asked.0 == range && selection.asked.1.map(i64::from) == offered
            });
            let span = followed.and_then(|selection| selection.span);
            let span =
                span.ok_or("the text has changed since this action was offered; select again")?;
            return Ok((uri.to_owned(), span));
        }
        Ok((
            uri.to_owned(),
            position::span(document.text(), range, self.caps.encoding),
        ))
    }

    /// Refuses a rewrite of text that is being rewritten; accepts a pending one that it overlaps.
    fn settle_overlapping(&mut self, task: &Task) -> Result<(), String> {
        let overlapping: Vec<(String, Status)> = self
            .jobs
            .values()
            .filter(|job| job.uri == task.uri)
            .filter(|job| {
                job.rewrite().is_some_and(|rewrite| {
                    !rewrite.is_over() && overlaps(rewrite.span(), task.span)
                })
            })
            .map(|job| (job.id.clone(), job.status.clone()))
            .collect();
        if overlapping.iter().any(|(_, status)| status.is_running()) {
            return Err(
                "this text is being rewritten already; stop that first, or wait for it".to_owned(),
            );
        }
        for (id, _) in overlapping {
            self.step_rewrite(&id, Event::Accept);
        }
        Ok(())
    }

    fn rewrite_options(&self, document: &Document) -> Options {
        let delivery = match self.settings.apply {
            _ if !self.caps.apply_edit && !self.caps.ext_apply_edit => Delivery::Preview,
            Apply::Preview => Delivery::Preview,
            Apply::Single => Delivery::Single,
            Apply::Auto | Apply::Stream if self.caps.ext_apply_edit => Delivery::StreamJoined,
            Apply::Auto | Apply::Stream => Delivery::Stream,
        };
        let pace = if self.settings.apply == Apply::Stream {
            Pace::Prompt
        } else {
            self.pace
        };
        let review = if self.settings.review {
            Review::Wait
        } else {
            Review::AcceptAtOnce
        };
        let unchanged = document.version().is_none_or(|version| version == 0);
        let guard = match () {
            () if !self.caps.version_guard() => Guard::Nothing,
            () if self.caps.is_neovim() && unchanged => Guard::FromFirstChange,
            () => Guard::Versions,
        };
        Options {
            delivery,
            pace,
            guard,
            review,
        }
    }

    fn request(
        &self,
        kind: Kind,
        task: &Task,
        document: &Document,
        conversation: &str,
    ) -> (Request, String) {
        let nothing_said = Conversation::default();
        let past = self
            .conversations
            .get(conversation)
            .filter(|_| self.settings.history);
        let subject = task::Subject {
            kind,
            path: &self.path_for_people(&task.uri),
            document,
            span: task.span,
            instruction: &task.instruction,
        };
        let limits = self.settings.limits();
        subject.request(task.model.clone(), &limits, past.unwrap_or(&nothing_said))
    }

    /// A document's path relative to its workspace folder, else its name: nothing about the rest of the disk is sent.
    fn path_for_people(&self, uri: &str) -> String {
        let folder = self.conversation_of(uri);
        let inside = super::uri::file_path(uri)
            .zip(super::uri::file_path(&folder))
            .and_then(|(path, folder)| {
                path.strip_prefix(folder)
                    .ok()
                    .map(|path| path.to_string_lossy().replace('\\', "/"))
            });
        inside
            .filter(|path| !path.is_empty())
            .unwrap_or_else(|| super::uri::name(uri))
    }
}

fn is_inside(uri: &str, folder: &str) -> bool {
    let folder = folder.trim_end_matches('/');
    uri.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether two spans share text; neighbours do not.
fn overlaps(one: Span, other: Span) -> bool {
    one.start < other.end && other.start < one.end
}

/// A span without the line break at its end: nobody who hovers over the next line means the lines above it.
fn without_line_break(document: &Document, span: Span) -> Span {
    let text = document.text().get_byte_slice(span.start..span.end);
    let kept = text.map_or(0, |text| {
        text.to_string().trim_end_matches(['\r', '\n']).len()
    });
    Span::new(span.start, span.start + kept)
}
