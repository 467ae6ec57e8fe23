//! How a model speaks to the user: which lines read as sentences, lists or headings of an answer rather than as text of a
//! document. Knows single lines; what follows from several is decided in [`super::head`] and [`super::tail`].

use super::{MAX_HELD, is_blank};

/// Beginnings of a first line that speaks to the user. Capital letters count: code rarely begins so, and then nothing of it
/// is held.
pub(super) const OPENERS: &[&str] = &[
    "Here is",
    "Here's",
    "Here’s",
    "Here are",
    "Here you go",
    "Sure",
    "Certainly",
    "Of course",
    "Absolutely",
    "Okay",
    "OK",
    "Got it",
    "No problem",
    "Below is",
    "Below are",
    "The rewritten",
    "The updated",
    "The simplified",
    "The refactored",
    "The improved",
    "The modified",
    "The corrected",
    "The fixed",
    "The revised",
    "The new",
    "The following",
    "The code",
    "The result",
    "This is the",
    "I've",
    "I’ve",
    "I have",
    "I'll",
    "I’ll",
    "Let's",
    "Let me",
    "Rewritten",
    "Updated",
    "Simplified",
    "Refactored",
    "Improved",
    "Corrected",
];

/// Headings that models put over what they say about their code.
const HEADINGS: &[&str] = &[
    "Explanation:",
    "Note:",
    "Notes:",
    "Changes:",
    "Changes made:",
    "Key changes:",
];

/// So many words make a line with the right end a sentence.
const LEAST_WORDS: usize = 3;

/// Reads a line character by character and tells whether it is a sentence, or can still become one.
///
/// A sentence begins with a capital letter (or one of a script that has none), has at least three words, and ends as
/// sentences do. Outside of quotes and backticks it has none of the characters that code is full of, and the first words are
/// only letters: so a declaration such as `String name = ` is known for what it is at its equals sign at the latest.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sentence {
    words: usize,
    in_word: bool,
    quote: Option<char>,
    previous: Option<char>,
    /// The last character that may end a sentence or not: quotes, brackets and emphasis behind it do not count.
    last: Option<char>,
    impossible: bool,
}

impl Sentence {
    /// Reads a whole line without its indentation.
    pub(super) fn read(line: &str) -> Self {
        let mut sentence = Self::default();
        line.chars().for_each(|c| sentence.push(c));
        sentence
    }

    pub(super) fn push(&mut self, c: char) {
        let previous = self.previous.replace(c);
        if self.impossible {
            return;
        }
        if let Some(quote) = self.quote {
            if c == quote {
                self.quote = None;
            } else if quote == '"' && !is_blank(c) {
                self.last = Some(c);
            }
            return;
        }
        match c {
            ' ' | '\t' => {
                self.in_word = false;
                return;
            }
            '*' | '_' if self.words == 0 => return,
            _ if self.words == 0 && (!c.is_alphabetic() || c.is_lowercase()) => {
                self.impossible = true;
            }
            '`' if previous == Some('`') => return,
            '`' | '"' => self.quote = Some(c),
            '(' if self.words <= LEAST_WORDS && previous.is_some_and(is_of_name) => {
                self.impossible = true;
            }
            '{' | '}' | '[' | ']' | '=' | '<' | '>' | '\\' | '|' | '$' | '@' | '~' | '^' => {
                self.impossible = true;
            }
            _ if self.words == 1 && self.in_word && !fits_first_word(previous, c) => {
                self.impossible = true;
            }
            _ => {}
        }
        if !self.in_word || is_caseless(c) {
            self.words += 1;
            self.in_word = true;
        }
        if !"*_)\"”’'`".contains(c) {
            self.last = Some(c);
        }
    }

    /// Whether more text could make a sentence of the line so far.
    pub(super) fn is_possible(&self) -> bool {
        !self.impossible
    }

