//! Changes that arrive in another order than they were made in. A mirror built from them would be wrong without a sign, so
//! they are put in order where that can be done, and the document is out of step where it cannot.
//!
//! Helix 25.01 hands each `didChange` to a task of its own, and under fast typing the tasks overtake each other (measured:
//! versions 5, 8, 9, 6, 10, 7). It counts every change by one, so a gap tells that one is still to come. Other clients jump
//! (Neovim from 0 to 5), so from them a gap means nothing; a version that goes back means a lost order in every client.

use std::collections::{BTreeMap, HashMap};

use super::params::ChangeParams;
use super::state::State;
use crate::rewrite::Millis;

/// How long a change waits for the ones before it.
const PATIENCE: Millis = 500;

/// Changes that came too early, by document.
#[derive(Debug, Default)]
pub struct Early {
    waiting: HashMap<String, Waiting>,
}

#[derive(Debug)]
struct Waiting {
    since: Millis,
    changes: BTreeMap<i32, ChangeParams>,
}

/// What is to be done with a change that has just come.
#[derive(Debug, PartialEq, Eq)]
enum Turn {
    Now,
    Later,
    TooLate,
}

fn turn(counts_by_one: bool, last: Option<i32>, next: Option<i32>) -> Turn {
    match last.zip(next) {
        Some((last, next)) if next < last => Turn::TooLate,
        Some((last, next)) if counts_by_one && last.saturating_add(1) < next => Turn::Later,
        _ => Turn::Now,
    }
}

impl State {
    /// Takes a change in its turn, and those that have waited for it.
    pub fn change(&mut self, params: ChangeParams) {
        let uri = params.uri.clone();
        let last = self
            .documents
            .get(&uri)
            .and_then(crate::text::document::Document::version);
        match turn(self.caps.counts_versions(), last, params.version) {
            Turn::Now => self.take_change(params),
            Turn::Later => {
                let since = self.now();
                let waiting = self.early.waiting.entry(uri.clone());
                let waiting = waiting.or_insert_with(|| Waiting {
                    since,
                    changes: BTreeMap::new(),
                });
                waiting
                    .changes
                    .insert(params.version.unwrap_or_default(), params);
            }
            Turn::TooLate => self.lose_step(&uri, "its changes came in the wrong order"),
        }
        while let Some(next) = self.next_in_turn(&uri) {
            self.take_change(next);
        }
    }

    /// Gives up on changes that never came.
    pub(super) fn give_up_waiting(&mut self) {
        let now = self.now();
        let overdue = self
            .early
            .waiting
            .iter()
            .filter(|(_, waiting)| waiting.since + PATIENCE <= now);
        let overdue: Vec<String> = overdue.map(|(uri, _)| uri.clone()).collect();
        for uri in overdue {
            self.early.waiting.remove(&uri);
            self.lose_step(&uri, "a change of it never came");
        }
    }

    /// The moment at which [`State::give_up_waiting`] has something to do.
    pub(super) fn next_overdue(&self) -> Option<Millis> {
        self.early
            .waiting
            .values()
            .map(|waiting| waiting.since + PATIENCE)
            .min()
    }

    /// Forgets what waits for a document that is opened or closed.
    pub(super) fn forget_early(&mut self, uri: &str) {
        self.early.waiting.remove(uri);
    }

    fn next_in_turn(&mut self, uri: &str) -> Option<ChangeParams> {
        let last = self.documents.get(uri)?.version()?;
        let waiting = self.early.waiting.get_mut(uri)?;
        let next = waiting.changes.remove(&last.saturating_add(1));
        if waiting.changes.is_empty() {
            self.early.waiting.remove(uri);
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_waits_where_versions_count_by_one_and_a_step_back_is_too_late_everywhere() {
        let cases = [
            (true, Some(5), Some(6), Turn::Now),
            (true, Some(5), Some(8), Turn::Later),
            (true, Some(5), Some(4), Turn::TooLate),
            (true, Some(5), None, Turn::Now),
            (true, None, Some(7), Turn::Now),
            (false, Some(0), Some(5), Turn::Now),
            (false, Some(5), Some(5), Turn::Now),
            (false, Some(5), Some(4), Turn::TooLate),
        ];
        for (counts_by_one, last, next, wanted) in cases {
            assert_eq!(
                turn(counts_by_one, last, next),
                wanted,
                "{counts_by_one} {last:?} {next:?}"
            );
        }
    }
}
