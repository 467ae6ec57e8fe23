//! The turns of a conversation and the part of them that goes along with the next question, the *window*. Append only:
//! what was sent once is sent again letter for letter, so that the gateway's prompt cache holds the whole past. Keeps
//! nothing on disk; what the store keeps of a turn is a [`Record`].
//!
//! The window does not depend on whether the server ran all the time. What happens to it at a turn depends on the turns in
//! it and on nothing before them, so whoever knows the window's first turn and reads on from there has the same one.

pub mod markdown;
pub mod page;

use crate::action::Kind;
use crate::gateway::signal::Usage;
use crate::gateway::surface::Surface;
use crate::prompt::redact::Vault;
use crate::prompt::{Message, Role};

/// A question that was answered: both texts exactly as they went over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Names the turn; no other has the same.
    pub id: i64,
    /// What was sent.
    pub question: String,
    /// What the model said.
    pub answer: String,
    /// The document that the question is about, as the client spells it, and behind it those that it named, a line each; empty
    /// if it is about none. It is not sent, but decides whether the turn still may be.
    pub document: String,
}

impl Turn {
    /// The documents whose text it holds.
    fn documents(&self) -> impl Iterator<Item = &str> {
        self.document.split('\n')
    }
}

/// A turn with all that is kept of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The texts.
    pub turn: Turn,
    /// Ask or rewrite.
    pub kind: Kind,
    /// What the menu called it, or the beginning of the user's words.
    pub title: String,
    /// The file's path as people name it.
    pub path: String,
    /// The first and the last line that were asked about, counted from 1.
    pub lines: (u32, u32),
    /// The model that answered.
    pub model: String,
    /// The surface of the gateway that it answered on.
    pub surface: Surface,
    /// When the answer was complete, in milliseconds since 1970 (UTC).
    pub time: i64,
    /// Token counts, if the gateway told them.
    pub usage: Option<Usage>,
    /// How long the answer took, in seconds.
    pub seconds: u64,
}

/// The window of a conversation: turns in the order of their completion.
#[derive(Clone, Debug, Default)]
pub struct Conversation {
    turns: Vec<Turn>,
    /// The secrets that were masked in it.
    pub vault: Vault,
}

impl Conversation {
    /// Goes on with turns that were kept, from the window's first on. They are too many only if the budget is smaller than
    /// it was, or if another server has added to the same conversation; then the window shrinks as it does at a turn.
    pub fn resume(turns: Vec<Turn>, max_bytes: usize) -> Self {
        let mut conversation = Self {
            turns,
            vault: Vault::default(),
        };
        for turn in &conversation.turns {
            conversation.vault.learn(&turn.question);
            conversation.vault.learn(&turn.answer);
        }
        conversation.shrink(max_bytes);
        conversation
    }

    /// Appends a completed turn; a question that failed or was cancelled leaves no trace.
    pub fn append(&mut self, turn: Turn, max_bytes: usize) {
        self.vault.learn(&turn.question);
        self.vault.learn(&turn.answer);
        self.turns.push(turn);
        self.shrink(max_bytes);
    }

    /// Drops the oldest half of the turns at once as long as they exceed `max_bytes`: dropping one per turn would change
    /// the beginning of every request, and with it lose the cache every time.
    fn shrink(&mut self, max_bytes: usize) {
        while max_bytes < self.bytes() && 1 < self.turns.len() {
            self.turns.drain(..self.turns.len().div_ceil(2));
        }
        if max_bytes < self.bytes() {
            self.turns.clear();
        }
    }

    /// The oldest turn in the window.
    pub fn first(&self) -> Option<i64> {
        self.turns.first().map(|turn| turn.id)
    }

    /// The past as messages, oldest first, roles alternating.
    pub fn messages(&self) -> Vec<Message> {
        self.turns
            .iter()
            .flat_map(|turn| {
                [
                    Message {
                        role: Role::User,
                        text: turn.question.clone(),
                    },
                    Message {
                        role: Role::Assistant,
                        text: turn.answer.clone(),
                    },
                ]
            })
            .collect()
    }

    /// Whether `text` stands word for word in a question that still goes along.
    pub fn shows(&self, text: &str) -> bool {
        self.turns.iter().any(|turn| turn.question.contains(text))
    }

    /// Forgets a turn, which is being replaced.
    pub fn forget(&mut self, id: i64) {
        self.turns.retain(|turn| turn.id != id);
    }

