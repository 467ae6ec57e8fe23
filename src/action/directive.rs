//! Directives: `ez? question` and `ez! instruction` in a comment of the text, which is how one types free words in an editor
//! that has no input box for them. Finds them, tells which text they are about and what must be cut so that they are never
//! part of it. Starts nothing.

use ropey::Rope;

use super::Kind;
use crate::comment::{self, Marks};
use crate::text::Span;

/// So many lines of a selection are looked at: this is asked while the cursor moves.
const MOST_LINES: usize = 400;

/// A longer line holds no directive: it is not written by hand.
const LONGEST_LINE: usize = 2_000;

/// A directive at a selection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// `ez?` asks, `ez!` rewrites.
    pub kind: Kind,
    /// What is asked or told, without the mark.
    pub words: String,
    /// The comment, in bytes of the text: the whole line where nothing else stands on it, else with the blanks in front of it.
    pub comment: Span,
    /// What the directive is about, with the directive: the selection, or where only the directive is selected the block of
    /// lines that it stands above, at the end of, or at last below.
    pub region: Span,
}

impl Directive {
    /// What the menu shows.
    pub fn title(&self) -> String {
        let mark = match self.kind {
            Kind::Ask => ASK,
            Kind::Rewrite => REWRITE,
        };
        format!("{mark} {}", super::title(&self.words))
    }
}

const ASK: &str = "ez?";
const REWRITE: &str = "ez!";

/// The directives on the lines that `selection` touches, in order. `language` is the LSP language id; in one without comments
/// a line may begin with the directive itself.
pub fn find(text: &Rope, language: &str, selection: Span) -> Vec<Directive> {
    let marks = comment::marks(language);
    let lines = touched_lines(text, selection).take(MOST_LINES);
    let found = lines.filter_map(|line| {
        let (start, content) = line_at(text, line)?;
        let parsed = parse(&content, marks)?;
        let alone = content.get(..parsed.at)?.trim().is_empty();
        let comment = if alone {
            whole_line(text, line)
        } else {
            let kept = content.get(..parsed.at)?.trim_end().len();
            Span::new(start + kept, start + content.len())
        };
        Some((line, parsed, comment, alone))
    });
    found
        .map(|(line, parsed, comment, alone)| Directive {
            kind: parsed.kind,
            words: parsed.words,
            comment,
            region: region(text, selection, comment, line, alone),
        })
        .collect()
}

/// A comment with a directive in one line.
struct Parsed {
    kind: Kind,
    words: String,
    /// Where the comment starts, in bytes of the line.
    at: usize,
}

fn parse(line: &str, marks: Option<Marks>) -> Option<Parsed> {
    let place = [ASK, REWRITE]
        .iter()
        .filter_map(|mark| line.find(mark))
        .min()?;
    let (before, directive) = line.split_at_checked(place)?;
    let kind = if directive.starts_with(ASK) {
        Kind::Ask
    } else {
        Kind::Rewrite
    };
    let words = directive.get(ASK.len()..)?;
    // `ez!=` in code is no directive.
    words.starts_with(char::is_whitespace).then_some(())?;
    let opened = before.trim_end();
    let Some(marks) = marks else {
        return opened.is_empty().then(|| parsed(kind, words, 0)).flatten();
    };
    if let Some((open, close)) = marks.block
        && opened.ends_with(open)
    {
        let words = words.split(close).next().unwrap_or_default();
        return parsed(kind, words, opened.len() - open.len());
    }
    let mark = marks.line?;
    let sign = mark.chars().next()?;
    if !opened.ends_with(mark) {
        return None;
    }
    // A doc comment repeats its sign: `///`, `##`.
    let at = opened.trim_end_matches(sign).len();
    parsed(kind, words, at)
}

fn parsed(kind: Kind, words: &str, at: usize) -> Option<Parsed> {
    let words = words.trim().to_owned();
    (!words.is_empty()).then_some(Parsed { kind, words, at })
}

/// What a directive is about, with the directive.
fn region(text: &Rope, selection: Span, comment: Span, line: usize, alone: bool) -> Span {
    let covered = Span::new(
        selection.start.min(comment.start),
        selection.end.max(comment.end),
    );
    let says_something = |span: Span| {
        text.get_byte_slice(span.start..span.end)
            .is_some_and(|slice| slice.chars().any(|c| !c.is_whitespace()))
    };
    // With the lines that are only partly selected something is selected only if it lies outside the directive's line.
    let own_line = whole_line(text, line);
    let outside = says_something(Span::new(
        selection.start,
        own_line.start.max(selection.start),
    )) || says_something(Span::new(own_line.end.min(selection.end), selection.end));
    if outside {
        return covered;
    }
    let first = if alone { line + 1 } else { line };
    let block = block_from(text, first)
        .or_else(|| paragraph_above(text, line))
        .unwrap_or(own_line);
    Span::new(block.start.min(comment.start), block.end.max(comment.end))
}

