//! A real server as a process, with an editor that takes every edit at once: what a test asks, and what came of it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use ezrouter_lsp::client::{Connection, Incoming};
use ezrouter_lsp::offline::Standin;
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::time::timeout;

pub(crate) const FOLDER: &str = "file:///project";
pub(crate) const URI: &str = "file:///project/a.py";
pub(crate) const TEXT: &str = "above\nold one\nold two\nbelow\n";

const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Server {
    process: Child,
    connection: Connection,
    pub(crate) text: String,
    version: i32,
    /// What `window/showMessage` said.
    pub(crate) messages: Vec<String>,
    /// The newest state of each job.
    states: BTreeMap<String, String>,
}

/// The program as a server, with its state directory.
pub(crate) fn program(gateway: &Standin, state: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ezrouter-lsp"));
    command.arg("--stdio");
    set_up(command, gateway, state)
}

/// Gives a command the environment of a server, and pipes.
pub(crate) fn set_up(mut command: Command, gateway: &Standin, state: &Path) -> Command {
    command
        .env_clear()
        .env("EZROUTER_API_KEY", "sk-test")
        .env("EZROUTER_BASE_URL", gateway.base_url())
        .env("EZROUTER_MODEL", "test-model")
        .env("EZROUTER_STATE_DIR", state)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    command
}

impl Server {
    pub(crate) async fn start(gateway: &Standin, state: &Path) -> Self {
        Self::with(program(gateway, state), FOLDER, &json!({})).await
    }

    /// Starts a server in a workspace folder, with settings.
    pub(crate) async fn with(mut command: Command, folder: &str, settings: &Value) -> Self {
        let mut process = command.spawn().unwrap();
        let pipes = (
            process.stdout.take().unwrap(),
            process.stdin.take().unwrap(),
        );
        let mut server = Self {
            process,
            connection: Connection::new(pipes.0, pipes.1),
            text: TEXT.to_owned(),
            version: 0,
            messages: Vec::new(),
            states: BTreeMap::new(),
        };
        let capabilities = json!({
            "general": {"positionEncodings": ["utf-8"]},
            "workspace": {"applyEdit": true, "workspaceEdit": {"documentChanges": true}},
            "experimental": {"ezrouter": {"jobs": true, "answer": true}},
        });
        let hello = json!({
            "processId": null, "capabilities": capabilities, "initializationOptions": settings,
            "workspaceFolders": [{"uri": folder, "name": "project"}],
        });
        server.request("initialize", &hello).await.unwrap();
        server.connection.notify("initialized", &json!({}));
        server.open(URI, TEXT);
        server
    }

    pub(crate) fn open(&self, uri: &str, text: &str) {
        let document = json!({"uri": uri, "languageId": "python", "version": 0, "text": text});
        self.connection
            .notify("textDocument/didOpen", &json!({"textDocument": document}));
    }

    /// Sends a request; what comes before its answer is taken as always.
    pub(crate) async fn request(&mut self, method: &str, params: &Value) -> Result<Value, Value> {
        let id = self.connection.request(method, params);
        loop {
            let incoming = timeout(PATIENCE, self.connection.next()).await;
            match incoming.expect("an answer") {
                Incoming::Response {
                    id: answered,
                    result,
                } if answered == id => return result,
                other => self.take(other),
            }
        }
    }

    pub(crate) async fn command(&mut self, command: &str, argument: Value) -> Result<Value, Value> {
        let params = json!({"command": format!("ezrouter.{command}"), "arguments": [argument]});
        self.request("workspace/executeCommand", &params).await
    }

    /// Starts a job about lines 2 and 3 of a document.
    pub(crate) async fn begin(&mut self, command: &str, uri: &str, words: &str) -> String {
        let range =
            json!({"start": {"line": 1, "character": 0}, "end": {"line": 3, "character": 0}});
        let argument = json!({"uri": uri, "range": range, "question": words});
        let result = self.command(command, argument).await.unwrap();
        result["job"].as_str().unwrap().to_owned()
    }

    /// How a job has ended.
    pub(crate) async fn ended(&mut self, job: &str) -> String {
        loop {
            let state = self.states.get(job).map_or("", String::as_str);
            if ["done", "failed", "cancelled", "pending"].contains(&state) {
                return state.to_owned();
            }
            let incoming = timeout(PATIENCE, self.connection.next()).await;
            self.take(incoming.expect("the job ends"));
        }
    }

    /// Asks, and waits for the answer.
    pub(crate) async fn ask(&mut self, question: &str) {
        let job = self.begin("ask", URI, question).await;
        assert_eq!(self.ended(&job).await, "done", "{:?}", self.messages);
    }

    /// Waits until the server has shown so many messages.
    pub(crate) async fn told(&mut self, count: usize) -> &[String] {
        while self.messages.len() < count {
            let incoming = timeout(PATIENCE, self.connection.next()).await;
            self.take(incoming.expect("a message"));
        }
        &self.messages
    }

