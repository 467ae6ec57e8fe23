//! The exclusions of several workspace folders together: a file is judged by every folder that holds it, however it is spelled
//! and whatever links lead to it, and by the common ones where none does. One that excludes is enough.

use std::path::{Path, PathBuf};

use super::{Exclusions, Judge, real_path};
use crate::prompt::exclusion;

/// What is never sent, by workspace folder.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Each folder with what holds in it.
    pub folders: Vec<(PathBuf, Exclusions)>,
    /// What holds outside of all folders.
    pub common: Exclusions,
}

impl Rules {
    /// One look at the disk. Blocks.
    pub fn judges(&self) -> Judges<'_> {
        let folders = self.folders.iter().map(|(folder, exclusions)| Held {
            given: exclusion::plain(folder),
            real: real_path(folder),
            judge: Judge::new(exclusions),
        });
        Judges {
            folders: folders.collect(),
            common: Judge::new(&self.common),
        }
    }
}

/// A judge for each folder; see [`Judge`].
pub struct Judges<'a> {
    folders: Vec<Held<'a>>,
    common: Judge<'a>,
}

struct Held<'a> {
    given: PathBuf,
    real: PathBuf,
    judge: Judge<'a>,
}

impl Judges<'_> {
    /// Why the file at the absolute `path` is never sent; `None` if it may be. Blocks.
    pub fn reason(&mut self, path: &Path) -> Option<String> {
        let given = exclusion::plain(path);
        let real = real_path(&given);
        let mut is_held = false;
        for folder in &mut self.folders {
            let workspace = if given.starts_with(&folder.given) {
                &folder.given
            } else if given.starts_with(&folder.real) || real.starts_with(&folder.real) {
                &folder.real
            } else {
                continue;
            };
            is_held = true;
            let reason = folder.judge.reason(&given, Some(workspace));
            if reason.is_some() {
                return reason;
            }
        }
        if is_held {
            None
        } else {
            self.common.reason(&given, None)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn exclude(patterns: &[&str]) -> Exclusions {
        Exclusions {
            exclude: patterns.iter().map(|one| (*one).to_owned()).collect(),
            ..Exclusions::default()
        }
    }

    #[test]
    fn every_folder_that_holds_a_file_has_a_say() {
        let directory = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(directory.path()).unwrap();
        fs::create_dir_all(root.join("ws/api")).unwrap();
        fs::write(root.join("ws/.ezrouterignore"), "ign.txt\n").unwrap();
        let rules = Rules {
            folders: vec![
                (root.join("ws"), exclude(&["outer.txt"])),
                (root.join("ws/api"), exclude(&["/customers.csv"])),
            ],
            common: exclude(&["private/", "**/clients/**"]),
        };
        let mut judges = rules.judges();
        for (path, excluded) in [
            ("ws/api/customers.csv", true),
            ("ws/customers.csv", false),
            ("ws/outer.txt", true),
            ("ws/api/outer.txt", true),
            ("ws/api/ign.txt", true),
            ("ws/api/../api/customers.csv", true),
            ("ws/api/open.txt", false),
            // No folder holds these: a directory pattern means any of the directories above.
            ("else/private/a.py", true),
            ("clients/x/a.py", true),
            ("else/a.py", false),
        ] {
            let reason = judges.reason(&root.join(path));
            assert_eq!(reason.is_some(), excluded, "{path}: {reason:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_a_folder_or_a_file_hides_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(directory.path()).unwrap();
        fs::create_dir_all(root.join("real/private")).unwrap();
        fs::write(root.join("real/private/a.py"), "").unwrap();
        std::os::unix::fs::symlink(root.join("real"), root.join("link")).unwrap();
        for folder in ["real", "link"] {
            let rules = Rules {
                folders: vec![(root.join(folder), exclude(&["/private/"]))],
                common: Exclusions::default(),
            };
            for document in ["real/private/a.py", "link/private/a.py"] {
                let reason = rules.judges().reason(&root.join(document));
                assert!(reason.is_some(), "{document} in {folder}");
            }
        }
    }
}
