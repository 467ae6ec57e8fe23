//! Rewrites from the code action to the last undo, in editors of every manner.

use std::time::Duration;

use ezrouter_lsp::offline::{Script, State};
use serde_json::json;

use crate::editor::Editor;
use crate::manner::Manner;
use crate::scene::{BEFORE, Plan, gated, scene, scene_of, whole};

const PIECES: [&str; 4] = ["new one", "\nnew", " two\nnew", " three\n"];
const NEW: &str = "new one\nnew two\nnew three\n";

#[tokio::test]
async fn the_result_lands_and_one_undo_gives_the_original_in_every_editor() {
    for manner in Manner::EDITING {
        let mut scene = scene(manner, [gated(&PIECES)]).await;
        let job = scene.start("Simplify").await;
        for piece in 0..PIECES.len() {
            scene.release(1);
            if manner.guards_versions() {
                scene
                    .shows(["new one", "new", "two\nnew", "three"][piece])
                    .await;
            }
        }
        scene.release(1);
        assert_eq!(scene.editor.settled(&job).await, "pending", "{manner:?}");
        assert_eq!(scene.editor.text, scene.rewritten(NEW), "{manner:?}");
        assert_eq!(
            scene.editor.states(&job).first(),
            Some(&"waiting"),
            "{manner:?}"
        );
        let (_, last) = scene
            .editor
            .progress
            .values()
            .next()
            .unwrap()
            .last()
            .unwrap()
            .clone();
        assert!(
            last.starts_with("done (test-model, 90 tokens in (60 cached), 7 out, "),
            "{manner:?}: {last}"
        );
        assert!(scene.editor.press_undo());
        assert_eq!(scene.editor.text, scene.original, "{manner:?}: one undo");
        scene.editor.flush();
        let watched = job.clone();
        scene
            .editor
            .until("the undone result is done", move |editor| {
                editor.state(&watched) == "done"
            })
            .await;
        scene.editor.finish().await;
    }
}

#[tokio::test]
async fn what_is_typed_above_and_below_stays_and_the_result_lands() {
    for manner in [
        Manner::Helix,
        Manner::Neovim(150),
        Manner::Neovim(0),
        Manner::VsCode,
    ] {
        let mut scene = scene(manner, [gated(&PIECES)]).await;
        let job = scene.start("Simplify").await;
        scene.release(1);
        scene.shows("new one").await;
        scene.editor.type_over(0, 0, "typed\n");
        scene.release(2);
        scene.shows("two").await;
        let end = scene.editor.text.len();
        scene.editor.type_over(end, end, "typed too\n");
        scene.release(2);
        assert_eq!(scene.editor.settled(&job).await, "pending", "{manner:?}");
        let wanted = format!("typed\n{}typed too\n", scene.rewritten(NEW));
        assert_eq!(scene.editor.text, wanted, "{manner:?}");
        scene.editor.choose(6, 20, "Accept").await;
        scene.editor.finish().await;
    }
}

#[tokio::test]
async fn what_is_typed_in_the_new_text_stays_and_reject_leaves_it_and_names_it() {
    let mut scene = scene(Manner::Helix, [gated(&PIECES)]).await;
    let job = scene.start("Simplify").await;
    scene.release(2);
    scene.shows("new one\nnew").await;
    let at = scene.editor.text.find(" one").unwrap();
    scene.editor.type_over(at, at, "<typed>");
    scene.release(3);
    assert_eq!(scene.editor.settled(&job).await, "pending");
    assert_eq!(
        scene.editor.text,
        scene.rewritten(NEW).replace("new one", "new<typed> one")
    );
    let answer = scene
        .editor
        .command("ezrouter.reject", json!({"job": job}))
        .await
        .unwrap();
    assert_eq!(answer["ok"], true);
    assert_eq!(answer["kept"].as_array().map(Vec::len), Some(1), "{answer}");
    let watched = job.clone();
    scene
        .editor
        .until("it is rejected", move |editor| {
            editor.state(&watched) == "cancelled"
        })
        .await;
    assert!(
        scene.editor.text.contains("<typed>") && scene.editor.text.contains("old one\nold two\n")
    );
    assert!(
        !scene.editor.text.contains("new two"),
        "{}",
        scene.editor.text
    );
    scene.editor.finish().await;
}

