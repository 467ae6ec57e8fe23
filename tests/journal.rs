//! A server that is killed in the middle of a rewrite: the next one offers the text from before, in every state that the
//! rewrite can be in. Real processes over real pipes, `kill -9`, real files.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "these are tests: a panic is a failure"
)]

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use ezrouter_lsp::client::{Connection, Incoming};
use ezrouter_lsp::first_use;
use ezrouter_lsp::offline::{Answer, Script, Standin, Step};
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::time::timeout;

const URI: &str = "file:///project/a.py";
const OTHER: &str = "file:///project/b.py";
const TEXT: &str = "above\nold one\nold two\nbelow\n";
const NEW: &str = "new one\nnew two\nnew three\n";
const FINISHED: &str = "above\nnew one\nnew two\nnew three\nbelow\n";

const RESTORE: &str = "Restore the text from before the interrupted rewrite";
const FINISH: &str = "Apply the finished rewrite";

/// Each state is tried so often.
const TIMES: usize = 10;

const PATIENCE: Duration = Duration::from_secs(30);

/// The real server with an editor that does nothing of itself: each edit waits until the test takes it.
struct Server {
    process: Child,
    connection: Connection,
    text: String,
    version: i32,
    messages: Vec<String>,
    logged: Vec<String>,
    jobs: Vec<String>,
    /// An edit that came and is not looked at yet.
    held: Option<Waiting>,
}

/// An edit that waits to be taken.
struct Waiting {
    id: Value,
    edits: Vec<Value>,
}

