//! Mirrors one open document: its text, version and language, changed by `didChange` batches only. Leaves out which documents
//! are open and what a change means to a rewrite; it says no more than where a batch changed the text.
//!
//! A mirror that may be wrong is worse than none, so a batch that does not fit makes the document *out of step*: its text
//! stays as it was and every further partial change is refused until a full text arrives.

use ropey::{Rope, RopeSlice};

use super::position::{self, splits_crlf};
use super::{Encoding, Range, Span};

/// How many bytes on each side of a partial change may be compared to tighten its hull, beyond those which the client sent.
const TRIM_LIMIT: usize = 4 * 1024;

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

/// Where two texts differ: outside of `old` and `new` they are byte for byte the same.
///
/// Both ends of both spans lie on character boundaries and never between CR and LF.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hull {
    /// In bytes of the text before.
    pub old: Span,
    /// In bytes of the text after; it starts where `old` starts.
    pub new: Span,
}

impl Hull {
    /// Whether the texts do not differ at all.
    pub fn is_empty(self) -> bool {
        self.old.is_empty() && self.new.is_empty()
    }
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
    /// A document as `didOpen` gives it: `language` is the client's `languageId`.
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

    /// The last version that the client sent, if it ever sent one.
    pub fn version(&self) -> Option<i32> {
        self.version
    }

    /// The client's `languageId`.
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

/// Where `before` and `after` differ, found by what they have in common at both ends. Equal texts give an empty hull.
///
/// Costs one comparison of what they have in common.
pub fn between_texts(before: &Rope, after: &Rope) -> Hull {
    if before.is_instance(after) {
        return Hull::default();
    }
    let all = Hull {
        old: Span::new(0, before.len_bytes()),
        new: Span::new(0, after.len_bytes()),
    };
    settle(before, after, trim(before, after, all, usize::MAX))
}

/// What the changes of a batch have touched so far.
enum Touched {
    Nothing,
    /// Partial changes whose common hull is this, and the number of bytes that they brought.
    Part(Hull, usize),
    Everything,
}

impl Touched {
    /// Takes in that `span` of the text so far was replaced by `inserted` bytes.
    fn grow(&mut self, span: Span, inserted: usize) {
        let (hull, sent) = match self {
            Self::Everything => return,
            Self::Nothing => (
                Hull {
                    old: span,
                    new: span,
                },
                0,
            ),
            Self::Part(hull, sent) => (*hull, *sent),
        };
        // Outside the hull the text so far is the old one, so both spans widen by the same number of bytes.
        let start = hull.new.start.min(span.start);
        let widened = span.end.saturating_sub(hull.new.end);
        let old = Span::new(start, hull.old.end + widened);
        let new = Span::new(start, hull.new.end + widened - span.len() + inserted);
        *self = Self::Part(Hull { old, new }, sent.saturating_add(inserted));
    }

    fn hull(self, before: &Rope, after: &Rope) -> Hull {
        match self {
            Self::Nothing => Hull::default(),
            Self::Part(hull, sent) => settle(
                before,
                after,
                trim(before, after, hull, TRIM_LIMIT.saturating_add(sent)),
            ),
            Self::Everything => between_texts(before, after),
        }
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

/// Takes from `hull` what both texts have in common at its ends, looking at no more than `limit` bytes at each.
fn trim(before: &Rope, after: &Rope, hull: Hull, limit: usize) -> Hull {
    let (Some(old), Some(new)) = (
        before.get_byte_slice(hull.old.start..hull.old.end),
        after.get_byte_slice(hull.new.start..hull.new.end),
    ) else {
        return hull;
    };
    let prefix = common(old.chunks(), new.chunks(), limit, End::Front);
    // A differing byte may lie within a character whose first bytes are the same.
    let prefix = old.char_to_byte(old.byte_to_char(prefix));
    let shorter = old.len_bytes().min(new.len_bytes());
    let suffix = common(
        backwards(old),
        backwards(new),
        limit.min(shorter - prefix),
        End::Back,
    );
    let end = old.len_bytes() - suffix;
    let character = old.byte_to_char(end);
    let end = if old.char_to_byte(character) < end {
        old.char_to_byte(character + 1)
    } else {
        end
    };
    let suffix = old.len_bytes() - end;
    Hull {
        old: Span::new(hull.old.start + prefix, hull.old.end - suffix),
        new: Span::new(hull.new.start + prefix, hull.new.end - suffix),
    }
}

/// Moves the ends of `hull` outwards where they would part a CR from its LF in one of the texts.
fn settle(before: &Rope, after: &Rope, mut hull: Hull) -> Hull {
    // The byte that is taken in is the same in both texts: it lies outside the hull.
    if splits_crlf(before, hull.old.start) || splits_crlf(after, hull.new.start) {
        hull.old.start -= 1;
        hull.new.start -= 1;
        if hull.old.end == hull.old.start + 1 && hull.new.end == hull.new.start + 1 {
            // Nothing was changed; an empty hull stays empty.
            hull.old.end -= 1;
            hull.new.end -= 1;
        }
    }
    if splits_crlf(before, hull.old.end) || splits_crlf(after, hull.new.end) {
        hull.old.end += 1;
        hull.new.end += 1;
    }
    hull
}

/// Which end of two texts is compared.
#[derive(Clone, Copy)]
enum End {
    Front,
    Back,
}

/// The chunks of `text` from the last to the first.
fn backwards(text: RopeSlice<'_>) -> impl Iterator<Item = &str> {
    text.chunks_at_byte(text.len_bytes()).0.reversed()
}

/// How many bytes, at most `limit`, two texts have in common at one end; their chunks come in order from that end.
fn common<'a>(
    mut left: impl Iterator<Item = &'a str>,
    mut right: impl Iterator<Item = &'a str>,
    limit: usize,
    end: End,
) -> usize {
    let (mut one, mut two): (&[u8], &[u8]) = (&[], &[]);
    let mut total = 0;
    while total < limit {
        if one.is_empty() {
            let Some(next) = left.next() else { break };
            one = next.as_bytes();
        }
        if two.is_empty() {
            let Some(next) = right.next() else { break };
            two = next.as_bytes();
        }
        let length = one.len().min(two.len());
        let ((head_one, rest_one), (head_two, rest_two)) = match end {
            End::Front => (one.split_at(length), two.split_at(length)),
            End::Back => {
                let (rest_one, tail_one) = one.split_at(one.len() - length);
                let (rest_two, tail_two) = two.split_at(two.len() - length);
                ((tail_one, rest_one), (tail_two, rest_two))
            }
        };
        if head_one != head_two {
            let same = |(a, b): &(&u8, &u8)| a == b;
            total += match end {
                End::Front => head_one.iter().zip(head_two).take_while(same).count(),
                End::Back => head_one
                    .iter()
                    .rev()
                    .zip(head_two.iter().rev())
                    .take_while(same)
                    .count(),
            };
            break;
        }
        total += length;
        (one, two) = (rest_one, rest_two);
    }
    total.min(limit)
}

#[cfg(test)]
mod tests;
