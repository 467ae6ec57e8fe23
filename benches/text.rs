//! Times what every keystroke costs the text layer, on documents from small to absurd, what hostile texts can cost at most, and
//! what a long rewrite takes.
//! Leaves out pass or fail: it prints nanoseconds for a person to read.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]
#![expect(clippy::unwrap_used, reason = "a bench that cannot run may stop")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use ezrouter_lsp::rewrite::{Command, Delivery, Event, Guard, Now, Options, Pace, Review, Rewrite};
use ezrouter_lsp::text::anchor::{Stick, carry, replacements, shift};
use ezrouter_lsp::text::diff::{distance, edits, revert};
use ezrouter_lsp::text::document::{Change, Document, Hull, between_texts};
use ezrouter_lsp::text::position::{offset, position};
use ezrouter_lsp::text::{Encoding, Position, Range, Span};
use ropey::Rope;

const MEGABYTE: usize = 1 << 20;

/// Runs `work` for about a fifth of a second and prints the mean.
fn time<T>(what: &str, mut work: impl FnMut() -> T) {
    black_box(work());
    let begin = Instant::now();
    let mut rounds = 0u32;
    while begin.elapsed() < Duration::from_millis(200) {
        black_box(work());
        rounds += 1;
    }
    println!(
        "{what:<62} {:>12} ns",
        (begin.elapsed() / rounds).as_nanos()
    );
}

fn documents() -> Vec<(&'static str, String)> {
    let line = "    let answer = compute(\"é😀\", 42); // a line of code\n";
    vec![
        ("1 MB", line.repeat(MEGABYTE / line.len())),
        ("10 MB", line.repeat(10 * MEGABYTE / line.len())),
        (
            "one line of 1 MB",
            line.trim_end().repeat(MEGABYTE / line.len()),
        ),
    ]
}

fn keystrokes_and_positions() {
    for (name, text) in documents() {
        let rope = Rope::from_str(&text);
        let middle = position(&rope, text.len() / 2, Encoding::Utf16);
        let next = Position {
            character: middle.character + 1,
            ..middle
        };
        let insert = Change::Partial {
            range: Range {
                start: middle,
                end: middle,
            },
            text: "x".to_owned(),
        };
        let delete = Change::Partial {
            range: Range {
                start: middle,
                end: next,
            },
            text: String::new(),
        };
        let mut document = Document::open("rust".to_owned(), Some(1), &text);
        time(&format!("{name}: insert and delete one character"), || {
            let changes = [insert.clone()];
            document.apply(Some(2), &changes, Encoding::Utf16).unwrap();
            document
                .apply(Some(3), std::slice::from_ref(&delete), Encoding::Utf16)
                .unwrap()
                .hull
        });
        for encoding in [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32] {
            let place = position(&rope, text.len() / 2, encoding);
            time(&format!("{name}: offset, {encoding:?}"), || {
                offset(&rope, black_box(place), encoding)
            });
            time(&format!("{name}: position, {encoding:?}"), || {
                position(&rope, black_box(text.len() / 2), encoding)
            });
        }
        let mut other = rope.clone();
        other.insert(other.len_chars() / 2, "x");
        time(&format!("{name}: hull of two texts"), || {
            between_texts(&rope, &other)
        });
        let reloaded = Rope::from_str(&other.to_string());
        time(
            &format!("{name}: hull of two texts that share no memory"),
            || between_texts(&rope, &reloaded),
        );
    }
}

fn anchors() {
    let far = Hull {
        old: Span::new(500, 500),
        new: Span::new(500, 501),
    };
    time("carry past a far hull", || {
        shift(black_box(900_000), Stick::After, black_box(far))
    });
    let line = "    let answer = compute(1);\n";
    let before = Rope::from_str(&line.repeat(100));
    let after = Rope::from_str(&line.repeat(100).replacen("compute", "derive", 7));
    let hull = between_texts(&before, &after);
    time("carry through a touching hull of 200 bytes", || {
        carry(
            black_box(100),
            Stick::After,
            &replacements(&before, &after, hull),
        )
    });
}