impl Server {
    async fn start(gateway: &Standin, state: &Path) -> Self {
        // The sentence on what is sent where, which each new state directory brings once, is none of the messages here.
        // Where there is no directory, it is a log message.
        let _ = first_use::mark(state);
        let mut process = Command::new(env!("CARGO_BIN_EXE_ezrouter-lsp"))
            .arg("--stdio")
            .env_clear()
            .env("EZROUTER_API_KEY", "sk-test")
            .env("EZROUTER_BASE_URL", gateway.base_url())
            .env("EZROUTER_STATE_DIR", state)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let pipes = (
            process.stdout.take().unwrap(),
            process.stdin.take().unwrap(),
        );
        let mut server = Self {
            process,
            connection: Connection::new(pipes.0, pipes.1),
            text: String::new(),
            version: 0,
            messages: Vec::new(),
            logged: Vec::new(),
            jobs: Vec::new(),
            held: None,
        };
        let capabilities = json!({
            "general": {"positionEncodings": ["utf-8"]},
            "workspace": {"applyEdit": true, "workspaceEdit": {"documentChanges": true}},
            "textDocument": {"codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": [""]}}}},
            "experimental": {"ezrouter": {"jobs": true}},
        });
        let hello = json!({"processId": null, "capabilities": capabilities});
        server.ask("initialize", &hello).await.unwrap();
        server.connection.notify("initialized", &json!({}));
        server
    }

    fn open(&mut self, uri: &str, text: &str) {
        if uri == URI {
            text.clone_into(&mut self.text);
        }
        let document = json!({"uri": uri, "languageId": "python", "version": 0, "text": text});
        self.connection
            .notify("textDocument/didOpen", &json!({"textDocument": document}));
    }

    fn close(&self, uri: &str) {
        self.connection.notify(
            "textDocument/didClose",
            &json!({"textDocument": {"uri": uri}}),
        );
    }

    async fn next(&mut self) -> Option<Waiting> {
        match timeout(PATIENCE, self.connection.next())
            .await
            .expect("the server says something")
        {
            Incoming::Request { id, method, params } if method == "workspace/applyEdit" => {
                let edit = &params["edit"]["documentChanges"][0];
                assert_eq!(edit["textDocument"]["version"], self.version);
                let edits = edit["edits"].as_array().unwrap().clone();
                return Some(Waiting { id, edits });
            }
            Incoming::Request { id, .. } => self.connection.answer(&id, Ok(Value::Null)),
            Incoming::Notification { method, params } if method == "window/showMessage" => {
                self.messages
                    .push(params["message"].as_str().unwrap().to_owned());
            }
            Incoming::Notification { method, params } if method == "window/logMessage" => {
                self.logged
                    .push(params["message"].as_str().unwrap().to_owned());
            }
            Incoming::Notification { method, params } if method == "ezrouter/job" => {
                self.jobs.push(params["state"].as_str().unwrap().to_owned());
            }
            Incoming::Ended(reason) => panic!("the server has ended: {reason}"),
            Incoming::Notification { .. } | Incoming::Response { .. } => {}
        }
        None
    }

    /// The next edit.
    async fn edit(&mut self) -> Waiting {
        if let Some(held) = self.held.take() {
            return held;
        }
        loop {
            if let Some(edit) = self.next().await {
                return edit;
            }
        }
    }

    /// Makes an edit in the text, and tells nobody.
    fn apply(&mut self, edit: &Waiting) {
        for edit in edit.edits.iter().rev() {
            let (start, end) = (
                self.offset(&edit["range"]["start"]),
                self.offset(&edit["range"]["end"]),
            );
            self.text
                .replace_range(start..end, edit["newText"].as_str().unwrap());
        }
    }

    fn offset(&self, position: &Value) -> usize {
        let number = |name: &str| usize::try_from(position[name].as_u64().unwrap()).unwrap();
        let line = self
            .text
            .split_inclusive('\n')
            .take(number("line"))
            .map(str::len)
            .sum::<usize>();
        line + number("character")
    }

    /// Answers an edit that was made and tells the change.
    fn tell(&mut self, edit: &Waiting) {
        self.connection
            .answer(&edit.id, Ok(json!({"applied": true})));
        self.tell_text();
    }

    fn tell_text(&mut self) {
        self.version += 1;
        let identifier = json!({"uri": URI, "version": self.version});
        let params = json!({"textDocument": identifier, "contentChanges": [{"text": self.text}]});
        self.connection.notify("textDocument/didChange", &params);
    }

    async fn land(&mut self) {
        let edit = self.edit().await;
        self.apply(&edit);
        self.tell(&edit);
    }

    async fn ask(&mut self, method: &str, params: &Value) -> Result<Value, Value> {
        let id = self.connection.request(method, params);
        loop {
            match timeout(PATIENCE, self.connection.next())
                .await
                .expect("an answer")
            {
                Incoming::Response {
                    id: answered,
                    result,
                } if answered == id => return result,
                Incoming::Request { id, .. } => self.connection.answer(&id, Ok(Value::Null)),
                Incoming::Notification { method, params } if method == "window/showMessage" => {
                    self.messages
                        .push(params["message"].as_str().unwrap().to_owned());
                }
                Incoming::Ended(reason) => panic!("the server has ended: {reason}"),
                _ => {}
            }
        }
    }

    /// The answer of a command that brings an edit, which may come before the answer.
    async fn ask_for_edit(&mut self, params: &Value) -> Value {
        let id = self.connection.request("workspace/executeCommand", params);
        loop {
            match timeout(PATIENCE, self.connection.next())
                .await
                .expect("an answer")
            {
                Incoming::Response {
                    id: answered,
                    result,
                } if answered == id => return result.unwrap(),
                Incoming::Request { id, method, params } if method == "workspace/applyEdit" => {
                    let edits = params["edit"]["documentChanges"][0]["edits"]
                        .as_array()
                        .unwrap()
                        .clone();
                    self.held = Some(Waiting { id, edits });
                }
                Incoming::Notification { method, params } if method == "ezrouter/job" => {
                    self.jobs.push(params["state"].as_str().unwrap().to_owned());
                }
                other => drop(other),
            }
        }
    }

    /// The titles of what is offered for interrupted rewrites, with their arguments.
    async fn offers(&mut self, uri: &str) -> Vec<(String, Value)> {
        let place = json!({"line": 0, "character": 0});
        let params = json!({
            "textDocument": {"uri": uri}, "range": {"start": place, "end": place}, "context": {"diagnostics": [], "triggerKind": 2},
        });
        let actions = self.ask("textDocument/codeAction", &params).await.unwrap();
        let offered = |action: &Value| {
            (action["command"]["command"] == "ezrouter.restore").then(|| {
                let argument = action["command"]["arguments"][0].clone();
                (action["title"].as_str().unwrap().to_owned(), argument)
            })
        };
        actions
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(offered)
            .collect()
    }

    async fn rewrite(&mut self, uri: &str) {
        let range =
            json!({"start": {"line": 1, "character": 0}, "end": {"line": 3, "character": 0}});
        let argument = json!({"uri": uri, "range": range, "instruction": "Change"});
        let params = json!({"command": "ezrouter.rewrite", "arguments": [argument]});
        self.ask("workspace/executeCommand", &params).await.unwrap();
    }

    /// `kill -9`.
    async fn kill(mut self) -> String {
        self.process.kill().await.unwrap();
        self.text
    }
}

/// Where the rewrite is when its server dies.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    Waiting,
    FirstInFlight,
    Streaming,
    RewindInFlight,
    BetweenRewindAndCommit,
    CommitInFlight,
}

