//! How the stand-in writes what it says: the bytes of one answer on either surface, step by step. It opens no socket.

use serde_json::{Value, json};

use super::script::Step;
use crate::gateway::signal::Usage;
use crate::gateway::surface::Surface;

/// Writes one answer; remembers what has been begun.
#[derive(Debug)]
pub(super) struct Voice {
    surface: Surface,
    id: String,
    /// The counts that the answer will tell at its end: on the Anthropic surface those of the prompt come first.
    usage: Usage,
    begun: bool,
    /// The open content block of the Anthropic surface, and how many there have been.
    block: Option<Block>,
    blocks: usize,
    /// The counts went with the finish reason.
    counted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Block {
    Text,
    Thinking,
}

impl Voice {
    /// A voice for an answer with these steps; `id` is the answer's.
    pub(super) fn new(surface: Surface, id: String, steps: &[Step]) -> Self {
        let usage = steps.iter().find_map(|step| match step {
            Step::Usage(usage) => Some(*usage),
            _ => None,
        });
        Self {
            surface,
            id,
            usage: usage.unwrap_or_default(),
            begun: false,
            block: None,
            blocks: 0,
            counted: false,
        }
    }

    /// What a step writes; `next` is the one behind it, since counts go with the finish reason where they directly follow.
    pub(super) fn write(&mut self, step: &Step, next: Option<&Step>) -> Vec<u8> {
        match step {
            Step::Text(text) => self.text(text),
            Step::Thinking(text) => self.thinking(text),
            Step::Raw(bytes) => bytes.clone(),
            Step::Finish(reason) => {
                let usage = match next {
                    Some(Step::Usage(usage)) => Some(*usage),
                    _ => None,
                };
                self.counted = usage.is_some();
                self.finish(reason, usage)
            }
            Step::Usage(_) if std::mem::take(&mut self.counted) => Vec::new(),
            Step::Usage(usage) => self.usage(*usage),
            Step::Done => self.done(),
            Step::Headers | Step::Wait(_) | Step::Gate | Step::Cut | Step::Reset | Step::Hang => {
                Vec::new()
            }
        }
    }

    /// A piece of text.
    fn text(&mut self, text: &str) -> Vec<u8> {
        match self.surface {
            Surface::OpenAi => self.delta("content", text),
            Surface::Anthropic => {
                let delta = json!({"type": "text_delta", "text": text});
                self.content(Block::Text, &delta)
            }
        }
    }

    /// A piece of thinking.
    fn thinking(&mut self, text: &str) -> Vec<u8> {
        match self.surface {
            Surface::OpenAi => self.delta("reasoning_content", text),
            Surface::Anthropic => {
                let delta = json!({"type": "thinking_delta", "thinking": text});
                self.content(Block::Thinking, &delta)
            }
        }
    }

    /// The finish reason, in the words of the OpenAI surface, with the token counts if they go with it.
    fn finish(&mut self, reason: &str, usage: Option<Usage>) -> Vec<u8> {
        if self.surface == Surface::OpenAi {
            let mut bytes =
                self.chunk(&json!([{"index": 0, "delta": {}, "finish_reason": reason}]));
            bytes.extend(usage.map(|usage| self.usage(usage)).into_iter().flatten());
            return bytes;
        }
        let reason = match reason {
            "stop" => "end_turn",
            "length" => "max_tokens",
            "content_filter" => "refusal",
            "tool_calls" => "tool_use",
            other => other,
        };
        let mut bytes = self.begin();
        bytes.extend(self.end_block());
        let mut event = json!({"delta": {"stop_reason": reason, "stop_sequence": null}});
        if let Some(usage) = usage {
            event["usage"] = counts(usage, usage.output);
        }
        bytes.extend(named("message_delta", event));
        bytes
    }

