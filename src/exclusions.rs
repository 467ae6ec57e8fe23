//! Why a file is never sent: the built-in names, the patterns of the settings, `.ezrouterignore`, and `.gitignore` where
//! the user wants that. Reads those files and follows links; what their lines mean is `prompt::exclusion`'s work.
//!
//! Each kind judges by itself, and one that excludes is enough. What cannot be read excludes everything below it: a file
//! that somebody took the trouble to protect must not be sent because of a slip in a pattern.

mod rules;

use std::collections::HashMap;
use std::fs;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use crate::prompt::exclusion::{self, Case, Hit, Patterns, Slips};

pub use rules::{Judges, Rules};

/// What the settings say of files that are never sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exclusions {
    /// Patterns in the syntax of `.gitignore`, relative to the workspace folder; those that begin with a slash also mean the
    /// whole file system, and `~/` means the home directory.
    pub exclude: Vec<String>,
    /// Whether what git ignores is never sent either.
    pub gitignored: bool,
    /// The home directory, if it is known.
    pub home: Option<PathBuf>,
}

/// The name of our own ignore files.
pub const IGNORE_FILE: &str = ".ezrouterignore";

/// The largest ignore file that is read, in bytes.
const LARGEST: u64 = 256 << 10;

static BUILT_IN: LazyLock<Patterns> = LazyLock::new(Patterns::built_in);

/// The part of the rules that needs no disk: why a file with this path is never sent whatever lies around it. Any form of
/// path will do: a URI's, one with backslashes, one that is only a name.
pub fn by_name(path: &str) -> Option<String> {
    let hit = BUILT_IN.names(path)?;
    Some(format!(
        "its name matches the built-in exclusion {}",
        hit.pattern
    ))
}

/// One look at the disk: each ignore file is read once, however many paths are judged. It is not kept, so that a line added
/// to such a file counts at once.
pub struct Judge<'a> {
    settings: &'a Exclusions,
    globs: Globs,
    files: HashMap<PathBuf, IgnoreFile>,
}

/// What is known of an ignore file: `None` if there is none, or why it cannot be read.
type IgnoreFile = Result<Option<Arc<Patterns>>, String>;

/// The patterns of the settings: those for the workspace folder, and those for the whole file system.
type Globs = Result<(Patterns, Patterns), String>;

impl<'a> Judge<'a> {
    /// A judge by these settings.
    pub fn new(settings: &'a Exclusions) -> Self {
        Self {
            settings,
            globs: globs(settings),
            files: HashMap::new(),
        }
    }

    /// Why the file at the absolute `path` is never sent, as a clause about it; `None` if it may be. `workspace` is the
    /// folder that it belongs to. Both the path as given and the one behind its links count. Blocks.
    pub fn reason(&mut self, path: &Path, workspace: Option<&Path>) -> Option<String> {
        let given = exclusion::plain(path);
        let workspace = workspace.map(exclusion::plain);
        let reason = self.reason_for(&given, workspace.as_deref());
        if reason.is_some() {
            return reason;
        }
        let real = real_path(&given);
        if real == given {
            return None;
        }
        let workspace = workspace
            .map(|folder| real_path(&folder))
            .filter(|folder| real.starts_with(folder));
        let reason = self.reason_for(&real, workspace.as_deref())?;
        let shown = shown(&real, workspace.as_deref());
        Some(format!("it is a link to {shown}, and {reason}"))
    }

    fn reason_for(&mut self, path: &Path, workspace: Option<&Path>) -> Option<String> {
        by_name(&path.to_string_lossy())
            .or_else(|| self.by_settings(path, workspace))
            .or_else(|| self.by_ignore_files(path, workspace))
            .or_else(|| {
                let wanted = self.settings.gitignored;
                wanted.then(|| self.by_git(path, workspace))?
            })
    }

    fn by_settings(&self, path: &Path, workspace: Option<&Path>) -> Option<String> {
        let (relative, absolute) = match &self.globs {
            Ok(globs) => globs,
            Err(reason) => return Some(reason.clone()),
        };
        let root = path.ancestors().last().unwrap_or(path);
        let everywhere = [(root.to_owned(), absolute)];
        // Where no workspace says what a pattern is relative to, it may be any directory above.
        let above = path.ancestors().skip(1);
        let folders: Vec<&Path> = workspace.map_or_else(|| above.collect(), |folder| vec![folder]);
        let hit = folders
            .into_iter()
            .find_map(|folder| exclusion::excluded(&[(folder.to_owned(), relative)], path));
        let (_, hit) = hit.or_else(|| exclusion::excluded(&everywhere, path))?;
        Some(format!("the setting exclude names it ({})", hit.pattern))
    }

