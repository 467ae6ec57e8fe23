//! Which files are never sent: lists of patterns in the syntax of `.gitignore`, and which line of which list decides about
//! a path. Works on text and paths; reads no file and follows no link.

use std::path::{Component, Path, PathBuf};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// File names that usually hold secrets. Nothing takes a file out of this list again: a workspace may not decide that.
const SECRET_FILES: &[&str] = &[
    "*.env",
    ".env*",
    ".env.*",
    ".env",
    ".envrc",
    "!.env.example",
    "!.env.sample",
    "!.env.template",
    "!.env.dist",
    ".Renviron",
    // Keys and key stores.
    "*.pem",
    "*.key",
    "*.p8",
    "*.p12",
    "*.pfx",
    "*.pkcs12",
    "*.jks",
    "*.jceks",
    "*.keystore",
    "*.keytab",
    "*.keychain",
    "*.keychain-db",
    "*.kdbx",
    "*.agekey",
    "*.asc",
    "*.gpg",
    "*.ppk",
    "*.ovpn",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ecdsa_sk",
    "id_ed25519",
    "id_ed25519_sk",
    // Passwords of tools.
    ".netrc",
    "_netrc",
    ".authinfo",
    ".pgpass",
    "pgpass.conf",
    ".my.cnf",
    ".mylogin.cnf",
    ".npmrc",
    ".pypirc",
    ".htpasswd",
    ".git-credentials",
    ".dockercfg",
    ".dockerconfigjson",
    ".boto",
    ".s3cfg",
    ".ftpconfig",
    "sftp-config.json",
    ".terraformrc",
    ".vault-token",
    "kubeconfig",
    "/etc/shadow",
    "/etc/gshadow",
    // Credentials and secrets of applications.
    "auth.json",
    "credentials",
    "credentials.json",
    "credentials.toml",
    "application_default_credentials.json",
    "client_secret*.json",
    "service-account*.json",
    "serviceAccount*.json",
    "*firebase-adminsdk*.json",
    "local.settings.json",
    "secrets.env",
    "secrets.ini",
    "secrets.json",
    "secrets.properties",
    "secrets.toml",
    "secrets.yaml",
    "secrets.yml",
    "*.tfstate",
    "*.tfstate.backup",
    "*.tfvars",
    // What was typed at a prompt.
    ".bash_history",
    ".zsh_history",
    ".python_history",
    ".psql_history",
    ".mysql_history",
    // Where tools keep all of this.
    "**/.ssh/**",
    "**/.aws/**",
    "**/.azure/**",
    "**/.gnupg/**",
    "**/.password-store/**",
    "**/.kube/config",
    "**/.docker/config.json",
    "**/.config/gcloud/**",
    "**/.config/gh/hosts.yml",
];

/// Whether capital letters count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// They do.
    Sensitive,
    /// They do not.
    Insensitive,
}

impl Case {
    /// As the file systems of this system have it.
    pub const OF_SYSTEM: Self = if cfg!(any(windows, target_os = "macos")) {
        Self::Insensitive
    } else {
        Self::Sensitive
    };
}

/// What becomes of a line that is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slips {
    /// The whole list is refused.
    Refused,
    /// The line is skipped, as git does.
    Skipped,
}

/// Whether `line` is a pattern that a list may hold.
pub fn is_pattern(line: &str) -> bool {
    GitignoreBuilder::new("").add_line(None, line).is_ok()
}

/// A list that cannot be read whole. What it was meant to exclude is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// A line is no pattern.
    #[error("line {line} is no pattern ({reason})")]
    Line {
        /// The line, from 1.
        line: usize,
        /// A lower-case fragment.
        reason: String,
    },
    /// There is more of it than a person writes.
    #[error("it is too long")]
    TooLong,
}

/// The most lines of a list: compiling many more takes seconds.
const MOST_LINES: usize = 4_000;

/// A list of patterns, one a line, in the syntax of `.gitignore`.
#[derive(Clone, Debug)]
pub struct Patterns {
    rules: Gitignore,
    lines: Vec<String>,
}

/// The line that decides about a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The line of its list, from 1.
    pub line: usize,
    /// What stands there.
    pub pattern: String,
}

