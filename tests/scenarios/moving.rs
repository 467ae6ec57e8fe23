//! A file that gets another name in the middle of a rewrite, as editors tell it: one document is closed, another is opened with
//! the same text. The text from before is one action away there.

use std::fs;

use serde_json::json;

use crate::manner::Manner;
use crate::scene::{Scene, gated, scene};

const MOVED: &str = "file:///project/src/b.py";
const OTHER: &str = "file:///project/src/c.py";
const RESTORE: &str = "Restore the text from before the interrupted rewrite";
const OFFERED: &str = "Simplify was interrupted in b.py; the list of code actions has: \
                       Restore the text from before the interrupted rewrite";

/// A rewrite that has written half of its text when its document is closed.
async fn closed_half_way() -> (Scene, String) {
    let mut scene = scene(Manner::Helix, [gated(&["new one\n", "new", " two\n"])]).await;
    let job = scene.start("Simplify").await;
    scene.release(2);
    scene.shows("new one\nnew").await;
    scene.editor.close_document();
    (scene, job)
}

async fn offers(scene: &mut Scene) -> usize {
    let actions = scene.editor.actions(0, 0).await;
    let is_offer = |action: &&serde_json::Value| action["title"] == RESTORE;
    actions.iter().filter(is_offer).count()
}

fn entries(scene: &Scene) -> usize {
    fs::read_dir(scene.state.path().join("journal"))
        .unwrap()
        .count()
}

/// Takes the offer, and nothing is left of the rewrite then.
async fn restore(scene: &mut Scene) {
    assert_eq!(scene.editor.message().await, OFFERED);
    assert_eq!(offers(scene).await, 1);
    scene.editor.choose(0, 0, RESTORE).await;
    scene.shows("above\nold one\nold two\n").await;
    scene.editor.flush();
    assert_eq!(scene.editor.text, scene.original);
    assert_eq!(offers(scene).await, 0, "offered once");
    while entries(scene) != 0 {
        scene.editor.hover(0).await;
    }
}

#[tokio::test]
async fn a_file_renamed_in_mid_rewrite_gets_the_text_from_before_under_its_new_name() {
    // Opened under the new name at once, or only after the rewrite was given up.
    for at_once in [true, false] {
        let (mut scene, job) = closed_half_way().await;
        let half = scene.editor.text.clone();
        if at_once {
            scene.editor.turn_to(MOVED, "python", &half);
        }
        assert_eq!(scene.editor.settled(&job).await, "cancelled");
        if !at_once {
            scene.editor.turn_to(MOVED, "python", &half);
        }
        restore(&mut scene).await;
        scene.editor.finish().await;
    }
}

#[tokio::test]
async fn an_offer_that_was_not_taken_is_made_again_and_follows_the_text() {
    let (mut scene, job) = closed_half_way().await;
    assert_eq!(scene.editor.settled(&job).await, "cancelled");
    let half = scene.editor.text.clone();
    for text in [half.clone(), format!("typed\n{half}")] {
        scene.editor.turn_to(MOVED, "python", &text);
        assert_eq!(scene.editor.message().await, OFFERED);
        assert_eq!(offers(&mut scene).await, 1);
        scene.editor.close_document();
    }
    scene.editor.turn_to(MOVED, "python", &half);
    restore(&mut scene).await;
    scene.editor.finish().await;
}

#[tokio::test]
async fn nothing_is_offered_where_the_half_written_text_does_not_stand() {
    let (mut scene, job) = closed_half_way().await;
    let (half, original) = (scene.editor.text.clone(), scene.original.clone());
    let uri = scene.editor.uri.clone();
    let alike = half.replace("new one", "no one");
    scene.editor.turn_to(MOVED, "python", &original);
    scene.editor.turn_to(OTHER, "python", &alike);
    assert_eq!(scene.editor.settled(&job).await, "cancelled");
    for text in [&original, &alike, &format!("{half}{half}"), &String::new()] {
        scene.editor.close_document();
        scene.editor.turn_to(OTHER, "python", text);
        for _ in 0..20 {
            assert_eq!(offers(&mut scene).await, 0, "{text:?}");
        }
        assert_eq!(entries(&scene), 1, "{text:?}");
    }
    assert_eq!(scene.editor.take_messages(), [""; 0]);
    // It still is for the file that it was about.
    scene.editor.turn_to(&uri, "python", &half);
    let message = scene.editor.message().await;
    assert!(
        message.starts_with("Simplify was interrupted in a.py"),
        "{message}"
    );
    let answer = scene
        .editor
        .command("ezrouter.restore", json!({"uri": uri}));
    assert_eq!(answer.await.unwrap(), json!({"ok": true, "kept": []}));
    scene.shows("above\nold one\nold two\n").await;
    scene.editor.finish().await;
}
