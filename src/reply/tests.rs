//! Replies as data (`tests/fixtures/replies`, see its README.md for the format), and properties against a reference that
//! sees the whole reply at once.

mod cases;
mod reference;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use cases::{Case, cases};

fn clean(
    shape: &Shape,
    deltas: impl IntoIterator<Item = impl AsRef<str>>,
) -> Result<String, Rejected> {
    let mut cleaner = Cleaner::new(shape.clone());
    let mut out: String = deltas
        .into_iter()
        .map(|delta| cleaner.push(delta.as_ref()))
        .collect();
    match cleaner.finish() {
        Ok(rest) => out.push_str(&rest),
        Err(rejected) => {
            assert_eq!(out, "", "a rejected reply has given out text");
            return Err(rejected);
        }
    }
    Ok(out)
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
        line_ending: "\n",
        indent,
    }
}

#[test]
fn each_reply_becomes_its_result_in_any_pieces() {
    let cases = cases();
    assert!(40 <= cases.len(), "only {} cases were found", cases.len());
    let mut failed = vec![];
    for Case {
        name,
        shape,
        reply,
        result,
    } in &cases
    {
        for size in [usize::MAX, 1, 3] {
            let cleaned = clean(shape, pieces(reply, size));
            if cleaned != *result {
                failed.push(format!(
                    "{name}, in pieces of {size}:\n  got  {cleaned:?}\n  want {result:?}"
                ));
                break;
            }
        }
        let whole = reference::clean(shape, reply);
        if whole != *result {
            failed.push(format!(
                "{name}, by the reference:\n  got  {whole:?}\n  want {result:?}"
            ));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
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
        (&rust, &[("S", ""), ("om", "Som"), ("e(1)", "Some(1)")]),
        (
            &rust,
            &[("Here is", ""), (" it:\n", ""), ("l", "Here is it:\nl")],
        ),
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
            &[("#", "#"), (" T\n\n`", "# T\n\n`"), ("``", "# T\n\n```")],
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
        let (mut cleaner, mut out) = (Cleaner::new((*shape).clone()), String::new());
        for (delta, expected) in *steps {
            out += &cleaner.push(delta);
            assert_eq!(out, *expected, "after {delta:?} of {steps:?}");
        }
    }
}

#[test]
fn a_line_too_long_for_wrapping_is_not_held() {
    let shape = lines("rust", "old()", Indent::Spaces(4));
    for beginning in ["Here is ", "```", "```rust ", "~~~", "`"] {
        let mut cleaner = Cleaner::new(shape.clone());
        let line = beginning.to_owned() + &"x".repeat(MAX_HELD - beginning.len());
        assert_eq!(cleaner.push(&line), "", "{beginning:?}");
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
    for opener in super::head::OPENERS {
        let reply = format!("{opener} the code:\n\n```rust\nnew();\n```\n");
        assert_eq!(
            clean(&shape, [&reply]).as_deref(),
            Ok("new();\n"),
            "{reply:?}"
        );
    }
}

#[test]
fn a_long_hostile_reply_takes_linear_time() {
    // Quadratic work on these lengths would take minutes.
    let length = 1 << 17;
    let hostile = [
        "x".repeat(length),
        " ".repeat(length),
        "\n".repeat(length),
        " \n".repeat(length / 2),
        "`".repeat(length),
        "~".repeat(length),
        "a`".repeat(length / 2),
        format!("```{}", "a".repeat(length)),
        format!("Sure {}", "a".repeat(length)),
        format!("<think>{}", "<".repeat(length)),
        format!("<think>{}", "</think".repeat(length / 7)),
        format!("```\n{}", "```a\n".repeat(length / 5)),
        format!("```markdown\n{}", "```\n".repeat(length / 4)),
        format!("EZROUTER_CANNOT:{}", "x".repeat(length)),
        format!("a\n{}", " ".repeat(length) + "b"),
    ];
    for shape in [
        lines("rust", "\told();\n", Indent::Tabs),
        lines("markdown", "a", Indent::Spaces(2)),
    ] {
        for reply in &hostile {
            drop(clean(&shape, pieces(reply, 7)));
        }
    }
}

/// Text in which all that the cleaner looks for is likely.
fn replies() -> impl Strategy<Value = String> {
    let fragments = vec![
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
        "let x = 1;",
        "if a {",
        "}",
        "é",
        "\u{a0}",
        "a",
        "# Title",
        "<think>",
        "</think>",
        "<thinking>",
        "Here is",
        "Sure",
        " the code:",
        "!",
        ".",
        ":",
        "**",
        "EZROUTER_CANNOT:",
        "EZROUTER",
        "This function takes",
    ];
    vec(select(fragments), 0..16).prop_map(|fragments| fragments.concat())
}

fn shapes() -> impl Strategy<Value = Shape> {
    let languages = select(vec!["rust", "go", "markdown", "plaintext", "makefile"]);
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
        "let x = 1;\n    a\n",
        "a\n  ",
    ]);
    let prefixes = select(vec!["", "", "    ", "\t", "  f(", "x"]);
    let suffixes = select(vec!["", "", ");", " "]);
    let endings = select(vec!["\n", "\r\n", "\r"]);
    let indents = select(vec![
        Indent::Tabs,
        Indent::Spaces(4),
        Indent::Spaces(2),
        Indent::Spaces(0),
    ]);
    (languages, selections, prefixes, suffixes, endings, indents).prop_map(
        |(language, selection, line_prefix, line_suffix, line_ending, indent)| Shape {
            line_prefix: line_prefix.to_owned(),
            line_suffix: line_suffix.to_owned(),
            line_ending,
            ..lines(language, selection, indent)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases_wanted(3000), ..ProptestConfig::default() })]

    #[test]
    fn every_split_gives_what_the_reference_gives(shape in shapes(), reply in replies(), size in 1_usize..9) {
        let expected = reference::clean(&shape, &reply);
        prop_assert_eq!(&clean(&shape, [&reply]), &expected, "whole");
        prop_assert_eq!(&clean(&shape, pieces(&reply, size)), &expected, "in pieces of {}", size);
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
