//! The strict editor: it follows one of the [`Manner`]s, keeps account of everything that the server sends, and fails on
//! whatever a server must not do. Its positions are its own, counted naively.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use ezrouter_lsp::client::{Connection, Incoming};
use ezrouter_lsp::config::Environment;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::manner::Manner;

/// How long a scenario waits for something before it fails.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Editor {
    pub(crate) manner: Manner,
    connection: Connection,
    server: JoinHandle<i32>,
    pub(crate) uri: String,
    /// What the editor shows.
    pub(crate) text: String,
    told: String,
    /// What the document read when the last change was noted, and the changes noted since something was told.
    noted: String,
    pending: Vec<Value>,
    history: HashMap<i32, String>,
    version: i32,
    undo: Vec<String>,
    encoding: String,
    flush_at: Option<Instant>,
    flushed_at: Option<Instant>,
    late: Vec<(Instant, Value)>,
    answers: BTreeMap<u64, Result<Value, Value>>,
    asked: Vec<u64>,
    edit_in_flight: bool,
    /// The edits that came, each with its phase or an empty word.
    pub(crate) edits: Vec<(String, Value)>,
    /// The kinds and messages of each progress token.
    pub(crate) progress: BTreeMap<String, Vec<(String, String)>>,
    /// The states of each job.
    pub(crate) jobs: BTreeMap<String, Vec<Value>>,
    /// What `window/showMessage` said and nobody has read.
    shown: Vec<(u64, String)>,
    /// What `window/logMessage` said.
    pub(crate) logged: Vec<String>,
    /// What came of `ezrouter/answer`.
    pub(crate) drawn: Vec<Value>,
    /// Methods in the order in which they went over the wire.
    pub(crate) traffic: Vec<String>,
    /// The documents that the server had opened.
    pub(crate) opened: Vec<String>,
    /// Whether the request for a progress token is answered.
    pub(crate) agrees_to_progress: bool,
    /// A plugin whose edits cannot be joined from here on: it refuses the next one of the phase `last`, and says so.
    pub(crate) parts: bool,
    /// What `workspace/configuration` is answered with.
    pub(crate) configuration: Value,
    /// The methods that the server wants to hear of.
    pub(crate) registered: Vec<String>,
    /// What the user chooses when asked.
    pub(crate) choice: Option<String>,
}

/// How a connection begins.
pub(crate) struct Opening<'a> {
    /// The `initializationOptions`.
    pub(crate) settings: &'a Value,
    /// What `workspace/configuration` is answered with.
    pub(crate) configuration: &'a Value,
    /// Capabilities of the client's workspace beside those of its manner.
    pub(crate) capabilities: &'a [&'a str],
    /// Whether it can ask the user.
    pub(crate) chooses: bool,
    /// The URI of the workspace folder.
    pub(crate) folder: &'a str,
    pub(crate) uri: &'a str,
    pub(crate) language: &'a str,
    pub(crate) text: &'a str,
}

