//! What the gateway's signals do to a job: text goes to the rewrite or the answer, the end settles it, and a complete
//! reply becomes a turn of the conversation.

use super::job::{Status, Work};
use super::record;
use super::state::State;
use crate::answer;
use crate::gateway::signal::{Finish, Signal};
use crate::reply::Rejected;
use crate::rewrite::{Event, Millis};

/// No model answers with so many bytes; a gateway that goes on beyond them is broken or hostile.
const LONGEST_ANSWER: usize = 4 << 20;

impl State {
    /// Takes one signal of a job's request.
    pub(super) fn signal(&mut self, id: &str, signal: Signal) {
        let now = self.now();
        let Some(job) = self.jobs.get_mut(id) else {
            return;
        };
        let model = job.model.clone();
        match signal {
            Signal::Attempt { number: 1, .. } => self.wait_for(id, format!("waiting for {model}")),
            Signal::Attempt { number, of } => {
                self.wait_for(id, format!("waiting for {model}, attempt {number} of {of}"));
            }
            Signal::Retry {
                seconds,
                next,
                of,
                reason,
            } => {
                self.wait_for(
                    id,
                    format!("retrying in {seconds:.0} s, attempt {next} of {of}: {reason}"),
                );
            }
            Signal::Key { source } => self.wait_for(id, format!("waiting for the {source}")),
            Signal::Started { request_id } => job.request_id = request_id,
            Signal::Thinking { .. } => {
                if let Status::Waiting(_) = job.status {
                    self.now_thinking(id, now);
                }
                self.report_soon(id);
            }
            Signal::Text(text) => {
                job.raw.push_str(&text);
                if LONGEST_ANSWER < job.raw.len() {
                    job.disconnect.notify_one();
                    return self.fail(id, "the answer does not end; it was stopped".to_owned());
                }
                self.now_streaming(id);
                self.take_text(id, &text);
                self.report_soon(id);
            }
            Signal::Usage(usage) => job.usage = Some(usage),
            Signal::End(Ok(Finish::Complete)) => self.complete(id),
            Signal::End(Ok(Finish::Length)) => self.cut(id),
            Signal::End(Ok(Finish::Refused)) => {
                self.fail(id, "the model or a filter refused to answer".to_owned());
            }
            Signal::End(Ok(Finish::Other(reason))) => {
                self.fail(id, format!("the model stopped early ({reason}); try again"));
            }
            Signal::End(Err(failure)) => {
                if let Some(request_id) = &failure.request_id {
                    job.request_id = Some(request_id.clone());
                }
                record::failed(id, &failure);
                self.fail(id, failure.to_string());
            }
        }
    }

    fn wait_for(&mut self, id: &str, what: String) {
        let Some(job) = self.jobs.get_mut(id).filter(|job| job.status.is_running()) else {
            return;
        };
        if let Work::Ask(answer) = &mut job.work {
            answer.stage = answer::Stage::Waiting(what.clone());
        }
        job.status = Status::Waiting(what);
        self.report(id, 0);
    }

    fn now_thinking(&mut self, id: &str, now: Millis) {
        let Some(job) = self.jobs.get_mut(id) else {
            return;
        };
        if let Work::Ask(answer) = &mut job.work {
            answer.stage = answer::Stage::Waiting("thinking".to_owned());
        }
        job.status = Status::Thinking(now);
        self.tell_job(id);
        self.report(id, 0);
    }

    fn now_streaming(&mut self, id: &str) {
        let Some(job) = self.jobs.get_mut(id) else {
            return;
        };
        if job.status.is_running() && job.status != Status::Streaming {
            job.status = Status::Streaming;
            self.tell_job(id);
        }
    }

    fn take_text(&mut self, id: &str, text: &str) {
        let Some(job) = self.jobs.get_mut(id) else {
            return;
        };
        match &mut job.work {
            Work::Ask(answer) => {
                let drawn = answer.push(text);
                self.tell_answer(id, &drawn, false);
            }
            Work::Rewrite(work) => {
                let piece = work.1.push(text);
                if let Some(doubt) = work.1.new_doubt() {
                    self.step_rewrite(id, Event::Doubtful(doubt));
                }
                self.bring_in(id, piece);
            }
            Work::Page(work) => {
                let piece = work.1.push(text);
                self.bring_in(id, piece);
            }
        }
    }

    /// More text goes into the document.
    pub(super) fn bring_in(&mut self, id: &str, piece: String) {
        if !piece.is_empty() {
            self.keep_reply(id, &piece, false);
            self.step_rewrite(id, Event::Text(piece));
        }
    }

    fn complete(&mut self, id: &str) {
        let Some(job) = self.jobs.get_mut(id) else {
            return;
        };
        match &mut job.work {
            Work::Ask(answer) => {
                let rest = answer.end(answer::Stage::Done);
                self.remember(id);
                self.tell_answer(id, &rest, true);
                self.settle(id, Status::Done, None);
            }
            Work::Rewrite(work) => {
                let finished = work.1.finish();
                let doubt = work.1.new_doubt();
                match finished {
                    Ok(rest) => {
                        self.remember(id);
                        if let Some(doubt) = doubt {
                            self.step_rewrite(id, Event::Doubtful(doubt));
                        }
                        self.keep_reply(id, &rest, true);
                        self.step_rewrite(id, Event::Complete(rest));
                    }
                    Err(rejected @ (Rejected::Empty | Rejected::Words(_))) => {
                        self.fail(
                            id,
                            format!("{rejected}; try again, or with another instruction"),
                        );
                    }
                    Err(rejected) => self.fail(id, rejected.to_string()),
                }
            }
            Work::Page(_) => self.complete_page(id),
        }
    }

    fn cut(&mut self, id: &str) {
        let Some(uri) = self.jobs.get(id).map(|job| job.uri.clone()) else {
            return;
        };
        let limit = self.settings(&uri).max_output_tokens;
        let reason = format!(
            "the answer was cut off after {limit} tokens (max_output_tokens); select less, or raise the limit"
        );
        let Some(job) = self.jobs.get_mut(id) else {
            return;
        };
        if let Work::Page(_) = job.work {
            return self.cut_page(id, reason);
        }
        if let Work::Rewrite(work) = &mut job.work
            && let Ok(rest) = work.1.finish()
        {
            if let Some(doubt) = work.1.new_doubt() {
                self.step_rewrite(id, Event::Doubtful(doubt));
            }
            // Parked first: the last text of a cut answer is kept, not sent.
            self.step_rewrite(id, Event::Incomplete(reason));
            self.step_rewrite(id, Event::Text(rest));
            return;
        }
        self.fail(id, reason);
    }

    /// Ends a job that went wrong: an answer keeps what came, a rewrite gives the original back.
    pub(super) fn fail(&mut self, id: &str, reason: String) {
        let Some(job) = self.jobs.get_mut(id) else {
            return;
        };
        match &mut job.work {
            Work::Ask(answer) => {
                let rest = answer.end(answer::Stage::Stopped(reason.clone()));
                self.tell_answer(id, &rest, true);
                self.settle(id, Status::Failed, Some(reason));
            }
            Work::Rewrite(_) | Work::Page(_) => self.step_rewrite(id, Event::Failed(reason)),
        }
    }
}
