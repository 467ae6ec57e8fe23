//! Tests of documents against a plain string that is changed by the same batches.

#![expect(
    clippy::string_slice,
    reason = "a test that cuts a text wrongly shall fail"
)]

use proptest::prelude::*;
use ropey::Rope;

use super::{Batch, Change, Document, Hull, LineEnding, between_texts, dominant};
use crate::text::position::tests::{encoding, hostile_text, naive_offset};
use crate::text::{Encoding, Position, Range, Span};

fn open(text: &str) -> Document {
    Document::open("rust".to_owned(), Some(1), text)
}

fn partial(start: (u32, u32), end: (u32, u32), text: &str) -> Change {
    let at = |(line, character)| Position { line, character };
    Change::Partial {
        range: Range {
            start: at(start),
            end: at(end),
        },
        text: text.to_owned(),
    }
}

fn whole(text: &str) -> Change {
    Change::Whole(text.to_owned())
}

/// The text before, the changes, the text after, the hull in the one and in the other.
type Row = (
    &'static str,
    Vec<Change>,
    &'static str,
    (usize, usize),
    (usize, usize),
);

#[test]
fn a_batch_is_applied_in_order_and_says_where_it_changed_the_text() {
    let table: [Row; 11] = [
        (
            "one two",
            vec![partial((0, 3), (0, 3), "!")],
            "one! two",
            (3, 3),
            (3, 4),
        ),
        (
            "one two",
            vec![partial((0, 0), (0, 4), "")],
            "two",
            (0, 4),
            (0, 0),
        ),
        (
            "one two",
            vec![partial((0, 0), (0, 7), "one too")],
            "one too",
            (5, 6),
            (5, 6),
        ),
        (
            "one two",
            vec![partial((0, 0), (0, 7), "one two")],
            "one two",
            (7, 7),
            (7, 7),
        ),
        (
            "abc",
            vec![partial((0, 1), (0, 1), "x"), partial((0, 3), (0, 4), "y")],
            "axby",
            (1, 3),
            (1, 4),
        ),
        (
            "abc",
            vec![partial((0, 3), (0, 3), "y"), partial((0, 1), (0, 1), "x")],
            "axbcy",
            (1, 3),
            (1, 5),
        ),
        (
            "abc",
            vec![partial((0, 1), (0, 1), "xyz"), partial((0, 2), (0, 3), "")],
            "axzbc",
            (1, 1),
            (1, 3),
        ),
        (
            "a\nb",
            vec![partial((1, 9), (7, 0), "c")],
            "a\nbc",
            (3, 3),
            (3, 4),
        ),
        (
            "a\nb",
            vec![partial((2, 0), (2, 0), "c")],
            "a\nbc",
            (3, 3),
            (3, 4),
        ),
        ("a\nb\nc", vec![whole("a\nB\nc")], "a\nB\nc", (2, 3), (2, 3)),
        ("a\nb\nc", vec![], "a\nb\nc", (0, 0), (0, 0)),
    ];
    for (before, changes, after, old, new) in table {
        let mut document = open(before);
        let batch = document.apply(Some(2), &changes, Encoding::Utf16).unwrap();
        let hull = Hull {
            old: Span::new(old.0, old.1),
            new: Span::new(new.0, new.1),
        };
        assert_eq!(
            (batch.after.to_string().as_str(), batch.hull),
            (after, hull),
            "{before:?} {changes:?}"
        );
        assert_eq!(batch.before, before);
        assert_eq!(document.text(), &batch.after);
    }
}

#[test]
fn every_state_within_a_batch_can_be_seen() {
    let changes = [
        partial((0, 0), (0, 0), "x"),
        whole("other"),
        partial((0, 0), (0, 1), ""),
    ];
    let batch = open("text")
        .apply(Some(2), &changes, Encoding::Utf16)
        .unwrap();
    assert_eq!(batch.between, ["xtext", "other"]);
    assert_eq!(batch.after, "ther");
}

