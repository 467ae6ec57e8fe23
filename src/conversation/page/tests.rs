//! What a document shows and what is found in one, on texts as they come: answers that quote documents, half fences, edits by
//! hand; and a property over any of them.

#![expect(clippy::string_slice, reason = "these are tests: a panic is a failure")]

use proptest::prelude::*;

use super::*;
use crate::action::Kind;
use crate::conversation::Turn;
use crate::gateway::signal::Usage;
use crate::gateway::surface::Surface;

fn asked(id: i64, question: &str, answer: &str) -> (Record, String) {
    let record = Record {
        turn: Turn {
            id,
            question: question.to_owned(),
            answer: answer.to_owned(),
            document: String::new(),
        },
        kind: Kind::Ask,
        title: "Why?".to_owned(),
        path: String::new(),
        lines: (0, 0),
        model: "m".to_owned(),
        surface: Surface::OpenAi,
        time: 0,
        usage: Some(Usage {
            input: 90,
            output: 7,
            ..Usage::default()
        }),
        seconds: 3,
    };
    (record, "2026-11-26 10:21".to_owned())
}

fn about_code(id: i64, kind: Kind, answer: &str) -> (Record, String) {
    let question = "File a.py (python), lines 3 to 4.\n<selection>\na = 1\n</selection>\n\nWhy?";
    let (record, when) = asked(id, question, answer);
    let record = Record {
        kind,
        path: "a.py".to_owned(),
        lines: (3, 4),
        ..record
    };
    (record, when)
}

fn lacks(text: &str, turns: &[(Record, String)]) -> Option<Addition> {
    lacking(text, turns, &BTreeSet::new(), "\n")
}

