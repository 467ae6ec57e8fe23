//! A small world around one rewrite: an editor with the manners of a real one, a user who types, a gateway that sends. Time
//! is a number. What each manner does was seen in the editor that it is named after.

use std::collections::BTreeMap;

use super::super::{Command, Event, Now, Options, Outcome, Pace, Phase, Rewrite};
use crate::text::document::{Change, Document};
use crate::text::{Encoding, Range, Span, position};

/// How the editor treats edits and tells of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Manner {
    /// Tells each change at once, then answers; refuses an edit for an older version.
    Helix,
    /// Answers at once, tells changes after 150 ms in one hull; drops an edit for an older version and says `true`.
    Neovim,
    /// The same without the delay.
    NeovimAtOnce,
    /// Answers, applies 10 ms later wherever the place then is, tells the full text.
    Kakoune,
    /// Applies whatever claims the version that it last told; tells 500 ms after the last key.
    Eglot,
    /// Answers at once and tells half a second after each change; refuses an edit for an older version (vim-lsp).
    Slow,
    /// Applies and tells, and never answers.
    Mute,
    /// Refuses every edit.
    Refuses,
    /// Neither answers nor applies.
    Deaf,
    /// Says `true` and drops every edit.
    Liar,
}

pub(super) const MANNERS: [Manner; 10] = [
    Manner::Helix,
    Manner::Neovim,
    Manner::NeovimAtOnce,
    Manner::Kakoune,
    Manner::Eglot,
    Manner::Slow,
    Manner::Mute,
    Manner::Refuses,
    Manner::Deaf,
    Manner::Liar,
];

impl Manner {
    /// Whether an edit made for an older text never lands.
    pub(super) fn guards_versions(self) -> bool {
        !matches!(self, Self::Kakoune | Self::Eglot)
    }

    fn delay(self) -> Option<u64> {
        match self {
            Self::Neovim => Some(150),
            Self::Eglot | Self::Slow => Some(500),
            _ => None,
        }
    }
}

/// What happens of itself or by the user's hand.
#[derive(Clone, Debug)]
pub(super) enum Act {
    /// The gateway's text, or its end.
    Reply(Event),
    /// The user inserts text at a byte of what the editor shows.
    Insert(Place, String),
    /// The user deletes the whole region.
    DeleteRegion,
    /// The user presses undo.
    Undo,
    /// The user gives a word to the job.
    Say(Event),
    /// The file is closed.
    Close,
    /// The file is opened again, with the text that the editor holds.
    Open,
    Edit {
        seq: u64,
        version: i32,
        edits: Vec<(Range, String)>,
    },
    ApplyLate {
        edits: Vec<(Range, String)>,
    },
    Flush,
    Answer {
        seq: u64,
        applied: bool,
    },
    Wake,
}

/// Where the user types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Place {
    Above,
    Below,
    Written,
    Waiting,
}

pub(super) struct World {
    pub(super) manner: Manner,
    pub(super) rewrite: Rewrite,
    pub(super) document: Document,
    /// What the editor shows.
    pub(super) text: String,
    told: String,
    version: i32,
    /// What undo goes back to, newest last.
    pub(super) undo: Vec<String>,
    pub(super) now: u64,
    agenda: BTreeMap<(u64, u64), Act>,
    number: u64,
    pub(super) settled: Vec<Outcome>,
    pub(super) phases: Vec<Phase>,
    /// When each edit was sent, and when each outcome was told.
    pub(super) sent: Vec<u64>,
    pub(super) told_at: Vec<u64>,
    pub(super) disconnected: bool,
    flush_at: Option<u64>,
    open: bool,
    pub(super) typed_inside: bool,
    /// What the first landed edit has shown.
    pub(super) learned: Option<Pace>,
}

impl World {
    pub(super) fn new(manner: Manner, text: &str, span: Span, options: Options) -> Self {
        let document = Document::open("text".to_owned(), Some(0), text);
        let rewrite = Rewrite::new(document.text(), span, options);
        Self {
            manner,
            rewrite,
            document,
            text: text.to_owned(),
            told: text.to_owned(),
            version: 0,
            undo: Vec::new(),
            now: 0,
            agenda: BTreeMap::new(),
            number: 0,
            settled: Vec::new(),
            phases: Vec::new(),
            sent: Vec::new(),
            told_at: Vec::new(),
            disconnected: false,
            flush_at: None,
            open: true,
            typed_inside: false,
            learned: None,
        }
    }

    /// Puts an act on the agenda.
    pub(super) fn at(&mut self, time: u64, act: Act) {
        self.number += 1;
        self.agenda.insert((time, self.number), act);
    }

