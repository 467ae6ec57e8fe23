//! What ends a pending rewrite, and what does not.

use ezrouter_lsp::offline::{Answer, Script, Step};
use serde_json::json;

use crate::manner::Manner;
use crate::scene::{Plan, Scene, scene_of, whole};

const NEW: &str = "new one\nnew two\n";

async fn pending() -> (Scene, String) {
    let answers = [whole(NEW), whole("newer one\n")];
    let plan = Plan {
        script: Script::new(answers),
        ..Plan::default()
    };
    let mut scene = scene_of(Manner::Helix, plan).await;
    let job = scene.start("Simplify").await;
    assert_eq!(scene.editor.settled(&job).await, "pending");
    (scene, job)
}

async fn becomes(scene: &mut Scene, job: &str, state: &'static str) {
    let watched = job.to_owned();
    scene
        .editor
        .until(state, move |editor| editor.state(&watched) == state)
        .await;
}

#[tokio::test]
async fn saving_and_a_reload_keep_it() {
    let (mut scene, job) = pending().await;
    let uri = scene.editor.uri.clone();
    let saved = json!({"textDocument": {"uri": uri}});
    scene.editor.tell("textDocument/didSave", &saved);
    scene.editor.close_document();
    let text = format!("# formatted\n{}", scene.editor.text);
    scene.editor.text.clone_from(&text);
    scene.editor.reload(&uri, &text);
    let at = text.find("new one").unwrap();
    scene.editor.choose(at, at, "Reject").await;
    becomes(&mut scene, &job, "cancelled").await;
    assert_eq!(
        scene.editor.text,
        format!("# formatted\n{}", scene.original)
    );
    scene.editor.finish().await;
}

#[tokio::test]
async fn closing_for_good_ends_it() {
    let (mut scene, job) = pending().await;
    scene.editor.close_document();
    becomes(&mut scene, &job, "done").await;
    scene.editor.finish().await;
}

#[tokio::test]
async fn another_rewrite_of_its_text_accepts_it_first() {
    let (mut scene, job) = pending().await;
    let at = scene.editor.text.find("new one").unwrap();
    let answer = scene.editor.choose(at, at + NEW.len(), "Simplify").await;
    becomes(&mut scene, &job, "done").await;
    let second = answer["job"].as_str().unwrap().to_owned();
    assert_eq!(scene.editor.settled(&second).await, "pending");
    assert_eq!(scene.editor.text, scene.rewritten("newer one\n"));
    let at = scene.editor.text.find("newer one").unwrap();
    scene.editor.choose(at, at, "Reject").await;
    becomes(&mut scene, &second, "cancelled").await;
    assert_eq!(
        scene.editor.text,
        scene.rewritten(NEW),
        "the first one was accepted"
    );
    scene.editor.finish().await;
}

#[tokio::test]
async fn with_its_text_gone_it_is_over() {
    let (mut scene, job) = pending().await;
    let (start, _) = scene.selection;
    scene.editor.type_over(start, start + NEW.len(), "");
    becomes(&mut scene, &job, "done").await;
    scene.editor.finish().await;
}

#[tokio::test]
async fn what_there_is_of_an_answer_that_was_cut_is_shown_as_a_diff() {
    let answer = Answer::stream([
        Step::text("new one\nnew"),
        Step::finish("length"),
        Step::Done,
    ]);
    let plan = Plan {
        script: Script::new([answer]),
        ..Plan::default()
    };
    let mut scene = scene_of(Manner::VsCode, plan).await;
    let job = scene.start("Simplify").await;
    assert_eq!(scene.editor.settled(&job).await, "pending");
    let message = scene.editor.message().await;
    assert!(message.contains("cut off"), "{message}");
    let (start, _) = scene.selection;
    let answer = scene.editor.choose(start, start, "Show diff").await;
    // The file is written behind the answer, and then the editor is asked to open it.
    scene
        .editor
        .until("the diff", |editor| !editor.opened.is_empty())
        .await;
    let path = answer["uri"]
        .as_str()
        .unwrap()
        .trim_start_matches("file://");
    let diff = std::fs::read_to_string(path).unwrap();
    assert!(
        diff.contains("-old one\n") && diff.contains("+new one\n"),
        "{diff}"
    );
    scene.editor.finish().await;
}
