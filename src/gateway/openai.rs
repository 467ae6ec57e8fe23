//! The OpenAI surface: the body of a request, and the reading of its reply from raw bytes to [`Signal`]s. No network, no
//! clock, no status: what comes here is the body of a reply whose status said success.
//!
//! Every field of a reply is optional, and unknown ones are ignored: gateways translate for many providers, and none sends
//! all that the reference promises.

use serde_json::{Value, json};

use super::complaint::Complaint;
use super::error::{Failure, Kind};
use super::refusal;
use super::signal::{Finish, Signal, Usage};
use super::sse::{Decoder, Event};
use crate::prompt::{Request, Role};

/// The longest reply in one piece of JSON that is read.
const LONGEST_WHOLE: usize = 8 << 20;

/// The body of `POST /v1/chat/completions` for a request.
///
/// `max_tokens` is always there (the gateway puts in 8192 for claude otherwise); a temperature never is (some models refuse
/// any). Neighbouring messages of one role become one, since the gateway would join them with a space and trim quotation
/// marks off their ends, which damages code.
pub fn body(request: &Request) -> String {
    let mut messages: Vec<(&str, String)> = Vec::with_capacity(request.messages.len() + 1);
    if !request.system.is_empty() {
        messages.push(("system", request.system.clone()));
    }
    for message in &request.messages {
        let role = match message.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        match messages.last_mut() {
            Some((last, text)) if *last == role => {
                text.push_str("\n\n");
                text.push_str(&message.text);
            }
            _ => messages.push((role, message.text.clone())),
        }
    }
    let messages: Vec<Value> = messages
        .iter()
        .map(|(role, text)| json!({"role": role, "content": text}))
        .collect();
    json!({
        "model": request.model,
        "messages": messages,
        "max_tokens": request.max_output_tokens,
        "stream": true,
        "stream_options": {"include_usage": true},
    })
    .to_string()
}

/// How far a reply has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// More is needed.
    Open,
    /// A finish reason was seen: the answer is whole. Token counts and the end mark may follow, and need not.
    Finished,
    /// The reply has ended; what follows is not looked at.
    Ended(Result<Finish, Failure>),
}

/// Reads one reply, a stream or one piece of JSON: servers answer either way, whatever was asked for.
#[derive(Debug)]
pub struct Reader {
    shape: Shape,
    id: String,
    /// Some text of the answer has come.
    has_text: bool,
    /// Some text or thinking has come: from here on a second attempt would be charged twice.
    has_spoken: bool,
    /// A delta with text came without a role: this server names the role only at the start of an answer.
    names_role_once: bool,
    finish: Option<Finish>,
    ended: Option<Result<Finish, Failure>>,
}

/// What the first byte says that the reply is.
#[derive(Debug)]
enum Shape {
    Unknown,
    Stream(Decoder),
    Whole(Vec<u8>),
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            shape: Shape::Unknown,
            id: String::new(),
            has_text: false,
            has_spoken: false,
            names_role_once: false,
            finish: None,
            ended: None,
        }
    }
}

