//! The one line on stderr that shows that something is going on: only on a terminal, and gone before anything else is
//! printed.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use tokio::time::Instant;

use super::Cursor;
use crate::answer;
use crate::gateway::signal::Usage;

const FRAMES: [char; 4] = ['|', '/', '-', '\\'];
const REDRAW: Duration = Duration::from_millis(120);

/// A spinner with what is being waited for, tokens and seconds.
pub struct Meter {
    model: String,
    started: Instant,
    words: String,
    bytes: usize,
    usage: Option<Usage>,
    masked: usize,
    along: String,
    frame: usize,
    drawn: bool,
    terminal: bool,
    cursor: Cursor,
}

impl Meter {
    /// A meter for a request to `model`; silent unless stderr is a terminal.
    pub fn new(model: String) -> Self {
        let words = format!("waiting for {model}");
        let terminal = std::io::stderr().is_terminal();
        Self {
            model,
            started: Instant::now(),
            words,
            bytes: 0,
            usage: None,
            masked: 0,
            along: String::new(),
            frame: 0,
            drawn: false,
            terminal,
            cursor: Cursor::LineStart,
        }
    }

    /// Redraws the line after a moment, unless there is text of the answer on it.
    pub(crate) async fn tick(&mut self) {
        tokio::time::sleep(REDRAW).await;
        if !self.terminal || self.cursor == Cursor::WithinLine {
            return;
        }
        self.frame = (self.frame + 1) % FRAMES.len();
        let frame = FRAMES.get(self.frame).copied().unwrap_or(' ');
        let seconds = self.started.elapsed().as_secs();
        write(&format!("\r\x1b[K{frame} {}, {seconds} s", self.words));
        self.drawn = true;
    }

    /// Says what is being waited for.
    pub(crate) fn say(&mut self, words: String) {
        self.words = words;
    }

    /// Counts bytes of the answer, which leave the cursor there; before the gateway tells, a token is taken to be four of them.
    pub(crate) fn count(&mut self, bytes: usize, cursor: Cursor) {
        self.cursor = cursor;
        self.bytes += bytes;
        self.words = format!("~{} tokens", self.bytes / 4);
    }

    /// Takes over what the gateway tells of the tokens.
    pub(crate) fn note(&mut self, usage: Usage) {
        self.usage = Some(usage);
    }

    /// Takes over how many secrets were masked in the request, and what is to be said of the files that its words name.
    pub(crate) fn sends(&mut self, masked: usize, along: String) {
        (self.masked, self.along) = (masked, along);
    }

    /// Takes the line away.
    pub(crate) fn clear(&mut self) {
        if std::mem::take(&mut self.drawn) {
            write("\r\x1b[K");
        }
    }

    /// Prints what the request took.
    pub(crate) fn finish(&mut self) {
        self.clear();
        let seconds = self.started.elapsed().as_secs();
        let footer = answer::footer(&self.model, self.usage, seconds, self.masked);
        let footer = answer::noted(footer, &self.along);
        write(&format!("{footer}\n"));
    }

    /// Prints what a request took that gave no whole answer, if the gateway told it: that is paid for too.
    pub(crate) fn stop(&mut self) {
        if self.usage.is_some() {
            self.finish();
        }
    }
}

fn write(text: &str) {
    // A closed stderr takes nothing away from the result.
    let _ = std::io::stderr().write_all(text.as_bytes());
}
