//! To come.
pub mod capabilities;
pub mod ext;
pub mod job;
pub mod outbox;
pub mod state;
pub mod transport;
