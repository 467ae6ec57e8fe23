//! What goes along with the next question: after a restart, beside another editor, behind a rewrite.

use ezrouter_lsp::offline::{Answer, Script, Standin};
use serde_json::json;
use tempfile::tempdir;

use crate::server::{FOLDER, Server, URI, program, sent};

async fn gateway(answers: &[&str]) -> Standin {
    let answers = answers.iter().map(|answer| Answer::text(answer));
    Standin::start(Script::new(answers)).await.unwrap()
}

fn assistant(text: &str) -> (String, String) {
    ("assistant".to_owned(), text.to_owned())
}

/// How a server ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Exit,
    Kill,
}

#[tokio::test]
async fn a_conversation_goes_on_after_a_restart_letter_for_letter() {
    for end in [End::Exit, End::Kill] {
        let answer = "Zwei \u{1f980}\r\n\twörter \u{0}.";
        let gateway = gateway(&[answer, "Second.", "Third."]).await;
        let state = tempdir().unwrap();
        let mut server = Server::start(&gateway, state.path()).await;
        server.ask("First?").await;
        match end {
            End::Exit => assert!(server.exit().await.success()),
            End::Kill => {
                // The store does things in order: what it lists it has written.
                assert_eq!(server.listed().await, [("First? (a.py)".to_owned(), 1)]);
                server.kill().await;
            }
        }
        let mut server = Server::start(&gateway, state.path()).await;
        server.ask("Second?").await;
        server.ask("Third?").await;
        assert_eq!(server.messages, [""; 0], "{end:?}");
        let sent = sent(&gateway);
        let mut expected = sent[0].clone();
        expected.push(assistant(answer));
        assert_eq!(sent[1][..3], expected[..], "{end:?}");
        assert!(sent[1][3].1.ends_with("Second?"), "{end:?}");
        assert_eq!(sent[1].len(), 4, "{end:?}");
        expected.push(sent[1][3].clone());
        expected.push(assistant("Second."));
        assert_eq!(sent[2][..5], expected[..], "{end:?}");
    }
}

#[tokio::test]
async fn each_request_is_the_same_whether_the_server_ran_on_or_was_started_anew() {
    let settings = json!({"history": {"max_bytes": 700}, "context": {"max_bytes": 0}});
    let mut both = Vec::new();
    for restarts in [false, true] {
        let gateway = gateway(&["An answer of some length."]).await;
        let state = tempdir().unwrap();
        let start = async || Server::with(program(&gateway, state.path()), FOLDER, &settings).await;
        let mut server = start().await;
        for number in 0..12 {
            server.ask(&format!("Question {number}?")).await;
            if restarts {
                assert!(server.exit().await.success());
                server = start().await;
            }
        }
        both.push(sent(&gateway));
    }
    let lengths: Vec<usize> = both[0].iter().map(Vec::len).collect();
    let shrinks = lengths.windows(2).filter(|pair| pair[1] < pair[0]).count();
    assert!(
        2 <= shrinks,
        "the window was to shrink a few times: {lengths:?}"
    );
    assert_eq!(both[0], both[1]);
}

/// Each adds to the same conversation. A running server has its own turns only, so that what it has sent stays as it was;
/// the next one has them all, in the order in which they were completed.
#[tokio::test]
async fn two_editors_on_one_workspace_add_to_one_conversation() {
    let gateway = gateway(&["Zero.", "One.", "Two.", "Three.", "Four."]).await;
    let state = tempdir().unwrap();
    let mut first = Server::start(&gateway, state.path()).await;
    first.ask("Zero?").await;
    first.listed().await;
    // With another spelling of the folder.
    let command = program(&gateway, state.path());
    let mut second = Server::with(command, "file:///%70roject/", &json!({})).await;
    second.open("file:///%70roject/a.py", "a\nb\nc\nd\n");
    let job = second.begin("ask", "file:///%70roject/a.py", "One?").await;
    assert_eq!(second.ended(&job).await, "done");
    second.listed().await;
    first.ask("Two?").await;
    first.listed().await;
    let job = second
        .begin("ask", "file:///%70roject/a.py", "Three?")
        .await;
    assert_eq!(second.ended(&job).await, "done");
    assert!(first.exit().await.success());
    assert!(second.exit().await.success());
    let mut third = Server::start(&gateway, state.path()).await;
    third.ask("Four?").await;
    assert_eq!(third.listed().await, [("Zero? (a.py)".to_owned(), 5)]);
    let answers = |request: &[(String, String)]| -> Vec<String> {
        let answers = request.iter().filter(|(role, _)| role == "assistant");
        answers.map(|(_, text)| text.clone()).collect()
    };
    let answers: Vec<Vec<String>> = sent(&gateway)
        .iter()
        .map(|request| answers(request))
        .collect();
    assert_eq!(
        answers[1],
        ["Zero."],
        "the second begins with what there was"
    );
    assert_eq!(
        answers[2],
        ["Zero."],
        "the first does not hear of the second's"
    );
    assert_eq!(answers[3], ["Zero.", "One."]);
    assert_eq!(answers[4], ["Zero.", "One.", "Two.", "Three."]);
}

