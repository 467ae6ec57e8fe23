//! One answer: anchored to the text that was asked about, growing while it streams, rendered as Markdown for a hover.
//! Knows no client and no clock.

use ropey::Rope;

use crate::gateway::signal::Usage;
use crate::text::anchor::{self, Stick};
use crate::text::document::Batch;
use crate::text::{Span, anchor::carry};

/// How far an answer has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nothing has come yet; says what is being waited for.
    Waiting(String),
    /// Text is coming.
    Streaming,
    /// It is whole.
    Done,
    /// It ended early; says why.
    Stopped(String),
}

/// An answer and the place that it belongs to.
#[derive(Clone, Debug)]
pub struct Answer {
    span: Option<Span>,
    /// The Markdown so far.
    pub text: String,
    /// How far it has come.
    pub stage: Stage,
    /// Whether the user has put it away.
    pub dismissed: bool,
}

impl Answer {
    /// An answer about `span`, bytes of the document as it stands.
    pub fn new(span: Span) -> Self {
        Self {
            span: Some(span),
            text: String::new(),
            stage: Stage::Waiting("waiting".to_owned()),
            dismissed: false,
        }
    }

    /// Where the text that was asked about stands now; `None` once it is gone.
    pub fn span(&self) -> Option<Span> {
        self.span
    }

    /// Whether a hover at `offset` shows this answer.
    pub fn covers(&self, offset: usize) -> bool {
        !self.dismissed
            && self
                .span
                .is_some_and(|span| span.start <= offset && offset <= span.end)
    }

    /// Follows a change of the document.
    pub fn follow(&mut self, batch: &Batch) {
        let Some(span) = self.span else { return };
        self.span = follow(span, &batch.before, &batch.after, batch);
    }

    /// The Markdown of a hover: the text so far, then a footer with what is going on or what it took.
    pub fn render(&self, model: &str, usage: Option<Usage>, seconds: u64) -> String {
        let mut text = close_fence(&self.text);
        if !text.is_empty() {
            text.push_str("\n\n---\n");
        }
        let state = match &self.stage {
            Stage::Waiting(what) => format!("*{what}*, "),
            Stage::Streaming => "*still writing, hover again*, ".to_owned(),
            Stage::Done => String::new(),
            Stage::Stopped(why) => format!("*{why}*, "),
        };
        text.push_str(&format!("{state}{}", footer(model, usage, seconds)));
        text
    }
}

/// Model, tokens and seconds in one line.
pub fn footer(model: &str, usage: Option<Usage>, seconds: u64) -> String {
    let tokens = usage.map(|usage| {
        let cached = if usage.cached == 0 {
            String::new()
        } else {
            format!(" ({} cached)", usage.cached)
        };
        format!("{} tokens in{cached}, {} out, ", usage.input, usage.output)
    });
    format!("{model}, {}{seconds} s", tokens.unwrap_or_default())
}

/// Carries a span through a change; `None` once nothing of its text is left.
pub fn follow(span: Span, before: &Rope, after: &Rope, batch: &Batch) -> Option<Span> {
    let far = anchor::shift(span.start, Stick::After, batch.hull).zip(anchor::shift(
        span.end,
        Stick::Before,
        batch.hull,
    ));
    let (start, end) = far.unwrap_or_else(|| {
        let changes = anchor::replacements(before, after, batch.hull);
        (
            carry(span.start, Stick::After, &changes),
            carry(span.end, Stick::Before, &changes),
        )
    });
    (start < end).then(|| Span::new(start, end))
}

/// Half an answer may end inside a code block; without its end the footer would be drawn as code.
fn close_fence(text: &str) -> String {
    let mut open: Option<&str> = None;
    for line in text.lines() {
        let fence = line.trim_start();
        let mark = if fence.starts_with("```") {
            "```"
        } else if fence.starts_with("~~~") {
            "~~~"
        } else {
            continue;
        };
        open = if open == Some(mark) {
            None
        } else {
            open.or(Some(mark))
        };
    }
    match open {
        Some(mark) => format!("{}\n{mark}", text.trim_end()),
        None => text.trim_end().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hover_shows_the_text_and_what_it_took() {
        let mut answer = Answer::new(Span::new(3, 9));
        assert_eq!(answer.render("m", None, 2), "*waiting*, m, 2 s");
        answer.text = "It adds.\n```rust\na + b".to_owned();
        answer.stage = Stage::Streaming;
        assert_eq!(
            answer.render("m", None, 2),
            "It adds.\n```rust\na + b\n```\n\n---\n*still writing, hover again*, m, 2 s"
        );
        answer.text = "It adds.".to_owned();
        answer.stage = Stage::Done;
        let usage = Usage {
            input: 120,
            cached: 100,
            output: 7,
        };
        assert_eq!(
            answer.render("m", Some(usage), 3),
            "It adds.\n\n---\nm, 120 tokens in (100 cached), 7 out, 3 s"
        );
    }

    #[test]
    fn a_hover_inside_shows_it_until_it_is_dismissed() {
        let mut answer = Answer::new(Span::new(3, 9));
        let covered: Vec<usize> = (0..12).filter(|&offset| answer.covers(offset)).collect();
        assert_eq!(covered, [3, 4, 5, 6, 7, 8, 9]);
        answer.dismissed = true;
        assert!(!answer.covers(5));
    }
}
