//! What of a file goes along with a selection, within a budget of bytes. Which files never go anywhere is the business of
//! [`super::exclusion`].

use std::ops::Range;

use ropey::Rope;

use crate::text::Span;

/// Of the budget, so large a part may be spent on imports that are not near the selection.
const PART_FOR_IMPORTS: usize = 8;

/// Imports are looked for in so many lines at the top of a file.
const IMPORT_LINES: usize = 200;

/// Stands for lines that are left out.
pub const GAP: &str = "…\n";

/// What goes along with a selection, in bytes of its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Around {
    /// Lines from far above, in order.
    pub far: Vec<Span>,
    /// The lines in front of the selection.
    pub before: Span,
    /// The lines behind it.
    pub after: Span,
}

impl Around {
    /// Whether lines are left out between those from far above and those in front of the selection.
    pub fn has_gap(&self) -> bool {
        let far = self.far.last();
        far.is_some_and(|far| far.end < self.before.start)
    }
}

/// Whole lines in front of `selection` and behind it, `max_bytes` in all.
///
/// Where not all fit: the lines of the block that the selection stands in come first, the nearest ones before others, then the
/// lines around that; and imports at the top of the file, which say what the names mean, with `…` for the lines between. What
/// does not fit is left out by whole lines, never cut inside one.
pub fn around(text: &Rope, selection: Span, max_bytes: usize) -> Around {
    let first = text.try_byte_to_line(selection.start).unwrap_or(0);
    let last_byte = if selection.is_empty() {
        selection.end
    } else {
        selection.end - 1
    };
    let behind = text.try_byte_to_line(last_byte).unwrap_or(0) + 1;
    let mut near = Near {
        text,
        lines: first..behind,
        left: max_bytes,
    };
    let (start, end) = (byte_of(text, first), byte_of(text, behind));
    let everything = start + (text.len_bytes() - end);
    let block = enclosing(text, &(first..behind));
    let imports = if everything <= max_bytes {
        Vec::new()
    } else {
        imports(text, block.start, max_bytes / PART_FOR_IMPORTS)
    };
    let reserved: usize = imports.iter().map(|line| length(text, *line)).sum();
    near.left -= reserved.min(max_bytes);
    near.grow(&block);
    // What the imports near the selection do not need any more is free again.
    let far = |line: &usize, near: &Near<'_>| *line < near.lines.start;
    near.grow(&(0..text.len_lines()));
    let far = imports.into_iter().filter(|line| far(line, &near));
    let line = |line: usize| Span::new(byte_of(text, line), byte_of(text, line + 1));
    Around {
        far: far.map(line).collect(),
        before: Span::new(byte_of(text, near.lines.start), start),
        after: Span::new(end, byte_of(text, near.lines.end)),
    }
}

/// Lines around a selection that grow while the budget lasts.
struct Near<'a> {
    text: &'a Rope,
    lines: Range<usize>,
    left: usize,
}

impl Near<'_> {
    /// Takes in lines on both sides by turns, up to the ends of `within`.
    fn grow(&mut self, within: &Range<usize>) {
        loop {
            let above = self.lines.start.checked_sub(1);
            let above = above.filter(|above| within.start <= *above);
            let took_above = above.is_some_and(|above| self.take(above));
            if took_above {
                self.lines.start -= 1;
            }
            let below = Some(self.lines.end).filter(|below| *below < within.end);
            let took_below = below.is_some_and(|below| self.take(below));
            if took_below {
                self.lines.end += 1;
            }
            if !took_above && !took_below {
                return;
            }
        }
    }

    fn take(&mut self, line: usize) -> bool {
        let left = self.left.checked_sub(length(self.text, line));
        self.left = left.unwrap_or(self.left);
        left.is_some()
    }
}

/// The lines of the block that `lines` stand in, by their indentation: from the nearest line above that is indented less, to
/// what closes it. The whole text where nothing is indented less.
fn enclosing(text: &Rope, lines: &Range<usize>) -> Range<usize> {
    let indents = lines.clone().filter_map(|line| indent(text, line));
    let whole = 0..text.len_lines();
    let Some(base) = indents.min() else {
        return whole;
    };
    let header = (0..lines.start).rev().find_map(|line| {
        indent(text, line)
            .filter(|indent| *indent < base)
            .map(|indent| (line, indent))
    });
    let Some((start, indented)) = header else {
        return whole;
    };
    let end = (lines.end..text.len_lines())
        .find(|line| indent(text, *line).is_some_and(|indent| indent <= indented));
    let end = end.map_or(text.len_lines(), |end| {
        let closes = text
            .line(end)
            .chars()
            .find(|c| !c.is_whitespace())
            .is_some_and(|c| "})]".contains(c));
        end + usize::from(closes)
    });
    start..end
}

/// How far a line is indented, a tab counted as one; nothing for a blank one.
fn indent(text: &Rope, line: usize) -> Option<usize> {
    let line = text.get_line(line)?;
    line.chars().position(|c| !c.is_whitespace())
}

/// Lines above `until` that bring names in, `max_bytes` in all.
fn imports(text: &Rope, until: usize, max_bytes: usize) -> Vec<usize> {
    let mut left = max_bytes;
    (0..until.min(IMPORT_LINES))
        .filter(|line| {
            let imports = length(text, *line) <= 300 && is_import(&text.line(*line).to_string());
            let fits = imports
                .then(|| left.checked_sub(length(text, *line)))
                .flatten();
            left = fits.unwrap_or(left);
            fits.is_some()
        })
        .collect()
}

