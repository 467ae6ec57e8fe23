//! The order of what a client is told, and how much of it.

use ezrouter_lsp::offline::{Answer, Script};
use serde_json::json;

use crate::manner::Manner;
use crate::scene::{Plan, gated, scene, scene_of};

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
    let titles: Vec<&str> = actions
        .as_array()
        .unwrap()
        .iter()
        .map(|action| action["title"].as_str().unwrap())
        .collect();
    assert_eq!(titles, ["Continue"], "nothing to stop any more");
    scene.editor.finish().await;
}

#[tokio::test]
async fn a_message_offers_no_link_whoever_wrote_it() {
    let said = "Wrong: [press](command:workbench.action.quit) this";
    let plan = Plan {
        script: Script::new([Answer::error(400, json!({"error": {"message": said}}))]),
        ..Plan::default()
    };
    let mut scene = scene_of(Manner::VsCode, plan).await;
    let argument = json!({
        "uri": scene.editor.uri.clone(),
        "range": scene.editor.range(0, 5),
        "question": "Is [this](command:workbench.action.quit) right?",
    });
    let job = scene
        .editor
        .command("ezrouter.ask", argument)
        .await
        .unwrap();
    let job = job["job"].as_str().unwrap();
    assert_eq!(scene.editor.settled(job).await, "failed");
    let message = scene.editor.message().await;
    assert!(message.contains("[this] (command:"), "{message}");
    assert!(message.contains("[press] (command:"), "{message}");
    let told: Vec<_> = scene.editor.progress.values().flatten().collect();
    assert!(!told.is_empty());
    for (_, words) in told {
        assert!(!words.contains("]("), "{words}");
    }
    scene.editor.finish().await;
}

#[tokio::test]
async fn the_status_is_safe_to_paste() {
    let home = tempfile::tempdir().unwrap();
    let user_file = home.path().join("config.toml");
    let text = "instructions = 'xyzzy'\nexclude = ['xyzzy']\nlog = '~/log'\napi_key_command = ['printf', 'xyzzy']\n\
                proxy = 'http://xyzzy:xyzzy@proxy.example:3128'\nca_file = '/ca.pem'\nnonsense = 1\n";
    std::fs::write(&user_file, text).unwrap();
    let path = |path: &std::path::Path| path.to_string_lossy().into_owned();
    let uri = format!("file://{}/work/a.py", path(home.path()));
    let plan = Plan {
        uri: &uri,
        before: "«xyzzy\n»",
        script: Script::new([Answer::error(400, json!({"error": {"message": "no"}}))]),
        variables: vec![
            ("HOME", path(home.path())),
            ("EZROUTER_CONFIG", path(&user_file)),
            ("EZROUTER_API_KEY", String::new()),
        ],
        ..Plan::default()
    };
    let mut scene = scene_of(Manner::Helix, plan).await;
    assert!(
        scene
            .editor
            .message()
            .await
            .contains("~/config.toml:7: there is no setting nonsense")
    );
    let range = scene.editor.range(0, 5);
    let argument = json!({"uri": uri, "range": range, "question": "What is xyzzy?"});
    let job = scene
        .editor
        .command("ezrouter.ask", argument)
        .await
        .unwrap();
    assert_eq!(
        scene.editor.settled(job["job"].as_str().unwrap()).await,
        "failed"
    );
    scene.editor.message().await;
    let status = scene
        .editor
        .command("ezrouter.status", json!({}))
        .await
        .unwrap();
    let shown = status.to_string();
    assert!(
        !shown.contains("xyzzy") && !shown.contains(&path(home.path())),
        "{status:#}"
    );
    assert_eq!(status["jobs"][0]["uri"], "file://~/work/a.py");
    assert_eq!(status["jobs"][0]["title"], "in the user's words");
    assert_eq!(status["jobs"][0]["requestId"], "standin-request");
    let settings = &status["settings"];
    assert_eq!(settings["instructions"], json!({"bytes": 5}));
    assert_eq!(settings["exclude"], json!({"entries": 1}));
    assert_eq!(settings["log"], "~/log");
    assert_eq!(settings["proxy"], "proxy.example:3128");
    assert_eq!(settings["key"], "api_key_command (printf)");
    assert_eq!(settings["timeouts.connect_s"], 10);
    assert_eq!(status["sources"]["model"], "EZROUTER_MODEL");
    assert_eq!(status["sources"]["log"], "~/config.toml:3");
    scene.editor.finish().await;
}

#[tokio::test]
async fn the_status_tells_jobs_and_settings_and_never_the_key() {
    let mut scene = scene(Manner::Helix, [gated(&["new\n"])]).await;
    let job = scene.start("Simplify").await;
    let selected = scene
        .editor
        .command("ezrouter.selectModel", json!({"model": "standin"}))
        .await;
    assert_eq!(selected, Ok(json!({"model": "standin"})));
    let status = scene
        .editor
        .command("ezrouter.status", json!({}))
        .await
        .unwrap();
    assert_eq!(status["settings"]["model"], "standin");
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
