//! What is asked of which text, before anything is sent: the instruction, which selections are refused, and the request.
//! The server and the command line both begin here. Which files are never sent is found out elsewhere.

mod place;
mod question;

use std::collections::BTreeSet;

use ropey::Rope;

use self::place::Place;
use crate::action::own::Own;
use crate::action::{self, Kind, Target};
use crate::conversation::Conversation;
use crate::prompt::context::Around;
use crate::prompt::redact::restore::Restorer;
use crate::prompt::redact::{self, Masked, Piece, Redact, Secret};
use crate::prompt::{self, Request, Thinking, context};
use crate::reply::Shape;
use crate::text::Span;
use crate::text::document::Document;

/// The largest selection, in bytes, that is asked about: gateways stand behind proxies that refuse bodies above 1 MB.
const LARGEST_SELECTION: usize = 400_000;

/// So many bytes are taken to be one token when a rewrite's length is compared with the limit on its answer: code runs
/// at three to four bytes a token, and a guess that is too high refuses less than one that is too low.
const BYTES_PER_TOKEN: usize = 4;

/// About how many tokens a text of so many bytes is.
pub fn tokens(bytes: usize) -> usize {
    bytes.div_ceil(BYTES_PER_TOKEN)
}

/// What is asked of which text, as both were at the moment of the command.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Ask or rewrite.
    pub kind: Kind,
    /// The file as people name it; empty if the question is about none.
    pub path: String,
    /// The text, with its language.
    pub document: Document,
    /// The selection, in bytes of the text.
    pub span: Span,
    /// The question, or the instruction.
    pub instruction: String,
    /// What other servers say about the selection, a line each.
    pub diagnostics: String,
    /// So many lines of the file in front of the selection are not in the text.
    pub lines_cut: usize,
    /// Where the text of a rewrite goes.
    pub target: Target,
    /// The names that the user's words hold of other files (`prompt::mention`).
    pub names: Vec<String>,
}

/// What of the settings goes into a request.
#[derive(Clone, Copy, Debug)]
pub struct Limits<'a> {
    /// The user's own addition to the system prompt.
    pub instructions: &'a str,
    /// The limit on generated tokens.
    pub max_output_tokens: u32,
    /// How long the model may think.
    pub thinking: Thinking,
    /// Budget for the code around the selection, in bytes.
    pub context_max_bytes: usize,
    /// Whether secrets are masked.
    pub redact: Redact,
}

/// What is to be asked, with what of it is secret: everything that takes time is done.
#[derive(Clone, Debug)]
pub struct Draft {
    kind: Kind,
    path: String,
    language: String,
    target: Target,
    lines: (usize, usize),
    before: Piece,
    selection: Piece,
    after: Piece,
    files: Vec<(String, Piece)>,
    diagnostics: Piece,
    instruction: Piece,
    instructions: Piece,
    place: Option<Place>,
    max_output_tokens: u32,
    thinking: Thinking,
    redact: Redact,
}

/// A request, with what must be known of it when its reply comes.
#[derive(Debug)]
pub struct Composed {
    /// The request.
    pub request: Request,
    /// The text of its new turn, which is what a conversation keeps.
    pub question: String,
    /// Brings the secrets of the selection back in a reply that replaces it.
    pub restorer: Restorer,
    /// What surrounds the place of a rewrite, as the model was shown it; `None` where nothing of it was masked.
    pub shape: Option<Shape>,
    /// How many secrets are masked in the new turn.
    pub masked: usize,
}

/// How far around what is sent secrets are looked for, in bytes: one that begins or ends outside is one all the same.
const MARGIN: usize = 64 << 10;

impl Subject {
    /// The first and the last line that the selection holds text of, counted from 0.
    pub fn lines(&self) -> (usize, usize) {
        let text = self.document.text();
        let last = self.span.end.saturating_sub(1).max(self.span.start);
        let line = |byte: usize| text.try_byte_to_line(byte).unwrap_or(0);
        (
            self.lines_cut + line(self.span.start),
            self.lines_cut + line(last),
        )
    }

