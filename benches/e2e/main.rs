//! Wholes: the real server as a process, over real pipes, against the scripted gateway on loopback. Prints one line for
//! each figure; the work behind each is checked. `cargo bench --bench e2e`, with `-- --quick` for a short run.
#![expect(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench prints, and a panic is its failure"
)]

mod history;

use std::process::Stdio;
use std::time::{Duration, Instant};

use ezrouter_lsp::client::{Connection, Incoming};
use ezrouter_lsp::offline::{Answer, Script, Standin, Step};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

const URI: &str = "file:///project/bench.txt";
const TOKENS: usize = 2_000;

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let rounds = if quick { 3 } else { 20 };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        start(rounds).await;
        memory().await;
        history::measure().await;
        keystrokes(1 << 20, if quick { 500 } else { 5_000 }).await;
        keystrokes(10 << 20, if quick { 500 } else { 5_000 }).await;
        polled(if quick { 100 } else { 1_000 }).await;
        first_edit(rounds).await;
        cancel(rounds).await;
        stream_beside_curl(if quick { 1 } else { 5 }).await;
    });
}

struct Server {
    child: Child,
    connection: Connection,
    version: i32,
    /// Nothing of a measurement goes into the user's own history.
    _state: TempDir,
}

impl Server {
    async fn start(standin: &Standin) -> Self {
        Self::with_history(standin, tempfile::tempdir().unwrap()).await
    }

