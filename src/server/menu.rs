//! `textDocument/codeAction` and `textDocument/hover`: what is offered and shown at a place. Both are asked while the cursor
//! moves, so both answer from memory.

use serde_json::{Value, json};

use super::commands::touches;
use super::job::{Job, Status};
use super::params::{self, CodeActionParams, PositionParams, Trigger};
use super::state::{Selection, State};
use crate::action::{self, Kind};
use crate::text::{Span, position};

const QUICK_FIX: &str = "quickfix";
const REWRITE: &str = "refactor.rewrite.ezrouter";
const ASK: &str = "ezrouter.ask";

/// One entry of the menu.
struct Entry {
    title: String,
    kind: &'static str,
    command: &'static str,
    argument: Value,
    /// Carried by the action itself, for clients that take no edits from servers.
    edit: Option<Value>,
}

impl State {
    /// The code actions at a selection, as LSP `CodeAction`s, or as `Command`s for clients without them.
    pub(super) fn code_actions(&mut self, params: &CodeActionParams) -> Value {
        let Some(document) = self.documents.get(&params.uri) else {
            return Value::Null;
        };
        let span = position::span(document.text(), params.range, self.caps.encoding);
        let version = document.version();
        if params.trigger == Trigger::Invoked || !span.is_empty() {
            self.selection = Some(Selection {
                uri: params.uri.clone(),
                span: Some(span),
                asked: (params.range, version),
            });
        }
        if params.trigger == Trigger::Automatic && span.is_empty() && !self.is_busy() {
            return Value::Array(Vec::new());
        }
        let mut entries = self.job_entries(&params.uri, span);
        if !span.is_empty() {
            entries.extend(self.action_entries(&params.uri, params.range, version));
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
        let shown = self
            .jobs
            .values()
            .filter(|job| job.uri == params.uri)
            .filter_map(|job| Some((job, job.answer()?)))
            .filter(|(_, answer)| answer.covers(offset))
            .max_by_key(|(job, _)| job.started);
        let Some((job, answer)) = shown else {
            return Value::Null;
        };
        let text = answer.render(&job.model, job.usage, job.seconds(self.now()));
        let kind = if self.caps.markdown_hover {
            "markdown"
        } else {
            "plaintext"
        };
        json!({"contents": {"kind": kind, "value": text}, "range": self.job_range(job)})
    }

    /// Whether something runs or waits for the user's verdict.
    fn is_busy(&self) -> bool {
        let mut jobs = self.jobs.values();
        jobs.any(|job| job.status.is_running() || job.status == Status::Pending)
    }

    /// What can be done about running, pending and answered jobs.
    fn job_entries(&self, uri: &str, span: Span) -> Vec<Entry> {
        let mut entries = Vec::new();
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
                entries.extend(self.verdicts(job));
            }
        }
        let answers = self
            .jobs
            .values()
            .rev()
            .filter(here)
            .filter_map(|job| Some((job, job.answer()?)));
        if let Some((job, answer)) = answers.max_by_key(|(job, _)| job.started) {
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
        }
        entries
    }

    fn verdicts(&self, job: &Job) -> Vec<Entry> {
        let id = json!({"job": job.id});
        let title = |word: &str| format!("{word} ({})", job.title);
        let Some(parked) = job
            .rewrite()
            .and_then(super::super::rewrite::Rewrite::parked)
        else {
            return vec![
                entry(title("Accept"), "ezrouter.accept", id.clone()),
                entry(title("Reject"), "ezrouter.reject", id),
            ];
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
        entries
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

    fn action_entries(
        &self,
        uri: &str,
        range: crate::text::Range,
        version: Option<i32>,
    ) -> Vec<Entry> {
        let language = self
            .documents
            .get(uri)
            .map(|document| document.language().to_owned())
            .unwrap_or_default();
        action::fitting(&language)
            .map(|action| {
                let mut argument =
                    json!({"uri": uri, "range": params::range_value(range), "action": action.id});
                if let Some(version) = version {
                    argument["version"] = version.into();
                }
                let (kind, command) = match action.kind {
                    Kind::Ask => (ASK, "ezrouter.ask"),
                    // What editors offer at a light bulb, beside the fixes of other servers.
                    Kind::Rewrite if action.id == "fix" => (QUICK_FIX, "ezrouter.rewrite"),
                    Kind::Rewrite => (REWRITE, "ezrouter.rewrite"),
                };
                Entry {
                    title: action.title.to_owned(),
                    kind,
                    command,
                    argument,
                    edit: None,
                }
            })
            .collect()
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
        if self.caps.llm_tag && matches!(entry.command, "ezrouter.ask" | "ezrouter.rewrite") {
            // CodeActionTag.LLMGenerated of LSP 3.18.
            action["tags"] = json!([1]);
        }
        action
    }
}

fn entry(title: String, command: &'static str, argument: Value) -> Entry {
    Entry {
        title,
        kind: QUICK_FIX,
        command,
        argument,
        edit: None,
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
