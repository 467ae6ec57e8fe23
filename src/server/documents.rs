//! The client's documents in the state: what opening, changing and closing one means for everything that is anchored in it.
//! How a text changes is `text::document`'s work.

use super::job::{Job, Work};
use super::outbox::Message;
use super::params::{ChangeParams, ContentChange, OpenParams};
use super::state::State;
use crate::language;
use crate::rewrite::{Event, Now};
use crate::text::document::{Batch, Change, Document, between_texts};

impl State {
    /// A document was opened, or opened again.
    pub fn open(&mut self, params: OpenParams) {
        self.forget_early(&params.uri);
        let known = params.text.is_some();
        let before = self.closed.remove(&params.uri);
        let before = before.or_else(|| {
            self.documents
                .get(&params.uri)
                .map(|document| document.text().clone())
        });
        // Without a text the last one stays: all that is anchored in it has its place there.
        let last = || before.as_ref().map(ToString::to_string);
        let document = Document::open(
            language::of_document(&params.language, &super::uri::name(&params.uri)),
            params.version,
            &params.text.or_else(last).unwrap_or_default(),
        );
        if before.is_none() {
            self.lose_selection(&params.uri);
        }
        let after = document.text().clone();
        self.documents.insert(params.uri.clone(), document);
        if !known {
            self.lose_step(&params.uri, "it was opened without a text");
        } else if let Some(before) = before {
            let hull = between_texts(&before, &after);
            self.release_interrupted(&params.uri);
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
        if known {
            self.look_for_interrupted(&params.uri);
            self.look_for_answers(&params.uri);
            self.page_opened(&params.uri);
        }
    }

    /// Nobody knows any more where the newest selection stands, if it is one in this document.
    fn lose_selection(&mut self, uri: &str) {
        let selection = self.selection.as_mut();
        if let Some(selection) = selection.filter(|selection| selection.uri == uri) {
            selection.span = None;
        }
    }

    /// Whether a document has not changed since it was opened: clients that count versions begin with 0.
    pub(super) fn is_unchanged(&self, uri: &str) -> bool {
        let document = self.documents.get(uri);
        document.is_some_and(|document| document.version().is_none_or(|version| version == 0))
    }

    /// Puts right what a panic has left behind: a document in mid-change is out of step.
    pub fn recover(&mut self) {
        if let Some(uri) = self.changing.take() {
            self.lose_step(&uri, "its last change could not be taken");
        }
    }

    /// Takes a change whose turn it is.
    pub(super) fn take_change(&mut self, params: ChangeParams) {
        self.changing = Some(params.uri.clone());
        self.apply_change(params);
        self.changing = None;
    }

    fn apply_change(&mut self, params: ChangeParams) {
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
        self.forget_early(uri);
        self.release_interrupted(uri);
        self.leave_answers(uri);
        let Some(document) = self.documents.remove(uri) else {
            return;
        };
        let anchored = self
            .jobs
            .values()
            .any(|job| job.uri == uri && job.span().is_some());
        if !anchored {
            return;
        }
        // Kept for when the file is opened again, as Neovim does when a formatter has rewritten it.
        self.closed.insert(uri.to_owned(), document.text().clone());
        for id in self.rewrites(uri) {
            self.step_rewrite(&id, Event::Closed);
        }
    }

    /// Carries everything that is anchored in a document through a change. The rewrite whose edit is under way judges
    /// first: what is its own echo is nobody's typing.
    fn follow(&mut self, uri: &str, batch: &Batch) {
        // First: a rewrite that ends with this change has followed it by then.
        for job in self.jobs.values_mut().filter(|job| job.uri == uri) {
            super::review::follow_ended(job, batch);
        }
        let mut rewrites = self.rewrites(uri);
        rewrites.sort_by_key(|id| !self.holds_turn(id));
        let mut own = false;
        for (index, id) in rewrites.iter().enumerate() {
            let now = Now {
                millis: self.now(),
                turn: self.turn_is_free(uri, id),
                unchanged: self.is_unchanged(uri),
            };
            let holder = index == 0 && self.holds_turn(id);
            let Some(rewrite) = self.jobs.get_mut(id).and_then(Job::rewrite_mut) else {
                continue;
            };
            let (commands, foreign) = rewrite.changed(now, batch, own);
            own |= holder && !foreign;
            self.carry_out(id, commands);
        }
        for job in self.jobs.values_mut().filter(|job| job.uri == uri) {
            let follow = |span| crate::answer::follow(span, &batch.before, &batch.after, batch);
            job.about = job.about.and_then(follow);
            if let Work::Ask(answer) = &mut job.work {
                answer.follow(batch);
            }
        }
        self.follow_interrupted(uri, batch);
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
    pub(super) fn pass_turn(&mut self, uri: &str, from: &str) {
        for id in self.rewrites(uri) {
            if id != from && !self.holds_turn(&id) && self.turn_is_free(uri, &id) {
                self.step_rewrite(&id, Event::Tick);
            }
        }
    }

    /// The document's text is no longer known. Said once.
    pub(super) fn lose_step(&mut self, uri: &str, reason: &str) {
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
