//! Thinking that an upstream left in the text of an answer, in tags at its beginning. Where it came apart from the text there
//! is nothing to do.

use super::language::{Family, is_xml};

/// The tags that thinking stands in, and what ends it.
const TAGS: &[(&str, &str)] = &[
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
];

/// The most that is held while it is open whether thinking begins; more white space than this stands in front of no tag.
const MAX_HELD: usize = 4096;

/// Whether an answer may begin with such a tag and mean it, because it is text for a document in `language`, in place of
/// `selected` and next to `around`. Then it is left to the cleaner, which sees what follows.
pub(crate) fn may_be_meant(language: &str, selected: &str, around: &[&str]) -> bool {
    is_xml(language) || is_at_home(language, selected, around)
}

/// Whether such a tag is text of the document: what is selected begins with one or, where tags or prose are at home, there is
/// one in it or next to it.
pub(super) fn is_at_home(language: &str, selected: &str, around: &[&str]) -> bool {
    let mut opens = TAGS.iter().map(|(open, _)| open.trim_end_matches('>'));
    if Family::of(language) == Family::Code {
        return opens.any(|open| selected.trim_start().starts_with(open));
    }
    opens.any(|open| selected.contains(open) || around.iter().any(|text| text.contains(open)))
}

/// What ends the thinking that a tag begins.
pub(super) fn end_of(tag: &str) -> Option<&'static str> {
    let found = TAGS.iter().find(|(open, _)| *open == tag);
    found.map(|&(_, close)| close)
}

/// Whether more text could make a tag of it that begins thinking.
pub(super) fn may_begin(text: &str) -> bool {
    TAGS.iter().any(|(open, _)| open.starts_with(text))
}

/// Whether a tag ends thinking.
pub(super) fn is_end(tag: &str) -> bool {
    TAGS.iter().any(|(_, close)| *close == tag)
}

/// Whether more text could make a tag of it that ends thinking.
pub(super) fn may_end(text: &str) -> bool {
    TAGS.iter().any(|(_, close)| close.starts_with(text))
}

/// Takes thinking out of the beginning of an answer that comes in pieces.
#[derive(Debug)]
pub struct Thoughts(Place);

#[derive(Debug)]
enum Place {
    /// In front of the answer; what has come may be the beginning of a tag.
    Front(String),
    /// In the thinking: what ends it, and what has come of it that may be the beginning of that.
    Inside(&'static str, String),
    /// Between the thinking and the answer.
    Behind,
    /// In the answer.
    Answer,
}

impl Thoughts {
    /// Takes out the thinking of an answer that may begin with some.
    pub fn out() -> Self {
        Self(Place::Front(String::new()))
    }

    /// Takes out nothing: tags belong to the answer.
    pub fn kept() -> Self {
        Self(Place::Answer)
    }

    /// Takes the next piece; gives the bytes of thinking that it holds, and the text of the answer.
    pub fn push(&mut self, piece: &str) -> (usize, String) {
        match std::mem::replace(&mut self.0, Place::Answer) {
            Place::Front(held) => self.in_front(held + piece),
            Place::Inside(end, held) => self.inside(end, &held, piece),
            Place::Behind => (0, self.behind(piece)),
            Place::Answer => (0, piece.to_owned()),
        }
    }

    fn in_front(&mut self, held: String) -> (usize, String) {
        let text = held.trim_start();
        for (open, end) in TAGS {
            if let Some(thinking) = text.strip_prefix(open) {
                let (bytes, text) = self.inside(end, "", thinking);
                return (open.len() + bytes, text);
            }
        }
        let may_become = TAGS.iter().any(|(open, _)| open.starts_with(text));
        if may_become && held.len() <= MAX_HELD {
            self.0 = Place::Front(held);
            return (0, String::new());
        }
        (0, held)
    }