/// The block that begins at `first` or behind the blank lines there: its first line, all that is indented deeper, and the
/// brackets that close it; where nothing is indented deeper, the lines up to a blank one.
fn block_from(text: &Rope, first: usize) -> Option<Span> {
    let lines = first..text.len_lines();
    let begin = lines.clone().find(|&line| !is_blank(text, line))?;
    let base = indent(text, begin);
    let mut end = begin;
    let mut deeper = false;
    for line in begin + 1..text.len_lines() {
        if is_blank(text, line) {
            if deeper {
                continue;
            }
            break;
        }
        if base < indent(text, line) {
            deeper = true;
            end = line;
        } else if indent(text, line) == base && deeper && closes(text, line) {
            end = line;
            break;
        } else if indent(text, line) == base && !deeper {
            end = line;
        } else {
            break;
        }
    }
    Some(Span::new(
        whole_line(text, begin).start,
        whole_line(text, end).end,
    ))
}

/// The lines above `line` up to a blank one.
fn paragraph_above(text: &Rope, line: usize) -> Option<Span> {
    let last = (0..line).rev().find(|&line| !is_blank(text, line))?;
    let blank = (0..last).rev().find(|&line| is_blank(text, line));
    let first = blank.map_or(0, |blank| blank + 1);
    Some(Span::new(
        whole_line(text, first).start,
        whole_line(text, last).end,
    ))
}

fn touched_lines(text: &Rope, selection: Span) -> impl Iterator<Item = usize> {
    let first = text.try_byte_to_line(selection.start).unwrap_or(0);
    let last_byte = if selection.is_empty() {
        selection.end
    } else {
        selection.end - 1
    };
    let last = text.try_byte_to_line(last_byte).unwrap_or(first);
    first..last.max(first) + 1
}

/// Where a line starts, and its text without the line break; nothing for one that is too long.
fn line_at(text: &Rope, line: usize) -> Option<(usize, String)> {
    let content = text.get_line(line)?;
    let short = content.len_bytes() <= LONGEST_LINE;
    let content = short.then(|| content.to_string())?;
    let content = content.trim_end_matches(['\n', '\r']).to_owned();
    Some((text.try_line_to_byte(line).ok()?, content))
}

/// A line with its line break.
fn whole_line(text: &Rope, line: usize) -> Span {
    let start = text.try_line_to_byte(line).unwrap_or(text.len_bytes());
    let end = text.try_line_to_byte(line + 1).unwrap_or(text.len_bytes());
    Span::new(start, end)
}

fn is_blank(text: &Rope, line: usize) -> bool {
    text.get_line(line)
        .is_none_or(|line| line.chars().all(char::is_whitespace))
}

/// The width of a line's indentation, a tab counted as one.
fn indent(text: &Rope, line: usize) -> usize {
    let is_indent = |c: &char| *c == ' ' || *c == '\t';
    text.get_line(line)
        .map_or(0, |line| line.chars().take_while(is_indent).count())
}

