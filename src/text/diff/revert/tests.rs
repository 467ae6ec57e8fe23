//! Tests of taking a change back: marked tables, a model that knows which line is whose, and marks that must never be lost.

#![expect(clippy::too_many_lines, reason = "a table may be long")]
#![expect(clippy::format_push_string, reason = "short texts, built once")]
#![expect(
    clippy::string_slice,
    reason = "a test that cuts a text wrongly shall fail"
)]

use proptest::prelude::*;

use super::super::tests::check_edits;
use super::super::{apply, revert};
use super::merged;
use crate::text::position::tests::hostile_text;

/// What it is about, the original, what was written, the text of now, the text after, what was kept.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
);

/// What becomes of `now`, and which of its texts were kept.
fn outcome(original: &str, written: &str, now: &str) -> (String, Vec<String>) {
    let revert = revert(original, written, now);
    let kept = revert
        .kept
        .iter()
        .map(|kept| now[kept.start..kept.end].to_owned())
        .collect();
    (apply(now, &revert.edits), kept)
}

#[test]
fn what_still_stands_is_taken_back_and_what_the_user_changed_is_kept() {
    let table: [Row; 24] = [
        ("nothing since", "a\nb\n", "A\nB\n", "A\nB\n", "a\nb\n", &[]),
        (
            "nothing written",
            "a\n",
            "a\n",
            "a\nuser\n",
            "a\nuser\n",
            &[],
        ),
        (
            "undone by the user",
            "a\nb\n",
            "A\nB\n",
            "a\nb\n",
            "a\nb\n",
            &[],
        ),
        (
            "typed above",
            "a\nb\n",
            "a\nB\n",
            "user\na\nB\n",
            "user\na\nb\n",
            &[],
        ),
        (
            "typed below",
            "a\nb\n",
            "A\nb\n",
            "A\nb\nuser\n",
            "a\nb\nuser\n",
            &[],
        ),
        (
            "typed on the first of two lines that are alike",
            "old one\n}\nreturn\n",
            "}\n}\nreturn\n",
            "}user\n}\nuser return\n",
            "old one\n}user\n}\nuser return\n",
            &["}user\n"],
        ),
        (
            "typed right in front",
            "a\n",
            "A\n",
            "user\nA\n",
            "user\na\n",
            &[],
        ),
        (
            "typed right behind",
            "a\n",
            "A\n",
            "A\nuser\n",
            "a\nuser\n",
            &[],
        ),
        (
            "typed between",
            "a\nb\n",
            "A\nB\n",
            "A\nuser\nB\n",
            "a\nb\nuser\n",
            &["user\n"],
        ),
        (
            "a written line changed",
            "a\nb\n",
            "A\nB\n",
            "A\nB!\n",
            "a\nb\nB!\n",
            &["B!\n"],
        ),
        (
            "two changed lines are kept as one",
            "a\n",
            "A\nB\nC\n",
            "A\nB!\nC!\n",
            "a\nB!\nC!\n",
            &["B!\nC!\n"],
        ),
        ("all changed", "a\n", "A\n", "A!\n", "a\nA!\n", &["A!\n"]),
        (
            "each line changed, as by a formatter, around one that the program deleted",
            "x\na\ny\n",
            "x\ny\n",
            "+x\n+y\n",
            "+x\na\n+y\n",
            &[],
        ),
        (
            "a written line deleted",
            "a\nb\n",
            "A\nB\n",
            "B\n",
            "a\nb\n",
            &[],
        ),
        (
            "all deleted",
            "x\na\ny\n",
            "x\nA\ny\n",
            "x\ny\n",
            "x\na\ny\n",
            &[],
        ),
        (
            "original lines deleted by the program",
            "x\na\ny\n",
            "x\ny\n",
            "x\ny\nuser\n",
            "x\na\ny\nuser\n",
            &[],
        ),
        (
            "one of two groups undone",
            "a\nx\nb\n",
            "A\nx\nB\n",
            "a\nx\nB\n",
            "a\nx\nb\n",
            &[],
        ),
        (
            "one change over two groups",
            "a\nx\nb\n",
            "A\nx\nB\n",
            "U\n",
            "a\nU\nb\n",
            &["U\n"],
        ),
        (
            "half undone",
            "a\nb\nc\n",
            "A\n",
            "A\nb\nc\n",
            "a\nb\nc\n",
            &[],
        ),
        (
            "a blank line behind is the user's",
            "a\n\n",
            "A\n",
            "A\n\nuser\n",
            "a\n\n\nuser\n",
            &[],
        ),
        (
            "within one line",
            "foo(a)",
            "bar(b)",
            "bar(b)",
            "foo(a)",
            &[],
        ),
        (
            "within one line that the user changed",
            "foo(a)",
            "bar(b)",
            "bar(bX)",
            "foo(a)\nbar(bX)",
            &["bar(bX)"],
        ),
        (
            "the last line has no break",
            "a\r\nb",
            "A\r\nB",
            "A\r\nB!",
            "a\r\nb\r\nB!",
            &["B!"],
        ),
        (
            "the user took the last break away",
            "a\nb\n",
            "a\n",
            "a",
            "a\nb\n",
            &[],
        ),
    ];
    for (what, original, written, now, after, kept) in table {
        let (found, found_kept) = outcome(original, written, now);
        assert_eq!(
            (found.as_str(), found_kept),
            (after, kept.iter().map(|kept| (*kept).to_owned()).collect()),
            "{what}"
        );
    }
}