impl Editor {
    pub(crate) async fn start(
        manner: Manner,
        environment: Environment,
        opening: Opening<'_>,
    ) -> Self {
        let Opening {
            settings,
            configuration,
            capabilities,
            chooses,
            folder,
            uri,
            language,
            text,
        } = opening;
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let (their_reader, their_writer) = tokio::io::split(theirs);
        let (reader, writer) = tokio::io::split(ours);
        let server = tokio::spawn(ezrouter_lsp::serve(their_reader, their_writer, environment));
        let mut editor = Self {
            manner,
            connection: Connection::new(reader, writer),
            server,
            uri: uri.to_owned(),
            text: text.to_owned(),
            told: text.to_owned(),
            noted: text.to_owned(),
            pending: Vec::new(),
            history: HashMap::new(),
            version: i32::from(manner == Manner::Kakoune),
            undo: Vec::new(),
            encoding: "utf-16".to_owned(),
            flush_at: None,
            flushed_at: None,
            late: Vec::new(),
            answers: BTreeMap::new(),
            asked: Vec::new(),
            edit_in_flight: false,
            edits: Vec::new(),
            progress: BTreeMap::new(),
            jobs: BTreeMap::new(),
            shown: Vec::new(),
            logged: Vec::new(),
            drawn: Vec::new(),
            traffic: Vec::new(),
            opened: Vec::new(),
            agrees_to_progress: true,
            parts: false,
            configuration: configuration.clone(),
            registered: Vec::new(),
            choice: None,
        };
        let mut hello = json!({
            "processId": null, "clientInfo": {"name": manner.name()}, "capabilities": manner.capabilities(),
            "workspaceFolders": [{"uri": folder, "name": "work"}], "initializationOptions": settings,
        });
        if chooses {
            hello["capabilities"]["window"]["showMessage"] = json!({"messageActionItem": {}});
        }
        for capability in capabilities {
            let (section, name) = capability.split_once('.').expect("a section");
            hello["capabilities"]["workspace"][section][name] = true.into();
        }
        let result = editor.ask("initialize", &hello).await.expect("initialize");
        let encoding = result
            .pointer("/capabilities/positionEncoding")
            .and_then(Value::as_str);
        editor.encoding = encoding.expect("a position encoding").to_owned();
        editor.tell("initialized", &json!({}));
        editor.open_document(uri, language, text);
        if let Manner::Neovim(_) = manner {
            let answered = "<- response (workspace/configuration)";
            let is_answered = |editor: &Self| editor.traffic.iter().any(|line| line == answered);
            editor.until("the question for settings", is_answered).await;
        }
        editor
    }

    /// Opens a document; scenarios with a second one give its text here and read nothing of it.
    pub(crate) fn open_document(&mut self, uri: &str, language: &str, text: &str) {
        if uri == self.uri {
            self.history.insert(self.version, text.to_owned());
        }
        let document =
            json!({"uri": uri, "languageId": language, "version": self.version, "text": text});
        self.tell("textDocument/didOpen", &json!({"textDocument": document}));
    }

    /// Turns to another document, which is the one that it works in from now on; the one before is still open.
    pub(crate) fn turn_to(&mut self, uri: &str, language: &str, text: &str) {
        self.flush();
        uri.clone_into(&mut self.uri);
        self.version = i32::from(self.manner == Manner::Kakoune);
        self.history.clear();
        self.undo.clear();
        self.was_told(self.version, text);
        self.open_document(uri, language, text);
    }

    pub(crate) fn close_document(&mut self) {
        self.flush();
        let identifier = json!({"uri": self.uri});
        self.tell(
            "textDocument/didClose",
            &json!({"textDocument": identifier}),
        );
    }

    /// Opens the document again with another text, as Neovim does when a formatter has rewritten the file.
    pub(crate) fn reload(&mut self, uri: &str, text: &str) {
        self.version = 0;
        // Neovim forgets with the buffer when it told something last.
        self.flushed_at = None;
        self.history.clear();
        text.clone_into(&mut self.told);
        text.clone_into(&mut self.noted);
        self.open_document(uri, "python", text);
    }

    /// Tells the full text, whatever was told before.
    pub(crate) fn tell_whole(&mut self, version: i32) {
        self.version = version;
        self.told = self.text.clone();
        self.noted = self.text.clone();
        self.history.insert(version, self.text.clone());
        let identifier = json!({"uri": self.uri, "version": version});
        let changes = json!([{"text": self.text}]);
        self.tell(
            "textDocument/didChange",
            &json!({"textDocument": identifier, "contentChanges": changes}),
        );
    }

    /// Takes it that the server was told this text, by notifications that the scenario has written itself.
    pub(crate) fn was_told(&mut self, version: i32, text: &str) {
        self.version = version;
        text.clone_into(&mut self.text);
        text.clone_into(&mut self.told);
        text.clone_into(&mut self.noted);
        self.history.insert(version, text.to_owned());
    }

    /// Applies an edit that a code action carried.
    pub(crate) fn apply_by_hand(&mut self, edit: &Value) {
        self.undo.push(self.text.clone());
        self.text = self.edited(&self.text, edit);
        self.tell_soon();
    }

