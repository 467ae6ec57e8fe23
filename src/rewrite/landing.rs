//! What came of an edit: landed, refused, dropped, undone, or unknown. Changes of the document decide; answers and time
//! only say when to stop waiting for one.

use ropey::Rope;

use super::flight::Judgement;
use super::region::Touch;
use super::timing::{
    DROP_GRACE, DROPS, ECHO, EXPLAINED_REFUSALS, Millis, PROMPT_ECHO, REFUSALS, REPLY, RETRY,
    REWIND_GAP, SILENT_REPLY,
};
use super::{Command, Delivery, Guard, Now, Pace, Rewrite, Stage};
use crate::text::anchor::Replacement;
use crate::text::document::Batch;

/// Why a result is parked that a client without a version guard has applied to a text that changed under it.
const BESIDE: &str = "the text changed just as the editor applied the result, which may now stand in the wrong place; \
                      undo once to take it out";

impl Rewrite {
    /// Follows a change of the document; says whether it holds anything that this server did not write.
    pub(super) fn follow(&mut self, now: Now, batch: &Batch, own_elsewhere: bool) -> bool {
        self.last_change = Some(now.millis);
        self.trouble.retry = None;
        self.flight.take_if(|flight| flight.is_nothing());
        let differs = !(batch.hull.old.is_empty() && batch.hull.new.is_empty());
        let judgement = self.flight.as_ref().map(|it| it.judge(batch));
        if !matches!(judgement, Some(Judgement::Landed { .. })) {
            self.follow_stray(batch);
        }
        let (touch, foreign) = match judgement {
            Some(Judgement::Landed { others }) => {
                let touch = self.land(now, batch, &others);
                (touch, !others.is_empty())
            }
            Some(Judgement::Partly { rest }) => {
                self.region.land_partly(batch);
                if let Some(flight) = &mut self.flight {
                    flight.edits = rest;
                }
                (Touch::Outside, false)
            }
            Some(Judgement::Strayed { stray, without }) => {
                let touch = self.went_astray(batch, stray, &without);
                (touch, true)
            }
            Some(Judgement::Undone) => {
                self.region.carry(&batch.before, &batch.after, batch.hull);
                self.undone_at_once(now);
                (Touch::Outside, true)
            }
            Some(Judgement::Unchanged) => {
                // The version moved and the text did not: a client that reports changes late hides an undo so.
                if self
                    .flight
                    .as_ref()
                    .is_some_and(|flight| flight.confirmed.is_some())
                {
                    self.undone_at_once(now);
                }
                (Touch::Outside, false)
            }
            Some(Judgement::Absent) => {
                let touch = self.carry_region(batch, own_elsewhere);
                if let Some(flight) = &mut self.flight {
                    flight.carry(batch, self.region.span);
                    flight.changed.get_or_insert(now.millis);
                    flight.explained |= !own_elsewhere;
                }
                (touch, !own_elsewhere)
            }
            None if differs => (self.carry_region(batch, own_elsewhere), !own_elsewhere),
            None => (Touch::Outside, false),
        };
        self.take_in(now, batch, touch, foreign);
        foreign
    }

    fn carry_region(&mut self, batch: &Batch, own_elsewhere: bool) -> Touch {
        let Batch {
            before,
            after,
            hull,
            ..
        } = batch;
        if own_elsewhere {
            self.region.carry_along(before, after, *hull)
        } else {
            self.region.carry(before, after, *hull)
        }
    }

    /// What follows from a change, whoever made it.
    fn take_in(&mut self, now: Now, batch: &Batch, touch: Touch, foreign: bool) {
        if self.trouble.blind {
            self.trouble.blind = false;
            self.flight = None;
        }
        if foreign {
            self.last_foreign = Some(now.millis);
            self.explain_refusal(now);
            if touch != Touch::Outside {
                self.user_changed_region(now, &batch.after, touch);
            }
        }
    }

    fn land(&mut self, now: Now, batch: &Batch, others: &[Replacement]) -> Touch {
        let Some(flight) = self.flight.take() else {
            return Touch::Outside;
        };
        if self.is_sweeping(&flight) {
            self.stray = None;
            return self.region.carry(&batch.before, &batch.after, batch.hull);
        }
        self.region = flight.region_after(&self.region, &batch.before);
        let touch = self.region.carry_through(others);
        self.landed += 1;
        self.trouble = super::Trouble {
            careful: self.trouble.careful,
            ..Default::default()
        };
        if self.options.pace == Pace::Unknown {
            let heard = flight.heard.unwrap_or(now.millis);
            self.options.pace = if now.millis <= heard + PROMPT_ECHO {
                Pace::Prompt
            } else {
                Pace::Late
            };
            self.commands.push(Command::Learned(self.options.pace));
        }
        let near = touch == Touch::Inside
            || others
                .iter()
                .any(|change| self.region.is_abutted(change.new));
        if near && self.options.guard == Guard::Nothing {
            // The client cannot tell an edit for an older text from one for this, so the text may stand in the wrong place.
            // A change at the very edge counts too: it may be what an edit that was a character too short has left.
            self.park(BESIDE.to_owned());
        }
        if self.stage == Stage::Rewinding {
            self.stage = Stage::Gap {
                until: now.millis + REWIND_GAP,
            };
        }
        touch
    }

