//! The whole server behind pipes, against a strict editor with the manners of real ones and a scripted gateway.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::indexing_slicing,
    reason = "these are tests: a panic is a failure"
)]

mod answer_document;
mod arguments;
mod ask;
mod bad_input;
mod caching;
mod conversation;
mod desk;
mod editor;
mod faults;
mod first_use;
mod keys;
mod manner;
mod messages;
mod models;
mod moving;
mod pending;
mod privacy;
mod reopening;
mod request_view;
mod review;
mod rewrite;
mod scene;
mod settings;
mod shapes;
mod thinking;
mod wire;
mod words;
