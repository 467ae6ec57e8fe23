//! What a rewrite does next in each of its stages: which edit it sends, or what it waits for. Judging what came of an
//! edit is `landing`'s work, the endings are `ending`'s.

use ropey::Rope;

use super::flight::{Flight, Stroke};
use super::region::Border;
use super::timing::{
    BUFFER_PATIENCE, Millis, PACE, QUIET, RELOAD, RETRY, REWIND_PATIENCE, TYPING, UNDO_SETTLE,
};
use super::{Command, Delivery, Guard, Now, Outcome, Pace, Phase, Review, Rewrite, Stage};
use crate::text::diff;
use crate::text::diff::stream::End;

/// The next step of a stage.
pub(super) enum Move {
    Send(Phase, Stroke),
    /// Go on at this moment, or at the next event.
    Wait(Millis),
    /// Go on at the next event.
    Idle,
    /// The stage changed: look again.
    Again,
}

impl Rewrite {
    /// Lets the machine go as far as it can, and tells what it wants of the world.
    pub(super) fn advance(&mut self, now: Now, text: &Rope) -> Vec<Command> {
        self.wake = None;
        if let Some(closed) = self.closed {
            self.sleep_while_closed(now, closed);
            return std::mem::take(&mut self.commands);
        }
        loop {
            if let Some(deadline) = self.watch_flight(now) {
                self.wake = Some(deadline);
                break;
            }
            match self.next_move(now, text) {
                Move::Again => {}
                Move::Idle => break,
                Move::Wait(until) => {
                    self.wake = Some(until);
                    break;
                }
                Move::Send(phase, stroke) => {
                    self.send(now, text, phase, stroke);
                }
            }
        }
        std::mem::take(&mut self.commands)
    }

    fn sleep_while_closed(&mut self, now: Now, closed: Millis) {
        if self.stage == Stage::Over {
            return;
        }
        let until = closed + RELOAD;
        if now.millis < until {
            self.wake = Some(until);
            return;
        }
        let outcome = if self.is_generating() {
            Outcome::Cancelled
        } else {
            Outcome::Done
        };
        self.flight = None;
        self.commands.push(Command::Disconnect);
        self.settle(outcome);
    }

    fn next_move(&mut self, now: Now, text: &Rope) -> Move {
        if self.stage != Stage::Over
            && !self.adrift
            && let Some(sweep) = self.sweep(now)
        {
            return sweep;
        }
        match self.stage.clone() {
            Stage::Streaming => self.stream(now, text),
            Stage::Closing { since } => self.finish(now, text, since),
            Stage::Rewinding => self.rewind(now, text),
            Stage::Gap { until } => self.wait_in_gap(now, text, until),
            Stage::Committing => self.commit(now, text),
            Stage::Undone { since } => self.settle_undo(now, text, since),
            Stage::Restoring { outcome, since } => self.restore(now, text, outcome, since),
            Stage::Parked { reason } => self.read_to_the_end(reason),
            Stage::Applying => self.apply_rest(now, text),
            Stage::RejectingHunk { number, written } => {
                self.take_hunk_back(now, text, number, written)
            }
            Stage::Pending { .. } | Stage::Over => Move::Idle,
        }
    }

    fn send(&mut self, now: Now, text: &Rope, phase: Phase, stroke: Stroke) {
        let stroke = self.guarded(now, stroke);
        let seq = self.next_seq;
        self.next_seq += 1;
        self.last_sent = Some(now.millis);
        self.trouble.retry = None;
        self.commands.push(Command::Send {
            seq,
            phase,
            edits: stroke.edits.clone(),
        });
        let unguarded = self.unguarded(now, text, &stroke.edits);
        self.flight = Some(Flight::new(seq, stroke, now.millis, unguarded));
    }

    /// Whether an edit must wait, and until when: for the turn, after a refusal, or, once the client has refused or
    /// dropped an edit, for the change that somebody's typing will bring. Neovim drops an edit whenever it holds a key
    /// press that it has not reported yet, and it reports after 150 ms: right behind a report it holds none.
    pub(super) fn held_back(&self, now: Now) -> Option<Move> {
        if !now.turn {
            return Some(Move::Idle);
        }
        if let Some(retry) = self.trouble.retry.filter(|&retry| now.millis < retry) {
            return Some(Move::Wait(retry));
        }
        if self.trouble.careful && self.last_foreign != Some(now.millis) {
            let calm = self.last_foreign? + RETRY;
            return (now.millis < calm).then_some(Move::Wait(calm));
        }
        None
    }

