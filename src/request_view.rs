//! A request written down for the person on whose behalf it would be sent: where it goes, how large it is, what of it a
//! prompt cache can hold, what was masked in it, and its body byte for byte. Knows neither the key nor a secret, and sends
//! nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::action::Kind;
use crate::gateway::preview::Preview;
use crate::gateway::surface::Surface;
use crate::prompt::redact::{Redact, Vault, numbers_in, placeholder};
use crate::prompt::{self, Request};
use crate::task::tokens;
use crate::text::hidden;

/// What is known of a request.
#[derive(Debug)]
pub struct View<'a> {
    /// Ask or rewrite.
    pub kind: Kind,
    /// What its job would be called.
    pub title: &'a str,
    /// The file as people name it.
    pub path: &'a str,
    /// The first and the last line that it is about, counted from 1.
    pub lines: (u32, u32),
    /// The request.
    pub request: &'a Request,
    /// What goes over the wire.
    pub preview: &'a Preview,
    /// What messages call the source of the key; `None` if there is none.
    pub key: Option<&'a str>,
    /// Whether secrets are masked.
    pub redact: Redact,
    /// What the placeholders in it stand for.
    pub vault: &'a Vault,
}

/// The parts of a request, in the order in which they are sent.
struct Parts<'a> {
    system: &'a str,
    past: Vec<&'a str>,
    new: &'a str,
}

