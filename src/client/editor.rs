//! A small editor with one open document: it takes the server's edits as a careful editor does (an edit made for an older
//! text is refused), tells every change at once, and has an undo that takes back one edit at a time. It draws nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use ropey::Rope;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Connection, Incoming};
use crate::server::params;
use crate::text::{Encoding, Range, position};

/// The encoding that this editor asks for.
const ENCODING: Encoding = Encoding::Utf16;

/// An editor with one document.
pub struct Editor {
    connection: Connection,
    uri: String,
    text: Rope,
    version: i32,
    undo: Vec<Rope>,
    answers: BTreeMap<u64, Result<Value, Value>>,
    /// The newest progress message of each token.
    pub progress: BTreeMap<String, String>,
    /// The states that each job has gone through, in the words of `ezrouter/job`.
    pub jobs: BTreeMap<String, Vec<String>>,
    /// What `window/showMessage` said.
    pub messages: Vec<String>,
    /// Why the connection ended, once it has.
    pub ended: Option<String>,
}

impl Editor {
    /// Shakes hands and opens a document.
    pub async fn open(
        mut connection: Connection,
        root: &str,
        uri: &str,
        language: &str,
        text: &str,
    ) -> Result<Self, String> {
        let capabilities = json!({
            "general": {"positionEncodings": ["utf-16"]},
            "workspace": {"applyEdit": true, "workspaceEdit": {"documentChanges": true}},
            "window": {"workDoneProgress": true},
            "textDocument": {
                "hover": {"contentFormat": ["markdown"]},
                "codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": [""]}}},
            },
            "experimental": {"ezrouter": {"jobs": true}},
        });
        let hello = json!({
            "processId": std::process::id(),
            "clientInfo": {"name": "ezrouter-demo", "version": env!("CARGO_PKG_VERSION")},
            "rootUri": root,
            "workspaceFolders": [{"uri": root, "name": "demo"}],
            "capabilities": capabilities,
            // What is only shown or tried is not remembered.
            "initializationOptions": {"history": {"persist": false}},
        });
        connection.request("initialize", &hello);
        match connection.next().await {
            Incoming::Response { result: Ok(_), .. } => {}
            other => return Err(format!("the server did not start: {other:?}")),
        }
        connection.notify("initialized", &json!({}));
        let document = json!({"uri": uri, "languageId": language, "version": 0, "text": text});
        connection.notify("textDocument/didOpen", &json!({"textDocument": document}));
        Ok(Self {
            connection,
            uri: uri.to_owned(),
            text: Rope::from_str(text),
            version: 0,
            undo: Vec::new(),
            answers: BTreeMap::new(),
            progress: BTreeMap::new(),
            jobs: BTreeMap::new(),
            messages: Vec::new(),
            ended: None,
        })
    }

    /// What the document reads.
    pub fn text(&self) -> String {
        self.text.to_string()
    }

    /// The lines from the first to the last, both counted from 0, as an LSP range.
    pub fn lines(&self, first: u32, last: u32) -> Range {
        let start = crate::text::Position {
            line: first,
            character: 0,
        };
        let end = crate::text::Position {
            line: last + 1,
            character: 0,
        };
        Range { start, end }
    }

    /// The state that a job is in.
    pub fn state_of(&self, job: &str) -> &str {
        self.jobs
            .get(job)
            .and_then(|states| states.last())
            .map_or("", String::as_str)
    }

    /// Types at the beginning of a line, counted from 0.
    pub fn type_at(&mut self, line: usize, column: usize, typed: &str) {
        let start = self
            .text
            .try_line_to_char(line)
            .unwrap_or(self.text.len_chars());
        let mut text = self.text.clone();
        if text.try_insert(start + column, typed).is_ok() {
            self.take(text);
        }
    }

    /// Takes the last edit back; says whether there was one.
    pub fn undo(&mut self) -> bool {
        let Some(earlier) = self.undo.pop() else {
            return false;
        };
        self.take(earlier);
        self.undo.pop();
        true
    }

    /// Asks for the code actions at a range and runs the one whose title begins with `title`. Gives the command's result.
    pub async fn choose(&mut self, range: Range, title: &str) -> Result<Value, String> {
        let params = json!({
            "textDocument": {"uri": self.uri}, "range": params::range_value(range),
            "context": {"diagnostics": [], "triggerKind": 1},
        });
        let actions = self.ask("textDocument/codeAction", &params).await?;
        let begins = |action: &&Value| {
            action
                .get("title")
                .and_then(Value::as_str)
                .is_some_and(|shown| shown.starts_with(title))
        };
        let action = actions.as_array().into_iter().flatten().find(begins);
        let command = action
            .and_then(|action| action.get("command"))
            .ok_or_else(|| format!("no action {title}"))?;
        let params = json!({"command": command["command"], "arguments": command["arguments"]});
        self.ask("workspace/executeCommand", &params).await
    }

    /// The hover at a place, as Markdown; empty if there is none.
    pub async fn hover(&mut self, line: u32, character: u32) -> Result<String, String> {
        let params = json!({"textDocument": {"uri": self.uri}, "position": {"line": line, "character": character}});
        let hover = self.ask("textDocument/hover", &params).await?;
        Ok(hover
            .pointer("/contents/value")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned())
    }

    /// Ends the connection as an editor does.
    pub async fn close(mut self) -> Result<(), String> {
        self.ask("shutdown", &Value::Null).await?;
        self.connection.notify("exit", &Value::Null);
        // The server closes its output when it is done.
        self.wait(Duration::from_secs(2), |editor| editor.ended.is_some())
            .await;
        Ok(())
    }

    /// Takes what the server sends until `enough` says so, or the time is over; says whether it did.
    pub async fn wait(&mut self, time: Duration, enough: impl Fn(&Self) -> bool) -> bool {
        let deadline = Instant::now() + time;
        while !enough(self) {
            let Ok(incoming) = tokio::time::timeout_at(deadline, self.connection.next()).await
            else {
                return enough(self);
            };
            if self.ended.is_some() {
                return enough(self);
            }
            self.receive(incoming);
        }
        true
    }

    async fn ask(&mut self, method: &str, params: &Value) -> Result<Value, String> {
        let id = self.connection.request(method, params);
        let answered = |editor: &Self| editor.answers.contains_key(&id) || editor.ended.is_some();
        self.wait(Duration::from_secs(10), answered).await;
        match self.answers.remove(&id) {
            Some(Ok(result)) => Ok(result),
            Some(Err(error)) => Err(format!("{method}: {error}")),
            None => Err(self
                .ended
                .clone()
                .unwrap_or_else(|| format!("{method} was not answered"))),
        }
    }

    fn receive(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::Request { id, method, params } => {
                let result = match method.as_str() {
                    "workspace/applyEdit" => Ok(json!({"applied": self.apply(&params)})),
                    "window/workDoneProgress/create" | "client/registerCapability" => {
                        Ok(Value::Null)
                    }
                    other => Err(
                        json!({"code": -32601, "message": format!("{other} is not known here")}),
                    ),
                };
                self.connection.answer(&id, result);
            }
            Incoming::Notification { method, params } => self.note(&method, &params),
            Incoming::Response { id, result } => {
                self.answers.insert(id, result);
            }
            Incoming::Ended(reason) => self.ended = Some(reason),
        }
    }

    fn note(&mut self, method: &str, params: &Value) {
        let text = |path: &str| {
            params
                .pointer(path)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        match method {
            "$/progress" => {
                if let Some((token, message)) = text("/token").zip(text("/value/message")) {
                    self.progress.insert(token, message);
                }
            }
            "ezrouter/job" => {
                if let Some((job, state)) = text("/job").zip(text("/state")) {
                    self.jobs.entry(job).or_default().push(state);
                }
            }
            "window/showMessage" => self.messages.extend(text("/message")),
            _ => {}
        }
    }

    /// Applies an edit that was made for the document as it stands; any other one is refused.
    fn apply(&mut self, params: &Value) -> bool {
        let Some(edit) = params.pointer("/edit/documentChanges/0") else {
            return false;
        };
        let version = edit
            .pointer("/textDocument/version")
            .and_then(Value::as_i64);
        let uri = edit.pointer("/textDocument/uri").and_then(Value::as_str);
        if version != Some(i64::from(self.version)) || uri != Some(self.uri.as_str()) {
            return false;
        }
        let edits = edit
            .get("edits")
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let mut text = self.text.clone();
        // From the last to the first, so that the places of the others hold.
        for edit in edits.iter().rev() {
            let range = params::range(edit.get("range").unwrap_or(&Value::Null));
            let span = position::span(&self.text, range, ENCODING);
            let new = edit
                .get("newText")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let (start, end) = (
                self.text.byte_to_char(span.start),
                self.text.byte_to_char(span.end),
            );
            text.remove(start..end);
            text.insert(start, new);
        }
        self.take(text);
        true
    }

    /// Makes `text` the document's text, as one step for undo, and tells the server.
    fn take(&mut self, text: Rope) {
        let hull = crate::text::document::between_texts(&self.text, &text);
        let range = position::range(&self.text, hull.old, ENCODING);
        let new = text.byte_slice(hull.new.start..hull.new.end).to_string();
        self.undo.push(std::mem::replace(&mut self.text, text));
        self.version += 1;
        let change = json!({"range": params::range_value(range), "text": new});
        let identifier = json!({"uri": self.uri, "version": self.version});
        let params = json!({"textDocument": identifier, "contentChanges": [change]});
        self.connection.notify("textDocument/didChange", &params);
    }
}