    fn by_ignore_files(&mut self, path: &Path, workspace: Option<&Path>) -> Option<String> {
        let outermost = match (workspace, repository(path)) {
            (Some(folder), Some(repository)) if folder.starts_with(&repository) => repository,
            (Some(folder), _) => folder.to_owned(),
            (None, repository) => repository.unwrap_or_default(),
        };
        let directories = directories(path, &outermost);
        let files: Vec<PathBuf> = directories.iter().map(|at| at.join(IGNORE_FILE)).collect();
        self.by_files(&directories, &files, path, workspace)
    }

    fn by_git(&mut self, path: &Path, workspace: Option<&Path>) -> Option<String> {
        let repository = repository(path);
        let outermost = repository.as_deref().or(workspace).or(path.parent())?;
        let mut directories = directories(path, outermost);
        let mut files: Vec<PathBuf> = directories.iter().map(|at| at.join(".gitignore")).collect();
        // What counts least comes first: the user's own list, then the repository's.
        let info = outermost.join(".git").join("info").join("exclude");
        let global = ignore::gitignore::gitconfig_excludes_path();
        for file in [Some(info), global].into_iter().flatten() {
            directories.insert(0, outermost.to_owned());
            files.insert(0, file);
        }
        let reason = self.by_files(&directories, &files, path, workspace)?;
        Some(format!("{reason}, and exclude_gitignored is on"))
    }

    /// What these ignore files, each for its directory and the innermost last, say of a path.
    fn by_files(
        &mut self,
        directories: &[PathBuf],
        files: &[PathBuf],
        path: &Path,
        workspace: Option<&Path>,
    ) -> Option<String> {
        let is_ours = |file: &PathBuf| file.ends_with(IGNORE_FILE);
        let slips = if files.iter().all(is_ours) {
            Slips::Refused
        } else {
            Slips::Skipped
        };
        let mut lists = Vec::new();
        let mut names = Vec::new();
        for (directory, file) in directories.iter().zip(files) {
            let read = self.files.entry(file.clone());
            match read.or_insert_with(|| read_list(file, slips)) {
                Ok(None) => {}
                Ok(Some(patterns)) => {
                    lists.push((directory.clone(), Arc::clone(patterns)));
                    names.push(file);
                }
                Err(reason) => {
                    let shown = shown(file, workspace);
                    return Some(format!(
                        "{shown} cannot be read, so nothing below it is sent: {reason}"
                    ));
                }
            }
        }
        let lists: Vec<(PathBuf, &Patterns)> = lists
            .iter()
            .map(|(directory, patterns)| (directory.clone(), patterns.as_ref()))
            .collect();
        let (index, Hit { line, pattern }) = exclusion::excluded(&lists, path)?;
        let file = shown(names.get(index)?, workspace);
        Some(format!("line {line} of {file} excludes it ({pattern})"))
    }
}

/// The patterns of the settings, apart from those that name a place of the whole file system.
fn globs(settings: &Exclusions) -> Globs {
    let case = Case::OF_SYSTEM;
    let absolute: Vec<String> = settings
        .exclude
        .iter()
        .filter_map(
            |pattern| match (pattern.strip_prefix("~/"), &settings.home) {
                (Some(rest), Some(home)) => Some(format!("{}/{rest}", home.to_string_lossy())),
                _ => Some(pattern.clone()).filter(|pattern| pattern.starts_with('/')),
            },
        )
        .collect();
    let parse = |patterns: &[String]| {
        Patterns::parse(patterns.iter().map(String::as_str), case, Slips::Refused).map_err(
            |error| format!("the setting exclude cannot be read, so nothing is sent: {error}"),
        )
    };
    Ok((parse(&settings.exclude)?, parse(&absolute)?))
}

