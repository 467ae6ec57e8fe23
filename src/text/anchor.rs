//! Carries offsets through changes that somebody else made to the text around them. Leaves out which offsets there are and what
//! it means when the text at one of them is gone.
//!
//! Most changes lie wholly before or behind an offset and cost one comparison ([`shift`]). Only where a change touches it is the
//! old text compared with the new, within the change ([`replacements`], [`carry`]).

use ropey::Rope;

use super::Span;
use super::diff::{Landmarks, differences, without_common_ends};
use super::document::Hull;

/// Beyond this many bytes on both sides together a hull is taken for one replacement.
const HULL_LIMIT: usize = 256 * 1024;

/// Up to this many bytes on both sides together lines are also compared one by one.
const LINES_LIMIT: usize = 16 * 1024;

/// Up to this many bytes on both sides together a difference is looked at character by character.
const CHARACTER_LIMIT: usize = 512;

/// How far an ambiguous deletion or insertion is moved to find the start of a line.
const SLIDE_LIMIT: usize = 256;

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
    if HULL_LIMIT < old.len() + new.len() {
        let whole = (Span::new(0, old.len()), Span::new(0, new.len()));
        found.extend(without_common_ends(&old, &new, whole));
        return found.replacements;
    }
    let whole = finely(&old, &new);
    let line_by_line = line_by_line(&old, &new).filter(|pairs| size(pairs) < size(&whole));
    found.extend(line_by_line.unwrap_or(whole));
    found.align(before, after);
    found.replacements
}

/// The differences between two texts, as small as they can be told.
fn finely(old: &str, new: &str) -> Vec<(Span, Span)> {
    differences(old, new, Landmarks::LinesWithWords)
        .into_iter()
        .flat_map(|pair| by_characters(old, new, pair))
        .collect()
}

/// The differences if each line is taken for the one that it was, where their number is the same: where lines are alike and
/// somebody typed in several of them, a difference between the whole texts may pair the wrong ones.
fn line_by_line(old: &str, new: &str) -> Option<Vec<(Span, Span)>> {
    let breaks = |text: &str| memchr::memchr_iter(b'\n', text.as_bytes()).count();
    if LINES_LIMIT < old.len() + new.len() || breaks(old) == 0 || breaks(old) != breaks(new) {
        return None;
    }
    let (mut old_start, mut new_start) = (0, 0);
    let mut pairs = Vec::new();
    for (old, new) in old.split_inclusive('\n').zip(new.split_inclusive('\n')) {
        let by = |start: usize, span: Span| Span::new(start + span.start, start + span.end);
        pairs.extend(
            finely(old, new)
                .into_iter()
                .map(|(old, new)| (by(old_start, old), by(new_start, new))),
        );
        (old_start, new_start) = (old_start + old.len(), new_start + new.len());
    }
    let rest = (
        Span::new(old_start, old.len()),
        Span::new(new_start, new.len()),
    );
    if !(rest.0.is_empty() && rest.1.is_empty()) {
        pairs.push(rest);
    }
    pairs.dedup_by(|next, pair| {
        let touches = pair.0.end == next.0.start && pair.1.end == next.1.start;
        if touches {
            (pair.0.end, pair.1.end) = (next.0.end, next.1.end);
        }
        touches
    });
    Some(pairs)
}

/// How many bytes differences replace and bring.
fn size(pairs: &[(Span, Span)]) -> usize {
    let size = |(old, new): &(Span, Span)| old.len() + new.len();
    pairs.iter().map(size).sum()
}