impl Patterns {
    /// Reads a list.
    ///
    /// # Errors
    /// The first line that is no pattern, if such slips are refused; a list that is too long.
    pub fn parse<'a>(
        lines: impl IntoIterator<Item = &'a str>,
        case: Case,
        slips: Slips,
    ) -> Result<Self, Unreadable> {
        // What the patterns are relative to is known by whoever asks.
        let mut builder = GitignoreBuilder::new("");
        let mut kept = Vec::new();
        for (index, line) in lines.into_iter().enumerate() {
            if MOST_LINES <= index {
                return Err(Unreadable::TooLong);
            }
            // Git reads past the mark that some editors put at the start of a file.
            let line = if index == 0 {
                line.trim_start_matches('\u{feff}')
            } else {
                line
            };
            let added = builder.case_insensitive(case == Case::Insensitive);
            let added = added.and_then(|builder| builder.add_line(None, line));
            if let Err(error) = added
                && slips == Slips::Refused
            {
                return Err(Unreadable::Line {
                    line: index + 1,
                    reason: error.to_string(),
                });
            }
            kept.push(line.trim_end().to_owned());
        }
        let rules = builder.build().map_err(|_| Unreadable::TooLong)?;
        Ok(Self { rules, lines: kept })
    }

    /// The built-in list. Names differ only by case on some file systems, so for it they do nowhere.
    pub fn built_in() -> Self {
        let read = Self::parse(
            SECRET_FILES.iter().copied(),
            Case::Insensitive,
            Slips::Refused,
        );
        debug_assert!(read.is_ok(), "{read:?}");
        read.unwrap_or_else(|_| Self {
            rules: Gitignore::empty(),
            lines: Vec::new(),
        })
    }

    /// Whether a list without any pattern could be left out.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// What this list says of a path that is relative to the place of the list: the last pattern that fits counts.
    fn judge(&self, path: &Path, what: What) -> Option<(Verdict, Hit)> {
        let (verdict, glob) = match self.rules.matched(path, what == What::Directory) {
            Match::None => return None,
            Match::Ignore(glob) => (Verdict::Excluded, glob),
            Match::Whitelist(glob) => (Verdict::Included, glob),
        };
        let pattern = glob.original().trim_end().to_owned();
        let line = self.lines.iter().rposition(|line| *line == pattern);
        let line = line.map_or(0, |index| index + 1);
        Some((verdict, Hit { line, pattern }))
    }

    /// The line that excludes a file by its own path alone, whatever its directories are called. Any form of path will do:
    /// a URI's, one with backslashes, one that is only a name.
    pub fn names(&self, path: &str) -> Option<Hit> {
        let path = path.replace('\\', "/");
        let path = Path::new(path.trim_start_matches('/'));
        match self.judge(path, What::File)? {
            (Verdict::Excluded, hit) => Some(hit),
            (Verdict::Included, _) => None,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    File,
    Directory,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Excluded,
    Included,
}

/// Lists that belong together, each with the directory that its patterns are relative to, the outermost first.
pub type Lists<'a> = [(PathBuf, &'a Patterns)];

/// The list, by its index, and the line that exclude the file at `path` (absolute, without `..`).
///
/// As in git: of the lists above a path the innermost that says something decides, and in it the last line that fits; what
/// lies in an excluded directory stays excluded, whatever is said of it.
pub fn excluded(lists: &Lists<'_>, path: &Path) -> Option<(usize, Hit)> {
    let mut ancestors: Vec<&Path> = path.ancestors().collect();
    ancestors.reverse();
    for step in ancestors {
        let what = if step == path {
            What::File
        } else {
            What::Directory
        };
        let judged = lists
            .iter()
            .enumerate()
            .rev()
            .find_map(|(index, (directory, patterns))| {
                let inside = step.strip_prefix(directory).ok()?;
                let inside = Some(inside).filter(|inside| !inside.as_os_str().is_empty())?;
                Some((index, patterns.judge(inside, what)?))
            });
        if let Some((index, (Verdict::Excluded, hit))) = judged {
            return Some((index, hit));
        }
    }
    None
}

