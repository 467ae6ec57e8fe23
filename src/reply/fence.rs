//! Code fences: how a fence line reads, and where the block that the whole answer came in ends. Whether a fence wraps the
//! answer or belongs to it is decided in [`super::head`].
//!
//! Fences are read as `CommonMark` reads them (section "Fenced code blocks"), with four differences that answers of models
//! call for:
//!
//! - Any indentation is allowed.
//! - Inside the wrapping fence a line with an info string opens a nested block and the next bare line closes it. `CommonMark`
//!   has no nesting, but models write fenced code into a fenced Markdown answer as if it had.
//! - In code, a tagged fence right behind a bare one takes its place: some models open the block twice.
//! - Where bare fences are likely to be content (in Markdown, in a doc string, and where one stands to the right of the
//!   opening one), a bare line is only the end if no other bare line follows: else the two were a block of their own.

use super::behind::Behind;
use super::language::is_markdown;
use super::spanning::Spanning;
use super::{MAX_BLANK, MAX_HELD, MAX_TALK, is_blank};

/// So many nested blocks are told apart; deeper ones count as text.
pub(super) const MAX_NESTED: usize = 64;

/// A line that opens or closes a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fence {
    /// `` ` `` or `~`.
    mark: char,
    /// How many marks; at least 3.
    length: usize,
    /// The first word of the info string, in lower case; empty for a bare fence.
    pub(super) tag: String,
}

impl Fence {
    /// Reads a whole line without its indentation and its newline.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mark = text.chars().next().filter(|&c| is_mark(c))?;
        let info = text.trim_start_matches(mark);
        let length = text.len() - info.len();
        if length < 3 || MAX_HELD < text.len() || (mark == '`' && info.contains('`')) {
            return None;
        }
        let tag = info
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_lowercase();
        Some(Self { mark, length, tag })
    }

    /// Whether more text could make a fence of the beginning of a line; `text` has no indentation.
    pub(super) fn may_become(text: &str) -> bool {
        text.chars().next().is_none_or(|mark| {
            is_mark(mark)
                && (text.chars().all(|c| c == mark) && text.len() <= MAX_HELD
                    || Self::parse(text).is_some())
        })
    }

    /// A fence that closes what `opening` opens.
    fn bare(opening: &Self) -> Self {
        Self {
            tag: String::new(),
            ..opening.clone()
        }
    }

    /// Whether this fence line is bare.
    pub(super) fn is_bare(&self) -> bool {
        self.tag.is_empty()
    }

    /// Whether this fence line, if bare, would end a block that `opening` began.
    pub(super) fn can_close(&self, opening: &Self) -> bool {
        self.mark == opening.mark && opening.length <= self.length
    }
}

fn is_mark(c: char) -> bool {
    c == '`' || c == '~'
}

/// The inside of the fence that wraps an answer: passes its lines on and drops its closing line with all that follows.
///
/// A line is held while it can become a fence, which is at most [`MAX_HELD`] bytes behind its indentation; any other text
/// passes at once. Behind a bare fence that is not surely the end, the rest is held until the next fence or the end; if that
/// is too much to hold, the fence was not the end.
#[derive(Debug)]
pub(super) struct Block {
    opening: Fence,
    indent: usize,
    /// The nested blocks that are open.
    nested: Vec<Fence>,
    markdown: bool,
    spanning: Spanning,
    /// Whether any text has come.
    begun: bool,
    place: Place,
    /// The line that is being held: its indentation and its text.
    line: (String, String),
}

#[derive(Debug)]
enum Place {
    /// In the indentation of a line or in what may be a fence.
    LineStart,
    /// In a line that is no fence.
    InLine,
    /// Behind a bare fence that may have been the end: what has come since, that fence included.
    Doubtful(String),
    /// Behind the end.
    Closed(Behind),
}

impl Block {
    /// `indent` is the number of blank characters in front of the opening fence; `language` that of the content.
    pub(super) fn new(opening: Fence, indent: usize, language: &str) -> Self {
        Self {
            opening,
            indent,
            nested: Vec::new(),
            markdown: is_markdown(language),
            spanning: Spanning::new(language),
            begun: false,
            place: Place::LineStart,
            line: (String::new(), String::new()),
        }
    }

