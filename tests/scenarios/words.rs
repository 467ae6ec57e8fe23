//! Free words and whose they are: directives in comments, actions of the user's own, and what other servers say about the text.

use ezrouter_lsp::offline::Script;
use serde_json::{Value, json};

use crate::manner::Manner;
use crate::scene::{Plan, Scene, scene_of, whole};

/// What the model was asked last.
fn asked(scene: &Scene) -> String {
    let request = scene.gateway.requests().pop().expect("a request");
    let last = request.body["messages"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()
        .clone();
    last["content"].as_str().expect("text").to_owned()
}

/// Asks for the code actions at the selection with diagnostics, and gives them by their titles.
async fn offered(scene: &mut Scene, diagnostics: Value) -> Vec<Value> {
    let (start, end) = scene.selection;
    let params = json!({
        "textDocument": {"uri": scene.editor.uri}, "range": scene.editor.range(start, end),
        "context": {"diagnostics": diagnostics, "triggerKind": 1},
    });
    let actions = scene.editor.ask("textDocument/codeAction", &params).await;
    actions.unwrap().as_array().unwrap().clone()
}

fn find<'a>(actions: &'a [Value], title: &str) -> &'a Value {
    let found = actions.iter().find(|action| action["title"] == title);
    found.unwrap_or_else(|| panic!("no {title} in {actions:#?}"))
}

