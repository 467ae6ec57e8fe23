//! Nothing that leaves the program holds the key, in any form, and the log holds no text: the server and every command run with
//! the key from each of its sources, at the most talkative level, against a gateway that echoes the key wherever it can.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "these are tests: a panic is a failure"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use ezrouter_lsp::client::{Connection, Incoming};
use ezrouter_lsp::offline::{Answer, Script, Standin, Step};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

const KEY: &str = "sk-leak~Key_9Zq/0123+456789abcdef";

/// Stands in the document, the question, the answer and the settings: none of it belongs into a log.
const TEXT: &str = "xyzzy-private-text";

const PATIENCE: Duration = Duration::from_secs(30);

/// The key as it is and as it may be encoded on the way.
fn forms() -> Vec<String> {
    let escaped: String = KEY
        .chars()
        .map(|c| match c {
            c if c.is_ascii_alphanumeric() => c.to_string(),
            c => format!("%{:02X}", u32::from(c)),
        })
        .collect();
    let mut forms = vec![
        KEY.to_owned(),
        KEY.to_lowercase(),
        escaped.to_lowercase(),
        escaped,
    ];
    for before in ["", "u", "u:"] {
        let whole = format!("{before}{KEY}");
        forms.extend([STANDARD.encode(&whole), URL_SAFE.encode(&whole)]);
    }
    forms
}

/// What of a form is looked for: its ends also depend on what stands around it.
fn core(form: &str) -> &str {
    form.get(4..form.len() - 4).unwrap()
}

#[track_caller]
fn assert_clean(place: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for form in forms() {
        assert!(
            !text.contains(core(&form)),
            "{place} holds the key as {form}:\n{text}"
        );
    }
}

/// Searches every file below a directory.
fn assert_clean_below(directory: &Path) -> usize {
    let mut count = 0;
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            count += assert_clean_below(&path);
        } else {
            assert_clean(&path.to_string_lossy(), &fs::read(&path).unwrap());
            count += 1;
        }
    }
    count
}

/// Where the key comes from.
#[derive(Clone, Copy, Debug)]
enum From {
    Environment,
    Command,
    File,
}

