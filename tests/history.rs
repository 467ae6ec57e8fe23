//! `ezrouter-lsp history` as a process: what it prints, what it deletes, its exit codes, and that it never prints what a
//! terminal would obey. What it asks on a terminal is tried in `tests/editors/test_terminal.py`.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "these are tests: a panic is a failure"
)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use ezrouter_lsp::action::Kind;
use ezrouter_lsp::conversation::{Conversation, Record, Turn};
use ezrouter_lsp::gateway::signal::Usage;
use ezrouter_lsp::gateway::surface::Surface;
use ezrouter_lsp::prompt;
use ezrouter_lsp::store::{Change, Home, Policy, Store, Window};
use serde_json::{Value, json};

fn run(state: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_ezrouter-lsp"))
        .arg("history")
        .args(arguments)
        .env_clear()
        .env("TZ", "UTC")
        .env("EZROUTER_STATE_DIR", state)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    let code = output.status.code().expect("an exit code");
    (code, text(output.stdout), text(output.stderr))
}

const CONTROL: &str = "\u{1b}]0;title\u{7}\u{9b}2J\u{7f}";

fn record(id: i64, time: i64, title: &str, selection: &str, answer: &str) -> Record {
    let turn = prompt::Turn {
        diagnostics: "",
        files: &[],
        target: ezrouter_lsp::action::Target::Selection,
        kind: Kind::Ask,
        path: "src/a.py",
        language: "python",
        first_line: 1,
        last_line: 2,
        selection,
        before: "",
        after: "",
        instruction: title,
    };
    let (_, question) = prompt::request(
        String::new(),
        String::new(),
        1,
        &Conversation::default(),
        &turn,
    );
    let turn = Turn {
        id,
        question,
        answer: answer.to_owned(),
        document: "file:///project/src/a.py".to_owned(),
    };
    Record {
        turn,
        kind: Kind::Ask,
        title: title.to_owned(),
        path: "src/a.py".to_owned(),
        lines: (2, 3),
        model: "m".to_owned(),
        surface: Surface::OpenAi,
        time,
        usage: Some(Usage {
            input: 90,
            cached: 60,
            written: 0,
            output: 7,
            estimated: false,
        }),
        seconds: 3,
    }
}

/// Two conversations: `aa11`, with two turns, of 26 November 2026, 10:00 and 10:01, and `ab22`, with control characters all
/// over it, of a minute later.
async fn fill(state: &Path) {
    let policy = Policy {
        persist: true,
        keep: Duration::MAX,
    };
    let (store, _problems) = Store::new(Some(state.to_owned()), policy);
    let time = 1_795_687_200_000;
    let turns = [
        (
            "aa11",
            "/project",
            record(1, time, "Why?", "a = 1\nb = 2", "Since **so**."),
        ),
        (
            "aa11",
            "/project",
            record(2, time + 60_000, "And now?", "c", "So."),
        ),
        (
            "ab22",
            "",
            record(
                3,
                time + 120_000,
                CONTROL,
                CONTROL,
                &format!("{CONTROL}\r\nend"),
            ),
        ),
    ];
    for (conversation, workspace, record) in turns {
        let home = Home {
            conversation: conversation.to_owned(),
            workspace: workspace.to_owned(),
            alone: false,
        };
        let window = Window::From(1);
        let record = Box::new(record);
        store.write(Change::Turn {
            home,
            record,
            window,
        });
    }
    store.settled().await;
}

#[tokio::test]
async fn conversations_are_listed_the_one_that_was_used_last_first() {
    let state = tempfile::tempdir().unwrap();
    fill(state.path()).await;
    let visible = "⟨U+001B⟩]0;title⟨U+0007⟩⟨U+009B⟩2J⟨U+007F⟩";
    let lines = format!(
        "ab22  2026-11-26 10:02   1 turn  -         {visible} (src/a.py)\n\
         aa11  2026-11-26 10:01  2 turns  /project  Why? (src/a.py)\n"
    );
    assert_eq!(run(state.path(), &[]), (0, lines.clone(), String::new()));
    assert_eq!(run(state.path(), &["list"]), (0, lines, String::new()));
    let (code, stdout, _) = run(state.path(), &["list", "--json"]);
    assert_eq!(code, 0);
    assert!(!stdout.trim_end().contains(char::is_control), "{stdout}");
    let list: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(list[0]["title"], format!("{CONTROL} (src/a.py)"));
    let expected = json!({
        "conversation": "aa11", "workspace": "/project", "title": "Why? (src/a.py)", "turns": 2,
        "created": "2026-11-26T10:00:00Z", "updated": "2026-11-26T10:01:00Z",
    });
    assert_eq!(list[1], expected);
}

