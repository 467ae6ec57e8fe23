//! Whether the user has been told what is sent where: a mark in the state directory, since it is said once per user. What is
//! said, and how, is decided where it is said.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::config::make_private_directory;
use crate::gateway::address::Address;

/// The name of the mark in the state directory.
pub const MARK: &str = "told-what-is-sent";

/// Makes the mark; says whether it was missing. Of several servers that start together one makes it. Blocks.
///
/// # Errors
/// That of the directory or the file: then nobody knows whether it was said.
pub fn mark(state_directory: &Path) -> io::Result<bool> {
    make_private_directory(state_directory)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(state_directory.join(MARK)) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// What is sent where, in one sentence.
pub fn sentence(base_url: &str) -> String {
    let host = Address::new(base_url).map_or("the gateway".to_owned(), |address| address.host);
    format!(
        "ezrouter sends the text that you ask about or rewrite, the code around it, the file's path in its project, your words \
         and the turns before them to {host} and from there to the model's provider, when you ask or rewrite and at no other \
         time; files named like secrets are never sent"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_missing_once() {
        let directory = tempfile::tempdir().unwrap();
        let state = directory.path().join("state");
        assert!(mark(&state).unwrap());
        assert!(!mark(&state).unwrap());
        std::fs::write(directory.path().join("file"), "").unwrap();
        assert!(mark(&directory.path().join("file")).is_err());
    }

    #[test]
    fn the_sentence_names_the_host_and_nothing_secret() {
        assert!(sentence("https://gateway.example/llm").contains("to gateway.example and"));
        assert!(sentence("https://user:word@gateway.example").contains("to the gateway and"));
    }
}
