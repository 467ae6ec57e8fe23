//! How a job starts: its text is found and checked, its request put together, and what overlaps it is settled. Whatever is
//! wrong is said in one sentence, before anything has changed.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Notify;

use super::commands::Answer;
use super::job::{Job, Status, Work};
use super::offers::directive_at;
use super::params;
use super::state::State;
use super::target;
use crate::action::directive::Directive;
use crate::action::own::{self, Placeholders};
use crate::action::{Kind, Target};
use crate::config::{Apply, Settings};
use crate::exclusions;
use crate::prompt::mention;
use crate::reading::Reading;
use crate::reply::Shape;
use crate::rewrite::{Delivery, Event, Guard, Options, Pace, Review, Rewrite};
use crate::task::{self, Chosen, Subject};
use crate::text::document::Document;
use crate::text::{Span, position};

/// The id of the action that follows a directive in the text.
pub(super) const DIRECTIVE: &str = "directive";

/// A job that was started and what its request is to be made of.
#[derive(Clone, Debug)]
pub struct Started {
    /// The job.
    pub id: String,
    /// What is asked of which text.
    pub subject: Subject,
    /// Ends the request.
    pub disconnect: Arc<Notify>,
}

/// What is asked of which text.
pub(super) struct Task {
    pub(super) uri: String,
    /// The text that the job is about, in bytes of the document.
    span: Span,
    pub(super) title: String,
    pub(super) model: String,
    /// What the model is shown of it.
    pub(super) subject: Subject,
}

/// A document without the directive that is being followed.
struct Shown {
    document: Document,
    span: Span,
    lines_cut: usize,
}

impl Shown {
    fn whole(document: &Document, span: Span) -> Self {
        Self {
            document: document.clone(),
            span,
            lines_cut: 0,
        }
    }

    /// Leaves out a directive, which is never part of what is asked about.
    fn without(document: &Document, directive: &Directive) -> Self {
        let Directive {
            mut comment,
            region,
            ..
        } = *directive;
        let read = |span: Span| {
            let text = document.text().get_byte_slice(span.start..span.end);
            text.map(String::from).unwrap_or_default()
        };
        let cut = read(comment);
        if comment == region {
            // Nothing else is there: new text takes the line's place and keeps its break.
            comment.end = comment.start + cut.trim_end_matches(['\r', '\n']).len();
        }
        let leads = comment.start == region.start && comment != region;
        Self {
            document: document.without(comment),
            span: Span::new(region.start, region.end - comment.len()),
            lines_cut: if leads { cut.matches('\n').count() } else { 0 },
        }
    }
}

impl State {
    /// Starts a job and gives its id.
    pub(super) fn start(
        &mut self,
        kind: Kind,
        argument: &Value,
        started: &mut Option<Started>,
    ) -> Answer {
        let id = self.new_job_id();
        self.start_as(&id, kind, argument, started)
    }

    /// The id of a job to come.
    pub(super) fn new_job_id(&mut self) -> String {
        let id = format!("{:06}", self.next_job);
        self.next_job += 1;
        id
    }

    /// Starts a job whose id is known already.
    pub(super) fn start_as(
        &mut self,
        id: &str,
        kind: Kind,
        argument: &Value,
        started: &mut Option<Started>,
    ) -> Answer {
        self.refresh_settings();
        let task = self.task(kind, argument)?;
        if kind == Kind::Rewrite {
            self.settle_overlapping(&task)?;
        }
        let home = self.home_of(&task.uri);
        let document = self
            .documents
            .get(&task.uri)
            .ok_or("the document is not open")?;
        let subject = task.subject;
        let work = match kind {
            Kind::Ask => Work::Ask(crate::answer::Answer::new(without_line_break(
                document, task.span,
            ))),
            Kind::Rewrite => {
                let options = self.rewrite_options(self.settings(&task.uri));
                if subject.target == Target::Selection {
                    let shape = Shape::of(&subject.document, subject.span);
                    let rewrite = Rewrite::new(document.text(), task.span, options);
                    Work::Rewrite(Box::new((rewrite, Reading::new(&shape))))
                } else {
                    target::beside(document, task.span, subject.target, options)
                }
            }
        };
        let disconnect = Arc::new(Notify::new());
        let job = Job {
            status: Status::Waiting(format!("waiting for {}", task.model)),
            part: self.part_for(kind, &task.uri),
            model: task.model,
            home,
            path: subject.path.clone(),
            about: (subject.target != Target::Selection).then_some(task.span),
            lines: counted_from_1(subject.lines()),
            argument: argument.clone(),
            disconnect: Arc::clone(&disconnect),
            ..Job::new(id, task.uri, task.title, work, self.now())
        };
        self.jobs.insert(id.to_owned(), job);
        self.keep_original(id);
        self.begin_progress(id);
        *started = Some(Started {
            id: id.to_owned(),
            subject,
            disconnect,
        });
        Ok(json!({"job": id}))
    }

