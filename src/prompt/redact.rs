//! Secrets in what would be sent are replaced by placeholders, and come back only where the reply to a rewrite holds the
//! placeholders of its own selection. Where secrets stand is found in [`find`], what comes back is the work of [`restore`].
//!
//! A placeholder reads `EZROUTER_SECRET_1`. It is one word of capital letters, digits and underscores, so it can stand
//! wherever the secret stood (in a string, a URL, a YAML value, a header), no formatter splits it, no escaping touches it,
//! Markdown draws it as it is, and models copy it whole as they copy the name of a constant. Its name does not occur by
//! chance, and a text that holds it all the same is masked like a secret. Numbers count up within a conversation: the same
//! secret has the same number in every turn, so the past stays what it was for the gateway's cache, and nothing in them is
//! random or made of the secret.

use std::collections::BTreeMap;

mod bare;
mod find;
mod literal;
mod named;
mod pem;
pub mod restore;
mod spoken;
mod tokens;

pub use find::{Kind, Secret, secrets};
use restore::{PREFIX, Restorer};

/// Whether secrets are masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redact {
    /// They are.
    On,
    /// They are sent as they stand, because the user wants that.
    Off,
}

/// The shortest secret that is looked for in other texts, in bytes: a password such as `db` would be found everywhere.
const SHORTEST_QUOTE: usize = 5;

/// A text, with the places of its secrets.
#[derive(Clone, Debug, Default)]
pub struct Piece {
    text: String,
    secrets: Vec<Secret>,
}

impl Piece {
    /// A text that stands for itself.
    pub fn new(text: &str, redact: Redact) -> Self {
        Self {
            text: text.to_owned(),
            secrets: match redact {
                Redact::On => secrets(text),
                Redact::Off => Vec::new(),
            },
        }
    }

    /// A text that may quote others, whose secrets are known: they are secret in it too, whatever stands around them.
    pub fn quoting(text: &str, redact: Redact, others: &[&Self]) -> Self {
        let mut piece = Self::new(text, redact);
        let quoted = others.iter().flat_map(|other| {
            let quoted =
                |secret: &Secret| Some((other.text.get(secret.span.clone())?, secret.kind));
            other.secrets.iter().filter_map(quoted)
        });
        for (secret, kind) in quoted.filter(|(secret, _)| SHORTEST_QUOTE <= secret.len()) {
            let places = text.match_indices(secret);
            let places = places.map(|(at, _)| Secret::new(at..at + secret.len(), kind));
            piece.secrets.extend(places);
        }
        sort(&mut piece.secrets);
        piece.secrets = set_apart(text, std::mem::take(&mut piece.secrets));
        piece
    }

    /// A part of a text that begins at `start` of it and whose secrets are known already, in bytes of the whole: what lies half
    /// in it is masked as far as it does.
    pub fn part(text: String, start: usize, secrets: &[Secret]) -> Self {
        let clip = |secret: &Secret| {
            let from = secret.span.start.max(start) - start;
            let to = secret.span.end.min(start + text.len());
            let to = to.checked_sub(start)?;
            (from < to).then(|| secret.at(from..to))
        };
        let mut secrets: Vec<Secret> = secrets.iter().filter_map(clip).collect();
        sort(&mut secrets);
        Self {
            secrets: set_apart(&text, secrets),
            text,
        }
    }

    /// Goes on with another piece.
    pub fn append(&mut self, other: &Self) {
        let start = self.text.len();
        let moved = |secret: &Secret| secret.at(start + secret.span.start..start + secret.span.end);
        self.secrets.extend(other.secrets.iter().map(moved));
        self.text.push_str(&other.text);
    }

    /// The same without the line ending, or several, at its end.
    #[must_use]
    pub fn without_line_ending(&self) -> Self {
        self.beginning(self.text.trim_end_matches(['\r', '\n']).len())
    }

    /// The first bytes of it, at the end of a character.
    #[must_use]
    pub fn beginning(&self, length: usize) -> Self {
        let text = self.text.get(..length).unwrap_or(&self.text);
        Self::part(text.to_owned(), 0, &self.secrets)
    }

