//! Where the text of a rewrite goes that does not replace its selection: the user is asked, if the client can ask.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::timeout;

use super::Shared;
use super::job::{Job, Status, Work};
use super::outbox::Outgoing;
use super::start::Started;
use super::state::State;
use crate::action::Target;
use crate::reading::Reading;
use crate::reply::Room;
use crate::rewrite::Rewrite;
use crate::text::Span;
use crate::text::document::Document;

/// How long an answer is waited for; then the text goes where it would have gone unasked. A question that nobody sees, as in
/// VS Code's list of old notifications, must not hold the work up for ever.
const PATIENCE: Duration = Duration::from_secs(30);

const BELOW: &str = "Below the selection";
const AT_THE_END: &str = "At the end of the file";

/// The parameters of `window/showMessageRequest`.
pub(super) fn question(title: &str) -> Value {
    json!({
        "type": 3,
        "message": format!("{title}: where does the new text go?"),
        "actions": [{"title": BELOW}, {"title": AT_THE_END}],
    })
}

/// The place that a command names.
pub(super) fn named(word: &str) -> Option<Target> {
    match word {
        "below" => Some(Target::Below),
        "end" => Some(Target::End),
        _ => None,
    }
}

/// Asks where the text of a job goes, if that is open.
pub(super) async fn settle(shared: &Shared, started: &mut Started) {
    let asked = shared.change(|state| state.ask_for_target(started));
    let Some(mut answered) = asked else {
        return;
    };
    let answer = timeout(PATIENCE, answered.recv()).await;
    let is_end = answer.is_ok_and(|answer| answer.as_deref() == Some(AT_THE_END));
    if is_end {
        started.subject.target = Target::End;
    }
    shared.change(|state| state.take_target(&started.id, is_end));
}

/// A rewrite that adds text beside `span`, with the reader of its reply.
pub(super) fn beside(
    document: &Document,
    span: Span,
    target: Target,
    options: crate::rewrite::Options,
) -> Work {
    let room = Room::beside(document, span, target);
    let rewrite = Rewrite::new(document.text(), Span::new(room.at, room.at), options);
    Work::Rewrite(Box::new((rewrite, Reading::of_lines(&room))))
}

impl State {
    fn ask_for_target(&mut self, started: &Started) -> Option<Receiver<String>> {
        let job = self.jobs.get_mut(&started.id)?;
        let is_open =
            started.subject.target == Target::Below && job.argument.get("target").is_none();
        if !is_open || !self.caps.message_actions {
            return None;
        }
        job.status = Status::Waiting("asks you where the new text goes".to_owned());
        let (answer, answered) = channel(1);
        self.outbox.send(Outgoing::AskForTarget {
            title: job.title.clone(),
            answer,
        });
        Some(answered)
    }

    fn take_target(&mut self, id: &str, is_end: bool) {
        let running = |job: &&mut Job| job.status.is_running();
        let Some(job) = self.jobs.get_mut(id).filter(running) else {
            return;
        };
        job.status = Status::Waiting(format!("waiting for {}", job.model));
        if is_end {
            self.move_to_end(id);
        }
    }

    /// Nothing of the reply has come yet, so nothing is lost.
    fn move_to_end(&mut self, id: &str) {
        let Some(job) = self.jobs.get(id) else {
            return;
        };
        let Some(document) = self.documents.get(&job.uri) else {
            return;
        };
        let options = self.rewrite_options(self.settings(&job.uri));
        let work = beside(document, Span::new(0, 0), Target::End, options);
        if let Some(job) = self.jobs.get_mut(id) {
            job.work = work;
            if let Some(entry) = job.entry.take() {
                self.journal.remove(&entry);
            }
        }
        self.keep_original(id);
    }
}
