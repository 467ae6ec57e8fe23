//! Places that a history cannot be kept in: one message says what to do, the conversation goes on in memory, and what is
//! there stays as it is.

use std::fs;
use std::path::{Path, PathBuf};

use ezrouter_lsp::first_use::MARK;
use ezrouter_lsp::gateway::signal::Usage;
use ezrouter_lsp::offline::{Answer, Script, Standin, Step};
use serde_json::json;
use tempfile::tempdir;
use tokio::process::Command;

use crate::server::{FOLDER, Server, program, sent};

async fn gateway() -> Standin {
    let long = "A long answer. ".repeat(1_000);
    let usage = Usage::default();
    let steps = [
        Step::text(&long),
        Step::finish("stop"),
        Step::Usage(usage),
        Step::Done,
    ];
    let script = Script::always(Answer::stream(steps));
    Standin::start(script).await.unwrap()
}

/// The files below a directory with what they hold.
fn contents(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(directory).unwrap();
    let mut files: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        // The mark of the first use is no part of the history.
        .filter(|path| path.is_file() && !path.ends_with(MARK))
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

/// Asks twice of a server whose history has no place; gives the one message.
async fn works_in_memory(gateway: &Standin, command: Command) -> String {
    let mut server = Server::with(command, FOLDER, &json!({})).await;
    server.ask("One?").await;
    server.ask("Two?").await;
    let sent = sent(gateway);
    let [.., first, second] = sent.as_slice() else {
        panic!("two requests: {sent:?}")
    };
    assert_eq!(second[..2], first[..2], "the past goes along");
    assert_eq!(second.len(), 4);
    assert_eq!(server.listed().await, [("One? (a.py)".to_owned(), 2)]);
    assert_eq!(
        server.command("usage", json!({})).await.unwrap()[0]["requests"],
        2
    );
    let status = server.command("status", json!({})).await.unwrap();
    let state = status["store"]["state"].as_str().unwrap();
    assert!(state.starts_with("in memory: "), "{state}");
    let message = server.told(1).await[0].clone();
    assert_eq!(server.messages.len(), 1, "{:?}", server.messages);
    assert!(server.exit().await.success());
    message
}

#[tokio::test]
async fn no_directory() {
    let gateway = gateway().await;
    let directory = tempdir().unwrap();
    let file = directory.path().join("state");
    fs::write(&file, "mine").unwrap();
    for place in [file.clone(), file.join("below")] {
        let message = works_in_memory(&gateway, program(&gateway, &place)).await;
        assert!(
            message.contains("set EZROUTER_STATE_DIR to a directory of your own"),
            "{message}"
        );
        assert_eq!(fs::read(&file).unwrap(), b"mine");
    }
    let mut homeless = program(&gateway, &file);
    homeless.env_remove("EZROUTER_STATE_DIR");
    let message = works_in_memory(&gateway, homeless).await;
    assert!(message.contains("there is no home directory"), "{message}");
}

#[tokio::test]
async fn a_file_that_is_damaged_or_newer() {
    let gateway = gateway().await;
    for newer in [false, true] {
        let state = tempdir().unwrap();
        let path = state.path().join("history.db");
        if newer {
            let connection = rusqlite::Connection::open(&path).unwrap();
            connection
                .execute_batch("CREATE TABLE later (x); PRAGMA user_version = 99")
                .unwrap();
        } else {
            fs::write(&path, "this was a database once\n".repeat(1_000)).unwrap();
        }
        let before = contents(state.path());
        let message = works_in_memory(&gateway, program(&gateway, state.path())).await;
        let advice = if newer {
            "update this one"
        } else {
            "move it away to begin a new one"
        };
        assert!(
            message.contains(advice) && message.contains("history.db"),
            "{message}"
        );
        assert_eq!(contents(state.path()), before);
    }
}

/// The program as a user who may not do everything, which the one who runs the tests may be.
#[cfg(unix)]
fn powerless(gateway: &Standin, directory: &Path, state: &Path) -> Command {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let mut command = program(gateway, state);
    if fs::metadata(directory).unwrap().uid() == 0 {
        fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).unwrap();
        let copy = directory.join("ezrouter-lsp");
        fs::copy(env!("CARGO_BIN_EXE_ezrouter-lsp"), &copy).unwrap();
        let mut other = Command::new(&copy);
        other.arg("--stdio").uid(NOBODY).gid(NOBODY);
        command = crate::server::set_up(other, gateway, state);
    }
    command
}

#[cfg(unix)]
const NOBODY: u32 = 65_534;

#[cfg(unix)]
#[tokio::test]
async fn a_directory_or_a_file_that_can_only_be_read() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let gateway = gateway().await;
    let directory = tempdir().unwrap();
    let state = directory.path().join("state");
    fs::create_dir(&state).unwrap();
    let allow =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    allow(&state, 0o555);
    let message = works_in_memory(&gateway, powerless(&gateway, directory.path(), &state)).await;
    assert!(
        message.contains("Permission denied") && message.contains("set EZROUTER_STATE_DIR"),
        "{message}"
    );
    assert!(contents(&state).is_empty());

    allow(&state, 0o755);
    let mut server = Server::start(&gateway, &state).await;
    server.ask("Before?").await;
    assert!(server.exit().await.success());
    let file = state.join("history.db");
    if fs::metadata(&file).unwrap().uid() == 0 {
        std::os::unix::fs::chown(&file, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    allow(&file, 0o400);
    allow(&state, 0o777);
    let before = contents(&state);
    let message = works_in_memory(&gateway, powerless(&gateway, directory.path(), &state)).await;
    assert!(
        message.contains("make it and its directory writable for you"),
        "{message}"
    );
    assert_eq!(contents(&state), before);
}

/// Files may grow to a limit only, as on a disk that is full. What found room stays, and the next server goes on from it.
#[cfg(unix)]
#[tokio::test]
async fn a_full_disk() {
    let gateway = gateway().await;
    let state = tempdir().unwrap();
    let mut shell = Command::new("sh");
    // In blocks of 512 bytes, or of 1024 in some shells.
    let script = "trap '' XFSZ; ulimit -f 400; exec \"$0\" --stdio";
    shell.args(["-c", script, env!("CARGO_BIN_EXE_ezrouter-lsp")]);
    let command = crate::server::set_up(shell, &gateway, state.path());
    let mut server = Server::with(command, FOLDER, &json!({})).await;
    let (mut asked, mut waiting): (u64, u64) = (0, 0);
    // One may find room again when the file beside the database is emptied.
    while waiting < 2 {
        server.ask(&format!("{asked}?")).await;
        asked += 1;
        let status = server.command("status", json!({})).await.unwrap();
        waiting = status["store"]["waiting"].as_u64().unwrap();
        assert!(asked < 100, "the disk is to be full");
    }
    assert_eq!(server.listed().await, [("0? (a.py)".to_owned(), asked)]);
    assert_eq!(server.told(1).await.len(), 1, "{:?}", server.messages);
    assert!(
        server.messages[0].contains("history.db"),
        "{:?}",
        server.messages
    );
    let past = sent(&gateway).pop().unwrap();
    assert!(
        past.iter()
            .any(|(_, text)| text.ends_with(&format!("{}?", asked - 2))),
        "the past goes along"
    );
    assert!(server.exit().await.success());
    let mut server = Server::start(&gateway, state.path()).await;
    let kept = server.listed().await[0].1;
    assert!((2..asked).contains(&kept), "{kept} of {asked}");
    server.ask("After?").await;
    assert_eq!(server.listed().await[0].1, kept + 1);
    assert_eq!(server.messages, [""; 0]);
}
