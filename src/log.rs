//! The log file: readable by its owner alone, and never longer than a bound, beyond which it becomes the old one. What is
//! logged (sizes, times, request ids, never text) is decided where it happens.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::config::make_private_directory;

/// A file that is longer becomes the old one.
const LARGEST: u64 = 4 << 20;

/// A file that several servers may write to at once, each line in one piece.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    largest: u64,
    file: Mutex<File>,
}

impl LogFile {
    /// Opens a file for writing at its end, and makes it and its directory if need be.
    ///
    /// # Errors
    /// That of the directory or the file.
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::with_largest(path, LARGEST)
    }

    fn with_largest(path: &Path, largest: u64) -> io::Result<Self> {
        if let Some(directory) = path.parent().filter(|path| !path.as_os_str().is_empty()) {
            make_private_directory(directory)?;
        }
        Ok(Self {
            path: path.to_owned(),
            largest,
            file: Mutex::new(open(path)?),
        })
    }

    /// The file that the old lines are kept in.
    fn old(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".old");
        name.into()
    }

    /// The file to go on with: the same, or a new one if the line would make it too long.
    fn turned_over(&self, file: &File, more: u64) -> io::Result<Option<File>> {
        let metadata = file.metadata()?;
        // A terminal or a pipe has no length.
        if !metadata.is_file() || metadata.len() + more <= self.largest {
            return Ok(None);
        }
        // Another server may have been first: then the file of that name is another one, and shorter.
        let is_ours = fs::metadata(&self.path).is_ok_and(|named| metadata.len() <= named.len());
        if is_ours {
            fs::rename(&self.path, self.old())?;
        }
        open(&self.path).map(Some)
    }
}

impl Write for &LogFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // A file that cannot be turned over is better than none.
        if let Ok(Some(new)) = self.turned_over(&file, bytes.len() as u64) {
            *file = new;
        }
        file.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    if file.metadata()?.is_file() {
        use std::os::unix::fs::PermissionsExt as _;
        // One that was there may have been made by another hand.
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(log: &LogFile, line: &str) {
        let mut log = log;
        log.write_all(line.as_bytes()).unwrap();
    }

    #[test]
    fn a_file_that_gets_too_long_becomes_the_old_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deep/log");
        let log = LogFile::with_largest(&path, 10).unwrap();
        let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
        for (line, now, old) in [
            ("one\n", "one\n", ""),
            ("two\n", "one\ntwo\n", ""),
            ("three\n", "three\n", "one\ntwo\n"),
            ("longer than all\n", "longer than all\n", "three\n"),
            ("four\n", "four\n", "longer than all\n"),
        ] {
            written(&log, line);
            assert_eq!(
                (read(&path).as_str(), read(&log.old()).as_str()),
                (now, old),
                "{line}"
            );
        }
    }

    #[test]
    fn two_servers_turn_a_file_over_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let (one, two) = (
            LogFile::with_largest(&path, 10).unwrap(),
            LogFile::with_largest(&path, 10).unwrap(),
        );
        written(&one, "12345678\n");
        written(&one, "one\n");
        written(&two, "two\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\n");
        assert_eq!(fs::read_to_string(one.old()).unwrap(), "12345678\n");
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        let log = LogFile::with_largest(&path, 4).unwrap();
        for line in ["1234", "5678"] {
            written(&log, line);
            for path in [&path, &log.old()] {
                let mode = fs::metadata(path).map_or(0o600, |found| found.permissions().mode());
                assert_eq!(mode & 0o777, 0o600, "{}", path.display());
            }
        }
        // What is no file is written to and left alone.
        written(
            &LogFile::with_largest(Path::new("/dev/null"), 1).unwrap(),
            "12345",
        );
    }
}
