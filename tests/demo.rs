//! The demo without a terminal: it shows every step, checks itself, and ends well.
#![expect(clippy::expect_used, reason = "this is a test")]

use std::io::Write;
use std::path::Path;
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
    let server = Path::new(env!("CARGO_BIN_EXE_ezrouter-lsp"));
    let outcome = ezrouter_lsp::demo::run(server, screen).await;
    let shown = String::from_utf8(output.0.lock().unwrap().clone()).unwrap();
    assert_eq!(outcome, Ok(()), "{shown}");
    assert!(shown.contains("scripted"), "{shown}");
    assert!(!shown.contains("NOT SO"), "{shown}");
    assert_eq!(shown.matches("   ok: ").count(), 10, "{shown}");
}

#[tokio::test]
async fn a_server_that_does_not_start_is_named() {
    let screen = Screen::new(Box::new(std::io::sink()), Look::Plain);
    let outcome = ezrouter_lsp::demo::run(Path::new("/no/such/server"), screen).await;
    let reason = outcome.unwrap_err();
    assert!(reason.contains("/no/such/server"), "{reason}");
}
