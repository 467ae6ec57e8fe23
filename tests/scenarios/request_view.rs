//! `ezrouter.showRequest`: what it shows is what is sent, and nothing comes of it.

use std::fs;
use std::path::PathBuf;

use ezrouter_lsp::offline::Script;
use ezrouter_lsp::server::uri::file_path;
use serde_json::{Value, json};

use crate::manner::Manner;
use crate::scene::{Plan, Scene, gated, scene, scene_of, whole};

/// Secrets in the selection and above it.
const SECRETS: &str = "db = \"postgres://app:above-it@h/db\"\n«url = \"postgres://app:hunter2@h/db\"\npassword = \"Tr0ub4dor&3\"\n»below\n";

const WORDS: [&str; 3] = ["above-it", "hunter2", "Tr0ub4dor&3"];

const KEY: &str = "sk-scenario-key";

/// A view, taken apart.
struct Shown {
    text: String,
    path: PathBuf,
    /// Method, URL, and the headers in order.
    first_line: String,
    headers: Vec<(String, String)>,
    body: String,
}

/// What stands in the first block of this language.
fn block<'a>(text: &'a str, language: &str) -> &'a str {
    let (_, rest) = text.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("\n```\n").unwrap().0
}

impl Shown {
    fn of(answer: &Value) -> Self {
        let path = file_path(answer["uri"].as_str().unwrap()).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let (first_line, headers) = block(&text, "http").split_once('\n').unwrap();
        let headers = headers.lines().map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_owned(), value.to_owned())
        });
        Self {
            first_line: first_line.to_owned(),
            headers: headers.collect(),
            body: block(&text, "json").to_owned(),
            path,
            text,
        }
    }
}

/// Shows a request, twice, and gives what the second view reads; the first one must read the same.
async fn show(scene: &mut Scene, argument: &Value) -> Shown {
    let before = scene.gateway.requests().len();
    let mut views = Vec::new();
    for _ in 0..2 {
        let editor = &mut scene.editor;
        let answer = editor
            .command("ezrouter.showRequest", argument.clone())
            .await;
        let answer = answer.unwrap();
        let uri = answer["uri"].as_str().unwrap();
        editor
            .until("the view", |editor| {
                editor.opened.iter().any(|opened| opened == uri)
            })
            .await;
        views.push(Shown::of(&answer));
    }
    assert_eq!(scene.gateway.requests().len(), before, "something was sent");
    let shown = views.pop().unwrap();
    let first = views.pop().unwrap();
    assert_ne!(first.path, shown.path);
    assert_eq!(first.text, shown.text);
    shown
}

/// Runs a command to its end.
async fn run(scene: &mut Scene, command: &str, argument: Value) -> String {
    let answer = scene.editor.command(command, argument).await.unwrap();
    let job = answer["job"].as_str().unwrap();
    let state = scene.editor.settled(job).await;
    scene.editor.message().await;
    state
}

/// The newest request is what was shown, and the view holds neither the key nor a secret.
fn assert_sent(scene: &Scene, shown: &Shown) {
    let sent = scene.gateway.requests().pop().unwrap();
    assert_eq!(shown.body, sent.text);
    let url = format!("{}{}", scene.gateway.base_url(), sent.path);
    assert_eq!(shown.first_line, format!("{} {url}", sent.method));
    let headers = sent.headers.into_iter().filter(|(name, _)| name != "host");
    let mut headers: Vec<_> = headers
        .map(|(name, value)| (name, value.replace(KEY, "[key]")))
        .collect();
    headers.sort();
    let mut of_view = shown.headers.clone();
    of_view.sort();
    assert_eq!(of_view, headers);
    assert!(!shown.text.contains(KEY), "{}", shown.text);
    for word in WORDS {
        assert!(!shown.text.contains(word), "{word}: {}", shown.text);
    }
}

