//! The database file: its tables, and every statement that reads or writes them. The only file that names `rusqlite`. It
//! blocks; who waits for it, and what happens when it cannot be used, is the store's business.

mod rows;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension as _, Transaction, TransactionBehavior,
    params,
};

use self::rows::{count, number, record, turn};
use super::file;
use super::problem::{Cause, Problem};
use super::{Change, Home, Past, Summary, Used};
use crate::conversation::{Record, Turn};

/// Each step leads from one version of the tables to the next; the file's `user_version` counts the steps that were taken.
const STEPS: &[&str] = &[
    include_str!("database/1.sql"),
    include_str!("database/2.sql"),
];

/// So many turns are deleted at once, so that a long deletion holds nobody up.
const PORTION: usize = 200;

/// An open database.
pub(super) struct Database {
    connection: Connection,
    path: Option<PathBuf>,
}

impl Database {
    /// Opens the file, made if need be, readable by the user alone. The opening, and each statement from then on, waits for
    /// other programs as long as `busy` says.
    pub(super) fn open(directory: &Path, busy: Duration) -> Result<Self, Problem> {
        let path = file::make(directory)?;
        let begun = Instant::now();
        loop {
            match Self::try_open(&path, busy) {
                // Two that open a new file at the same time may meet where SQLite does not wait of itself.
                Err(problem) if problem.is_busy() && begun.elapsed() < busy => {
                    std::thread::sleep(Duration::from_millis(fastrand::u64(1..=20)));
                }
                outcome => return outcome,
            }
        }
    }

    /// Opens the file if there is one.
    pub(super) fn open_existing(directory: &Path, busy: Duration) -> Result<Option<Self>, Problem> {
        if file::exists(directory)? {
            Self::open(directory, busy).map(Some)
        } else {
            Ok(None)
        }
    }

    /// A database that is gone with its last user.
    pub(super) fn in_memory() -> Result<Self, Problem> {
        let connection = Connection::open_in_memory().map_err(|error| problem(None, &error))?;
        let mut database = Self {
            connection,
            path: None,
        };
        database.migrate()?;
        Ok(database)
    }

