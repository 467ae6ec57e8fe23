//! Where the content ends: a closing fence that nothing opened, what a model says about its code behind it, and tags of the
//! prompt are told from the content. How it begins is the work of [`super::head`], and the end of a wrapping fence that of
//! [`super::fence`].

use super::behind::Behind;
use super::fence::{Fence, MAX_NESTED};
use super::language::Family;
use super::prompted;
use super::spanning::Spanning;
use super::talk::{self, Sentence};
use super::{MAX_BLANK, MAX_TALK, Pass, Shape, is_blank, is_white};

/// Passes the content on, up to its end.
///
/// Held is a line while it can become a fence, a tag, or (in code, at the beginning of its line and behind a blank one) a
/// sentence; and what follows such a fence or sentence, until a line shows that it was content after all, or the answer ends.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own about the text so far"
)]
#[derive(Debug)]
pub(super) struct Tail {
    rules: Rules,
    spanning: Spanning,
    ended: bool,
    /// Reads on behind a fence that ended the content.
    behind: Option<Behind>,
    /// Why the content may have ended already, and all that has come since.
    suspicion: Option<(Suspicion, String)>,
    /// What is held of the line that has begun.
    line: String,
    /// How many blank characters that begins with.
    indent: usize,
    /// Has read the held line.
    sentence: Sentence,
    /// Whether the line that has begun is content for sure.
    passing: bool,
    /// Whether the line before was blank, and whether any text has been given out.
    blank_line: bool,
    begun: bool,
    /// The fences of the blocks that are open.
    open: Vec<Fence>,
}

#[derive(Debug)]
enum Suspicion {
    /// A bare fence came while no block was open.
    Fence(Fence),
    /// A model may be speaking.
    Talk,
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own about the place"
)]
#[derive(Debug)]
struct Rules {
    markdown: bool,
    /// Whether no wrapping fence tells where the content ends.
    unwrapped: bool,
    /// Whether a fence that opens nothing can be told from the content.
    fences: bool,
    /// Whether speech to the user can be.
    talk: bool,
    /// Whether tags and lines of the prompt can be.
    prompt: bool,
    language: String,
}

impl Rules {
    fn new(shape: &Shape) -> Self {
        let family = Family::of(&shape.language);
        let markdown = family == Family::Markdown;
        let selected = || shape.selection.split(['\n', '\r']).map(str::trim);
        let fences = selected().filter_map(Fence::parse).count();
        let speaks = selected().any(|line| talk::is_sentence(line) || talk::is_heading(line));
        Self {
            markdown,
            unwrapped: false,
            fences: fences == 0 || markdown && fences.is_multiple_of(2),
            talk: family == Family::Code
                && !speaks
                && talk::has_code(&shape.selection, &shape.language),
            prompt: prompted::is_foreign(shape),
            language: shape.language.clone(),
        }
    }
}

impl Tail {
    pub(super) fn new(shape: &Shape) -> Self {
        Self {
            rules: Rules::new(shape),
            spanning: Spanning::new(&shape.language),
            ended: false,
            behind: None,
            suspicion: None,
            line: String::new(),
            indent: 0,
            sentence: Sentence::default(),
            passing: false,
            blank_line: false,
            begun: false,
            open: Vec::new(),
        }
    }

    /// The answer came without a wrapping fence.
    pub(super) fn set_unwrapped(&mut self) {
        self.rules.unwrapped = true;
    }

    /// Whether another block of code stands behind the end.
    pub(super) fn drops_block(&self) -> bool {
        self.behind.as_ref().is_some_and(Behind::holds_block)
    }

    /// Whether more text could make a line of it that ends the content, or that may stand behind its end.
    fn may_be_end(&self, text: &str) -> bool {
        let rules = &self.rules;
        let speaks = match &self.suspicion {
            Some(_) => !rules.markdown && talk::may_go_on(text, self.sentence),
            None => {
                self.may_speak() && (self.sentence.is_possible() || talk::may_become_heading(text))
            }
        };
        let prompt = || prompted::may_become_tag(text) || prompted::may_become_line(text);
        speaks
            || rules.unwrapped && rules.fences && Fence::may_become(text)
            || rules.prompt && prompt()
    }

    /// Whether the line that has begun may be the first in which a model speaks about its code.
    fn may_speak(&self) -> bool {
        self.rules.unwrapped
            && self.rules.talk
            && self.blank_line
            && self.begun
            && self.open.is_empty()
            && self.indent == 0
            && !self.spanning.is_open()
    }

    fn end_line(&mut self, newline: &str, out: &mut String) {
        let text = self.line.trim_matches(is_blank);
        let blank_line = text.is_empty() && !self.passing;
        if self.passing {
            self.give_line(newline, out);
        } else {
            self.end_held_line(newline, out);
        }
        self.blank_line = blank_line;
    }

