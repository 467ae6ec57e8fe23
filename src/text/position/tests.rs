//! Tests of the conversions against a scan of the text, character by character.

#![expect(
    clippy::string_slice,
    reason = "a test that cuts a text wrongly shall fail"
)]

use proptest::prelude::*;
use ropey::Rope;

use super::{offset, position, range, span};
use crate::text::{Encoding, Position, Range, Span};

const ENCODINGS: [Encoding; 3] = [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32];

/// Short texts of all that breaks careless text code: every line break, characters that only look like one, and characters of
/// every length in every encoding.
pub(in crate::text) fn hostile_text() -> impl Strategy<Value = String> {
    proptest::collection::vec(hostile_piece(), 0..12).prop_map(|pieces| pieces.concat())
}

pub(in crate::text) fn hostile_piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "\r",
        "\n",
        "\r\n",
        "a",
        "b",
        " ",
        "\t",
        "é",
        "e\u{301}",
        "漢",
        "😀",
        "👩\u{200d}💻",
        "\u{2028}",
        "\u{85}",
        "\u{b}",
        "\u{c}",
        "\0",
        "\u{feff}",
    ])
}

pub(in crate::text) fn encoding() -> impl Strategy<Value = Encoding> {
    prop::sample::select(ENCODINGS.to_vec())
}

/// Every line from its first byte to its line break.
fn lines(text: &str) -> Vec<Span> {
    let bytes = text.as_bytes();
    let mut lines = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while at < bytes.len() {
        let length = match (bytes[at], bytes.get(at + 1)) {
            (b'\r', Some(b'\n')) => 2,
            (b'\r' | b'\n', _) => 1,
            _ => 0,
        };
        if length == 0 {
            at += 1;
            continue;
        }
        lines.push(Span::new(start, at));
        at += length;
        start = at;
    }
    lines.push(Span::new(start, bytes.len()));
    lines
}

fn width(character: char, encoding: Encoding) -> usize {
    match encoding {
        Encoding::Utf8 => character.len_utf8(),
        Encoding::Utf16 => character.len_utf16(),
        Encoding::Utf32 => 1,
    }
}

pub(in crate::text) fn naive_offset(text: &str, position: Position, encoding: Encoding) -> usize {
    let Some(line) = lines(text).get(position.line as usize).copied() else {
        return text.len();
    };
    let mut units = 0;
    for (index, character) in text[line.start..line.end].char_indices() {
        units += width(character, encoding);
        if (position.character as usize) < units {
            return line.start + index;
        }
    }
    line.end
}

fn naive_position(text: &str, offset: usize, encoding: Encoding) -> Position {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let lines = lines(text);
    let line = lines.iter().rposition(|line| line.start <= offset).unwrap();
    let before = &text[lines[line].start..offset.min(lines[line].end)];
    let character = before
        .chars()
        .map(|character| width(character, encoding))
        .sum::<usize>();
    Position {
        line: u32::try_from(line).unwrap(),
        character: u32::try_from(character).unwrap(),
    }
}

fn at(line: u32, character: u32) -> Position {
    Position { line, character }
}

#[test]
fn a_position_means_the_same_place_in_every_encoding() {
    // Text, encoding, position, the text before that position.
    let table = [
        ("a😀b", Encoding::Utf16, at(0, 3), "a😀"),
        ("a😀b", Encoding::Utf32, at(0, 2), "a😀"),
        ("a😀b", Encoding::Utf8, at(0, 5), "a😀"),
        ("漢字\nx", Encoding::Utf16, at(0, 1), "漢"),
        ("漢字\nx", Encoding::Utf8, at(0, 3), "漢"),
        ("e\u{301}x", Encoding::Utf16, at(0, 2), "e\u{301}"),
    ];
    for (text, encoding, position, before) in table {
        assert_eq!(
            offset(&Rope::from_str(text), position, encoding),
            before.len(),
            "{text:?} {encoding:?}"
        );
    }
}

