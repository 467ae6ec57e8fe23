//! The line diff of a text that is still arriving: what of it can be placed now in front of the old lines that wait, and
//! which of those are passed over because the new text has them too. Keeps nothing between two calls.

use std::collections::HashMap;

use crate::text::{Edit, Span};

/// How new text is to be placed among the waiting one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Edits of the waiting text, in its bytes.
    pub edits: Vec<Edit>,
    /// So many bytes of the new text are placed: written by the edits, or standing there already.
    pub placed: usize,
    /// So many bytes of the waiting text wait no longer: replaced, or kept as new text.
    pub passed: usize,
}

/// Where the new text begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the beginning of a line, or of everything.
    Line,
    /// Behind the beginning of a line that is placed already.
    WithinLine,
}

/// Whether more new text may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// More may come: a last line that may still become a waiting one is held back, and what waits stays.
    Open,
    /// This is all: everything is placed, and what still waits goes.
    Closed,
}

/// Plans how `new`, which continues what is placed already, goes in front of `waiting`.
///
/// New text stands in front of the waiting lines. A complete new line that equals a waiting one is not touched: the waiting
/// lines before it go. The nearest one counts; a line without letters or digits (a blank one, a bracket) counts only if it
/// is the next to wait, or together with the line after it, because such lines are everywhere. Held back, unless this is
/// all: a last line without its line break while it is white space only or begins a waiting line.
///
/// Whatever is planned, the placed texts and at last `new` to its end are exactly what stands there in the end. The time is
/// that of a hash table of the waiting lines, for lines that stand there many times a bounded number of looks.
pub fn plan(waiting: &str, new: &str, start: Start, end: End) -> Plan {
    let mut planner = Planner::new(waiting);
    let mut lines = new.split_inclusive_lines().into_iter().peekable();
    if start == Start::WithinLine
        && let Some(rest) = lines.next()
    {
        planner.insert(rest);
    }
    while let Some(line) = lines.next() {
        let next = lines.peek().copied();
        let complete = end == End::Closed || next.is_some() || ends_line(line);
        if !complete {
            if planner.may_become_waiting(line) {
                break;
            }
            planner.insert(line);
            continue;
        }
        match planner.find(line, next, end) {
            Found::At(index) => planner.keep(index),
            Found::Nowhere => planner.insert(line),
            Found::Undecided => break,
        }
    }
    planner.finish(end)
}

/// How many equal waiting lines are looked at.
const LOOKS: usize = 64;

/// Where a complete new line stands among the waiting ones.
enum Found {
    At(usize),
    Nowhere,
    /// The line after it will tell.
    Undecided,
}

struct Planner<'a> {
    waiting: Vec<&'a str>,
    /// The places of each waiting line, ascending.
    places: HashMap<&'a str, Vec<usize>>,
    /// The waiting lines in order, to find those that begin with something.
    sorted: Vec<&'a str>,
    /// The first line that still waits, and its first byte.
    head: usize,
    head_byte: usize,
    /// New text that stands in front of the head and is not in an edit yet.
    inserted: String,
    plan: Plan,
}

