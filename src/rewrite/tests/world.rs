//! A small world around one rewrite: an editor with the manners of a real one, a user who types, a gateway that sends. Time
//! is a number. What each manner does was seen in the editor that it is named after.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Command, Event, Now, Options, Outcome, Pace, Phase, Rewrite, Stage};
use super::sheet::{Author, Damage, Sheet};
use crate::text::document::{Batch, Change, Document};
use crate::text::{Encoding, Range, Span, position};

/// How the editor treats edits and tells of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Manner {
    /// Tells each change at once, then answers; refuses an edit for an older version.
    Helix,
    /// Answers at once, tells changes at most every 150 ms in one hull, the first at once; drops an edit for an older version and says `true`.
    Neovim,
    /// The same without the delay: it tells each piece of an edit by itself, the last one first.
    NeovimAtOnce,
    /// Answers, applies 10 ms later wherever the place then is, tells the full text.
    Kakoune,
    /// Applies whatever claims the version that it last told, answers an error to the rest; tells 500 ms after the last
    /// key.
    Eglot,
    /// Answers at once and tells the full text half a second after each change; refuses an edit for an older version
    /// (vim-lsp).
    Slow,
    /// Like Neovim, with a formatter that rewrites the file on each save: the editor closes and opens it.
    Reloads,
    /// Applies and tells, and never answers.
    Mute,
    /// Refuses every edit.
    Refuses,
    /// Neither answers nor applies.
    Deaf,
    /// Says `true` and drops every edit.
    Liar,
}