#[tokio::test]
async fn what_is_shown_is_what_is_sent() {
    for surface in ["openai", "anthropic"] {
        let action = json!({"id": "mine", "title": "Mine", "kind": "rewrite", "prompt": "Turn {selection} round."});
        let plan = Plan {
            before: SECRETS,
            settings: json!({
                "surface": surface, "actions": [action], "rewrite": {"apply": "preview"}, "thinking": "low",
                "instructions": "The staging password is x://u:Zebra-7-stripes@h.",
            }),
            script: Script::new(
                [
                    "One.",
                    "Two EZROUTER_SECRET_2.",
                    "three\n",
                    "four\n",
                    "Five.",
                ]
                .map(whole),
            ),
            ..Plan::default()
        };
        let mut scene = scene_of(Manner::VsCode, plan).await;
        let (start, end) = scene.selection;
        let place = json!({"uri": scene.editor.uri, "range": scene.editor.range(start, end)});
        let odd =
            json!([{"range": place["range"], "message": "hunter2 is too short", "severity": 2}]);
        let turns = [
            ("ezrouter.ask", json!({"action": "find_bugs"}), "done"),
            (
                "ezrouter.ask",
                json!({"question": "Is \"hunter2\"\tgood? ``` ü\u{202e}", "diagnostics": odd}),
                "done",
            ),
            (
                "ezrouter.rewrite",
                json!({"instruction": "Shorten.", "model": "other-model"}),
                "pending",
            ),
            ("ezrouter.rewrite", json!({"action": "mine"}), "pending"),
            ("ezrouter.ask", json!({}), "done"),
        ];
        let count = turns.len();
        for (turn, (command, more, state)) in turns.into_iter().enumerate() {
            let mut argument = place.clone();
            for (name, value) in more.as_object().unwrap() {
                argument[name] = value.clone();
            }
            let shown = show(&mut scene, &argument).await;
            assert!(
                shown.text.contains(&format!("`{command}`")),
                "{}",
                shown.text
            );
            assert_eq!(
                run(&mut scene, command, argument).await,
                state,
                "{surface} {turn}"
            );
            assert_sent(&scene, &shown);
            // A turn goes along for each one before, and the placeholders keep their numbers.
            let turns = [
                "| 0 earlier turns |",
                "| 1 earlier turn |",
                "| 2 earlier turns |",
                "| 3 earlier turns |",
                "| 4 earlier turns |",
            ];
            assert!(shown.text.contains(turns[turn]), "{}", shown.text);
            assert!(
                shown.body.contains("app:EZROUTER_SECRET_3@h"),
                "{}",
                shown.text
            );
        }
        assert_eq!(scene.gateway.requests().len(), count);
        scene.editor.finish().await;
    }
}

