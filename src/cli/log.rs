//! What is logged and where: this program's own lines at the level that was asked for, of others warnings at most, and of a
//! panic its place alone.

use std::path::Path;
use std::sync::Arc;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::log::LogFile;

/// Logs to the file, or to stderr when there is none or it cannot be opened: stdout belongs to the protocol. To be called once
/// in a process.
pub fn start(file: Option<&Path>, level: LevelFilter) {
    let opened = file.map(LogFile::open);
    let (writer, problem) = match opened {
        Some(Ok(file)) => (BoxMakeWriter::new(Arc::new(file)), None),
        Some(Err(error)) => (BoxMakeWriter::new(std::io::stderr), Some(error)),
        None => (BoxMakeWriter::new(std::io::stderr), None),
    };
    // The framework logs whole messages, with the user's code, at trace, and an error for each optional method that it does
    // not serve. HTTP libraries log headers. So only this crate follows the level.
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target("tower_lsp_server", LevelFilter::OFF)
        .with_target("ezrouter_lsp", level);
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(writer);
    tracing_subscriber::registry()
        .with(lines)
        .with(filter)
        .init();
    if let (Some(file), Some(error)) = (file, problem) {
        tracing::error!("cannot log to {}: {error}", file.display());
    }
    // A panic's text can quote the user's code; the place says enough.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        tracing::error!(target: "ezrouter_lsp", "a panic at {place}");
    }));
}
