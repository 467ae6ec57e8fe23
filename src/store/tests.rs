//! The store on a real disk: what is written is read back, and whatever is wrong with the place is said once, costs nothing
//! that is there, and stops nobody.

use std::fs;
use std::sync::Barrier;

use proptest::prelude::*;
use rusqlite::Connection;
use tempfile::{TempDir, tempdir};
use tokio::sync::mpsc::UnboundedReceiver;

use super::*;
use crate::action::Kind;
use crate::conversation::Conversation;
use crate::gateway::surface::Surface;

const KEEP: Duration = Duration::from_secs(90 * 24 * 60 * 60);

fn policy(persist: bool) -> Policy {
    Policy {
        persist,
        keep: KEEP,
    }
}

fn keeper(directory: &Path) -> (Keeper, UnboundedReceiver<Problem>) {
    let (problems, told) = unbounded_channel();
    let mut keeper = Keeper::new(Some(directory.to_owned()), policy(true), problems);
    keeper.busy = Duration::from_millis(20);
    (keeper, told)
}

fn home(conversation: &str) -> Home {
    Home {
        conversation: conversation.to_owned(),
        workspace: "/project".to_owned(),
        alone: false,
    }
}

fn record(id: i64, question: &str, answer: &str) -> Record {
    Record {
        turn: Turn {
            id,
            question: question.to_owned(),
            answer: answer.to_owned(),
            document: format!("file:///{question}"),
        },
        kind: Kind::Ask,
        title: "Explain".to_owned(),
        path: "src/a.rs".to_owned(),
        lines: (3, 4),
        model: "m".to_owned(),
        surface: Surface::OpenAi,
        time: now(),
        usage: Some(Usage {
            input: 90,
            cached: 60,
            written: 20,
            output: 7,
            estimated: false,
        }),
        seconds: 3,
    }
}

fn turn(conversation: &str, id: i64) -> Change {
    Change::Turn {
        home: home(conversation),
        record: Box::new(record(id, &format!("q{id}"), "a")),
        window: Window::From(id),
    }
}

fn usage(model: &str, input: u64) -> Change {
    Change::Usage {
        model: model.to_owned(),
        usage: Usage {
            input,
            cached: input / 2,
            written: input / 4,
            output: 1,
            estimated: input < 5,
        },
        time: now(),
    }
}

fn ids(directory: &Path, conversation: &str) -> Vec<i64> {
    let archive = Archive::open(directory).unwrap();
    let turns = archive.map(|mut archive| archive.turns(conversation).unwrap());
    let turns = turns.unwrap_or_default().into_iter();
    turns.map(|(record, _)| record.turn.id).collect()
}

/// Everything below a directory, by name.
fn contents(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            let bytes = fs::read(entry.path()).unwrap_or_default();
            (entry.file_name().to_string_lossy().into_owned(), bytes)
        })
        .collect();
    found.sort();
    found
}

#[test]
fn a_turn_is_read_back_letter_for_letter() {
    let directory = tempdir().unwrap();
    let texts = [
        "",
        " \n",
        "a\0b",
        "é日本🦀\u{202e}",
        "x\r\ny\r",
        "'); DROP TABLE turns; --",
    ];
    let (mut keeper, mut told) = keeper(directory.path());
    let mut written = Vec::new();
    for (id, text) in (1..).zip(texts) {
        let record = Record {
            kind: if id % 2 == 0 {
                Kind::Ask
            } else {
                Kind::Rewrite
            },
            usage: (id % 3 != 0).then_some(Usage {
                estimated: id % 2 == 0,
                ..record(id, "", "").usage.unwrap()
            }),
            surface: if id % 4 < 2 {
                Surface::OpenAi
            } else {
                Surface::Anthropic
            },
            title: text.to_owned(),
            path: text.to_owned(),
            ..record(id, text, &text.repeat(100_000))
        };
        written.push(record.clone());
        let (home, record) = (home(text), Box::new(record));
        let window = Window::From(id);
        keeper.write(vec![Change::Turn {
            home,
            record,
            window,
        }]);
    }
    drop(keeper);
    let mut archive = Archive::open(directory.path()).unwrap().unwrap();
    for (record, text) in written.iter().zip(texts) {
        let found = archive.turns(text).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(&found[0].0, record);
    }
    assert!(told.try_recv().is_err(), "nothing is wrong");
}