/// A home directory with the settings that lead to the key, and a file to be asked about.
struct SetUp {
    home: TempDir,
    variables: Vec<(&'static str, String)>,
}

impl SetUp {
    fn new(from: From, gateway: &Standin) -> Self {
        let home = tempfile::tempdir().unwrap();
        // Outside of the home directory's parts that are searched.
        let secret = home.path().join("secret");
        fs::create_dir(&secret).unwrap();
        let file = secret.join("key");
        fs::write(&file, format!("{KEY}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let source = match from {
            From::Environment => String::new(),
            From::Command => {
                "api_key_command = ['sh', '-c', 'cat ~/secret/key; cat ~/secret/key >&2']"
                    .to_owned()
            }
            From::File => "api_key_file = '~/secret/key'".to_owned(),
        };
        let settings = format!("{source}\ninstructions = '{TEXT}'\nretry.attempts = 1\n");
        fs::write(home.path().join("config.toml"), settings).unwrap();
        fs::create_dir(home.path().join("project")).unwrap();
        fs::write(home.path().join("project/a.py"), format!("{TEXT}\nmore\n")).unwrap();
        let path = |name: &str| home.path().join(name).to_string_lossy().into_owned();
        let mut variables = vec![
            ("HOME", path("")),
            ("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
            ("EZROUTER_CONFIG", path("config.toml")),
            ("EZROUTER_STATE_DIR", path("state")),
            ("EZROUTER_BASE_URL", gateway.base_url()),
            ("EZROUTER_MODEL", "standin".to_owned()),
        ];
        if let From::Environment = from {
            variables.push(("EZROUTER_API_KEY", KEY.to_owned()));
        }
        Self { home, variables }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ezrouter-lsp"));
        command
            .args(["--log", &self.path("log/file").to_string_lossy()])
            .args(["--log-level", "trace"])
            .args(arguments)
            .env_clear()
            .envs(self.variables.clone())
            .current_dir(self.path("project"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Searches what was left on the disk; the log must be there and hold no text.
    fn search(&self) {
        let log = fs::read(self.path("log/file")).expect("a log");
        let text = String::from_utf8_lossy(&log);
        assert!(!text.contains(TEXT), "the log holds text:\n{text}");
        assert!(1 <= assert_clean_below(&self.path("log")));
        if self.path("state").exists() {
            assert_clean_below(&self.path("state"));
        }
    }
}

/// Every way in which a gateway can say the key, in each form.
fn echoes() -> Vec<Answer> {
    forms().iter().flat_map(|form| {
        let error = json!({"error": {"message": format!("bad {form}!"), "type": form, "code": form, "param": form}});
        let finish = Answer::stream([Step::text(TEXT), Step::finish(form), Step::Done]);
        [
            Answer::error(400, error.clone()),
            Answer::error(401, error.clone()),
            Answer::error(429, error.clone()).header("retry-after", form),
            Answer::error(500, json!({"detail": form})),
            Answer::error(403, json!(form)).header("x-oneapi-request-id", form),
            Answer::html(502, &format!("<title>{form}</title>")),
            Answer::html(307, "").header("location", &format!("https://{form}.example/{form}")),
            finish.header("x-oneapi-request-id", form),
            // The text of an answer is screened for the key as it is.
            Answer::stream([
                Step::text(KEY.split_at(15).0),
                Step::text(KEY.split_at(15).1), Step::finish("pause_turn"), Step::Done]),
            Answer::stream([Step::Raw(format!("data: {error}\n\n").into_bytes())]),
            Answer::stream([Step::text(TEXT), Step::Raw(error.to_string().into_bytes())]),
        ]
    }).collect()
}

/// The server over its pipes; every byte that it writes is kept.
struct Server {
    process: Child,
    connection: Connection,
    stdout: JoinHandle<Vec<u8>>,
    stderr: JoinHandle<Vec<u8>>,
    states: Vec<(String, String)>,
}

impl Server {
    fn start(set_up: &SetUp) -> Self {
        let mut command = set_up.command(&["--stdio"]);
        let mut process = command.stdin(Stdio::piped()).spawn().unwrap();
        let mut output = process.stdout.take().unwrap();
        let (mut copy, reader) = tokio::io::duplex(1 << 20);
        let stdout = tokio::spawn(async move {
            let (mut seen, mut chunk) = (Vec::new(), [0; 4096]);
            while let Ok(count @ 1..) = output.read(&mut chunk).await {
                seen.extend_from_slice(&chunk[..count]);
                // The reader may have gone; what comes after is kept all the same.
                copy.write_all(&chunk[..count]).await.ok();
            }
            seen
        });
        let mut errors = process.stderr.take().unwrap();
        let stderr = tokio::spawn(async move {
            let mut seen = Vec::new();
            errors.read_to_end(&mut seen).await.unwrap();
            seen
        });
        let connection = Connection::new(reader, process.stdin.take().unwrap());
        Self {
            process,
            connection,
            stdout,
            stderr,
            states: Vec::new(),
        }
    }

    async fn next(&mut self) -> Option<(u64, Result<Value, Value>)> {
        let incoming = timeout(PATIENCE, self.connection.next()).await;
        match incoming.expect("the server says something") {
            Incoming::Request { id, .. } => {
                self.connection.answer(&id, Ok(json!({"applied": false})));
            }
            Incoming::Notification { method, params } if method == "ezrouter/job" => {
                let text = |name: &str| params[name].as_str().unwrap().to_owned();
                self.states.push((text("job"), text("state")));
            }
            Incoming::Notification { .. } => {}
            Incoming::Response { id, result } => return Some((id, result)),
            Incoming::Ended(reason) => panic!("{reason}"),
        }
        None
    }

    async fn ask(&mut self, method: &str, params: &Value) -> Result<Value, Value> {
        let id = self.connection.request(method, params);
        loop {
            if let Some((answered, result)) = self.next().await
                && answered == id
            {
                return result;
            }
        }
    }

    async fn run(&mut self, command: &str, argument: &Value) -> Result<Value, Value> {
        let params = json!({"command": command, "arguments": [argument]});
        self.ask("workspace/executeCommand", &params).await
    }

    async fn settled(&mut self, job: &str) -> String {
        loop {
            let last = self.states.iter().rfind(|(of, _)| of == job);
            if let Some((_, state)) = last
                && !["waiting", "thinking", "streaming"].contains(&state.as_str())
            {
                return state.clone();
            }
            self.next().await;
        }
    }

    /// Ends it in order and searches all that it wrote.
    async fn finish(mut self) {
        self.ask("shutdown", &Value::Null).await.unwrap();
        self.connection.notify("exit", &Value::Null);
        let status = timeout(PATIENCE, self.process.wait()).await;
        assert!(status.expect("it ends").unwrap().success());
        drop(self.connection);
        let stdout = self.stdout.await.unwrap();
        assert!(!stdout.is_empty());
        assert_clean("stdout", &stdout);
        assert_clean("stderr", &self.stderr.await.unwrap());
    }
}

async fn serve(from: From, answers: Vec<Answer>) {
    let count = answers.len();
    // The first and the last go well, so that there is something in the conversation.
    let good = || Answer::text(&format!("{TEXT} and more"));
    let script = Script::new([good()].into_iter().chain(answers).chain([good()]));
    let gateway = Standin::start(script).await.unwrap();
    let set_up = SetUp::new(from, &gateway);
    let mut server = Server::start(&set_up);
    let capabilities = json!({
        "workspace": {"applyEdit": true, "workspaceEdit": {"documentChanges": true}, "configuration": true},
        "window": {"workDoneProgress": true, "showDocument": {"support": true}},
        "experimental": {"ezrouter": {"jobs": true, "answer": true}},
    });
    let folder = format!("file://{}", set_up.path("project").display());
    let hello = json!({
        "processId": null, "clientInfo": {"name": "test"}, "capabilities": capabilities,
        "workspaceFolders": [{"uri": folder, "name": "project"}],
        "initializationOptions": {"api_key": KEY, "base_url": KEY, "apiKeyCommand": KEY, "rewrite": {"apply": KEY}},
    });
    server.ask("initialize", &hello).await.unwrap();
    server.connection.notify("initialized", &json!({}));
    let uri = format!("{folder}/a.py");
    let document = json!({"uri": uri, "languageId": "python", "version": 0, "text": format!("{TEXT}\nmore\n")});
    server
        .connection
        .notify("textDocument/didOpen", &json!({"textDocument": document}));
    let place = json!({"line": 0, "character": 0});
    let argument = json!({"uri": uri, "range": {"start": place, "end": {"line": 1, "character": 0}}, "question": TEXT});
    for number in 0..count + 2 {
        let result = server.run("ezrouter.ask", &argument).await.unwrap();
        let state = server.settled(result["job"].as_str().unwrap()).await;
        let expected = if number == 0 || number == count + 1 {
            "done"
        } else {
            "failed"
        };
        assert_eq!(state, expected, "answer {number}");
        let hover = json!({"textDocument": {"uri": uri}, "position": place});
        server.ask("textDocument/hover", &hover).await.unwrap();
    }
    // The views lie in the state directory, which is searched below.
    for kind in ["ask", "rewrite"] {
        let mut argument = argument.clone();
        argument["kind"] = kind.into();
        server.run("ezrouter.showRequest", &argument).await.unwrap();
    }
    assert_eq!(fs::read_dir(set_up.path("state/views")).unwrap().count(), 2);
    let status = server.run("ezrouter.status", &json!({})).await.unwrap();
    let shown = status.to_string();
    let home = set_up.home.path().to_string_lossy().into_owned();
    assert!(
        !shown.contains(TEXT) && !shown.contains(&home),
        "{status:#}"
    );
    server.finish().await;
    set_up.search();
    // What it does hold is what helps to find a fault.
    let log = fs::read_to_string(set_up.path("log/file")).unwrap();
    for said in [
        " bytes=",
        " milliseconds=",
        " answer_bytes=",
        " request_id=",
        " kind=",
    ] {
        assert!(log.contains(said), "{said}:\n{log}");
    }
}

#[tokio::test]
async fn the_server_keeps_the_key_to_itself_whatever_the_gateway_echoes() {
    for from in [From::Environment, From::Command, From::File] {
        serve(from, echoes()).await;
    }
}

#[tokio::test]
async fn every_command_keeps_the_key_to_itself() {
    let rewrite = ["rewrite", "a.py", TEXT, "--diff"];
    let commands: [&[&str]; 9] = [
        &["ask", "a.py", TEXT],
        &rewrite,
        &["check"],
        &["check", "--json"],
        &["models"],
        &["models", "--json"],
        &["history", "list"],
        &["schema"],
        &["--help"],
    ];
    for from in [From::Environment, From::Command, From::File] {
        for (index, form) in forms().iter().enumerate() {
            let message = json!({"error": {"message": form, "type": form, "code": form}});
            let refusal = Answer::error(401, message).header("x-oneapi-request-id", form);
            let catalog = Answer::error(
                200,
                json!({"data": [{"id": form}, {"id": "standin", "supported_endpoint_types": ["openai", form]}]}),
            );
            // A gateway that refuses and one that answers, in turn.
            let script = match index % 2 {
                0 => Script::always(refusal.clone()).catalog(refusal),
                _ => Script::always(Answer::text("fine")).catalog(catalog),
            };
            let gateway = Standin::start(script).await.unwrap();
            let set_up = SetUp::new(from, &gateway);
            for arguments in commands {
                let output = set_up.command(arguments).output().await.unwrap();
                assert!(
                    output.status.code().is_some_and(|code| code < 2),
                    "{arguments:?}"
                );
                assert_clean(&format!("stdout of {arguments:?}"), &output.stdout);
                assert_clean(&format!("stderr of {arguments:?}"), &output.stderr);
                let text = String::from_utf8_lossy(&output.stdout);
                let home = set_up.home.path().to_string_lossy().into_owned();
                let is_report = arguments[0] == "check";
                assert!(!is_report || !text.contains(&home), "{arguments:?}: {text}");
            }
            set_up.search();
        }
    }
}

#[tokio::test]
async fn a_command_that_spills_the_key_while_it_fails_is_quoted_without_it() {
    let gateway = Standin::start(Script::default()).await.unwrap();
    let set_up = SetUp::new(From::Command, &gateway);
    let script = "cat ~/secret/key ~/secret/key >&2; cat ~/secret/key; exit 1";
    fs::write(
        set_up.path("config.toml"),
        format!("api_key_command = ['sh', '-c', '{script}']"),
    )
    .unwrap();
    for arguments in [&["ask", "a.py", "What?"][..], &["check"], &["models"]] {
        let output = set_up.command(arguments).output().await.unwrap();
        let all = [output.stdout, output.stderr].concat();
        assert!(
            String::from_utf8_lossy(&all).contains("[key] [key]"),
            "{arguments:?}"
        );
        assert_clean(&format!("{arguments:?}"), &all);
    }
    set_up.search();
}
