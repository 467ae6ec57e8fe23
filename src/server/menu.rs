//! `textDocument/codeAction` and `textDocument/hover`: what is offered and shown at a place. Both are asked while the cursor
//! moves, so both answer from memory.

use serde_json::{Value, json};

use super::commands::touches;
use super::interrupted::Remedy;
use super::job::{Job, Status};
use super::offers::Offers;
use super::params::{self, CodeActionParams, PositionParams, Trigger};
use super::state::{Selection, State};
use crate::action;
use crate::answer::{Answer, Format};
use crate::text::{Span, position};

pub(super) const QUICK_FIX: &str = "quickfix";
pub(super) const REWRITE: &str = "refactor.rewrite.ezrouter";
pub(super) const ASK: &str = "ezrouter.ask";

/// One entry of the menu.
pub(super) struct Entry {
    pub(super) title: String,
    pub(super) kind: &'static str,
    pub(super) command: &'static str,
    pub(super) argument: Value,
    /// Carried by the action itself, for clients that take no edits from servers.
    pub(super) edit: Option<Value>,
    /// The diagnostic that it fixes, as the client sent it.
    pub(super) diagnostic: Option<Value>,
}

impl State {
    /// The code actions at a selection, as LSP `CodeAction`s, or as `Command`s for clients without them.
    pub(super) fn code_actions(&mut self, params: &CodeActionParams) -> Value {
        if params.range.start != params.range.end {
            // An action that was just written into a file is to be found here.
            self.refresh_settings();
        }
        let Some(document) = self.documents.get(&params.uri) else {
            return Value::Null;
        };
        let span = position::span(document.text(), params.range, self.caps.encoding);
        let version = document.version();
        if params.trigger == Trigger::Invoked || !span.is_empty() {
            self.selection = Some(Selection {
                uri: params.uri.clone(),
                span: Some(span),
                asked: (
                    position::range(document.text(), span, self.caps.encoding),
                    version,
                ),
                diagnostics: params.diagnostics.clone(),
            });
        }
        let remedy = self.remedy_for(&params.uri);
        let idle = !self.is_busy() && remedy.is_none();
        if params.trigger == Trigger::Automatic && span.is_empty() && idle {
            return Value::Array(Vec::new());
        }
        let mut entries = self.job_entries(&params.uri, span);
        if let Some(remedy) = remedy {
            let argument = match remedy {
                Remedy::Restore => json!({"uri": params.uri}),
                Remedy::Finish => json!({"uri": params.uri, "finished": true}),
            };
            entries.push(entry(
                remedy.title().to_owned(),
                "ezrouter.restore",
                argument,
            ));
        }
        let offers = Offers {
            uri: &params.uri,
            document,
            encoding: self.caps.encoding,
        };
        entries.extend(offers.directives(span));
        entries.extend(offers.fixes(span, &params.diagnostics));
        if let Some(cursor) = self.cursor(&params.uri, span) {
            entries.extend(action::at_cursor().map(|action| offers.built_in(action, cursor)));
        }
        if !span.is_empty() {
            let fitting = action::fitting(document.language());
            entries.extend(fitting.map(|action| offers.built_in(action, span)));
            let own = &self.settings(&params.uri).actions;
            let own = own.iter().filter(|own| own.fits(document.language()));
            entries.extend(own.map(|own| offers.own(own, span)));
        }
        let wanted = entries
            .into_iter()
            .filter(|entry| is_wanted(entry.kind, params.only.as_deref()));
        wanted.map(|entry| self.render(entry)).collect()
    }

    /// The answer at a place, as an LSP `Hover`, or null.
    pub(super) fn hover(&self, params: &PositionParams) -> Value {
        let Some(document) = self.documents.get(&params.uri) else {
            return Value::Null;
        };
        let offset = position::offset(document.text(), params.position, self.caps.encoding);
        let mut here: Vec<(&Job, &Answer)> = self
            .jobs
            .values()
            .filter(|job| job.uri == params.uri)
            .filter_map(|job| Some((job, job.answer()?)))
            .filter(|(_, answer)| answer.covers(offset))
            .collect();
        here.sort_by_key(|(job, _)| job.started);
        let Some((job, answer)) = here.pop() else {
            return Value::Null;
        };
        let mut footer = job.footer(self.now());
        if !here.is_empty() {
            let older: Vec<&str> = here
                .iter()
                .rev()
                .map(|(job, _)| job.title.as_str())
                .collect();
            footer.push_str(&format!(
                "; older answers here, when this one is dismissed: {}",
                older.join(", ")
            ));
        }
        let (format, kind) = if self.caps.markdown_hover {
            (Format::Markdown, "markdown")
        } else {
            (Format::Plain, "plaintext")
        };
        let text = answer.render(format, &footer);
        json!({"contents": {"kind": kind, "value": text}, "range": self.job_range(job)})
    }

    /// Where the cursor stands, if nothing is selected: in editors whose cursor is a selection of one character, in front of it.
    fn cursor(&self, uri: &str, span: Span) -> Option<Span> {
        let document = self.documents.get(uri)?;
        let one_character = || {
            let text = document.text().get_byte_slice(span.start..span.end);
            text.is_some_and(|text| text.len_chars() == 1)
        };
        (span.is_empty() || self.caps.always_selects() && one_character())
            .then(|| Span::new(span.start, span.start))
    }

    /// Whether something runs or waits for the user's verdict.
    fn is_busy(&self) -> bool {
        let mut jobs = self.jobs.values();
        jobs.any(|job| job.status.is_running() || job.status == Status::Pending)
    }

