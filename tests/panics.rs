//! A panic tells its place and nothing of what it was about, which may be a key or somebody's code. In a process of its own: the
//! log and the hook for panics belong to all of it.

use std::fs;
use std::panic::catch_unwind;

use tracing_subscriber::filter::LevelFilter;

#[test]
fn a_panic_is_logged_by_its_place_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = directory.path().join("log");
    ezrouter_lsp::cli::log::start(Some(&log), LevelFilter::TRACE);
    let secret = "sk-panic-key-1234567890";
    let outcome = catch_unwind(|| panic!("{secret} and fn main() {{}}"));
    assert!(outcome.is_err());
    let text = fs::read_to_string(&log).expect("a log");
    assert!(text.contains("a panic at tests/panics.rs:"), "{text}");
    assert!(
        !text.contains("sk-panic") && !text.contains("main"),
        "{text}"
    );
}
