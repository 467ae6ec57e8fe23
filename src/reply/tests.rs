//! Replies as data (`tests/fixtures/replies`, see its README.md for the format), and properties against a reference that
//! sees the whole reply at once.

mod cases;
mod reference;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use cases::{Case, cases};

fn clean(
    shape: &Shape,
    deltas: impl IntoIterator<Item = impl AsRef<str>>,
) -> Result<String, Rejected> {
    read(shape, deltas).0
}

/// What becomes of a reply, and whether a block of code behind it was dropped.
fn read(
    shape: &Shape,
    deltas: impl IntoIterator<Item = impl AsRef<str>>,
) -> (Result<String, Rejected>, bool) {
    let mut cleaner = Cleaner::new(shape);
    let mut out: String = deltas
        .into_iter()
        .map(|delta| cleaner.push(delta.as_ref()))
        .collect();
    match cleaner.finish() {
        Ok(rest) => out.push_str(&rest),
        Err(rejected) => {
            assert_eq!(out, "", "a rejected reply has given out text");
            return (Err(rejected), cleaner.drops_block());
        }
    }
    (Ok(out), cleaner.drops_block())
}

fn pieces(text: &str, size: usize) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    characters
        .chunks(size)
        .map(|piece| piece.iter().collect())
        .collect()
}

/// A shape of whole lines without anything around them.
fn lines(language: &str, selection: &str, indent: Indent) -> Shape {
    let (language, selection) = (language.to_owned(), selection.to_owned());
    let (line_prefix, line_suffix) = (String::new(), String::new());
    Shape {
        language,
        selection,
        line_prefix,
        line_suffix,
        before: String::new(),
        after: String::new(),
        line_ending: "\n",
        indent,
    }
}

/// Replies up to this length, in characters, are split in two at each of their boundaries.
const SHORT: usize = 300;

/// The pieces of a text that are told apart by `is_boundary`, which gets the number of each character but the first.
fn split(text: &str, mut is_boundary: impl FnMut(usize) -> bool) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for (number, c) in text.chars().enumerate() {
        if 0 < number && is_boundary(number) {
            pieces.push(String::new());
        }
        pieces.last_mut().unwrap().push(c);
    }
    pieces
}

/// Ways to cut a reply into deltas, each with its name: whole, at every boundary, in pieces of one size, in two at each
/// boundary, and at random.
fn cuts(reply: &str, random: &mut fastrand::Rng) -> Vec<(String, Vec<String>)> {
    let length = reply.chars().count();
    let mut cuts = vec![("whole".to_owned(), vec![reply.to_owned()])];
    for size in [1, 2, 3, 5, 8] {
        cuts.push((format!("in pieces of {size}"), pieces(reply, size)));
    }
    for at in 1..length.min(SHORT) {
        cuts.push((
            format!("in two, behind {at}"),
            split(reply, |number| number == at),
        ));
    }
    for number in 0..10 {
        let most = random.usize(2..40);
        cuts.push((
            format!("at random, {number}"),
            split(reply, |_| random.usize(..most) == 0),
        ));
    }
    cuts
}

#[test]
fn each_reply_becomes_its_result_in_any_pieces() {
    let seed = std::env::vars().find(|(name, _)| name == "REPLY_SEED");
    let seed = seed.map_or_else(|| fastrand::u64(..), |(_, seed)| seed.parse().unwrap());
    let mut random = fastrand::Rng::with_seed(seed);
    let mut failed = vec![];
    for Case {
        name,
        shape,
        reply,
        result,
        drops_block,
        ..
    } in &cases()
    {
        let wanted = (result.clone(), *drops_block);
        let wrong = cuts(reply, &mut random)
            .into_iter()
            .find(|(_, deltas)| read(shape, deltas) != wanted);
        if let Some((cut, deltas)) = wrong {
            let got = read(shape, deltas);
            failed.push(format!("{name}, {cut}:\n  got  {got:?}\n  want {wanted:?}"));
        }
        let whole = reference::clean(shape, reply);
        if whole != *result {
            failed.push(format!(
                "{name}, by the reference:\n  got  {whole:?}\n  want {result:?}"
            ));
        }
    }
    assert!(
        failed.is_empty(),
        "REPLY_SEED={seed}\n{}",
        failed.join("\n")
    );
}