    fn take(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::Request { id, method, params } if method == "workspace/applyEdit" => {
                let edits = params["edit"]["documentChanges"][0]["edits"].as_array();
                for edit in edits.unwrap().iter().rev() {
                    self.apply(edit);
                }
                self.connection.answer(&id, Ok(json!({"applied": true})));
                self.version += 1;
                let identifier = json!({"uri": URI, "version": self.version});
                let change =
                    json!({"textDocument": identifier, "contentChanges": [{"text": self.text}]});
                self.connection.notify("textDocument/didChange", &change);
            }
            Incoming::Request { id, .. } => self.connection.answer(&id, Ok(Value::Null)),
            Incoming::Notification { method, params } if method == "window/showMessage" => {
                let text = params["message"].as_str().unwrap();
                // The sentence on what is sent where, which each new state directory brings once, has tests of its own.
                if !text.starts_with("ezrouter sends the text that you ask about") {
                    self.messages.push(text.to_owned());
                }
            }
            Incoming::Notification { method, params } if method == "ezrouter/job" => {
                let text = |name: &str| params[name].as_str().unwrap().to_owned();
                self.states.insert(text("job"), text("state"));
            }
            Incoming::Ended(reason) => panic!("the server has ended: {reason}"),
            Incoming::Notification { .. } | Incoming::Response { .. } => {}
        }
    }

    fn apply(&mut self, edit: &Value) {
        let offset = |position: &Value| {
            let number = |name: &str| usize::try_from(position[name].as_u64().unwrap()).unwrap();
            let lines = self.text.split_inclusive('\n').take(number("line"));
            lines.map(str::len).sum::<usize>() + number("character")
        };
        let (start, end) = (
            offset(&edit["range"]["start"]),
            offset(&edit["range"]["end"]),
        );
        let new = edit["newText"].as_str().unwrap();
        self.text.replace_range(start..end, new);
    }

    pub(crate) fn close(&self, uri: &str) {
        let document = json!({"textDocument": {"uri": uri}});
        self.connection.notify("textDocument/didClose", &document);
    }

    /// The text of the hover at the start of a line.
    pub(crate) async fn hover(&mut self, line: u32) -> String {
        let params =
            json!({"textDocument": {"uri": URI}, "position": {"line": line, "character": 0}});
        let hover = self.request("textDocument/hover", &params).await.unwrap();
        hover["contents"]["value"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// The titles of the code actions at the start of a line.
    pub(crate) async fn titles(&mut self, line: u32) -> Vec<String> {
        let place = json!({"line": line, "character": 0});
        let params = json!({
            "textDocument": {"uri": URI}, "range": {"start": place, "end": place}, "context": {"diagnostics": [], "triggerKind": 1},
        });
        let actions = self.request("textDocument/codeAction", &params).await;
        let actions = actions.unwrap();
        let title = |action: &Value| action["title"].as_str().unwrap().to_owned();
        actions.as_array().unwrap().iter().map(title).collect()
    }

    /// Asks for code actions at the start of a line until one has this title; gives all titles.
    pub(crate) async fn until_offered(&mut self, line: u32, title: &str) -> Vec<String> {
        let wait = async {
            loop {
                let titles = self.titles(line).await;
                if titles.iter().any(|offered| offered == title) {
                    return titles;
                }
            }
        };
        let offered = timeout(PATIENCE, wait).await;
        offered.unwrap_or_else(|_| panic!("{title} is not offered"))
    }

    /// `shutdown` and `exit`, as editors do it.
    pub(crate) async fn exit(mut self) -> ExitStatus {
        self.request("shutdown", &Value::Null).await.unwrap();
        self.connection.notify("exit", &Value::Null);
        timeout(PATIENCE, self.process.wait())
            .await
            .expect("it ends")
            .unwrap()
    }

    /// `kill -9`.
    pub(crate) async fn kill(mut self) {
        self.process.kill().await.unwrap();
    }

    /// The conversations: title and number of turns.
    pub(crate) async fn listed(&mut self) -> Vec<(String, u64)> {
        let list = self.command("listConversations", json!({})).await.unwrap();
        let entry = |entry: &Value| {
            let title = entry["title"].as_str().unwrap().to_owned();
            (title, entry["turns"].as_u64().unwrap())
        };
        list.as_array().unwrap().iter().map(entry).collect()
    }
}

/// The messages of each request that the gateway got: role and text.
pub(crate) fn sent(gateway: &Standin) -> Vec<Vec<(String, String)>> {
    let text = |message: &Value, key: &str| message[key].as_str().unwrap().to_owned();
    let messages = |body: &Value| {
        let messages = body["messages"].as_array().unwrap().iter();
        messages
            .map(|message| (text(message, "role"), text(message, "content")))
            .collect()
    };
    gateway
        .requests()
        .iter()
        .filter(|request| request.method == "POST")
        .map(|request| messages(&request.body))
        .collect()
}
