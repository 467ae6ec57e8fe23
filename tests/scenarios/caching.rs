//! What the gateway's prompt caches rest on: each request begins with the one before it, letter for letter, and on the
//! Anthropic surface the marks stand where that helps.

use ezrouter_lsp::gateway::signal::Usage;
use ezrouter_lsp::offline::{Answer, Script, Step};
use serde_json::{Value, json};

use crate::manner::Manner;
use crate::scene::{Plan, scene_of};

const TURNS: usize = 10;

/// How the counts of each answer read.
const USAGE: &str = "1000 tokens in (700 cached, 200 written), 7 out, ";

/// An answer that says what a cache gave and took.
fn answer(turn: usize) -> Answer {
    let usage = Usage {
        input: 1000,
        cached: 700,
        written: 200,
        output: 7,
        ..Usage::default()
    };
    Answer::stream([
        Step::text(&format!("line {turn}\n")),
        Step::finish("stop"),
        Step::Usage(usage),
        Step::Done,
    ])
}

/// The text of a message or of the system prompt: a string, or blocks of text.
fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => blocks
            .iter()
            .map(|block| block["text"].as_str().unwrap())
            .collect(),
        other => panic!("no text: {other}"),
    }
}

/// Who said what, the system prompt first.
fn said(body: &Value) -> Vec<(String, String)> {
    let system = body.get("system");
    let system = system.map(|system| ("system".to_owned(), text(system)));
    let messages = body["messages"].as_array().unwrap().iter().map(|message| {
        let role = message["role"].as_str().unwrap();
        (role.to_owned(), text(&message["content"]))
    });
    system.into_iter().chain(messages).collect()
}

/// The places of all cache marks, as in a JSON pointer.
fn marks(value: &Value, place: &str, found: &mut Vec<String>) {
    let parts: Vec<(String, &Value)> = match value {
        Value::Object(map) => map
            .iter()
            .map(|(name, part)| (name.clone(), part))
            .collect(),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .map(|(index, part)| (index.to_string(), part))
            .collect(),
        _ => return,
    };
    for (name, part) in parts {
        if name == "cache_control" {
            assert_eq!(*part, json!({"type": "ephemeral"}));
            found.push(place.to_owned());
        } else {
            marks(part, &format!("{place}/{name}"), found);
        }
    }
}

#[tokio::test]
async fn in_ten_turns_each_request_is_the_one_before_its_answer_and_the_new_turn() {
    for surface in ["openai", "anthropic"] {
        let plan = Plan {
            settings: json!({"surface": surface, "rewrite": {"review": false}}),
            script: Script::new((0..TURNS).map(answer)),
            ..Plan::default()
        };
        let mut scene = scene_of(Manner::Plugin, plan).await;
        for turn in 0..TURNS {
            // The last one is a rewrite: it goes on from the same past.
            let title = if turn + 1 < TURNS {
                "Explain"
            } else {
                "Simplify"
            };
            let job = scene.start(title).await;
            assert_eq!(scene.editor.settled(&job).await, "done", "{surface} {turn}");
            if title == "Explain" {
                let (start, _) = scene.selection;
                let hover = scene.editor.hover(start).await;
                assert!(hover.contains(USAGE), "{hover}");
            }
        }
        let requests = scene.gateway.requests();
        assert_eq!(requests.len(), TURNS);
        let mut past: Vec<(String, String)> = Vec::new();
        for (turn, request) in requests.iter().enumerate() {
            let now = said(&request.body);
            assert_eq!(now.len(), 2 * turn + 2, "{surface} {turn}");
            assert!(
                now.starts_with(&past),
                "{surface}: turn {turn} changed the past"
            );
            assert_eq!(now.last().unwrap().0, "user", "{surface} {turn}");
            past = now;
            past.push(("assistant".to_owned(), format!("line {turn}\n")));

            let mut found = Vec::new();
            marks(&request.body, "", &mut found);
            let mut expected = Vec::new();
            if surface == "anthropic" {
                // Behind the answer of the turn before, which is the last message but one.
                expected
                    .extend((0 < turn).then(|| format!("/messages/{}/content/0", 2 * turn - 1)));
                expected.push("/system/0".to_owned());
            }
            assert_eq!(found, expected, "{surface} {turn}");
        }
        let progress = scene.editor.progress.values();
        let ends: Vec<_> = progress
            .map(|told| told.last().unwrap().1.clone())
            .collect();
        assert!(ends.iter().all(|end| end.contains(USAGE)), "{ends:?}");
        scene.editor.finish().await;
    }
}
