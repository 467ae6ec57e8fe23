//! The built program over real pipes: how it starts, what goes to which stream, and how it ends. What it answers in between
//! is tested elsewhere, in process.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops where it fails, in its helpers too"
)]

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Longer than anything takes that works.
const PATIENCE: Duration = Duration::from_secs(40);

/// What is promised is 300 ms; a loaded machine gets some more.
const PROMPTLY: Duration = Duration::from_secs(1);

struct Server {
    child: Child,
    input: Option<ChildStdin>,
    /// The messages as they come; closed at the end of the output.
    messages: Receiver<Value>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ezrouter-lsp"));
    command.args(arguments).env_clear();
    // Nothing of the machine that runs the test.
    command.env("EZROUTER_STATE_DIR", env!("CARGO_TARGET_TMPDIR"));
    command.env("EZROUTER_CONFIG", "/nonexistent/config.toml");
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn framed(message: &Value) -> Vec<u8> {
    let body = message.to_string();
    format!("Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

impl Server {
    fn start() -> Self {
        // The last two arguments are ones that VS Code's client library adds, whatever stands there already.
        Self::of(
            command(&["--stdio", "--stdio", "--clientProcessId=1"])
                .spawn()
                .unwrap(),
        )
    }

    fn of(mut child: Child) -> Self {
        let input = child.stdin.take();
        let mut output = child.stdout.take().unwrap();
        let (sender, messages) = channel();
        thread::spawn(move || {
            let mut received = Vec::new();
            let mut chunk = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut chunk) {
                received.extend_from_slice(&chunk[..count]);
                while let Some((message, length)) = first_message(&received) {
                    received.drain(..length);
                    let _ = sender.send(message);
                }
            }
            assert_eq!(received, b"", "something that is no message");
        });
        Self {
            child,
            input,
            messages,
        }
    }

    fn initialized(params: &Value) -> Self {
        let mut server = Self::start();
        server
            .send(&json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params }));
        assert!(server.receive()["result"]["capabilities"].is_object());
        server.send(&json!({ "jsonrpc": "2.0", "method": "initialized", "params": {} }));
        server
    }

    fn send(&mut self, message: &Value) {
        self.input
            .as_mut()
            .unwrap()
            .write_all(&framed(message))
            .unwrap();
    }

    fn receive(&self) -> Value {
        self.messages
            .recv_timeout(PATIENCE)
            .expect("no message came")
    }

    /// Sends a request and gives its answer; what the server says of its own accord meanwhile is passed over.
    fn request(&mut self, id: i32, method: &str, params: &Value) -> Value {
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        loop {
            let message = self.receive();
            if message.get("method").is_none() {
                assert_eq!(message["id"], id, "{message}");
                return message;
            }
        }
    }

    /// The status, and how long it took from now.
    fn ended(&mut self) -> (ExitStatus, Duration) {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, start.elapsed());
            }
            assert!(start.elapsed() < PATIENCE, "the server does not end");
            thread::sleep(Duration::from_millis(2));
        }
    }

    #[track_caller]
    fn assert_ends_promptly_with(&mut self, code: i32) {
        let (status, took) = self.ended();
        assert_eq!(status.code(), Some(code));
        assert!(took < PROMPTLY, "it took {took:?}");
    }
}

fn first_message(received: &[u8]) -> Option<(Value, usize)> {
    let header_ends = received
        .windows(4)
        .position(|window| window == b"\r\n\r\n")?;
    let header = std::str::from_utf8(&received[..header_ends]).unwrap();
    let length: usize = header
        .strip_prefix("Content-Length: ")
        .expect(header)
        .parse()
        .unwrap();
    let body = received.get(header_ends + 4..header_ends + 4 + length)?;
    Some((
        serde_json::from_slice(body).unwrap(),
        header_ends + 4 + length,
    ))
}

#[test]
fn shutdown_and_exit_end_it_with_0_although_the_client_keeps_the_pipe_open() {
    let mut server = Server::initialized(&json!({ "capabilities": {} }));
    assert_eq!(
        server.request(2, "shutdown", &Value::Null)["result"],
        Value::Null
    );
    server.send(&json!({ "jsonrpc": "2.0", "method": "exit" }));
    server.assert_ends_promptly_with(0);
}

#[test]
fn exit_without_shutdown_ends_it_with_1() {
    let mut server = Server::initialized(&json!({ "capabilities": {} }));
    server.send(&json!({ "jsonrpc": "2.0", "method": "exit" }));
    server.assert_ends_promptly_with(1);
}

