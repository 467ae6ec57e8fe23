//! Secrets that only the name in front of them gives away: `password = "..."`, and the secret key beside an AWS key id.
//! What merely looks like a word is left alone, since programs are full of names such as `token`.

use memchr::memmem;

use super::bare;
use super::find::{Kind, Secret, from, is_word, looks_random, run};
use super::spoken::is_stand_in;

/// The longest value that is read, in bytes.
const LONGEST: usize = 1_024;

/// How far from its id an AWS secret key is looked for, in bytes.
const NEAR: usize = 400;

/// Appends where such secrets stand.
pub(super) fn find(bytes: &[u8], found: &mut Vec<Secret>) {
    for at in memchr::memchr2_iter(b'=', b':', bytes) {
        found.extend(assigned(bytes, at));
    }
    for at in memmem::find_iter(bytes, "KIA").chain(memmem::find_iter(bytes, "SIA")) {
        aws_keys_near(bytes, at, found);
    }
}

/// What the last word of a name must be.
const NAMES: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "secretkey",
    "apikey",
    "apisecret",
    "accesskey",
    "secretaccesskey",
    "authtoken",
    "accesstoken",
    "refreshtoken",
    "sessiontoken",
    "apitoken",
    "bottoken",
    "clientsecret",
    "privatekey",
    "presharedkey",
    "accountkey",
    "encryptionkey",
    "signingkey",
    "masterkey",
    "token",
    "credentials",
    "authkey",
];

/// A name of a secret, in front of a sign.
pub(super) struct Name<'a> {
    /// What it says that the value is.
    pub(super) kind: Kind,
    /// As it is written, with its dashes.
    pub(super) text: &'a [u8],
    /// What stands in front of it.
    pub(super) front: &'a [u8],
    /// Whether nothing stands between it and the sign.
    pub(super) is_joined: bool,
}

/// The value of `name = "value"`, `name: "value"`, `"name": "value"`, `name => "value"` and the like.
fn assigned(bytes: &[u8], at: usize) -> Option<Secret> {
    let name = name_before(bytes, at)?;
    let sign = run(from(bytes, at), 3, |byte| {
        matches!(byte, b'=' | b':' | b'>')
    });
    let mut start = at + sign;
    start += run(from(bytes, start), 8, |byte| byte == b' ' || byte == b'\t');
    // In a string that is quoted itself each quote stands behind backslashes.
    let escapes = run(from(bytes, start), 3, |byte| byte == b'\\');
    let quote = *bytes.get(start + escapes)?;
    if !matches!(quote, b'"' | b'\'' | b'`') {
        let length = bare::secret(bytes, &name, at, start)?;
        return Some(Secret::new(start..start + length, name.kind));
    }
    let start = start + escapes + 1;
    let end = if escapes == 0 { quote } else { b'\\' };
    let inner = from(bytes, start);
    let length = run(inner, LONGEST, |byte| {
        byte != end && byte != quote && !byte.is_ascii_control()
    });
    let value = inner.get(..length)?;
    let secret = inner.get(length) == Some(&end)
        && (is_key(value) || name.kind == Kind::Password && is_password(value));
    secret.then(|| Secret::new(start..start + length, name.kind))
}

/// The name in front of a sign, if it says that a secret stands behind it.
fn name_before(bytes: &[u8], at: usize) -> Option<Name<'_>> {
    let whole = bytes.get(at.saturating_sub(64)..at)?;
    let front = whole.trim_ascii_end();
    let front = front.strip_suffix(b"]").unwrap_or(front);
    let mut quotes = [b"\"", b"'"].iter();
    let unquoted = quotes.find_map(|quote| front.strip_suffix(*quote));
    let front = unquoted.map_or(front, |mut front| {
        while let Some(rest) = front.strip_suffix(b"\\") {
            front = rest;
        }
        front
    });
    let start = front
        .iter()
        .rposition(|&byte| !is_word(byte) && byte != b'-')
        .map_or(0, |last| last + 1);
    let (before, text) = front.split_at_checked(start)?;
    let letters: Vec<u8> = text
        .iter()
        .filter(|byte| byte.is_ascii_alphanumeric())
        .map(u8::to_ascii_lowercase)
        .collect();
    let known = NAMES
        .iter()
        .find(|known| letters.ends_with(known.as_bytes()))?;
    let is_password = ["password", "passwd", "passphrase", "pwd"].contains(known);
    Some(Name {
        kind: if is_password {
            Kind::Password
        } else {
            Kind::Key
        },
        text,
        front: before,
        is_joined: front.len() == whole.len(),
    })
}

/// Whether a value is a password that somebody has chosen well: several kinds of characters, none of them a blank.
pub(super) fn is_password(value: &[u8]) -> bool {
    let has = |test: fn(&u8) -> bool| usize::from(value.iter().any(test));
    let kinds = has(u8::is_ascii_lowercase)
        + has(u8::is_ascii_uppercase)
        + has(u8::is_ascii_digit)
        + has(|byte| is_symbol(*byte));
    6 <= value.len()
        && 2 <= kinds
        && (has(u8::is_ascii_digit) == 1 || has(|byte| is_symbol(*byte)) == 1)
        && value.iter().all(u8::is_ascii_graphic)
        && !is_expression(value)
}

fn is_symbol(byte: u8) -> bool {
    byte.is_ascii_punctuation() && !matches!(byte, b'_' | b'-' | b'.' | b'/')
}

/// Whether a value is a key that was generated.
pub(super) fn is_key(value: &[u8]) -> bool {
    let is_part =
        |byte: &u8| is_word(*byte) || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'.' | b'~');
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    16 <= value.len()
        && value.iter().all(is_part)
        && 2 <= digits
        && looks_random(value)
        && !is_expression(value)
}

/// Whether a value is put together from others, or names a place where the secret is.
fn is_expression(value: &[u8]) -> bool {
    is_stand_in(value)
        || memmem::find(value, b"://").is_some()
        || value.first() == Some(&b'/')
        || value
            .iter()
            .any(|byte| matches!(byte, b'{' | b'}' | b'<' | b'>' | b'(' | b')'))
}

/// Secret keys of AWS near an id: 40 characters of base64 that no hash and no path has.
fn aws_keys_near(bytes: &[u8], at: usize, found: &mut Vec<Secret>) {
    let is_id = at
        .checked_sub(1)
        .and_then(|start| bytes.get(start..start + 20))
        .is_some_and(|id| {
            id.first() == Some(&b'A')
                && id
                    .iter()
                    .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        });
    if !is_id {
        return;
    }
    let mut from_here = at.saturating_sub(NEAR);
    let end = (at + NEAR).min(bytes.len());
    while from_here < end {
        let length = run(from(bytes, from_here), LONGEST, |byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'+')
        });
        let word = from(bytes, from_here).get(..length).unwrap_or_default();
        let has = |test: fn(&u8) -> bool| word.iter().any(test);
        if length == 40
            && has(u8::is_ascii_lowercase)
            && has(u8::is_ascii_uppercase)
            && has(u8::is_ascii_digit)
        {
            found.push(Secret::new(from_here..from_here + length, Kind::Aws));
        }
        from_here += length + 1;
    }
}