/// A path without `.` and `..`, by its words alone: what links would make of them is not looked at.
pub fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_named_like_secrets_are_excluded_and_the_rule_is_named() {
        let built_in = Patterns::built_in();
        let cases = [
            ("/home/u/app/.env", Some(".env")),
            (".env.local", Some(".env.*")),
            (".env_prod", Some(".env*")),
            ("prod.env", Some("*.env")),
            (".ENV", Some(".env")),
            ("C:\\work\\server.pem", Some("*.pem")),
            ("/home/u/.ssh/config", Some("**/.ssh/**")),
            ("/home/u/.ssh/keys/a", Some("**/.ssh/**")),
            ("/home/u/.aws/credentials", Some("**/.aws/**")),
            ("id_ed25519", Some("id_ed25519")),
            ("/etc/shadow", Some("/etc/shadow")),
            ("/home/u/etc/shadow", None),
            ("src/main.rs", None),
            ("docs/environment.md", None),
            (".env.example", None),
            ("src/keys.rs", None),
            ("src/credentials/mod.rs", None),
            ("/home/u/.env/lib/site.py", None),
        ];
        for (path, pattern) in cases {
            let hit = built_in.names(path).map(|hit| hit.pattern);
            assert_eq!(hit.as_deref(), pattern, "{path}");
        }
    }

    #[test]
    fn lists_decide_as_in_git() {
        let outer = "# comment\n\n*.secret\nprivate/\n!/private/open.txt\n/top.txt\nlogs/*\n!logs/kept.txt\nsp\\ ace \n";
        let inner = "!public.secret\nlocal.txt\n";
        let parse =
            |text: &str| Patterns::parse(text.lines(), Case::Sensitive, Slips::Refused).unwrap();
        let (outer, inner) = (parse(outer), parse(inner));
        let lists = [
            (PathBuf::from("/ws"), &outer),
            (PathBuf::from("/ws/sub"), &inner),
        ];
        let cases = [
            ("/ws/a.secret", Some((0, 3, "*.secret"))),
            ("/ws/deep/er/a.secret", Some((0, 3, "*.secret"))),
            ("/ws/sub/a.secret", Some((0, 3, "*.secret"))),
            ("/ws/sub/public.secret", None),
            ("/ws/sub/deep/public.secret", None),
            ("/ws/public.secret", Some((0, 3, "*.secret"))),
            // What lies in an excluded directory stays excluded.
            ("/ws/private/open.txt", Some((0, 4, "private/"))),
            ("/ws/sub/private/x", Some((0, 4, "private/"))),
            ("/ws/private", None),
            ("/ws/top.txt", Some((0, 6, "/top.txt"))),
            ("/ws/sub/top.txt", None),
            ("/ws/logs/a.txt", Some((0, 7, "logs/*"))),
            ("/ws/logs/kept.txt", None),
            ("/ws/sp ace", Some((0, 9, "sp\\ ace"))),
            ("/ws/sub/local.txt", Some((1, 2, "local.txt"))),
            ("/ws/local.txt", None),
            ("/elsewhere/a.secret", None),
            ("/ws/A.SECRET", None),
        ];
        for (path, wanted) in cases {
            let found = excluded(&lists, Path::new(path));
            let found = found
                .as_ref()
                .map(|(list, hit)| (*list, hit.line, hit.pattern.as_str()));
            assert_eq!(found, wanted, "{path}");
        }
    }

    #[test]
    fn a_list_that_cannot_be_read_whole_is_refused() {
        let bad = Patterns::parse(["fine", "{a,b"], Case::Sensitive, Slips::Refused);
        assert!(
            matches!(bad, Err(Unreadable::Line { line: 2, .. })),
            "{bad:?}"
        );
        let long = "x\n".repeat(MOST_LINES + 1);
        let long = Patterns::parse(long.lines(), Case::Sensitive, Slips::Refused);
        assert_eq!(long.unwrap_err(), Unreadable::TooLong);
        let skipped = Patterns::parse(["{a,b", "fine"], Case::Sensitive, Slips::Skipped).unwrap();
        assert_eq!(skipped.names("fine").map(|hit| hit.line), Some(2));
        let marked =
            Patterns::parse(["\u{feff}secret.txt"], Case::Sensitive, Slips::Refused).unwrap();
        assert!(marked.names("secret.txt").is_some());
    }

    #[test]
    fn dots_in_a_path_are_resolved_by_its_words() {
        let cases = [
            ("/a/./b/../c", "/a/c"),
            ("/../a", "/a"),
            ("/a/b/../../..", "/"),
        ];
        for (path, wanted) in cases {
            assert_eq!(plain(Path::new(path)), Path::new(wanted), "{path}");
        }
    }
}