/// A stretch of the original: left alone, or with what the program made of it.
#[derive(Clone, Debug)]
struct Stretch {
    left_alone: usize,
    original: usize,
    written: usize,
}

fn stretches() -> impl Strategy<Value = Vec<Stretch>> {
    let stretch =
        (1usize..3, 0usize..4, 0usize..4).prop_map(|(left_alone, original, written)| Stretch {
            left_alone,
            original,
            written,
        });
    proptest::collection::vec(stretch, 1..4)
}

/// The texts before and after the program, and a number for each line of the latter: the group that it belongs to, or none.
fn build(stretches: &[Stretch]) -> (String, String, Vec<Option<usize>>) {
    let (mut original, mut written, mut owners) = (String::new(), String::new(), Vec::new());
    for (group, stretch) in stretches.iter().enumerate() {
        for line in 0..stretch.left_alone {
            original += &format!("same {group}.{line}\n");
            written += &format!("same {group}.{line}\n");
            owners.push(None);
        }
        for line in 0..stretch.original {
            original += &format!("old {group}.{line}\n");
        }
        for line in 0..stretch.written {
            written += &format!("new {group}.{line}\n");
            owners.push(Some(group));
        }
    }
    (original, written, owners)
}

/// A text of one character, so that no later mark can land within it.
fn mark(number: usize) -> String {
    ["①", "②", "③", "④", "⑤"][number].to_owned()
}

