//! Tests of anchors: marked texts, and random texts against what replacements and places promise.

#![expect(
    clippy::string_slice,
    reason = "a test that cuts a text wrongly shall fail"
)]

use proptest::prelude::*;
use ropey::Rope;

use super::Stick::{After, Before};
use super::{HULL_LIMIT, Replacement, Stick, carry, replacements, shift};
use crate::text::Span;
use crate::text::diff::WORD_LIMIT;
use crate::text::document::{Hull, between_texts};
use crate::text::position::tests::hostile_text;

/// The hull of two whole texts, as a client gives it that sends everything in one range.
fn everything(before: &str, after: &str) -> Hull {
    Hull {
        old: Span::new(0, before.len()),
        new: Span::new(0, after.len()),
    }
}

fn found(before: &str, after: &str, hull: Hull) -> Vec<Replacement> {
    replacements(&Rope::from_str(before), &Rope::from_str(after), hull)
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table may be long")]
fn a_mark_stays_with_its_text() {
    // Both texts have the mark `|`; the edit is what differs besides.
    let table = [
        ("a text in front grows", After, "one |two", "one more |two"),
        (
            "a text behind grows",
            After,
            "one |two",
            "one |two and three",
        ),
        (
            "an insertion at the mark goes behind it",
            Before,
            "one| two",
            "one|, or so two",
        ),
        (
            "an insertion at the mark goes in front of it",
            After,
            "one| two",
            "one, or so| two",
        ),
        (
            "a line in front that begins like the next",
            After,
            "|use a;\n",
            "use b;\n|use a;\n",
        ),
        (
            "a deletion in front",
            Before,
            "one two |three",
            "one |three",
        ),
        ("a deletion behind", After, "one |two three", "one |two"),
        ("a deletion around", After, "one t|wo three", "one |three"),
        (
            "deleted lines take the break at their end along",
            Before,
            "TOP\n|}\nold one\nEND\nlast\n",
            "+TOP\n|END\n+last\n",
        ),
        (
            "a character typed in front of the word and one within it",
            After,
            "one |two",
            "one x|twyo",
        ),
        (
            "a blank line is not taken for another one",
            After,
            "TOP\n|\nn  x\n\nold\nEND\n",
            "+TOP\n|\nn+  x\n+\n+old\n+END\n",
        ),
        (
            "the start of a replaced word",
            After,
            "let |alpha = 1;",
            "let |beta = 1;",
        ),
        (
            "the end of a replaced word",
            Before,
            "let xyz| = 1;",
            "let beta| = 1;",
        ),
        (
            "within a replaced word",
            Before,
            "let x|yz = 1;",
            "let |beta = 1;",
        ),
        (
            "within a replaced word",
            After,
            "let x|yz = 1;",
            "let beta| = 1;",
        ),
        (
            "lines in front",
            Before,
            "a\nb\n|c\nd\n",
            "x\na\ny\n|c\nd\n",
        ),
        (
            "a line that was not touched between two that were",
            Before,
            "a1\nb|b\nc1\n",
            "a2\nb|b\nc2\nc3\n",
        ),
        (
            "changes on both sides within one line",
            Before,
            "f(a, |b, c)",
            "g(aa, |b, cc)",
        ),
        ("the end of the text", After, "a|", "ab|"),
        ("the end of the text", Before, "a|", "a|b"),
        ("a line that became CRLF", Before, "a\n|b", "a\r\n|b"),
    ];
    for (what, stick, before, after) in table {
        let (from, to) = (before.find('|').unwrap(), after.find('|').unwrap());
        let (before, after) = (before.replace('|', ""), after.replace('|', ""));
        for hull in [
            everything(&before, &after),
            between_texts(&Rope::from_str(&before), &Rope::from_str(&after)),
        ] {
            let found = found(&before, &after, hull);
            assert_eq!(
                carry(from, stick, &found),
                to,
                "{what}: {before:?} {after:?} {found:?}"
            );
        }
    }
}

#[test]
fn a_change_beside_an_offset_costs_no_comparison() {
    let hull = |old: (usize, usize), new: (usize, usize)| Hull {
        old: Span::new(old.0, old.1),
        new: Span::new(new.0, new.1),
    };
    let table = [
        (hull((5, 8), (5, 9)), 4, Before, Some(4)),
        (hull((5, 8), (5, 9)), 5, Before, Some(5)),
        (hull((5, 8), (5, 9)), 5, After, None),
        (hull((5, 8), (5, 9)), 6, Before, None),
        (hull((5, 8), (5, 9)), 8, Before, None),
        (hull((5, 8), (5, 9)), 8, After, Some(9)),
        (hull((5, 8), (5, 9)), 10, Before, Some(11)),
        (hull((5, 5), (5, 9)), 5, Before, Some(5)),
        (hull((5, 5), (5, 9)), 5, After, Some(9)),
        (hull((5, 8), (5, 5)), 6, Before, Some(5)),
        (hull((5, 8), (5, 5)), 8, After, Some(5)),
        (hull((5, 8), (5, 5)), 9, After, Some(6)),
    ];
    for (hull, offset, stick, expected) in table {
        assert_eq!(
            shift(offset, stick, hull),
            expected,
            "{offset} {stick:?} {hull:?}"
        );
    }
}

#[test]
fn only_the_words_that_changed_are_replaced() {
    let table = [
        ("same", "same", vec![]),
        ("let a = b;", "let a = c;", vec![("b", "c")]),
        (
            "one two three",
            "one 2 three four",
            vec![("two", "2"), ("", " four")],
        ),
        ("foobar(x)", "foobaz(x)", vec![("r", "z")]),
        (
            "a\nold\nb\n",
            "a\nb\nnew\n",
            vec![("old\n", ""), ("", "new\n")],
        ),
        ("x\r", "x\r\n", vec![("\r", "\r\n")]),
        ("é", "è", vec![("é", "è")]),
    ];
    for (before, after, expected) in table {
        let found = found(before, after, everything(before, after));
        let texts: Vec<_> = found
            .iter()
            .map(|found| {
                (
                    &before[found.old.start..found.old.end],
                    &after[found.new.start..found.new.end],
                )
            })
            .collect();
        assert_eq!(texts, expected, "{before:?} {after:?}");
    }
}

#[test]
fn a_hull_beyond_the_limit_is_one_replacement_of_what_its_ends_do_not_share() {
    let line = "a line\n".repeat(HULL_LIMIT / 7);
    let (before, after) = (format!("x1\n{line}y1\n"), format!("x2\n{line}y2\n"));
    let expected = Span::new(1, before.len() - 1);
    assert_eq!(
        found(&before, &after, everything(&before, &after)),
        [Replacement {
            old: expected,
            new: expected
        }]
    );
}

#[test]
fn words_beyond_the_limit_are_not_compared() {
    // Three changed lines, each with a change at both ends; the words of two of them are within the limit.
    let line = |end: &str| format!("{end} {} {end}\nsame\n", "word ".repeat(WORD_LIMIT / 10));
    let (before, after) = (line("x").repeat(3), line("y").repeat(3));
    assert_eq!(
        found(&before, &after, everything(&before, &after)).len(),
        2 + 2 + 1
    );
}

#[test]
fn a_hull_that_does_not_fit_the_texts_is_taken_at_its_word() {
    let hull = Hull {
        old: Span::new(1, 9),
        new: Span::new(1, 2),
    };
    assert_eq!(
        found("é", "éa", hull),
        [Replacement {
            old: hull.old,
            new: hull.new
        }]
    );
}

/// Two texts that share much: one is the other with some of its pieces replaced.
fn related() -> impl Strategy<Value = (String, String)> {
    proptest::collection::vec(
        (
            hostile_text(),
            proptest::option::weighted(0.4, hostile_text()),
        ),
        0..6,
    )
    .prop_map(|pieces| {
        let before = pieces.iter().map(|(old, _)| old.as_str()).collect();
        let after = pieces
            .iter()
            .map(|(old, new)| new.as_ref().unwrap_or(old).as_str())
            .collect();
        (before, after)
    })
}

proptest! {
    #[test]
    fn replacements_make_one_text_of_the_other((before, after) in related(), tight in any::<bool>()) {
        let tightest = between_texts(&Rope::from_str(&before), &Rope::from_str(&after));
        let hull = if tight { tightest } else { everything(&before, &after) };
        let found = found(&before, &after, hull);
        let mut made = String::new();
        let mut done = 0;
        for (index, Replacement { old, new }) in found.iter().enumerate() {
            prop_assert!(hull.old.start <= old.start && old.end <= hull.old.end, "{:?}", found);
            prop_assert!(hull.new.start <= new.start && new.end <= hull.new.end, "{:?}", found);
            prop_assert!(index == 0 || done < old.start, "touching: {:?}", found);
            made.push_str(&before[done..old.start]);
            prop_assert_eq!(made.len(), new.start);
            made.push_str(&after[new.start..new.end]);
            done = old.end;
        }
        made.push_str(&before[done..]);
        prop_assert_eq!(made, after);
    }

    #[test]
    fn offsets_keep_their_order_and_their_neighbours((before, after) in related()) {
        let hull = between_texts(&Rope::from_str(&before), &Rope::from_str(&after));
        let found = found(&before, &after, hull);
        let (mut last_before, mut last_after) = (0, 0);
        for offset in (0..=before.len()).filter(|offset| before.is_char_boundary(*offset)) {
            let (low, high) = (carry(offset, Stick::Before, &found), carry(offset, Stick::After, &found));
            prop_assert!(low <= high && high <= after.len());
            prop_assert!(last_before <= low && last_after <= high);
            (last_before, last_after) = (low, high);
            prop_assert!(after.is_char_boundary(low) && after.is_char_boundary(high));
            let touched = |at: usize| found.iter().any(|found| found.old.start <= at && at < found.old.end);
            if let Some(next) = before[offset..].chars().next().filter(|_| !touched(offset)) {
                prop_assert_eq!(after[high..].chars().next(), Some(next), "behind {} in {:?}", offset, found);
            }
            let previous = before[..offset].chars().next_back();
            if let Some(previous) = previous.filter(|previous| !touched(offset - previous.len_utf8())) {
                prop_assert_eq!(after[..low].chars().next_back(), Some(previous), "before {} in {:?}", offset, found);
            }
        }
    }

    #[test]
    fn a_cheap_answer_is_the_answer((before, after) in related(), tight in any::<bool>()) {
        let tightest = between_texts(&Rope::from_str(&before), &Rope::from_str(&after));
        let hull = if tight { tightest } else { everything(&before, &after) };
        let found = found(&before, &after, hull);
        for offset in 0..=before.len() {
            for stick in [Stick::Before, Stick::After] {
                if let Some(cheap) = shift(offset, stick, hull) {
                    prop_assert_eq!(cheap, carry(offset, stick, &found), "{} {:?} {:?} {:?}", offset, stick, hull, found);
                }
            }
        }
    }
}
