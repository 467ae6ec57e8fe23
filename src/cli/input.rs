//! The file that a command is about, read once, with the selected lines; and how it is written back. Nothing here talks to
//! the gateway.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::Context;
use crate::action::{Kind, Target};
use crate::conversation::Conversation;
use crate::exclusions::Judge;
use crate::language;
use crate::mentions::{self, Place};
use crate::prompt::mention;
use crate::task::{self, Composed, Subject};
use crate::text::Span;
use crate::text::document::Document;

/// A file, or stdin.
pub struct Input {
    /// The file behind any links; `None` for stdin.
    pub path: Option<PathBuf>,
    /// What people and the model are told: the path below the current directory, else the file's name.
    pub name: String,
    /// The text.
    pub document: Document,
    /// The selected lines, in bytes.
    pub span: Span,
    text: String,
}

impl Input {
    /// Reads `file` (`-`: stdin) and selects `lines`; all without it. Refuses, in one sentence, what the server refuses too.
    pub fn read(
        file: &str,
        lines: Option<Lines>,
        kind: Kind,
        context: &Context,
    ) -> Result<Self, String> {
        let settings = context.settings();
        let (path, name, bytes) = if file == "-" {
            (None, "stdin".to_owned(), read(std::io::stdin(), "stdin")?)
        } else {
            let unreadable = |error| format!("{file} cannot be read: {error}");
            let given = std::path::absolute(file).map_err(unreadable)?;
            let here = std::env::current_dir().ok();
            let folder = context.project.as_deref().or(here.as_deref());
            if let Some(rule) = Judge::new(&settings.exclusions).reason(&given, folder) {
                return Err(task::never_sent(file, &rule));
            }
            let opened = fs::File::open(file).map_err(unreadable)?;
            // A pipe (`<(git diff)`) has no place that its links lead to.
            let path = fs::canonicalize(file).ok().filter(|path| path.is_file());
            (path, name_for_people(&given), read(opened, file)?)
        };
        let text = String::from_utf8(bytes)
            .map_err(|_| format!("{name} is not UTF-8, so nothing of it was sent"))?;
        let language = language::of_name(file_name(&name)).unwrap_or("plaintext");
        let shown = text.strip_prefix(MARK).unwrap_or(&text);
        let document = Document::open(language.to_owned(), None, shown);
        let span = select(shown, lines)?;
        if kind == Kind::Ask
            && shown
                .get(span.start..span.end)
                .unwrap_or_default()
                .trim()
                .is_empty()
        {
            let what = lines.map_or(name.clone(), |_| format!("what --lines names in {name}"));
            return Err(format!("{what} is empty, so there is nothing to ask about"));
        }
        task::check_selection(kind, &document, span, &name, settings.max_output_tokens)?;
        Ok(Self {
            path,
            name,
            document,
            span,
            text,
        })
    }

    /// The request that asks `words` about the selected lines; files that the words name are looked for in the current
    /// directory, then beside the file.
    pub fn compose(
        &self,
        context: &mut Context,
        kind: Kind,
        words: &str,
    ) -> Result<Composed, String> {
        let subject = Subject {
            kind,
            path: self.name.clone(),
            document: self.document.clone(),
            span: self.span,
            instruction: words.to_owned(),
            diagnostics: String::new(),
            lines_cut: 0,
            target: Target::Selection,
            names: mention::find(words),
        };
        let settings = context.settings();
        let place = Place {
            workspace: std::env::current_dir().ok(),
            near: self
                .path
                .as_deref()
                .and_then(Path::parent)
                .map(Path::to_owned),
        };
        let mut judge = Judge::new(&settings.exclusions);
        let folder = context.project.as_deref().or(place.workspace.as_deref());
        let reason = |path: &Path| judge.reason(path, folder);
        let fetched = mentions::fetch(&subject.names, &place, reason, |_| None)?;
        let draft = subject.draft(&settings.limits(), &fetched.texts());
        let composed = draft.request(settings.model.clone(), &mut Conversation::default());
        context.meter.sends(composed.masked, fetched.note());
        Ok(composed)
    }

    /// The whole text with the selected lines replaced.
    pub fn with(&self, replacement: &str) -> String {
        let shown = self.text.strip_prefix(MARK).unwrap_or(&self.text);
        let (mark, _) = self
            .text
            .split_at_checked(self.text.len() - shown.len())
            .unwrap_or_default();
        let (before, rest) = shown.split_at_checked(self.span.start).unwrap_or_default();
        let after = rest.get(self.span.len()..).unwrap_or_default();
        format!("{mark}{before}{replacement}{after}")
    }

