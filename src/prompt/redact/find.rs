//! Where a text holds secrets. Each kind has a finder of its own; here they are put together. Nothing is judged by the
//! file's name, and nothing is changed.
//!
//! Every finder takes time linear in the text: it looks for a rare beginning and reads on from there no further than a
//! fixed length or to the end of what it has found.

use std::fmt;
use std::ops::Range;

use super::{literal, named, pem, spoken, tokens};

/// What a secret is, as far as its form tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A private key in a text form.
    PrivateKey,
    /// A token with a well-known beginning.
    Token(&'static str),
    /// A JSON Web Token.
    WebToken,
    /// A token or key that is known by its shape.
    Shape(&'static str),
    /// The password of a URL.
    Url,
    /// The credentials of an `Authorization` header.
    Header,
    /// A key or password in a connection string or a signed address.
    Connection,
    /// The value of something that is named as a password is.
    Password,
    /// The value of something that is named as a key or token is.
    Key,
    /// The secret key that belongs to an AWS key id.
    Aws,
    /// No secret: it only reads like a placeholder.
    Lookalike,
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::PrivateKey => "private key",
            Self::Token(prefix) => return write!(formatter, "token that begins with `{prefix}`"),
            Self::WebToken => "web token (JWT)",
            Self::Shape(name) => name,
            Self::Url => "password in a URL",
            Self::Header => "credentials of a header",
            Self::Connection => "key or password in a connection string or a signed address",
            Self::Password => "value that is named a password",
            Self::Key => "value that is named a key, token or secret",
            Self::Aws => "AWS secret key",
            Self::Lookalike => "text that only reads like a placeholder",
        })
    }
}

/// A place in a text that holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// Where it stands, in bytes.
    pub span: Range<usize>,
    /// What it is.
    pub kind: Kind,
}

impl Secret {
    pub(super) fn new(span: Range<usize>, kind: Kind) -> Self {
        Self { span, kind }
    }

    /// The same at another place.
    pub(super) fn at(&self, span: Range<usize>) -> Self {
        Self::new(span, self.kind)
    }
}

/// Where secrets stand, in order, without overlap.
pub fn secrets(text: &str) -> Vec<Secret> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    pem::find(text, &mut found);
    tokens::find(bytes, &mut found);
    spoken::find(bytes, &mut found);
    named::find(bytes, &mut found);
    literal::find(bytes, &mut found);
    found.retain(|secret: &Secret| {
        !secret.span.is_empty() && text.get(secret.span.clone()).is_some()
    });
    found.sort_by_key(|secret| (secret.span.start, secret.span.end));
    let mut merged: Vec<Secret> = Vec::with_capacity(found.len());
    for secret in found {
        match merged.last_mut() {
            Some(last) if secret.span.start < last.span.end => {
                last.span.end = last.span.end.max(secret.span.end);
            }
            _ => merged.push(secret),
        }
    }
    merged
}

/// Whether a byte can be part of a word.
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether a word can begin behind these bytes: also behind an escape such as `\n` or `%3D`, whose letter belongs to it.
pub(super) fn begins_word(before: &[u8]) -> bool {
    match before {
        [] | [.., b'\\', b'n' | b'r' | b't'] => true,
        [.., b'%', high, low] => high.is_ascii_hexdigit() && low.is_ascii_hexdigit(),
        [.., last] => !is_word(*last),
    }
}

/// How many of the first bytes belong to `alphabet`, at most `most`.
pub(super) fn run(bytes: &[u8], most: usize, alphabet: impl Fn(u8) -> bool) -> usize {
    let bytes = bytes.get(..most).unwrap_or(bytes);
    bytes
        .iter()
        .position(|&byte| !alphabet(byte))
        .unwrap_or(bytes.len())
}

/// The bytes from `at` on.
pub(super) fn from(bytes: &[u8], at: usize) -> &[u8] {
    bytes.get(at..).unwrap_or_default()
}

/// The bytes in front of `at`, three at most: what [`begins_word`] looks at.
pub(super) fn before(bytes: &[u8], at: usize) -> &[u8] {
    bytes.get(at.saturating_sub(3)..at).unwrap_or_default()
}

/// Whether a text reads like the work of a generator rather than of a person: some part between its dashes, dots and
/// underscores is long and mixes letters with digits or small letters with capitals, or is longer than words are.
pub(super) fn looks_random(bytes: &[u8]) -> bool {
    let mut parts = bytes.split(|byte| matches!(byte, b'-' | b'_' | b'.'));
    parts.any(|part| {
        let has = |test: fn(&u8) -> bool| part.iter().any(test);
        let letters = has(u8::is_ascii_alphabetic);
        let digits = has(u8::is_ascii_digit);
        let cases = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
        12 <= part.len() && letters && digits
            || 20 <= part.len() && cases
            || 32 <= part.len() && letters
    })
}
