//! How much a rewrite touches, beside the least that it could: ten changes that people made to this project, each as a
//! reply that streams in pieces of a few characters. Prints the figures; run with `--nocapture` to see them.

use std::path::Path;

use super::super::{Command, Delivery, Guard, Options, Pace, Phase, Review, Rewrite};
use super::super::{Event, Now};
use crate::text::document::{Change, Document};
use crate::text::{Encoding, Span, position};

/// What the edits of one rewrite touched, in bytes deleted and inserted.
#[derive(Default)]
struct Touched {
    streamed: usize,
    committed: usize,
}

/// Plays a reply into an editor that applies each edit at once.
fn rewrite(old: &str, new: &str) -> Touched {
    let mut document = Document::open("text".to_owned(), Some(1), old);
    let options = Options {
        delivery: Delivery::Stream,
        pace: Pace::Prompt,
        guard: Guard::Versions,
        review: Review::Wait,
    };
    let mut machine = Rewrite::new(document.text(), Span::new(0, old.len()), options);
    let mut touched = Touched::default();
    let letters: Vec<char> = new.chars().collect();
    let pieces = letters.chunks(4).map(|piece| piece.iter().collect());
    let mut events: Vec<Event> = pieces.map(Event::Text).collect();
    events.push(Event::Complete(String::new()));
    // One edit per piece, then time for the end.
    events.extend(vec![Event::Tick; 40]);
    for (step, event) in (1_u64..).zip(events) {
        let now = Now {
            millis: step * 50,
            turn: true,
            unchanged: false,
        };
        let mut commands = machine.step(now, &document.text().clone(), event);
        while let Some(command) = commands.pop() {
            let Command::Send { phase, edits, .. } = command else {
                continue;
            };
            let size = |edit: &crate::text::Edit| edit.span.len() + edit.text.len();
            let size: usize = edits.iter().map(size).sum();
            match phase {
                Phase::First | Phase::Next => touched.streamed += size,
                Phase::Last => touched.committed += size,
                Phase::Rewind => {}
            }
            let change = |edit: &crate::text::Edit| Change::Partial {
                range: position::range(document.text(), edit.span, Encoding::Utf8),
                text: edit.text.clone(),
            };
            let changes: Vec<Change> = edits.iter().rev().map(change).collect();
            let batch = document
                .apply(Some(1), &changes, Encoding::Utf8)
                .expect("in step");
            let (more, _) = machine.changed(now, &batch, false);
            commands.extend(more);
        }
    }
    assert_eq!(document.text().to_string(), new);
    assert!(machine.is_pending(), "it is complete");
    touched
}

/// The bytes that a difference by tokens deletes and inserts, found by another program than ours: longest common
/// subsequence, weighed in bytes.
fn least(old: &[&str], new: &[&str]) -> usize {
    let mut kept = vec![vec![0; new.len() + 1]; old.len() + 1];
    for (i, one) in old.iter().enumerate() {
        for (j, other) in new.iter().enumerate() {
            let both = if one == other {
                kept[i][j] + one.len()
            } else {
                0
            };
            kept[i + 1][j + 1] = both.max(kept[i][j + 1]).max(kept[i + 1][j]);
        }
    }
    let size = |tokens: &[&str]| tokens.iter().map(|token| token.len()).sum::<usize>();
    size(old) + size(new) - 2 * kept[old.len()][new.len()]
}

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let end = if is_word(first) {
            rest.find(|c| !is_word(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (word, behind) = rest.split_at(end);
        words.push(word);
        rest = behind;
    }
    words
}

fn pairs() -> Vec<(String, String, String)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pairs");
    let mut pairs: Vec<_> = std::fs::read_dir(directory)
        .expect("the pairs are there")
        .map(|entry| {
            let path = entry.expect("readable").path();
            let text = std::fs::read_to_string(&path).expect("readable");
            let text = text.strip_prefix("=== before\n").expect("begins so");
            let (before, after) = text.split_once("=== after\n").expect("has both");
            let name = path.file_stem().expect("a name").to_string_lossy();
            (name.into_owned(), before.to_owned(), after.to_owned())
        })
        .collect();
    pairs.sort();
    pairs
}

#[test]
fn streaming_touches_at_most_twice_and_the_commit_hardly_more_than_it_must() {
    let pairs = pairs();
    assert!(10 <= pairs.len(), "the pairs were not found");
    let (mut streamed, mut least_lines, mut committed, mut least_words) = (0, 0, 0, 0);
    for (name, before, after) in &pairs {
        let touched = rewrite(before, after);
        let by_lines = least(&lines(before), &lines(after));
        let by_words = least(&words(before), &words(after));
        println!(
            "{name:<14} streamed {:>5} of {by_lines:>5} by lines, committed {:>5} of {by_words:>5} by words",
            touched.streamed, touched.committed
        );
        streamed += touched.streamed;
        committed += touched.committed;
        least_lines += by_lines;
        least_words += by_words;
    }
    #[expect(clippy::cast_precision_loss, reason = "a ratio for a reader")]
    let ratio = |part: usize, whole: usize| part as f64 / whole as f64;
    println!(
        "streamed {:.2} times the least, committed {:.2} times",
        ratio(streamed, least_lines),
        ratio(committed, least_words)
    );
    assert!(streamed <= 2 * least_lines);
    assert!(10 * committed <= 11 * least_words);
}
