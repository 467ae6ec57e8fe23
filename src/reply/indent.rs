//! Puts content into its place: the indentation of each line. The text of a line behind its indentation is not touched.
//!
//! Each line moves by the difference between the base indentation of the selection and the indentation of the first line of
//! the answer. What a line is indented beyond that is put into the document's style, except where it may have a meaning: in
//! Markdown, in strings that span lines, and (its width) in languages that read it.

use super::language::{has_free_width, has_word_blocks, is_markdown};
use super::spanning::{Indentation, Spanning};
use super::{Indent, MAX_BLANK, Pass, Shape, is_blank};

/// How many spaces a reply uses for one step, if it shows none that is plausible.
const USUAL_UNIT: usize = 4;

/// Moves content (newlines as `\n`) to the place of the selection.
///
/// White space waits for the character behind it; nothing else is held.
#[derive(Debug)]
pub(super) struct Reindent {
    style: Style,
    /// The base indentation of the selection.
    base: String,
    echo: Echo,
    /// The indentation of the reply's first line, once there is one.
    first: Option<String>,
    /// How many spaces the reply uses for one step where the document has tabs, once it has shown it.
    unit: Option<usize>,
    steps: Steps,
    spanning: Spanning,
    /// Whether the selection has strings whose lines begin left of its base: then these stand where they have to.
    fixed_texts: bool,
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
    pub(super) fn new(shape: &Shape) -> Self {
        let style = match shape.indent {
            _ if is_markdown(&shape.language) => Style::Verbatim,
            // A recipe line has to begin with a tab, whatever the editor is set to.
            _ if shape.language == "makefile" => Style::Tabs,
            Indent::Tabs => Style::Tabs,
            Indent::Spaces(width) => Style::Spaces(usize::from(width.max(1))),
            Indent::Unknown => Style::Verbatim,
        };
        let base = shape.base_indent();
        Self {
            style,
            echo: Echo::new(shape, &base),
            first: None,
            unit: None,
            steps: Steps::new(style, &shape.language),
            spanning: Spanning::new(&shape.language),
            fixed_texts: has_text_left_of(&base, shape),
            base,
            spaces: String::new(),
            newlines: 0,
            indent: String::new(),
        }
    }

    /// Writes the white space in front of `next`, the next character that is not white space.
    fn flush(&mut self, next: char, out: &mut String) {
        let spaces = std::mem::take(&mut self.spaces);
        let newlines = std::mem::take(&mut self.newlines);
        spaces.chars().for_each(|c| self.spanning.push(c));
        out.push_str(&spaces);
        if self.first.is_none() {
            self.first = Some(std::mem::take(&mut self.indent));
        } else if 0 < newlines {
            out.extend(std::iter::repeat_n('\n', newlines));
            self.spanning.push('\n');
            let indent = std::mem::take(&mut self.indent);
            let start = out.len();
            self.write_indent(&indent, out);
            if start < out.len() {
                self.spanning.push(' ');
            }
        }
        if newlines == 0 {
            self.echo.push(next);
        }
        self.steps.push(next);
    }

    fn write_indent(&mut self, indent: &str, out: &mut String) {
        let kind = self.spanning.indentation();
        if kind == Indentation::Fixed || kind == Indentation::Text && self.fixed_texts {
            self.echo.decided = true;
            out.push_str(indent);
            return;
        }
        let first = self.first.clone().unwrap_or_default();
        if self.echo.is_absolute(&first, indent) {
            self.first = Some(self.base.clone());
        } else if self.unit.is_none() {
            self.unit = unit(&first, indent);
        }
        let first = self.first.as_deref().unwrap_or_default();
        // Where the reply indents with tabs, spaces behind them align.
        if let Some(beyond) = indent.strip_prefix(first)
            && (kind == Indentation::Text
                || self.style == Style::Verbatim
                || self.style == Style::Tabs && (first.contains('\t') || beyond.contains('\t')))
        {
            out.push_str(&self.base);
            out.push_str(beyond);
            return;
        }
        let columns = self.columns(indent).cast_signed() - self.columns(first).cast_signed();
        let columns = if kind == Indentation::Code {
            self.steps.convert(columns)
        } else {
            columns
        };
        self.write_columns(columns, out);
    }

