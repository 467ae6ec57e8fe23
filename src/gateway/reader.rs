//! A reply of either surface, from raw bytes to [`Signal`]s, and how it ended. No network, no clock, no status: what comes
//! here is the body of a reply whose status said success. What a value says is the surface's grammar.
//!
//! Every field of a reply is optional, and unknown ones are ignored: gateways translate for many providers, and none sends
//! all that the reference promises.

use serde_json::Value;

use super::complaint::Complaint;
use super::error::{CHECK_ADDRESS, Failure, Kind, Repeat, Setback};
use super::grammar::Said;
use super::signal::{Finish, Signal};
use super::sse::{Decoder, Event};
use super::surface::Surface;
use super::{anthropic, openai, refusal};
use crate::reply::thinking::Thoughts;

/// The longest reply in one piece of JSON that is read.
const LONGEST_WHOLE: usize = 8 << 20;

/// How far a reply has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// More is needed.
    Open,
    /// A finish reason was seen: the answer is whole. Token counts and the end mark may follow, and need not.
    Finished,
    /// The reply has ended; what follows is not looked at.
    Ended(Result<Finish, Setback>),
}

/// Reads one reply, a stream or one piece of JSON: servers answer either way, whatever was asked for.
#[derive(Debug)]
pub struct Reader {
    shape: Shape,
    grammar: Grammar,
    thoughts: Thoughts,
    /// Some text of the answer has come that is not white space. Nobody can use an answer without, and a conversation that
    /// held one would be refused from then on.
    has_text: bool,
    /// Some text or thinking has come: from here on a second attempt would be charged twice.
    has_spoken: bool,
    finish: Option<Finish>,
    ended: Option<Result<Finish, Setback>>,
}

/// What the first byte says that the reply is.
#[derive(Debug)]
enum Shape {
    Unknown,
    Stream(Decoder),
    Whole(Vec<u8>),
}

#[derive(Debug)]
enum Grammar {
    OpenAi(openai::Chunks),
    Anthropic(anthropic::Events),
}

impl Reader {
    /// A reader for a reply of this surface, and for the thinking that may stand in its text.
    pub fn new(surface: Surface, thoughts: Thoughts) -> Self {
        Self {
            shape: Shape::Unknown,
            grammar: match surface {
                Surface::OpenAi => Grammar::OpenAi(openai::Chunks::default()),
                Surface::Anthropic => Grammar::Anthropic(anthropic::Events::default()),
            },
            thoughts,
            has_text: false,
            has_spoken: false,
            finish: None,
            ended: None,
        }
    }

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
                self.fail(not_understood(), out);
            }
            Shape::Whole(body) => body.extend_from_slice(bytes),
        }
        self.progress()
    }

    /// The body is over, in order or not: says how the reply ended.
    pub fn finish(&mut self, out: &mut Vec<Signal>) -> Result<Finish, Setback> {
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
            None => self.end(out),
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
                Event::Message { data, .. } if data.trim() == "[DONE]" => self.take(Said::End, out),
                Event::Message { name, data } if name == "error" => {
                    self.complain(Complaint::of_body(&data), out);
                }
                Event::Message { name, data } => match serde_json::from_str::<Value>(&data) {
                    Ok(value) => self.take_value(&name, &value, out),
                    // Half a value at the end of a stream, or noise in it: in both cases text is missing.
                    Err(_) => self.fail(cut(), out),
                },
                Event::Stray(text) if text.starts_with('<') => {
                    let failure = if self.has_spoken { cut() } else { web_page() };
                    self.fail(failure, out);
                }
                Event::Stray(text) => self.complain(Complaint::of_body(&text), out),
                Event::TooLong => self.fail(not_understood(), out),
            }
        }
    }

    fn take_value(&mut self, name: &str, value: &Value, out: &mut Vec<Signal>) {
        if let Some(complaint) = Complaint::of_value(value) {
            self.complain(complaint, out);
            return;
        }
        let said = match &mut self.grammar {
            Grammar::OpenAi(chunks) => chunks.read(value),
            Grammar::Anthropic(events) => events.read(name, value),
        };
        for said in said {
            self.take(said, out);
        }
    }

    fn take_whole(&mut self, body: &[u8], out: &mut Vec<Signal>) {
        let Ok(value) = serde_json::from_slice::<Value>(body) else {
            self.fail(cut(), out);
            return;
        };
        let is_answer = match &self.grammar {
            Grammar::OpenAi(_) => value.get("choices").is_some(),
            Grammar::Anthropic(_) => value.get("content").is_some(),
        };
        if !is_answer && Complaint::of_value(&value).is_none() {
            self.fail(not_understood(), out);
            return;
        }
        self.take_value("", &value, out);
    }

    fn take(&mut self, said: Said, out: &mut Vec<Signal>) {
        if self.ended.is_some() {
            return;
        }
        match said {
            // After an error behind it the gateway may begin a second answer in the same stream; the two must not be
            // joined.
            Said::Anew if self.has_spoken => self.fail(restarted(), out),
            Said::Anew => {}
            Said::Thinking(bytes) => {
                self.has_spoken = true;
                out.push(Signal::Thinking { bytes });
            }
            Said::Text(text) => {
                self.has_spoken = true;
                let (bytes, text) = self.thoughts.push(&text);
                if bytes != 0 {
                    out.push(Signal::Thinking { bytes });
                }
                self.give(text, out);
            }
            Said::Finish(finish) => self.finish = Some(finish),
            Said::Usage(mut usage) => {
                usage.estimated = self.finish.is_none();
                out.push(Signal::Usage(usage));
            }
            Said::End => self.ended = Some(self.end(out)),
        }
    }

    fn give(&mut self, text: String, out: &mut Vec<Signal>) {
        if !text.is_empty() {
            self.has_text |= !text.trim().is_empty();
            out.push(Signal::Text(text));
        }
    }

    fn complain(&mut self, complaint: Complaint, out: &mut Vec<Signal>) {
        let mut setback = refusal::in_stream(complaint);
        if self.has_spoken {
            setback.failure.kind = Kind::Cut;
            setback.repeat = Repeat::Never;
        }
        self.stop(setback, out);
    }

    fn fail(&mut self, failure: Failure, out: &mut Vec<Signal>) {
        self.stop(Setback::last(failure), out);
    }

    /// Ends the reply. What goes wrong behind the finish reason takes nothing from an answer that is whole.
    fn stop(&mut self, setback: Setback, out: &mut Vec<Signal>) {
        let whole = self.finish.is_some();
        self.ended = Some(if whole { self.end(out) } else { Err(setback) });
    }

    /// How the reply ended if nothing more comes. Only a finish reason says that it is whole: the gateway writes its end
    /// mark after a broken answer too.
    fn end(&mut self, out: &mut Vec<Signal>) -> Result<Finish, Setback> {
        let held = self.thoughts.finish();
        self.give(held, out);
        let empty = |what, advice| Err(Setback::last(Failure::new(Kind::Empty, what, advice)));
        match &self.finish {
            None => Err(Setback::last(cut())),
            Some(Finish::Complete) if !self.has_text => empty(
                "The model answered without any text",
                "Try again, or choose another model",
            ),
            Some(Finish::Length) if !self.has_text => empty(
                "The model reached the limit on output tokens before it wrote any text",
                "Raise max_output_tokens",
            ),
            Some(finish) => Ok(finish.clone()),
        }
    }
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
        CHECK_ADDRESS,
    )
}

#[cfg(test)]
pub(super) mod tests;
