//! Files that show something to the user, such as a diff: in the state directory, readable by the user alone, and gone after
//! a day. What they show is made elsewhere.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::config::make_private_directory;

/// How long a view is kept.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Where a view called `name` is kept below the state directory.
pub fn path(state_directory: &Path, name: &str) -> PathBuf {
    state_directory.join("views").join(name)
}

/// Writes a view to a [`path`], and removes those that are older than a day. Blocks.
///
/// # Errors
/// That of the directory or the file.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    let Some(directory) = path.parent() else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    make_private_directory(directory)?;
    remove_old(directory, SystemTime::now());
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    io::Write::write_all(&mut options.open(path)?, text.as_bytes())
}

/// Removes the views below the state directory that are older than a day. Blocks.
pub fn clean(state_directory: &Path) {
    remove_old(&state_directory.join("views"), SystemTime::now());
}

/// What cannot be read or removed stays: another server may be at it too.
fn remove_old(directory: &Path, now: SystemTime) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let age = entry
            .metadata()
            .and_then(|metadata| metadata.modified())
            .ok()
            .and_then(|modified| now.duration_since(modified).ok());
        if age.is_some_and(|age| KEPT < age) {
            fs::remove_file(entry.path()).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_is_private_and_gone_after_a_day() {
        let directory = tempfile::tempdir().unwrap();
        let (old, new) = (
            path(directory.path(), "1.diff"),
            path(directory.path(), "2.diff"),
        );
        write(&old, "old").unwrap();
        let yesterday = SystemTime::now() - KEPT - Duration::from_secs(60);
        let file = fs::File::options().write(true).open(&old).unwrap();
        file.set_modified(yesterday).unwrap();
        write(&new, "longer than before").unwrap();
        write(&new, "new").unwrap();
        assert!(!old.exists());
        let other = fs::File::create(&old).unwrap();
        other.set_modified(yesterday).unwrap();
        clean(directory.path());
        assert!(!old.exists() && new.exists());
        assert_eq!(fs::read_to_string(&new).unwrap(), "new");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&new), mode(new.parent().unwrap())), (0o600, 0o700));
        }
    }
}
