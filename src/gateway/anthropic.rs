//! The Anthropic surface: the body of a request, and what an event of a reply says. No network, no clock, no status; what
//! becomes of a reply is decided in [`super::reader`].

use serde_json::{Value, json};

use super::effort;
use super::grammar::{self, Said, tokens};
use super::signal::Usage;
use crate::prompt::{Request, Role};

/// The version of the format, sent in the header `anthropic-version`.
pub const VERSION: &str = "2023-06-01";

/// The body of `POST /anthropic/v1/messages` for a request.
///
/// Every text is a block, since only blocks can bear cache marks; the mark for a whole request is lost on some of the
/// gateway's ways to a model. One stands behind the system prompt and one behind the last answer (four are allowed): all
/// that stands in front of a mark is read from the cache if it was in one before, and goes into it if not. The new turn
/// bears none, since what goes into a cache costs more and many a turn is never followed up. `max_tokens` must be there,
/// and a temperature must not: some models refuse any.
pub fn body(request: &Request) -> String {
    let turns = request.alternating();
    let last_answer = turns.iter().rposition(|(role, _)| *role == Role::Assistant);
    let message = |(index, (role, text)): (usize, &(Role, String))| {
        let role = match role {
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        let block = if Some(index) == last_answer {
            marked(text)
        } else {
            block(text)
        };
        json!({"role": role, "content": [block]})
    };
    let messages: Vec<Value> = turns.iter().enumerate().map(message).collect();
    let mut body = json!({
        "model": request.model,
        "messages": messages,
        "max_tokens": request.max_output_tokens,
        "stream": true,
    });
    if !request.system.is_empty() {
        body["system"] = json!([marked(&request.system)]);
    }
    effort::on_anthropic(request, &mut body);
    body.to_string()
}

fn block(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

/// A block with a cache mark behind it.
fn marked(text: &str) -> Value {
    let mut block = block(text);
    block["cache_control"] = json!({"type": "ephemeral"});
    block
}

/// Reads events in the order in which they come; remembers what is told in parts.
#[derive(Debug, Default)]
pub struct Events {
    begun: bool,
    counts: Counts,
}

impl Events {
    /// What an event says, or a whole reply. Its kind is the `type` in the JSON, else the `name` of its frame.
    pub(super) fn read(&mut self, name: &str, event: &Value) -> Vec<Said> {
        let mut said = Vec::new();
        let part = |name: &str| event.get(name).unwrap_or(&Value::Null);
        match grammar::word(event, "type").unwrap_or(name) {
            "message_start" => {
                if std::mem::replace(&mut self.begun, true) {
                    self.counts = Counts::default();
                    said.push(Said::Anew);
                }
                self.read_message(part("message"), &mut said);
            }
            "content_block_start" => said.extend(content(part("content_block"))),
            "content_block_delta" => said.extend(content(part("delta"))),
            "message_delta" => {
                said.extend(stop_reason(part("delta")));
                said.extend(self.counts.update(part("usage")).map(Said::Usage));
            }
            "message_stop" => said.push(Said::End),
            // A reply in one piece.
            "message" => self.read_message(event, &mut said),
            // Pings, the ends of blocks, and what a later version of the format may add.
            _ => {}
        }
        said
    }

    /// A message with all that it holds: nothing yet at the start of a stream.
    fn read_message(&mut self, message: &Value, said: &mut Vec<Said>) {
        let blocks = message.get("content").and_then(Value::as_array);
        said.extend(blocks.into_iter().flatten().filter_map(content));
        said.extend(stop_reason(message));
        let usage = message.get("usage").unwrap_or(&Value::Null);
        said.extend(self.counts.update(usage).map(Said::Usage));
    }
}

/// What a content block or a delta of one says. A block is known by its `type`, and needs no start before its deltas.
fn content(part: &Value) -> Option<Said> {
    let length = |name| grammar::word(part, name).map_or(0, str::len);
    match part.get("type")?.as_str()? {
        "text" | "text_delta" => {
            grammar::word(part, "text").map(|text| Said::Text(text.to_owned()))
        }
        // A block of thinking that is hidden begins, and then nothing of it is shown.
        "thinking" | "thinking_delta" => Some(Said::Thinking(length("thinking"))),
        "redacted_thinking" => Some(Said::Thinking(length("data"))),
        // Signatures, citations, the input of tools.
        _ => None,
    }
}

fn stop_reason(holder: &Value) -> Option<Said> {
    let word = grammar::word(holder, "stop_reason")?;
    Some(Said::Finish(grammar::finish(word)))
}

/// Token counts: the prompt's come with the start of a message, the answer's grow, and for a model whose replies are
/// translated those at the start are guesses.
#[derive(Debug, Default)]
struct Counts {
    /// The part of the prompt that neither came from a cache nor went into one.
    fresh: u64,
    cached: u64,
    written: u64,
    output: u64,
}

impl Counts {
    /// Takes over what `usage` tells. A later count replaces an earlier one; a zero tells nothing, since gateways put it
    /// where a provider left a count out.
    fn update(&mut self, usage: &Value) -> Option<Usage> {
        usage.as_object()?;
        for (name, count) in [
            ("input_tokens", &mut self.fresh),
            ("cache_read_input_tokens", &mut self.cached),
            ("cache_creation_input_tokens", &mut self.written),
            ("output_tokens", &mut self.output),
        ] {
            if let Some(told) = usage.get(name).and_then(tokens).filter(|told| *told != 0) {
                *count = told;
            }
        }
        Some(Usage {
            input: self
                .fresh
                .saturating_add(self.cached)
                .saturating_add(self.written),
            cached: self.cached,
            written: self.written,
            output: self.output,
            estimated: false,
        })
    }
}

#[cfg(test)]
mod tests;
