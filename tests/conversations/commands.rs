//! The commands about conversations and token counts: their results and their effects, also on the disk.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use ezrouter_lsp::action::Kind;
use ezrouter_lsp::client::Connection;
use ezrouter_lsp::config::Environment;
use ezrouter_lsp::conversation::{Record, Turn};
use ezrouter_lsp::gateway::signal::Usage;
use ezrouter_lsp::gateway::surface::Surface;
use ezrouter_lsp::offline::{Answer, Script, Standin, Step};
use ezrouter_lsp::store::{Archive, Change, Home, Policy, Store, Window};
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::server::{FOLDER, Server, URI, program, sent};

async fn gateway() -> Standin {
    let usage = Usage {
        input: 90,
        cached: 60,
        written: 0,
        output: 7,
        estimated: false,
    };
    let steps = [
        Step::text("Words."),
        Step::finish("stop"),
        Step::Usage(usage),
        Step::Done,
    ];
    let script = Script::always(Answer::stream(steps));
    Standin::start(script).await.unwrap()
}

#[tokio::test]
async fn a_new_conversation_stays_new_after_a_restart() {
    let gateway = gateway().await;
    let state = tempdir().unwrap();
    let mut server = Server::start(&gateway, state.path()).await;
    server.ask("Old?").await;
    // Nothing was selected, and no document is named: that of the newest job.
    let new = server.command("newConversation", json!({})).await.unwrap();
    let new = new["conversation"].as_str().unwrap().to_owned();
    let list = server
        .command("listConversations", json!({}))
        .await
        .unwrap();
    assert_eq!(list[0]["conversation"], new);
    assert_eq!(
        (&list[0]["turns"], &list[0]["current"]),
        (&json!(0), &json!(true))
    );
    assert_eq!(
        (&list[1]["turns"], &list[1]["current"]),
        (&json!(1), &json!(false))
    );
    assert_eq!(list[1]["title"], "Old? (a.py)");
    assert_eq!(list[1]["workspace"], "/project");
    for key in ["created", "updated"] {
        let time = list[1][key].as_str().unwrap();
        assert!(
            time.starts_with("20") && time.ends_with('Z') && time.len() == 20,
            "{time}"
        );
    }
    assert!(server.exit().await.success());
    let mut server = Server::start(&gateway, state.path()).await;
    server.ask("New?").await;
    assert_eq!(sent(&gateway)[1].len(), 2);
    let list = server
        .command("listConversations", json!({}))
        .await
        .unwrap();
    assert_eq!(
        (&list[0]["conversation"], &list[0]["turns"]),
        (&json!(new), &json!(1))
    );
}

#[tokio::test]
async fn a_deleted_conversation_is_gone_at_once_and_for_good() {
    let gateway = gateway().await;
    let state = tempdir().unwrap();
    let mut server = Server::start(&gateway, state.path()).await;
    server.ask("Secret?").await;
    let list = server
        .command("listConversations", json!({}))
        .await
        .unwrap();
    let argument = json!({"conversation": list[0]["conversation"]});
    let deleted = server.command("deleteConversation", argument.clone()).await;
    assert_eq!(deleted, Ok(json!({"ok": true})));
    assert!(server.listed().await.is_empty());
    server.ask("Afresh?").await;
    assert_eq!(sent(&gateway)[1].len(), 2, "nothing of it is sent");
    let again = server.command("deleteConversation", argument).await;
    let reason = again.unwrap_err()["message"].as_str().unwrap().to_owned();
    assert!(reason.starts_with("there is no conversation "), "{reason}");
    let unnamed = server
        .command("deleteConversation", json!({}))
        .await
        .unwrap_err();
    assert!(
        unnamed["message"]
            .as_str()
            .unwrap()
            .starts_with("name a conversation")
    );
    assert_eq!(server.told(2).await.len(), 2, "each refusal is shown");
    assert!(server.exit().await.success());
    let bytes = std::fs::read(state.path().join("history.db")).unwrap();
    let holds = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    assert!(holds(b"Afresh?") && !holds(b"Secret?"));
}

/// It is deleted behind the server's back, as `ezrouter-lsp history delete` does: the server has its past in memory.
#[tokio::test]
async fn what_is_deleted_elsewhere_does_not_come_back() {
    let gateway = gateway().await;
    let state = tempdir().unwrap();
    let mut server = Server::start(&gateway, state.path()).await;
    server.ask("Secret?").await;
    server.listed().await;
    let cleared = std::process::Command::new(env!("CARGO_BIN_EXE_ezrouter-lsp"))
        .args(["history", "clear", "--yes"])
        .env("EZROUTER_STATE_DIR", state.path())
        .status()
        .unwrap();
    assert!(cleared.success());
    server.ask("On?").await;
    assert_eq!(server.listed().await, [("On? (a.py)".to_owned(), 1)]);
}

#[tokio::test]
async fn tokens_are_counted_by_day_and_model() {
    let gateway = gateway().await;
    let state = tempdir().unwrap();
    let mut server = Server::start(&gateway, state.path()).await;
    assert_eq!(server.command("usage", json!({})).await, Ok(json!([])));
    server.ask("One?").await;
    server.ask("Two?").await;
    let other = json!({"model": "other-model"});
    server.command("selectModel", other).await.unwrap();
    server.ask("Three?").await;
    assert!(server.exit().await.success());
    let mut server = Server::start(&gateway, state.path()).await;
    let usage = server.command("usage", json!({})).await.unwrap();
    let day = usage[0]["day"].as_str().unwrap();
    assert!(day.starts_with("20") && day.len() == 10, "{day}");
    let expected = json!([
        {"day": day, "model": "other-model", "requests": 1, "input": 90, "cached": 60, "written": 0, "output": 7, "estimated": 0},
        {"day": day, "model": "test-model", "requests": 2, "input": 180, "cached": 120, "written": 0, "output": 14, "estimated": 0},
    ]);
    assert_eq!(usage, expected);
}