#[tokio::test]
async fn two_editors_that_begin_at_the_same_time_begin_one_conversation() {
    let gateway = gateway(&["One.", "Two."]).await;
    let state = tempdir().unwrap();
    let mut first = Server::start(&gateway, state.path()).await;
    let mut second = Server::start(&gateway, state.path()).await;
    let running = first.begin("ask", URI, "One?").await;
    second.ask("Two?").await;
    assert_eq!(first.ended(&running).await, "done");
    second.listed().await;
    let listed = first.listed().await;
    assert_eq!((listed.len(), listed[0].1), (1, 2), "{listed:?}");
}

#[tokio::test]
async fn a_rewrite_is_a_turn_also_after_a_restart() {
    let gateway = gateway(&["new one\nnew two\n", "other one\nother two\n"]).await;
    let state = tempdir().unwrap();
    let mut server = Server::start(&gateway, state.path()).await;
    let job = server.begin("rewrite", URI, "Make it new").await;
    assert_eq!(server.ended(&job).await, "pending");
    assert_eq!(server.text, "above\nnew one\nnew two\nbelow\n");
    assert!(server.exit().await.success());
    let mut server = Server::start(&gateway, state.path()).await;
    let words = "Now do the same for the next function";
    let job = server.begin("rewrite", URI, words).await;
    assert_eq!(server.ended(&job).await, "pending");
    let sent = sent(&gateway);
    assert_eq!(sent[1].len(), 4);
    assert_eq!(sent[1][1], sent[0][1]);
    assert!(sent[1][1].1.contains("old one\nold two\n"));
    assert_eq!(sent[1][2], assistant("new one\nnew two\n"));
    assert!(sent[1][3].1.contains(words));
    server.listed().await;
    let history = std::process::Command::new(env!("CARGO_BIN_EXE_ezrouter-lsp"))
        .args(["history", "list"])
        .env("EZROUTER_STATE_DIR", state.path())
        .output()
        .unwrap();
    let listed = String::from_utf8(history.stdout).unwrap();
    assert!(
        listed.contains("2 turns  /project  Make it new (a.py)"),
        "{listed}"
    );
}

#[tokio::test]
async fn a_job_that_runs_when_a_new_conversation_begins_belongs_to_the_old_one() {
    let script = Script::new([
        Answer::text("Old."),
        Answer::text("New."),
        Answer::text("On."),
    ]);
    let gateway = Standin::start(script).await.unwrap();
    let state = tempdir().unwrap();
    let mut server = Server::start(&gateway, state.path()).await;
    server.ask("Before?").await;
    let running = server.begin("ask", URI, "Running?").await;
    server
        .command("newConversation", json!({"uri": URI}))
        .await
        .unwrap();
    assert_eq!(server.ended(&running).await, "done");
    server.ask("After?").await;
    let after = sent(&gateway).pop().unwrap();
    assert_eq!(after.len(), 2, "a new conversation has no past: {after:?}");
    let mut listed = server.listed().await;
    listed.sort();
    assert_eq!(
        listed,
        [
            ("After? (a.py)".to_owned(), 1),
            ("Before? (a.py)".to_owned(), 2)
        ]
    );
}

#[tokio::test]
async fn a_retried_answer_replaces_its_turn_on_disk_too() {
    let gateway = gateway(&["First.", "Better.", "On."]).await;
    let state = tempdir().unwrap();
    let mut server = Server::start(&gateway, state.path()).await;
    let job = server.begin("ask", URI, "What?").await;
    assert_eq!(server.ended(&job).await, "done");
    let again = server.command("retry", json!({"job": job})).await.unwrap();
    assert_eq!(server.ended(again["job"].as_str().unwrap()).await, "done");
    assert!(server.exit().await.success());
    let mut server = Server::start(&gateway, state.path()).await;
    server.ask("On?").await;
    let sent = sent(&gateway);
    assert_eq!(sent[2].len(), 4, "{:?}", sent[2]);
    assert_eq!(sent[2][2], assistant("Better."));
}

