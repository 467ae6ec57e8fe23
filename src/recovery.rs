//! What is kept of a running rewrite for the case that the server dies, and how the rewritten place is found again in the
//! text of later. Where it is kept is the journal's business.

use ropey::Rope;
use serde::{Deserialize, Serialize};

use crate::text::Span;
use crate::text::diff::common_ends;

/// A rewrite as it was when it began, with what has come of its reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interrupted {
    /// The text that was being rewritten, and where it stood.
    pub start: Start,
    /// What had come of the cleaned reply.
    pub reply: String,
    /// Whether that is the whole of it.
    pub complete: bool,
}

/// The text that a rewrite began with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// The document, as the client spells it.
    pub uri: String,
    /// What the menu called the rewrite.
    pub title: String,
    /// What stood in front of the region.
    pub before: Side,
    /// The region's text.
    pub original: String,
    /// What stood behind the region.
    pub after: Side,
}

/// The text on one side of a region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// How long it was, in bytes.
    pub length: usize,
    /// The part of it next to the region.
    pub near: String,
    /// Whether that part begins a line.
    pub begins_line: bool,
}

/// So much of the text on either side is kept, in bytes.
const NEAR: usize = 4_096;

impl Start {
    /// What is kept of a rewrite of `span` of `text`, in bytes.
    pub fn new(uri: String, title: String, text: &Rope, span: Span) -> Self {
        let read = |from: usize, to: usize| {
            let slice = text.get_byte_slice(from..to);
            slice.map(String::from).unwrap_or_default()
        };
        // Between characters: what is left out at most is one of them.
        let boundary = |byte: usize| {
            let character = text.try_byte_to_char(byte);
            character
                .and_then(|character| text.try_char_to_byte(character))
                .unwrap_or(byte)
        };
        let length = text.len_bytes();
        let from = boundary(span.start.saturating_sub(NEAR));
        let first_line = if from == 0 {
            0
        } else {
            let line = text.try_byte_to_line(from).unwrap_or_default() + 1;
            text.try_line_to_byte(line).unwrap_or(from)
        };
        // Whole lines, unless the region's own line is longer than all that is kept.
        let (from, begins_line) = if first_line < span.start {
            (first_line, true)
        } else {
            (from, false)
        };
        let ends_line = span.end == 0 || matches!(text.get_byte(span.end - 1), Some(b'\n' | b'\r'));
        let to = boundary(length.min(span.end + NEAR));
        Self {
            uri,
            title,
            before: Side {
                length: span.start,
                near: read(from, span.start),
                begins_line,
            },
            original: read(span.start, span.end),
            after: Side {
                length: length.saturating_sub(span.end),
                near: read(span.end, to),
                begins_line: ends_line,
            },
        }
    }

    /// Where the region stands in `text`, in bytes; `None` if what stood around it is not found, or in several places.
    pub fn find(&self, text: &str) -> Option<Span> {
        let start = place(text, &self.before, self.before.length, Edge::Before)?;
        let rest = text.get(start..)?;
        let expected = rest.len().checked_sub(self.after.length);
        let length = place(
            rest,
            &self.after,
            expected.unwrap_or(usize::MAX),
            Edge::After,
        )?;
        Some(Span::new(start, start + length))
    }
}

impl Interrupted {
    /// What the server had made of the region, told from what it reads `now`: the beginning of the reply and the end of the
    /// original, with at most one run of text among them that the server did not write.
    pub fn written(&self, now: &str) -> String {
        let (reply, original) = (self.reply.as_str(), self.start.original.as_str());
        let (mut replied, _) = common_ends(now, reply);
        let rest = now.get(replied..).unwrap_or_default();
        let suffix = common_end(rest, original);
        let mut waits = original.len() - suffix;
        let foreign = rest.get(..rest.len() - suffix).unwrap_or_default();
        // The foreign text stands inside the written part if the reply goes on behind it, inside the waiting part if the
        // original begins in front of it.
        let goes_on = reply.get(replied..).unwrap_or_default();
        let more = longest(goes_on.len().min(foreign.len()), |length| {
            goes_on
                .get(..length)
                .is_some_and(|part| foreign.ends_with(part))
        });
        replied += more;
        let foreign = foreign.get(..foreign.len() - more).unwrap_or_default();
        let waited = original.get(..waits).unwrap_or_default();
        waits -= longest(waited.len().min(foreign.len()), |length| {
            waited
                .get(waited.len() - length..)
                .is_some_and(|part| foreign.starts_with(part))
        });
        let part =
            |text: &str, from: usize, to: usize| text.get(from..to).unwrap_or_default().to_owned();
        part(reply, 0, replied) + &part(original, waits, original.len())
    }
}

/// How far foreign text is looked around, in bytes: more than any one edit brings.
const AROUND: usize = 4_096;

/// The largest length up to `most` that fits, or 0.
fn longest(most: usize, fits: impl Fn(usize) -> bool) -> usize {
    (1..=most.min(AROUND))
        .rev()
        .find(|&length| fits(length))
        .unwrap_or(0)
}

/// How long the common end of two texts is, whatever they begin with.
fn common_end(one: &str, other: &str) -> usize {
    let pairs = one.bytes().rev().zip(other.bytes().rev());
    let mut length = pairs.take_while(|(a, b)| a == b).count();
    while !one.is_char_boundary(one.len() - length) {
        length -= 1;
    }
    length
}

/// On which side of the region a text stood.
#[derive(Clone, Copy)]
enum Edge {
    Before,
    After,
}

