//! Where answers show (`answer.show`): in the document of the conversation instead of the hover, and long ones cut in the hover.

use std::fs;

use serde_json::json;

use crate::desk::{Desk, HEADING, desk, desk_with, plain};
use crate::manner::Manner;
use crate::scene::{gated, whole};

async fn document_desk(manner: Manner, answers: Vec<ezrouter_lsp::offline::Answer>) -> Desk {
    desk_with(manner, answers, json!({"answer": {"show": "document"}})).await
}

/// Waits until the server has a document opened, and opens it.
async fn opened(desk: &mut Desk) {
    let editor = &mut desk.scene.editor;
    editor
        .until("the document", |editor| !editor.opened.is_empty())
        .await;
    let uri = editor.opened.remove(0);
    if editor.uri != uri {
        let text = fs::read_to_string(uri.strip_prefix("file://").unwrap()).unwrap();
        editor.turn_to(&uri, "markdown", &text);
    }
}

const SECTION: &str =
    "## What?\n\na.py, lines 2 to 3\n\n```python\nold one\nold two\n```\n\n> What?\n\nIt adds.";

#[tokio::test]
async fn an_answer_streams_into_the_document_in_front_of_what_is_being_written() {
    for manner in [
        Manner::Helix,
        Manner::Neovim(150),
        Manner::VsCode,
        Manner::Plugin,
    ] {
        let shows = manner != Manner::Plugin;
        let mut desk =
            document_desk(manner, vec![gated(&["It", " adds."]), gated(&["Yes", "."])]).await;
        if !shows {
            // It does not open documents by itself: the user has it open.
            desk.open().await;
        }
        let job = desk.ask_about_code("What?").await;
        if shows {
            opened(&mut desk).await;
            assert_eq!(desk.scene.editor.hover(0).await, "");
        }
        let before = desk.scene.editor.text.clone();
        desk.scene.release(1);
        desk.scene.shows("> What?\n\nIt\n## You\n").await;
        let end = desk.scene.editor.text.len() - 1;
        desk.scene.editor.type_over(end, end, "And?");
        desk.scene.release(2);
        assert_eq!(desk.scene.editor.settled(&job).await, "done", "{manner:?}");
        let text = plain(&desk.scene.editor.text);
        let head = before.strip_suffix(&HEADING[1..]).unwrap();
        let took = "\n\n*test-model, 90 tokens in (60 cached), 7 out*\n\n";
        assert_eq!(
            text,
            format!("{head}{SECTION}{took}## You\n\nAnd?\n"),
            "{manner:?}"
        );
        assert!(desk.scene.editor.drawn.is_empty());
        if !matches!(manner, Manner::Neovim(_)) {
            let message = desk.scene.editor.message().await;
            assert_eq!(
                message,
                "Answer ready: it is in the conversation's document"
            );
        }
        // What waits there is sent with what was asked about the code.
        let job = desk.send().await;
        desk.scene.release(3);
        assert_eq!(desk.scene.editor.settled(&job).await, "done", "{manner:?}");
        assert_eq!(desk.sent(1)[1..], ["It adds.", "And?"]);
        desk.scene.editor.finish().await;
    }
}

#[tokio::test]
async fn two_answers_at_once_both_come_into_the_document() {
    let answers = vec![gated(&["It", " adds."]), gated(&["So", " there."])];
    let mut desk = document_desk(Manner::Helix, answers).await;
    let one = desk.ask_about_code("What?").await;
    opened(&mut desk).await;
    desk.scene.gateway.received(1).await;
    desk.scene.release(1);
    desk.scene.shows("> What?\n\nIt").await;
    let other = desk.ask_about_code("Where?").await;
    desk.scene.gateway.received(2).await;
    desk.scene.release(5);
    assert_eq!(desk.scene.editor.settled(&one).await, "done");
    assert_eq!(desk.scene.editor.settled(&other).await, "done");
    desk.scene.shows("> Where?\n\nSo there.\n\n*test").await;
    let code = desk.code.clone();
    let position = json!({"line": 1, "character": 0});
    let hover = json!({"textDocument": {"uri": code}, "position": position});
    let hover = desk.scene.editor.ask("textDocument/hover", &hover).await;
    assert_eq!(
        hover,
        Ok(serde_json::Value::Null),
        "it is not in both places"
    );
    let messages = desk.scene.editor.take_messages();
    assert_eq!(
        messages,
        ["Answer ready: it is in the conversation's document"; 2]
    );
    let text = plain(&desk.scene.editor.text);
    let first = text.find(SECTION).unwrap();
    assert!(first < text.find("## Where?").unwrap(), "{text}");
    assert_eq!(text.matches("## Where?").count(), 1, "{text}");
    assert!(text.ends_with(HEADING), "{text}");
    desk.scene.editor.finish().await;
}