    /// The documents whose text the turns hold.
    pub fn documents(&self) -> impl Iterator<Item = &str> {
        self.turns.iter().flat_map(Turn::documents)
    }

    /// Forgets the turns from the first one on that is about a document that is never sent: the answers behind it were
    /// given with its text in view and may quote it. Gives those that are forgotten.
    pub fn forget_since(&mut self, is_excluded: impl Fn(&str) -> bool) -> Vec<i64> {
        let holds = |turn: &Turn| turn.documents().any(&is_excluded);
        let first = self.turns.iter().position(holds);
        let forgotten = self.turns.drain(first.unwrap_or(self.turns.len())..);
        forgotten.map(|turn| turn.id).collect()
    }

    /// The number of turns that go along.
    pub fn len(&self) -> usize {
        self.turns.len()
    }

    /// Whether nothing was said yet.
    pub fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    fn bytes(&self) -> usize {
        self.turns
            .iter()
            .map(|turn| turn.question.len() + turn.answer.len())
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn turn(id: i64) -> Turn {
        Turn {
            id,
            question: format!("q{id}"),
            answer: format!("a{id}"),
            document: format!("d{id}"),
        }
    }

    #[test]
    fn the_past_only_grows_until_the_older_half_goes_at_once() {
        let mut conversation = Conversation::default();
        let mut earlier: Vec<Message> = Vec::new();
        let mut drops = 0;
        for number in 0..9 {
            conversation.append(turn(number), 20);
            let now = conversation.messages();
            if !now.starts_with(&earlier) {
                drops += 1;
                assert_eq!(conversation.len(), 3, "half of six turns");
            }
            earlier = now;
        }
        assert_eq!(drops, 2);
    }

    #[test]
    fn a_window_that_is_too_large_shrinks_when_it_is_taken_up_again() {
        let turns: Vec<Turn> = (0..6).map(turn).collect();
        for (max_bytes, length) in [(24, 6), (23, 3), (11, 1), (3, 0)] {
            let conversation = Conversation::resume(turns.clone(), max_bytes);
            assert_eq!(conversation.len(), length, "{max_bytes}");
            let last = conversation.messages().pop();
            assert_eq!(last.is_some_and(|last| last.text == "a5"), 0 < length);
        }
    }

    #[test]
    fn a_turn_beyond_the_whole_budget_is_not_kept() {
        let mut conversation = Conversation::default();
        let long = Turn {
            question: "x".repeat(50),
            ..turn(1)
        };
        conversation.append(long, 20);
        assert!(conversation.is_empty());
        assert_eq!(conversation.first(), None);
    }

    proptest! {
        /// Beside a window that lives on, one that is put together anew before each step, as a server that was started
        /// again does it: from what is kept, and from where the window was noted to begin.
        #[test]
        fn the_window_is_the_same_after_a_restart(
            steps in prop::collection::vec((0usize..40, prop::bool::weighted(0.15)), 0..60),
            max_bytes in 0usize..120,
        ) {
            // A turn that is forgotten may be the one that made the window shrink, or the one that was too long for it.
            let mut alive = Conversation::default();
            let (mut kept, mut first): (Vec<Turn>, i64) = (Vec::new(), 0);
            for (id, (length, forget)) in (0..).zip(steps) {
                if forget && let Some(last) = kept.pop() {
                    alive.forget(last.id);
                }
                let window = kept.iter().filter(|turn| first <= turn.id).cloned();
                let mut again = Conversation::resume(window.collect(), max_bytes);
                prop_assert_eq!(again.messages(), alive.messages());
                let turn = Turn { question: "q".repeat(length), ..turn(id) };
                kept.push(turn.clone());
                alive.append(turn.clone(), max_bytes);
                again.append(turn, max_bytes);
                prop_assert_eq!(again.messages(), alive.messages());
                prop_assert!(alive.bytes() <= max_bytes);
                first = alive.first().unwrap_or(id + 1);
            }
        }
    }

    #[test]
    fn a_turn_about_what_is_no_longer_sent_goes_with_all_behind_it() {
        let mut conversation = Conversation::default();
        (0..4).for_each(|number| conversation.append(turn(number), 1_000));
        conversation.forget_since(|document| document == "d9");
        assert_eq!(conversation.len(), 4);
        conversation.forget_since(|document| document == "d1");
        assert_eq!(conversation.documents().collect::<Vec<_>>(), ["d0"]);
    }
}
