//! One answer: anchored to the text that was asked about, growing while it streams, rendered as Markdown for a hover.
//! Knows no client and no clock.

mod cut;
pub mod markdown;

use ropey::Rope;

use self::markdown::Markdown;

use crate::gateway::signal::Usage;
use crate::text::anchor::{self, Stick};
use crate::text::document::Batch;
use crate::text::hidden::{self, Visible};
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

/// What a client can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Text as it stands.
    Plain,
    /// Markdown.
    Markdown,
}

/// An answer and the place that it belongs to.
#[derive(Clone, Debug)]
pub struct Answer {
    span: Option<Span>,
    /// What has come, with hidden characters written out.
    text: String,
    /// The same as Markdown that a client may draw.
    markdown: String,
    visible: Visible,
    drawing: Box<Markdown>,
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
            markdown: String::new(),
            visible: Visible::default(),
            drawing: Box::default(),
            stage: Stage::Waiting("waiting".to_owned()),
            dismissed: false,
        }
    }

    /// Takes what has come, and gives what a client that draws the answer itself is to draw next.
    pub fn push(&mut self, delta: &str) -> String {
        self.stage = Stage::Streaming;
        self.text.push_str(&self.visible.push(delta));
        let drawn = self.drawing.push(delta);
        self.markdown.push_str(&drawn);
        drawn
    }

    /// Nothing more comes: gives the rest of what is to be drawn.
    pub fn end(&mut self, stage: Stage) -> String {
        self.stage = stage;
        self.text.push_str(&self.visible.finish());
        let drawn = self.drawing.finish();
        self.markdown.push_str(&drawn);
        drawn + &self.drawing.closing()
    }

    /// Whether nothing has come yet.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
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

    /// The text of a hover: what has come so far, then `footer` with what is going on in front of it.
    pub fn render(&self, format: Format, footer: &str) -> String {
        // What the gateway says may stand in the state.
        let (text, shown): (_, fn(&str) -> String) = match format {
            Format::Plain => (self.text.clone(), hidden::visible),
            Format::Markdown => (
                format!("{}{}", self.markdown, self.drawing.closing()),
                markdown::line,
            ),
        };
        let mut text = cut::cut(text.trim_end(), format);
        if !text.is_empty() {
            text.push_str("\n\n---\n");
        }
        let state = match &self.stage {
            Stage::Waiting(what) => format!("*{}*, ", shown(what)),
            Stage::Streaming => "*still writing, hover again*, ".to_owned(),
            Stage::Done => String::new(),
            Stage::Stopped(why) => format!("*{}*, ", shown(why)),
        };
        text.push_str(&format!("{state}{}", shown(footer)));
        text
    }
}

/// `footer` with a `note` of what else went along; it may be empty.
pub fn noted(footer: String, note: &str) -> String {
    if note.is_empty() {
        return footer;
    }
    format!("{footer}, {note}")
}

/// Model, tokens, seconds and the number of secrets that were masked, in one line.
pub fn footer(model: &str, usage: Option<Usage>, seconds: u64, masked: usize) -> String {
    let tokens = usage.map(|usage| {
        let about = if usage.estimated { "~" } else { "" };
        let parts: Vec<String> = [(usage.cached, "cached"), (usage.written, "written")]
            .into_iter()
            .filter(|(count, _)| *count != 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        let parts = if parts.is_empty() {
            String::new()
        } else {
            format!(" ({})", parts.join(", "))
        };
        format!(
            "{about}{} tokens in{parts}, {about}{} out, ",
            usage.input, usage.output
        )
    });
    let secrets = match masked {
        0 => String::new(),
        1 => ", 1 secret masked".to_owned(),
        count => format!(", {count} secrets masked"),
    };
    format!(
        "{model}, {}{seconds} s{secrets}",
        tokens.unwrap_or_default()
    )
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hover_shows_the_text_and_what_it_took() {
        let mut answer = Answer::new(Span::new(3, 9));
        assert_eq!(
            answer.render(Format::Markdown, "m, 2 s"),
            "*waiting*, m, 2 s"
        );
        answer.push("It <adds>.\n```rust\na + b");
        let streaming = "\n\n---\n*still writing, hover again*, m, 2 s";
        assert_eq!(
            answer.render(Format::Markdown, "m, 2 s"),
            format!("It \\<adds>.\n```rust\na + b\n```{streaming}")
        );
        assert_eq!(
            answer.render(Format::Plain, "m, 2 s"),
            format!("It <adds>.\n```rust\na + b{streaming}")
        );
        assert_eq!(answer.end(Stage::Stopped("cut <b>".to_owned())), "\n```");
        assert!(
            answer
                .render(Format::Markdown, "m")
                .ends_with("---\n*cut \\<b>*, m")
        );
        let mut answer = Answer::new(Span::new(3, 9));
        assert_eq!(answer.push("It adds\u{200b}"), "It adds");
        assert_eq!(answer.end(Stage::Done), "⟨U+200B⟩");
        let usage = Usage {
            input: 120,
            cached: 100,
            output: 7,
            ..Usage::default()
        };
        let footer = footer("m", Some(usage), 3, 2);
        assert_eq!(
            answer.render(Format::Plain, &footer),
            "It adds⟨U+200B⟩\n\n---\nm, 120 tokens in (100 cached), 7 out, 3 s, 2 secrets masked"
        );
    }

    #[test]
    fn the_footer_names_what_a_cache_gave_and_took_and_marks_guesses() {
        let counted = |cached, written, estimated| Usage {
            input: 120,
            cached,
            written,
            output: 7,
            estimated,
        };
        for (usage, shown) in [
            (counted(0, 0, false), "m, 120 tokens in, 7 out, 3 s"),
            (
                counted(100, 0, false),
                "m, 120 tokens in (100 cached), 7 out, 3 s",
            ),
            (
                counted(0, 20, false),
                "m, 120 tokens in (20 written), 7 out, 3 s",
            ),
            (
                counted(80, 20, true),
                "m, ~120 tokens in (80 cached, 20 written), ~7 out, 3 s",
            ),
        ] {
            assert_eq!(footer("m", Some(usage), 3, 0), shown);
        }
        assert_eq!(footer("m", None, 3, 0), "m, 3 s");
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
