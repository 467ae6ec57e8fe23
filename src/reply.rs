//! Turns a model's answer to "rewrite this" into exactly the text that replaces the selection, while it streams. It judges
//! form only: what the text says, how it differs from the old one and how it lands in the document are not its business.

mod affix;
mod behind;
mod echo;
mod fence;
mod gate;
mod head;
mod indent;
mod language;
mod place;
mod prompted;
mod rules;
mod skipping;
mod span;
mod spanning;
mod tail;
mod talk;
pub mod thinking;
mod turn;

#[cfg(test)]
mod tests;

use affix::{Prefix, Suffix};
use echo::{Leading, Trailing};
use fence::Block;
use gate::Gate;
use head::{Head, Verdict};
use indent::Reindent;
use tail::Tail;
use turn::Turn;

pub use gate::SENTINEL;
pub use place::Room;

/// The longest line, in bytes without indentation, that is held because it may be wrapping. Openers and fences are shorter.
const MAX_HELD: usize = 400;

/// The most blank characters in a row that are held; further ones count as text.
const MAX_BLANK: usize = 1_024;

/// The most text, in bytes, that is held because it may be speech to the user; more of it counts as content.
const MAX_TALK: usize = 1 << 16;

/// How much of what a model said instead of giving text is shown, in characters.
const MAX_SHOWN: usize = 200;

/// The document's style of indentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Indent {
    /// One tab for each level.
    Tabs,
    /// This many spaces for each level; 0 counts as 1.
    Spaces(u8),
    /// The document shows none: indentation stays as the answer has it.
    Unknown,
}

/// What the cleaner must know about the place that the answer goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The LSP language id. For a selection inside a fenced block of Markdown it is that block's language, because in
    /// Markdown itself a fence in the answer counts as text.
    pub language: String,
    /// The selected text, verbatim.
    pub selection: String,
    /// What stands on the first selected line in front of the selection.
    pub line_prefix: String,
    /// What stands on the last selected line behind the selection; empty if the selection ends with a newline.
    pub line_suffix: String,
    /// Whole lines in front of the selection's first line, the nearest last; an answer that repeats them loses them.
    pub before: String,
    /// Whole lines behind the selection's last line, the nearest first; an answer that repeats them loses them.
    pub after: String,
    /// What a newline in the answer becomes: `"\n"`, `"\r\n"` or `"\r"`.
    pub line_ending: &'static str,
    /// The document's style of indentation.
    pub indent: Indent,
}

impl Shape {
    /// The base indentation of the selection: that of its first line that is not blank, with what stands in front of the
    /// selection on the same line. If the selection begins behind other text, it is the indentation of that text; if it is
    /// all blank, that of its first line.
    pub fn base_indent(&self) -> String {
        let (lead, _) = self.margins();
        match lead
            .rfind(['\n', '\r'])
            .and_then(|newline| lead.get(newline + 1..))
        {
            Some(indent) => indent.to_owned(),
            None if self.line_prefix.chars().all(is_blank) => self.line_prefix.clone() + lead,
            None => self
                .line_prefix
                .chars()
                .take_while(|&c| is_blank(c))
                .collect(),
        }
    }

    /// Whether the selection, or what stands around it, has this text.
    fn surrounds(&self, text: &str) -> bool {
        let parts = [
            &self.selection,
            &self.before,
            &self.after,
            &self.line_prefix,
            &self.line_suffix,
        ];
        parts.iter().any(|part| part.contains(text))
    }

    /// The white space at the ends of the selection that the new text keeps: all that it begins with; at its end all from the
    /// first newline on, or what separates it from text behind it on the line. So blank lines at the edges stay as they were.
    fn margins(&self) -> (&str, &str) {
        let selection = self.selection.as_str();
        let from_first_newline = |text: &str| text.find(['\n', '\r']).unwrap_or(text.len());
        let text = selection.trim_start_matches(is_white);
        if text.is_empty() {
            return selection.split_at(from_first_newline(selection));
        }
        let (lead, _) = selection.split_at(selection.len() - text.len());
        let (_, tail) = selection.split_at(selection.trim_end_matches(is_white).len());
        if tail.contains(['\n', '\r']) {
            (lead, tail.split_at(from_first_newline(tail)).1)
        } else {
            (
                lead,
                if self.line_suffix.is_empty() {
                    ""
                } else {
                    tail
                },
            )
        }
    }
}

