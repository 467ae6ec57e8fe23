//! Puts content into its place: the indentation of each line, the line endings, and the white space at both ends, which
//! stays that of the selection. The text of a line behind its indentation is not touched.
//!
//! Each line moves by the difference between the base indentation of the selection and the indentation of the first line of
//! the answer. What a line is indented beyond that is put into the document's style, except in Markdown, where it may be
//! code of another style.

use super::language::is_markdown;
use super::{Indent, Shape, is_blank};

/// How many spaces a reply uses for one step, if it shows none that is plausible.
const USUAL_UNIT: usize = 4;

/// Writes content (newlines as `\n`) as text of the document.
///
/// White space waits for the character behind it; nothing else is held.
#[derive(Debug)]
pub(super) struct Reindent {
    style: Style,
    shape: Shape,
    /// The base indentation of the selection.
    base: String,
    echo: Echo,
    /// The indentation of the reply's first line, once there is one.
    first: Option<String>,
    /// How many spaces the reply uses for one step, once it has shown it.
    unit: Option<usize>,
    /// White space in front of the next character: behind text on its line, newlines, indentation.
    spaces: String,
    newlines: usize,
    indent: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Tabs,
    Spaces(usize),
    /// As the reply has it.
    Verbatim,
}

impl Reindent {
    pub(super) fn new(shape: Shape) -> Self {
        let style = match shape.indent {
            _ if is_markdown(&shape.language) => Style::Verbatim,
            // A recipe line has to begin with a tab, whatever the editor is set to.
            _ if shape.language == "makefile" => Style::Tabs,
            Indent::Tabs => Style::Tabs,
            Indent::Spaces(width) => Style::Spaces(usize::from(width.max(1))),
        };
        Self {
            style,
            base: shape.base_indent(),
            echo: Echo::new(&shape),
            shape,
            first: None,
            unit: None,
            spaces: String::new(),
            newlines: 0,
            indent: String::new(),
        }
    }

    /// Takes one character of the content and appends what may stand in the document to `out`.
    pub(super) fn push(&mut self, c: char, out: &mut String) {
        let at_line_start = self.first.is_none() || 0 < self.newlines;
        match c {
            '\n' => {
                self.newlines += usize::from(self.first.is_some());
                self.indent.clear();
            }
            _ if !is_blank(c) => {
                self.flush(c, out);
                out.push(c);
            }
            _ if at_line_start => self.indent.push(c),
            _ => self.spaces.push(c),
        }
    }

    /// Whether anything has been given out.
    pub(super) fn has_begun(&self) -> bool {
        self.first.is_some()
    }

    /// What the text ends with.
    pub(super) fn tail(&self) -> &str {
        self.shape.margins().1
    }

    /// Writes the white space in front of `next`, the next character that is not white space.
    fn flush(&mut self, next: char, out: &mut String) {
        out.push_str(&std::mem::take(&mut self.spaces));
        let newlines = std::mem::take(&mut self.newlines);
        let Some(first) = &self.first else {
            self.first = Some(std::mem::take(&mut self.indent));
            out.push_str(self.shape.margins().0);
            self.echo.push(next);
            return;
        };
        if newlines == 0 {
            self.echo.push(next);
            return;
        }
        let indent = std::mem::take(&mut self.indent);
        if self.echo.is_absolute(first, &indent) {
            self.first = Some(self.base.clone());
        } else if self.unit.is_none() {
            self.unit = unit(first, &indent);
        }
        for _ in 0..newlines {
            out.push_str(self.shape.line_ending);
        }
        self.write_indent(&indent, out);
    }

    fn write_indent(&self, indent: &str, out: &mut String) {
        let first = self.first.as_deref().unwrap_or_default();
        if let Some(beyond) = indent.strip_prefix(first) {
            out.push_str(&self.base);
            self.write_beyond(beyond, first.contains('\t'), out);
            return;
        }
        let base = self.columns(&self.base);
        let target = (base + self.columns(indent)).saturating_sub(self.columns(first));
        if base <= target {
            out.push_str(&self.base);
            self.write_columns(target - base, out);
            return;
        }
        let mut column = 0;
        for c in self.base.chars() {
            let width = self.width(c);
            if target < column + width {
                break;
            }
            column += width;
            out.push(c);
        }
        out.extend(std::iter::repeat_n(' ', target - column));
    }