impl Reader {
    /// Takes the next bytes of the body and appends what they tell; never a [`Signal::End`].
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<Signal>) -> Progress {
        if self.ended.is_some() {
            return self.progress();
        }
        let mut bytes = bytes;
        if matches!(self.shape, Shape::Unknown) {
            bytes = bytes.trim_ascii_start();
            match bytes.first() {
                None => return self.progress(),
                Some(b'{' | b'[') => self.shape = Shape::Whole(Vec::new()),
                Some(_) => self.shape = Shape::Stream(Decoder::default()),
            }
        }
        match &mut self.shape {
            Shape::Unknown => {}
            Shape::Stream(decoder) => {
                let mut events = Vec::new();
                decoder.push(bytes, &mut events);
                self.take_events(events, out);
            }
            Shape::Whole(body) if LONGEST_WHOLE < body.len() + bytes.len() => {
                self.fail(not_understood());
            }
            Shape::Whole(body) => body.extend_from_slice(bytes),
        }
        self.progress()
    }

    /// The body is over, in order or not: says how the reply ended.
    pub fn finish(&mut self, out: &mut Vec<Signal>) -> Result<Finish, Failure> {
        match std::mem::replace(&mut self.shape, Shape::Unknown) {
            Shape::Unknown => {}
            Shape::Stream(mut decoder) => {
                let mut events = Vec::new();
                decoder.finish(&mut events);
                self.take_events(events, out);
            }
            Shape::Whole(body) => self.take_whole(&body, out),
        }
        match self.ended.take() {
            Some(end) => end,
            None => self.end(),
        }
    }

    /// Whether text or thinking of the answer has come.
    pub fn has_spoken(&self) -> bool {
        self.has_spoken
    }

    fn progress(&self) -> Progress {
        match (&self.ended, &self.finish) {
            (Some(end), _) => Progress::Ended(end.clone()),
            (None, Some(_)) => Progress::Finished,
            (None, None) => Progress::Open,
        }
    }

    fn take_events(&mut self, events: Vec<Event>, out: &mut Vec<Signal>) {
        for event in events {
            if self.ended.is_some() {
                return;
            }
            match event {
                Event::Message { data, .. } if data.trim() == "[DONE]" => {
                    self.ended = Some(self.end());
                }
                Event::Message { data, .. } => match serde_json::from_str::<Value>(&data) {
                    Ok(chunk) => self.take_chunk(&chunk, out),
                    // Half a chunk at the end of a stream, or noise in it: in both cases text is missing.
                    Err(_) => self.fail(cut()),
                },
                Event::Stray(text) if text.starts_with('<') => {
                    self.fail(if self.has_spoken { cut() } else { web_page() });
                }
                Event::Stray(text) => {
                    self.complain(Complaint::of_body(&text));
                }
                Event::TooLong => self.fail(not_understood()),
            }
        }
    }

    fn take_whole(&mut self, body: &[u8], out: &mut Vec<Signal>) {
        let Ok(value) = serde_json::from_slice::<Value>(body) else {
            self.fail(cut());
            return;
        };
        if value.get("choices").is_none() && Complaint::of_value(&value).is_none() {
            self.fail(not_understood());
            return;
        }
        self.take_chunk(&value, out);
    }

    fn take_chunk(&mut self, chunk: &Value, out: &mut Vec<Signal>) {
        if let Some(complaint) = Complaint::of_value(chunk) {
            self.complain(complaint);
            return;
        }
        // Only the first of several alternatives is the answer; its index may be missing.
        let choice = chunk
            .get("choices")
            .and_then(Value::as_array)
            .and_then(|choices| {
                choices.iter().find(|choice| {
                    choice.get("index").and_then(Value::as_f64).unwrap_or(0.0) == 0.0
                })
            });
        if let Some(choice) = choice {
            self.take_choice(chunk, choice, out);
        }
        if let Some(usage) = chunk.get("usage").and_then(usage) {
            out.push(Signal::Usage(usage));
        }
    }

    fn take_choice(&mut self, chunk: &Value, choice: &Value, out: &mut Vec<Signal>) {
        // A reply in one piece has a `message` where a stream has a `delta`.
        let delta = choice
            .get("delta")
            .or_else(|| choice.get("message"))
            .unwrap_or(&Value::Null);
        let word = choice
            .get("finish_reason")
            .and_then(Value::as_str)
            .filter(|word| !word.is_empty());
        let thinking =
            text_of(delta.get("reasoning_content")).or_else(|| text_of(delta.get("reasoning")));
        let text = text_of(delta.get("content"));
        let names_role = delta.get("role").is_some_and(Value::is_string);
        let id = chunk.get("id").and_then(Value::as_str).unwrap_or_default();

        // After an error behind it the gateway may begin a second answer in the same stream, under a new id or with a new
        // role; the two must not be joined.
        let new_id = !id.is_empty() && !self.id.is_empty() && id != self.id;
        let new_role = names_role && self.names_role_once && word.is_none();
        if self.has_spoken && (new_id || new_role) {
            self.fail(restarted());
            return;
        }
        if !id.is_empty() {
            id.clone_into(&mut self.id);
        }
        if let Some(thinking) = &thinking {
            self.has_spoken = true;
            out.push(Signal::Thinking {
                bytes: thinking.len(),
            });
        }
        if thinking.is_some() || text.is_some() {
            self.names_role_once |= !names_role;
        }
        if let Some(text) = text {
            self.has_spoken = true;
            self.has_text = true;
            out.push(Signal::Text(text));
        }
        if let Some(word) = word {
            self.finish = Some(finish(word));
        }
    }

    fn complain(&mut self, complaint: Complaint) {
        let mut failure = refusal::in_stream(complaint);
        if self.has_spoken {
            failure.kind = Kind::Cut;
        }
        self.fail(failure);
    }

    /// Ends the reply. What goes wrong behind the finish reason takes nothing from an answer that is whole.
    fn fail(&mut self, failure: Failure) {
        let whole = self.finish.is_some();
        self.ended = Some(if whole { self.end() } else { Err(failure) });
    }

    /// How the reply ended if nothing more comes. Only a finish reason says that it is whole: the gateway writes its end
    /// mark after a broken answer too.
    fn end(&self) -> Result<Finish, Failure> {
        match &self.finish {
            None => Err(cut()),
            Some(Finish::Complete) if !self.has_text => Err(Failure::new(
                Kind::Empty,
                "The model answered without any text",
                "Try again, or choose another model",
            )),
            Some(Finish::Length) if !self.has_text => Err(Failure::new(
                Kind::Empty,
                "The model reached the limit on output tokens before it wrote any text",
                "Raise max_output_tokens",
            )),
            Some(finish) => Ok(finish.clone()),
        }
    }
}

