//! One edit between its sending and its landing. Whether it landed is judged by what the document holds, never by what
//! the client answers: Neovim answers `applied: true` to an edit that it dropped, kak-lsp before it has applied it, and
//! some clients never answer at all.

use ropey::Rope;

use super::region::{Border, Region, slice};
use super::stray::{Stray, Unguarded};
use super::timing::Millis;
use crate::text::anchor::{self, Replacement};
use crate::text::document::{Batch, Hull};
use crate::text::{Edit, Span, diff};

/// What a change of the document says about the edit under way.
pub(super) enum Judgement {
    /// It landed; `others` is what the change holds beyond it, in bytes of the prediction and of the text after.
    Landed { others: Vec<Replacement> },
    /// Some of its pieces landed and nothing else: these are still to come.
    Partly { rest: Vec<Edit> },
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

    /// Whether the client applies it to whatever the text has become.
    pub(super) fn is_unguarded(&self) -> bool {
        self.unguarded.is_some()
    }

    /// Whether it inserts nothing, only to hear of a change.
    pub(super) fn is_nothing(&self) -> bool {
        matches!(self.edits.as_slice(), [edit] if edit.span.is_empty() && edit.text.is_empty())
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
            return Judgement::Landed { others: Vec::new() };
        }
        if let Some(rest) = self.rest_after(batch) {
            return Judgement::Partly { rest };
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
        let near = from_wanted < from_before && !self.is_beside_deletion(batch);
        if near || self.is_brought(batch, &window) {
            let others = self.others(&predicted, &batch.after, &window);
            return Judgement::Landed { others };
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

    /// Whether a stretch was taken out and nothing else, which lies beside this edit: then it was not this edit that did it.
    fn is_beside_deletion(&self, batch: &Batch) -> bool {
        let Hull { old, new } = batch.hull;
        let touches = |edit: &Edit| edit.span.start < old.end && old.start < edit.span.end;
        new.is_empty() && !old.is_empty() && !self.edits.iter().any(touches)
    }

    /// Whether the text after has the edit's text once more. That counts more than how near it is to the prediction: somebody may
    /// have deleted a line beside it that resembles it, and nobody types what we have written.
    fn is_brought(&self, batch: &Batch, window: &Window) -> bool {
        let text = self.longest_text().map_or("", |(_, text)| text.trim());
        if text.len() < TELLING {
            return false;
        }
        // A part of it may stand in front of the change, or behind it, as the same as before.
        let window = window.wider(&batch.before, text.len());
        let count = |whole: &Rope| window.read(whole).matches(text).count();
        count(&batch.before) < count(&batch.after)
    }

    /// The pieces that are still to come if `batch` holds exactly the others: Neovim without a debounce tells each piece of an
    /// edit in a change of its own, the last one first. Their places are carried along.
    fn rest_after(&self, batch: &Batch) -> Option<Vec<Edit>> {
        let (last, rest) = self
            .edits
            .split_last()
            .filter(|(_, rest)| !rest.is_empty())?;
        let only_last = std::slice::from_ref(last);
        if holds_exactly(batch, only_last) {
            return Some(rest.to_vec());
        }
        let hull = batch.hull.old;
        let told = |edit: &Edit| edit.span.start <= hull.end && hull.start <= edit.span.end;
        let (pieces, rest): (Vec<Edit>, Vec<Edit>) = self.edits.iter().cloned().partition(told);
        if pieces.is_empty() || rest.is_empty() || !holds_exactly(batch, &pieces) {
            return None;
        }
        let (added, removed) = sizes(&pieces);
        let moved = rest.into_iter().map(|mut edit| {
            if hull.end < edit.span.start {
                let by = |at: usize| at + added - removed;
                edit.span = Span::new(by(edit.span.start), by(edit.span.end));
            }
            edit
        });
        Some(moved.collect())
    }

    /// What differs between the prediction and the text after. Where the new text stands equally often in both, it is the
    /// landmark from which both sides are compared: without it, text that the edit has moved or doubled may be taken for the
    /// user's.
    fn others(&self, predicted: &Rope, after: &Rope, window: &Window) -> Vec<Replacement> {
        let whole = Hull {
            old: window.span(predicted),
            new: window.span(after),
        };
        let Some((start, text)) = self.longest_text() else {
            return anchor::replacements(predicted, after, whole);
        };
        let expected = places(predicted, whole.old, text);
        let found = places(after, whole.new, text);
        let which = expected.iter().position(|&place| place == start);
        let Some(&found) = which
            .filter(|_| expected.len() == found.len())
            .and_then(|which| found.get(which))
        else {
            return anchor::replacements(predicted, after, whole);
        };
        let in_front = Hull {
            old: Span::new(whole.old.start, start),
            new: Span::new(whole.new.start, found),
        };
        let behind = Hull {
            old: Span::new(start + text.len(), whole.old.end),
            new: Span::new(found + text.len(), whole.new.end),
        };
        let mut others = anchor::replacements(predicted, after, in_front);
        others.extend(anchor::replacements(predicted, after, behind));
        others
    }

    /// The longest text that the edits bring, and where it starts once they have landed.
    fn longest_text(&self) -> Option<(usize, &str)> {
        let (mut added, mut removed) = (0, 0);
        let mut longest: Option<(usize, &str)> = None;
        for edit in &self.edits {
            let start = edit.span.start + added - removed;
            if longest.is_none_or(|(_, text)| text.len() < edit.text.len()) {
                longest = Some((start, &edit.text));
            }
            added += edit.text.len();
            removed += edit.span.len();
        }
        longest.filter(|(_, text)| !text.trim().is_empty())
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

/// Whether `batch` is these edits and nothing else.
fn holds_exactly(batch: &Batch, edits: &[Edit]) -> bool {
    let (added, removed) = sizes(edits);
    batch.after.len_bytes() + removed == batch.before.len_bytes() + added
        && apply(&batch.before, edits) == batch.after
}

/// How many bytes edits bring and take away.
fn sizes(edits: &[Edit]) -> (usize, usize) {
    let added = edits.iter().map(|edit| edit.text.len()).sum();
    (added, edits.iter().map(|edit| edit.span.len()).sum())
}

/// Where `part` stands in `span` of `text`.
fn places(text: &Rope, span: Span, part: &str) -> Vec<usize> {
    slice(text, span)
        .match_indices(part)
        .map(|(at, _)| span.start + at)
        .collect()
}

/// A text of so many bytes is not typed by chance, nor left by a deletion.
const TELLING: usize = 6;

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

    /// The same with so many bytes more at both ends, where the text before has them; it ends at characters.
    fn wider(&self, before: &Rope, by: usize) -> Self {
        let character = |byte: usize| {
            let character = before.try_byte_to_char(byte);
            let start = character.and_then(|character| before.try_char_to_byte(character));
            start.unwrap_or(byte)
        };
        Self {
            start: character(self.start.saturating_sub(by)),
            end: character((self.end + by).min(self.length)),
            length: self.length,
        }
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
