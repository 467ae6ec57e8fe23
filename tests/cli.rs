//! The command line as a process: what it prints where, its exit codes, and what it does to files.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "these are tests: a panic is a failure"
)]

use std::path::Path;
use std::process::{Output, Stdio};

use ezrouter_lsp::gateway::signal::Usage;
use ezrouter_lsp::offline::{Answer, Script, Standin, Step};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

const FILE: &str = "above\nold one\nold two\nbelow\n";
const KEY: &str = "sk-command-line-key";

fn whole(text: &str) -> Answer {
    let usage = Usage {
        input: 90,
        cached: 60,
        output: 7,
    };
    Answer::stream([
        Step::text(text),
        Step::finish("stop"),
        Step::Usage(usage),
        Step::Done,
    ])
}

fn command(gateway: &Standin, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ezrouter-lsp"));
    command.args(arguments).env_clear();
    command
        .env("EZROUTER_API_KEY", KEY)
        .env("EZROUTER_BASE_URL", gateway.base_url())
        .env("EZROUTER_MODEL", "test-model");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn run(gateway: &Standin, arguments: &[&str]) -> (i32, String, String) {
    shown(&command(gateway, arguments).output().await.expect("it runs"))
}

fn shown(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(
        !stdout.contains(KEY) && !stderr.contains(KEY),
        "the key is never printed: {stdout}{stderr}"
    );
    (output.status.code().expect("an exit code"), stdout, stderr)
}

fn file(directory: &Path, name: &str, text: &str) -> String {
    let path = directory.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_string_lossy().into_owned()
}

#[tokio::test]
async fn an_answer_goes_to_stdout_and_what_it_took_to_stderr() {
    let gateway = Standin::start(Script::always(whole("It **adds**.")))
        .await
        .unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = file(directory.path(), "a.py", FILE);
    let (code, stdout, stderr) =
        run(&gateway, &["ask", &path, "--lines", "2-3", "What is it?"]).await;
    assert_eq!((code, stdout.as_str()), (0, "It **adds**.\n"), "{stderr}");
    assert!(
        stderr.starts_with("test-model, 90 tokens in (60 cached), 7 out, "),
        "{stderr}"
    );
    let said = gateway.requests()[0].body.to_string();
    assert!(
        said.contains("old one\\nold two\\n")
            && said.contains("(python)")
            && said.contains("What is it?"),
        "{said}"
    );
}

#[tokio::test]
async fn a_rewrite_is_printed_shown_as_a_diff_or_written_in_one_step() {
    let gateway = Standin::start(Script::always(whole("```\nnew\n```\nThere you are.")))
        .await
        .unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = file(directory.path(), "a.py", FILE);
    let (code, stdout, _) = run(&gateway, &["rewrite", &path, "--lines", "2-3", "Shorten"]).await;
    assert_eq!((code, stdout.as_str()), (0, "above\nnew\nbelow\n"));
    let (code, stdout, _) = run(
        &gateway,
        &["rewrite", &path, "--lines", "2-3", "Shorten", "--diff"],
    )
    .await;
    let diff =
        "--- a/a.py\n+++ b/a.py\n@@ -1,4 +1,3 @@\n above\n-old one\n-old two\n+new\n below\n";
    assert_eq!((code, stdout.as_str()), (0, diff));
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        FILE,
        "only printed"
    );
    let (code, stdout, _) = run(
        &gateway,
        &["rewrite", &path, "--lines", "2-3", "Shorten", "--write"],
    )
    .await;
    assert_eq!((code, stdout.as_str()), (0, ""));
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        "above\nnew\nbelow\n"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn writing_keeps_mode_and_links() {
    use std::os::unix::fs::PermissionsExt as _;
    let gateway = Standin::start(Script::always(whole("new\n")))
        .await
        .unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = file(directory.path(), "run.sh", FILE);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o750)).unwrap();
    let link = directory.path().join("link.sh");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let (code, _, stderr) = run(
        &gateway,
        &["rewrite", &link.to_string_lossy(), "Shorten", "--write"],
    )
    .await;
    assert_eq!(code, 0, "{stderr}");
    assert!(
        std::fs::symlink_metadata(&link).unwrap().is_symlink(),
        "the link stays"
    );
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o750
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "new\n");
    assert_eq!(
        std::fs::read_dir(directory.path()).unwrap().count(),
        2,
        "nothing is left behind"
    );
}