    /// Whether the line is a sentence if it ends here.
    pub(super) fn is_complete(&self) -> bool {
        let ends = |c| ".:!?…。：！？".contains(c);
        !self.impossible
            && self.quote != Some('`')
            && LEAST_WORDS <= self.words
            && self.last.is_some_and(ends)
    }
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether a letter belongs to a script without capitals, where words are not set apart by spaces.
fn is_caseless(c: char) -> bool {
    !c.is_ascii() && c.is_alphabetic() && !c.is_lowercase() && !c.is_uppercase()
}

/// Whether `c` can follow `previous` in the first word of a sentence.
fn fits_first_word(previous: Option<char>, c: char) -> bool {
    let after_letter = previous.is_some_and(char::is_alphabetic);
    match c {
        '\'' | '’' | '-' | ',' | '.' | ':' | '!' | '?' | '：' | '，' | '。' | '！' => {
            after_letter
        }
        '*' | '_' | ')' => true,
        _ => {
            c.is_alphabetic()
                && !c.is_uppercase()
                && previous.is_some_and(|c| c.is_alphabetic() || "'’-".contains(c))
        }
    }
}

/// Whether a whole line, without its indentation, is a sentence.
pub(super) fn is_sentence(line: &str) -> bool {
    Sentence::read(line).is_complete()
}

/// Whether a whole line, without its indentation, can stand among sentences that a model speaks: an item of a list, a
/// quotation, a heading, or one more sentence.
pub(super) fn goes_on(line: &str) -> bool {
    is_item(line) == Some(true)
        || is_heading(line)
        || line.starts_with('#')
        || is_sentence(line.trim_start_matches('"'))
}

/// Whether more text could make a line of it that [`goes_on`]; `sentence` has read it.
pub(super) fn may_go_on(line: &str, sentence: Sentence) -> bool {
    let marked = line.starts_with(['#', '*', '_', '"']);
    is_item(line) != Some(false) || sentence.is_possible() || marked && line.len() <= MAX_HELD
}

/// Whether a line is an item of a list; `None` if the beginning does not tell yet.
fn is_item(line: &str) -> Option<bool> {
    let mut rest = line.chars();
    match rest.next()? {
        '-' | '*' | '•' => Some(rest.next()? == ' '),
        first if first.is_ascii_digit() => {
            let mut next = rest.next()?;
            if next.is_ascii_digit() {
                next = rest.next()?;
            }
            Some(matches!(next, '.' | ')') && rest.next()? == ' ')
        }
        _ => Some(false),
    }
}

/// Whether a whole line is a heading that stands over what a model says.
pub(super) fn is_heading(line: &str) -> bool {
    let line = line.trim_end_matches(is_blank);
    let bold = line.trim_end_matches(':').strip_prefix("**");
    let bold = bold.and_then(|text| text.strip_suffix("**"));
    let inside = bold.unwrap_or_default().trim_end_matches(':');
    HEADINGS.contains(&line)
        || inside.starts_with(char::is_uppercase)
            && inside
                .chars()
                .all(|c| c.is_alphanumeric() || " '-".contains(c))
}

/// Whether a line is nothing but marks of emphasis.
pub(super) fn is_emphasis(text: &str) -> bool {
    let marks = text.trim_end_matches(is_blank);
    text.len() <= MAX_HELD && marks.len() <= 3 && marks.bytes().all(|byte| byte == b'*')
}

/// Whether more text could make a heading of the beginning of a line.
pub(super) fn may_become_heading(line: &str) -> bool {
    line.len() <= MAX_HELD
        && (line.starts_with("**") || {
            let line = line.trim_end_matches(is_blank);
            HEADINGS.iter().any(|heading| heading.starts_with(line))
        })
}

/// Whether a text has characters that code is full of and prose is not, or, for rules of a Makefile, text at all.
pub(super) fn has_code(text: &str, language: &str) -> bool {
    text.contains(|c| "{}()[]=;<>$@#\"".contains(c)) || language == "makefile" && !text.is_empty()
}

/// Whether more text could make a known opener of the beginning of a line.
pub(super) fn may_become_opener(text: &str) -> bool {
    text.len() <= MAX_HELD
        && OPENERS
            .iter()
            .any(|opener| opener.starts_with(text) || begins_with(text, opener))
}

/// Whether a whole line begins as speech to the user is known to begin, and ends as a sentence does.
pub(super) fn is_opener(text: &str) -> bool {
    text.len() <= MAX_HELD
        && OPENERS.iter().any(|opener| begins_with(text, opener))
        && text
            .trim_end_matches([' ', '\t', '*', '_'])
            .ends_with([':', '.', '!'])
}

fn begins_with(text: &str, opener: &str) -> bool {
    text.strip_prefix(opener)
        .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
}
