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
        ..Usage::default()
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
async fn a_file_that_the_question_names_goes_along_unless_it_is_elsewhere() {
    let gateway = Standin::start(Script::always(whole("Yes."))).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path().join("here");
    std::fs::create_dir(&here).unwrap();
    file(&here, "a.py", FILE);
    file(&here, "b.py", "other\n");
    file(directory.path(), "c.py", "never\n");
    let mut command = command(&gateway, &["ask", "a.py", "Is it like @b.py?"]);
    let (code, _, stderr) = shown(&command.current_dir(&here).output().await.unwrap());
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.ends_with(" s, with b.py\n"), "{stderr}");
    let said = gateway.requests()[0].body.to_string();
    assert!(said.contains(r#"b.py\">\nother\n</file>"#), "{said}");
    let mut command = self::command(&gateway, &["ask", "a.py", "Is it like @../c.py?"]);
    let (code, _, stderr) = shown(&command.current_dir(&here).output().await.unwrap());
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("outside of the workspace"), "{stderr}");
    assert_eq!(gateway.requests().len(), 1);
}

/// An answer, the surface, and how the footer goes on behind the model.
type Counted = (Answer, &'static str, &'static str);

#[tokio::test]
async fn what_an_answer_took_is_told_whatever_became_of_it_and_guesses_are_marked() {
    let usage = Usage {
        input: 90,
        cached: 60,
        output: 7,
        ..Usage::default()
    };
    let stream = |steps: &[Step]| Answer::stream(steps.to_vec());
    let (text, told, done) = (Step::text("x = 1\n"), Step::Usage(usage), Step::Done);
    let length = [
        text.clone(),
        Step::finish("length"),
        told.clone(),
        done.clone(),
    ];
    // The gateway guesses what an answer took that was cut.
    let cut = [text.clone(), told.clone(), done.clone()];
    // Only the start of the message tells anything.
    let begun = [text.clone(), Step::Cut, told];
    let untold = [text, Step::finish("length"), done];
    let (exact, guessed) = (
        "90 tokens in (60 cached), 7 out",
        "~90 tokens in (60 cached), ~7 out",
    );
    let cases: [Counted; 7] = [
        (whole("EZROUTER_CANNOT: no"), "openai", exact),
        (stream(&length), "openai", exact),
        (stream(&length), "anthropic", exact),
        (stream(&cut), "openai", guessed),
        (stream(&cut), "anthropic", guessed),
        (
            stream(&begun),
            "anthropic",
            "~90 tokens in (60 cached), ~1 out",
        ),
        (stream(&untold), "openai", ""),
    ];
    let directory = tempfile::tempdir().unwrap();
    for (answer, surface, footer) in cases {
        let gateway = Standin::start(Script::always(answer)).await.unwrap();
        let path = file(directory.path(), "a.py", FILE);
        let settings = file(
            directory.path(),
            "config.toml",
            &format!("surface = '{surface}'"),
        );
        for act in ["ask", "rewrite"] {
            let mut command = command(&gateway, &[act, &path, "Why?"]);
            command.env("EZROUTER_CONFIG", &settings);
            let (code, _, stderr) = shown(&command.output().await.unwrap());
            let lines: Vec<&str> = stderr.lines().collect();
            if act == "ask" && footer == exact && code == 0 {
                assert!(
                    lines[0].starts_with(&format!("test-model, {exact}, ")),
                    "{stderr}"
                );
                continue;
            }
            assert_eq!(code, 1, "{stderr}");
            match lines.as_slice() {
                [reason] if footer.is_empty() => assert!(reason.contains("cut off"), "{stderr}"),
                [took, reason] => {
                    assert!(
                        took.starts_with(&format!("test-model, {footer}, ")),
                        "{stderr}"
                    );
                    assert!(reason.starts_with("ezrouter-lsp: "), "{stderr}");
                }
                _ => panic!("{surface} {footer}: {stderr}"),
            }
        }
    }
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

/// So that `patch -p1` finds it, and so that the model sees where it belongs; nothing about the rest of the disk is said.
#[tokio::test]
async fn a_file_is_named_by_its_path_below_the_current_directory() {
    let gateway = Standin::start(Script::always(whole("new\n")))
        .await
        .unwrap();
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(directory.path().join("src/deep")).unwrap();
    file(directory.path(), "src/deep/a.py", FILE);
    for (here, named, header) in [
        (
            "",
            "src/deep/a.py",
            "--- a/src/deep/a.py\n+++ b/src/deep/a.py\n",
        ),
        ("", "./src/deep/a.py", "--- a/src/deep/a.py\n"),
        ("src", "deep/a.py", "--- a/deep/a.py\n"),
        ("src", "../src/deep/a.py", "--- a/a.py\n"),
    ] {
        let arguments = ["rewrite", named, "Shorten", "--diff"];
        let mut command = command(&gateway, &arguments);
        command.current_dir(directory.path().join(here));
        let (code, stdout, stderr) = shown(&command.output().await.expect("it runs"));
        assert_eq!(code, 0, "{stderr}");
        assert!(stdout.starts_with(header), "{named}: {stdout}");
        let sent = gateway.requests().pop().unwrap().body.to_string();
        let path = header.lines().next().unwrap().trim_start_matches("--- a/");
        assert!(sent.contains(path), "{path}: {sent}");
        let disk = directory.path().to_string_lossy().into_owned();
        assert!(!sent.contains(&disk), "{sent}");
    }
    // The written file's place does not depend on its name for people.
    let mut command = command(&gateway, &["rewrite", "deep/a.py", "Shorten", "--write"]);
    command.current_dir(directory.path().join("src"));
    let (code, _, stderr) = shown(&command.output().await.expect("it runs"));
    assert_eq!(code, 0, "{stderr}");
    let written = std::fs::read_to_string(directory.path().join("src/deep/a.py"));
    assert_eq!(written.unwrap(), "new\n");
}

/// Patterns are relative to the project, wherever the command is called; what a pattern names goes out in no way.
#[tokio::test]
async fn what_the_project_excludes_is_not_sent_wherever_one_stands() {
    let gateway = Standin::start(Script::always(whole("Yes."))).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    std::fs::create_dir_all(root.join("src/secret")).unwrap();
    file(root, ".ezrouter.toml", "exclude = ['/src/secret/*.rs']");
    for name in ["src/secret/k.rs", "src/open.rs"] {
        file(root, name, FILE);
    }
    for (here, arguments) in [
        ("", ["ask", "src/secret/k.rs", "What?"]),
        ("src/secret", ["ask", "k.rs", "What?"]),
        ("src", ["ask", "open.rs", "Like @secret/k.rs?"]),
        ("src", ["rewrite", "open.rs", "Like @secret/k.rs"]),
    ] {
        let mut command = command(&gateway, &arguments);
        command.current_dir(root.join(here));
        let (code, _, stderr) = shown(&command.output().await.expect("it runs"));
        assert_eq!(code, 1, "{here} {arguments:?}: {stderr}");
        assert!(stderr.contains("the setting exclude names it"), "{stderr}");
    }
    assert_eq!(gateway.requests().len(), 0);
    let mut command = command(&gateway, &["ask", "open.rs", "What?"]);
    command.current_dir(root.join("src"));
    let (code, _, stderr) = shown(&command.output().await.expect("it runs"));
    assert_eq!(code, 0, "{stderr}");
}

/// As the shell's `<(git diff)` gives it.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_pipe_that_has_a_name_is_read_and_cannot_be_written_back() {
    let gateway = Standin::start(Script::always(whole("Yes."))).await.unwrap();
    for (arguments, wanted) in [
        (&["ask", "/dev/stdin", "What?"][..], 0),
        (&["rewrite", "/dev/stdin", "Shorten", "--write"], 1),
    ] {
        let mut child = command(&gateway, arguments)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(b"piped text\n").await.unwrap();
        drop(stdin);
        let (code, _, stderr) = shown(&child.wait_with_output().await.unwrap());
        assert_eq!(code, wanted, "{stderr}");
        assert!(
            wanted == 0 || stderr.contains("cannot be written back"),
            "{stderr}"
        );
    }
    let sent = gateway.requests();
    assert_eq!(sent.len(), 1);
    assert!(sent[0].text.contains("piped text"), "{}", sent[0].text);
}

