//! Which actions exist and which of them fit a selection: the built-in prompts. Knows no editor and no request.

/// What an action does with the model's reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The reply is an answer to read.
    Ask,
    /// The reply replaces the selection.
    Rewrite,
}

/// Something that can be done with selected text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action {
    /// Stays the same for ever: clients send it back.
    pub id: &'static str,
    /// What the menu shows.
    pub title: &'static str,
    /// What happens with the reply.
    pub kind: Kind,
    /// What the model is told.
    pub prompt: &'static str,
    fits: Fits,
}

/// The languages that an action makes sense in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fits {
    Anything,
    Code,
    /// Languages whose type annotations are optional.
    OptionalTypes,
}

/// The built-in actions, in the order in which menus show them.
///
/// Wording: every rewrite prompt says what must *not* change, because models asked to "improve" code rename things and
/// drop comments; *Fix* names no kind of mistake, so that the model looks for all of them; *Explain* asks for the
/// purpose first, because a line-by-line retelling is what people skip.
pub const BUILT_IN: &[Action] = &[
    Action {
        id: "explain",
        title: "Explain",
        kind: Kind::Ask,
        prompt: "Explain the selection: first what it is for in one or two sentences, then how it works, then anything \
                 surprising about it. Be brief.",
        fits: Fits::Anything,
    },
    Action {
        id: "find_bugs",
        title: "Find bugs",
        kind: Kind::Ask,
        prompt: "Look for bugs in the selection. For each one name the line, say which input makes it fail and how, and \
                 show the smallest fix. If you find none, say so; do not list matters of taste.",
        fits: Fits::Code,
    },
    Action {
        id: "fix",
        title: "Fix",
        kind: Kind::Rewrite,
        prompt: "Fix the mistakes in the selection. Change only what is wrong; keep names, comments, style and layout.",
        fits: Fits::Anything,
    },
    Action {
        id: "simplify",
        title: "Simplify",
        kind: Kind::Rewrite,
        prompt: "Simplify the selection without changing what it does or says: fewer steps, less nesting, no \
                 repetition. Keep public names, signatures and the comments that still apply.",
        fits: Fits::Anything,
    },
    Action {
        id: "document",
        title: "Document",
        kind: Kind::Rewrite,
        prompt: "Add documentation comments to the selection in the customary form of its language: what it does, what \
                 it takes and gives, how it fails. Do not change the code.",
        fits: Fits::Code,
    },
    Action {
        id: "add_types",
        title: "Add types",
        kind: Kind::Rewrite,
        prompt: "Add type annotations to the selection wherever they can be told with certainty. Do not change what the \
                 code does.",
        fits: Fits::OptionalTypes,
    },
    Action {
        id: "handle_errors",
        title: "Handle errors",
        kind: Kind::Rewrite,
        prompt: "Make the selection handle the errors that it now ignores or lets crash, in the way that the \
                 surrounding code does it. Change nothing else.",
        fits: Fits::Code,
    },
];

/// The built-in action with this id.
pub fn by_id(id: &str) -> Option<&'static Action> {
    BUILT_IN.iter().find(|action| action.id == id)
}

/// The built-in actions that make sense for a text in `language`, an LSP language id.
pub fn fitting(language: &str) -> impl Iterator<Item = &'static Action> {
    BUILT_IN.iter().filter(move |action| match action.fits {
        Fits::Anything => true,
        Fits::Code => !is_prose(language),
        Fits::OptionalTypes => OPTIONALLY_TYPED.contains(&language),
    })
}

/// Whether a language id names prose rather than code.
pub fn is_prose(language: &str) -> bool {
    PROSE.contains(&language)
}

const PROSE: &[&str] = &[
    "",
    "asciidoc",
    "bibtex",
    "gitcommit",
    "git-commit",
    "latex",
    "mail",
    "markdown",
    "org",
    "plaintext",
    "quarto",
    "restructuredtext",
    "rst",
    "tex",
    "text",
    "typst",
];

const OPTIONALLY_TYPED: &[&str] = &["elixir", "lua", "php", "python", "ruby"];

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(language: &str) -> Vec<&'static str> {
        fitting(language).map(|action| action.title).collect()
    }

    #[test]
    fn each_language_gets_the_actions_that_make_sense_in_it() {
        assert_eq!(
            titles("rust"),
            [
                "Explain",
                "Find bugs",
                "Fix",
                "Simplify",
                "Document",
                "Handle errors"
            ]
        );
        assert_eq!(
            titles("python"),
            [
                "Explain",
                "Find bugs",
                "Fix",
                "Simplify",
                "Document",
                "Add types",
                "Handle errors"
            ]
        );
        assert_eq!(titles("markdown"), ["Explain", "Fix", "Simplify"]);
    }

    #[test]
    fn ids_are_unique_and_found() {
        for action in BUILT_IN {
            assert_eq!(
                by_id(action.id).map(|found| found.title),
                Some(action.title)
            );
        }
        assert!(by_id("no such action").is_none());
    }
}