#[test]
fn the_end_of_stdin_ends_it_with_1_before_and_after_the_handshake() {
    for mut server in [Server::start(), Server::initialized(&json!({}))] {
        server.input = None;
        server.assert_ends_promptly_with(1);
    }
}

#[test]
fn a_client_that_closed_the_output_is_gone() {
    let mut child = command(&["--stdio"]).spawn().unwrap();
    drop(child.stdout.take());
    let mut input = child.stdin.take().unwrap();
    let initialize =
        framed(&json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {} }));
    let start = Instant::now();
    // Again and again: a process that another test is starting may hold a copy of the pipe for a moment.
    while input.write_all(&initialize).is_ok() {
        assert!(start.elapsed() < PATIENCE, "the server does not end");
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn a_client_that_does_not_read_can_write_and_end_it() {
    let mut child = command(&["--stdio"]).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let initialize = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {} });
    let resolve = json!({ "jsonrpc": "2.0", "id": 2, "method": "codeAction/resolve", "params": { "title": "x".repeat(4000) } });
    let (written, all_written) = channel();
    thread::spawn(move || {
        input.write_all(&framed(&initialize)).unwrap();
        // 8 MB of replies that nobody reads.
        for _ in 0..2000 {
            input.write_all(&framed(&resolve)).unwrap();
        }
        written.send(input).unwrap();
    });
    let mut input = all_written
        .recv_timeout(PATIENCE)
        .expect("the server stopped reading");
    input
        .write_all(&framed(&json!({ "jsonrpc": "2.0", "method": "exit" })))
        .unwrap();
    let start = Instant::now();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(start.elapsed() < PROMPTLY, "it took {:?}", start.elapsed());
}

#[cfg(target_os = "linux")]
#[test]
fn the_end_of_the_client_ends_it_although_another_process_holds_the_pipe() {
    let mut parent = Command::new("sleep").arg("600").spawn().unwrap();
    let mut server = Server::initialized(&json!({ "processId": parent.id() }));
    parent.kill().unwrap();
    let (status, took) = server.ended();
    assert_eq!(status.code(), Some(1));
    assert!(took < Duration::from_secs(5) + PROMPTLY, "it took {took:?}");
    parent.wait().unwrap();
}

#[test]
fn malformed_input_leaves_a_server_that_answers() {
    let mut server = Server::initialized(&json!({ "capabilities": null }));
    let bytes: [&[u8]; 5] = [
        b"Content-Length: 1\r\n\r\n{",
        b"Content-Length: nonsense\r\n\r\n",
        b"\xff\xfe\x00stray\r\n\r\n",
        b"Content-Length: 2\r\n\r\n[]",
        b"X: y\r\ncontent-length: 9\r\n\r\n{\"id\":1.5",
    ];
    for bytes in bytes {
        server.input.as_mut().unwrap().write_all(bytes).unwrap();
    }
    let action = json!({ "title": "Explain", "data": [1] });
    server.send(
        &json!({ "jsonrpc": "2.0", "id": 9, "method": "codeAction/resolve", "params": action }),
    );
    let answer = loop {
        let message = server.receive();
        if message["id"] == 9 {
            break message;
        }
        assert!(
            message["error"].is_object() || message["method"].is_string(),
            "{message}"
        );
    };
    assert_eq!(answer["result"], action);
}

#[test]
fn what_clients_send_beside_the_features_is_taken_in_silence() {
    let mut server =
        Server::initialized(&json!({ "capabilities": { "workspace": { "applyEdit": "yes" } } }));
    for (method, params) in [
        ("$/setTrace", json!({ "value": "verbose" })),
        ("$/unknown", json!(null)),
        ("window/workDoneProgress/cancel", json!({ "token": 7 })),
        (
            "textDocument/didOpen",
            json!({ "textDocument": { "uri": "file:///[a] b", "version": null } }),
        ),
        (
            "textDocument/didChange",
            json!({ "textDocument": { "uri": "file:///[a] b", "version": null }, "contentChanges": {} }),
        ),
        (
            "textDocument/didSave",
            json!({ "textDocument": { "uri": "file:///[a] b" } }),
        ),
        (
            "textDocument/didClose",
            json!({ "textDocument": { "uri": "file:///[a] b" } }),
        ),
    ] {
        server.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }
    assert_eq!(
        server.request(2, "$/unknown", &json!({}))["error"]["code"],
        -32601
    );
    server.request(3, "shutdown", &json!([]));
    server.send(&json!({ "jsonrpc": "2.0", "method": "exit", "params": [] }));
    server.assert_ends_promptly_with(0);
    let mut said = String::new();
    server
        .child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!(said, "", "stderr shows as errors in editors");
}

