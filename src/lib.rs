//! ezrouter-lsp: a language server that puts the ezrouter LLM gateway behind any LSP editor.
//!
//! Data flows one way:
//!
//! ```text
//! stdin -> transport -> server -> documents -> action -> prompt -> gateway -> reply -> rewrite | answer -> outbox -> client
//!                                 (pure)   (pure)    (pure)   (I/O)     (pure)    (pure)            (I/O)
//! ```
//!
//! Modules in reading order; a file uses only its own layer and those above it in this list (`tests/tidy.rs` holds that):
//! text (L0), words and state machines (L1), the outside (L2), the edge (L3).

pub mod text;

pub mod action;
pub mod answer;
pub mod comment;
pub mod conversation;
pub mod key;
pub mod language;
pub mod prompt;
pub mod reading;
pub mod recovery;
pub mod reply;
pub mod request_view;
pub mod rewrite;
pub mod task;
mod words;

pub mod config;
pub mod exclusions;
pub mod first_use;
pub mod gateway;
pub mod journal;
pub mod log;
pub mod mentions;
pub mod offline;
pub mod pages;
pub mod store;
pub mod views;

pub mod server;

pub mod cli;
pub mod client;
pub mod demo;

use tokio::io::{AsyncRead, AsyncWrite};

/// How long the last turns may take to get to the disk when the connection ends. Beside that, the last replies leave.
const LAST_TURNS: std::time::Duration = std::time::Duration::from_millis(250);

/// Serves one editor over a pair of byte streams (LSP 3.18 with its base protocol) until it says `exit` or goes away.
///
/// Settings and the key come from `environment` and from the editor, never from the process itself. Returns the exit code: 0
/// after `shutdown` and `exit`, otherwise 1, at most 300 ms after the end, whatever is running. Run it on a current-thread
/// runtime: on another one a job's first message may overtake the reply that names the job.
pub async fn serve<R, W>(reader: R, writer: W, environment: config::Environment) -> i32
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let mut shared = None;
    let (service, socket) = server::service::service(|client| {
        let backend = server::Backend::new(client, environment);
        shared = Some(backend.shared());
        backend
    });
    let (end, mut ending) = tokio::sync::oneshot::channel();
    let hooks = shared.map_or_else(server::transport::Hooks::default, |shared| {
        let ended = std::sync::Arc::clone(&shared);
        server::transport::Hooks {
            heard: Box::new(move || shared.change(server::state::State::heard)),
            ended: Box::new(move || {
                let store = ended.change(server::state::State::end);
                let written =
                    async move { tokio::time::timeout(LAST_TURNS, store.settled()).await };
                // The receiver waits below.
                let _ = end.send(tokio::spawn(written));
            }),
        }
    });
    let code = server::transport::run(reader, writer, service, socket, hooks).await;
    if let Ok(written) = ending.try_recv() {
        // What a disk that is too slow has not taken by now is lost.
        let _ = written.await;
    }
    code
}