/// Why an answer is no text to put in place of the selection. Nothing of it was ever given out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// Nothing but white space, thinking or parts of the prompt came.
    #[error("the model's answer holds no text")]
    Empty,
    /// The model spoke to the user and gave no text; this is the beginning of what it said.
    #[error("the model answered in words and gave no text for the selection: {0}")]
    Words(String),
    /// The model began with [`SENTINEL`]; this is the rest of that line, trimmed, and may be empty.
    #[error("the model declined: {0}")]
    Refused(String),
}

/// The cleaner of one answer. Deltas may be split anywhere; what was given out is never taken back, and the whole is the same
/// for every split.
///
/// **Removed** in front: blank lines; thinking (`<think>…</think>` and the like, also without its beginning); speech to the
/// user; parts of the prompt; lines that the document has in front of the selection. Around: a fence, with everything behind
/// it; the backticks of an answer that is one code span, if the selection lies within a line. Behind: a closing fence that
/// nothing opened; in code, sentences behind a blank line; parts of the prompt and marks of chat templates with everything
/// behind them; lines that the document has behind the selection.
///
/// Text that is at home in a document is not taken for any of these: speech is only removed from code, never where the
/// selection reads like it; in Markdown a fence counts as wrapping only if it is tagged as Markdown and the selection does
/// not begin with such a one, or if it has no tag, the selection does not begin with a fence and no speech is in front; what
/// stands in the document around the selection, and a line of the selection itself, is never foreign. Where in doubt, it
/// stays.
///
/// **Changed:** indentation (see [`Shape::base_indent`]), and its style and width, except in strings that span lines and
/// where the language reads them; line endings; white space at both ends, which stays as the selection had it; blank lines
/// lose their spaces.
///
/// **Held:** the first lines while they can still become one of the above or [`SENTINEL`]; later a line while it can become
/// the end of the content or a line of the document behind the selection, and what follows such a one; white space until
/// text follows it. All other text goes out with the very delta that brings it, also half a line.
///
/// Time is linear in the answer; what is held is bounded, whatever the answer is.
#[derive(Debug)]
pub struct Cleaner {
    turn: Turn,
    stage: Stage,
    tail: Tail,
    gate: Gate,
    leading: Leading,
    prefix: Prefix,
    reindent: Reindent,
    trailing: Trailing,
    suffix: Suffix,
    /// The white space that the text begins with, until that has been given out, and the one that it ends with.
    lead: Option<String>,
    end: String,
    line_ending: &'static str,
    /// Whether the last character was a carriage return: a line feed belongs to it then.
    after_return: bool,
}

#[derive(Debug)]
enum Stage {
    Head(Box<Head>),
    Plain,
    Fenced(Box<Block>),
}

impl Cleaner {
    /// A cleaner for one answer that goes to the place of `shape`.
    pub fn new(shape: &Shape) -> Self {
        let (lead, end) = shape.margins();
        Self {
            turn: Turn::new(shape),
            stage: Stage::Head(Box::new(Head::new(shape))),
            tail: Tail::new(shape),
            gate: Gate::new(),
            leading: Leading::new(shape),
            prefix: Prefix::new(shape),
            reindent: Reindent::new(shape),
            trailing: Trailing::new(shape),
            suffix: Suffix::new(shape),
            lead: Some(lead.to_owned()),
            end: end.to_owned(),
            line_ending: shape.line_ending,
            after_return: false,
        }
    }

    /// Takes what has come and returns the text that may go out now, which may be none.
    pub fn push(&mut self, delta: &str) -> String {
        let mut answer = String::new();
        for c in delta.chars() {
            let ends_return = std::mem::replace(&mut self.after_return, c == '\r');
            match c {
                '\r' => self.turn.push('\n', &mut answer),
                '\n' if ends_return => {}
                _ => self.turn.push(c, &mut answer),
            }
        }
        let content = self.unwrap(&answer);
        self.place(&content, false)
    }

