//! Settings as editors and files give them: every way in, taken over while the server runs, told once when they are wrong, and
//! never able to send the key elsewhere.

use std::fs;
use std::path::Path;

use ezrouter_lsp::offline::Script;
use serde_json::{Value, json};

use crate::manner::Manner;
use crate::scene::{Plan, Scene, scene_of, whole};

/// Asks about the selection, and gives the model that the request named.
async fn model_asked(scene: &mut Scene) -> String {
    let job = scene.start("Explain").await;
    assert_eq!(scene.editor.settled(&job).await, "done");
    if !matches!(scene.editor.manner, Manner::Neovim(_)) {
        assert!(scene.editor.message().await.starts_with("Answer ready"));
    }
    let requests = scene.gateway.requests();
    requests.last().unwrap().body["model"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn plan(settings: Value) -> Plan<'static> {
    Plan {
        settings,
        script: Script::always(whole("Because.")),
        variables: vec![("EZROUTER_CONFIG", "/nonexistent/config.toml".to_owned())],
        ..Plan::default()
    }
}

/// A plan with a user file that reads so.
fn plan_with_user_file(directory: &Path, text: &str) -> Plan<'static> {
    let file = directory.join("config.toml");
    fs::write(&file, text).unwrap();
    Plan {
        variables: vec![
            ("EZROUTER_CONFIG", file.to_string_lossy().into_owned()),
            ("EZROUTER_MODEL", String::new()),
        ],
        ..plan(json!({}))
    }
}

#[tokio::test]
async fn an_editor_gives_settings_with_initialize_or_pushes_them() {
    let mut scene = scene_of(
        Manner::Helix,
        plan(json!({"model": "first", "temperature": null})),
    )
    .await;
    assert_eq!(model_asked(&mut scene).await, "first");
    for (pushed, model) in [
        (json!({"ezrouter": {"model": "second"}}), "second"),
        (json!({"model": "third"}), "third"),
        (json!({}), "first"),
    ] {
        scene.editor.tell(
            "workspace/didChangeConfiguration",
            &json!({"settings": pushed}),
        );
        assert_eq!(model_asked(&mut scene).await, model);
    }
    scene.editor.finish().await;
}

#[tokio::test]
async fn an_editor_that_is_asked_is_asked_at_the_start_and_when_it_says_that_something_changed() {
    let mut scene = scene_of(
        Manner::Neovim(150),
        Plan {
            configuration: json!({"model": "first"}),
            capabilities: &["didChangeConfiguration.dynamicRegistration"],
            ..plan(json!({}))
        },
    )
    .await;
    assert_eq!(model_asked(&mut scene).await, "first");
    assert_eq!(
        scene.editor.registered,
        ["workspace/didChangeConfiguration"]
    );
    for (configuration, model) in [
        (json!({"model": "second"}), "second"),
        (Value::Null, "test-model"),
    ] {
        scene.editor.configuration = configuration;
        let asked = |editor: &crate::editor::Editor| {
            let answers = editor
                .traffic
                .iter()
                .filter(|line| line.contains("response (workspace/configuration)"));
            answers.count()
        };
        let before = asked(&scene.editor);
        scene.editor.tell(
            "workspace/didChangeConfiguration",
            &json!({"settings": null}),
        );
        scene
            .editor
            .until("the question for settings", |editor| before < asked(editor))
            .await;
        assert_eq!(model_asked(&mut scene).await, model);
    }
    scene.editor.finish().await;
}

#[tokio::test]
async fn a_file_that_changes_holds_from_the_next_request_on_in_every_editor() {
    for manner in Manner::EDITING {
        let directory = tempfile::tempdir().unwrap();
        let folder = format!("file://{}", directory.path().display());
        let uri = format!("{folder}/a.py");
        let plan = Plan {
            folder: &folder,
            uri: &uri,
            ..plan_with_user_file(directory.path(), "model = 'one'")
        };
        let mut scene = scene_of(manner, plan).await;
        assert_eq!(model_asked(&mut scene).await, "one", "{manner:?}");
        fs::write(directory.path().join("config.toml"), "model = 'other'").unwrap();
        assert_eq!(model_asked(&mut scene).await, "other", "{manner:?}");
        let project = directory.path().join(".ezrouter.toml");
        fs::write(
            &project,
            "model = 'of the project'\ninstructions = 'Use tabs.'",
        )
        .unwrap();
        assert_eq!(
            model_asked(&mut scene).await,
            "of the project",
            "{manner:?}"
        );
        let said = scene.gateway.requests().last().unwrap().body.to_string();
        assert!(said.contains("Use tabs."), "{said}");
        fs::remove_file(&project).unwrap();
        assert_eq!(model_asked(&mut scene).await, "other", "{manner:?}");
        let selected = json!({"model": "standin"});
        scene
            .editor
            .command("ezrouter.selectModel", selected)
            .await
            .unwrap();
        fs::write(&project, "model = 'again'").unwrap();
        assert_eq!(model_asked(&mut scene).await, "standin", "{manner:?}");
        scene.editor.finish().await;
    }
}