#[tokio::test]
async fn what_is_typed_in_the_waiting_text_wins_and_the_rest_can_be_applied_or_taken_back() {
    for (verdict, left) in [
        ("Apply the rest", "new three"),
        ("Restore the original", "old one"),
    ] {
        let mut scene = scene(Manner::Helix, [gated(&PIECES)]).await;
        let job = scene.start("Simplify").await;
        scene.release(1);
        scene.shows("new one").await;
        let at = scene.editor.text.find("two").unwrap();
        scene.editor.type_over(at, at, "<typed>");
        scene.release(4);
        assert_eq!(scene.editor.settled(&job).await, "pending");
        let last = scene.editor.jobs[&job].last().unwrap().clone();
        assert_eq!(last["parked"], true, "{last}");
        scene.editor.message().await;
        let (start, end) = (
            scene.editor.text.find("new one").unwrap(),
            scene.editor.text.len(),
        );
        scene.editor.choose(start, end, verdict).await;
        let watched = job.clone();
        scene
            .editor
            .until(verdict, move |editor| {
                ["done", "cancelled"].contains(&editor.state(&watched))
            })
            .await;
        assert!(
            scene.editor.text.contains("<typed>"),
            "{verdict}: {}",
            scene.editor.text
        );
        assert!(
            scene.editor.text.contains(left),
            "{verdict}: {}",
            scene.editor.text
        );
        assert!(scene.editor.text.starts_with("above\n") && scene.editor.text.ends_with("below\n"));
        scene.editor.finish().await;
    }
}

#[tokio::test]
async fn stop_closes_the_connection_and_gives_the_original_back_at_every_stage() {
    for manner in [
        Manner::Helix,
        Manner::Neovim(150),
        Manner::Neovim(0),
        Manner::VsCode,
        Manner::Eglot,
    ] {
        for pieces in 0..4 {
            let mut scene = scene(manner, [gated(&PIECES)]).await;
            let job = scene.start("Simplify").await;
            scene.gateway.received(1).await;
            scene.release(pieces);
            if 0 < pieces && manner.guards_versions() {
                scene.shows("new").await;
            }
            let (start, end) = scene.selection;
            let answer = scene.editor.choose(start, end, "Stop").await;
            assert_eq!(answer, json!({"cancelled": [job]}), "{manner:?}");
            assert_eq!(
                scene.editor.settled(&job).await,
                "cancelled",
                "{manner:?} after {pieces}"
            );
            assert_eq!(
                scene.editor.text, scene.original,
                "{manner:?} after {pieces}"
            );
            let closed =
                tokio::time::timeout(Duration::from_millis(500), scene.gateway.ended(0)).await;
            assert_eq!(closed, Ok(State::ClientClosed), "{manner:?} after {pieces}");
            scene.editor.finish().await;
        }
    }
}

#[tokio::test]
async fn the_clients_own_cancel_of_the_progress_stops_too() {
    let mut scene = scene(Manner::Neovim(150), [gated(&PIECES)]).await;
    let job = scene.start("Simplify").await;
    scene.release(2);
    scene.shows("new one").await;
    let token = scene.editor.progress.keys().next().unwrap().clone();
    scene
        .editor
        .tell("window/workDoneProgress/cancel", &json!({"token": token}));
    assert_eq!(scene.editor.settled(&job).await, "cancelled");
    assert_eq!(scene.editor.text, scene.original);
    scene.gateway.closed(0).await;
    scene.editor.finish().await;
}

#[tokio::test]
async fn an_undo_in_mid_stream_stops_and_the_original_stands() {
    for manner in [Manner::Helix, Manner::Neovim(150), Manner::VsCode] {
        let mut scene = scene(manner, [gated(&PIECES)]).await;
        let job = scene.start("Simplify").await;
        scene.release(1);
        scene.shows("new one").await;
        scene.release(1);
        scene.shows("new one\nnew").await;
        scene.editor.press_undo();
        assert_eq!(scene.editor.settled(&job).await, "cancelled", "{manner:?}");
        assert_eq!(scene.editor.text, scene.original, "{manner:?}");
        scene.gateway.closed(0).await;
        scene.editor.finish().await;
    }
}

#[tokio::test]
async fn reject_and_accept_end_a_pending_rewrite() {
    for (verdict, state) in [("Reject", "cancelled"), ("Accept", "done")] {
        let mut scene = scene(Manner::Helix, [whole(NEW)]).await;
        let job = scene.start("Simplify").await;
        assert_eq!(scene.editor.settled(&job).await, "pending");
        let (start, end) = scene.selection;
        scene.editor.choose(start, end, verdict).await;
        let watched = job.clone();
        scene
            .editor
            .until(verdict, move |editor| editor.state(&watched) == state)
            .await;
        let wanted = if state == "done" {
            scene.rewritten(NEW)
        } else {
            scene.original.clone()
        };
        assert_eq!(scene.editor.text, wanted);
        scene.editor.finish().await;
    }
}

