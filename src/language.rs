//! Which language a file is in, as an LSP language id: what its name suggests, and when that counts more than what the client
//! says. It reads no file.

/// The language of a document that a client calls `told`, by the last part of its path.
///
/// Eglot names a document after the mode that its server is registered for: one for `(prog-mode text-mode)` is told "prog" or
/// "text" for every file (measured in Emacs 30). Then the name of the file says more.
pub fn of_document(told: &str, name: &str) -> String {
    let suggested = VAGUE.contains(&told).then(|| of_name(name)).flatten();
    suggested.unwrap_or(told).to_owned()
}

/// What tells nothing of a language.
const VAGUE: [&str; 4] = ["", "fundamental", "prog", "text"];

/// The language that a file's name suggests.
pub fn of_name(name: &str) -> Option<&'static str> {
    match name {
        "Makefile" | "makefile" | "GNUmakefile" => return Some("makefile"),
        "Dockerfile" => return Some("dockerfile"),
        _ => {}
    }
    let (_, extension) = name.rsplit_once('.')?;
    let extension = extension.to_ascii_lowercase();
    let found = LANGUAGES
        .iter()
        .find(|(extensions, _)| extensions.contains(&extension.as_str()));
    found.map(|(_, language)| *language)
}

const LANGUAGES: &[(&[&str], &str)] = &[
    (&["c", "h"], "c"),
    (&["cc", "cpp", "cxx", "hh", "hpp", "hxx"], "cpp"),
    (&["cs"], "csharp"),
    (&["css"], "css"),
    (&["el", "lisp"], "lisp"),
    (&["ex", "exs"], "elixir"),
    (&["go"], "go"),
    (&["hs"], "haskell"),
    (&["htm", "html"], "html"),
    (&["java"], "java"),
    (&["cjs", "js", "mjs"], "javascript"),
    (&["json"], "json"),
    (&["jsx"], "javascriptreact"),
    (&["kt", "kts"], "kotlin"),
    (&["lua"], "lua"),
    (&["markdown", "md"], "markdown"),
    (&["php"], "php"),
    (&["py", "pyi"], "python"),
    (&["rb"], "ruby"),
    (&["rs"], "rust"),
    (&["bash", "sh", "zsh"], "shellscript"),
    (&["sql"], "sql"),
    (&["swift"], "swift"),
    (&["tex"], "latex"),
    (&["toml"], "toml"),
    (&["ts", "mts", "cts"], "typescript"),
    (&["tsx"], "typescriptreact"),
    (&["xml"], "xml"),
    (&["yaml", "yml"], "yaml"),
    (&["zig"], "zig"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_suggests_a_language() {
        let cases = [
            ("a.rs", Some("rust")),
            ("A.PY", Some("python")),
            ("Makefile", Some("makefile")),
            ("notes", None),
            // Not an extension.
            ("rs", None),
        ];
        for (name, wanted) in cases {
            assert_eq!(of_name(name), wanted, "{name}");
        }
    }

    #[test]
    fn the_name_counts_where_the_client_says_nothing() {
        let cases = [
            ("prog", "a.py", "python"),
            ("text", "README.md", "markdown"),
            ("text", "notes.txt", "text"),
            ("prog", "a.unheard-of", "prog"),
            ("", "a.rs", "rust"),
            ("plaintext", "a.py", "plaintext"),
            ("typescriptreact", "a.js", "typescriptreact"),
        ];
        for (told, name, wanted) in cases {
            assert_eq!(of_document(told, name), wanted, "{told} {name}");
        }
    }
}