#[tokio::test]
async fn a_view_tells_where_it_goes_what_was_masked_and_what_a_cache_can_hold() {
    let plan = Plan {
        before: SECRETS,
        settings: json!({"surface": "anthropic"}),
        script: Script::new(["One."].map(whole)),
        ..Plan::default()
    };
    let mut scene = scene_of(Manner::VsCode, plan).await;
    let (start, end) = scene.selection;
    let argument = json!({"uri": scene.editor.uri, "range": scene.editor.range(start, end)});
    let shown = show(&mut scene, &argument).await;
    let without_numbers = |text: &str| {
        let port = scene.gateway.base_url();
        text.replace(&port, "http://127.0.0.1:1")
            .replace(&block(text, "json").to_owned(), "{...}")
    };
    insta::assert_snapshot!(without_numbers(&shown.text), @r#"
    # Request: Explain

    Nothing has been sent. This is what `ezrouter.ask` would send now about `src/a.py`, lines 2 to 3.

    Model `test-model`, Anthropic surface. `[key]` stands for the key, which comes from EZROUTER_API_KEY.

    ```http
    POST http://127.0.0.1:1/anthropic/v1/messages
    content-type: application/json
    accept: text/event-stream
    accept-encoding: identity
    accept-language: en
    x-api-key: [key]
    anthropic-version: 2023-06-01
    user-agent: ezrouter-lsp/0.1.0
    content-length: 1162
    ```

    ## Size

    | part | bytes | tokens (a guess) |
    |---|---:|---:|
    | system prompt | 584 | 146 |
    | 0 earlier turns | 0 | 0 |
    | new turn | 361 | 91 |
    | all text | 945 | 237 |
    | body, with the JSON around the text | 1162 | |

    ## Cache

    Nothing was said before this turn; only the system prompt may be in a cache.
    Cache marks stand behind the system prompt.

    ## Masked

    | placeholder | stands for | in |
    |---|---|---|
    | `EZROUTER_SECRET_1` | password in a URL | new turn |
    | `EZROUTER_SECRET_2` | password in a URL | new turn |
    | `EZROUTER_SECRET_3` | value that is named a password | new turn |

    ## Body, byte for byte

    ```json
    {...}
    ```

    ## The same to read

    ### System prompt

    ```text
    You help a person who is working in a text editor. You cannot run commands, open files or use tools; your reply is all there is.
    Asked a question, answer in Markdown, briefly and to the point.
    Told to rewrite, reply with nothing but the text that replaces the selection: no explanation before or after, no code fence around it. Keep the indentation of the selection. If it cannot be done, reply with one line that begins with EZROUTER_CANNOT: and says why.
    Words such as EZROUTER_SECRET_1 stand for secrets that were taken out of the text: keep each one exactly as it is, where it is.
    ```

    ### New turn

    ```text
    File src/a.py (python), lines 2 to 3.
    <before>
    db = "postgres://app:EZROUTER_SECRET_1@h/db"
    </before>
    <after>
    below
    </after>
    <selection>
    url = "postgres://app:EZROUTER_SECRET_2@h/db"
    password = "EZROUTER_SECRET_3"

    </selection>

    Explain the selection: first what it is for in one or two sentences, then how it works, then anything surprising about it. Be brief.
    ```
    "#);
    scene.editor.finish().await;
}

#[tokio::test]
async fn the_sizes_in_a_view_are_those_of_what_is_sent() {
    let plan = Plan {
        before: SECRETS,
        settings: json!({"surface": "anthropic"}),
        script: Script::new(["One."].map(whole)),
        ..Plan::default()
    };
    let mut scene = scene_of(Manner::VsCode, plan).await;
    let (start, end) = scene.selection;
    let argument = json!({"uri": scene.editor.uri, "range": scene.editor.range(start, end)});
    run(&mut scene, "ezrouter.ask", argument.clone()).await;
    let shown = show(&mut scene, &argument).await;
    let (summary, _) = shown.text.split_once("## Body").unwrap();
    let (_, summary) = summary.split_once("## Size").unwrap();
    insta::assert_snapshot!(summary, @r#"
    | part | bytes | tokens (a guess) |
    |---|---:|---:|
    | system prompt | 584 | 146 |
    | 1 earlier turn | 365 | 92 |
    | new turn | 336 | 84 |
    | all text | 1285 | 322 |
    | body, with the JSON around the text | 1665 | |

    ## Cache

    Unchanged since the turn before, so that a cache can hold it: the system prompt and 1 earlier turn, 949 bytes. New: 336 bytes.
    Cache marks stand behind the system prompt and message 2 of 3.

    ## Masked

    | placeholder | stands for | in |
    |---|---|---|
    | `EZROUTER_SECRET_1` | password in a URL | earlier turns |
    | `EZROUTER_SECRET_2` | password in a URL | earlier turns, new turn |
    | `EZROUTER_SECRET_3` | value that is named a password | earlier turns, new turn |
    "#);
    let body: Value = serde_json::from_str(&shown.body).unwrap();
    let text = |pointer: &str| body.pointer(pointer).unwrap().as_str().unwrap().len();
    for (name, size) in [
        ("system prompt", text("/system/0/text")),
        (
            "1 earlier turn",
            text("/messages/0/content/0/text") + text("/messages/1/content/0/text"),
        ),
        ("new turn", text("/messages/2/content/0/text")),
        ("body, with the JSON around the text", shown.body.len()),
    ] {
        let row = format!("| {name} | {size} |");
        assert!(summary.contains(&row), "{row}: {summary}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&shown.path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    scene.editor.finish().await;
}

#[tokio::test]
async fn a_view_changes_nothing_and_needs_no_key() {
    let plan = Plan {
        before: SECRETS,
        variables: vec![("EZROUTER_API_KEY", String::new())],
        ..Plan::default()
    };
    let mut scene = scene_of(Manner::VsCode, plan).await;
    let (start, end) = scene.selection;
    let range = scene.editor.range(start, end);
    let argument = json!({"uri": scene.editor.uri, "range": range, "question": "What?"});
    let shown = show(&mut scene, &argument).await;
    assert!(
        shown.text.contains("No key is set: nothing can be sent"),
        "{}",
        shown.text
    );
    assert!(
        shown
            .headers
            .contains(&("authorization".to_owned(), "Bearer [key]".to_owned()))
    );
    let editor = &mut scene.editor;
    let status = editor.command("ezrouter.status", json!({})).await.unwrap();
    assert_eq!(status["jobs"], json!([]));
    let kept = editor
        .command("ezrouter.listConversations", json!({}))
        .await;
    assert_eq!(kept.unwrap(), json!([]));
    // The first job is the first one all the same.
    let job = editor.command("ezrouter.ask", argument).await.unwrap();
    assert_eq!(job["job"], "000001");
    assert_eq!(editor.settled("000001").await, "failed");
    let message = editor.message().await;
    assert!(message.contains("No API key is set"), "{message}");
    scene.editor.finish().await;
}

#[tokio::test]
async fn words_and_actions_tell_whether_it_is_a_question() {
    let mut scene = scene(Manner::VsCode, []).await;
    let (start, end) = scene.selection;
    let range = scene.editor.range(start, end);
    for (argument, command) in [
        (json!({}), "ask"),
        (json!({"question": "Why?"}), "ask"),
        (json!({"instruction": "Shorten."}), "rewrite"),
        (json!({"instruction": "Why?", "kind": "ask"}), "ask"),
        (
            json!({"question": "Shorten.", "kind": "rewrite"}),
            "rewrite",
        ),
        (json!({"action": "explain"}), "ask"),
        (json!({"action": "fix"}), "rewrite"),
        (
            json!({"action": "fix", "question": "all of them"}),
            "rewrite",
        ),
    ] {
        let mut whole = argument.clone();
        whole["uri"] = scene.editor.uri.as_str().into();
        whole["range"] = range.clone();
        let shown = show(&mut scene, &whole).await;
        let said = format!(
            "This is what `ezrouter.{command}` would send now about `src/a.py`, lines 2 to 3."
        );
        assert!(shown.text.contains(&said), "{argument}: {}", shown.text);
    }
    // As with a question, what is left out is the newest selection.
    scene.editor.actions(start, end).await;
    let shown = show(&mut scene, &json!({})).await;
    assert!(shown.text.contains("lines 2 to 3."), "{}", shown.text);
    for (argument, reason) in [
        (json!({"kind": "both"}), "kind is \"ask\" or \"rewrite\""),
        (json!({"kind": "rewrite"}), "say what to do"),
        (json!({"action": "none"}), "there is no action none"),
    ] {
        let editor = &mut scene.editor;
        let refused = editor.command("ezrouter.showRequest", argument).await;
        let refused = refused.unwrap_err()["message"].clone();
        assert!(refused.as_str().unwrap().contains(reason), "{refused}");
        assert!(editor.message().await.contains(reason));
    }
    scene.editor.finish().await;
}

#[tokio::test]
async fn a_view_of_an_excluded_file_is_refused_as_the_question_is() {
    let directory = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(directory.path()).unwrap();
    fs::write(root.join(".ezrouterignore"), "*.txt\n").unwrap();
    let mut scene = scene_of(
        Manner::VsCode,
        Plan {
            folder: &ezrouter_lsp::server::uri::file_uri(&root),
            ..Plan::default()
        },
    )
    .await;
    let range = json!({"start": {"line": 0, "character": 0}, "end": {"line": 1, "character": 0}});
    for (name, rule) in [
        (
            "a.txt",
            "a.txt is never sent: line 1 of .ezrouterignore excludes it (*.txt)",
        ),
        (".env", ".env is never sent: "),
    ] {
        let uri = ezrouter_lsp::server::uri::file_uri(&root.join(name));
        let editor = &mut scene.editor;
        editor.open_document(&uri, "plaintext", "xyzzy-never-shown\n");
        let argument = json!({"uri": uri, "range": range, "question": "What?"});
        let refused = editor
            .command("ezrouter.showRequest", argument.clone())
            .await;
        let refused = refused.unwrap_err()["message"].as_str().unwrap().to_owned();
        assert!(refused.starts_with(rule), "{refused}");
        assert_eq!(editor.message().await, refused);
        let asked = editor.command("ezrouter.ask", argument).await;
        let message = editor.message().await;
        assert!(message.ends_with(&refused), "{message}");
        assert_eq!(asked.is_err(), name == ".env");
    }
    let views = scene.state.path().join("views");
    assert!(!views.exists() || fs::read_dir(views).unwrap().next().is_none());
    scene.editor.finish().await;
}

#[tokio::test]
async fn a_view_leaves_pending_rewrites_and_the_past_as_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(directory.path()).unwrap();
    let uri = ezrouter_lsp::server::uri::file_uri(&root.join("a.py"));
    let plan = Plan {
        folder: &ezrouter_lsp::server::uri::file_uri(&root),
        uri: &uri,
        script: Script::new([whole("One."), gated(&["new one\n"])]),
        ..Plan::default()
    };
    let mut scene = scene_of(Manner::VsCode, plan).await;
    let (start, end) = scene.selection;
    let range = scene.editor.range(start, end);
    let argument = json!({"uri": uri, "range": range, "instruction": "Shorten."});
    run(&mut scene, "ezrouter.ask", argument.clone()).await;
    // While the file of the earlier turn is excluded, that turn does not go along; afterwards it does again.
    let other = ezrouter_lsp::server::uri::file_uri(&root.join("b.py"));
    scene.editor.open_document(&other, "python", "other\n");
    let line = json!({"start": {"line": 0, "character": 0}, "end": {"line": 1, "character": 0}});
    let about_other = json!({"uri": other, "range": line});
    for (ignored, turns) in [("", 1), ("a.py\n", 0), ("", 1)] {
        fs::write(root.join(".ezrouterignore"), ignored).unwrap();
        let shown = show(&mut scene, &about_other).await;
        let turns = format!("| {turns} earlier turn");
        assert!(shown.text.contains(&turns), "{ignored}: {}", shown.text);
    }
    let job = scene
        .editor
        .command("ezrouter.rewrite", argument.clone())
        .await;
    let job = job.unwrap()["job"].as_str().unwrap().to_owned();
    let editor = &mut scene.editor;
    let refused = editor
        .command("ezrouter.showRequest", argument.clone())
        .await;
    let refused = refused.unwrap_err()["message"].as_str().unwrap().to_owned();
    assert!(
        refused.starts_with("this text is being rewritten already"),
        "{refused}"
    );
    assert_eq!(editor.message().await, refused);
    scene.release(2);
    assert_eq!(scene.editor.settled(&job).await, "pending");
    show(&mut scene, &argument).await;
    assert_eq!(scene.editor.state(&job), "pending");
    scene.editor.finish().await;
}

#[tokio::test]
async fn a_server_that_was_started_again_shows_the_past_too() {
    let state = tempfile::tempdir().unwrap();
    ezrouter_lsp::first_use::mark(state.path()).unwrap();
    let path = state.path().to_string_lossy().into_owned();
    let plan = |answers: [&str; 1]| Plan {
        before: SECRETS,
        variables: vec![("EZROUTER_STATE_DIR", path.clone())],
        script: Script::new(answers.map(whole)),
        ..Plan::default()
    };
    let mut scene = scene_of(Manner::VsCode, plan(["One: EZROUTER_SECRET_9."])).await;
    let (start, end) = scene.selection;
    let argument = json!({"uri": scene.editor.uri, "range": scene.editor.range(start, end)});
    run(&mut scene, "ezrouter.ask", argument.clone()).await;
    scene.editor.finish().await;

    let mut scene = scene_of(Manner::VsCode, plan(["Two."])).await;
    let shown = show(&mut scene, &argument).await;
    assert!(shown.text.contains("| 1 earlier turn |"), "{}", shown.text);
    let of_before =
        "| `EZROUTER_SECRET_9` | a secret of an earlier run of the server | earlier turns |";
    assert!(shown.text.contains(of_before), "{}", shown.text);
    run(&mut scene, "ezrouter.ask", argument).await;
    assert_sent(&scene, &shown);
    scene.editor.finish().await;
}
