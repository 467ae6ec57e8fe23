//! Values without quotes behind a name: in shells and files of settings, among the options of a command, in the query of an
//! address, in a connection string. Without quotes a value may be a variable or a call too, so only what cannot be one counts.

use super::find::{Kind, from, is_word, run};
use super::named::{Name, is_key, is_password};

/// The longest value that is read, in bytes.
const LONGEST: usize = 256;

/// The length of a secret without quotes that begins at `start`, behind the sign at `at` of `name`.
pub(super) fn secret(bytes: &[u8], name: &Name<'_>, at: usize, start: usize) -> Option<usize> {
    match key(bytes, start) {
        None if name.kind == Kind::Password => password(bytes, name, at, start),
        length => length,
    }
}

/// The length of a key that was generated.
fn key(bytes: &[u8], start: usize) -> Option<usize> {
    let rest = from(bytes, start);
    let length = run(rest, LONGEST, |byte| {
        is_word(byte) || matches!(byte, b'+' | b'/' | b'=' | b'-')
    });
    let ends = rest
        .get(length)
        .is_none_or(|byte| byte.is_ascii_whitespace() || b"\"'`\\&#;,".contains(byte));
    let value = rest.get(..length)?;
    (ends && is_mixed(value) && is_key(value)).then_some(length)
}

/// The length of a password that somebody has chosen, where values stand without quotes and are no code.
fn password(bytes: &[u8], name: &Name<'_>, at: usize, start: usize) -> Option<usize> {
    if !name.is_joined || bytes.get(at) != Some(&b'=') || start != at + 1 {
        return None;
    }
    let in_query = matches!(name.front.last(), Some(b'?' | b'&'));
    if !in_query && !is_option(name) && !is_variable(name) && !is_setting(name) {
        return None;
    }
    let rest = from(bytes, start);
    let length = run(rest, LONGEST, |byte| {
        byte.is_ascii_graphic()
            && !b"\"'`\\".contains(&byte)
            && !(in_query && matches!(byte, b'&' | b'#'))
    });
    let value = rest.get(..length)?;
    (length < LONGEST && is_literal(value)).then_some(length)
}

/// Whether it is an option of a command, as in `--password=`.
fn is_option(name: &Name<'_>) -> bool {
    name.text.starts_with(b"--")
}

/// Whether it is a variable of a shell, as in `export DB_PASSWORD=`.
fn is_variable(name: &Name<'_>) -> bool {
    let begins = |last: &u8| last.is_ascii_whitespace() || matches!(last, b'"' | b'\'' | b'`');
    name.front.last().is_none_or(begins) && is_constant(name.text)
}

/// Whether it is a part of a connection string, as in `user=a password=`: behind another one.
fn is_setting(name: &Name<'_>) -> bool {
    let before = name.front.trim_ascii_end();
    let blanks = name.front.get(before.len()..).unwrap_or_default();
    let part = before
        .rsplit(|byte| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\''))
        .next()
        .unwrap_or_default();
    let mut sides = part.splitn(2, |&byte| byte == b'=');
    let (key, value) = (sides.next().unwrap_or_default(), sides.next());
    let is_value =
        |value: &[u8]| value.last().is_some_and(|last| !b",;(=".contains(last)) && value.is_ascii();
    !blanks.is_empty()
        && blanks.iter().all(|&byte| byte == b' ')
        && !key.is_empty()
        && key.iter().all(|&byte| is_word(byte))
        && value.is_some_and(is_value)
}

/// Whether a value is no variable, field, call or pattern.
fn is_literal(value: &[u8]) -> bool {
    let is_identifier = |part: &[u8]| {
        part.iter().all(|&byte| is_word(byte))
            && part.first().is_some_and(|first| !first.is_ascii_digit())
    };
    let is_field = value.contains(&b'.') && value.split(|&byte| byte == b'.').all(is_identifier);
    let opens = matches!(
        value.first(),
        Some(b'%' | b'~' | b'.' | b'@' | b'&' | b'|' | b'*')
    );
    is_password(value)
        && value.iter().any(u8::is_ascii_alphabetic)
        && !opens
        && !is_field
        && !is_constant(value)
        && !value.contains(&b'[')
}

/// Whether a word is written as names of constants and of variables of a shell are.
fn is_constant(word: &[u8]) -> bool {
    word.iter()
        .all(|&byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Whether letters and digits take turns, as they do not in names and numbers.
fn is_mixed(value: &[u8]) -> bool {
    let pairs = value.iter().zip(value.iter().skip(1));
    let turns = pairs.filter(|(one, next)| one.is_ascii_digit() != next.is_ascii_digit());
    3 <= turns.count()
}
