//! The rest of a line that an answer repeats, where only a part of that line was selected: what stands in front of the
//! selection and what stands behind it. Whole lines are the work of [`super::echo`].

use super::{MAX_BLANK, MAX_HELD, Pass, Shape, is_blank, is_white};

/// The longest answer, in bytes, that is held to its end because it begins with what stands in front of the selection.
const MAX_WHOLE: usize = 16_384;

/// What ends a statement or an item: twice in a row it means nothing, and an answer may have it or not.
const SEPARATORS: &[&str] = &[";", ","];

/// Drops what stands in front of the selection from the beginning of the content.
///
/// If text stands behind the selection as well, the answer must end with that too: else it may be a call within a call.
#[derive(Debug)]
pub(super) struct Prefix {
    /// What stands in front of the selection, and behind it if the answer must end with that.
    front: String,
    behind: String,
    /// Whether text may still be held.
    open: bool,
    held: String,
    /// Where in `held` the text starts, behind white space.
    start: Option<usize>,
}

impl Prefix {
    pub(super) fn new(shape: &Shape) -> Self {
        let prefix = shape.line_prefix.trim_matches(is_blank);
        let letters = prefix.chars().filter(|c| c.is_alphanumeric()).count();
        let open = 0 < letters
            && (3..=MAX_HELD).contains(&prefix.len())
            && !shape
                .selection
                .trim_start_matches(is_white)
                .starts_with(prefix);
        let suffix = shape.line_suffix.trim_matches(is_blank);
        let optional = SEPARATORS.contains(&suffix);
        Self {
            front: prefix.to_owned(),
            behind: if optional {
                String::new()
            } else {
                suffix.to_owned()
            },
            open,
            held: String::new(),
            start: None,
        }
    }
}

impl Pass for Prefix {
    fn push(&mut self, c: char, out: &mut String) {
        if !self.open {
            out.push(c);
            return;
        }
        let at = self.held.len();
        self.held.push(c);
        if self.start.is_none() && !is_white(c) {
            self.start = Some(at);
        }
        let text = self.start.and_then(|start| self.held.get(start..));
        let text = text.unwrap_or_default();
        let rest = text.strip_prefix(&self.front);
        if MAX_WHOLE < self.held.len() || (rest.is_none() && !self.front.starts_with(text)) {
            self.open = false;
            out.push_str(&std::mem::take(&mut self.held));
        } else if let Some(rest) =
            rest.filter(|rest| self.behind.is_empty() && !rest.is_empty() && !is_white(c))
        {
            out.push_str(rest.trim_start_matches(is_blank));
            self.open = false;
            self.held.clear();
        }
    }

    fn finish(&mut self, out: &mut String) {
        if !std::mem::take(&mut self.open) {
            return;
        }
        let inside = self
            .start
            .and_then(|start| self.held.get(start..))
            .and_then(|text| text.strip_prefix(&self.front))
            .and_then(|text| text.trim_end_matches(is_white).strip_suffix(&self.behind))
            .map(|text| text.trim_matches(is_blank))
            .filter(|text| !text.is_empty());
        out.push_str(inside.unwrap_or(&self.held));
    }

    #[cfg(test)]
    fn held(&self) -> usize {
        self.held.len()
    }
}

/// Drops what stands behind the selection from the end of the text: if it holds a word or so, or is no more than a
/// semicolon or a comma, and the selection does not end with it.
#[derive(Debug)]
pub(super) struct Suffix {
    /// Empty if nothing is to be dropped.
    behind: String,
    /// The end of the text so far, if more text can make the suffix of it: white space, then a beginning of the suffix.
    blanks: String,
    held: String,
    has_given: bool,
}

impl Suffix {
    pub(super) fn new(shape: &Shape) -> Self {
        let suffix = shape.line_suffix.trim_matches(is_blank);
        let letters = suffix.chars().filter(|c| c.is_alphanumeric()).count();
        let usable = (3 <= letters || SEPARATORS.contains(&suffix))
            && suffix.len() <= MAX_HELD
            && !shape.selection.trim_end_matches(is_white).ends_with(suffix);
        Self {
            behind: if usable {
                suffix.to_owned()
            } else {
                String::new()
            },
            blanks: String::new(),
            held: String::new(),
            has_given: false,
        }
    }

    fn give_blanks(&mut self, out: &mut String) {
        out.push_str(&std::mem::take(&mut self.blanks));
    }
}

impl Pass for Suffix {
    fn push(&mut self, c: char, out: &mut String) {
        if self.behind.is_empty() {
            out.push(c);
            return;
        }
        if self.held.is_empty() && is_white(c) && self.blanks.len() < MAX_BLANK {
            self.blanks.push(c);
            return;
        }
        self.held.push(c);
        while let Some(first) = self.held.chars().next()
            && !self.behind.starts_with(self.held.as_str())
        {
            self.held.remove(0);
            if is_white(first) && self.blanks.len() < MAX_BLANK {
                self.blanks.push(first);
                continue;
            }
            self.give_blanks(out);
            self.has_given |= !is_white(first);
            out.push(first);
        }
    }

    fn finish(&mut self, out: &mut String) {
        let repeated = self.has_given && !self.held.is_empty() && self.held == self.behind;
        if !repeated {
            self.give_blanks(out);
            out.push_str(&self.held);
        }
    }

    #[cfg(test)]
    fn held(&self) -> usize {
        self.blanks.len() + self.held.len()
    }
}