#[tokio::test]
async fn the_status_tells_where_the_history_is() {
    let gateway = gateway().await;
    let state = tempdir().unwrap();
    let mut server = Server::start(&gateway, state.path()).await;
    server.ask("One?").await;
    let status = server.command("status", json!({})).await.unwrap();
    let path = state
        .path()
        .join("history.db")
        .to_string_lossy()
        .into_owned();
    assert_eq!(status["store"]["path"], path);
    assert_eq!(status["store"]["state"], "on disk");
    assert_eq!(status["store"]["waiting"], 0);
    assert!(
        20_000 < status["store"]["bytes"].as_u64().unwrap(),
        "{status}"
    );
    assert_eq!(status["jobs"][0]["state"], "done");
}

#[tokio::test]
async fn without_persistence_nothing_is_written_and_all_works_in_memory() {
    for offline in [false, true] {
        let gateway = gateway().await;
        let directory = tempdir().unwrap();
        let state = directory.path().join("state");
        let mut command = program(&gateway, &state);
        let settings = json!({"history": {"persist": offline}});
        if offline {
            command.arg("--offline");
        }
        let mut server = Server::with(command, FOLDER, &settings).await;
        server.ask("One?").await;
        server.ask("Two?").await;
        assert_eq!(server.listed().await, [("One? (a.py)".to_owned(), 2)]);
        let usage = server.command("usage", json!({})).await.unwrap();
        assert_eq!(usage[0]["requests"], 2);
        let status = server.command("status", json!({})).await.unwrap();
        assert_eq!(status["store"]["path"], Value::Null);
        assert_eq!(status["store"]["state"], "in memory, as the settings say");
        let new = server.command("newConversation", json!({"uri": URI})).await;
        let argument = json!({"conversation": new.unwrap()["conversation"]});
        let deleted = server.command("deleteConversation", argument).await;
        assert_eq!(deleted, Ok(json!({"ok": true})));
        assert_eq!(server.messages, [""; 0]);
        assert!(server.exit().await.success());
        // Nothing but the mark of the first use.
        let left: Vec<String> = std::fs::read_dir(&state)
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .filter(|name| name != ezrouter_lsp::first_use::MARK)
            .collect();
        assert_eq!(left, [""; 0], "offline: {offline}");
        if !offline {
            assert_eq!(
                sent(&gateway)[1].len(),
                4,
                "the past goes along all the same"
            );
        }
    }
}

/// Writes a turn of another time into the history.
async fn write_turn(state: &Path, id: i64, time: i64) {
    let policy = Policy {
        persist: true,
        keep: Duration::MAX,
    };
    let (store, mut problems) = Store::new(Some(state.to_owned()), policy);
    let home = Home {
        conversation: format!("c{id}"),
        workspace: "/project".to_owned(),
        alone: false,
    };
    let turn = Turn {
        id,
        question: "q".to_owned(),
        answer: "a".to_owned(),
        document: URI.to_owned(),
    };
    let record = Box::new(Record {
        turn,
        kind: Kind::Ask,
        title: format!("Turn {id}"),
        path: "a.py".to_owned(),
        lines: (1, 1),
        model: "m".to_owned(),
        surface: Surface::OpenAi,
        time,
        usage: None,
        seconds: 1,
    });
    let window = Window::From(id);
    store.write(Change::Turn {
        home,
        record,
        window,
    });
    drop(store);
    assert_eq!(problems.recv().await, None);
}

#[tokio::test]
async fn turns_that_are_too_old_go_with_the_first_new_one() {
    let gateway = gateway().await;
    let state = tempdir().unwrap();
    let day = 24 * 60 * 60 * 1_000;
    let now = ezrouter_lsp::store::now();
    write_turn(state.path(), 1, now - 8 * day).await;
    write_turn(state.path(), 2, now - 6 * day).await;
    let settings = json!({"history": {"keep_days": 7}});
    let command = program(&gateway, state.path());
    let mut server = Server::with(command, FOLDER, &settings).await;
    assert_eq!(server.listed().await.len(), 2, "not at once");
    server.ask("New?").await;
    let kept = [("Turn 2 (a.py)".to_owned(), 2)];
    while server.listed().await != kept {}
}

/// The clock is not real: the start of the server is over at once.
#[tokio::test(start_paused = true)]
async fn turns_that_are_too_old_go_some_time_after_the_start_also_if_nothing_is_asked() {
    let state = tempdir().unwrap();
    write_turn(state.path(), 1, 0).await;
    let place = state.path().to_string_lossy().into_owned();
    let environment = Environment {
        variables: BTreeMap::from([("EZROUTER_STATE_DIR".to_owned(), place)]),
    };
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let (reader, writer) = tokio::io::split(theirs);
    let server = tokio::spawn(ezrouter_lsp::serve(reader, writer, environment));
    let (reader, writer) = tokio::io::split(ours);
    let mut connection = Connection::new(reader, writer);
    connection.request("initialize", &json!({"capabilities": {}}));
    connection.next().await;
    connection.notify("initialized", &json!({}));
    let turns = || {
        let archive = Archive::open(state.path()).unwrap();
        archive.unwrap().turns("c1").unwrap().len()
    };
    tokio::time::sleep(Duration::from_secs(59)).await;
    assert_eq!(turns(), 1);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let begun = std::time::Instant::now();
    while turns() != 0 {
        assert!(begun.elapsed() < Duration::from_secs(20), "it stays");
    }
    drop(connection);
    assert_eq!(server.await.unwrap(), 1);
}
