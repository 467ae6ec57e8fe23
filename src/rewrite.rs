//! One rewrite: the state machine between a model's reply and a document. Events go in, commands come out; it knows no
//! client, no clock and no network, and it never believes an answer that the document does not bear out.
//!
//! The region of a rewrite reads `written | waiting`. While the reply streams, new text is appended to the written part;
//! at the end the waiting text goes. Then, where a client makes one undo step of every edit, the machine *rewinds and
//! commits*: one edit restores the original, one puts the whole result, so that one undo gives the original back.
//!
//! Rules that hold in every state:
//! - at most one edit is under way, and only while this rewrite holds its document's turn;
//! - an edit counts as landed when the document shows it;
//! - every wait has a bound, after which the edit has landed, is sent again, or the rewrite *parks*: it sends nothing more
//!   of its own accord, and its result waits for the user;
//! - what the user types wins, always.

mod ending;
mod flight;
mod growth;
mod landing;
mod moves;
mod options;
mod region;
mod review;
mod stray;
#[cfg(test)]
mod tests;
mod timing;

use ropey::Rope;

use crate::recovery::Interrupted;
use crate::text::document::Batch;
use crate::text::{Edit, Span};
use flight::Flight;
pub use options::{Delivery, Guard, Options, Pace, Review};
use region::Region;
use review::Undecided;
pub use timing::Millis;

/// Why a rewrite whose old text somebody changed before it was replaced stops editing.
const CHANGED_WHAT_WAITED: &str = "you changed text that was still to be replaced";

/// The moment of an event, and what then is known of the document.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// Milliseconds since the server started.
    pub millis: Millis,
    /// Whether an edit may be sent: the document's turn is free for this rewrite or already held by it.
    pub turn: bool,
    /// Whether the document has not changed since it was opened, or opened again.
    pub unchanged: bool,
}

/// What happens to a rewrite. Changes of the document have a method of their own, [`Rewrite::changed`].
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Cleaned text of the reply.
    Text(String),
    /// The reply is complete, with the last of its text: it goes with what ends the rewrite, not as an edit of its own.
    Complete(String),
    /// The reply stopped at the limit on output tokens, or for a reason that leaves it incomplete though not wrong.
    Incomplete(String),
    /// The reply holds what must not be put in place unseen; one sentence says what.
    Doubtful(String),
    /// The reply failed; one sentence says why.
    Failed(String),
    /// The client answered the edit with this number.
    Answered {
        /// The number of the edit.
        seq: u64,
        /// Whether the client says that it applied the edit; an error counts as no.
        applied: bool,
    },
    /// The client says, beside its answer to the edit with this number, that the job's edits are not one undo step.
    Parted {
        /// The number of the edit.
        seq: u64,
        /// Whether it applied this one.
        applied: bool,
    },
    /// Some message came from the client.
    Heard,
    /// Time has passed, or the turn became free.
    Tick,
    /// The user stops the job.
    Cancel,
    /// The user accepts the pending result, or something that overlaps it does so by implication.
    Accept,
    /// The user rejects the pending result, or restores the original of a parked one.
    Reject,
    /// The user accepts one hunk of a pending result, by its number.
    AcceptHunk(usize),
    /// The user rejects one hunk of a pending result, by its number.
    RejectHunk(usize),
    /// The user applies what a parked rewrite has not landed.
    Apply,
    /// The document was closed.
    Closed,
    /// The document's text is no longer known.
    OutOfStep,
}

/// What the world must do for a rewrite.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Send these edits as one versioned document edit. Places are bytes of the document as it stands now.
    Send {
        /// A number for [`Event::Answered`].
        seq: u64,
        /// Its part in the job.
        phase: Phase,
        /// Ascending, not overlapping, never empty, never without effect.
        edits: Vec<Edit>,
    },
    /// Close the connection to the gateway: nothing more is wanted of it.
    Disconnect,
    /// What the first landed edit has shown; it holds for the connection.
    Learned(Pace),
    /// The generation has ended, or, after `Outcome::Pending`, the pending result has met its fate.
    Settled(Outcome),
    /// What the user asked of a pending result could not be done; one sentence says why. It stays pending.
    Refused(String),
}

/// The part that an edit plays in its job, for clients that join edits into one undo step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The job's first edit.
    First,
    /// One of its later ones.
    Next,
    /// The one that completes it.
    Last,
    /// One that takes text back.
    Rewind,
}