#[tokio::test]
async fn two_rewrites_run_in_one_document_and_an_overlapping_one_is_refused() {
    let before = "«one\n»two\nthree\n";
    let script = Script::new([gated(&["first", " new\n"]), gated(&["third", " new\n"])]);
    let mut scene = scene_of(
        Manner::Helix,
        Plan {
            before,
            script,
            ..Plan::default()
        },
    )
    .await;
    let first = scene.start("Simplify").await;
    scene.gateway.received(1).await;
    let argument =
        json!({"uri": scene.editor.uri, "range": scene.editor.range(0, 6), "instruction": "again"});
    let refused = scene
        .editor
        .command("ezrouter.rewrite", argument)
        .await
        .unwrap_err();
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .contains("is being rewritten already"),
        "{refused}"
    );
    scene.editor.message().await;
    let at = scene.editor.text.find("three").unwrap();
    let second = scene.editor.choose(at, at + 6, "Fix").await["job"]
        .as_str()
        .unwrap()
        .to_owned();
    scene.gateway.received(2).await;
    scene.release(6);
    assert_eq!(scene.editor.settled(&first).await, "pending");
    assert_eq!(scene.editor.settled(&second).await, "pending");
    assert_eq!(scene.editor.text, "first new\ntwo\nthird new\n");
    let argument =
        json!({"uri": scene.editor.uri, "range": scene.editor.range(0, 3), "instruction": "again"});
    let third = scene
        .editor
        .command("ezrouter.rewrite", argument)
        .await
        .unwrap()["job"]
        .as_str()
        .unwrap()
        .to_owned();
    // A pending rewrite that a new one overlaps is accepted.
    let watched = first.clone();
    scene
        .editor
        .until("the first one is accepted", move |editor| {
            editor.state(&watched) == "done"
        })
        .await;
    scene
        .editor
        .command("ezrouter.cancel", json!({}))
        .await
        .unwrap();
    assert_eq!(scene.editor.settled(&third).await, "cancelled");
    scene.editor.finish().await;
}

#[tokio::test]
async fn a_reload_goes_on_and_closing_for_good_ends() {
    for reopens in [true, false] {
        let mut scene = scene(Manner::Helix, [gated(&PIECES)]).await;
        let job = scene.start("Simplify").await;
        scene.release(2);
        scene.shows("new one\nnew").await;
        scene.editor.close_document();
        if reopens {
            let text = format!("# formatted\n{}", scene.editor.text);
            scene.editor.text.clone_from(&text);
            let uri = scene.editor.uri.clone();
            scene.editor.reload(&uri, &text);
            scene.release(3);
            assert_eq!(scene.editor.settled(&job).await, "pending");
            assert_eq!(
                scene.editor.text,
                format!("# formatted\n{}", scene.rewritten(NEW))
            );
        } else {
            assert_eq!(scene.editor.settled(&job).await, "cancelled");
            scene.gateway.closed(0).await;
        }
        scene.editor.finish().await;
    }
}

/// A file that was opened again is at version 0 again, for which Neovim applies an edit to whatever the text has become: nothing
/// may be taken out of it before it has told a change.
#[tokio::test]
async fn in_neovim_what_is_typed_behind_a_reload_stays_while_the_new_text_is_taken_back() {
    let mut scene = scene(Manner::Neovim(150), [gated(&PIECES)]).await;
    let job = scene.start("Simplify").await;
    scene.release(2);
    scene.shows("new one\nnew").await;
    scene.editor.close_document();
    let text = format!("# formatted\n{}", scene.editor.text);
    scene.editor.text.clone_from(&text);
    let uri = scene.editor.uri.clone();
    scene.editor.reload(&uri, &text);
    let token = scene.editor.progress.keys().next().unwrap().clone();
    scene
        .editor
        .tell("window/workDoneProgress/cancel", &json!({"token": token}));
    scene.editor.type_over(0, 0, "# typed\n");
    assert_eq!(scene.editor.settled(&job).await, "cancelled");
    assert_eq!(
        scene.editor.text,
        format!("# typed\n# formatted\n{}", scene.original)
    );
    scene.editor.finish().await;
}

