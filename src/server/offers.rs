//! What can be started at a selection: the built-in actions, the user's own, the directives in the text and the fixes for what
//! other servers say, as entries of the menu. Running and finished jobs are `menu`'s.

use serde_json::{Value, json};

use super::menu::{ASK, Entry, QUICK_FIX, REWRITE, entry};
use super::start::DIRECTIVE;
use super::{diagnostics, params};
use crate::action::directive::{self, Directive};
use crate::action::own::Own;
use crate::action::{Action, Kind};
use crate::text::document::Document;
use crate::text::{Encoding, Span, position};

/// So many diagnostics are offered to be fixed: a menu is no list of mistakes.
const MOST_FIXES: usize = 8;

/// Makes entries for one document.
pub(super) struct Offers<'a> {
    pub(super) uri: &'a str,
    pub(super) document: &'a Document,
    pub(super) encoding: Encoding,
}

impl Offers<'_> {
    /// The entry of a built-in action.
    pub(super) fn built_in(&self, action: &Action, span: Span) -> Entry {
        let kind = match action.kind {
            Kind::Ask => ASK,
            // What editors offer at a light bulb, beside the fixes of other servers.
            Kind::Rewrite if action.id == "fix" => QUICK_FIX,
            Kind::Rewrite => REWRITE,
        };
        self.offer(action.title.to_owned(), action.kind, kind, action.id, span)
    }

    /// The entry of an action of the user's own.
    pub(super) fn own(&self, own: &Own, span: Span) -> Entry {
        self.offer(own.title.clone(), own.kind, kind(own.kind), &own.id, span)
    }

    /// The directives at the selection.
    pub(super) fn directives(&self, span: Span) -> Vec<Entry> {
        let found = directive::find(self.document.text(), self.document.language(), span);
        let entries = found
            .into_iter()
            .map(|one| self.offer(one.title(), one.kind, kind(one.kind), DIRECTIVE, one.region));
        entries.collect()
    }

    /// A fix for each of the client's diagnostics: of the selection, or where nothing is selected of its lines.
    pub(super) fn fixes(&self, span: Span, diagnostics: &[Value]) -> Vec<Entry> {
        let fixes = diagnostics.iter().filter_map(|diagnostic| {
            let what = diagnostics::title(diagnostic)?;
            let span = if span.is_empty() {
                self.lines_of(diagnostic)?
            } else {
                span
            };
            let mut fix = self.offer(
                format!("Fix: {what}"),
                Kind::Rewrite,
                QUICK_FIX,
                "fix",
                span,
            );
            fix.argument["diagnostics"] = json!([diagnostic]);
            fix.diagnostic = Some(diagnostic.clone());
            Some(fix)
        });
        fixes.take(MOST_FIXES).collect()
    }

    /// The whole lines that a diagnostic is about; nothing where they are blank.
    fn lines_of(&self, diagnostic: &Value) -> Option<Span> {
        let text = self.document.text();
        let range = params::range(diagnostic.get("range")?);
        let span = position::span(text, range, self.encoding);
        let first = text.try_byte_to_line(span.start).ok()?;
        let last = text.try_byte_to_line(span.end).ok()?;
        let start = text.try_line_to_byte(first).ok()?;
        let end = text
            .try_line_to_byte((last + 1).min(text.len_lines()))
            .ok()?;
        let lines = text.get_byte_slice(start..end)?;
        let blank = lines.chars().all(char::is_whitespace);
        (!blank).then_some(Span::new(start, end))
    }

    fn offer(&self, title: String, job: Kind, kind: &'static str, id: &str, span: Span) -> Entry {
        let range = position::range(self.document.text(), span, self.encoding);
        let mut argument =
            json!({"uri": self.uri, "range": params::range_value(range), "action": id});
        if let Some(version) = self.document.version() {
            argument["version"] = version.into();
        }
        let command = match job {
            Kind::Ask => "ezrouter.ask",
            Kind::Rewrite => "ezrouter.rewrite",
        };
        Entry {
            kind,
            ..entry(title, command, argument)
        }
    }
}

/// The LSP kind of an action that is not a quick fix.
fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Ask => ASK,
        Kind::Rewrite => REWRITE,
    }
}

/// The directive of a kind at a selection. A key that is bound to a command has no words: they may stand in the text.
pub(super) fn directive_at(
    document: &Document,
    span: Span,
    kind: Kind,
) -> Result<Directive, String> {
    let found = directive::find(document.text(), document.language(), span);
    let directive = found.into_iter().find(|one| one.kind == kind);
    directive.ok_or_else(|| "there is no directive here any more".to_owned())
}