    fn end_held_line(&mut self, newline: &str, out: &mut String) {
        let text = self.line.trim_matches(is_blank);
        let fence = Fence::parse(text).filter(|_| self.rules.unwrapped && self.rules.fences);
        let speaks = match &self.suspicion {
            Some(_) if newline.is_empty() && self.sentence.is_possible() => true,
            Some(_) => talk::goes_on(text),
            None => self.may_speak() && (self.sentence.is_complete() || talk::is_heading(text)),
        };
        if self.rules.prompt && prompted::is_line(text, &self.rules.language) {
            self.ended = true;
        } else if let Some(fence) = fence {
            self.take_fence(fence, newline, out);
        } else if text.is_empty() && self.suspicion.is_some() {
            self.hold_line(newline);
        } else if speaks && !text.is_empty() && !self.rules.markdown {
            self.suspicion
                .get_or_insert((Suspicion::Talk, String::new()));
            self.hold_line(newline);
        } else {
            self.resume(out);
            self.give_line(newline, out);
        }
    }

    fn take_fence(&mut self, fence: Fence, newline: &str, out: &mut String) {
        match self.suspicion.as_ref().map(|(suspicion, _)| suspicion) {
            // Something is shown to the user, such as how to call the code.
            Some(Suspicion::Talk) => self.ended = true,
            Some(Suspicion::Fence(_)) if !fence.is_bare() && !self.rules.markdown => {
                self.ended = true;
                let mut behind = Behind::default();
                behind.push_line(&self.take_line());
                self.behind = Some(behind);
            }
            Some(Suspicion::Fence(_)) => {
                self.resume(out);
                self.take_fence(fence, newline, out);
            }
            None => {
                match self.open.last() {
                    Some(open) if fence.is_bare() && fence.can_close(open) => {
                        self.open.pop();
                    }
                    None if fence.is_bare() => {
                        self.suspicion = Some((Suspicion::Fence(fence), String::new()));
                        return self.hold_line(newline);
                    }
                    Some(_) if fence.is_bare() || self.rules.markdown => {}
                    _ if self.open.len() < MAX_NESTED => self.open.push(fence),
                    _ => {}
                }
                self.give_line(newline, out);
            }
        }
    }

    fn take_line(&mut self) -> String {
        self.sentence = Sentence::default();
        self.indent = 0;
        self.passing = false;
        std::mem::take(&mut self.line)
    }

    fn hold_line(&mut self, newline: &str) {
        let line = self.take_line();
        if let Some((_, held)) = &mut self.suspicion {
            held.push_str(&line);
            held.push_str(newline);
        }
    }

    /// Gives out what came since the content may have ended: it has not.
    fn resume(&mut self, out: &mut String) {
        if let Some((suspicion, held)) = self.suspicion.take() {
            held.chars().for_each(|c| self.give(c, out));
            if let Suspicion::Fence(fence) = suspicion {
                self.open.push(fence);
            }
        }
    }

    fn give_line(&mut self, newline: &str, out: &mut String) {
        let line = self.take_line() + newline;
        line.chars().for_each(|c| self.give(c, out));
    }

    fn give(&mut self, c: char, out: &mut String) {
        self.begun |= !is_white(c);
        self.spanning.push(c);
        out.push(c);
    }
}

impl Pass for Tail {
    fn push(&mut self, c: char, out: &mut String) {
        if let Some(behind) = &mut self.behind {
            return behind.push(c);
        }
        if self.ended {
            return;
        }
        if c == '\n' {
            return self.end_line("\n", out);
        }
        if self.passing {
            return self.give(c, out);
        }
        let indents = self.line.len() == self.indent && is_blank(c) && self.indent < MAX_BLANK;
        self.line.push(c);
        if indents {
            self.indent += 1;
            return;
        }
        self.sentence.push(c);
        let text = self.line.get(self.indent..).unwrap_or_default();
        let held = self.suspicion.as_ref().map_or(0, |(_, held)| held.len());
        if self.rules.prompt && prompted::tag(text).is_some() {
            self.ended = true;
        } else if MAX_TALK < held + self.line.len() || !self.may_be_end(text) {
            self.resume(out);
            self.give_line("", out);
            self.passing = true;
        }
    }

    fn finish(&mut self, out: &mut String) {
        if !self.ended {
            self.end_line("", out);
        }
        if let Some(behind) = &mut self.behind {
            behind.end_line();
        }
    }

    #[cfg(test)]
    fn held(&self) -> usize {
        let behind = self.behind.as_ref().map_or(0, Behind::held);
        behind + self.line.len() + self.suspicion.as_ref().map_or(0, |(_, held)| held.len())
    }
}
