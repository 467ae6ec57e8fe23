//! Puts secrets back where their placeholders stand in the reply to a rewrite, while it streams. Only those that stood in
//! the selection are known here; any other placeholder, one that was altered, and one that is missing from a line that was
//! kept raise a doubt, and then the user decides.

use std::collections::BTreeMap;

use super::find::{begins_word, is_word, run};

/// What every placeholder begins with; a number follows. In two parts, since whole it would be masked in this very file.
pub const PREFIX: &str = concat!("EZROUTER", "_SECRET_");

/// The longest text that is read as one placeholder, in bytes.
const LONGEST: usize = 64;

/// How much of a line on each side of a placeholder tells whether the line was kept, in bytes.
const NEAR: usize = 24;

/// What some bytes begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// Something else.
    Other,
    /// More bytes are needed to tell.
    Unknown,
    /// A placeholder, or what a placeholder may have become, of this length.
    Placeholder(usize),
}

/// Reads a placeholder, or what a model may have made of one: other capitals, other separators, another ending. `ended` says
/// that no more bytes follow.
pub(super) fn read(bytes: &[u8], ended: bool) -> Word {
    let unknown = if ended { Word::Other } else { Word::Unknown };
    let mut at = 0;
    for part in [b"ezrouter".as_slice(), b"secret"] {
        let rest = bytes.get(at..).unwrap_or_default();
        let seen = rest.get(..part.len()).unwrap_or(rest);
        if !seen.eq_ignore_ascii_case(part.get(..seen.len()).unwrap_or_default()) {
            return Word::Other;
        }
        if seen.len() < part.len() {
            return unknown;
        }
        at += part.len();
        let rest = bytes.get(at..).unwrap_or_default();
        at += run(rest, 3, |byte| matches!(byte, b'_' | b'-' | b'\\'));
    }
    let tail = bytes.get(at..).unwrap_or_default();
    let length = at + run(tail, LONGEST - at, is_word);
    if length == bytes.len() && !ended && length < LONGEST {
        return Word::Unknown;
    }
    let read = bytes.get(..length).unwrap_or_default();
    let kept = read.iter().rposition(|byte| !matches!(byte, b'-' | b'\\'));
    Word::Placeholder(kept.map_or(length, |last| last + 1))
}

/// The restorer of one reply; by default one that lets everything pass, for a request in which nothing was masked.
#[derive(Default)]
pub struct Restorer {
    active: bool,
    /// The selection as it was sent.
    selection: String,
    secrets: BTreeMap<String, String>,
    /// The reply as it came, as far as it is decided.
    reply: String,
    held: String,
    doubt: Option<String>,
}

impl std::fmt::Debug for Restorer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let placeholders: Vec<&String> = self.secrets.keys().collect();
        formatter.debug_list().entries(placeholders).finish()
    }
}

impl Restorer {
    /// A restorer for a rewrite of `selection`, which was sent as it is here, and in which these secrets stood, each behind its
    /// placeholder.
    pub(super) fn new(selection: String, secrets: BTreeMap<String, String>) -> Self {
        Self {
            active: true,
            selection,
            secrets,
            reply: String::new(),
            held: String::new(),
            doubt: None,
        }
    }

    /// Takes cleaned text of the reply and gives what may go out now: no beginning of a placeholder does.
    pub fn push(&mut self, text: &str) -> String {
        if !self.active {
            return text.to_owned();
        }
        self.held.push_str(text);
        self.advance(false)
    }

    /// The reply is over: gives the rest of it.
    pub fn finish(&mut self) -> String {
        let rest = self.advance(true);
        if self.doubt.is_none() {
            let lost = self.lost().map(|lost| {
                format!(
                    "a secret is missing from a line that was kept ({lost}); compare before you apply"
                )
            });
            self.doubt = self.within_word().map(changed).or(lost);
        }
        rest
    }

    /// Why the result must not be put into the document unseen, if there is a reason: one sentence without a full stop.
    pub fn doubt(&self) -> Option<&str> {
        self.doubt.as_deref()
    }

    fn advance(&mut self, ended: bool) -> String {
        let held = std::mem::take(&mut self.held);
        let mut out = String::with_capacity(held.len());
        let mut rest = held.as_str();
        while let Some(at) = memchr::memchr2(b'E', b'e', rest.as_bytes()) {
            let (before, candidate) = rest.split_at_checked(at).unwrap_or((rest, ""));
            self.pass(before, &mut out);
            // Within a word nothing comes back, so nothing is held there: half of all words hold an `e`.
            let may_begin = begins_word(self.reply.as_bytes());
            let length = match read(candidate.as_bytes(), ended) {
                Word::Unknown if may_begin => {
                    candidate.clone_into(&mut self.held);
                    return out;
                }
                Word::Unknown | Word::Other => 1,
                Word::Placeholder(length) => length,
            };
            let (word, behind) = candidate
                .split_at_checked(length)
                .unwrap_or((candidate, ""));
            if length == 1 {
                self.pass(word, &mut out);
            } else {
                self.replace(word, behind, &mut out);
            }
            rest = behind;
        }
        self.pass(rest, &mut out);
        out
    }

