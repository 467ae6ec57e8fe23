//! The part of a document that one rewrite owns, as `written | waiting`: the new text so far, then the old text not yet
//! replaced. Follows the document's changes by content; decides nothing.

mod undone;

use std::hash::{Hash, Hasher};

use ropey::Rope;

use crate::text::anchor::{self, Replacement, Stick};
use crate::text::document::{Batch, Hull};
use crate::text::{Edit, Span};

/// Whether a change reached into the region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Touch {
    Outside,
    Inside,
    /// It took text of this rewrite out again, beside what else it did.
    Undone,
}

/// Where the border between written and waiting lies once an edit has landed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Border {
    /// Everything waits: the original is back.
    AllWaiting,
    /// Everything is written.
    AllWritten,
    /// Behind so many new bytes, counted from the old border.
    Behind(usize),
}

/// A region; all places are byte offsets of the document's current text.
#[derive(Clone, Debug)]
pub(super) struct Region {
    pub(super) span: Span,
    middle: usize,
    /// The written part as this rewrite made it; the user may since have changed what stands there.
    pub(super) ours: String,
    /// The waiting part as it stood in the original.
    pub(super) waiting: String,
    pub(super) original: String,
    /// Nothing was left of it, and then its place went too: somebody replaced what stood on both sides of it by one text. Where it
    /// would have to come back nobody can say.
    pub(super) lost: bool,
    earlier: Vec<Earlier>,
}

/// What the region read before one of the landed edits.
#[derive(Clone, Copy, Debug)]
struct Earlier {
    fingerprint: u64,
    /// So many bytes of what is now written were written then.
    written: usize,
    /// So many bytes of the original's end still waited.
    waiting: usize,
}

impl Region {
    pub(super) fn new(text: &Rope, span: Span) -> Self {
        let original = slice(text, span);
        Self {
            span,
            middle: span.start,
            ours: String::new(),
            waiting: original.clone(),
            original,
            lost: false,
            earlier: Vec::new(),
        }
    }

    /// What the region reads in `text`.
    pub(super) fn read(&self, text: &Rope) -> String {
        slice(text, self.span)
    }

    /// What the region would read if nobody but this rewrite had changed it.
    pub(super) fn expected(&self) -> String {
        format!("{}{}", self.ours, self.waiting)
    }

    /// Whether nobody but this rewrite has changed the region.
    pub(super) fn is_as_written(&self, text: &Rope) -> bool {
        text.get_byte_slice(self.span.start..self.span.end)
            .is_some_and(|now| now == self.expected().as_str())
    }

    /// Whether the region reads the original.
    pub(super) fn is_original(&self, text: &Rope) -> bool {
        text.get_byte_slice(self.span.start..self.span.end)
            .is_some_and(|now| now == self.original.as_str())
    }

    /// Whether `wanted` stands where the region starts. An edit that was applied by hand may have put its last piece at the
    /// region's end, where it counts as outside.
    pub(super) fn starts(&self, text: &Rope, wanted: &str) -> bool {
        let start = self.span.start;
        text.get_byte_slice(start..start + wanted.len())
            .is_some_and(|now| now == wanted)
    }

    /// Whether the old text that still waits stands untouched.
    pub(super) fn waits_untouched(&self, text: &Rope) -> bool {
        text.get_byte_slice(self.middle..self.span.end)
            .is_some_and(|now| now == self.waiting.as_str())
    }

    /// Whether what `edits` take out of `text` is old text that waits and nothing else.
    pub(super) fn takes_what_waits(&self, text: &Rope, edits: &[Edit]) -> bool {
        edits.iter().all(|Edit { span, .. }| {
            let from = span.start.checked_sub(self.middle);
            let waiting = from.and_then(|from| self.waiting.get(from..from + span.len()));
            let taken = text.get_byte_slice(span.start..span.end);
            waiting
                .zip(taken)
                .is_some_and(|(waiting, taken)| taken == waiting)
        })
    }

    /// Whether text that this rewrite wrote was taken out again: the region reads as it did before one of the landed
    /// edits, or nothing is left of the written part. If so, the region is what it was then: what the undo left is ours,
    /// not something that the user wrote.
    pub(super) fn lost_our_text(&mut self, text: &Rope) -> bool {
        if self.ours.trim().is_empty() {
            return false;
        }
        if let Some(Earlier {
            written, waiting, ..
        }) = self.earlier_state(text, self.span)
        {
            self.ours.truncate(written);
            self.waiting = self.waited(waiting).to_owned();
            self.middle = self.span.end.saturating_sub(waiting).max(self.span.start);
            return true;
        }
        // Where a change reaches over the whole region its parts may be told apart wrongly, so the text itself counts.
        let emptied = slice(text, Span::new(self.span.start, self.middle))
            .trim()
            .is_empty()
            && !self.read(text).contains(self.ours.trim());
        if emptied {
            self.ours.clear();
        }
        emptied
    }

    /// The last so many bytes of the original, which once waited.
    fn waited(&self, bytes: usize) -> &str {
        let from = self.original.len().saturating_sub(bytes);
        self.original.get(from..).unwrap_or_default()
    }

    /// Moves `edits`, which count from the border between written and waiting, to where that stands in the document.
    pub(super) fn place_waiting(&self, edits: Vec<Edit>) -> Vec<Edit> {
        shift(edits, self.middle)
    }

    /// Takes it that the next `bytes` of the waiting text are what the reply has there too.
    pub(super) fn pass(&mut self, bytes: usize, ours: String, waiting: String) {
        self.middle = (self.middle + bytes).min(self.span.end);
        self.ours = ours;
        self.waiting = waiting;
    }

