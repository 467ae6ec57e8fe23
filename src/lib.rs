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

pub mod config;
pub mod gateway;
pub mod offline;

pub mod server;
