//! One job: what was asked of which text, how far it has come, and the task that carries the gateway's signals to the
//! state. What a job shows of itself is `progress`'s work.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::Notify;

use super::Shared;
use super::progress::Progress;
use crate::action::Kind;
use crate::answer::Answer;
use crate::gateway::Gateway;
use crate::gateway::signal::Usage;
use crate::prompt::Request;
use crate::reply::Cleaner;
use crate::rewrite::{Millis, Rewrite};
use crate::text::Span;

/// A job, from its command until it is forgotten.
pub struct Job {
    /// An opaque name, unique while the server runs.
    pub id: String,
    /// The document, by the client's own string.
    pub uri: String,
    /// What the menu called it, or the beginning of the user's words.
    pub title: String,
    /// The model that was asked.
    pub model: String,
    /// When it began.
    pub started: Millis,
    /// When its generation ended.
    pub finished: Option<Millis>,
    /// How far it has come.
    pub status: Status,
    /// The reply as it came, for the conversation.
    pub raw: String,
    /// The new turn as it was sent, for the conversation.
    pub question: String,
    /// The conversation that the turn belongs to.
    pub conversation: String,
    /// Token counts, once the gateway has told them.
    pub usage: Option<Usage>,
    /// The gateway's id of the request.
    pub request_id: Option<String>,
    /// One sentence on how it ended, if there is something to say.
    pub message: Option<String>,
    /// What is done with the reply.
    pub work: Work,
    /// Where its progress stands.
    pub progress: Progress,
    /// Told when the connection to the gateway is to be closed.
    pub disconnect: Arc<Notify>,
}

/// What is done with a reply.
pub enum Work {
    /// It is shown.
    Ask(Answer),
    /// It replaces text. Boxed: it is by far the larger one.
    Rewrite(Box<(Rewrite, Cleaner)>),
}

/// How far a job has come, in the words of `ezrouter/job`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nothing has come yet; says what is being waited for.
    Waiting(String),
    /// The model thinks, since this moment.
    Thinking(Millis),
    /// Text is coming.
    Streaming,
    /// A rewrite to be reviewed.
    Pending,
    /// Ended well.
    Done,
    /// Stopped or rejected.
    Cancelled,
    /// Failed.
    Failed,
}

impl Status {
    /// The word on the wire.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Waiting(_) => "waiting",
            Self::Thinking(_) => "thinking",
            Self::Streaming => "streaming",
            Self::Pending => "pending",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }

    /// Whether the generation goes on.
    pub fn is_running(&self) -> bool {
        matches!(self, Self::Waiting(_) | Self::Thinking(_) | Self::Streaming)
    }
}

impl Job {
    /// Ask or rewrite.
    pub fn kind(&self) -> Kind {
        match self.work {
            Work::Ask(_) => Kind::Ask,
            Work::Rewrite(_) => Kind::Rewrite,
        }
    }

    /// The rewrite, if it is one.
    pub fn rewrite(&self) -> Option<&Rewrite> {
        match &self.work {
            Work::Rewrite(work) => Some(&work.0),
            Work::Ask(_) => None,
        }
    }

    /// The answer, if it is one.
    pub fn answer(&self) -> Option<&Answer> {
        match &self.work {
            Work::Ask(answer) => Some(answer),
            Work::Rewrite(_) => None,
        }
    }

    /// Where its text stands, in bytes of the document; `None` once that text is gone.
    pub fn span(&self) -> Option<Span> {
        match &self.work {
            Work::Ask(answer) => answer.span(),
            Work::Rewrite(work) => Some(work.0.span()),
        }
    }

    /// Whole seconds since it began, until it ended.
    pub fn seconds(&self, now: Millis) -> u64 {
        self.finished.unwrap_or(now).saturating_sub(self.started) / 1000
    }

    /// The token counts as our own methods carry them.
    pub fn usage_value(&self) -> Option<Value> {
        self.usage.map(|usage| serde_json::json!({"input": usage.input, "cached": usage.cached, "output": usage.output}))
    }
}

/// Sends the request and carries its signals to the state until it ends or the job is told to disconnect. Dropping the
/// reply closes the connection.
pub async fn run(
    shared: Arc<Shared>,
    gateway: Gateway,
    id: String,
    request: Request,
    disconnect: Arc<Notify>,
) {
    let mut reply = gateway.send(request);
    loop {
        let signal = tokio::select! {
            biased;
            () = disconnect.notified() => return,
            signal = reply.next() => signal,
        };
        let Some(signal) = signal else { return };
        shared.change(|state| state.signal(&id, signal));
    }
}