fn finish(word: &str) -> Finish {
    match word {
        "stop" | "end_turn" | "stop_sequence" => Finish::Complete,
        "length" | "max_tokens" | "model_context_window_exceeded" => Finish::Length,
        "content_filter" | "refusal" => Finish::Refused,
        _ => Finish::Other(word.to_owned()),
    }
}

/// Text that is not empty: a string, or the text parts of a list.
fn text_of(value: Option<&Value>) -> Option<String> {
    let text = match value? {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts
            .iter()
            .filter_map(|part| part.get("text")?.as_str())
            .collect(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// Token counts by the names that ezrouter calls authoritative here; its `output_tokens` reads 0 on this surface.
fn usage(value: &Value) -> Option<Usage> {
    let count = |pointer: &str| value.pointer(pointer).and_then(tokens);
    let (input, output) = (count("/prompt_tokens"), count("/completion_tokens"));
    if input.is_none() && output.is_none() {
        return None;
    }
    Some(Usage {
        input: input.unwrap_or(0),
        cached: count("/prompt_tokens_details/cached_tokens").unwrap_or(0),
        output: output.unwrap_or(0),
    })
}

fn tokens(value: &Value) -> Option<u64> {
    #[expect(
        clippy::cast_sign_loss,
        reason = "a cast from a float is clamped at zero"
    )]
    value
        .as_u64()
        .or_else(|| value.as_f64().map(|number| number as u64))
}

/// The failure for a reply that ended, by whatever cause, before its finish reason.
pub fn cut() -> Failure {
    Failure::new(Kind::Cut, "The reply stopped half-way", "Try again")
}

fn restarted() -> Failure {
    Failure::new(
        Kind::Cut,
        "The gateway broke off the answer and began another one",
        "Try again",
    )
}

fn not_understood() -> Failure {
    Failure::new(
        Kind::Cut,
        "The gateway's reply is not one of a chat endpoint",
        "Check base_url (EZROUTER_BASE_URL), or choose another model",
    )
}

/// The failure for a reply that is a web page: an unknown path of the gateway answers with its home page and status 200.
pub fn web_page() -> Failure {
    Failure::new(
        Kind::WrongAddress,
        "The address answers with a web page, not with the gateway",
        "Check base_url (EZROUTER_BASE_URL)",
    )
}

#[cfg(test)]
mod tests;
