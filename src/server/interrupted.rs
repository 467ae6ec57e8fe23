//! Rewrites that a dead server left behind: what the journal keeps of each running one, and how the text from before is
//! offered and put back when the document is opened again.

use serde_json::{Value, json};

use super::commands::Answer;
use super::job::{Job, Status, Work};
use super::outbox::{Message, Outgoing};
use super::state::State;
use crate::journal::Found;
use crate::reading::Reading;
use crate::recovery::Start;
use crate::reply::Shape;
use crate::rewrite::{Delivery, Event, Rewrite};
use crate::text::Span;
use crate::text::document::{Batch, Document};

/// An interrupted rewrite of an open document.
pub(super) struct Offer {
    found: Found,
    /// Where its region stands now, in bytes of the document.
    span: Span,
}

/// What can be done about an interrupted rewrite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remedy {
    /// The text from before it.
    Restore,
    /// Its finished text, where the text from before stands.
    Finish,
}

const NONE: &str = "there is no interrupted rewrite of this document";

impl State {
    /// Keeps the text from before a rewrite that begins, unless nothing of it can come into the document by itself.
    pub(super) fn keep_original(&mut self, id: &str) {
        let Some(job) = self.jobs.get(id) else {
            return;
        };
        let Some((document, rewrite)) = self.documents.get(&job.uri).zip(job.rewrite()) else {
            return;
        };
        let options = match job.work {
            Work::Page(_) => self.page_options(&job.uri),
            _ => self.rewrite_options(self.settings(&job.uri)),
        };
        if options.delivery == Delivery::Preview {
            return;
        }
        let (uri, title) = (job.uri.clone(), job.title.clone());
        let start = Start::new(uri, title, document.text(), rewrite.span());
        self.journal.begin(id, start);
        if let Some(job) = self.jobs.get_mut(id) {
            job.entry = Some(id.to_owned());
        }
    }

    /// More of a reply is about to go into the document.
    pub(super) fn keep_reply(&self, id: &str, text: &str, complete: bool) {
        let Some(entry) = self.jobs.get(id).and_then(|job| job.entry.as_deref()) else {
            return;
        };
        if !text.is_empty() {
            self.journal.reply(entry, text);
        }
        if complete {
            self.journal.complete(entry);
        }
    }

    /// A generation has ended, or the pending state behind it: its entry goes, or stays for whoever opens the file next.
    pub(super) fn settle_entry(&mut self, id: &str) {
        let Some(job) = self.jobs.get_mut(id) else {
            return;
        };
        let parked = job
            .rewrite()
            .is_some_and(|rewrite| rewrite.parked().is_some());
        if job.status == Status::Pending && parked {
            return;
        }
        let Some(entry) = job.entry.take() else {
            return;
        };
        // Without sight of the text nobody knows whether the original stands.
        let seen = self
            .documents
            .get(&job.uri)
            .is_some_and(|document| !document.is_out_of_step());
        if seen {
            self.journal.remove(&entry);
        } else {
            self.journal.release(&entry);
            self.look_for_moved(id);
        }
    }

    /// Looks for what dead servers have left of a document that was opened, and this one under another name of it.
    pub(super) fn look_for_interrupted(&self, uri: &str) {
        let former = self.former_names(uri);
        self.outbox.send(Outgoing::Look(uri.to_owned(), former));
    }

    /// What the journal has found for a document.
    pub(super) fn take_found(&mut self, uri: &str, found: Vec<Found>) {
        for found in found {
            let offer = self.documents.get(uri).map(|document| {
                let text = document.text().to_string();
                found.interrupted.start.find(&text)
            });
            let Some(Some(span)) = offer else {
                if offer.is_some() {
                    tracing::warn!(
                        "an interrupted rewrite is kept in {}, but its place was not found",
                        found.name
                    );
                }
                self.journal.release(&found.name);
                continue;
            };
            let offer = Offer { found, span };
            let name = offer.found.name.clone();
            match self.remedy(uri, &offer) {
                None => self.journal.remove(&name),
                Some(_) if self.interrupted.contains_key(uri) => self.journal.release(&name),
                Some(remedy) => {
                    let title = &offer.found.interrupted.start.title;
                    let message = format!(
                        "{title} was interrupted in {}; the list of code actions has: {}",
                        super::uri::name(uri),
                        remedy.title()
                    );
                    self.interrupted.insert(uri.to_owned(), offer);
                    self.show(&Message::warning(message));
                }
            }
        }
    }