#[test]
fn a_change_that_cannot_fit_puts_the_document_out_of_step() {
    let good = || partial((0, 0), (0, 0), "x");
    let reversed = || partial((0, 2), (0, 1), "x");
    let behind = || partial((3, 0), (3, 0), "x");
    // Changes, what they give.
    let table: [(Vec<Change>, Result<&str, &str>); 7] = [
        (
            vec![good(), reversed()],
            Err("a change ends at 0:1, before it begins at 0:2"),
        ),
        (
            vec![good(), behind()],
            Err("a change begins on line 3 of a document of 2 lines"),
        ),
        (
            vec![behind(), good()],
            Err("a change begins on line 3 of a document of 2 lines"),
        ),
        (
            vec![whole("new"), reversed()],
            Err("a change ends at 0:1, before it begins at 0:2"),
        ),
        (vec![reversed(), good(), whole("new"), good()], Ok("xnew")),
        (
            vec![reversed(), whole("new\n\n\n"), behind()],
            Ok("new\n\n\nx"),
        ),
        (vec![whole("")], Ok("")),
    ];
    for (changes, expected) in table {
        let mut document = open("old\ntext");
        let outcome = document.apply(Some(7), &changes, Encoding::Utf16);
        assert_eq!(document.version(), Some(7));
        assert_eq!(document.is_out_of_step(), expected.is_err());
        match expected {
            Ok(text) => assert_eq!(outcome.unwrap().after, text),
            Err(reason) => {
                assert_eq!(outcome.unwrap_err().to_string(), reason);
                assert_eq!(document.text(), "old\ntext");
                assert!(document.apply(Some(8), &[good()], Encoding::Utf16).is_err());
                assert_eq!(
                    document
                        .apply(Some(9), &[whole("again"), good()], Encoding::Utf16)
                        .unwrap()
                        .after,
                    "xagain"
                );
                assert!(!document.is_out_of_step());
            }
        }
    }
}

#[test]
fn a_document_that_lost_a_change_waits_for_a_full_text() {
    let mut document = open("text");
    document.mark_out_of_step();
    assert!(
        document
            .apply(Some(2), &[partial((0, 0), (0, 0), "x")], Encoding::Utf16)
            .is_err()
    );
    assert_eq!(document.text(), "text");
    assert!(
        document
            .apply(Some(3), &[whole("text")], Encoding::Utf16)
            .unwrap()
            .hull
            .is_empty()
    );
    assert!(!document.is_out_of_step());
}

#[test]
fn a_missing_version_leaves_the_last_one_standing() {
    let mut document = open("text");
    document.apply(None, &[], Encoding::Utf16).unwrap();
    assert_eq!(document.version(), Some(1));
}

#[test]
fn the_hull_of_two_texts_never_parts_a_character_or_a_crlf() {
    let table = [
        ("é", "è", (0, 2), (0, 2)),
        ("aéb", "aèb", (1, 3), (1, 3)),
        ("😀", "😁", (0, 4), (0, 4)),
        ("a\r", "a\r\n", (1, 2), (1, 3)),
        ("a\nb", "a\r\nb", (1, 2), (1, 3)),
        ("a\r\nb", "a\rb", (1, 3), (1, 2)),
        ("\r\n", "\r\r\n", (0, 2), (0, 3)),
        ("aaa", "aa", (2, 3), (2, 2)),
        ("", "x", (0, 0), (0, 1)),
        ("same", "same", (4, 4), (4, 4)),
    ];
    for (before, after, old, new) in table {
        let hull = between_texts(&Rope::from_str(before), &Rope::from_str(after));
        let expected = Hull {
            old: Span::new(old.0, old.1),
            new: Span::new(new.0, new.1),
        };
        assert_eq!(hull, expected, "{before:?} {after:?}");
    }
}

#[test]
fn the_hull_of_large_texts_is_exact_wherever_their_chunks_end() {
    let before = "a line of text, é and 😀\n".repeat(5_000);
    let rope = Rope::from_str(&before);
    for place in [0, 1, 1_023, 70_000, before.len()] {
        let place = (place..=before.len())
            .find(|place| before.is_char_boundary(*place))
            .unwrap();
        let after = format!("{}<>{}", &before[..place], &before[place..]);
        let expected = Hull {
            old: Span::new(place, place),
            new: Span::new(place, place + 2),
        };
        assert_eq!(between_texts(&rope, &Rope::from_str(&after)), expected);
    }
}