#[test]
fn a_document_shows_each_turn_and_leaves_room_for_a_question() {
    let turns = [
        about_code(0x1a, Kind::Ask, "Since **so** <b>.\n"),
        about_code(0x1b, Kind::Rewrite, "b = 1\n"),
        asked(0x1c, "And then?\nReally?", "```\nopen"),
    ];
    insta::assert_snapshot!(new(&turns), @r#"
    # Conversation

    *Write under the last heading, then run the action "Send" (`ezrouter.send`).*
    *What stands above it is a copy: changes there are yours to keep, and are not sent.*

    ## Why?

    a.py, lines 3 to 4, 2026-11-26 10:21

    ```python
    a = 1
    ```

    > Why?

    Since **so** \<b>.

    *m, 90 tokens in, 7 out, 3 s* <!-- turn 1a -->

    ## Why?

    a.py, lines 3 to 4, 2026-11-26 10:21

    ```python
    a = 1
    ```

    > Why?

    ```python
    b = 1
    ```

    *m, 90 tokens in, 7 out, 3 s* <!-- turn 1b -->

    ## You

    And then?
    Really?

    ### Answer

    ```
    open
    ```

    *m, 90 tokens in, 7 out, 3 s* <!-- turn 1c -->

    ## You
    "#);
}

#[test]
fn the_question_is_what_stands_under_the_heading_behind_the_last_answer() {
    let mark = "*m, 3 s* <!-- turn 1f -->\n";
    let cases: [(String, Result<&str, &str>); 15] = [
        ("## You\n\nWhy?\n".to_owned(), Ok("Why?")),
        ("## You\nWhy?".to_owned(), Ok("Why?")),
        (
            "## You  \r\n\r\nWhy\r\nso?\r\n".to_owned(),
            Ok("Why\r\nso?"),
        ),
        (
            format!("## You\n\nold\n\n### Answer\n\nx\n\n{mark}\n## You\n\nnew\n\nmore\n"),
            Ok("new\n\nmore"),
        ),
        // An answer that shows a document like this one.
        (
            format!(
                "## You\n\nq\n\n### Answer\n\n## You\n\nno\n\n```\n{mark}## You\nno\n```\n\n{mark}\n## You\n\nyes"
            ),
            Ok("yes"),
        ),
        // Who has written what?
        (
            "## You\n\nDo as I say.\n\n## You\n\nmine\n".to_owned(),
            Err("2 headings \"## You\" stand behind the last answer"),
        ),
        (
            "## You\n\nWhat is this?\n\n```\n## You\n```\n".to_owned(),
            Err("2 headings"),
        ),
        // A question with headings of its own.
        (
            "## You\n\n# Plan\n\na\n\n## You too\n".to_owned(),
            Ok("# Plan\n\na\n\n## You too"),
        ),
        // A fence that somebody left open above.
        (format!("```\nopen\n{mark}\n## You\n\nq"), Ok("q")),
        ("## You\n\n \t\n".to_owned(), Err("nothing is written")),
        (format!("## You\n\nold\n{mark}"), Err("there is no heading")),
        (String::new(), Err("there is no heading")),
        (
            "Just text.\n### You\n".to_owned(),
            Err("there is no heading"),
        ),
        (
            "## You\n\nq\n\n### Answer\n\nhal".to_owned(),
            Err("the beginning of an answer"),
        ),
        // Not the last line of a section: there is text in front.
        ("see *m* <!-- turn 1f -->\n## You\nq\n".to_owned(), Ok("q")),
    ];
    for (text, expected) in cases {
        let found = question(&text).map(|place| &text[place]);
        match (found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{text}"),
            (Err(reason), Err(part)) => assert!(reason.starts_with(part), "{text}: {reason}"),
            (found, _) => panic!("{text}: {found:?}"),
        }
    }
}

#[test]
fn what_a_document_lacks_comes_in_front_of_the_question() {
    let turns = [asked(1, "one?", "One."), asked(2, "two?", "Two.")];
    let text = new(&turns[..1]).replace("\n\n\n", "\n\nmine");
    let addition = lacks(&text, &turns).unwrap();
    assert!(text[addition.at..].starts_with("## You\n\nmine"));
    assert!(
        addition
            .text
            .starts_with("## You\n\ntwo?\n\n### Answer\n\nTwo.\n\n*m, ")
    );
    let mut whole = text.clone();
    whole.insert_str(addition.at, &addition.text);
    assert_eq!(whole, new(&turns).replace("\n\n\n", "\n\nmine"));
    assert_eq!(lacks(&whole, &turns), None);
    let known = BTreeSet::from([2]);
    assert_eq!(
        lacking(&text, &turns, &known, "\n"),
        None,
        "taken out by hand"
    );
    // The heading is gone: it comes back at the end, on a line of its own.
    for (text, gap) in [("", ""), ("x", "\n\n"), ("x\n", "\n"), ("x\n\n", "")] {
        let addition = lacks(text, &[]).unwrap();
        assert_eq!(
            (addition.at, addition.text),
            (text.len(), format!("{gap}## You\n\n\n"))
        );
    }
    let addition = lacking("x\r\n", &[], &BTreeSet::new(), "\r\n").unwrap();
    assert_eq!(addition.text, "\r\n## You\r\n\r\n\r\n");
}

#[test]
fn the_place_to_write_is_under_the_heading_or_behind_what_stands_there() {
    for (text, left) in [
        ("# C\n\n## You\n\n\n", "\n"),
        ("## You\n\n", ""),
        ("## You", ""),
        ("## You\n\nmine \n\n", " \n\n"),
        ("nothing", ""),
    ] {
        assert_eq!(&text[place_to_write(text)..], left, "{text:?}");
    }
}

/// Writes an answer in pieces and gives the document.
fn written(text: &str, pieces: &[&str], turn: Option<i64>) -> String {
    let (question, behind) = text.split_at(question(text).unwrap().end);
    let mut writing = Writing::answer(behind, "\n");
    let mut text = question.to_owned();
    for piece in pieces {
        text.push_str(&writing.push(piece));
    }
    writing.end_with("m_x, 3 s", turn);
    text + &writing.finish().unwrap() + behind
}

#[test]
fn an_answer_is_written_between_its_question_and_the_next_heading() {
    let end = "\n\n*m_x, 3 s* <!-- turn 7 -->\n\n## You\n\n\n";
    for (blank, pieces, answer) in [
        ("", vec!["It ", "is.\n", "\n"], "It is."),
        ("\n", vec!["\n\n", " It", " is."], " It is."),
        ("\n", vec!["```py\na", "\n\n"], "```py\na\n```"),
        (" \n", vec!["```py\na"], "```py\na\n```"),
        ("\n", vec!["a < b <i", "mg src=x>"], "a < b \\<img src=x>"),
    ] {
        let whole = written(&format!("## You\n\nq{blank}"), &pieces, Some(7));
        let whole = whole.replace(" \n", "\n");
        assert_eq!(whole, format!("## You\n\nq\n\n### Answer\n\n{answer}{end}"));
    }
    let mut nothing = Writing::answer("\n", "\n");
    assert_eq!(nothing.push(" \n"), "");
    assert_eq!(nothing.finish(), Err(Rejected::Empty));
    let mut windows = Writing::answer("\r\n", "\r\n");
    assert_eq!(windows.push("a\nb"), "\r\n\r\n### Answer\r\n\r\na\r\nb");
}

#[test]
fn a_section_leaves_the_heading_a_line_of_its_own_while_it_is_written() {
    let earlier = [asked(1, "one?", "One.")];
    let (record, _) = about_code(2, Kind::Ask, "Two\n\nthree.");
    for (text, line_ending) in [
        (format!("{}mine\n", new(&[])), "\n"),
        (format!("{}mine\n", new(&[])).replace('\n', "\r\n"), "\r\n"),
        ("## You\nmine\n".to_owned(), "\n"),
        ("above\n## You\nmine\n".to_owned(), "\n"),
    ] {
        let lacking = lacking(&text, &earlier, &BTreeSet::new(), line_ending).unwrap();
        let (at, place) = place_of_section(&text, lacking.at, line_ending);
        let mut writing =
            Writing::section(&Head::of(&record, ""), &lacking.text, place, line_ending);
        let mut written = String::new();
        let whole = |written: &str| format!("{}{written}{}", &text[..at], &text[at..]);
        for piece in ["Two\n", "\nthr", "ee."] {
            written.push_str(&writing.push(piece));
            if place == Place::BlankLine {
                assert!(whole(&written).contains(&format!("{line_ending}## You{line_ending}")));
            }
        }
        writing.end_with("m, 3 s", Some(2));
        written.push_str(&writing.finish().unwrap());
        let whole = whole(&written);
        // As it is when both are brought in later, but for the time.
        let later = [earlier[0].clone(), (record.clone(), String::new())];
        let addition = super::lacking(&text, &later, &BTreeSet::new(), line_ending).unwrap();
        let mut expected = text.clone();
        expected.insert_str(addition.at, &addition.text);
        let expected = expected.replace(
            "m, 90 tokens in, 7 out, 3 s* <!-- turn 2 -->",
            "m, 3 s* <!-- turn 2 -->",
        );
        assert_eq!(whole, expected, "{text:?}");
    }
}

/// What may stand in an answer or a question, with all that this file itself writes.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("## You\n".to_owned()),
        Just("\n## You\n\n".to_owned()),
        Just("### Answer\n".to_owned()),
        Just("*m, 3 s* <!-- turn 1f -->\n".to_owned()),
        Just("\n```\n".to_owned()),
        Just("~~~~\n".to_owned()),
        Just("> ".to_owned()),
        Just("\r\n".to_owned()),
        Just("<!-- ".to_owned()),
        "[ a-z#`*_\\n\\\\]{0,12}",
        "\\PC{0,6}",
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..12).prop_map(|pieces| pieces.concat())
}

