//! Reads off a document what the cleaner must know about the place that an answer goes to. Judges nothing about the answer.

use ropey::Rope;

use super::{Indent, Shape};
use crate::action::Target;
use crate::text::Span;
use crate::text::document::Document;

impl Shape {
    /// What must be known of the place of `span`, bytes of the document as it stands.
    pub fn of(document: &Document, span: Span) -> Self {
        let text = document.text();
        let read = |from: usize, to: usize| {
            text.get_byte_slice(from..to)
                .map(String::from)
                .unwrap_or_default()
        };
        let line_start = text
            .try_byte_to_line(span.start)
            .and_then(|line| text.try_line_to_byte(line))
            .unwrap_or(span.start);
        let line_end = text
            .try_byte_to_line(span.end)
            .and_then(|line| text.try_line_to_byte((line + 1).min(text.len_lines())))
            .unwrap_or(span.end);
        let line_prefix = read(line_start, span.start);
        let mut selection = read(span.start, span.end);
        let is_white = |text: &str| text.trim().is_empty();
        if span.is_empty() && is_white(&line_prefix) && !is_white(&read(span.end, line_end)) {
            // New text in front of a line gets a line of its own, as if a blank one had been selected.
            selection = format!("{}{line_prefix}", document.line_ending().as_str());
        }
        let behind = if selection.ends_with(['\n', '\r']) {
            span.end
        } else if span.is_empty() && !selection.is_empty() {
            line_start
        } else {
            line_end
        };
        let suffix =
            if selection.ends_with(['\n', '\r']) || span.is_empty() && !selection.is_empty() {
                String::new()
            } else {
                read(span.end, line_end)
            };
        Self {
            language: document.language().to_owned(),
            before: read(lines_from(text, line_start), line_start),
            after: read(behind, lines_to(text, behind)),
            line_prefix,
            line_suffix: suffix.trim_end_matches(['\n', '\r']).to_owned(),
            line_ending: document.line_ending().as_str(),
            indent: indent(document),
            selection,
        }
    }
}

/// A place for text on lines of its own.
#[derive(Clone, Debug)]
pub struct Room {
    /// Where it goes, in bytes of the document.
    pub at: usize,
    /// What must be known of the place.
    pub shape: Shape,
    /// What must stand in front of it: line breaks, so that a blank line parts it from what stands there.
    pub lead: String,
}

impl Room {
    /// The room behind the last line of `span`, or at the end of the document: where `target` says so, and where the selection
    /// is a part of a line or indented.
    pub fn beside(document: &Document, span: Span, target: Target) -> Self {
        let text = document.text();
        let line_start = |byte: usize| {
            let line = text.try_byte_to_line(byte);
            line.and_then(|line| text.try_line_to_byte(line)).ok()
        };
        let read = |from: usize, to: usize| text.get_byte_slice(from..to).map(String::from);
        let selection = read(span.start, span.end).unwrap_or_default();
        let is_indented = selection
            .lines()
            .find(|line| !line.trim().is_empty())
            .is_some_and(|line| line.starts_with([' ', '\t']));
        let last = span.end.saturating_sub(1).max(span.start);
        let below = text.try_byte_to_line(last).map(|line| line + 1);
        let below = below.and_then(|line| text.try_line_to_byte(line)).ok();
        let stands_alone = line_start(span.start) == Some(span.start) && !is_indented;
        let at = below
            .filter(|_| target == Target::Below && stands_alone)
            .unwrap_or(text.len_bytes());
        Self::at(document, at)
    }