    fn undone_at_once(&mut self, now: Now) {
        self.flight = None;
        match self.stage {
            Stage::Streaming | Stage::Closing { .. } => self.begin_undo(now),
            Stage::Rewinding | Stage::Gap { .. } | Stage::Committing => {
                self.park(
                    "the text was changed while the result was being put in place".to_owned(),
                );
            }
            Stage::RejectingHunk { .. } => self.keep_hunk("you took that back".to_owned()),
            _ => {}
        }
    }

    /// Somebody changed text inside the region.
    fn user_changed_region(&mut self, now: Now, text: &Rope, touch: Touch) {
        if self.stage == Stage::Rewinding && self.flight.is_none() {
            // The rewind has not left yet, or was refused: what the user changed decides whether it still may.
            self.stage = Stage::Closing { since: now.millis };
        }
        match self.stage {
            Stage::Rewinding | Stage::Gap { .. } | Stage::Committing => {
                self.park(
                    "the text was changed while the result was being put in place".to_owned(),
                );
            }
            Stage::Streaming | Stage::Closing { .. }
                if self.flight.is_some() && self.options.guard == Guard::Nothing =>
            {
                // It may hold our edit in pieces that nobody can tell from what somebody did.
                self.park(BESIDE.to_owned());
            }
            Stage::Streaming | Stage::Closing { .. } => {
                let undone = touch == Touch::Undone || self.region.lost_our_text(text);
                if self.region.span.is_empty() || undone {
                    self.begin_undo(now);
                } else if !self.region.waits_untouched(text) {
                    self.park(super::CHANGED_WHAT_WAITED.to_owned());
                }
            }
            Stage::Pending { ref parked, .. } => {
                // A parked result may also be applied by hand, by an action that carries the edit itself.
                let over = match parked {
                    None => self.region.is_original(text),
                    Some(_) => self.region.starts(text, &self.reply.total),
                };
                let gone = self.region.span.is_empty() || over;
                if gone {
                    self.settle(super::Outcome::Done);
                }
            }
            _ => {}
        }
    }

    /// Takes the client's answer to an edit. `true` proves nothing; `false` means that the edit is to be sent again.
    pub(super) fn answered(&mut self, now: Now, seq: u64, applied: bool) {
        let Some(flight) = self.flight.as_mut().filter(|flight| flight.seq == seq) else {
            return;
        };
        if applied {
            flight.confirmed.get_or_insert(now.millis);
            return;
        }
        let changed = flight.changed.is_some();
        let explained = flight.explained;
        self.flight = None;
        self.trouble.blind = false;
        self.trouble.careful = true;
        self.trouble.retry = (!changed).then_some(now.millis + RETRY);
        self.trouble.refusals += 1;
        if explained {
            self.explain_refusal(now);
        }
        let worn_out = self
            .trouble
            .explained_since
            .is_some_and(|since| since + EXPLAINED_REFUSALS <= now.millis);
        if REFUSALS <= self.trouble.refusals || worn_out {
            self.hopeless(
                now,
                "the editor refused the edit again and again".to_owned(),
            );
        }
    }

    /// The client that joined this job's edits cannot any more: from here on it is rewind and commit that makes them one undo
    /// step. An edit that was not applied for that reason is no refusal: what is to be done instead follows at once.
    pub(super) fn parted(&mut self, seq: u64, applied: bool) {
        if self.options.delivery == Delivery::StreamJoined {
            self.options.delivery = Delivery::Stream;
            if !applied && self.flight.as_ref().is_some_and(|one| one.seq == seq) {
                self.flight = None;
            }
        }
    }

    fn explain_refusal(&mut self, now: Now) {
        if self.trouble.refusals != 0 {
            self.trouble.refusals = 0;
            self.trouble.explained_since.get_or_insert(now.millis);
        }
    }

    /// The client has said something.
    pub(super) fn heard(&mut self, now: Now) {
        if let Some(flight) = &mut self.flight {
            flight.heard.get_or_insert(now.millis);
        }
    }

    /// Looks after the edit under way: the moment until which to wait for it, or `None` when there is none any more.
    pub(super) fn watch_flight(&mut self, now: Now) -> Option<Millis> {
        let flight = self.flight.as_ref()?;
        if self.trouble.blind {
            return None;
        }
        let (deadline, dropped) = match (flight.confirmed, flight.changed) {
            (Some(confirmed), Some(changed)) => (confirmed.max(changed) + DROP_GRACE, true),
            (Some(confirmed), None) => (confirmed + ECHO, false),
            (None, _) if flight.heard.is_some() => (flight.sent + REPLY, false),
            (None, _) => (flight.sent + SILENT_REPLY, false),
        };
        if now.millis < deadline {
            return Some(deadline);
        }
        if dropped {
            self.dropped(now);
        } else {
            self.trouble.blind = true;
            self.hopeless(now, "the editor did not confirm an edit".to_owned());
        }
        None
    }

    fn dropped(&mut self, now: Now) {
        let unguarded = self.flight.take().is_some_and(|it| it.is_unguarded());
        self.trouble.drops += 1;
        self.trouble.careful = true;
        if unguarded || self.options.guard == Guard::Nothing {
            // Such an edit is never dropped: what the client says it has applied stands somewhere, and nobody can say where.
            self.hopeless(now, BESIDE.to_owned());
        } else if DROPS <= self.trouble.drops {
            self.hopeless(now, "the editor dropped an edit twice".to_owned());
        } else if self.last_foreign != Some(now.millis)
            && self
                .last_change
                .is_some_and(|change| now.millis < change + 2 * DROP_GRACE)
        {
            // Somebody is typing: the moment right behind the next change is the safe one.
            self.trouble.retry = Some(now.millis + RETRY);
        }
    }
}
