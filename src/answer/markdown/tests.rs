//! What is drawn of an answer, by our own reading and by that of a renderer that is not ours.

use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag};

use super::*;

fn drawn(text: &str) -> String {
    let mut markdown = Markdown::default();
    markdown.push(text) + &markdown.finish()
}

#[test]
fn what_is_alive_is_made_text_and_the_rest_stays() {
    let cases = [
        // Plain Markdown.
        (
            "# Title\n\n- *one* **two**\n1. `a < b`\n\n> quote\n",
            "# Title\n\n- *one* **two**\n1. `a < b`\n\n> quote\n",
        ),
        ("a < b && b > c, 1 <2, a<-b", "a < b && b > c, 1 <2, a<-b"),
        (
            "| a | b |\n|---|---|\n| `x` | y |\n",
            "| a | b |\n|---|---|\n| `x` | y |\n",
        ),
        ("line\r\nline\rline", "line\nline\nline"),
        // HTML.
        (
            "<img src=x onerror=alert(1)> </b> <!-- x --> <?x?>",
            "\\<img src=x onerror=alert(1)> \\</b> \\<!-- x --> \\<?x?>",
        ),
        ("Vec<T> and `Vec<T>`", "Vec\\<T> and `Vec<T>`"),
        ("\\<b> \\\\<b>", "\\<b> \\\\\\<b>"),
        // Images.
        (
            "![x](https://a.example/p.png) ![y][z]",
            "\\![x](https://a.example/p.png) \\![y][z]",
        ),
        // Links.
        (
            "[a](https://a.example/b_(c)?d=e#f) [b](HTTP://a.example)",
            "[a](https://a.example/b_(c)?d=e#f) [b](HTTP://a.example)",
        ),
        (
            "[a](command:x) [b](javascript:x) [c](file:///etc/passwd) [d](src/a.rs)",
            "[a\\](command:x) [b\\](javascript:x) [c\\](file:///etc/passwd) [d\\](src/a.rs)",
        ),
        (
            "[a](&#99;ommand:x) [b]( command:x) [c](<command:x>) [d](\ncommand:x)",
            "[a\\](&#99;ommand:x) [b\\]( command:x) [c\\](\\<command:x>) [d\\](\ncommand:x)",
        ),
        (
            "[a](https://x \"t\") [b](https://x`y) `",
            "[a\\](https://x \"t\") [b\\](https://x\\`y) \\`",
        ),
        (
            "[a]: command:x\n[b]: https://b.example\n[c]:\ncommand:x",
            "[a\\]: command:x\n[b]: https://b.example\n[c\\]:\ncommand:x",
        ),
        (
            "<https://a.example/x> <command:x> <http://a b>",
            "<https://a.example/x> \\<command:x> \\<http://a b>",
        ),
        // Code on a line.
        ("`` a ` b `` and `x", "`` a ` b `` and \\`x"),
        ("`one\ntwo` <b>", "\\`one\ntwo\\` \\<b>"),
        (
            "`a[0](command:x)` https://a`b <b>`",
            "\\`a[0\\](command:x)` https://a`b \\<b>\\`",
        ),
        (
            "`cat <$F` `$a < b` $a `$<b>`",
            "`cat <$F` `$a < b` $a \\`$\\<b>\\`",
        ),
        // Code in a fence, wherever that stands.
        (
            "```rust\nlet a = \"<b>\"; // [x](command:y)\n```\n<b>",
            "```rust\nlet a = \"<b>\"; // [x](command:y)\n```\n\\<b>",
        ),
        (
            "- item\n  ```py\n  <b>\n      c\n  ```\n<b>",
            "- item\n```py\n<b>\n    c\n```\n\\<b>",
        ),
        (
            "1. ~~~\n   <b>\n<c>\n   ~~~\n<d>",
            "1.\n~~~\n<b>\n<c>\n~~~\n\\<d>",
        ),
        ("> ```\n> <b>\n> ```\n> <c>", ">\n```\n<b>\n```\n> \\<c>"),
        ("````\n```\n<b>\n````\n<c>", "````\n```\n<b>\n````\n\\<c>"),
        ("```\n```~~\n<b>\n```", "```\n    ```~~\n<b>\n```"),
        ("``` a`b\n<b>", "\\`\\`\\` a\\`b\n\\<b>"),
        ("```rust<img>\nx", "```rust\nx"),
        // Hidden characters, in code too.
        (
            "a\u{202e}b `\u{200b}`\n```\n\u{1b}[0m\n```",
            "a⟨U+202E⟩b `⟨U+200B⟩`\n```\n⟨U+001B⟩[0m\n```",
        ),
    ];
    for (text, wanted) in cases {
        assert_eq!(drawn(text), wanted, "{text:?}");
        for split in (0..=text.len()).filter(|&at| text.is_char_boundary(at)) {
            let (first, second) = text.split_at(split);
            let mut markdown = Markdown::default();
            let out = markdown.push(first) + &markdown.push(second) + &markdown.finish();
            assert_eq!(out, wanted, "split at {split}");
            assert_eq!(problems(&out), Vec::<String>::new(), "{out:?}");
        }
    }
    assert_eq!(line("retrying\n`x` <b>"), "retrying `x` \\<b>");
}