    /// The token counts.
    fn usage(&mut self, usage: Usage) -> Vec<u8> {
        match self.surface {
            Surface::OpenAi => frame(&json!({
                "id": self.id,
                "object": "chat.completion.chunk",
                "choices": [],
                "usage": {
                    "prompt_tokens": usage.input,
                    "completion_tokens": usage.output,
                    "total_tokens": usage.input + usage.output,
                    "prompt_tokens_details": {
                        "cached_tokens": usage.cached, "cached_creation_tokens": usage.written,
                    },
                    "output_tokens": 0,
                },
            })),
            Surface::Anthropic => {
                let event = json!({"delta": {}, "usage": counts(usage, usage.output)});
                named("message_delta", event)
            }
        }
    }

    /// The end mark.
    fn done(&self) -> Vec<u8> {
        match self.surface {
            Surface::OpenAi => b"data: [DONE]\n\n".to_vec(),
            Surface::Anthropic => named("message_stop", json!({})),
        }
    }

    fn delta(&mut self, field: &str, text: &str) -> Vec<u8> {
        let mut delta = json!({field: text});
        if !std::mem::replace(&mut self.begun, true) {
            delta["role"] = "assistant".into();
        }
        self.chunk(&json!([{"index": 0, "delta": delta, "finish_reason": null}]))
    }

    fn chunk(&self, choices: &Value) -> Vec<u8> {
        frame(&json!({
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": 1_780_000_000,
            "model": "standin",
            "choices": choices,
            "usage": null,
        }))
    }

    fn content(&mut self, block: Block, delta: &Value) -> Vec<u8> {
        let mut bytes = self.begin();
        if self.block != Some(block) {
            bytes.extend(self.end_block());
            self.block = Some(block);
            let empty = match block {
                Block::Text => json!({"type": "text", "text": ""}),
                Block::Thinking => json!({"type": "thinking", "thinking": "", "signature": ""}),
            };
            let event = json!({"index": self.blocks, "content_block": empty});
            bytes.extend(named("content_block_start", event));
        }
        let event = json!({"index": self.blocks, "delta": delta});
        bytes.extend(named("content_block_delta", event));
        bytes
    }

    /// The start of a message, if it has not been written.
    fn begin(&mut self) -> Vec<u8> {
        if std::mem::replace(&mut self.begun, true) {
            return Vec::new();
        }
        let message = json!({
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "model": "standin",
            "content": [],
            "stop_reason": null,
            "stop_sequence": null,
            "usage": counts(self.usage, 1),
        });
        let mut bytes = named("message_start", json!({"message": message}));
        bytes.extend(named("ping", json!({})));
        bytes
    }

    fn end_block(&mut self) -> Vec<u8> {
        let Some(block) = self.block.take() else {
            return Vec::new();
        };
        let index = self.blocks;
        self.blocks += 1;
        let mut bytes = Vec::new();
        if block == Block::Thinking {
            let delta = json!({"type": "signature_delta", "signature": "c3RhbmRpbg=="});
            bytes.extend(named(
                "content_block_delta",
                json!({"index": index, "delta": delta}),
            ));
        }
        bytes.extend(named("content_block_stop", json!({"index": index})));
        bytes
    }
}

/// The body of an answer with these steps, for tests that send it changed, cut or in other pieces.
pub fn body(surface: Surface, steps: &[Step]) -> Vec<u8> {
    let mut voice = Voice::new(surface, "standin".to_owned(), steps);
    let next = steps.iter().skip(1).map(Some).chain([None]);
    let written = steps.iter().zip(next);
    written
        .flat_map(|(step, next)| voice.write(step, next))
        .collect()
}

/// Token counts in the words of the Anthropic surface, which counts apart what a cache gave and took.
fn counts(usage: Usage, output: u64) -> Value {
    let fresh = usage
        .input
        .saturating_sub(usage.cached)
        .saturating_sub(usage.written);
    json!({
        "input_tokens": fresh,
        "cache_read_input_tokens": usage.cached,
        "cache_creation_input_tokens": usage.written,
        "output_tokens": output,
    })
}

fn frame(value: &Value) -> Vec<u8> {
    format!("data: {value}\n\n").into_bytes()
}

/// An event of the Anthropic surface. The gateway ends each with one line feed more than the standard asks for.
fn named(kind: &str, mut event: Value) -> Vec<u8> {
    event["type"] = kind.into();
    format!("event: {kind}\ndata: {event}\n\n\n").into_bytes()
}
