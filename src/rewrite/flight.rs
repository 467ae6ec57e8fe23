//! One edit between its sending and its landing. Whether it landed is judged by what the document holds, never by what
//! the client answers: Neovim answers `applied: true` to an edit that it dropped, kak-lsp before it has applied it, and
//! some clients never answer at all.

use ropey::Rope;

use super::region::{Border, Region};
use super::stray::{Stray, Unguarded};
use super::timing::Millis;
use crate::text::document::{Batch, Hull};
use crate::text::{Edit, Span, anchor, diff};

/// What a change of the document says about the edit under way.
pub(super) enum Judgement {
    /// It landed; what the change holds beyond it is the difference between the two texts.
    Landed { predicted: Rope, rest: Option<Hull> },
    /// It landed in the wrong place; the text is the change without it.
    Strayed { stray: Stray, without: Rope },
    /// It landed and was undone within the same change.
    Undone,
    /// The change says nothing: the text is the same as before.
    Unchanged,
    /// The change does not hold it.
    Absent,
}

/// An edit under way.
pub(super) struct Flight {
    pub(super) seq: u64,
    /// Places in the document as it stands now; carried along with foreign changes.
    pub(super) edits: Vec<Edit>,
    border: Border,
    ours: String,
    waiting: String,
    pub(super) sent: Millis,
    /// The client's first message since.
    pub(super) heard: Option<Millis>,
    /// When the client said `applied: true`.
    pub(super) confirmed: Option<Millis>,
    /// The first change since that does not hold the edit.
    pub(super) changed: Option<Millis>,
    /// Whether such a change was somebody else's.
    pub(super) explained: bool,
    unguarded: Option<Unguarded>,
}

/// What an edit makes of its region.
pub(super) struct Stroke {
    /// Places in the document, ascending.
    pub(super) edits: Vec<Edit>,
    /// Where the border lies afterwards.
    pub(super) border: Border,
    /// The written part afterwards.
    pub(super) ours: String,
    /// The waiting part afterwards.
    pub(super) waiting: String,
}

impl Flight {
    pub(super) fn new(
        seq: u64,
        stroke: Stroke,
        sent: Millis,
        unguarded: Option<Unguarded>,
    ) -> Self {
        let Stroke {
            edits,
            border,
            ours,
            waiting,
        } = stroke;
        Self {
            seq,
            edits,
            border,
            ours,
            waiting,
            sent,
            heard: None,
            confirmed: None,
            changed: None,
            explained: false,
            unguarded,
        }
    }

    /// The region as it is once this edit has landed in `before`.
    pub(super) fn region_after(&self, region: &Region, before: &Rope) -> Region {
        region.after(
            before,
            &self.edits,
            self.border,
            self.ours.clone(),
            self.waiting.clone(),
        )
    }

    /// Judges whether `batch` holds this edit: the new text nearer to the prediction than to the text before means yes.
    pub(super) fn judge(&self, batch: &Batch) -> Judgement {
        let (Some(first), Some(last)) = (self.edits.first(), self.edits.last()) else {
            return Judgement::Absent;
        };
        if batch.hull.old.is_empty() && batch.hull.new.is_empty() && batch.between.is_empty() {
            return Judgement::Unchanged;
        }
        let own = Span::new(first.span.start, last.span.end);
        let changed = batch.hull.old;
        if own.end + FAR < changed.start || changed.end + FAR < own.start {
            return Judgement::Absent;
        }
        let window = Window {
            start: own.start.min(changed.start),
            end: own.end.max(changed.end),
            length: batch.before.len_bytes(),
        };
        let predicted = apply(&batch.before, &self.edits);
        let before = window.read(&batch.before);
        let wanted = window.read(&predicted);
        let now = window.read(&batch.after);
        if now == wanted {
            return Judgement::Landed {
                predicted,
                rest: None,
            };
        }
        let from_wanted = diff::distance(&wanted, &now);
        let from_before = diff::distance(&before, &now);
        let astray = self
            .unguarded
            .as_ref()
            .and_then(|unguarded| unguarded.find(batch, from_wanted.min(from_before)));
        if let Some((stray, without)) = astray {
            return Judgement::Strayed { stray, without };
        }
        if from_wanted < from_before {
            let rest = Hull {
                old: window.span(&predicted),
                new: window.span(&batch.after),
            };
            return Judgement::Landed {
                predicted,
                rest: Some(rest),
            };
        }
        if batch.between.iter().any(|step| window.read(step) == wanted) {
            return Judgement::Undone;
        }
        if now == before {
            Judgement::Unchanged
        } else {
            Judgement::Absent
        }
    }

    /// Carries the edit's places through a change that does not hold it; they stay inside `region`, which was carried
    /// already.
    pub(super) fn carry(&mut self, batch: &Batch, region: Span) {
        let changes = anchor::replacements(&batch.before, &batch.after, batch.hull);
        for edit in &mut self.edits {
            let start = anchor::carry(edit.span.start, anchor::Stick::After, &changes)
                .clamp(region.start, region.end);
            let end = anchor::carry(edit.span.end, anchor::Stick::Before, &changes)
                .clamp(start, region.end);
            edit.span = Span::new(start, end);
        }
    }
}

/// How far a change must be from an edit to say nothing about it without a look at the text between them, in bytes.
const FAR: usize = 65_536;

/// A stretch of the text before a change, and where it lies in texts that differ from it only inside the stretch.
struct Window {
    start: usize,
    end: usize,
    length: usize,
}

impl Window {
    fn span(&self, text: &Rope) -> Span {
        Span::new(
            self.start,
            (self.end + text.len_bytes()).saturating_sub(self.length),
        )
    }

    fn read(&self, text: &Rope) -> String {
        super::region::slice(text, self.span(text))
    }
}

/// `text` with `edits` applied; an edit that does not fit is left out.
pub(super) fn apply(text: &Rope, edits: &[Edit]) -> Rope {
    let mut text = text.clone();
    for edit in edits.iter().rev() {
        let start = text.try_byte_to_char(edit.span.start);
        let end = text.try_byte_to_char(edit.span.end);
        if let (Ok(start), Ok(end)) = (start, end)
            && text.try_remove(start..end).is_ok()
        {
            let _ = text.try_insert(start, &edit.text);
        }
    }
    text
}
