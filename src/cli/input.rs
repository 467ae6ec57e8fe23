//! The file that a command is about, read once, with the selected lines; and how it is written back. Nothing here talks to
//! the gateway.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::action::Kind;
use crate::config::Settings;
use crate::prompt::context::Exclusions;
use crate::task;
use crate::text::Span;
use crate::text::document::Document;

/// A file, or stdin.
pub struct Input {
    /// The file behind any links; `None` for stdin.
    pub path: Option<PathBuf>,
    /// What people call it.
    pub name: String,
    /// The text.
    pub document: Document,
    /// The selected lines, in bytes.
    pub span: Span,
    text: String,
}

impl Input {
    /// Reads `file` (`-`: stdin) and selects `lines` (`A-B` or `A`, counted from 1; all without it). Refuses, in one
    /// sentence, what the server refuses too.
    pub fn read(
        file: &str,
        lines: Option<&str>,
        kind: Kind,
        settings: &Settings,
    ) -> Result<Self, String> {
        let (path, name, bytes) = if file == "-" {
            let mut bytes = Vec::new();
            let read = std::io::stdin().read_to_end(&mut bytes);
            read.map_err(|error| format!("stdin cannot be read: {error}"))?;
            (None, "stdin".to_owned(), bytes)
        } else {
            let path = fs::canonicalize(file)
                .map_err(|error| format!("{file} cannot be read: {error}"))?;
            let shown = path.to_string_lossy();
            task::check_path(&Exclusions::default(), file, file)?;
            task::check_path(&Exclusions::default(), &shown, file)?;
            let bytes =
                fs::read(&path).map_err(|error| format!("{file} cannot be read: {error}"))?;
            let name = Path::new(file)
                .file_name()
                .map_or(file.to_owned(), |name| name.to_string_lossy().into_owned());
            (Some(path), name, bytes)
        };
        let text = String::from_utf8(bytes)
            .map_err(|_| format!("{name} is not UTF-8, so nothing of it was sent"))?;
        let language = language(&name).to_owned();
        let document = Document::open(language, None, &text);
        let span = select(&text, lines)?;
        task::check_selection(kind, &document, span, &name, settings.max_output_tokens)?;
        Ok(Self {
            path,
            name,
            document,
            span,
            text,
        })
    }

    /// The whole text with the selected lines replaced.
    pub fn with(&self, replacement: &str) -> String {
        let (before, rest) = self
            .text
            .split_at_checked(self.span.start)
            .unwrap_or_default();
        let after = rest.get(self.span.len()..).unwrap_or_default();
        format!("{before}{replacement}{after}")
    }

    /// What was read.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Writes the file in one step: a reader sees the old text or the new one. Mode and links stay. Refused if the file has
    /// changed since it was read.
    pub fn write(&self, text: &str) -> Result<(), String> {
        let Some(path) = &self.path else {
            return Err("stdin cannot be written back; leave out --write".to_owned());
        };
        let failed = |error: std::io::Error| format!("{} was not changed: {error}", self.name);
        let directory = path.parent().unwrap_or(Path::new("."));
        let temporary = directory.join(format!(".{}.ezrouter-{}", self.name, std::process::id()));
        let written = self.replace(path, &temporary, text).map_err(failed);
        if written.is_err() {
            // It may not exist; then there is nothing to take away.
            let _ = fs::remove_file(&temporary);
        }
        written
    }

    fn replace(&self, path: &Path, temporary: &Path, text: &str) -> std::io::Result<()> {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(temporary)?;
        file.set_permissions(fs::metadata(path)?.permissions())?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        if fs::read(path)? != self.text.as_bytes() {
            return Err(std::io::Error::other("it has changed meanwhile"));
        }
        fs::rename(temporary, path)
    }
}

/// The span of lines `A-B`, counted from 1, with their line breaks; a last line beyond the end means the end.
fn select(text: &str, lines: Option<&str>) -> Result<Span, String> {
    let Some(lines) = lines else {
        return Ok(Span::new(0, text.len()));
    };
    let wrong = || format!("--lines takes A-B, two line numbers from 1 on, not {lines}");
    let (first, last) = lines.split_once('-').unwrap_or((lines, lines));
    let number = |number: &str| {
        number
            .trim()
            .parse::<usize>()
            .ok()
            .filter(|&number| 0 < number)
            .ok_or_else(wrong)
    };
    let (first, last) = (number(first)?, number(last)?);
    if last < first {
        return Err(wrong());
    }
    let rope = ropey::Rope::from_str(text);
    let start = rope
        .try_line_to_byte(first - 1)
        .ok()
        .filter(|_| first <= rope.len_lines());
    let start = start.ok_or_else(|| {
        format!(
            "there is no line {first}: the file has {}",
            rope.len_lines()
        )
    })?;
    let end = rope
        .try_line_to_byte(last.min(rope.len_lines()))
        .unwrap_or(text.len());
    Ok(Span::new(start, end))
}

/// The LSP language id that a file's name suggests.
fn language(name: &str) -> &'static str {
    let extension = name
        .rsplit('.')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let found = LANGUAGES
        .iter()
        .find(|(extensions, _)| extensions.contains(&extension.as_str()));
    match name {
        "Makefile" | "makefile" | "GNUmakefile" => "makefile",
        "Dockerfile" => "dockerfile",
        _ => found.map_or("plaintext", |(_, language)| language),
    }
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
    fn lines_are_selected_with_their_line_breaks() {
        let text = "one\r\ntwo\nthree";
        let cases = [
            (None, Ok(text)),
            (Some("1"), Ok("one\r\n")),
            (Some("2-3"), Ok("two\nthree")),
            (Some("2-99"), Ok("two\nthree")),
            (Some("4"), Err("there is no line 4: the file has 3")),
            (
                Some("0-1"),
                Err("--lines takes A-B, two line numbers from 1 on, not 0-1"),
            ),
            (
                Some("3-2"),
                Err("--lines takes A-B, two line numbers from 1 on, not 3-2"),
            ),
            (
                Some("x"),
                Err("--lines takes A-B, two line numbers from 1 on, not x"),
            ),
        ];
        for (lines, wanted) in cases {
            let selected =
                select(text, lines).map(|span| text.get(span.start..span.end).unwrap().to_owned());
            assert_eq!(
                selected,
                wanted.map(str::to_owned).map_err(str::to_owned),
                "{lines:?}"
            );
        }
    }

    #[test]
    fn a_name_suggests_a_language() {
        let cases = [
            ("a.rs", "rust"),
            ("A.PY", "python"),
            ("Makefile", "makefile"),
            ("notes", "plaintext"),
        ];
        for (name, wanted) in cases {
            assert_eq!(language(name), wanted, "{name}");
        }
    }
}
