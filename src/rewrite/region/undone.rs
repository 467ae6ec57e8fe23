//! Whether a change took text of this rewrite out again: an undo, told alone or as one with what somebody did around it.

use ropey::Rope;

use super::{Region, fingerprint, slice};
use crate::text::anchor::{self, Replacement, Stick};
use crate::text::document::{Hull, between_texts};
use crate::text::{Span, diff};

/// So many edits at most are taken to be undone together with a change beside the region.
const UNDONE_AT_ONCE: usize = 8;

/// Up to this many bytes on both sides together a change is tried as an undo among others.
const HULL_LIMIT: usize = 16 * 1024;

impl Region {
    /// Where the region stands if `hull` can be read as an undo of one of our edits. The same deletion can often be read in
    /// several ways, of which one begins or ends outside the region; but text that now reads as it did before an edit of ours
    /// is text that somebody undid. `carried` is where it stands if not.
    pub(super) fn undone_within(
        &self,
        before: &Rope,
        after: &Rope,
        hull: Hull,
        carried: Span,
    ) -> Option<Span> {
        let Span { start, end } = self.span;
        if self.earlier.is_empty() || hull.old.end < start || end < hull.old.start {
            return None;
        }
        let end_after = after
            .len_bytes()
            .checked_sub(before.len_bytes().checked_sub(end)?)?;
        let in_front = Span::new(hull.old.start.min(start), start);
        let behind = Span::new(end, hull.old.end.max(end));
        let same = |one: Span, other: Span| {
            let one = before.get_byte_slice(one.start..one.end);
            one.is_some() && one == after.get_byte_slice(other.start..other.end)
        };
        let same_behind = same(behind, Span::new(end_after, end_after + behind.len()));
        match (same(in_front, in_front), same_behind) {
            (true, true) => {
                let span = Span::new(start, end_after);
                self.earlier_state(after, span).map(|_| span)
            }
            // What is only taken out, and not here, is a deletion beside the region and nothing else.
            _ if hull.new.is_empty() => None,
            // Somebody has typed in front of the region too, or behind it.
            (false, true) => {
                let beside = |span: Span| Span::new(in_front.start, span.start);
                let place = |length| Some(Span::new(end_after.checked_sub(length)?, end_after));
                self.undone_beside(before, after, carried, in_front, place, beside)
            }
            (true, false) => {
                let beside = |span: Span| Span::new(span.end, end_after + behind.len());
                let place = |length| Some(Span::new(start, start + length));
                self.undone_beside(before, after, carried, behind, place, beside)
            }
            (false, false) => None,
        }
    }

    /// Where the region stands if an edit of ours was undone together with what somebody did on one side of it, where `old` stood:
    /// `place` gives the region of a length, `beside` what they have made of `old` then. It was an undo if that leaves them less
    /// than `carried` does, and if our text does not still stand there: nobody types what we have written.
    fn undone_beside(
        &self,
        before: &Rope,
        after: &Rope,
        carried: Span,
        old: Span,
        place: impl Fn(usize) -> Option<Span>,
        beside: impl Fn(Span) -> Span,
    ) -> Option<Span> {
        let mut newest = self.earlier.iter().rev().take(UNDONE_AT_ONCE);
        let undone = newest.find_map(|earlier| {
            let span = place(earlier.written + earlier.waiting)?;
            (fingerprint(after, span) == earlier.fingerprint).then_some(span)
        })?;
        let others =
            |region: Span| diff::distance(&slice(before, old), &slice(after, beside(region)));
        let stands = self.is_brought(before, (before, old), (after, beside(undone)));
        (!stands && others(undone) < others(carried)).then_some(undone)
    }

    /// Whether `new`, which is said to be somebody's in the place of `old`, brings the text that is written by now.
    fn is_brought(&self, before: &Rope, old: (&Rope, Span), new: (&Rope, Span)) -> bool {
        let written = slice(before, Span::new(self.span.start, self.middle));
        let written = written.trim();
        let count = |(text, span): (&Rope, Span)| {
            // A part of it may stand beside the change as the same as before, but not within the region.
            let start = if old.1.start < self.span.start {
                character(text, span.start.saturating_sub(written.len()))
            } else {
                span.start
            };
            let end = if self.span.end < old.1.end {
                character(text, span.end + written.len())
            } else {
                span.end
            };
            slice(text, Span::new(start, end)).matches(written).count()
        };
        !written.is_empty() && count(old) < count(new)
    }