    /// The room in front of the line that starts at byte `at`, or at the end of the document: there behind the last line and in
    /// front of its line break, since Neovim 0.11 makes a blank line too many of text that is put behind that (measured).
    fn at(document: &Document, at: usize) -> Self {
        let at = at.min(end_of_last_line(document.text()));
        let ending = document.line_ending().as_str();
        let mut shape = Shape::of(document, Span::new(at, at));
        let mut lead = ending.to_owned();
        if shape.line_prefix.is_empty() {
            // The new text ends with a line break, as the lines above do.
            ending.clone_into(&mut shape.selection);
            let above = shape.before.lines().next_back().unwrap_or_default();
            if above.trim().is_empty() {
                lead.clear();
            }
        } else {
            // Behind the last line; its break, if it has one, comes behind the new text.
            let line = std::mem::take(&mut shape.line_prefix);
            shape.before.push_str(&line);
            shape.before.push_str(ending);
            lead.push_str(ending);
        }
        Self { at, shape, lead }
    }
}

fn end_of_last_line(text: &Rope) -> usize {
    let length = text.len_bytes();
    let last = |back: usize| length.checked_sub(back).and_then(|at| text.get_byte(at));
    match (last(2), last(1)) {
        (Some(b'\r'), Some(b'\n')) => length - 2,
        (_, Some(b'\n' | b'\r')) => length - 1,
        _ => length,
    }
}

/// So much of the text around a selection is looked at: models that repeat it are seldom shown more.
const MOST_LINES: usize = 200;
const MOST_BYTES: usize = 16_384;

/// Where the whole lines begin that are looked at in front of the line that starts at byte `end`.
fn lines_from(text: &Rope, end: usize) -> usize {
    let line = text.try_byte_to_line(end).unwrap_or(0);
    let mut starts =
        (line.saturating_sub(MOST_LINES)..line).map_while(|line| text.try_line_to_byte(line).ok());
    starts
        .find(|start| end - start <= MOST_BYTES)
        .unwrap_or(end)
}

/// Where the whole lines end that are looked at behind byte `start`, at which a line starts.
fn lines_to(text: &Rope, start: usize) -> usize {
    let line = text.try_byte_to_line(start).unwrap_or(0);
    let ends = (line + 1..=text.len_lines().min(line + MOST_LINES))
        .map_while(|line| text.try_line_to_byte(line).ok());
    ends.take_while(|end| end - start <= MOST_BYTES)
        .last()
        .unwrap_or(start)
}