#[test]
fn enough_replies_of_real_models_are_cleaned_in_enough_languages() {
    let cases = cases();
    let names: HashSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), cases.len(), "two cases have one name");
    let is_recorded = |case: &&Case| case.see.starts_with("recorded from SmolLM2");
    let is_published = |case: &&Case| case.see.starts_with("https://github.com/");
    let recorded: Vec<&Case> = cases.iter().filter(is_recorded).collect();
    let published: Vec<&Case> = cases.iter().filter(is_published).collect();
    for case in &published {
        let told = ["(quoted", "(rebuilt"]
            .iter()
            .any(|how| case.see.contains(how));
        assert!(told, "{}: is it quoted or rebuilt?", case.name);
    }
    let with_request = recorded.iter().filter(|case| case.has_request).count();
    let real: Vec<&Case> = recorded.iter().chain(&published).copied().collect();
    let languages: HashSet<&str> = real
        .iter()
        .map(|case| case.shape.language.as_str())
        .collect();
    println!(
        "{} recorded, {} published, {} languages",
        recorded.len(),
        published.len(),
        languages.len()
    );
    assert!(
        20 <= with_request,
        "only {with_request} recorded with their request"
    );
    assert!(
        60 <= real.len(),
        "only {} recorded or published",
        real.len()
    );
    assert!(10 <= languages.len(), "only in {languages:?}");
}

#[test]
fn text_goes_out_as_soon_as_it_can_be_nothing_else() {
    let rust = lines("rust", "old();\n", Indent::Spaces(4));
    let markdown = lines("markdown", "Old.\n", Indent::Spaces(4));
    // The deltas, and what stands in the document after each.
    let table: &[(&Shape, &[(&str, &str)])] = &[
        (
            &rust,
            &[
                ("l", "l"),
                ("et", "let"),
                (" ", "let"),
                ("x", "let x"),
                (";\n", "let x;"),
                ("\n  y", "let x;\n\n  y"),
            ],
        ),
        (
            &rust,
            &[("S", ""), ("om", ""), ("e(", "Some("), ("1", "Some(1")],
        ),
        (
            &rust,
            &[
                ("Str", ""),
                ("ing na", ""),
                ("me =", "String name ="),
                (" 1", "String name = 1"),
            ],
        ),
        (
            &rust,
            &[("Here is", ""), (" it:\n", ""), ("l", "Here is it:\nl")],
        ),
        (&rust, &[("Point o", ""), ("rigin(", "Point origin(")]),
        (&rust, &[("Here is it:\n\n", ""), ("l", "l")]),
        (
            &rust,
            &[
                ("Here is it:\n", ""),
                ("```", ""),
                ("rust", ""),
                ("\n", ""),
                ("l", "l"),
            ],
        ),
        (
            &rust,
            &[("EZROUTER_C", ""), ("A", ""), ("B", "EZROUTER_CAB")],
        ),
        (&rust, &[("<", ""), ("T", "<T")]),
        (&rust, &[("<think>hm</thin", ""), ("k>", ""), ("\nl", "l")]),
        (&rust, &[("`", ""), ("a", ""), ("`", ""), (" b", "`a` b")]),
        (
            &rust,
            &[
                ("```\na\n", "a"),
                ("``", "a"),
                (" b", "a\n`` b"),
                ("\n```", "a\n`` b"),
                ("\nchatter", "a\n`` b"),
            ],
        ),
        (
            &markdown,
            &[
                ("#", "#"),
                (" T\n\n`a`", "# T\n\n`a`"),
                ("\n```", "# T\n\n`a`"),
                ("\n", "# T\n\n`a`"),
                ("ls", "# T\n\n`a`\n```\nls"),
            ],
        ),
        (
            &markdown,
            &[
                ("```markdown\nT\n```\n", "T"),
                ("x\n", "T"),
                ("```\n", "T\n```\nx\n```"),
            ],
        ),
    ];
    for (shape, steps) in table {
        let (mut cleaner, mut out) = (Cleaner::new(shape), String::new());
        for (delta, expected) in *steps {
            out += &cleaner.push(delta);
            assert_eq!(out, *expected, "after {delta:?} of {steps:?}");
        }
    }
}

