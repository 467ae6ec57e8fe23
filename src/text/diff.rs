//! Finds the smallest sensible edits between two texts, how far apart they are, and how to take one change back out of a text
//! that changed once more since. Leaves out where the texts come from and what becomes of the edits.
//!
//! Nothing here looks at a clock: work is bounded by size. Above a bound an answer is still right, only coarser.

use std::ops::Range;

use similar::{Algorithm, DiffOp};

use super::{Edit, Span};

mod revert;
pub mod stream;

pub use revert::{Revert, revert};

/// Beyond this many tokens on both sides together, what lies between the first and the last difference is one group.
/// The worst texts of this size take some 70 ms.
const TOKEN_LIMIT: usize = 24_000;

/// How many words of changed lines are compared in all; behind them a group of changed lines is one difference.
pub(super) const WORD_LIMIT: usize = 20_000;

/// Up to this many characters on both sides together, [`distance`] is exact.
const EXACT_LIMIT: usize = 2_048;

/// Up to this many characters on both sides together, [`distance`] compares characters at all.
const CHARACTER_LIMIT: usize = 16_384;

/// The edits that turn `old` into `new`: lines first, then the words of changed lines; what both have is left alone. No edit
/// begins or ends within a character or between CR and LF. Equal texts give no edits.
pub fn edits(old: &str, new: &str) -> Vec<Edit> {
    let edit = |(span, brought): (Span, Span)| Edit {
        span,
        text: piece(new, brought.start..brought.end).to_owned(),
    };
    differences(old, new, Landmarks::AllLines)
        .into_iter()
        .map(edit)
        .collect()
}

/// Which lines that both texts have are taken to be the same lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Landmarks {
    /// All of them: right for the smallest edits.
    AllLines,
    /// Those with letters or digits; blank lines and brackets are everywhere, so that the words around them say better which
    /// line became which. Right for following what a person has changed.
    LinesWithWords,
}

/// Where two texts differ, line by line and within changed lines word by word, as bytes of each, in ascending order; never
/// within a character or between CR and LF. What lies between two differences is equal.
///
/// Of lines with more than 20,000 words in all each further group is one difference.
pub(super) fn differences(old: &str, new: &str, landmarks: Landmarks) -> Vec<(Span, Span)> {
    if old == new {
        return Vec::new();
    }
    let (old_lines, new_lines) = (Tokens::lines(old), Tokens::lines(new));
    let mut found = Vec::new();
    let mut words = WORD_LIMIT;
    let mut changed = groups(&old_lines, &new_lines);
    if landmarks == Landmarks::LinesWithWords {
        changed = joined(changed, &old_lines);
    }
    for lines in changed {
        let (old_span, new_span) = (old_lines.span(&lines.old), new_lines.span(&lines.new));
        let old_words = Tokens::words(old_lines.text(&lines.old));
        let new_words = Tokens::words(new_lines.text(&lines.new));
        let Some(left) = words.checked_sub(old_words.len() + new_words.len()) else {
            found.extend(without_common_ends(old, new, (old_span, new_span)));
            continue;
        };
        words = left;
        let moved = |span: Span, by: Span| Span::new(by.start + span.start, by.start + span.end);
        let pairs = groups(&old_words, &new_words).into_iter().map(|word| {
            (
                moved(old_words.span(&word.old), old_span),
                moved(new_words.span(&word.new), new_span),
            )
        });
        found.extend(pairs.filter_map(|pair| without_common_ends(old, new, pair)));
    }
    found
}

/// Joins groups of changed lines that nothing but lines without letters and digits parts.
fn joined(groups: Vec<Group>, old: &Tokens<'_>) -> Vec<Group> {
    let mut joined: Vec<Group> = Vec::new();
    for group in groups {
        let says_nothing = |from: usize| {
            !old.text(&(from..group.old.start))
                .contains(char::is_alphanumeric)
        };
        match joined.last_mut() {
            Some(last) if says_nothing(last.old.end) => {
                last.old.end = group.old.end;
                last.new.end = group.new.end;
            }
            _ => joined.push(group),
        }
    }
    joined
}

/// A difference without what both sides have in common at their ends, or nothing if they are equal.
pub(super) fn without_common_ends(
    old: &str,
    new: &str,
    (replaced, by): (Span, Span),
) -> Option<(Span, Span)> {
    let (prefix, suffix) = common_ends_of_lines(
        piece(old, replaced.start..replaced.end),
        piece(new, by.start..by.end),
        old.as_bytes().get(replaced.end).copied(),
    );
    let within = |span: Span| Span::new(span.start + prefix, span.end - suffix);
    let (replaced, by) = (within(replaced), within(by));
    (!replaced.is_empty() || !by.is_empty()).then_some((replaced, by))
}

