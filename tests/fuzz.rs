//! Messages of the right shape with anything in them, at random: the server answers each request once, goes on, forgets
//! nothing that it should keep and keeps nothing that it should forget. `EZROUTER_FUZZ` sets the number of messages,
//! `EZROUTER_SEED` the seed, which is printed. Bytes that are no message at all are the transport's tests.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test stops where it fails; its knobs are variables"
)]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ezrouter_lsp::client::{Connection, Incoming};
use ezrouter_lsp::config::Environment;
use ezrouter_lsp::offline::{Answer, Script, Standin};
use fastrand::Rng;
use serde_json::{Map, Value, json};
use tokio::time::timeout;

/// Messages between two looks at what has come back.
const ROUND: usize = 200;

/// Longer than anything takes that works, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(60);

/// The server may grow by so much, in bytes: documents, jobs and answers that it keeps.
const GROWTH: usize = 300 << 20;

const URIS: &[&str] = &[
    "file:///project/a.py",
    "file:///project/src/[id].tsx",
    "file:///project/ü %20.md",
    "untitled:Untitled-1",
    "",
    "not a uri",
    "file://",
];

const TEXTS: &[&str] = &[
    "",
    "a = 1\nb = 2\n",
    "é😀\r\nx\r\n",
    "\u{2028}\u{0}\r",
    "# ez! shorten\ndef f():\n    pass\n",
    "```\n``",
    "db = 'x://u:hunter2@h'\nx://u:é2@h\n",
];

const METHODS: &[&str] = &[
    "textDocument/didOpen",
    "textDocument/didChange",
    "textDocument/didChange",
    "textDocument/didChange",
    "textDocument/didClose",
    "textDocument/didSave",
    "textDocument/codeAction",
    "textDocument/codeAction",
    "textDocument/hover",
    "textDocument/codeLens",
    "codeAction/resolve",
    "workspace/executeCommand",
    "workspace/executeCommand",
    "workspace/didChangeConfiguration",
    "workspace/didChangeWorkspaceFolders",
    "workspace/didChangeWatchedFiles",
    "window/workDoneProgress/cancel",
    "$/cancelRequest",
    "$/setTrace",
    "$/unknown",
    "initialized",
    "initialize",
    "no/such/method",
];

const COMMANDS: &[&str] = &[
    "ezrouter.ask",
    "ezrouter.ask",
    "ezrouter.rewrite",
    "ezrouter.rewrite",
    "ezrouter.rewrite",
    "ezrouter.rewrite",
    "ezrouter.cancel",
    "ezrouter.accept",
    "ezrouter.reject",
    "ezrouter.retry",
    "ezrouter.showDiff",
    "ezrouter.showRequest",
    "ezrouter.apply",
    "ezrouter.dismiss",
    "ezrouter.showAnswer",
    "ezrouter.newConversation",
    "ezrouter.listConversations",
    "ezrouter.deleteConversation",
    "ezrouter.selectModel",
    "ezrouter.models",
    "ezrouter.usage",
    "ezrouter.restore",
    "ezrouter.status",
    "ezrouter.nonsense",
];

struct Fuzz {
    random: Rng,
    connection: Connection,
    /// Requests that are not answered yet.
    waiting: BTreeSet<u64>,
}