proptest! {
    #[test]
    fn with_nothing_changed_since_the_original_is_back(original in hostile_text(), written in hostile_text()) {
        for revert in [revert(&original, &written, &written), merged(&original, &written, &written)] {
            check_edits(&written, &revert.edits)?;
            prop_assert_eq!(apply(&written, &revert.edits), original.clone());
            prop_assert!(revert.kept.is_empty());
        }
    }

    #[test]
    fn a_text_that_is_back_already_stays(original in hostile_text(), written in hostile_text()) {
        prop_assert_eq!(revert(&original, &written, &original), super::Revert::default());
        prop_assert_eq!(revert(&original, &original, &written), super::Revert::default());
    }

    #[test]
    fn any_three_texts_give_well_formed_edits(original in hostile_text(), written in hostile_text(), now in hostile_text()) {
        let revert = revert(&original, &written, &now);
        check_edits(&now, &revert.edits)?;
        let mut last = None;
        for kept in &revert.kept {
            prop_assert!(now.get(kept.start..kept.end).is_some_and(|kept| !kept.is_empty()));
            prop_assert!(last.is_none_or(|last| last < kept.start));
            last = Some(kept.end);
        }
    }

    /// Lines that the user adds without deleting any come out where a person would expect them.
    #[test]
    fn added_lines_stay_where_they_are(stretches in stretches(), gaps in proptest::collection::vec(any::<bool>(), 32)) {
        let (original, written, owners) = build(&stretches);
        let lines: Vec<&str> = written.split_inclusive('\n').collect();
        let (mut now, mut expected, mut kept) = (String::new(), String::new(), String::new());
        let mut put_back = 0;
        let old_line = |group: usize, line: usize| format!("old {group}.{line}\n");
        let old_lines = |group: usize| -> String {
            (0..stretches[group].original).map(|line| old_line(group, line)).collect()
        };
        for place in 0..=lines.len() {
            let (owner_before, owner) = (place.checked_sub(1).and_then(|before| owners[before]), owners.get(place).copied());
            let user = if gaps[place] { format!("user {place}\n") } else { String::new() };
            now += &user;
            // A group without written lines lies in front of what was typed there.
            let next_left_alone = lines.get(place).and_then(|line| line.strip_prefix("same "));
            let group_of_next = next_left_alone.map_or(stretches.len(), |name| name.split('.').next().unwrap().parse().unwrap());
            if owner != Some(None) && owner_before.is_some() && owner == Some(owner_before) {
                kept += &user;
                expected += &user;
            } else if let Some(Some(group)) = owner {
                expected += &user;
                expected += &old_lines(group);
                put_back = group + 1;
            } else {
                while put_back < group_of_next {
                    expected += &old_lines(put_back);
                    put_back += 1;
                }
                expected += &user;
            }
            if let Some(line) = lines.get(place) {
                now += line;
                if owners[place].is_none() {
                    expected += line;
                }
            }
        }
        let (found, found_kept) = outcome(&original, &written, &now);
        prop_assert_eq!(found, expected, "now {:?}", now);
        prop_assert_eq!(found_kept.concat(), kept);
    }

    /// The user types marks anywhere and deletes lines; line by line it is known what must and what must not be left.
    #[test]
    fn what_the_user_typed_is_never_lost(
        stretches in stretches(),
        marks in proptest::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..5),
        deleted in proptest::collection::vec(any::<prop::sample::Index>(), 0..3),
    ) {
        let (original, written, _) = build(&stretches);
        let mut lines: Vec<String> = written.split_inclusive('\n').map(str::to_owned).collect();
        for index in deleted {
            if !lines.is_empty() {
                lines.remove(index.index(lines.len()));
            }
        }
        for (number, (index, on_its_own)) in marks.iter().enumerate() {
            let place = index.index(lines.len() + 1);
            match lines.get_mut(place).filter(|_| !on_its_own) {
                Some(line) => {
                    let at = (0..index.index(line.len()) + 1).rfind(|at| line.is_char_boundary(*at)).unwrap();
                    line.insert_str(at, &mark(number));
                },                None => lines.insert(place, mark(number) + "\n"),
            }
        }
        let now = lines.concat();
        let revert = revert(&original, &written, &now);
        let after = apply(&now, &revert.edits);
        for number in 0..marks.len() {
            let mark = mark(number);
            prop_assert!(now == original || after.contains(&mark), "{} is lost: {:?} -> {:?}", mark, now, after);
        }
        for line in written.lines().filter(|line| line.starts_with("new")) {
            prop_assert!(!after.lines().any(|left| left == line), "{} is left: {:?} -> {:?}", line, now, after);
        }
        for line in original.lines().filter(|line| line.starts_with("old")) {
            prop_assert_eq!(after.lines().filter(|left| *left == line).count(), 1, "{}: {:?} -> {:?}", line, now, after);
        }
        for line in &lines {
            let expected = usize::from(!line.starts_with("new"));
            prop_assert!(expected <= after.matches(line.as_str()).count(), "{:?} is lost: {:?} -> {:?}", line, now, after);
        }
    }

    /// The same with texts of hostile pieces: marks typed anywhere into what was written.
    #[test]
    fn marks_survive_in_hostile_texts(
        original in hostile_text(), written in hostile_text(),
        marks in proptest::collection::vec(any::<prop::sample::Index>(), 1..4),
    ) {
        let mut now = written.clone();
        for (number, index) in marks.iter().enumerate() {
            let places: Vec<usize> = (0..=now.len()).filter(|place| now.is_char_boundary(*place)).collect();
            now.insert_str(places[index.index(places.len())], &format!("{number}"));
        }
        let revert = revert(&original, &written, &now);
        check_edits(&now, &revert.edits)?;
        let after = apply(&now, &revert.edits);
        for number in 0..marks.len() {
            prop_assert!(after.contains(&number.to_string()), "{} is lost: {:?} -> {:?}", number, now, after);
        }
    }
}
