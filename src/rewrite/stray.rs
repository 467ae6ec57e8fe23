//! Text that landed in the wrong place, and how it is taken out again.
//!
//! Neovim 0.11 and 0.12 drop an edit whose version is older than the buffer, but never one for version 0, the version of a
//! file that was opened and not changed yet (measured). If somebody's first key press is still unreported when the first
//! edit arrives, Neovim applies it at a line and column that are no longer the right ones. So an edit for version 0 is
//! always a single insertion: where it strayed to is then known exactly, and one guarded edit takes it out. Where an insertion
//! will not do (a file was read again from the disk while a result is taken back), an insertion of nothing goes first: Neovim
//! 0.10 and 0.11 tell it as a change, and from then on edits are guarded (measured; one more press of undo is the price).

use ropey::Rope;

use super::flight::{Flight, Stroke, apply};
use super::moves::Move;
use super::region::{Border, Touch, slice};
use super::{Guard, Now, Phase, Rewrite};
use crate::text::document::{Batch, between_texts};
use crate::text::{Edit, Encoding, Position, Span, anchor, diff, position};

/// An insertion that the client may put at this line and character whatever the text has become.
pub(super) struct Unguarded {
    place: Position,
    text: String,
}

/// Whether `edits` are one insertion.
pub(super) fn is_insertion(edits: &[Edit]) -> bool {
    matches!(edits, [edit] if edit.span.is_empty())
}

/// Text of ours outside its region; the span is in bytes of the document.
#[derive(Debug)]
pub(super) struct Stray {
    span: Span,
    text: String,
}

impl Unguarded {
    /// What the client may do with `edits`, if it is one insertion into `text`.
    fn of(text: &Rope, edits: &[Edit]) -> Option<Self> {
        let [edit] = edits else { return None };
        let place = position::position(text, edit.span.start, Encoding::Utf32);
        edit.span.is_empty().then(|| Self {
            place,
            text: edit.text.clone(),
        })
    }

    /// Where the insertion strayed to, with the text as it is without it, if that explains `batch` better than
    /// `otherwise`, the distance between what the change brought and what it should have brought.
    pub(super) fn find(&self, batch: &Batch, otherwise: usize) -> Option<(Stray, Rope)> {
        let start = position::offset(&batch.after, self.place, Encoding::Utf32);
        let span = Span::new(start, start + self.text.len());
        if slice(&batch.after, span) != self.text {
            return None;
        }
        let removal = Edit {
            span,
            text: String::new(),
        };
        let without = apply(&batch.after, &[removal]);
        let hull = between_texts(&batch.before, &without);
        let by_user = diff::distance(&slice(&batch.before, hull.old), &slice(&without, hull.new));
        let stray = Stray {
            span,
            text: self.text.clone(),
        };
        (by_user < otherwise).then_some((stray, without))
    }
}

impl Rewrite {
    /// Whether the client would apply the next edit even if it were made for an older text.
    pub(super) fn is_unguarded(&self, now: Now) -> bool {
        self.options.guard == Guard::FromFirstChange && now.unchanged
    }

    /// What may go out now: `stroke`, or the insertion of nothing that makes the client guard the next edit.
    pub(super) fn guarded(&self, now: Now, stroke: Stroke) -> Stroke {
        if !self.is_unguarded(now) || is_insertion(&stroke.edits) {
            return stroke;
        }
        let nothing = Edit {
            span: Span::default(),
            text: String::new(),
        };
        Stroke {
            edits: self.region.place(vec![nothing]),
            border: Border::Behind(0),
            ours: self.region.ours.clone(),
            waiting: self.region.waiting.clone(),
        }
    }

    /// Marks an edit that goes out unguarded.
    pub(super) fn unguarded(&self, now: Now, text: &Rope, edits: &[Edit]) -> Option<Unguarded> {
        self.is_unguarded(now)
            .then(|| Unguarded::of(text, edits))
            .flatten()
    }

    /// Follows a change that put our text in the wrong place: the region moves as the user's part of the change says. Gives what
    /// that did to the region.
    pub(super) fn went_astray(&mut self, batch: &Batch, stray: Stray, without: &Rope) -> Touch {
        self.flight = None;
        let by_user = between_texts(&batch.before, without);
        let touch = self.region.carry(&batch.before, without, by_user);
        let by_us = between_texts(without, &batch.after);
        self.region.carry(without, &batch.after, by_us);
        self.stray = Some(stray);
        touch
    }

    /// Keeps the place of stray text through a change; text that the change touched is left to the user.
    pub(super) fn follow_stray(&mut self, batch: &Batch) {
        let Some(stray) = &mut self.stray else { return };
        let changes = anchor::replacements(&batch.before, &batch.after, batch.hull);
        let start = anchor::carry(stray.span.start, anchor::Stick::After, &changes);
        stray.span = Span::new(start, start + stray.text.len());
        if slice(&batch.after, stray.span) != stray.text {
            self.stray = None;
        }
    }

    /// The edit that takes stray text out, before anything else is done.
    pub(super) fn sweep(&mut self, now: Now) -> Option<Move> {
        let span = self.stray.as_ref()?.span;
        if let Some(held) = self.held_back(now) {
            return Some(held);
        }
        let removal = Edit {
            span,
            text: String::new(),
        };
        let stroke = Stroke {
            edits: vec![removal],
            border: Border::Behind(0),
            ours: self.region.ours.clone(),
            waiting: self.region.waiting.clone(),
        };
        Some(Move::Send(Phase::Rewind, stroke))
    }

    /// Whether the edit under way takes stray text out. If it has landed, the stray text is gone.
    pub(super) fn is_sweeping(&self, flight: &Flight) -> bool {
        let span = self.stray.as_ref().map(|stray| stray.span);
        matches!(flight.edits.as_slice(), [edit] if Some(edit.span) == span && edit.text.is_empty())
    }
}
