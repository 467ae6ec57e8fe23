//! The place of the database: a file in the state directory that is the user's alone, with those that SQLite keeps beside
//! it. What is in it is not looked at here.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::problem::{Cause, Problem};
use crate::config::make_private_directory;

/// The file below the state directory. An absolute path, so that SQLite never takes it for a URI.
pub(super) fn path(directory: &Path) -> PathBuf {
    let path = directory.join("history.db");
    std::path::absolute(&path).unwrap_or(path)
}

/// Makes the file if need be, and takes away what other users may do with it; gives its path.
pub(super) fn make(directory: &Path) -> Result<PathBuf, Problem> {
    make_private_directory(directory).map_err(|error| problem(directory, &error))?;
    let path = path(directory);
    match make_private(&path) {
        Ok(()) => Ok(path),
        // SQLite could not even read it: for that it makes files beside it.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && path.is_file() => {
            Err(Problem {
                place: Some(path),
                cause: Cause::ReadOnly,
            })
        }
        Err(error) => Err(problem(&path, &error)),
    }
}

/// Whether there is a file.
pub(super) fn exists(directory: &Path) -> Result<bool, Problem> {
    let path = path(directory);
    path.try_exists().map_err(|error| problem(&path, &error))
}

/// What the file and those beside it take, in bytes.
pub(super) fn size(directory: &Path) -> u64 {
    let files = beside(&path(directory)).into_iter();
    files
        .filter_map(|path| fs::metadata(path).ok())
        .map(|metadata| metadata.len())
        .sum()
}

/// SQLite gives new files beside the database the mode of the database itself.
fn make_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    drop(options.open(path)?);
    #[cfg(unix)]
    for path in beside(path) {
        use std::os::unix::fs::PermissionsExt as _;
        if let Ok(metadata) = fs::metadata(&path)
            && metadata.permissions().mode() & 0o077 != 0
        {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        }
    }
    Ok(())
}

fn beside(path: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|suffix| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        name.into()
    })
}

fn problem(place: &Path, error: &io::Error) -> Problem {
    let cause = match error.kind() {
        io::ErrorKind::StorageFull => Cause::Full,
        _ => Cause::Place(error.to_string()),
    };
    Problem {
        place: Some(place.to_owned()),
        cause,
    }
}