    fn inside(&mut self, end: &'static str, held: &str, piece: &str) -> (usize, String) {
        let thinking = format!("{held}{piece}");
        let Some((_, rest)) = thinking.split_once(end) else {
            self.0 = Place::Inside(end, tail(&thinking, end.len() - 1));
            return (piece.len(), String::new());
        };
        (piece.len() - rest.len(), self.behind(rest))
    }

    fn behind(&mut self, piece: &str) -> String {
        // The indentation of the first line belongs to the answer.
        let text = piece.trim_start_matches(['\n', '\r']);
        if text.is_empty() {
            self.0 = Place::Behind;
        }
        text.to_owned()
    }

    /// The answer is over: gives what was held and turned out to be no tag.
    pub fn finish(&mut self) -> String {
        match std::mem::replace(&mut self.0, Place::Answer) {
            Place::Front(held) => held,
            _ => String::new(),
        }
    }
}

/// The last `most` bytes of a text, or a little less where that would cut a character.
fn tail(text: &str, most: usize) -> String {
    let start = text.len().saturating_sub(most);
    let start = (start..=text.len()).find(|at| text.is_char_boundary(*at));
    start
        .and_then(|start| text.get(start..))
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The thinking's bytes and the text of an answer that comes in pieces of so many characters.
    fn read(mut thoughts: Thoughts, answer: &str, size: usize) -> (usize, String) {
        let (mut bytes, mut text) = (0, String::new());
        let chars: Vec<char> = answer.chars().collect();
        for piece in chars.chunks(size) {
            let (thinking, piece) = thoughts.push(&piece.iter().collect::<String>());
            bytes += thinking;
            text.push_str(&piece);
        }
        text.push_str(&thoughts.finish());
        (bytes, text)
    }

    #[test]
    fn thinking_at_the_beginning_goes_and_everything_else_stays() {
        let table = [
            ("", 0, ""),
            ("plain", 0, "plain"),
            ("\n  indented", 0, "\n  indented"),
            (" \n", 0, " \n"),
            (
                "<think>\nhm 你好\n</think>\n\n    x = 1\n",
                26,
                "    x = 1\n",
            ),
            ("\n<thinking>hm</thinking>x", 23, "x"),
            // Such tags come up in answers.
            ("a <think>b</think>", 0, "a <think>b</think>"),
            ("<think>a</think><think>b</think>", 16, "<think>b</think>"),
            ("<think", 0, "<think"),
            ("<thinker>", 0, "<thinker>"),
            ("<", 0, "<"),
            // What never ends is thinking to its end.
            ("<think>a</thin", 14, ""),
            ("<think>a</thi</think>b", 21, "b"),
            ("<think></think>", 15, ""),
        ];
        for (answer, bytes, text) in table {
            for size in [1, 2, 3, 7, 100] {
                assert_eq!(
                    read(Thoughts::out(), answer, size),
                    (bytes, text.to_owned()),
                    "{answer:?} in pieces of {size}"
                );
                let kept = read(Thoughts::kept(), answer, size);
                assert_eq!(kept, (0, answer.to_owned()));
            }
        }
    }

    #[test]
    fn no_more_is_held_than_a_tag_may_have_in_front() {
        let mut thoughts = Thoughts::out();
        let (_, text) = thoughts.push(&" ".repeat(MAX_HELD + 1));
        assert_eq!(text.len(), MAX_HELD + 1);
        assert_eq!(thoughts.push("<think>"), (0, "<think>".to_owned()));
    }

    #[test]
    fn tags_may_be_meant_in_xml_and_where_the_document_has_some() {
        let table = [
            ("xml", "", "", true),
            ("jinja", "a <think> b", "", true),
            ("markdown", "", "<thinking class=\"a\">", true),
            ("html", "", "</think>", false),
            ("rust", "\n<think>\n", "", true),
            ("rust", "let a = \"<think>\";", "<think>", false),
            ("rust", "thinking", "", false),
        ];
        for (language, selected, around, expected) in table {
            let meant = may_be_meant(language, selected, &[around]);
            assert_eq!(meant, expected, "{language} {selected:?} {around:?}");
        }
    }
}
