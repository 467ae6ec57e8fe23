//! What the beginning of an answer is judged by: which of the things that models put around their text cannot be meant as
//! text of the document, at the place that the answer goes to. Looks at that place only, never at the answer.

use super::fence::Fence;
use super::language::{Family, has_backticks, is_markdown, is_xml};
use super::{Shape, is_blank, prompted, talk, thinking};

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own about the place"
)]
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) language: String,
    markdown: bool,
    selected: String,
    /// Whether the selection lies within a line, with other text beside it.
    in_line: bool,
    /// Whether an answer that is one code span loses its backticks, and whether it does so if they are three or more.
    spans: (bool, bool),
    /// Whether thinking is skipped.
    pub(super) thinking: bool,
    /// Whether what reads like thinking may be an element of the document.
    pub(super) elements: bool,
    /// Whether tags and lines of the prompt are no text of the document.
    pub(super) prompt: bool,
    /// The fence that the selection begins with.
    own_fence: Option<Fence>,
    /// Whether known openers are no text of the document.
    pub(super) openers: bool,
    /// Whether sentences alone are no text for the document.
    pub(super) strict: bool,
}

impl Rules {
    pub(super) fn new(shape: &Shape) -> Self {
        let family = Family::of(&shape.language);
        let selected = shape.selection.trim();
        let beside = |text: &str| !text.chars().all(is_blank);
        let one_line = !selected.is_empty() && !selected.contains(['\n', '\r']);
        let in_line = one_line && (beside(&shape.line_prefix) || beside(&shape.line_suffix));
        let span = one_line && !selected.contains('`');
        let openers = family.is_code() && !selected.lines().next().is_some_and(talk::is_sentence);
        Self {
            in_line,
            spans: (
                span && !has_backticks(&shape.language),
                span && family.is_code(),
            ),
            thinking: !thinking::is_at_home(
                &shape.language,
                &shape.selection,
                &[&shape.before, &shape.after],
            ),
            elements: is_xml(&shape.language),
            prompt: prompted::is_foreign(shape),
            own_fence: selected.lines().next().and_then(Fence::parse),
            openers,
            strict: openers
                && match family {
                    Family::Markup => selected.starts_with('<'),
                    _ => talk::has_code(selected, &shape.language),
                },
            language: shape.language.clone(),
            markdown: family == Family::Markdown,
            selected: selected.to_owned(),
        }
    }

    /// Whether an answer that begins with `fence` came wrapped in it. In Markdown a fence may as well be the first line of
    /// the new text, so there it counts as wrapping only if it says that Markdown is in it, or if it says nothing, the
    /// selection did not begin with a fence, and no line is in front that may announce it to the reader of the document.
    pub(super) fn wraps(&self, fence: &Fence, behind_talk: bool) -> bool {
        match &self.own_fence {
            Some(own) => self.markdown && is_markdown(&fence.tag) && !is_markdown(&own.tag),
            None if self.markdown => is_markdown(&fence.tag) || fence.is_bare() && !behind_talk,
            None => true,
        }
    }

    /// Whether sentences in front of the content are no text of the document.
    pub(super) fn sentences(&self) -> bool {
        self.openers && !self.in_line
    }

    /// Whether the selection has this line.
    pub(super) fn has(&self, line: &str) -> bool {
        let mut lines = self.selected.split(['\n', '\r']);
        lines.any(|selected| selected.trim() == line.trim())
    }

    pub(super) fn unwraps_span(&self, text: &str) -> bool {
        let (any, long) = self.spans;
        any || long && text.starts_with("```")
    }
}
