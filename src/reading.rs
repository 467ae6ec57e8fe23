//! The reply to a rewrite as it becomes text of the document: cleaned, then with the secrets of its selection back in it. What
//! must not be put in place unseen, such as characters that cannot be seen or one block of code of several, raises a doubt,
//! and the user decides. It knows neither document nor client.

use std::collections::BTreeSet;

use crate::prompt::redact::restore::Restorer;
use crate::reply::{Cleaner, Rejected, Room, Shape};
use crate::text::hidden::{self, Watch};

/// What to say where code was dropped that may belong to the text.
const MORE_BLOCKS: &str =
    "the answer holds more than one block of code; only the first one is in the result";

/// The reader of one reply.
#[derive(Debug)]
pub struct Reading {
    cleaner: Cleaner,
    restorer: Restorer,
    watch: Watch,
    /// The hidden characters that the selection holds: the reply may hold them too.
    known: BTreeSet<char>,
    /// Those that it holds beside.
    hidden: BTreeSet<char>,
    /// What stands in front of the text.
    lead: String,
    /// A doubt was told already.
    told: bool,
}

impl Reading {
    /// A reader for a reply that goes to the place of `shape`, and in which no secret comes back yet.
    pub fn new(shape: &Shape) -> Self {
        Self {
            cleaner: Cleaner::new(shape),
            restorer: Restorer::default(),
            watch: Watch::default(),
            known: shape.selection.chars().collect(),
            hidden: BTreeSet::new(),
            lead: String::new(),
            told: false,
        }
    }

    /// A reader for a reply that goes to lines of its own.
    pub fn of_lines(room: &Room) -> Self {
        Self {
            lead: room.lead.clone(),
            ..Self::new(&room.shape)
        }
    }

    /// From now on these secrets come back; `masked` is the place as the model was shown it, if secrets were masked in it or
    /// around it. To be said before anything is read.
    pub fn restore_with(&mut self, restorer: Restorer, masked: Option<&Shape>) {
        self.restorer = restorer;
        if let Some(shape) = masked {
            self.cleaner = Cleaner::new(shape);
        }
    }

    /// Takes what has come and gives the text that may go out now.
    pub fn push(&mut self, delta: &str) -> String {
        let cleaned = self.cleaner.push(delta);
        let text = self.restorer.push(&cleaned);
        self.look_at(&text);
        self.led(text)
    }

    fn led(&mut self, text: String) -> String {
        if text.is_empty() {
            return text;
        }
        std::mem::take(&mut self.lead) + &text
    }

    /// The reply has ended: gives the rest of the text, or why there is none. Called once.
    pub fn finish(&mut self) -> Result<String, Rejected> {
        let cleaned = self.cleaner.finish()?;
        let rest = self.restorer.push(&cleaned) + &self.restorer.finish();
        self.look_at(&rest);
        let (known, found) = (&self.known, &mut self.hidden);
        let watch = &mut self.watch;
        watch.finish(|c, hidden| note(known, found, c, hidden));
        Ok(self.led(rest))
    }

    fn look_at(&mut self, text: &str) {
        let (known, found) = (&self.known, &mut self.hidden);
        let watch = &mut self.watch;
        watch.push(text, |c, hidden| note(known, found, c, hidden));
    }

    /// Why the text must not be put in place unseen, the first time that there is a reason: one sentence without a full stop.
    pub fn new_doubt(&mut self) -> Option<String> {
        let doubt = match self.restorer.doubt() {
            _ if self.told => return None,
            Some(doubt) => doubt.to_owned(),
            None if self.cleaner.drops_block() => MORE_BLOCKS.to_owned(),
            None => unseen(&self.hidden)?,
        };
        self.told = true;
        Some(doubt)
    }
}

/// Line endings are the cleaner's business; they and tabs are seen.
fn note(known: &BTreeSet<char>, found: &mut BTreeSet<char>, c: char, hidden: bool) {
    if hidden && c != '\r' && !known.contains(&c) {
        found.insert(c);
    }
}

/// What to say of characters that cannot be seen and that did not stand in the selection.
fn unseen(hidden: &BTreeSet<char>) -> Option<String> {
    let named: Vec<String> = hidden.iter().take(3).copied().map(hidden::name).collect();
    let more = if named.len() < hidden.len() {
        ", ..."
    } else {
        ""
    };
    let named = format!("{}{more}", named.join("; "));
    (!hidden.is_empty()).then(|| {
        format!(
            "the answer holds characters that cannot be seen and that the selection does not hold ({named}); compare \
             before you apply"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Span;
    use crate::text::document::Document;

    #[test]
    fn characters_that_cannot_be_seen_raise_a_doubt_unless_they_stood_there() {
        let cases = [
            (
                "old\n",
                "new \"\u{2067}x\"\n",
                Some("(U+2067, direction of text)"),
            ),
            (
                "old\n",
                "a\u{200b}\u{feff}\u{202e}\u{0}b\n",
                Some(
                    "(U+0000, control character; U+200B, zero width space; U+202E, direction of text, ...)",
                ),
            ),
            ("old\n", "a\u{200d}", Some("(U+200D, zero width joiner)")),
            ("old\n", "\u{c}new\n", Some("(U+000C, control character)")),
            (
                "\u{feff}old\u{c}\u{200b}\n",
                "\u{feff}a\u{200b}\u{c}b\u{200b}\n",
                None,
            ),
            ("old\r\n", "new\r\n\tline\r\n", None),
            (
                "old\n",
                "print('👩\u{200d}💻 ❤\u{fe0f} שלום می\u{200c}خواهم')\n",
                None,
            ),
        ];
        for (selection, reply, part) in cases {
            let document = Document::open("python".to_owned(), None, selection);
            let shape = Shape::of(&document, Span::new(0, selection.len()));
            let mut at_once = Reading::new(&shape);
            at_once.push(reply);
            at_once.finish().unwrap();
            let mut in_pieces = Reading::new(&shape);
            for c in reply.chars() {
                in_pieces.push(c.encode_utf8(&mut [0; 4]));
            }
            in_pieces.finish().unwrap();
            let doubt = at_once.new_doubt();
            assert_eq!(doubt, in_pieces.new_doubt(), "{reply:?}");
            assert_eq!(doubt.is_some(), part.is_some(), "{reply:?}: {doubt:?}");
            assert!(
                doubt.unwrap_or_default().contains(part.unwrap_or_default()),
                "{reply:?}"
            );
            assert_eq!(at_once.new_doubt(), None, "told once");
        }
    }
}
