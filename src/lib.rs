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
pub mod conversation;
pub mod key;
pub mod prompt;
pub mod reply;
pub mod rewrite;
pub mod task;

pub mod config;
pub mod gateway;
pub mod offline;

pub mod server;

pub mod cli;
pub mod client;
pub mod demo;

use tokio::io::{AsyncRead, AsyncWrite};

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
    let hooks = shared.map_or_else(server::transport::Hooks::default, |shared| {
        let ended = std::sync::Arc::clone(&shared);
        server::transport::Hooks {
            heard: Box::new(move || shared.change(server::state::State::heard)),
            ended: Box::new(move || ended.change(server::state::State::stop)),
        }
    });
    server::transport::run(reader, writer, service, socket, hooks).await
}