#[tokio::test]
async fn stdin_is_a_file_too() {
    let gateway = Standin::start(Script::always(whole("new\r\n")))
        .await
        .unwrap();
    let mut command = command(&gateway, &["rewrite", "-", "Shorten"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"old one\r\nold two\r\n").await.unwrap();
    drop(stdin);
    let (code, stdout, stderr) = shown(&child.wait_with_output().await.unwrap());
    assert_eq!((code, stdout.as_str()), (0, "new\r\n"), "{stderr}");
}

#[tokio::test]
async fn whatever_fails_leaves_the_file_and_says_why_on_the_last_line() {
    let refusal = json!({"error": {"code": "invalid_api_key", "message": "Invalid token", "type": "authentication_error"}});
    let cut = Answer::stream([Step::text("new"), Step::Cut]);
    let length = Answer::stream([Step::text("new"), Step::finish("length"), Step::Done]);
    let echo =
        json!({"error": {"message": format!("bad key {KEY}"), "type": "authentication_error"}});
    let cases = [
        (Answer::error(401, refusal), "EZROUTER_API_KEY"),
        (Answer::error(401, echo), "[key]"),
        (Answer::html(200, "<html></html>"), "EZROUTER_BASE_URL"),
        (cut, ""),
        (length, "cut off after 8192 tokens"),
        (
            whole("EZROUTER_CANNOT: it is fine as it is"),
            "it is fine as it is; nothing was changed",
        ),
        (whole(""), "without any text"),
    ];
    let directory = tempfile::tempdir().unwrap();
    for (answer, part) in cases {
        let gateway = Standin::start(Script::always(answer)).await.unwrap();
        let path = file(directory.path(), "a.py", FILE);
        let (code, stdout, stderr) = run(&gateway, &["rewrite", &path, "Shorten", "--write"]).await;
        assert_eq!((code, stdout.as_str()), (1, ""), "{part}: {stderr}");
        let last = stderr.lines().last().unwrap_or_default();
        assert!(
            last.starts_with("ezrouter-lsp: ") && last.contains(part),
            "{part}: {stderr}"
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), FILE, "{part}");
    }
}

#[tokio::test]
async fn mistakes_are_named_and_nothing_is_sent() {
    let gateway = Standin::start(Script::always(whole("never sent")))
        .await
        .unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = file(directory.path(), "a.py", FILE);
    let secret = file(directory.path(), ".env", "KEY=1\n");
    let empty = file(directory.path(), "empty.py", "");
    let binary = directory
        .path()
        .join("a.bin")
        .to_string_lossy()
        .into_owned();
    std::fs::write(&binary, [0x61, 0xff, 0x62]).unwrap();
    let missing = directory
        .path()
        .join("missing.py")
        .to_string_lossy()
        .into_owned();
    let cases: [(&[&str], i32, &str); 8] = [
        (&["ask", &missing, "What?"], 1, "cannot be read"),
        (&["ask", &secret, "What?"], 1, "built-in exclusion .env"),
        (&["ask", &empty, "What?"], 1, "nothing is selected"),
        (&["ask", &binary, "What?"], 1, "not UTF-8"),
        (
            &["ask", &path, "--lines", "9-10", "What?"],
            1,
            "there is no line 9: the file has 5",
        ),
        (
            &["ask", &path, "--lines", "x", "What?"],
            1,
            "--lines takes A-B",
        ),
        (&["ask", &path], 2, "<QUESTION>"),
        (&["nonsense"], 2, "unrecognized subcommand"),
    ];
    for (arguments, wanted, part) in cases {
        let (code, _, stderr) = run(&gateway, arguments).await;
        assert_eq!(code, wanted, "{arguments:?}: {stderr}");
        assert!(stderr.contains(part), "{arguments:?}: {stderr}");
    }
    assert_eq!(gateway.requests().len(), 0);
}

#[cfg(unix)]
#[tokio::test]
async fn control_c_closes_the_connection_and_leaves_the_file() {
    let answer = Answer::stream([Step::text("new"), Step::Hang]);
    let gateway = Standin::start(Script::always(answer)).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = file(directory.path(), "a.py", FILE);
    let child = command(&gateway, &["rewrite", &path, "Shorten", "--write"])
        .spawn()
        .unwrap();
    gateway.received(1).await;
    let process = child.id().unwrap().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &process])
            .status()
            .await
            .unwrap()
            .success()
    );
    let (code, stdout, _) = shown(&child.wait_with_output().await.unwrap());
    assert_eq!((code, stdout.as_str()), (130, ""));
    gateway.closed(0).await;
    assert_eq!(std::fs::read_to_string(&path).unwrap(), FILE);
}

#[tokio::test]
async fn check_and_models_tell_what_is_in_place() {
    let gateway = Standin::start(Script::always(whole("unused")))
        .await
        .unwrap();
    let (code, models, stderr) = run(&gateway, &["models"]).await;
    assert_eq!(code, 0, "{stderr}");
    let known = models
        .split_whitespace()
        .find(|word| *word != "*")
        .expect("a model")
        .to_owned();
    let checked = |output: &Output| shown(output);
    let output = command(&gateway, &["check"])
        .env("EZROUTER_MODEL", &known)
        .output()
        .await
        .unwrap();
    let (code, stdout, stderr) = checked(&output);
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert_eq!(
        stdout
            .lines()
            .filter(|line| line.starts_with("ok "))
            .count(),
        4,
        "{stdout}"
    );
    let near = format!("{known}x");
    let output = command(&gateway, &["check"])
        .env("EZROUTER_MODEL", &near)
        .output()
        .await
        .unwrap();
    let (code, stdout, _) = checked(&output);
    assert_eq!(code, 1);
    assert!(
        stdout.contains(&format!("did you mean {known}?")),
        "{stdout}"
    );
    let output = command(&gateway, &["check"])
        .env_remove("EZROUTER_API_KEY")
        .output()
        .await
        .unwrap();
    let (code, stdout, _) = checked(&output);
    assert_eq!(code, 1);
    assert!(
        stdout.contains("FAILED key: none; set EZROUTER_API_KEY"),
        "{stdout}"
    );
    let output = command(&gateway, &["check", "--json"])
        .env("EZROUTER_BASE_URL", "http://gateway.example")
        .output()
        .await;
    let (code, stdout, _) = checked(&output.unwrap());
    let found: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &found["ok"]), (1, &json!(false)));
    assert!(stdout.contains("unencrypted"), "{stdout}");
}