    fn stream(&mut self, now: Now, text: &Rope) -> Move {
        if self.reply.complete {
            self.stage = Stage::Closing { since: now.millis };
            return Move::Again;
        }
        if self.region.ours.len() == self.reply.total.len() || !self.streams() {
            return Move::Idle;
        }
        if let Some(held) = self.held_back(now) {
            return held;
        }
        if let Some(next) = self
            .last_sent
            .map(|sent| sent + PACE)
            .filter(|&next| now.millis < next)
        {
            return Move::Wait(next);
        }
        let phase = if self.landed == 0 {
            Phase::First
        } else {
            Phase::Next
        };
        self.grow(now, End::Open)
            .map_or(Move::Idle, |stroke| self.send_grown(text, phase, stroke))
    }

    /// Sends an edit that was made from what should wait, not from what stands there, if that is the same.
    fn send_grown(&mut self, text: &Rope, phase: Phase, stroke: Stroke) -> Move {
        if self.region.takes_what_waits(text, &stroke.edits) {
            return Move::Send(phase, stroke);
        }
        self.park(super::CHANGED_WHAT_WAITED.to_owned());
        Move::Again
    }

    fn streams(&self) -> bool {
        matches!(
            self.options.delivery,
            Delivery::Stream | Delivery::StreamJoined
        ) && self.options.pace != Pace::Late
    }

    /// The reply is complete: brings its last text into the document.
    fn finish(&mut self, now: Now, text: &Rope, since: Millis) -> Move {
        let as_written = self.region.is_as_written(text);
        let joined = self.options.delivery == Delivery::StreamJoined;
        if self.landed == 0 && self.reply.total == self.region.original {
            return self.complete();
        }
        // With nothing landed and nothing changed one smallest edit does; else only what is still to come goes in.
        let fresh = self.landed == 0 && as_written;
        let rest = if fresh {
            None
        } else {
            self.grow(now, End::Closed)
        };
        let single = self.landed <= 1 || joined || !as_written;
        if !fresh && rest.is_none() && single {
            return self.complete();
        }
        if let Some(wait) = self.wait_for_pause(now, since) {
            return wait;
        }
        if let Some(held) = self.held_back(now) {
            return held;
        }
        if fresh && self.is_unguarded(now) {
            return Move::Send(Phase::First, self.insert());
        }
        if fresh {
            return self.replace(
                text,
                Phase::Last,
                self.reply.total.clone(),
                Border::AllWritten,
            );
        }
        if let Some(rest) = rest.filter(|_| joined || !as_written) {
            return self.send_grown(text, Phase::Last, rest);
        }
        self.stage = Stage::Rewinding;
        Move::Again
    }

    /// Before the last edit of a client that is late, and before a rewind while somebody types, wait for a pause.
    fn wait_for_pause(&mut self, now: Now, since: Millis) -> Option<Move> {
        if !self.streams() {
            // A client without a version guard may hold key presses that it has not told (Eglot: for half a second), so the
            // pause must lie behind the end of the reply. Another refuses the edit then.
            let calm_since = match self.options.guard {
                Guard::Versions | Guard::FromFirstChange => self.last_change,
                Guard::Nothing => Some(self.last_change.unwrap_or(since).max(since)),
            };
            let quiet = calm_since.map_or(0, |calm| calm + QUIET);
            if quiet <= now.millis {
                return None;
            }
            if since + BUFFER_PATIENCE <= now.millis {
                self.park("there was no pause in the typing to apply the result in".to_owned());
                return Some(Move::Again);
            }
            return Some(Move::Wait(quiet.min(since + BUFFER_PATIENCE)));
        }
        let foreign = self.last_foreign?;
        let typing = self.landed != 0
            && now.millis < foreign + TYPING
            && now.millis < since + REWIND_PATIENCE;
        let pause = foreign + QUIET;
        (typing && now.millis < pause).then(|| Move::Wait(pause.min(since + REWIND_PATIENCE)))
    }

    /// Makes the whole region read `goal`, in the smallest edits.
    fn replace(&mut self, text: &Rope, phase: Phase, goal: String, border: Border) -> Move {
        let edits = self
            .region
            .place(diff::edits(&self.region.read(text), &goal));
        if edits.is_empty() {
            return Move::Idle;
        }
        let (ours, waiting) = if border == Border::AllWaiting {
            (String::new(), goal)
        } else {
            (goal, String::new())
        };
        Move::Send(
            phase,
            Stroke {
                edits,
                border,
                ours,
                waiting,
            },
        )
    }

