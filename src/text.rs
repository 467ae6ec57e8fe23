//! What a position, an offset, a span and an edit are. No LSP type, no client, no clock, no disk: values in, values out.
//!
//! Inside the crate every place in a text is a **byte offset** into its UTF-8 form. Line and character positions, in any of
//! the three encodings of LSP, exist only at the edge and are converted in [`position`].

pub mod anchor;
pub mod diff;
pub mod document;
pub mod hidden;
pub mod nearest;
pub mod position;

/// How a client counts the `character` of a position (LSP 3.18, `PositionEncodingKind`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// Bytes of the UTF-8 form.
    Utf8,
    /// 16-bit units; what LSP assumes when nothing was negotiated.
    #[default]
    Utf16,
    /// Unicode scalar values.
    Utf32,
}

/// A zero-based line and a character on it, counted as the [`Encoding`] in force says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Zero-based line.
    pub line: u32,
    /// Zero-based unit on that line.
    pub character: u32,
}

/// Two positions; the end is exclusive. Nothing promises that `start <= end`: what a client sends is checked where it is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// Where the range begins.
    pub start: Position,
    /// The first position behind the range.
    pub end: Position,
}

/// A half-open range of byte offsets with `start <= end`, both on character boundaries of the text that it belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The first byte of the span.
    pub start: usize,
    /// The first byte behind the span.
    pub end: usize,
}

impl Span {
    /// A span from `start` to `end`, in bytes; an end before the start is lifted to the start.
    pub fn new(start: usize, end: usize) -> Self {
        Self {
            start,
            end: end.max(start),
        }
    }

    /// The number of bytes in the span.
    pub fn len(self) -> usize {
        self.end - self.start
    }

    /// Whether the span holds no byte.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// Replaces the bytes of `span` by `text`. In a list of edits every span refers to the text before any of them was applied,
/// spans ascend and do not overlap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced, in bytes of the old text.
    pub span: Span,
    /// What stands there afterwards.
    pub text: String,
}

impl Edit {
    /// One edit that makes of `text` what all of `edits`, in order, make of it; what stands between them is in it. None of no
    /// edits, and none of edits that are not in order.
    pub fn joined(text: &ropey::Rope, edits: &[Self]) -> Option<Self> {
        let (first, last) = (edits.first()?, edits.last()?);
        let mut joined = String::new();
        let mut at = first.span.start;
        for edit in edits {
            let between = text.get_byte_slice(at..edit.span.start)?;
            joined.extend(between.chunks());
            joined.push_str(&edit.text);
            at = edit.span.end;
        }
        Some(Self {
            span: Span::new(first.span.start, last.span.end),
            text: joined,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_edits_do_the_same_in_one() {
        let edit = |start, end, text: &str| Edit {
            span: Span::new(start, end),
            text: text.to_owned(),
        };
        let text = ropey::Rope::from_str("eins zwei drei");
        assert_eq!(Edit::joined(&text, &[]), None);
        let one = [edit(5, 9, "two")];
        assert_eq!(Edit::joined(&text, &one), Some(edit(5, 9, "two")));
        let three = [edit(0, 4, "one"), edit(5, 9, ""), edit(14, 14, "!")];
        assert_eq!(Edit::joined(&text, &three), Some(edit(0, 14, "one  drei!")));
        assert_eq!(Edit::joined(&text, &[edit(3, 4, ""), edit(1, 2, "")]), None);
    }
}
