//! What can be done with a rewrite that has landed: hunk by hunk, again with other words, as a diff; and many at once.

use ezrouter_lsp::offline::{Answer, Step};
use serde_json::{Value, json};

use crate::manner::Manner;
use crate::scene::{Plan, Scene, gated, scene, scene_of, whole};
use ezrouter_lsp::offline::Script;

/// A text of three places that the answer changes, with lines between them that stay.
const PLACES: &str = "above\n«one = 1\nkeep()\ntwo = 2\nstay()\nthree = 3\n»below\n";
const CHANGED: &str = "one = 10\nkeep()\ntwo = 20\nstay()\nthree = 30\n";

async fn pending(manner: Manner, before: &str, answer: &str) -> (Scene, String) {
    let plan = Plan {
        before,
        script: Script::new([whole(answer)]),
        ..Plan::default()
    };
    let mut scene = scene_of(manner, plan).await;
    let job = scene.start("Simplify").await;
    assert_eq!(scene.editor.settled(&job).await, "pending", "{manner:?}");
    (scene, job)
}

/// The hunk actions offered at the first place of `part`: title and hunk.
async fn hunks_at(scene: &mut Scene, part: &str) -> Vec<(String, u64)> {
    let at = scene.editor.text.find(part).unwrap();
    let actions = scene.editor.actions(at, at).await;
    let hunk = |action: &Value| {
        let hunk = action.pointer("/command/arguments/0/hunk")?.as_u64()?;
        Some((action["title"].as_str().unwrap().to_owned(), hunk))
    };
    actions.iter().filter_map(hunk).collect()
}

async fn choose_at(scene: &mut Scene, part: &str, title: &str) -> Value {
    let at = scene.editor.text.find(part).unwrap();
    scene.editor.choose(at, at, title).await
}

#[tokio::test]
async fn each_hunk_can_be_accepted_or_rejected_in_every_editor() {
    for manner in Manner::EDITING {
        let (mut scene, job) = pending(manner, PLACES, CHANGED).await;
        assert_eq!(
            hunks_at(&mut scene, "two = 20").await,
            [
                ("Accept hunk (Simplify)".to_owned(), 1),
                ("Reject hunk (Simplify)".to_owned(), 1)
            ],
            "{manner:?}"
        );
        assert_eq!(hunks_at(&mut scene, "below").await, [], "{manner:?}");
        let answer = choose_at(&mut scene, "one = 10", "Accept hunk").await;
        assert_eq!(answer, json!({"ok": true, "kept": []}));
        assert_eq!(hunks_at(&mut scene, "one = 10").await, [], "{manner:?}");
        let answer = choose_at(&mut scene, "two = 20", "Reject hunk").await;
        assert_eq!(answer, json!({"ok": true, "kept": []}));
        scene.shows("two = 2\n").await;
        assert_eq!(
            scene.editor.text,
            scene.rewritten("one = 10\nkeep()\ntwo = 2\nstay()\nthree = 30\n"),
            "{manner:?}"
        );
        scene.editor.flush();
        let left = hunks_at(&mut scene, "three = 30").await;
        assert_eq!(left[0].1, 2, "{manner:?}: a hunk keeps its number");
        assert_eq!(scene.editor.state(&job), "pending", "{manner:?}");
        let gone = scene
            .editor
            .command("ezrouter.reject", json!({"job": job, "hunk": 1}))
            .await;
        assert!(gone.unwrap_err().to_string().contains("no hunk 1"));
        scene.editor.message().await;
        choose_at(&mut scene, "three = 30", "Reject hunk").await;
        let watched = job.clone();
        scene
            .editor
            .until("the review is over", move |editor| {
                editor.state(&watched) == "done"
            })
            .await;
        assert_eq!(
            scene.editor.text,
            scene.rewritten("one = 10\nkeep()\ntwo = 2\nstay()\nthree = 3\n"),
            "{manner:?}"
        );
        let states = scene.editor.states(&job);
        assert_eq!(states.last(), Some(&"done"), "{states:?}");
        scene.editor.finish().await;
    }
}

