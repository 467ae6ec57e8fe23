//! Rewrites of every shape of text: what is selected, where it stands, what its lines end with. Each streams into editors of
//! several manners, reads as it should, and goes away with one undo.

use std::time::Duration;

use ezrouter_lsp::offline::{Answer, Script, Step};
use serde_json::json;

use crate::manner::Manner;
use crate::scene::{Plan, scene_of, whole};

/// A selection, what the model says, and the text that must stand there in the end.
struct Shape {
    what: &'static str,
    language: &'static str,
    before: &'static str,
    action: &'static str,
    reply: &'static str,
    after: &'static str,
}

const SHAPES: &[Shape] = &[
    Shape {
        what: "new text on a blank line takes its indentation",
        language: "python",
        before: "def f(a):\n    b = a\n    «»\n\ndef g():\n    pass\n",
        action: "Continue",
        reply: "if b:\n    b += 1\nreturn b",
        after: "def f(a):\n    b = a\n    if b:\n        b += 1\n    return b\n\ndef g():\n    pass\n",
    },
    Shape {
        what: "new text in front of a line gets lines of its own",
        language: "rust",
        before: "fn a() {}\n\n«»fn b() {}\n",
        action: "Continue",
        reply: "```rust\n/// Does nothing.\n#[inline]\n```",
        after: "fn a() {}\n\n/// Does nothing.\n#[inline]\nfn b() {}\n",
    },
    Shape {
        what: "new text in front of an indented line",
        language: "rust",
        before: "fn a() {\n    «»b();\n}\n",
        action: "Continue",
        reply: "let c = 1;",
        after: "fn a() {\n    let c = 1;\n    b();\n}\n",
    },
    Shape {
        what: "tests below a selection that stands by itself",
        language: "rust",
        before: "«fn a() -> u8 {\n    1\n}\n»fn b() {}\n",
        action: "Write tests",
        reply: "```rust\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn a_is_one() {\n        assert_eq!(super::a(), 1);\n    }\n}\n```\nThese tests cover it.",
        after: "fn a() -> u8 {\n    1\n}\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn a_is_one() {\n        assert_eq!(super::a(), 1);\n    }\n}\nfn b() {}\n",
    },
    Shape {
        what: "tests of a method at the end of a file without a last newline",
        language: "python",
        before: "class A:\n«    def b(self):\n        return 1\n»\n\nc = 2",
        action: "Write tests",
        reply: "def test_b():\n    assert A().b() == 1\n",
        after: "class A:\n    def b(self):\n        return 1\n\n\nc = 2\n\ndef test_b():\n    assert A().b() == 1",
    },
    Shape {
        what: "new text within a line",
        language: "rust",
        before: "let sum = a + «»;\n",
        action: "Continue",
        reply: "b",
        after: "let sum = a + b;\n",
    },
    Shape {
        what: "new text at the end of a file without a last newline",
        language: "markdown",
        before: "# Title\n\nOne.«»",
        action: "Continue",
        reply: " Two.",
        after: "# Title\n\nOne.Two.",
    },
    Shape {
        what: "new text in an empty file",
        language: "python",
        before: "«»",
        action: "Continue",
        reply: "print(1)\nprint(2)\n",
        after: "print(1)\nprint(2)",
    },
    Shape {
        what: "a whole file",
        language: "rust",
        before: "«fn a() {\n    1\n}\n\nfn b() {\n    2\n}\n»",
        action: "Simplify",
        reply: "fn a() {\n    1\n}\n\nfn b() {\n    3\n}\n",
        after: "fn a() {\n    1\n}\n\nfn b() {\n    3\n}\n",
    },
    Shape {
        what: "part of a line",
        language: "rust",
        before: "let x = «(1 + 1) * 2»; // four\n",
        action: "Simplify",
        reply: "`4`",
        after: "let x = 4; // four\n",
    },
    Shape {
        what: "from within a line to within another",
        language: "rust",
        before: "call(«one,\n     two», three);\n",
        action: "Simplify",
        reply: "1,\n2",
        after: "call(1,\n2, three);\n",
    },
    Shape {
        what: "the last line without a newline",
        language: "python",
        before: "a = 1\n«b = 2»",
        action: "Fix",
        reply: "b = 3\nc = 4\n",
        after: "a = 1\nb = 3\nc = 4",
    },
    Shape {
        what: "the last line, selected with the newline that it lacks",
        language: "python",
        before: "«a = 1\nb = 2»",
        action: "Fix",
        reply: "```python\na = 1\nb = 3\n```\n",
        after: "a = 1\nb = 3",
    },
    Shape {
        what: "lines that end with CRLF",
        language: "rust",
        before: "fn a() {\r\n«    one();\r\n    two();\r\n»}\r\n",
        action: "Simplify",
        reply: "    one();\n    three();\n",
        after: "fn a() {\r\n    one();\r\n    three();\r\n}\r\n",
    },
    Shape {
        what: "mixed line ends: new lines take the most frequent one, lines outside keep theirs",
        language: "text",
        before: "a\r\nb\nc\r\n«keep\r\nold\r\nkeep too\r\n»d\n",
        action: "Simplify",
        reply: "keep\nnew\nkeep too\n",
        after: "a\r\nb\nc\r\nkeep\r\nnew\r\nkeep too\r\nd\n",
    },
    Shape {
        what: "prose, with a fence that is part of it",
        language: "markdown",
        before: "# T\n\n«Do this:\n\n```sh\nls\n```\n»\nEnd.\n",
        action: "Simplify",
        reply: "Run:\n\n```sh\nls -l\n```\n",
        after: "# T\n\nRun:\n\n```sh\nls -l\n```\n\nEnd.\n",
    },
    Shape {
        what: "Python whose indentation is meaning, from a reply that begins at the margin",
        language: "python",
        before: "class A:\n    def f(self):\n«        for a in b:\n            if a:\n                c(a)\n»        return 1\n",
        action: "Simplify",
        reply: "for a in filter(None, b):\n    c(a)",
        after: "class A:\n    def f(self):\n        for a in filter(None, b):\n            c(a)\n        return 1\n",
    },
    Shape {
        what: "tabs in a file of spaces stay in the lines that stay",
        language: "rust",
        before: "fn a() {\n    one();\n    two();\n«\tthree();\n\tfour();\n»    five();\n}\n",
        action: "Simplify",
        reply: "\tthree();\n\tfour(4);\n",
        after: "fn a() {\n    one();\n    two();\n\tthree();\n\tfour(4);\n    five();\n}\n",
    },
    Shape {
        what: "wide characters on both sides",
        language: "text",
        before: "😀«é 世界»😀 end\n",
        action: "Fix",
        reply: "è 世 😀",
        after: "😀è 世 😀😀 end\n",
    },
];