    pub(crate) fn tell(&mut self, method: &str, params: &Value) {
        let version = params
            .pointer("/textDocument/version")
            .filter(|_| method.starts_with("textDocument/did"));
        self.traffic.push(match version {
            Some(version) => format!("<- {method} v{version}"),
            None => format!("<- {method}"),
        });
        self.connection.notify(method, params);
    }

    /// Sends a request and waits for its answer. Like real editors it tells its changes first.
    pub(crate) async fn ask(&mut self, method: &str, params: &Value) -> Result<Value, Value> {
        self.flush();
        let command = params
            .get("command")
            .and_then(Value::as_str)
            .map_or(String::new(), |command| format!(" {command}"));
        self.traffic.push(format!("<- {method}{command}"));
        let id = self.connection.request(method, params);
        self.asked.push(id);
        self.until(&format!("the answer to {method}"), |editor| {
            editor.answers.contains_key(&id)
        })
        .await;
        self.traffic.push(format!("-> response ({method})"));
        self.answers.remove(&id).unwrap()
    }

    pub(crate) async fn command(&mut self, command: &str, argument: Value) -> Result<Value, Value> {
        self.ask(
            "workspace/executeCommand",
            &json!({"command": command, "arguments": [argument]}),
        )
        .await
    }

    /// Sends a command and the request for code actions behind it, as a key of Helix may do it; gives the command's result.
    pub(crate) async fn command_ahead(&mut self, command: &str, range: (usize, usize)) -> Value {
        let params = json!({"command": command, "arguments": []});
        let id = self.connection.request("workspace/executeCommand", &params);
        self.asked.push(id);
        self.actions(range.0, range.1).await;
        self.until("the answer to the command", |editor| {
            editor.answers.contains_key(&id)
        })
        .await;
        self.answers.remove(&id).unwrap().unwrap()
    }

    /// The titles and actions at a byte range of the text.
    pub(crate) async fn actions(&mut self, start: usize, end: usize) -> Vec<Value> {
        let params = json!({
            "textDocument": {"uri": self.uri}, "range": self.range(start, end),
            "context": {"diagnostics": [], "triggerKind": 1},
        });
        self.ask("textDocument/codeAction", &params)
            .await
            .expect("code actions")
            .as_array()
            .cloned()
            .unwrap_or_default()
    }

    /// Runs the action whose title begins with `title`, resolving it first as Neovim and Helix do.
    pub(crate) async fn choose(&mut self, start: usize, end: usize, title: &str) -> Value {
        let actions = self.actions(start, end).await;
        let found = actions
            .iter()
            .find(|action| action["title"].as_str().unwrap().starts_with(title));
        let action = found
            .unwrap_or_else(|| panic!("no {title} in {actions:#?}"))
            .clone();
        let action = self
            .ask("codeAction/resolve", &action)
            .await
            .expect("resolve");
        let params = json!({"command": action["command"]["command"], "arguments": action["command"]["arguments"]});
        self.ask("workspace/executeCommand", &params)
            .await
            .expect(title)
    }

    pub(crate) async fn hover(&mut self, offset: usize) -> String {
        let params = json!({"textDocument": {"uri": self.uri}, "position": self.position(offset)});
        let hover = self
            .ask("textDocument/hover", &params)
            .await
            .expect("hover");
        hover
            .pointer("/contents/value")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    }

    /// Replaces bytes of the text, as the user does.
    pub(crate) fn type_over(&mut self, start: usize, end: usize, typed: &str) {
        self.undo.push(self.text.clone());
        self.text.replace_range(start..end, typed);
        self.tell_soon();
    }

    /// One press of undo; says whether there was something to undo.
    pub(crate) fn press_undo(&mut self) -> bool {
        let Some(earlier) = self.undo.pop() else {
            return false;
        };
        self.text = earlier;
        self.tell_soon();
        true
    }