/// Pairs of texts that are made to cost much.
fn hostile_pairs() -> Vec<(&'static str, String, String)> {
    let lines =
        |line: &dyn Fn(usize) -> String, count: usize| (0..count).map(line).collect::<String>();
    let numbered = |n: usize| format!("line {n}\n");
    let mixed = |n: usize| format!("{}\n", n.wrapping_mul(2_654_435_761) % 97);
    let shuffled = |n: usize| format!("{}\n", n.wrapping_mul(40_503) % 89);
    vec![
        (
            "10,000 lines, one changed",
            lines(&numbered, 10_000),
            lines(&numbered, 10_000).replacen("5000", "x", 1),
        ),
        (
            "10,000 lines, every tenth changed",
            lines(&numbered, 10_000),
            lines(&numbered, 10_000).replace("0\n", "x\n"),
        ),
        (
            "10,000 lines, all differ",
            lines(&numbered, 10_000),
            lines(&|n| format!("other {n}\n"), 10_000),
        ),
        (
            "10,000 equal lines, half of them gone",
            "x\n".repeat(10_000),
            "x\n".repeat(5_000),
        ),
        (
            "10,000 alternating lines",
            "a\nb\n".repeat(5_000),
            "b\na\nc\n".repeat(3_333),
        ),
        (
            "10,000 lines in reverse",
            lines(&numbered, 10_000),
            lines(&|n| numbered(10_000 - n), 10_000),
        ),
        (
            "10,000 lines of few kinds",
            lines(&mixed, 10_000),
            lines(&shuffled, 10_000),
        ),
        (
            "30,000 lines of few kinds",
            lines(&mixed, 30_000),
            lines(&shuffled, 30_000),
        ),
        (
            "one line of 1 MB",
            "ab ".repeat(MEGABYTE / 3),
            "ba  ".repeat(MEGABYTE / 4),
        ),
        (
            "one line of 32 KB",
            lines(&mixed, 10_000).replace('\n', " "),
            lines(&shuffled, 10_000).replace('\n', " "),
        ),
        (
            "one line of 16 KB",
            lines(&mixed, 2_800).replace('\n', ""),
            lines(&shuffled, 2_800).replace('\n', ""),
        ),
    ]
}

fn differences() {
    for (name, old, new) in hostile_pairs() {
        let (before, after) = (Rope::from_str(&old), Rope::from_str(&new));
        let hull = between_texts(&before, &after);
        time(&format!("{name}: edits"), || edits(&old, &new));
        time(&format!("{name}: replacements"), || {
            replacements(&before, &after, hull)
        });
        time(&format!("{name}: distance"), || distance(&old, &new));
        let now = new.replacen('\n', "\nuser\n", 3);
        time(&format!("{name}: revert"), || revert(&old, &new, &now));
    }
}

fn main() {
    keystrokes_and_positions();
    anchors();
    differences();
    streamed_rewrites();
}

/// A thousand lines that replace a thousand, in pieces of four characters: what the machine takes, and how many edits it sends.
fn streamed_rewrites() {
    let lines = |line: fn(usize) -> String| (0..1_000).map(line).collect::<String>();
    let old = lines(|n| format!("    let value_{n} = compute(old, {n});\n"));
    let half = lines(|n| match n % 2 {
        0 => format!("    let value_{n} = compute(old, {n});\n"),
        _ => format!("    let value_{n} = compute(new, {n})?;\n"),
    });
    let all = lines(|n| format!("    value[{n}] = new.compute({n})?;\n"));
    for (name, new) in [("every second line", half), ("every line", all)] {
        let begin = Instant::now();
        let edits = stream(&old, &new);
        println!(
            "1,000 lines of which {name} changes: {edits} edits, {} us in all",
            begin.elapsed().as_micros()
        );
    }
}

/// Plays a reply to an editor that applies each edit at once; gives the number of edits.
fn stream(old: &str, new: &str) -> usize {
    let mut document = Document::open("text".to_owned(), Some(1), old);
    let options = Options {
        delivery: Delivery::Stream,
        pace: Pace::Prompt,
        guard: Guard::Versions,
        review: Review::Wait,
    };
    let mut rewrite = Rewrite::new(document.text(), Span::new(0, old.len()), options);
    let letters: Vec<char> = new.chars().collect();
    let pieces = letters.chunks(4).map(|piece| piece.iter().collect());
    let mut events: Vec<Event> = pieces.map(Event::Text).collect();
    events.push(Event::Complete(String::new()));
    events.extend(vec![Event::Tick; 40]);
    let mut sent = 0;
    for (step, event) in (1_u64..).zip(events) {
        // A fast model: a piece each 10 ms, so that three of them go into an edit.
        let now = Now {
            millis: step * 10,
            turn: true,
            unchanged: false,
        };
        let text = document.text().clone();
        let mut commands = rewrite.step(now, &text, event);
        while let Some(command) = commands.pop() {
            let Command::Send { edits, .. } = command else {
                continue;
            };
            sent += 1;
            let changes: Vec<Change> = edits
                .iter()
                .rev()
                .map(|edit| Change::Partial {
                    range: ezrouter_lsp::text::position::range(
                        document.text(),
                        edit.span,
                        Encoding::Utf8,
                    ),
                    text: edit.text.clone(),
                })
                .collect();
            let batch = document.apply(Some(1), &changes, Encoding::Utf8).unwrap();
            commands.extend(rewrite.changed(now, &batch, false).0);
        }
    }
    assert_eq!(document.text().to_string(), new);
    sent
}