    async fn with_history(standin: &Standin, state: TempDir) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ezrouter-lsp"));
        command
            .arg("--stdio")
            .env("EZROUTER_API_KEY", "sk-bench")
            .env("EZROUTER_BASE_URL", standin.base_url())
            .env("EZROUTER_STATE_DIR", state.path());
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let connection = Connection::new(child.stdout.take().unwrap(), child.stdin.take().unwrap());
        let mut server = Self {
            child,
            connection,
            version: 0,
            _state: state,
        };
        let capabilities = json!({
            "general": {"positionEncodings": ["utf-8"]}, "workspace": {"applyEdit": true},
            "experimental": {"ezrouter": {"jobs": true}},
        });
        server
            .ask("initialize", &json!({"capabilities": capabilities}))
            .await;
        server.connection.notify("initialized", &json!({}));
        server
    }

    fn open(&self, text: &str) {
        let document = json!({"uri": URI, "languageId": "plaintext", "version": 0, "text": text});
        self.connection
            .notify("textDocument/didOpen", &json!({"textDocument": document}));
    }

    fn change(&mut self, range: &Value, text: &str) {
        self.version += 1;
        let identifier = json!({"uri": URI, "version": self.version});
        let changes = json!([{"range": range, "text": text}]);
        self.connection.notify(
            "textDocument/didChange",
            &json!({"textDocument": identifier, "contentChanges": changes}),
        );
    }

    /// Sends a request and takes what comes until it is answered.
    async fn ask(&mut self, method: &str, params: &Value) -> Value {
        let id = self.connection.request(method, params);
        loop {
            match self.connection.next().await {
                Incoming::Response {
                    id: answered,
                    result,
                } if answered == id => return result.unwrap(),
                Incoming::Ended(reason) => panic!("{reason}"),
                _ => {}
            }
        }
    }

    async fn command(&mut self, command: &str, argument: Value) -> Value {
        self.ask(
            "workspace/executeCommand",
            &json!({"command": command, "arguments": [argument]}),
        )
        .await
    }

    /// Takes what comes, and every edit, until a job is in one of these states.
    async fn until_state(&mut self, states: &[&str]) -> String {
        loop {
            match self.connection.next().await {
                Incoming::Request { id, params, .. } => self.apply(&id, &params),
                Incoming::Notification { method, params } if method == "ezrouter/job" => {
                    let state = params["state"].as_str().unwrap();
                    if states.contains(&state) {
                        return state.to_owned();
                    }
                }
                Incoming::Ended(reason) => panic!("{reason}"),
                _ => {}
            }
        }
    }

    /// Takes an edit as it is: tells the same changes back, the last one first, so that each range holds.
    fn apply(&mut self, id: &Value, params: &Value) {
        let edits = params
            .pointer("/edit/documentChanges/0/edits")
            .and_then(Value::as_array)
            .expect("an edit");
        self.version += 1;
        let changes: Vec<Value> = edits
            .iter()
            .rev()
            .map(|edit| json!({"range": edit["range"], "text": edit["newText"]}))
            .collect();
        let identifier = json!({"uri": URI, "version": self.version});
        let params = json!({"textDocument": identifier, "contentChanges": changes});
        self.connection.notify("textDocument/didChange", &params);
        self.connection.answer(id, Ok(json!({"applied": true})));
    }

    /// Resident memory, in KB.
    fn memory(&self) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.child.id().unwrap())).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// User and system time, in ticks of 10 ms.
    fn ticks(&self) -> u64 {
        let stat =
            std::fs::read_to_string(format!("/proc/{}/stat", self.child.id().unwrap())).unwrap();
        let behind_name: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap()
            .split_whitespace()
            .collect();
        behind_name[11].parse::<u64>().unwrap() + behind_name[12].parse::<u64>().unwrap()
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

async fn start(rounds: usize) {
    let standin = Standin::start(Script::default()).await.unwrap();
    let mut times = Vec::new();
    for _ in 0..rounds {
        let begun = Instant::now();
        let server = Server::start(&standin).await;
        times.push(begun.elapsed());
        drop(server);
    }
    println!(
        "start to the reply to initialize: {:.1?} (median of {rounds})",
        median(times)
    );
}

async fn memory() {
    let standin = Standin::start(Script::default()).await.unwrap();
    let mut server = Server::start(&standin).await;
    server.command("ezrouter.status", json!({})).await;
    let idle = server.memory();
    server.open(&"a line of some forty characters of text\n".repeat((10 << 20) / 40));
    server.command("ezrouter.status", json!({})).await;
    let full = server.memory();
    println!(
        "resident memory: {:.1} MB idle, {:.1} MB with a file of 10 MB open",
        idle as f64 / 1e3,
        full as f64 / 1e3
    );
}

async fn keystrokes(size: usize, keys: u64) {
    let standin = Standin::start(Script::default()).await.unwrap();
    let mut server = Server::start(&standin).await;
    server.open(&"a line of some forty characters of text\n".repeat(size / 40));
    server.command("ezrouter.status", json!({})).await;
    let before = server.ticks();
    for key in 0..keys {
        let place = json!({"line": 5_000, "character": key % 30});
        server.change(&json!({"start": place, "end": place}), "x");
    }
    // The answer comes behind all of them, and shows that none was lost.
    let range =
        json!({"start": {"line": 5_000, "character": 0}, "end": {"line": 5_001, "character": 0}});
    server
        .command("ezrouter.status", json!({"range": range}))
        .await;
    let ticks = server.ticks() - before;
    let micros = ticks as f64 * 10_000.0 / keys as f64;
    println!(
        "processor time for a keystroke in {} MB: {micros:.0} µs (mean of {keys})",
        size >> 20
    );
}

/// What editors ask while the cursor moves.
async fn polled(times: usize) {
    let standin = Standin::start(Script::default()).await.unwrap();
    let mut server = Server::start(&standin).await;
    server.open(&"a line of some forty characters of text\n".repeat((1 << 20) / 40));
    let place = json!({"line": 9_000, "character": 3});
    let document = json!({"uri": URI});
    let range = json!({"start": place, "end": {"line": 9_020, "character": 0}});
    let actions = json!({"textDocument": document, "range": range, "context": {"diagnostics": []}});
    let hover = json!({"textDocument": document, "position": place});
    for (method, params) in [
        ("textDocument/codeAction", actions),
        ("textDocument/hover", hover),
    ] {
        let mut taken = Vec::new();
        for _ in 0..times {
            let begun = Instant::now();
            let answer = server.ask(method, &params).await;
            taken.push(begun.elapsed());
            assert_eq!(
                answer.is_array(),
                method.ends_with("codeAction"),
                "{answer}"
            );
        }
        println!(
            "{method} in 1 MB, there and back: {:.0?} (median of {times})",
            median(taken)
        );
    }
}

const TEXT: &str = "above\nold one\nold two\nbelow\n";

fn rewrite() -> Value {
    let range = json!({"start": {"line": 1, "character": 0}, "end": {"line": 3, "character": 0}});
    json!({"uri": URI, "range": range, "instruction": "go on"})
}

async fn first_edit(rounds: usize) {
    let answer = Answer::stream([
        Step::Headers,
        Step::Gate,
        Step::text("new words"),
        Step::Hang,
    ]);
    let standin = Standin::start(Script::always(answer)).await.unwrap();
    let mut times = Vec::new();
    for round in 0..rounds {
        let mut server = Server::start(&standin).await;
        server.open(TEXT);
        server.command("ezrouter.rewrite", rewrite()).await;
        standin.received(round + 1).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        let begun = Instant::now();
        standin.release();
        loop {
            if let Incoming::Request { method, params, .. } = server.connection.next().await {
                assert_eq!(method, "workspace/applyEdit");
                assert_eq!(
                    params
                        .pointer("/edit/documentChanges/0/edits/0/newText")
                        .unwrap(),
                    "new words"
                );
                break;
            }
        }
        times.push(begun.elapsed());
    }
    println!(
        "first token at the gateway to the first edit at the client: {:.2?} (median of {rounds})",
        median(times)
    );
}

async fn cancel(rounds: usize) {
    let answer = Answer::stream([Step::text("new words"), Step::Hang]);
    let standin = Standin::start(Script::always(answer)).await.unwrap();
    let mut times = Vec::new();
    for round in 0..rounds {
        let mut server = Server::start(&standin).await;
        server.open(TEXT);
        server.command("ezrouter.rewrite", rewrite()).await;
        server.until_state(&["streaming"]).await;
        let begun = Instant::now();
        let params = json!({"command": "ezrouter.cancel", "arguments": [{}]});
        server
            .connection
            .request("workspace/executeCommand", &params);
        standin.closed(round).await;
        times.push(begun.elapsed());
    }
    println!(
        "cancel to the closed connection: {:.2?} (median of {rounds})",
        median(times)
    );
}

/// The same stream read by the server, as an answer and as a rewrite, and by curl.
async fn stream_beside_curl(rounds: usize) {
    let words: Vec<Step> = (0..TOKENS)
        .map(|number| Step::text(&format!("word{number}\n")))
        .collect();
    let answer = Answer::stream(words.into_iter().chain([Step::finish("stop"), Step::Done]));
    let standin = Standin::start(Script::always(answer)).await.unwrap();
    let (mut asked, mut rewritten, mut curled) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let mut server = Server::start(&standin).await;
        server.open(TEXT);
        let begun = Instant::now();
        server.command("ezrouter.ask", rewrite()).await;
        assert_eq!(server.until_state(&["done", "failed"]).await, "done");
        asked.push(begun.elapsed());
        let begun = Instant::now();
        server.command("ezrouter.rewrite", rewrite()).await;
        assert_eq!(server.until_state(&["pending", "failed"]).await, "pending");
        rewritten.push(begun.elapsed());
        let carried = standin.requests().pop().unwrap().body.to_string();
        assert!(
            carried.contains(&format!("word{}", TOKENS - 1)),
            "the whole answer came, and went along"
        );
        let begun = Instant::now();
        let output = Command::new("curl")
            .args([
                "-N",
                "-s",
                "-X",
                "POST",
                "-H",
                "content-type: application/json",
                "-d",
            ])
            .arg(r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"go on"}]}"#)
            .arg(format!("{}/v1/chat/completions", standin.base_url()))
            .output()
            .await;
        let Ok(output) = output else {
            println!("{TOKENS} tokens without delay: skipped, curl is missing");
            return;
        };
        curled.push(begun.elapsed());
        assert!(
            output.stdout.ends_with(b"data: [DONE]\n\n"),
            "curl got the whole stream"
        );
    }
    let (asked, rewritten, curled) = (median(asked), median(rewritten), median(curled));
    println!(
        "{TOKENS} tokens without delay: asked {asked:.1?} ({:.2} x curl -N), rewritten {rewritten:.1?} ({:.2} x), \
         curl -N {curled:.1?} (median of {rounds})",
        asked.as_secs_f64() / curled.as_secs_f64(),
        rewritten.as_secs_f64() / curled.as_secs_f64()
    );
}
