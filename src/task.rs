//! What is asked of which text, before anything is sent: the instruction, what must not be sent, and the request. The
//! server and the command line both begin here.

use crate::action::{self, Kind};
use crate::conversation::Conversation;
use crate::prompt::context::{self, Exclusions};
use crate::prompt::{self, Request};
use crate::text::Span;
use crate::text::document::Document;

/// The largest selection, in bytes, that is asked about: gateways stand behind proxies that refuse bodies above 1 MB.
const LARGEST_SELECTION: usize = 400_000;

/// So many bytes are taken to be one token when a rewrite's length is compared with the limit on its answer: code runs
/// at three to four bytes a token, and a guess that is too high refuses less than one that is too low.
const BYTES_PER_TOKEN: usize = 4;

/// What is asked of which text.
pub struct Subject<'a> {
    /// Ask or rewrite.
    pub kind: Kind,
    /// The file as people name it.
    pub path: &'a str,
    /// The text, with its language.
    pub document: &'a Document,
    /// The selection, in bytes of the text.
    pub span: Span,
    /// The question, or the instruction.
    pub instruction: &'a str,
}

/// What of the settings goes into a request.
#[derive(Clone, Copy, Debug)]
pub struct Limits<'a> {
    /// The user's own addition to the system prompt.
    pub instructions: &'a str,
    /// The limit on generated tokens.
    pub max_output_tokens: u32,
    /// Budget for the code around the selection, in bytes.
    pub context_max_bytes: usize,
}

impl Subject<'_> {
    /// The request, with the text of its new turn, which is what a conversation keeps.
    pub fn request(
        &self,
        model: String,
        limits: &Limits<'_>,
        past: &Conversation,
    ) -> (Request, String) {
        let text = self.document.text();
        let (before, after) = context::around(text, self.span, limits.context_max_bytes);
        let selection = selected(self.document, self.span);
        let last = if selection.ends_with(['\n', '\r']) {
            self.span.end - 1
        } else {
            self.span.end
        };
        let turn = prompt::Turn {
            kind: self.kind,
            path: self.path,
            language: self.document.language(),
            first_line: text.try_byte_to_line(self.span.start).unwrap_or(0),
            last_line: text.try_byte_to_line(last).unwrap_or(0),
            selection: &selection,
            before: &before,
            after: &after,
            instruction: self.instruction,
        };
        prompt::request(
            model,
            limits.instructions,
            limits.max_output_tokens,
            past,
            &turn,
        )
    }
}

/// Refuses a file that is never sent, and names the rule. `path` in any form, `name` for the message.
pub fn check_path(exclusions: &Exclusions, path: &str, name: &str) -> Result<(), String> {
    match exclusions.rule_for(path) {
        Some(rule) => Err(format!(
            "{name} is never sent: its name matches the built-in exclusion {rule}"
        )),
        None => Ok(()),
    }
}

/// Refuses a selection that is empty, binary, or too large to be asked about or rewritten, in one sentence.
pub fn check_selection(
    kind: Kind,
    document: &Document,
    span: Span,
    name: &str,
    max_output_tokens: u32,
) -> Result<(), String> {
    let selection = selected(document, span);
    if selection.trim().is_empty() {
        return Err(match kind {
            Kind::Ask => "nothing is selected; select the text to ask about".to_owned(),
            Kind::Rewrite => "nothing is selected; select the text to rewrite (writing new text at the cursor comes in a \
                              later version)"
                .to_owned(),
        });
    }
    let begins_binary = || {
        document
            .text()
            .chars()
            .take(8_000)
            .any(|character| character == '\0')
    };
    if selection.contains('\0') || begins_binary() {
        return Err(format!(
            "{name} looks like a binary file, so nothing of it was sent"
        ));
    }
    let limit = match kind {
        Kind::Ask => LARGEST_SELECTION,
        Kind::Rewrite => LARGEST_SELECTION.min(max_output_tokens as usize * BYTES_PER_TOKEN),
    };
    let size = selection.len();
    match kind {
        _ if size <= limit => Ok(()),
        Kind::Ask => Err(format!(
            "the selection is too large to ask about: {size} bytes of at most {limit}; select less"
        )),
        Kind::Rewrite => Err(format!(
            "the selection is too large to rewrite: {size} bytes, and an answer of {max_output_tokens} tokens holds about \
             {limit}; select less, or raise max_output_tokens"
        )),
    }
}

fn selected(document: &Document, span: Span) -> String {
    let selection = document.text().get_byte_slice(span.start..span.end);
    selection.map(String::from).unwrap_or_default()
}

/// The title and the instruction of a job: an action's own, the user's words, or both.
///
/// `id` names a built-in action of this kind. With neither, asking means *Explain*, and rewriting is refused.
pub fn instruction(
    kind: Kind,
    id: Option<&str>,
    words: Option<&str>,
) -> Result<(String, String), String> {
    let id = match (id, words, kind) {
        (Some(id), _, _) => id,
        (None, Some(words), _) => return Ok((title(words), words.to_owned())),
        (None, None, Kind::Ask) => "explain",
        (None, None, Kind::Rewrite) => {
            return Err("say what to do: give an instruction, or choose a code action".to_owned());
        }
    };
    let action = action::by_id(id).filter(|action| action.kind == kind);
    let action = action.ok_or_else(|| {
        format!("there is no action {id}; choose one from the list of code actions")
    })?;
    let instruction = match words {
        Some(words) => format!("{}\n{words}", action.prompt),
        None => action.prompt.to_owned(),
    };
    Ok((action.title.to_owned(), instruction))
}

/// The beginning of the user's own words, as a title.
fn title(words: &str) -> String {
    let line = words.lines().next().unwrap_or_default();
    let mut title: String = line.chars().take(40).collect();
    if title.len() < words.len() {
        title.push('…');
    }
    title
}