    pub(crate) fn state(&self, job: &str) -> &str {
        self.jobs
            .get(job)
            .and_then(|states| states.last())
            .and_then(|state| state["state"].as_str())
            .unwrap_or_default()
    }

    pub(crate) fn states(&self, job: &str) -> Vec<&str> {
        self.jobs
            .get(job)
            .map(|states| {
                states
                    .iter()
                    .map(|state| state["state"].as_str().unwrap())
                    .collect()
            })
            .unwrap_or_default()
    }

    /// The one message that nobody has read yet.
    pub(crate) async fn message(&mut self) -> String {
        self.until("a message", |editor| !editor.shown.is_empty())
            .await;
        assert_eq!(self.shown.len(), 1, "one message: {:?}", self.shown);
        self.shown.remove(0).1
    }

    /// Forgets the messages that nobody has read yet, and gives them.
    pub(crate) fn take_messages(&mut self) -> Vec<String> {
        let shown = std::mem::take(&mut self.shown);
        shown.into_iter().map(|(_, message)| message).collect()
    }

    /// Waits until a job's generation has ended, and gives how.
    pub(crate) async fn settled(&mut self, job: &str) -> String {
        let running = ["", "waiting", "thinking", "streaming"];
        self.until(&format!("the end of job {job}"), |editor| {
            !running.contains(&editor.state(job))
        })
        .await;
        self.state(job).to_owned()
    }