    /// The text as it stands.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Widens each secret that is cut off in the middle of a word, or behind half an escape, to the whole word: a placeholder must
/// stand alone to be told again.
fn set_apart(text: &str, secrets: Vec<Secret>) -> Vec<Secret> {
    let bytes = text.as_bytes();
    let mut apart: Vec<Secret> = Vec::with_capacity(secrets.len());
    for secret in secrets {
        let span = &secret.span;
        if apart.last().is_some_and(|last| span.end <= last.span.end) {
            continue;
        }
        let front = bytes.get(..span.start).unwrap_or_default();
        let behind = find::from(bytes, span.end);
        let before = if find::begins_word(front) {
            0
        } else {
            front
                .iter()
                .rev()
                .take_while(|&&byte| find::is_word(byte))
                .count()
        };
        let after = find::run(behind, behind.len(), find::is_word);
        let wide = span.start - before..span.end + after;
        match apart.last_mut() {
            Some(last) if wide.start < last.span.end => {
                last.span.end = last.span.end.max(wide.end);
            }
            _ => apart.push(secret.at(wide)),
        }
    }
    apart
}

fn sort(secrets: &mut [Secret]) {
    secrets.sort_by_key(|secret| (secret.span.start, secret.span.end));
}

/// The secrets that a conversation has met, each with its number. It is kept in memory only.
#[derive(Clone, Default)]
pub struct Vault {
    numbers: BTreeMap<String, usize>,
    /// What they are, by their numbers.
    kinds: BTreeMap<usize, Kind>,
    /// The highest number that is taken.
    taken: usize,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_set()
            .entries(self.numbers.values())
            .finish()
    }
}

impl Vault {
    /// Learns which numbers a text uses that was said before: an earlier run of the server may have given them out, and what
    /// they stood for is not known any more.
    pub fn learn(&mut self, text: &str) {
        self.taken = self.taken.max(numbers_in(text).max().unwrap_or(0));
    }

    /// The placeholder of a secret that was masked before.
    pub fn placeholder_of(&self, secret: &str) -> Option<String> {
        self.numbers.get(secret).copied().map(placeholder)
    }

    /// What the secret with a number is; `None` if an earlier run of the server gave the number out.
    pub fn kind(&self, number: usize) -> Option<Kind> {
        self.kinds.get(&number).copied()
    }

    /// Masks a piece.
    pub fn mask(&mut self, piece: &Piece) -> Masked {
        let mut masked = Masked::default();
        let mut at = 0;
        for Secret { span, kind } in &piece.secrets {
            let secret = piece.text.get(span.clone()).unwrap_or_default();
            let number = self.number(secret, *kind);
            masked
                .text
                .push_str(piece.text.get(at..span.start).unwrap_or_default());
            masked.text.push_str(&placeholder(number));
            masked.secrets.insert(number, secret.to_owned());
            at = span.end;
        }
        masked
            .text
            .push_str(piece.text.get(at..).unwrap_or_default());
        masked
    }

    fn number(&mut self, secret: &str, kind: Kind) -> usize {
        if let Some(number) = self.numbers.get(secret) {
            return *number;
        }
        self.taken += 1;
        self.numbers.insert(secret.to_owned(), self.taken);
        self.kinds.insert(self.taken, kind);
        self.taken
    }
}

/// A piece as it is sent.
#[derive(Clone, Default)]
pub struct Masked {
    /// The text with placeholders in place of secrets.
    pub text: String,
    /// What the placeholders in it stand for, by their numbers.
    secrets: BTreeMap<usize, String>,
}

impl std::fmt::Debug for Masked {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl Masked {
    /// The numbers of the placeholders in the text.
    pub fn numbers(&self) -> impl Iterator<Item = usize> {
        self.secrets.keys().copied()
    }

    /// Brings the secrets of this text back in a reply that replaces it.
    pub fn restorer(&self) -> Restorer {
        let secrets = self.secrets.iter();
        let secrets = secrets.map(|(number, secret)| (placeholder(*number), secret.clone()));
        Restorer::new(self.text.clone(), secrets.collect())
    }
}

/// The placeholder with a number.
pub fn placeholder(number: usize) -> String {
    format!("{PREFIX}{number}")
}

/// The numbers of the placeholders that stand in a text, in order; none where no number follows.
pub fn numbers_in(text: &str) -> impl Iterator<Item = usize> {
    text.match_indices(PREFIX).filter_map(|(at, _)| {
        let digits = text.get(at + PREFIX.len()..)?;
        let digits = digits.get(..find::run(digits.as_bytes(), 9, |byte| byte.is_ascii_digit()))?;
        digits.parse().ok()
    })
}

#[cfg(test)]
mod tests;