/// The byte of `text` at which `side` meets the region: where it did if it still stands there, else the only place where
/// its nearest lines stand, fewer of them if need be.
fn place(text: &str, side: &Side, expected: usize, edge: Edge) -> Option<usize> {
    if side.length == 0 {
        return Some(match edge {
            Edge::Before => 0,
            Edge::After => text.len(),
        });
    }
    // What began a line begins one now: `end` is not found in `send`. Only behind a line that was being written it does not,
    // and then all of it must stand there.
    let tries = [
        (usize::MAX, side.begins_line),
        (usize::MAX, false),
        (8, true),
        (3, true),
    ];
    for (lines, aligned) in tries {
        let near = nearest(&side.near, lines, edge);
        let places = text
            .match_indices(near)
            .filter(|(at, _)| !aligned || is_line_start(text, *at));
        let mut found = places.map(|(at, _)| match edge {
            Edge::Before => at + near.len(),
            Edge::After => at,
        });
        let first = found.next();
        if let Some(first) = first {
            let others: Vec<usize> = found.collect();
            if first == expected || others.contains(&expected) {
                return Some(expected);
            }
            if others.is_empty() {
                return Some(first);
            }
            return None;
        }
    }
    None
}

fn is_line_start(text: &str, at: usize) -> bool {
    at == 0
        || text
            .get(..at)
            .is_some_and(|before| before.ends_with(['\n', '\r']))
}

/// The lines of `near` that are nearest to the region, at most so many of them.
fn nearest(near: &str, lines: usize, edge: Edge) -> &str {
    let breaks = || near.match_indices('\n').map(|(at, _)| at + 1);
    match edge {
        Edge::Before => {
            let inner = near.strip_suffix('\n').unwrap_or(near);
            let from = inner.rmatch_indices('\n').nth(lines.saturating_sub(1));
            near.get(from.map_or(0, |(at, _)| at + 1)..).unwrap_or(near)
        }
        Edge::After => {
            let to = breaks().nth(lines.saturating_sub(1)).unwrap_or(near.len());
            near.get(..to).unwrap_or(near)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::diff;

    const TEXT: &str = "one\ntwo\n\nold a\nold b\n\nthree\nfour\n";
    const OLD: &str = "old a\nold b\n";

    fn start() -> Start {
        let at = TEXT.find(OLD).unwrap();
        let span = Span::new(at, at + OLD.len());
        Start::new(
            "file:///a".to_owned(),
            "Fix".to_owned(),
            &Rope::from_str(TEXT),
            span,
        )
    }

    #[test]
    fn the_region_is_found_whatever_stands_in_it_and_whatever_was_typed_elsewhere() {
        for region in [
            OLD,
            "",
            "new a\nold b\n",
            "new a\nnew",
            "new <typed>\nold b\n",
        ] {
            for (above, below) in [("", ""), ("typed\n", ""), ("", "typed\n"), ("é\n\n", "é")] {
                let text = format!("{above}{}{below}", TEXT.replace(OLD, region));
                let span = start().find(&text).unwrap();
                assert_eq!(
                    &text.as_bytes()[span.start..span.end],
                    region.as_bytes(),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn a_place_that_is_not_certain_is_not_found() {
        let sent = TEXT.replace("\nthree\nfour", " three\n\nmore three\nfour");
        assert_eq!(start().find(&sent), None, "what began a line does not");
        for text in ["", "something else\n", "one\nthree\n"] {
            assert_eq!(start().find(text), None, "{text:?}");
        }
        let twice = format!("typed\n{TEXT}{TEXT}");
        assert_eq!(start().find(&twice), None);
        let whole = Start::new(
            String::new(),
            String::new(),
            &Rope::from_str(OLD),
            Span::new(0, OLD.len()),
        );
        assert_eq!(
            whole.find("anything"),
            Some(Span::new(0, 8)),
            "the whole file was rewritten"
        );
    }

    #[test]
    fn what_the_server_did_not_write_is_told_from_what_it_wrote() {
        let interrupted = Interrupted {
            start: start(),
            reply: "new a\nnew b\n".to_owned(),
            complete: false,
        };
        for (now, back) in [
            ("new a\nold a\nold b\n", OLD),
            ("new a\nnew b\n", OLD),
            ("new aold a\nold b\n", OLD),
            ("new a\nold b\n", OLD),
            ("", OLD),
        ] {
            let revert = diff::revert(OLD, &interrupted.written(now), now);
            assert_eq!(diff::apply(now, &revert.edits), back, "{now:?}");
            assert!(revert.kept.is_empty(), "{now:?}");
        }
        for now in [
            "new a\n<typed>\nold a\nold b\n",
            "new a\n<typed>\nnewold a\nold b\n",
            "new a\nnewold a\n<typed>\nold b\n",
            "<typed>\nnew a\nnew b\n",
        ] {
            let revert = diff::revert(OLD, &interrupted.written(now), now);
            let back = diff::apply(now, &revert.edits);
            assert_eq!(back.replace("<typed>\n", ""), OLD, "{now:?}");
            assert!(back.contains("<typed>\n"), "{back:?}");
        }
    }

    #[test]
    fn a_large_file_is_found_again_by_what_stands_near() {
        let filler = |name: &str| {
            let lines = (0..2_000).map(|number| format!("{name} {number}"));
            lines.collect::<Vec<_>>().join("\n") + "\n"
        };
        let (above, below) = (filler("ä"), filler("ö"));
        let text = format!("{above}{OLD}{below}");
        let span = Span::new(above.len(), above.len() + OLD.len());
        let start = Start::new(String::new(), String::new(), &Rope::from_str(&text), span);
        assert!(start.before.near.len() < NEAR + 4 && start.after.near.len() <= NEAR);
        let later = format!("typed\n{above}new\n{below}typed");
        let found = start.find(&later).unwrap();
        assert_eq!(&later.as_bytes()[found.start..found.end], b"new\n");
    }
}
