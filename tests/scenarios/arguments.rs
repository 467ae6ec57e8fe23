//! Arguments of commands that are not what they must be: an error names them, and no job notices.

use ezrouter_lsp::offline::Script;
use serde_json::json;

use crate::manner::Manner;
use crate::scene::{Plan, Scene, gated, scene_of, whole};

/// A text of two places that the answer changes.
const PLACES: &str = "above\n«one = 1\nkeep()\ntwo = 2\n»below\n";
const CHANGED: &str = "one = 10\nkeep()\ntwo = 20\n";

/// A scene with a rewrite to review and a question that is being answered, and their jobs.
async fn at_work() -> (Scene, String, String) {
    let plan = Plan {
        before: PLACES,
        script: Script::new([whole(CHANGED), gated(&["It counts."])]),
        ..Plan::default()
    };
    let mut scene = scene_of(Manner::Helix, plan).await;
    let rewrite = scene.start("Simplify").await;
    assert_eq!(scene.editor.settled(&rewrite).await, "pending");
    let question = scene.start_at(0, 5, "Explain").await;
    scene.gateway.received(2).await;
    (scene, rewrite, question)
}

/// A command, its argument, and what the error says. JOB is a rewrite to review, HERE a document and a range in it.
const WRONG: &str = r#"
cancel {"job": 999} -> job must be text, not a number
cancel {"job": [JOB]} -> job must be text, not a list
cancel {"job": {"job": JOB}} -> job must be text, not an object
cancel {"job": false} -> job must be text, not true or false
cancel JOB -> the argument of a command must be an object, not text
cancel 7 -> the argument of a command must be an object, not a number
cancel [JOB] -> the argument of a command must be an object, not a list
accept {"job": 1} -> job must be text, not a number
reject {"job": 1} -> job must be text, not a number
accept {"job": JOB, "hunk": "0"} -> hunk must be a whole number that is not negative, not text
reject {"job": JOB, "hunk": "0"} -> hunk must be a whole number that is not negative, not text
reject {"job": JOB, "hunk": -1} -> hunk must be a whole number that is not negative, not -1
reject {"job": JOB, "hunk": 0.5} -> hunk must be a whole number that is not negative, not 0.5
reject {"uri": 7} -> uri must be text, not a number
reject {HERE, "position": 7} -> position must be an object, not a number
reject {HERE, "position": {"line": "9"}} -> position.line must be a number, not text
retry {"job": 1} -> job must be text, not a number
retry {"job": JOB, "instruction": 7} -> instruction must be text, not a number
retry {"job": JOB, "model": 7} -> model must be text, not a number
apply {"job": 1} -> job must be text, not a number
dismiss {"job": 1} -> job must be text, not a number
showAnswer {"job": 1} -> job must be text, not a number
showDiff {"job": 1} -> job must be text, not a number
restore {"uri": 1} -> uri must be text, not a number
restore {HERE, "finished": "true"} -> finished must be true or false, not text
ask {"range": "all", "question": "Why?"} -> range must be an object, not text
ask {"range": {"start": [0, 0]}} -> range.start must be an object, not a list
ask {HERE, "question": ["Why?"]} -> question must be text, not a list
ask {HERE, "diagnostics": 7} -> diagnostics must be a list, not a number
ask {HERE, "action": 7} -> action must be text, not a number
rewrite {HERE, "instruction": 7} -> instruction must be text, not a number
rewrite {HERE, "model": {}} -> model must be text, not an object
rewrite {HERE, "target": 7} -> target must be text, not a number
rewrite {HERE, "version": "1"} -> version must be a whole number, not text
showRequest {HERE, "kind": 7} -> kind must be text, not a number
openConversation {"conversation": 7} -> conversation must be text, not a number
deleteConversation {"conversation": 7} -> conversation must be text, not a number
newConversation {"uri": 7} -> uri must be text, not a number
send {"uri": 7} -> uri must be text, not a number
selectModel {"model": 7} -> model must be text, not a number
"#;

#[tokio::test]
async fn an_argument_of_the_wrong_form_is_named_and_no_job_changes() {
    let (mut scene, rewrite, question) = at_work().await;
    let here = json!({"uri": scene.editor.uri, "range": scene.editor.range(0, 6)}).to_string();
    let table = WRONG.replace("JOB", &json!(rewrite).to_string());
    let table = table.replace("HERE", &here[1..here.len() - 1]);
    let before = scene.editor.text.clone();
    for case in table.lines().skip(1) {
        let (call, part) = case.split_once(" -> ").unwrap();
        let (command, argument) = call.split_once(' ').unwrap();
        let command = format!("ezrouter.{command}");
        let editor = &mut scene.editor;
        let answer = editor.command(&command, argument.parse().unwrap());
        let reason = answer.await.expect_err(case);
        assert_eq!(reason["message"], part, "{case}");
        assert_eq!(editor.message().await, part, "{case}: shown as well");
        assert_eq!(editor.text, before, "{case}");
        assert_eq!(editor.state(&rewrite), "pending", "{case}");
        assert_eq!(editor.states(&question), ["waiting"], "{case}");
        assert_eq!(editor.jobs.len(), 2, "{case}: no new job");
        assert_eq!(scene.gateway.requests().len(), 2, "{case}: nothing sent");
    }
    scene.release(2);
    assert_eq!(scene.editor.settled(&question).await, "done");
    scene.editor.message().await;
    scene.editor.finish().await;
}

#[tokio::test]
async fn what_is_null_counts_as_left_out_and_whole_numbers_may_be_floats() {
    let (mut scene, rewrite, question) = at_work().await;
    let editor = &mut scene.editor;
    let argument = json!({"job": rewrite, "hunk": 1.0, "uri": null, "position": null});
    let answer = editor.command("ezrouter.reject", argument).await.unwrap();
    assert_eq!(answer, json!({"ok": true, "kept": []}));
    scene.shows("two = 2\n").await;
    assert!(scene.editor.text.contains("one = 10"), "one hunk only");
    let editor = &mut scene.editor;
    let answer = editor.command("ezrouter.cancel", json!({"job": null}));
    assert_eq!(answer.await.unwrap(), json!({"cancelled": [question]}));
    assert_eq!(scene.editor.settled(&question).await, "cancelled");
    scene.editor.finish().await;
}