    fn rewind(&mut self, now: Now, text: &Rope) -> Move {
        if self.region.is_original(text) {
            self.stage = Stage::Gap { until: now.millis };
            return Move::Again;
        }
        if let Some(held) = self.held_back(now) {
            return held;
        }
        self.replace(
            text,
            Phase::Rewind,
            self.region.original.clone(),
            Border::AllWaiting,
        )
    }

    fn wait_in_gap(&mut self, now: Now, text: &Rope, until: Millis) -> Move {
        if !self.region.is_original(text) {
            self.park("the text was changed while the result was being put in place".to_owned());
            return Move::Again;
        }
        if now.millis < until {
            return Move::Wait(until);
        }
        self.stage = Stage::Committing;
        Move::Again
    }

    fn commit(&mut self, now: Now, text: &Rope) -> Move {
        if self.region.read(text) == self.reply.total {
            return self.complete();
        }
        if !self.region.is_original(text) {
            self.park("the text was changed while the result was being put in place".to_owned());
            return Move::Again;
        }
        if let Some(held) = self.held_back(now) {
            return held;
        }
        self.replace(
            text,
            Phase::Last,
            self.reply.total.clone(),
            Border::AllWritten,
        )
    }

    fn complete(&mut self) -> Move {
        match self.options.review {
            Review::Wait => {
                self.begin_review();
                self.settle(Outcome::Pending { parked: None });
            }
            Review::AcceptAtOnce => self.settle(Outcome::Done),
        }
        Move::Again
    }

    fn settle_undo(&mut self, now: Now, text: &Rope, since: Millis) -> Move {
        let calm = self.last_change.unwrap_or(since).max(since) + UNDO_SETTLE;
        if now.millis < calm {
            return Move::Wait(calm);
        }
        // Who deleted the whole region wants neither text.
        if self.region.is_original(text) || self.region.span.is_empty() {
            self.settle(Outcome::Cancelled);
        } else {
            self.stage = Stage::Restoring {
                outcome: Outcome::Cancelled,
                since: now.millis,
            };
        }
        Move::Again
    }

    fn restore(&mut self, now: Now, text: &Rope, outcome: Outcome, since: Millis) -> Move {
        if self.region.lost {
            self.left_changes = true;
            self.settle(outcome);
            return Move::Again;
        }
        let revert = self.revert_to(&self.region.original, text);
        self.left_changes |= !revert.kept.is_empty();
        let edits = self.region.place(revert.edits);
        if edits.is_empty() {
            self.settle(outcome);
            return Move::Again;
        }
        if self.trouble.blind {
            return self.wait_for_sight(now, since);
        }
        if self.adrift {
            self.settle(outcome);
            return Move::Again;
        }
        if let Some(held) = self.held_back(now) {
            return held;
        }
        let stroke = Stroke {
            edits,
            border: Border::AllWaiting,
            ours: String::new(),
            waiting: self.region.original.clone(),
        };
        Move::Send(Phase::Rewind, stroke)
    }

    /// What the region holds is unknown until a change shows it; a restoring that waits too long gives up and says so.
    fn wait_for_sight(&mut self, now: Now, since: Millis) -> Move {
        let until = since + super::timing::ECHO;
        if now.millis < until {
            return Move::Wait(until);
        }
        self.give_up(
            "the editor did not confirm the last edit, so nothing more was changed".to_owned(),
        );
        Move::Again
    }

    fn read_to_the_end(&mut self, reason: String) -> Move {
        let (parked, applicable) = match (&self.reply.broken, self.reply.complete) {
            (Some(broken), _) => (format!("{reason}; {broken}"), false),
            (None, true) => (reason, true),
            (None, false) => return Move::Idle,
        };
        self.await_verdict(Some(parked), applicable);
        Move::Again
    }

    fn apply_rest(&mut self, now: Now, text: &Rope) -> Move {
        let edits = self
            .region
            .place(self.revert_to(&self.reply.total, text).edits);
        if edits.is_empty() {
            self.settle(Outcome::Done);
            return Move::Again;
        }
        if self.trouble.blind || self.adrift {
            self.give_up("the editor has not confirmed the last edit yet".to_owned());
            return Move::Again;
        }
        if let Some(held) = self.held_back(now) {
            return held;
        }
        let ours = self.reply.total.clone();
        Move::Send(
            Phase::Last,
            Stroke {
                edits,
                border: Border::AllWritten,
                ours,
                waiting: String::new(),
            },
        )
    }
}