/// Takes a difference apart where one side has all characters of the other in their order: then nothing was replaced, and only
/// what was put in or taken out between them counts. Somebody may have typed in front of a word and within it.
fn by_characters(old: &str, new: &str, (replaced, by): (Span, Span)) -> Vec<(Span, Span)> {
    let less = old.get(replaced.start..replaced.end).unwrap_or_default();
    let more = new.get(by.start..by.end).unwrap_or_default();
    let small = less.len() + more.len() <= CHARACTER_LIMIT;
    // A CR is never parted from its LF.
    let breaks = less.contains('\r') || more.contains('\r');
    if less.is_empty() || more.is_empty() || !small || breaks {
        return vec![(replaced, by)];
    }
    if let Some(gaps) = gaps(less, more) {
        let insertion = |(at, gap): (usize, Span)| {
            let at = replaced.start + at;
            let gap = Span::new(by.start + gap.start, by.start + gap.end);
            (Span::new(at, at), gap)
        };
        return gaps.into_iter().map(insertion).collect();
    }
    if let Some(gaps) = gaps(more, less) {
        let deletion = |(at, gap): (usize, Span)| {
            let at = by.start + at;
            let gap = Span::new(replaced.start + gap.start, replaced.start + gap.end);
            (gap, Span::new(at, at))
        };
        return gaps.into_iter().map(deletion).collect();
    }
    vec![(replaced, by)]
}

/// What `more` has between the characters of `less`, each with its place in `less`, in bytes; nothing if it does not have all of
/// them in their order.
fn gaps(less: &str, more: &str) -> Option<Vec<(usize, Span)>> {
    let mut rest = less.char_indices().peekable();
    let mut gaps: Vec<(usize, Span)> = Vec::new();
    for (place, character) in more.char_indices() {
        if rest.next_if(|(_, wanted)| *wanted == character).is_some() {
            continue;
        }
        let at = rest.peek().map_or(less.len(), |(at, _)| *at);
        let end = place + character.len_utf8();
        match gaps.last_mut() {
            Some((_, gap)) if gap.end == place => gap.end = end,
            _ => gaps.push((at, Span::new(place, end))),
        }
    }
    rest.peek().is_none().then_some(gaps)
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
    /// Adds differences between the two compared texts, in bytes of these.
    fn extend(&mut self, differences: impl IntoIterator<Item = (Span, Span)>) {
        let Hull { old, new } = self.hull;
        let within =
            |base: Span, span: Span| Span::new(base.start + span.start, base.start + span.end);
        let replacement = |(replaced, by)| Replacement {
            old: within(old, replaced),
            new: within(new, by),
        };
        self.replacements
            .extend(differences.into_iter().map(replacement));
    }

    /// Moves deletions and insertions of lines that can be read in several ways to where a line starts: somebody who deletes
    /// lines takes the break at their end along, not the one in front of them. Nothing leaves the hull: [`shift`] answers for
    /// what lies outside of it.
    fn align(&mut self, before: &Rope, after: &Rope) {
        for index in 0..self.replacements.len() {
            let next = self.replacements.get(index + 1).copied();
            let Some(piece) = self.replacements.get_mut(index) else {
                return;
            };
            let (text, span, hull, until) = match (piece.old.is_empty(), piece.new.is_empty()) {
                (false, true) => (before, piece.old, self.hull.old, next.map(|next| next.old)),
                (true, false) => (after, piece.new, self.hull.new, next.map(|next| next.new)),
                _ => continue,
            };
            let fits = |by: &usize| {
                let end = span.end + by;
                end <= hull.end && until.is_none_or(|until| end < until.start)
            };
            let by = forward_to_line_start(text, span)
                .filter(fits)
                .unwrap_or_default();
            for span in [&mut piece.old, &mut piece.new] {
                *span = Span::new(span.start + by, span.end + by);
            }
        }
    }
}

/// How many bytes further `span`, which the other text lacks, can be said to lie so that it begins where a line does. The rest
/// of a line that is longer than [`SLIDE_LIMIT`] is not looked at.
fn forward_to_line_start(text: &Rope, span: Span) -> Option<usize> {
    let starts_line = span.start == 0 || text.get_byte(span.start - 1) == Some(b'\n');
    let reach = SLIDE_LIMIT.min(span.len());
    let length = 1 + text
        .get_bytes_at(span.start)?
        .take(reach)
        .position(|byte| byte == b'\n')?;
    let first = text.get_bytes_at(span.start)?.take(length);
    let repeated = text.get_bytes_at(span.end)?.take(length);
    (!starts_line && first.eq(repeated)).then_some(length)
}

#[cfg(test)]
mod tests;
