//! What stands behind the end of the block that an answer came in, and is dropped: prose is speech to the user, but another
//! block of code may be the rest of the text.

use super::fence::Fence;
use super::is_blank;

/// Reads dropped text and tells whether it holds a block of code: a fence line with text behind it. A fence alone is only
/// one too many.
#[derive(Debug, Default)]
pub(super) struct Behind {
    /// The line that has begun, without its indentation, while it can become a fence.
    line: String,
    /// Whether the line that has begun is no fence.
    in_line: bool,
    /// Whether a block was opened.
    open: bool,
    holds_block: bool,
}

impl Behind {
    /// Takes one character (newlines as `\n`).
    pub(super) fn push(&mut self, c: char) {
        let passes = self.in_line || self.line.is_empty() && is_blank(c);
        if c == '\n' {
            self.end_line();
        } else if !passes {
            self.line.push(c);
            if !Fence::may_become(&self.line) {
                self.line.clear();
                self.in_line = true;
                self.holds_block |= self.open;
            }
        }
    }

    /// Takes a line without its newline; what was taken before ended with one.
    pub(super) fn push_line(&mut self, line: &str) {
        line.chars().for_each(|c| self.push(c));
        self.end_line();
    }

    /// The line has ended, or the answer.
    pub(super) fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        match Fence::parse(&line) {
            Some(fence) => self.open = !(self.open && fence.is_bare()),
            None => self.holds_block |= self.open && !line.is_empty(),
        }
        self.in_line = false;
    }

    /// Whether a block of code was dropped.
    pub(super) fn holds_block(&self) -> bool {
        self.holds_block
    }

    /// How many bytes are held.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.line.len()
    }
}
