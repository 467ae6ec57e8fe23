//! Tests of edits and distances: small tables, and random texts against what is promised of any answer.

#![expect(
    clippy::string_slice,
    reason = "a test that cuts a text wrongly shall fail"
)]

use proptest::prelude::*;

use super::{CHARACTER_LIMIT, EXACT_LIMIT, TOKEN_LIMIT, apply, distance, edits, hunks};
use crate::text::position::tests::hostile_text;
use crate::text::{Edit, Span};

fn edit(start: usize, end: usize, text: &str) -> Edit {
    Edit {
        span: Span::new(start, end),
        text: text.to_owned(),
    }
}

#[test]
fn edits_are_as_small_as_is_sensible() {
    let table = [
        ("", "", vec![]),
        ("a\n", "a\n", vec![]),
        ("", "a\n", vec![edit(0, 0, "a\n")]),
        ("a\n", "", vec![edit(0, 2, "")]),
        ("a\nb\nc\n", "a\nc\n", vec![edit(2, 4, "")]),
        ("a\nb\nc\n", "a\nb\nx\nc\n", vec![edit(4, 4, "x\n")]),
        ("let a = 1;\n", "let b = 1;\n", vec![edit(4, 5, "b")]),
        (
            "one\ntwo\nthree\n",
            "One\ntwo\nThree\n",
            vec![edit(0, 1, "O"), edit(8, 9, "T")],
        ),
        ("foo(a)", "bar(b)", vec![edit(0, 3, "bar"), edit(4, 5, "b")]),
        ("é", "è", vec![edit(0, 2, "è")]),
        ("a\r", "a\r\n", vec![edit(1, 2, "\r\n")]),
        ("a\r\nb", "a\nb", vec![edit(1, 3, "\n")]),
        ("a\n", "a", vec![edit(1, 2, "")]),
    ];
    for (old, new, expected) in table {
        assert_eq!(edits(old, new), expected, "{old:?} {new:?}");
    }
}

#[test]
fn edits_that_do_not_fit_are_left_out() {
    let unfit = [
        edit(1, 2, "x"),
        edit(2, 3, "b"),
        edit(1, 1, "y"),
        edit(9, 9, "z"),
    ];
    assert_eq!(apply("é1", &unfit), "éb");
}

#[test]
fn the_distance_counts_the_bytes_of_the_characters_that_differ() {
    let table = [
        ("", "", 0),
        ("same", "same", 0),
        ("", "é", 2),
        ("é", "è", 4),
        ("kitten", "sitting", 5),
        ("abcdef", "abdf", 2),
        ("a\nb\n", "a\r\nb\n", 1),
    ];
    for (old, new, expected) in table {
        assert_eq!(distance(old, new), expected, "{old:?} {new:?}");
        assert_eq!(distance(new, old), expected, "{new:?} {old:?}");
    }
}

/// Pairs of texts that are made to cost much.
fn hostile_pairs() -> Vec<(&'static str, String, String)> {
    let lines = |line: fn(usize) -> String, count: usize| (0..count).map(line).collect::<String>();
    let (apart, other) = (|n| format!("old {n}\n"), |n| format!("new {}\n", n * 7));
    let (even, odd) = (|n| format!("{}\n", n % 2), |n| format!("{}\n", n % 3));
    vec![
        ("all lines differ", lines(apart, 3_000), lines(other, 3_000)),
        (
            "all lines are equal",
            "x\n".repeat(3_000),
            "x\n".repeat(2_000),
        ),
        ("lines alternate", lines(even, 3_000), lines(odd, 3_000)),
        (
            "the order is reversed",
            lines(apart, 1_000),
            lines(|n| format!("old {}\n", 1_000 - n), 1_000),
        ),
        ("one long line", "ab ".repeat(30_000), "ba ".repeat(30_000)),
        (
            "more lines than are compared",
            "x\ny\n".repeat(TOKEN_LIMIT / 3),
            "y\nx\nz\n".repeat(TOKEN_LIMIT / 3),
        ),
    ]
}