#[test]
fn a_wide_hull_of_few_changes_is_not_compared_to_its_end() {
    let text = "0123456789".repeat(10_000);
    let changes = [
        partial((0, 0), (0, 1), "0"),
        partial((0, 99_999), (0, 100_000), "9"),
    ];
    let hull = open(&text)
        .apply(Some(2), &changes, Encoding::Utf16)
        .unwrap()
        .hull;
    assert_eq!(hull.old, hull.new);
    assert!(
        90_000 < hull.old.len() && hull.old.len() < 100_000,
        "{hull:?}"
    );
}

#[test]
fn a_large_text_that_is_sent_again_in_one_range_changes_nothing() {
    let text = "0123456789\n".repeat(10_000);
    let hull = open(&text)
        .apply(
            Some(2),
            &[partial((0, 0), (10_000, 0), &text)],
            Encoding::Utf16,
        )
        .unwrap()
        .hull;
    assert!(hull.is_empty(), "{hull:?}");
}

#[test]
fn the_line_ending_is_the_most_frequent_one() {
    let table = [
        ("", LineEnding::Lf),
        ("a", LineEnding::Lf),
        ("a\nb", LineEnding::Lf),
        ("a\r\nb", LineEnding::CrLf),
        ("a\rb", LineEnding::Cr),
        ("a\r\nb\r\nc\n", LineEnding::CrLf),
        ("a\r\nb\n", LineEnding::Lf),
        ("a\r\rb\r\n", LineEnding::Cr),
    ];
    for (text, expected) in table {
        assert_eq!(dominant(&Rope::from_str(text)), expected, "{text:?}");
    }
    let late = format!("{}{}", "a\r\n".repeat(1_000), "a\n".repeat(3_000));
    assert_eq!(open(&late).line_ending().as_str(), "\r\n");
}

/// A change of every kind, most of them well-formed.
fn change() -> impl Strategy<Value = Change> {
    let place = || (0u32..6, 0u32..8);
    prop_oneof![
        1 => hostile_text().prop_map(Change::Whole),
        2 => (place(), place(), hostile_text()).prop_map(|(start, end, text)| partial(start, end, &text)),
        6 => (place(), place(), hostile_text())
            .prop_map(|(one, other, text)| partial(one.min(other), one.max(other), &text)),
    ]
}

/// What the changes make of a text: every state, or nothing if one of them does not fit.
fn naive(text: &str, changes: &[Change], encoding: Encoding) -> Option<Vec<String>> {
    let mut states = vec![text.to_owned()];
    let mut in_step = true;
    for change in changes {
        let text = states.last().unwrap();
        match change {
            Change::Whole(whole) => {
                in_step = true;
                states.push(whole.clone());
            }
            Change::Partial {
                range,
                text: inserted,
            } if in_step => {
                let line_breaks = text.replace("\r\n", "\n").matches(['\r', '\n']).count();
                if range.end < range.start || line_breaks + 1 < range.start.line as usize {
                    in_step = false;
                    continue;
                }
                let start = naive_offset(text, range.start, encoding);
                let end = naive_offset(text, range.end, encoding);
                states.push(format!("{}{inserted}{}", &text[..start], &text[end..]));
            }
            Change::Partial { .. } => {}
        }
    }
    in_step.then_some(states)
}

/// Checks all that a hull promises.
fn check_hull(before: &str, after: &str, hull: Hull) -> Result<(), TestCaseError> {
    let Hull { old, new } = hull;
    prop_assert_eq!(
        before.get(..old.start),
        after.get(..new.start),
        "in front of {:?}",
        hull
    );
    prop_assert_eq!(
        before.get(old.end..),
        after.get(new.end..),
        "behind {:?}",
        hull
    );
    prop_assert!(before.get(..old.start).is_some() && before.get(old.end..).is_some());
    prop_assert!(
        before.get(old.start..old.end).is_some() && after.get(new.start..new.end).is_some()
    );
    for (text, place) in [
        (before, old.start),
        (before, old.end),
        (after, new.start),
        (after, new.end),
    ] {
        prop_assert!(
            !(text[..place].ends_with('\r') && text[place..].starts_with('\n')),
            "CRLF parted by {:?}",
            hull
        );
    }
    prop_assert_eq!(hull.is_empty(), before == after, "{:?}", hull);
    Ok(())
}

