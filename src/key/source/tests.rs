//! Sources of every kind, with real commands and files: what they give, what they say when they fail, and how often they are
//! asked.
#![cfg(unix)]

use std::os::unix::fs::{PermissionsExt as _, symlink};

use tempfile::TempDir;

use super::*;

const KEY: &str = "sk-source-key-1234567890";

/// A source that runs a script of the shell.
fn script(script: &str) -> Source {
    let argv = ["sh", "-c", script].map(str::to_owned).to_vec();
    Source::with_patience(Origin::Command(argv), None, Duration::from_secs(20))
}

async fn failure(source: &Source) -> String {
    let failure = source.key().await.map(drop).unwrap_err();
    assert_eq!(failure.kind, Kind::NoKey);
    failure.to_string()
}

async fn found(source: &Source) -> String {
    source.key().await.unwrap().key.expose().to_owned()
}

/// A command that counts its runs in a file and prints a key with the number.
fn counting(directory: &TempDir) -> (Source, PathBuf) {
    let runs = directory.path().join("runs");
    let text = format!(
        "echo run >> '{0}'; echo sk-counted-$(wc -l < '{0}' | tr -d ' ')",
        runs.display()
    );
    (script(&text), runs)
}

fn count(runs: &Path) -> usize {
    fs::read_to_string(runs).map_or(0, |text| text.lines().count())
}

#[tokio::test]
async fn a_command_gives_the_first_line_that_it_prints() {
    for text in [
        format!("echo {KEY}"),
        format!("printf '\\n  {KEY}\\r\\nlogin: me\\n'"),
        format!("printf {KEY}; echo careful >&2"),
        // It gets no input, and no shell reads its arguments.
        format!("read line || echo {KEY}"),
        // What it leaves behind holds its outputs open.
        format!("sleep 30 & echo {KEY}"),
        format!("echo {KEY}; head -c 100000 /dev/zero"),
    ] {
        let source = script(&text);
        if text.contains("/dev/zero") {
            // Zeroes are UTF-8 too; the first line counts.
            assert_eq!(found(&source).await, KEY);
        } else {
            assert_eq!(found(&source).await, KEY, "{text}");
        }
    }
    let literal = ["printf", "%s", "$HOME;`id`"].map(str::to_owned).to_vec();
    assert_eq!(
        found(&Source::new(Origin::Command(literal), None)).await,
        "$HOME;`id`"
    );
}

#[tokio::test]
async fn a_command_that_fails_says_why_and_never_the_key() {
    for (text, expected) in [
        (
            "echo gone >&2; exit 3".to_owned(),
            "The api_key_command (sh) fails (exit status: 3): gone. Run that command",
        ),
        (
            format!("echo {KEY}; echo no {KEY} >&2; exit 1"),
            "fails (exit status: 1): no [key]. ",
        ),
        (
            "echo no sk-other-key-123 >&2; exit 1".to_owned(),
            "fails (exit status: 1): no [key]. ",
        ),
        (
            "printf 'a\\nb\\033[2J' >&2; exit 1".to_owned(),
            "fails (exit status: 1): a b [2J. ",
        ),
        (
            "echo nothing here >&2".to_owned(),
            "prints nothing: nothing here. ",
        ),
        ("kill -9 $$".to_owned(), "fails (signal: 9 (SIGKILL)). "),
    ] {
        let said = failure(&script(&text)).await;
        assert!(said.contains(expected), "{text}: {said}");
        assert!(!said.contains(KEY), "{said}");
    }
    for (argv, expected) in [
        (
            vec!["no-such-program-of-ours", "secret-argument"],
            "(no-such-program-of-ours) cannot be started: No such file",
        ),
        (
            vec!["bin/key"],
            "(bin/key) is neither the name of a program nor an absolute path",
        ),
    ] {
        let argv: Vec<String> = argv.into_iter().map(str::to_owned).collect();
        let said = failure(&Source::new(Origin::Command(argv), None)).await;
        assert!(said.contains(expected), "{said}");
        assert!(!said.contains("secret-argument"), "{said}");
    }
}