    /// Writes the base indentation and so many columns more, or less.
    fn write_columns(&self, columns: isize, out: &mut String) {
        if let Ok(beyond) = usize::try_from(columns) {
            let unit = self.unit.unwrap_or(USUAL_UNIT);
            let (tabs, spaces) = if self.style == Style::Tabs {
                (beyond / unit, beyond % unit)
            } else {
                (0, beyond)
            };
            out.push_str(&self.base);
            out.extend(std::iter::repeat_n('\t', tabs));
            out.extend(std::iter::repeat_n(' ', spaces));
            return;
        }
        let target = self.columns(&self.base).saturating_add_signed(columns);
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

impl Pass for Reindent {
    fn push(&mut self, c: char, out: &mut String) {
        let at_line_start = self.first.is_none() || 0 < self.newlines;
        let blank = is_blank(c) && self.spaces.len().max(self.indent.len()) < MAX_BLANK;
        match c {
            '\n' => {
                self.newlines += usize::from(self.first.is_some());
                self.indent.clear();
            }
            _ if !blank => {
                self.flush(c, out);
                self.spanning.push(c);
                out.push(c);
            }
            _ if at_line_start => self.indent.push(c),
            _ => self.spaces.push(c),
        }
    }

    fn finish(&mut self, _out: &mut String) {
        // White space at the end is dropped.
    }

    #[cfg(test)]
    fn held(&self) -> usize {
        self.spaces.len() + self.indent.len()
    }
}

/// Whether the selection has a line of a string that begins left of its base indentation.
fn has_text_left_of(base: &str, shape: &Shape) -> bool {
    let mut spanning = Spanning::new(&shape.language);
    let mut lines = shape.selection.split(['\n', '\r']);
    lines.any(|line| {
        let text = spanning.indentation() == Indentation::Text && !line.trim().is_empty();
        line.chars().chain(['\n']).for_each(|c| spanning.push(c));
        text && !line.starts_with(base)
    })
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

/// Brings the steps of a reply to the width of the document's.
///
/// Behind a line that opens a block the next level is one step of the document, and so is a step of the reply elsewhere. Any
/// other line is aligned with something in the line above, and keeps its distance to it.
#[derive(Debug)]
struct Steps {
    /// The width of a step in the document; nothing if widths stay.
    width: Option<isize>,
    /// The width of a step in the reply, once a block has shown it.
    own: Option<isize>,
    any_line_opens: bool,
    /// The columns beyond the base of the levels that are open, in the reply and in the document.
    levels: Vec<(isize, isize)>,
    /// The last character of the line above.
    last: Option<char>,
}

impl Steps {
    fn new(style: Style, language: &str) -> Self {
        let width = match style {
            Style::Spaces(width) if has_free_width(language) => Some(width.cast_signed()),
            _ => None,
        };
        Self {
            width,
            own: None,
            any_line_opens: has_word_blocks(language),
            levels: vec![(0, 0)],
            last: None,
        }
    }

    /// Takes the next character that is not white space.
    fn push(&mut self, c: char) {
        self.last = Some(c);
    }

    /// The columns beyond the base that a line has in the document.
    fn convert(&mut self, columns: isize) -> isize {
        let Some(width) = self.width else {
            return columns;
        };
        while 1 < self.levels.len() && self.levels.last().is_some_and(|(own, _)| columns < *own) {
            self.levels.pop();
        }
        let (own, converted) = self.levels.last().copied().unwrap_or_default();
        let step = columns - own;
        let opens = self.last.is_some_and(|last| self.opens(last, step));
        let plausible = [2, 3, 4].contains(&step);
        if opens && plausible {
            self.own.get_or_insert(step);
        }
        let converted = converted
            + match self.own {
                Some(_) if opens && plausible => width,
                Some(own) if step == own || step < 0 && step % own == 0 => step / own * width,
                _ => step,
            };
        if 0 < step {
            self.levels.push((columns, converted));
        }
        converted
    }

    /// Whether a line that ends with `last` opens a block, so that the next one is a step further in. A bracket of
    /// arguments or items does so only if that is as wide as those of blocks.
    fn opens(&self, last: char, step: isize) -> bool {
        match last {
            '{' | ':' | '>' => true,
            '(' | '[' => self.own == Some(step),
            _ => self.any_line_opens && !",=+-*/&|\\.".contains(last),
        }
    }
}

/// Tells whether a reply trimmed its first line only: a common fault, most of all where the selection itself begins behind
/// its indentation. The lines after the first then have the document's indentation already and must not move.
///
/// It is taken for one if the second line is indented exactly as in the selection although the first is indented less, and
/// both first lines are the same or both open a block; or if the second line stands at the base or right of it, although the
/// first is a whole statement, behind which nothing can be indented deeper. Else the same could be a block that was put
/// around the lines.
#[derive(Debug)]
struct Echo {
    /// The selection's first line without its indentation.
    first_line: String,
    /// The indentation of the selection's second line.
    second_indent: Option<String>,
    base: String,
    python: bool,
    /// How much of `first_line` the reply has repeated; nothing once it has differed.
    repeated: Option<usize>,
    last: Option<char>,
    /// How many more brackets the reply's first line opens than it closes.
    brackets: i64,
    decided: bool,
}

impl Echo {
    fn new(shape: &Shape, base: &str) -> Self {
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
        Self {
            first_line,
            second_indent,
            base: base.to_owned(),
            python: shape.language == "python",
            repeated: Some(0),
            last: None,
            brackets: 0,
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
        self.brackets += match c {
            '(' | '[' | '{' => 1,
            ')' | ']' | '}' => -1,
            _ => 0,
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
        let as_selected = self.second_indent.as_deref() == Some(indent);
        let statement = self.brackets <= 0
            && (self.last == Some(';') || self.python && !self.last.is_some_and(goes_on_below));
        (same || both_open) && as_selected || statement && indent.starts_with(&self.base)
    }
}

fn opens(last: Option<char>) -> bool {
    last.is_some_and(|c| "{([:>".contains(c))
}

/// Whether a line of Python that ends so goes on in the next one, or opens a block.
fn goes_on_below(last: char) -> bool {
    ":([{,\\=+-*/%&|^<>.".contains(last)
}
