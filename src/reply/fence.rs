//! Code fences: how a fence line reads, and where the block that the whole answer came in ends. Whether a fence wraps the
//! answer or belongs to it is decided in [`super::head`].
//!
//! Fences are read as `CommonMark` reads them (section "Fenced code blocks"), with three differences that answers of models
//! call for:
//!
//! - Any indentation is allowed.
//! - Inside the wrapping fence a line with an info string opens a nested block and the next bare line closes it. `CommonMark`
//!   has no nesting, but models write fenced code into a fenced Markdown answer as if it had.
//! - Where bare fences are likely to be content (in Markdown, and where one stands far to the right of the opening one, as in
//!   a doc comment), a bare line is only the end if no other bare line follows: else the two were a block of their own.

use super::{MAX_HELD, is_blank};

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

    /// Whether this fence line, if bare, would end a block that `opening` began.
    fn can_close(&self, opening: &Self) -> bool {
        self.mark == opening.mark && opening.length <= self.length
    }
}

fn is_mark(c: char) -> bool {
    c == '`' || c == '~'
}

/// The inside of the fence that wraps an answer: passes its lines on and drops its closing line with all that follows.
///
/// A line is held while it can become a fence, which is at most [`MAX_HELD`] bytes behind its indentation; any other text
/// passes at once. Behind a bare fence that is not surely the end, the rest is held until the next fence or the end.
#[derive(Debug)]
pub(super) struct Block {
    opening: Fence,
    indent: usize,
    /// The nested blocks that are open.
    nested: Vec<Fence>,
    /// Whether bare fences are likely to be content at any indentation.
    bare_inside: bool,
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
    Closed,
}

impl Block {
    /// `indent` is the number of blank characters in front of the opening fence.
    pub(super) fn new(opening: Fence, indent: usize, bare_inside: bool) -> Self {
        let line = (String::new(), String::new());
        Self {
            opening,
            indent,
            nested: Vec::new(),
            bare_inside,
            place: Place::LineStart,
            line,
        }
    }

    /// Takes one character (newlines as `\n`) and appends what is known to be content to `out`.
    pub(super) fn push(&mut self, c: char, out: &mut String) {
        match self.place {
            Place::Closed => {}
            Place::InLine => {
                out.push(c);
                if c == '\n' {
                    self.place = Place::LineStart;
                }
            }
            _ if c == '\n' => self.end_line("\n", out),
            Place::LineStart | Place::Doubtful(_) => {
                let (indent, text) = &mut self.line;
                if text.is_empty() && is_blank(c) {
                    indent.push(c);
                    return;
                }
                text.push(c);
                if matches!(self.place, Place::LineStart) && !Fence::may_become(text) {
                    self.release(out);
                    self.place = Place::InLine;
                }
            }
        }
    }

    /// The answer has ended.
    pub(super) fn finish(&mut self, out: &mut String) {
        self.end_line("", out);
    }

    fn end_line(&mut self, newline: &str, out: &mut String) {
        let fence = Fence::parse(&self.line.1).filter(|fence| fence.can_close(&self.opening));
        match (&mut self.place, fence) {
            (Place::Closed | Place::InLine, _) => return,
            (Place::Doubtful(held), None) => {
                held.push_str(&std::mem::take(&mut self.line.0));
                held.push_str(&std::mem::take(&mut self.line.1));
                held.push_str(newline);
                return;
            }
            (Place::Doubtful(_), Some(fence)) if !fence.tag.is_empty() => {
                // Within a block this line would be plain text, so a model that writes it has ended its answer before.
                self.place = Place::Closed;
                return;
            }
            (Place::Doubtful(held), Some(_)) => {
                out.push_str(held);
                self.place = Place::LineStart;
            }
            (Place::LineStart, None) => {}
            (Place::LineStart, Some(fence)) if !fence.tag.is_empty() => self.nested.push(fence),
            (Place::LineStart, Some(fence)) => match self.nested.last() {
                Some(inner) if fence.can_close(inner) => {
                    self.nested.pop();
                }
                Some(_) => {}
                None => return self.end_block(newline),
            },
        }
        self.release(out);
        out.push_str(newline);
    }

    fn end_block(&mut self, newline: &str) {
        let (indent, text) = (
            std::mem::take(&mut self.line.0),
            std::mem::take(&mut self.line.1),
        );
        // CommonMark lets a closing fence stand three columns to the right.
        let far_right = self.indent + 3 < indent.len();
        self.place = if self.bare_inside || far_right {
            Place::Doubtful(indent + &text + newline)
        } else {
            Place::Closed
        };
    }

    fn release(&mut self, out: &mut String) {
        out.push_str(&std::mem::take(&mut self.line.0));
        out.push_str(&std::mem::take(&mut self.line.1));
    }
}
