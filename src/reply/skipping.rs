//! Leaves a part of an answer out, up to a tag that ends it. Which part, and whether it may be content after all, is decided
//! in [`super::head`].

use super::thinking;

/// A part that is left out, up to a tag.
#[derive(Debug)]
pub(super) struct Skipping {
    close: &'static str,
    /// The longest end of the part that `close` begins with.
    matched: String,
    /// The part so far, if it may be content after all.
    pub(super) held: Option<String>,
}

impl Skipping {
    /// Skips up to `close`; `held` is what of the part has come, if it may be content.
    pub(super) fn new(close: &'static str, held: Option<String>) -> Self {
        Self {
            close,
            matched: String::new(),
            held,
        }
    }

    /// Whether the part is thinking.
    pub(super) fn is_thinking(&self) -> bool {
        thinking::is_end(self.close)
    }

    /// Takes one character and says whether it ends the part.
    pub(super) fn push(&mut self, c: char) -> bool {
        if let Some(held) = &mut self.held {
            held.push(c);
        }
        self.matched.push(c);
        while !self.close.starts_with(self.matched.as_str()) {
            self.matched.remove(0);
        }
        self.matched == self.close
    }
}
