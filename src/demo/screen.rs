//! What the demo looks like: a small editor drawn in the terminal, or plain text, step by step, where there is none.

use std::io::Write;

/// Where the demo is shown.
pub struct Screen {
    output: Box<dyn Write + Send>,
    look: Look,
    step: u32,
    caption: String,
    shown: String,
    /// What plain text has shown last.
    written: String,
    results: Vec<String>,
}

/// How it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// One line after the other.
    Plain,
    /// Drawn over and over in the terminal's second screen.
    Terminal(Colours),
}

/// Whether colours may be used (see <https://no-color.org>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colours {
    /// Yes.
    On,
    /// No.
    Off,
}

/// What there is to see.
pub struct View<'a> {
    /// The document.
    pub text: &'a str,
    /// What it read at first: lines that it did not have are marked.
    pub original: &'a str,
    /// The newest progress message.
    pub progress: &'a str,
    /// The answer in the hover; empty if there is none.
    pub answer: &'a str,
}

impl Screen {
    /// A screen that writes to `output`.
    pub fn new(output: Box<dyn Write + Send>, look: Look) -> Self {
        let mut screen = Self {
            output,
            look,
            step: 0,
            caption: String::new(),
            shown: String::new(),
            written: String::new(),
            results: Vec::new(),
        };
        match look {
            Look::Plain => {
                screen.write("ezrouter-lsp demo (scripted: no key, no network, no model)\n");
            }
            // The second screen, without a cursor.
            Look::Terminal(_) => screen.write("\x1b[?1049h\x1b[?25l"),
        }
        screen
    }

    /// Begins a step.
    pub fn begin(&mut self, step: u32, caption: &str) {
        self.step = step;
        caption.clone_into(&mut self.caption);
        if self.look == Look::Plain {
            self.write(&format!("\n{step}. {caption}\n"));
        }
    }

    /// Shows the document, unless nothing has changed since the last time. Plain text shows it at the end of steps only.
    pub fn show(&mut self, view: &View<'_>) {
        match self.look {
            Look::Plain => self.shown = plain(view),
            Look::Terminal(colours) => {
                let frame = self.frame(view, colours);
                if frame != self.shown {
                    // From the top left corner over what was there, and nothing behind it.
                    self.write(&format!(
                        "\x1b[H{}\x1b[J",
                        frame.replace('\n', "\x1b[K\r\n")
                    ));
                    self.shown = frame;
                }
            }
        }
    }

    /// Tells whether something came out as it should.
    pub fn result(&mut self, right: bool, what: &str) {
        let line = format!("   {} {what}\n", if right { "ok:" } else { "NOT SO:" });
        if self.look == Look::Plain {
            let shown = std::mem::take(&mut self.shown);
            if shown != self.written {
                self.write(&shown);
                self.written = shown;
            }
            self.write(&line);
        }
        self.results.push(line);
    }

    /// Gives the terminal back, with what came out of each step on its first screen.
    pub fn leave(&mut self) {
        if self.look != Look::Plain {
            self.write("\x1b[?25h\x1b[?1049l");
            let results = self.results.concat();
            self.write(&format!(
                "ezrouter-lsp demo (scripted: no key, no network, no model)\n{results}"
            ));
        }
    }

    fn frame(&self, view: &View<'_>, colours: Colours) -> String {
        let paint = |code: &str, text: &str| match colours {
            Colours::On => format!("\x1b[{code}m{text}\x1b[0m"),
            Colours::Off => text.to_owned(),
        };
        let mut frame = format!(
            "{}\n\n",
            paint(
                "1",
                "ezrouter-lsp demo: answers are scripted, the server is real"
            )
        );
        frame.push_str(&format!("  step {}: {}\n\n", self.step, self.caption));
        for (number, line) in view.text.lines().enumerate() {
            let new = !view.original.lines().any(|original| original == line);
            let (mark, line) = if new {
                ("+", paint("32", line))
            } else {
                (" ", line.to_owned())
            };
            frame.push_str(&format!(
                "{mark} {} {line}\n",
                paint("2", &format!("{:3}", number + 1))
            ));
        }
        if !view.answer.is_empty() {
            frame.push_str(&format!("\n  {}\n", paint("1", "hover")));
            for line in view.answer.lines().flat_map(|line| wrap(line, 76)) {
                frame.push_str(&format!("  {} {line}\n", paint("36", "|")));
            }
        }
        frame.push_str(&format!(
            "\n  {}\n",
            paint("7", &format!(" {} ", view.progress))
        ));
        frame
    }

    fn write(&mut self, text: &str) {
        // A reader that has gone away wants no more; the checks go on all the same.
        let _ = self.output.write_all(text.as_bytes());
        let _ = self.output.flush();
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if self.look != Look::Plain {
            self.write("\x1b[?25h\x1b[?1049l");
        }
    }
}

fn plain(view: &View<'_>) -> String {
    let mut text = String::new();
    let shown = if view.answer.is_empty() {
        view.text
    } else {
        view.answer
    };
    for line in shown.lines().flat_map(|line| wrap(line, 96)) {
        text.push_str(&format!("   | {line}\n"));
    }
    if !view.progress.is_empty() {
        text.push_str(&format!("   [{}]\n", view.progress));
    }
    text
}

/// Breaks a line at spaces, after at most `width` characters where that is possible.
fn wrap(line: &str, width: usize) -> Vec<String> {
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

    #[test]
    fn long_lines_are_broken_at_spaces() {
        assert_eq!(wrap("one two three", 8), ["one two ", "three"]);
        assert_eq!(wrap("", 8), [""]);
        assert_eq!(wrap("unbreakable words", 4), ["unbreakable ", "words"]);
    }
}
