//! What the cleaner knows of languages, by LSP language id. No grammar: only whether prose, code fences or backticks are
//! at home in a document, because there they must not be taken for wrapping.

/// Languages in which a code fence is ordinary text. LaTeX, `AsciiDoc` and Org have other block marks.
const MARKDOWN: &[&str] = &[
    "markdown",
    "md",
    "mdx",
    "rmd",
    "rmarkdown",
    "qmd",
    "quarto",
    "pandoc",
    "djot",
];

/// Languages other than Markdown in which a line such as "Here is the list:" may be the very text that was asked for.
const PROSE: &[&str] = &[
    "plaintext",
    "text",
    "txt",
    "latex",
    "tex",
    "bibtex",
    "context",
    "typst",
    "asciidoc",
    "restructuredtext",
    "rst",
    "org",
    "norg",
    "git-commit",
    "gitcommit",
    "mail",
    "vimwiki",
    "textile",
    "mediawiki",
];

/// Languages whose own syntax uses backticks: template literals, raw strings, command substitution, quoted names, infix calls.
const BACKTICKS: &[&str] = &[
    "javascript",
    "javascriptreact",
    "typescript",
    "typescriptreact",
    "vue",
    "svelte",
    "astro",
    "html",
    "go",
    "shellscript",
    "sh",
    "bash",
    "zsh",
    "ksh",
    "perl",
    "php",
    "ruby",
    "elixir",
    "sql",
    "mysql",
    "kotlin",
    "scala",
    "swift",
    "haskell",
    "elm",
    "purescript",
    "fsharp",
    "julia",
    "r",
    "lisp",
    "clojure",
    "scheme",
    "racket",
    "emacs-lisp",
    "elisp",
    "verilog",
    "systemverilog",
    "d",
    "nim",
    "powershell",
];

/// What a document is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Code,
    /// Written for people, and without code fences.
    Prose,
    Markdown,
}

impl Family {
    pub(super) fn of(language: &str) -> Self {
        if is_markdown(language) {
            Self::Markdown
        } else if PROSE.contains(&language) {
            Self::Prose
        } else {
            Self::Code
        }
    }
}

/// Whether code fences belong to the language itself.
pub(super) fn is_markdown(language: &str) -> bool {
    MARKDOWN.contains(&language)
}

/// Whether a text between backticks can be code of this language.
pub(super) fn has_backticks(language: &str) -> bool {
    Family::of(language) != Family::Code || BACKTICKS.contains(&language)
}
