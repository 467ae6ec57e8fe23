//! The review of a pending result, hunk by hunk. A hunk is a run of lines that differs between the original and the result;
//! it keeps its number for the life of the job. Accepting one makes it part of the original, rejecting one takes it out of
//! the result, so that what is left is always the difference between the two.

use ropey::Rope;

use super::flight::Stroke;
use super::moves::Move;
use super::region::Border;
use super::{Command, Now, Outcome, Phase, Rewrite, Stage};
use crate::text::diff::{self, Revert};
use crate::text::document::between_texts;
use crate::text::{Edit, Span, anchor};

/// A part of a pending result that is not decided yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hunk {
    number: usize,
    /// In bytes of the original.
    old: Span,
    /// In bytes of the result as it was written.
    new: Span,
}

/// What of a pending result is not decided yet.
#[derive(Debug, Default)]
pub(super) struct Undecided {
    hunks: Vec<Hunk>,
    /// Some hunk was accepted.
    accepted_some: bool,
}

impl Rewrite {
    /// The hunks that are not decided yet, by number, each with its place in bytes of `text`, without the line break at its
    /// end: who stands in the next line does not mean it. None unless the whole result is in the document and waits for the
    /// user.
    pub fn hunks(&self, text: &Rope) -> Vec<(usize, Span)> {
        if !matches!(self.stage, Stage::Pending { parked: None, .. }) {
            return Vec::new();
        }
        let trimmed = |(number, span): (usize, Span)| {
            let kept = super::region::slice(text, span);
            let kept = kept.strip_suffix('\n').unwrap_or(&kept);
            let kept = kept.strip_suffix('\r').unwrap_or(kept);
            (number, Span::new(span.start, span.start + kept.len()))
        };
        self.places(text).into_iter().map(trimmed).collect()
    }

    /// What rejecting the rewrite, or only one hunk of it, would leave because the user changed it: the number of the hunk
    /// and places in bytes of `text`.
    pub fn kept_by_reject(&self, text: &Rope, hunk: Option<usize>) -> Vec<(usize, Span)> {
        let target = match hunk.and_then(|number| self.find(number)) {
            Some(hunk) => self.without(hunk),
            None => self.region.original.clone(),
        };
        let places = self.places(text);
        let number = |kept: Span| {
            let touching = places
                .iter()
                .find(|(_, place)| kept.start <= place.end && place.start <= kept.end);
            touching.map_or(0, |(number, _)| *number)
        };
        let nothing = |span| Edit {
            span,
            text: String::new(),
        };
        let kept = self.revert_to(&target, text).kept;
        let kept = self.region.place(kept.into_iter().map(nothing).collect());
        kept.into_iter()
            .map(|kept| (number(kept.span), kept.span))
            .collect()
    }

    /// The whole result stands in the document: from now on its hunks have numbers.
    pub(super) fn begin_review(&mut self) {
        let hunks = diff::hunks(&self.region.original, &self.region.expected());
        self.review.hunks = hunks
            .into_iter()
            .enumerate()
            .map(|(number, (old, new))| Hunk { number, old, new })
            .collect();
    }

    pub(super) fn accept_hunk(&mut self, number: usize) {
        let Some(hunk) = self.find(number).filter(|_| self.is_pending()) else {
            return;
        };
        let text = self.region.expected();
        let text = text.get(hunk.new.start..hunk.new.end).unwrap_or_default();
        self.region
            .original
            .replace_range(hunk.old.start..hunk.old.end, text);
        self.review.accepted_some = true;
        self.decided(number, |later| {
            moved(&mut later.old, hunk.old.len(), hunk.new.len());
        });
    }

    pub(super) fn reject_hunk(&mut self, number: usize) {
        if let Some(hunk) = self.find(number).filter(|_| self.is_pending()) {
            let written = self.without(hunk);
            self.stage = Stage::RejectingHunk { number, written };
        }
    }

    /// Takes one hunk out of the document, but for what the user changed in it.
    pub(super) fn take_hunk_back(
        &mut self,
        now: Now,
        text: &Rope,
        number: usize,
        written: String,
    ) -> Move {
        let Revert { edits, kept } = self.revert_to(&written, text);
        let landed = self.region.ours == written;
        if landed || edits.is_empty() {
            self.left_changes |= !landed && !kept.is_empty();
            self.region.rewritten(written);
            if let Some(hunk) = self.find(number) {
                self.decided(number, |later| {
                    moved(&mut later.new, hunk.new.len(), hunk.old.len());
                });
            }
            return Move::Again;
        }
        if self.trouble.blind || self.adrift {
            self.keep_hunk("the editor has not confirmed the last edit yet".to_owned());
            return Move::Again;
        }
        if let Some(held) = self.held_back(now) {
            return held;
        }
        self.left_changes |= !kept.is_empty();
        Move::Send(
            Phase::Rewind,
            Stroke {
                edits: self.region.place(edits),
                border: Border::AllWritten,
                ours: written,
                waiting: String::new(),
            },
        )
    }

    /// A hunk that cannot be taken back stays undecided.
    pub(super) fn keep_hunk(&mut self, reason: String) {
        self.stage = Stage::Pending {
            parked: None,
            applicable: true,
        };
        self.commands.push(Command::Refused(reason));
    }

    /// One hunk is decided; the place of each later one is put right. With the last one the review is over.
    fn decided(&mut self, number: usize, put_right: impl Fn(&mut Hunk)) {
        let Some(index) = self
            .review
            .hunks
            .iter()
            .position(|hunk| hunk.number == number)
        else {
            return;
        };
        self.review.hunks.remove(index);
        self.review
            .hunks
            .get_mut(index..)
            .unwrap_or_default()
            .iter_mut()
            .for_each(put_right);
        if self.review.hunks.is_empty() {
            let outcome = if self.review.accepted_some {
                Outcome::Done
            } else {
                Outcome::Cancelled
            };
            self.settle(outcome);
        } else {
            self.stage = Stage::Pending {
                parked: None,
                applicable: true,
            };
        }
    }

    fn find(&self, number: usize) -> Option<Hunk> {
        self.review
            .hunks
            .iter()
            .find(|hunk| hunk.number == number)
            .copied()
    }

    /// The result as it was written, with one hunk taken back.
    fn without(&self, hunk: Hunk) -> String {
        let mut written = self.region.expected();
        let old = self.region.original.get(hunk.old.start..hunk.old.end);
        written.replace_range(hunk.new.start..hunk.new.end, old.unwrap_or_default());
        written
    }

    /// Where the hunks stand, carried through what the user has changed since.
    fn places(&self, text: &Rope) -> Vec<(usize, Span)> {
        let (written, now) = (self.region.expected(), self.region.read(text));
        let changes = if written == now {
            Vec::new()
        } else {
            let (written, now) = (Rope::from_str(&written), Rope::from_str(&now));
            anchor::replacements(&written, &now, between_texts(&written, &now))
        };
        let place = |hunk: &Hunk| {
            let start = anchor::carry(hunk.new.start, anchor::Stick::Before, &changes);
            let end = anchor::carry(hunk.new.end, anchor::Stick::After, &changes).max(start);
            let base = self.region.span.start;
            (hunk.number, Span::new(base + start, base + end))
        };
        self.review.hunks.iter().map(place).collect()
    }
}

/// Moves a span behind something whose length has changed.
fn moved(span: &mut Span, from: usize, to: usize) {
    *span = Span::new(
        (span.start + to).saturating_sub(from),
        (span.end + to).saturating_sub(from),
    );
}