impl Fuzz {
    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.random.usize(..list.len())]
    }

    /// Any value at all.
    fn anything(&mut self, depth: usize) -> Value {
        match self.random.u8(0..if depth < 4 { 14 } else { 11 }) {
            0 => Value::Null,
            1 => json!(self.random.bool()),
            2 => json!(self.random.i32(-3..9)),
            3 => json!(self.random.i64(..)),
            4 => json!(u64::MAX),
            5 => json!(self.random.f64() * 10.0 - 5.0),
            6 => json!(1e300),
            7 => json!(self.pick(TEXTS)),
            8 => json!(self.pick(URIS)),
            9 => json!("x".repeat(self.random.usize(..300))),
            10 => json!("000001"),
            11 => (0..self.random.usize(..4))
                .map(|_| self.anything(depth + 1))
                .collect(),
            _ => {
                let names = ["uri", "range", "start", "line", "text", "job", "kind"];
                let mut object = Map::new();
                for _ in 0..self.random.usize(..4) {
                    let name = self.pick(&names).to_owned();
                    object.insert(name, self.anything(depth + 1));
                }
                Value::Object(object)
            }
        }
    }

    /// `value`, or now and then something else in its place.
    fn perhaps(&mut self, value: Value) -> Value {
        if self.random.u8(..) < 4 {
            self.anything(0)
        } else {
            value
        }
    }

    fn position(&mut self) -> Value {
        let (line, character) = (self.random.u32(0..6), self.random.u32(0..9));
        let line = self.perhaps(json!(line));
        let character = self.perhaps(json!(character));
        self.perhaps(json!({"line": line, "character": character}))
    }

    /// Mostly one that fits: a document whose text is not known any more takes no part in what follows.
    fn range(&mut self) -> Value {
        let (mut start, mut end) = (self.position(), self.position());
        let place = |position: &Value| {
            let number = |name: &str| position[name].as_u64().unwrap_or_default();
            (number("line"), number("character"))
        };
        if place(&end) < place(&start) && self.random.u8(..) < 250 {
            std::mem::swap(&mut start, &mut end);
        }
        self.perhaps(json!({"start": start, "end": end}))
    }

    fn document(&mut self) -> Value {
        let uri = json!(self.pick(URIS));
        let uri = self.perhaps(uri);
        let version = json!(self.random.i32(-1..50));
        let version = self.perhaps(version);
        self.perhaps(json!({"uri": uri, "version": version}))
    }

    fn change(&mut self) -> Value {
        let text = json!(self.pick(TEXTS));
        let text = self.perhaps(text);
        if self.random.u8(0..4) == 0 {
            return json!({"text": text});
        }
        let range = self.range();
        self.perhaps(json!({"range": range, "text": text}))
    }

    fn argument(&mut self) -> Value {
        let mut argument = Map::new();
        if self.random.bool() {
            let uri = json!(self.pick(URIS));
            argument.insert("uri".to_owned(), self.perhaps(uri));
            argument.insert("range".to_owned(), self.range());
        }
        let optional = [
            (
                "action",
                json!(self.pick(&["explain", "fix", "continue", "directive"])),
            ),
            ("question", json!("why")),
            ("instruction", json!("shorten")),
            ("instruction", json!("lengthen")),
            ("job", json!(format!("{:06}", self.random.u32(0..40)))),
            ("hunk", json!(self.random.u32(0..3))),
            ("model", json!("other-model")),
            ("position", self.position()),
            ("diagnostics", json!([{"message": "odd", "range": null}])),
            ("conversation", json!("1")),
            ("finished", json!(true)),
        ];
        for (name, value) in optional {
            if self.random.u8(0..4) == 0 {
                let value = self.perhaps(value);
                argument.insert(name.to_owned(), value);
            }
        }
        self.perhaps(Value::Object(argument))
    }

    fn params(&mut self, method: &str) -> Value {
        let params = match method {
            "textDocument/didOpen" => {
                let (uri, text) = (json!(self.pick(URIS)), json!(self.pick(TEXTS)));
                let (uri, text) = (self.perhaps(uri), self.perhaps(text));
                json!({"textDocument": {"uri": uri, "languageId": "python", "version": 0, "text": text}})
            }
            "textDocument/didChange" => {
                let count = self.random.usize(0..3);
                let changes: Vec<Value> = (0..count).map(|_| self.change()).collect();
                json!({"textDocument": self.document(), "contentChanges": changes})
            }
            "textDocument/codeAction" => {
                let trigger = self.random.u8(0..4);
                let diagnostics = json!([{"range": self.range(), "message": "odd", "severity": 1}]);
                let diagnostics = self.perhaps(diagnostics);
                let context = json!({"triggerKind": trigger, "diagnostics": diagnostics});
                json!({"textDocument": self.document(), "range": self.range(), "context": self.perhaps(context)})
            }
            "textDocument/hover" => {
                json!({"textDocument": self.document(), "position": self.position()})
            }
            "workspace/executeCommand" => {
                let command = json!(self.pick(COMMANDS));
                json!({"command": self.perhaps(command), "arguments": [self.argument()]})
            }
            "workspace/didChangeConfiguration" => {
                let apply =
                    json!(["auto", "single", "preview", "sometimes"][self.random.usize(..4)]);
                let settings = json!({"ezrouter": {"rewrite": {"apply": self.perhaps(apply)}}});
                json!({"settings": self.perhaps(settings)})
            }
            "textDocument/didClose" | "textDocument/didSave" | "textDocument/codeLens" => {
                json!({"textDocument": self.document()})
            }
            _ => self.anything(0),
        };
        self.perhaps(params)
    }

    fn send(&mut self) {
        let method = self.pick(METHODS);
        let params = self.params(method);
        let notifies = method.contains("/did")
            || ["initialized", "$/setTrace", "$/cancelRequest"].contains(&method)
            || method.contains("Progress");
        // Now and then the wrong way round.
        if notifies == (self.random.u8(..) < 4) {
            let id = self.connection.request(method, &params);
            self.waiting.insert(id);
        } else {
            self.connection.notify(method, &params);
        }
    }

    /// Takes what has come until every request is answered; answers what the server asks, or not.
    async fn drain(&mut self) {
        while !self.waiting.is_empty() {
            let next = timeout(PATIENCE, self.connection.next()).await;
            match next.unwrap_or_else(|_| panic!("unanswered: {:?}", self.waiting)) {
                Incoming::Response { id, .. } => {
                    assert!(self.waiting.remove(&id), "{id} was answered twice");
                }
                Incoming::Request { id, .. } => match self.random.u8(0..4) {
                    0 => {}
                    1 => self
                        .connection
                        .answer(&id, Err(json!({"code": -32601, "message": "no"}))),
                    _ => {
                        let applied = json!({"applied": self.random.bool()});
                        let result = self.perhaps(applied);
                        self.connection.answer(&id, Ok(result));
                    }
                },
                Incoming::Notification { .. } => {}
                Incoming::Ended(reason) => panic!("{reason}"),
            }
        }
    }

    async fn ask(&mut self, method: &str, params: &Value) -> Result<Value, Value> {
        let asked = self.connection.request(method, params);
        loop {
            match timeout(PATIENCE, self.connection.next()).await.unwrap() {
                Incoming::Response { id, result } if id == asked => return result,
                Incoming::Ended(reason) => panic!("{reason}"),
                _ => {}
            }
        }
    }
}