#[test]
fn a_fence_that_is_open_can_be_closed() {
    let mut markdown = Markdown::default();
    for (piece, out, closing) in [
        ("Look:\n``", "Look:\n", ""),
        ("`rust\n", "```rust\n", "```"),
        ("let", "let", "\n```"),
        ("\n``", "\n", "```"),
        ("`\n", "```\n", ""),
    ] {
        assert_eq!(
            (markdown.push(piece).as_str(), markdown.closing().as_str()),
            (out, closing),
            "{piece:?}"
        );
    }
}

/// Words go out as they come.
#[test]
fn only_what_may_be_something_else_is_held() {
    let mut markdown = Markdown::default();
    for (piece, out) in [
        ("The ", "The "),
        ("word", "word"),
        (" `a", " "),
        ("` b", "`a` b"),
        (" [c", " [c"),
        ("]", ""),
        (" d <", "] d "),
        ("e", "\\<e"),
        ("\n", "\n"),
        ("1", ""),
        (" f", "1 f"),
    ] {
        assert_eq!(markdown.push(piece), out, "{piece:?}");
    }
}

/// What a renderer finds alive in Markdown.
fn problems(markdown: &str) -> Vec<String> {
    let is_web = |address: &str| {
        let address = address.to_ascii_lowercase();
        address.starts_with("https://") || address.starts_with("http://")
    };
    // Wikilinks are nothing that an editor draws.
    [Options::empty(), Options::all() - Options::ENABLE_WIKILINKS]
        .into_iter()
        .flat_map(|options| Parser::new_ext(markdown, options))
        .filter_map(|event| match event {
            Event::Html(html) | Event::InlineHtml(html) => Some(format!("HTML {html}")),
            Event::Start(Tag::Image { dest_url, .. }) => Some(format!("an image {dest_url}")),
            Event::Start(Tag::Link { dest_url, .. }) if !is_web(&dest_url) => {
                Some(format!("a link to {dest_url}"))
            }
            _ => None,
        })
        .collect()
}

/// Pieces that Markdown is made of, among them all that is alive.
const PIECES: &[&str] = &[
    "\n",
    "\n",
    "\n",
    " ",
    "  ",
    "    ",
    "\t",
    "a",
    "b c",
    "\\",
    "\\\\",
    "`",
    "``",
    "```",
    "````",
    "~~~",
    "~~~~",
    "<",
    ">",
    "> ",
    "- ",
    "* ",
    "1. ",
    "12) ",
    "+",
    "<b>",
    "</b>",
    "<img src=x>",
    "<!--",
    "-->",
    "<?",
    "<![CDATA[",
    "<script>",
    "<a href=command:x>",
    "<command:x>",
    "<https://a.example>",
    "<x@y.z>",
    "[",
    "]",
    "(",
    ")",
    "[x]",
    "](",
    "](command:x)",
    "](https://a.example)",
    "](https://a.example/`",
    "]:",
    "]: command:x",
    "[x]: https://a.example/i.png",
    "[x]: <command:x>",
    "![",
    "![x]",
    "![x][x]",
    "![x](https://a.example/i.png)",
    "!",
    "&lt;",
    "&#60;",
    "&#99;ommand:x",
    "command:x",
    "javascript:x",
    "https://a.example/",
    "www.a.example",
    "http:",
    "|",
    "|---|",
    "| a | b |",
    "*",
    "**",
    "_",
    "#",
    "# ",
    "===",
    "---",
    "\"t\"",
    "'",
    "$",
    "[^1]",
    "[^1]: ",
    "\u{202e}",
    "\u{200b}",
    "\u{1b}",
    "\u{2028}",
    "é",
    "\r",
    "{#x}",
    ":::",
];

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn no_renderer_finds_anything_alive(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..40),
        sizes in prop::collection::vec(1_usize..9, 1..5),
    ) {
        let text = pieces.concat();
        let whole = drawn(&text);
        prop_assert_eq!(problems(&whole), Vec::<String>::new(), "{:?}", whole);
        prop_assert!(crate::text::hidden::hidden(&whole).is_empty(), "{:?}", whole);
        // However it comes, and wherever it stops.
        let mut markdown = Markdown::default();
        let mut out = String::new();
        let mut sizes = sizes.iter().cycle();
        let mut rest: Vec<char> = text.chars().rev().collect();
        while !rest.is_empty() {
            let size = (*sizes.next().unwrap()).min(rest.len());
            let piece: String = rest.split_off(rest.len() - size).into_iter().rev().collect();
            out.push_str(&markdown.push(&piece));
            let so_far = format!("{out}{}\n\n---\nm, 3 s", markdown.closing());
            prop_assert_eq!(problems(&so_far), Vec::<String>::new(), "{:?}", so_far);
        }
        out.push_str(&markdown.finish());
        prop_assert_eq!(out, whole);
    }
}
