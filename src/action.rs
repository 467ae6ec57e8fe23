//! Which actions exist and which of them fit a selection: the built-in prompts. Knows no editor and no request.

pub mod directive;
pub mod own;

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
    /// Where the text of a rewrite goes.
    pub target: Target,
    fits: Fits,
}

/// Where the text of a rewrite goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Target {
    /// In the place of the selection, or to the cursor.
    #[default]
    Selection,
    /// To lines of its own behind the selection's last line, or at the end of the file where the selection is indented: what
    /// stands inside of something else is no place for text that stands by itself.
    Below,
    /// To lines of its own at the end of the file.
    End,
}

/// The languages that an action makes sense in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fits {
    Anything,
    Code,
    /// Languages whose type annotations are optional.
    OptionalTypes,
    /// No selection at all.
    Cursor,
}

/// The built-in actions, in the order in which menus show them.
///
/// Wording: every rewrite prompt says what must *not* change, because models asked to "improve" code rename things and
/// drop comments; *Fix* names no kind of mistake, so that the model looks for all of them; *Explain* asks for the
/// purpose first, because a line-by-line retelling is what people skip; *Write tests* says what a good test looks at, because
/// models test the obvious three times, and not to repeat the selection, because the tests stand behind it; *Continue* says where to stop, because models go on
/// until their limit, and not to repeat, because small ones begin by copying the line.
pub const BUILT_IN: &[Action] = &[
    Action {
        id: "explain",
        title: "Explain",
        kind: Kind::Ask,
        prompt: "Explain the selection: first what it is for in one or two sentences, then how it works, then anything \
                 surprising about it. Be brief.",
        target: Target::Selection,
        fits: Fits::Anything,
    },
    Action {
        id: "find_bugs",
        title: "Find bugs",
        kind: Kind::Ask,
        prompt: "Look for bugs in the selection. For each one name the line, say which input makes it fail and how, and \
                 show the smallest fix. If you find none, say so; do not list matters of taste.",
        target: Target::Selection,
        fits: Fits::Code,
    },
    Action {
        id: "fix",
        title: "Fix",
        kind: Kind::Rewrite,
        prompt: "Fix the mistakes in the selection. Change only what is wrong; keep names, comments, style and layout.",
        target: Target::Selection,
        fits: Fits::Anything,
    },
    Action {
        id: "simplify",
        title: "Simplify",
        kind: Kind::Rewrite,
        prompt: "Simplify the selection without changing what it does or says: fewer steps, less nesting, no \
                 repetition. Keep public names, signatures and the comments that still apply.",
        target: Target::Selection,
        fits: Fits::Anything,
    },
    Action {
        id: "document",
        title: "Document",
        kind: Kind::Rewrite,
        prompt: "Add documentation comments to the selection in the customary form of its language: what it does, what \
                 it takes and gives, how it fails. Do not change the code.",
        target: Target::Selection,
        fits: Fits::Code,
    },
    Action {
        id: "add_types",
        title: "Add types",
        kind: Kind::Rewrite,
        prompt: "Add type annotations to the selection wherever they can be told with certainty. Do not change what the \
                 code does.",
        target: Target::Selection,
        fits: Fits::OptionalTypes,
    },
    Action {
        id: "handle_errors",
        title: "Handle errors",
        kind: Kind::Rewrite,
        prompt: "Make the selection handle the errors that it now ignores or lets crash, in the way that the \
                 surrounding code does it. Change nothing else.",
        target: Target::Selection,
        fits: Fits::Code,
    },
    Action {
        id: "write_tests",
        title: "Write tests",
        kind: Kind::Rewrite,
        prompt: "Write tests for the selection in the way that the surrounding code is tested, as far as that can be seen, else \
                 with the customary means of its language: one test for each thing that it promises, and for the edge cases \
                 that somebody could get wrong. Do not repeat the selection.",
        target: Target::Below,
        fits: Fits::Code,
    },
    Action {
        id: "continue",
        title: "Continue",
        kind: Kind::Rewrite,
        prompt: "Write what comes next at the cursor, in the style of what stands before it and fitting what stands after \
                 it. Stop where the thing that was begun is complete: the statement, the function, the sentence or the \
                 paragraph. Do not repeat what stands there already.",
        target: Target::Selection,
        fits: Fits::Cursor,
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
        Fits::Cursor => false,
    })
}

/// The built-in actions that make sense where nothing is selected.
pub fn at_cursor() -> impl Iterator<Item = &'static Action> {
    BUILT_IN.iter().filter(|action| action.fits == Fits::Cursor)
}

/// The beginning of somebody's own words, as a title: at most 40 characters of the first line.
pub fn title(words: &str) -> String {
    let line = words.lines().next().unwrap_or_default();
    let mut title: String = line.chars().take(40).collect();
    if title.len() < words.len() {
        title.push('…');
    }
    title
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
                "Handle errors",
                "Write tests"
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
                "Handle errors",
                "Write tests"
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
