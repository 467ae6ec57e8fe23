//! How a rewrite ends: cancel, failure, rejection, an undo in mid-stream, a closed or unknown document, parking. All of
//! them restore by the same routine: what still stands as written is taken back, what the user changed stays.

use ropey::Rope;

use super::{Command, Now, Outcome, Rewrite, Stage};
use crate::text::diff::{self, Revert};

impl Rewrite {
    /// The edits, in bytes of the region, that turn what this rewrite wrote into `target` and leave what the user changed.
    pub(super) fn revert_to(&self, target: &str, text: &Rope) -> Revert {
        if self.region.lost {
            return Revert::default();
        }
        diff::revert(target, &self.region.expected(), &self.region.read(text))
    }

    /// No more edits of its own accord: the document stays as it is and the reply is read to its end.
    pub(super) fn park(&mut self, reason: String) {
        self.stage = Stage::Parked { reason };
    }

    /// The client does not take the edit: what that means depends on what the edit was for.
    pub(super) fn hopeless(&mut self, now: Now, reason: String) {
        self.stray = None;
        match &self.stage {
            Stage::Restoring { outcome, .. } if self.trouble.blind => {
                self.stage = Stage::Restoring {
                    outcome: outcome.clone(),
                    since: now.millis,
                };
            }
            Stage::Undone { .. } if self.trouble.blind => {
                self.stage = Stage::Restoring {
                    outcome: Outcome::Cancelled,
                    since: now.millis,
                };
            }
            Stage::Restoring { .. } | Stage::Applying => self.give_up(reason),
            Stage::RejectingHunk { .. } => self.keep_hunk(reason),
            Stage::Undone { .. } | Stage::Pending { .. } | Stage::Parked { .. } | Stage::Over => {}
            _ => self.park(reason),
        }
    }

    /// An edit that the user asked for cannot be made: the result stays pending, with the reason.
    pub(super) fn give_up(&mut self, reason: String) {
        let applicable = self.reply.complete;
        if self.told {
            self.commands.push(Command::Refused(reason.clone()));
        }
        self.await_verdict(Some(reason), applicable);
    }

    /// Waits for the user; told to the world only the first time.
    pub(super) fn await_verdict(&mut self, parked: Option<String>, applicable: bool) {
        self.stage = Stage::Pending {
            parked: parked.clone(),
            applicable,
        };
        if !self.told {
            self.told = true;
            self.commands
                .push(Command::Settled(Outcome::Pending { parked }));
        }
    }

    /// Ends the generation, or the pending state behind it.
    pub(super) fn settle(&mut self, outcome: Outcome) {
        if let Outcome::Pending { parked } = outcome {
            self.await_verdict(parked, true);
            return;
        }
        if self.stage != Stage::Over {
            self.stage = Stage::Over;
            self.flight = None;
            self.commands.push(Command::Settled(outcome));
        }
    }

    pub(super) fn cancel(&mut self, now: Now) {
        match self.stage {
            Stage::Pending { .. }
            | Stage::Applying
            | Stage::RejectingHunk { .. }
            | Stage::Over
            | Stage::Undone { .. }
            | Stage::Restoring { .. } => {}
            _ => {
                self.commands.push(Command::Disconnect);
                self.stage = Stage::Restoring {
                    outcome: Outcome::Cancelled,
                    since: now.millis,
                };
            }
        }
    }

    pub(super) fn fail(&mut self, now: Now, reason: String) {
        // A result that waits to be shown first has nothing to show if nothing came.
        let nothing_came = self.landed == 0 && self.reply.total.is_empty();
        match self.stage {
            Stage::Parked { .. } if !nothing_came => self.reply.broken = Some(reason),
            Stage::Streaming | Stage::Parked { .. } => {
                self.stage = Stage::Restoring {
                    outcome: Outcome::Failed(reason),
                    since: now.millis,
                }
            }
            _ => {}
        }
    }

    /// An answer cut at a limit is never committed; what there is of it may be applied at the user's word.
    pub(super) fn cut_short(&mut self, reason: String) {
        match &self.stage {
            Stage::Parked { reason: earlier } => {
                let reason = format!("{earlier}; {reason}");
                self.reply.complete = true;
                self.park(reason);
            }
            Stage::Streaming => {
                self.reply.complete = true;
                self.park(reason);
            }
            _ => {}
        }
    }

    /// What the reply holds is for the user to judge: nothing more of it is put in place without a word.
    pub(super) fn doubt(&mut self, reason: String) {
        match &self.stage {
            Stage::Parked { reason: earlier } => self.park(format!("{earlier}; {reason}")),
            Stage::Streaming => self.park(reason),
            _ => {}
        }
    }

    /// The user undid our text: stop, and let the undo settle.
    pub(super) fn begin_undo(&mut self, now: Now) {
        self.commands.push(Command::Disconnect);
        self.stage = Stage::Undone { since: now.millis };
    }

    pub(super) fn accept(&mut self) {
        if self.is_pending() {
            self.settle(Outcome::Done);
        }
    }

    pub(super) fn reject(&mut self, now: Now) {
        if self.is_pending() {
            self.stage = Stage::Restoring {
                outcome: Outcome::Cancelled,
                since: now.millis,
            };
        }
    }

    pub(super) fn apply(&mut self) {
        if matches!(
            self.stage,
            Stage::Pending {
                parked: Some(_),
                applicable: true
            }
        ) {
            self.stage = Stage::Applying;
        }
    }

    pub(super) fn close(&mut self, now: Now) {
        self.closed.get_or_insert(now.millis);
    }

    /// The document's text is not known any more: nothing may be sent into it.
    pub(super) fn lose_sight(&mut self) {
        self.adrift = true;
        self.flight = None;
        match &self.stage {
            Stage::Restoring { outcome, .. } => {
                let outcome = outcome.clone();
                self.settle(outcome);
            }
            Stage::Undone { .. } => self.settle(Outcome::Cancelled),
            Stage::Applying => {
                self.give_up("the document is out of step with the editor".to_owned());
            }
            Stage::RejectingHunk { .. } => {
                self.keep_hunk("the document is out of step with the editor".to_owned());
            }
            Stage::Pending { .. } | Stage::Parked { .. } | Stage::Over => {}
            _ => self.park(
                "the document is out of step with the editor; close and reopen the file".to_owned(),
            ),
        }
    }
}
