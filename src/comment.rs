//! How each language writes a comment, by LSP language id: a static table and no grammar. It does not find comments in a
//! text.

/// The comment marks of a language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks {
    /// What begins a comment that ends with its line.
    pub line: Option<&'static str>,
    /// What begins and ends a comment of any length.
    pub block: Option<(&'static str, &'static str)>,
}

impl Marks {
    /// `text`, which is one line, as a comment of its own line, without indentation or line break.
    pub fn comment(&self, text: &str) -> String {
        match (self.line, self.block) {
            (Some(mark), _) => format!("{mark} {text}"),
            (None, Some((open, close))) => format!("{open} {} {close}", text.replace(close, "")),
            (None, None) => text.to_owned(),
        }
    }
}

/// The comment marks of a language id; `None` for a language that has no comments or that is not known.
pub fn marks(language: &str) -> Option<Marks> {
    let (_, line, block) = TABLE
        .iter()
        .find(|(languages, _, _)| languages.contains(&language))?;
    Some(Marks {
        line: *line,
        block: *block,
    })
}

type Row = (
    &'static [&'static str],
    Option<&'static str>,
    Option<(&'static str, &'static str)>,
);

/// Language ids are those of the LSP specification (`TextDocumentItem`) and those that Neovim, Helix, Emacs and VS Code send
/// beside them.
const TABLE: &[Row] = &[
    (
        &[
            "c",
            "cpp",
            "objective-c",
            "objective-cpp",
            "objc",
            "objcpp",
            "cuda",
            "cuda-cpp",
            "arduino",
            "csharp",
            "c-sharp",
            "d",
            "dart",
            "fsharp",
            "glsl",
            "hlsl",
            "wgsl",
            "slang",
            "go",
            "gomod",
            "go.mod",
            "groovy",
            "jenkinsfile",
            "java",
            "javascript",
            "javascriptreact",
            "js",
            "jsx",
            "typescript",
            "typescriptreact",
            "tsx",
            "jsonc",
            "json5",
            "kotlin",
            "odin",
            "php",
            "protobuf",
            "proto",
            "qml",
            "rust",
            "scala",
            "scss",
            "less",
            "solidity",
            "stylus",
            "swift",
            "systemverilog",
            "verilog",
            "v",
            "vala",
            "typst",
            "pug",
            "jade",
            "bicep",
            "cue",
            "gleam",
        ],
        Some("//"),
        Some(("/*", "*/")),
    ),
    (&["zig", "asciidoc"], Some("//"), None),
    (
        &[
            "python",
            "ruby",
            "perl",
            "raku",
            "shellscript",
            "sh",
            "bash",
            "zsh",
            "ksh",
            "fish",
            "nushell",
            "nu",
            "r",
            "yaml",
            "toml",
            "dockerfile",
            "makefile",
            "make",
            "elixir",
            "crystal",
            "tcl",
            "awk",
            "gdscript",
            "graphql",
            "just",
            "conf",
            "properties",
            "git-commit",
            "gitcommit",
            "git-rebase",
            "git-ignore",
            "gitignore",
            "starlark",
            "bzl",
            "meson",
            "ninja",
            "nginx",
            "robot",
            "snakemake",
            "systemd",
            "hyprlang",
            "dotenv",
            "po",
            "gn",
            "mojo",
            "rego",
        ],
        Some("#"),
        None,
    ),
    (&["cmake"], Some("#"), Some(("#[[", "]]"))),
    (&["julia"], Some("#"), Some(("#=", "=#"))),
    (&["nim"], Some("#"), Some(("#[", "]#"))),
    (
        &["nix", "hcl", "terraform", "tfvars"],
        Some("#"),
        Some(("/*", "*/")),
    ),
    (&["powershell"], Some("#"), Some(("<#", "#>"))),
    (&["coffeescript", "coffee"], Some("#"), Some(("###", "###"))),
    (
        &["sql", "mysql", "plsql", "pgsql", "tsql"],
        Some("--"),
        Some(("/*", "*/")),
    ),
    (&["lua", "luau", "teal"], Some("--"), Some(("--[[", "]]"))),
    (
        &["haskell", "elm", "purescript", "idris", "agda", "dhall"],
        Some("--"),
        Some(("{-", "-}")),
    ),
    (&["ada", "vhdl", "eiffel"], Some("--"), None),
    (&["applescript"], Some("--"), Some(("(*", "*)"))),
    (&["clojure", "edn", "fennel", "janet"], Some(";;"), None),
    (
        &["lisp", "common-lisp", "commonlisp", "scheme", "racket"],
        Some(";;"),
        Some(("#|", "|#")),
    ),
    (&["emacs-lisp", "elisp"], Some(";;"), None),
    (
        &["asm", "nasm", "llvm", "ini", "autohotkey", "wat"],
        Some(";"),
        None,
    ),
    (
        &[
            "erlang",
            "prolog",
            "latex",
            "tex",
            "plaintex",
            "bibtex",
            "context",
            "postscript",
        ],
        Some("%"),
        None,
    ),
    (&["matlab", "octave"], Some("%"), Some(("%{", "%}"))),
    (&["ocaml", "sml", "coq", "rocq"], None, Some(("(*", "*)"))),
    (&["reason", "rescript"], Some("//"), Some(("/*", "*/"))),
    (&["pascal", "delphi"], Some("//"), Some(("{", "}"))),
    (&["css"], None, Some(("/*", "*/"))),
    (
        &[
            "html",
            "xml",
            "xsl",
            "svg",
            "vue",
            "svelte",
            "astro",
            "markdown",
            "mdx",
            "razor",
            "xhtml",
            "eex",
            "heex",
            "erb",
            "vimwiki",
            "mediawiki",
        ],
        None,
        Some(("<!--", "-->")),
    ),
    (&["handlebars"], None, Some(("{{!--", "--}}"))),
    (
        &["jinja", "jinja2", "twig", "htmldjango"],
        None,
        Some(("{#", "#}")),
    ),
    (&["vim", "viml"], Some("\""), None),
    (
        &["vb", "vbnet", "vba", "basic", "freebasic"],
        Some("'"),
        None,
    ),
    (&["bat", "dosbatch"], Some("REM"), None),
    (&["fortran", "fortran90"], Some("!"), None),
    (&["cobol"], Some("*>"), None),
    (&["restructuredtext", "rst"], Some(".."), None),
    (
        &["org"],
        Some("#"),
        Some(("#+begin_comment", "#+end_comment")),
    ),
    (&["smalltalk"], None, Some(("\"", "\""))),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_comment_has_the_marks_of_its_language() {
        let cases = [
            ("rust", "// a --> b"),
            ("python", "# a --> b"),
            ("lua", "-- a --> b"),
            ("css", "/* a --> b */"),
            ("html", "<!-- a  b -->"),
            ("ocaml", "(* a --> b *)"),
            ("clojure", ";; a --> b"),
            ("vim", "\" a --> b"),
        ];
        for (language, comment) in cases {
            assert_eq!(
                marks(language)
                    .map(|marks| marks.comment("a --> b"))
                    .as_deref(),
                Some(comment),
                "{language}"
            );
        }
    }

    #[test]
    fn each_language_has_one_row_and_there_are_enough_of_them() {
        let mut seen = BTreeSet::new();
        for (languages, line, block) in TABLE {
            assert!(line.is_some() || block.is_some(), "{languages:?}");
            for language in *languages {
                assert!(seen.insert(language), "{language} has two rows");
            }
        }
        assert!(60 <= seen.len(), "{}", seen.len());
        assert_eq!(
            (marks("json"), marks("plaintext"), marks("")),
            (None, None, None)
        );
    }
}
