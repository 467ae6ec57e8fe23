//! Mirrors one open document: its text, version and language, changed by `didChange` batches only. Leaves out which documents
//! are open and what a change means to a rewrite; it says no more than where a batch changed the text.
//!
//! A mirror that may be wrong is worse than none, so a batch that does not fit makes the document *out of step*: its text
//! stays as it was and every further partial change is refused until a full text arrives.

use ropey::Rope;

use super::position::{self, splits_crlf};
use super::{Edit, Encoding, Range, Span};

mod hull;

use hull::Touched;
pub use hull::{Hull, between_texts};

/// How many lines are looked at to find the line ending of a document.
const LINE_ENDING_SAMPLE: usize = 1000;

/// One entry of a `didChange` batch (LSP 3.18, `TextDocumentContentChangeEvent`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The text is now this.
    Whole(String),
    /// What `range` covers is now `text`. The range refers to the text after the entries before this one.
    Partial {
        /// What is replaced.
        range: Range,
        /// What stands there afterwards.
        text: String,
    },
}

/// A batch does not fit the text that it is said to change: the mirror can no longer be trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct OutOfStep {
    /// What did not fit, as a lower-case fragment.
    pub reason: String,
}

/// What a batch of changes did to a document.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The text before the batch.
    pub before: Rope,
    /// The text after the batch.
    pub after: Rope,
    /// Outside of it the batch changed nothing.
    pub hull: Hull,
    /// The text after each change but the last, in order. An editor that undoes and redoes within one batch shows its states
    /// only here.
    pub between: Vec<Rope>,
}

/// What ends the lines of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LineEnding {
    /// `\n`
    #[default]
    Lf,
    /// `\r\n`
    CrLf,
    /// `\r`
    Cr,
}

impl LineEnding {
    /// The characters themselves.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lf => "\n",
            Self::CrLf => "\r\n",
            Self::Cr => "\r",
        }
    }
}

/// The most frequent line ending of the first thousand lines; LF when there is none or when LF is as frequent as another.
pub fn dominant(text: &Rope) -> LineEnding {
    let (mut lf, mut crlf, mut cr) = (0usize, 0usize, 0usize);
    for line in 1..text.len_lines().min(LINE_ENDING_SAMPLE + 1) {
        let end = text.line_to_byte(line);
        if text.get_byte(end - 1) == Some(b'\r') {
            cr += 1;
        } else if splits_crlf(text, end - 1) {
            crlf += 1;
        } else {
            lf += 1;
        }
    }
    if lf >= crlf.max(cr) {
        LineEnding::Lf
    } else if crlf >= cr {
        LineEnding::CrLf
    } else {
        LineEnding::Cr
    }
}

/// An open document as the client describes it.
#[derive(Clone, Debug)]
pub struct Document {
    text: Rope,
    version: Option<i32>,
    language: String,
    out_of_step: bool,
}

impl Document {
    /// A document as `didOpen` gives it: `language` is an LSP language id.
    pub fn open(language: String, version: Option<i32>, text: &str) -> Self {
        Self {
            text: Rope::from_str(text),
            version,
            language,
            out_of_step: false,
        }
    }

    /// The text. Cloning the rope is cheap and gives a snapshot that later changes leave alone.
    pub fn text(&self) -> &Rope {
        &self.text
    }

    /// This document without the bytes of `span`; the same one where the span does not fit.
    #[must_use]
    pub fn without(&self, span: Span) -> Self {
        let text = String::new();
        self.with(&[Edit { span, text }])
    }

    /// This document with these edits made; one that does not fit is left out.
    #[must_use]
    pub fn with(&self, edits: &[Edit]) -> Self {
        let mut changed = self.clone();
        for Edit { span, text } in edits.iter().rev() {
            let place = |at| self.text.try_byte_to_char(at);
            if let (Ok(start), Ok(end)) = (place(span.start), place(span.end))
                && changed.text.try_remove(start..end).is_ok()
            {
                // What was just removed began there.
                let _ = changed.text.try_insert(start, text);
            }
        }
        changed
    }

    /// The last version that the client sent, if it ever sent one.
    pub fn version(&self) -> Option<i32> {
        self.version
    }

    /// An LSP language id.
    pub fn language(&self) -> &str {
        &self.language
    }

    /// What most lines of the document end with.
    pub fn line_ending(&self) -> LineEnding {
        dominant(&self.text)
    }

    /// Whether the client's text is known to differ from this one.
    pub fn is_out_of_step(&self) -> bool {
        self.out_of_step
    }

    /// Says that a change was lost, for example because it could not be parsed. Only a full text puts that right.
    pub fn mark_out_of_step(&mut self) {
        self.out_of_step = true;
    }

    /// Applies the changes of one `didChange` in order.
    ///
    /// `version` is remembered whatever happens; a missing one leaves the last one standing. A character behind the end of its
    /// line and a line behind the last one are clamped as [`position::offset`] says, with two exceptions that no correct
    /// client sends: a range that ends before it begins, and one that begins behind the line after the last. These make the
    /// document out of step, unless a later full text of the same batch puts it right.
    ///
    /// On an error the text is the one from before the batch.
    pub fn apply(
        &mut self,
        version: Option<i32>,
        changes: &[Change],
        encoding: Encoding,
    ) -> Result<Batch, OutOfStep> {
        self.version = version.or(self.version);
        let before = self.text.clone();
        let mut text = before.clone();
        let mut between = Vec::with_capacity(changes.len());
        let mut touched = Touched::Nothing;
        let mut fault = self.out_of_step.then(|| OutOfStep {
            reason: "an earlier change of this document was lost".to_owned(),
        });
        for change in changes {
            match change {
                Change::Whole(whole) => {
                    text = Rope::from_str(whole);
                    touched = Touched::Everything;
                    fault = None;
                }
                // Nothing can be said about a change to a text that is not known.
                Change::Partial { .. } if fault.is_some() => continue,
                Change::Partial {
                    range,
                    text: inserted,
                } => match replace(&mut text, *range, inserted, encoding) {
                    Ok(span) => touched.grow(span, inserted.len()),
                    Err(reason) => {
                        fault = Some(reason);
                        continue;
                    }
                },
            }
            between.push(text.clone());
        }
        self.out_of_step = fault.is_some();
        if let Some(fault) = fault {
            return Err(fault);
        }
        between.pop();
        self.text = text.clone();
        let hull = touched.hull(&before, &text);
        Ok(Batch {
            before,
            after: text,
            hull,
            between,
        })
    }
}

/// Replaces what `range` covers and gives the bytes that were replaced. On an error `text` is as it was.
fn replace(
    text: &mut Rope,
    range: Range,
    inserted: &str,
    encoding: Encoding,
) -> Result<Span, OutOfStep> {
    let Range { start, end } = range;
    if end < start {
        let reason = format!(
            "a change ends at {}:{}, before it begins at {}:{}",
            end.line, end.character, start.line, start.character
        );
        return Err(OutOfStep { reason });
    }
    let lines = text.len_lines();
    if lines < start.line as usize {
        return Err(OutOfStep {
            reason: format!(
                "a change begins on line {} of a document of {lines} lines",
                start.line
            ),
        });
    }
    let span = position::span(text, range, encoding);
    let (first, last) = (text.byte_to_char(span.start), text.byte_to_char(span.end));
    text.try_remove(first..last)
        .and_then(|()| text.try_insert(first, inserted))
        .map_err(|fault| OutOfStep {
            reason: fault.to_string(),
        })?;
    Ok(span)
}

#[cfg(test)]
mod tests;