    /// What was read.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Refuses, before anything is sent, what [`Input::write`] could not write.
    pub fn check_writable(&self) -> Result<(), String> {
        let Some(path) = &self.path else {
            return Err(NO_PLACE.to_owned());
        };
        if fs::metadata(path).is_ok_and(|metadata| metadata.permissions().readonly()) {
            return Err(format!(
                "{} is read-only; make it writable or leave out --write",
                self.name
            ));
        }
        // It is written beside itself, then takes its own place.
        let temporary = self.temporary(path);
        let made = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&temporary);
        made.and_then(|_| fs::remove_file(&temporary))
            .map_err(|error| {
                format!(
                    "no file can be made beside {}, which --write needs: {error}; nothing was sent",
                    self.name
                )
            })
    }

    fn temporary(&self, path: &Path) -> PathBuf {
        let directory = path.parent().unwrap_or(Path::new("."));
        let name = file_name(&self.name);
        directory.join(format!(".{name}.ezrouter-{}", std::process::id()))
    }

    /// Writes the file in one step: a reader sees the old text or the new one. Mode and symbolic links stay. Refused if the file has
    /// changed since it was read.
    pub fn write(&self, text: &str) -> Result<(), String> {
        let Some(path) = &self.path else {
            return Err(NO_PLACE.to_owned());
        };
        let failed = |error: std::io::Error| format!("{} was not changed: {error}", self.name);
        let temporary = self.temporary(path);
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

/// An absolute path as it is told and sent: nothing about the rest of the disk.
fn name_for_people(given: &Path) -> String {
    let here = std::env::current_dir().ok();
    let below = here.and_then(|here| given.strip_prefix(here).ok());
    let plain = |path: &&Path| {
        let is_name = |part| matches!(part, std::path::Component::Normal(_));
        path.components().all(is_name)
    };
    let name = below
        .filter(plain)
        .or_else(|| given.file_name().map(Path::new));
    name.unwrap_or(given).to_string_lossy().replace('\\', "/")
}

/// The last part of a name.
fn file_name(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// Reads it all, unless it is larger than anything that could be sent (`/dev/zero` has no end).
fn read(source: impl std::io::Read, name: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = source.take(LARGEST + 1).read_to_end(&mut bytes);
    let count = read.map_err(|error| format!("{name} cannot be read: {error}"))?;
    if LARGEST < count as u64 {
        let megabytes = LARGEST / 1024 / 1024;
        return Err(format!("{name} is larger than {megabytes} MB"));
    }
    Ok(bytes)
}

/// The largest file, in bytes.
const LARGEST: u64 = 64 * 1024 * 1024;

/// Why there is nothing to write to.
const NO_PLACE: &str = "stdin or a pipe cannot be written back; leave out --write";

/// What some programs put at the start of a UTF-8 file. It is no text, and stays where it is.
const MARK: char = '\u{feff}';

/// Lines from the first to the last, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lines {
    first: usize,
    last: usize,
}

impl FromStr for Lines {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |text: &str| text.trim().parse().ok().filter(|&number| 0 < number);
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        number(first)
            .zip(number(last))
            .filter(|(first, last)| first <= last)
            .map(|(first, last)| Self { first, last })
            .ok_or("two line numbers from 1 on, such as 10-30, or one")
    }
}

/// The span of `lines` with their line breaks; a last line beyond the end means the end.
fn select(text: &str, lines: Option<Lines>) -> Result<Span, String> {
    let Some(Lines { first, last }) = lines else {
        return Ok(Span::new(0, text.len()));
    };
    let rope = ropey::Rope::from_str(text);
    // Behind the last line break there is no line more.
    let count = rope.len_lines() - usize::from(text.ends_with(['\n', '\r']));
    let place = |line: usize| rope.try_line_to_byte(line).unwrap_or(text.len());
    if count < first {
        return Err(format!("there is no line {first}: the file has {count}"));
    }
    Ok(Span::new(place(first - 1), place(last.min(count))))
}

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
        ];
        for (lines, wanted) in cases {
            let lines = lines.map(|lines| lines.parse().unwrap());
            let selected =
                select(text, lines).map(|span| text.get(span.start..span.end).unwrap().to_owned());
            assert_eq!(
                selected,
                wanted.map(str::to_owned).map_err(str::to_owned),
                "{lines:?}"
            );
        }
        for wrong in ["0-1", "3-2", "x", "", "1-", "1,2", "-3"] {
            assert!(wrong.parse::<Lines>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn behind_the_last_line_break_is_no_line() {
        let line = |text, line: &str| select(text, Some(line.parse().unwrap()));
        assert_eq!(line("a\nb\n", "2"), Ok(Span::new(2, 4)));
        assert_eq!(line("a\nb\n", "1-9"), Ok(Span::new(0, 4)));
        let gone = "there is no line 3: the file has 2".to_owned();
        assert_eq!(line("a\nb\n", "3"), Err(gone));
        assert_eq!(line("", "1"), Ok(Span::new(0, 0)));
    }
}