/// Editors show a file's other versions under schemes of their own, and spell paths as they like.
#[tokio::test]
async fn what_a_project_excludes_is_not_sent_however_its_uri_is_spelled() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("my proj");
    fs::create_dir_all(path.join("private")).unwrap();
    fs::write(path.join(".ezrouter.toml"), "exclude = ['private/']").unwrap();
    let raw = path.display().to_string();
    let escaped = raw.replace(' ', "%20");
    for (folder, document) in [
        (&escaped, format!("file://{raw}/private/a.py")),
        (&raw, format!("file://{escaped}/private/a.py")),
        (&escaped, format!("FILE://{escaped}/private/a.py")),
        (&escaped, format!("file:{escaped}/private/a.py")),
        (&escaped, format!("file://localhost{escaped}/private/a.py")),
        (&escaped, format!("file://{escaped}/%70rivate/a.py?x=1")),
        (
            &escaped,
            format!("git:{escaped}/private/a.py?%7B%22ref%22%3A%22~%22%7D"),
        ),
        (
            &escaped,
            format!("vscode-notebook-cell:{escaped}/private/n.ipynb#W0"),
        ),
    ] {
        let folder = format!("file://{folder}");
        let plan = Plan {
            folder: &folder,
            uri: &document,
            ..Plan::default()
        };
        let mut scene = scene_of(Manner::VsCode, plan).await;
        let job = scene.start("Explain").await;
        let message = scene.editor.message().await;
        assert!(
            message.contains("exclude names it (private/)"),
            "{document}: {message}"
        );
        assert_eq!(scene.editor.settled(&job).await, "failed");
        assert_eq!(scene.gateway.requests().len(), 0);
        scene.editor.finish().await;
    }
}

#[tokio::test]
async fn what_the_settings_exclude_is_not_sent_and_a_project_can_only_exclude_more() {
    let directory = tempfile::tempdir().unwrap();
    let folder = format!("file://{}", directory.path().display());
    let uri = format!("{folder}/a.py");
    let user = "exclude = ['a.*']";
    let plan = Plan {
        folder: &folder,
        uri: &uri,
        ..plan_with_user_file(directory.path(), user)
    };
    let mut scene = scene_of(Manner::VsCode, plan).await;
    let project = directory.path().join(".ezrouter.toml");
    for (text, message) in [
        (
            "",
            "Explain failed: a.py is never sent: the setting exclude names it (a.*)",
        ),
        (
            "exclude = ['!a.py']",
            "ezrouter settings: .ezrouter.toml:1: exclude: \"!a.py\" was left out, since only",
        ),
    ] {
        fs::write(&project, text).unwrap();
        let job = scene.start("Explain").await;
        assert!(scene.editor.message().await.starts_with(message));
        assert_eq!(scene.editor.settled(&job).await, "failed");
    }
    assert!(scene.editor.message().await.contains("is never sent"));
    assert_eq!(scene.gateway.requests().len(), 0);
    scene.editor.finish().await;
}

#[tokio::test]
async fn an_editor_that_watches_files_has_a_slip_told_at_once_and_once() {
    let directory = tempfile::tempdir().unwrap();
    let folder = format!("file://{}", directory.path().display());
    let uri = format!("{folder}/a.py");
    let mut scene = scene_of(
        Manner::VsCode,
        Plan {
            folder: &folder,
            uri: &uri,
            capabilities: &["didChangeWatchedFiles.dynamicRegistration"],
            ..plan(json!({}))
        },
    )
    .await;
    scene
        .editor
        .until("a registration", |editor| !editor.registered.is_empty())
        .await;
    assert_eq!(scene.editor.registered, ["workspace/didChangeWatchedFiles"]);
    let project = directory.path().join(".ezrouter.toml");
    let changes = json!({"changes": [{"uri": format!("{folder}/.ezrouter.toml"), "type": 2}]});
    fs::write(&project, "modle = 'x'\n").unwrap();
    scene
        .editor
        .tell("workspace/didChangeWatchedFiles", &changes);
    let slip =
        "ezrouter settings: .ezrouter.toml:1: there is no setting modle; did you mean model?";
    assert_eq!(scene.editor.message().await, slip);
    fs::write(&project, "modle = 'x'\nbase_url = 'https://evil.example'\n").unwrap();
    scene
        .editor
        .tell("workspace/didChangeWatchedFiles", &changes);
    let message = scene.editor.message().await;
    assert!(
        message.starts_with("ezrouter settings: .ezrouter.toml:2: base_url was ignored"),
        "{message}"
    );
    // Nothing new is wrong, so nothing is said.
    scene
        .editor
        .tell("workspace/didChangeWatchedFiles", &changes);
    assert_eq!(model_asked(&mut scene).await, "test-model");
    scene.editor.finish().await;
}

