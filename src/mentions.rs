//! Fetches the files that somebody's words name with `@path`: from the editor where they are open, else from the disk. Only
//! files of the workspace that no rule excludes; nothing is sent that was not asked for by name. Which words are names is
//! `prompt::mention`'s work.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::prompt::{exclusion, mention};
use crate::task;

/// So many bytes the files named in one question may have together. More than that is rarely what somebody means, and few
/// models answer well to it.
const MOST_BYTES: usize = 200_000;

/// Where names are looked for.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// The workspace folder; nothing outside of it is sent. Without one it is `near`.
    pub workspace: Option<PathBuf>,
    /// The directory of the document that is asked about.
    pub near: Option<PathBuf>,
}

/// A file that goes along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brought {
    /// Relative to the workspace, with slashes.
    pub path: String,
    /// Absolute.
    pub file: PathBuf,
    /// All of its text.
    pub text: String,
}

/// What the names in a question came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// The files that go along.
    pub files: Vec<Brought>,
    /// Names that look like paths, of which there is no file.
    pub missing: Vec<String>,
}

impl Fetched {
    /// The paths and texts of the files.
    pub fn texts(&self) -> Vec<(&str, &str)> {
        let files = self.files.iter();
        files
            .map(|file| (file.path.as_str(), file.text.as_str()))
            .collect()
    }

    /// What the footer says of it; empty if there is nothing to say.
    pub fn note(&self) -> String {
        let along = self.files.iter().map(|file| format!("with {}", file.path));
        let missing = self.missing.iter();
        let missing = missing.map(|name| format!("no file {name} in the workspace"));
        along.chain(missing).collect::<Vec<_>>().join(", ")
    }
}

/// Fetches what `names` name. `judge` says why a file, by its absolute path, is never sent; `open` gives the text of a file that the editor has open, by its absolute path.
///
/// A name that no file has is left alone: it may be a decorator, a package or a person. The first file that may not be sent,
/// or cannot be, is the reason that comes back, in one sentence. Blocks.
pub fn fetch(
    names: &[String],
    place: &Place,
    mut judge: impl FnMut(&Path) -> Option<String>,
    open: impl Fn(&Path) -> Option<String>,
) -> Result<Fetched, String> {
    let mut fetched = Fetched::default();
    let Some(root) = place.workspace.as_deref().or(place.near.as_deref()) else {
        return Ok(fetched);
    };
    let mut left = MOST_BYTES;
    for name in names {
        let Some(path) = existing(name, root, place.near.as_deref()) else {
            if mention::looks_like_a_path(name) {
                fetched.missing.push(name.clone());
            }
            continue;
        };
        if fetched.files.iter().any(|known| known.file == path) {
            continue;
        }
        if !is_within(&path, root) {
            return Err(format!(
                "@{name} is outside of the workspace, so it is not sent; nothing was"
            ));
        }
        if let Some(rule) = judge(&path) {
            return Err(task::never_sent(name, &rule));
        }
        let text = match open(&path) {
            Some(text) => text,
            None => read(&path, name, left)?,
        };
        left = left
            .checked_sub(text.len())
            .ok_or_else(|| too_large(name))?;
        if text.contains('\0') {
            return Err(format!(
                "@{name} looks like a binary file, so nothing was sent"
            ));
        }
        let relative = path.strip_prefix(exclusion::plain(root)).unwrap_or(&path);
        fetched.files.push(Brought {
            path: relative.to_string_lossy().replace('\\', "/"),
            file: path,
            text,
        });
    }
    Ok(fetched)
}

/// The regular file that `name` names, below the workspace or beside the document.
fn existing(name: &str, root: &Path, near: Option<&Path>) -> Option<PathBuf> {
    let candidates = [Some(root), near];
    candidates
        .into_iter()
        .flatten()
        .map(|base| exclusion::plain(&base.join(name)))
        .find(|path| path.metadata().is_ok_and(|metadata| metadata.is_file()))
}

/// Whether a file is in the workspace, by its path and by what its links lead to.
fn is_within(path: &Path, root: &Path) -> bool {
    let real = path.canonicalize().ok().zip(root.canonicalize().ok());
    path.starts_with(exclusion::plain(root))
        && real.is_some_and(|(path, root)| path.starts_with(root))
}

fn read(path: &Path, name: &str, room: usize) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("@{name} cannot be read: {error}");
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(room as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if room < bytes.len() {
        return Err(too_large(name));
    }
    String::from_utf8(bytes).map_err(|_| format!("@{name} is not UTF-8, so nothing was sent"))
}

