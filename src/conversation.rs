//! The turns of a conversation and the part of them that goes along with the next question. Append only: what was sent
//! once is sent again letter for letter, so that the gateway's prompt cache holds the whole past. Keeps nothing on disk.

use crate::prompt::{Message, Role};

/// A question that was answered: both texts exactly as they went over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// What was sent.
    pub question: String,
    /// What the model said.
    pub answer: String,
}

/// Turns in the order of their completion.
#[derive(Clone, Debug, Default)]
pub struct Conversation {
    turns: Vec<Turn>,
}

impl Conversation {
    /// Appends a completed turn; a question that failed or was cancelled leaves no trace. When the turns exceed
    /// `max_bytes`, the oldest half of them goes at once: dropping one per turn would change the beginning of every
    /// request, and with it lose the cache every time.
    pub fn append(&mut self, turn: Turn, max_bytes: usize) {
        self.turns.push(turn);
        while max_bytes < self.bytes() && 1 < self.turns.len() {
            self.turns.drain(..self.turns.len().div_ceil(2));
        }
        if max_bytes < self.bytes() {
            self.turns.clear();
        }
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

    /// Forgets all turns.
    pub fn clear(&mut self) {
        self.turns.clear();
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
    use super::*;

    fn turn(number: usize) -> Turn {
        Turn {
            question: format!("q{number}"),
            answer: format!("a{number}"),
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
    fn a_turn_beyond_the_whole_budget_is_not_kept() {
        let mut conversation = Conversation::default();
        conversation.append(
            Turn {
                question: "x".repeat(50),
                answer: String::new(),
            },
            20,
        );
        assert!(conversation.is_empty());
    }
}
