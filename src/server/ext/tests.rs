//! Holds `editors/PROTOCOL.md` and these types together: every example reads as its type and says nothing that the type would
//! not write, and every field and every word of a type is told.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;

const PAGE: &str = include_str!("../../../editors/PROTOCOL.md");

/// The chapter about a method.
fn chapter(method: &str) -> &'static str {
    let heading = format!("\n## `{method}`\n");
    let (_, rest) = PAGE.split_once(&heading).expect(method);
    rest.split_once("\n## ")
        .map_or(rest, |(chapter, _)| chapter)
}

/// The examples of a chapter.
fn examples(chapter: &str) -> Vec<Value> {
    let blocks = chapter.split("\n```json\n").skip(1);
    let text = |block: &'_ str| block.split_once("\n```").expect("an end").0.to_owned();
    blocks
        .map(|block| serde_json::from_str(&text(block)).unwrap())
        .collect()
}

/// Fails unless an example is exactly what the type writes.
fn reads_as<T: Serialize + DeserializeOwned>(example: &Value) {
    let read: T = serde_json::from_value(example.clone())
        .unwrap_or_else(|error| panic!("{error}: {example}"));
    assert_eq!(json!(read), *example);
}

/// The first column of a chapter's tables.
fn told(chapter: &str) -> Vec<&str> {
    let rows = chapter.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| Some(row.split_once('`')?.0))
        .collect()
}

/// The fields of an object, and those of the objects in it that are ours.
fn fields(value: &Value) -> Vec<&str> {
    let object = value.as_object().expect("an object");
    object.keys().map(String::as_str).collect()
}

fn range() -> Range {
    let place = Position {
        line: 3,
        character: 0,
    };
    Range {
        start: place,
        end: place,
    }
}

fn usage() -> Usage {
    Usage {
        input: 1,
        cached: 0,
        written: 0,
        output: 1,
        estimated: true,
    }
}

#[test]
fn every_example_of_the_page_reads_as_its_type() {
    let jobs = examples(chapter("ezrouter/job"));
    assert_eq!(jobs.len(), 3);
    jobs.iter().for_each(reads_as::<JobNote>);
    let answers = examples(chapter("ezrouter/answer"));
    assert_eq!(answers.len(), 1);
    answers.iter().for_each(reads_as::<AnswerNote>);
    let edits = examples(chapter("ezrouter/applyEdit"));
    let (request, replies) = edits.split_first().expect("examples");
    reads_as::<EditRequest>(request);
    assert_eq!(replies.len(), 2);
    for reply in replies {
        reads_as::<EditAnswer>(reply);
        assert_eq!(json!(EditAnswer::read(reply)), *reply);
    }
    let all = examples(PAGE).len();
    assert_eq!(all, jobs.len() + answers.len() + edits.len());
}

#[test]
fn every_field_of_a_type_is_told_and_no_other() {
    let job = json!(JobNote {
        job: String::new(),
        kind: Kind::Ask,
        uri: String::new(),
        range: Some(range()),
        state: JobState::Done,
        parked: Some(true),
        message: Some(String::new()),
        usage: Some(usage()),
    });
    let answer = json!(AnswerNote {
        job: String::new(),
        uri: String::new(),
        range: Some(range()),
        delta: String::new(),
        done: true,
    });
    let request = json!(EditRequest {
        job: String::new(),
        seq: 1,
        phase: Phase::First,
        edit: Value::Null,
    });
    let reply = json!(EditAnswer {
        applied: true,
        version: Some(1),
        joined: Some(false),
    });
    for (method, types) in [
        ("ezrouter/job", vec![&job]),
        ("ezrouter/answer", vec![&answer]),
        ("ezrouter/applyEdit", vec![&request, &reply]),
    ] {
        let mut own: Vec<&str> = types.into_iter().flat_map(fields).collect();
        let mut listed = told(chapter(method));
        own.sort_unstable();
        listed.sort_unstable();
        assert_eq!(listed, own, "{method}");
    }
    for field in fields(&json!(usage())) {
        assert!(
            chapter("ezrouter/job").contains(&format!("`{field}`")),
            "{field}"
        );
    }
}

#[test]
fn every_word_of_the_wire_is_told() {
    let states = [
        JobState::Waiting,
        JobState::Thinking,
        JobState::Streaming,
        JobState::Pending,
        JobState::Done,
        JobState::Cancelled,
        JobState::Failed,
    ];
    let phases = [Phase::First, Phase::Next, Phase::Last, Phase::Rewind];
    for state in states {
        assert_eq!(json!(state), state.word());
    }
    let words = states.map(|one| json!(one)).into_iter();
    let words = words.chain([Kind::Ask, Kind::Rewrite].map(|one| json!(one)));
    for word in words {
        let told = format!("`{}`", word.as_str().expect("a word"));
        assert!(chapter("ezrouter/job").contains(&told), "{told}");
    }
    for phase in phases.map(|one| json!(one)) {
        let told = format!("`{}`", phase.as_str().expect("a word"));
        assert!(chapter("ezrouter/applyEdit").contains(&told), "{told}");
    }
}

#[test]
fn the_flags_of_the_page_are_those_that_are_read() {
    let (_, block) = PAGE.split_once("\n```jsonc\n").expect("the flags");
    let (block, _) = block.split_once("\n```").expect("an end");
    let params: Value = serde_json::from_str(block).expect("JSON");
    let caps = crate::server::capabilities::Caps::read(&params);
    assert!(caps.ext_jobs && caps.ext_answer && caps.ext_apply_edit);
}

#[test]
fn an_answer_that_says_something_else_says_nothing() {
    for odd in [
        json!(null),
        json!(true),
        json!({"applied": "yes", "joined": 0, "version": "3"}),
    ] {
        assert_eq!(EditAnswer::read(&odd), EditAnswer::default(), "{odd}");
    }
}
