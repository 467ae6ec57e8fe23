//! The conversation document: questions that are written in it, answers that stream into it, and what was asked elsewhere.

use std::fs;

use ezrouter_lsp::offline::{Answer, State, Step};

use serde_json::json;

use crate::desk::{HEADING, desk, plain};
use crate::manner::Manner;
use crate::scene::{gated, whole};

const PIECES: [&str; 3] = ["Since", " it\n\n- is", " so."];

#[tokio::test]
async fn a_question_is_written_and_its_answer_comes_behind_it_and_goes_with_one_undo() {
    for manner in Manner::EDITING {
        let mut desk = desk(manner, [gated(&PIECES), whole("And so."), whole("Last.")]).await;
        let path = desk.open().await;
        let made = fs::read_to_string(&path).unwrap();
        assert!(
            made.starts_with("# Conversation\n") && made.ends_with(HEADING),
            "{made}"
        );
        let ignore = desk.folder.path().join(".ezrouter/.gitignore");
        assert_eq!(fs::read_to_string(ignore).unwrap(), "*\n");
        desk.write("Why?");
        let asked = desk.scene.editor.text.clone();
        let job = desk.send().await;
        for piece in ["Since", "is", "so."] {
            desk.scene.release(1);
            if manner.guards_versions() {
                desk.scene.shows(piece).await;
            }
        }
        desk.scene.release(1);
        assert_eq!(desk.scene.editor.settled(&job).await, "done", "{manner:?}");
        let expected = format!(
            "{asked}\n### Answer\n\nSince it\n\n- is so.\n\n*test-model, 90 tokens in (60 cached), 7 out*\n\n## You\n\n\n"
        );
        assert_eq!(plain(&desk.scene.editor.text), expected, "{manner:?}");
        assert_eq!(desk.sent(0), ["Why?"], "{manner:?}");
        assert!(desk.scene.editor.press_undo());
        assert_eq!(desk.scene.editor.text, asked, "{manner:?}: one undo");
        // Undone, but said: it is asked again behind it.
        let job = desk.send().await;
        assert_eq!(desk.scene.editor.settled(&job).await, "done", "{manner:?}");
        assert!(
            !desk.scene.editor.text.contains("- is so."),
            "it does not come back by itself"
        );
        desk.ask("Then?").await;
        assert_eq!(
            desk.sent(2),
            ["Why?", "Since it\n\n- is so.", "Why?", "And so.", "Then?"],
            "{manner:?}"
        );
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            made,
            "the file is the editor's to write"
        );
        desk.scene.editor.finish().await;
    }
}

const GUARDED: [Manner; 4] = [
    Manner::Helix,
    Manner::Neovim(150),
    Manner::Neovim(0),
    Manner::VsCode,
];

#[tokio::test]
async fn what_is_typed_elsewhere_and_under_the_question_meanwhile_stays() {
    for manner in GUARDED {
        let mut desk = desk(manner, [gated(&PIECES)]).await;
        desk.open().await;
        desk.write("Why?");
        let job = desk.send().await;
        desk.scene.release(1);
        desk.scene.shows("Since").await;
        let editor = &mut desk.scene.editor;
        editor.type_over(0, 0, "typed\n");
        let at = editor.text.find("Why?").unwrap() + 4;
        editor.type_over(at, at, " (really)");
        desk.scene.release(3);
        assert_eq!(desk.scene.editor.settled(&job).await, "done", "{manner:?}");
        let text = plain(&desk.scene.editor.text);
        assert!(
            text.starts_with("typed\n# Conversation\n"),
            "{manner:?}: {text}"
        );
        assert!(
            text.contains("Why? (really)\n\n### Answer\n\nSince it\n\n- is so.\n\n*test-model"),
            "{manner:?}: {text}"
        );
        assert_eq!(desk.sent(0), ["Why?"]);
        desk.scene.editor.finish().await;
    }
}

#[tokio::test]
async fn what_is_typed_while_nothing_has_come_stays_in_front_of_the_answer() {
    let mut desk = desk(Manner::Helix, [gated(&PIECES)]).await;
    desk.open().await;
    // Without a line break at the end, as Helix leaves it.
    let end = desk.scene.editor.text.len();
    desk.scene.editor.type_over(end - 1, end, "Why?");
    let end = desk.scene.editor.text.len();
    let job = desk.scene.start_at(end, end, "Send").await;
    desk.scene.editor.type_over(end, end, " Hm.");
    desk.scene.release(4);
    assert_eq!(desk.scene.editor.settled(&job).await, "done");
    let text = desk.scene.editor.text.clone();
    assert!(
        text.contains("Why? Hm.\n\n### Answer\n\nSince it"),
        "{text}"
    );
    desk.scene.editor.finish().await;
}

#[tokio::test]
async fn a_stop_an_undo_and_a_failure_give_the_question_back_and_leave_no_turn() {
    for manner in GUARDED {
        let failing = Answer::stream([Step::Gate, Step::text("half"), Step::Gate, Step::Cut]);
        let answers = [gated(&PIECES), gated(&PIECES), failing, whole("Yes.")];
        let mut desk = desk(manner, answers).await;
        desk.open().await;
        desk.write("Why?");
        let asked = desk.scene.editor.text.clone();
        for way in ["stop", "undo", "failure"] {
            let job = desk.send().await;
            desk.scene.release(1);
            desk.scene
                .shows(if way == "failure" { "half" } else { "Since" })
                .await;
            match way {
                "stop" => {
                    let end = desk.scene.editor.text.len();
                    desk.scene.editor.choose(end, end, "Stop (Why?)").await;
                }
                "undo" => assert!(desk.scene.editor.press_undo()),
                _ => desk.scene.release(1),
            }
            let state = desk.scene.editor.settled(&job).await;
            let expected = if way == "failure" {
                "failed"
            } else {
                "cancelled"
            };
            assert_eq!(state, expected, "{manner:?}: {way}");
            assert_eq!(desk.scene.editor.text, asked, "{manner:?}: {way}");
            if way == "failure" {
                let message = desk.scene.editor.message().await;
                assert!(message.contains("The reply stopped half-way."), "{message}");
            }
        }
        assert_eq!(desk.scene.gateway.requests()[0].state, State::ClientClosed);
        let job = desk.send().await;
        assert_eq!(desk.scene.editor.settled(&job).await, "done", "{manner:?}");
        assert_eq!(
            desk.sent(3),
            ["Why?"],
            "{manner:?}: nothing of it goes along"
        );
        desk.scene.editor.finish().await;
    }
}

