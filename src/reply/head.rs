//! How an answer begins: thinking, an opener such as "Here is the code:", a wrapping fence or a code span are told from the
//! content. Nothing of it is given out before it is decided; what comes after is the work of [`super::fence`].

use super::fence::{Block, Fence};
use super::language::{Family, has_backticks, is_markdown};
use super::{MAX_HELD, Shape, is_blank};

/// Beginnings of a first line that speaks to the user. Capital letters count: code rarely begins so, and then nothing of it
/// is held.
pub(super) const OPENERS: &[&str] = &[
    "Here is",
    "Here's",
    "Here’s",
    "Here are",
    "Here you go",
    "Sure",
    "Certainly",
    "Of course",
    "Absolutely",
    "Okay",
    "OK",
    "Got it",
    "No problem",
    "Below is",
    "Below are",
    "The rewritten",
    "The updated",
    "The simplified",
    "The refactored",
    "The improved",
    "The modified",
    "The corrected",
    "The fixed",
    "The revised",
    "The new",
    "The following",
    "The code",
    "The result",
    "This is the",
    "I've",
    "I’ve",
    "I have",
    "I'll",
    "I’ll",
    "Let's",
    "Let me",
    "Rewritten",
    "Updated",
    "Simplified",
    "Refactored",
    "Improved",
    "Corrected",
];

/// Tags around thinking that an upstream left in the content, and what ends it.
const THINKING: &[(&str, &str)] = &[("<think>", "</think>"), ("<thinking>", "</thinking>")];

/// What became of the beginning.
#[derive(Debug)]
pub(super) enum Verdict {
    /// The content begins with this text and goes on to the end of the answer.
    Plain(String),
    /// A wrapping fence was opened.
    Fenced(Block),
}

/// The beginning of an answer, as long as it is not decided.
#[derive(Debug)]
pub(super) struct Head {
    rules: Rules,
    /// Complete lines that wait for what follows them.
    waiting: Option<Waiting>,
    /// What ends the thinking that is being skipped, and the end of what was skipped.
    thinking: Option<(&'static str, String)>,
    indent: String,
    text: String,
}

#[derive(Debug)]
struct Waiting {
    lines: String,
    kind: Kind,
    blank_line_behind: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Opener,
    Span,
}

/// What depends on the place that the answer goes to.
#[derive(Debug)]
struct Rules {
    family: Family,
    /// Whether the selection lies within a line, with other text beside it.
    in_line: bool,
    /// Whether an answer that is one code span loses its backticks.
    spans: bool,
    /// Whether thinking is skipped.
    thinking: bool,
    /// The fence that the selection begins with.
    own_fence: Option<Fence>,
}

impl Rules {
    fn new(shape: &Shape) -> Self {
        let selected = shape.selection.trim();
        let beside = |text: &str| !text.chars().all(is_blank);
        let one_line = !selected.is_empty() && !selected.contains(['\n', '\r']);
        Self {
            family: Family::of(&shape.language),
            in_line: one_line && (beside(&shape.line_prefix) || beside(&shape.line_suffix)),
            spans: one_line && !selected.contains('`') && !has_backticks(&shape.language),
            thinking: !THINKING.iter().any(|(open, _)| selected.starts_with(open)),
            own_fence: selected.lines().next().and_then(Fence::parse),
        }
    }

    /// Whether an answer that begins with `fence` came wrapped in it. In Markdown a fence may as well be the first line of
    /// the new text, so there it counts as wrapping only if it says that Markdown is in it, or if it says nothing, the
    /// selection did not begin with a fence, and no line is in front that may announce it to the reader of the document.
    fn wraps(&self, fence: &Fence, behind_opener: bool) -> bool {
        let markdown = self.family == Family::Markdown;
        match &self.own_fence {
            Some(own) => markdown && is_markdown(&fence.tag) && !is_markdown(&own.tag),
            None if markdown => is_markdown(&fence.tag) || fence.tag.is_empty() && !behind_opener,
            None => true,
        }
    }
}

impl Head {
    pub(super) fn new(shape: &Shape) -> Self {
        let (indent, text) = (String::new(), String::new());
        Self {
            rules: Rules::new(shape),
            waiting: None,
            thinking: None,
            indent,
            text,
        }
    }

    /// Takes one character (newlines as `\n`).
    pub(super) fn push(&mut self, c: char) -> Option<Verdict> {
        if let Some((end, skipped)) = &mut self.thinking {
            skip_until(end, skipped, c).then(|| self.thinking = None);
            return None;
        }
        if c == '\n' {
            return self.end_line("\n");
        }
        if self.text.is_empty() && is_blank(c) {
            self.indent.push(c);
            return None;
        }
        self.text.push(c);
        self.drop_opener();
        self.begin_thinking();
        (self.thinking.is_none() && !self.may_be_wrapping()).then(|| self.plain(""))
    }