    /// Takes a change that reaches over both ends of the region for an undo together with what somebody did around and in it, if
    /// that leaves them less than `changes`, what the change is otherwise. Says whether it was one.
    pub(super) fn undo_among_others(
        &mut self,
        before: &Rope,
        after: &Rope,
        hull: Hull,
        changes: &[Replacement],
    ) -> bool {
        let around = hull.old.start < self.span.start && self.span.end < hull.old.end;
        if !around || HULL_LIMIT < hull.old.len() + hull.new.len() {
            return false;
        }
        let newest = self.earlier.iter().rev().take(UNDONE_AT_ONCE);
        let readings = newest.filter_map(|earlier| {
            let (ours, waiting) = (
                self.ours.get(..earlier.written)?,
                self.waited(earlier.waiting),
            );
            let mut undone = before.clone();
            let start = undone.try_byte_to_char(self.span.start).ok()?;
            let end = undone.try_byte_to_char(self.span.end).ok()?;
            undone.try_remove(start..end).ok()?;
            undone.try_insert(start, &format!("{ours}{waiting}")).ok()?;
            let others = anchor::replacements(&undone, after, between_texts(&undone, after));
            let brought =
                |one: &Replacement| self.is_brought(before, (&undone, one.old), (after, one.new));
            let stands = others.iter().any(brought);
            (!stands).then(|| (ours.to_owned(), waiting.to_owned(), others))
        });
        let smallest = readings.min_by_key(|(.., others)| size(others));
        let Some((ours, waiting, others)) =
            smallest.filter(|(.., others)| size(others) < size(changes))
        else {
            return false;
        };
        self.middle = self.span.start + ours.len();
        self.span = Span::new(self.span.start, self.middle + waiting.len());
        (self.ours, self.waiting) = (ours, waiting);
        self.middle = anchor::carry(self.middle, Stick::After, &others);
        self.span = self.carried(&others);
        self.middle = self.middle.clamp(self.span.start, self.span.end);
        true
    }
}

/// The start of the character at `byte`, or the end of the text.
fn character(text: &Rope, byte: usize) -> usize {
    let character = text.try_byte_to_char(byte);
    let start = character.and_then(|character| text.try_char_to_byte(character));
    start.unwrap_or(text.len_bytes())
}

/// How many bytes replacements take and bring.
fn size(replacements: &[Replacement]) -> usize {
    let sizes = replacements.iter().map(|one| one.old.len() + one.new.len());
    sizes.sum()
}

#[cfg(test)]
mod tests {
    use crate::rewrite::flight::apply;
    use crate::rewrite::region::{Border, Region, Touch};
    use crate::text::document::between_texts;
    use crate::text::{Edit, Span};
    use ropey::Rope;

    /// A region at the end of `front`, `ours` written in front of all of `old`, in the text as it then is.
    fn written(front: &str, ours: &str, old: &str) -> (Rope, Region) {
        let before = Rope::from_str(&format!("{front}{old}}}\n"));
        let region = Region::new(&before, Span::new(front.len(), front.len() + old.len()));
        let edits = [Edit {
            span: Span::new(front.len(), front.len()),
            text: ours.to_owned(),
        }];
        let border = Border::Behind(ours.len());
        let region = region.after(&before, &edits, border, ours.to_owned(), old.to_owned());
        (apply(&before, &edits), region)
    }

    #[test]
    fn text_that_still_stands_was_not_undone() {
        let (ours, old) = ("let b = Some(20);", "let b = 2;\n");
        let (text, mut region) = written("{\nlet a = 100;\n", ours, old);
        // The line above and its break were replaced by a letter, which leaves little of what resembles ours.
        let after = Rope::from_str(&text.to_string().replace("let a = 100;\n", "z"));
        let hull = between_texts(&text, &after);
        assert_eq!(region.carry(&text, &after, hull), Touch::Outside);
        assert_eq!(region.read(&after), format!("{ours}{old}"));
    }

    #[test]
    fn the_edit_of_another_rewrite_undoes_nothing() {
        let (text, mut region) = written("x\nTOP\n", "\n", "old\n");
        let mut undone = region.clone();
        let after = Rope::from_str(&format!(
            "①{}",
            text.to_string().replacen("TOP\n", "TOP", 1)
        ));
        let hull = between_texts(&text, &after);
        assert_eq!(region.carry_along(&text, &after, hull), Touch::Outside);
        assert_eq!(region.read(&after), "\nold\n");
        // By somebody's hand the same is an undo and a letter above.
        assert_eq!(undone.carry(&text, &after, hull), Touch::Inside);
        assert_eq!(undone.read(&after), "old\n");
    }
}
