//! What an answer may repeat of the prompt itself: the tags around the selection and its surroundings, the line that names
//! the file, and the last line. Small models copy them. Knows the prompt's form, not what stands in it.

use super::language::is_xml;
use super::{MAX_HELD, Shape, is_blank};

/// The tags of the prompt: whose inside is not the selection, and how it ends.
const CONTEXTS: &[(&str, &str)] = &[
    ("<before>", "</before>"),
    ("<after>", "</after>"),
    ("<diagnostics>", "</diagnostics>"),
];

const SELECTION: (&str, &str) = ("<selection>", "</selection>");

/// The lines of a prompt that are always the same.
const LINES: &[&str] = &[
    "Reply with nothing but the text that replaces the selection.",
    "Reply with nothing but the text to insert at the cursor.",
    "The cursor stands between <before> and <after>; nothing is selected.",
];

/// What a small model may put behind the line that names the file, from the system prompt.
const COPIED: &[&str] = &[
    ", and no code fence around it.",
    ", no code fence around it.",
];

/// A tag in front of the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    /// What follows up to this tag is not the content.
    Context(&'static str),
    /// It means nothing for what follows.
    Alone,
}

/// Whether the tags and lines of the prompt cannot be meant as text of the document: they are not found in it, nor is any
/// tag at home there.
pub(super) fn is_foreign(shape: &Shape) -> bool {
    let mut parts = all().chain(LINES.iter().copied());
    !is_xml(&shape.language) && !parts.any(|part| shape.surrounds(part))
}

/// What a text means that is a tag of the prompt.
pub(super) fn tag(text: &str) -> Option<Tag> {
    let context = CONTEXTS.iter().find(|(open, _)| *open == text);
    context
        .map(|&(_, close)| Tag::Context(close))
        .or_else(|| all().any(|tag| tag == text).then_some(Tag::Alone))
}

/// Whether more text could make a tag of the prompt of it.
pub(super) fn may_become_tag(text: &str) -> bool {
    all().any(|tag| tag.starts_with(text))
}

/// The tag that ends the selection: it may also stand at the end of a line.
pub(super) const END: &str = SELECTION.1;

fn all() -> impl Iterator<Item = &'static str> {
    let pairs = CONTEXTS.iter().chain([&SELECTION]);
    pairs.flat_map(|&(open, close)| [open, close])
}

/// Whether a whole line is the one that names the file in a prompt, with what small models make of it, or the last one.
pub(super) fn is_line(text: &str, language: &str) -> bool {
    let named = || {
        let (name, rest) = text.strip_prefix("File")?.split_once('(')?;
        let (in_brackets, rest) = rest.split_once(')')?;
        let lines = rest.trim_start_matches([',', ' ']).strip_prefix("line")?;
        let numbers = lines.trim_start_matches(['s', ' ']);
        let copied = COPIED.iter().find_map(|end| numbers.strip_suffix(end));
        let numbers = copied.unwrap_or(numbers);
        let of_numbers = |c: char| c.is_ascii_digit() || " to-.:".contains(c);
        let same = in_brackets.eq_ignore_ascii_case(language) && name.starts_with([' ', ':']);
        Some(
            same && numbers.starts_with(|c: char| c.is_ascii_digit())
                && numbers.chars().all(of_numbers),
        )
    };
    text.len() <= MAX_HELD && (LINES.contains(&text) || named().unwrap_or(false))
}

/// Whether more text could make such a line of it.
pub(super) fn may_become_line(text: &str) -> bool {
    let names = ["File ", "File:"];
    text.len() <= MAX_HELD && {
        let begins = |line: &&str| line.starts_with(text.trim_end_matches(is_blank));
        LINES.iter().chain(&names).any(begins) || names.iter().any(|name| text.starts_with(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Kind;
    use crate::conversation::Conversation;
    use crate::prompt::{self, Turn};

    /// The text of a request for a rewrite of `selection`.
    fn rendered(selection: &str) -> String {
        let turn = Turn {
            kind: Kind::Rewrite,
            path: "src/a.rs",
            language: "rust",
            first_line: 1,
            last_line: 2,
            selection,
            before: "before",
            after: "after",
            diagnostics: "diagnostics",
            files: &[],
            target: crate::action::Target::Selection,
            instruction: "Do it.",
        };
        prompt::request(
            "m".to_owned(),
            String::new(),
            1,
            &Conversation::default(),
            &turn,
        )
        .1
    }

    #[test]
    fn every_part_of_a_prompt_is_known() {
        for selection in ["selection", ""] {
            let text = rendered(selection);
            let own = ["before", "after", "diagnostics", "selection", "Do it.", ""];
            for line in text.lines().filter(|line| !own.contains(line)) {
                let known = match tag(line) {
                    Some(Tag::Context(close)) => text.contains(close),
                    Some(Tag::Alone) => true,
                    None => is_line(line, "rust"),
                };
                assert!(known, "{line:?}");
            }
        }
        assert!(rendered("selection").contains(END));
    }

    #[test]
    fn a_known_part_is_told_from_its_first_character_on() {
        for line in rendered("selection").lines().chain(rendered("").lines()) {
            let (is_tag, is_line) = (tag(line).is_some(), is_line(line, "rust"));
            for (end, _) in line.char_indices().skip(1) {
                let (beginning, _) = line.split_at(end);
                assert!(!is_tag || may_become_tag(beginning), "{beginning:?}");
                assert!(!is_line || may_become_line(beginning), "{beginning:?}");
            }
        }
    }

    #[test]
    fn other_lines_are_not_taken_for_the_one_that_names_the_file() {
        let table = [
            ("File src/a.rs (rust), lines 1 to 2.", true),
            ("File a.rs (Rust), line 1:", true),
            (
                "File: a.rs (rust), lines 1-2, and no code fence around it.",
                true,
            ),
            ("File a.rs (go), line 1.", false),
            ("File a.rs (rust), lines 1 to 2 are wrong.", false),
            ("File a.rs (rust).", false),
            ("Files (rust), line 1.", false),
            ("File a.rs is on line 1.", false),
        ];
        for (line, expected) in table {
            assert_eq!(is_line(line, "rust"), expected, "{line:?}");
        }
    }
}
