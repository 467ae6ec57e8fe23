//! To come.
pub mod error;
pub mod openai;
pub mod signal;
pub mod sse;