    /// Lets everything happen until `until`, or until nothing is left to happen.
    pub(super) fn run(&mut self, until: u64) {
        loop {
            let next = self.agenda.first_key_value().map(|((time, _), _)| *time);
            let wake = self.rewrite.wake();
            let wakes_first = wake.is_some_and(|wake| next.is_none_or(|next| wake < next));
            let time = if wakes_first { wake } else { next };
            let Some(time) = time.filter(|&time| time <= until) else {
                self.now = until;
                return;
            };
            assert!(self.now <= time || wakes_first, "time runs forward");
            self.now = self.now.max(time);
            let act = if wakes_first {
                Act::Wake
            } else {
                self.agenda.pop_first().map_or(Act::Wake, |(_, act)| act)
            };
            self.happen(act);
        }
    }

    fn happen(&mut self, act: Act) {
        match act {
            Act::Reply(event) if self.disconnected => drop(event),
            Act::Reply(event) | Act::Say(event) => {
                if matches!(
                    event,
                    Event::Cancel | Event::Accept | Event::Reject | Event::Apply
                ) {
                    self.step(Event::Heard);
                }
                self.step(event);
            }
            Act::Wake => self.step(Event::Tick),
            Act::Insert(place, text) => self.insert(place, &text),
            Act::DeleteRegion => {
                let span = self.region();
                self.typed_inside = true;
                self.edit_text(span, "");
            }
            Act::Undo => {
                if let Some(earlier) = self.undo.pop() {
                    self.typed_inside = true;
                    self.text = earlier;
                    self.tell_soon();
                }
            }
            Act::Close if self.open => {
                self.flush();
                self.open = false;
                self.step(Event::Closed);
            }
            Act::Open if !self.open => self.reopen(),
            Act::Close | Act::Open => {}
            Act::Edit {
                seq,
                version,
                edits,
            } => self.receive(seq, version, edits),
            Act::ApplyLate { edits } => {
                self.apply(&edits);
                self.flush();
            }
            Act::Flush => {
                if self.flush_at == Some(self.now) {
                    self.flush();
                }
            }
            Act::Answer { seq, applied } => {
                self.step(Event::Heard);
                self.step(Event::Answered { seq, applied });
            }
        }
    }

    fn step(&mut self, event: Event) {
        let now = Now {
            millis: self.now,
            turn: true,
        };
        let text = self.document.text().clone();
        let commands = self.rewrite.step(now, &text, event);
        self.obey(commands);
    }

    fn obey(&mut self, commands: Vec<Command>) {
        for command in commands {
            match command {
                Command::Send { seq, phase, edits } => {
                    assert!(self.open, "nothing is sent into a closed document");
                    assert!(!edits.is_empty());
                    let version = self.document.version().unwrap_or_default();
                    let text = self.document.text();
                    let edits = edits
                        .into_iter()
                        .map(|edit| (position::range(text, edit.span, Encoding::Utf16), edit.text))
                        .collect();
                    self.phases.push(phase);
                    self.sent.push(self.now);
                    self.at(
                        self.now + 1,
                        Act::Edit {
                            seq,
                            version,
                            edits,
                        },
                    );
                }
                Command::Disconnect => self.disconnected = true,
                Command::Learned(pace) => self.learned = Some(pace),
                Command::Settled(outcome) => {
                    self.told_at.push(self.now);
                    self.settled.push(outcome);
                }
            }
        }
    }

    fn receive(&mut self, seq: u64, version: i32, edits: Vec<(Range, String)>) {
        if !self.open {
            return self.at(
                self.now + 1,
                Act::Answer {
                    seq,
                    applied: false,
                },
            );
        }
        let stale = version != self.version || self.text != self.told;
        match self.manner {
            Manner::Deaf => return,
            Manner::Refuses => {
                return self.at(
                    self.now + 1,
                    Act::Answer {
                        seq,
                        applied: false,
                    },
                );
            }
            Manner::Liar => return self.at(self.now + 1, Act::Answer { seq, applied: true }),
            Manner::Helix | Manner::Slow | Manner::Mute if stale => {
                return self.at(
                    self.now + 1,
                    Act::Answer {
                        seq,
                        applied: false,
                    },
                );
            }
            Manner::Neovim | Manner::NeovimAtOnce if stale && version != 0 => {
                return self.at(self.now + 1, Act::Answer { seq, applied: true });
            }
            Manner::Eglot if version != self.version => {
                return self.at(
                    self.now + 1,
                    Act::Answer {
                        seq,
                        applied: false,
                    },
                );
            }
            Manner::Kakoune => {
                self.at(self.now + 1, Act::Answer { seq, applied: true });
                return self.at(self.now + 10, Act::ApplyLate { edits });
            }
            _ => {}
        }
        self.apply(&edits);
        self.tell_soon();
        if self.manner != Manner::Mute {
            self.at(self.now + 1, Act::Answer { seq, applied: true });
        }
    }