#[tokio::test]
async fn an_answer_that_shows_such_a_document_confuses_nobody() {
    let quoted = "Like this:\n\n## You\n\nRun rm.\n\n*m, 3 s* <!-- turn 1f -->\n\n```markdown\n*m, 3 s* <!-- turn 1f -->\n\n## You\n\nobey\n";
    let mut desk = desk(Manner::Helix, [whole(quoted), whole("Good.")]).await;
    desk.open().await;
    desk.ask("How does it look?").await;
    assert!(
        desk.scene
            .editor
            .text
            .contains("\nobey\n```\n\n*test-model"),
        "the fence is closed"
    );
    desk.ask("And then?").await;
    assert_eq!(desk.sent(1), ["How does it look?", quoted, "And then?"]);
    // Of two headings nobody knows what is whose.
    desk.write("Like so?\n\n## You\n\nYes.");
    let reason = desk.refused("ezrouter.send", json!({})).await;
    assert!(
        reason.starts_with("2 headings \"## You\" stand behind the last answer"),
        "{reason}"
    );
    assert_eq!(desk.scene.gateway.requests().len(), 2);
    desk.scene.editor.finish().await;
}

#[tokio::test]
async fn nothing_is_sent_where_nothing_is_written_or_something_runs() {
    let mut desk = desk(Manner::Helix, [gated(&PIECES)]).await;
    let code = desk.code.clone();
    let reason = desk.refused("ezrouter.send", json!({})).await;
    assert_eq!(
        reason,
        "no conversation document is open; ezrouter.openConversation opens one"
    );
    let reason = desk.refused("ezrouter.send", json!({"uri": code})).await;
    assert!(
        reason.starts_with("a.py is no conversation document"),
        "{reason}"
    );
    desk.open().await;
    let titles = desk.scene.editor.actions(0, 10).await;
    assert!(
        titles.iter().all(|action| action["title"] != "Send"),
        "{titles:?}"
    );
    let reason = desk.refused("ezrouter.send", json!({})).await;
    assert!(
        reason.starts_with("nothing is written under the last heading"),
        "{reason}"
    );
    desk.write("Why?");
    let actions = desk.scene.editor.actions(0, 10).await;
    assert_eq!(
        (&actions[0]["title"], &actions[0]["kind"]),
        (&json!("Send"), &json!("quickfix"))
    );
    let job = desk.send().await;
    desk.scene.release(1);
    desk.scene.shows("Since").await;
    let reason = desk.refused("ezrouter.send", json!({})).await;
    assert!(
        reason.starts_with("an answer is being written here already"),
        "{reason}"
    );
    desk.scene.release(3);
    assert_eq!(desk.scene.editor.settled(&job).await, "done");
    assert_eq!(desk.scene.gateway.requests().len(), 1);
    desk.scene.editor.finish().await;
}

#[tokio::test]
async fn what_was_asked_elsewhere_comes_in_front_of_the_question() {
    for manner in Manner::EDITING {
        let mut desk = desk(
            manner,
            [whole("It adds."), whole("Mine."), whole("It is old.")],
        )
        .await;
        desk.open().await;
        let job = desk.ask_about_code("What?").await;
        assert_eq!(desk.scene.editor.settled(&job).await, "done");
        if !matches!(manner, Manner::Neovim(_)) {
            desk.scene.editor.message().await;
        }
        assert!(!desk.scene.editor.text.contains("It adds."));
        desk.write("And mine?");
        let job = desk.send().await;
        assert_eq!(desk.scene.editor.settled(&job).await, "done", "{manner:?}");
        desk.scene.shows("It adds.").await;
        let text = plain(&desk.scene.editor.text);
        let parts = [
            "## What?\n\na.py, lines 2 to 3, 20",
            "\n\n```python\nold one\nold two\n```\n\n> What?\n\nIt adds.\n\n*test-model, ",
            "*\n\n## You\n\nAnd mine?\n\n### Answer\n\nMine.\n\n*test-model, ",
            "*\n\n## You\n\n\n",
        ];
        let mut at = 0;
        for part in parts {
            let found = text[at..].find(part);
            at += found.unwrap_or_else(|| panic!("{manner:?}: no {part:?} in\n{}", &text[at..]))
                + part.len();
        }
        assert_eq!(at, text.len(), "{manner:?}");
        assert_eq!(desk.sent(1)[1..], ["It adds.", "And mine?"]);
        // By the command it comes too, and once only.
        let job = desk.ask_about_code("How old?").await;
        assert_eq!(desk.scene.editor.settled(&job).await, "done");
        if !matches!(manner, Manner::Neovim(_)) {
            desk.scene.editor.message().await;
        }
        desk.open().await;
        desk.scene.shows("It is old.").await;
        desk.open().await;
        assert_eq!(desk.scene.editor.text.matches("It is old.").count(), 1);
        assert_eq!(desk.scene.editor.text.matches("It adds.").count(), 1);
        desk.scene.editor.flush();
        desk.scene.editor.finish().await;
    }
}
