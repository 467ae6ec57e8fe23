//! Whatever the gateway does wrong: the original stands, and one message says what happened and what to do.

use ezrouter_lsp::offline::{Answer, Script, Standin, Step};
use serde_json::json;

use crate::manner::Manner;
use crate::scene::{Plan, scene_of, whole};

fn stream(steps: &[Step]) -> Answer {
    Answer::stream(steps.to_vec())
}

#[tokio::test]
async fn every_fault_gives_the_original_back_and_one_message() {
    let refusal = json!({"error": {"code": "invalid_api_key", "message": "Invalid token", "type": "authentication_error"}});
    let broken =
        json!({"error": {"message": "upstream down", "type": "new_api_error", "code": ""}});
    let tail = br#"{"error":{"code":"do_request_failed","message":"upstream error","type":"new_api_error"}}"#.to_vec();
    let cases = [
        ("wrong key", Answer::error(401, refusal), "EZROUTER_API_KEY"),
        (
            "wrong address",
            Answer::html(200, "<html>hello</html>"),
            "base",
        ),
        ("server error", Answer::error(500, broken), "500"),
        ("empty", whole(""), "without any text"),
        (
            "only chatter",
            whole("Here is the code:\n"),
            "answered in words and gave no text for the selection: Here is the code:",
        ),
        (
            "refused by the model",
            whole("EZROUTER_CANNOT: there is no code here"),
            "there is no code here",
        ),
        (
            "filtered",
            stream(&[
                Step::text("x = 1"),
                Step::finish("content_filter"),
                Step::Done,
            ]),
            "refused",
        ),
        ("cut", stream(&[Step::text("x = 1"), Step::Cut]), ""),
        (
            "a useless terminator",
            stream(&[Step::text("x = 1"), Step::Done]),
            "",
        ),
        ("reset", stream(&[Step::text("x = 1"), Step::Reset]), ""),
        (
            "a bare error at the end",
            stream(&[Step::text("x = 1"), Step::Raw(tail), Step::Cut]),
            "upstream error",
        ),
        (
            "silence",
            stream(&[Step::text("x = 1"), Step::Hang]),
            "0.3 s",
        ),
    ];
    for (name, answer, part) in cases {
        let settings = json!({"retry": {"attempts": 1}, "timeouts": {"idle_s": 0.3}});
        let script = Script::new([answer]);
        let mut scene = scene_of(
            Manner::Helix,
            Plan {
                settings,
                script,
                ..Plan::default()
            },
        )
        .await;
        let job = scene.start("Simplify").await;
        assert_eq!(scene.editor.settled(&job).await, "failed", "{name}");
        assert_eq!(scene.editor.text, scene.original, "{name}");
        let message = scene.editor.message().await;
        assert!(
            message.starts_with("Simplify failed: "),
            "{name}: {message}"
        );
        assert!(message.contains(part), "{name}: {message}");
        assert!(!message.contains("sk-scenario-key"), "{name}: {message}");
        let (_, end) = scene
            .editor
            .progress
            .values()
            .next()
            .unwrap()
            .last()
            .unwrap()
            .clone();
        assert!(end.starts_with("failed: "), "{name}: {end}");
        scene.editor.finish().await;
    }
}

#[tokio::test]
async fn an_answer_cut_at_the_limit_is_parked_and_says_so() {
    let answer = stream(&[
        Step::text("new one\nnew"),
        Step::finish("length"),
        Step::Done,
    ]);
    let script = Script::new([answer]);
    let mut scene = scene_of(
        Manner::Helix,
        Plan {
            script,
            ..Plan::default()
        },
    )
    .await;
    let job = scene.start("Simplify").await;
    assert_eq!(scene.editor.settled(&job).await, "pending");
    assert_eq!(scene.editor.jobs[&job].last().unwrap()["parked"], true);
    let message = scene.editor.message().await;
    assert!(
        message.contains("cut off after 8192 tokens (max_output_tokens)"),
        "{message}"
    );
    let (start, _) = scene.selection;
    scene
        .editor
        .choose(start, start + 3, "Restore the original")
        .await;
    let watched = job.clone();
    scene
        .editor
        .until("the original", move |editor| {
            editor.state(&watched) == "cancelled"
        })
        .await;
    assert_eq!(scene.editor.text, scene.original);
    scene.editor.finish().await;
}

#[tokio::test]
async fn without_a_key_the_message_says_which_variable_to_set() {
    let variables = vec![("EZROUTER_API_KEY", String::new())];
    let mut scene = scene_of(
        Manner::Helix,
        Plan {
            variables,
            script: Script::new([whole("x")]),
            ..Plan::default()
        },
    )
    .await;
    let job = scene.start("Simplify").await;
    assert_eq!(scene.editor.settled(&job).await, "failed");
    let message = scene.editor.message().await;
    assert!(message.contains("EZROUTER_API_KEY"), "{message}");
    assert_eq!(scene.gateway.requests().len(), 0);
    scene.editor.finish().await;
}

#[tokio::test]
async fn an_address_where_nobody_listens_is_named() {
    let unused = Standin::start(Script::default()).await.unwrap();
    let variables = vec![("EZROUTER_BASE_URL", unused.base_url())];
    drop(unused);
    let settings = json!({"retry": {"attempts": 1}});
    let script = Script::new([whole("x")]);
    let mut scene = scene_of(
        Manner::Helix,
        Plan {
            settings,
            script,
            variables,
            ..Plan::default()
        },
    )
    .await;
    let job = scene.start("Simplify").await;
    assert_eq!(scene.editor.settled(&job).await, "failed");
    let message = scene.editor.message().await;
    assert!(message.contains("127.0.0.1"), "{message}");
    scene.editor.finish().await;
}

#[tokio::test]
async fn a_retry_is_seen_in_the_progress_and_the_job_goes_on() {
    let broken = Answer::html(502, "<html>Bad Gateway</html>");
    let script = Script::new([broken, whole("new\n")]);
    let mut scene = scene_of(
        Manner::Helix,
        Plan {
            script,
            ..Plan::default()
        },
    )
    .await;
    let job = scene.start("Simplify").await;
    assert_eq!(scene.editor.settled(&job).await, "pending");
    assert_eq!(scene.editor.text, scene.rewritten("new\n"));
    let reports: Vec<String> = scene
        .editor
        .progress
        .values()
        .flatten()
        .map(|(_, message)| message.clone())
        .collect();
    assert!(
        reports
            .iter()
            .any(|report| report.contains("retrying in 1 s, attempt 2 of 5: 502")),
        "{reports:?}"
    );
    assert_eq!(scene.gateway.requests().len(), 2);
    scene.editor.finish().await;
}

#[tokio::test]
async fn a_failed_question_keeps_what_came_and_leaves_no_trace_in_the_conversation() {
    let script = Script::new([
        stream(&[Step::text("Half an "), Step::Cut]),
        whole("Whole."),
    ]);
    let settings = json!({"retry": {"attempts": 1}});
    let mut scene = scene_of(
        Manner::Helix,
        Plan {
            settings,
            script,
            ..Plan::default()
        },
    )
    .await;
    let job = scene.start("Explain").await;
    assert_eq!(scene.editor.settled(&job).await, "failed");
    scene.editor.message().await;
    let (start, _) = scene.selection;
    assert!(scene.editor.hover(start).await.starts_with("Half an"));
    let job = scene.start("Explain").await;
    assert_eq!(scene.editor.settled(&job).await, "done");
    scene.editor.message().await;
    assert_eq!(
        scene.gateway.requests()[1].body["messages"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    scene.editor.finish().await;
}