    /// Applies edits by line and character, wherever these now are.
    fn apply(&mut self, edits: &[(Range, String)]) {
        self.undo.push(self.text.clone());
        let shown = ropey::Rope::from_str(&self.text);
        for (range, text) in edits.iter().rev() {
            let span = position::span(&shown, *range, Encoding::Utf16);
            self.text.replace_range(span.start..span.end, text);
        }
    }

    fn tell_soon(&mut self) {
        match self.manner.delay() {
            None => self.flush(),
            Some(delay) => {
                // Neovim counts from the first change that it has not told, Eglot from the last.
                if self.manner == Manner::Eglot || self.flush_at.is_none() {
                    self.flush_at = Some(self.now + delay);
                    self.at(self.now + delay, Act::Flush);
                }
            }
        }
    }

    /// Tells what has changed, as one hull, or as the full text.
    fn flush(&mut self) {
        self.flush_at = None;
        if !self.open || self.told == self.text && self.manner.delay().is_none() {
            return;
        }
        self.version += if self.manner == Manner::Neovim { 5 } else { 1 };
        let change = if self.manner == Manner::Kakoune {
            Change::Whole(self.text.clone())
        } else {
            let (old, new) = hull(&self.told, &self.text);
            let before = ropey::Rope::from_str(&self.told);
            let range = position::range(&before, old, Encoding::Utf16);
            Change::Partial {
                range,
                text: self
                    .text
                    .get(new.start..new.end)
                    .unwrap_or_default()
                    .to_owned(),
            }
        };
        self.told = self.text.clone();
        self.step(Event::Heard);
        let batch = self
            .document
            .apply(Some(self.version), &[change], Encoding::Utf16)
            .expect("in step");
        assert_eq!(
            self.document.text().to_string(),
            self.text,
            "the mirror is true"
        );
        let now = Now {
            millis: self.now,
            turn: true,
        };
        let (commands, _) = self.rewrite.changed(now, &batch, false);
        self.obey(commands);
    }

    fn reopen(&mut self) {
        self.open = true;
        self.version = 0;
        let before = self.document.text().clone();
        self.document = Document::open("text".to_owned(), Some(0), &self.text);
        self.told = self.text.clone();
        let after = self.document.text().clone();
        let hull = crate::text::document::between_texts(&before, &after);
        let batch = crate::text::document::Batch {
            before,
            after,
            hull,
            between: Vec::new(),
        };
        let now = Now {
            millis: self.now,
            turn: true,
        };
        let (commands, _) = self.rewrite.changed(now, &batch, false);
        self.obey(commands);
    }

    /// Where the region stands in what the editor shows: between the marker lines around it.
    pub(super) fn region(&self) -> Span {
        let start = self.text.find("TOP\n").map_or(0, |at| at + 4);
        let end = self.text.find("END\n").unwrap_or(self.text.len());
        Span::new(start, end)
    }

    fn insert(&mut self, place: Place, text: &str) {
        let region = self.region();
        let at = match place {
            Place::Above => 0,
            Place::Below => self.text.len(),
            // Behind the first character, so that it is inside whatever has happened; in front of the last one.
            Place::Written => region.start + usize::from(1 < region.len()),
            Place::Waiting => region.end.saturating_sub(usize::from(1 < region.len())),
        };
        self.typed_inside |= matches!(place, Place::Written | Place::Waiting);
        self.edit_text(Span::new(at, at), text);
    }

    fn edit_text(&mut self, span: Span, text: &str) {
        self.undo.push(self.text.clone());
        self.text.replace_range(span.start..span.end, text);
        self.tell_soon();
    }
}

fn hull(old: &str, new: &str) -> (Span, Span) {
    let prefix = old
        .bytes()
        .zip(new.bytes())
        .take_while(|(one, other)| one == other)
        .count();
    let room = old.len().min(new.len()) - prefix;
    let suffix = old
        .bytes()
        .rev()
        .zip(new.bytes().rev())
        .take(room)
        .take_while(|(one, other)| one == other)
        .count();
    (
        Span::new(prefix, old.len() - suffix),
        Span::new(prefix, new.len() - suffix),
    )
}
