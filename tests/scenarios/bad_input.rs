//! Whatever a client or a user gets wrong: one clear message, nothing changed, nothing sent, and the server goes on.

use ezrouter_lsp::offline::Script;
use serde_json::{Value, json};

use crate::manner::Manner;
use crate::scene::{Plan, Scene, scene, scene_of, whole};

/// The command is refused, with a message that says `part`; nothing changes, nothing is sent, and the server goes on.
async fn refused(scene: &mut Scene, command: &str, argument: Value, part: &str) {
    let before = scene.editor.text.clone();
    let error = scene
        .editor
        .command(command, argument)
        .await
        .expect_err(part);
    let reply = error["message"].as_str().unwrap().to_owned();
    assert!(reply.contains(part), "{reply:?} lacks {part:?}");
    assert_eq!(scene.editor.message().await, reply, "shown as well");
    assert_eq!(scene.editor.text, before);
    assert_eq!(scene.gateway.requests().len(), 0, "nothing was sent");
    assert_eq!(scene.editor.hover(0).await, "", "the server goes on");
}

#[tokio::test]
async fn commands_that_make_no_sense_are_refused() {
    let mut scene = scene(Manner::Helix, [whole("never sent")]).await;
    let uri = scene.editor.uri.clone();
    let (start, end) = scene.selection;
    let range = scene.editor.range(start, end);
    let beyond =
        json!({"start": {"line": 900, "character": 0}, "end": {"line": 901, "character": 7}});
    let empty = scene.editor.range(start, start);
    let cases = [
        ("ezrouter.unknown", json!({}), "no command ezrouter.unknown"),
        ("ezrouter.ask", json!({}), "select some text first"),
        (
            "ezrouter.rewrite",
            json!({"uri": uri, "range": range}),
            "say what to do",
        ),
        (
            "ezrouter.rewrite",
            json!({"uri": uri, "range": range, "action": "nonsense"}),
            "no action nonsense",
        ),
        (
            "ezrouter.rewrite",
            json!({"uri": uri, "range": range, "action": "explain"}),
            "no action explain",
        ),
        (
            "ezrouter.rewrite",
            json!({"uri": uri, "range": empty, "action": "fix"}),
            "nothing is selected",
        ),
        (
            "ezrouter.ask",
            json!({"uri": uri, "range": empty}),
            "nothing is selected",
        ),
        (
            "ezrouter.rewrite",
            json!({"uri": uri, "range": beyond, "action": "fix"}),
            "nothing is selected",
        ),
        (
            "ezrouter.rewrite",
            json!({"uri": uri, "range": range, "action": "fix", "version": 7}),
            "select again",
        ),
        (
            "ezrouter.ask",
            json!({"uri": "file:///project/gone.py", "range": range}),
            "gone.py is not open",
        ),
        (
            "ezrouter.cancel",
            json!({"job": "nonsense"}),
            "no job nonsense",
        ),
        ("ezrouter.accept", json!({}), "no rewrite to review"),
        (
            "ezrouter.reject",
            json!({"job": "nonsense"}),
            "no job nonsense",
        ),
        ("ezrouter.apply", json!({}), "no result to apply"),
        ("ezrouter.dismiss", json!({}), "no answer to dismiss"),
        (
            "ezrouter.selectModel",
            json!({"model": " "}),
            "name a model",
        ),
    ];
    for (command, argument, part) in cases {
        refused(&mut scene, command, argument, part).await;
    }
    scene.editor.finish().await;
}