    /// The answer has ended: returns the rest of the text, or why there is none. Called once.
    pub fn finish(&mut self) -> Result<String, Rejected> {
        let mut answer = String::new();
        self.turn.finish(&mut answer);
        let mut content = self.unwrap(&answer);
        if let Stage::Head(head) = &mut self.stage {
            match head.finish() {
                Some(Verdict::Words(words)) => return Err(Rejected::Words(shown(&words))),
                Some(verdict) => self.decide(verdict, &mut content),
                None => {}
            }
        }
        if let Stage::Fenced(block) = &mut self.stage {
            block.finish(&mut content);
        }
        let mut out = self.place(&content, true);
        if let Some(reason) = self.gate.refusal() {
            return Err(Rejected::Refused(reason.to_owned()));
        }
        if self.lead.is_some() {
            return Err(Rejected::Empty);
        }
        out.push_str(&self.end);
        Ok(out)
    }

    /// Whether another block of code stands behind the end of the text: it is dropped, and may have been the rest.
    pub fn drops_block(&self) -> bool {
        let behind_fence = matches!(&self.stage, Stage::Fenced(block) if block.drops_block());
        behind_fence || self.tail.drops_block()
    }

    /// What the next characters of the answer show to be content.
    fn unwrap(&mut self, answer: &str) -> String {
        let mut content = String::new();
        for c in answer.chars() {
            match &mut self.stage {
                Stage::Plain => content.push(c),
                Stage::Fenced(block) => block.push(c, &mut content),
                Stage::Head(head) => {
                    if let Some(verdict) = head.push(c) {
                        self.decide(verdict, &mut content);
                    }
                }
            }
        }
        content
    }

    fn decide(&mut self, verdict: Verdict, content: &mut String) {
        self.stage = match verdict {
            Verdict::Fenced(block) => Stage::Fenced(block),
            Verdict::Plain(text) | Verdict::Words(text) => {
                self.tail.set_unwrapped();
                content.push_str(&text);
                Stage::Plain
            }
        };
    }

    /// Turns content into text of the document.
    fn place(&mut self, content: &str, ended: bool) -> String {
        let mut text = content.to_owned();
        for stage in self.stages() {
            let mut out = String::new();
            text.chars().for_each(|c| stage.push(c, &mut out));
            if ended {
                stage.finish(&mut out);
            }
            text = out;
        }
        let lead = if text.is_empty() {
            None
        } else {
            self.lead.take()
        };
        lead.unwrap_or_default() + &text.replace('\n', self.line_ending)
    }

    fn stages(&mut self) -> [&mut dyn Pass; 7] {
        [
            &mut self.tail,
            &mut self.gate,
            &mut self.leading,
            &mut self.prefix,
            &mut self.reindent,
            &mut self.trailing,
            &mut self.suffix,
        ]
    }

    /// How many bytes are held, without what skips text and never gives it out.
    #[cfg(test)]
    fn held(&mut self) -> usize {
        let unwrapping = match &self.stage {
            Stage::Head(head) => head.held(),
            Stage::Fenced(block) => block.held(),
            Stage::Plain => 0,
        };
        unwrapping
            + self.turn.held()
            + self
                .stages()
                .iter()
                .map(|stage| stage.held())
                .sum::<usize>()
    }
}

/// A stage that text passes on its way into the document. Newlines are `\n` in all of them.
trait Pass {
    /// Takes one character and appends what may pass to `out`.
    fn push(&mut self, c: char, out: &mut String);

    /// The text has ended: appends what is left of it.
    fn finish(&mut self, out: &mut String);

    /// How many bytes are held.
    #[cfg(test)]
    fn held(&self) -> usize;
}

/// The beginning of what a model said, on one line.
fn shown(words: &str) -> String {
    let words: Vec<&str> = words.split_whitespace().collect();
    let words = words.join(" ");
    let shown: String = words.chars().take(MAX_SHOWN).collect();
    if shown.len() < words.len() {
        shown + "…"
    } else {
        shown
    }
}

/// Whether `c` is white space within a line. Others, such as a no-break space, count as text.
fn is_blank(c: char) -> bool {
    c == ' ' || c == '\t'
}

/// Whether `c` is white space within a line or ends one.
fn is_white(c: char) -> bool {
    is_blank(c) || c == '\n' || c == '\r'
}
