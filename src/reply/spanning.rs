//! Follows content and tells whether it stands in something that spans lines: a string, a comment, a here-document. There
//! indentation may be part of the text, and words that read like speech to the user may be part of the document. Knows no
//! grammar; where it is wrong, it says that the text may be inside.

use super::is_blank;
use super::language::{Family, has_backticks, has_here_documents};

/// What is remembered of the text before, in characters: the longest mark that is looked for, and what may be kept beyond.
const RECENT: usize = 12;
const MAX_RECENT: usize = 100;

/// The longest word that ends a here-document, in bytes.
const MAX_WORD: usize = 40;

/// Marks that begin a part in which quotes mean nothing, and what ends it.
const PARTS: &[(&str, &str, bool)] = &[
    // The last field says whether the part is text of a page, in which white space counts.
    ("/*", "*/", false),
    ("<!--", "-->", false),
    ("<pre>", "</pre>", true),
    ("<pre ", "</pre>", true),
    ("<textarea>", "</textarea>", true),
    ("<textarea ", "</textarea>", true),
];

/// The characters that a mark at the beginning of such a part, or of a string, can end with.
const ENDS_OF_OPENING: &[char] = &['"', '\'', '`', '*', '-', '<', '>', ' '];

/// What the indentation of a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Indentation {
    /// That of code: it has the document's style.
    Code,
    /// Part of a text that moves with the code around it.
    Text,
    /// Not to be touched.
    Fixed,
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own about the text so far"
)]
#[derive(Debug)]
pub(super) struct Spanning {
    has_backticks: bool,
    has_here_documents: bool,
    is_markup: bool,
    inside: Option<Inside>,
    /// Whether the number of double quotes is odd.
    in_quotes: bool,
    /// Whether all that follows may be text, to the end of the file.
    to_the_end: bool,
    /// The last characters of the line, in lower case as far as they are ASCII.
    recent: Vec<char>,
    escaped: bool,
    /// The beginning of the line, without its indentation.
    line: String,
    /// Whether the line is indented.
    indented: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Inside {
    /// Between triple quotes; whether they stand at the beginning of a line, as those of a doc string do.
    Triple(char, bool),
    Backticks,
    /// Up to this mark; whether it is text of a page.
    Part(&'static str, bool),
    /// The word that ends the here-document has come so far, in what follows `<<`.
    HereWord(String),
    /// Up to a line of this word; whether that may be indented.
    Here(String, bool),
}

impl Spanning {
    pub(super) fn new(language: &str) -> Self {
        Self {
            has_backticks: has_backticks(language),
            has_here_documents: has_here_documents(language),
            is_markup: Family::of(language) == Family::Markup,
            inside: None,
            in_quotes: false,
            to_the_end: false,
            recent: Vec::new(),
            escaped: false,
            line: String::new(),
            indented: false,
        }
    }

    /// Takes one character of the content, newlines as `\n`.
    pub(super) fn push(&mut self, c: char) {
        if c == '\n' {
            self.end_line();
            return;
        }
        if self.line.is_empty() && is_blank(c) {
            self.indented = true;
            self.recent.clear();
            return;
        }
        if self.line.len() < MAX_WORD {
            self.line.push(c);
        }
        if MAX_RECENT <= self.recent.len() {
            self.recent.drain(..MAX_RECENT - RECENT);
        }
        self.recent.push(c.to_ascii_lowercase());
        let escaped = self.escaped;
        self.escaped = c == '\\' && !escaped;
        match self.inside.take() {
            Some(inside) => self.inside = self.stay(inside, c, escaped),
            None if !escaped => self.enter(c),
            None => {}
        }
    }

    /// What the indentation of the line is that begins now.
    pub(super) fn indentation(&self) -> Indentation {
        match &self.inside {
            Some(Inside::Here(_, false)) => Indentation::Fixed,
            Some(
                Inside::Triple(_, false)
                | Inside::Backticks
                | Inside::Part(_, true)
                | Inside::Here(..),
            ) => Indentation::Text,
            _ => Indentation::Code,
        }
    }

    /// Whether the text so far may end within something that spans lines.
    pub(super) fn is_open(&self) -> bool {
        self.to_the_end || self.in_quotes || self.inside.is_some()
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let line = line.trim_end_matches(is_blank);
        let indented = std::mem::take(&mut self.indented);
        self.recent.clear();
        self.escaped = false;
        self.inside = match self.inside.take() {
            Some(Inside::HereWord(word)) => here(&word),
            Some(Inside::Here(word, movable)) if line == word && (movable || !indented) => None,
            inside => inside,
        };
        let of_pod = |rest: &str| rest.starts_with(|c: char| c.is_ascii_alphabetic());
        self.to_the_end |= !indented
            && (["__END__", "__DATA__"].contains(&line)
                || line.strip_prefix('=').is_some_and(of_pod));
    }

    fn enter(&mut self, c: char) {
        if !ENDS_OF_OPENING.contains(&c) {
            return;
        }
        let before = |mark: &str| self.ends_with(mark);
        self.inside = if before("\"\"\"") || before("'''") {
            self.in_quotes = false;
            let text = self
                .line
                .trim_start_matches(|c: char| c.is_ascii_alphabetic());
            let alone = text.len() == 3 && self.line.len() <= 5;
            self.recent.clear();
            Some(Inside::Triple(c, alone))
        } else if c == '"' {
            self.in_quotes = !self.in_quotes;
            None
        } else if self.in_quotes {
            None
        } else if c == '`' && self.has_backticks {
            Some(Inside::Backticks)
        } else if self.has_here_documents && before("<<") && !before("<<<") {
            Some(Inside::HereWord(String::new()))
        } else {
            let part = PARTS
                .iter()
                .find(|(open, _, page)| before(open) && (!page || self.is_markup));
            part.map(|&(_, close, page)| Inside::Part(close, page))
        };
    }

    /// Whether the text so far ends with `mark`, which is in lower case.
    fn ends_with(&self, mark: &str) -> bool {
        let mut recent = self.recent.iter().rev();
        mark.chars().rev().all(|c| recent.next() == Some(&c))
    }

    /// What of `inside` is left behind `c`.
    fn stay(&mut self, inside: Inside, c: char, escaped: bool) -> Option<Inside> {
        let before = |mark: &str| self.ends_with(mark);
        let ends = match &inside {
            Inside::Triple('"', _) => before("\"\"\""),
            Inside::Triple(..) => before("'''"),
            Inside::Backticks => c == '`' && !escaped,
            Inside::Part(close, _) => before(close),
            Inside::Here(..) => false,
            Inside::HereWord(word) => {
                // A shift, or `<<<`, has no such word.
                let begins = |c: char| c.is_ascii_uppercase() || c == '_' || "-~'\"".contains(c);
                let next = (word.len() < MAX_WORD).then_some(c);
                let word: String = word.chars().chain(next).collect();
                return word.starts_with(begins).then_some(Inside::HereWord(word));
            }
        };
        if ends {
            self.recent.clear();
        }
        (!ends).then_some(inside)
    }
}

/// The here-document that follows a line, from what stands behind `<<` on it.
fn here(text: &str) -> Option<Inside> {
    let movable = text.starts_with(['-', '~']);
    let text = text.trim_start_matches(['-', '~']);
    let quoted = text.trim_start_matches(['\'', '"']);
    let end = quoted
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(quoted.len());
    let word = quoted.get(..end).unwrap_or_default();
    (!word.is_empty()).then(|| Inside::Here(word.to_owned(), movable))
}
