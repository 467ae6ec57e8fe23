//! What a streaming reply tells its reader, the same for every surface of the gateway. Wire formats are translated into
//! these values and stop here.

use super::error::Failure;

/// One thing that happened to a request, in order. After [`Signal::End`] nothing follows.
#[derive(Clone, Debug, PartialEq)]
pub enum Signal {
    /// The attempt that now begins, counted from 1.
    Attempt {
        /// Which attempt this is, from 1.
        number: u32,
        /// How many there may be in all.
        of: u32,
    },
    /// An attempt failed in a way that may pass; the next one begins after `seconds`.
    Retry {
        /// The wait before the next attempt, in seconds.
        seconds: f64,
        /// The attempt that comes next, from 2.
        next: u32,
        /// How many there may be in all.
        of: u32,
        /// Why the last one failed, as a short lower-case fragment.
        reason: String,
    },
    /// The source of the key takes long: it may be waiting for a person.
    Key {
        /// What messages call it.
        source: String,
    },
    /// Response headers have come.
    Started {
        /// `x-oneapi-request-id`, if the gateway sent one.
        request_id: Option<String>,
    },
    /// The model is thinking: so many bytes of thinking text came. The text itself is dropped here, it never reaches a document.
    Thinking {
        /// Bytes of thinking text in this delta.
        bytes: usize,
    },
    /// A piece of the answer; never empty.
    Text(String),
    /// Token counts; the last one wins.
    Usage(Usage),
    /// How it ended; exactly once, last.
    End(Result<Finish, Failure>),
}

/// Token counts as the gateway reports them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the prompt, cached ones included.
    pub input: u64,
    /// The part of `input` that came from a cache.
    pub cached: u64,
    /// The part of `input` that went into a cache, for the next request.
    pub written: u64,
    /// Tokens that were generated, thinking included.
    pub output: u64,
    /// They were told before the answer was whole: the gateway guesses them, or they do not count its end.
    pub estimated: bool,
}

/// Why a reply that arrived whole came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The model was done (`stop`, `end_turn`, `stop_sequence`): the only one that completes a rewrite.
    Complete,
    /// The limit on output tokens was reached (`length`, `max_tokens`, `model_context_window_exceeded`).
    Length,
    /// The model or a filter refused (`content_filter`, `refusal`).
    Refused,
    /// Any other word of the upstream, such as `pause_turn` or `tool_calls`.
    Other(String),
}