    pub(crate) async fn until(&mut self, what: &str, enough: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let due = self.do_what_is_due();
            if enough(self) {
                return;
            }
            let until = due.into_iter().chain([deadline]).min().unwrap();
            match tokio::time::timeout_at(until, self.connection.next()).await {
                Ok(incoming) => self.receive(incoming),
                Err(_) => assert!(
                    Instant::now() < deadline,
                    "waited in vain for {what}\n{}",
                    self.describe()
                ),
            }
        }
    }

    /// Ends the connection as an editor does and looks at what is left over.
    pub(crate) async fn finish(mut self) {
        self.ask("shutdown", &Value::Null).await.expect("shutdown");
        self.tell("exit", &Value::Null);
        let code = tokio::time::timeout(Duration::from_millis(500), &mut self.server).await;
        assert_eq!(
            code.expect("exits at once").expect("no panic"),
            0,
            "exit code"
        );
        assert!(
            self.shown.is_empty(),
            "messages that the scenario did not expect: {:?}",
            self.shown
        );
        assert!(
            self.answers.is_empty(),
            "answers that nobody asked for: {:?}",
            self.answers
        );
        for (token, kinds) in &self.progress {
            let ended = kinds.last().is_none_or(|(kind, _)| kind == "end");
            assert!(ended, "the progress {token} has not ended: {kinds:?}");
        }
        for (job, states) in &self.jobs {
            let words: Vec<&str> = states
                .iter()
                .map(|state| state["state"].as_str().unwrap())
                .collect();
            let ends = words
                .iter()
                .filter(|word| ["done", "cancelled", "failed"].contains(word))
                .count();
            let pending = words.iter().filter(|word| **word == "pending").count();
            assert!(
                ends <= 1 && pending <= 1 && 1 <= ends + pending,
                "the ends of {job}: {words:?}"
            );
        }
    }

    pub(crate) fn describe(&self) -> String {
        format!(
            "{:?}\n--- text\n{}\n--- jobs {:?}\n--- shown {:?}\n--- traffic\n{}",
            self.manner,
            self.text,
            self.jobs,
            self.shown,
            self.traffic.join("\n")
        )
    }

    fn receive(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::Request { id, method, params } => self.serve(&id, &method, &params),
            Incoming::Notification { method, params } => self.note(&method, &params),
            Incoming::Response { id, result } => {
                assert!(
                    self.asked.contains(&id),
                    "an answer to the unknown request {id}: {result:?}"
                );
                self.asked.retain(|asked| *asked != id);
                self.answers.insert(id, result);
            }
            Incoming::Ended(reason) => panic!("{reason}\n{}", self.describe()),
        }
    }

    fn serve(&mut self, id: &Value, method: &str, params: &Value) {
        match method {
            "workspace/applyEdit" | "ezrouter/applyEdit" => self.take_edit(id, method, params),
            "window/workDoneProgress/create" => {
                self.traffic.push(format!("-> {method}"));
                if self.agrees_to_progress {
                    self.progress
                        .insert(params["token"].as_str().unwrap().to_owned(), Vec::new());
                    self.traffic.push(format!("<- response ({method})"));
                    self.connection.answer(id, Ok(Value::Null));
                } else {
                    self.connection
                        .answer(id, Err(json!({"code": -32601, "message": "no"})));
                }
            }
            "workspace/configuration" => {
                self.traffic.push(format!("-> {method}"));
                self.traffic.push(format!("<- response ({method})"));
                self.connection.answer(id, Ok(json!([self.configuration])));
            }
            "client/registerCapability" => {
                for registration in params["registrations"].as_array().unwrap() {
                    let method = registration["method"].as_str().unwrap();
                    self.registered.push(method.to_owned());
                }
                self.connection.answer(id, Ok(Value::Null));
            }
            "window/showMessageRequest" => {
                let actions = params["actions"].as_array().unwrap();
                let chosen = actions
                    .iter()
                    .find(|action| action["title"].as_str() == self.choice.as_deref());
                self.connection
                    .answer(id, Ok(chosen.cloned().unwrap_or_default()));
            }
            "window/showDocument" => {
                self.opened.push(params["uri"].as_str().unwrap().to_owned());
                self.connection.answer(id, Ok(json!({"success": true})));
            }
            other => panic!("the server asked for {other}"),
        }
    }

    fn take_edit(&mut self, id: &Value, method: &str, params: &Value) {
        assert!(
            params.get("label").is_none_or(Value::is_null),
            "an edit with a label"
        );
        assert!(
            !self.edit_in_flight,
            "two edits under way at once\n{}",
            self.describe()
        );
        let edit = params
            .pointer("/edit/documentChanges/0")
            .unwrap_or(&params["edit"])
            .clone();
        let version = i32::try_from(
            edit["textDocument"]["version"]
                .as_i64()
                .expect("a versioned edit"),
        )
        .unwrap();
        let base = self
            .history
            .get(&version)
            .expect("a version that was told")
            .clone();
        // In Neovim one that changes nothing may go ahead of one that a file at version 0 would not guard.
        let goes_ahead = matches!(self.manner, Manner::Neovim(_)) && version == 0;
        assert!(
            goes_ahead || self.edited(&base, &edit) != base,
            "an edit that changes nothing: {edit}"
        );
        self.traffic.push(format!("-> {method} v{version}"));
        self.edits.push((
            params["phase"].as_str().unwrap_or_default().to_owned(),
            edit.clone(),
        ));
        if self.parts && params["phase"] == "last" {
            self.parts = false;
            let answer = json!({"applied": false, "version": self.version, "joined": false});
            self.traffic.push(format!("<- response {answer}"));
            return self.connection.answer(id, Ok(answer));
        }
        let stale = version != self.version || self.text != self.told;
        let (applied, lands) = match self.manner {
            Manner::Deaf => return self.edit_in_flight = true,
            Manner::Refuses => (false, false),
            Manner::Neovim(_) => (true, !stale || version == 0),
            Manner::Eglot => (version == self.version, version == self.version),
            Manner::Drops | Manner::Kakoune => (true, false),
            _ => (!stale, !stale),
        };
        let answers_first = !matches!(self.manner, Manner::Helix | Manner::Neovim(0));
        if answers_first {
            self.answer_edit(id, applied);
        }
        if self.manner == Manner::Kakoune {
            self.late
                .push((Instant::now() + Duration::from_millis(10), edit));
        } else if lands {
            self.undo.push(self.text.clone());
            self.make(&edit);
        }
        if !answers_first {
            self.answer_edit(id, applied);
        }
    }

    /// Makes the edits of a list: Neovim one by one from the last to the first, each a change of its own, others at once.
    fn make(&mut self, edit: &Value) {
        if !matches!(self.manner, Manner::Neovim(_)) {
            self.text = self.edited(&self.text, edit);
            return self.tell_soon();
        }
        for single in edit["edits"].as_array().expect("edits").iter().rev() {
            self.text = self.edited(&self.text, &json!({"edits": [single]}));
            self.tell_soon();
        }
    }

    fn answer_edit(&mut self, id: &Value, applied: bool) {
        self.traffic.push(format!("<- response applied:{applied}"));
        self.connection.answer(id, Ok(json!({"applied": applied})));
    }

    fn note(&mut self, method: &str, params: &Value) {
        let text = |path: &str| {
            params
                .pointer(path)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        match method {
            "$/progress" => {
                let (token, kind) = (text("/token"), text("/value/kind"));
                self.traffic.push(format!("-> {method} {kind}"));
                let seen = self
                    .progress
                    .get_mut(&token)
                    .unwrap_or_else(|| panic!("progress of the unknown token {token}"));
                let last = seen.last().map(|(kind, _)| kind.as_str());
                let fits = if kind == "begin" {
                    last.is_none()
                } else {
                    matches!(last, Some("begin" | "report"))
                };
                assert!(fits, "a progress {kind} after {last:?}");
                seen.push((kind, text("/value/message")));
            }
            "ezrouter/job" => {
                let job = text("/job");
                self.traffic.push(format!("-> {method} {}", text("/state")));
                self.jobs.entry(job).or_default().push(params.clone());
            }
            "ezrouter/answer" => self.drawn.push(params.clone()),
            "window/showMessage" => {
                let kind = params["type"].as_u64().unwrap();
                let message = text("/message");
                assert!(
                    !message.contains('\n'),
                    "a message of several lines: {message}"
                );
                if let Manner::Neovim(_) = self.manner {
                    let short = kind == 1 && message.chars().count() <= 60;
                    assert!(short, "Neovim would wait for a key: {kind} {message}");
                }
                self.shown.push((kind, message));
            }
            "window/logMessage" => self.logged.push(text("/message")),
            other => panic!("the server told {other}: {params}"),
        }
    }

    fn do_what_is_due(&mut self) -> Option<Instant> {
        let now = Instant::now();
        if self.flush_at.is_some_and(|at| at <= now) {
            self.flush();
        }
        while self.late.first().is_some_and(|(at, _)| *at <= now) {
            let (_, edit) = self.late.remove(0);
            self.undo.push(self.text.clone());
            self.text = self.edited(&self.text, &edit);
            self.tell_soon();
        }
        self.flush_at
            .into_iter()
            .chain(self.late.first().map(|(at, _)| *at))
            .min()
    }

    fn tell_soon(&mut self) {
        self.note_change();
        match self.manner.delay() {
            None => self.flush(),
            Some(delay) => {
                let now = Instant::now();
                let delay = Duration::from_millis(delay);
                // Neovim tells at most so often, and at once if it has told nothing for so long.
                let due = match (self.manner, self.flushed_at) {
                    (Manner::Neovim(_), Some(last)) => (last + delay).max(now),
                    _ => now + delay,
                };
                if self.manner == Manner::Eglot || self.flush_at.is_none() {
                    self.flush_at = Some(due);
                }
                if due == now {
                    self.flush();
                }
            }
        }
    }

    /// Neovim notes every change for itself and tells them together; Eglot remembers one hull of them all; kak-lsp tells
    /// the full text.
    fn note_change(&mut self) {
        match self.manner {
            Manner::Kakoune => self.pending = vec![json!({"text": self.text})],
            Manner::Eglot => {
                self.pending = vec![change(&self.told, &self.text, &self.encoding)];
            }
            _ => {
                let change = change(&self.noted, &self.text, &self.encoding);
                self.pending.push(change);
            }
        }
        self.noted.clone_from(&self.text);
    }

    /// Tells what has changed since the last time.
    pub(crate) fn flush(&mut self) {
        self.flush_at = None;
        if self.pending.is_empty() {
            return;
        }
        self.flushed_at = Some(Instant::now());
        self.version = self.manner.next_version(self.version);
        self.told.clone_from(&self.text);
        self.history.insert(self.version, self.text.clone());
        let identifier = json!({"uri": self.uri, "version": self.version});
        let changes = std::mem::take(&mut self.pending);
        self.tell(
            "textDocument/didChange",
            &json!({"textDocument": identifier, "contentChanges": changes}),
        );
    }

    fn edited(&self, text: &str, edit: &Value) -> String {
        let mut edited = text.to_owned();
        let edits = edit["edits"].as_array().expect("edits");
        assert!(!edits.is_empty(), "an edit without edits");
        for edit in edits.iter().rev() {
            let start = offset(text, &edit["range"]["start"], &self.encoding);
            let end = offset(text, &edit["range"]["end"], &self.encoding);
            edited.replace_range(start..end, edit["newText"].as_str().expect("newText"));
        }
        edited
    }

    pub(crate) fn range(&self, start: usize, end: usize) -> Value {
        range(&self.text, start, end, &self.encoding)
    }

    pub(crate) fn position(&self, offset: usize) -> Value {
        position(&self.text, offset, &self.encoding)
    }
}

