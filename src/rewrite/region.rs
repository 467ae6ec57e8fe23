//! The part of a document that one rewrite owns, as `written | waiting`: the new text so far, then the old text not yet
//! replaced. Follows the document's changes by content; decides nothing.

use std::hash::{Hash, Hasher};

use ropey::Rope;

use crate::text::anchor::{self, Stick};
use crate::text::document::Hull;
use crate::text::{Edit, Span};

/// Whether a change reached into the region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Touch {
    Outside,
    Inside,
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

    /// Whether the old text that still waits stands untouched.
    pub(super) fn waits_untouched(&self, text: &Rope) -> bool {
        text.get_byte_slice(self.middle..self.span.end)
            .is_some_and(|now| now == self.waiting.as_str())
    }

    /// Whether text that this rewrite wrote was taken out again: the region reads as it did before one of the landed
    /// edits, or nothing is left of the written part. If so, the region is what it was then: what the undo left is ours,
    /// not something that the user wrote.
    pub(super) fn lost_our_text(&mut self, text: &Rope) -> bool {
        if self.ours.trim().is_empty() {
            return false;
        }
        let fingerprint = fingerprint(text, self.span);
        let earlier = self
            .earlier
            .iter()
            .rev()
            .find(|earlier| earlier.fingerprint == fingerprint);
        if let Some(&Earlier {
            written, waiting, ..
        }) = earlier
        {
            self.ours.truncate(written);
            let waits_from = self.original.len().saturating_sub(waiting);
            self.waiting = self
                .original
                .get(waits_from..)
                .unwrap_or_default()
                .to_owned();
            self.middle = self.span.end.saturating_sub(waiting).max(self.span.start);
            return true;
        }
        let emptied = slice(text, Span::new(self.span.start, self.middle))
            .trim()
            .is_empty();
        if emptied {
            self.ours.clear();
        }
        emptied
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
            earlier,
        }
    }

    /// Follows a change from `before` to `after` that differs only inside `hull`. Text inserted exactly at the region's
    /// start or end is outside it; exactly between written and waiting it belongs to the written part.
    pub(super) fn carry(&mut self, before: &Rope, after: &Rope, hull: Hull) -> Touch {
        if hull.old.end <= self.span.start {
            let moved = |offset: usize| (offset + hull.new.end).saturating_sub(hull.old.end);
            self.span = Span::new(moved(self.span.start), moved(self.span.end));
            self.middle = moved(self.middle);
            return Touch::Outside;
        }
        if self.span.end <= hull.old.start {
            return Touch::Outside;
        }
        let changes = anchor::replacements(before, after, hull);
        let start = anchor::carry(self.span.start, Stick::After, &changes);
        let end = anchor::carry(self.span.end, Stick::Before, &changes).max(start);
        let middle = anchor::carry(self.middle, Stick::After, &changes).clamp(start, end);
        let inside = changes
            .iter()
            .any(|change| reaches_into(change.old, self.span));
        self.span = Span::new(start, end);
        self.middle = middle;
        if inside {
            Touch::Inside
        } else {
            Touch::Outside
        }
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
