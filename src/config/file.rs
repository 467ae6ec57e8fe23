//! A settings file on disk: read when it has changed, within bounds that hold for a hostile one too. What it says is not
//! judged here.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::given::{Mistake, Table, from_toml};
use super::reader::MOST_PROBLEMS;

/// A larger file is not read: nobody writes so many settings, and a project's file may come from anybody.
pub(super) const LARGEST: u64 = 256 << 10;

/// A settings file and what it said when it was last read.
#[derive(Debug)]
pub(super) struct SettingsFile {
    path: PathBuf,
    /// The directory that a project's file must not lead out of.
    within: Option<PathBuf>,
    /// As the file was when it was read; `None` if there was none.
    stamp: Option<Stamp>,
    pub(super) table: Table,
    pub(super) mistakes: Vec<Mistake>,
}

/// What changes when a file does.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
}

impl SettingsFile {
    /// Reads the user's file.
    pub(super) fn of_user(path: PathBuf) -> Self {
        Self::new(path, None)
    }

    /// Reads the file of the project in `folder`.
    pub(super) fn of_project(folder: &Path) -> Self {
        Self::new(
            folder.join(super::layers::PROJECT_FILE),
            Some(folder.to_owned()),
        )
    }

    fn new(path: PathBuf, within: Option<PathBuf>) -> Self {
        let mut file = Self {
            path,
            within,
            stamp: None,
            table: Table::new(),
            mistakes: Vec::new(),
        };
        file.read(stamp(&file.path));
        file
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it was there when it was read.
    pub(super) fn exists(&self) -> bool {
        self.stamp.is_some()
    }

    /// Reads it again if it has changed; says whether it had. One look at the disk if not.
    pub(super) fn refresh(&mut self) -> bool {
        let stamp = stamp(&self.path);
        if stamp == self.stamp {
            return false;
        }
        self.read(stamp);
        true
    }

    /// A file that is not there is empty.
    fn read(&mut self, stamp: Option<Stamp>) {
        (self.table, self.mistakes) = match &stamp {
            None => (Table::new(), Vec::new()),
            Some(_) => match contents(&self.path, self.within.as_deref()) {
                Ok(text) => from_toml(&text, MOST_PROBLEMS),
                Err(mistake) => (Table::new(), vec![mistake]),
            },
        };
        self.stamp = stamp;
    }
}

/// `None` if there is no file.
fn stamp(path: &Path) -> Option<Stamp> {
    match fs::metadata(path) {
        Ok(metadata) => Some(Stamp {
            length: metadata.len(),
            modified: metadata.modified().ok(),
        }),
        Err(error) => match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => None,
            // It is there, and reading it says what is wrong.
            _ => Some(Stamp {
                length: 0,
                modified: None,
            }),
        },
    }
}

fn contents(path: &Path, within: Option<&Path>) -> Result<String, Mistake> {
    let ignored = |why: &str| (None, format!("{why}; it was ignored"));
    let unreadable = |error: io::Error| ignored(&format!("it cannot be read ({error})"));
    // Asked before it is opened: opening a pipe would wait for somebody to write into it.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(ignored("it is not a file"));
    }
    if let Some(folder) = within {
        let (path, folder) = (fs::canonicalize(path), fs::canonicalize(folder));
        let (path, folder) = (path.map_err(unreadable)?, folder.map_err(unreadable)?);
        if !path.starts_with(folder) {
            return Err(ignored("it is a link that leads out of the workspace"));
        }
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if LARGEST < bytes.len() as u64 {
        return Err(ignored(&format!("it is larger than {} KiB", LARGEST >> 10)));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let breaks = error
            .as_bytes()
            .iter()
            .take(valid)
            .filter(|byte| **byte == b'\n');
        (
            Some(breaks.count() + 1),
            "it is not UTF-8; it was ignored".to_owned(),
        )
    })?;
    Ok(text)
}
