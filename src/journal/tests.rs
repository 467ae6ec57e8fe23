//! Entries on a real disk: what is written is found, what is held or damaged is not.

use super::*;
use crate::text::Span;

const URI: &str = "file:///a%20b.py";

fn start(uri: &str) -> Start {
    let text = ropey::Rope::from_str("above\nold\nbelow\n");
    Start::new(uri.to_owned(), "Fix".to_owned(), &text, Span::new(6, 10))
}

fn journal(directory: &Path) -> Journal {
    Journal::new(Some(directory.to_owned()))
}

/// A journal that has written an entry and died: nothing holds its lock any more.
async fn leave_behind(directory: &Path, uri: &str) {
    let journal = journal(directory);
    journal.begin("1", start(uri));
    journal.reply("1", "new ");
    journal.reply("1", "text\n");
    journal.complete("1");
    journal.release("1");
    assert_eq!(journal.settled().await, None);
}

#[tokio::test]
async fn what_a_dead_server_leaves_is_found_whatever_the_spelling_of_the_uri() {
    let directory = tempfile::tempdir().unwrap();
    leave_behind(directory.path(), URI).await;
    leave_behind(directory.path(), "file:///other.py").await;
    let journal = journal(directory.path());
    let found = journal.look("file:///a b.py").await;
    assert_eq!(found.len(), 1, "{found:?}");
    let interrupted = &found[0].interrupted;
    assert_eq!(
        (
            interrupted.reply.as_str(),
            interrupted.complete,
            &interrupted.start
        ),
        ("new text\n", true, &start(URI))
    );
    assert!(
        self::journal(directory.path()).look(URI).await.is_empty(),
        "it is offered once"
    );
    journal.remove(&found[0].name);
    assert_eq!(journal.settled().await, None);
    assert!(self::journal(directory.path()).look(URI).await.is_empty());
}

#[tokio::test]
async fn what_a_living_server_holds_is_not_found() {
    let directory = tempfile::tempdir().unwrap();
    let alive = journal(directory.path());
    alive.begin("1", start(URI));
    assert_eq!(alive.settled().await, None);
    let other = journal(directory.path());
    assert!(other.look(URI).await.is_empty());
    alive.release("1");
    alive.settled().await;
    assert_eq!(other.look(URI).await.len(), 1);
}

#[tokio::test]
async fn a_damaged_entry_is_read_as_far_as_it_goes_or_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    leave_behind(directory.path(), URI).await;
    let path = entries(&directory.path().join("journal")).remove(0);
    let whole = fs::read(&path).unwrap();
    let first = whole.iter().position(|byte| *byte == b'\n').unwrap();
    for length in 0..whole.len() {
        let read = parse(&whole[..length]);
        assert_eq!(read.is_some(), first < length, "{length}");
        if let Some(read) = read {
            assert!(
                "new text\n".starts_with(&read.reply) && !read.complete,
                "{length}"
            );
        }
    }
    fs::write(&path, b"{\"rewrite_9\":{}}\n").unwrap();
    assert!(journal(directory.path()).look(URI).await.is_empty());
    assert!(path.exists(), "what is not understood is not removed");
}

#[tokio::test]
async fn a_journal_that_cannot_be_kept_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    for broken in [Some(file), None] {
        let journal = Journal::new(broken);
        journal.begin("1", start(URI));
        journal.reply("1", "new");
        assert!(journal.settled().await.is_some());
        assert_eq!(journal.settled().await, None, "once");
        assert!(journal.look(URI).await.is_empty());
    }
}

#[cfg(unix)]
#[tokio::test]
async fn entries_are_private_and_old_ones_go() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().join("state");
    leave_behind(&state, URI).await;
    let path = entries(&state.join("journal")).remove(0);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(&state)), (0o600, 0o700));
    let old = SystemTime::now() - KEPT - Duration::from_secs(60);
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_modified(old)
        .unwrap();
    assert!(journal(&state).look(URI).await.is_empty());
    assert!(!path.exists());
}
