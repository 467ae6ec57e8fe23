//! A conversation as a Markdown document that is also written in: a section for each turn, and a last heading under which the
//! next question is written. What stands above that heading is a copy for people; nothing here reads turns back from it. Which
//! file it is, and how text gets into it, is decided elsewhere.
//!
//! A section ends with the line on what the answer took, and that line ends with the turn's name in a comment. The question is
//! what stands under the heading `## You` behind the last such line: nothing that an answer says is in the way then, since its
//! own last line follows it. Where several such headings follow, nothing is sent: what stands under the first may be what
//! somebody else has put there.

use std::collections::BTreeSet;
use std::ops::Range;

use super::Record;
use super::markdown::{self, ANSWER, Head, QUESTION};
use crate::answer;
use crate::answer::markdown::Markdown;
use crate::reply::Rejected;
use crate::text::hidden;

/// What every document begins with.
const INTRODUCTION: &str = "# Conversation\n\n\
    *Write under the last heading, then run the action \"Send\" (`ezrouter.send`).*\n\
    *What stands above it is a copy: changes there are yours to keep, and are not sent.*\n\n";

/// The heading for the next question, and the line to write it in.
const NEXT: &str = "## You\n\n\n";

/// Begins the comment that names a turn.
const MARK: &str = " <!-- turn ";

/// Text that goes into a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addition {
    /// Where, in bytes of the document.
    pub at: usize,
    /// What.
    pub text: String,
}

/// What a document holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    /// The names of the turns that it shows.
    pub turns: BTreeSet<i64>,
    /// The last heading, over the question that is not sent yet, and what stands under it, in bytes.
    pub question: Option<(usize, Range<usize>)>,
    /// How many such headings stand behind the last section.
    pub headings: usize,
}

/// The document of a conversation with these turns, each with its date and time as people read them.
pub fn new(turns: &[(Record, String)]) -> String {
    let sections: String = turns.iter().map(section).collect();
    format!("{INTRODUCTION}{sections}{NEXT}")
}

/// Where in a document the question is to be written, in bytes: behind what is written there already, else in the line that is
/// left for it.
pub fn place_to_write(text: &str) -> usize {
    let Some((_, under)) = read(text).question else {
        return text.len();
    };
    let written = text.get(under.clone()).unwrap_or_default();
    let lines = written.split_inclusive('\n').take(2);
    let room: usize = lines.map(str::len).sum();
    match written.trim_end().len() {
        0 => under.start + room,
        length => under.start + length,
    }
}

/// Finds the turns and the question of a document, whatever people have made of it.
pub fn read(text: &str) -> Outline {
    let mut outline = Outline::default();
    let breaks = memchr::memchr2_iter(b'\n', b'\r', text.as_bytes()).map(|at| at + 1);
    let mut start = 0;
    for end in breaks.chain([text.len()]) {
        let line = text.get(start..end).unwrap_or_default().trim_end();
        if let Some(turn) = named(line) {
            outline.turns.insert(turn);
            outline.question = None;
            outline.headings = 0;
        } else if line == QUESTION {
            outline.question = Some((start, start + QUESTION.len()..text.len()));
            outline.headings += 1;
        }
        start = end;
    }
    outline
}

/// The question of a document, in bytes of it without the blanks around, or one sentence on why there is none to be sent.
pub fn question(text: &str) -> Result<Range<usize>, String> {
    let outline = read(text);
    if 1 < outline.headings {
        return Err(format!(
            "{} headings \"{QUESTION}\" stand behind the last answer, so it cannot be told what is your question; leave only \
             the last one",
            outline.headings
        ));
    }
    let (_, under) = outline.question.ok_or_else(|| {
        format!(
            "there is no heading \"{QUESTION}\" behind the last answer; write one, and your question under it"
        )
    })?;
    let written = text.get(under.clone()).unwrap_or_default();
    let question = written.trim();
    if question.is_empty() {
        return Err(format!(
            "nothing is written under the last heading (\"{QUESTION}\"); write your question there"
        ));
    }
    if question.lines().any(|line| line.trim_end() == ANSWER) {
        return Err(format!(
            "the beginning of an answer stands under your question (\"{ANSWER}\"); delete it first"
        ));
    }
    let start = under.start + (written.len() - written.trim_start().len());
    Ok(start..start + question.len())
}

/// What a document lacks: the sections of turns that it does not show and that are not `known` to have stood in it, in front of
/// the question; and the heading to write under, if that is gone.
pub fn lacking(
    text: &str,
    turns: &[(Record, String)],
    known: &BTreeSet<i64>,
    line_ending: &str,
) -> Option<Addition> {
    let outline = read(text);
    let is_new = |turn: i64| !outline.turns.contains(&turn) && !known.contains(&turn);
    let missing = turns.iter().filter(|(record, _)| is_new(record.turn.id));
    let mut added: String = missing.map(section).collect();
    let at = outline.question.as_ref().map_or(text.len(), |(at, _)| *at);
    if outline.question.is_none() {
        added = format!("{}{added}{NEXT}", gap(text));
    }
    let added = added.replace('\n', line_ending);
    (!added.is_empty()).then_some(Addition { at, text: added })
}

fn section((record, when): &(Record, String)) -> String {
    let head = Head::of(record, when);
    let mut writing = Writing::section(&head, "", Place::Heading, "\n");
    let footer = answer::footer(&record.model, record.usage, record.seconds, 0);
    writing.end_with(&footer, Some(record.turn.id));
    let mut section = writing.push(&markdown::answer(record));
    let rest = writing.finish();
    section.push_str(rest.as_deref().unwrap_or_default());
    section
}