/// The runs of lines that differ between two texts, as bytes of each, in ascending order; between two of them there is at
/// least one line that both share.
pub fn hunks(old: &str, new: &str) -> Vec<(Span, Span)> {
    let (before, after) = (Tokens::lines(old), Tokens::lines(new));
    groups(&before, &after)
        .into_iter()
        .map(|group| (before.span(&group.old), after.span(&group.new)))
        .collect()
}

/// `old` with `edits` applied. Edits that are out of order, overlap or do not lie on character boundaries are left out.
pub fn apply(old: &str, edits: &[Edit]) -> String {
    let mut new = String::with_capacity(old.len());
    let mut done = 0;
    for edit in edits {
        let (Some(untouched), Some(_)) = (
            old.get(done..edit.span.start),
            old.get(edit.span.start..edit.span.end),
        ) else {
            continue;
        };
        new.push_str(untouched);
        new.push_str(&edit.text);
        done = edit.span.end;
    }
    new.push_str(piece(old, done..old.len()));
    new
}

/// How far `new` is from `old`: the bytes that a difference by characters deletes, plus those that it inserts.
///
/// Exact for texts that differ within about two thousand characters. For larger ones it may be more than the least, and never
/// more than the size of what lies between the first and the last difference. Zero exactly if the texts are equal.
pub fn distance(old: &str, new: &str) -> usize {
    let (prefix, suffix) = common_ends(old, new);
    let (old, new) = (
        piece(old, prefix..old.len() - suffix),
        piece(new, prefix..new.len() - suffix),
    );
    if old.is_empty() || new.is_empty() || old.len() + new.len() <= CHARACTER_LIMIT {
        return character_distance(old, new);
    }
    let (before, after) = (Tokens::lines(old), Tokens::lines(new));
    let mut budget = CHARACTER_LIMIT;
    let mut total = 0;
    for group in groups(&before, &after) {
        let (old, new) = (before.text(&group.old), after.text(&group.new));
        let size = old.len() + new.len();
        if size <= budget {
            budget -= size;
            total += character_distance(old, new);
        } else {
            let (prefix, suffix) = common_ends(old, new);
            total += size - 2 * (prefix + suffix);
        }
    }
    total
}

/// A text cut into tokens without gaps.
struct Tokens<'a> {
    text: &'a str,
    list: Vec<&'a str>,
    /// Where each token starts, and at the end the length of the text.
    starts: Vec<usize>,
}

impl<'a> Tokens<'a> {
    /// Lines with their breaks: LF, CRLF, CR.
    fn lines(text: &'a str) -> Self {
        Self::cut(text, |text| {
            let bytes = text.as_bytes();
            let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                return text.len();
            };
            if bytes.get(end..end + 2) == Some(b"\r\n") {
                end + 2
            } else {
                end + 1
            }
        })
    }

    /// Words, runs of blanks, line breaks, and every other character on its own.
    fn words(text: &'a str) -> Self {
        Self::cut(text, |text| {
            if text.starts_with("\r\n") {
                return 2;
            }
            let is_word = |c: char| c.is_alphanumeric() || c == '_';
            let is_blank = |c: char| c == ' ' || c == '\t';
            let first = text.chars().next().unwrap_or_default();
            let behind = |within: fn(char) -> bool| text.find(|c| !within(c)).unwrap_or(text.len());
            if is_word(first) {
                behind(is_word)
            } else if is_blank(first) {
                behind(is_blank)
            } else {
                first.len_utf8()
            }
        })
    }

    fn cut(text: &'a str, first_length: impl Fn(&str) -> usize) -> Self {
        let (mut list, mut starts) = (Vec::new(), vec![0]);
        let mut rest = text;
        while !rest.is_empty() {
            let Some((token, behind)) = rest.split_at_checked(first_length(rest)) else {
                break;
            };
            list.push(token);
            rest = behind;
            starts.push(text.len() - rest.len());
        }
        Self { text, list, starts }
    }

    fn len(&self) -> usize {
        self.list.len()
    }

    /// Where the token of this index starts, or the end of the text.
    fn start(&self, index: usize) -> usize {
        self.starts.get(index).copied().unwrap_or(self.text.len())
    }

    fn span(&self, range: &Range<usize>) -> Span {
        Span::new(self.start(range.start), self.start(range.end))
    }

    fn text(&self, range: &Range<usize>) -> &'a str {
        piece(self.text, self.start(range.start)..self.start(range.end))
    }

    fn get(&self, range: Range<usize>) -> &[&'a str] {
        self.list.get(range).unwrap_or_default()
    }
}

/// A run of tokens that differs between two lists; the tokens between two groups are equal, and there is at least one.
struct Group {
    /// Indices into the old list.
    old: Range<usize>,
    /// Indices into the new list.
    new: Range<usize>,
}