#[test]
fn a_line_too_long_for_wrapping_is_not_held() {
    let table = [
        ("plaintext", "Here is ", MAX_HELD),
        ("rust", "```", MAX_HELD),
        ("rust", "```rust ", MAX_HELD),
        ("rust", "~~~", MAX_HELD),
        ("rust", "`", MAX_HELD),
        ("rust", "Here is ", MAX_TALK),
    ];
    for (language, beginning, longest) in table {
        let shape = lines(language, "old()", Indent::Spaces(4));
        let mut cleaner = Cleaner::new(&shape);
        let line = beginning.to_owned() + &"x".repeat(longest - beginning.len());
        assert_eq!(cleaner.push(&line), "", "{language}: {beginning:?}");
        assert_eq!(cleaner.push("x"), line + "x");
    }
}

#[test]
fn the_base_indentation_is_that_of_the_first_line_with_text() {
    // Prefix, selection, base indentation.
    let table = [
        ("", "  a\n", "  "),
        ("  ", "a", "  "),
        ("  ", "  a", "    "),
        ("\t", " a", "\t "),
        ("", "\n\n   a\nb", "   "),
        ("\tx = ", "a", "\t"),
        ("\tx = ", "  a", "\t"),
        ("x", "\n  a", "  "),
        ("x", "\r\n  a", "  "),
        ("  ", "", "  "),
        ("", "    \n", "    "),
        ("", "\n    ", ""),
        ("", "", ""),
    ];
    for (line_prefix, selection, expected) in table {
        let shape = Shape {
            line_prefix: line_prefix.to_owned(),
            ..lines("c", selection, Indent::Tabs)
        };
        assert_eq!(
            shape.base_indent(),
            expected,
            "{line_prefix:?} {selection:?}"
        );
    }
}

#[test]
fn each_known_opener_is_taken_off_code() {
    let shape = lines("rust", "old();\n", Indent::Spaces(4));
    for opener in super::talk::OPENERS {
        let reply = format!("{opener} the code:\n\n```rust\nnew();\n```\n");
        assert_eq!(
            clean(&shape, [&reply]).as_deref(),
            Ok("new();\n"),
            "{reply:?}"
        );
    }
}

/// Replies of about `length` bytes that are made to be held, or looked at again and again.
fn hostile(length: usize) -> Vec<String> {
    let times = |text: &str| text.repeat(length / text.len());
    let behind = |beginning: &str, text: &str| beginning.to_owned() + &times(text);
    let mut stairs = String::new();
    for depth in 0.. {
        stairs += &format!("{}a:\n", " ".repeat(depth % 900));
        if length < stairs.len() {
            break;
        }
    }
    vec![
        times("x"),
        times(" "),
        times("\n"),
        times(" \n"),
        times("`"),
        times("~"),
        times("*"),
        times("a`"),
        times("\"\"\""),
        times("<"),
        times("}\n"),
        times("step();\n"),
        times("fn f() {\n"),
        times("It says so. "),
        times("It says so.\n"),
        times("It says so.\n\n"),
        times("- It says so.\n"),
        times("File a.rs (rust), line 1.\n"),
        times("<before>\n"),
        times("<selection>\n"),
        times("</selection"),
        times("</selection> "),
        times("<|im_end|"),
        times("<<A\n"),
        times("a\n```\n"),
        stairs,
        behind("```", "a"),
        behind("Sure ", "a"),
        behind("Sure.\n\n", "It says so.\n"),
        behind("<think>", "<"),
        behind("<think>", "</think"),
        behind("<before>", "</before"),
        behind("```\n", "```a\n"),
        behind("```markdown\n", "```\n"),
        behind("```markdown\na\n```\n", "a"),
        behind("a\n\nIt says so.\n", "It does.\n"),
        behind("a\n```\n", "It does.\n"),
        behind("EZROUTER_CANNOT:", "x"),
        behind("let x = ", "a"),
        behind("let x = a\n", ";"),
        behind("a\n", " ") + "b",
        behind("a", " ") + "b",
    ]
}

/// Places that make the cleaner hold what it can.
fn hostile_places() -> Vec<Shape> {
    let rust = lines("rust", "\told();\n", Indent::Tabs);
    let around = Shape {
        before: "step();\n".repeat(200) + &"fn f() {\n".repeat(100),
        after: "}\n".repeat(200) + &"step();\n".repeat(100),
        ..lines("rust", "old();\n", Indent::Spaces(4))
    };
    let in_line = |suffix: &str| Shape {
        line_prefix: "let x = ".to_owned(),
        line_suffix: suffix.to_owned(),
        ..lines("rust", "old()", Indent::Spaces(2))
    };
    let markdown = lines("markdown", "a", Indent::Spaces(2));
    let xml = lines("xml", "<a/>\n", Indent::Spaces(2));
    vec![
        rust,
        around,
        in_line(";"),
        in_line(" + more_of_it();"),
        markdown,
        xml,
    ]
}