async fn run(scene: &mut Scene, action: &Value) -> String {
    let command = &action["command"];
    let result = scene
        .editor
        .command(
            command["command"].as_str().unwrap(),
            command["arguments"][0].clone(),
        )
        .await
        .unwrap();
    result["job"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_instruction_in_a_comment_rewrites_and_goes_away() {
    for manner in [Manner::Helix, Manner::Neovim(0), Manner::Kakoune] {
        let plan = Plan {
            before: "x = 0\n\n# ez! make it iterative«»\ndef f(n):\n    return n and f(n - 1)\n\ny = 1\n",
            script: Script::new([whole(
                "def f(n):\n    while n:\n        n -= 1\n    return n\n",
            )]),
            ..Plan::default()
        };
        let mut scene = scene_of(manner, plan).await;
        let actions = offered(&mut scene, json!([])).await;
        let action = find(&actions, "ez! make it iterative").clone();
        assert_eq!(action["kind"], "refactor.rewrite.ezrouter");
        let job = run(&mut scene, &action).await;
        assert_eq!(scene.editor.settled(&job).await, "pending", "{manner:?}");
        assert_eq!(
            scene.editor.text,
            "x = 0\n\ndef f(n):\n    while n:\n        n -= 1\n    return n\n\ny = 1\n",
            "{manner:?}"
        );
        let asked = asked(&scene);
        assert!(
            asked.contains(
                "lines 4 to 5.\n<before>\nx = 0\n</before>\n<after>\n\ny = 1\n</after>\n<selection>\ndef f(n):\n    return n and f(n - 1)\n\n</selection>\n\nmake it iterative\n"
            ),
            "{asked}"
        );
        assert!(!asked.contains("ez!"), "{asked}");
        assert!(scene.editor.press_undo());
        assert_eq!(scene.editor.text, scene.original, "{manner:?}: one undo");
        scene.editor.flush();
        scene.editor.finish().await;
    }
}

#[tokio::test]
async fn a_question_in_a_comment_is_answered_and_stays() {
    let plan = Plan {
        before: "fn f() {\n«    a(); // ez? why this\n    b();\n»}\n",
        language: "rust",
        script: Script::new([whole("Because.")]),
        ..Plan::default()
    };
    let mut scene = scene_of(Manner::VsCode, plan).await;
    let actions = offered(&mut scene, json!([])).await;
    let action = find(&actions, "ez? why this").clone();
    assert_eq!(action["kind"], "ezrouter.ask");
    let job = run(&mut scene, &action).await;
    assert_eq!(scene.editor.settled(&job).await, "done");
    scene.editor.message().await;
    assert_eq!(scene.editor.text, scene.original);
    let asked = asked(&scene);
    assert!(
        asked.contains("<selection>\n    a();\n    b();\n\n</selection>\n\nwhy this"),
        "{asked}"
    );
    scene.editor.finish().await;
}

#[tokio::test]
async fn an_instruction_with_nothing_around_it_writes_new_text_in_its_place() {
    let plan = Plan {
        before: "# ez! print one to three«»\n",
        script: Script::new([whole("for i in range(1, 4):\n    print(i)\n")]),
        ..Plan::default()
    };
    let mut scene = scene_of(Manner::Helix, plan).await;
    let actions = offered(&mut scene, json!([])).await;
    let action = find(&actions, "ez! print one to three").clone();
    let job = run(&mut scene, &action).await;
    assert_eq!(scene.editor.settled(&job).await, "pending");
    assert_eq!(scene.editor.text, "for i in range(1, 4):\n    print(i)\n");
    scene.editor.finish().await;
}

#[tokio::test]
async fn a_command_without_words_follows_those_in_the_text() {
    let plan = Plan {
        before: "x = 0\n# ez? why this\n# ez! count down\n«a = 1\n»b = 2\n",
        script: Script::new([whole("a = -1\n")]),
        ..Plan::default()
    };
    let mut scene = scene_of(Manner::VsCode, plan).await;
    let start = scene.original.find('#').unwrap();
    let end = scene.original.find('b').unwrap();
    let argument = json!({"uri": scene.editor.uri, "range": scene.editor.range(start, end)});
    let started = scene.editor.command("ezrouter.rewrite", argument).await;
    let job = started.unwrap()["job"].as_str().unwrap().to_owned();
    assert_eq!(scene.editor.settled(&job).await, "pending");
    let asked = asked(&scene);
    assert!(
        asked.contains("\ncount down\n") && !asked.contains("ez!"),
        "{asked}"
    );
    assert!(scene.editor.text.contains("a = -1\n") && !scene.editor.text.contains("ez!"));
    scene.editor.finish().await;
}

#[tokio::test]
async fn a_directive_that_is_gone_is_said() {
    let plan = Plan {
        before: "# ez! shorten«»\na = 1\n",
        ..Plan::default()
    };
    let mut scene = scene_of(Manner::VsCode, plan).await;
    let (start, end) = (0, scene.original.len());
    let argument = json!({"uri": scene.editor.uri, "range": scene.editor.range(start, end), "action": "directive"});
    let refused = scene.editor.command("ezrouter.ask", argument).await;
    let message = refused.unwrap_err()["message"].as_str().unwrap().to_owned();
    assert_eq!(message, "there is no directive here any more");
    scene.editor.message().await;
    scene.editor.finish().await;
}

#[tokio::test]
async fn actions_of_ones_own_stand_beside_the_others_in_their_languages() {
    let settings = json!({"actions": [
        {"id": "shout", "title": "Shout", "kind": "rewrite", "prompt": "In {file} ({language}), upper-case: {selection}",
         "languages": ["python"], "model": "loud-model"},
        {"id": "ponder", "title": "Ponder", "kind": "ask", "prompt": "What of {diagnostics}?", "languages": ["rust"]},
    ]});
    let plan = Plan {
        settings,
        script: Script::new([whole("OLD ONE\nOLD TWO\n")]),
        ..Plan::default()
    };
    let mut scene = scene_of(Manner::VsCode, plan).await;
    let actions = offered(&mut scene, json!([])).await;
    let titles: Vec<&str> = actions
        .iter()
        .filter_map(|one| one["title"].as_str())
        .collect();
    assert!(
        titles.contains(&"Shout") && titles.contains(&"Explain"),
        "{titles:?}"
    );
    assert!(!titles.contains(&"Ponder"), "{titles:?}");
    let action = find(&actions, "Shout").clone();
    assert_eq!(action["kind"], "refactor.rewrite.ezrouter");
    let job = run(&mut scene, &action).await;
    assert_eq!(scene.editor.settled(&job).await, "pending");
    assert_eq!(scene.editor.text, scene.rewritten("OLD ONE\nOLD TWO\n"));
    let asked = asked(&scene);
    assert!(
        asked.contains("In src/a.py (python), upper-case: old one\nold two\n"),
        "{asked}"
    );
    let request = scene.gateway.requests().pop().unwrap();
    assert_eq!(request.body["model"], "loud-model");
    scene.editor.finish().await;
}

#[tokio::test]
async fn what_other_servers_say_is_offered_to_be_fixed_and_goes_along() {
    let plan = Plan {
        before: "a = 1\n«old one\n»b = 2\n",
        script: Script::new([whole("Explained."), whole("new one\n")]),
        ..Plan::default()
    };
    let mut scene = scene_of(Manner::Helix, plan).await;
    let diagnostics = json!([{
        "range": {"start": {"line": 1, "character": 0}, "end": {"line": 1, "character": 3}},
        "severity": 1, "source": "pyright", "message": "invalid syntax",
    }]);
    let actions = offered(&mut scene, diagnostics.clone()).await;
    let explain = find(&actions, "Explain").clone();
    let job = run(&mut scene, &explain).await;
    assert_eq!(scene.editor.settled(&job).await, "done");
    scene.editor.message().await;
    let said = "<diagnostics>\nline 2: error: invalid syntax (pyright)\n</diagnostics>\n\n";
    assert!(asked(&scene).contains(said), "{}", asked(&scene));
    // With the cursor on the line only, the fix is about the line.
    scene.selection = (8, 8);
    let actions = offered(&mut scene, diagnostics.clone()).await;
    let fix = find(&actions, "Fix: invalid syntax").clone();
    assert_eq!(
        (&fix["kind"], &fix["diagnostics"]),
        (&json!("quickfix"), &diagnostics)
    );
    let job = run(&mut scene, &fix).await;
    assert_eq!(scene.editor.settled(&job).await, "pending");
    assert_eq!(scene.editor.text, "a = 1\nnew one\nb = 2\n");
    assert!(asked(&scene).contains(said));
    scene.editor.finish().await;
}