impl View<'_> {
    /// The view as Markdown.
    pub fn markdown(&self) -> String {
        let parts = self.parts();
        let mut out = self.head();
        out.push_str(&self.target());
        out.push_str(&sizes(&parts, self.preview.body.len()));
        out.push_str(&self.cache(&parts));
        out.push_str(&self.masked(&parts));
        // JSON as it is sent has no line break, so nothing in it can end the block.
        let body = &self.preview.body;
        let unseen = if hidden::hidden(body).is_empty() {
            ""
        } else {
            "It holds characters that cannot be seen; further below they are written out.\n\n"
        };
        write_into(
            &mut out,
            format_args!("## Body, byte for byte\n\n{unseen}```json\n{body}\n```\n\n"),
        );
        out.push_str("## The same to read\n");
        for (name, text) in [("System prompt", parts.system), ("New turn", parts.new)] {
            if !text.is_empty() {
                write_into(&mut out, format_args!("\n### {name}\n\n{}", block(text)));
            }
        }
        out
    }

    fn parts(&self) -> Parts<'_> {
        let (new, past) = match self.request.messages.split_last() {
            Some((new, past)) => (new.text.as_str(), past),
            None => ("", [].as_slice()),
        };
        Parts {
            system: &self.request.system,
            past: past.iter().map(|message| message.text.as_str()).collect(),
            new,
        }
    }

    fn head(&self) -> String {
        let command = match self.kind {
            Kind::Ask => "ask",
            Kind::Rewrite => "rewrite",
        };
        let lines = match self.lines {
            (first, last) if first == last => format!("line {first}"),
            (first, last) => format!("lines {first} to {last}"),
        };
        format!(
            "# Request: {}\n\nNothing has been sent. This is what `ezrouter.{command}` would send now about `{}`, {lines}.\n\n",
            hidden::visible(self.title),
            hidden::visible(self.path)
        )
    }

    fn target(&self) -> String {
        let Preview {
            method,
            url,
            headers,
            surface,
            ..
        } = self.preview;
        let surface = match surface {
            Surface::OpenAi => "OpenAI",
            Surface::Anthropic => "Anthropic",
        };
        let headers = headers.iter();
        let headers: Vec<String> = headers
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        let headers = headers.join("\n");
        let key = match self.key {
            Some(source) => format!("`[key]` stands for the key, which comes from {source}."),
            None => "No key is set: nothing can be sent before there is one.".to_owned(),
        };
        format!(
            "Model `{}`, {surface} surface. {key}\n\n```http\n{method} {url}\n{headers}\n```\n\n",
            self.request.model
        )
    }

    fn cache(&self, parts: &Parts<'_>) -> String {
        let old = parts.system.len() + bytes(&parts.past);
        let mut out = "## Cache\n\n".to_owned();
        if parts.past.is_empty() {
            out.push_str(
                "Nothing was said before this turn; only the system prompt may be in a cache.\n",
            );
        } else {
            write_into(
                &mut out,
                format_args!(
                    "Unchanged since the turn before, so that a cache can hold it: the system prompt and {}, {old} bytes. \
                     New: {} bytes.\n",
                    turns(parts.past.len()),
                    parts.new.len()
                ),
            );
        }
        match self.preview.surface {
            Surface::OpenAi => out.push_str(
                "This surface has no cache marks: a cache takes what begins like an earlier request.\n\n",
            ),
            Surface::Anthropic => {
                let marks = marks(&self.preview.body).join(" and ");
                write_into(&mut out, format_args!("Cache marks stand behind {marks}.\n\n"));
            }
        }
        out
    }

    fn masked(&self, parts: &Parts<'_>) -> String {
        let mut out = "## Masked\n\n".to_owned();
        if self.redact == Redact::Off {
            out.push_str("Nothing: `redact` is false, so secrets are sent as they stand.\n\n");
            return out;
        }
        // The system prompt itself names a placeholder, to tell the model what they are.
        let own = prompt::system("", self.redact);
        let instructions = parts.system.strip_prefix(&own).unwrap_or_default();
        let places = std::iter::once(("system prompt", instructions))
            .chain(parts.past.iter().map(|text| ("earlier turns", *text)))
            .chain([("new turn", parts.new)]);
        let mut found: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
        for (name, text) in places {
            for number in numbers_in(text) {
                let names = found.entry(number).or_default();
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        if found.is_empty() {
            out.push_str(
                "Nothing: no secret was found. One that looks like nothing known is sent.\n\n",
            );
            return out;
        }
        out.push_str("| placeholder | stands for | in |\n|---|---|---|\n");
        for (number, names) in found {
            let kind = self.vault.kind(number);
            let kind = kind.map_or_else(
                || "a secret of an earlier run of the server".to_owned(),
                |kind| kind.to_string(),
            );
            let (placeholder, names) = (placeholder(number), names.join(", "));
            write_into(
                &mut out,
                format_args!("| `{placeholder}` | {kind} | {names} |\n"),
            );
        }
        out.push('\n');
        out
    }
}

fn sizes(parts: &Parts<'_>, body: usize) -> String {
    let mut out = "## Size\n\n| part | bytes | tokens (a guess) |\n|---|---:|---:|\n".to_owned();
    let past = bytes(&parts.past);
    let earlier = turns(parts.past.len());
    let all = parts.system.len() + past + parts.new.len();
    for (name, size) in [
        ("system prompt", parts.system.len()),
        (earlier.as_str(), past),
        ("new turn", parts.new.len()),
        ("all text", all),
    ] {
        write_into(
            &mut out,
            format_args!("| {name} | {size} | {} |\n", tokens(size)),
        );
    }
    write_into(
        &mut out,
        format_args!("| body, with the JSON around the text | {body} | |\n\n"),
    );
    out
}

/// So many messages as turns, each of which has a question and an answer.
fn turns(messages: usize) -> String {
    match messages / 2 {
        1 => "1 earlier turn".to_owned(),
        turns => format!("{turns} earlier turns"),
    }
}

fn bytes(texts: &[&str]) -> usize {
    texts.iter().map(|text| text.len()).sum()
}

/// What stands in front of the cache marks of a body of the Anthropic surface.
fn marks(body: &str) -> Vec<String> {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let has_mark = |content: &Value| {
        let blocks = content.as_array().into_iter().flatten();
        blocks
            .into_iter()
            .any(|block| block.get("cache_control").is_some())
    };
    let system = body.get("system").filter(|system| has_mark(system));
    let messages = body.get("messages").and_then(Value::as_array);
    let messages = messages.map(Vec::as_slice).unwrap_or_default();
    let marked = messages
        .iter()
        .enumerate()
        .filter(|(_, message)| message.get("content").is_some_and(has_mark));
    let marked = marked.map(|(index, _)| format!("message {} of {}", index + 1, messages.len()));
    let system = system.map(|_| "the system prompt".to_owned());
    system.into_iter().chain(marked).collect()
}

/// A text as a block of Markdown that nothing in it can end, with what cannot be seen written out.
fn block(text: &str) -> String {
    let longest = text
        .split(|c| c != '`')
        .map(str::len)
        .max()
        .unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{}\n{fence}\n", hidden::visible(text))
}

fn write_into(out: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing into a string cannot fail.
    let _ = out.write_fmt(what);
}
