//! Carries offsets through changes that somebody else made to the text around them. Leaves out which offsets there are and what
//! it means when the text at one of them is gone.
//!
//! Most changes lie wholly before or behind an offset and cost one comparison ([`shift`]). Only where a change touches it is the
//! old text compared with the new, within the change ([`replacements`], [`carry`]).

use ropey::Rope;

use super::Span;
use super::diff::{Tokens, common_ends_of_lines, groups};
use super::document::Hull;

/// Beyond this many bytes on both sides together a hull is taken for one replacement.
const HULL_LIMIT: usize = 256 * 1024;

/// How many words of changed lines are compared in all; behind them a group of changed lines is taken for one replacement.
const WORD_LIMIT: usize = 20_000;

/// One piece of a text that was replaced by another; what lies between two replacements was left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// In bytes of the text before.
    pub old: Span,
    /// In bytes of the text after.
    pub new: Span,
}

/// On which side of an offset a text lands that is inserted exactly there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stick {
    /// The offset stays in front of the inserted text: right for the end of a region that shall not grow.
    Before,
    /// The offset goes behind the inserted text: right for the start of a region that shall not grow.
    After,
}

/// What was replaced within `hull`, word by word: in ascending order, with text between two that was left alone.
///
/// A hull of more than 256 KB, and lines of more than 20,000 words, come back as one replacement each.
pub fn replacements(before: &Rope, after: &Rope, hull: Hull) -> Vec<Replacement> {
    let mut found = Found {
        hull,
        replacements: Vec::new(),
    };
    let (Some(old), Some(new)) = (
        before.get_byte_slice(hull.old.start..hull.old.end),
        after.get_byte_slice(hull.new.start..hull.new.end),
    ) else {
        found.replacements.push(Replacement {
            old: hull.old,
            new: hull.new,
        });
        return found.replacements;
    };
    let (old, new) = (old.to_string(), new.to_string());
    let whole = (Span::new(0, old.len()), Span::new(0, new.len()));
    if HULL_LIMIT < old.len() + new.len() {
        found.push(&old, &new, whole);
        return found.replacements;
    }
    let (old_lines, new_lines) = (Tokens::lines(&old), Tokens::lines(&new));
    let mut words = WORD_LIMIT;
    for lines in groups(&old_lines, &new_lines) {
        let (old_span, new_span) = (old_lines.span(&lines.old), new_lines.span(&lines.new));
        let old_words = Tokens::words(old_lines.text(&lines.old));
        let new_words = Tokens::words(new_lines.text(&lines.new));
        let Some(left) = words.checked_sub(old_words.len() + new_words.len()) else {
            found.push(&old, &new, (old_span, new_span));
            continue;
        };
        words = left;
        for word in groups(&old_words, &new_words) {
            let moved =
                |span: Span, by: Span| Span::new(by.start + span.start, by.start + span.end);
            let spans = (
                moved(old_words.span(&word.old), old_span),
                moved(new_words.span(&word.new), new_span),
            );
            found.push(&old, &new, spans);
        }
    }
    found.replacements
}

/// Where `offset` of the text before lies in the text after.
///
/// At an insertion `stick` decides. The start of a replaced piece stays its start and the end its end; strictly within it the
/// offset moves to the start ([`Stick::Before`]) or to the end ([`Stick::After`]) of what replaced it.
pub fn carry(offset: usize, stick: Stick, replacements: &[Replacement]) -> usize {
    let index = replacements.partition_point(|replacement| replacement.old.end < offset);
    let last = index
        .checked_sub(1)
        .and_then(|before| replacements.get(before));
    let untouched = last.map_or(offset, |last| last.new.end + (offset - last.old.end));
    let Some(Replacement { old, new }) = replacements
        .get(index)
        .filter(|touched| touched.old.start <= offset)
    else {
        return untouched;
    };
    if !old.is_empty() && offset == old.start {
        return new.start;
    }
    if !old.is_empty() && offset == old.end {
        return new.end;
    }
    match stick {
        Stick::Before => new.start,
        Stick::After => new.end,
    }
}

/// What [`carry`] gives for an offset that only one side of `hull` can have moved; nothing if that takes a comparison of the two
/// texts.
pub fn shift(offset: usize, stick: Stick, hull: Hull) -> Option<usize> {
    let Hull { old, new } = hull;
    if offset < old.start {
        return Some(offset);
    }
    if old.end < offset {
        return Some(new.end + (offset - old.end));
    }
    match stick {
        // Nothing was inserted, so every place in the hull is now the same one.
        _ if new.is_empty() => Some(new.start),
        Stick::Before if offset == old.start => Some(new.start),
        Stick::After if offset == old.end => Some(new.end),
        _ => None,
    }
}

/// The replacements so far, in a hull of the two texts that are compared.
struct Found {
    hull: Hull,
    replacements: Vec<Replacement>,
}

impl Found {
    /// Adds that the first span, of `old`, was replaced by the second one, of `new`, without what both have in common at their
    /// ends.
    fn push(&mut self, old: &str, new: &str, (replaced, by): (Span, Span)) {
        let (prefix, suffix) = common_ends_of_lines(
            old.get(replaced.start..replaced.end).unwrap_or_default(),
            new.get(by.start..by.end).unwrap_or_default(),
            old.as_bytes().get(replaced.end).copied(),
        );
        let within = |base: Span, span: Span| {
            Span::new(
                base.start + span.start + prefix,
                base.start + span.end - suffix,
            )
        };
        let (old, new) = (within(self.hull.old, replaced), within(self.hull.new, by));
        if !old.is_empty() || !new.is_empty() {
            self.replacements.push(Replacement { old, new });
        }
    }
}

#[cfg(test)]
mod tests;