    /// The innermost workspace folder that holds a document, by its URI; empty if none does.
    pub(super) fn folder_of(&self, uri: &str) -> String {
        let holding = self
            .caps
            .workspace_folders
            .iter()
            .filter(|(folder, _)| super::uri::is_inside(uri, folder));
        holding
            .max_by_key(|(folder, _)| folder.len())
            .map(|(folder, _)| folder.clone())
            .unwrap_or_default()
    }

    /// An open document, if its text is known and its name is not one that is never sent.
    fn document_to_send(&self, uri: &str) -> Result<&Document, String> {
        let document = self.documents.get(uri).ok_or("the document is not open")?;
        let name = super::uri::name(uri);
        if document.is_out_of_step() {
            return Err(out_of_step(uri));
        }
        match exclusions::by_name(&super::uri::path_of_any(uri)) {
            Some(rule) => Err(task::never_sent(&name, &rule)),
            None => Ok(document),
        }
    }

    /// What a command asks of which text. Changes nothing.
    pub(super) fn task(&self, kind: Kind, argument: &Value) -> Result<Task, String> {
        let text = |name: &str| {
            let text = argument.get(name).and_then(Value::as_str).map(str::trim);
            text.filter(|text| !text.is_empty())
        };
        let (uri, mut span) = self.place(argument)?;
        let document = self.document_to_send(&uri)?;
        let name = super::uri::name(&uri);
        let settings = self.settings(&uri);
        let words = text("question").or(text("instruction"));
        let directive = match text("action") {
            Some(DIRECTIVE) => Some(directive_at(document, span, kind)?),
            None if words.is_none() => directive_at(document, span, kind).ok(),
            _ => None,
        };
        let (chosen, shown) = if let Some(directive) = directive {
            span = directive.region;
            (as_chosen(&directive), Shown::without(document, &directive))
        } else {
            let chosen = task::choose(kind, text("action"), words, &settings.actions)?;
            (chosen, Shown::whole(document, span))
        };
        if kind == Kind::Rewrite {
            let id = text("action").filter(|id| *id != DIRECTIVE);
            task::check_action(id, &shown.document, shown.span)?;
        }
        let limit = settings.max_output_tokens;
        task::check_selection(kind, &shown.document, shown.span, &name, limit)?;
        let is_beside = chosen.target != Target::Selection;
        let asked_for = text("model").map(str::to_owned).or(chosen.model);
        let diagnostics = self.diagnostics_at(argument, &uri);
        let subject = Subject {
            kind,
            path: self.path_for_people(&uri),
            document: shown.document,
            span: shown.span,
            // Before placeholders are filled in: what is selected must not bring other files along.
            names: mention::find(&chosen.prompt),
            instruction: chosen.prompt,
            diagnostics,
            lines_cut: shown.lines_cut,
            target: text("target")
                .and_then(target::named)
                .filter(|_| is_beside)
                .unwrap_or(chosen.target),
        };
        let is_own = |id: &str| settings.actions.iter().any(|own| own.id == id);
        let has_placeholders = text("action").is_some_and(is_own);
        Ok(Task {
            model: asked_for.unwrap_or_else(|| self.model(&uri)),
            subject: if has_placeholders {
                filled_in(subject)
            } else {
                subject
            },
            uri,
            span,
            title: chosen.title,
        })
    }

    /// What other servers say about the text of a command, a line each: what the command carries, or what came with the newest
    /// request for code actions at that text.
    fn diagnostics_at(&self, argument: &Value, uri: &str) -> String {
        let own = argument.get("diagnostics").and_then(Value::as_array);
        let range = argument
            .get("range")
            .filter(|range| range.is_object())
            .map(params::range);
        let newest = self.selection.as_ref().filter(|selection| {
            selection.uri == uri && range.is_none_or(|range| range == selection.asked.0)
        });
        let listed = own.or(newest.map(|selection| &selection.diagnostics));
        listed.map_or_else(String::new, |listed| super::diagnostics::lines(listed))
    }

