//! The catalog as an editor sees it: there without being asked for, never waited for, and followed where a model is chosen.

use std::time::Duration;

use ezrouter_lsp::offline::{Answer, Script, State, Step};
use serde_json::{Value, json};

use crate::manner::Manner;
use crate::scene::{Plan, Scene, scene_of, whole};

fn catalog(models: &[(&str, &str)]) -> Answer {
    let entry =
        |(id, surface): &(&str, &str)| json!({"id": id, "supported_endpoint_types": [surface]});
    let data: Vec<Value> = models.iter().map(entry).collect();
    Answer::error(200, json!({"data": data}))
}

async fn scene_with(catalog: Answer, answer: Answer) -> Scene {
    let plan = Plan {
        script: Script::always(answer).catalog(catalog),
        ..Plan::default()
    };
    scene_of(Manner::Plugin, plan).await
}

async fn models(scene: &mut Scene) -> Value {
    let answer = scene.editor.command("ezrouter.models", json!({})).await;
    answer.unwrap()
}

/// Asks about the selection; gives the path and the model of the request.
async fn ask(scene: &mut Scene) -> (String, String) {
    let job = scene.start("Explain").await;
    assert_eq!(scene.editor.settled(&job).await, "done");
    let sent = scene.gateway.requests().pop().unwrap();
    (sent.path, sent.body["model"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn the_catalog_comes_by_itself_and_says_how_a_model_is_spoken_to() {
    let offered = catalog(&[
        ("test-model", "anthropic"),
        ("draws", "image-generation"),
        ("claude-new", "openai"),
    ]);
    let mut scene = scene_with(offered, whole("It adds.")).await;
    let seen = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            let seen = models(&mut scene).await;
            if seen["age"].is_u64() {
                return seen;
            }
        }
    });
    let seen = seen.await.expect("it is seen");
    assert_eq!(
        seen["models"],
        json!([
            {"id": "test-model", "surfaces": ["anthropic"]},
            {"id": "claude-new", "surfaces": ["openai"]},
        ])
    );
    assert_eq!(seen["model"], "test-model");
    let (openai, anthropic) = ("/v1/chat/completions", "/anthropic/v1/messages");
    let sent = |path: &str, model: &str| (path.to_owned(), model.to_owned());
    assert_eq!(ask(&mut scene).await, sent(anthropic, "test-model"));
    for (model, path, lack) in [
        ("claude-new", openai, None),
        (
            "claude-now",
            anthropic,
            Some(
                "claude-now is selected, but the catalog does not have it; did you mean claude-new?",
            ),
        ),
        (
            "zzz",
            openai,
            Some("zzz is selected, but the catalog does not have it"),
        ),
    ] {
        let selected = scene
            .editor
            .command("ezrouter.selectModel", json!({"model": model}))
            .await
            .unwrap();
        assert_eq!(selected["model"], model);
        assert_eq!(selected.get("message").and_then(Value::as_str), lack);
        if let Some(lack) = lack {
            assert_eq!(scene.editor.message().await, lack);
        }
        assert_eq!(ask(&mut scene).await, sent(path, model));
    }
    assert_eq!(models(&mut scene).await["model"], "zzz");
    scene.editor.finish().await;
}

#[tokio::test]
async fn nothing_waits_for_the_catalog_and_all_works_without_it() {
    for catalog in [
        Answer::stream([Step::Hang]),
        Answer::error(500, json!({"error": {"message": "down"}})),
        Answer::html(200, "<html></html>"),
    ] {
        let mut scene = scene_with(catalog, whole("It adds.")).await;
        assert_eq!(ask(&mut scene).await.1, "test-model");
        let nothing = json!({"models": [], "age": null, "model": "test-model"});
        assert_eq!(models(&mut scene).await, nothing);
        let selected = scene
            .editor
            .command("ezrouter.selectModel", json!({"model": "any"}))
            .await;
        assert_eq!(selected, Ok(json!({"model": "any"})));
        assert_eq!(ask(&mut scene).await.1, "any");
        scene.editor.finish().await;
    }
}

#[tokio::test]
async fn a_cancel_closes_the_connection_whatever_is_waited_for() {
    let stages = [
        ("waiting", vec![Step::Hang]),
        ("waiting", vec![Step::Headers, Step::Hang]),
        (
            "thinking",
            vec![Step::Thinking("hm".to_owned()), Step::Hang],
        ),
        ("streaming", vec![Step::text("x = 1\n"), Step::Hang]),
    ];
    for ((stage, steps), title) in stages
        .iter()
        .flat_map(|stage| ["Explain", "Simplify"].map(|title| (stage, title)))
    {
        let mut scene = scene_with(catalog(&[]), Answer::stream(steps.clone())).await;
        let job = scene.start(title).await;
        scene.gateway.received(1).await;
        scene
            .editor
            .until(stage, |editor| editor.state(&job) == *stage)
            .await;
        assert_eq!(scene.gateway.requests()[0].state, State::Open);
        let cancelled = scene.editor.command("ezrouter.cancel", json!({})).await;
        assert_eq!(
            cancelled,
            Ok(json!({"cancelled": [job]})),
            "{stage} {title}"
        );
        scene.gateway.closed(0).await;
        assert_eq!(scene.editor.settled(&job).await, "cancelled");
        assert_eq!(scene.editor.text, scene.original);
        scene.editor.finish().await;
    }
}

#[tokio::test]
async fn a_cancel_in_the_pause_before_a_retry_ends_the_job_at_once() {
    let busy = Answer::error(503, json!({"error": {"message": "busy"}}));
    for title in ["Explain", "Simplify"] {
        let mut scene = scene_with(catalog(&[]), busy.clone()).await;
        let job = scene.start(title).await;
        scene
            .editor
            .until("the pause", |editor| {
                let mut reports = editor.progress.values().flatten();
                reports.any(|(_, report)| report.contains("retrying in"))
            })
            .await;
        let cancelled = scene.editor.command("ezrouter.cancel", json!({})).await;
        assert_eq!(cancelled, Ok(json!({"cancelled": [job]})), "{title}");
        assert_eq!(scene.editor.settled(&job).await, "cancelled");
        assert_eq!(scene.gateway.requests().len(), 1, "{title}");
        assert_eq!(scene.editor.text, scene.original);
        scene.editor.finish().await;
    }
}
