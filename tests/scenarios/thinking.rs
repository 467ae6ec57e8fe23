//! A model that thinks first: it is seen to, and nothing of what it thinks reaches a document, an answer or a later turn. The
//! same on both surfaces, and for a gateway that leaves the thinking in the text.

use ezrouter_lsp::offline::{Answer, Script, Step};
use serde_json::{Value, json};

use crate::manner::Manner;
use crate::scene::{Plan, Scene, scene_of};

const SECRET: &str = "the user must not read this";

/// The pieces in which thinking comes.
fn thoughts() -> [Vec<Step>; 2] {
    let thinking = vec![
        Step::Thinking(SECRET.to_owned()),
        Step::Gate,
        Step::Thinking(SECRET.to_owned()),
    ];
    let in_text = vec![
        Step::text("<thi"),
        Step::text(&format!("nk>\n{SECRET}")),
        Step::Gate,
        Step::text(&format!("{SECRET}\n</th")),
        Step::text("ink>\n"),
    ];
    [thinking, in_text]
}

fn answer(thoughts: Vec<Step>, text: &str) -> Answer {
    let rest = [
        Step::Gate,
        Step::text(text),
        Step::finish("stop"),
        Step::Done,
    ];
    Answer::stream(thoughts.into_iter().chain(rest))
}

async fn thinking_scene(surface: &str, thoughts: Vec<Step>, text: &str) -> Scene {
    let plan = Plan {
        settings: json!({"surface": surface, "thinking": "low"}),
        script: Script::new([answer(thoughts, text)]),
        ..Plan::default()
    };
    scene_of(Manner::Plugin, plan).await
}

/// Waits until the job thinks, and holds that the progress says so.
async fn seen_to_think(scene: &mut Scene, job: &str) {
    let watched = job.to_owned();
    scene
        .editor
        .until("thinking", move |editor| {
            let mut reports = editor.progress.values().flatten();
            editor.state(&watched) == "thinking"
                && reports.any(|(_, message)| message == "thinking, 0 s")
        })
        .await;
}

fn sent(scene: &Scene, request: usize) -> Value {
    scene.gateway.requests()[request].body.clone()
}

#[tokio::test]
async fn nothing_of_the_thinking_reaches_the_text_that_is_rewritten() {
    for surface in ["openai", "anthropic"] {
        for thoughts in thoughts() {
            let mut scene = thinking_scene(surface, thoughts, "new one\nnew two\n").await;
            let job = scene.start("Simplify").await;
            seen_to_think(&mut scene, &job).await;
            scene.release(2);
            assert_eq!(scene.editor.settled(&job).await, "pending", "{surface}");
            assert_eq!(scene.editor.text, scene.rewritten("new one\nnew two\n"));
            assert_eq!(
                scene.editor.states(&job),
                ["waiting", "thinking", "streaming", "pending"]
            );
            let seen = format!("{:?} {:?}", scene.editor.progress, scene.editor.traffic);
            assert!(!seen.contains(SECRET), "{surface}: {seen}");
            scene.editor.finish().await;
        }
    }
}

#[tokio::test]
async fn nothing_of_the_thinking_reaches_an_answer_or_what_is_sent_later() {
    for surface in ["openai", "anthropic"] {
        for thoughts in thoughts() {
            let mut scene = thinking_scene(surface, thoughts, "It adds.").await;
            let job = scene.start("Explain").await;
            seen_to_think(&mut scene, &job).await;
            let (start, _) = scene.selection;
            let hover = scene.editor.hover(start).await;
            assert!(hover.starts_with("*thinking*, test-model, "), "{hover}");
            scene.release(2);
            assert_eq!(scene.editor.settled(&job).await, "done", "{surface}");
            let hover = scene.editor.hover(start).await;
            assert!(hover.starts_with("It adds.\n\n---\n"), "{hover}");
            let drawn: String = scene
                .editor
                .drawn
                .iter()
                .map(|drawn| drawn["delta"].as_str().unwrap())
                .collect();
            assert_eq!(drawn, "It adds.");
            // A second question carries the first answer.
            let job = scene.start("Explain").await;
            scene.release(2);
            assert_eq!(scene.editor.settled(&job).await, "done", "{surface}");
            let second = sent(&scene, 1).to_string();
            assert!(
                second.contains("It adds.") && !second.contains(SECRET),
                "{second}"
            );
            scene.editor.finish().await;
        }
    }
}

#[tokio::test]
async fn the_setting_reaches_the_gateway_in_the_words_of_the_surface() {
    let budget = json!({"type": "enabled", "budget_tokens": 2048});
    for (surface, field, value) in [
        ("openai", "reasoning_effort", json!("low")),
        ("anthropic", "thinking", budget),
    ] {
        let mut scene = thinking_scene(surface, Vec::new(), "new\n").await;
        let job = scene.start("Simplify").await;
        scene.release(1);
        assert_eq!(scene.editor.settled(&job).await, "pending");
        assert_eq!(sent(&scene, 0)[field], value);
        scene.editor.finish().await;
    }
}
