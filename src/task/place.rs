//! The place that a rewrite's text goes to, as the model was shown it: with the secrets masked that it was not shown.

use crate::action::Target;
use crate::prompt::redact::{Secret, Vault};
use crate::reply::{Room, Shape};
use crate::text::document::Document;
use crate::text::{Edit, Span};

/// The place of a rewrite that has secrets in it or around it.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) document: Document,
    pub(super) span: Span,
    pub(super) secrets: Vec<Secret>,
    pub(super) target: Target,
}

impl Place {
    /// What must be known of the place to read a reply, with the secrets masked that the model was not shown either.
    pub(super) fn shape(&self, vault: &Vault) -> Shape {
        let Span { start, end } = self.span;
        let mut secrets = self.secrets.clone();
        secrets.sort_by_key(|secret| secret.span.start);
        let mut edits: Vec<Edit> = Vec::new();
        for secret in secrets {
            let span = Span::new(secret.span.start, secret.span.end);
            let crosses = |at| span.start < at && at < span.end;
            let overlaps = edits.last().is_some_and(|last| span.start < last.span.end);
            let text = super::read(self.document.text(), span.start, span.end);
            let placeholder = vault.placeholder_of(&text);
            let wanted = placeholder.filter(|_| !overlaps && !crosses(start) && !crosses(end));
            edits.extend(wanted.map(|text| Edit { span, text }));
        }
        let moved = |at: usize| {
            let before = edits.iter().take_while(|edit| edit.span.end <= at);
            before.fold(at, |at, edit| at + edit.text.len() - edit.span.len())
        };
        let span = Span::new(moved(start), moved(end));
        let document = self.document.with(&edits);
        match self.target {
            Target::Selection => Shape::of(&document, span),
            beside => Room::beside(&document, span, beside).shape,
        }
    }
}