    /// Takes one character (newlines as `\n`) and appends what is known to be content to `out`.
    pub(super) fn push(&mut self, c: char, out: &mut String) {
        match &mut self.place {
            Place::Closed(behind) => behind.push(c),
            Place::InLine => {
                self.give(c, out);
                if c == '\n' {
                    self.place = Place::LineStart;
                }
            }
            _ if c == '\n' => self.end_line("\n", out),
            Place::LineStart => {
                let (indent, text) = &mut self.line;
                if text.is_empty() && is_blank(c) && indent.len() < MAX_BLANK {
                    indent.push(c);
                    return;
                }
                text.push(c);
                if !Fence::may_become(text) {
                    self.release(out);
                    self.place = Place::InLine;
                }
            }
            Place::Doubtful(held) => {
                let (indent, text) = &mut self.line;
                if text.is_empty() && is_blank(c) {
                    indent.push(c);
                } else {
                    text.push(c);
                }
                if MAX_TALK < held.len() + indent.len() + text.len() {
                    self.nested.push(Fence::bare(&self.opening));
                    self.resume(out);
                    self.release(out);
                    self.place = Place::InLine;
                }
            }
        }
    }

    /// The answer has ended.
    pub(super) fn finish(&mut self, out: &mut String) {
        self.end_line("", out);
        if let Place::Doubtful(_) = self.place {
            self.close();
        }
        if let Place::Closed(behind) = &mut self.place {
            behind.end_line();
        }
    }

    /// Whether another block of code stands behind the end.
    pub(super) fn drops_block(&self) -> bool {
        matches!(&self.place, Place::Closed(behind) if behind.holds_block())
    }

    fn end_line(&mut self, newline: &str, out: &mut String) {
        let fence = Fence::parse(&self.line.1).filter(|fence| fence.can_close(&self.opening));
        match (&mut self.place, fence) {
            (Place::Closed(_) | Place::InLine, _) => return,
            (Place::Doubtful(held), None) => {
                held.push_str(&std::mem::take(&mut self.line.0));
                held.push_str(&std::mem::take(&mut self.line.1));
                held.push_str(newline);
                return;
            }
            (Place::Doubtful(_), Some(fence)) if !fence.is_bare() => {
                // Within a block this line would be plain text, so a model that writes it has ended its answer before.
                return self.close();
            }
            (Place::Doubtful(_), Some(_)) => self.resume(out),
            (Place::LineStart, None) => {}
            (Place::LineStart, Some(fence)) if !fence.is_bare() => {
                if !self.begun && !self.markdown && self.opening.is_bare() {
                    self.opening = fence;
                    self.line = (String::new(), String::new());
                    return;
                }
                if self.nested.len() < MAX_NESTED {
                    self.nested.push(fence);
                }
            }
            (Place::LineStart, Some(fence)) => match self.nested.last() {
                Some(inner) if fence.can_close(inner) => {
                    self.nested.pop();
                }
                Some(_) => {}
                None => return self.end_block(newline),
            },
        }
        self.release(out);
        newline.chars().for_each(|c| self.give(c, out));
    }

    fn end_block(&mut self, newline: &str) {
        let (indent, text) = std::mem::take(&mut self.line);
        let doubtful = self.markdown || self.indent < indent.len() || self.spanning.is_open();
        self.place = if doubtful {
            Place::Doubtful(indent + &text + newline)
        } else {
            Place::Closed(Behind::default())
        };
    }

    /// The bare fence was the end: what came since is dropped, with the line that is being held.
    fn close(&mut self) {
        let mut behind = Behind::default();
        if let Place::Doubtful(held) = &self.place {
            let (_, dropped) = held.split_once('\n').unwrap_or_default();
            dropped.chars().for_each(|c| behind.push(c));
        }
        let (_, text) = std::mem::take(&mut self.line);
        behind.push_line(&text);
        self.place = Place::Closed(behind);
    }

    /// Gives out what came since a bare fence that was not the end.
    fn resume(&mut self, out: &mut String) {
        if let Place::Doubtful(held) = std::mem::replace(&mut self.place, Place::LineStart) {
            held.chars().for_each(|c| self.give(c, out));
        }
    }

    fn release(&mut self, out: &mut String) {
        let (indent, text) = std::mem::take(&mut self.line);
        self.begun |= !text.is_empty();
        let held = indent + &text;
        held.chars().for_each(|c| self.give(c, out));
    }

    fn give(&mut self, c: char, out: &mut String) {
        self.spanning.push(c);
        out.push(c);
    }

    /// How many bytes are held.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        let doubtful = match &self.place {
            Place::Doubtful(held) => held.len(),
            Place::Closed(behind) => behind.held(),
            Place::LineStart | Place::InLine => 0,
        };
        doubtful + self.line.0.len() + self.line.1.len()
    }
}