/// Brings a rewrite of a new server to a stage and kills it there; with `applied`, the edit under way is in the text.
/// Gives the text that the editor then holds.
async fn killed_at(stage: Stage, applied: bool, directory: &Path) -> String {
    let pieces = NEW
        .split_inclusive(' ')
        .flat_map(|piece| [Step::Gate, Step::text(piece)]);
    let steps = pieces.chain([Step::Gate, Step::finish("stop"), Step::Done]);
    let gateway = Standin::start(Script::always(Answer::stream(steps)))
        .await
        .unwrap();
    let mut server = Server::start(&gateway, directory).await;
    server.open(URI, TEXT);
    server.rewrite(URI).await;
    gateway.received(1).await;
    let in_flight = async |server: &mut Server| {
        let edit = server.edit().await;
        if applied {
            server.apply(&edit);
        }
    };
    match stage {
        Stage::Waiting => {
            // The journal has a thread of its own, which a kill does not wait for.
            let deadline = Instant::now() + PATIENCE;
            while entries(directory).is_empty() && Instant::now() < deadline {
                server.offers(URI).await;
            }
        }
        Stage::FirstInFlight => {
            gateway.release();
            gateway.release();
            in_flight(&mut server).await;
        }
        _ => {
            for _ in 0..2 {
                gateway.release();
                server.land().await;
            }
            if stage != Stage::Streaming {
                for _ in 0..3 {
                    gateway.release();
                }
                finish_streaming(&mut server).await;
                match stage {
                    Stage::RewindInFlight => in_flight(&mut server).await,
                    Stage::BetweenRewindAndCommit => server.land().await,
                    _ => {
                        server.land().await;
                        in_flight(&mut server).await;
                    }
                }
            }
        }
    }
    server.kill().await
}

/// Takes streamed edits until the one comes that brings the original back, and holds that.
async fn finish_streaming(server: &mut Server) {
    loop {
        let edit = server.edit().await;
        let streamed = server.text.clone();
        server.apply(&edit);
        if server.text == TEXT {
            server.text = streamed;
            server.held = Some(edit);
            return;
        }
        server.tell(&edit);
    }
}

/// What a new server makes of the text: the titles that it offers, and what the text reads when the offer was taken.
async fn offered(text: &str, state: &Path) -> (Vec<String>, String) {
    let gateway = Standin::start(Script::default()).await.unwrap();
    let mut server = Server::start(&gateway, state).await;
    server.open(URI, text);
    // Either there is something to offer, which is said, or the entry goes.
    while server.messages.is_empty() && !entries(state).is_empty() {
        if timeout(Duration::from_millis(5), server.next())
            .await
            .is_err()
        {
            server
                .ask(
                    "textDocument/hover",
                    &json!({"textDocument": {"uri": URI}, "position": {"line": 0, "character": 0}}),
                )
                .await
                .unwrap();
        }
    }
    let offers = server.offers(URI).await;
    assert_eq!(offers.len(), server.messages.len(), "{:?}", server.messages);
    if let Some((_, argument)) = offers.first() {
        let params = json!({"command": "ezrouter.restore", "arguments": [argument]});
        let answer = server.ask_for_edit(&params).await;
        assert_eq!(answer, json!({"ok": true, "kept": []}));
        server.land().await;
        while !["done", "cancelled"].contains(&server.jobs.last().map_or("", String::as_str)) {
            assert!(server.next().await.is_none(), "one edit is enough");
        }
        assert!(server.offers(URI).await.is_empty(), "offered once");
    }
    let text = server.text.clone();
    server.close(URI);
    server.open(URI, &text);
    assert!(server.offers(URI).await.is_empty());
    // A thread of its own removes entries, and a kill does not wait for it.
    let deadline = Instant::now() + PATIENCE;
    while !entries(state).is_empty() && Instant::now() < deadline {
        server.offers(URI).await;
    }
    server.kill().await;
    assert_eq!(entries(state), [""; 0], "nothing is left behind");
    (offers.into_iter().map(|(title, _)| title).collect(), text)
}