#[tokio::test]
async fn an_action_is_offered_as_soon_as_its_file_is_written_and_no_longer_than_it_stands_there() {
    let directory = tempfile::tempdir().unwrap();
    let folder = format!("file://{}", directory.path().display());
    let uri = format!("{folder}/a.py");
    let mut scene = scene_of(
        Manner::Helix,
        Plan {
            folder: &folder,
            uri: &uri,
            ..plan(json!({}))
        },
    )
    .await;
    let (start, end) = scene.selection;
    let project = directory.path().join(".ezrouter.toml");
    for (title, text) in [
        (
            Some("Shout"),
            "[[actions]]\nid = 'shout'\ntitle = 'Shout'\nkind = 'rewrite'\nprompt = 'In capitals.'\n",
        ),
        (
            Some("Whisper"),
            "[[actions]]\nid = 'whisper'\ntitle = 'Whisper'\nkind = 'ask'\nprompt = 'In small letters.'\n",
        ),
        (None, ""),
    ] {
        fs::write(&project, text).unwrap();
        let actions = scene.editor.actions(start, end).await;
        let titles = actions
            .iter()
            .map(|action| action["title"].as_str().unwrap());
        let own: Vec<&str> = titles
            .filter(|title| ["Shout", "Whisper"].contains(title))
            .collect();
        assert_eq!(own, Vec::from_iter(title), "{text}");
    }
    scene.editor.finish().await;
}

#[tokio::test]
async fn no_workspace_says_where_the_key_goes() {
    let directory = tempfile::tempdir().unwrap();
    let folder = format!("file://{}", directory.path().display());
    let uri = format!("{folder}/a.py");
    fs::write(
        directory.path().join(".ezrouter.toml"),
        "base_url = 'https://evil.example'\nproxy = 'http://evil.example'\napi_key_command = ['touch', 'evil']\n",
    )
    .unwrap();
    let settings = json!({"baseUrl": "https://evil.example", "base_url": "https://evil.example", "log": "/evil"});
    let mut scene = scene_of(
        Manner::Helix,
        Plan {
            folder: &folder,
            uri: &uri,
            ..plan(settings.clone())
        },
    )
    .await;
    let message = scene.editor.message().await;
    assert!(message.ends_with("; and 1 more, see the log"), "{message}");
    scene
        .editor
        .until("the log", |editor| !editor.logged.is_empty())
        .await;
    let message = format!("{message} {:?}", scene.editor.logged);
    for part in [
        "ezrouter.base_url was ignored",
        "ezrouter.log was ignored",
        ".ezrouter.toml:1: base_url was ignored",
        ".ezrouter.toml:2: proxy was ignored",
        ".ezrouter.toml:3: api_key_command was ignored",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    scene.editor.tell(
        "workspace/didChangeConfiguration",
        &json!({"settings": {"ezrouter": settings}}),
    );
    assert_eq!(model_asked(&mut scene).await, "test-model");
    assert_eq!(
        scene.gateway.requests()[0].header("authorization"),
        Some("Bearer sk-scenario-key")
    );
    assert_eq!(
        fs::read_dir(directory.path()).unwrap().count(),
        1,
        "nothing was run"
    );
    scene.editor.finish().await;
}

#[tokio::test]
async fn each_folder_has_its_own_project_file() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["one", "two"] {
        fs::create_dir(directory.path().join(name)).unwrap();
        fs::write(
            directory.path().join(name).join(".ezrouter.toml"),
            format!("model = 'model-{name}'"),
        )
        .unwrap();
    }
    let root = format!("file://{}", directory.path().display());
    let (folder, uri) = (format!("{root}/one"), format!("{root}/one/a.py"));
    let variables = vec![("EZROUTER_MODEL", String::new())];
    let plan = Plan {
        folder: &folder,
        uri: &uri,
        variables,
        ..plan(json!({}))
    };
    let mut scene = scene_of(Manner::Helix, plan).await;
    assert_eq!(model_asked(&mut scene).await, "model-one");
    let added =
        json!({"event": {"added": [{"uri": format!("{root}/two"), "name": "two"}], "removed": []}});
    scene
        .editor
        .tell("workspace/didChangeWorkspaceFolders", &added);
    let other = format!("{root}/two/b.py");
    scene.editor.open_document(&other, "python", "b\n");
    let range = json!({"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 1}});
    for (uri, model) in [(&other, "model-two"), (&uri, "model-one")] {
        let argument = json!({"uri": uri, "range": range, "question": "Why?"});
        let job = scene
            .editor
            .command("ezrouter.ask", argument)
            .await
            .unwrap();
        assert_eq!(
            scene.editor.settled(job["job"].as_str().unwrap()).await,
            "done"
        );
        assert!(scene.editor.message().await.starts_with("Answer ready"));
        assert_eq!(
            scene.gateway.requests().last().unwrap().body["model"],
            model
        );
    }
    scene.editor.finish().await;
}
