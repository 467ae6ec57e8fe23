//! Turns a model's answer to "rewrite this" into exactly the text that replaces the selection, while it streams. It judges
//! form only: what the text says, how it differs from the old one and how it lands in the document are not its business.

mod fence;
mod head;
mod indent;
mod language;
mod place;

#[cfg(test)]
mod tests;

use fence::Block;
use head::{Head, Verdict};
use indent::Reindent;

/// A first line that begins so refuses: no text is to be replaced, and the rest of the line is the reason.
pub const SENTINEL: &str = "EZROUTER_CANNOT:";

/// The longest line, in bytes without indentation, that is held because it may be wrapping. Openers and fences are shorter.
const MAX_HELD: usize = 400;

/// The document's style of indentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Indent {
    /// One tab for each level.
    Tabs,
    /// This many spaces for each level; 0 counts as 1.
    Spaces(u8),
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

    /// The white space at the ends of the selection that the new text keeps: all that it begins with; at its end all from the
    /// first newline on, or what separates it from text behind it on the line. So blank lines at the edges stay as they were.
    fn margins(&self) -> (&str, &str) {
        let selection = self.selection.as_str();
        let is_white = |c| is_blank(c) || c == '\n' || c == '\r';
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
    /// Nothing but white space, thinking or chatter came.
    #[error("the model's answer holds no text")]
    Empty,
    /// The model began with [`SENTINEL`]; this is the rest of that line, trimmed, and may be empty.
    #[error("the model declined: {0}")]
    Refused(String),
}

/// The cleaner of one answer. Deltas may be split anywhere; what was given out is never taken back, and the whole is the same
/// for every split.
///
/// **Removed:** blank lines in front; `<think>…</think>` in front; a first line that is known to speak to the user
/// ("Here is the code:") if it ends as a sentence does and a fence or, in code, a blank line or nothing follows; a fence
/// around the answer with everything behind it; the backticks of an answer that is one code span, if the selection lies
/// within a line, has none, and the language has no use for them. In Markdown a fence counts as wrapping only if it is tagged as
/// Markdown and the selection does not begin with such a one, or if it has no tag, the selection does not begin with a fence
/// and no opener is in front.
///
/// **Changed:** indentation (see [`Shape::base_indent`]), in strings that span lines too; line endings; white space at both
/// ends, which stays as the selection had it; blank lines lose their spaces.
///
/// **Held:** the first line while it can still become one of the above or [`SENTINEL`], an opener until what follows tells;
/// inside a fence a line while it can become a fence; white space until text follows it. All other text goes out with the
/// very delta that brings it, also half a line. Hence chatter behind an answer *without* a fence cannot be told from the
/// answer in time and stays.
///
/// Time and memory are linear in the answer.
#[derive(Debug)]
pub struct Cleaner {
    stage: Stage,
    gate: Gate,
    reindent: Reindent,
    /// Whether the last character was a carriage return: a line feed belongs to it then.
    after_return: bool,
}

#[derive(Debug)]
enum Stage {
    Head(Head),
    Plain,
    Fenced(Block),
}

/// Whether the content begins with [`SENTINEL`].
#[derive(Debug)]
enum Gate {
    /// What may still become it.
    Closed(String),
    Open,
    /// The reason as it has come so far.
    Refused(String),
    /// The reason is complete.
    RefusedFor(String),
}

impl Cleaner {
    /// A cleaner for one answer that goes to the place of `shape`.
    pub fn new(shape: Shape) -> Self {
        Self {
            stage: Stage::Head(Head::new(&shape)),
            gate: Gate::Closed(String::new()),
            reindent: Reindent::new(shape),
            after_return: false,
        }
    }

    /// Takes what has come and returns the text that may go out now, which may be none.
    pub fn push(&mut self, delta: &str) -> String {
        let mut content = String::new();
        for c in delta.chars() {
            let ends_return = std::mem::replace(&mut self.after_return, c == '\r');
            match c {
                '\r' => self.unwrap('\n', &mut content),
                '\n' if ends_return => {}
                _ => self.unwrap(c, &mut content),
            }
        }
        self.place(&content)
    }

    /// The answer has ended: returns the rest of the text, or why there is none. Called once.
    pub fn finish(&mut self) -> Result<String, Rejected> {
        let mut content = String::new();
        if let Stage::Head(head) = &mut self.stage
            && let Some(verdict) = head.finish()
        {
            self.decide(verdict, &mut content);
        }
        if let Stage::Fenced(block) = &mut self.stage {
            block.finish(&mut content);
        }
        let mut out = self.place(&content);
        match &mut self.gate {
            Gate::Refused(reason) | Gate::RefusedFor(reason) => {
                return Err(Rejected::Refused(reason.trim().to_owned()));
            }
            Gate::Closed(held) => {
                let held = std::mem::take(held);
                held.chars().for_each(|c| self.reindent.push(c, &mut out));
            }
            Gate::Open => {}
        }
        if !self.reindent.has_begun() {
            return Err(Rejected::Empty);
        }
        out.push_str(self.reindent.tail());
        Ok(out)
    }

    /// Appends what `c` shows to be content.
    fn unwrap(&mut self, c: char, content: &mut String) {
        match &mut self.stage {
            Stage::Plain => content.push(c),
            Stage::Fenced(block) => block.push(c, content),
            Stage::Head(head) => {
                if let Some(verdict) = head.push(c) {
                    self.decide(verdict, content);
                }
            }
        }
    }

    fn decide(&mut self, verdict: Verdict, content: &mut String) {
        self.stage = match verdict {
            Verdict::Fenced(block) => Stage::Fenced(block),
            Verdict::Plain(text) => {
                content.push_str(&text);
                Stage::Plain
            }
        };
    }

    /// Turns content into text of the document, unless it refuses.
    fn place(&mut self, content: &str) -> String {
        let mut out = String::new();
        for c in content.chars() {
            match &mut self.gate {
                Gate::Open => self.reindent.push(c, &mut out),
                Gate::RefusedFor(_) => {}
                Gate::Refused(reason) if c == '\n' => {
                    self.gate = Gate::RefusedFor(std::mem::take(reason));
                }
                Gate::Refused(reason) => reason.push(c),
                Gate::Closed(held) if held.is_empty() && (is_blank(c) || c == '\n') => {
                    self.reindent.push(c, &mut out);
                }
                Gate::Closed(held) => {
                    held.push(c);
                    if held == SENTINEL {
                        self.gate = Gate::Refused(String::new());
                    } else if !SENTINEL.starts_with(held.as_str()) {
                        held.chars().for_each(|c| self.reindent.push(c, &mut out));
                        self.gate = Gate::Open;
                    }
                }
            }
        }
        out
    }
}

/// Whether `c` is white space within a line. Others, such as a no-break space, count as text.
fn is_blank(c: char) -> bool {
    c == ' ' || c == '\t'
}
