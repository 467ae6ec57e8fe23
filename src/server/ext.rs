//! The server's own methods, for clients that declare them: what each carries, as it goes over the wire. `editors/PROTOCOL.md`
//! says the same to people, and a test holds the two together. When something is sent is not decided here.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::action;
use crate::gateway::signal;
use crate::rewrite;
use crate::text;

/// The notification `ezrouter/job`: a job has come to another state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobNote {
    /// An opaque name, unique while the server runs.
    pub job: String,
    /// What is done with the answer.
    pub kind: Kind,
    /// The document, by the client's own string.
    pub uri: String,
    /// Where the job's text stands; null once it is gone or its document is closed.
    pub range: Option<Range>,
    /// The state.
    pub state: JobState,
    /// The result is not, or not wholly, in the document: only in the state `pending`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parked: Option<bool>,
    /// One sentence on how it ended, if there is something to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Token counts, once the gateway has told them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

/// What is done with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It is shown.
    Ask,
    /// It replaces text.
    Rewrite,
}

impl From<action::Kind> for Kind {
    fn from(kind: action::Kind) -> Self {
        match kind {
            action::Kind::Ask => Self::Ask,
            action::Kind::Rewrite => Self::Rewrite,
        }
    }
}

/// How far a job has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Nothing has come yet.
    Waiting,
    /// The model thinks.
    Thinking,
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

impl JobState {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Thinking => "thinking",
            Self::Streaming => "streaming",
            Self::Pending => "pending",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }
}

/// Token counts of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// Tokens of the prompt, cached ones included.
    pub input: u64,
    /// The part of `input` that came from a cache.
    pub cached: u64,
    /// The part of `input` that went into a cache.
    pub written: u64,
    /// Tokens that were generated.
    pub output: u64,
    /// The counts are a guess of the gateway's.
    pub estimated: bool,
}

impl From<signal::Usage> for Usage {
    fn from(usage: signal::Usage) -> Self {
        Self {
            input: usage.input,
            cached: usage.cached,
            written: usage.written,
            output: usage.output,
            estimated: usage.estimated,
        }
    }
}

/// The notification `ezrouter/answer`: a piece of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerNote {
    /// The job.
    pub job: String,
    /// The document that was asked about.
    pub uri: String,
    /// Where the text that was asked about stands; null once it is gone.
    pub range: Option<Range>,
    /// What has come since the last piece, as Markdown that is safe to draw.
    pub delta: String,
    /// Nothing more comes.
    pub done: bool,
}

/// The request `ezrouter/applyEdit`: an edit that is to be joined with the others of its job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EditRequest {
    /// The job.
    pub job: String,
    /// The edit's number within its job.
    pub seq: u64,
    /// Its part in the job.
    pub phase: Phase,
    /// A `TextDocumentEdit` for the version that the client told last.
    pub edit: Value,
}

/// The part that an edit plays in its job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// The job's first edit.
    First,
    /// One of its later ones.
    Next,
    /// The one that completes it.
    Last,
    /// One that takes text back.
    Rewind,
}

impl From<rewrite::Phase> for Phase {
    fn from(phase: rewrite::Phase) -> Self {
        match phase {
            rewrite::Phase::First => Self::First,
            rewrite::Phase::Next => Self::Next,
            rewrite::Phase::Last => Self::Last,
            rewrite::Phase::Rewind => Self::Rewind,
        }
    }
}

/// The client's answer to `ezrouter/applyEdit`. What a client leaves out, or writes otherwise, counts as not said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditAnswer {
    /// Whether the document holds the edit now.
    pub applied: bool,
    /// The document's version then. The server goes by `didChange`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
    /// `false`: the job's edits are not one undo step any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined: Option<bool>,
}

impl EditAnswer {
    /// Reads an answer field by field: one that does not parse must not look like one that never came.
    pub fn read(answer: &Value) -> Self {
        Self {
            applied: answer.get("applied") == Some(&Value::Bool(true)),
            version: answer.get("version").and_then(Value::as_i64),
            joined: answer.get("joined").and_then(Value::as_bool),
        }
    }

    /// Whether the client says that the edits cannot be taken back in one step.
    pub fn is_parted(&self) -> bool {
        self.joined == Some(false)
    }
}

/// A stretch of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// Where it begins.
    pub start: Position,
    /// The first place behind it.
    pub end: Position,
}

/// A place in a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// From 0.
    pub line: u32,
    /// From 0, in units of the encoding that was agreed on.
    pub character: u32,
}

impl From<text::Range> for Range {
    fn from(range: text::Range) -> Self {
        let place = |position: text::Position| Position {
            line: position.line,
            character: position.character,
        };
        Self {
            start: place(range.start),
            end: place(range.end),
        }
    }
}

#[cfg(test)]
mod tests;