/// Where two token lists differ, in ascending order.
fn groups(old: &Tokens<'_>, new: &Tokens<'_>) -> Vec<Group> {
    differing(&old.list, &new.list)
}

fn differing<T: Eq + std::hash::Hash + Ord>(old: &[T], new: &[T]) -> Vec<Group> {
    let prefix = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (
        old.get(prefix..).unwrap_or_default(),
        new.get(prefix..).unwrap_or_default(),
    );
    let suffix = old_rest
        .iter()
        .rev()
        .zip(new_rest.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let (old_end, new_end) = (old.len() - suffix, new.len() - suffix);
    let (old_middle, new_middle) = (
        old.get(prefix..old_end).unwrap_or_default(),
        new.get(prefix..new_end).unwrap_or_default(),
    );
    let mut groups = Vec::new();
    let (mut old_done, mut new_done) = (prefix, prefix);
    if old_middle.len() + new_middle.len() <= TOKEN_LIMIT {
        for operation in similar::capture_diff_slices(Algorithm::Myers, old_middle, new_middle) {
            let DiffOp::Equal {
                old_index,
                new_index,
                len,
            } = operation
            else {
                continue;
            };
            let (old_index, new_index) = (prefix + old_index, prefix + new_index);
            if old_done < old_index || new_done < new_index {
                groups.push(Group {
                    old: old_done..old_index,
                    new: new_done..new_index,
                });
            }
            (old_done, new_done) = (old_index + len, new_index + len);
        }
    }
    if old_done < old_end || new_done < new_end {
        groups.push(Group {
            old: old_done..old_end,
            new: new_done..new_end,
        });
    }
    groups
}

/// How many bytes two texts have in common at the front, and behind those at the back; both end between characters.
pub fn common_ends(old: &str, new: &str) -> (usize, usize) {
    let (a, b) = (old.as_bytes(), new.as_bytes());
    let mut prefix = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    while !old.is_char_boundary(prefix) {
        prefix -= 1;
    }
    let room = a.len().min(b.len()) - prefix;
    let mut suffix = a
        .iter()
        .rev()
        .zip(b.iter().rev())
        .take(room)
        .take_while(|(a, b)| a == b)
        .count();
    while !old.is_char_boundary(old.len() - suffix) {
        suffix -= 1;
    }
    (prefix, suffix)
}

/// As [`common_ends`], for two texts of which `follows` is the next byte behind both; never parts a CR from its LF.
fn common_ends_of_lines(old: &str, new: &str, follows: Option<u8>) -> (usize, usize) {
    let (mut prefix, mut suffix) = common_ends(old, new);
    if prefix == old.len() && prefix == new.len() {
        return (prefix, 0);
    }
    let parts = |text: &str, at: usize| {
        let bytes = text.as_bytes();
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        before == Some(&b'\r') && bytes.get(at).copied().or(follows) == Some(b'\n')
    };
    if parts(old, prefix) || parts(new, prefix) {
        prefix -= 1;
    }
    if 0 < suffix && (parts(old, old.len() - suffix) || parts(new, new.len() - suffix)) {
        suffix -= 1;
    }
    (prefix, suffix)
}

/// `edit` without what it leaves as it is at its ends, or nothing if it changes nothing.
fn trimmed(old: &str, edit: Edit) -> Option<Edit> {
    let Edit { span, text } = edit;
    let replaced = piece(old, span.start..span.end);
    if replaced == text {
        return None;
    }
    let follows = old.as_bytes().get(span.end).copied();
    let (prefix, suffix) = common_ends_of_lines(replaced, &text, follows);
    let text = piece(&text, prefix..text.len() - suffix).to_owned();
    Some(Edit {
        span: Span::new(span.start + prefix, span.end - suffix),
        text,
    })
}

/// The bytes that a smallest difference by characters deletes and inserts; for longer texts a small one.
fn character_distance(old: &str, new: &str) -> usize {
    let total = old.len() + new.len();
    if old.is_empty() || new.is_empty() {
        return total;
    }
    let (old, new): (Vec<char>, Vec<char>) = (old.chars().collect(), new.chars().collect());
    let algorithm = if old.len() + new.len() <= EXACT_LIMIT {
        Algorithm::RawMyers
    } else {
        Algorithm::Myers
    };
    let mut same = 0;
    for operation in similar::capture_diff_slices(algorithm, &old, &new) {
        if let DiffOp::Equal { .. } = operation {
            let equal = old.get(operation.old_range()).unwrap_or_default();
            same += equal.iter().map(|c| c.len_utf8()).sum::<usize>();
        }
    }
    total - 2 * same
}

fn piece(text: &str, range: Range<usize>) -> &str {
    text.get(range).unwrap_or_default()
}

#[cfg(test)]
mod tests;
