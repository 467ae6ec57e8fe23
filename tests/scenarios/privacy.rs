//! What is never sent: every request that the stand-in got is searched for text that must not be in it.

use std::fs;
use std::path::PathBuf;

use ezrouter_lsp::offline::{Answer, Script};
use ezrouter_lsp::server::uri::file_uri;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::manner::Manner;
use crate::scene::{Plan, Scene, gated, scene, scene_of, whole};

/// Stands in texts that must never be sent.
const NEVER: &str = "xyzzy-never-sent";

/// A workspace on the disk, and a scene with `a.py` open in it.
struct Workspace {
    scene: Scene,
    root: PathBuf,
    _directory: TempDir,
}

impl Workspace {
    async fn new(files: &[(&str, &str)], answers: impl IntoIterator<Item = Answer>) -> Self {
        Self::with(files, answers, json!({})).await
    }

    async fn with(
        files: &[(&str, &str)],
        answers: impl IntoIterator<Item = Answer>,
        settings: Value,
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(directory.path()).unwrap();
        for (name, text) in files {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let plan = Plan {
            script: Script::new(answers),
            settings,
            folder: &file_uri(&root),
            uri: &file_uri(&root.join("a.py")),
            ..Plan::default()
        };
        let scene = scene_of(Manner::VsCode, plan).await;
        Self {
            scene,
            root,
            _directory: directory,
        }
    }

    fn uri(&self, name: &str) -> String {
        file_uri(&self.root.join(name))
    }

    /// Opens a file of the workspace with this text.
    fn open(&mut self, name: &str, text: &str) {
        let uri = self.uri(name);
        self.scene.editor.open_document(&uri, "python", text);
    }

    /// Asks about the first line of a file, waits for the end, and gives the state and the one message.
    async fn run(&mut self, command: &str, name: &str) -> (String, String) {
        self.say(command, name, "What is it?").await
    }

    async fn say(&mut self, command: &str, name: &str, words: &str) -> (String, String) {
        let range =
            json!({"start": {"line": 0, "character": 0}, "end": {"line": 1, "character": 0}});
        let argument = json!({"uri": self.uri(name), "range": range, "instruction": words});
        let editor = &mut self.scene.editor;
        let result = editor.command(command, argument).await.unwrap();
        let state = editor.settled(result["job"].as_str().unwrap()).await;
        (state, editor.message().await)
    }

    async fn ask(&mut self, name: &str) -> (String, String) {
        self.run("ezrouter.ask", name).await
    }

    /// The texts of the messages of each request.
    fn sent(&self) -> Vec<Vec<String>> {
        let requests = self.scene.gateway.requests();
        let bodies = requests.iter().map(|request| &request.body);
        let texts = bodies.map(|body| {
            let messages = body["messages"].as_array().unwrap().iter();
            messages
                .map(|message| message["content"].as_str().unwrap().to_owned())
                .collect()
        });
        texts.collect()
    }

    /// Ends the scene; nothing that was sent may hold the mark.
    async fn finish(self) {
        for request in self.scene.gateway.requests() {
            let body = request.body.to_string();
            assert!(!body.contains(NEVER), "{body}");
        }
        self.scene.editor.finish().await;
    }
}

#[tokio::test]
async fn asking_about_an_excluded_file_or_rewriting_it_names_the_rule() {
    let files = [(".ezrouterignore", "# ours\n*.txt\n"), ("b.py", NEVER)];
    let mut workspace = Workspace::new(&files, [whole("never sent")]).await;
    let text = format!("{NEVER}\n");
    workspace.open("sub/a.txt", &text);
    let rule = "a.txt is never sent: line 2 of .ezrouterignore excludes it (*.txt)";
    for command in ["ezrouter.ask", "ezrouter.rewrite"] {
        let (state, message) = workspace.run(command, "sub/a.txt").await;
        assert_eq!(state, "failed", "{command}");
        assert_eq!(message, format!("What is it? failed: {rule}"), "{command}");
    }
    // A line that is added while the server runs counts at once.
    fs::write(workspace.root.join(".ezrouterignore"), "b.*\n").unwrap();
    workspace.open("b.py", &text);
    let (_, message) = workspace.ask("b.py").await;
    assert!(
        message.ends_with("line 1 of .ezrouterignore excludes it (b.*)"),
        "{message}"
    );
    assert_eq!(workspace.sent().len(), 0);
    workspace.finish().await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_to_an_excluded_file_is_excluded() {
    let files = [(".ezrouterignore", "private/\n"), ("private/x.py", NEVER)];
    let mut workspace = Workspace::new(&files, [whole("never sent")]).await;
    std::os::unix::fs::symlink(workspace.root.join("private"), workspace.root.join("open"))
        .unwrap();
    workspace.open("open/x.py", &format!("{NEVER}\n"));
    let (state, message) = workspace.ask("open/x.py").await;
    assert_eq!(state, "failed");
    let rule = "it is a link to private/x.py, and line 1 of .ezrouterignore excludes it (private/)";
    assert!(message.ends_with(rule), "{message}");
    assert_eq!(workspace.sent().len(), 0);
    workspace.finish().await;
}

#[tokio::test]
async fn an_excluded_file_that_is_open_beside_does_not_go_along() {
    let files = [(".ezrouterignore", "secret.py\n")];
    let mut workspace = Workspace::new(&files, ["One.", "Two."].map(whole)).await;
    workspace.open("secret.py", &format!("{NEVER}\n"));
    workspace.open("other.py", "fine\n");
    workspace.ask("secret.py").await;
    let (state, _) = workspace.ask("other.py").await;
    assert_eq!(state, "done");
    let (state, _) = workspace.ask("a.py").await;
    assert_eq!(state, "done");
    let sent = workspace.sent();
    assert_eq!(sent.iter().map(Vec::len).collect::<Vec<_>>(), [2, 4]);
    workspace.finish().await;
}

#[tokio::test]
async fn what_is_told_of_an_excluded_file_does_not_go_along() {
    let files = [(".ezrouterignore", "secret.py\n")];
    let mut workspace = Workspace::new(&files, ["One.", "Two."].map(whole)).await;
    workspace.open("secret.py", &format!("{NEVER}\n"));
    let range = json!({"start": {"line": 0, "character": 0}, "end": {"line": 1, "character": 0}});
    let (secret, open) = (workspace.uri("secret.py"), workspace.uri("a.py"));
    // What another server says of the excluded file, in the newest request for code actions of all.
    let about_secret = json!({"range": range, "message": format!("unused {NEVER}"), "severity": 1});
    let context = json!({"diagnostics": [about_secret], "triggerKind": 1});
    let params = json!({"textDocument": {"uri": secret}, "range": range, "context": context});
    let editor = &mut workspace.scene.editor;
    editor
        .ask("textDocument/codeAction", &params)
        .await
        .unwrap();
    // And what it quotes of it where it speaks of another one.
    let elsewhere = json!({"location": {"uri": secret, "range": range}, "message": NEVER});
    let about_open = json!({
        "range": range, "message": "odd", "relatedInformation": [elsewhere], "data": NEVER, "code": NEVER,
        "codeDescription": {"href": NEVER},
    });
    for diagnostics in [json!(null), json!([about_open])] {
        let argument =
            json!({"uri": open, "range": range, "question": "What?", "diagnostics": diagnostics});
        let job = editor.command("ezrouter.ask", argument).await.unwrap();
        assert_eq!(editor.settled(job["job"].as_str().unwrap()).await, "done");
        editor.message().await;
    }
    let last = workspace.sent().pop().unwrap().pop().unwrap();
    assert!(last.contains("line 1: problem: odd"), "{last}");
    workspace.finish().await;
}

#[tokio::test]
async fn a_turn_about_a_file_that_became_excluded_goes_with_the_answers_that_may_quote_it() {
    let quoted = format!("It says {NEVER}.");
    let answers = ["One.", "It says something.", &quoted, "Four.", "Five."].map(whole);
    let mut workspace = Workspace::new(&[], answers).await;
    workspace.open("later-secret.py", "still fine\n");
    for name in ["a.py", "later-secret.py", "a.py"] {
        assert_eq!(workspace.ask(name).await.0, "done");
    }
    fs::write(workspace.root.join(".ezrouterignore"), "later-*\n").unwrap();
    for _ in 0..2 {
        assert_eq!(workspace.ask("a.py").await.0, "done");
    }
    let sent = workspace.sent();
    assert_eq!(
        sent.iter().map(Vec::len).collect::<Vec<_>>(),
        [2, 4, 6, 4, 6]
    );
    assert!(sent[2][3].contains("still fine"));
    // What was said before it still goes along letter for letter, and a new past grows from there.
    assert_eq!(sent[3][..3], sent[2][..3]);
    assert_eq!(sent[4][..4], sent[3][..]);
    assert!(!sent[3].concat().contains("still fine"));
    workspace.finish().await;
}

#[tokio::test]
async fn a_file_that_the_words_name_goes_along_as_the_editor_shows_it() {
    let files = [
        ("lib/b.py", "saved b\n"),
        ("c.py", "url = 'postgres://u:hunter2@h/d'\n"),
    ];
    let answers = ["One.", "Two.", "Three."].map(whole);
    let mut workspace = Workspace::new(&files, answers).await;
    workspace.open("lib/b.py", "unsaved b\n");
    let words = "How does it differ from @lib/b.py and @c.py, @gone.py, @property?";
    let (state, message) = workspace.say("ezrouter.ask", "a.py", words).await;
    assert_eq!(state, "done", "{message}");
    let ending = ", 1 secret masked, with lib/b.py, with c.py, no file gone.py in the workspace)";
    let mut reports = workspace.scene.editor.progress.values().flatten();
    assert!(
        reports.any(|(_, report)| report.ends_with(ending)),
        "{:?}",
        workspace.scene.editor.progress
    );
    // What was shown once is not sent again.
    let (state, _) = workspace.say("ezrouter.ask", "a.py", "And @lib/b.py").await;
    assert_eq!(state, "done");
    let sent = workspace.sent();
    let (first, second) = (&sent[0][1], &sent[1][3]);
    let file = "<file path=\"lib/b.py\">\nunsaved b\n</file>\n<file path=\"c.py\">\nurl = 'postgres://u:EZROUTER_SECRET_1@h/d'\n</file>\n";
    assert!(first.contains(file), "{first}");
    assert!(
        second.contains("<file path=\"lib/b.py\">as shown above</file>"),
        "{second}"
    );
    // A file that becomes excluded takes the turns with it that show it.
    fs::write(workspace.root.join(".ezrouterignore"), "lib/\n").unwrap();
    assert_eq!(workspace.ask("a.py").await.0, "done");
    assert_eq!(workspace.sent()[2].len(), 2);
    workspace.finish().await;
}

#[tokio::test]
async fn a_file_that_the_words_name_is_never_one_that_is_excluded_or_elsewhere() {
    let text = format!("{NEVER}\n");
    let files = [
        (".ezrouterignore", "b.py\n"),
        ("b.py", text.as_str()),
        (".env", text.as_str()),
    ];
    let mut workspace = Workspace::new(&files, [whole("never sent")]).await;
    workspace.open("b.py", &text);
    for (words, part) in [
        ("See @b.py", "b.py is never sent: line 1 of .ezrouterignore"),
        ("See @.env", ".env is never sent: its name"),
        ("See @/etc/hostname", "outside of the workspace"),
    ] {
        for command in ["ezrouter.ask", "ezrouter.rewrite"] {
            let (state, message) = workspace.say(command, "a.py", words).await;
            assert_eq!(state, "failed", "{words}");
            assert!(message.contains(part), "{words}: {message}");
        }
    }
    assert_eq!(workspace.sent().len(), 0);
    workspace.finish().await;
}

#[tokio::test]
async fn what_is_selected_brings_no_file_along() {
    let own = json!({"actions": [
        {"id": "mine", "title": "Mine", "kind": "ask", "prompt": "See @c.py. What is {selection}?"},
    ]});
    let text = format!("{NEVER}\n");
    let files = [("b.py", text.as_str()), ("c.py", "mine\n")];
    let mut workspace = Workspace::with(&files, [whole("One.")], own).await;
    workspace.open("d.py", "# @b.py\n");
    let range = json!({"start": {"line": 0, "character": 0}, "end": {"line": 1, "character": 0}});
    let argument = json!({"uri": workspace.uri("d.py"), "range": range, "action": "mine"});
    let editor = &mut workspace.scene.editor;
    let result = editor.command("ezrouter.ask", argument).await.unwrap();
    assert_eq!(
        editor.settled(result["job"].as_str().unwrap()).await,
        "done"
    );
    let sent = workspace.sent().concat().concat();
    assert!(sent.contains("What is # @b.py"), "{sent}");
    assert!(sent.contains("<file path=\"c.py\">\nmine\n"), "{sent}");
    workspace.scene.editor.message().await;
    workspace.finish().await;
}

/// A text with two secrets in the selection and one above it.
const SECRETS: &str = "db = \"postgres://app:above-it@h/db\"\n«url = \"postgres://app:hunter2@h/db\"\npassword = \"Tr0ub4dor&3\"\n»below\n";

const WORDS: [&str; 3] = ["above-it", "hunter2", "Tr0ub4dor&3"];

fn place(number: usize) -> String {
    format!("EZROUTER_SECRET_{number}")
}

async fn secret_scene(manner: Manner, answers: Vec<Answer>) -> Scene {
    let plan = Plan {
        before: SECRETS,
        script: Script::new(answers),
        ..Plan::default()
    };
    scene_of(manner, plan).await
}

/// Ends the scene; no secret was in any request.
async fn finish_without_secrets(scene: Scene) {
    for request in scene.gateway.requests() {
        let body = request.body.to_string();
        assert!(WORDS.iter().all(|word| !body.contains(word)), "{body}");
    }
    scene.editor.finish().await;
}

#[tokio::test]
async fn an_answer_keeps_the_placeholders_and_its_footer_counts_them() {
    let answer = format!("It signs in with `{}`.", place(2));
    let answers = vec![whole(&answer), whole("Again.")];
    let mut scene = secret_scene(Manner::Helix, answers).await;
    let (start, _) = scene.selection;
    for said in [answer.as_str(), "Again."] {
        let job = scene.start("Explain").await;
        assert_eq!(scene.editor.settled(&job).await, "done");
        scene.editor.message().await;
        let hover = scene.editor.hover(start).await;
        assert!(
            hover.starts_with(said) && hover.contains(", 3 secrets masked"),
            "{hover}"
        );
    }
    let requests = scene.gateway.requests();
    let messages = |index: usize| requests[index].body["messages"].as_array().unwrap().clone();
    let (first, second) = (messages(0), messages(1));
    // The same secrets have the same numbers, so the past is what it was.
    assert_eq!(second[..2], first[..]);
    assert_eq!(second[2]["content"], answer);
    let question = first[1]["content"].as_str().unwrap();
    let selection = format!(
        "url = \"postgres://app:{}@h/db\"\npassword = \"{}\"\n",
        place(2),
        place(3)
    );
    assert!(question.contains(&selection), "{question}");
    assert!(
        question.contains(&format!("app:{}@h", place(1))),
        "{question}"
    );
    finish_without_secrets(scene).await;
}

#[tokio::test]
async fn a_rewrite_gets_the_secrets_of_its_selection_back() {
    for manner in Manner::EDITING {
        let pieces = [
            "password = \"EZROUTER_SEC",
            "RET_3\"\nurl = \"postgres://app:EZROUTER_SECRET_",
            "2",
            "@h/new\"\n",
        ];
        let mut scene = secret_scene(manner, vec![gated(&pieces)]).await;
        let job = scene.start("Fix").await;
        scene.release(pieces.len() + 1);
        assert_eq!(scene.editor.settled(&job).await, "pending", "{manner:?}");
        let new = "password = \"Tr0ub4dor&3\"\nurl = \"postgres://app:hunter2@h/new\"\n";
        assert_eq!(scene.editor.text, scene.rewritten(new), "{manner:?}");
        let last = scene.editor.jobs[&job].last().unwrap().clone();
        assert_eq!(last["parked"], json!(null), "{manner:?} {last}");
        let edits = scene.editor.edits.iter().map(|(_, edit)| edit.to_string());
        assert!(
            edits.into_iter().all(|edit| !edit.contains("EZROUTER")),
            "{manner:?}"
        );
        finish_without_secrets(scene).await;
    }
}

#[tokio::test]
async fn a_rewrite_that_does_not_keep_the_placeholders_waits_for_the_user() {
    let kept = format!(
        "url = \"postgres://app:{}@h/db\"\npassword = \"{}\"\n",
        place(2),
        place(3)
    );
    let cases = [
        (
            kept.replace(&place(2), &place(1)),
            "uses EZROUTER_SECRET_1, which stands for no secret of the selection",
        ),
        (
            kept.replace(&place(2), "ezrouter_secret_2"),
            "changed the placeholder of a secret (ezrouter_secret_2)",
        ),
        (
            kept.replace(&place(3), "hunter2"),
            "missing from a line that was kept (EZROUTER_SECRET_3)",
        ),
    ];
    for (reply, part) in cases {
        let mut scene = secret_scene(Manner::VsCode, vec![whole(&reply)]).await;
        let job = scene.start("Fix").await;
        assert_eq!(scene.editor.settled(&job).await, "pending", "{reply}");
        let message = scene.editor.message().await;
        assert!(message.contains(part), "{message:?} lacks {part:?}");
        assert_eq!(
            scene.editor.jobs[&job].last().unwrap()["parked"],
            json!(true)
        );
        let (start, _) = scene.selection;
        let wanted = if part.starts_with("missing") {
            // Known only at the end, when the line stood in the text already.
            scene
                .editor
                .choose(start, start, "Restore the original")
                .await;
            scene.original.clone()
        } else {
            assert_eq!(scene.editor.text, scene.original, "{reply}");
            scene.editor.choose(start, start, "Apply").await;
            let secrets = [(place(2), WORDS[1]), (place(3), WORDS[2])];
            let back = |text: String, (place, word): &(String, &str)| text.replace(place, word);
            scene.rewritten(&secrets.iter().fold(reply.clone(), back))
        };
        scene
            .editor
            .until("the result", |editor| editor.text == wanted)
            .await;
        finish_without_secrets(scene).await;
    }
}

#[tokio::test]
async fn a_repeated_line_around_the_selection_is_known_by_its_placeholder() {
    let kept = format!("url = \"postgres://app:{}@h/new\"\n", place(2));
    let reply = format!("db = \"postgres://app:{}@h/db\"\n{kept}", place(1));
    let mut scene = secret_scene(Manner::VsCode, vec![whole(&reply)]).await;
    let job = scene.start("Fix").await;
    assert_eq!(scene.editor.settled(&job).await, "pending");
    let last = scene.editor.jobs[&job].last().unwrap();
    assert_eq!(last["parked"], json!(null), "{last}");
    let wanted = scene.rewritten("url = \"postgres://app:hunter2@h/new\"\n");
    assert_eq!(scene.editor.text, wanted);
    finish_without_secrets(scene).await;
}

#[tokio::test]
async fn what_the_user_says_is_masked_also_where_it_is_the_title() {
    let mut scene = secret_scene(Manner::Helix, vec![whole("It is.")]).await;
    let (start, end) = scene.selection;
    let question = "Is x://u:Tr0ub4dor&3@h right, and hunter2?";
    let argument = json!({"uri": scene.editor.uri, "range": scene.editor.range(start, end), "question": question});
    let job = scene
        .editor
        .command("ezrouter.ask", argument)
        .await
        .unwrap();
    scene.editor.settled(job["job"].as_str().unwrap()).await;
    scene.editor.message().await;
    let status = scene
        .editor
        .command("ezrouter.status", json!({}))
        .await
        .unwrap();
    // What goes into a bug report holds no word of the user's.
    assert_eq!(status["jobs"][0]["title"], "in the user's words");
    let (start, _) = scene.selection;
    let actions = scene.editor.actions(start, start).await;
    let titles: Vec<&str> = actions
        .iter()
        .filter_map(|action| action["title"].as_str())
        .collect();
    let dismiss = "Dismiss answer (Is x://u:EZROUTER_SECRET_3@h right, and EZROUTER_SECRET_4…)";
    assert!(titles.contains(&dismiss), "{titles:?}");
    let sent = scene.gateway.requests()[0].body.to_string();
    assert!(
        sent.contains("Is x://u:EZROUTER_SECRET_3@h right, and EZROUTER_SECRET_2?"),
        "{sent}"
    );
    finish_without_secrets(scene).await;
}

#[tokio::test]
async fn nothing_that_stays_on_the_disk_holds_a_secret_that_was_masked() {
    let kept = format!("url = \"{}\"\npassword = \"{}\"\n", place(2), place(3));
    let answers = vec![whole(&format!("It is {}.", place(2))), whole(&kept)];
    let mut scene = secret_scene(Manner::VsCode, answers).await;
    let (start, end) = scene.selection;
    let mut argument = json!({"uri": scene.editor.uri, "range": scene.editor.range(start, end)});
    argument["question"] = "Is hunter2 good, or x://u:Tr0ub4dor&3@h?".into();
    for (command, state) in [("ezrouter.ask", "done"), ("ezrouter.rewrite", "pending")] {
        let editor = &mut scene.editor;
        editor
            .command("ezrouter.showRequest", argument.clone())
            .await
            .unwrap();
        let job = editor.command(command, argument.clone()).await.unwrap();
        assert_eq!(editor.settled(job["job"].as_str().unwrap()).await, state);
        if state == "done" {
            editor.message().await;
        }
    }
    scene.editor.choose(start, start, "Accept").await;
    let state = scene.state.path().to_owned();
    scene.editor.finish().await;
    let mut read = Vec::new();
    let mut paths = vec![state];
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            paths.extend(
                fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        for word in WORDS {
            assert!(!text.contains(word), "{} holds {word}", path.display());
        }
        if text.contains(&place(2)) {
            read.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
    // What stands for them is there: in the history, and in both views.
    assert!(
        read.iter().any(|name| name.starts_with("history.db")),
        "{read:?}"
    );
    assert_eq!(
        read.iter()
            .filter(|name| name.contains("-request-"))
            .count(),
        2,
        "{read:?}"
    );
}

#[tokio::test]
async fn redact_false_sends_secrets_as_they_stand() {
    let reply = "url = \"postgres://app:EZROUTER_SECRET_9@h\"\n";
    let plan = Plan {
        before: SECRETS,
        script: Script::new([whole(reply)]),
        settings: json!({"redact": false}),
        ..Plan::default()
    };
    let mut scene = scene_of(Manner::Helix, plan).await;
    let job = scene.start("Fix").await;
    assert_eq!(scene.editor.settled(&job).await, "pending");
    // Nothing was masked, so what looks like a placeholder is the model's own word.
    assert_eq!(scene.editor.text, scene.rewritten(reply));
    let sent = scene.gateway.requests()[0].body.to_string();
    assert!(
        WORDS.iter().all(|word| sent.contains(word)) && !sent.contains("EZROUTER_SECRET"),
        "{sent}"
    );
    scene.editor.finish().await;
}

#[tokio::test]
async fn a_new_conversation_counts_its_secrets_afresh() {
    let mut scene = scene(Manner::Helix, ["One.", "Two."].map(whole)).await;
    for (line, new) in [
        ("x://u:first-one@h\n", false),
        ("x://u:other-one@h\n", true),
    ] {
        if new {
            scene
                .editor
                .command("ezrouter.newConversation", json!({}))
                .await
                .unwrap();
        }
        scene.editor.type_over(0, 0, line);
        let argument = json!({"uri": scene.editor.uri, "range": scene.editor.range(0, line.len())});
        let job = scene
            .editor
            .command("ezrouter.ask", argument)
            .await
            .unwrap();
        scene.editor.settled(job["job"].as_str().unwrap()).await;
        scene.editor.message().await;
        let sent = scene.gateway.requests().last().unwrap().body.to_string();
        assert!(
            sent.contains(&format!("x://u:{}@h", place(if new { 2 } else { 1 }))),
            "{sent}"
        );
    }
    scene.editor.finish().await;
}

/// What a model may say to be more than text.
const ALIVE: &str =
    "<img src=x> ![x](https://a.example/x) [x](command:y) a\u{202e}b\u{1b}[2J\u{200b}";

#[tokio::test]
async fn an_answer_is_text_wherever_it_is_shown() {
    let markdown =
        "\\<img src=x> \\![x](https://a.example/x) [x\\](command:y) a⟨U+202E⟩b⟨U+001B⟩[2J⟨U+200B⟩";
    let plain =
        "<img src=x> ![x](https://a.example/x) [x](command:y) a⟨U+202E⟩b⟨U+001B⟩[2J⟨U+200B⟩";
    for manner in [Manner::Helix, Manner::Eglot, Manner::Plugin] {
        let mut scene = scene(manner, [whole(ALIVE), whole("Next.")]).await;
        let job = scene.start("Explain").await;
        scene.editor.settled(&job).await;
        if manner != Manner::Plugin {
            scene.editor.message().await;
        }
        let hover = scene.editor.hover(scene.selection.0).await;
        let shown = if manner == Manner::Eglot {
            plain
        } else {
            markdown
        };
        assert!(
            hover.starts_with(&format!("{shown}\n\n---\n")),
            "{manner:?} {hover}"
        );
        if manner == Manner::Plugin {
            let drawn = scene
                .editor
                .drawn
                .iter()
                .map(|drawn| drawn["delta"].as_str().unwrap());
            assert_eq!(drawn.collect::<String>(), markdown);
        }
        scene.editor.finish().await;
    }
}

#[tokio::test]
async fn what_cannot_be_seen_is_not_put_into_the_file_unseen() {
    let reply = "new\u{202e} one\nnew\u{200b} two\n";
    let mut scene = scene(Manner::VsCode, [whole(reply)]).await;
    let job = scene.start("Fix").await;
    assert_eq!(scene.editor.settled(&job).await, "pending");
    let message = scene.editor.message().await;
    let named = "(U+200B, zero width space; U+202E, direction of text)";
    assert!(message.contains(named), "{message}");
    assert_eq!(scene.editor.text, scene.original);
    let (start, _) = scene.selection;
    let answer = scene.editor.choose(start, start, "Show diff").await;
    scene
        .editor
        .until("the diff", |editor| !editor.opened.is_empty())
        .await;
    let path = ezrouter_lsp::server::uri::file_path(answer["uri"].as_str().unwrap()).unwrap();
    let diff = fs::read_to_string(path).unwrap();
    assert!(
        diff.contains("+new⟨U+202E⟩ one\n+new⟨U+200B⟩ two\n"),
        "{diff}"
    );
    scene.editor.choose(start, start, "Apply").await;
    let wanted = scene.rewritten(reply);
    scene
        .editor
        .until("the result", |editor| editor.text == wanted)
        .await;
    scene.editor.finish().await;
}

#[tokio::test]
async fn what_a_model_says_in_a_message_is_text_too() {
    let reply = "EZROUTER_CANNOT: it is\u{1b}[31m red\u{202e}";
    let mut scene = scene(Manner::Helix, [whole(reply)]).await;
    let job = scene.start("Fix").await;
    assert_eq!(scene.editor.settled(&job).await, "failed");
    let message = scene.editor.message().await;
    assert!(
        message.ends_with("it is⟨U+001B⟩[31m red⟨U+202E⟩"),
        "{message}"
    );
    let told = scene.editor.jobs[&job].last().unwrap()["message"].clone();
    assert!(told.as_str().unwrap().contains("⟨U+001B⟩[31m"), "{told}");
    scene.editor.finish().await;
}

#[tokio::test]
async fn tests_of_code_with_a_secret_need_not_hold_it_and_may() {
    let before = "«fn a() -> &'static str {\n    \"postgres://app:hunter2@h/db\"\n}\n»";
    let named = format!(
        "fn t() {{\n    is(\"postgres://app:{}@h/db\");\n}}\n",
        place(1)
    );
    for (reply, added) in [
        ("fn t() {}\n", "fn t() {}\n"),
        (
            named.as_str(),
            "fn t() {\n    is(\"postgres://app:hunter2@h/db\");\n}\n",
        ),
    ] {
        let plan = Plan {
            before,
            language: "rust",
            script: Script::new([whole(reply)]),
            ..Plan::default()
        };
        let mut scene = scene_of(Manner::Helix, plan).await;
        let job = scene.start("Write tests").await;
        assert_eq!(scene.editor.settled(&job).await, "pending");
        assert_eq!(scene.editor.text, format!("{}\n{added}", scene.original));
        finish_without_secrets(scene).await;
    }
}