#[test]
fn a_position_outside_the_text_is_moved_to_the_nearest_place_before_it() {
    let table = [
        (
            "the second half of a surrogate pair",
            "a😀b",
            Encoding::Utf16,
            at(0, 2),
            1,
        ),
        (
            "a byte within a character",
            "aéb",
            Encoding::Utf8,
            at(0, 2),
            1,
        ),
        (
            "behind the end of a line",
            "ab\ncd",
            Encoding::Utf16,
            at(0, 9),
            2,
        ),
        (
            "behind the end of a CRLF line",
            "ab\r\ncd",
            Encoding::Utf16,
            at(0, 3),
            2,
        ),
        (
            "behind the end of a CR line",
            "ab\rcd",
            Encoding::Utf8,
            at(0, 3),
            2,
        ),
        (
            "behind the end of the last line",
            "ab\ncd",
            Encoding::Utf32,
            at(1, 9),
            5,
        ),
        (
            "the line behind the last one",
            "ab\ncd",
            Encoding::Utf16,
            at(2, 0),
            5,
        ),
        (
            "the greatest position",
            "ab\ncd\n",
            Encoding::Utf16,
            at(u32::MAX, u32::MAX),
            6,
        ),
        (
            "the greatest character",
            "ab\ncd\n",
            Encoding::Utf8,
            at(0, u32::MAX),
            2,
        ),
        ("an empty text", "", Encoding::Utf16, at(3, 3), 0),
        (
            "no line break but for Unicode",
            "a\u{2028}b\u{85}c\u{b}d\u{c}e",
            Encoding::Utf32,
            at(1, 0),
            12,
        ),
    ];
    for (what, text, encoding, position, expected) in table {
        assert_eq!(
            offset(&Rope::from_str(text), position, encoding),
            expected,
            "{what}"
        );
    }
}

#[test]
fn a_reversed_range_is_swapped() {
    let text = Rope::from_str("ab\ncd");
    let reversed = Range {
        start: at(1, 1),
        end: at(0, 1),
    };
    assert_eq!(span(&text, reversed, Encoding::Utf16), Span::new(1, 4));
}

#[test]
fn places_far_inside_a_long_line_are_exact() {
    // Long enough for many chunks of the rope.
    let line = "aé😀".repeat(20_000);
    let text = Rope::from_str(&format!("{line}\r\n{line}"));
    for (encoding, per_round) in [
        (Encoding::Utf8, 7),
        (Encoding::Utf16, 4),
        (Encoding::Utf32, 3),
    ] {
        for round in [0, 1, 777, 19_999, 20_000] {
            let expected = line.len() + 2 + round * 7;
            let place = at(1, u32::try_from(round * per_round).unwrap());
            assert_eq!(offset(&text, place, encoding), expected);
            assert_eq!(position(&text, expected, encoding), place);
        }
    }
}

proptest! {
    #[test]
    fn an_offset_is_what_a_scan_of_the_text_finds(
        text in hostile_text(), line in 0u32..14, character in 0u32..16, encoding in encoding(),
    ) {
        let found = offset(&Rope::from_str(&text), at(line, character), encoding);
        prop_assert_eq!(found, naive_offset(&text, at(line, character), encoding));
    }

    #[test]
    fn a_position_is_what_a_scan_of_the_text_finds(text in hostile_text(), encoding in encoding()) {
        let rope = Rope::from_str(&text);
        for place in 0..text.len() + 3 {
            prop_assert_eq!(position(&rope, place, encoding), naive_position(&text, place, encoding), "at {}", place);
        }
    }

    #[test]
    fn every_place_survives_the_round_trip(text in hostile_text(), encoding in encoding()) {
        let rope = Rope::from_str(&text);
        for place in (0..=text.len()).filter(|place| text.is_char_boundary(*place)) {
            let there_and_back = offset(&rope, position(&rope, place, encoding), encoding);
            let within_crlf = text[..place].ends_with('\r') && text[place..].starts_with('\n');
            prop_assert_eq!(there_and_back, place - usize::from(within_crlf));
            let here = Span::new(there_and_back, text.len());
            prop_assert_eq!(span(&rope, range(&rope, here, encoding), encoding), here);
        }
    }
}
