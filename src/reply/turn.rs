//! Where a model's turn ends: marks of a chat template that a server let through, and the prompt's own end of the selection
//! behind text. All that follows is not the answer. What the answer holds is not looked at.

use super::prompted;
use super::{Pass, Shape, is_blank};

/// Marks that end a turn in the templates of chat models.
pub(super) const MARKS: &[&str] = &[
    "<|im_end|>",
    "<|im_start|>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end|>",
    "<|end_of_turn|>",
    "<end_of_turn>",
    "<｜end▁of▁sentence｜>",
];

/// The longest text that is held because it may be a mark with blanks behind it, in bytes.
const MAX_MARK: usize = 64;

/// What the next mark begins with, where a model goes on in somebody else's name.
const NEXT: &str = "<|";

/// Passes the answer on up to a mark at the end of a line or in front of another mark.
#[derive(Debug)]
pub(super) struct Turn {
    /// None in a document that has any of them: it is about them.
    marks: &'static [&'static str],
    /// The prompt's end of the selection, if it counts where text stands in front of it on the line.
    end: Option<&'static str>,
    /// Whether text stands in front of what is held.
    in_line: bool,
    /// What may be a mark.
    held: String,
    ended: bool,
}

impl Turn {
    pub(super) fn new(shape: &Shape) -> Self {
        let known = MARKS.iter().any(|mark| shape.surrounds(mark));
        Self {
            marks: if known { &[] } else { MARKS },
            end: prompted::is_foreign(shape).then_some(prompted::END),
            in_line: false,
            held: String::new(),
            ended: false,
        }
    }

    fn marks(&self) -> impl Iterator<Item = &'static str> {
        let end = self.end.filter(|_| self.in_line);
        self.marks.iter().copied().chain(end)
    }

    fn may_become_mark(&self, text: &str) -> bool {
        let fits = |mark: &str| {
            let behind = text
                .strip_prefix(mark)
                .map(|rest| rest.trim_start_matches(is_blank));
            mark.starts_with(text) || behind.is_some_and(|rest| NEXT.starts_with(rest))
        };
        text.len() <= MAX_MARK && self.marks().any(fits)
    }

    /// Whether a mark with what may stand behind it is all that is held.
    fn is_mark(&self, next: &str) -> bool {
        let behind = |mark: &str| {
            let rest = self.held.strip_prefix(mark)?;
            Some(rest.trim_matches(is_blank) == next)
        };
        self.marks().any(|mark| behind(mark) == Some(true))
    }

    fn give(&mut self, c: char, out: &mut String) {
        self.in_line = c != '\n' && (self.in_line || !is_blank(c));
        out.push(c);
    }
}

impl Pass for Turn {
    fn push(&mut self, c: char, out: &mut String) {
        if self.ended {
            return;
        }
        if c == '\n' {
            self.finish(out);
            if !self.ended {
                self.give(c, out);
            }
            return;
        }
        if self.held.is_empty() && c != '<' {
            self.give(c, out);
            return;
        }
        self.held.push(c);
        while let Some(first) = self.held.chars().next()
            && !self.may_become_mark(&self.held)
        {
            self.held.remove(0);
            self.give(first, out);
        }
        self.ended = self.is_mark(NEXT);
    }

    fn finish(&mut self, out: &mut String) {
        self.ended |= self.is_mark("");
        let held = std::mem::take(&mut self.held);
        if !self.ended {
            held.chars().for_each(|c| self.give(c, out));
        }
    }

    #[cfg(test)]
    fn held(&self) -> usize {
        self.held.len()
    }
}