#[tokio::test]
async fn failed_and_cancelled_questions_leave_no_trace() {
    let failed = Answer::error(
        400,
        json!({"error": {"message": "no", "type": "invalid_request_error"}}),
    );
    let cut = Answer::stream([
        ezrouter_lsp::offline::Step::text("half"),
        ezrouter_lsp::offline::Step::finish("length"),
        ezrouter_lsp::offline::Step::Done,
    ]);
    let hanging = Answer::stream([ezrouter_lsp::offline::Step::Hang]);
    let script = Script::new([failed, cut, hanging, Answer::text("Fine.")]);
    let gateway = Standin::start(script).await.unwrap();
    let state = tempdir().unwrap();
    let mut server = Server::start(&gateway, state.path()).await;
    for _ in 0..2 {
        let job = server.begin("ask", URI, "Failing?").await;
        assert_eq!(server.ended(&job).await, "failed");
    }
    let job = server.begin("ask", URI, "Hanging?").await;
    gateway.received(3).await;
    server.command("cancel", json!({"job": job})).await.unwrap();
    assert_eq!(server.ended(&job).await, "cancelled");
    assert!(server.listed().await.is_empty());
    assert!(server.exit().await.success());
    let archive = ezrouter_lsp::store::Archive::open(state.path());
    assert!(
        archive
            .unwrap()
            .unwrap()
            .conversations()
            .unwrap()
            .is_empty()
    );
    let mut server = Server::start(&gateway, state.path()).await;
    server.ask("Fine?").await;
    assert_eq!(sent(&gateway)[3].len(), 2);
}

#[tokio::test]
async fn questions_that_carry_no_past_are_kept_each_for_itself() {
    let gateway = gateway(&["One.", "Two.", "Three.", "Four."]).await;
    let state = tempdir().unwrap();
    let settings = json!({"history": {"scope": "none"}});
    let command = program(&gateway, state.path());
    let mut server = Server::with(command, FOLDER, &settings).await;
    server.ask("One?").await;
    server.ask("Two?").await;
    assert_eq!(server.listed().await.len(), 2);
    assert!(server.exit().await.success());
    let mut server = Server::start(&gateway, state.path()).await;
    server.ask("Three?").await;
    server.ask("Four?").await;
    let lengths: Vec<usize> = sent(&gateway).iter().map(Vec::len).collect();
    assert_eq!(
        lengths,
        [2, 2, 2, 4],
        "no question goes on from one of those"
    );
}

#[tokio::test]
async fn an_answer_of_an_earlier_server_is_shown_again_while_its_text_stands() {
    let gateway = gateway(&["It **adds**.", "It joins.", "Anew."]).await;
    let state = tempdir().unwrap();
    let mut server = Server::start(&gateway, state.path()).await;
    server.ask("What is it?").await;
    server.ask("And then?").await;
    assert!(server.exit().await.success());

    let mut server = Server::start(&gateway, state.path()).await;
    let titles = server.until_offered(1, "Show answer (And then?)").await;
    assert!(!titles.iter().any(|title| title.starts_with("Dismiss")));
    assert_eq!(server.hover(1).await, "", "nobody has asked for it");
    let place = json!({"uri": URI, "position": {"line": 1, "character": 0}});
    let shown = server.command("showAnswer", place.clone()).await;
    assert_eq!(shown, Ok(json!({"ok": true})));
    let hover = server.hover(1).await;
    assert!(
        hover.starts_with("It joins.\n\n---\ntest-model, "),
        "{hover}"
    );
    // The one before it is there too.
    server.command("showAnswer", place.clone()).await.unwrap();
    let hover = server.hover(1).await;
    assert!(hover.starts_with("It joins."), "{hover}");
    assert!(
        hover.ends_with("; older answers here, when this one is dismissed: What is it?"),
        "{hover}"
    );
    assert_eq!(server.hover(0).await, "");
    for _ in 0..2 {
        server.command("dismiss", place.clone()).await.unwrap();
    }

    // In a file that was changed meanwhile it is found where its text stands, and not at all where it does not.
    for (text, found) in [
        ("new\nabove\nold one\nold two\nbelow\n", true),
        ("above\nold one\nold 2\nbelow\n", false),
    ] {
        server.close(URI);
        server.open(URI, text);
        if found {
            server.until_offered(2, "Show answer (And then?)").await;
        } else {
            // What was ordered before is done by then.
            server.listed().await;
            let titles = server.titles(1).await;
            assert!(!titles.iter().any(|title| title.starts_with("Show")));
        }
    }
}