/// Reads an ignore file. Only a regular file of a sensible size: a workspace may hold anything under that name.
fn read_list(file: &Path, slips: Slips) -> IgnoreFile {
    let metadata = match fs::metadata(file) {
        Ok(metadata) => metadata,
        Err(error) if is_absence(error.kind()) => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    if !metadata.is_file() {
        return Err("it is no regular file".to_owned());
    }
    if LARGEST < metadata.len() {
        return Err(format!("it is larger than {LARGEST} bytes"));
    }
    let mut bytes = Vec::new();
    let read = fs::File::open(file).and_then(|file| file.take(LARGEST).read_to_end(&mut bytes));
    read.map_err(|error| error.to_string())?;
    let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    let patterns = Patterns::parse(text.lines(), Case::OF_SYSTEM, slips);
    let patterns = patterns.map_err(|error| error.to_string())?;
    Ok((!patterns.is_empty()).then(|| Arc::new(patterns)))
}

/// Whether there is no such file: also where a directory of its path is none.
fn is_absence(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// The directories above `path` from `outermost` down; all of them if it is not one of them.
fn directories(path: &Path, outermost: &Path) -> Vec<PathBuf> {
    let inside = path.starts_with(outermost);
    let above = path.ancestors().skip(1);
    let above = above.take_while(|directory| !inside || directory.starts_with(outermost));
    let mut directories: Vec<PathBuf> = above.map(Path::to_owned).collect();
    directories.reverse();
    directories
}

/// The innermost directory above `path` that is the root of a git repository or of one of its work trees.
fn repository(path: &Path) -> Option<PathBuf> {
    let above = path.ancestors().skip(1);
    let mut roots = above.filter(|directory| directory.join(".git").exists());
    roots.next().map(Path::to_owned)
}

/// The path behind all links. Of a path that does not exist, the part that does is resolved.
fn real_path(path: &Path) -> PathBuf {
    let mut missing = Vec::new();
    for ancestor in path.ancestors() {
        if let Ok(mut real) = fs::canonicalize(ancestor) {
            real.extend(missing.iter().rev());
            return real;
        }
        missing.extend(ancestor.file_name());
    }
    path.to_owned()
}

/// A path as people name it: relative to the workspace folder where it lies in it.
fn shown(path: &Path, workspace: Option<&Path>) -> String {
    let inside = workspace.and_then(|folder| path.strip_prefix(folder).ok());
    inside.unwrap_or(path).to_string_lossy().replace('\\', "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory with these files; a text that begins with `->` is a link to what follows.
    fn workspace(files: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(directory.path()).unwrap();
        for (name, text) in files {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            match text.strip_prefix("->") {
                #[cfg(unix)]
                Some(target) => std::os::unix::fs::symlink(root.join(target), path).unwrap(),
                _ => fs::write(path, text).unwrap(),
            }
        }
        (directory, root)
    }

    fn reasons(settings: &Exclusions, root: &Path, cases: &[(&str, Option<&str>)]) {
        let mut judge = Judge::new(settings);
        for (path, wanted) in cases {
            let reason = judge.reason(&root.join(path), Some(root));
            assert_eq!(reason.as_deref(), *wanted, "{path}");
        }
    }

    #[test]
    fn ignore_files_count_from_the_workspace_down() {
        let (_directory, root) = workspace(&[
            (IGNORE_FILE, "*.secret\nprivate/\n"),
            ("sub/.ezrouterignore", "# ours\n!open.secret\n/local.txt\n"),
            ("sub/deep/x.txt", ""),
        ]);
        let cases = [
            ("a.rs", None),
            (
                "a.secret",
                Some("line 1 of .ezrouterignore excludes it (*.secret)"),
            ),
            ("sub/open.secret", None),
            (
                "private/deep/a.rs",
                Some("line 2 of .ezrouterignore excludes it (private/)"),
            ),
            (
                "sub/local.txt",
                Some("line 3 of sub/.ezrouterignore excludes it (/local.txt)"),
            ),
            ("sub/deep/local.txt", None),
            (
                "sub/deep/../local.txt",
                Some("line 3 of sub/.ezrouterignore excludes it (/local.txt)"),
            ),
            (".env", Some("its name matches the built-in exclusion .env")),
        ];
        reasons(&Exclusions::default(), &root, &cases);
    }

    #[test]
    fn an_ignore_file_at_the_root_of_the_repository_counts_in_a_workspace_below_it() {
        let (_directory, root) = workspace(&[
            (".git/HEAD", ""),
            (IGNORE_FILE, "*.secret\n"),
            ("part/a.rs", ""),
        ]);
        let path = root.join("part/a.secret");
        let settings = Exclusions::default();
        let wanted = format!(
            "line 1 of {} excludes it (*.secret)",
            root.join(IGNORE_FILE).display()
        );
        for workspace in [Some(root.join("part")), None] {
            let reason = Judge::new(&settings).reason(&path, workspace.as_deref());
            assert_eq!(reason.as_deref(), Some(wanted.as_str()), "{workspace:?}");
        }
    }

    #[test]
    fn the_settings_name_files_of_the_workspace_of_the_disk_and_of_the_home_directory() {
        let (_directory, root) = workspace(&[]);
        let settings = Exclusions {
            exclude: ["*.secret", "/docs/private", "~/notes/**", "/opt/vault/"]
                .map(str::to_owned)
                .to_vec(),
            home: Some(root.join("home")),
            ..Exclusions::default()
        };
        let cases = [
            (
                "sub/a.secret",
                Some("the setting exclude names it (*.secret)"),
            ),
            (
                "docs/private/a",
                Some("the setting exclude names it (/docs/private)"),
            ),
            ("docs/public/a", None),
            (
                "opt/vault/a",
                Some("the setting exclude names it (/opt/vault/)"),
            ),
        ];
        reasons(&settings, &root, &cases);
        let mut judge = Judge::new(&settings);
        assert!(judge.reason(&root.join("home/notes/a"), None).is_some());
        assert!(
            judge
                .reason(Path::new("/opt/vault/a"), Some(&root))
                .is_some()
        );
        assert!(
            judge
                .reason(Path::new("/opt/other/a"), Some(&root))
                .is_none()
        );
        let settings = Exclusions {
            exclude: vec!["{a".to_owned()],
            ..Exclusions::default()
        };
        let reason = Judge::new(&settings).reason(&root.join("a"), None).unwrap();
        assert!(
            reason.contains("cannot be read, so nothing is sent"),
            "{reason}"
        );
    }

    #[test]
    fn what_git_ignores_is_excluded_only_where_that_is_wanted() {
        let (_directory, root) = workspace(&[
            (".git/info/exclude", "mine.txt\n"),
            (".gitignore", "build/\n*.log\n"),
            ("sub/.gitignore", "!kept.log\n"),
        ]);
        let on = ", and exclude_gitignored is on";
        let ignored = [
            (
                "build/a.rs",
                format!("line 1 of .gitignore excludes it (build/){on}"),
            ),
            (
                "sub/a.log",
                format!("line 2 of .gitignore excludes it (*.log){on}"),
            ),
            (
                "mine.txt",
                format!("line 1 of .git/info/exclude excludes it (mine.txt){on}"),
            ),
        ];
        let mut cases: Vec<(&str, Option<&str>)> = vec![("sub/kept.log", None), ("a.rs", None)];
        cases.extend(
            ignored
                .iter()
                .map(|(path, reason)| (*path, Some(reason.as_str()))),
        );
        let gitignored = Exclusions {
            gitignored: true,
            ..Exclusions::default()
        };
        reasons(&gitignored, &root, &cases);
        let cases: Vec<(&str, Option<&str>)> =
            cases.iter().map(|(path, _)| (*path, None)).collect();
        reasons(&Exclusions::default(), &root, &cases);
    }

    #[cfg(unix)]
    #[test]
    fn the_given_path_and_the_one_behind_links_both_count() {
        let (_directory, root) = workspace(&[
            (IGNORE_FILE, "private/\n/shown.txt\n"),
            ("private/a.txt", ""),
            ("open/b.txt", ""),
            (".env", ""),
            ("notes.txt", "->.env"),
            ("link", "->private"),
            ("shown.txt", "->open/b.txt"),
            ("fine.txt", "->open/b.txt"),
        ]);
        let private = "and line 1 of .ezrouterignore excludes it (private/)";
        let cases = [
            (
                "notes.txt",
                Some("it is a link to .env, and its name matches the built-in exclusion .env"),
            ),
            (
                "link/a.txt",
                Some(&*format!("it is a link to private/a.txt, {private}")),
            ),
            (
                "link/not-yet.txt",
                Some(&*format!("it is a link to private/not-yet.txt, {private}")),
            ),
            (
                "shown.txt",
                Some("line 2 of .ezrouterignore excludes it (/shown.txt)"),
            ),
            ("fine.txt", None),
        ];
        reasons(&Exclusions::default(), &root, &cases);
    }

    #[test]
    fn an_ignore_file_that_cannot_be_read_excludes_everything_below_it() {
        let long = "x\n".repeat(200_000);
        for (text, part) in [
            ("ok\n{a,\n", "line 2 is no pattern"),
            (long.as_str(), "larger than"),
        ] {
            let (_directory, root) =
                workspace(&[("sub/.ezrouterignore", text), ("sub/a", ""), ("b", "")]);
            let settings = Exclusions::default();
            let mut judge = Judge::new(&settings);
            let reason = judge.reason(&root.join("sub/a"), Some(&root)).unwrap();
            assert!(
                reason.starts_with("sub/.ezrouterignore cannot be read") && reason.contains(part),
                "{reason}"
            );
            assert_eq!(judge.reason(&root.join("b"), Some(&root)), None);
        }
        let (_directory, root) = workspace(&[("sub/.ezrouterignore/x", "")]);
        let settings = Exclusions::default();
        let reason = Judge::new(&settings)
            .reason(&root.join("sub/a"), Some(&root))
            .unwrap();
        assert!(reason.ends_with("it is no regular file"), "{reason}");
    }
}
