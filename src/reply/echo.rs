//! Lines of the document that an answer repeats in front of the new text and behind it. A model that was shown the lines
//! around a selection often gives them back, and left in they would stand there twice. What they say is not judged: only
//! whether they are the very lines, whether they mean anything by themselves, and whether the selection had them too.

use super::{MAX_BLANK, MAX_HELD, Pass, Shape, is_blank, is_white};

/// Keeps the lines in front of the selection out of the beginning of the content.
///
/// The beginning is held while its lines are the last ones in front of the selection, or can still become them. Dropped is
/// the longest run that ends with the very last of them, if text follows it. Blank lines and indentation do not count, but a
/// line that is indented deeper than in the document is a new one.
#[derive(Debug)]
pub(super) struct Leading {
    /// The lines in front that are not blank, each with its width of indentation.
    lines: Vec<(usize, String)>,
    /// As many of the selection's first lines.
    selected: Vec<String>,
    /// Whether text may still be held.
    open: bool,
    held: String,
    /// Where in `held` the text of the line that has begun starts, without its indentation.
    line: Option<usize>,
    indent: usize,
    /// Where in `lines` the runs begin that are still possible, and how many lines of them have come.
    runs: Vec<usize>,
    count: usize,
    /// Where in `held` the longest complete run ends.
    end: usize,
}

impl Leading {
    pub(super) fn new(shape: &Shape) -> Self {
        let mut lines: Vec<_> = lines_of(&shape.before).collect();
        let usable = lines.iter().rev().take_while(|line| is_usable(line));
        lines.drain(..lines.len() - usable.count());
        let lines: Vec<_> = lines
            .into_iter()
            .map(|line| {
                let text = line.trim_start_matches(is_blank);
                (line.len() - text.len(), text.to_owned())
            })
            .collect();
        Self {
            selected: texts(lines_of(&shape.selection).take(lines.len())),
            open: !lines.is_empty(),
            held: String::new(),
            line: None,
            indent: 0,
            runs: (0..lines.len()).collect(),
            count: 0,
            end: 0,
            lines,
        }
    }

    fn end_line(&mut self) {
        let Some(start) = self.line.take() else {
            return;
        };
        let text = self
            .held
            .get(start..)
            .unwrap_or_default()
            .trim_end_matches(is_white);
        let (lines, indent, count) = (&self.lines, self.indent, self.count);
        self.runs.retain(|run| {
            let line = lines.get(run + count);
            line.is_some_and(|(width, line)| indent <= *width && line == text)
        });
        self.count += 1;
        let first = self.lines.len().checked_sub(self.count);
        if first.is_some_and(|first| self.runs.contains(&first) && self.is_repetition(first)) {
            self.end = self.held.len();
        }
    }

    /// Whether the lines from `first` on mean something by themselves and are not how the selection begins as well.
    fn is_repetition(&self, first: usize) -> bool {
        let run = self.lines.get(first..).unwrap_or_default();
        let selected = run.len() <= self.selected.len()
            && run.iter().zip(&self.selected).all(|((_, a), b)| a == b);
        !selected && run.iter().any(|(_, line)| is_significant(line))
    }

    /// Gives out what is held, without the repeated lines if text follows them.
    fn release(&mut self, out: &mut String) {
        self.open = false;
        let held = std::mem::take(&mut self.held);
        let rest = held.get(self.end..);
        let rest = rest.filter(|rest| !rest.trim_matches(is_white).is_empty());
        out.push_str(rest.unwrap_or(&held));
    }
}

impl Pass for Leading {
    fn push(&mut self, c: char, out: &mut String) {
        if !self.open {
            out.push(c);
            return;
        }
        let at = self.held.len();
        self.held.push(c);
        if c == '\n' {
            self.end_line();
            self.indent = 0;
        } else if self.line.is_none() && is_blank(c) {
            self.indent += 1;
        } else {
            let text = self.held.get(*self.line.get_or_insert(at)..);
            let text = text.filter(|text| text.len() <= MAX_HELD);
            let text = text.map(|text| text.trim_end_matches(is_blank));
            let fits = |&run: &usize| {
                let line = self.lines.get(run + self.count);
                let fits = line
                    .zip(text)
                    .map(|((_, line), text)| line.starts_with(text));
                fits.unwrap_or_default()
            };
            if !self.runs.iter().any(fits) {
                self.release(out);
            }
        }
        if MAX_BLANK + self.lines.len() * MAX_HELD < self.held.len() {
            self.release(out);
        }
    }

    fn finish(&mut self, out: &mut String) {
        if self.open {
            self.release(out);
        }
    }

    #[cfg(test)]
    fn held(&self) -> usize {
        self.held.len()
    }
}

/// Keeps the lines behind the selection out of the end of the text.
///
/// It works on text that has its place already, so lines count as repeated only with the indentation that they have in the
/// document. Held is a line while it and those before it can be the first ones behind the selection; dropped is what is
/// still held at the end of the answer, if it meets the conditions of [`Self::is_repetition`].
#[derive(Debug)]
pub(super) struct Trailing {
    /// The lines behind that are not blank.
    lines: Vec<String>,
    /// As many of the selection's last lines.
    selected: Vec<String>,
    selected_balance: i64,
    held: String,
    /// Where in `held` the line that has begun starts; `None` inside a line that has been given out.
    line: Option<usize>,
    runs: Vec<Run>,
    /// Of what has been given out.
    balance: i64,
    has_given: bool,
}

/// Lines that repeat the first `count` ones behind the selection, from `start` in the held text on.
#[derive(Clone, Copy, Debug)]
struct Run {
    start: usize,
    count: usize,
}