/// One hull over what two texts do not share at their ends.
fn change(old: &str, new: &str, encoding: &str) -> Value {
    let same = |(one, other): &(char, char)| one == other;
    let prefix = old.chars().zip(new.chars()).take_while(same);
    let prefix: usize = prefix.map(|(c, _)| c.len_utf8()).sum();
    let room = old.len().min(new.len()) - prefix;
    let mut suffix = 0;
    for (c, _) in old.chars().rev().zip(new.chars().rev()).take_while(same) {
        if room < suffix + c.len_utf8() {
            break;
        }
        suffix += c.len_utf8();
    }
    let range = range(old, prefix, old.len() - suffix, encoding);
    json!({"range": range, "text": new[prefix..new.len() - suffix]})
}

fn range(text: &str, start: usize, end: usize, encoding: &str) -> Value {
    json!({"start": position(text, start, encoding), "end": position(text, end, encoding)})
}

fn units(text: &str, encoding: &str) -> usize {
    match encoding {
        "utf-8" => text.len(),
        "utf-16" => text.encode_utf16().count(),
        _ => text.chars().count(),
    }
}

/// The lines of a text with their line breaks: LF, CRLF, or CR.
fn lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut start = 0;
    let bytes = text.as_bytes();
    for at in 0..bytes.len() {
        let ends = bytes[at] == b'\n' || bytes[at] == b'\r' && bytes.get(at + 1) != Some(&b'\n');
        if ends {
            lines.push(&text[start..=at]);
            start = at + 1;
        }
    }
    lines.push(&text[start..]);
    lines
}

fn position(text: &str, offset: usize, encoding: &str) -> Value {
    let before = lines(&text[..offset]);
    // A text that is cut behind CR and in front of LF is still on its line.
    let (line, last) = (before.len() - 1, before[before.len() - 1]);
    json!({"line": line, "character": units(last, encoding)})
}

fn offset(text: &str, position: &Value, encoding: &str) -> usize {
    let lines = lines(text);
    let line = usize::try_from(position["line"].as_u64().expect("a line")).unwrap();
    let character = usize::try_from(position["character"].as_u64().expect("a character")).unwrap();
    assert!(line < lines.len(), "line {line} of {}", lines.len());
    let start: usize = lines[..line].iter().map(|line| line.len()).sum();
    let content = lines[line].trim_end_matches(['\n', '\r']);
    let mut counted = 0;
    for (at, c) in content.char_indices().chain([(content.len(), '\0')]) {
        if counted == character {
            return start + at;
        }
        counted += units(c.encode_utf8(&mut [0; 4]), encoding);
    }
    panic!("character {character} of line {line}, which reads {content:?}");
}
