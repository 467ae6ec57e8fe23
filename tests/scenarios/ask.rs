//! Questions: the answer in the hover, follow-ups, and what puts an answer away.

use ezrouter_lsp::gateway::signal::Usage;
use ezrouter_lsp::offline::{Answer, Script, Step};
use serde_json::{Value, json};

use crate::manner::Manner;
use crate::scene::{Plan, gated, scene, scene_of, whole};

#[tokio::test]
async fn an_answer_grows_in_the_hover_and_ends_with_what_it_took() {
    for manner in Manner::EDITING {
        let mut scene = scene(manner, [gated(&["It **adds**", " two numbers."])]).await;
        let job = scene.start("Explain").await;
        let (start, end) = scene.selection;
        assert!(
            scene.editor.hover(start).await.starts_with("*waiting"),
            "{manner:?}"
        );
        scene.release(1);
        let watched = job.clone();
        scene
            .editor
            .until("words", move |editor| editor.state(&watched) == "streaming")
            .await;
        let hover = scene.editor.hover(start + 2).await;
        assert!(
            hover.starts_with("It **adds**") && hover.contains("still writing"),
            "{manner:?} {hover}"
        );
        scene.release(2);
        assert_eq!(scene.editor.settled(&job).await, "done", "{manner:?}");
        let hover = scene.editor.hover(start).await;
        let footer =
            "It **adds** two numbers.\n\n---\ntest-model, 90 tokens in (60 cached), 7 out, ";
        assert!(hover.starts_with(footer), "{manner:?} {hover}");
        assert_eq!(
            scene.editor.hover(end).await,
            "",
            "{manner:?}: the next line is not meant"
        );
        assert_eq!(scene.editor.hover(0).await, "", "{manner:?}");
        // To Neovim a message is a prompt that waits for a key; that one came would be seen at the end.
        if !matches!(manner, Manner::Neovim(_)) {
            assert_eq!(
                scene.editor.message().await,
                "Answer ready: hover over lines 2-3"
            );
        }
        assert_eq!(scene.editor.text, scene.original);
        scene.editor.finish().await;
    }
}

#[tokio::test]
async fn counts_that_the_gateway_guessed_are_marked_in_the_hover_the_progress_and_the_job() {
    let usage = Usage {
        input: 90,
        output: 7,
        ..Usage::default()
    };
    let (text, told) = (Step::text("It adds."), Step::Usage(usage));
    let cut = Answer::stream([text.clone(), told.clone(), Step::Done]);
    let begun = Answer::stream([text, Step::finish("stop"), Step::Done, told]);
    for (surface, answer, state, tokens) in [
        ("openai", &cut, "failed", "~90 tokens in, ~7 out, "),
        ("anthropic", &cut, "failed", "~90 tokens in, ~7 out, "),
        ("anthropic", &begun, "done", "~90 tokens in, ~1 out, "),
    ] {
        let plan = Plan {
            settings: json!({"surface": surface}),
            script: Script::always(answer.clone()),
            ..Plan::default()
        };
        let mut scene = scene_of(Manner::Helix, plan).await;
        let job = scene.start("Explain").await;
        assert_eq!(scene.editor.settled(&job).await, state);
        let hover = scene.editor.hover(scene.selection.0).await;
        let footer = format!("test-model, {tokens}");
        assert!(hover.contains(&footer), "{surface} {hover}");
        let told = scene.editor.jobs[&job].last().unwrap();
        assert_eq!(told["usage"]["estimated"], true, "{told}");
        let ended = scene
            .editor
            .progress
            .values()
            .next()
            .unwrap()
            .last()
            .unwrap();
        assert!(ended.1.contains(&footer), "{surface} {ended:?}");
        scene.editor.message().await;
        scene.editor.finish().await;
    }
}

#[tokio::test]
async fn a_follow_up_carries_what_was_said_and_a_new_conversation_does_not() {
    let answers = ["First answer.", "Second answer.", "Third answer."].map(whole);
    let mut scene = scene(Manner::Neovim(150), answers).await;
    let (start, end) = scene.selection;
    let argument = |scene: &crate::scene::Scene, question: &str| json!({"uri": scene.editor.uri, "range": scene.editor.range(start, end), "question": question});
    for question in ["What is this?", "And why?"] {
        let job = scene
            .editor
            .command("ezrouter.ask", argument(&scene, question))
            .await
            .unwrap();
        scene.editor.settled(job["job"].as_str().unwrap()).await;
    }
    scene
        .editor
        .command("ezrouter.newConversation", json!({}))
        .await
        .unwrap();
    let job = scene
        .editor
        .command("ezrouter.ask", argument(&scene, "Afresh?"))
        .await
        .unwrap();
    scene.editor.settled(job["job"].as_str().unwrap()).await;
    let said: Vec<Vec<(String, String)>> = scene
        .gateway
        .requests()
        .iter()
        .map(|request| turns(&request.body))
        .collect();
    assert_eq!(said[0].len(), 2, "the system prompt and the question");
    let (past, new) = said[1].split_at(3);
    assert_eq!(past[..2], said[0][..], "the past is sent letter for letter");
    assert_eq!(
        past[2],
        ("assistant".to_owned(), "First answer.".to_owned())
    );
    assert!(new[0].1.ends_with("And why?"), "{new:?}");
    assert_eq!(said[2].len(), 2, "a new conversation begins without a past");
    let body = &scene.gateway.requests()[0].body;
    assert_eq!(
        (&body["stream"], &body["max_tokens"]),
        (&json!(true), &json!(8192))
    );
    assert!(body.get("temperature").is_none());
    scene.editor.finish().await;
}

