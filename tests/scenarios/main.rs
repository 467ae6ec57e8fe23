//! The whole server behind pipes, against a strict editor with the manners of real ones and a scripted gateway.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::indexing_slicing,
    reason = "these are tests: a panic is a failure"
)]

mod ask;
mod bad_input;
mod editor;
mod faults;
mod manner;
mod messages;
mod rewrite;
mod scene;