    /// Writes what a line is indented beyond the first one. Where the reply indents with tabs, spaces behind them align.
    fn write_beyond(&self, beyond: &str, first_has_tabs: bool, out: &mut String) {
        let aligned = self.style == Style::Tabs && (first_has_tabs || beyond.contains('\t'));
        if aligned || self.style == Style::Verbatim {
            out.push_str(beyond);
        } else {
            self.write_columns(self.columns(beyond), out);
        }
    }

    fn write_columns(&self, columns: usize, out: &mut String) {
        let unit = self.unit.unwrap_or(USUAL_UNIT);
        let (tabs, spaces) = if self.style == Style::Tabs {
            (columns / unit, columns % unit)
        } else {
            (0, columns)
        };
        out.extend(std::iter::repeat_n('\t', tabs));
        out.extend(std::iter::repeat_n(' ', spaces));
    }

    fn columns(&self, indent: &str) -> usize {
        indent.chars().map(|c| self.width(c)).sum()
    }

    fn width(&self, c: char) -> usize {
        match self.style {
            _ if c != '\t' => 1,
            Style::Spaces(width) => width,
            Style::Tabs | Style::Verbatim => self.unit.unwrap_or(USUAL_UNIT),
        }
    }
}

/// The step from one indentation to another, if both are made of spaces and it is one that people indent with.
fn unit(first: &str, indent: &str) -> Option<usize> {
    if first.contains('\t') || indent.contains('\t') {
        return None;
    }
    let step = first.len().abs_diff(indent.len());
    let fits = |unit: &usize| step.is_multiple_of(*unit) && first.len().is_multiple_of(*unit);
    if step <= 8 {
        [8, 4, 3, 2]
            .into_iter()
            .find(|unit| *unit <= step && fits(unit))
    } else {
        None
    }
}

/// Tells whether a reply trimmed its first line only: a common fault, most of all where the selection itself begins behind
/// its indentation. The lines after the first then have the document's indentation already and must not move.
///
/// It is taken for one if the second line is indented exactly as in the selection although the first is indented less, and
/// both first lines are the same or both open a block. Else the same could be a block that was put around the lines.
#[derive(Debug)]
struct Echo {
    /// The selection's first line without its indentation.
    first_line: String,
    /// The indentation of the selection's second line.
    second_indent: Option<String>,
    base: String,
    /// How much of `first_line` the reply has repeated; nothing once it has differed.
    repeated: Option<usize>,
    last: Option<char>,
    decided: bool,
}

impl Echo {
    fn new(shape: &Shape) -> Self {
        let mut lines = shape
            .selection
            .split(['\n', '\r'])
            .filter(|line| !line.trim_matches(is_blank).is_empty());
        let first_line = lines
            .next()
            .unwrap_or_default()
            .chars()
            .filter(|&c| !is_blank(c))
            .collect();
        let second_indent = lines
            .next()
            .map(|line| line.chars().take_while(|&c| is_blank(c)).collect());
        let base = shape.base_indent();
        Self {
            first_line,
            second_indent,
            base,
            repeated: Some(0),
            last: None,
            decided: false,
        }
    }

    /// Takes the next character of the reply's first line that is not white space.
    fn push(&mut self, c: char) {
        if self.decided {
            return;
        }
        let expected = self
            .repeated
            .and_then(|repeated| self.first_line.get(repeated..))
            .and_then(|rest| rest.chars().next());
        self.repeated = if expected == Some(c) {
            self.repeated.map(|repeated| repeated + c.len_utf8())
        } else {
            None
        };
        self.last = Some(c);
    }

    /// Decides at the second line of the reply, which has `indent`; no later line is looked at.
    fn is_absolute(&mut self, first: &str, indent: &str) -> bool {
        if std::mem::replace(&mut self.decided, true) || self.base.len() <= first.len() {
            return false;
        }
        let same = self.repeated == Some(self.first_line.len());
        let both_open = opens(self.last) && opens(self.first_line.chars().next_back());
        (same || both_open) && self.second_indent.as_deref() == Some(indent)
    }
}

fn opens(last: Option<char>) -> bool {
    last.is_some_and(|c| "{([:>".contains(c))
}