fn time(shape: &Shape, reply: &str) -> Duration {
    let start = Instant::now();
    drop(clean(shape, pieces(reply, 7)));
    start.elapsed()
}

#[test]
fn a_long_hostile_reply_takes_linear_time() {
    // Quadratic work on this length was seen to take more than 100 times as long as usual, other work at most 5 times. What
    // else the machine does may slow one run down, but not three.
    const LENGTH: usize = 1 << 14;
    const MOST: u32 = 40;
    let harmless = "let x = 1;\n".repeat(LENGTH / 11);
    for (place, shape) in hostile_places().iter().enumerate() {
        let usual = time(shape, &harmless).max(time(shape, &harmless));
        for reply in hostile(LENGTH) {
            let beginning: String = reply.chars().take(40).collect();
            assert!(
                (0..3).any(|_| time(shape, &reply) <= MOST * usual),
                "{beginning:?} takes long at place {place}, {usual:?} is usual"
            );
        }
    }
}

#[test]
fn what_is_held_of_a_hostile_reply_is_bounded() {
    // Each stage holds at most this much speech, context, or whole answer; two of them can hold at a time. The last places
    // are those where most is held.
    let most = 2 * (MAX_TALK + MAX_HELD);
    for (place, shape) in hostile_places().iter().enumerate().skip(3) {
        for reply in hostile(MAX_TALK + MAX_TALK / 4) {
            let mut cleaner = Cleaner::new(shape);
            for delta in pieces(&reply, 5_000) {
                cleaner.push(&delta);
                let held = cleaner.held();
                let beginning: String = reply.chars().take(40).collect();
                assert!(
                    held <= most,
                    "{held} bytes of {beginning:?} at place {place}"
                );
            }
        }
    }
}

/// Text in which all that the cleaner looks for is likely.
fn replies() -> impl Strategy<Value = String> {
    let marks = vec![
        "```",
        "```",
        "~~~",
        "````",
        "`",
        "rust",
        "markdown",
        "md",
        "```rust\n",
        "```markdown\n",
        "\n```\n",
        "\n",
        "\n",
        "\n\n",
        "\r\n",
        "\r",
        " ",
        "  ",
        "    ",
        "\t",
        "        ",
        "é",
        "\u{a0}",
        "**",
        "- ",
        "1. ",
        "#",
        "<<EOF\n",
        "EOF\n",
        "\"\"\"",
    ];
    let words = vec![
        "let x = 1;",
        "if a {",
        "}",
        "}\n",
        "f(",
        ")",
        ");",
        ";",
        ",",
        "a",
        "a\n",
        "\n  a",
        "a = ",
        "# Title",
        "Here is",
        "Sure",
        " the code:",
        "!",
        ".",
        ":",
        "This function takes",
        "This adds two numbers.\n",
        "It is short.",
        "Note:",
        "**Changes:**\n",
        "EZROUTER_CANNOT:",
        "EZROUTER",
        "old {\n",
        "fn f() {\n",
        "\n}\n\n",
        "return x\n",
        "    return x",
        "def g():\n",
    ];
    let tags = vec![
        "<think>",
        "</think>",
        "<thinking>",
        "</thinking>",
        "<before>",
        "</before>\n",
        "<after>\n",
        "</after>",
        "<selection>\n",
        "</selection>",
        "<|im_end|>",
        "<|im_end|>\n",
        "<a/>",
        "File a.rs (rust), line 3.\n",
        "File a.txt (plaintext), lines 1 to 2.",
        "Reply with nothing but the text that replaces the selection.",
    ];
    vec(
        prop_oneof![4 => select(marks), 4 => select(words), 1 => select(tags)],
        0..20,
    )
    .prop_map(|fragments| fragments.concat())
}