fn entries(state: &Path) -> Vec<String> {
    let listed = std::fs::read_dir(state.join("journal"))
        .into_iter()
        .flatten()
        .flatten();
    listed
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

#[tokio::test]
async fn killed_in_any_state_the_text_from_before_is_offered_or_stands() {
    use Stage::{
        BetweenRewindAndCommit, CommitInFlight, FirstInFlight, RewindInFlight, Streaming, Waiting,
    };
    let cases: [(Stage, bool, &[&str], &str); 9] = [
        (Waiting, false, &[], TEXT),
        (FirstInFlight, false, &[], TEXT),
        (FirstInFlight, true, &[RESTORE], TEXT),
        (Streaming, true, &[RESTORE], TEXT),
        (RewindInFlight, false, &[RESTORE], TEXT),
        (RewindInFlight, true, &[FINISH], FINISHED),
        (BetweenRewindAndCommit, true, &[FINISH], FINISHED),
        (CommitInFlight, false, &[FINISH], FINISHED),
        (CommitInFlight, true, &[], FINISHED),
    ];
    for (stage, applied, titles, text) in cases {
        for time in 0..TIMES {
            let state = tempfile::tempdir().unwrap();
            let left = killed_at(stage, applied, state.path()).await;
            assert_eq!(entries(state.path()).len(), 1, "{stage:?} {applied} {time}");
            let (offers, restored) = offered(&left, state.path()).await;
            assert_eq!(offers, titles, "{stage:?} {applied} {time}: {left:?}");
            assert_eq!(restored, text, "{stage:?} {applied} {time}: {left:?}");
        }
    }
}

#[tokio::test]
async fn what_was_typed_after_the_crash_stays() {
    let state = tempfile::tempdir().unwrap();
    let left = killed_at(Stage::Streaming, true, state.path()).await;
    let typed = format!(
        "typed above\n{}typed below\n",
        left.replace("new one", "new one\n<typed>")
    );
    let gateway = Standin::start(Script::default()).await.unwrap();
    let mut server = Server::start(&gateway, state.path()).await;
    server.open(URI, &typed);
    while server.messages.is_empty() {
        server.next().await;
    }
    let params = json!({"command": "ezrouter.restore", "arguments": [{"uri": URI}]});
    let answer = server.ask_for_edit(&params).await;
    assert_eq!(answer["kept"].as_array().map(Vec::len), Some(1), "{answer}");
    server.land().await;
    let without = server.text.replace("<typed>\n", "");
    assert!(server.text.contains("<typed>\n"), "{}", server.text);
    assert_eq!(without, format!("typed above\n{TEXT}typed below\n"));
}

#[tokio::test]
async fn nothing_is_put_back_into_a_text_that_is_not_known() {
    let state = tempfile::tempdir().unwrap();
    let left = killed_at(Stage::Streaming, true, state.path()).await;
    let gateway = Standin::start(Script::default()).await.unwrap();
    let mut server = Server::start(&gateway, state.path()).await;
    let params = json!({"command": "ezrouter.restore", "arguments": [{"uri": URI}]});
    let whole = json!({"uri": URI, "languageId": "python", "version": 0});
    let unreadable = json!({"textDocument": {"uri": URI, "version": 1}, "contentChanges": 7});
    for (method, params_of_method) in [
        ("textDocument/didOpen", json!({"textDocument": whole})),
        ("textDocument/didChange", unreadable),
    ] {
        server.open(URI, &left);
        while server.offers(URI).await.is_empty() {}
        server.connection.notify(method, &params_of_method);
        let refused = server.ask("workspace/executeCommand", &params).await;
        let refused = refused.unwrap_err()["message"].clone();
        assert!(
            refused.as_str().unwrap().contains("out of step"),
            "{refused}"
        );
        assert!(server.held.is_none(), "an edit came");
        server.close(URI);
    }
    // It is still there for when the text is known.
    server.open(URI, &left);
    while server.offers(URI).await.is_empty() {}
    assert_eq!(entries(state.path()).len(), 1);
}

#[tokio::test]
async fn the_entry_of_a_living_server_and_that_of_another_file_are_not_offered() {
    let state = tempfile::tempdir().unwrap();
    let left = killed_at(Stage::Streaming, true, state.path()).await;
    let gateway = Standin::start(Script::always(Answer::stream([Step::Hang])))
        .await
        .unwrap();
    let mut alive = Server::start(&gateway, state.path()).await;
    alive.open(OTHER, TEXT);
    alive.rewrite(OTHER).await;
    gateway.received(1).await;
    while entries(state.path()).len() < 2 {
        alive.offers(OTHER).await;
    }
    let mut server = Server::start(&gateway, state.path()).await;
    server.open(OTHER, "above\nsomething else\nbelow\n");
    server.open(URI, &left);
    while server.messages.is_empty() {
        server.next().await;
    }
    assert_eq!(server.offers(OTHER).await, []);
    assert_eq!(server.offers(URI).await.len(), 1);
    // Closed without a choice: it is offered again the next time.
    server.close(URI);
    server.open(URI, &left);
    server.messages.clear();
    while server.messages.is_empty() {
        server.next().await;
    }
    assert_eq!(server.offers(URI).await.len(), 1);
}

#[tokio::test]
async fn without_a_directory_to_write_to_rewriting_works_and_it_is_said_once() {
    let state = tempfile::NamedTempFile::new().unwrap();
    let gateway = Standin::start(Script::always(Answer::text(NEW)))
        .await
        .unwrap();
    let mut server = Server::start(&gateway, state.path()).await;
    server.open(URI, TEXT);
    server.rewrite(URI).await;
    while server.jobs.last().is_none_or(|state| state != "pending") {
        if let Some(edit) = server.next().await {
            server.apply(&edit);
            server.tell(&edit);
        }
    }
    assert_eq!(server.text, FINISHED);
    let said = |line: &&String| line.contains("if this server dies");
    assert_eq!(
        server.logged.iter().filter(said).count(),
        1,
        "{:?}",
        server.logged
    );
}
