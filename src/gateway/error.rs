//! What went wrong with a request, in words for a person and in a form that a program can decide by.

/// A failed request: one sentence on what happened, one on what to do, and the request id to quote to support.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What the caller may decide by.
    pub kind: Kind,
    /// What happened, one sentence without a full stop, never the key, foreign-language text kept.
    pub what: String,
    /// What the user can do, one sentence without a full stop.
    pub advice: String,
    /// `x-oneapi-request-id`, if the gateway sent one.
    pub request_id: Option<String>,
}

/// The kinds of failure that callers treat differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// No key is configured.
    NoKey,
    /// 401: the key was not accepted.
    BadKey,
    /// 403 or 404 for the model, or another refusal of the request that repeating does not cure.
    Rejected,
    /// The base URL does not lead to the gateway: a redirect, HTML, an unknown path.
    WrongAddress,
    /// No connection, or it broke before the first byte, or the gateway answered 5xx, in every attempt.
    Unreachable,
    /// The reply stopped half-way: no finish reason was seen.
    Cut,
    /// Nothing came for longer than the configured time.
    Silence,
    /// The reply ended well but held no text.
    Empty,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}. {}.", self.what, self.advice)?;
        match &self.request_id {
            Some(id) => write!(formatter, " (request id: {id})"),
            None => Ok(()),
        }
    }
}