fn too_large(name: &str) -> String {
    format!(
        "@{name} is too large: files named with @ may have {MOST_BYTES} bytes together; select the part that matters in it and \
         ask there"
    )
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::exclusions::{Exclusions, Judge};

    fn fetched(
        names: &[&str],
        place: &Place,
        open: impl Fn(&Path) -> Option<String>,
    ) -> Result<Fetched, String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let exclusions = Exclusions {
            exclude: vec!["*.csv".to_owned()],
            ..Exclusions::default()
        };
        let mut judge = Judge::new(&exclusions);
        let reason = |path: &Path| judge.reason(path, place.workspace.as_deref());
        fetch(&names, place, reason, open)
    }

    struct Tree {
        _directory: tempfile::TempDir,
        place: Place,
        root: PathBuf,
    }

    fn tree() -> Tree {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap().join("project");
        fs::create_dir_all(root.join("src")).unwrap();
        for (name, text) in [
            ("src/a.rs", "fn a() {}\n"),
            ("src/b.rs", "fn b() {}\n"),
            ("b.rs", "top\n"),
            ("list.csv", "1,2\n"),
            (".env", "KEY=1\n"),
            ("../outside.txt", "secret\n"),
        ] {
            fs::write(root.join(name), text).unwrap();
        }
        fs::write(root.join("large.txt"), "x".repeat(MOST_BYTES + 1)).unwrap();
        fs::write(root.join("half.txt"), "x".repeat(MOST_BYTES - 5)).unwrap();
        fs::write(root.join("binary.bin"), [0, 1]).unwrap();
        fs::write(root.join("latin.txt"), [b'a', 0xe4]).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink("../outside.txt", root.join("link.txt")).unwrap();
        Tree {
            place: Place {
                workspace: Some(root.clone()),
                near: Some(root.join("src")),
            },
            root,
            _directory: directory,
        }
    }

    #[test]
    fn a_name_is_looked_for_in_the_workspace_then_beside_the_document() {
        let tree = tree();
        let found = fetched(&["a.rs", "b.rs", "./b.rs", "src/b.rs"], &tree.place, |_| {
            None
        });
        let found = found.unwrap();
        let of = |path: &str, text: &str| Brought {
            path: path.to_owned(),
            file: tree.root.join(path),
            text: text.to_owned(),
        };
        assert_eq!(
            found.files,
            [
                of("src/a.rs", "fn a() {}\n"),
                of("b.rs", "top\n"),
                of("src/b.rs", "fn b() {}\n"),
            ]
        );
        assert_eq!(found.note(), "with src/a.rs, with b.rs, with src/b.rs");
    }

    #[test]
    fn what_the_editor_shows_counts_not_what_was_saved() {
        let tree = tree();
        let file = tree.root.join("src/a.rs");
        let open = |path: &Path| (path == file).then(|| "unsaved".to_owned());
        let found = fetched(&["src/a.rs"], &tree.place, open).unwrap();
        assert_eq!(found.files[0].text, "unsaved");
    }

    #[test]
    fn a_name_without_a_file_is_left_alone_and_told_if_it_looks_like_one() {
        let tree = tree();
        let found = fetched(&["property", "src", "gone.rs"], &tree.place, |_| None).unwrap();
        assert_eq!(found.missing, ["gone.rs"]);
        assert_eq!(found.note(), "no file gone.rs in the workspace");
        assert_eq!(
            fetched(&["a.rs"], &Place::default(), |_| None),
            Ok(Fetched::default())
        );
    }

    #[test]
    fn what_may_not_be_sent_stops_the_question_and_is_named() {
        let tree = tree();
        let outside = tree.root.join("../outside.txt");
        let mut cases = vec![
            (vec![".env"], "never sent"),
            (vec!["list.csv"], "the setting exclude names it"),
            (vec!["../outside.txt"], "outside of the workspace"),
            (vec![outside.to_str().unwrap()], "outside of the workspace"),
            (vec!["large.txt"], "too large"),
            (vec!["half.txt", "src/a.rs"], "@src/a.rs is too large"),
            (vec!["binary.bin"], "binary"),
            (vec!["latin.txt"], "not UTF-8"),
        ];
        if cfg!(unix) {
            cases.push((vec!["link.txt"], "outside of the workspace"));
        }
        for (names, part) in cases {
            let reason = fetched(&names, &tree.place, |_| None).unwrap_err();
            assert!(reason.contains(part), "{names:?}: {reason}");
        }
    }

    /// Such a file would be told to the model by its whole path on this computer.
    #[cfg(unix)]
    #[test]
    fn a_link_beside_a_document_outside_is_not_followed_into_the_workspace() {
        let tree = tree();
        let outside = tree.root.join("..").canonicalize().unwrap();
        std::os::unix::fs::symlink("project/src/a.rs", outside.join("inside.rs")).unwrap();
        let place = Place {
            near: Some(outside),
            ..tree.place.clone()
        };
        let reason = fetched(&["inside.rs"], &place, |_| None).unwrap_err();
        assert!(reason.contains("outside of the workspace"), "{reason}");
    }
}