    /// The answer has ended before anything was decided.
    pub(super) fn finish(&mut self) -> Option<Verdict> {
        if self.thinking.is_some() {
            return None;
        }
        if let Some(verdict) = self.end_line("") {
            return Some(verdict);
        }
        let Waiting { lines, kind, .. } = self.waiting.take()?;
        match kind {
            Kind::Span => Some(Verdict::Plain(
                span_content(lines.trim()).unwrap_or(&lines).to_owned(),
            )),
            // A lone "Sure!" is a fair answer where a few words of a line were selected.
            Kind::Opener if self.rules.family == Family::Code && !self.rules.in_line => None,
            Kind::Opener => Some(Verdict::Plain(lines)),
        }
    }

    fn begin_thinking(&mut self) {
        // A line that reads so was held for no other reason.
        if let Some((_, end)) = THINKING.iter().find(|(open, _)| *open == self.text) {
            self.thinking = Some((end, String::new()));
            self.indent.clear();
            self.text.clear();
        }
    }

    /// Whether more text could make anything but content of the line that has begun.
    fn may_be_wrapping(&self) -> bool {
        let text = self.text.as_str();
        match self.waiting.as_ref().map(|waiting| waiting.kind) {
            Some(Kind::Span) => false,
            Some(Kind::Opener) => Fence::may_become(text),
            None => {
                Fence::may_become(text)
                    || self.rules.thinking
                        && THINKING.iter().any(|(open, _)| open.starts_with(text))
                    || may_become_opener(text)
                    || self.rules.spans && may_become_span(text)
            }
        }
    }

    fn end_line(&mut self, newline: &str) -> Option<Verdict> {
        if self.text.is_empty() {
            self.end_blank_line(newline);
            return None;
        }
        let behind_opener = self.waiting.is_some();
        match Fence::parse(&self.text).filter(|fence| self.rules.wraps(fence, behind_opener)) {
            Some(fence) => {
                let block = Block::new(
                    fence,
                    self.indent.len(),
                    self.rules.family == Family::Markdown,
                );
                return Some(Verdict::Fenced(block));
            }
            None if behind_opener => return Some(self.plain(newline)),
            None => {}
        }
        let kind = if is_opener(&self.text) {
            Kind::Opener
        } else if self.rules.spans && span_content(&self.text).is_some() {
            Kind::Span
        } else {
            return Some(self.plain(newline));
        };
        let lines = std::mem::take(&mut self.indent) + &std::mem::take(&mut self.text) + newline;
        self.waiting = Some(Waiting {
            lines,
            kind,
            blank_line_behind: false,
        });
        None
    }

    fn end_blank_line(&mut self, newline: &str) {
        if let Some(waiting) = &mut self.waiting {
            waiting.lines.push_str(newline);
            waiting.blank_line_behind = true;
        }
        self.indent.clear();
    }

    /// Drops an opener in code once a blank line and then text have come: that is proof enough.
    fn drop_opener(&mut self) {
        let code = self.rules.family == Family::Code;
        self.waiting
            .take_if(|waiting| code && waiting.kind == Kind::Opener && waiting.blank_line_behind);
    }

    /// Gives out what is held.
    fn plain(&mut self, newline: &str) -> Verdict {
        let mut held = self
            .waiting
            .take()
            .map(|waiting| waiting.lines)
            .unwrap_or_default();
        held.push_str(&self.indent);
        held.push_str(&self.text);
        held.push_str(newline);
        Verdict::Plain(held)
    }
}

/// Keeps in `skipped` the longest end of what was skipped that `end` begins with, and says whether it is all of `end`.
fn skip_until(end: &str, skipped: &mut String, c: char) -> bool {
    skipped.push(c);
    while !end.starts_with(skipped.as_str()) {
        skipped.remove(0);
    }
    skipped == end
}

fn may_become_opener(text: &str) -> bool {
    text.len() <= MAX_HELD
        && OPENERS
            .iter()
            .any(|opener| opener.starts_with(text) || begins_with(text, opener))
}

/// Whether a whole line speaks to the user.
fn is_opener(text: &str) -> bool {
    text.len() <= MAX_HELD
        && OPENERS.iter().any(|opener| begins_with(text, opener))
        && text
            .trim_end_matches([' ', '\t', '*', '_'])
            .ends_with([':', '.', '!'])
}

fn begins_with(text: &str, opener: &str) -> bool {
    text.strip_prefix(opener)
        .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
}

/// What stands between equally long runs of backticks at the ends of `text`.
fn span_content(text: &str) -> Option<&str> {
    let text = text.trim_end_matches(is_blank);
    let behind = text.trim_start_matches('`');
    let marks = text
        .len()
        .checked_sub(behind.len())
        .filter(|&marks| 0 < marks)?;
    let content = behind.trim_end_matches('`');
    (behind.len() - content.len() == marks && !content.is_empty() && !content.contains('`'))
        .then_some(content)
}

/// Whether more text could make a code span of the beginning of a line.
fn may_become_span(text: &str) -> bool {
    let behind = text.trim_start_matches('`');
    let marks = text.len() - behind.len();
    let closing = behind
        .trim_start_matches(|c| c != '`')
        .trim_end_matches(is_blank);
    0 < marks
        && text.len() <= MAX_HELD
        && closing.len() <= marks
        && closing.bytes().all(|byte| byte == b'`')
}
