//! What the stand-in gateway answers, as values: a script of answers, each a list of steps. Who plays it is [`super`].

use std::time::Duration;

use serde_json::{Value, json};

use super::derived;
use crate::gateway::signal::Usage;

/// Answers by the order of requests, or by what the user said.
#[derive(Clone, Debug, Default)]
pub struct Script {
    answers: Vec<Answer>,
    routes: Vec<(String, Answer)>,
    derived: bool,
    /// The answers to `GET /v1/models`, if not the stand-in's own.
    catalogs: Vec<Answer>,
}

impl Script {
    /// Answers the requests in this order; the last answer repeats.
    pub fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self {
            answers: answers.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Answers each request by what it asks for: see [`super::derived`].
    pub fn derived() -> Self {
        Self {
            derived: true,
            ..Self::default()
        }
    }

    /// Answers every request alike.
    pub fn always(answer: Answer) -> Self {
        Self::new([answer])
    }

    /// Gives `answer` to a question for the catalog; given several, in this order, and the last one repeats.
    #[must_use]
    pub fn catalog(mut self, answer: Answer) -> Self {
        self.catalogs.push(answer);
        self
    }

    /// The answer to the question for the catalog of this number, from 0, if it is not the stand-in's own.
    pub(super) fn catalog_answer(&self, number: usize) -> Option<Answer> {
        self.catalogs.get(number).or(self.catalogs.last()).cloned()
    }

    /// Gives `answer` to each request whose last user message contains `part`; such a request does not use up an answer of the
    /// order. Earlier routes win.
    #[must_use]
    pub fn route(mut self, part: impl Into<String>, answer: Answer) -> Self {
        self.routes.push((part.into(), answer));
        self
    }

    /// The answer for a request body, and the number of answers of the order that are used up after it.
    pub(super) fn answer(&self, body: &Value, used: usize) -> (Answer, usize) {
        let said = &last_user_message(body);
        if let Some((_, answer)) = self
            .routes
            .iter()
            .find(|(part, _)| said.contains(part.as_str()))
        {
            return (answer.clone(), used);
        }
        if self.derived {
            return (derived::answer(said), used);
        }
        let answer = self.answers.get(used).or(self.answers.last()).cloned();
        let none = || {
            Answer::error(
                500,
                json!({"error": {"message": "the script is empty", "type": "new_api_error", "code": ""}}),
            )
        };
        (answer.unwrap_or_else(none), used + 1)
    }
}

/// The text of the last message of the user: a string, or blocks of text.
fn last_user_message(body: &Value) -> String {
    let messages = body
        .get("messages")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let last = messages
        .iter()
        .rfind(|message| message.get("role").and_then(Value::as_str) == Some("user"));
    match last.and_then(|message| message.get("content")) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(blocks)) => blocks
            .iter()
            .filter_map(|block| block.get("text")?.as_str())
            .collect(),
        _ => String::new(),
    }
}

/// One answer. Its headers go out with the first step that writes, as the gateway sends them with the first token; use
/// [`Step::Headers`] to send them earlier. After the last step the body ends in order.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Headers besides the content type and those of framing.
    pub headers: Vec<(String, String)>,
    /// The header `content-type`.
    pub content_type: String,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

/// One step of an answer.
#[derive(Clone, Debug)]
pub enum Step {
    /// Sends the headers, if they have not been sent.
    Headers,
    /// A piece of the answer, on the surface that was asked.
    Text(String),
    /// A piece of thinking, likewise.
    Thinking(String),
    /// Waits; in real time unless tokio's clock is paused.
    Wait(Duration),
    /// Waits for one call of [`super::Standin::release`].
    Gate,
    /// Any bytes of the body.
    Raw(Vec<u8>),
    /// The finish reason, in the words of the OpenAI surface (`stop`).
    Finish(String),
    /// The token counts.
    Usage(Usage),
    /// The end mark: `[DONE]`, or `message_stop`.
    Done,
    /// Closes the connection in the middle of the body.
    Cut,
    /// Resets the connection.
    Reset,
    /// Does nothing until the client goes.
    Hang,
}

impl Step {
    /// A finish reason.
    pub fn finish(reason: &str) -> Self {
        Self::Finish(reason.to_owned())
    }

    /// A piece of the answer.
    pub fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// The comment that new-api sends to keep a connection open.
    pub fn ping() -> Self {
        Self::Raw(b": PING\n\n".to_vec())
    }
}