    /// Takes from the text what goes along, beside the `files` that the words name (path and text), and finds what of it is
    /// secret. Takes time linear in what goes along.
    pub fn draft(&self, limits: &Limits<'_>, files: &[(&str, &str)]) -> Draft {
        let text = self.document.text();
        let mut around = context::around(text, self.span, limits.context_max_bytes);
        let secrets = match limits.redact {
            Redact::On => secrets_around(text, &around),
            Redact::Off => Vec::new(),
        };
        let part = |start: usize, end: usize| Piece::part(read(text, start, end), start, &secrets);
        let selection = part(self.span.start, self.span.end);
        if selection.text().trim().is_empty() {
            // The line that the cursor stands on belongs to what surrounds it.
            around.before.end = self.span.start;
            around.after.start = self.span.end + line_break(text, self.span.end);
        }
        let mut before = Piece::default();
        for span in &around.far {
            before.append(&part(span.start, span.end));
        }
        if around.has_gap() {
            before.append(&Piece::part(context::GAP.to_owned(), 0, &[]));
        }
        before.append(&part(around.before.start, around.before.end));
        // Line endings at the outer ends of the context say nothing.
        let before = before.without_line_ending();
        let after = part(around.after.start, around.after.end).without_line_ending();
        let pieces = [&before, &selection, &after];
        Draft {
            kind: self.kind,
            path: self.path.clone(),
            language: self.document.language().to_owned(),
            target: self.target,
            lines: self.lines(),
            // Both may quote the text, without what shows there that it is a secret.
            diagnostics: Piece::quoting(&self.diagnostics, limits.redact, &pieces),
            instruction: Piece::quoting(&self.instruction, limits.redact, &pieces),
            files: files
                .iter()
                .map(|(path, text)| {
                    let text = Piece::new(text, limits.redact).without_line_ending();
                    ((*path).to_owned(), text)
                })
                .collect(),
            before,
            selection,
            after,
            instructions: Piece::new(limits.instructions, limits.redact),
            place: (self.kind == Kind::Rewrite && !secrets.is_empty()).then(|| Place {
                document: self.document.clone(),
                span: self.span,
                secrets,
                target: self.target,
            }),
            max_output_tokens: limits.max_output_tokens,
            thinking: limits.thinking,
            redact: limits.redact,
        }
    }
}

impl Draft {
    /// The title of its job, which may be the beginning of the user's words, as it may be kept.
    pub fn title(&self, title: &str, past: &mut Conversation) -> String {
        let words = title.trim_end_matches('…');
        if self.instruction.text().starts_with(words) {
            let masked = past.vault.mask(&self.instruction.beginning(words.len()));
            return masked.text + title.get(words.len()..).unwrap_or_default();
        }
        past.vault.mask(&Piece::new(title, self.redact)).text
    }

    /// The request: secrets masked by the numbers that `past` has for them.
    pub fn request(&self, model: String, past: &mut Conversation) -> Composed {
        let instructions = past.vault.mask(&self.instructions);
        let files: Vec<(&String, Masked)> = self
            .files
            .iter()
            .map(|(path, text)| (path, past.vault.mask(text)))
            .collect();
        let before = past.vault.mask(&self.before);
        let after = past.vault.mask(&self.after);
        let selection = past.vault.mask(&self.selection);
        let diagnostics = past.vault.mask(&self.diagnostics);
        let instruction = past.vault.mask(&self.instruction);
        let pieces = [
            &instructions,
            &before,
            &after,
            &selection,
            &diagnostics,
            &instruction,
        ];
        let pieces = pieces.into_iter().chain(files.iter().map(|(_, text)| text));
        let numbers: BTreeSet<usize> = pieces
            .flat_map(super::prompt::redact::Masked::numbers)
            .collect();
        let files: Vec<(String, String)> = files
            .into_iter()
            .map(|(path, text)| (path.clone(), text.text))
            .collect();
        let turn = prompt::Turn {
            kind: self.kind,
            path: &self.path,
            language: &self.language,
            first_line: self.lines.0,
            last_line: self.lines.1,
            selection: &selection.text,
            files: &files,
            before: &before.text,
            after: &after.text,
            diagnostics: &diagnostics.text,
            instruction: &instruction.text,
            target: self.target,
        };
        let system = prompt::system(&instructions.text, self.redact);
        let (request, question) =
            prompt::request(model, system, self.max_output_tokens, past, &turn);
        Composed {
            request: Request {
                thinking: self.thinking,
                ..request
            },
            question,
            restorer: match self.redact {
                Redact::On => selection.restorer(),
                Redact::Off => Restorer::default(),
            },
            shape: self.place.as_ref().map(|place| place.shape(&past.vault)),
            masked: numbers.len(),
        }
    }
}

/// Refuses an action that needs selected text where there is none; `id` names a built-in action.
pub fn check_action(id: Option<&str>, document: &Document, span: Span) -> Result<(), String> {
    let needs_text = id.is_some_and(|id| action::at_cursor().all(|action| action.id != id));
    if needs_text && selected(document, span).trim().is_empty() {
        return Err("nothing is selected; select the text to rewrite".to_owned());
    }
    Ok(())
}