#[test]
fn the_conversation_that_was_used_last_goes_on() {
    let directory = tempdir().unwrap();
    let (mut keeper, _) = keeper(directory.path());
    let begun = keeper.current("/project").unwrap();
    assert!(begun.turns.is_empty());
    let other = self::keeper(directory.path()).0.current("/project");
    assert_eq!(other, Some(begun), "two that begin it begin the same");
    let mut changes = vec![turn("old", 1), turn("new", 2)];
    let elsewhere = Home {
        workspace: "/elsewhere".to_owned(),
        ..home("elsewhere")
    };
    let alone = Home {
        alone: true,
        ..home("alone")
    };
    for (home, id) in [(elsewhere, 3), (alone, 4)] {
        let record = Box::new(record(id, "q", "a"));
        let window = Window::From(id);
        changes.push(Change::Turn {
            home,
            record,
            window,
        });
    }
    keeper.write(changes);
    let current = |keeper: &mut Keeper| {
        let past = keeper.current("/project").unwrap();
        let turns: Vec<i64> = past.turns.iter().map(|turn| turn.id).collect();
        (past.conversation, turns)
    };
    assert_eq!(current(&mut keeper), ("new".to_owned(), vec![2]));
    let time = now() + 1;
    keeper.write(vec![Change::Begin {
        home: home("empty"),
        time,
    }]);
    assert_eq!(current(&mut keeper), ("empty".to_owned(), vec![]));
    let Change::Turn {
        home, mut record, ..
    } = turn("old", 5)
    else {
        unreachable!()
    };
    record.time = time + 1;
    let window = Window::Unknown;
    keeper.write(vec![Change::Turn {
        home,
        record,
        window,
    }]);
    assert_eq!(current(&mut keeper), ("old".to_owned(), vec![1, 5]));
    keeper.write(vec![Change::Begin {
        home: self::home("again"),
        time: time + 2,
    }]);
    let listed = keeper.conversations().into_iter();
    let listed: Vec<_> = listed
        .map(|summary| (summary.conversation, summary.turns))
        .collect();
    let listed: Vec<_> = listed
        .iter()
        .map(|(id, turns)| (id.as_str(), *turns))
        .collect();
    assert_eq!(
        listed,
        [
            ("again", 0),
            ("old", 2),
            ("alone", 1),
            ("elsewhere", 1),
            ("new", 1)
        ],
        "one that was begun and never used is not kept"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A server that runs on, and one that is started anew before each turn.
    #[test]
    fn the_window_is_the_same_after_a_restart(
        steps in prop::collection::vec((0usize..40, 0u8..12), 0..40),
        max_bytes in 0usize..120,
    ) {
        let mut database = Database::in_memory().unwrap();
        let mut alive = Conversation::default();
        for (id, (length, event)) in (1..).zip(steps) {
            match event {
                // The last turn is tried again.
                0 => {
                    alive.forget(id - 1);
                    database.write(&[Change::Forget(id - 1)]).unwrap();
                }
                // The file that some turn is about is never sent any more.
                1 => {
                    let document = format!("file:///{}", "q".repeat(length));
                    let left = alive.forget_since(|about| about == document);
                    database.write(&[Change::Leave(left)]).unwrap();
                }
                _ => {}
            }
            let again = database.current("/project").unwrap().map_or_else(Vec::new, |past| past.turns);
            prop_assert_eq!(Conversation::resume(again, max_bytes).messages(), alive.messages());
            let record = record(id, &"q".repeat(length), "");
            alive.append(record.turn.clone(), max_bytes);
            let window = alive.first().map_or(Window::Behind, Window::From);
            let record = Box::new(record);
            database.write(&[Change::Turn { home: home("c"), record, window }]).unwrap();
        }
    }
}

#[test]
fn what_models_took_is_added_up_by_day_on_disk_and_in_memory() {
    let directory = tempdir().unwrap();
    let (mut keeper, _) = keeper(directory.path());
    keeper.write(vec![usage("a", 10), usage("b", 100), usage("a", 4)]);
    let Change::Usage {
        model,
        usage: tokens,
        ..
    } = usage("a", 1000)
    else {
        unreachable!()
    };
    let earlier = now() - 50 * 60 * 60 * 1000;
    keeper.write(vec![Change::Usage {
        model,
        usage: tokens,
        time: earlier,
    }]);
    let figures = |keeper: &mut Keeper| -> Vec<String> {
        let used = keeper.usage();
        assert!(
            used.is_sorted_by(|one, other| other.day <= one.day),
            "{used:?}"
        );
        let line = |used: &Used| {
            let Used {
                model,
                requests,
                input,
                cached,
                written,
                output,
                estimated,
                ..
            } = used;
            format!(
                "{model}: {requests} requests, {input} {cached} {written} {output}, {estimated} guessed"
            )
        };
        used.iter().map(line).collect()
    };
    let (a, old) = (
        "a: 2 requests, 14 7 3 2, 1 guessed",
        "a: 1 requests, 1000 500 250 1, 0 guessed",
    );
    assert_eq!(
        figures(&mut keeper),
        [a, "b: 1 requests, 100 50 25 1, 0 guessed", old]
    );
    // Held by another program: what is written meanwhile counts too.
    let other = Connection::open(file::path(directory.path())).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    keeper.write(vec![usage("b", 6), turn("c", 1)]);
    assert_eq!(
        figures(&mut keeper),
        [a, "b: 2 requests, 106 53 26 2, 0 guessed", old]
    );
    other.execute_batch("COMMIT").unwrap();
    keeper.write(vec![usage("b", 1)]);
    assert_eq!(
        figures(&mut keeper),
        [a, "b: 3 requests, 107 53 26 3, 1 guessed", old]
    );
}

#[test]
fn a_file_that_is_held_is_nothing_that_anybody_hears_of() {
    let directory = tempdir().unwrap();
    let (mut keeper, mut told) = keeper(directory.path());
    keeper.write(vec![turn("c", 1)]);
    let other = Connection::open(file::path(directory.path())).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    keeper.write(vec![turn("c", 2)]);
    keeper.write(vec![turn("d", 3)]);
    assert_eq!(ids(directory.path(), "c"), [1]);
    let listed = keeper.conversations().into_iter();
    let mut listed: Vec<_> = listed
        .map(|summary| (summary.conversation, summary.turns))
        .collect();
    listed.sort();
    assert_eq!(listed, [("c".to_owned(), 2), ("d".to_owned(), 1)]);
    other.execute_batch("COMMIT").unwrap();
    keeper.write(vec![turn("c", 4)]);
    assert_eq!(ids(directory.path(), "c"), [1, 2, 4]);
    assert_eq!(ids(directory.path(), "d"), [3]);
    assert!(told.try_recv().is_err());
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    for id in 5..10 {
        keeper.write(vec![turn("c", id)]);
    }
    assert!(
        told.try_recv().unwrap().is_busy(),
        "one that holds it for good is named"
    );
    assert!(told.try_recv().is_err(), "once");
}

/// Each place that cannot be used, with what is said of it.
fn unusable() -> Vec<(&'static str, TempDir, PathBuf, &'static str)> {
    let mut places = Vec::new();
    let mut place = |what, said, make: fn(&Path) -> PathBuf| {
        let directory = tempdir().unwrap();
        let state = make(directory.path());
        places.push((what, directory, state, said));
    };
    place("a file", "set EZROUTER_STATE_DIR", |directory| {
        let state = directory.join("state");
        fs::write(&state, "mine").unwrap();
        state
    });
    place("below a file", "set EZROUTER_STATE_DIR", |directory| {
        fs::write(directory.join("file"), "mine").unwrap();
        directory.join("file").join("state")
    });
    place(
        "a directory in its place",
        "set EZROUTER_STATE_DIR",
        |directory| {
            fs::create_dir(directory.join("history.db")).unwrap();
            directory.to_owned()
        },
    );
    place("another file in its place", "move it away", |directory| {
        fs::write(
            directory.join("history.db"),
            "mine, and no database at all\n".repeat(100),
        )
        .unwrap();
        directory.to_owned()
    });
    place("a damaged file", "move it away", |directory| {
        let (mut keeper, _) = keeper(directory);
        keeper.write((1..200).map(|id| turn("c", id)).collect());
        drop(keeper);
        let path = directory.join("history.db");
        let mut bytes = fs::read(&path).unwrap();
        bytes[4096..].fill(0x5a);
        fs::write(&path, bytes).unwrap();
        directory.to_owned()
    });
    place("a newer file", "update this one", |directory| {
        let connection = Connection::open(directory.join("history.db")).unwrap();
        let newer = "CREATE TABLE later (x); PRAGMA user_version = 99;";
        connection.execute_batch(newer).unwrap();
        directory.to_owned()
    });
    places
}

#[test]
fn a_place_that_cannot_be_used_is_said_once_and_left_as_it_is() {
    for (what, directory, state, said) in unusable() {
        let before = contents(directory.path());
        let (mut keeper, mut told) = keeper(&state);
        assert_eq!(keeper.current("/project"), None, "{what}");
        keeper.write(vec![turn("c", 1), usage("m", 10)]);
        keeper.write(vec![turn("c", 2)]);
        let problem = told.try_recv().unwrap().to_string();
        assert!(
            problem.contains(said) && problem.contains('/'),
            "{what}: {problem}"
        );
        assert!(told.try_recv().is_err(), "{what}: once");
        let report = keeper.report();
        assert_eq!(report.problem.unwrap().to_string(), problem, "{what}");
        assert_eq!(report.waiting, 3, "{what}");
        assert_eq!(
            keeper.conversations()[0].turns,
            2,
            "{what}: it goes on in memory"
        );
        assert_eq!(keeper.usage()[0].input, 10, "{what}");
        keeper.clean();
        drop(keeper);
        assert_eq!(contents(directory.path()), before, "{what}");
    }
}

#[test]
fn without_a_home_directory_it_works_in_memory() {
    let (problems, mut told) = unbounded_channel();
    let mut keeper = Keeper::new(None, policy(true), problems);
    assert_eq!(keeper.current("/project"), None);
    keeper.write(vec![turn("c", 1)]);
    assert_eq!(told.try_recv().unwrap().cause, Cause::Homeless);
    assert_eq!(keeper.conversations().len(), 1);
    assert_eq!(keeper.delete("c"), Ok(true));
    assert_eq!(keeper.delete("c"), Ok(false));
    assert!(keeper.waiting.is_empty());
}

#[test]
fn what_could_not_be_written_is_written_when_it_can_be() {
    let directory = tempdir().unwrap();
    let state = directory.path().join("state");
    fs::write(&state, "in the way").unwrap();
    let (mut keeper, mut told) = keeper(&state);
    keeper.write(vec![turn("c", 1)]);
    keeper.write(vec![turn("c", 2), Change::Forget(1)]);
    fs::remove_file(&state).unwrap();
    keeper.write(vec![turn("c", 3)]);
    assert_eq!(ids(&state, "c"), [2, 3]);
    assert_eq!(keeper.conversations()[0].turns, 2, "no turn counts twice");
    assert_eq!(keeper.report().problem, None);
    assert!(told.try_recv().is_ok());
}

#[test]
fn a_full_disk_keeps_what_it_has_and_takes_the_rest_later() {
    let directory = tempdir().unwrap();
    let (mut keeper, mut told) = keeper(directory.path());
    keeper.write(vec![turn("c", 1)]);
    keeper.disk.as_mut().unwrap().limit_pages(30);
    let mut id = 2;
    let problem = loop {
        let (home, record) = (home("c"), Box::new(record(id, &"long ".repeat(2_000), "a")));
        let window = Window::From(1);
        keeper.write(vec![Change::Turn {
            home,
            record,
            window,
        }]);
        id += 1;
        if let Ok(problem) = told.try_recv() {
            break problem;
        }
    };
    assert_eq!(problem.cause, Cause::Full);
    assert!(3 < id, "some found room");
    assert_eq!(ids(directory.path(), "c"), (1..id - 1).collect::<Vec<_>>());
    // The limit belonged to the connection, which was given up: now there is room.
    keeper.write(vec![turn("c", id)]);
    assert_eq!(ids(directory.path(), "c"), (1..=id).collect::<Vec<_>>());
}

#[test]
fn what_waits_in_memory_is_bounded() {
    let directory = tempdir().unwrap();
    let state = directory.path().join("state");
    fs::write(&state, "").unwrap();
    let (mut keeper, _told) = keeper(&state);
    for id in 0..12 {
        keeper.write(
            (0..100)
                .map(|number| turn("c", id * 100 + number))
                .collect(),
        );
    }
    assert_eq!(keeper.waiting.len(), 1_000);
    assert_eq!(keeper.conversations()[0].turns, 1_000);
}

#[test]
fn without_persistence_nothing_is_read_or_written() {
    let directory = tempdir().unwrap();
    let state = directory.path().join("state");
    let (mut first, _) = keeper(&state);
    first.set(policy(false));
    first.write(vec![turn("c", 1), usage("m", 1)]);
    assert_eq!(first.conversations().len(), 1);
    assert_eq!(first.report(), Report::default());
    first.clean();
    drop(first);
    assert!(!state.exists());

    let (mut second, _) = keeper(&state);
    second.write(vec![turn("kept", 2)]);
    second.set(policy(false));
    let before = contents(&state);
    assert_eq!(second.current("/project"), None);
    second.write(vec![turn("c", 3)]);
    assert_eq!(second.conversations().len(), 1);
    second.delete("kept").unwrap();
    assert_eq!(contents(&state), before);
    second.set(policy(true));
    second.write(vec![turn("kept", 4)]);
    assert_eq!(
        ids(&state, "kept"),
        [2, 4],
        "what was not to be kept never is"
    );
    assert_eq!(ids(&state, "c"), [0; 0]);
}

#[test]
fn old_turns_go_in_portions_and_empty_conversations_with_them() {
    let directory = tempdir().unwrap();
    let (mut keeper, _) = keeper(directory.path());
    let old = now() - i64::try_from(KEEP.as_millis()).unwrap() - 1_000;
    let aged = |conversation: &str, id, time| {
        let record = Box::new(Record {
            time,
            ..record(id, "q", "a")
        });
        let (home, window) = (home(conversation), Window::From(1));
        Change::Turn {
            home,
            record,
            window,
        }
    };
    keeper.write((0..450).map(|id| aged("old", id, old)).collect());
    keeper.write(vec![
        aged("both", 1_000, old),
        aged("both", 1_001, old + 60_000),
        usage("m", 1),
    ]);
    keeper.write(vec![turn("new", 2_000)]);
    let mut rounds = 0;
    while !ids(directory.path(), "old").is_empty() {
        keeper.clean();
        rounds += 1;
    }
    assert_eq!(rounds, 3);
    keeper.clean();
    assert_eq!(ids(directory.path(), "both"), [1_001]);
    assert_eq!(ids(directory.path(), "new"), [2_000]);
    assert_eq!(keeper.conversations().len(), 2);
    assert_eq!(keeper.usage().len(), 1, "token counts stay");
}

#[test]
fn what_is_deleted_cannot_be_found_in_the_file() {
    const SECRET: &[u8] = b"a very particular question";
    let holds = |directory: &Path| {
        let files = contents(directory).into_iter();
        files
            .map(|(_, bytes)| bytes)
            .any(|bytes| bytes.windows(SECRET.len()).any(|window| window == SECRET))
    };
    let directory = tempdir().unwrap();
    let (mut keeper, _) = keeper(directory.path());
    let question = String::from_utf8(SECRET.repeat(2_000)).unwrap();
    let record = Box::new(record(1, &question, "a"));
    let (home, window) = (home("secret"), Window::From(1));
    keeper.write(vec![
        Change::Turn {
            home,
            record,
            window,
        },
        turn("other", 2),
    ]);
    assert!(holds(directory.path()));
    let before = keeper.report().bytes;
    assert_eq!(keeper.delete("secret"), Ok(true));
    assert!(!holds(directory.path()));
    assert!(
        keeper.report().bytes + 40_000 < before,
        "its room is given back"
    );
    assert_eq!(ids(directory.path(), "other"), [2]);
    assert_eq!(
        Archive::open(directory.path()).unwrap().unwrap().clear(),
        Ok(1)
    );
    assert!(keeper.conversations().is_empty());
}

#[cfg(unix)]
#[test]
fn the_files_are_the_users_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempdir().unwrap();
    let state = directory.path().join("state");
    let (mut keeper, _) = keeper(&state);
    keeper.write(vec![turn("c", 1)]);
    let modes = || -> Vec<(String, u32)> {
        let names = contents(&state).into_iter().map(|(name, _)| name);
        names
            .map(|name| {
                let mode = fs::metadata(state.join(&name))
                    .unwrap()
                    .permissions()
                    .mode();
                (name, mode & 0o777)
            })
            .collect()
    };
    let private =
        ["history.db", "history.db-shm", "history.db-wal"].map(|name| (name.to_owned(), 0o600));
    assert_eq!(modes(), private);
    assert_eq!(
        fs::metadata(&state).unwrap().permissions().mode() & 0o777,
        0o700
    );
    for (name, _) in private.clone() {
        fs::set_permissions(state.join(name), fs::Permissions::from_mode(0o644)).unwrap();
    }
    assert_eq!(ids(&state, "c"), [1]);
    assert_eq!(modes(), private, "a file that others could read");
}