/// Nothing is paid for that could not be written.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn where_no_file_can_be_made_nothing_is_sent() {
    let gateway = Standin::start(Script::always(whole("new"))).await.unwrap();
    // Nobody can make a file in this directory, whoever runs the test.
    let there = "/proc/sys/kernel/hostname";
    let (code, _, stderr) = run(&gateway, &["rewrite", there, "Shorten", "--write"]).await;
    assert_eq!(code, 1);
    assert!(stderr.contains("nothing was sent"), "{stderr}");
    assert_eq!(gateway.requests().len(), 0);
}

#[tokio::test]
async fn a_byte_order_mark_stays_and_is_not_sent() {
    let gateway = Standin::start(Script::always(whole("HELLO\n")))
        .await
        .unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = file(directory.path(), "a.txt", "\u{feff}hello\nworld\n");
    let arguments = [
        "rewrite", &path, "--lines", "1", "Louder", "--write", "--diff",
    ];
    let (code, stdout, stderr) = run(&gateway, &arguments).await;
    assert_eq!(code, 0, "{stderr}");
    assert!(
        stdout.contains("-\u{feff}hello\n+\u{feff}HELLO\n world"),
        "{stdout}"
    );
    let written = std::fs::read_to_string(&path).unwrap();
    assert_eq!(written, "\u{feff}HELLO\nworld\n");
    let sent = gateway.requests().pop().unwrap();
    assert!(!sent.text.contains('\u{feff}') && !sent.text.contains("feff"));
}