/// The secrets in what goes along.
fn secrets_around(text: &Rope, around: &Around) -> Vec<Secret> {
    let far = around.far.first().zip(around.far.last());
    let far = far.map(|(first, last)| (first.start, last.end));
    let near = (around.before.start, around.after.end);
    let parts = far.into_iter().chain([near]);
    parts
        .flat_map(|(start, end)| secrets_near(text, start, end))
        .collect()
}

/// The secrets in a part of a text, in bytes of the text: also those that begin or end outside of it.
fn secrets_near(text: &Rope, start: usize, end: usize) -> Vec<Secret> {
    let from = boundary(text, start.saturating_sub(MARGIN));
    let to = boundary(text, text.len_bytes().min(end + MARGIN));
    let mut found = redact::secrets(&read(text, from, to));
    for secret in &mut found {
        secret.span = from + secret.span.start..from + secret.span.end;
    }
    found
}

fn read(text: &Rope, from: usize, to: usize) -> String {
    let slice = text.get_byte_slice(from..to);
    slice.map(String::from).unwrap_or_default()
}

/// How long the line break at `byte` is, if there is one.
fn line_break(text: &Rope, byte: usize) -> usize {
    match (text.get_byte(byte), text.get_byte(byte + 1)) {
        (Some(b'\r'), Some(b'\n')) => 2,
        (Some(b'\r' | b'\n'), _) => 1,
        _ => 0,
    }
}

/// The start of the character that holds `byte`.
fn boundary(text: &Rope, byte: usize) -> usize {
    let character = text.try_byte_to_char(byte);
    let start = character.and_then(|character| text.try_char_to_byte(character));
    start.unwrap_or(byte)
}

/// What the user is told of a file called `name` that is never sent, with the rule as a clause about it.
pub fn never_sent(name: &str, rule: &str) -> String {
    format!("{name} is never sent: {rule}")
}

/// Refuses a selection that is binary, or too large to be asked about or rewritten, and a question about nothing, in one
/// sentence. A rewrite of nothing writes new text at the cursor.
pub fn check_selection(
    kind: Kind,
    document: &Document,
    span: Span,
    name: &str,
    max_output_tokens: u32,
) -> Result<(), String> {
    let selection = selected(document, span);
    if kind == Kind::Ask && selection.trim().is_empty() {
        return Err("nothing is selected; select the text to ask about".to_owned());
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

/// The text of `span`, in bytes of the document.
pub fn selected(document: &Document, span: Span) -> String {
    read(document.text(), span.start, span.end)
}

/// What a job is called and what the model is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// What menus and messages call it.
    pub title: String,
    /// The question, or the instruction; may hold the placeholders of [`action::own`].
    pub prompt: String,
    /// The model that the action asks for.
    pub model: Option<String>,
    /// Where the text of a rewrite goes.
    pub target: Target,
}

/// What to do: an action's own words, the user's, or both.
///
/// `id` names a built-in action of this kind or one of `own`. With neither, asking means *Explain*, and rewriting is refused.
pub fn choose(
    kind: Kind,
    id: Option<&str>,
    words: Option<&str>,
    own: &[Own],
) -> Result<Chosen, String> {
    let id = match (id, words, kind) {
        (Some(id), _, _) => id,
        (None, Some(words), _) => {
            return Ok(Chosen {
                title: action::title(words),
                prompt: words.to_owned(),
                model: None,
                target: Target::Selection,
            });
        }
        (None, None, Kind::Ask) => "explain",
        (None, None, Kind::Rewrite) => {
            return Err("say what to do: give an instruction, or choose a code action".to_owned());
        }
    };
    let built_in = action::by_id(id)
        .filter(|action| action.kind == kind)
        .map(|action| (action.title, action.prompt, None, action.target));
    let mine = own
        .iter()
        .find(|action| action.id == id && action.kind == kind)
        .map(|action| {
            (
                action.title.as_str(),
                action.prompt.as_str(),
                action.model.clone(),
                Target::Selection,
            )
        });
    let (title, prompt, model, target) = mine.or(built_in).ok_or_else(|| {
        format!("there is no action {id}; choose one from the list of code actions")
    })?;
    let prompt = match words {
        Some(words) => format!("{prompt}\n{words}"),
        None => prompt.to_owned(),
    };
    Ok(Chosen {
        title: title.to_owned(),
        prompt,
        model,
        target,
    })
}