/// Marked text before, what the model says, and the text after.
const SHAPES: [(&str, &str, &str, &str); 7] = [
    (
        "part of a line",
        "let x = «foo(a)» + 1;\n",
        "bar(b)",
        "let x = bar(b) + 1;\n",
    ),
    (
        "emoji and wide characters",
        "日本 = «\"😀 old\"» # 😀\n",
        "\"🚀 new\"",
        "日本 = \"🚀 new\" # 😀\n",
    ),
    (
        "carriage returns",
        "a\r\n«b\r\nc\r\n»d\r\n",
        "x\ny\nz\n",
        "a\r\nx\r\ny\r\nz\r\nd\r\n",
    ),
    (
        "a fence and chatter",
        "«old\n»end\n",
        "Here is the code:\n\n```python\nnew\n```\nHope it helps!",
        "new\nend\n",
    ),
    (
        "indentation",
        "def f():\n    «if a:\n        b()\n»    c()\n",
        "while a:\n    d()\n",
        "def f():\n    while a:\n        d()\n    c()\n",
    ),
    ("no newline at the end", "a\n«old»", "new\n", "a\nnew"),
    (
        "a selection without its newline",
        "a\n«old\nolder»\nb\n",
        "new\nnewer\n",
        "a\nnew\nnewer\nb\n",
    ),
];

#[tokio::test]
async fn every_shape_of_selection_is_rewritten_to_the_character_in_every_encoding() {
    for manner in [
        Manner::Helix,
        Manner::Neovim(0),
        Manner::VsCode,
        Manner::Eglot,
    ] {
        for (name, before, answer, after) in SHAPES {
            let script = Script::new([whole(answer)]);
            let mut scene = scene_of(
                manner,
                Plan {
                    before,
                    script,
                    ..Plan::default()
                },
            )
            .await;
            let job = scene.start("Simplify").await;
            assert_eq!(
                scene.editor.settled(&job).await,
                "pending",
                "{manner:?} {name}"
            );
            assert_eq!(scene.editor.text, after, "{manner:?} {name}");
            scene.editor.press_undo();
            assert_eq!(
                scene.editor.text, scene.original,
                "{manner:?} {name}: one undo"
            );
            scene.editor.finish().await;
        }
    }
}

#[tokio::test]
async fn the_settings_say_how_a_result_is_applied() {
    let script = || Script::new([gated(&PIECES)]);
    let settings = json!({"rewrite": {"apply": "single"}});
    let mut single = scene_of(
        Manner::Helix,
        Plan {
            settings,
            script: script(),
            ..Plan::default()
        },
    )
    .await;
    let job = single.start("Simplify").await;
    single.release(5);
    assert_eq!(single.editor.settled(&job).await, "pending");
    assert_eq!(
        (single.editor.edits.len(), single.editor.text.clone()),
        (1, single.rewritten(NEW))
    );
    single.editor.finish().await;

    let settings = json!({"rewrite": {"apply": "preview"}});
    let mut preview = scene_of(
        Manner::Helix,
        Plan {
            settings,
            script: script(),
            ..Plan::default()
        },
    )
    .await;
    let job = preview.start("Simplify").await;
    preview.release(5);
    assert_eq!(preview.editor.settled(&job).await, "pending");
    assert_eq!(preview.editor.text, preview.original);
    preview.editor.message().await;
    let (start, end) = preview.selection;
    preview.editor.choose(start, end, "Apply").await;
    let watched = job.clone();
    preview
        .editor
        .until("it is applied", move |editor| {
            editor.state(&watched) == "done"
        })
        .await;
    assert_eq!(preview.editor.text, preview.rewritten(NEW));
    preview.editor.finish().await;

    let settings = json!({"rewrite": {"review": false}});
    let mut accepted = scene_of(
        Manner::Helix,
        Plan {
            settings,
            script: script(),
            ..Plan::default()
        },
    )
    .await;
    let job = accepted.start("Simplify").await;
    accepted.release(5);
    assert_eq!(accepted.editor.settled(&job).await, "done");
    accepted.editor.finish().await;
}

