//! Reads off a document what the cleaner must know about the place that an answer goes to. Judges nothing about the answer.

use super::{Indent, Shape};
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
        let selection = read(span.start, span.end);
        let suffix = if selection.ends_with(['\n', '\r']) {
            String::new()
        } else {
            read(span.end, line_end)
        };
        Self {
            language: document.language().to_owned(),
            line_prefix: read(line_start, span.start),
            line_suffix: suffix.trim_end_matches(['\n', '\r']).to_owned(),
            line_ending: document.line_ending().as_str(),
            indent: indent(document),
            selection,
        }
    }
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
    let steps = spaces
        .iter()
        .enumerate()
        .skip(2)
        .max_by_key(|&(width, count)| (*count, std::cmp::Reverse(width)));
    let (width, count) = steps.map_or((4, 0), |(width, count)| (width, *count));
    let indented: usize = spaces.iter().sum();
    if indented < tabs {
        Indent::Tabs
    } else if count == 0 {
        Indent::Spaces(4)
    } else {
        Indent::Spaces(width as u8)
    }
}
