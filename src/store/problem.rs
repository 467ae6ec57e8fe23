//! What can be wrong with the store, in words that say what to do. Who hears it, and what happens then, is decided elsewhere.

use std::path::PathBuf;

/// Why the store cannot be used. Nothing was deleted because of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.words())]
pub struct Problem {
    /// The file or the directory that it is about; `None` if there is no place for one.
    pub place: Option<PathBuf>,
    /// What is wrong.
    pub cause: Cause,
}

/// What is wrong with the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// There is no home directory.
    Homeless,
    /// The directory or the file cannot be made or opened; says why.
    Place(String),
    /// Another program holds it; this passes.
    Busy,
    /// A newer version has written it.
    Newer,
    /// It is no database, or a damaged one.
    Damaged(String),
    /// There is no room left.
    Full,
    /// It can be read only.
    ReadOnly,
    /// Anything else; says what.
    Other(String),
}

impl Problem {
    /// Whether it passes when another program goes on.
    pub fn is_busy(&self) -> bool {
        self.cause == Cause::Busy
    }

    fn words(&self) -> String {
        let place = self.place.as_ref().map_or_else(
            || "the history".to_owned(),
            |place| place.display().to_string(),
        );
        match &self.cause {
            Cause::Homeless => {
                "there is no home directory to keep the history in; set EZROUTER_STATE_DIR"
                    .to_owned()
            }
            Cause::Place(reason) => format!(
                "{place} cannot be used ({reason}); set EZROUTER_STATE_DIR to a directory of your own"
            ),
            Cause::Busy => format!("{place} is held by another program; close that"),
            Cause::Newer => {
                format!("{place} was written by a newer ezrouter-lsp; update this one")
            }
            Cause::Damaged(reason) => {
                format!("{place} is damaged ({reason}); move it away to begin a new one")
            }
            Cause::Full => format!("{place} cannot be written, the disk is full; make room"),
            Cause::ReadOnly => {
                format!("{place} cannot be written; make it and its directory writable for you")
            }
            Cause::Other(reason) => format!("{place} cannot be used: {reason}"),
        }
    }
}