    /// The text that a command means: what it says, or the newest selection that code actions were asked for.
    pub(super) fn place(&self, argument: &Value) -> Result<(String, Span), String> {
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

    /// Accepts pending rewrites that a new one overlaps.
    fn settle_overlapping(&mut self, task: &Task) -> Result<(), String> {
        for id in self.overlapping(task)? {
            self.step_rewrite(&id, Event::Accept);
        }
        Ok(())
    }

    /// The pending rewrites that a new one overlaps. Refuses one of text that is being rewritten.
    pub(super) fn overlapping(&self, task: &Task) -> Result<Vec<String>, String> {
        let touched = |job: &&Job| {
            job.uri == task.uri
                && job.rewrite().is_some_and(|rewrite| {
                    !rewrite.is_over() && overlaps(rewrite.span(), task.span)
                })
        };
        let overlapping: Vec<&Job> = self.jobs.values().filter(touched).collect();
        if overlapping.iter().any(|job| job.status.is_running()) {
            return Err(
                "this text is being rewritten already; stop that first, or wait for it".to_owned(),
            );
        }
        Ok(overlapping.into_iter().map(|job| job.id.clone()).collect())
    }

    pub(super) fn rewrite_options(&self, settings: &Settings) -> Options {
        let delivery = match settings.apply {
            _ if !self.caps.apply_edit && !self.caps.ext_apply_edit => Delivery::Preview,
            Apply::Preview => Delivery::Preview,
            Apply::Single => Delivery::Single,
            Apply::Auto | Apply::Stream if self.caps.ext_apply_edit => Delivery::StreamJoined,
            Apply::Auto | Apply::Stream => Delivery::Stream,
        };
        // A client that joins edits applies each at once and tells it; a slow moment of it must not end the streaming for good.
        let pace = if settings.apply == Apply::Stream || delivery == Delivery::StreamJoined {
            Pace::Prompt
        } else {
            self.pace
        };
        let review = if settings.review {
            Review::Wait
        } else {
            Review::AcceptAtOnce
        };
        let guard = match () {
            () if !self.caps.version_guard() => Guard::Nothing,
            () if self.caps.is_plain_neovim() => Guard::FromFirstChange,
            () => Guard::Versions,
        };
        Options {
            delivery,
            pace,
            guard,
            review,
        }
    }

    /// A document's path relative to its workspace folder, else its name: nothing about the rest of the disk is sent.
    fn path_for_people(&self, uri: &str) -> String {
        let folder = self.folder_of(uri);
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

/// A subject with the placeholders of its instruction filled in.
fn filled_in(subject: Subject) -> Subject {
    let selection = task::selected(&subject.document, subject.span);
    let placeholders = Placeholders {
        selection: &selection,
        language: subject.document.language(),
        file: &subject.path,
        diagnostics: &subject.diagnostics,
    };
    Subject {
        instruction: own::fill_in(&subject.instruction, &placeholders),
        ..subject
    }
}

/// Why nothing is done with a document whose text is not known.
pub(super) fn out_of_step(uri: &str) -> String {
    let name = super::uri::name(uri);
    format!("{name} is out of step with the editor: close and reopen the file")
}

fn as_chosen(directive: &Directive) -> Chosen {
    Chosen {
        title: directive.title(),
        prompt: directive.words.clone(),
        model: None,
        target: Target::Selection,
    }
}

/// Whether two spans share text; neighbours do not.
fn overlaps(one: Span, other: Span) -> bool {
    one.start < other.end && other.start < one.end
}

/// A span without the line break at its end: nobody who hovers over the next line means the lines above it.
pub(super) fn without_line_break(document: &Document, span: Span) -> Span {
    let text = document.text().get_byte_slice(span.start..span.end);
    let kept = text.map_or(0, |text| {
        text.to_string().trim_end_matches(['\r', '\n']).len()
    });
    Span::new(span.start, span.start + kept)
}

/// Lines as people count them.
pub(super) fn counted_from_1((first, last): (usize, usize)) -> (u32, u32) {
    let number = |line: usize| u32::try_from(line + 1).unwrap_or(u32::MAX);
    (number(first), number(last))
}