/// How a rewrite ended, or how it waits for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// To be reviewed; `parked` says why the result is not, or not wholly, in the document.
    Pending {
        /// One sentence, without a full stop; `None` when the document holds the whole result.
        parked: Option<String>,
    },
    /// Accepted, or ended by the user's own changes.
    Done,
    /// Stopped or rejected; the original is back but for what the user changed.
    Cancelled,
    /// Failed; the original is back but for what the user changed.
    Failed(String),
}

/// One rewrite of one region.
pub struct Rewrite {
    options: Options,
    region: Region,
    stage: Stage,
    reply: Reply,
    review: Undecided,
    flight: Option<Flight>,
    stray: Option<stray::Stray>,
    trouble: Trouble,
    next_seq: u64,
    landed: u32,
    last_sent: Option<Millis>,
    last_change: Option<Millis>,
    last_foreign: Option<Millis>,
    closed: Option<Millis>,
    /// What the user had changed in the new text was left when that was taken back.
    left_changes: bool,
    /// The document's text is not known: nothing is sent.
    adrift: bool,
    /// The end of the generation has been told.
    told: bool,
    wake: Option<Millis>,
    commands: Vec<Command>,
}

/// Where a rewrite stands.
#[derive(Clone, Debug, PartialEq)]
enum Stage {
    /// The reply comes.
    Streaming,
    /// The reply is complete, its last text is on the way or waits for a pause.
    Closing { since: Millis },
    /// The edit that restores the original before the commit is on the way.
    Rewinding,
    /// The original is back; the commit follows at this moment.
    Gap { until: Millis },
    /// The commit is on the way.
    Committing,
    /// The user undid our text: nothing more is inserted, the original is restored once the undo has settled.
    Undone { since: Millis },
    /// Our text is being taken back.
    Restoring { outcome: Outcome, since: Millis },
    /// Nothing is sent of its own accord; the reply is read to its end.
    Parked { reason: String },
    /// The user decides.
    Pending {
        parked: Option<String>,
        applicable: bool,
    },
    /// What had not landed is being applied at the user's word.
    Applying,
    /// One hunk is being taken back at the user's word; `written` is what the region then reads but for the user's changes.
    RejectingHunk { number: usize, written: String },
    /// Over.
    Over,
}

/// The cleaned reply.
#[derive(Debug, Default)]
struct Reply {
    total: String,
    complete: bool,
    /// Why it will not become complete.
    broken: Option<String>,
}

/// What has gone wrong since an edit last landed.
#[derive(Debug, Default)]
struct Trouble {
    refusals: u32,
    explained_since: Option<Millis>,
    drops: u32,
    /// Not before this moment, or the next change.
    retry: Option<Millis>,
    /// The client has refused or dropped an edit: send right behind a change while somebody types.
    careful: bool,
    /// The document may hold text that no change has shown: nothing is sent until one comes.
    blind: bool,
}

impl Rewrite {
    /// A rewrite of `span` (bytes of `text`).
    pub fn new(text: &Rope, span: Span, options: Options) -> Self {
        let stage = match options.delivery {
            Delivery::Preview => Stage::Parked {
                reason:
                    "the result is not in the text yet; choose Apply in the list of code actions"
                        .to_owned(),
            },
            _ => Stage::Streaming,
        };
        Self {
            options,
            region: Region::new(text, span),
            stage,
            reply: Reply::default(),
            review: Undecided::default(),
            flight: None,
            stray: None,
            trouble: Trouble::default(),
            next_seq: 1,
            landed: 0,
            last_sent: None,
            last_change: None,
            last_foreign: None,
            closed: None,
            left_changes: false,
            adrift: false,
            told: false,
            wake: None,
            commands: Vec::new(),
        }
    }

    /// A rewrite that another server did not finish, whose region is at `span` of `text` and was `written` last: parked, to
    /// be rejected or, if its reply was complete, applied.
    pub fn interrupted(
        text: &Rope,
        span: Span,
        interrupted: &Interrupted,
        written: String,
        options: Options,
    ) -> Self {
        let mut rewrite = Self::new(text, span, options);
        interrupted
            .start
            .original
            .clone_into(&mut rewrite.region.original);
        rewrite.region.rewritten(written);
        rewrite.reply = Reply {
            total: interrupted.reply.clone(),
            complete: interrupted.complete,
            broken: None,
        };
        rewrite.landed = 1;
        rewrite.told = true;
        rewrite.stage = Stage::Pending {
            parked: Some("it was interrupted".to_owned()),
            applicable: interrupted.complete,
        };
        rewrite
    }

