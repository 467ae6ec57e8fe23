//! What went wrong with a request, in words for a person and in a form that a program can decide by. What the words are for
//! each cause stands beside the cause: [`super::refusal`] for statuses and error bodies, [`super::connection`] for broken
//! connections.

use crate::key::{Key, without_keys};

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

impl Failure {
    /// A failure without a request id.
    pub fn new(kind: Kind, what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            kind,
            what: what.into(),
            advice: advice.into(),
            request_id: None,
        }
    }

    /// The failure with the request id of a reply's header, which counts before one that its body names.
    #[must_use]
    pub fn named(self, request_id: Option<String>) -> Self {
        Self {
            request_id: request_id.or(self.request_id),
            ..self
        }
    }

    /// The failure as it may be shown and logged: each part on one line and of bounded length, without control characters,
    /// without `key` and without anything that looks like a key.
    #[must_use]
    pub fn presentable(self, key: Option<&Key>) -> Self {
        Self {
            kind: self.kind,
            what: presentable(&self.what, key),
            advice: presentable(&self.advice, key),
            request_id: self.request_id.map(|id| presentable(&id, key)),
        }
    }
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

/// How advice names the setting that says where the gateway is.
pub(super) const BASE_URL: &str = "base_url (EZROUTER_BASE_URL)";

/// The advice where the address does not lead to the gateway.
pub(super) const CHECK_ADDRESS: &str = "Check base_url (EZROUTER_BASE_URL)";

/// One attempt that failed: what it means if it was the last, and whether another one may help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setback {
    /// How the request ends unless it is repeated.
    pub failure: Failure,
    /// Whether repeating may help.
    pub repeat: Repeat,
    /// Why, as a short lower-case fragment.
    pub reason: String,
}

/// Whether a failed attempt may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// The next attempt would fail alike, or would be charged twice.
    Never,
    /// One more attempt is worth it, no matter how many are allowed.
    Once,
    /// As long as attempts are left.
    Allowed,
}

impl Setback {
    /// A setback that ends the request.
    pub fn last(failure: Failure) -> Self {
        Self {
            failure,
            repeat: Repeat::Never,
            reason: String::new(),
        }
    }
}

/// The most characters of one part of a failure that are shown.
const LONGEST: usize = 300;

fn presentable(text: &str, key: Option<&Key>) -> String {
    // White space first: a line break inside an echoed key must not save it from being found.
    let mut text = on_one_line(text);
    if let Some(key) = key {
        text = key.hide_in(&text);
    }
    // Shortened last: half a key would not be found.
    shortened(&without_keys(&text))
}

/// `text` on one line, without characters that are not seen or that turn the line round.
pub fn on_one_line(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let visible = text.replace(hidden, " ");
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(LONGEST).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    let end = short.trim_end_matches(['.', '。', ' ']).len();
    short.truncate(end);
    short
}

#[cfg(test)]
mod tests;