impl<'a> Planner<'a> {
    fn new(waiting: &'a str) -> Self {
        let waiting = waiting.split_inclusive_lines();
        let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, line) in waiting.iter().enumerate() {
            places.entry(line).or_default().push(index);
        }
        let mut sorted = waiting.clone();
        sorted.sort_unstable();
        Self {
            waiting,
            places,
            sorted,
            head: 0,
            head_byte: 0,
            inserted: String::new(),
            plan: Plan::default(),
        }
    }

    fn insert(&mut self, line: &str) {
        self.inserted.push_str(line);
        self.plan.placed += line.len();
    }

    /// Keeps the waiting line `index`: the lines before it go, and the text in front of it is written.
    fn keep(&mut self, index: usize) {
        let gone: usize = self.lines(self.head, index).map(str::len).sum();
        self.write(gone);
        let kept = self.waiting.get(index).map_or(0, |line| line.len());
        self.head = index + 1;
        self.head_byte += gone + kept;
        self.plan.placed += kept;
    }

    /// An edit that puts the inserted text in place of the next `gone` waiting bytes.
    fn write(&mut self, gone: usize) {
        if gone == 0 && self.inserted.is_empty() {
            return;
        }
        let span = Span::new(self.head_byte, self.head_byte + gone);
        let text = std::mem::take(&mut self.inserted);
        self.plan.edits.push(Edit { span, text });
    }

    fn lines(&self, from: usize, to: usize) -> impl Iterator<Item = &'a str> {
        self.waiting
            .get(from..to)
            .unwrap_or_default()
            .iter()
            .copied()
    }

    fn find(&self, line: &str, next: Option<&str>, end: End) -> Found {
        let places = self.places.get(line).map(Vec::as_slice).unwrap_or_default();
        let from = places.partition_point(|&place| place < self.head);
        let places = places.get(from..).unwrap_or_default();
        let Some(&nearest) = places.first() else {
            return Found::Nowhere;
        };
        if nearest == self.head || line.chars().any(char::is_alphanumeric) {
            return Found::At(nearest);
        }
        let after = |place: usize| self.waiting.get(place + 1).copied();
        let Some(next) = next else {
            return if end == End::Closed {
                Found::Nowhere
            } else {
                Found::Undecided
            };
        };
        let places = || places.iter().copied().take(LOOKS);
        if let Some(place) = places().find(|&place| after(place) == Some(next)) {
            return Found::At(place);
        }
        let may_follow = |place| after(place).is_some_and(|after| after.starts_with(next));
        if end == End::Open && !ends_line(next) && places().any(may_follow) {
            return Found::Undecided;
        }
        Found::Nowhere
    }

    /// Whether an incomplete line is white space only, or the beginning of a waiting line.
    fn may_become_waiting(&self, line: &str) -> bool {
        if line.trim().is_empty() {
            return true;
        }
        let first = self.sorted.partition_point(|&waiting| waiting < line);
        self.sorted
            .get(first)
            .is_some_and(|waiting| waiting.starts_with(line))
    }

    fn finish(mut self, end: End) -> Plan {
        let gone = match end {
            End::Open => 0,
            End::Closed => self
                .lines(self.head, self.waiting.len())
                .map(str::len)
                .sum(),
        };
        self.write(gone);
        self.plan.passed = self.head_byte + gone;
        self.plan
    }
}

fn ends_line(line: &str) -> bool {
    line.ends_with(['\n', '\r'])
}

/// Splits a text into its lines, each with its line break: LF, CRLF or CR, as LSP counts them.
trait Lines {
    fn split_inclusive_lines(&self) -> Vec<&str>;
}

impl Lines for str {
    fn split_inclusive_lines(&self) -> Vec<&str> {
        let mut lines = Vec::new();
        let mut rest = self;
        while !rest.is_empty() {
            let length = match rest.find(['\n', '\r']) {
                None => rest.len(),
                Some(at) if rest.get(at..).is_some_and(|rest| rest.starts_with("\r\n")) => at + 2,
                Some(at) => at + 1,
            };
            let Some((line, behind)) = rest.split_at_checked(length) else {
                break;
            };
            lines.push(line);
            rest = behind;
        }
        lines
    }
}

#[cfg(test)]
#[expect(
    clippy::string_slice,
    reason = "a cut inside a character is a failed test"
)]
mod tests {
    use super::*;
    use crate::text::diff;
    use proptest::prelude::*;

    /// Places a text that comes in chunks, as a rewrite does: gives what stands there in the end and how many bytes of
    /// the old text were taken away.
    fn place(old: &str, chunks: &[&str]) -> (String, usize, Vec<String>) {
        let (mut written, mut waiting) = (String::new(), old.to_owned());
        let (mut total, mut removed, mut seen) = (String::new(), 0, Vec::new());
        for (index, chunk) in chunks.iter().chain([&""]).enumerate() {
            total.push_str(chunk);
            let end = if index == chunks.len() {
                End::Closed
            } else {
                End::Open
            };
            let start = if written.is_empty() || ends_line(&written) {
                Start::Line
            } else {
                Start::WithinLine
            };
            let plan = plan(&waiting, &total[written.len()..], start, end);
            let after = diff::apply(&waiting, &plan.edits);
            removed += plan.edits.iter().map(|edit| edit.span.len()).sum::<usize>();
            let standing = format!("{written}{after}");
            written = total[..written.len() + plan.placed].to_owned();
            waiting = waiting[plan.passed..].to_owned();
            assert_eq!(
                standing,
                format!("{written}{waiting}"),
                "written and waiting are what stands there"
            );
            seen.push(standing);
        }
        (written, removed, seen)
    }

