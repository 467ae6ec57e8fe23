//! What the log says of the server and its jobs: sizes, times, counts and request ids. Never text: neither of documents nor of
//! questions, answers or messages.

use super::capabilities::Caps;
use super::job::Job;
use crate::action::Kind;
use crate::gateway::error::Failure;
use crate::prompt::Request;
use crate::rewrite::Millis;

/// A client has said who it is.
pub(super) fn connected(caps: &Caps) {
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        client = ?caps.client_name,
        client_version = ?caps.client_version,
        encoding = ?caps.encoding,
        folders = caps.workspace_folders.len(),
        "connected"
    );
}

/// A request is about to be sent.
pub(super) fn requested(job: &str, kind: Kind, request: &Request) {
    let texts = request.messages.iter().map(|message| message.text.len());
    tracing::info!(
        job,
        ?kind,
        model = ?request.model,
        messages = request.messages.len(),
        bytes = texts.sum::<usize>() + request.system.len(),
        max_output_tokens = request.max_output_tokens,
        "request"
    );
}

/// A request has failed.
pub(super) fn failed(job: &str, failure: &Failure) {
    tracing::info!(
        job,
        kind = ?failure.kind,
        request_id = failure.request_id,
        "request failed"
    );
}

/// A job's generation has ended, or the pending state behind it.
pub(super) fn settled(job: &Job, now: Millis) {
    let usage = job.usage.unwrap_or_default();
    tracing::info!(
        job = job.id,
        state = job.status.word(),
        milliseconds = job.finished.unwrap_or(now).saturating_sub(job.started),
        answer_bytes = job.raw.len(),
        input = usage.input,
        cached = usage.cached,
        output = usage.output,
        request_id = job.request_id,
        "settled"
    );
}