pub(super) const MANNERS: [Manner; 11] = [
    Manner::Helix,
    Manner::Neovim,
    Manner::NeovimAtOnce,
    Manner::Kakoune,
    Manner::Eglot,
    Manner::Slow,
    Manner::Reloads,
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

    /// Whether each change is told by itself.
    pub(super) fn tells_at_once(self) -> bool {
        self.delay().is_none() && self != Self::Kakoune
    }

    /// Whether no edit ever lands in it.
    pub(super) fn refuses(self) -> bool {
        matches!(self, Self::Refuses | Self::Deaf | Self::Liar)
    }

    /// Whether it tells each change as it was made, not the hull of what differs.
    pub(super) fn is_exact(self) -> bool {
        matches!(self, Self::Helix | Self::Mute)
    }

    /// Whether each piece of an edit is a change of its own, the last one first.
    fn tells_pieces(self) -> bool {
        matches!(self, Self::Neovim | Self::NeovimAtOnce | Self::Reloads)
    }

    /// Whether a change that leaves the text as it was is not told. Neovim tells it.
    fn tells_only_differences(self) -> bool {
        self.delay().is_none() && !self.tells_pieces()
    }

    fn delay(self) -> Option<u64> {
        match self {
            Self::Neovim | Self::Reloads => Some(150),
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
    /// The user presses undo.
    Undo,
    /// The user does something at a place that depends on who wrote what.
    Do(Deed, char),
    /// Another rewrite of this document takes its turn for so long, and its edit lands above.
    Other(u64),
    /// The other rewrite is through.
    Free,
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

/// What a user does while a rewrite runs. A number says where among the places that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Deed {
    /// Types at the very start of the text, or right in front of the region.
    Above(bool),
    /// Types at the very end of the text, or right behind the region.
    Below(bool),
    Written(u8),
    Waiting(u8),
    /// Replaces a character on either side of the region's start, of the border between written and waiting, or of the
    /// region's end.
    Across(u8),
    DeleteRegion,
    /// Deletes the line in front of the region's first one.
    DeleteAbove,
    Undo,
    Redo,
    /// Saves, and a formatter changes every line.
    Format,
    Close,
}

/// What the machine can go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reached {
    Landed,
    Refused,
    Dropped,
    /// An edit was sent again after it was refused or dropped.
    Again,
    Undone,
    Parked,
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact about the world that a test asks for"
)]
pub(super) struct World {
    pub(super) manner: Manner,
    pub(super) rewrite: Rewrite,
    pub(super) document: Document,
    /// What the editor shows.
    pub(super) text: Sheet,
    told: String,
    version: i32,
    /// What undo goes back to, newest last.
    pub(super) undo: Vec<Sheet>,
    redo: Vec<Sheet>,
    /// Whether the document's turn is free for this rewrite.
    turn: bool,
    /// What an edit of the server did to text that is not its own.
    pub(super) damage: Vec<Damage>,
    /// What the user did before the generation ended.
    pub(super) deeds: Vec<Deed>,
    /// What the user typed.
    pub(super) typed: String,
    /// What an editor that tells each change by itself has not told yet.
    untold: Vec<Change>,
    pub(super) reached: BTreeSet<Reached>,
    pub(super) now: u64,
    agenda: BTreeMap<(u64, u64), Act>,
    number: u64,
    pub(super) settled: Vec<Outcome>,
    /// What the editor showed when the generation ended.
    pub(super) first_end: Option<Sheet>,
    pub(super) phases: Vec<Phase>,
    /// When each edit was sent, and when each outcome was told.
    pub(super) sent: Vec<u64>,
    pub(super) told_at: Vec<u64>,
    pub(super) disconnected: bool,
    flush_at: Option<u64>,
    flushed_at: Option<u64>,
    open: bool,
    pub(super) typed_inside: bool,
    /// What could not be done at the user's word.
    pub(super) refused: Vec<String>,
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
            text: Sheet::new(text, span),
            told: text.to_owned(),
            version: 0,
            undo: Vec::new(),
            redo: Vec::new(),
            turn: true,
            damage: Vec::new(),
            deeds: Vec::new(),
            typed: String::new(),
            untold: Vec::new(),
            reached: BTreeSet::new(),
            now: 0,
            agenda: BTreeMap::new(),
            number: 0,
            settled: Vec::new(),
            first_end: None,
            phases: Vec::new(),
            sent: Vec::new(),
            told_at: Vec::new(),
            disconnected: false,
            flush_at: None,
            flushed_at: None,
            open: true,
            typed_inside: false,
            refused: Vec::new(),
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
            Act::Undo => {
                if let Some(earlier) = self.undo.pop() {
                    self.typed_inside = true;
                    self.redo.push(std::mem::replace(&mut self.text, earlier));
                    self.tell_soon();
                }
            }
            Act::Do(deed, token) => self.perform(deed, token),
            Act::Other(time) => self.other(time),
            Act::Free => {
                self.turn = true;
                self.step(Event::Tick);
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
            turn: self.turn,
            unchanged: self.document.version() == Some(0),
        };
        let text = self.document.text().clone();
        let before = self.troubles();
        let commands = self.rewrite.step(now, &text, event);
        self.watch(before, &commands);
        self.obey(commands);
    }

    fn troubles(&self) -> (u32, u32, u32) {
        let trouble = &self.rewrite.trouble;
        (self.rewrite.landed, trouble.refusals, trouble.drops)
    }

    /// Notes what the machine went through.
    fn watch(&mut self, before: (u32, u32, u32), commands: &[Command]) {
        let (landed, refusals, drops) = self.troubles();
        let sends = commands
            .iter()
            .any(|command| matches!(command, Command::Send { .. }));
        let parked = matches!(
            self.rewrite.stage,
            Stage::Parked { .. }
                | Stage::Pending {
                    parked: Some(_),
                    ..
                }
        );
        let undone = matches!(self.rewrite.stage, Stage::Undone { .. });
        let reached = [
            (Reached::Landed, before.0 < landed),
            (Reached::Refused, before.1 < refusals),
            (Reached::Dropped, before.2 < drops),
            (Reached::Again, sends && (before.1 != 0 || before.2 != 0)),
            (Reached::Undone, undone),
            (Reached::Parked, parked),
        ];
        let reached = reached.into_iter().filter(|(_, is_so)| *is_so);
        self.reached.extend(reached.map(|(state, _)| state));
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
                Command::Refused(reason) => self.refused.push(reason),
                Command::Settled(outcome) => {
                    self.told_at.push(self.now);
                    self.first_end.get_or_insert_with(|| self.text.clone());
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
            Manner::Neovim | Manner::NeovimAtOnce | Manner::Reloads if stale && version != 0 => {
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
        if !self.manner.tells_pieces() {
            self.tell_soon();
        }
        if self.manner != Manner::Mute {
            self.at(self.now + 1, Act::Answer { seq, applied: true });
        }
    }

    /// Applies edits by line and character, wherever these now are.
    fn apply(&mut self, edits: &[(Range, String)]) {
        self.undo.push(self.text.clone());
        self.redo.clear();
        let shown = ropey::Rope::from_str(&self.text);
        for (range, text) in edits.iter().rev() {
            let span = position::span(&shown, *range, Encoding::Utf16);
            self.damage.extend(self.text.damage(span));
            self.replace(span, text, Author::New);
            if self.manner.tells_pieces() {
                self.tell_soon();
            }
        }
    }

    fn tell_soon(&mut self) {
        match self.manner.delay() {
            None => self.flush(),
            // Neovim tells at most so often, and at once if it has told nothing for so long.
            Some(delay) if self.manner.tells_pieces() => {
                let first = self.now + delay;
                let due = self
                    .flushed_at
                    .map_or(first, |last| self.now.max(last + delay));
                if due == self.now {
                    self.flush();
                } else if self.flush_at.is_none() {
                    self.flush_at = Some(due);
                    self.at(due, Act::Flush);
                }
            }
            Some(delay) => {
                // Eglot counts from the last change that it has not told, vim-lsp from the first.
                if self.manner == Manner::Eglot || self.flush_at.is_none() {
                    self.flush_at = Some(self.now + delay);
                    self.at(self.now + delay, Act::Flush);
                }
            }
        }
    }

    /// Tells what has changed, as one hull, or as the full text.
    fn flush(&mut self) {
        self.flush_as(false);
    }

    fn flush_as(&mut self, own_elsewhere: bool) {
        self.flush_at = None;
        self.flushed_at = Some(self.now);
        if !self.open || self.text == self.told && self.manner.tells_only_differences() {
            self.untold.clear();
            return;
        }
        self.version += match self.manner {
            Manner::Neovim | Manner::Reloads => 5,
            Manner::Kakoune => 7,
            _ => 1,
        };
        let untold = std::mem::take(&mut self.untold);
        let changes = match self.manner {
            Manner::Kakoune | Manner::Slow => vec![Change::Whole(self.text.to_string())],
            exact if exact.is_exact() && !untold.is_empty() => untold,
            _ => vec![self.all_as_one()],
        };
        self.told = self.text.to_string();
        self.step(Event::Heard);
        let batch = self
            .document
            .apply(Some(self.version), &changes, Encoding::Utf16)
            .expect("in step");
        assert_eq!(
            self.text,
            self.document.text().to_string(),
            "the mirror is true"
        );
        self.changed(&batch, own_elsewhere);
    }

    fn all_as_one(&self) -> Change {
        let (old, new) = hull(&self.told, &self.text);
        let before = ropey::Rope::from_str(&self.told);
        let text = self.text.get(new.start..new.end).unwrap_or_default();
        Change::Partial {
            range: position::range(&before, old, Encoding::Utf16),
            text: text.to_owned(),
        }
    }

    fn changed(&mut self, batch: &Batch, own_elsewhere: bool) {
        let now = Now {
            millis: self.now,
            turn: self.turn,
            unchanged: self.document.version() == Some(0),
        };
        let before = self.troubles();
        let (commands, _) = self.rewrite.changed(now, batch, own_elsewhere);
        self.watch(before, &commands);
        self.obey(commands);
    }

    fn reopen(&mut self) {
        self.open = true;
        self.version = 0;
        let before = self.document.text().clone();
        self.document = Document::open("text".to_owned(), Some(0), &self.text);
        self.told = self.text.to_string();
        let after = self.document.text().clone();
        let hull = crate::text::document::between_texts(&before, &after);
        let batch = Batch {
            before,
            after,
            hull,
            between: Vec::new(),
        };
        self.changed(&batch, false);
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
        let author = match place {
            Place::Above => Author::Above,
            Place::Below => Author::Below,
            Place::Written | Place::Waiting => Author::User,
        };
        self.edit_text(Span::new(at, at), text, author);
    }

    fn edit_text(&mut self, span: Span, text: &str, author: Author) {
        self.remember();
        self.typed.push_str(text);
        self.replace(span, text, author);
        self.tell_soon();
    }

    fn replace(&mut self, span: Span, text: &str, author: Author) {
        let shown = ropey::Rope::from_str(&self.text);
        self.untold.push(Change::Partial {
            range: position::range(&shown, span, Encoding::Utf16),
            text: text.to_owned(),
        });
        self.text.put(span, text, author);
    }

    fn remember(&mut self) {
        self.undo.push(self.text.clone());
        self.redo.clear();
    }

    /// Does what the user does, if it can be done at all.
    fn perform(&mut self, deed: Deed, token: char) {
        if !self.open {
            return;
        }
        let token = token.to_string();
        let region = self.text.region();
        let nth = |places: Vec<usize>, number: u8| {
            let at = places.get(usize::from(number) % places.len().max(1));
            at.copied()
        };
        let done = match deed {
            Deed::Above(near) => {
                // At the very border it is on either side.
                let (at, author) = if near {
                    (region.start, Author::User)
                } else {
                    (0, Author::Above)
                };
                self.edit_text(Span::new(at, at), &token, author);
                true
            }
            Deed::Below(near) => {
                let (at, author) = if near {
                    (region.end, Author::User)
                } else {
                    (self.text.len(), Author::Below)
                };
                self.edit_text(Span::new(at, at), &token, author);
                true
            }
            Deed::Written(number) | Deed::Waiting(number) => {
                let waits = matches!(deed, Deed::Waiting(_));
                let wanted = if waits { Author::Old } else { Author::New };
                let other = if waits { Author::New } else { Author::Old };
                let at = nth(self.text.within(wanted), number)
                    .or_else(|| nth(self.text.within(other), number));
                if let Some(at) = at {
                    self.edit_text(Span::new(at, at), &token, Author::User);
                }
                at.is_some()
            }
            Deed::Across(number) => self.type_across(number, &token),
            Deed::DeleteRegion => {
                let there = !region.is_empty();
                if there {
                    self.edit_text(region, "", Author::User);
                }
                there
            }
            Deed::DeleteAbove => self.delete_above(),
            Deed::Undo => self.go_back(true),
            Deed::Redo => self.go_back(false),
            Deed::Format => self.format(&token),
            Deed::Close => {
                self.happen(Act::Close);
                true
            }
        };
        if done && self.settled.is_empty() {
            self.deeds.push(deed);
        }
    }

    /// Replaces the characters on both sides of a border.
    fn type_across(&mut self, number: u8, token: &str) -> bool {
        let region = self.text.region();
        let middle = (region.start..region.end).find(|&at| self.text.author_at(at) == Author::Old);
        let border = match number % 3 {
            0 => region.start,
            1 => middle.unwrap_or(region.end),
            _ => region.end,
        };
        let (Some(before), Some(after)) = (self.text.get(..border), self.text.get(border..)) else {
            return false;
        };
        let left = match before.chars().next_back() {
            _ if before.ends_with("\r\n") => 2,
            last => last.map_or(0, char::len_utf8),
        };
        let right = match after.chars().next() {
            _ if after.starts_with("\r\n") => 2,
            first => first.map_or(0, char::len_utf8),
        };
        let span = Span::new(border - left, border + right);
        self.edit_text(span, token, Author::User);
        true
    }

    /// What was typed on the line goes with it.
    fn delete_above(&mut self) -> bool {
        let end = self.text.region().start;
        let line = self.text.get(..end.saturating_sub(1)).unwrap_or_default();
        let start = line.rfind('\n').map_or(0, |at| at + 1);
        let line = self.text.get(start..end).unwrap_or_default().to_owned();
        let whole = line.ends_with('\n');
        if whole {
            self.typed.retain(|typed| !line.contains(typed));
            self.edit_text(Span::new(start, end), "", Author::Above);
        }
        whole
    }

    fn go_back(&mut self, undo: bool) -> bool {
        let (from, to) = if undo {
            (&mut self.undo, &mut self.redo)
        } else {
            (&mut self.redo, &mut self.undo)
        };
        let Some(text) = from.pop() else { return false };
        to.push(std::mem::replace(&mut self.text, text));
        self.tell_soon();
        true
    }

    /// Puts a mark in front of each line; an editor whose formatter works on the file closes and opens it.
    fn format(&mut self, mark: &str) -> bool {
        let reloads = self.manner == Manner::Reloads;
        if reloads {
            self.happen(Act::Close);
        }
        self.remember();
        let starts: Vec<usize> = self
            .text
            .match_indices('\n')
            .map(|(at, _)| at + 1)
            .collect();
        for at in starts.into_iter().rev() {
            let region = self.text.region();
            let author = if at < region.start {
                Author::Above
            } else if region.end < at {
                Author::Below
            } else {
                Author::User
            };
            self.replace(Span::new(at, at), mark, author);
        }
        if reloads {
            self.at(self.now + 700, Act::Open);
        } else {
            self.tell_soon();
        }
        true
    }

    /// Another rewrite has the turn, and its edit lands in an editor that has nothing untold.
    fn other(&mut self, time: u64) {
        let free = self.turn && !self.rewrite.holds_turn() && self.open && self.text == self.told;
        if !free {
            return;
        }
        self.turn = false;
        self.undo.push(self.text.clone());
        self.redo.clear();
        self.replace(Span::new(0, 0), "§", Author::Above);
        self.flush_as(true);
        self.at(self.now + time, Act::Free);
    }
}

/// Where two texts differ; neither end splits a character or a CRLF, as no editor's change does.
fn hull(old: &str, new: &str) -> (Span, Span) {
    let splits = |text: &str, at: usize| {
        let bytes = text.as_bytes();
        !text.is_char_boundary(at)
            || 0 < at && bytes.get(at) == Some(&b'\n') && bytes.get(at - 1) == Some(&b'\r')
    };
    let common = old.bytes().zip(new.bytes());
    let mut prefix = common.take_while(|(one, other)| one == other).count();
    while splits(old, prefix) || splits(new, prefix) {
        prefix -= 1;
    }
    let room = old.len().min(new.len()) - prefix;
    let common = old.bytes().rev().zip(new.bytes().rev()).take(room);
    let mut suffix = common.take_while(|(one, other)| one == other).count();
    while splits(old, old.len() - suffix) || splits(new, new.len() - suffix) {
        suffix -= 1;
    }
    (
        Span::new(prefix, old.len() - suffix),
        Span::new(prefix, new.len() - suffix),
    )
}
