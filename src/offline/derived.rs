//! What the stand-in says when nobody wrote it a script: an answer made from the request, so that every set-up can be tried
//! with any text. It always says that it is scripted, and it changes no code: a rewrite gains comments.

use std::time::Duration;

use super::script::{Answer, Step, tokens};
use crate::action::Kind;
use crate::comment;
use crate::gateway::signal::Usage;
use crate::prompt::{self, Asked};

/// The pause between two pieces: about the pace of a real model.
const PAUSE: Duration = Duration::from_millis(25);

/// The longest that all pauses of an answer take together.
const LONGEST: Duration = Duration::from_secs(6);

/// The answer to the last message of a request.
pub(super) fn answer(said: &str) -> Answer {
    let text = match prompt::read(said) {
        Some(asked) if asked.kind == Kind::Rewrite => rewritten(&asked),
        Some(asked) => explained(&asked),
        None => "This answer is **scripted**: no model was asked.".to_owned(),
    };
    let pieces = tokens(&text);
    let count = u32::try_from(pieces.len()).unwrap_or(u32::MAX).max(1);
    let pause = PAUSE.min(LONGEST / count);
    let usage = Usage {
        input: said.len() as u64 / 4,
        cached: 0,
        output: u64::from(count),
        ..Usage::default()
    };
    let mut steps = Vec::with_capacity(2 * pieces.len() + 3);
    for piece in pieces {
        steps.extend([Step::Wait(pause), Step::Text(piece)]);
    }
    steps.extend([Step::finish("stop"), Step::Usage(usage), Step::Done]);
    Answer::stream(steps)
}

fn explained(asked: &Asked<'_>) -> String {
    let count = asked.selection.lines().count();
    let first = asked
        .selection
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default()
        .trim();
    format!(
        "This answer is **scripted**: no model was asked and nothing left this computer.\n\n\
         You asked about {} of `{}` ({count} selected):\n\n```{}\n{first}\n```\n\n> {}\n\n\
         With a key in `EZROUTER_API_KEY` and without `--offline`, a model answers here.\n",
        asked.lines,
        asked.path,
        asked.language,
        asked.instruction.replace('\n', "\n> ")
    )
}

/// The selection between two comments.
fn rewritten(asked: &Asked<'_>) -> String {
    let instruction: String = asked
        .instruction
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(60)
        .collect();
    let note = |words: &str| {
        let marks = comment::marks(asked.language);
        marks.map_or_else(|| words.to_owned(), |marks| marks.comment(words))
    };
    let first = asked
        .selection
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    let indent: String = first.chars().take_while(|c| c.is_whitespace()).collect();
    let begin = note(&format!("Scripted, no model was asked: {instruction}"));
    let end = note("Scripted: end of the rewrite");
    if asked.selection.trim().is_empty() {
        return begin;
    }
    format!(
        "{indent}{begin}\n{}\n{indent}{end}\n",
        asked.selection.trim_end_matches(['\n', '\r'])
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(answer: &Answer) -> String {
        answer
            .steps
            .iter()
            .filter_map(|step| match step {
                Step::Text(text) => Some(text.as_str()),
                _ => None,
            })
            .collect()
    }

    const QUESTION: &str = "File a.lua (lua), lines 2 to 3.\n<selection>\n  local a = 1\n  return a\n\n</selection>\n\n";

    #[test]
    fn a_rewrite_is_the_selection_between_comments_of_its_language() {
        let asked = format!(
            "{QUESTION}Be\nshort.\nReply with nothing but the text that replaces the selection."
        );
        assert_eq!(
            text(&answer(&asked)),
            "  -- Scripted, no model was asked: Be short.\n  local a = 1\n  return a\n  -- Scripted: end of the rewrite\n"
        );
    }

    #[test]
    fn an_answer_names_what_was_asked_and_says_that_it_is_scripted() {
        let answer = text(&answer(&format!("{QUESTION}What is it?")));
        for part in [
            "**scripted**",
            "lines 2 to 3 of `a.lua`",
            "> What is it?",
            "local a = 1",
        ] {
            assert!(answer.contains(part), "{part}: {answer}");
        }
    }

    #[test]
    fn the_pauses_of_a_long_answer_are_bounded() {
        let answer = answer(&format!("{QUESTION}{}", "word ".repeat(20_000)));
        let pauses: Duration = answer
            .steps
            .iter()
            .filter_map(|step| match step {
                Step::Wait(pause) => Some(*pause),
                _ => None,
            })
            .sum();
        assert!(LONGEST / 2 < pauses && pauses <= LONGEST, "{pauses:?}");
    }
}
