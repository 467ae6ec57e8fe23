//! Finds where two states of a document differ. Leaves out what differs within: that is a comparison of the texts there, and is
//! made only by who needs it.

use ropey::{Rope, RopeSlice};

use crate::text::Span;
use crate::text::position::splits_crlf;

/// How many bytes on each side of a partial change may be compared to tighten its hull, beyond those which the client sent.
const TRIM_LIMIT: usize = 4 * 1024;

/// How far back an ambiguous insertion or deletion is moved to find its natural start.
const SLIDE_LIMIT: usize = 256;

/// Where two texts differ: outside of `old` and `new` they are byte for byte the same.
///
/// Both ends of both spans lie on character boundaries and never between CR and LF.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hull {
    /// In bytes of the text before.
    pub old: Span,
    /// In bytes of the text after; it starts where `old` starts.
    pub new: Span,
}

impl Hull {
    /// Whether the texts do not differ at all.
    pub fn is_empty(self) -> bool {
        self.old.is_empty() && self.new.is_empty()
    }
}

/// Where `before` and `after` differ, found by what they have in common at both ends. Equal texts give an empty hull.
///
/// Costs one comparison of what they have in common. Where the same insertion or deletion can be read in several ways (a line
/// put in front of one that begins alike), it is taken to begin at the start of a line, or else of a word.
pub fn between_texts(before: &Rope, after: &Rope) -> Hull {
    if before.is_instance(after) {
        return Hull::default();
    }
    let all = Hull {
        old: Span::new(0, before.len_bytes()),
        new: Span::new(0, after.len_bytes()),
    };
    let hull = trim(before, after, all, usize::MAX);
    settle(before, after, natural(before, after, hull, Whole::Any))
}

/// What is moved to where a person would have put it in or taken it out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whole {
    Any,
    /// Only what holds a line break: Neovim tells the deletion of a line from the first character on in which it differs from the
    /// next one (0.11), so behind an indentation that both share.
    Lines,
}

/// `hull` with an insertion or a deletion where it naturally starts.
fn natural(before: &Rope, after: &Rope, hull: Hull, whole: Whole) -> Hull {
    let (text, span) = match (hull.old.is_empty(), hull.new.is_empty()) {
        (true, false) => (after, hull.new),
        (false, true) => (before, hull.old),
        _ => return hull,
    };
    if whole == Whole::Lines && !breaks_line(text, span) {
        return hull;
    }
    let back = slide(text, span);
    let by = |span: Span| Span::new(span.start - back, span.end - back);
    Hull {
        old: by(hull.old),
        new: by(hull.new),
    }
}

/// What the changes of a batch have touched so far.
pub(super) enum Touched {
    Nothing,
    /// Partial changes whose common hull is this, and the number of bytes that they brought.
    Part(Hull, usize),
    Everything,
}

impl Touched {
    /// Takes in that `span` of the text so far was replaced by `inserted` bytes.
    pub(super) fn grow(&mut self, span: Span, inserted: usize) {
        let (hull, sent) = match self {
            Self::Everything => return,
            Self::Nothing => (
                Hull {
                    old: span,
                    new: span,
                },
                0,
            ),
            Self::Part(hull, sent) => (*hull, *sent),
        };
        // Outside the hull the text so far is the old one, so both spans widen by the same number of bytes.
        let start = hull.new.start.min(span.start);
        let widened = span.end.saturating_sub(hull.new.end);
        let old = Span::new(start, hull.old.end + widened);
        let new = Span::new(start, hull.new.end + widened - span.len() + inserted);
        *self = Self::Part(Hull { old, new }, sent.saturating_add(inserted));
    }

    /// The hull of all changes, tightened where that costs no more than reading what the client sent.
    pub(super) fn hull(self, before: &Rope, after: &Rope) -> Hull {
        match self {
            Self::Nothing => Hull::default(),
            Self::Part(hull, sent) => {
                let hull = trim(before, after, hull, TRIM_LIMIT.saturating_add(sent));
                settle(before, after, natural(before, after, hull, Whole::Lines))
            }
            Self::Everything => between_texts(before, after),
        }
    }
}