/// Runs it with nothing on stdin.
fn run(arguments: &[&str]) -> Output {
    command(arguments).stdin(Stdio::null()).output().unwrap()
}

#[test]
fn without_arguments_it_serves_when_stdin_is_no_terminal() {
    let input = framed(&json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {} }));
    let mut child = command(&[]).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let (answer, _) = first_message(&output.stdout).unwrap();
    assert_eq!(
        answer["result"]["serverInfo"],
        json!({ "name": "ezrouter-lsp", "version": env!("CARGO_PKG_VERSION") })
    );
}

#[test]
fn help_and_version_go_to_stdout_and_wrong_usage_ends_with_2() {
    let version = run(&["--version"]);
    assert_eq!(
        (version.status.code(), version.stdout),
        (
            Some(0),
            format!("ezrouter-lsp {}\n", env!("CARGO_PKG_VERSION")).into_bytes()
        )
    );
    let help = run(&["--help"]);
    let text = String::from_utf8(help.stdout).unwrap();
    assert_eq!(help.status.code(), Some(0));
    for taught in [
        "--stdio",
        "--log ",
        "--log-level",
        "EZROUTER_API_KEY",
        "EZROUTER_BASE_URL",
        "Neovim",
        "Helix",
        "Emacs",
        "VS Code",
        "ezrouter-lsp check",
        "130 interrupted",
    ] {
        assert!(text.contains(taught), "{taught} is not in\n{text}");
    }
    assert!(
        text.ends_with(".\n"),
        "the shell goes on in a line of its own"
    );
    for wrong in [["--nonsense"], ["nonsense"], ["--log-level=loud"]] {
        let output = run(&wrong);
        assert_eq!(
            (output.status.code(), output.stdout.len()),
            (Some(2), 0),
            "{wrong:?}"
        );
        assert!(!output.stderr.is_empty());
    }
}

#[test]
fn the_log_goes_to_the_file_or_to_stderr_and_never_holds_a_message() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("log");
    let secret = "the user's code";
    let input = [
        framed(&json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {} })),
        framed(&json!({ "jsonrpc": "2.0", "id": 2, "method": "codeAction/resolve", "params": { "title": secret } })),
        b"Content-Length: 3\r\n\r\n???".to_vec(),
    ]
    .concat();
    let said = |arguments: &[&str]| {
        let mut child = command(arguments).spawn().unwrap();
        child.stdin.take().unwrap().write_all(&input).unwrap();
        String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap()
    };
    let to_file = said(&["--log", file.to_str().unwrap(), "--log-level", "trace"]);
    let logged = std::fs::read_to_string(&file).unwrap();
    assert_eq!(to_file, "");
    let to_stderr = said(&["--stdio"]);
    let without_file = said(&["--log", directory.path().to_str().unwrap()]);
    for log in [&logged, &to_stderr, &without_file] {
        assert!(log.contains("a message that is not JSON"), "{log:?}");
        assert!(!log.contains(secret), "{log}");
    }
    assert!(without_file.contains("cannot log to"), "{without_file}");
    assert_eq!(said(&["--log-level", "off"]), "");
}

/// Each editor's own words, as recorded by `tests/editors/run.py --record`, and then what a user does first.
#[test]
fn every_recorded_editor_is_answered() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/initialize");
    let mut editors = 0;
    for entry in std::fs::read_dir(fixtures).unwrap() {
        let path = entry.unwrap().path();
        let params = std::fs::read_to_string(&path).unwrap();
        let params: Value = serde_json::from_str(&params).unwrap();
        let mut server = Server::initialized(&params);
        let uri = "file:///home/user/project/greet.py";
        let document = json!({
            "uri": uri, "languageId": "python", "version": 0, "text": "print('hello')\n",
        });
        let open = json!({ "textDocument": document });
        server.send(&json!({ "jsonrpc": "2.0", "method": "textDocument/didOpen", "params": open }));
        let line = json!({
            "start": { "line": 0, "character": 0 }, "end": { "line": 0, "character": 14 },
        });
        let asked = json!({
            "textDocument": { "uri": uri }, "range": line, "context": { "diagnostics": [] },
        });
        let actions = server.request(2, "textDocument/codeAction", &asked);
        let offered = actions["result"].as_array().unwrap();
        assert!(
            offered.iter().any(|action| action["title"] == "Explain"),
            "{}: {actions}",
            path.display()
        );
        server.request(3, "shutdown", &Value::Null);
        server.send(&json!({ "jsonrpc": "2.0", "method": "exit" }));
        server.assert_ends_promptly_with(0);
        editors += 1;
    }
    assert!(5 <= editors, "{editors}");
}
