//! What a user is told before anything is sent: once, in one sentence, in a way that blocks nothing.

use std::fs;

use ezrouter_lsp::first_use::MARK;
use ezrouter_lsp::offline::Script;
use serde_json::json;

use crate::manner::Manner;
use crate::scene::{Plan, scene_of, whole};

fn plan() -> Plan<'static> {
    Plan {
        script: Script::always(whole("Because.")),
        has_been_told: false,
        ..Plan::default()
    }
}

#[tokio::test]
async fn a_new_user_is_told_once_what_is_sent_where() {
    let mut scene = scene_of(Manner::Helix, plan()).await;
    let message = scene.editor.message().await;
    let host = scene.gateway.base_url().replace("http://", "");
    let parts = [
        "the text that you ask about",
        "the code around it",
        "the file's path in its project",
        &host,
        "never sent",
    ];
    for part in parts {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert_eq!(scene.gateway.requests().len(), 0, "nothing was sent before");
    assert!(scene.state.path().join(MARK).exists());
    let state = scene.state.path().to_string_lossy().into_owned();
    scene.editor.finish().await;
    // The next server of the same user has nothing to say.
    let variables = vec![("EZROUTER_STATE_DIR", state)];
    let mut later = scene_of(
        Manner::Helix,
        Plan {
            variables,
            ..plan()
        },
    )
    .await;
    let job = later.start("Explain").await;
    assert_eq!(later.editor.settled(&job).await, "done");
    assert!(later.editor.message().await.starts_with("Answer ready"));
    later.editor.finish().await;
}

#[tokio::test]
async fn in_neovim_it_goes_to_the_log_so_that_no_prompt_blocks_the_editor() {
    let mut scene = scene_of(Manner::Neovim(150), plan()).await;
    let said = |editor: &crate::editor::Editor| {
        editor.logged.iter().any(|line| line.contains("never sent"))
    };
    scene.editor.until("a line in the log", said).await;
    scene.editor.finish().await;
}

#[tokio::test]
async fn where_it_cannot_be_remembered_it_is_only_logged() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let below = file.join("state").to_string_lossy().into_owned();
    let variables = vec![("EZROUTER_STATE_DIR", below)];
    let mut scene = scene_of(
        Manner::Helix,
        Plan {
            variables,
            ..plan()
        },
    )
    .await;
    let said = |editor: &crate::editor::Editor| {
        editor.logged.iter().any(|line| line.contains("never sent"))
    };
    scene.editor.until("a line in the log", said).await;
    scene.editor.finish().await;
}

#[tokio::test]
async fn offline_nothing_is_sent_and_nothing_is_said() {
    let variables = vec![("EZROUTER_OFFLINE", "1".to_owned())];
    let mut scene = scene_of(
        Manner::Helix,
        Plan {
            variables,
            ..plan()
        },
    )
    .await;
    scene
        .editor
        .command("ezrouter.status", json!({}))
        .await
        .unwrap();
    assert!(!scene.state.path().join(MARK).exists());
    scene.editor.finish().await;
}
