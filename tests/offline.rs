//! `--offline` and `EZROUTER_OFFLINE`: every way to use the program works with neither key nor network, and says that its
//! answers are scripted.
#![expect(clippy::unwrap_used, reason = "this is a test")]

use std::process::Stdio;
use std::time::Duration;

use ezrouter_lsp::client::Connection;
use ezrouter_lsp::client::editor::Editor;
use tokio::process::Command;

const FILE: &str = "one = 1\n\n\ndef add(a, b):\n    return a + b\n";

/// The program with an address that nothing listens on: an attempt to go there would fail.
fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ezrouter-lsp"));
    command
        .args(arguments)
        .env_clear()
        .env("EZROUTER_BASE_URL", "http://127.0.0.1:1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn stdout(command: &mut Command) -> String {
    let output = command.output().await.unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn the_command_line_answers_from_a_script() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.py");
    std::fs::write(&path, FILE).unwrap();
    let path = path.to_str().unwrap();
    let answer = stdout(&mut program(&["ask", path, "What is it?", "--offline"])).await;
    assert!(
        answer.contains("**scripted**") && answer.contains("> What is it?"),
        "{answer}"
    );
    let arguments = ["--offline", "rewrite", path, "--lines", "4-5", "Add types"];
    let expected = FILE.replace(
        "def add",
        "# Scripted, no model was asked: Add types\ndef add",
    ) + "# Scripted: end of the rewrite\n";
    assert_eq!(stdout(&mut program(&arguments)).await, expected);
    let by_environment = stdout(program(&arguments[1..]).env("EZROUTER_OFFLINE", "1")).await;
    assert_eq!(by_environment, expected);
    let output = program(&arguments[1..])
        .env("EZROUTER_OFFLINE", "0")
        .output()
        .await
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.code() == Some(1) && errors.contains("EZROUTER_API_KEY"),
        "0 means no, so a key is wanted: {errors}"
    );
}

#[tokio::test]
async fn the_models_are_listed_and_a_check_finds_all_in_place() {
    let models = stdout(&mut program(&["--offline", "models"])).await;
    assert!(
        models.ends_with("* scripted       openai, anthropic\n"),
        "{models}"
    );
    let directory = tempfile::tempdir().unwrap();
    let mut check = program(&["--offline", "check"]);
    let found = stdout(check.env("EZROUTER_STATE_DIR", directory.path().join("state"))).await;
    assert!(
        found.contains("offline: the scripted stand-in answers")
            && found.contains("those of the script")
            && !found.contains("set in the environment"),
        "{found}"
    );
}

#[tokio::test]
async fn an_editor_can_be_tried_with_neither_key_nor_network() {
    let mut server = program(&["--stdio", "--offline"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let connection = Connection::new(server.stdout.take().unwrap(), server.stdin.take().unwrap());
    let mut editor = Editor::open(
        connection,
        "file:///offline",
        "file:///offline/a.py",
        "python",
        FILE,
    )
    .await
    .expect("the server starts");
    let function = editor.lines(3, 4);
    let settled = |state: &'static str| {
        move |editor: &Editor| {
            let mut jobs = editor.jobs.values();
            jobs.any(|states| states.last().is_some_and(|last| last == state))
        }
    };
    editor.choose(function, "Explain").await.unwrap();
    assert!(editor.wait(Duration::from_secs(20), settled("done")).await);
    let hover = editor.hover(3, 0).await.unwrap();
    assert!(
        hover.contains("**scripted**") && hover.contains("lines 4 to 5"),
        "{hover}"
    );
    editor.choose(function, "Add types").await.unwrap();
    assert!(
        editor
            .wait(Duration::from_secs(20), settled("pending"))
            .await
    );
    let text = editor.text();
    assert!(
        text.contains("\n# Scripted, no model was asked: Add type annotations")
            && text.ends_with("    return a + b\n# Scripted: end of the rewrite\n"),
        "{text}"
    );
    assert!(editor.undo());
    assert_eq!(editor.text(), FILE, "one undo takes it back");
    editor.close().await.unwrap();
    assert_eq!(server.wait().await.unwrap().code(), Some(0));
}