#[test]
fn hostile_texts_get_exact_edits_and_a_bounded_distance() {
    for (what, old, new) in hostile_pairs() {
        assert_eq!(apply(&old, &edits(&old, &new)), new, "{what}");
        let distance = distance(&old, &new);
        assert!(
            0 < distance && distance <= old.len() + new.len(),
            "{what}: {distance}"
        );
    }
}

#[test]
fn a_small_change_of_a_large_text_has_a_small_distance() {
    let old = "a line of text\n".repeat(CHARACTER_LIMIT / 4);
    let new = format!("x{}y", old.replacen("of", "with", 1));
    assert_eq!(distance(&old, &new), 8);
}

/// The least number of characters to delete and insert, by the full table.
fn naive_distance(old: &str, new: &str) -> usize {
    let (old, new) = (old.as_bytes(), new.as_bytes());
    let mut row: Vec<usize> = (0..=new.len()).collect();
    for (index, a) in old.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, b) in new.iter().enumerate() {
            let least = if a == b {
                diagonal
            } else {
                1 + row[column].min(row[column + 1])
            };
            diagonal = std::mem::replace(&mut row[column + 1], least);
        }
    }
    row[new.len()]
}

/// Checks all that a list of edits promises.
pub(super) fn check_edits(old: &str, edits: &[Edit]) -> Result<(), TestCaseError> {
    let mut last = None;
    for Edit { span, text } in edits {
        prop_assert!(
            last.is_none_or(|last| last < span.start),
            "touching: {:?}",
            edits
        );
        last = Some(span.end);
        prop_assert!(
            old.get(span.start..span.end)
                .is_some_and(|replaced| replaced != text),
            "{:?}",
            edits
        );
        for place in [span.start, span.end] {
            prop_assert!(
                !(old[..place].ends_with('\r') && old[place..].starts_with('\n')),
                "{:?}",
                edits
            );
        }
    }
    Ok(())
}

#[test]
fn the_distance_of_texts_up_to_the_limit_is_the_least() {
    // The high bits of a linear congruence look random enough.
    let scattered = |mut state: u32| -> String {
        (0..EXACT_LIMIT / 2)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                char::from(b'a' + u8::try_from((state >> 16) % 12).unwrap())
            })
            .collect()
    };
    for (one, other) in [(5, 11), (3, 13), (1, 2)] {
        let (old, new) = (scattered(one), scattered(other));
        assert_eq!(
            distance(&old, &new),
            naive_distance(&old, &new),
            "{one} {other}"
        );
    }
}

proptest! {
    #[test]
    fn edits_make_one_text_of_the_other(head in hostile_text(), old in hostile_text(), new in hostile_text(), tail in hostile_text()) {
        let (old, new) = (format!("{head}{old}{tail}"), format!("{head}{new}{tail}"));
        let edits = edits(&old, &new);
        check_edits(&old, &edits)?;
        prop_assert_eq!(edits.is_empty(), old == new);
        prop_assert_eq!(apply(&old, &edits), new);
    }

    #[test]
    fn edits_leave_alone_the_lines_that_both_have(old in "([ab}]{0,2}\n){0,9}", new in "([ab}]{0,2}\n){0,9}") {
        let hunks = hunks(&old, &new);
        for Edit { span, .. } in edits(&old, &new) {
            let within = hunks.iter().any(|(hunk, _)| hunk.start <= span.start && span.end <= hunk.end);
            prop_assert!(within, "{:?} of {:?}", span, hunks);
        }
    }

    #[test]
    fn the_distance_is_zero_for_equal_texts_only(old in hostile_text(), new in hostile_text()) {
        let distance = distance(&old, &new);
        prop_assert_eq!(distance == 0, old == new);
        prop_assert!(old.len().abs_diff(new.len()) <= distance && distance <= old.len() + new.len());
    }

    #[test]
    fn the_distance_of_short_texts_is_the_least(old in "[abc\n]{0,40}", new in "[abc\n]{0,40}") {
        prop_assert!(old.len() + new.len() <= EXACT_LIMIT);
        prop_assert_eq!(distance(&old, &new), naive_distance(&old, &new));
    }
}
