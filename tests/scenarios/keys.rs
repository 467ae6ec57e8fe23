//! The key as the server gets it: from a command or a file that the user file names, asked for while everything else goes on,
//! and taken over when it changes.
#![cfg(unix)]

use std::fs;
use std::path::Path;

use ezrouter_lsp::offline::{Answer, Script};
use serde_json::json;

use crate::manner::Manner;
use crate::scene::{Plan, Scene, scene_of, whole};

/// A plan without a key in the environment, with a user file that reads so.
fn plan(directory: &Path, text: &str) -> Plan<'static> {
    let file = directory.join("config.toml");
    fs::write(&file, text).unwrap();
    Plan {
        script: Script::always(whole("Because.")),
        variables: vec![
            ("EZROUTER_CONFIG", file.to_string_lossy().into_owned()),
            ("EZROUTER_API_KEY", String::new()),
        ],
        ..Plan::default()
    }
}

/// Asks about the selection, and gives the key that the last request carried.
async fn key_sent(scene: &mut Scene) -> String {
    let job = scene.start("Explain").await;
    assert_eq!(scene.editor.settled(&job).await, "done");
    assert!(scene.editor.message().await.starts_with("Answer ready"));
    let requests = scene.gateway.requests();
    let bearer = requests.last().unwrap().header("authorization").unwrap();
    bearer.strip_prefix("Bearer ").unwrap().to_owned()
}

#[tokio::test]
async fn a_changed_source_is_taken_over_without_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let plan = plan(directory.path(), "api_key_command = ['printf', 'sk-one']");
    let mut scene = scene_of(Manner::Helix, plan).await;
    assert_eq!(key_sent(&mut scene).await, "sk-one");
    let file = directory.path().join("config.toml");
    fs::write(&file, "api_key_command = ['printf', 'sk-other']").unwrap();
    assert_eq!(key_sent(&mut scene).await, "sk-other");
    let key = directory.path().join("key");
    fs::write(&file, "api_key_file = 'key'").unwrap();
    fs::write(&key, "sk-file").unwrap();
    fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let job = scene.start("Explain").await;
    assert_eq!(scene.editor.settled(&job).await, "failed");
    let message = scene.editor.message().await;
    assert!(
        message.contains("can be used by other users (mode 0644); chmod 600 it"),
        "{message}"
    );
    fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    assert_eq!(key_sent(&mut scene).await, "sk-file");
    let status = scene
        .editor
        .command("ezrouter.status", json!({}))
        .await
        .unwrap();
    let name = status["settings"]["key"].as_str().unwrap();
    assert!(name.starts_with("api_key_file ("), "{status}");
    scene.editor.finish().await;
}

#[tokio::test]
async fn a_command_whose_answer_stays_the_same_is_run_again_when_settings_change_or_its_key_is_refused()
 {
    let directory = tempfile::tempdir().unwrap();
    let runs = directory.path().join("runs");
    let script = format!("echo run >> '{}'; echo sk-same", runs.display());
    let text = format!("api_key_command = ['sh', '-c', \"{script}\"]");
    let mut scene = scene_of(Manner::Helix, plan(directory.path(), &text)).await;
    let count = || fs::read_to_string(&runs).unwrap().lines().count();
    for _ in 0..3 {
        assert_eq!(key_sent(&mut scene).await, "sk-same");
        assert_eq!(count(), 1);
    }
    let settings = json!({"settings": {"ezrouter": {"redact": true}}});
    scene
        .editor
        .tell("workspace/didChangeConfiguration", &settings);
    assert_eq!(key_sent(&mut scene).await, "sk-same");
    assert_eq!(count(), 2);
    scene.editor.finish().await;
}

#[tokio::test]
async fn a_command_that_waits_for_a_person_holds_nothing_up_and_says_so() {
    let directory = tempfile::tempdir().unwrap();
    // A file that is made stands for a password that is typed.
    let typed = directory.path().join("typed");
    let script = format!(
        "until [ -e '{}' ]; do sleep 0.02; done; echo sk-late",
        typed.display()
    );
    let text = format!("api_key_command = ['sh', '-c', \"{script}\"]");
    let mut scene = scene_of(Manner::VsCode, plan(directory.path(), &text)).await;
    let job = scene.start("Explain").await;
    assert_eq!(scene.editor.hover(0).await, "");
    let (start, _) = scene.selection;
    let waits = |text: &str| text.contains("waiting for the api_key_command (sh)");
    scene
        .editor
        .until("a report of the wait", |editor| {
            let reports = editor.progress.values().flatten();
            reports.into_iter().any(|(_, message)| waits(message))
        })
        .await;
    let hover = scene.editor.hover(start).await;
    assert!(waits(&hover), "{hover}");
    assert_eq!(scene.gateway.connections(), 0);
    let stopped = scene
        .editor
        .command("ezrouter.cancel", json!({"job": job}))
        .await;
    assert_eq!(stopped, Ok(json!({"cancelled": [job]})));
    assert_eq!(scene.editor.settled(&job).await, "cancelled");
    let again = scene.start("Explain").await;
    fs::write(&typed, "").unwrap();
    assert_eq!(scene.editor.settled(&again).await, "done");
    assert!(scene.editor.message().await.starts_with("Answer ready"));
    scene.editor.finish().await;
}

#[tokio::test]
async fn a_command_that_fails_is_named_with_what_it_complains_of() {
    let directory = tempfile::tempdir().unwrap();
    let text = "api_key_command = ['sh', '-c', 'echo store is locked >&2; exit 1']";
    let mut scene = scene_of(Manner::Helix, plan(directory.path(), text)).await;
    let job = scene.start("Explain").await;
    assert_eq!(scene.editor.settled(&job).await, "failed");
    assert_eq!(
        scene.editor.message().await,
        "Explain failed: The api_key_command (sh) fails (exit status: 1): store is locked. Run that command in a terminal \
         to see what it needs."
    );
    assert_eq!(scene.gateway.connections(), 0);
    scene.editor.finish().await;
}

#[tokio::test]
async fn a_key_that_was_replaced_at_the_gateway_is_asked_for_again() {
    let directory = tempfile::tempdir().unwrap();
    let key = directory.path().join("key");
    let text = format!("api_key_command = ['cat', '{}']", key.display());
    fs::write(&key, "sk-old").unwrap();
    let refusal = json!({"error": {"message": "no", "type": "authentication_error"}});
    let answers = [
        whole("First."),
        Answer::error(401, refusal),
        whole("Second."),
    ];
    let plan = Plan {
        script: Script::new(answers),
        ..plan(directory.path(), &text)
    };
    let mut scene = scene_of(Manner::Helix, plan).await;
    assert_eq!(key_sent(&mut scene).await, "sk-old");
    fs::write(&key, "sk-new").unwrap();
    assert_eq!(key_sent(&mut scene).await, "sk-new");
    assert_eq!(scene.gateway.requests().len(), 3);
    scene.editor.finish().await;
}
