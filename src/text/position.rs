//! Converts between LSP positions and byte offsets, in both directions and all three encodings, so that nothing else has to.
//! Leaves out what a document is: it takes any rope, keeps nothing and never fails.
//!
//! Every conversion costs a walk down the rope (logarithmic), also on a line of a megabyte.

use ropey::Rope;

use super::{Encoding, Position, Range, Span};

/// The byte offset of `position` in `text`.
///
/// A position outside the text is moved to the nearest place before it that exists. LSP 3.18, `Position`: "If the character
/// value is greater than the line length it defaults back to the line length." A line behind the last one means the end of
/// the document. The second half of a surrogate pair, or a byte within a character, means the start of that character. The
/// line break is no part of its line, so the result never lies between CR and LF.
pub fn offset(text: &Rope, position: Position, encoding: Encoding) -> usize {
    let line = position.line as usize;
    let character = position.character as usize;
    if line >= text.len_lines() {
        return text.len_bytes();
    }
    // `line` exists and `end` is an offset of the text: the panicking lookups of ropey are safe from here on.
    let start = text.line_to_byte(line);
    let end = line_end(text, line);
    match encoding {
        Encoding::Utf8 => floor(text, start.saturating_add(character).min(end)),
        Encoding::Utf16 => {
            let first = text.char_to_utf16_cu(text.byte_to_char(start));
            let last = text.char_to_utf16_cu(text.byte_to_char(end));
            text.char_to_byte(text.utf16_cu_to_char(first.saturating_add(character).min(last)))
        }
        Encoding::Utf32 => {
            let first = text.byte_to_char(start);
            let last = text.byte_to_char(end);
            text.char_to_byte(first.saturating_add(character).min(last))
        }
    }
}

/// The position of the byte `offset` in `text`: the exact inverse of [`offset()`] for every place that has a position.
///
/// An offset behind the end means the end, one within a character the start of that character, one between CR and LF the end
/// of the line.
pub fn position(text: &Rope, offset: usize, encoding: Encoding) -> Position {
    let offset = offset.min(text.len_bytes());
    let line = text.byte_to_line(offset);
    let start = text.line_to_byte(line);
    let offset = floor(text, offset.min(line_end(text, line)));
    let character = match encoding {
        Encoding::Utf8 => offset - start,
        Encoding::Utf16 => {
            let first = text.char_to_utf16_cu(text.byte_to_char(start));
            text.char_to_utf16_cu(text.byte_to_char(offset)) - first
        }
        Encoding::Utf32 => text.byte_to_char(offset) - text.byte_to_char(start),
    };
    Position {
        line: line as u32,
        character: character as u32,
    }
}

/// The bytes of `text` that `range` covers, each end converted as [`offset()`] does. The ends of a reversed range are swapped.
pub fn span(text: &Rope, range: Range, encoding: Encoding) -> Span {
    let start = offset(text, range.start, encoding);
    let end = offset(text, range.end, encoding);
    Span {
        start: start.min(end),
        end: start.max(end),
    }
}

/// The range of the bytes of `text` that `span` covers, each end converted as [`position()`] does.
pub fn range(text: &Rope, span: Span, encoding: Encoding) -> Range {
    Range {
        start: position(text, span.start, encoding),
        end: position(text, span.end, encoding),
    }
}

/// Whether `offset` lies between the two bytes of a CRLF.
pub(super) fn splits_crlf(text: &Rope, offset: usize) -> bool {
    offset.checked_sub(1).is_some_and(|before| {
        text.get_byte(before) == Some(b'\r') && text.get_byte(offset) == Some(b'\n')
    })
}

/// The start of the character that `offset` lies in, which must not be behind the end of `text`.
pub(super) fn floor(text: &Rope, offset: usize) -> usize {
    text.char_to_byte(text.byte_to_char(offset))
}

/// The offset of the line break that ends `line`, or the end of the text for the last line.
fn line_end(text: &Rope, line: usize) -> usize {
    let next = line + 1;
    if next >= text.len_lines() {
        return text.len_bytes();
    }
    // Every line but the last one ends with a break of one or two bytes.
    let end = text.line_to_byte(next) - 1;
    if splits_crlf(text, end) { end - 1 } else { end }
}

#[cfg(test)]
pub(super) mod tests;