fn shapes() -> impl Strategy<Value = Shape> {
    let languages = select(vec![
        "rust",
        "go",
        "python",
        "markdown",
        "plaintext",
        "makefile",
        "xml",
        "html",
        "yaml",
        "ruby",
        "haskell",
    ]);
    let selections = select(vec![
        "old();\n",
        "old()",
        "    old();\n    older();\n",
        "\told {\n\t\tolder\n\t}",
        "",
        "\n",
        "  \n",
        "\n\n  a\n\n\n",
        "a ",
        "a\r\nb\r\n",
        "```rust\na\n```\n",
        "```markdown\na\n```",
        "    if a {\n        b\n    }\n",
        "<think>",
        "<b>a</b>\n",
        "let x = 1;\n    a\n",
        "a\n  ",
        "It says what it is.\n",
        "x = \"\"\"\na\n\"\"\"\n",
        "    return x\n}\n",
    ]);
    let prefixes = select(vec![
        "",
        "",
        "",
        "    ",
        "\t",
        "  f(",
        "x",
        "a = ",
        "let x = 1;",
    ]);
    let suffixes = select(vec!["", "", "", ");", " ", ";", ",", " takes a"]);
    let before = select(vec![
        "",
        "",
        "fn f() {\n",
        "a\nlet x = 1;\na\n",
        "def g():\n\n    return x\n",
        "\"\"\"\n",
        "<before>\n",
    ]);
    let after = select(vec![
        "",
        "",
        "}\n",
        "}\n\nfn f() {\n",
        "    return x\n",
        "a\na\nlet x = 1;\n",
        "\"\"\"\n",
        "\t}\n",
    ]);
    let endings = select(vec!["\n", "\r\n", "\r"]);
    let indents = select(vec![
        Indent::Tabs,
        Indent::Spaces(4),
        Indent::Spaces(2),
        Indent::Spaces(0),
        Indent::Unknown,
    ]);
    let texts = (selections, prefixes, suffixes, before, after);
    (languages, texts, endings, indents).prop_map(
        |(language, (selection, line_prefix, line_suffix, before, after), line_ending, indent)| {
            Shape {
                line_prefix: line_prefix.to_owned(),
                line_suffix: line_suffix.to_owned(),
                before: before.to_owned(),
                after: after.to_owned(),
                line_ending,
                ..lines(language, selection, indent)
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases_wanted(3000), ..ProptestConfig::default() })]

    #[test]
    fn every_split_gives_what_the_reference_gives(shape in shapes(), reply in replies(), size in 1_usize..9) {
        let expected = reference::clean(&shape, &reply);
        let whole = read(&shape, [&reply]);
        prop_assert_eq!(&whole.0, &expected, "whole");
        prop_assert_eq!(&read(&shape, pieces(&reply, size)), &whole, "in pieces of {}", size);
    }

    #[test]
    fn any_text_is_survived_in_any_pieces(shape in shapes(), deltas in vec("(?s).{0,5}", 0..8)) {
        prop_assert_eq!(clean(&shape, &deltas), reference::clean(&shape, &deltas.concat()));
    }

    #[test]
    fn content_in_its_place_goes_through_unchanged(
        depth in 0_usize..3,
        body in vec((0_usize..3, select(vec!["a();", "if b {", "}", "// c", "\"d\""]), 0_usize..2), 0..8),
        newline in select(vec!["", "\n"]),
    ) {
        for (language, step, indent) in [("rust", "    ", Indent::Spaces(4)), ("go", "\t", Indent::Tabs)] {
            let base = step.repeat(depth);
            let mut text = format!("{base}start();");
            for (level, line, blank_lines) in &body {
                text += &"\n".repeat(blank_lines + 1);
                text += &(step.repeat(depth + level) + line);
            }
            text += newline;
            let shape = lines(language, &format!("{base}old();{newline}"), indent);
            prop_assert_eq!(clean(&shape, [&text]), Ok(text));
        }
    }

    #[test]
    fn line_endings_and_edges_are_those_of_the_selection(shape in shapes(), reply in replies()) {
        if let Ok(text) = clean(&shape, [&reply]) {
            let newlines = |text: &str| text.replace("\r\n", "\n").replace('\r', "\n");
            prop_assert_eq!(newlines(&text).ends_with('\n'), newlines(&shape.selection).ends_with('\n'));
            let (lead, tail) = shape.margins();
            let middle = text.strip_prefix(lead).and_then(|text| text.strip_suffix(tail)).unwrap();
            let foreign = middle.replace(shape.line_ending, "");
            prop_assert!(!foreign.contains(['\r', '\n']), "{:?}", middle);
        }
    }
}

/// How many cases a property runs: `PROPTEST_CASES`, if it asks for more.
fn cases_wanted(least: u32) -> u32 {
    ProptestConfig::default().cases.max(least)
}