/// Whether a line begins with what ends a block.
fn closes(text: &Rope, line: usize) -> bool {
    let line = text.get_line(line).map(|line| line.to_string());
    let line = line.unwrap_or_default();
    let line = line.trim();
    line.starts_with(['}', ')', ']']) || line == "end" || line.starts_with("</")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Marks: `«` and `»` the selection.
    fn at(language: &str, marked: &str) -> (String, Vec<Directive>) {
        let start = marked.find('«').unwrap();
        let end = marked.find('»').unwrap() - '«'.len_utf8();
        let text = marked.replace(['«', '»'], "");
        let found = find(&Rope::from_str(&text), language, Span::new(start, end));
        (text, found)
    }

    /// The directive's kind and words, its comment, and what its region reads.
    fn only(language: &str, marked: &str) -> (Kind, String, String, String) {
        let (text, found) = at(language, marked);
        let [one] = found.as_slice() else {
            panic!("{marked}: {found:?}")
        };
        let read = |span: Span| text.get(span.start..span.end).unwrap().to_owned();
        (
            one.kind,
            one.words.clone(),
            read(one.comment),
            read(one.region),
        )
    }

    #[test]
    fn a_directive_is_a_comment_of_its_language() {
        use Kind::{Ask, Rewrite};
        let table = [
            ("rust", "// ez? why", Ask, "why"),
            ("rust", "/// ez! shorten it", Rewrite, "shorten it"),
            ("rust", "    /* ez? why */", Ask, "why"),
            (
                "python",
                "# ez! make it iterative",
                Rewrite,
                "make it iterative",
            ),
            ("python", "## ez?  why \t", Ask, "why"),
            ("html", "<!-- ez! as a list -->", Rewrite, "as a list"),
            ("css", "/* ez! darker */", Rewrite, "darker"),
            ("ocaml", "(* ez? tail call *)", Ask, "tail call"),
            ("lua", "-- ez? why", Ask, "why"),
            ("lua", "--[[ ez? why ]]", Ask, "why"),
            ("sql", "-- ez! use a join", Rewrite, "use a join"),
            ("clojure", ";; ez? why", Ask, "why"),
            ("vim", "\" ez? why", Ask, "why"),
            ("latex", "% ez! as a table", Rewrite, "as a table"),
            ("plaintext", "ez! more friendly", Rewrite, "more friendly"),
            ("markdown", "<!-- ez? is this true -->", Ask, "is this true"),
        ];
        for (language, line, kind, words) in table {
            let (found, text, comment, _) = only(language, &format!("«{line}\n»code\n"));
            assert_eq!((found, text.as_str()), (kind, words), "{language} {line}");
            assert_eq!(comment, format!("{line}\n"), "{language} {line}");
        }
    }

    #[test]
    fn what_only_looks_like_one_is_none() {
        for (language, line) in [
            ("rust", "let a = ez!(1);"),
            ("rust", "ez? why"),
            ("rust", "// ez?"),
            ("rust", "// ez!!"),
            ("rust", "let s = \"ez? why\";"),
            ("python", "// ez? why"),
            ("plaintext", "say ez? why"),
        ] {
            assert_eq!(at(language, &format!("«{line}»\n")).1, [], "{line}");
        }
    }

    #[test]
    fn it_is_about_the_selection_or_the_block_that_it_stands_at() {
        let table = [
            // The selection, with the directive in it.
            (
                "rust",
                "a();\n«// ez? why\nb();\n»c();\n",
                "// ez? why\nb();\n",
            ),
            ("rust", "«a();\n// ez? why\n»b();\n", "a();\n// ez? why\n"),
            // The block below.
            (
                "rust",
                "«»// ez! shorten\nfn f() {\n    a();\n\n    b();\n}\nfn g() {}\n",
                "// ez! shorten\nfn f() {\n    a();\n\n    b();\n}\n",
            ),
            (
                "python",
                "x = 1\n# ez! sh«»orten\n\ndef f():\n    a()\n    if b:\n        c()\ny = 2\n",
                "# ez! shorten\n\ndef f():\n    a()\n    if b:\n        c()\n",
            ),
            (
                "python",
                "«# ez? why»\na = 1\nb = 2\n\nc = 3\n",
                "# ez? why\na = 1\nb = 2\n",
            ),
            // Its own line, where code stands in front of it.
            (
                "rust",
                "a();\nb(); // ez? why«»\n\nc();\n",
                "b(); // ez? why\n",
            ),
            // At the end of the file the paragraph above.
            (
                "python",
                "z = 0\n\na = 1\nb = 2\n# ez? why«»",
                "a = 1\nb = 2\n# ez? why",
            ),
        ];
        for (language, marked, region) in table {
            assert_eq!(only(language, marked).3, region, "{marked}");
        }
    }

    #[test]
    fn a_trailing_directive_is_cut_with_the_blanks_in_front_of_it() {
        let (_, _, comment, _) = only("rust", "«a();  // ez? why\n»");
        assert_eq!(comment, "  // ez? why");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_survived_and_a_region_holds_its_comment(
            pieces in proptest::collection::vec(proptest::sample::select(vec![
                "// ez? a", "ez! b", "/* ez? */", "*/", "\n", "\r\n", "  ", "}", "é", "fn f() {", "#", "ez?",
            ]), 0..14),
            start in 0usize..60, length in 0usize..40,
        ) {
            let text = pieces.concat();
            let floor = |at: usize| (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            let selection = Span::new(floor(start), floor(start + length));
            for language in ["rust", "plaintext", "python"] {
                for one in find(&Rope::from_str(&text), language, selection) {
                    proptest::prop_assert!(one.region.start <= one.comment.start && one.comment.end <= one.region.end);
                    let comment = text.get(one.comment.start..one.comment.end);
                    proptest::prop_assert!(comment.is_some_and(|comment| comment.contains(&one.words)));
                    proptest::prop_assert!(text.get(one.region.start..one.region.end).is_some());
                }
            }
        }
    }

    #[test]
    fn several_are_found_in_order_and_hostile_lines_are_passed_over() {
        let long = "x".repeat(LONGEST_LINE);
        let marked = format!("«# ez? one\n# {long} ez? two\na\n# ez! three\n»");
        let (_, found) = at("python", &marked);
        let words: Vec<&str> = found.iter().map(|one| one.words.as_str()).collect();
        assert_eq!(words, ["one", "three"]);
        assert_eq!(found[1].title(), "ez! three");
    }
}