#[tokio::test]
async fn an_answer_in_two_blocks_waits_for_the_user_also_without_review() {
    let pieces = [
        "```python\nnew one\n",
        "```\nand then:\n``",
        "`python\nnew two\n```\n",
    ];
    for manner in Manner::EDITING {
        let settings = json!({"rewrite": {"review": false}});
        let script = Script::new([gated(&pieces)]);
        let plan = Plan {
            settings,
            script,
            ..Plan::default()
        };
        let mut scene = scene_of(manner, plan).await;
        let job = scene.start("Simplify").await;
        scene.release(pieces.len() + 1);
        assert_eq!(scene.editor.settled(&job).await, "pending", "{manner:?}");
        let last = scene.editor.jobs[&job].last().unwrap().clone();
        assert_eq!(last["parked"], true, "{manner:?}: {last}");
        let told = last["message"].as_str().unwrap();
        assert!(
            told.contains("more than one block of code; only the first one is in the result"),
            "{manner:?}: {told}"
        );
        let (start, _) = scene.selection;
        let title = "Restore the original";
        scene.editor.choose(start, start, title).await;
        let watched = job.clone();
        scene
            .editor
            .until(title, move |editor| editor.state(&watched) == "cancelled")
            .await;
        assert_eq!(scene.editor.text, scene.original, "{manner:?}");
        scene.editor.take_messages();
        scene.editor.finish().await;
    }
}

#[tokio::test]
async fn a_client_that_takes_no_edits_gets_an_action_that_carries_the_edit() {
    let mut scene = scene(Manner::NoEdits, [whole(NEW)]).await;
    let job = scene.start("Simplify").await;
    assert_eq!(scene.editor.settled(&job).await, "pending");
    scene.editor.message().await;
    let (start, end) = scene.selection;
    let actions = scene.editor.actions(start, end).await;
    let apply = actions
        .iter()
        .find(|action| action["title"].as_str().unwrap().starts_with("Apply"))
        .unwrap();
    let edit = &apply["edit"]["documentChanges"][0];
    assert_eq!(edit["textDocument"]["version"], 0, "{apply}");
    scene.editor.apply_by_hand(edit);
    assert_eq!(scene.editor.text, scene.rewritten(NEW));
    let watched = job.clone();
    scene
        .editor
        .until("it is seen applied", move |editor| {
            editor.state(&watched) == "done"
        })
        .await;
    scene.editor.finish().await;
}

/// The parts that the edits played, in their order.
fn phases(editor: &Editor) -> Vec<&str> {
    let edits = editor.edits.iter();
    edits.map(|(phase, _)| phase.as_str()).collect()
}

#[tokio::test]
async fn a_plugin_that_joins_edits_gets_phases_and_no_rewind() {
    let mut scene = scene(Manner::Plugin, [gated(&PIECES)]).await;
    let job = scene.start("Simplify").await;
    scene.release(2);
    scene.shows("new one\nnew").await;
    scene.release(3);
    assert_eq!(scene.editor.settled(&job).await, "pending");
    assert_eq!(scene.editor.text, scene.rewritten(NEW));
    let phases = phases(&scene.editor);
    assert_eq!(
        (phases.first(), phases.last()),
        (Some(&"first"), Some(&"last")),
        "{phases:?}"
    );
    assert!(!phases.contains(&"rewind"), "{phases:?}");
    scene.editor.finish().await;
}

#[tokio::test]
async fn a_plugin_whose_edits_were_parted_gets_a_rewind_and_the_whole() {
    let mut scene = scene(Manner::Plugin, [gated(&PIECES)]).await;
    let job = scene.start("Simplify").await;
    scene.release(2);
    scene.shows("new one\nnew").await;
    scene.editor.parts = true;
    scene.release(3);
    assert_eq!(scene.editor.settled(&job).await, "pending");
    assert_eq!(scene.editor.text, scene.rewritten(NEW));
    let phases = phases(&scene.editor);
    let end = phases.len().saturating_sub(3);
    assert_eq!(
        phases.get(end..),
        Some(&["last", "rewind", "last"][..]),
        "{phases:?}"
    );
    assert!(scene.editor.press_undo());
    assert_eq!(scene.editor.text, scene.original, "one undo");
    scene.editor.finish().await;
}

#[tokio::test]
async fn a_plugin_whose_edits_were_parted_by_typing_in_the_new_text_gets_the_rest() {
    let mut scene = scene(Manner::Plugin, [gated(&PIECES)]).await;
    let job = scene.start("Simplify").await;
    scene.release(2);
    scene.shows("new one\nnew").await;
    let at = scene.editor.text.find("new one").unwrap() + 3;
    scene.editor.type_over(at, at, ", mine,");
    scene.editor.parts = true;
    scene.release(3);
    assert_eq!(scene.editor.settled(&job).await, "pending");
    let mine = NEW.replace("new one", "new, mine, one");
    assert_eq!(scene.editor.text, scene.rewritten(&mine));
    scene.editor.finish().await;
}