#[tokio::test]
async fn with_every_hunk_rejected_the_rewrite_is_rejected() {
    let (mut scene, job) = pending(Manner::Helix, PLACES, CHANGED).await;
    for part in ["three = 30", "one = 10", "two = 20"] {
        choose_at(&mut scene, part, "Reject hunk").await;
        let gone = part.to_owned();
        scene
            .editor
            .until("the hunk is gone", move |editor| {
                !editor.text.contains(&gone)
            })
            .await;
        scene.editor.hover(0).await;
    }
    let watched = job.clone();
    scene
        .editor
        .until("it is rejected", move |editor| {
            editor.state(&watched) == "cancelled"
        })
        .await;
    assert_eq!(scene.editor.text, scene.original);
    scene.editor.finish().await;
}

#[tokio::test]
async fn a_rejected_hunk_leaves_what_the_user_changed_and_names_it() {
    let (mut scene, job) = pending(Manner::Helix, PLACES, CHANGED).await;
    let at = scene.editor.text.find("two = 20").unwrap();
    scene.editor.type_over(at, at, "<typed> ");
    scene.editor.type_over(0, 0, "typed above\n");
    let answer = choose_at(&mut scene, "two = 20", "Reject hunk").await;
    let kept = answer["kept"].as_array().unwrap();
    assert_eq!((kept.len(), &kept[0]["hunk"]), (1, &json!(1)), "{answer}");
    assert_eq!(kept[0]["range"]["start"]["line"], 4, "{answer}");
    scene.shows("two = 2\n").await;
    let text = &scene.editor.text;
    assert!(
        text.contains("<typed> two = 20") && text.starts_with("typed above\n"),
        "{text}"
    );
    assert!(
        text.contains("one = 10") && text.contains("three = 30"),
        "{text}"
    );
    assert_eq!(scene.editor.state(&job), "pending");
    scene.editor.finish().await;
}

#[tokio::test]
async fn inserted_and_deleted_lines_are_hunks_too() {
    let before = "«a()\nb()\nc()\nd()\n»";
    let (mut scene, _) = pending(Manner::Helix, before, "new()\na()\nb()\nd()\n").await;
    choose_at(&mut scene, "new()", "Reject hunk").await;
    scene
        .editor
        .until("the new line is gone", |editor| {
            !editor.text.contains("new()")
        })
        .await;
    assert_eq!(
        hunks_at(&mut scene, "d()").await[0].1,
        1,
        "where the deleted line stood"
    );
    choose_at(&mut scene, "d()", "Reject hunk").await;
    scene.shows("c()\nd()").await;
    assert_eq!(scene.editor.text, scene.original);
    scene.editor.finish().await;
}

#[tokio::test]
async fn a_hunk_that_the_editor_does_not_take_back_stays_to_be_decided() {
    let plan = Plan {
        before: PLACES,
        script: Script::new([whole(CHANGED)]),
        ..Plan::default()
    };
    let mut scene = scene_of(Manner::Helix, plan).await;
    let job = scene.start("Simplify").await;
    assert_eq!(scene.editor.settled(&job).await, "pending");
    scene.editor.manner = Manner::Refuses;
    let text = scene.editor.text.clone();
    choose_at(&mut scene, "two = 20", "Reject hunk").await;
    let message = scene.editor.message().await;
    assert!(message.contains("refused the edit"), "{message}");
    assert_eq!(scene.editor.text, text);
    assert_eq!(hunks_at(&mut scene, "two = 20").await.len(), 2);
    scene.editor.finish().await;
}