    fn try_open(path: &Path, busy: Duration) -> Result<Self, Problem> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)
            .map_err(|error| problem(Some(path), &error))?;
        let mut database = Self {
            connection,
            path: Some(path.to_owned()),
        };
        database.prepare(busy)?;
        database.migrate()?;
        Ok(database)
    }

    /// What is written is safe from the death of this program at once. The end of the power can take what the system has not
    /// put on the disk by then, some seconds; waiting for the disk at each turn would leave those behind it to a death of
    /// the program, which is more common (`synchronous`). What is deleted cannot be found in the file (`secure_delete`),
    /// and its room goes back (`auto_vacuum`; it is set in a new file only, since it writes).
    fn prepare(&mut self, busy: Duration) -> Result<(), Problem> {
        self.run(|connection| connection.busy_timeout(busy))?;
        if STEPS.len() < self.version()? {
            return Err(self.problem(Cause::Newer));
        }
        if self.version()? == 0 {
            self.run(|connection| connection.execute_batch("PRAGMA auto_vacuum = INCREMENTAL"))?;
        }
        self.run(|connection| {
            connection.execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON;
                 PRAGMA foreign_keys = ON; PRAGMA cache_size = -512;",
            )
        })
    }

    fn version(&self) -> Result<usize, Problem> {
        let version = self.run(|connection| {
            connection.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))
        })?;
        Ok(usize::try_from(version).unwrap_or(usize::MAX))
    }

    fn migrate(&mut self) -> Result<(), Problem> {
        if self.version()? == STEPS.len() {
            return Ok(());
        }
        self.transaction(|transaction| {
            // Another server may have been faster.
            let version: i64 =
                transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
            for step in STEPS
                .iter()
                .skip(usize::try_from(version).unwrap_or_default())
            {
                transaction.execute_batch(step)?;
            }
            transaction.pragma_update(None, "user_version", number(STEPS.len()))
        })
    }

    /// Writes all of this, or nothing.
    pub(super) fn write(&mut self, changes: &[Change]) -> Result<(), Problem> {
        self.transaction(|transaction| {
            changes
                .iter()
                .try_for_each(|change| rows::write(transaction, change))
        })
    }

    /// Writes what stands there already. The first write makes a file beside the database, and waits for the disk.
    pub(super) fn warm_up(&mut self) -> Result<(), Problem> {
        self.transaction(|transaction| {
            transaction.pragma_update(None, "user_version", number(STEPS.len()))
        })
    }

    /// The conversation of a workspace that was used last, with the turns of its window.
    pub(super) fn current(&mut self, workspace: &str) -> Result<Option<Past>, Problem> {
        self.read(|transaction| {
            let newest = "SELECT id, first FROM conversations WHERE workspace = ? AND NOT alone
                          ORDER BY updated DESC, rowid DESC LIMIT 1";
            let found = transaction
                .query_row(newest, [workspace], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let Some((conversation, first)): Option<(String, i64)> = found else {
                return Ok(None);
            };
            let turns = window(transaction, &conversation, first)?;
            Ok(Some(Past {
                conversation,
                turns,
            }))
        })
    }

    /// A conversation by its id, with the turns of its window.
    pub(super) fn find(&mut self, conversation: &str) -> Result<Option<(Home, Past)>, Problem> {
        self.read(|transaction| {
            let named = "SELECT workspace, alone, first FROM conversations WHERE id = ?";
            let found = transaction
                .query_row(named, [conversation], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })
                .optional()?;
            let Some((workspace, alone, first)): Option<(String, bool, i64)> = found else {
                return Ok(None);
            };
            let conversation = conversation.to_owned();
            let turns = window(transaction, &conversation, first)?;
            let home = Home {
                conversation: conversation.clone(),
                workspace,
                alone,
            };
            Ok(Some((
                home,
                Past {
                    conversation,
                    turns,
                },
            )))
        })
    }

    /// All conversations, the one that was used last first.
    pub(super) fn conversations(&mut self) -> Result<Vec<Summary>, Problem> {
        self.read(|transaction| {
            let mut statement = transaction.prepare(
                "SELECT conversations.id, workspace, conversations.title, strftime('%Y-%m-%dT%H:%M:%SZ', created / 1000, 'unixepoch'),
                     strftime('%Y-%m-%dT%H:%M:%SZ', updated / 1000, 'unixepoch'),
                     strftime('%Y-%m-%d %H:%M', updated / 1000, 'unixepoch', 'localtime'), count(turns.id)
                 FROM conversations LEFT JOIN turns ON turns.conversation = conversations.id
                 GROUP BY conversations.id ORDER BY updated DESC, conversations.rowid DESC",
            )?;
            let summaries = statement.query_map([], |row| {
                Ok(Summary {
                    conversation: row.get(0)?,
                    workspace: row.get(1)?,
                    title: row.get(2)?,
                    created: row.get(3)?,
                    updated: row.get(4)?,
                    when: row.get(5)?,
                    turns: count(row.get(6)?),
                })
            })?;
            summaries.collect()
        })
    }

    /// The turns of a conversation, each with its time on this computer's clock.
    pub(super) fn turns(&mut self, conversation: &str) -> Result<Vec<(Record, String)>, Problem> {
        self.read(|transaction| {
            let mut statement = transaction.prepare(
                "SELECT name, question, answer, document, kind, title, path, first_line, last_line, model, surface, time, input, cached,
                     written, output, estimated, seconds, strftime('%Y-%m-%d %H:%M', time / 1000, 'unixepoch', 'localtime')
                 FROM turns WHERE conversation = ? ORDER BY id",
            )?;
            let turns = statement.query_map([conversation], |row| Ok((record(row)?, row.get(18)?)))?;
            turns.collect()
        })
    }

    /// The last answers about a document, at most so many, the newest first.
    pub(super) fn answers(&mut self, document: &str, most: usize) -> Result<Vec<Record>, Problem> {
        self.read(|transaction| {
            // What is named beside it stands behind a line break.
            let mut statement = transaction.prepare(
                "SELECT name, question, answer, document, kind, title, path, first_line, last_line, model, surface, time, input, cached,
                     written, output, estimated, seconds
                 FROM turns WHERE (document = ?1 OR ?1 || char(10) <= document AND document < ?1 || char(11)) AND kind = 'ask'
                 ORDER BY id DESC LIMIT ?2",
            )?;
            let answers = statement.query_map(params![document, number(most)], record)?;
            answers.collect()
        })
    }

    /// Deletes a conversation; gives whether there was one.
    pub(super) fn delete(&mut self, conversation: &str) -> Result<bool, Problem> {
        let deleted = self.transaction(|transaction| {
            transaction.execute("DELETE FROM conversations WHERE id = ?", [conversation])
        })?;
        self.give_back_room();
        Ok(0 < deleted)
    }

    /// Deletes all conversations; gives how many there were.
    pub(super) fn clear(&mut self) -> Result<u64, Problem> {
        let deleted =
            self.transaction(|transaction| transaction.execute("DELETE FROM conversations", []))?;
        self.give_back_room();
        Ok(deleted as u64)
    }

    /// Deletes a portion of the turns from before a moment, in milliseconds since 1970 (UTC), and at last the conversations that have none left.
    /// Gives whether there is more to delete.
    pub(super) fn delete_before(&mut self, time: i64) -> Result<bool, Problem> {
        let deleted = self.transaction(|transaction| {
            let old = "DELETE FROM turns WHERE id IN (SELECT id FROM turns WHERE time < ? LIMIT ?)";
            let turns = transaction.execute(old, params![time, number(PORTION)])?;
            let empty = "DELETE FROM conversations WHERE updated < ?
                         AND NOT EXISTS (SELECT 1 FROM turns WHERE conversation = conversations.id)";
            Ok((turns, transaction.execute(empty, [time])?))
        })?;
        let more = deleted.0 == PORTION;
        if !more && deleted != (0, 0) {
            self.give_back_room();
        }
        Ok(more)
    }

    /// Keeps so many of the newest turns.
    pub(super) fn keep_newest(&mut self, turns: usize) -> Result<(), Problem> {
        self.run(|connection| {
            let old = "DELETE FROM turns WHERE id <= (SELECT max(id) FROM turns) - ?";
            connection.execute(old, [number(turns)]).map(drop)
        })
    }

    /// What each model took on each day, the newest first.
    pub(super) fn usage(&mut self) -> Result<Vec<Used>, Problem> {
        self.read(|transaction| {
            let mut statement = transaction.prepare(
                "SELECT day, model, requests, input, cached, written, output, estimated FROM usage ORDER BY day DESC, model",
            )?;
            let rows = statement.query_map([], |row| {
                Ok(Used {
                    day: row.get(0)?,
                    model: row.get(1)?,
                    requests: count(row.get(2)?),
                    input: count(row.get(3)?),
                    cached: count(row.get(4)?),
                    written: count(row.get(5)?),
                    output: count(row.get(6)?),
                    estimated: count(row.get(7)?),
                })
            })?;
            rows.collect()
        })
    }

    /// Lets the file grow no further, as a full disk does.
    #[cfg(test)]
    pub(super) fn limit_pages(&self, pages: u32) {
        let limited = self.connection.pragma_update(None, "max_page_count", pages);
        assert!(limited.is_ok());
    }

    /// Shrinks the file after a deletion. What fails here is made up for by the next deletion.
    fn give_back_room(&self) {
        let shrunk = self
            .connection
            .execute_batch("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE);");
        if let Err(error) = shrunk {
            tracing::debug!("the history's file is not shrunk: {error}");
        }
    }

    fn transaction<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, Problem> {
        // Immediate: one that begins by reading and then finds the file written by another cannot go on.
        self.within(TransactionBehavior::Immediate, work)
    }

    fn read<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, Problem> {
        self.within(TransactionBehavior::Deferred, work)
    }

    fn within<T>(
        &mut self,
        behavior: TransactionBehavior,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, Problem> {
        let done = self
            .connection
            .transaction_with_behavior(behavior)
            .and_then(|transaction| {
                let result = work(&transaction)?;
                transaction.commit()?;
                Ok(result)
            });
        done.map_err(|error| problem(self.path.as_deref(), &error))
    }

    fn run<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Problem> {
        work(&self.connection).map_err(|error| problem(self.path.as_deref(), &error))
    }

    fn problem(&self, cause: Cause) -> Problem {
        Problem {
            place: self.path.clone(),
            cause,
        }
    }
}

/// The turns of a conversation's window, which begins with the row `first`.
fn window(
    transaction: &Transaction<'_>,
    conversation: &str,
    first: i64,
) -> rusqlite::Result<Vec<Turn>> {
    let mut window = transaction.prepare(
        "SELECT name, question, answer, document FROM turns
         WHERE conversation = ? AND ? <= id AND NOT outside ORDER BY id",
    )?;
    let turns = window.query_map(params![conversation, first], turn)?;
    turns.collect()
}

fn problem(place: Option<&Path>, error: &rusqlite::Error) -> Problem {
    let words = || error.to_string();
    let cause = match error.sqlite_error_code() {
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::FileLockingProtocolFailed,
        ) => Cause::Busy,
        Some(ErrorCode::DiskFull) => Cause::Full,
        Some(ErrorCode::ReadOnly) => Cause::ReadOnly,
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Cause::Damaged(words()),
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => Cause::Place(words()),
        _ => Cause::Other(words()),
    };
    Problem {
        place: place.map(Path::to_owned),
        cause,
    }
}