    /// What is offered for an interrupted rewrite of this document.
    pub(super) fn remedy_for(&self, uri: &str) -> Option<Remedy> {
        self.remedy(uri, self.interrupted.get(uri)?)
    }

    fn remedy(&self, uri: &str, offer: &Offer) -> Option<Remedy> {
        let interrupted = &offer.found.interrupted;
        let text = self.documents.get(uri)?.text();
        let now = text.get_byte_slice(offer.span.start..offer.span.end)?;
        if now == interrupted.start.original.as_str() {
            return interrupted.complete.then_some(Remedy::Finish);
        }
        let finished = interrupted.complete && now == interrupted.reply.as_str();
        (!finished).then_some(Remedy::Restore)
    }

    /// Follows a change of the document.
    pub(super) fn follow_interrupted(&mut self, uri: &str, batch: &Batch) {
        let Some(offer) = self.interrupted.get_mut(uri) else {
            return;
        };
        match crate::answer::follow(offer.span, &batch.before, &batch.after, batch) {
            Some(span) => offer.span = span,
            None => self.release_interrupted(uri),
        }
    }

    /// The document is closed, or the place is lost: the entry stays for the next time.
    pub(super) fn release_interrupted(&mut self, uri: &str) {
        if let Some(offer) = self.interrupted.remove(uri) {
            self.journal.release(&offer.found.name);
        }
    }

    /// Puts back the text from before an interrupted rewrite, or its finished text.
    pub(super) fn restore(&mut self, argument: &Value) -> Answer {
        let named = argument.get("uri").and_then(Value::as_str);
        let selected = self
            .selection
            .as_ref()
            .map(|selection| selection.uri.as_str());
        let uri = named
            .or(selected)
            .ok_or("name the document: {\"uri\": ...}")?
            .to_owned();
        let finished = argument.get("finished") == Some(&Value::Bool(true));
        if !self.caps.apply_edit && !self.caps.ext_apply_edit {
            return Err("this editor takes no edits from servers".to_owned());
        }
        let offer = self.interrupted.get(&uri).ok_or(NONE)?;
        if finished && !offer.found.interrupted.complete {
            return Err("the interrupted rewrite was not finished".to_owned());
        }
        let document = self.documents.get(&uri).ok_or(NONE)?;
        if document.is_out_of_step() {
            return Err(super::start::out_of_step(&uri));
        }
        let work = self.taken_up(&uri, offer, document);
        let id = self.new_job_id();
        let offer = self.interrupted.remove(&uri).ok_or(NONE)?;
        let title = offer.found.interrupted.start.title;
        let job = Job {
            status: Status::Pending,
            finished: Some(self.now()),
            message: Some("it was interrupted".to_owned()),
            entry: Some(offer.found.name),
            ..Job::new(&id, uri, title, work, self.now())
        };
        let kept = if finished {
            Vec::new()
        } else {
            self.kept(&job, None)
        };
        self.jobs.insert(id.clone(), job);
        self.tell_job(&id);
        let event = if finished {
            Event::Apply
        } else {
            Event::Reject
        };
        self.step_rewrite(&id, event);
        Ok(json!({"ok": true, "kept": kept}))
    }

    /// An interrupted rewrite as one of this server.
    fn taken_up(&self, uri: &str, offer: &Offer, document: &Document) -> Work {
        let (span, interrupted) = (offer.span, &offer.found.interrupted);
        let now = document.text().get_byte_slice(span.start..span.end);
        let written = interrupted.written(&now.map(String::from).unwrap_or_default());
        let options = self.rewrite_options(self.settings(uri));
        let rewrite = Rewrite::interrupted(document.text(), span, interrupted, written, options);
        let reading = Reading::new(&Shape::of(document, span));
        Work::Rewrite(Box::new((rewrite, reading)))
    }
}

impl Remedy {
    /// The title of its code action.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Restore => "Restore the text from before the interrupted rewrite",
            Self::Finish => "Apply the finished rewrite",
        }
    }
}