proptest! {
    #[test]
    fn batches_do_what_they_do_to_a_string(
        text in hostile_text(), changes in proptest::collection::vec(change(), 0..6), encoding in encoding(),
    ) {
        let mut document = open(&text);
        let outcome = document.apply(Some(2), &changes, encoding);
        let states = naive(&text, &changes, encoding);
        prop_assert_eq!(document.is_out_of_step(), states.is_none());
        document.text().assert_integrity();
        document.text().assert_invariants();
        let Some(states) = states else {
            prop_assert!(outcome.is_err());
            prop_assert_eq!(document.text().to_string(), text);
            return Ok(());
        };
        let Batch { before, after, hull, between } = outcome.unwrap();
        prop_assert_eq!(&before, &text);
        prop_assert_eq!(&after, states.last().unwrap());
        prop_assert_eq!(document.text(), &after);
        let inner = states.get(1..states.len() - 1).unwrap_or_default();
        prop_assert_eq!(between.iter().map(Rope::to_string).collect::<Vec<_>>(), inner);
        check_hull(&text, states.last().unwrap(), hull)?;
    }

    #[test]
    fn the_hull_of_two_texts_holds_all_that_differs(head in hostile_text(), old in hostile_text(), new in hostile_text(), tail in hostile_text()) {
        let (before, after) = (format!("{head}{old}{tail}"), format!("{head}{new}{tail}"));
        check_hull(&before, &after, between_texts(&Rope::from_str(&before), &Rope::from_str(&after)))?;
    }

    #[test]
    fn without_cr_the_hull_of_two_texts_holds_nothing_else(before in "[ab\né😀😁]{0,12}", after in "[ab\né😀😁]{0,12}") {
        let same = |(a, b): &(char, char)| a == b;
        let prefix: usize = before.chars().zip(after.chars()).take_while(same).map(|(c, _)| c.len_utf8()).sum();
        let rest = (before[prefix..].chars().rev()).zip(after[prefix..].chars().rev());
        let suffix: usize = rest.take_while(same).map(|(c, _)| c.len_utf8()).sum();
        let hull = between_texts(&Rope::from_str(&before), &Rope::from_str(&after));
        prop_assert_eq!(hull.old.len(), before.len() - prefix - suffix);
        prop_assert_eq!(hull.new.len(), after.len() - prefix - suffix);
        let is_ambiguous = hull.old.is_empty() || hull.new.is_empty();
        prop_assert!(hull.old.start == prefix || (is_ambiguous && hull.old.start < prefix));
    }
}

#[test]
fn an_ambiguous_change_of_a_full_text_begins_at_a_line_or_a_word() {
    // Before, after, where the insertion or deletion begins.
    let table = [
        ("x\nuse a;\n", "x\nuse b;\nuse a;\n", 2),
        ("use a;\n", "use b;\nuse a;\n", 0),
        ("one two three", "one three", 4),
        ("aaaa", "aaaaa", 4),
        ("xa.b", "xa.b.b", 4),
        ("é\né", "é\né\né", 3),
        ("a\rb", "a\rb\rb", 2),
    ];
    for (before, after, start) in table {
        let hull = between_texts(&Rope::from_str(before), &Rope::from_str(after));
        assert_eq!(hull.old.start, start, "{before:?} {after:?} {hull:?}");
        assert!(hull.old.is_empty() || hull.new.is_empty());
        let hull = between_texts(&Rope::from_str(after), &Rope::from_str(before));
        assert_eq!(hull.old.start, start, "{after:?} {before:?} {hull:?}");
    }
}
