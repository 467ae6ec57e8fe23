//! Conversations that outlive the server: real servers over real pipes, a real file, a scripted gateway on loopback.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "these are tests: a panic is a failure"
)]

mod commands;
mod going_on;
mod many;
mod server;
mod trouble;
