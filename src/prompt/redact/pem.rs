//! Private keys in the text forms of OpenSSL, OpenSSH, PGP and `PuTTY`: what stands between the lines that name them, also
//! where those are written into a string of a program. The lines themselves stay: a reader must see what is there.

use std::ops::Range;

use memchr::memmem;

use super::find::{Kind, Secret};

/// The longest key that is looked for, in bytes: an RSA key of 16,384 bits takes 13,000.
const LONGEST: usize = 64 << 10;

/// The shortest run of base64 that a key has.
const SHORTEST_LINE: usize = 16;

/// Appends where private keys stand.
pub(super) fn find(text: &str, found: &mut Vec<Secret>) {
    let mut at = 0;
    let finder = memmem::Finder::new("PRIVATE KEY");
    while let Some(offset) = text.as_bytes().get(at..).and_then(|rest| finder.find(rest)) {
        at += offset + "PRIVATE KEY".len();
        let opens = text.get(..at).is_some_and(opens_key);
        let rest = text.get(at..).unwrap_or_default();
        let dashes = rest.strip_prefix(" BLOCK").unwrap_or(rest);
        let body = dashes.trim_start_matches([' ', '-']);
        let begins = opens && dashes.trim_start_matches(' ').starts_with("----");
        if begins && let Some(span) = key(body) {
            let start = text.len() - body.len();
            let span = start + span.start..start + span.end;
            found.push(Secret::new(span.clone(), Kind::PrivateKey));
            at = span.end;
        }
    }
    putty(text, found);
}

/// Whether a text ends within a line that opens a key, in front of its last words.
fn opens_key(text: &str) -> bool {
    // `-----BEGIN ENCRYPTED PRIVATE KEY`, `---- BEGIN SSH2 ENCRYPTED PRIVATE KEY`.
    let mut nearest = text.len().saturating_sub(60);
    while !text.is_char_boundary(nearest) {
        nearest += 1;
    }
    let near = text.get(nearest..).unwrap_or_default();
    let title = near.rfind("BEGIN ").and_then(|begin| {
        let dashes = near.get(..begin)?.trim_end_matches(' ');
        dashes.ends_with("----").then(|| near.get(begin..))?
    });
    let is_title = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == ' ';
    title.is_some_and(|title| title.chars().all(is_title))
}

/// The key in the text behind the line that opens it, from its first to its last character.
fn key(text: &str) -> Option<Range<usize>> {
    let mut span: Option<Range<usize>> = None;
    let mut longest = 0;
    let mut at = 0;
    while let Some(line) = next_line(text, at).filter(|line| line.end <= LONGEST) {
        at = line.next;
        let Some((start, content)) = bare(text, &line) else {
            continue;
        };
        if is_mark(content.as_bytes(), b"END ") {
            break;
        }
        match kind(content) {
            Content::Base64 => longest = longest.max(content.len()),
            Content::Header if longest == 0 => {}
            Content::Header | Content::Other => {
                // Where the end is not marked, the key ends with what can be one.
                longest = if 2 * SHORTEST_LINE <= longest {
                    longest
                } else {
                    0
                };
                break;
            }
        }
        let first = span.map_or(start, |span| span.start);
        span = Some(first..start + content.len());
    }
    span.filter(|_| SHORTEST_LINE <= longest)
}

struct Line {
    start: usize,
    end: usize,
    next: usize,
}

/// The line from `at` on. A newline that is written as an escape ends one too, and so does what closes a key behind it. There
/// is none where another key opens: what comes behind belongs to that one, and so nothing is read twice.
fn next_line(text: &str, at: usize) -> Option<Line> {
    let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
    let bytes = rest.as_bytes();
    let mut end = (rest.len(), 0);
    for found in memchr::memchr3_iter(b'\n', b'\\', b'-', bytes) {
        let behind = bytes.get(found..).unwrap_or_default();
        let length = match behind {
            [b'\n', ..] => 1,
            [b'\\', b'n' | b'r', ..] => 2,
            [b'-', ..] if is_mark(behind, b"BEGIN ") => return None,
            [b'-', ..] if 0 < found && is_mark(behind, b"END ") => 0,
            _ => continue,
        };
        end = (found, length);
        break;
    }
    Some(Line {
        start: at,
        end: at + end.0,
        next: at + end.0 + end.1,
    })
}

/// Whether a text begins with the dashes of a mark and this word.
fn is_mark(bytes: &[u8], word: &[u8]) -> bool {
    let dashes = bytes
        .iter()
        .take(6)
        .take_while(|&&byte| byte == b'-')
        .count();
    let behind = bytes.get(dashes..).unwrap_or_default();
    let behind = behind.strip_prefix(b" ").unwrap_or(behind);
    4 <= dashes && behind.starts_with(word)
}

/// A line without what a program writes around it: white space, quotes, marks of comments and of joining.
fn bare<'a>(text: &'a str, line: &Line) -> Option<(usize, &'a str)> {
    let decoration = |c: char| c.is_whitespace() || "\"'`,;.#*|>()\\".contains(c);
    let whole = text.get(line.start..line.end)?;
    // What joins strings stands apart from them; a slash or a plus next to base64 belongs to it.
    let joins = |c: char| c == '+' || c == '/';
    let mut content = whole.trim_matches(decoration);
    for _ in 0..2 {
        let inner = content.trim_matches(joins);
        let apart = inner.len() < content.len() && inner != inner.trim_matches(decoration);
        content = if apart {
            inner.trim_matches(decoration)
        } else {
            content
        };
    }
    let offset = content.as_ptr() as usize - whole.as_ptr() as usize;
    let is_mark = content.chars().all(joins);
    (!is_mark).then_some((line.start + offset, content))
}

enum Content {
    Base64,
    Header,
    Other,
}

fn kind(content: &str) -> Content {
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
    // Documentation leaves out the middle.
    let shown = content.trim_matches(['.', '…']);
    if shown.chars().all(is_base64) {
        return Content::Base64;
    }
    let name = content.split_once(": ").map(|(name, _)| name);
    let is_name = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if name.is_some_and(is_name) {
        Content::Header
    } else {
        Content::Other
    }
}

/// `PuTTY`'s form has no end mark; it says how many lines the private part has.
fn putty(text: &str, found: &mut Vec<Secret>) {
    for (at, mark) in text.match_indices("Private-Lines:") {
        let start = at + mark.len();
        let rest = text.get(start..).unwrap_or_default();
        let Some((count, body)) = rest.split_once('\n') else {
            continue;
        };
        let Ok(count) = count.trim().parse::<usize>() else {
            continue;
        };
        let start = start + (rest.len() - body.len());
        let lines = body.split_inclusive('\n').take(count.min(1_000));
        let is_base64 = |line: &str| {
            line.trim()
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+/=".contains(c))
        };
        let length: usize = lines.take_while(|line| is_base64(line)).map(str::len).sum();
        let body = body.get(..length).unwrap_or_default();
        let span = start..start + body.trim_end().len();
        found.push(Secret::new(span, Kind::PrivateKey));
    }
}