#[tokio::test]
async fn a_conversation_is_shown_as_markdown() {
    let state = tempfile::tempdir().unwrap();
    fill(state.path()).await;
    let (code, stdout, _) = run(state.path(), &["show", "aa11"]);
    assert_eq!(code, 0);
    let first = "# Why? (src/a.py)\n\n## Why?\n\nsrc/a.py, lines 2 to 3, 2026-11-26 10:00\n\n\
        ```python\na = 1\nb = 2\n```\n\n> Why?\n\nSince **so**.\n\n*m, 90 tokens in (60 cached), 7 out, 3 s*\n\n## And now?\n";
    assert!(stdout.starts_with(first), "{stdout}");
    assert_eq!(
        run(state.path(), &["show", "aa"]).1,
        stdout,
        "the beginning of an id is enough"
    );
    let (code, stdout, _) = run(state.path(), &["show", "ab22"]);
    assert_eq!(code, 0);
    assert!(
        stdout
            .chars()
            .all(|character| character == '\n' || !character.is_control()),
        "{stdout:?}"
    );
    assert!(stdout.contains("⟨U+007F⟩\nend\n"), "{stdout:?}");
}

#[tokio::test]
async fn one_or_all_are_deleted() {
    let state = tempfile::tempdir().unwrap();
    fill(state.path()).await;
    assert_eq!(
        run(state.path(), &["delete", "ab22"]),
        (0, String::new(), String::new())
    );
    let (_, listed, _) = run(state.path(), &["list"]);
    assert_eq!(listed.lines().count(), 1, "{listed}");
    let refused = "ezrouter-lsp: nothing was deleted; with --yes nobody is asked\n".to_owned();
    assert_eq!(run(state.path(), &["clear"]), (1, String::new(), refused));
    assert_eq!(run(state.path(), &["list"]).1, listed);
    assert_eq!(
        run(state.path(), &["clear", "--yes"]),
        (0, String::new(), String::new())
    );
    assert_eq!(
        run(state.path(), &["list"]),
        (0, String::new(), String::new())
    );
    assert_eq!(
        run(state.path(), &["list", "--json"]),
        (0, "[]\n".to_owned(), String::new())
    );
}

#[tokio::test]
async fn what_is_wrong_is_the_last_line_on_stderr() {
    let state = tempfile::tempdir().unwrap();
    fill(state.path()).await;
    let broken = tempfile::tempdir().unwrap();
    let text = "this is no database, whatever its name says\n".repeat(100);
    std::fs::write(broken.path().join("history.db"), &text).unwrap();
    let cases: [(&Path, &[&str], i32, &str); 8] = [
        (
            state.path(),
            &["show", "zz"],
            1,
            "there is no conversation zz; `ezrouter-lsp history` lists them",
        ),
        (state.path(), &["show", ""], 1, "there is no conversation "),
        (
            state.path(),
            &["delete", "a"],
            1,
            "2 conversations begin with a; give more of the id",
        ),
        (
            state.path(),
            &["delete", "\u{1b}[2J"],
            1,
            "there is no conversation ⟨U+001B⟩[2J",
        ),
        (state.path(), &["show"], 2, "--help"),
        (state.path(), &["burn"], 2, "--help"),
        (
            broken.path(),
            &["list"],
            1,
            "move it away to begin a new one",
        ),
        (
            broken.path(),
            &["clear", "--yes"],
            1,
            "move it away to begin a new one",
        ),
    ];
    for (state, arguments, code, words) in cases {
        let (found, stdout, stderr) = run(state, arguments);
        let last = stderr.lines().last().unwrap_or_default();
        assert_eq!(
            (found, stdout.as_str()),
            (code, ""),
            "{arguments:?} {stderr}"
        );
        assert!(last.contains(words), "{arguments:?} {stderr}");
    }
    assert_eq!(
        std::fs::read_to_string(broken.path().join("history.db")).unwrap(),
        text
    );
}

#[test]
fn looking_into_an_empty_history_makes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().join("state");
    assert_eq!(run(&state, &[]), (0, String::new(), String::new()));
    assert_eq!(run(&state, &["clear"]), (0, String::new(), String::new()));
    assert_eq!(run(&state, &["show", "a"]).0, 1);
    assert!(!state.exists());
}