/// The last user message of each request so far.
fn said(scene: &Scene) -> Vec<String> {
    let last = |body: &Value| {
        let messages = body["messages"].as_array().unwrap();
        messages.last().unwrap()["content"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    scene
        .gateway
        .requests()
        .iter()
        .map(|request| last(&request.body))
        .collect()
}

#[tokio::test]
async fn a_pending_rewrite_tried_again_is_taken_back_first_and_rewrites_the_original() {
    for manner in [
        Manner::Helix,
        Manner::Neovim(150),
        Manner::VsCode,
        Manner::Plugin,
    ] {
        let plan = Plan {
            before: PLACES,
            script: Script::new([whole(CHANGED), gated(&["other = 1\n"])]),
            ..Plan::default()
        };
        let mut scene = scene_of(manner, plan).await;
        let job = scene.start("Simplify").await;
        assert_eq!(scene.editor.settled(&job).await, "pending", "{manner:?}");
        let argument = json!({"job": job, "instruction": "Use other", "model": "other-model"});
        let answer = scene
            .editor
            .command("ezrouter.retry", argument)
            .await
            .unwrap();
        let second = answer["job"].as_str().unwrap().to_owned();
        let watched = job.clone();
        scene
            .editor
            .until("the first is taken back", move |editor| {
                editor.state(&watched) == "cancelled"
            })
            .await;
        assert_eq!(scene.editor.text, scene.original, "{manner:?}");
        scene.gateway.received(2).await;
        let requests = said(&scene);
        assert!(
            requests[1].contains("<selection>\none = 1\nkeep()"),
            "{}",
            requests[1]
        );
        assert!(requests[1].contains("Use other") && !requests[1].contains("Simplify"));
        assert_eq!(scene.gateway.requests()[1].body["model"], "other-model");
        scene.release(2);
        assert_eq!(scene.editor.settled(&second).await, "pending", "{manner:?}");
        assert_eq!(
            scene.editor.text,
            scene.rewritten("other = 1\n"),
            "{manner:?}"
        );
        scene.editor.finish().await;
    }
}

#[tokio::test]
async fn a_failed_rewrite_is_tried_again_where_its_text_has_moved_to() {
    let broken = Answer::stream([Step::text("new"), Step::Cut]);
    let mut scene = scene(Manner::Helix, [broken, whole("new\n")]).await;
    let job = scene.start("Simplify").await;
    assert_eq!(scene.editor.settled(&job).await, "failed");
    scene.editor.message().await;
    scene.editor.type_over(0, 0, "typed above\n");
    let running = scene
        .editor
        .command("ezrouter.retry", json!({"job": job}))
        .await
        .unwrap();
    let second = running["job"].as_str().unwrap().to_owned();
    assert_eq!(scene.editor.settled(&second).await, "pending");
    assert_eq!(scene.editor.text, "typed above\nabove\nnew\nbelow\n");
    let requests = said(&scene);
    assert_eq!(
        requests[0].replace("lines 2 to 3", ""),
        requests[1]
            .replace("lines 3 to 4", "")
            .replace("typed above\n", "")
    );
    scene.editor.finish().await;
}

#[tokio::test]
async fn an_answer_tried_again_is_replaced_and_so_is_its_turn() {
    let mut scene = scene(
        Manner::Helix,
        [whole("First."), whole("Second."), whole("Third.")],
    )
    .await;
    let first = scene.start("Explain").await;
    assert_eq!(scene.editor.settled(&first).await, "done");
    scene.editor.message().await;
    let answer = scene
        .editor
        .command("ezrouter.retry", json!({"job": first}))
        .await
        .unwrap();
    let second = answer["job"].as_str().unwrap().to_owned();
    assert_eq!(scene.editor.settled(&second).await, "done");
    scene.editor.message().await;
    let hover = scene.editor.hover(scene.selection.0).await;
    assert!(
        hover.contains("Second.") && !hover.contains("First."),
        "{hover}"
    );
    let third = scene.start("Explain").await;
    assert_eq!(scene.editor.settled(&third).await, "done");
    scene.editor.message().await;
    let body = scene.gateway.requests()[2].body.to_string();
    assert!(
        body.contains("Second.") && !body.contains("First."),
        "{body}"
    );
    scene.editor.finish().await;
}

#[tokio::test]
async fn what_cannot_be_tried_again_is_said() {
    let mut scene = scene(Manner::Helix, [gated(&["x\n"])]).await;
    let job = scene.start("Simplify").await;
    for (argument, reason) in [
        (json!({"job": job}), "still running"),
        (json!({"job": "nonsense"}), "no job nonsense"),
    ] {
        let refused = scene
            .editor
            .command("ezrouter.retry", argument)
            .await
            .unwrap_err();
        assert!(refused.to_string().contains(reason), "{refused}");
        scene.editor.message().await;
    }
    scene
        .editor
        .command("ezrouter.cancel", json!({}))
        .await
        .unwrap();
    assert_eq!(scene.editor.settled(&job).await, "cancelled");
    let (start, end) = scene.selection;
    scene.editor.type_over(start, end, "");
    let refused = scene
        .editor
        .command("ezrouter.retry", json!({"job": job}))
        .await
        .unwrap_err();
    assert!(
        refused.to_string().contains("its text is gone"),
        "{refused}"
    );
    scene.editor.message().await;
    scene.editor.finish().await;
}

#[tokio::test]
async fn a_diff_is_shown_as_a_document_of_its_own() {
    for manner in [Manner::VsCode, Manner::Helix, Manner::Eglot] {
        let (mut scene, job) = pending(manner, PLACES, CHANGED).await;
        let answer = choose_at(&mut scene, "one = 10", "Show diff").await;
        let uri = answer["uri"].as_str().unwrap().to_owned();
        if manner == Manner::Eglot {
            let message = scene.editor.message().await;
            assert!(message.contains(".diff"), "{message}");
        } else {
            scene
                .editor
                .until("a document", |editor| !editor.opened.is_empty())
                .await;
            assert_eq!(scene.editor.opened, std::slice::from_ref(&uri));
        }
        let path = std::path::PathBuf::from(uri.strip_prefix("file://").unwrap());
        assert!(path.starts_with(scene.state.path()), "{uri}");
        let text = std::fs::read_to_string(&path).unwrap();
        let expected = "Simplify\n--- a/a.py\n+++ b/a.py\n@@ -1,7 +1,7 @@\n above\n-one = 1\n+one = 10\n keep()\n-two = 2\n\
            +two = 20\n stay()\n-three = 3\n+three = 30\n below\n";
        assert_eq!(text, expected);
        assert_eq!(scene.editor.state(&job), "pending");
        scene.editor.finish().await;
    }
}

#[tokio::test]
async fn a_diff_of_a_part_of_a_line_shows_whole_lines_with_their_numbers() {
    let before = "1\n2\n3\n4\n5\n6 = «six»  # end\n7\n";
    let (mut scene, _) = pending(Manner::VsCode, before, "sechs").await;
    let answer = choose_at(&mut scene, "sechs", "Show diff").await;
    scene
        .editor
        .until("a document", |editor| !editor.opened.is_empty())
        .await;
    let path = answer["uri"].as_str().unwrap().strip_prefix("file://");
    assert_eq!(
        std::fs::read_to_string(path.unwrap()).unwrap(),
        "Simplify\n--- a/a.py\n+++ b/a.py\n@@ -3,5 +3,5 @@\n 3\n 4\n 5\n-6 = six  # end\n+6 = sechs  # end\n 7\n"
    );
    scene.editor.finish().await;
}

#[tokio::test]
async fn fifty_rewrites_run_in_one_document_and_all_land() {
    const COUNT: usize = 50;
    let lines = (0..COUNT).map(|number| format!("old {number}\nkept"));
    let before = lines.collect::<Vec<_>>().join("\n") + "\n";
    for manner in [Manner::Helix, Manner::Neovim(0), Manner::VsCode] {
        let plan = Plan {
            // Not at the very start of the first region: what is typed there while Neovim's fresh file takes an edit may as
            // well have been typed behind the edit.
            before: &format!("«»top\n{before}"),
            script: Script::always(Answer::stream([
                Step::text("new"),
                Step::Gate,
                Step::text(" line\nand one more\n"),
                Step::finish("stop"),
                Step::Done,
            ])),
            ..Plan::default()
        };
        let mut scene = scene_of(manner, plan).await;
        let mut jobs = Vec::new();
        for number in 0..COUNT {
            let start = scene.editor.text.find(&format!("old {number}\n")).unwrap();
            let range = scene
                .editor
                .range(start, start + format!("old {number}\n").len());
            let argument =
                json!({"uri": scene.editor.uri, "range": range, "instruction": "Change"});
            let answer = scene
                .editor
                .command("ezrouter.rewrite", argument)
                .await
                .unwrap();
            jobs.push(answer["job"].as_str().unwrap().to_owned());
        }
        scene.gateway.received(COUNT).await;
        scene.editor.type_over(0, 0, "typed meanwhile\n");
        scene.release(COUNT);
        for job in &jobs {
            assert_eq!(
                scene.editor.settled(job).await,
                "pending",
                "{manner:?} {job}"
            );
        }
        let expected = "new line\nand one more\nkept\n".repeat(COUNT);
        assert_eq!(
            scene.editor.text,
            format!("typed meanwhile\ntop\n{expected}"),
            "{manner:?}"
        );
        scene.editor.finish().await;
    }
}
