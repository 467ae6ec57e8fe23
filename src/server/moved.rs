//! Files that get another name in the middle of a rewrite: an editor closes one document and opens another with the same text.
//! The text from before is offered there, as after a crash.

use super::Shared;
use super::job::Status;
use super::outbox::Outgoing;
use super::state::State;
use crate::journal::Found;
use crate::recovery::Start;
use crate::text::Span;

/// So many are remembered.
const MOST: usize = 20;

/// What a rewrite had made of a text when its document was closed for good.
pub(super) struct Left(Start);

impl Left {
    /// Where it stands in another text: the written region letter for letter, between what stood around it.
    fn place(&self, text: &str) -> Option<Span> {
        let span = self.0.find(text)?;
        (text.get(span.start..span.end)? == self.0.original).then_some(span)
    }
}

impl State {
    /// A rewrite has ended because its document stayed closed: the text that it left may be open under another name.
    pub(super) fn look_for_moved(&mut self, id: &str) {
        let job = self.jobs.get(id).filter(|job| job.status != Status::Done);
        let Some((job, rewrite)) = job.and_then(|job| Some((job, job.rewrite()?))) else {
            return;
        };
        let (text, uri) = (self.text(&job.uri), job.uri.clone());
        let left = Start::new(uri.clone(), String::new(), &text, rewrite.span());
        let is_written = left.original != rewrite.original() && !left.original.trim().is_empty();
        if !is_written || self.documents.contains_key(&uri) {
            return;
        }
        let left = Left(left);
        let mut open = self
            .documents
            .iter()
            .filter(|(_, document)| left.place(&document.text().to_string()).is_some());
        // In two documents it is nobody's guess which of them was that one.
        if let (Some((now, _)), None) = (open.next(), open.next()) {
            self.outbox.send(Outgoing::Look(now.clone(), vec![uri]));
        }
        if self.left.len() == MOST {
            self.left.pop_front();
        }
        self.left.push_back(left);
    }

    /// The names that a document which was opened may have had while it was being rewritten.
    pub(super) fn former_names(&self, uri: &str) -> Vec<String> {
        let document = self.documents.get(uri).filter(|_| !self.left.is_empty());
        let Some(text) = document.map(|document| document.text().to_string()) else {
            return Vec::new();
        };
        let others = self.left.iter().filter(|left| left.0.uri != uri);
        let mut names: Vec<String> = others
            .filter(|left| left.place(&text).is_some())
            .map(|left| left.0.uri.clone())
            .collect();
        names.dedup();
        names
    }

    /// What the journal has for the name that a document had: what does not fit stays for that name.
    fn take_moved(&mut self, uri: &str, found: Vec<Found>) {
        let (fitting, others): (Vec<Found>, Vec<Found>) = found
            .into_iter()
            .partition(|found| self.is_left_in(uri, &found.interrupted.start));
        for found in others {
            self.journal.release(&found.name);
        }
        self.take_found(uri, fitting);
    }

    /// Whether a rewrite that began with `start` was left half-done in what is this document now.
    fn is_left_in(&self, uri: &str, start: &Start) -> bool {
        let Some(document) = self.documents.get(uri) else {
            return false;
        };
        let text = document.text().to_string();
        let place = start.find(&text);
        let mut left = self.left.iter().filter(|left| left.0.uri == start.uri);
        place.is_some() && left.any(|left| left.place(&text) == place)
    }
}

/// Looks in the journal for what was left of a document that was opened, under its name and under those that it may have had.
pub(super) async fn look(shared: &Shared, uri: &str, former: Vec<String>) {
    let journal = shared.change(|state| state.journal.clone());
    let found = journal.look(uri).await;
    if !found.is_empty() {
        shared.change(|state| state.take_found(uri, found));
    }
    for name in former {
        let found = journal.look(&name).await;
        if !found.is_empty() {
            shared.change(|state| state.take_moved(uri, found));
        }
    }
}