#[tokio::test]
async fn only_a_line_feed_ends_a_line_of_a_diff() {
    let gateway = Standin::start(Script::always(whole("B\n"))).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = file(directory.path(), "a.txt", "a\rb\nc\n");
    let arguments = ["rewrite", &path, "--lines", "2", "Louder", "--diff"];
    let (code, stdout, stderr) = run(&gateway, &arguments).await;
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("\n-a\rb\n+a\rB"), "{stdout:?}");
    let lines = stdout.split('\n').skip(2);
    let whole = |line: &str| line.is_empty() || line.starts_with(['@', ' ', '+', '-', '\\']);
    assert!(lines.clone().all(whole), "{stdout:?}");
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
async fn who_reads_while_it_is_written_reads_the_old_file_or_the_new_one() {
    let gateway = Standin::start(Script::always(whole("new\n")))
        .await
        .unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = file(directory.path(), "a.py", FILE);
    let mut reader = std::fs::File::open(&path).unwrap();
    let (code, _, stderr) = run(&gateway, &["rewrite", &path, "Shorten", "--write"]).await;
    assert_eq!(code, 0, "{stderr}");
    let mut read = String::new();
    std::io::Read::read_to_string(&mut reader, &mut read).unwrap();
    assert_eq!(read, FILE, "opened before, read afterwards");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "new\n");
}