/// How lines begin that bring names in, in the languages that have such lines.
const IMPORTS: &[&str] = &[
    "#import ",
    "#include",
    "@import ",
    "extern crate ",
    "from ",
    "import ",
    "import(",
    "include ",
    "library(",
    "open ",
    "package ",
    "pub use ",
    "require ",
    "require(",
    "require_relative ",
    "source ",
    "use ",
    "using ",
    "with ",
];

fn is_import(line: &str) -> bool {
    let line = line.trim_start();
    IMPORTS.iter().any(|start| line.starts_with(start)) || line.contains("= require(")
}

fn byte_of(text: &Rope, line: usize) -> usize {
    text.try_line_to_byte(line.min(text.len_lines()))
        .unwrap_or(text.len_bytes())
}

fn length(text: &Rope, line: usize) -> usize {
    byte_of(text, line + 1) - byte_of(text, line)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What goes along, without the line endings at the outer ends.
    fn around(text: &Rope, selection: Span, max_bytes: usize) -> (String, String) {
        let around = super::around(text, selection, max_bytes);
        let read = |span: Span| text.byte_slice(span.start..span.end).to_string();
        let mut before: String = around.far.iter().map(|span| read(*span)).collect();
        if around.has_gap() {
            before.push_str(GAP);
        }
        before.push_str(&read(around.before));
        let trimmed = |part: &str| part.trim_end_matches(['\r', '\n']).to_owned();
        (trimmed(&before), trimmed(&read(around.after)))
    }

    #[test]
    fn the_nearest_whole_lines_go_along_within_the_budget() {
        let text = Rope::from_str("one\ntwo\nthree\nfour\nfive\nsix\n");
        let selection = Span::new(8, 13);
        let cases = [
            (0, "", ""),
            (3, "", ""),
            (4, "two", ""),
            (9, "two", "four"),
            (14, "one\ntwo", "four"),
            (100, "one\ntwo", "four\nfive\nsix"),
        ];
        for (budget, before, after) in cases {
            assert_eq!(
                around(&text, selection, budget),
                (before.to_owned(), after.to_owned()),
                "budget {budget}"
            );
        }
    }

    /// `«` and `»` mark the selection.
    fn marked(text: &str) -> (Rope, Span) {
        let start = text.find('«').unwrap();
        let end = text.find('»').unwrap() - '«'.len_utf8();
        (
            Rope::from_str(&text.replace(['«', '»'], "")),
            Span::new(start, end),
        )
    }

    #[test]
    fn the_enclosing_block_comes_before_what_stands_around_it() {
        let (text, selection) = marked(
            "fn far() {}\nfn near() {}\nfn f() {\n    a();\n«    b();\n»    c();\n    d();\n}\nfn g() {}\n",
        );
        // Nine bytes a line of the block; two of the four do not fit into 22.
        let cases = [
            (22, "    a();", "    c();"),
            (40, "fn f() {\n    a();", "    c();\n    d();\n}"),
            (
                55,
                "fn near() {}\nfn f() {\n    a();",
                "    c();\n    d();\n}",
            ),
        ];
        for (budget, before, after) in cases {
            let found = around(&text, selection, budget);
            assert_eq!(
                (found.0.as_str(), found.1.as_str()),
                (before, after),
                "{budget}"
            );
        }
    }

    #[test]
    fn imports_go_along_from_far_away_with_a_mark_for_what_is_left_out() {
        let filler = "x = 1\n".repeat(60);
        let text = format!(
            "import os\nfrom sys import path\n{filler}def f():\n    a()\n«    b()\n»    c()\n"
        );
        let (text, selection) = marked(&text);
        let (before, after) = around(&text, selection, 320);
        assert!(
            before.starts_with("import os\nfrom sys import path\n…\nx = 1\n"),
            "{before}"
        );
        assert!(before.ends_with("x = 1\ndef f():\n    a()"), "{before}");
        assert_eq!(after, "    c()");
        // Where all fits nothing is left out, and nothing stands there twice.
        let (before, _) = around(&text, selection, 10_000);
        assert_eq!(before.matches("import os").count(), 1);
        assert!(!before.contains('…'));
    }

    proptest::proptest! {
        #[test]
        fn only_whole_lines_within_the_budget_go_along(
            lines in proptest::collection::vec(proptest::sample::select(vec![
                "import a\n", "use b;\n", "fn f() {\n", "    g();\n", "}\n", "\n", "  é\n", "x\r\n",
            ]), 0..40),
            start in 0usize..40, count in 0usize..5, budget in 0usize..200,
        ) {
            let text: String = lines.concat();
            let rope = Rope::from_str(&text);
            let at = |line: usize| lines.iter().take(line).map(|line| line.len()).sum::<usize>();
            let (before, after) = around(&rope, Span::new(at(start), at(start + count)), budget);
            let sent: usize = before.lines().chain(after.lines()).filter(|line| *line != "…").map(str::len).sum();
            proptest::prop_assert!(sent <= budget);
            for line in before.lines().chain(after.lines()) {
                let known = line == "…" || lines.iter().any(|known| known.trim_end_matches(['\n', '\r']) == line);
                proptest::prop_assert!(known, "{:?}", line);
            }
        }
    }

    #[test]
    fn any_selection_in_any_text_is_taken() {
        for text in ["", "a", "\n", "\r\n\r", "é\r\nb"] {
            let rope = Rope::from_str(text);
            for start in 0..=text.len() {
                for end in start..=text.len() {
                    let _ = around(&rope, Span::new(start, end), 10);
                }
            }
        }
    }
}
