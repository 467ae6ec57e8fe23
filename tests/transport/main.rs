//! The transport over real pipes, with a small service behind it whose handlers hang, panic, echo and report the order in
//! which they ran. What the whole process does at its end is in `process.rs`.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops where it fails, in its helpers too"
)]

mod client;
mod fixture;

mod closing;
mod malformed;
mod order;
mod service;