#[tokio::test]
async fn a_file_that_changed_meanwhile_is_left_alone() {
    let answer = Answer::stream([
        Step::text("new\n"),
        Step::Gate,
        Step::finish("stop"),
        Step::Done,
    ]);
    let gateway = Standin::start(Script::always(answer)).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = file(directory.path(), "a.py", FILE);
    let child = command(&gateway, &["rewrite", &path, "Shorten", "--write"])
        .spawn()
        .unwrap();
    gateway.received(1).await;
    std::fs::write(&path, "typed meanwhile\n").unwrap();
    gateway.release();
    let (code, _, stderr) = shown(&child.wait_with_output().await.unwrap());
    assert_eq!(code, 1);
    assert!(
        stderr.ends_with("a.py was not changed: it has changed meanwhile\n"),
        "{stderr}"
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "typed meanwhile\n");
    assert_eq!(
        std::fs::read_dir(directory.path()).unwrap().count(),
        1,
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
        (length, "max_output_tokens is 8192"),
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
async fn what_an_incomplete_answer_took_is_told_too_and_marked_where_it_is_a_guess() {
    let usage = Usage {
        input: 90,
        output: 7,
        ..Usage::default()
    };
    let cases = [
        (
            vec![Step::finish("length"), Step::Usage(usage), Step::Done],
            "90 tokens in, 7 out, ",
        ),
        (
            vec![Step::Usage(usage), Step::Done],
            "~90 tokens in, ~7 out, ",
        ),
    ];
    let directory = tempfile::tempdir().unwrap();
    let path = file(directory.path(), "a.py", FILE);
    for (rest, took) in cases {
        let steps = std::iter::once(Step::text("Half")).chain(rest);
        let gateway = Standin::start(Script::always(Answer::stream(steps)))
            .await
            .unwrap();
        let (code, stdout, stderr) = run(&gateway, &["ask", &path, "What?"]).await;
        assert_eq!((code, stdout.as_str()), (1, "Half\n"), "{stderr}");
        let lines: Vec<&str> = stderr.lines().collect();
        assert!(
            lines[0].starts_with(&format!("test-model, {took}")),
            "{stderr}"
        );
        assert!(lines[1].starts_with("ezrouter-lsp: "), "{stderr}");
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
    file(directory.path(), ".ezrouterignore", "private.*\n");
    let private = file(directory.path(), "private.py", FILE);
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
    let protected = file(directory.path(), "protected.py", FILE);
    let mut mode = std::fs::metadata(&protected).unwrap().permissions();
    mode.set_readonly(true);
    std::fs::set_permissions(&protected, mode).unwrap();
    let folder = directory.path().to_string_lossy().into_owned();
    let cases: [(&[&str], i32, &str); 15] = [
        (&["ask", &missing, "What?"], 1, "cannot be read"),
        (&["ask", &secret, "What?"], 1, "built-in exclusion .env"),
        (
            &["ask", &private, "What?"],
            1,
            ".ezrouterignore excludes it (private.*)",
        ),
        (&["ask", &empty, "What?"], 1, "empty.py is empty"),
        (
            &["ask", &path, "--lines", "5", "What?"],
            1,
            "there is no line 5: the file has 4",
        ),
        (&["ask", &path, " "], 2, "it says nothing"),
        (&["rewrite", &path, "", "--write"], 2, "it says nothing"),
        (&["ask", &binary, "What?"], 1, "not UTF-8"),
        (
            &["ask", &path, "--lines", "9-10", "What?"],
            1,
            "there is no line 9: the file has 4",
        ),
        (
            &["ask", &path, "--lines", "3-2", "What?"],
            2,
            "two line numbers from 1 on",
        ),
        (
            &["rewrite", &protected, "Shorten", "--write"],
            1,
            "protected.py is read-only",
        ),
        (
            &["rewrite", "-", "Shorten", "--write"],
            2,
            "stdin cannot be written back",
        ),
        (&["ask", &folder, "What?"], 1, "cannot be read"),
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

#[tokio::test]
async fn a_terminal_is_told_nothing_that_it_would_obey_and_a_file_gets_nothing_unseen() {
    let answers = ["It is\u{1b}[2J red.", "new\u{202e}\n"].map(whole);
    let gateway = Standin::start(Script::new(answers)).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = file(directory.path(), "a.py", FILE);
    let (_, stdout, _) = run(&gateway, &["ask", &path, "What is it?"]).await;
    assert_eq!(stdout, "It is⟨U+001B⟩[2J red.\n");
    let (code, stdout, stderr) = run(&gateway, &["rewrite", &path, "Shorten", "--write"]).await;
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(stderr.contains("(U+202E, direction of text)"), "{stderr}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), FILE);
}

#[tokio::test]
async fn secrets_are_masked_and_come_back_only_where_nothing_is_in_doubt() {
    let good = "url = \"a://u:EZROUTER_SECRET_1@new\"\n";
    let answers = [
        good,
        "It says EZROUTER_SECRET_1.",
        "url = \"a://u:EZROUTER_SECRET_7@h\"\n",
    ];
    let gateway = Standin::start(Script::new(answers.map(whole)))
        .await
        .unwrap();
    let directory = tempfile::tempdir().unwrap();
    let text = "url = \"a://u:hunter2@h\"\n";
    let path = file(directory.path(), "a.py", text);
    let (code, stdout, stderr) = run(&gateway, &["rewrite", &path, "Move it"]).await;
    assert_eq!(
        (code, stdout.as_str()),
        (0, "url = \"a://u:hunter2@new\"\n")
    );
    assert!(stderr.ends_with(", 1 secret masked\n"), "{stderr}");
    let (code, stdout, stderr) = run(&gateway, &["ask", &path, "What is it?"]).await;
    assert_eq!((code, stdout.as_str()), (0, "It says EZROUTER_SECRET_1.\n"));
    assert!(stderr.ends_with(", 1 secret masked\n"), "{stderr}");
    let (code, stdout, stderr) = run(&gateway, &["rewrite", &path, "Move it", "--write"]).await;
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(
        stderr.contains("stands for no secret of the selection"),
        "{stderr}"
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    for request in gateway.requests() {
        assert!(
            !request.body.to_string().contains("hunter2"),
            "{}",
            request.body
        );
    }
}

#[tokio::test]
async fn an_answer_in_two_blocks_changes_nothing_and_prose_behind_one_is_dropped() {
    let two = "```\nnew one\n```\nand then:\n```\nnew two\n```\n";
    let one = "```\nnew one\n```\nThat is it.\n";
    let gateway = Standin::start(Script::new([two, two, one].map(whole)))
        .await
        .unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = file(directory.path(), "a.py", FILE);
    for output in ["--write", "--diff"] {
        let (code, stdout, stderr) = run(&gateway, &["rewrite", &path, "Shorten", output]).await;
        assert_eq!((code, stdout.as_str()), (1, ""), "{output}");
        let told = "the answer holds more than one block of code; only the first one is in the result; \
                    nothing was changed";
        assert!(stderr.contains(told), "{output}: {stderr}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), FILE);
    }
    let (code, stdout, stderr) = run(&gateway, &["rewrite", &path, "Shorten"]).await;
    assert_eq!((code, stdout.as_str()), (0, "new one\n"), "{stderr}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_without_an_end_is_not_read_for_ever() {
    let gateway = Standin::start(Script::default()).await.unwrap();
    let (code, _, stderr) = run(&gateway, &["ask", "/dev/zero", "What?"]).await;
    assert!(
        code == 1 && stderr.ends_with("/dev/zero is larger than 64 MB\n"),
        "{code}: {stderr}"
    );
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
async fn models_lists_the_catalog_and_marks_the_one_in_force() {
    let gateway = Standin::start(Script::default()).await.unwrap();
    let output = command(&gateway, &["models"])
        .env("EZROUTER_MODEL", "standin-small")
        .output()
        .await
        .unwrap();
    let (code, models, stderr) = shown(&output);
    assert_eq!(code, 0, "{stderr}");
    let expected = "  standin        openai, anthropic\n* standin-small  openai, anthropic\n  scripted       openai, anthropic\n";
    assert_eq!(models, expected);
}

#[tokio::test]
async fn settings_come_from_the_user_file_and_the_files_project_and_slips_are_told() {
    let gateway = Standin::start(Script::always(whole("Yes."))).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let project = directory.path().join("project");
    std::fs::create_dir_all(project.join("src")).unwrap();
    let user = file(
        directory.path(),
        "config.toml",
        "instructions = 'Be brief.'\nretry = 1\n",
    );
    file(
        &project,
        ".ezrouter.toml",
        "model = 'of-the-project'\nproxy = 'http://evil.example'\n",
    );
    let path = file(&project.join("src"), "a.py", FILE);
    let output = command(&gateway, &["ask", &path, "Is it?"])
        .env("EZROUTER_CONFIG", &user)
        .env_remove("EZROUTER_MODEL")
        .output()
        .await
        .unwrap();
    let (code, stdout, stderr) = shown(&output);
    assert_eq!((code, stdout.as_str()), (0, "Yes.\n"), "{stderr}");
    let said: Vec<&str> = stderr.lines().take(2).collect();
    assert_eq!(
        said,
        [
            &format!("ezrouter-lsp: settings: {user}:2: retry must be a table"),
            "ezrouter-lsp: settings: .ezrouter.toml:2: proxy was ignored: a project may only set actions, exclude, \
             exclude_gitignored, instructions and model",
        ]
    );
    let body = &gateway.requests()[0].body;
    assert_eq!(body["model"], "of-the-project");
    assert!(body.to_string().contains("Be brief."), "{body}");
}

#[tokio::test]
async fn schema_prints_a_json_schema() {
    let gateway = Standin::start(Script::default()).await.unwrap();
    let (code, stdout, stderr) = run(&gateway, &["schema"]).await;
    assert_eq!((code, stderr.as_str()), (0, ""));
    let schema: serde_json::Value = serde_json::from_str(&stdout).expect("JSON");
    assert_eq!(schema["properties"]["surface"]["default"], "auto");
}
