//! Answers that an earlier server gave: found again when their document is opened, put away until somebody asks for them
//! (*Show answer*), and only where the text that was asked about still stands.

use ropey::Rope;
use serde_json::json;

use super::Shared;
use super::job::{Job, Status, Work};
use super::outbox::Outgoing;
use super::params;
use super::start::without_line_break;
use super::state::State;
use crate::answer::{Answer, Stage};
use crate::conversation::Record;
use crate::prompt;
use crate::rewrite::Millis;
use crate::store::Store;
use crate::text::{Span, position};

/// So many answers of a document are looked for.
const MOST: usize = 20;

impl State {
    /// Looks for what was answered about a document that was opened.
    pub(super) fn look_for_answers(&self, uri: &str) {
        if self.policy().persist {
            self.outbox
                .send(Outgoing::LookForAnswers(self.store.clone(), uri.to_owned()));
        }
    }

    /// Takes what was found in a document as it reads `text`, the newest first; false if it does not any more.
    fn take_answers(&mut self, uri: &str, text: &Rope, found: Vec<(Record, Span)>) -> bool {
        let document = self.documents.get(uri);
        if !document.is_some_and(|document| document.text().is_instance(text)) {
            return false;
        }
        for (age, (record, span)) in (0..).zip(found.into_iter().rev()) {
            let turn = record.turn.id;
            let is_known = self.jobs.values().any(|job| job.turn == Some(turn));
            if !is_known {
                self.take_answer(uri, age, record, span);
            }
        }
        true
    }

    /// `age` puts it in order among its like: all of them are older than what this server was asked.
    fn take_answer(&mut self, uri: &str, age: Millis, record: Record, span: Span) {
        let Some(document) = self.documents.get(uri) else {
            return;
        };
        let Some(asked) = prompt::read(&record.turn.question) else {
            return;
        };
        let range = position::range(document.text(), span, self.caps.encoding);
        let mut answer = Answer::new(without_line_break(document, span));
        answer.push(&record.turn.answer);
        answer.end(Stage::Done);
        answer.dismissed = true;
        let argument = json!({
            "uri": uri, "range": params::range_value(range), "question": asked.instruction,
        });
        let id = self.new_job_id();
        let job = Job {
            started: age,
            finished: Some(age + record.seconds.saturating_mul(1000)),
            status: Status::Done,
            model: record.model,
            raw: record.turn.answer,
            question: record.turn.question,
            path: record.path,
            lines: record.lines,
            turn: Some(record.turn.id),
            argument,
            usage: record.usage,
            is_earlier: true,
            ..Job::new(&id, uri.to_owned(), record.title, Work::Ask(answer), age)
        };
        self.jobs.insert(id, job);
    }

    /// A document was closed: what nobody has asked for is looked for again when it is opened.
    pub(super) fn leave_answers(&mut self, uri: &str) {
        self.jobs.retain(|_, job| {
            let is_put_away = job.answer().is_some_and(|answer| answer.dismissed);
            !(job.is_earlier && is_put_away && job.uri == uri)
        });
    }
}

/// Looks for the answers about a document and for the places that they belong to; a large text is searched beside the other
/// work, and again if it has changed meanwhile.
pub(super) async fn look(shared: &Shared, store: &Store, uri: &str) {
    let records = store.answers(uri, MOST).await;
    if records.is_empty() {
        return;
    }
    for _ in 0..TRIES {
        let text = shared.change(|state| Some(state.documents.get(uri)?.text().clone()));
        let Some(text) = text else { return };
        let (records, searched) = (records.clone(), text.clone());
        let found = tokio::task::spawn_blocking(move || places(&searched, records)).await;
        let Ok(found) = found else { return };
        if shared.change(|state| state.take_answers(uri, &text, found)) {
            return;
        }
    }
}

/// Somebody who types as fast as a text is searched does without what was answered before.
const TRIES: usize = 3;

/// The records whose text still stands, with its place.
fn places(text: &Rope, records: Vec<Record>) -> Vec<(Record, Span)> {
    let whole = text.to_string();
    let found = |record: Record| {
        let asked = prompt::read(&record.turn.question)?;
        let span = place(text, &whole, &record, asked.selection)?;
        Some((record, span))
    };
    records.into_iter().filter_map(found).collect()
}

/// Where the text that was asked about stands: on the line where it stood, else the only place where it does. `whole` is `text`.
fn place(text: &Rope, whole: &str, record: &Record, selection: &str) -> Option<Span> {
    if selection.trim().is_empty() {
        return None;
    }
    let mut places = whole.match_indices(selection).map(|(at, _)| at);
    let line = |at: usize| text.try_byte_to_line(at).ok();
    let asked = (record.lines.0 as usize).checked_sub(1);
    let mut only = places.next()?;
    if line(only) != asked {
        let others: Vec<usize> = places.take(MOST_PLACES).collect();
        match others.iter().find(|&&at| line(at) == asked) {
            Some(&at) => only = at,
            None if others.is_empty() => {}
            None => return None,
        }
    }
    Some(Span::new(only, only + selection.len()))
}

/// A text that stands so often is not looked for any further.
const MOST_PLACES: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Kind;
    use crate::conversation::Turn;
    use crate::gateway::surface::Surface;

    fn record(line: u32) -> Record {
        Record {
            turn: Turn {
                id: 1,
                question: String::new(),
                answer: String::new(),
                document: String::new(),
            },
            kind: Kind::Ask,
            title: String::new(),
            path: String::new(),
            lines: (line, line),
            model: String::new(),
            surface: Surface::OpenAi,
            time: 0,
            usage: None,
            seconds: 0,
        }
    }

    #[test]
    fn text_is_found_where_it_stood_or_where_alone_it_stands() {
        for (text, line, selection, found) in [
            ("a\nb\na\nb\n", 1, "a\n", Some(0)),
            ("a\nb\na\nb\n", 3, "a\n", Some(4)),
            ("a\nb\na\nb\n", 2, "a\n", None),
            ("new\na\nb\n", 1, "a\n", Some(4)),
            ("x = é; y\n", 1, "é", Some(4)),
            ("b\n", 1, "a\n", None),
            (" \n", 1, " ", None),
        ] {
            let span = place(&Rope::from_str(text), text, &record(line), selection);
            let wanted = found.map(|at| Span::new(at, at + selection.len()));
            assert_eq!(span, wanted, "{text:?} {line} {selection:?}");
        }
    }
}