/// Takes from `hull` what both texts have in common at its ends, looking at no more than `limit` bytes at each.
fn trim(before: &Rope, after: &Rope, hull: Hull, limit: usize) -> Hull {
    let (Some(old), Some(new)) = (
        before.get_byte_slice(hull.old.start..hull.old.end),
        after.get_byte_slice(hull.new.start..hull.new.end),
    ) else {
        return hull;
    };
    let prefix = common(old.chunks(), new.chunks(), limit, End::Front);
    // A differing byte may lie within a character whose first bytes are the same.
    let prefix = old.char_to_byte(old.byte_to_char(prefix));
    let shorter = old.len_bytes().min(new.len_bytes());
    let suffix = common(
        backwards(old),
        backwards(new),
        limit.min(shorter - prefix),
        End::Back,
    );
    let end = old.len_bytes() - suffix;
    let character = old.byte_to_char(end);
    let end = if old.char_to_byte(character) < end {
        old.char_to_byte(character + 1)
    } else {
        end
    };
    let suffix = old.len_bytes() - end;
    Hull {
        old: Span::new(hull.old.start + prefix, hull.old.end - suffix),
        new: Span::new(hull.new.start + prefix, hull.new.end - suffix),
    }
}

fn breaks_line(text: &Rope, span: Span) -> bool {
    text.get_byte_slice(span.start..span.end)
        .is_some_and(|lines| 1 < lines.len_lines())
}

/// How many bytes further to the front `span`, which one of two texts lacks, can be said to lie, so that it begins or ends where
/// a person would have typed it: whole lines at the start of a line, anything else at one end of a word.
fn slide(text: &Rope, span: Span) -> usize {
    let breaks_line = breaks_line(text, span);
    let mut back = 0;
    let mut word = None;
    loop {
        let (start, end) = (span.start - back, span.end - back);
        if breaks_line && starts_line(text, start) {
            return back;
        }
        if starts_or_ends_word(text, start) || starts_or_ends_word(text, end) {
            word = word.or(Some(back));
        }
        if start == 0 || back == SLIDE_LIMIT || text.byte(start - 1) != text.byte(end - 1) {
            return word.unwrap_or(0);
        }
        back += 1;
    }
}

fn starts_line(text: &Rope, place: usize) -> bool {
    place == 0 || text.line_to_byte(text.byte_to_line(place)) == place
}

fn starts_or_ends_word(text: &Rope, place: usize) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii();
    let previous = place
        .checked_sub(1)
        .and_then(|before| text.get_byte(before));
    previous.is_some_and(is_word) != text.get_byte(place).is_some_and(is_word)
}

/// Moves the ends of `hull` outwards where they would part a CR from its LF in one of the texts.
fn settle(before: &Rope, after: &Rope, mut hull: Hull) -> Hull {
    // The byte that is taken in is the same in both texts: it lies outside the hull.
    if splits_crlf(before, hull.old.start) || splits_crlf(after, hull.new.start) {
        hull.old.start -= 1;
        hull.new.start -= 1;
        if hull.old.end == hull.old.start + 1 && hull.new.end == hull.new.start + 1 {
            // Nothing was changed; an empty hull stays empty.
            hull.old.end -= 1;
            hull.new.end -= 1;
        }
    }
    if splits_crlf(before, hull.old.end) || splits_crlf(after, hull.new.end) {
        hull.old.end += 1;
        hull.new.end += 1;
    }
    hull
}

/// Which end of two texts is compared.
#[derive(Clone, Copy)]
enum End {
    Front,
    Back,
}

/// The chunks of `text` from the last to the first.
fn backwards(text: RopeSlice<'_>) -> impl Iterator<Item = &str> {
    text.chunks_at_byte(text.len_bytes()).0.reversed()
}

/// How many bytes, at most `limit`, two texts have in common at one end; their chunks come in order from that end.
fn common<'a>(
    mut left: impl Iterator<Item = &'a str>,
    mut right: impl Iterator<Item = &'a str>,
    limit: usize,
    end: End,
) -> usize {
    let (mut one, mut two): (&[u8], &[u8]) = (&[], &[]);
    let mut total = 0;
    while total < limit {
        if one.is_empty() {
            let Some(next) = left.next() else { break };
            one = next.as_bytes();
        }
        if two.is_empty() {
            let Some(next) = right.next() else { break };
            two = next.as_bytes();
        }
        let length = one.len().min(two.len());
        let ((head_one, rest_one), (head_two, rest_two)) = match end {
            End::Front => (one.split_at(length), two.split_at(length)),
            End::Back => {
                let (rest_one, tail_one) = one.split_at(one.len() - length);
                let (rest_two, tail_two) = two.split_at(two.len() - length);
                ((tail_one, rest_one), (tail_two, rest_two))
            }
        };
        if head_one != head_two {
            let same = |(a, b): &(&u8, &u8)| a == b;
            total += match end {
                End::Front => head_one.iter().zip(head_two).take_while(same).count(),
                End::Back => head_one
                    .iter()
                    .rev()
                    .zip(head_two.iter().rev())
                    .take_while(same)
                    .count(),
            };
            break;
        }
        total += length;
        (one, two) = (rest_one, rest_two);
    }
    total.min(limit)
}
