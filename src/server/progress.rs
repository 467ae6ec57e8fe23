//! What a job shows of itself while it runs and when it ends: `$/progress`, `ezrouter/job`, `ezrouter/answer`, and at most
//! one message. Everything goes through the outbox; nothing here waits for the client.

use serde_json::json;

use super::ext::{self, AnswerNote, JobNote};
use super::job::{Job, Part, Status};
use super::outbox::{Message, Outgoing};
use super::state::State;
use crate::config::AnswerShow;
use crate::rewrite::Millis;
use crate::text::{hidden, position};

/// Where a job's progress stands at the client.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Progress {
    /// The client shows none, or refused to make a token.
    #[default]
    None,
    /// A token was asked for; nothing may be reported before the client agrees, however late it does.
    Asked {
        /// The outcome of a job that ended in the meantime.
        ended: Option<String>,
    },
    /// It is shown; the last report went out at this moment.
    Shown(Millis),
    /// It has ended.
    Ended,
}

/// The least time between two reports, so that a fast stream does not flood the client.
const REPORT_EVERY: Millis = 200;
/// While nothing comes, the seconds are still counted.
const COUNT_EVERY: Millis = 1_000;

/// The longest error that Neovim shows without waiting for a key, in characters: on a screen of 80 columns 68 are free for
/// a message (the rest is kept for half-typed commands), and it puts `LSP[ezrouter] ` in front. Measured in Neovim 0.11;
/// with 60 characters it still waits.
const NEOVIM_LINE: usize = 50;

impl State {
    /// Asks the client for a progress token, if it has progress.
    pub(super) fn begin_progress(&mut self, id: &str) {
        if self.caps.work_done_progress
            && let Some(job) = self.jobs.get_mut(id)
        {
            job.progress = Progress::Asked { ended: None };
            self.outbox.send(Outgoing::CreateProgress {
                job: id.to_owned(),
                token: token(id),
            });
        }
        self.tell_job(id);
    }

    /// The client has answered the request for a token.
    pub(super) fn progress_created(&mut self, id: &str, agreed: bool) {
        let now = self.now();
        let Some(job) = self.jobs.get_mut(id) else {
            return;
        };
        let Progress::Asked { ended } = std::mem::take(&mut job.progress) else {
            return;
        };
        if !agreed {
            return;
        }
        let begin = json!({
            "kind": "begin", "title": one_line(&job.title), "cancellable": ended.is_none(), "message": describe(job, now),
        });
        self.outbox.send(Outgoing::Progress {
            token: token(id),
            value: begin,
        });
        job.progress = match ended {
            None => Progress::Shown(now),
            Some(message) => {
                self.outbox.send(Outgoing::Progress {
                    token: token(id),
                    value: json!({"kind": "end", "message": message}),
                });
                Progress::Ended
            }
        };
    }

    /// Reports how far a job has come, unless the last report is too recent or the client does not keep up.
    pub(super) fn report(&mut self, id: &str, least: Millis) {
        let now = self.now();
        let Some(job) = self.jobs.get_mut(id) else {
            return;
        };
        if let Progress::Shown(last) = job.progress
            && last + least <= now
            && !self.outbox.is_full()
        {
            job.progress = Progress::Shown(now);
            let value = json!({"kind": "report", "message": describe(job, now)});
            self.outbox.send(Outgoing::Progress {
                token: token(id),
                value,
            });
        }
    }

    /// Reports what a signal of the gateway has brought.
    pub(super) fn report_soon(&mut self, id: &str) {
        self.report(id, REPORT_EVERY);
    }

    /// The next moment at which a running job's seconds are to be counted on.
    pub(super) fn next_report(&self) -> Option<Millis> {
        self.jobs
            .values()
            .filter(|job| job.status.is_running())
            .filter_map(|job| match job.progress {
                Progress::Shown(last) => Some(last + COUNT_EVERY),
                _ => None,
            })
            .min()
    }

    /// Counts the seconds of all running jobs on.
    pub(super) fn report_due(&mut self) {
        let running: Vec<String> = self
            .jobs
            .values()
            .filter(|job| job.status.is_running())
            .map(|job| job.id.clone())
            .collect();
        for id in running {
            self.report(&id, COUNT_EVERY);
        }
    }

    /// Tells the end of a job's generation: progress, then `ezrouter/job`, then at most one message.
    pub(super) fn tell_end(&mut self, id: &str) {
        let now = self.now();
        let Some(job) = self.jobs.get_mut(id) else {
            return;
        };
        let outcome = outcome(job, now);
        job.progress = match std::mem::take(&mut job.progress) {
            Progress::Shown(_) => {
                let value = json!({"kind": "end", "message": outcome});
                self.outbox.send(Outgoing::Progress {
                    token: token(id),
                    value,
                });
                Progress::Ended
            }
            Progress::Asked { .. } => Progress::Asked {
                ended: Some(outcome),
            },
            other => other,
        };
        self.tell_job(id);
        if let Some(message) = self.closing_message(id) {
            self.show(&message);
        }
    }

    /// Sends `ezrouter/job` to a client that declares it.
    pub(super) fn tell_job(&mut self, id: &str) {
        if !self.caps.ext_jobs {
            return;
        }
        // Nobody has asked for one that only brings in what was asked elsewhere.
        let told = |job: &&Job| job.part != Part::Lacking;
        let Some(job) = self.jobs.get(id).filter(told) else {
            return;
        };
        let parked = || job.rewrite().is_some_and(|one| one.parked().is_some());
        let is_parked = job.status == Status::Pending && parked();
        self.outbox.send(Outgoing::Job(JobNote {
            job: job.id.clone(),
            kind: job.kind().into(),
            uri: job.uri.clone(),
            range: self.job_range(job),
            state: job.status.state(),
            parked: is_parked.then_some(true),
            message: job.message.clone(),
            usage: job.told_usage(),
        }));
    }

