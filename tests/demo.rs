//! The demo without a terminal: it shows every step, checks itself, and ends well.
#![expect(clippy::expect_used, reason = "this is a test")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use ezrouter_lsp::demo::screen::{Look, Screen};

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .expect("no writer panics")
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_demo_shows_every_step_and_all_of_them_come_out_right() {
    let output = Shared::default();
    let screen = Screen::new(Box::new(output.clone()), Look::Plain);
    let directory = tempfile::tempdir().expect("a directory");
    let server = with_state_directory(directory.path());
    let outcome = ezrouter_lsp::demo::run(&server, screen).await;
    let shown = String::from_utf8(output.0.lock().unwrap().clone()).unwrap();
    assert_eq!(outcome, Ok(()), "{shown}");
    assert!(shown.contains("scripted"), "{shown}");
    assert!(!shown.contains("NOT SO"), "{shown}");
    assert_eq!(shown.matches("   ok: ").count(), 10, "{shown}");
    the_picture_in_the_readme_shows_the_same_steps(&shown);
    let history = directory.path().join("state").join("history.db");
    assert!(!history.exists(), "what is shown is not remembered");
}

/// The server with a state directory of its own.
#[cfg(unix)]
fn with_state_directory(directory: &Path) -> PathBuf {
    use std::os::unix::fs::OpenOptionsExt as _;
    let script = directory.join("server");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).mode(0o755);
    let state = directory.join("state");
    let server = env!("CARGO_BIN_EXE_ezrouter-lsp");
    let text = format!(
        "#!/bin/sh\nEZROUTER_STATE_DIR='{}' exec '{server}' \"$@\"\n",
        state.display()
    );
    let written = options
        .open(&script)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.expect("a script");
    script
}

#[cfg(not(unix))]
fn with_state_directory(_: &Path) -> PathBuf {
    env!("CARGO_BIN_EXE_ezrouter-lsp").into()
}

/// The picture is made by `editors/pictures/demo.py`; a demo that says something else needs a new one.
fn the_picture_in_the_readme_shows_the_same_steps(shown: &str) {
    const README: &str = include_str!("../README.md");
    const PICTURE: &str = include_str!("../editors/pictures/demo.svg");
    assert!(README.contains("(editors/pictures/demo.svg)"));
    let steps: Vec<&str> = shown
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_digit()))
        .collect();
    assert_eq!(steps.len(), 7, "{shown}");
    for step in steps {
        let (number, caption) = step.split_once(". ").expect("a number and a caption");
        let beginning: String = caption.chars().take(80).collect();
        assert!(
            PICTURE.contains(&format!("step {number}: {beginning}")),
            "make the picture anew: editors/pictures/demo.py; it lacks {step}"
        );
    }
}

#[tokio::test]
async fn a_server_that_does_not_start_is_named() {
    let screen = Screen::new(Box::new(std::io::sink()), Look::Plain);
    let outcome = ezrouter_lsp::demo::run(Path::new("/no/such/server"), screen).await;
    let reason = outcome.unwrap_err();
    assert!(reason.contains("/no/such/server"), "{reason}");
}
