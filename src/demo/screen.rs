//! Where the demo is shown: the terminal's second screen, drawn over and over, or plain text, step by step, where there is no
//! terminal. What a drawing holds is [`frame`](super::frame)'s work.

use std::io::Write;

use super::frame::{self, Size, View, wrap};

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
    /// The terminal has its first screen back.
    left: bool,
}

/// How it is shown.
#[derive(Clone, Copy, Debug)]
pub enum Look {
    /// One line after the other.
    Plain,
    /// Drawn over and over in the terminal's second screen.
    Terminal(Terminal),
}

/// A terminal to draw in.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    /// Whether colours may be used.
    pub colours: Colours,
    /// How large it is now: people change that while they look.
    pub size: fn() -> Size,
}

/// Whether colours may be used (see <https://no-color.org>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colours {
    /// Yes.
    On,
    /// No.
    Off,
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
            left: false,
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
        if self.is_plain() {
            self.write(&format!("\n{step}. {caption}\n"));
        }
    }

    /// Shows the document, unless nothing has changed since the last time. Plain text shows it at the end of steps only.
    pub fn show(&mut self, view: &View<'_>) {
        match self.look {
            Look::Plain => self.shown = plain(view),
            Look::Terminal(terminal) => {
                let head = format!("step {}: {}", self.step, self.caption);
                let lines = frame::draw(view, &head, terminal.colours, (terminal.size)());
                let frame = lines.join("\x1b[K\r\n");
                if frame != self.shown {
                    // From the top left corner over what was there, and nothing behind it.
                    self.write(&format!("\x1b[H{frame}\x1b[J"));
                    self.shown = frame;
                }
            }
        }
    }

    /// Tells whether something came out as it should.
    pub fn result(&mut self, right: bool, what: &str) {
        let line = format!("   {} {what}\n", if right { "ok:" } else { "NOT SO:" });
        if self.is_plain() {
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
        if !self.is_plain() && !std::mem::replace(&mut self.left, true) {
            self.write("\x1b[?25h\x1b[?1049l");
            let results = self.results.concat();
            self.write(&format!(
                "ezrouter-lsp demo (scripted: no key, no network, no model)\n{results}"
            ));
        }
    }

    fn is_plain(&self) -> bool {
        matches!(self.look, Look::Plain)
    }

    fn write(&mut self, text: &str) {
        // A reader that has gone away wants no more; the checks go on all the same.
        let _ = self.output.write_all(text.as_bytes());
        let _ = self.output.flush();
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Not twice: the second time would put the cursor back on top of what was written in between.
        self.leave();
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
        text.push_str(format!("   | {line}").trim_end());
        text.push('\n');
    }
    if !view.progress.is_empty() {
        text.push_str(&format!("   [{}]\n", view.progress));
    }
    text
}
