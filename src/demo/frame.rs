//! One drawing of the demo's small editor: lines that fit the terminal, whatever its size. It writes nowhere.

use std::ops::Range;

use super::screen::Colours;

/// What there is to see.
pub struct View<'a> {
    /// The document.
    pub text: &'a str,
    /// What it read at first: lines that it did not have are marked.
    pub original: &'a str,
    /// The lines that are selected, from 0; empty if there are none. They stay in sight.
    pub selected: Range<usize>,
    /// The newest progress message.
    pub progress: &'a str,
    /// The answer in the hover; empty if there is none.
    pub answer: &'a str,
}

/// The size of a terminal, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Characters in a line.
    pub columns: usize,
    /// Lines.
    pub rows: usize,
}

/// The fewest lines of the document that stay in sight beside an answer.
const FEWEST_LINES: usize = 5;
/// The widest that an answer is set: longer lines are hard to read.
const WIDEST_ANSWER: usize = 76;

/// The lines of a drawing: no more of them than the terminal has, and none wider.
pub fn draw(view: &View<'_>, head: &str, colours: Colours, size: Size) -> Vec<String> {
    let pen = Pen {
        colours,
        columns: size.columns,
    };
    let title = "ezrouter-lsp demo: answers are scripted, the server is real";
    let mut lines = vec![pen.line("", "1", title)];
    let head = wrap(head, size.columns.saturating_sub(4));
    lines.extend(head.iter().map(|head| pen.line("  ", "", head)));
    lines.push(String::new());
    // Behind the document and the answer come an empty line and the progress.
    let room = size.rows.saturating_sub(lines.len() + 2);
    let answer = answer(view.answer, room.saturating_sub(FEWEST_LINES), &pen);
    lines.extend(document(view, room.saturating_sub(answer.len()), &pen));
    lines.extend(answer);
    lines.push(String::new());
    lines.push(pen.line("  ", "7", &format!(" {} ", view.progress)));
    lines.truncate(size.rows);
    lines
}

/// As much of the document as there is room for, the selected lines before others.
fn document(view: &View<'_>, room: usize, pen: &Pen) -> Vec<String> {
    let count = view.text.lines().count();
    let start = if view.selected.is_empty() {
        0
    } else {
        view.selected.start.min(count.saturating_sub(room))
    };
    let draw = |(number, line): (usize, &str)| {
        let is_new = !view.original.lines().any(|original| original == line);
        let mark = match (is_new, view.selected.contains(&number)) {
            (true, _) => '+',
            (false, true) => '>',
            (false, false) => ' ',
        };
        let margin = format!("{mark} {} ", pen.paint("2", &format!("{:3}", number + 1)));
        let text: String = line.chars().take(pen.columns.saturating_sub(6)).collect();
        format!(
            "{margin}{}",
            pen.paint(if is_new { "32" } else { "" }, &text)
        )
    };
    let lines = view.text.lines().enumerate();
    lines.skip(start).take(room).map(draw).collect()
}

/// The hover in at most `room` lines; of a long answer the newest.
fn answer(answer: &str, room: usize, pen: &Pen) -> Vec<String> {
    const HEAD: usize = 2;
    if answer.is_empty() || room <= HEAD {
        return Vec::new();
    }
    let width = WIDEST_ANSWER.min(pen.columns.saturating_sub(4));
    let wrapped: Vec<String> = answer.lines().flat_map(|line| wrap(line, width)).collect();
    let hidden = wrapped.len().saturating_sub(room - HEAD);
    let mut lines = vec![String::new(), pen.line("  ", "1", "hover")];
    let shown = wrapped.iter().skip(hidden);
    lines.extend(shown.map(|line| format!("  {} {line}", pen.paint("36", "|"))));
    lines
}

struct Pen {
    colours: Colours,
    columns: usize,
}

impl Pen {
    /// `text` in the style of a number of the control sequence "select graphic rendition"; none if it is empty.
    fn paint(&self, style: &str, text: &str) -> String {
        if style.is_empty() || self.colours == Colours::Off {
            text.to_owned()
        } else {
            format!("\x1b[{style}m{text}\x1b[0m")
        }
    }

    /// `text` in a style behind a margin, cut where the terminal ends.
    fn line(&self, margin: &str, style: &str, text: &str) -> String {
        let room = self.columns.saturating_sub(margin.len());
        let text: String = text.chars().take(room).collect();
        format!("{margin}{}", self.paint(style, &text))
    }
}

/// Breaks a line at spaces, after at most `width` characters where that is possible.
pub(super) fn wrap(line: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in line.split_inclusive(' ') {
        let fits = lines
            .last()
            .is_none_or(|line| line.chars().count() + word.trim_end().chars().count() <= width);
        match lines.last_mut().filter(|line| fits || line.is_empty()) {
            Some(line) => line.push_str(word),
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n";

    fn view(answer: &str) -> View<'_> {
        View {
            text: TEXT,
            original: "one\ntwo\nfour\n",
            selected: 3..5,
            progress: "~4 tokens, 1 s",
            answer,
        }
    }

    /// The drawing without colours.
    fn drawn(view: &View<'_>, columns: usize, rows: usize) -> Vec<String> {
        draw(
            view,
            "step 2: a caption",
            Colours::Off,
            Size { columns, rows },
        )
    }

    #[test]
    fn long_lines_are_broken_at_spaces() {
        assert_eq!(wrap("one two three", 8), ["one two ", "three"]);
        assert_eq!(wrap("", 8), [""]);
        assert_eq!(wrap("unbreakable words", 4), ["unbreakable ", "words"]);
    }

    #[test]
    fn a_drawing_has_all_that_there_is_room_for() {
        let expected = "\
ezrouter-lsp demo: answers are scripted, the server is real
  step 2: a caption

    1 one
    2 two
+   3 three
>   4 four
+   5 five
+   6 six
+   7 seven
+   8 eight
+   9 nine
+  10 ten

  hover
  | It counts.

   ~4 tokens, 1 s ";
        assert_eq!(drawn(&view("It counts."), 80, 24).join("\n"), expected);
    }

    #[test]
    fn in_a_low_terminal_the_selection_and_the_newest_of_the_answer_stay_in_sight() {
        let shown = drawn(&view("first\nsecond\nthird"), 80, 14);
        assert_eq!(shown.len(), 14, "{shown:#?}");
        let shown = shown.join("\n");
        for part in [
            ">   4 four",
            "+   5 five",
            "| second",
            "| third",
            "~4 tokens",
        ] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        assert!(
            !shown.contains("first") && !shown.contains("   1 one"),
            "{shown}"
        );
    }

    #[test]
    fn no_drawing_is_larger_than_its_terminal() {
        let answer = "many words ".repeat(40);
        for columns in 0..100 {
            for rows in 0..40 {
                let lines = drawn(&view(&answer), columns, rows);
                assert!(lines.len() <= rows, "{columns} x {rows}: {lines:#?}");
                // Where not even a word or the margin has room, nothing can be done.
                let widest = lines
                    .iter()
                    .map(|line| line.trim_end().chars().count())
                    .max();
                assert!(
                    widest <= Some(columns.max(12)),
                    "{columns} x {rows}: {lines:#?}"
                );
            }
        }
    }
}