    /// Sends a piece of an answer to a client that draws it itself.
    pub(super) fn tell_answer(&mut self, id: &str, delta: &str, done: bool) {
        let Some(job) = self.jobs.get(id).filter(|job| self.is_drawn(job)) else {
            return;
        };
        self.outbox.send(Outgoing::Answer(AnswerNote {
            job: job.id.clone(),
            uri: job.uri.clone(),
            range: self.job_range(job),
            delta: delta.to_owned(),
            done,
        }));
    }

    /// Whether the client draws a job's answer itself.
    fn is_drawn(&self, job: &Job) -> bool {
        self.caps.ext_answer && self.settings(&job.uri).answer_show == AnswerShow::Auto
    }

    /// Where a job's text stands; nothing when it is gone or its document is closed.
    pub(super) fn job_range(&self, job: &Job) -> Option<ext::Range> {
        let (document, span) = self.documents.get(&job.uri).zip(job.span())?;
        Some(position::range(document.text(), span, self.caps.encoding).into())
    }

    fn closing_message(&self, id: &str) -> Option<Message> {
        let job = self.jobs.get(id)?;
        match (&job.status, &job.message) {
            (Status::Failed, Some(message)) => {
                Some(Message::error(format!("{} failed: {message}", job.title)))
            }
            (Status::Pending | Status::Cancelled, Some(message)) => {
                Some(Message::warning(format!("{}: {message}", job.title)))
            }
            (Status::Done, None) if job.part == Part::Section || self.is_going_to_page(job) => {
                let text = "Answer ready: it is in the conversation's document";
                Some(Message::info(text.to_owned()))
            }
            (Status::Done, None) if job.answer().is_some() && !self.is_drawn(job) => {
                let range =
                    self.documents
                        .get(&job.uri)
                        .zip(job.span())
                        .map(|(document, span)| {
                            position::range(document.text(), span, self.caps.encoding)
                        })?;
                let (first, last) = (
                    range.start.line + 1,
                    range.end.line + u32::from(0 < range.end.character),
                );
                let lines = if last <= first {
                    format!("line {first}")
                } else {
                    format!("lines {first}-{last}")
                };
                Some(Message::info(format!("Answer ready: hover over {lines}")))
            }
            _ => None,
        }
    }

    /// Shows a message, in the way that the client can bear.
    ///
    /// Neovim without our plugin makes a prompt of every message, which blocks the editor until a key is pressed: there information and
    /// warnings only go to the log (and to the progress), and an error is cut to one short line, the whole in the log. Which
    /// action failed is known there from the progress, so a line that is too long begins with the reason.
    pub(super) fn show(&mut self, message: &Message) {
        let message = message.with_text(one_line(&message.text));
        if !self.caps.is_plain_neovim() {
            self.outbox.send(Outgoing::Show(message));
            return;
        }
        if message.is_error() {
            let short = shorten(reason_first(&message.text, NEOVIM_LINE), NEOVIM_LINE);
            self.outbox.send(Outgoing::Show(message.with_text(short)));
        }
        self.outbox.send(Outgoing::Log(message));
    }
}

/// The progress token of a job.
pub(super) fn token(id: &str) -> String {
    format!("ezrouter/{id}")
}

/// The job that a progress token belongs to.
pub(super) fn job_of_token(token: &str) -> Option<&str> {
    token.strip_prefix("ezrouter/")
}

fn describe(job: &Job, now: Millis) -> String {
    let seconds = job.seconds(now);
    match &job.status {
        Status::Waiting(what) => format!("{what}, {seconds} s"),
        Status::Thinking(since) => format!("thinking, {} s", now.saturating_sub(*since) / 1000),
        Status::Streaming => {
            // Until the gateway has counted the whole, a token is taken to be four bytes.
            let counted = job.usage.filter(|usage| !usage.estimated);
            let tokens = counted.map_or(job.raw.len() as u64 / 4, |usage| usage.output);
            format!("~{tokens} tokens, {seconds} s")
        }
        other => other.word().to_owned(),
    }
}

fn outcome(job: &Job, now: Millis) -> String {
    let usage = job.footer(now);
    let message = job.message.as_deref().map(one_line);
    match (&job.status, message) {
        (Status::Failed, Some(message)) => format!("failed: {message} ({usage})"),
        (Status::Failed, None) => format!("failed ({usage})"),
        (Status::Cancelled, Some(message)) => format!("cancelled: {message} ({usage})"),
        (Status::Cancelled, None) => format!("cancelled ({usage})"),
        (_, Some(message)) => format!("done: {message} ({usage})"),
        (_, None) => format!("done ({usage})"),
    }
}

fn one_line(text: &str) -> String {
    // What the gateway, a model or a file has said may stand in it.
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    // VS Code makes a link of `[text](target)` in a message and in progress, also to one of its commands.
    hidden::visible(&words).replace("](", "] (")
}

/// What failed and why, or only why where both are longer than `characters`.
fn reason_first(text: &str, characters: usize) -> &str {
    match text.split_once(" failed: ") {
        Some((_, reason)) if characters < text.chars().count() => reason,
        _ => text,
    }
}

fn shorten(text: &str, characters: usize) -> String {
    if text.chars().count() <= characters {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(characters - 1).collect();
    short.push('…');
    short
}