#[tokio::test]
async fn every_shape_lands_as_it_should_and_goes_away_with_one_undo() {
    for shape in SHAPES {
        for manner in [
            Manner::Helix,
            Manner::Neovim(0),
            Manner::VsCode,
            Manner::Kakoune,
        ] {
            let letters: Vec<char> = shape.reply.chars().collect();
            let pieces = letters.chunks(3).flat_map(|piece| {
                [
                    Step::Text(piece.iter().collect()),
                    Step::Wait(Duration::from_millis(1)),
                ]
            });
            let answer = Answer::stream(pieces.chain([Step::finish("stop"), Step::Done]));
            let plan = Plan {
                before: shape.before,
                language: shape.language,
                script: Script::new([answer]),
                ..Plan::default()
            };
            let mut scene = scene_of(manner, plan).await;
            let job = scene.start(shape.action).await;
            let state = scene.editor.settled(&job).await;
            let context = format!("{}, {manner:?}", shape.what);
            assert_eq!(state, "pending", "{context}");
            assert_eq!(scene.editor.text, shape.after, "{context}");
            assert!(scene.editor.press_undo(), "{context}");
            assert_eq!(scene.editor.text, scene.original, "{context}: one undo");
            scene.editor.flush();
            scene.editor.finish().await;
        }
    }
}

#[tokio::test]
async fn only_what_makes_sense_without_a_selection_is_offered_there() {
    let plan = Plan {
        before: "a = 1\n«»b = 2\n",
        ..Plan::default()
    };
    let mut scene = scene_of(Manner::VsCode, plan).await;
    let titles = |actions: &[serde_json::Value]| -> Vec<String> {
        let title = |action: &serde_json::Value| action["title"].as_str().unwrap_or("").to_owned();
        actions.iter().map(title).collect()
    };
    let (start, end) = scene.selection;
    let actions = scene.editor.actions(start, end).await;
    assert_eq!(titles(&actions), ["Continue"]);
    let actions = scene.editor.actions(start, end + 1).await;
    assert!(!titles(&actions).contains(&"Continue".to_owned()));
    scene.editor.finish().await;
    // Where the cursor is a selection of one character, both are offered.
    let plan = Plan {
        before: "a = 1\n«b» = 2\n",
        ..Plan::default()
    };
    let mut scene = scene_of(Manner::Helix, plan).await;
    let (start, end) = scene.selection;
    let actions = scene.editor.actions(start, end).await;
    let titles = titles(&actions);
    assert_eq!(titles.first().map(String::as_str), Some("Continue"));
    assert!(titles.contains(&"Explain".to_owned()), "{titles:?}");
    scene.editor.finish().await;
}

#[tokio::test]
async fn tests_go_where_the_user_says_if_the_client_can_ask() {
    const CHOICES: [(Option<&str>, &str); 3] = [
        (None, "fn a() {}\n\n#[test]\nfn t() {}\nfn b() {}\n"),
        (
            Some("Below the selection"),
            "fn a() {}\n\n#[test]\nfn t() {}\nfn b() {}\n",
        ),
        (
            Some("At the end of the file"),
            "fn a() {}\nfn b() {}\n\n#[test]\nfn t() {}\n",
        ),
    ];
    for (choice, after) in CHOICES {
        let answers = ["#[test]\nfn t() {}\n", "#[test]\nfn u() {}\n"].map(whole);
        let plan = Plan {
            before: "«fn a() {}\n»fn b() {}\n",
            language: "rust",
            script: Script::new(answers),
            chooses: true,
            ..Plan::default()
        };
        let mut scene = scene_of(Manner::VsCode, plan).await;
        scene.editor.choice = choice.map(str::to_owned);
        let job = scene.start("Write tests").await;
        assert_eq!(scene.editor.settled(&job).await, "pending", "{choice:?}");
        assert_eq!(scene.editor.text, after, "{choice:?}");
        let said = scene.gateway.requests()[0].body.to_string();
        assert!(said.contains("<selection>\\nfn a() {}\\n"), "{said}");
        assert!(said.contains("the selection stays."), "{said}");
        // Another try is about the same text again.
        let argument = json!({"job": job});
        let again = scene.editor.command("ezrouter.retry", argument).await;
        let again = again.unwrap()["job"].as_str().unwrap().to_owned();
        assert_eq!(scene.editor.settled(&again).await, "pending", "{choice:?}");
        assert_eq!(
            scene.editor.text,
            after.replace("fn t", "fn u"),
            "{choice:?}"
        );
        scene.editor.finish().await;
    }
}
