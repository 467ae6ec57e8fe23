//! Many servers on one file, and servers that die: nothing that was kept is lost, and nobody is told of a lock.

use std::path::Path;
use std::time::{Duration, Instant};

use ezrouter_lsp::offline::{Answer, Script, Standin};
use rusqlite::Connection;
use serde_json::json;
use tempfile::tempdir;

use crate::server::{FOLDER, Server, URI, program};

/// A number from the environment, to try for longer by hand.
#[expect(
    clippy::disallowed_methods,
    reason = "a test is told how long to try; no server code reads it"
)]
fn number(name: &str, default: u64) -> u64 {
    let given = std::env::var(name).ok();
    given.map_or(default, |given| given.parse().expect("a number"))
}

/// The titles of all turns of the file in the order in which they were written. The file is whole.
fn written(state: &Path) -> Vec<String> {
    let connection = Connection::open(state.join("history.db")).unwrap();
    let whole: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(whole, "ok");
    let mut statement = connection
        .prepare("SELECT title FROM turns ORDER BY id")
        .unwrap();
    let titles = statement.query_map([], |row| row.get(0)).unwrap();
    titles.collect::<Result<_, _>>().unwrap()
}

/// `EZROUTER_TEST_SECONDS=60` tries for a minute.
#[tokio::test]
async fn eight_servers_write_at_the_same_time() {
    let gateway = Standin::start(Script::always(Answer::text("Words.")))
        .await
        .unwrap();
    let state = tempdir().unwrap();
    let settings = json!({"history": {"max_bytes": 2_000}, "context": {"max_bytes": 0}});
    let end = Instant::now() + Duration::from_secs(number("EZROUTER_TEST_SECONDS", 5));
    let (gateway, path, settings) = (&gateway, state.path(), &settings);
    let one = async |name: usize| {
        let mut server = Server::with(program(gateway, path), FOLDER, settings).await;
        let mut asked = 0;
        while Instant::now() < end {
            server.ask(&format!("{name}: {asked}?")).await;
            asked += 1;
        }
        let listed = server.listed().await;
        assert!(!listed.is_empty());
        assert_eq!(server.messages, [""; 0]);
        assert!(server.exit().await.success());
        asked
    };
    let asked: Vec<usize> = futures_util::future::join_all((0..8).map(one)).await;
    let written = written(path);
    println!("{} turns, {asked:?}", written.len());
    for (name, asked) in asked.into_iter().enumerate() {
        let begin = format!("{name}: ");
        let own = written.iter().filter(|title| title.starts_with(&begin));
        let expected: Vec<String> = (0..asked)
            .map(|number| format!("{name}: {number}?"))
            .collect();
        assert_eq!(own.cloned().collect::<Vec<_>>(), expected);
    }
}

/// Each round kills a server somewhere: between two questions, or in the middle of one. `EZROUTER_TEST_ROUNDS=1000` tries
/// more often.
#[tokio::test]
async fn a_server_that_is_killed_loses_nothing_but_its_end() {
    let gateway = Standin::start(Script::always(Answer::text("Words.")))
        .await
        .unwrap();
    let state = tempdir().unwrap();
    let settings = json!({"history": {"max_bytes": 2_000}, "context": {"max_bytes": 0}});
    let mut random = fastrand::Rng::with_seed(7);
    let (mut earlier, mut lost) = (0, [0; 4]);
    for round in 0..number("EZROUTER_TEST_ROUNDS", 25) {
        let command = program(&gateway, state.path());
        let mut server = Server::with(command, FOLDER, &settings).await;
        let (certain, more) = (random.usize(0..4), random.usize(0..4));
        let mut done = 0;
        for _ in 0..certain {
            server.ask(&format!("{round}: {done}?")).await;
            done += 1;
        }
        // What is listed is written.
        server.listed().await;
        for _ in 0..more {
            server.ask(&format!("{round}: {done}?")).await;
            done += 1;
        }
        if random.bool() {
            let running = server.begin("ask", URI, &format!("{round}: {done}?")).await;
            assert!(!running.is_empty());
        }
        server.kill().await;
        let written = written(state.path());
        let own = written.get(earlier..).expect("nothing of earlier is lost");
        let expected: Vec<String> = (0..own.len())
            .map(|number| format!("{round}: {number}?"))
            .collect();
        assert_eq!(own, expected, "there is no gap");
        assert!(certain <= own.len() && own.len() <= done + 1, "{own:?}");
        lost[done.saturating_sub(own.len())] += 1;
        earlier = written.len();
    }
    println!("rounds that have lost 0, 1, 2, 3 turns that were told to be done: {lost:?}");
}