/// The document's style of indentation: tabs if most indented lines begin with one, else the most common smallest step.
fn indent(document: &Document) -> Indent {
    const LINES: usize = 1_000;
    let (mut tabs, mut spaces) = (0_usize, [0_usize; 9]);
    let mut last = 0_usize;
    for line in document.text().lines().take(LINES) {
        let mut characters = line.chars();
        if line.get_char(0) == Some('\t') {
            tabs += 1;
            continue;
        }
        let width = characters
            .by_ref()
            .take_while(|&character| character == ' ')
            .count();
        if width == line.len_chars()
            || line
                .get_char(width)
                .is_some_and(|character| character == '\n' || character == '\r')
        {
            continue;
        }
        if let Some(count) = spaces.get_mut(width.abs_diff(last)).filter(|_| 0 < width) {
            *count += 1;
        }
        last = width;
    }
    // Rare wide steps are those of lines that go on, not of blocks.
    let is_step =
        |&(width, count): &(usize, &usize)| [2, 3, 4].contains(&width) || width == 8 && 3 <= *count;
    let steps = spaces
        .iter()
        .enumerate()
        .filter(is_step)
        .max_by_key(|&(width, count)| (*count, std::cmp::Reverse(width)));
    let (width, count) = steps.map_or((4, 0), |(width, count)| (width, *count));
    let indented: usize = spaces.iter().sum();
    if indented < tabs {
        Indent::Tabs
    } else if count == 0 {
        Indent::Unknown
    } else {
        Indent::Spaces(width as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str, start: usize, end: usize) -> Shape {
        let document = Document::open("rust".to_owned(), None, text);
        Shape::of(&document, Span::new(start, end))
    }

    #[test]
    fn the_lines_around_a_selection_are_read_off() {
        // Selection, the lines in front, what stands around it on its lines, the lines behind.
        let text = "one\n  two\nthree\nfour\n";
        let table = [
            (4..10, "one\n", "", "", "three\nfour\n"),
            (6..9, "one\n", "  ", "", "three\nfour\n"),
            (6..8, "one\n", "  ", "o", "three\nfour\n"),
            (6..12, "one\n", "  ", "ree", "four\n"),
            (0..21, "", "", "", ""),
            (10..10, "one\n  two\n", "", "", "three\nfour\n"),
            (21..21, text, "", "", ""),
        ];
        for (selected, before, prefix, suffix, after) in table {
            let shape = shape(text, selected.start, selected.end);
            let read = [
                shape.before,
                shape.line_prefix,
                shape.line_suffix,
                shape.after,
            ];
            assert_eq!(read, [before, prefix, suffix, after], "{selected:?}");
        }
    }

    #[test]
    fn text_beside_a_selection_gets_lines_of_its_own() {
        // Selection, target, where the new text goes, what stands in front of it and what behind.
        let text = "one\ntwo\n\n  in\nlast";
        let table = [
            (0..4, Target::Below, 4, "\n", "\n"),
            (0..3, Target::Below, 4, "\n", "\n"),
            (4..9, Target::Below, 9, "", "\n"),
            (1..4, Target::Below, 18, "\n\n", ""),
            (9..14, Target::Below, 18, "\n\n", ""),
            (14..18, Target::Below, 18, "\n\n", ""),
            (0..4, Target::End, 18, "\n\n", ""),
        ];
        let document = Document::open("rust".to_owned(), None, text);
        for (selected, target, at, lead, tail) in table {
            let span = Span::new(selected.start, selected.end);
            let room = Room::beside(&document, span, target);
            let shape = &room.shape;
            let found = (room.at, room.lead.as_str(), shape.margins());
            assert_eq!(found, (at, lead, ("", tail)), "{selected:?}");
            assert_eq!(shape.line_prefix, "", "{selected:?}");
            assert!(text.starts_with(shape.before.trim_end()), "{selected:?}");
        }
        // In front of the last line break, if there is one.
        let crlf = Document::open("rust".to_owned(), None, "one\r\n");
        let room = Room::beside(&crlf, Span::new(0, 5), Target::Below);
        assert_eq!(
            (room.at, room.lead.as_str(), room.shape.selection.as_str()),
            (3, "\r\n\r\n", "")
        );
    }

    #[test]
    fn only_so_much_around_a_selection_is_read() {
        let line = "x".repeat(99) + "\n";
        let text = line.repeat(1_000);
        let middle = shape(&text, 50_000, 50_100);
        assert_eq!(middle.before, line.repeat(MOST_BYTES / 100));
        assert_eq!(middle.after, line.repeat(MOST_BYTES / 100));
        let short = "x\n".repeat(1_000);
        let middle = shape(&short, 1_000, 1_002);
        assert_eq!(middle.before, "x\n".repeat(MOST_LINES));
        assert_eq!(middle.after, "x\n".repeat(MOST_LINES));
    }

    #[test]
    fn the_style_of_indentation_is_that_of_most_lines() {
        let table = [
            ("a\nb\n", Indent::Unknown),
            ("a {\n    b\n}\n", Indent::Spaces(4)),
            ("a {\n  b {\n    c\n  }\n}\n", Indent::Spaces(2)),
            ("a {\n\tb\n}\n", Indent::Tabs),
            ("a\n        b\nc\n  d\n", Indent::Spaces(2)),
            ("a(b,\n  c)\n", Indent::Spaces(2)),
            ("a\n        b\n", Indent::Unknown),
            (
                "a\n        b\na\n        b\na\n        b\n",
                Indent::Spaces(8),
            ),
            ("a\n     b\n", Indent::Unknown),
        ];
        for (text, expected) in table {
            assert_eq!(shape(text, 0, 1).indent, expected, "{text:?}");
        }
    }
}