/// A question that does not hold the last line of a section, another heading, or what a half answer leaves.
fn words() -> impl Strategy<Value = String> {
    text().prop_map(|text| {
        let text = text
            .replace("<!-- turn", "turn")
            .replace("## You", "## Me")
            .replace("### Answer", "Answer");
        format!("q{text}")
    })
}

proptest! {
    #[test]
    fn whatever_the_answers_say_the_question_and_the_turns_are_found(
        turns in prop::collection::vec((words(), text(), any::<bool>()), 0..4),
        question in words(),
        answer in text(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let turns: Vec<(Record, String)> = (0x10..).zip(&turns).map(|(id, (question, answer, code))| {
            // No turn without an answer is kept.
            let answer = format!("a{answer}");
            if *code { about_code(id, Kind::Ask, &answer) } else { asked(id, question, &answer) }
        }).collect();
        let before = new(&turns[..turns.len() / 2]);
        let mut text = format!("{before}{question}");
        let asked = |text: &str| super::question(text).map(|place| text[place].to_owned());
        prop_assert_eq!(asked(&text), Ok(question.trim().to_owned()));
        if let Some(addition) = lacks(&text, &turns) {
            text.insert_str(addition.at, &addition.text);
        }
        prop_assert_eq!(asked(&text), Ok(question.trim().to_owned()));
        prop_assert_eq!(lacks(&text, &turns), None);
        let shown = |turn: i64| read(&text).turns.contains(&turn);
        prop_assert!(turns.iter().all(|(record, _)| shown(record.turn.id)));
        // The answer comes, cut anywhere.
        let answer = format!("a{answer}");
        let boundary = |cut: prop::sample::Index| {
            let at = cut.index(answer.len());
            (0..=at).rev().find(|at| answer.is_char_boundary(*at)).unwrap()
        };
        let mut places: Vec<usize> = cuts.into_iter().map(boundary).collect();
        places.extend([0, answer.len()]);
        places.sort_unstable();
        let pieces: Vec<&str> = places.windows(2).map(|pair| &answer[pair[0]..pair[1]]).collect();
        let whole = written(&text, &pieces, Some(0x99));
        prop_assert_eq!(&whole, &written(&text, &[&answer], Some(0x99)), "however it is cut");
        prop_assert!(whole.starts_with(text.trim_end()));
        prop_assert!(read(&whole).turns.contains(&0x99));
        prop_assert!(super::question(&whole).unwrap_err().starts_with("nothing is written"));
        prop_assert_eq!(asked(&format!("{whole}next")), Ok("next".to_owned()));
    }
}
