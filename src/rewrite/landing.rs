//! What came of an edit: landed, refused, dropped, undone, or unknown. Changes of the document decide; answers and time
//! only say when to stop waiting for one.

use ropey::Rope;

use super::flight::Judgement;
use super::region::Touch;
use super::timing::{
    DROP_GRACE, DROPS, ECHO, EXPLAINED_REFUSALS, Millis, PROMPT_ECHO, REFUSALS, REPLY, RETRY,
    REWIND_GAP, SILENT_REPLY,
};
use super::{Command, Guard, Now, Pace, Rewrite, Stage};
use crate::text::document::Batch;

impl Rewrite {
    /// Follows a change of the document; says whether it holds anything that this server did not write.
    pub(super) fn follow(&mut self, now: Now, batch: &Batch, own_elsewhere: bool) -> bool {
        self.last_change = Some(now.millis);
        self.trouble.retry = None;
        let differs = !(batch.hull.old.is_empty() && batch.hull.new.is_empty());
        let judgement = self.flight.as_ref().map(|flight| flight.judge(batch));
        if !matches!(judgement, Some(Judgement::Landed { .. })) {
            self.follow_stray(batch);
        }
        let (touch, foreign) = match judgement {
            Some(Judgement::Landed { predicted, rest }) => {
                let touch = self.land(now, batch, &predicted, rest);
                (touch, rest.is_some())
            }
            Some(Judgement::Strayed { stray, without }) => {
                self.went_astray(batch, stray, &without);
                (Touch::Outside, true)
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
                let touch = self.region.carry(&batch.before, &batch.after, batch.hull);
                if let Some(flight) = &mut self.flight {
                    flight.carry(batch, self.region.span);
                    flight.changed.get_or_insert(now.millis);
                    flight.explained |= !own_elsewhere;
                }
                (touch, !own_elsewhere)
            }
            None if differs => (
                self.region.carry(&batch.before, &batch.after, batch.hull),
                !own_elsewhere,
            ),
            None => (Touch::Outside, false),
        };
        self.take_in(now, batch, touch, foreign);
        foreign
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
            if touch == Touch::Inside {
                self.user_changed_region(now, &batch.after);
            }
        }
    }

    fn land(
        &mut self,
        now: Now,
        batch: &Batch,
        predicted: &Rope,
        rest: Option<crate::text::document::Hull>,
    ) -> Touch {
        let Some(flight) = self.flight.take() else {
            return Touch::Outside;
        };
        if self.is_sweeping(&flight) {
            self.stray = None;
            return self.region.carry(&batch.before, &batch.after, batch.hull);
        }
        self.region = flight.region_after(&self.region, &batch.before);
        let touch = rest.map_or(Touch::Outside, |rest| {
            self.region.carry(predicted, &batch.after, rest)
        });
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
        if touch == Touch::Inside && self.options.guard == Guard::Nothing {
            // The client cannot tell an edit for an older text from one for this, so the text may stand in the wrong place.
            self.park(
                "the text changed just as the editor applied the result, which may now stand in the wrong place; \
                 undo once to take it out"
                    .to_owned(),
            );
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
            _ => {}
        }
    }

    /// Somebody changed text inside the region.
    fn user_changed_region(&mut self, now: Now, text: &Rope) {
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
            Stage::Streaming | Stage::Closing { .. } => {
                if self.region.span.is_empty() || self.region.lost_our_text(text) {
                    self.begin_undo(now);
                } else if !self.region.waits_untouched(text) {
                    self.park("you changed text that was still to be replaced".to_owned());
                }
            }
            Stage::Pending { ref parked, .. } => {
                // A parked result may also be applied by hand, by an action that carries the edit itself.
                let over = match parked {
                    None => self.region.is_original(text),
                    Some(_) => self.region.read(text) == self.reply.total,
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
        self.flight = None;
        self.trouble.drops += 1;
        self.trouble.careful = true;
        if DROPS <= self.trouble.drops {
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