fn turns(body: &Value) -> Vec<(String, String)> {
    let messages = body["messages"].as_array().unwrap();
    let text = |message: &Value, key: &str| message[key].as_str().unwrap().to_owned();
    messages
        .iter()
        .map(|message| (text(message, "role"), text(message, "content")))
        .collect()
}

#[tokio::test]
async fn an_answer_moves_with_its_text_and_goes_with_it() {
    let mut scene = scene(Manner::Helix, [whole("Words.")]).await;
    let job = scene.start("Explain").await;
    scene.editor.settled(&job).await;
    scene.editor.message().await;
    scene.editor.type_over(0, 0, "typed\n");
    let at = scene.editor.text.find("old one").unwrap();
    assert!(scene.editor.hover(at).await.starts_with("Words."));
    assert_eq!(scene.editor.hover(0).await, "");
    scene
        .editor
        .type_over(at, at + "old one\nold two\n".len(), "");
    assert_eq!(scene.editor.hover(at).await, "");
    scene.editor.finish().await;
}

#[tokio::test]
async fn an_answer_is_dismissed_and_shown_again() {
    let mut scene = scene(Manner::Helix, [whole("Words.")]).await;
    let job = scene.start("Explain").await;
    scene.editor.settled(&job).await;
    scene.editor.message().await;
    let (start, end) = scene.selection;
    scene.editor.choose(start, end, "Dismiss answer").await;
    assert_eq!(scene.editor.hover(start).await, "");
    scene.editor.choose(start, end, "Show answer").await;
    assert!(scene.editor.hover(start).await.starts_with("Words."));
    let position = scene.editor.position(start);
    let argument = json!({"uri": scene.editor.uri, "position": position});
    assert_eq!(
        scene.editor.command("ezrouter.dismiss", argument).await,
        Ok(json!({"ok": true}))
    );
    assert_eq!(scene.editor.hover(start).await, "");
    scene.editor.finish().await;
}

/// The plugin draws the answer: a message would be seen at the end.
#[tokio::test]
async fn a_plugin_gets_the_answer_as_it_comes() {
    let mut scene = scene(Manner::Plugin, [gated(&["One ", "two."])]).await;
    let job = scene.start("Explain").await;
    scene.release(3);
    scene.editor.settled(&job).await;
    let text: String = scene
        .editor
        .drawn
        .iter()
        .map(|drawn| drawn["delta"].as_str().unwrap())
        .collect();
    assert_eq!(text, "One two.");
    let done: Vec<bool> = scene
        .editor
        .drawn
        .iter()
        .map(|drawn| drawn["done"].as_bool().unwrap())
        .collect();
    assert_eq!(done, [false, false, true]);
    scene.editor.finish().await;
}

#[tokio::test]
async fn a_command_without_a_place_means_the_newest_selection_where_it_now_stands() {
    let script = Script::new([whole("Words.")]);
    let mut scene = scene_of(
        Manner::Helix,
        Plan {
            script,
            ..Plan::default()
        },
    )
    .await;
    let (start, end) = scene.selection;
    scene.editor.actions(start, end).await;
    scene.editor.type_over(0, 0, "typed\n");
    let job = scene
        .editor
        .command("ezrouter.ask", json!({"question": "What?"}))
        .await
        .unwrap();
    scene.editor.settled(job["job"].as_str().unwrap()).await;
    scene.editor.message().await;
    let said = turns(&scene.gateway.requests()[0].body);
    assert!(
        said[1]
            .1
            .contains("<selection>\nold one\nold two\n\n</selection>"),
        "{said:?}"
    );
    scene.editor.finish().await;
}

#[tokio::test]
async fn a_client_without_markdown_gets_the_answer_as_plain_text() {
    for (manner, kind) in [(Manner::Eglot, "plaintext"), (Manner::VsCode, "markdown")] {
        let mut scene = scene(manner, [whole("It **adds** <b>two</b>.")]).await;
        let job = scene.start("Explain").await;
        assert_eq!(scene.editor.settled(&job).await, "done");
        let position = scene.editor.position(scene.selection.0);
        let params = json!({"textDocument": {"uri": scene.editor.uri}, "position": position});
        let hover = scene.editor.ask("textDocument/hover", &params).await;
        let contents = &hover.unwrap()["contents"];
        assert_eq!(contents["kind"], kind, "{manner:?}");
        let text = contents["value"].as_str().unwrap();
        let escaped = manner == Manner::VsCode;
        assert!(text.starts_with("It **adds** "), "{text}");
        assert_eq!(text.contains("<b>two</b>"), !escaped, "{text}");
        scene.editor.message().await;
        scene.editor.finish().await;
    }
}

#[tokio::test]
async fn in_helix_a_command_waits_for_the_selection_that_it_means() {
    let mut scene = scene(Manner::Helix, [whole("One."), whole("Two.")]).await;
    let (start, end) = scene.selection;
    for range in [(start, end), (0, start)] {
        let result = scene.editor.command_ahead("ezrouter.ask", range).await;
        let job = result["job"].as_str().unwrap().to_owned();
        assert_eq!(scene.editor.settled(&job).await, "done");
        scene.editor.message().await;
    }
    let asked = |request: usize| scene.gateway.requests()[request].body.to_string();
    assert!(asked(0).contains("<selection>\\nold one\\n"));
    assert!(asked(1).contains("<selection>\\nabove\\n"));
    scene.editor.finish().await;
}