    /// Where the region stands, in bytes of the document's current text.
    pub fn span(&self) -> Span {
        self.region.span
    }

    /// What the region read before the rewrite.
    pub fn original(&self) -> &str {
        &self.region.original
    }

    /// The cleaned reply so far.
    pub fn reply(&self) -> &str {
        &self.reply.total
    }

    /// Whether this rewrite needs its document's turn: an edit is under way, or the commit must follow the rewind before
    /// anybody else's edit.
    pub fn holds_turn(&self) -> bool {
        let between = matches!(
            self.stage,
            Stage::Rewinding | Stage::Gap { .. } | Stage::Committing
        );
        self.flight.is_some() && !self.trouble.blind || between
    }

    /// Whether the reply may still bring text.
    pub fn is_generating(&self) -> bool {
        !matches!(
            self.stage,
            Stage::Pending { .. } | Stage::Applying | Stage::RejectingHunk { .. } | Stage::Over
        )
    }

    /// Whether the result waits for the user's verdict.
    pub fn is_pending(&self) -> bool {
        matches!(self.stage, Stage::Pending { .. })
    }

    /// For a pending rewrite whose result is not, or not wholly, in the document: whether the rest can be applied.
    pub fn parked(&self) -> Option<Parked<'_>> {
        match &self.stage {
            Stage::Pending {
                parked: Some(reason),
                applicable,
            } => Some(Parked {
                reason,
                applicable: *applicable,
                landed: 0 < self.landed,
            }),
            _ => None,
        }
    }

    /// Whether nothing more will happen.
    pub fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    /// The moment at which [`Event::Tick`] is due, if nothing happens before.
    pub fn wake(&self) -> Option<Millis> {
        self.wake
    }

    /// Takes an event. `text` is the document as it stands.
    pub fn step(&mut self, now: Now, text: &Rope, event: Event) -> Vec<Command> {
        match event {
            Event::Text(piece) => self.reply.total.push_str(&piece),
            Event::Complete(rest) => {
                self.reply.total.push_str(&rest);
                self.reply.complete = true;
            }
            Event::Incomplete(reason) => self.cut_short(reason),
            Event::Doubtful(reason) => self.doubt(reason),
            Event::Failed(reason) => self.fail(now, reason),
            Event::Answered { seq, applied } => self.answered(now, seq, applied),
            Event::Parted { seq, applied } => self.parted(seq, applied),
            Event::Heard => self.heard(now),
            Event::Tick => {}
            Event::Cancel => self.cancel(now),
            Event::Accept => self.accept(),
            Event::Reject => self.reject(now),
            Event::AcceptHunk(number) => self.accept_hunk(number),
            Event::RejectHunk(number) => self.reject_hunk(number),
            Event::Apply => self.apply(),
            Event::Closed => self.close(now),
            Event::OutOfStep => self.lose_sight(),
        }
        self.advance(now, text)
    }

    /// Takes a change of the document, or its reopening. `own_elsewhere` says that the change is the echo of another
    /// rewrite's edit. Returns the commands, and whether the change holds anything that this server did not write.
    pub fn changed(
        &mut self,
        now: Now,
        batch: &Batch,
        own_elsewhere: bool,
    ) -> (Vec<Command>, bool) {
        let foreign = self.follow(now, batch, own_elsewhere);
        if self.closed.take().is_some() {
            // An edit that was under way when the document was closed can no longer land.
            self.flight = None;
        }
        self.adrift = false;
        (self.advance(now, &batch.after), foreign)
    }

    /// Follows a change of the document when the rewrite is over, so that its place stays known.
    pub fn carry(&mut self, batch: &Batch) {
        self.region.carry(&batch.before, &batch.after, batch.hull);
    }

    /// Whether something was left in place when the new text was taken back, because the user had changed it.
    pub fn left_changes(&self) -> bool {
        self.left_changes
    }

    /// The edits that put the whole result in place, where the old text still stands; places in bytes of `text`.
    pub fn edits_to_apply(&self, text: &Rope) -> Vec<Edit> {
        self.region
            .place(self.revert_to(&self.reply.total, text).edits)
    }
}

/// Why a pending rewrite is parked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parked<'a> {
    /// One sentence, without a full stop.
    pub reason: &'a str,
    /// Whether its result may be applied.
    pub applicable: bool,
    /// Whether some of it is in the document.
    pub landed: bool,
}
