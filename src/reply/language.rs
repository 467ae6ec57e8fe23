//! What the cleaner knows of languages, by LSP language id. No grammar: only whether prose, tags, code fences or backticks
//! are at home in a document, because there they must not be taken for wrapping, and how far indentation has a meaning.

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

/// Languages other than Markdown in which a line such as "Here is the list:" may be the very text that was asked for, and
/// languages whose statements read like sentences.
const PROSE: &[&str] = &[
    "",
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
    "help",
    "vimdoc",
    "groff",
    "troff",
    "nroff",
    "man",
    "mandoc",
    "texinfo",
    "pod",
    "raku-pod",
    "log",
    "csv",
    "tsv",
    "fountain",
    "ink",
    "twee",
    "twee3",
    "yarnspinner",
    "renpy",
    "subtitles",
    "srt",
    "todotxt",
    "ledger",
    "cobol",
    "gherkin",
    "cucumber",
    "robotframework",
    "robot",
    "applescript",
    "inform7",
    "coq",
    "rocq",
    "lean",
    "lean4",
    "isabelle",
    "agda",
    "smalltalk",
];

/// Languages in which tags, or text outside of any code, are at home: markup, templates, and YAML with its keys in words.
const MARKUP: &[&str] = &[
    "html",
    "xhtml",
    "xml",
    "xsl",
    "xslt",
    "xsd",
    "svg",
    "dtd",
    "docbook",
    "vue",
    "svelte",
    "astro",
    "php",
    "jinja",
    "jinja2",
    "jinja-html",
    "django-html",
    "htmldjango",
    "handlebars",
    "html.handlebars",
    "mustache",
    "liquid",
    "twig",
    "erb",
    "eruby",
    "html.erb",
    "ejs",
    "haml",
    "pug",
    "jade",
    "slim",
    "blade",
    "razor",
    "aspnetcorerazor",
    "heex",
    "eex",
    "html-eex",
    "phoenix-heex",
    "gotmpl",
    "templ",
    "mjml",
    "yaml",
    "dockercompose",
    "yaml.docker-compose",
    "github-actions-workflow",
    "yaml.ghaction",
    "yaml.ansible",
    "ansible",
    "helm",
];

/// Languages whose element names are anybody's to choose, so that no tag is surely foreign in them.
const XML: &[&str] = &[
    "xml", "xsl", "xslt", "xsd", "svg", "dtd", "docbook", "xhtml",
];

/// Languages in which the column of a line can change its meaning beyond the nesting of blocks, or in which that of text is
/// part of it. There the width of indentation stays as the reply has it.
const LAYOUT: &[&str] = &[
    "haskell",
    "elm",
    "purescript",
    "idris",
    "fsharp",
    "coffeescript",
    "nim",
    "pug",
    "jade",
    "haml",
    "slim",
    "sass",
    "stylus",
    "cobol",
    "fortran",
    "fortran-fixed",
    "yaml",
    "dockercompose",
    "yaml.docker-compose",
    "github-actions-workflow",
    "yaml.ghaction",
    "yaml.ansible",
    "ansible",
    "helm",
];

/// Languages whose blocks begin and end with words, so that any line may begin one.
const WORD_BLOCKS: &[&str] = &[
    "ruby",
    "lua",
    "elixir",
    "crystal",
    "julia",
    "shellscript",
    "sh",
    "bash",
    "zsh",
    "ksh",
    "fish",
    "pascal",
    "delphi",
    "vb",
    "vbnet",
    "matlab",
    "octave",
    "vim",
    "nix",
    "ada",
    "vhdl",
];

/// Languages with plain here-documents, whose last line has to stand at the very beginning of its line.
const HERE_DOCUMENTS: &[&str] = &["shellscript", "sh", "bash", "zsh", "ksh", "perl", "ruby"];

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
    /// Code in which text and tags are at home.
    Markup,
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
        } else if MARKUP.contains(&language) {
            Self::Markup
        } else {
            Self::Code
        }
    }

    /// Whether a line in which a model speaks to the user is surely not part of the document.
    pub(super) fn is_code(self) -> bool {
        matches!(self, Self::Code | Self::Markup)
    }
}

/// Whether code fences belong to the language itself.
pub(super) fn is_markdown(language: &str) -> bool {
    MARKDOWN.contains(&language)
}

/// Whether a text between backticks can be code of this language.
pub(super) fn has_backticks(language: &str) -> bool {
    !Family::of(language).is_code() || BACKTICKS.contains(&language)
}

/// Whether any tag can be an element of the document.
pub(super) fn is_xml(language: &str) -> bool {
    XML.contains(&language)
}

/// Whether the width of indentation may be changed.
pub(super) fn has_free_width(language: &str) -> bool {
    Family::of(language).is_code() && !LAYOUT.contains(&language)
}

/// Whether a line without a bracket or colon at its end can begin a block.
pub(super) fn has_word_blocks(language: &str) -> bool {
    WORD_BLOCKS.contains(&language)
}

/// Whether a here-document ends with a line that must not be indented.
pub(super) fn has_here_documents(language: &str) -> bool {
    HERE_DOCUMENTS.contains(&language)
}