#[tokio::test]
async fn a_command_that_does_not_end_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let pid = directory.path().join("pid");
    let text = format!("echo $$ > '{}'; exec sleep 60", pid.display());
    let argv = ["sh", "-c", &text].map(str::to_owned).to_vec();
    let source = Source::with_patience(Origin::Command(argv), None, Duration::from_millis(500));
    let said = failure(&source).await;
    assert!(said.contains("does not end within 0.5 s"), "{said}");
    let pid = fs::read_to_string(pid).unwrap();
    // The runtime takes the dead process away a moment after the kill.
    while fs::read_to_string(format!("/proc/{}/stat", pid.trim()))
        .is_ok_and(|stat| !stat.contains(") Z "))
    {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_command_runs_at_home_and_not_in_the_workspace() {
    let home = tempfile::tempdir().unwrap();
    let home = fs::canonicalize(home.path()).unwrap();
    fs::write(home.join("tool"), "#!/bin/sh\npwd\n").unwrap();
    fs::set_permissions(home.join("tool"), fs::Permissions::from_mode(0o700)).unwrap();
    let source = Source::new(
        Origin::Command(vec!["~/tool".to_owned()]),
        Some(home.clone()),
    );
    assert_eq!(found(&source).await, home.to_string_lossy());
    assert_eq!(source.name(), "api_key_command (~/tool)");
}

#[tokio::test]
async fn a_command_is_run_once_for_all_who_wait_and_again_when_its_key_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (source, runs) = counting(&directory);
    let (one, two) = tokio::join!(source.key(), source.key());
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(
        (one.key.expose(), two.key.expose()),
        ("sk-counted-1", "sk-counted-1")
    );
    assert_eq!(found(&source).await, "sk-counted-1");
    assert_eq!(count(&runs), 1);
    let (other_one, other_two) = tokio::join!(source.other_than(&one), source.other_than(&two));
    for other in [other_one, other_two] {
        assert_eq!(other.unwrap().key.expose(), "sk-counted-2");
    }
    assert_eq!(count(&runs), 2, "asked once for both");
    source.forget();
    assert_eq!(found(&source).await, "sk-counted-3");
    let same = script(&format!("echo {KEY}"));
    let given = same.key().await.unwrap();
    assert!(same.other_than(&given).await.is_none());
}

#[tokio::test]
async fn a_failure_is_shared_by_those_who_wait_and_not_kept() {
    let directory = tempfile::tempdir().unwrap();
    let runs = directory.path().join("runs");
    let source = script(&format!("echo run >> '{}'; exit 1", runs.display()));
    let (one, two) = tokio::join!(source.key(), source.key());
    assert!(one.is_err() && two.is_err());
    assert_eq!(count(&runs), 1);
    failure(&source).await;
    assert_eq!(count(&runs), 2);
}

#[tokio::test]
async fn a_file_that_nobody_else_can_use_gives_the_key_as_it_is_now() {
    let directory = tempfile::tempdir().unwrap();
    let (path, link) = (directory.path().join("key"), directory.path().join("link"));
    symlink(&path, &link).unwrap();
    let source = Source::new(Origin::File(link, "~/link".to_owned()), None);
    let said = failure(&source).await;
    assert!(
        said.contains("The api_key_file (~/link) cannot be read: No such file"),
        "{said}"
    );
    fs::write(&path, format!("\n{KEY}\nmore\n")).unwrap();
    for (mode, refused) in [
        (0o600, false),
        (0o400, false),
        (0o640, true),
        (0o604, true),
        (0o622, true),
    ] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        if refused {
            let said = failure(&source).await;
            assert!(
                said.contains(&format!(
                    "can be used by other users (mode {mode:04o}); chmod 600 it"
                )),
                "{said}"
            );
        } else {
            assert_eq!(found(&source).await, KEY, "{mode:o}");
        }
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let given = source.key().await.unwrap();
    fs::write(&path, "sk-new").unwrap();
    assert_eq!(
        source.other_than(&given).await.unwrap().key.expose(),
        "sk-new"
    );
    fs::write(&path, " \n").unwrap();
    assert!(failure(&source).await.contains("holds no key"));
    fs::write(&path, vec![b'k'; 70_000]).unwrap();
    assert!(failure(&source).await.contains("is larger than 64 KiB"));
}

#[tokio::test]
async fn what_is_no_file_is_not_opened() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    for path in [
        pipe,
        directory.path().to_owned(),
        PathBuf::from("/dev/zero"),
    ] {
        let source = Source::new(Origin::File(path, "it".to_owned()), None);
        assert!(failure(&source).await.contains("is not a file"));
    }
}

#[test]
fn a_source_shows_its_name_and_no_key() {
    let source = Source::from(Key::new(KEY));
    assert_eq!(format!("{source:?}"), "Source(\"EZROUTER_API_KEY\")");
}
