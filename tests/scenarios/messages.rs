//! The order of what a client is told, and how much of it.

use serde_json::json;

use crate::manner::Manner;
use crate::scene::{gated, scene};

#[tokio::test]
async fn a_job_is_told_from_its_reply_to_its_one_end_in_order() {
    let mut scene = scene(Manner::Helix, [gated(&["new one\n", "new two\n"])]).await;
    let job = scene.start("Simplify").await;
    scene.release(3);
    scene.editor.settled(&job).await;
    let traffic = scene.editor.traffic.clone();
    let place = |part: &str| {
        traffic
            .iter()
            .position(|line| line.contains(part))
            .unwrap_or_else(|| panic!("{part}: {traffic:#?}"))
    };
    assert!(
        place("response (workspace/executeCommand)") < place("workDoneProgress/create"),
        "{traffic:#?}"
    );
    assert!(place("workDoneProgress/create") < place("$/progress begin"));
    assert!(place("$/progress begin") < place("$/progress end"));
    let last_edit = traffic
        .iter()
        .rposition(|line| line.contains("didChange"))
        .unwrap();
    assert!(last_edit < place("$/progress end"), "{traffic:#?}");
    assert!(
        place("$/progress end") < place("ezrouter/job pending"),
        "{traffic:#?}"
    );
    assert_eq!(
        scene.editor.states(&job),
        ["waiting", "streaming", "pending"]
    );
    scene.editor.finish().await;
}

#[tokio::test]
async fn a_client_that_refuses_progress_gets_none() {
    let mut scene = scene(Manner::Helix, [gated(&["new\n"])]).await;
    scene.editor.agrees_to_progress = false;
    let job = scene.start("Simplify").await;
    scene.release(2);
    assert_eq!(scene.editor.settled(&job).await, "pending");
    assert!(scene.editor.progress.is_empty());
    scene.editor.finish().await;
}

#[tokio::test]
async fn stop_is_offered_in_every_document_while_a_job_runs_and_then_no_more() {
    let mut scene = scene(Manner::Helix, [gated(&["new\n"])]).await;
    scene
        .editor
        .open_document("file:///project/other.py", "python", "other\n");
    let job = scene.start("Simplify").await;
    let params = json!({
        "textDocument": {"uri": "file:///project/other.py"}, "context": {"diagnostics": [], "triggerKind": 1},
        "range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}},
    });
    let actions = scene
        .editor
        .ask("textDocument/codeAction", &params)
        .await
        .unwrap();
    assert_eq!(actions[0]["title"], "Stop (Simplify)");
    assert_eq!(actions[0]["kind"], "quickfix");
    assert_eq!(actions[0]["command"]["arguments"], json!([{"job": job}]));
    scene
        .editor
        .command("ezrouter.cancel", json!({"job": job}))
        .await
        .unwrap();
    scene.editor.settled(&job).await;
    let actions = scene
        .editor
        .ask("textDocument/codeAction", &params)
        .await
        .unwrap();
    assert_eq!(actions, json!([]));
    scene.editor.finish().await;
}

#[tokio::test]
async fn the_status_tells_jobs_and_settings_and_never_the_key() {
    let mut scene = scene(Manner::Helix, [gated(&["new\n"])]).await;
    let job = scene.start("Simplify").await;
    let selected = scene
        .editor
        .command("ezrouter.selectModel", json!({"model": "other-model"}))
        .await;
    assert_eq!(selected, Ok(json!({"model": "other-model"})));
    let status = scene
        .editor
        .command("ezrouter.status", json!({}))
        .await
        .unwrap();
    assert_eq!(status["settings"]["model"], "other-model");
    assert_eq!(status["settings"]["key"], "EZROUTER_API_KEY");
    assert_eq!(status["jobs"][0]["job"], job.as_str());
    assert!(!status.to_string().contains("sk-scenario-key"), "{status}");
    scene
        .editor
        .command("ezrouter.cancel", json!(null))
        .await
        .unwrap();
    scene.editor.settled(&job).await;
    scene.editor.finish().await;
}