impl Trailing {
    pub(super) fn new(shape: &Shape) -> Self {
        let usable = lines_of(&shape.after).take_while(|line| is_usable(line));
        let whole_line = shape.line_suffix.chars().all(is_blank);
        let lines: Vec<_> = usable.filter(|_| whole_line).map(str::to_owned).collect();
        let mut selected = texts(lines_of(&shape.selection));
        selected.drain(..selected.len().saturating_sub(lines.len()));
        Self {
            selected,
            selected_balance: balance(&shape.selection),
            lines,
            held: String::new(),
            line: None,
            runs: Vec::new(),
            balance: 0,
            has_given: false,
        }
    }

    /// Says whether the line that has ended is not blank.
    fn end_line(&mut self) -> bool {
        let Some(start) = self.line.take() else {
            return true;
        };
        let text = self
            .held
            .get(start..)
            .unwrap_or_default()
            .trim_end_matches(is_white);
        if text.is_empty() {
            return false;
        }
        let lines = &self.lines;
        let fits = |run: &Run| lines.get(run.count).is_some_and(|line| line == text);
        self.runs.retain(fits);
        self.runs.iter_mut().for_each(|run| run.count += 1);
        let before = self.held.get(..start).unwrap_or_default();
        let new = Run {
            start: before.trim_end_matches('\n').len(),
            count: 0,
        };
        if fits(&new) {
            self.runs.push(Run { count: 1, ..new });
        }
        true
    }

    /// Whether the text ends with lines that the document has behind it: text stands in front of them, the selection did not
    /// end so too, and leaving them out gives as many brackets as the selection had or, if they hold none, they mean
    /// something by themselves.
    fn is_repetition(&self, run: Run) -> bool {
        let (Some(before), Some(text)) = (self.held.get(..run.start), self.held.get(run.start..))
        else {
            return false;
        };
        let lines = self.lines.get(..run.count).unwrap_or_default();
        let selected = self.selected.len().checked_sub(run.count);
        let selected = selected.and_then(|first| self.selected.get(first..));
        let own = selected.is_some_and(|selected| {
            let mut pairs = lines.iter().zip(selected);
            pairs.all(|(line, selected)| line.trim_start_matches(is_blank) == selected)
        });
        let sensible = if balance(text) == 0 {
            lines.iter().any(|line| is_significant(line))
        } else {
            self.balance + balance(before) == self.selected_balance
        };
        (self.has_given || !before.trim_matches(is_white).is_empty()) && !own && sensible
    }

    /// Gives out the first `end` bytes of what is held.
    fn release(&mut self, end: usize, out: &mut String) {
        let rest = self.held.split_off(end);
        let given = std::mem::replace(&mut self.held, rest);
        given.chars().for_each(|c| self.give(c, out));
        self.runs.iter_mut().for_each(|run| run.start -= end);
    }

    fn give(&mut self, c: char, out: &mut String) {
        self.balance += weight(c);
        self.has_given |= !is_white(c);
        out.push(c);
    }
}

impl Pass for Trailing {
    fn push(&mut self, c: char, out: &mut String) {
        if self.lines.is_empty() || (c != '\n' && self.line.is_none()) {
            self.give(c, out);
            return;
        }
        if c == '\n' {
            if self.end_line() {
                let kept = self.runs.first().map_or(self.held.len(), |run| run.start);
                self.release(kept, out);
            }
            self.held.push(c);
            self.line = Some(self.held.len());
            return;
        }
        self.held.push(c);
        let text = self.line.and_then(|line| self.held.get(line..));
        let text = text.filter(|text| text.len() <= MAX_HELD);
        let text = text.map(|text| text.trim_end_matches(is_blank));
        let fits = |count: usize| {
            let line = self.lines.get(count).zip(text);
            line.is_some_and(|(line, text)| line.starts_with(text))
        };
        if !fits(0) && !self.runs.iter().any(|run| fits(run.count)) {
            self.runs.clear();
            self.release(self.held.len(), out);
            self.line = None;
        }
    }

    fn finish(&mut self, out: &mut String) {
        self.end_line();
        let run = self.runs.iter().find(|run| self.is_repetition(**run));
        let end = run.map_or(self.held.len(), |run| run.start);
        self.held.truncate(end);
        self.runs.clear();
        self.release(end, out);
    }

    #[cfg(test)]
    fn held(&self) -> usize {
        self.held.len()
    }
}

/// The lines that are not blank, without what is blank at their ends.
fn lines_of(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    text.split(['\n', '\r'])
        .map(|line| line.trim_end_matches(is_blank))
        .filter(|line| !line.is_empty())
}

fn texts<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<String> {
    lines
        .map(|line| line.trim_start_matches(is_blank).to_owned())
        .collect()
}

/// Whether a line may be held while it comes.
fn is_usable(line: &str) -> bool {
    line.len() <= MAX_HELD
}

/// Whether a line is more than brackets and marks: such a one is no proof of a repetition. A lone triple quote is, because
/// beside its twin it would end what that one begins.
fn is_significant(line: &str) -> bool {
    let line = line.trim_start_matches(is_blank);
    line.chars().filter(|c| c.is_alphanumeric()).take(2).count() == 2
        || line.starts_with("</")
        || line == "\"\"\""
        || line == "'''"
}

/// How many more brackets are opened than closed.
fn balance(text: &str) -> i64 {
    text.chars().map(weight).sum()
}

fn weight(c: char) -> i64 {
    match c {
        '(' | '[' | '{' => 1,
        ')' | ']' | '}' => -1,
        _ => 0,
    }
}
