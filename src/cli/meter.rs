//! The one line on stderr that shows that something is going on: only on a terminal, and gone before anything else is
//! printed.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use tokio::time::Instant;

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
    frame: usize,
    drawn: bool,
    terminal: bool,
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
            frame: 0,
            drawn: false,
            terminal,
        }
    }

    /// Redraws the line after a moment.
    pub(crate) async fn tick(&mut self) {
        tokio::time::sleep(REDRAW).await;
        if !self.terminal {
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

    /// Counts bytes of the answer; before the gateway tells, a token is taken to be four of them.
    pub(crate) fn count(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.words = format!("~{} tokens", self.bytes / 4);
    }

    /// Takes the line away.
    pub(crate) fn clear(&mut self) {
        if std::mem::take(&mut self.drawn) {
            write("\r\x1b[K");
        }
    }

    /// Prints what the request took.
    pub(crate) fn finish(&mut self, usage: Option<Usage>) {
        self.clear();
        let footer = answer::footer(&self.model, usage, self.started.elapsed().as_secs());
        write(&format!("{footer}\n"));
    }
}

fn write(text: &str) {
    // A closed stderr takes nothing away from the result.
    let _ = std::io::stderr().write_all(text.as_bytes());
}