#[test]
fn many_may_make_the_file_at_the_same_time() {
    for _ in 0..5 {
        let directory = tempdir().unwrap();
        let start = Barrier::new(8);
        std::thread::scope(|scope| {
            for id in 0..8 {
                let (start, directory) = (&start, directory.path());
                scope.spawn(move || {
                    start.wait();
                    let mut database = Database::open(directory, keeper::BUSY).unwrap();
                    database.write(&[turn("c", id)]).unwrap();
                });
            }
        });
        let mut found = ids(directory.path(), "c");
        found.sort_unstable();
        assert_eq!(found, [0, 1, 2, 3, 4, 5, 6, 7]);
    }
}

#[tokio::test]
async fn the_thread_deletes_old_turns_when_it_is_told_and_has_nothing_else_to_do() {
    let directory = tempdir().unwrap();
    let old = record(1, "q", "a");
    let old = Box::new(Record { time: 0, ..old });
    let (store, _told) = Store::new(Some(directory.path().to_owned()), policy(true));
    let (home, window) = (home("old"), Window::From(1));
    store.write(Change::Turn {
        home,
        record: old,
        window,
    });
    store.write(turn("new", 2));
    store.settled().await;
    assert_eq!(store.conversations().await.len(), 2);
    store.clean();
    while store.conversations().await.len() != 1 {}
    assert_eq!(ids(directory.path(), "new"), [2]);
}

#[tokio::test]
async fn the_thread_does_what_it_is_asked_for_in_order() {
    let directory = tempdir().unwrap();
    let (store, mut told) = Store::new(Some(directory.path().to_owned()), policy(true));
    store.write(turn("c", 1));
    store.write(usage("m", 5));
    assert_eq!(store.current("/project").await.unwrap().conversation, "c");
    assert_eq!(store.conversations().await.len(), 1);
    assert_eq!(store.usage().await[0].input, 5);
    assert_eq!(store.delete("c").await, Ok(true));
    for id in 2..500 {
        store.write(turn("d", id));
    }
    store.settled().await;
    assert_eq!(ids(directory.path(), "d").len(), 498);
    let report = store.report().await;
    assert_eq!((report.waiting, report.problem), (0, None));
    assert!(0 < report.bytes);
    assert_eq!(report.path, Some(file::path(directory.path())));
    drop(store);
    assert_eq!(
        told.recv().await,
        None,
        "the thread ends with its last handle"
    );
}