    /// Takes it that the whole region was written as `ours`, which the user may since have changed.
    pub(super) fn rewritten(&mut self, ours: String) {
        self.middle = self.span.end;
        self.ours = ours;
        self.waiting.clear();
    }

    /// Moves `edits`, which count from the region's start, to where the region stands in the document.
    pub(super) fn place(&self, edits: Vec<Edit>) -> Vec<Edit> {
        shift(edits, self.span.start)
    }

    /// The region as it will be when `edits`, which lie inside it, have landed in `before`.
    pub(super) fn after(
        &self,
        before: &Rope,
        edits: &[Edit],
        border: Border,
        ours: String,
        waiting: String,
    ) -> Self {
        let added: usize = edits.iter().map(|edit| edit.text.len()).sum();
        let removed: usize = edits.iter().map(|edit| edit.span.len()).sum();
        let span = Span::new(
            self.span.start,
            (self.span.end + added).saturating_sub(removed),
        );
        let middle = match border {
            Border::AllWaiting => span.start,
            Border::AllWritten => span.end,
            Border::Behind(bytes) => (self.middle + bytes).min(span.end),
        };
        let mut earlier = self.earlier.clone();
        earlier.push(Earlier {
            fingerprint: fingerprint(before, self.span),
            written: self.ours.len(),
            waiting: self.waiting.len(),
        });
        Self {
            span,
            middle,
            ours,
            waiting,
            original: self.original.clone(),
            lost: self.lost,
            earlier,
        }
    }

    /// Takes it that `batch` holds some pieces of an edit of ours and nothing else.
    pub(super) fn land_partly(&mut self, batch: &Batch) {
        self.earlier.push(Earlier {
            fingerprint: fingerprint(&batch.before, self.span),
            written: self.ours.len(),
            waiting: self.waiting.len(),
        });
        let end = self.span.end + batch.after.len_bytes();
        self.span = Span::new(
            self.span.start,
            end.saturating_sub(batch.before.len_bytes()),
        );
    }

    /// Follows a change from `before` to `after` that differs only inside `hull`. Text inserted exactly at the region's
    /// start or end is outside it; exactly between written and waiting it belongs to the written part.
    pub(super) fn carry(&mut self, before: &Rope, after: &Rope, hull: Hull) -> Touch {
        let changes = self.changes(before, after, hull);
        if let Some(span) = self.undone_within(before, after, hull, self.carried(&changes)) {
            self.span = span;
            self.middle = self.middle.clamp(span.start, span.end);
            return Touch::Inside;
        }
        if self.undo_among_others(before, after, hull, &changes) {
            return Touch::Undone;
        }
        self.carry_through(&changes)
    }

    /// The same for a change of which it is known that nobody undid anything by it: the edit of another rewrite.
    pub(super) fn carry_along(&mut self, before: &Rope, after: &Rope, hull: Hull) -> Touch {
        let changes = self.changes(before, after, hull);
        self.carry_through(&changes)
    }

    /// What was replaced within `hull`; one that only touches the region is not looked into.
    fn changes(&self, before: &Rope, after: &Rope, hull: Hull) -> Vec<Replacement> {
        if hull.old.end <= self.span.start || self.span.end <= hull.old.start {
            return vec![Replacement {
                old: hull.old,
                new: hull.new,
            }];
        }
        anchor::replacements(before, after, hull)
    }

    /// Where the region stands behind a change that consists of these replacements.
    fn carried(&self, changes: &[Replacement]) -> Span {
        let start = anchor::carry(self.span.start, Stick::After, changes);
        let end = anchor::carry(self.span.end, Stick::Before, changes);
        Span::new(start, end.max(start))
    }

    /// Follows a change that consists of these replacements.
    pub(super) fn carry_through(&mut self, changes: &[Replacement]) -> Touch {
        let span = self.carried(changes);
        let middle = anchor::carry(self.middle, Stick::After, changes).clamp(span.start, span.end);
        let inside = changes
            .iter()
            .any(|change| reaches_into(change.old, self.span));
        self.lost |= inside && self.span.is_empty();
        self.span = span;
        self.middle = middle;
        if inside {
            Touch::Inside
        } else {
            Touch::Outside
        }
    }

    /// The newest of the earlier states in which the region read what `span` reads now.
    fn earlier_state(&self, text: &Rope, span: Span) -> Option<Earlier> {
        let fingerprint = fingerprint(text, span);
        let states = self.earlier.iter().rev();
        states
            .copied()
            .find(|earlier| earlier.fingerprint == fingerprint)
    }

    /// Whether what a change brought stands in this region or right beside it.
    pub(super) fn is_abutted(&self, brought: Span) -> bool {
        brought.start <= self.span.end && self.span.start <= brought.end
    }
}

fn shift(edits: Vec<Edit>, by: usize) -> Vec<Edit> {
    let shifted = |edit: Edit| Edit {
        span: Span::new(edit.span.start + by, edit.span.end + by),
        text: edit.text,
    };
    edits.into_iter().map(shifted).collect()
}

/// The text of `span`, or nothing where the span does not fit the text.
pub(super) fn slice(text: &Rope, span: Span) -> String {
    text.get_byte_slice(span.start..span.end)
        .map(String::from)
        .unwrap_or_default()
}

/// Whether `change` touches `region`: an insertion at its very edge does not.
fn reaches_into(change: Span, region: Span) -> bool {
    if change.is_empty() {
        region.start < change.start && change.start < region.end
    } else {
        change.start < region.end && region.start < change.end
    }
}

/// A number that tells one content of the region from another, whatever the rope's chunks are.
fn fingerprint(text: &Rope, span: Span) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    slice(text, span).hash(&mut hasher);
    hasher.finish()
}
