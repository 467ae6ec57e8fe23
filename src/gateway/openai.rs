//! The OpenAI surface: the body of a request, and what a chunk of a reply says. No network, no clock, no status; what
//! becomes of a reply is decided in [`super::reader`].

use serde_json::{Value, json};

use super::effort;
use super::grammar::{self, Said, tokens};
use super::signal::Usage;
use crate::prompt::{Request, Role};

/// The body of `POST /v1/chat/completions` for a request.
///
/// `max_tokens` is always there (the gateway puts in 8192 for claude otherwise); a temperature never is (some models refuse
/// any).
pub fn body(request: &Request) -> String {
    let mut messages = Vec::with_capacity(request.messages.len() + 1);
    if !request.system.is_empty() {
        messages.push(json!({"role": "system", "content": request.system}));
    }
    for (role, text) in request.alternating() {
        let role = match role {
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        messages.push(json!({"role": role, "content": text}));
    }
    let mut body = json!({
        "model": request.model,
        "messages": messages,
        "max_tokens": request.max_output_tokens,
        "stream": true,
        "stream_options": {"include_usage": true},
    });
    if let Some(effort) = effort::on_openai(request.thinking) {
        body["reasoning_effort"] = effort.into();
    }
    body.to_string()
}

/// Reads chunks in the order in which they come; remembers what tells one answer from a second one in the same reply.
#[derive(Debug, Default)]
pub struct Chunks {
    id: String,
    /// A delta with text came without a role: this server names the role only at the start of an answer.
    names_role_once: bool,
}

impl Chunks {
    /// What a chunk says, or a whole reply, which has a `message` where a stream has a `delta`.
    pub(super) fn read(&mut self, chunk: &Value) -> Vec<Said> {
        let mut said = Vec::new();
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
            self.read_choice(chunk, choice, &mut said);
        }
        said.extend(chunk.get("usage").and_then(usage).map(Said::Usage));
        said
    }

    fn read_choice(&mut self, chunk: &Value, choice: &Value, said: &mut Vec<Said>) {
        let delta = choice
            .get("delta")
            .or_else(|| choice.get("message"))
            .unwrap_or(&Value::Null);
        let finish = grammar::word(choice, "finish_reason");
        let thinking =
            text_of(delta.get("reasoning_content")).or_else(|| text_of(delta.get("reasoning")));
        let text = text_of(delta.get("content"));
        let names_role = delta.get("role").is_some_and(Value::is_string);
        let id = grammar::word(chunk, "id").unwrap_or_default();

        // A second answer in the same stream comes under a new id or with a new role.
        let new_id = !id.is_empty() && !self.id.is_empty() && id != self.id;
        let new_role = names_role && self.names_role_once && finish.is_none();
        if new_id || new_role {
            said.push(Said::Anew);
        }
        if !id.is_empty() {
            id.clone_into(&mut self.id);
        }
        if thinking.is_some() || text.is_some() {
            self.names_role_once |= !names_role;
        }
        said.extend(thinking.map(|thinking| Said::Thinking(thinking.len())));
        said.extend(text.map(Said::Text));
        said.extend(finish.map(|word| Said::Finish(grammar::finish(word))));
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
        written: count("/prompt_tokens_details/cached_creation_tokens")
            .or_else(|| {
                let short = count("/claude_cache_creation_5_m_tokens")?;
                Some(short.saturating_add(count("/claude_cache_creation_1_h_tokens").unwrap_or(0)))
            })
            .unwrap_or(0),
        output: output.unwrap_or(0),
        estimated: false,
    })
}

#[cfg(test)]
mod tests;
