//! What one JSON value of a reply says, in words that both surfaces share, and the words for how an answer ended. How far
//! the reply has come with it is decided in [`super::reader`].

use serde_json::Value;

use super::signal::{Finish, Usage};

/// One thing that a value of a reply says.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// An answer begins here, although one has begun before it in the same reply.
    Anew,
    /// So many bytes of thinking.
    Thinking(usize),
    /// A piece of the answer; not empty.
    Text(String),
    /// Why the answer ended: it is whole.
    Finish(Finish),
    /// Token counts as they stand.
    Usage(Usage),
    /// The end mark.
    End,
}

/// The finish that a surface's word means.
pub(super) fn finish(word: &str) -> Finish {
    match word {
        "stop" | "end_turn" | "stop_sequence" => Finish::Complete,
        "length" | "max_tokens" | "model_context_window_exceeded" => Finish::Length,
        "content_filter" | "refusal" => Finish::Refused,
        _ => Finish::Other(word.to_owned()),
    }
}

/// A text that is neither missing nor empty.
pub(super) fn word<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    let text = object.get(name)?.as_str()?;
    (!text.is_empty()).then_some(text)
}

/// A number of tokens; servers send floats and negative numbers too.
pub(super) fn tokens(value: &Value) -> Option<u64> {
    #[expect(
        clippy::cast_sign_loss,
        reason = "a cast from a float is clamped at zero"
    )]
    value
        .as_u64()
        .or_else(|| value.as_f64().map(|number| number as u64))
}