    fn pass(&mut self, text: &str, out: &mut String) {
        self.reply.push_str(text);
        out.push_str(text);
    }

    fn replace(&mut self, word: &str, behind: &str, out: &mut String) {
        let ends = !behind.as_bytes().first().is_some_and(|&byte| is_word(byte));
        let whole = ends && begins_word(self.reply.as_bytes());
        let secret = self.secrets.get(word).filter(|_| whole);
        out.push_str(secret.map_or(word, String::as_str));
        if secret.is_none() && self.doubt.is_none() {
            self.doubt = Some(if whole && is_placeholder(word) {
                format!(
                    "the answer uses {word}, which stands for no secret of the selection; compare before you apply"
                )
            } else {
                changed(word)
            });
        }
        self.reply.push_str(word);
    }

    /// A placeholder within a longer word, which may have come in pieces.
    fn within_word(&self) -> Option<&str> {
        let bytes = self.reply.as_bytes();
        memchr::memchr2_iter(b'E', b'e', bytes).find_map(|at| match read(bytes.get(at..)?, true) {
            Word::Placeholder(length) if !begins_word(bytes.get(..at)?) => {
                self.reply.get(at..at + length)
            }
            _ => None,
        })
    }

    /// A placeholder that fewer lines of the reply hold than of the selection, although one of its lines was kept.
    fn lost(&self) -> Option<&str> {
        let count = |text: &str, placeholder: &str| places(text, placeholder).count();
        let fewer = |placeholder: &&String| {
            count(&self.reply, placeholder) < count(&self.selection, placeholder)
        };
        let lost = self.secrets.keys().filter(fewer);
        lost.map(String::as_str).find(|placeholder| {
            places(&self.selection, placeholder).any(|at| self.kept_without(placeholder, at))
        })
    }

    /// Whether the reply has the line of the selection in which a placeholder stands at `at`, without that placeholder.
    fn kept_without(&self, placeholder: &str, at: usize) -> bool {
        let (front, rest) = self.selection.split_at_checked(at).unwrap_or_default();
        let behind = rest.get(placeholder.len()..).unwrap_or_default();
        let (above, left) = front.rsplit_once('\n').unwrap_or(("", front));
        let (right, below) = behind.split_once('\n').unwrap_or((behind, ""));
        let (left, right) = (left.trim_start(), right.trim_end());
        if says_something(left) || says_something(right) {
            let (left, right) = (last_part(left), first_part(right));
            return self.reply.lines().any(|line| {
                let behind = line.split_once(left).map(|(_, behind)| behind);
                let kept = behind.is_some_and(|behind| behind.contains(right));
                kept && places(line, placeholder).next().is_none()
            });
        }
        // A line of its own, as in a key: it was kept if its neighbours were, with something between them.
        let neighbour = |mut lines: Box<dyn Iterator<Item = &str> + '_>| {
            lines
                .find(|line| says_something(line))
                .map(|line| line.trim().to_owned())
        };
        let above = neighbour(Box::new(above.lines().rev()));
        let below = neighbour(Box::new(below.lines()));
        let mut lines = self.reply.lines().map(str::trim);
        above.is_some()
            && below.is_some()
            && [above, below]
                .into_iter()
                .flatten()
                .all(|wanted| lines.any(|line| line == wanted))
    }
}

fn changed(word: &str) -> String {
    format!("the answer changed the placeholder of a secret ({word}); compare before you apply")
}

/// Whether a word is exactly what a placeholder looks like.
pub(super) fn is_placeholder(word: &str) -> bool {
    let number = word.strip_prefix(PREFIX);
    number.is_some_and(|number| {
        !number.is_empty()
            && !number.starts_with('0')
            && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Where a placeholder stands in a text: not where it is the beginning of one with more digits.
fn places<'a>(text: &'a str, placeholder: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_whole = |at: usize| {
        let behind = text.as_bytes().get(at + placeholder.len());
        !behind.is_some_and(|&byte| is_word(byte))
    };
    let found = text.match_indices(placeholder).map(|(at, _)| at);
    found.filter(move |at| is_whole(*at))
}

/// Whether a part of a line is more than punctuation.
fn says_something(text: &str) -> bool {
    2 < text.chars().filter(|c| c.is_alphanumeric()).count()
}

fn last_part(text: &str) -> &str {
    let start = text.char_indices().rev().nth(NEAR - 1);
    text.get(start.map_or(0, |(at, _)| at)..).unwrap_or(text)
}

fn first_part(text: &str) -> &str {
    let end = text.char_indices().nth(NEAR);
    text.get(..end.map_or(text.len(), |(at, _)| at))
        .unwrap_or(text)
}