    #[test]
    fn a_line_that_both_have_is_not_touched_and_what_stood_before_it_goes() {
        let old = "fn a() {\n    old();\n    same();\n}\n";
        let (text, removed, seen) = place(
            old,
            &["fn a() {\n", "    new", "();\n    sa", "me();\n", "}\n"],
        );
        assert_eq!(text, "fn a() {\n    new();\n    same();\n}\n");
        assert_eq!(removed, "    old();\n".len());
        assert_eq!(seen[0], old, "the first line stands there already");
        assert_eq!(
            seen[1], "fn a() {\n    new    old();\n    same();\n}\n",
            "half a line goes out at once"
        );
        assert_eq!(
            seen[2], "fn a() {\n    new();\n    old();\n    same();\n}\n",
            "what may be a waiting line is held"
        );
        assert_eq!(seen[3], "fn a() {\n    new();\n    same();\n}\n");
    }

    #[test]
    fn brackets_and_blank_lines_far_away_do_not_count() {
        let old = "if a {\n    b\n}\n\nif c {\n    d\n}\n";
        let (text, removed, _) = place(old, &["x\n", "}\n", "\n", "if c {\n    d\n}\n"]);
        assert_eq!(text, "x\n}\n\nif c {\n    d\n}\n");
        assert_eq!(
            removed,
            "if a {\n    b\n".len(),
            "the bracket counts together with the blank line after it"
        );
        let (text, removed, _) = place("a\n\nb\n", &["c\n", "\n", "d\n"]);
        assert_eq!((text.as_str(), removed), ("c\n\nd\n", 5));
    }

    #[test]
    fn text_that_shares_no_line_goes_out_as_it_comes() {
        let (_, _, seen) = place("old 1\nold 2\n", &["n", "ew ", "1\n", "ne", "w 2"]);
        assert_eq!(seen[0], "nold 1\nold 2\n");
        assert_eq!(seen[4], "new 1\nnew 2old 1\nold 2\n");
        assert_eq!(seen[5], "new 1\nnew 2");
    }

    #[test]
    fn hostile_texts_take_bounded_time() {
        let lines = |line: &dyn Fn(usize) -> String| (0..10_000).map(line).collect::<String>();
        let equal = lines(&|_| "}\n".to_owned());
        let different = lines(&|index| format!("line {index}\n"));
        let alternating = lines(&|index| {
            if index % 2 == 0 {
                "}\n".to_owned()
            } else {
                "x\n".to_owned()
            }
        });
        let long = "x".repeat(1 << 20);
        let texts = [&equal, &different, &alternating, &long];
        for old in texts {
            for new in texts {
                let (text, _, _) = place(old, &[&new[..new.len() / 2], &new[new.len() / 2..]]);
                assert_eq!(&text, new);
            }
        }
    }

    fn texts() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec!["a", "b", "a b", "}", "", " ", "é", "\t{"]);
        let ending = prop::sample::select(vec!["\n", "\n", "\r\n", "\r", ""]);
        prop::collection::vec((piece, ending), 0..9).prop_map(|lines| {
            lines
                .into_iter()
                .flat_map(|(line, ending)| [line, ending])
                .collect()
        })
    }

    proptest! {
        #[test]
        fn what_stands_there_in_the_end_is_the_new_text(
            old in texts(), new in texts(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let characters: Vec<usize> = new.char_indices().map(|(at, _)| at).chain([new.len()]).collect();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| characters[cut.index(characters.len())]).collect();
            cuts.sort_unstable();
            let mut chunks = Vec::new();
            let mut from = 0;
            for cut in cuts {
                chunks.push(&new[from..cut]);
                from = cut;
            }
            chunks.push(&new[from..]);
            let (text, _, _) = place(&old, &chunks);
            prop_assert_eq!(text, new);
        }

        #[test]
        fn equal_texts_are_never_touched(text in texts()) {
            let (_, removed, seen) = place(&text, &[&text]);
            prop_assert_eq!(removed, 0);
            prop_assert!(seen.iter().all(|seen| *seen == text));
        }
    }
}