#[tokio::test]
async fn texts_that_must_not_be_sent_are_not() {
    let large = format!("«{}»", "x = 1\n".repeat(20_000));
    let cases = [
        (
            "file:///project/.env",
            "«KEY=1\n»",
            "matches the built-in exclusion .env",
        ),
        (
            "file:///project/%2Eenv.local",
            "«KEY=1\n»",
            "matches the built-in exclusion .env.*",
        ),
        (
            "file:///home/u/.ssh/id_ed25519",
            "«KEY\n»",
            "built-in exclusion",
        ),
        (
            "file:///project/a.bin",
            "\0\u{1}«data\n»",
            "looks like a binary file",
        ),
        (
            "file:///project/large.py",
            large.as_str(),
            "too large to rewrite: 120000 bytes",
        ),
    ];
    for (uri, before, part) in cases {
        let script = Script::new([whole("never sent")]);
        let mut scene = scene_of(
            Manner::VsCode,
            Plan {
                before,
                script,
                uri,
                ..Plan::default()
            },
        )
        .await;
        let (start, end) = scene.selection;
        let argument =
            json!({"uri": uri, "range": scene.editor.range(start, end), "action": "fix"});
        refused(&mut scene, "ezrouter.rewrite", argument, part).await;
        scene.editor.finish().await;
    }
}

#[tokio::test]
async fn any_uri_is_a_key() {
    for uri in [
        "file:///project/[id].tsx",
        "file:///project/a b/ü.py",
        "untitled:Untitled-1",
        "file:///c%3A/x.py",
    ] {
        let script = Script::new([whole("new\n")]);
        let mut scene = scene_of(
            Manner::Helix,
            Plan {
                script,
                uri,
                ..Plan::default()
            },
        )
        .await;
        let job = scene.start("Fix").await;
        assert_eq!(scene.editor.settled(&job).await, "pending", "{uri}");
        assert_eq!(scene.editor.text, scene.rewritten("new\n"), "{uri}");
        scene.editor.finish().await;
    }
}

#[tokio::test]
async fn an_unreadable_change_puts_the_document_out_of_step_until_a_full_text_comes() {
    let bad = [
        json!({"range": {"start": {"line": 1, "character": 0}, "end": {"line": 0, "character": 0}}, "text": "x"}),
        json!({"range": {"start": {"line": -1, "character": 0}, "end": {"line": 0, "character": 0}}, "text": "x"}),
        json!({"range": {"start": {"line": 0, "character": 0.5}, "end": {"line": 0, "character": 1}}, "text": "x"}),
        json!({"range": {"start": {"line": 90, "character": 0}, "end": {"line": 90, "character": 1}}, "text": "x"}),
        json!({"range": {"start": {"line": 0, "character": 0}}, "text": "x"}),
        json!({"range": "all", "text": "x"}),
        json!({"text": 7}),
    ];
    for change in bad {
        let mut scene = scene(Manner::Helix, [whole("new\n")]).await;
        let (start, end) = scene.selection;
        let identifier = json!({"uri": scene.editor.uri, "version": 1});
        scene.editor.tell(
            "textDocument/didChange",
            &json!({"textDocument": identifier, "contentChanges": [change]}),
        );
        let message = scene.editor.message().await;
        assert!(message.contains("close and reopen"), "{change}: {message}");
        let argument = json!({"uri": scene.editor.uri, "range": scene.editor.range(start, end), "action": "fix"});
        refused(
            &mut scene,
            "ezrouter.rewrite",
            argument.clone(),
            "out of step",
        )
        .await;
        scene.editor.tell_whole(2);
        let job = scene
            .editor
            .command("ezrouter.rewrite", argument)
            .await
            .unwrap();
        assert_eq!(
            scene.editor.settled(job["job"].as_str().unwrap()).await,
            "pending",
            "{change}"
        );
        assert_eq!(scene.editor.text, scene.rewritten("new\n"), "{change}");
        scene.editor.finish().await;
    }
}

#[tokio::test]
async fn a_selection_is_followed_through_an_opening_without_a_text() {
    let mut scene = scene(Manner::Helix, [whole("One.")]).await;
    let (start, end) = scene.selection;
    scene.editor.actions(start, end).await;
    let document = json!({"uri": scene.editor.uri, "languageId": "python", "version": 5});
    scene
        .editor
        .tell("textDocument/didOpen", &json!({"textDocument": document}));
    assert!(scene.editor.message().await.contains("out of step"));
    refused(&mut scene, "ezrouter.ask", json!({}), "out of step").await;
    scene.editor.text.insert_str(0, "new above\n");
    scene.editor.tell_whole(6);
    let job = scene.editor.command("ezrouter.ask", json!({})).await;
    let job = job.unwrap()["job"].as_str().unwrap().to_owned();
    assert_eq!(scene.editor.settled(&job).await, "done");
    scene.editor.message().await;
    let asked = scene.gateway.requests()[0].body.to_string();
    assert!(
        asked.contains("lines 3 to 4.") && asked.contains("old one"),
        "{asked}"
    );
    scene.editor.finish().await;
}

