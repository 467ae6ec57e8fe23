//! How an answer begins: thinking, speech to the user, parts of the prompt, a wrapping fence or a code span are told from
//! the content. Nothing of it is given out before it is decided; what comes after is the work of [`super::fence`] and
//! [`super::tail`].

use super::fence::{Block, Fence};
use super::prompted::{self, Tag};
use super::rules::Rules;
use super::skipping::Skipping;
use super::talk::{self, Sentence};
use super::{MAX_BLANK, MAX_TALK, Shape, is_blank, span, thinking};

/// What became of the beginning.
#[derive(Debug)]
pub(super) enum Verdict {
    /// The content begins with this text and goes on to the end of the answer.
    Plain(String),
    /// A wrapping fence was opened.
    Fenced(Box<Block>),
    /// The answer speaks to the user and holds nothing else; this is what it says.
    Words(String),
}

/// The beginning of an answer, as long as it is not decided.
#[derive(Debug)]
pub(super) struct Head {
    rules: Rules,
    /// Complete lines that wait for what follows them.
    waiting: Option<Waiting>,
    skipping: Option<Skipping>,
    indent: String,
    text: String,
    sentence: Sentence,
    /// Where in `text` the end of thinking may stand that has no beginning.
    orphan: Option<usize>,
}

#[derive(Debug)]
struct Waiting {
    lines: String,
    kind: Kind,
    blank_line_behind: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Speech to the user; whether a line of it begins as such speech is known to, and whether it ends with a colon.
    Talk { known: bool, colon: bool },
    /// A code span.
    Span,
    /// What reads like thinking where it may be an element of the document.
    Element,
}

impl Waiting {
    /// Whether text that follows shows that it is no content: behind what reads like thinking any text does; behind talk in
    /// code, text behind a blank line does, if the talk is known as such or announces something.
    fn is_no_content(&self, rules: &Rules) -> bool {
        match self.kind {
            Kind::Span => false,
            Kind::Element => true,
            Kind::Talk { known, colon } => {
                self.blank_line_behind && (known && rules.openers || colon && rules.strict)
            }
        }
    }
}

impl Head {
    pub(super) fn new(shape: &Shape) -> Self {
        let (indent, text) = (String::new(), String::new());
        Self {
            rules: Rules::new(shape),
            waiting: None,
            skipping: None,
            indent,
            text,
            sentence: Sentence::default(),
            orphan: None,
        }
    }

    /// Takes one character (newlines as `\n`).
    pub(super) fn push(&mut self, c: char) -> Option<Verdict> {
        if let Some(skipping) = &mut self.skipping {
            if skipping.push(c) {
                self.end_skipping();
                return None;
            }
            let long = |held: &mut String| MAX_TALK < held.len();
            let long = skipping.held.take_if(|held| long(held));
            return long.filter(|_| !skipping.is_thinking()).map(Verdict::Plain);
        }
        if c == '\n' {
            return self.end_line("\n");
        }
        if self.text.is_empty() && is_blank(c) {
            self.indent.push(c);
            return (MAX_BLANK < self.indent.len()).then(|| self.plain(""));
        }
        self.read(c);
        self.drop_waiting();
        if self.take_tag() {
            return None;
        }
        let waiting = self
            .waiting
            .as_ref()
            .map_or(0, |waiting| waiting.lines.len());
        let possible = waiting + self.text.len() <= MAX_TALK && self.may_be_wrapping();
        (!possible).then(|| self.plain(""))
    }

    /// The answer has ended before anything was decided.
    pub(super) fn finish(&mut self) -> Option<Verdict> {
        if let Some(skipping) = self.skipping.take() {
            let held = skipping.held.clone();
            return held.filter(|_| !skipping.is_thinking()).map(Verdict::Plain);
        }
        if let Some(verdict) = self.end_line("") {
            return Some(verdict);
        }
        let Waiting { lines, kind, .. } = self.waiting.take()?;
        Some(match kind {
            Kind::Span => Verdict::Plain(span::content(lines.trim()).unwrap_or(&lines).to_owned()),
            // A lone "Sure!" is a fair answer where a few words of a line were selected.
            Kind::Talk { known, .. }
                if self.rules.sentences()
                    && (known || self.rules.strict && lines.contains(char::is_alphabetic)) =>
            {
                Verdict::Words(lines)
            }
            Kind::Talk { .. } | Kind::Element => Verdict::Plain(lines),
        })
    }