#[tokio::test]
async fn a_client_that_takes_no_edit_for_good_keeps_its_text_and_is_told() {
    for manner in [Manner::Refuses, Manner::Drops, Manner::Deaf] {
        let mut scene = scene(manner, [whole(NEW)]).await;
        let job = scene.start("Simplify").await;
        scene.gateway.received(1).await;
        if manner == Manner::Deaf {
            // Any sign of life: from a silent client an answer is awaited for longer.
            scene
                .editor
                .until("the edit", |editor| !editor.edits.is_empty())
                .await;
            scene.editor.hover(0).await;
        }
        assert_eq!(scene.editor.settled(&job).await, "pending", "{manner:?}");
        assert_eq!(scene.editor.text, scene.original, "{manner:?}");
        let message = scene.editor.message().await;
        assert!(message.contains("editor"), "{manner:?} {message}");
        assert_eq!(scene.editor.hover(0).await, "", "the server is alive");
        scene.editor.finish().await;
    }
}

#[tokio::test]
async fn eof_and_shutdown_in_mid_stream_send_nothing_more() {
    let mut scene = scene(Manner::Helix, [gated(&PIECES)]).await;
    scene.start("Simplify").await;
    scene.release(2);
    scene.shows("new one\nnew").await;
    let edits = scene.editor.edits.len();
    scene
        .editor
        .ask("shutdown", &serde_json::Value::Null)
        .await
        .unwrap();
    scene.gateway.closed(0).await;
    assert_eq!(scene.editor.edits.len(), edits);
    assert!(BEFORE.contains("old one") && scene.editor.text.contains("old one"));
}

#[tokio::test]
async fn an_editor_with_neovims_manner_sees_the_order_of_messages_that_neovim_saw() {
    for (debounce, recorded) in [
        (150, include_str!("../fixtures/neovim/rewrite.log")),
        (0, include_str!("../fixtures/neovim/rewrite-debounce-0.log")),
    ] {
        let pieces = ["new one\n", "new two\n", "x"];
        let mut scene = scene(Manner::Neovim(debounce), [gated(&pieces)]).await;
        let job = scene.start("Simplify").await;
        // As many streamed edits as Neovim was recorded with, then the rewind and the commit.
        let streamed = recorded.matches("workspace/applyEdit").count() - 2;
        for piece in 0..streamed {
            scene.release(1);
            let wanted = piece + 1;
            scene
                .editor
                .until("an echo", |editor| {
                    editor
                        .traffic
                        .iter()
                        .filter(|line| line.contains("didChange"))
                        .count()
                        == wanted
                })
                .await;
        }
        scene.release(pieces.len() + 1 - streamed);
        assert_eq!(scene.editor.settled(&job).await, "pending");
        let kept = |line: &str| {
            !line.contains("ezrouter/job") && !line.contains("resolve") && !line.contains("report")
        };
        let without_version = |line: &str| line.split(" v").next().unwrap_or_default().to_owned();
        let mut ours: Vec<String> = scene
            .editor
            .traffic
            .iter()
            .filter(|line| kept(line))
            .map(|line| without_version(line))
            .collect();
        let mut theirs: Vec<String> = recorded.lines().map(without_version).collect();
        // Into how many changes an edit falls depends on its text, which is another one here.
        ours.dedup();
        theirs.dedup();
        assert_eq!(ours.join("\n"), theirs.join("\n"), "debounce {debounce}");
        scene.editor.finish().await;
    }
}

#[tokio::test]
async fn what_was_typed_in_the_new_text_is_left_by_a_stop_and_named() {
    let mut scene = scene(Manner::Helix, [gated(&PIECES)]).await;
    let job = scene.start("Simplify").await;
    scene.release(2);
    scene.shows("new one\nnew").await;
    let at = scene.editor.text.find(" one").unwrap();
    scene.editor.type_over(at, at, "<typed>");
    scene
        .editor
        .command("ezrouter.cancel", json!({"job": job}))
        .await
        .unwrap();
    assert_eq!(scene.editor.settled(&job).await, "cancelled");
    let message = scene.editor.message().await;
    assert!(
        message.contains("what you changed in the new text was left"),
        "{message}"
    );
    let text = &scene.editor.text;
    let stands = |part: &str| text.matches(part).count() == 1;
    assert!(
        stands("<typed>") && stands("old one\n") && stands("old two\n"),
        "{text}"
    );
    scene.editor.finish().await;
}
