//! Secrets that a URL, a header or a connection string carries: what stands in front of them says what they are, and they
//! themselves may be anything.

use std::ops::Range;

use memchr::memmem;

use super::find::{Kind, Secret, before, begins_word, from, is_word, looks_random, run};

/// The longest password in a URL, in bytes.
const LONGEST: usize = 512;

/// Appends where such secrets stand.
pub(super) fn find(bytes: &[u8], found: &mut Vec<Secret>) {
    let as_kind = |kind| move |span| Secret::new(span, kind);
    for at in memmem::find_iter(bytes, "://") {
        found.extend(password_of_url(bytes, at).map(as_kind(Kind::Url)));
    }
    for at in memmem::find_iter(bytes, "asic ") {
        found.extend(basic(bytes, at + 5).map(as_kind(Kind::Header)));
    }
    for at in memmem::find_iter(bytes, "earer ") {
        found.extend(bearer(bytes, at + 6).map(as_kind(Kind::Header)));
    }
    for at in memmem::find_iter(bytes, "oken ") {
        found.extend(token(bytes, at).map(as_kind(Kind::Header)));
    }
    for (name, least) in KEYS {
        for at in memmem::find_iter(bytes, name) {
            let start = at + name.len();
            let length = run(from(bytes, start), LONGEST, is_base64);
            if *least <= length && begins_word(before(bytes, at)) {
                found.push(Secret::new(start..start + length, Kind::Connection));
            }
        }
    }
    for name in PASSWORDS {
        for at in memmem::find_iter(bytes, name) {
            let password = password_of_connection(bytes, at, name.len());
            found.extend(password.map(as_kind(Kind::Connection)));
        }
    }
}

/// The name of the header that credentials stand in.
const AUTHORIZATION: &[u8] = b"authorization";

/// Parts of connection strings and of signed addresses that hold base64, with its least length.
const KEYS: &[(&str, usize)] = &[
    ("AccountKey=", 40),
    ("SharedAccessKey=", 30),
    ("SharedSecretValue=", 30),
    ("sig=", 43),
    ("X-Amz-Signature=", 64),
    ("X-Amz-Security-Token=", 64),
];

/// Parts of connection strings that hold a password, as they are spelled.
const PASSWORDS: &[&str] = &[
    "Password=",
    "password=",
    "Pwd=",
    "pwd=",
    "PWD=",
    "PASSWORD=",
];

fn is_base64(byte: u8) -> bool {
    is_word(byte) || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'%')
}

/// The password in `scheme://user:<password>@host`.
fn password_of_url(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let has_scheme = at
        .checked_sub(1)
        .and_then(|last| bytes.get(last))?
        .is_ascii_alphanumeric();
    let start = at + 3;
    let authority = from(bytes, start);
    let length = run(authority, LONGEST, |byte| {
        (byte.is_ascii_graphic() && !b"/\\?#\"'`<>|,;()".contains(&byte)) || 0x80 <= byte
    });
    let authority = authority.get(..length)?;
    let host = authority.iter().rposition(|&byte| byte == b'@')?;
    let user = authority.iter().position(|&byte| byte == b':')?;
    let password = authority.get(user + 1..host)?;
    let named = has_scheme && user < host && !is_stand_in(password);
    named.then_some(start + user + 1..start + host)
}

/// Whether a text only says where a secret would stand.
pub(super) fn is_stand_in(text: &[u8]) -> bool {
    let opens = matches!(text.first(), Some(b'{' | b'$' | b'<' | b'[' | b'('));
    let is_filler = |byte: &u8| b"*xX.-_".contains(byte);
    let is_format = matches!(text, [b'%', b's' | b'd' | b'v' | b'(', ..]);
    let has = |mark: &str| memmem::find(text, mark.as_bytes()).is_some();
    opens || is_format || text.iter().all(is_filler) || has("${") || has("{{") || has("}}")
}

/// The credentials of `Basic`: they are base64 of a text with a colon.
fn basic(bytes: &[u8], start: usize) -> Option<Range<usize>> {
    let first = bytes.get(start.checked_sub(6)?)?;
    let encoded = from(bytes, start);
    let length = run(encoded, LONGEST, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_')
    });
    let decoded = decode(encoded.get(..length)?);
    let is_pair = decoded.contains(&b':')
        && decoded
            .iter()
            .all(|byte| (0x20..0x7f).contains(byte) || 0x80 <= *byte);
    (first.eq_ignore_ascii_case(&b'b') && 8 <= length && is_pair).then_some(start..start + length)
}

/// The token of `Bearer ...`.
fn bearer(bytes: &[u8], start: usize) -> Option<Range<usize>> {
    let first = bytes.get(start.checked_sub(7)?)?;
    let length = generated(bytes, start)?;
    first
        .eq_ignore_ascii_case(&b'b')
        .then_some(start..start + length)
}

/// The token of `Authorization: token ...`, whose scheme lies around `at`; elsewhere this is a word like others.
fn token(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let scheme = at.checked_sub(1)?;
    let front = bytes.get(scheme.saturating_sub(32)..scheme)?;
    let name = front
        .iter()
        .rposition(|byte| !b" \t:=>\"'\\".contains(byte))
        .and_then(|last| front.get(..=last))?;
    let header = name.get(name.len().checked_sub(AUTHORIZATION.len())?..)?;
    let start = at + 5;
    let length = generated(bytes, start)?;
    let named = bytes.get(scheme)?.eq_ignore_ascii_case(&b't')
        && header.eq_ignore_ascii_case(AUTHORIZATION)
        && name.len() < front.len();
    named.then_some(start..start + length)
}

/// The length of a token that reads like the work of a generator.
fn generated(bytes: &[u8], start: usize) -> Option<usize> {
    let token = from(bytes, start);
    let length = run(token, 8 * LONGEST, |byte| {
        is_base64(byte) || matches!(byte, b'.' | b'~')
    });
    let token = token.get(..length)?;
    (16 <= length && looks_random(token)).then_some(length)
}

/// The bytes that base64 of either alphabet stands for; what is left over at its end is dropped.
fn decode(encoded: &[u8]) -> Vec<u8> {
    let digits = encoded.iter().map_while(|&byte| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    });
    let (mut bits, mut count, mut decoded) = (0_u32, 0, Vec::new());
    for digit in digits {
        bits = bits << 6 | u32::from(digit);
        count += 6;
        if 8 <= count {
            count -= 8;
            decoded.push((bits >> count & 0xff) as u8);
        }
    }
    decoded
}

/// The password in `Server=host;User Id=user;Password=<word>;`: one part of several between semicolons, on one line.
fn password_of_connection(bytes: &[u8], at: usize, name: usize) -> Option<Range<usize>> {
    let start = at + name;
    let length = run(from(bytes, start), LONGEST, |byte| {
        (byte.is_ascii_graphic() && !b";\"'`<>".contains(&byte)) || 0x80 <= byte
    });
    let password = from(bytes, start).get(..length)?;
    let front = bytes.get(at.saturating_sub(LONGEST)..at)?;
    let parts = front
        .iter()
        .rposition(|byte| matches!(byte, b'\n' | b'"' | b'\'' | b'`'));
    let front = front.get(parts.map_or(0, |quote| quote + 1)..)?;
    let is_part = front.trim_ascii_end().ends_with(b";") && front.contains(&b'=');
    (is_part && 0 < length && !is_stand_in(password)).then_some(start..start + length)
}
