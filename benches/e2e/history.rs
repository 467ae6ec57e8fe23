//! The history: how fast turns are written, what they take on disk, and what a long past takes in memory.

use std::path::Path;
use std::time::{Duration, Instant};

use ezrouter_lsp::action::Kind;
use ezrouter_lsp::conversation::{Record, Turn};
use ezrouter_lsp::gateway::signal::Usage;
use ezrouter_lsp::gateway::surface::Surface;
use ezrouter_lsp::offline::{Answer, Script, Standin};
use ezrouter_lsp::store::{Change, Home, Policy, Problem, Store, Window};
use serde_json::json;
use tempfile::{TempDir, tempdir};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::{Server, URI};

const TURNS: u32 = 1_000;
/// So long are a question with the code around it and an answer, in bytes.
const QUESTION: usize = 4_000;
const ANSWER: usize = 1_500;

pub(crate) async fn measure() {
    let directory = tempdir().unwrap();
    let begun = Instant::now();
    let (store, mut problems) = open(directory.path());
    for number in 0..TURNS {
        store.write(turn(number));
        store.settled().await;
    }
    let each = begun.elapsed();
    let open_bytes = store.report().await.bytes;
    drop(store);
    // The end of the thread, which closes the file.
    assert_eq!(problems.recv().await, None);
    let bytes = std::fs::metadata(directory.path().join("history.db"))
        .unwrap()
        .len();
    let other = tempdir().unwrap();
    let begun = Instant::now();
    let (store, _problems) = open(other.path());
    for number in 0..TURNS {
        store.write(turn(number));
    }
    store.settled().await;
    let together = begun.elapsed();
    let per_second = |took: Duration| f64::from(TURNS) / took.as_secs_f64();
    println!(
        "turns of {} bytes written: {:.0} a second one by one, {:.0} a second at once; {TURNS} take {:.1} MB on disk, {:.1} MB with \
         what is still beside the file",
        QUESTION + ANSWER,
        per_second(each),
        per_second(together),
        bytes as f64 / 1e6,
        open_bytes as f64 / 1e6
    );
    let (with, took) = one_more(directory).await;
    let (without, _) = one_more(tempdir().unwrap()).await;
    println!(
        "resident memory after a question: {:.1} MB behind {TURNS} turns (which took {took:.1?}), {:.1} MB behind none",
        with as f64 / 1e3,
        without as f64 / 1e3
    );
}

fn open(directory: &Path) -> (Store, UnboundedReceiver<Problem>) {
    let policy = Policy {
        persist: true,
        keep: Duration::MAX,
    };
    Store::new(Some(directory.to_owned()), policy)
}

fn turn(number: u32) -> Change {
    let home = Home {
        conversation: "bench".to_owned(),
        workspace: String::new(),
        alone: false,
    };
    let id = i64::from(number);
    let turn = Turn {
        id,
        question: format!("{number} ").repeat(QUESTION / format!("{number} ").len()),
        answer: format!("{number}\n").repeat(ANSWER / format!("{number}\n").len()),
        document: URI.to_owned(),
    };
    let record = Box::new(Record {
        turn,
        kind: Kind::Ask,
        title: "Explain".to_owned(),
        path: "bench.txt".to_owned(),
        lines: (1, 40),
        model: "bench".to_owned(),
        surface: Surface::OpenAi,
        time: ezrouter_lsp::store::now(),
        usage: Some(Usage::default()),
        seconds: 3,
    });
    // As a server notes it whose window holds the last 40 turns.
    let window = Window::From(id.saturating_sub(40).max(0));
    Change::Turn {
        home,
        record,
        window,
    }
}

/// Asks one question; gives the memory of the server in KB, and how long the answer took.
async fn one_more(state: TempDir) -> (u64, Duration) {
    let standin = Standin::start(Script::always(Answer::text("Yes.")))
        .await
        .unwrap();
    let mut server = Server::with_history(&standin, state).await;
    server.open("one\ntwo\n");
    let range = json!({"start": {"line": 0, "character": 0}, "end": {"line": 1, "character": 0}});
    let argument = json!({"uri": URI, "range": range, "question": "Really?"});
    let begun = Instant::now();
    server.command("ezrouter.ask", argument).await;
    assert_eq!(server.until_state(&["done", "failed"]).await, "done");
    let took = begun.elapsed();
    (server.memory(), took)
}