    /// How many bytes are held.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        let skipped = self
            .skipping
            .as_ref()
            .and_then(|skipping| skipping.held.as_ref());
        let waiting = self.waiting.as_ref().map(|waiting| &waiting.lines);
        let more = [skipped, waiting].into_iter().flatten();
        self.indent.len() + self.text.len() + more.map(String::len).sum::<usize>()
    }

    /// Takes a character of a line.
    fn read(&mut self, c: char) {
        let at = self.text.len();
        self.text.push(c);
        if c == '<' && self.rules.thinking {
            self.orphan = Some(at);
        }
        let Some(tag) = self.orphan.and_then(|orphan| self.text.get(orphan..)) else {
            self.sentence.push(c);
            return;
        };
        if !thinking::may_end(tag) {
            tag.chars().for_each(|c| self.sentence.push(c));
            self.orphan = None;
        }
    }

    /// Takes a tag that the line consists of so far, or the end of thinking that had no beginning, and says whether it did.
    fn take_tag(&mut self) -> bool {
        let text = self.text.as_str();
        let orphan = self.orphan.and_then(|orphan| text.get(orphan..));
        if orphan.is_some_and(thinking::is_end) && self.may_end_thinking() {
            self.waiting = None;
            self.clear_line();
            return true;
        }
        if let Some(close) = thinking::end_of(text).filter(|_| self.rules.thinking) {
            let held = self.rules.elements.then(|| text.to_owned());
            self.skipping = Some(Skipping::new(close, held));
        } else if let Some(tag) = prompted::tag(text).filter(|_| self.rules.prompt) {
            self.waiting = None;
            if let Tag::Context(close) = tag {
                self.skipping = Some(Skipping::new(close, Some(String::new())));
            }
        } else {
            return false;
        }
        self.clear_line();
        true
    }

    fn end_skipping(&mut self) {
        let skipping = self.skipping.take().filter(Skipping::is_thinking);
        if let Some(lines) = skipping.and_then(|skipping| skipping.held) {
            self.wait(lines, Kind::Element);
        }
    }

    fn wait(&mut self, lines: String, kind: Kind) {
        self.waiting = Some(Waiting {
            lines,
            kind,
            blank_line_behind: false,
        });
    }

    /// Whether more text could make anything but content of the line that has begun.
    fn may_be_wrapping(&self) -> bool {
        let (text, rules) = (self.text.as_str(), &self.rules);
        let marks = Fence::may_become(text)
            || self.may_end_thinking()
            || rules.thinking && thinking::may_begin(text)
            || rules.prompt && (prompted::may_become_tag(text) || prompted::may_become_line(text));
        match self.waiting.as_ref().map(|waiting| waiting.kind) {
            Some(Kind::Span | Kind::Element) => false,
            Some(Kind::Talk { .. }) => marks || self.may_be_talk(),
            None => {
                marks
                    || talk::may_become_opener(text)
                    || rules.sentences() && (self.sentence.is_possible() || talk::is_emphasis(text))
                    || rules.unwraps_span(text) && span::may_become(text)
            }
        }
    }

    /// Whether what may be the end of thinking stands where such an end can: alone, or behind what may be thinking aloud.
    fn may_end_thinking(&self) -> bool {
        let Some(before) = self.orphan.and_then(|orphan| self.text.get(..orphan)) else {
            return false;
        };
        let talks = talk::may_become_opener(before)
            || self.sentence.is_possible()
            || self.waiting.is_some() && talk::may_go_on(before, self.sentence);
        before.is_empty() || self.rules.sentences() && talks
    }

    /// Whether more text could make another line of talk of the line that has begun.
    fn may_be_talk(&self) -> bool {
        talk::may_become_opener(&self.text)
            || self.rules.sentences() && talk::may_go_on(&self.text, self.sentence)
    }

    fn end_line(&mut self, newline: &str) -> Option<Verdict> {
        if self.text.is_empty() {
            self.end_blank_line(newline);
            return None;
        }
        let text = self.text.trim_end_matches(is_blank);
        let wraps = |fence: &Fence| self.rules.wraps(fence, self.waiting.is_some());
        if let Some(fence) = Fence::parse(&self.text).filter(wraps) {
            let block = Block::new(fence, self.indent.len(), &self.rules.language);
            return Some(Verdict::Fenced(Box::new(block)));
        }
        if self.rules.prompt && prompted::is_line(text, &self.rules.language) {
            self.clear_line();
            return None;
        }
        let known = talk::is_opener(text);
        let sentences = self.rules.sentences();
        let first = sentences && (self.sentence.is_complete() || talk::is_emphasis(text));
        // An answer that was cut short ends within a sentence.
        let cut = newline.is_empty() && self.sentence.is_possible();
        let further = sentences && (cut || talk::goes_on(text));
        let kind = match self.waiting.as_ref().map(|waiting| waiting.kind) {
            _ if self.rules.has(text) => None,
            None if known || first => Some(known),
            None if self.rules.unwraps_span(text) && span::content(text).is_some() => {
                let line = self.take_line(newline);
                self.wait(line, Kind::Span);
                return None;
            }
            Some(Kind::Talk { known: before, .. }) if known || further => Some(before || known),
            _ => None,
        };
        let Some(known) = kind else {
            let dropped = self
                .waiting
                .take_if(|waiting| waiting.is_no_content(&self.rules));
            return match dropped {
                Some(_) => self.end_line(newline),
                None => Some(self.plain(newline)),
            };
        };
        let colon = text.trim_end_matches(['*', '_']).ends_with([':', '：']);
        let before = self.waiting.take().map(|waiting| waiting.lines);
        let lines = before.unwrap_or_default() + &self.take_line(newline);
        self.wait(lines, Kind::Talk { known, colon });
        None
    }

    fn end_blank_line(&mut self, newline: &str) {
        if let Some(waiting) = &mut self.waiting {
            waiting.lines.push_str(newline);
            waiting.blank_line_behind = true;
        }
        self.clear_line();
    }

    /// Drops what waits once the text that follows is proof enough.
    fn drop_waiting(&mut self) {
        let Some(waiting) = &self.waiting else {
            return;
        };
        let undecided = matches!(waiting.kind, Kind::Talk { .. }) && self.may_be_wrapping();
        if !undecided && waiting.is_no_content(&self.rules) {
            self.waiting = None;
        }
    }

    fn clear_line(&mut self) {
        self.take_line("");
    }

    fn take_line(&mut self, newline: &str) -> String {
        self.sentence = Sentence::default();
        self.orphan = None;
        std::mem::take(&mut self.indent) + &std::mem::take(&mut self.text) + newline
    }

    /// Gives out what is held.
    fn plain(&mut self, newline: &str) -> Verdict {
        let waiting = self.waiting.take().map(|waiting| waiting.lines);
        let skipped = self.skipping.take().and_then(|skipping| skipping.held);
        let held = waiting.unwrap_or_default() + &skipped.unwrap_or_default();
        Verdict::Plain(held + &self.take_line(newline))
    }
}