#[tokio::test]
async fn a_selection_ends_with_its_file() {
    let mut scene = scene(Manner::Helix, [whole("never sent")]).await;
    let (start, end) = scene.selection;
    scene.editor.actions(start, end).await;
    let uri = scene.editor.uri.clone();
    scene.editor.close_document();
    scene.editor.open_document(&uri, "python", "other\n");
    refused(&mut scene, "ezrouter.ask", json!({}), "select again").await;
    scene.editor.finish().await;
}

#[tokio::test]
async fn nothing_is_offered_for_an_automatic_request_without_a_selection() {
    let mut scene = scene(Manner::Kakoune, [whole("Words.")]).await;
    let params = json!({
        "textDocument": {"uri": scene.editor.uri}, "range": scene.editor.range(0, 0),
        "context": {"diagnostics": [], "triggerKind": 2},
    });
    assert_eq!(
        scene.editor.ask("textDocument/codeAction", &params).await,
        Ok(json!([]))
    );
    let only = json!({
        "textDocument": {"uri": scene.editor.uri}, "range": scene.editor.range(0, 5),
        "context": {"diagnostics": [], "only": ["refactor.rewrite"]},
    });
    let actions = scene
        .editor
        .ask("textDocument/codeAction", &only)
        .await
        .unwrap();
    let kinds: Vec<&str> = actions
        .as_array()
        .unwrap()
        .iter()
        .map(|action| action["kind"].as_str().unwrap())
        .collect();
    assert!(
        kinds.len() == 5
            && kinds
                .iter()
                .all(|kind| *kind == "refactor.rewrite.ezrouter"),
        "{kinds:?}"
    );
    scene.editor.finish().await;
}

/// Helix 25.01 sends its changes in tasks of their own, which overtake each other under fast typing.
#[tokio::test]
async fn changes_of_helix_that_overtake_each_other_are_put_in_order() {
    let mut scene = scene(Manner::Helix, [whole("new\n")]).await;
    let (start, end) = scene.selection;
    for (version, column, letter) in [
        (1, 0, "a"),
        (4, 3, "d"),
        (2, 1, "b"),
        (5, 4, "e"),
        (3, 2, "c"),
    ] {
        let place = json!({"line": 0, "character": column});
        let change = json!({"range": {"start": place, "end": place}, "text": letter});
        let identifier = json!({"uri": scene.editor.uri, "version": version});
        scene.editor.tell(
            "textDocument/didChange",
            &json!({"textDocument": identifier, "contentChanges": [change]}),
        );
    }
    let typed = format!("abcde{}", scene.editor.text);
    scene.editor.was_told(5, &typed);
    let job = scene.editor.choose(start + 5, end + 5, "Fix").await["job"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(scene.editor.settled(&job).await, "pending");
    assert_eq!(
        scene.editor.text,
        format!("abcde{}", scene.rewritten("new\n"))
    );
    scene.editor.finish().await;
}

#[tokio::test]
async fn a_change_that_never_comes_or_comes_too_late_puts_the_document_out_of_step() {
    for versions in [vec![1, 3], vec![2, 1]] {
        let manner = if versions == [1, 3] {
            Manner::Helix
        } else {
            Manner::VsCode
        };
        let mut scene = scene(manner, [whole("new\n")]).await;
        for version in versions {
            let place = json!({"line": 0, "character": 0});
            let change = json!({"range": {"start": place, "end": place}, "text": "x"});
            let identifier = json!({"uri": scene.editor.uri, "version": version});
            scene.editor.tell(
                "textDocument/didChange",
                &json!({"textDocument": identifier, "contentChanges": [change]}),
            );
        }
        let message = scene.editor.message().await;
        assert!(message.contains("close and reopen"), "{message}");
        scene.editor.finish().await;
    }
}