/// What people see of a text from elsewhere.
fn harmless(text: &str) -> String {
    hidden::visible(&text.replace("\r\n", "\n").replace('\r', "\n"))
}

/// The end of a section; a turn that is not kept has no name.
fn last_line(footer: &str, turn: Option<i64>) -> String {
    let footer = answer::markdown::line(footer);
    format!("\n\n*{footer}*{MARK}{:x} -->\n\n", turn.unwrap_or_default())
}

/// The name of the turn that a line ends.
fn named(line: &str) -> Option<i64> {
    let (front, name) = line.strip_suffix(" -->")?.rsplit_once(MARK)?;
    front
        .starts_with('*')
        .then(|| i64::from_str_radix(name, 16).ok())?
}

/// What makes a paragraph of its own of what follows on a text.
fn gap(text: &str) -> &'static str {
    let breaks = text.replace("\r\n", "\n");
    match breaks.trim_end_matches(' ') {
        "" => "",
        text if text.ends_with("\n\n") || text.ends_with("\r\r") => "",
        text if text.ends_with(['\n', '\r']) => "\n",
        _ => "\n\n",
    }
}

/// A section that is written while its answer comes.
#[derive(Debug, Default)]
pub struct Writing {
    drawing: Markdown,
    line_ending: &'static str,
    /// What goes in front of the answer, until it went.
    head: String,
    /// White space that is text only if more follows.
    blank: String,
    /// What goes behind it.
    tail: String,
    /// The heading for the next question, if there is none.
    next: &'static str,
    place: Place,
}

/// Where a section goes that is written in front of a question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// Right in front of the heading.
    #[default]
    Heading,
    /// In front of the blank line above it, so that the heading has a line of its own at any time.
    BlankLine,
}

/// Where a section is written in front of the heading at `at`, in bytes of the document.
pub fn place_of_section(text: &str, at: usize, line_ending: &str) -> (usize, Place) {
    let above = text.get(..at).unwrap_or_default();
    match above.strip_suffix(line_ending) {
        Some(line) if line.ends_with(line_ending) => (line.len(), Place::BlankLine),
        _ => (at, Place::Heading),
    }
}

impl Writing {
    /// The answer to a question, right behind its last word; `behind` is what stands there.
    ///
    /// Not behind the last line of the document: of text that is put there and taken out again Neovim leaves an empty line.
    pub fn answer(behind: &str, line_ending: &'static str) -> Self {
        let head = format!("\n\n{ANSWER}\n\n");
        let next = if behind.contains(['\n', '\r']) {
            // What stands behind ends the line that is left for the next question.
            NEXT.strip_suffix('\n').unwrap_or(NEXT)
        } else {
            NEXT
        };
        Self::new(head, next, line_ending)
    }

    /// A whole section, with the sections of `earlier` turns in front of it. It goes to [`place_of_section`].
    pub fn section(
        head: &Head<'_>,
        earlier: &str,
        place: Place,
        line_ending: &'static str,
    ) -> Self {
        let earlier = earlier.replace(line_ending, "\n");
        let head = harmless(&head.text());
        let lead = if place == Place::BlankLine { "\n" } else { "" };
        let mut writing = Self::new(format!("{lead}{earlier}{head}\n\n"), "", line_ending);
        writing.place = place;
        writing
    }

    fn new(head: String, next: &'static str, line_ending: &'static str) -> Self {
        Self {
            drawing: Markdown::default(),
            line_ending,
            head,
            blank: String::new(),
            tail: String::new(),
            next,
            place: Place::Heading,
        }
    }

    /// Takes what has come and gives the text that may go out now.
    pub fn push(&mut self, delta: &str) -> String {
        let drawn = self.drawing.push(delta);
        self.give(&drawn)
    }

    /// Says how the section ends: what the answer took, and the turn that it has become. To be said before it has ended.
    pub fn end_with(&mut self, footer: &str, turn: Option<i64>) {
        self.tail = last_line(footer, turn);
    }

    /// The answer has ended: gives the rest of the text, or why there is none. Called once.
    pub fn finish(&mut self) -> Result<String, Rejected> {
        let drawn = self.drawing.finish();
        let rest = self.give(&drawn);
        if !self.head.is_empty() {
            return Err(Rejected::Empty);
        }
        // The fence gets a line of its own, whatever white space came last.
        let closing = match self.drawing.closing().trim_start() {
            "" => String::new(),
            fence => format!("\n{fence}"),
        };
        let mut tail = format!("{closing}{}{}", self.tail, self.next);
        if self.place == Place::BlankLine && tail.ends_with('\n') {
            // The blank line is there.
            tail.pop();
        }
        Ok(rest + &self.ended(&tail))
    }

    fn give(&mut self, drawn: &str) -> String {
        self.blank.push_str(drawn);
        let kept = self.blank.trim_end().len();
        if kept == 0 {
            return String::new();
        }
        let blank = self.blank.split_off(kept);
        let text = std::mem::replace(&mut self.blank, blank);
        let head = std::mem::take(&mut self.head);
        // In front of the answer only its own indentation counts.
        let text = match head.as_str() {
            "" => text,
            _ => head + text.trim_start_matches(['\n', '\r']),
        };
        self.ended(&text)
    }

    fn ended(&self, text: &str) -> String {
        text.replace('\n', self.line_ending)
    }
}

#[cfg(test)]
mod tests;