impl Answer {
    /// A stream with these steps and status 200.
    pub fn stream(steps: impl IntoIterator<Item = Step>) -> Self {
        Self {
            status: 200,
            headers: vec![("x-oneapi-request-id".to_owned(), REQUEST_ID.to_owned())],
            content_type: "text/event-stream".to_owned(),
            steps: steps.into_iter().collect(),
        }
    }

    /// A whole and well-formed answer in pieces of the size of tokens.
    pub fn text(text: &str) -> Self {
        let pieces = tokens(text);
        let usage = Usage {
            input: 100,
            cached: 0,
            output: pieces.len() as u64,
            ..Usage::default()
        };
        let mut steps: Vec<Step> = pieces.into_iter().map(Step::Text).collect();
        steps.extend([Step::finish("stop"), Step::Usage(usage), Step::Done]);
        Self::stream(steps)
    }

    /// An error as JSON. Its content type is that of a stream, as the real gateway's is.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "callers write the body in place"
    )]
    pub fn error(status: u16, body: Value) -> Self {
        Self {
            status,
            ..Self::stream([Step::Raw(body.to_string().into_bytes())])
        }
    }

    /// A page, as a proxy or the gateway's web server sends one: without a request id.
    pub fn html(status: u16, body: &str) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content_type: "text/html".to_owned(),
            steps: vec![Step::Raw(body.as_bytes().to_vec())],
        }
    }

    /// A recorded reply: status line, headers, blank line, and the body without the framing of chunks.
    pub fn recorded(transcript: &[u8]) -> Self {
        let split = transcript
            .windows(4)
            .position(|window| window == b"\r\n\r\n");
        let (head, body) = transcript.split_at(split.unwrap_or(transcript.len()));
        let head = String::from_utf8_lossy(head);
        let mut lines = head.split("\r\n");
        let status = lines
            .next()
            .and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let mut answer = Self::stream([Step::Raw(body.get(4..).unwrap_or_default().to_vec())]);
        answer.status = status.unwrap_or(200);
        answer.headers.clear();
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            match name.to_ascii_lowercase().as_str() {
                "content-type" => value.clone_into(&mut answer.content_type),
                // The stand-in frames the body and keeps the connection in its own way.
                "content-length" | "transfer-encoding" | "connection" | "keep-alive" => {}
                _ => answer.headers.push((name.to_owned(), value.to_owned())),
            }
        }
        answer
    }

    /// The same answer with each run of raw bytes in pieces of at most `size` bytes, each a write of its own.
    #[must_use]
    pub fn split_every(mut self, size: usize) -> Self {
        let split = |step| match step {
            Step::Raw(bytes) => bytes
                .chunks(size.max(1))
                .map(|piece| Step::Raw(piece.to_vec()))
                .collect(),
            other => vec![other],
        };
        self.steps = self.steps.into_iter().flat_map(split).collect();
        self
    }

    /// The same answer with a header, instead of the one of that name if it has one.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// The `x-oneapi-request-id` of every answer that has one.
pub const REQUEST_ID: &str = "standin-request";

/// Pieces of the size of tokens: each a run of up to six characters, cut before white space where there is some.
pub(super) fn tokens(text: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut length = 0;
    for c in text.chars() {
        let begins_word = c.is_whitespace() && 1 < length;
        match pieces.last_mut() {
            Some(piece) if length < 6 && !begins_word => piece.push(c),
            _ => {
                pieces.push(c.to_string());
                length = 0;
            }
        }
        length += 1;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_join_to_the_text_and_are_short() {
        for text in [
            "",
            "x",
            "fn add(a: i32, b: i32) -> i32 {\n    a + b\n}\n",
            "你好，世界",
            "a  b\r\n",
        ] {
            let pieces = tokens(text);
            assert_eq!(pieces.concat(), text);
            assert!(
                pieces
                    .iter()
                    .all(|piece| (1..=6).contains(&piece.chars().count())),
                "{pieces:?}"
            );
        }
    }

    #[test]
    fn a_route_is_taken_by_the_last_user_message_and_uses_up_no_answer() {
        let script = Script::new([Answer::html(1, ""), Answer::html(2, "")])
            .route("two", Answer::html(9, ""));
        let said = |text: &str| json!({"messages": [{"role": "user", "content": "two"}, {"role": "user", "content": text}]});
        let mut used = 0;
        let statuses = ["one", "one two", "one", "one"].map(|text| {
            let (answer, now_used) = script.answer(&said(text), used);
            used = now_used;
            answer.status
        });
        assert_eq!(statuses, [1, 9, 2, 2]);
        assert_eq!(Script::default().answer(&json!(7), 0).0.status, 500);
    }
}