/// The memory of this process, in bytes; nothing where the system does not say.
fn memory() -> Option<usize> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    let resident: usize = pages.split_whitespace().nth(1)?.parse().ok()?;
    Some(resident * 4096)
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[tokio::test]
async fn any_messages_are_answered_once_and_the_server_goes_on() {
    // The server survives a panic of a handler; here each is a failure.
    let panics = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&panics);
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        counted.fetch_add(1, Ordering::Relaxed);
        usual(info);
    }));
    let count = variable("EZROUTER_FUZZ").unwrap_or(100_000);
    let seed = variable("EZROUTER_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("{count} messages, EZROUTER_SEED={seed}");
    let script = Script::always(Answer::text("new one\nnew two\n"));
    let gateway = Standin::start(script).await.unwrap();
    let state = tempfile::tempdir().unwrap();
    let mut environment = Environment::default();
    for (name, value) in [
        ("EZROUTER_BASE_URL", gateway.base_url()),
        ("EZROUTER_API_KEY", "sk-fuzz".to_owned()),
        (
            "EZROUTER_STATE_DIR",
            state.path().to_string_lossy().into_owned(),
        ),
        (
            "EZROUTER_CONFIG",
            state
                .path()
                .join("none.toml")
                .to_string_lossy()
                .into_owned(),
        ),
    ] {
        environment.variables.insert(name.to_owned(), value);
    }
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let (their_reader, their_writer) = tokio::io::split(theirs);
    let (reader, writer) = tokio::io::split(ours);
    let server = tokio::spawn(ezrouter_lsp::serve(their_reader, their_writer, environment));
    let mut fuzz = Fuzz {
        random: Rng::with_seed(seed),
        connection: Connection::new(reader, writer),
        waiting: BTreeSet::new(),
    };
    let hello = json!({"processId": null, "capabilities": {
        "workspace": {"applyEdit": true, "workspaceEdit": {"documentChanges": true}},
        "window": {"workDoneProgress": true},
        "textDocument": {"codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": []}}}},
    }});
    fuzz.ask("initialize", &hello).await.unwrap();
    fuzz.connection.notify("initialized", &json!({}));
    let before = memory();
    for _ in 0..count.div_ceil(ROUND as u64) {
        for _ in 0..ROUND {
            fuzz.send();
        }
        fuzz.drain().await;
    }
    assert_eq!(panics.load(Ordering::Relaxed), 0, "handlers panicked");
    let asked = gateway.requests().len();
    println!("{asked} requests reached the gateway");
    assert!(count / 1_000 < asked as u64, "hardly a job was started");
    if let Some((before, after)) = before.zip(memory()) {
        println!("grown by {} KB", after.saturating_sub(before) >> 10);
        assert!(after < before + GROWTH, "from {before} to {after} bytes");
    }
    // It still knows what it is for.
    let uri = "file:///project/last.py";
    let opened = json!({"textDocument": {"uri": uri, "languageId": "python", "version": 1, "text": "a = 1\n"}});
    fuzz.connection.notify("textDocument/didOpen", &opened);
    let range = json!({"start": {"line": 0, "character": 0}, "end": {"line": 1, "character": 0}});
    let params = json!({"textDocument": {"uri": uri}, "range": range, "context": {"diagnostics": [], "triggerKind": 1}});
    let actions = fuzz.ask("textDocument/codeAction", &params).await.unwrap();
    let titles: Vec<&str> = actions
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|action| action["title"].as_str())
        .collect();
    assert!(titles.contains(&"Explain"), "{titles:?}");
    fuzz.ask("shutdown", &Value::Null).await.unwrap();
    fuzz.connection.notify("exit", &Value::Null);
    assert_eq!(timeout(PATIENCE, server).await.unwrap().unwrap(), 0);
}