    /// What can be done about a question that is written in a conversation document, and about running, pending and answered
    /// jobs.
    fn job_entries(&self, uri: &str, span: Span) -> Vec<Entry> {
        let mut entries = Vec::new();
        if self.can_send(uri) {
            let argument = json!({"uri": uri});
            entries.push(entry("Send".to_owned(), "ezrouter.send", argument));
        }
        let running: Vec<&Job> = self
            .jobs
            .values()
            .filter(|job| job.status.is_running())
            .collect();
        for job in &running {
            entries.push(entry(
                format!("Stop ({})", job.title),
                "ezrouter.cancel",
                json!({"job": job.id}),
            ));
        }
        if 1 < running.len() {
            entries.push(entry("Stop all".to_owned(), "ezrouter.cancel", json!({})));
        }
        let here =
            |job: &&Job| job.uri == uri && job.span().is_some_and(|place| touches(place, span));
        for job in self.jobs.values().rev().filter(here) {
            if job.status == Status::Pending {
                entries.extend(self.verdicts(job, span));
            }
        }
        let answers = self
            .jobs
            .values()
            .rev()
            .filter(here)
            .filter_map(|job| Some((job, job.answer()?)));
        if let Some((job, answer)) = answers.max_by_key(|(job, _)| job.started) {
            let argument = json!({"uri": uri});
            let title = "Open conversation".to_owned();
            let id = json!({"job": job.id});
            entries.push(if answer.dismissed {
                entry(
                    format!("Show answer ({})", job.title),
                    "ezrouter.showAnswer",
                    id,
                )
            } else {
                entry(
                    format!("Dismiss answer ({})", job.title),
                    "ezrouter.dismiss",
                    id,
                )
            });
            entries.push(entry(title, "ezrouter.openConversation", argument));
        }
        entries
    }

    fn verdicts(&self, job: &Job, span: Span) -> Vec<Entry> {
        let id = json!({"job": job.id});
        let title = |word: &str| format!("{word} ({})", job.title);
        let last = [
            entry(title("Retry"), "ezrouter.retry", id.clone()),
            entry(title("Show diff"), "ezrouter.showDiff", id.clone()),
        ];
        let Some(parked) = job
            .rewrite()
            .and_then(super::super::rewrite::Rewrite::parked)
        else {
            let mut entries = vec![
                entry(title("Accept"), "ezrouter.accept", id.clone()),
                entry(title("Reject"), "ezrouter.reject", id),
            ];
            if let Some(hunk) = self.touched_hunk(job, span) {
                let argument = json!({"job": job.id, "hunk": hunk});
                entries.push(entry(
                    title("Accept hunk"),
                    "ezrouter.accept",
                    argument.clone(),
                ));
                entries.push(entry(title("Reject hunk"), "ezrouter.reject", argument));
            }
            entries.extend(last);
            return entries;
        };
        let mut entries = Vec::new();
        if parked.applicable {
            let word = if parked.landed {
                "Apply the rest"
            } else {
                "Apply"
            };
            let edit = (!self.caps.apply_edit && !self.caps.ext_apply_edit)
                .then(|| self.whole_edit(job))
                .flatten();
            entries.push(Entry {
                edit,
                ..entry(title(word), "ezrouter.apply", id.clone())
            });
        }
        entries.push(entry(title("Restore the original"), "ezrouter.reject", id));
        entries.extend(last);
        entries
    }

    /// The hunk under the cursor; for a selection that touches several, none: the words would not say which is meant.
    fn touched_hunk(&self, job: &Job, span: Span) -> Option<usize> {
        let (document, rewrite) = self.documents.get(&job.uri).zip(job.rewrite())?;
        let touched = super::review::touched(rewrite.hunks(document.text()), span);
        touched.first().copied().filter(|_| touched.len() == 1)
    }

    /// The result as an edit, for a client that takes edits only in answer to its own requests.
    fn whole_edit(&self, job: &Job) -> Option<Value> {
        let (document, rewrite) = self.documents.get(&job.uri).zip(job.rewrite())?;
        let edits: Vec<Value> = rewrite
            .edits_to_apply(document.text())
            .into_iter()
            .map(|edit| {
                let range = position::range(document.text(), edit.span, self.caps.encoding);
                json!({"range": params::range_value(range), "newText": edit.text})
            })
            .collect();
        Some(if self.caps.document_changes {
            let identifier = json!({"uri": job.uri, "version": document.version()});
            json!({"documentChanges": [{"textDocument": identifier, "edits": edits}]})
        } else {
            json!({"changes": {job.uri.clone(): edits}})
        })
    }

    fn render(&self, entry: Entry) -> Value {
        let command =
            json!({"title": entry.title, "command": entry.command, "arguments": [entry.argument]});
        if !self.caps.code_action_literals {
            return command;
        }
        let mut action = json!({"title": entry.title, "kind": entry.kind, "data": entry.argument});
        match entry.edit {
            Some(edit) => action["edit"] = edit,
            None => action["command"] = command,
        }
        if let Some(diagnostic) = entry.diagnostic {
            action["diagnostics"] = json!([diagnostic]);
        }
        if self.caps.llm_tag && matches!(entry.command, "ezrouter.ask" | "ezrouter.rewrite") {
            // CodeActionTag.LLMGenerated of LSP 3.18.
            action["tags"] = json!([1]);
        }
        action
    }
}

pub(super) fn entry(title: String, command: &'static str, argument: Value) -> Entry {
    Entry {
        title,
        kind: QUICK_FIX,
        command,
        argument,
        edit: None,
        diagnostic: None,
    }
}

/// Whether a client that asks for `only` these kinds wants this one: a kind stands for all that begin with it and a dot.
fn is_wanted(kind: &str, only: Option<&[String]>) -> bool {
    only.is_none_or(|only| {
        only.iter().any(|wanted| {
            kind.strip_prefix(wanted.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
                || wanted.is_empty()
        })
    })
}