#[tokio::test]
async fn a_stop_takes_the_section_out_again() {
    let mut desk = document_desk(Manner::Helix, vec![gated(&["It", " adds."])]).await;
    let job = desk.ask_about_code("What?").await;
    opened(&mut desk).await;
    let before = desk.scene.editor.text.clone();
    desk.scene.release(1);
    desk.scene.shows("> What?\n\nIt").await;
    desk.scene
        .editor
        .command("ezrouter.cancel", json!({"job": job}))
        .await
        .unwrap();
    assert_eq!(desk.scene.editor.settled(&job).await, "cancelled");
    assert_eq!(desk.scene.editor.text, before);
    desk.scene.editor.finish().await;
}

#[tokio::test]
async fn an_answer_is_in_the_hover_where_no_document_opens() {
    let settings = json!({"answer": {"show": "document"}});
    let mut desk = desk_with(Manner::Eglot, [whole("It adds.")], settings).await;
    let job = desk.scene.start("Explain").await;
    assert_eq!(desk.scene.editor.settled(&job).await, "done");
    assert_eq!(
        desk.scene.editor.message().await,
        "Answer ready: hover over lines 2-3"
    );
    assert!(
        desk.scene
            .editor
            .hover(desk.scene.selection.0)
            .await
            .starts_with("It adds.")
    );
    assert!(!desk.folder.path().join(".ezrouter").exists());
    // It is there when the user opens the document.
    desk.open().await;
    desk.scene.shows("It adds.\n\n*test-model").await;
    desk.scene.editor.flush();
    desk.scene.editor.finish().await;
}

#[tokio::test]
async fn the_setting_hover_holds_where_the_client_draws_answers_itself() {
    for (show, drawn, message) in [("auto", true, false), ("hover", false, true)] {
        let settings = json!({"answer": {"show": show}});
        let mut desk = desk_with(Manner::Plugin, [whole("It adds.")], settings).await;
        let job = desk.scene.start("Explain").await;
        assert_eq!(desk.scene.editor.settled(&job).await, "done");
        assert_eq!(!desk.scene.editor.drawn.is_empty(), drawn, "{show}");
        if message {
            assert_eq!(
                desk.scene.editor.message().await,
                "Answer ready: hover over lines 2-3"
            );
        }
        assert!(!desk.folder.path().join(".ezrouter").exists());
        desk.scene.editor.finish().await;
    }
}

#[tokio::test]
async fn a_long_answer_is_cut_in_the_hover_and_whole_in_the_document() {
    let long = format!("```python\n{}```\n", "x = 1\n".repeat(300));
    let mut desk = desk(Manner::VsCode, [whole(&long)]).await;
    let job = desk.scene.start("Explain").await;
    assert_eq!(desk.scene.editor.settled(&job).await, "done");
    desk.scene.editor.message().await;
    let (start, end) = desk.scene.selection;
    let hover = desk.scene.editor.hover(start).await;
    assert_eq!(hover.matches("x = 1\n").count(), 199);
    assert!(
        hover.contains("x = 1\n```\n\n*… the answer goes on: choose \"Open conversation\""),
        "{hover}"
    );
    assert!(hover.contains("\n\n---\ntest-model, "), "{hover}");
    let opened = desk
        .scene
        .editor
        .choose(start, end, "Open conversation")
        .await;
    let path = opened["uri"]
        .as_str()
        .unwrap()
        .strip_prefix("file://")
        .unwrap()
        .to_owned();
    let text = fs::read_to_string(path).unwrap();
    assert_eq!(text.matches("x = 1\n").count(), 300);
    desk.scene.editor.finish().await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_document_that_cannot_be_made_is_told_with_the_answer() {
    let mut desk = document_desk(Manner::VsCode, vec![whole("It adds.")]).await;
    std::os::unix::fs::symlink("/", desk.folder.path().join(".ezrouter")).unwrap();
    let job = desk.scene.start("Explain").await;
    assert_eq!(desk.scene.editor.settled(&job).await, "done");
    let message = desk.scene.editor.message().await;
    assert_eq!(message, "Answer ready: hover over lines 2-3");
    let hover = desk.scene.editor.hover(desk.scene.selection.0).await;
    let reason = "/.ezrouter cannot be used: it is a link, and nothing is written where links lead";
    assert!(
        hover.contains(", not in the conversation's document: ") && hover.ends_with(reason),
        "{hover}"
    );
    desk.scene.editor.finish().await;
}
