//! What of a file goes along with a selection, within a budget of bytes, and which files never go anywhere. Works on
//! text and names; reads no file.

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use ropey::Rope;

use crate::text::Span;

/// Whole lines in front of `selection` and behind it, the nearest ones first, `max_bytes` in all; without the line
/// endings at their outer ends. What does not fit is left out by whole lines, never cut inside one.
pub fn around(text: &Rope, selection: Span, max_bytes: usize) -> (String, String) {
    let mut first = text.try_byte_to_line(selection.start).unwrap_or(0);
    let last_byte = if selection.is_empty() {
        selection.end
    } else {
        selection.end - 1
    };
    let mut behind = text.try_byte_to_line(last_byte).unwrap_or(0) + 1;
    let start = text.try_line_to_byte(first).unwrap_or(0);
    let end = text
        .try_line_to_byte(behind.min(text.len_lines()))
        .unwrap_or(text.len_bytes());
    let (mut from, mut to) = (start, end);
    let mut left = max_bytes;
    loop {
        let above = first
            .checked_sub(1)
            .and_then(|line| text.try_line_to_byte(line).ok());
        let below = (behind < text.len_lines()).then(|| {
            text.try_line_to_byte(behind + 1)
                .unwrap_or(text.len_bytes())
        });
        let above_fits = above.filter(|above| from - above <= left);
        if let Some(above) = above_fits {
            left -= from - above;
            from = above;
            first -= 1;
        }
        let below_fits = below.filter(|below| below - to <= left);
        if let Some(below) = below_fits {
            left -= below - to;
            to = below;
            behind += 1;
        }
        if above_fits.is_none() && below_fits.is_none() {
            break;
        }
    }
    let read = |from: usize, to: usize| {
        let slice = text
            .get_byte_slice(from..to)
            .map(String::from)
            .unwrap_or_default();
        slice.trim_end_matches(['\r', '\n']).to_owned()
    };
    (read(from, start), read(end, to))
}

/// File names that usually hold secrets. A file that one of these rules names is never sent.
const SECRET_FILES: &[&str] = &[
    ".env",
    ".env.*",
    "!.env.example",
    "!.env.sample",
    "!.env.template",
    ".envrc",
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    "*.jks",
    "*.keystore",
    "*.kdbx",
    "*.asc",
    "*.gpg",
    "*.ppk",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    ".netrc",
    "_netrc",
    ".pgpass",
    ".my.cnf",
    ".npmrc",
    ".pypirc",
    ".htpasswd",
    ".git-credentials",
    "credentials",
    "credentials.json",
    "credentials.toml",
    "client_secret*.json",
    "service-account*.json",
    "secrets.json",
    "secrets.toml",
    "secrets.yaml",
    "secrets.yml",
    "*.tfstate",
    "*.tfvars",
    ".vault-token",
    "kubeconfig",
    "**/.ssh/*",
    "**/.aws/*",
    "**/.gnupg/*",
    "**/.kube/config",
    "**/.docker/config.json",
    "**/.config/gh/hosts.yml",
];

/// The built-in exclusions.
pub struct Exclusions {
    rules: Gitignore,
}

impl Default for Exclusions {
    fn default() -> Self {
        let mut builder = GitignoreBuilder::new("");
        // Names differ only by case on the file systems of macOS and Windows.
        let _ = builder.case_insensitive(true);
        for rule in SECRET_FILES {
            let added = builder.add_line(None, rule);
            debug_assert!(added.is_ok(), "{rule}: {added:?}");
        }
        Self {
            rules: builder.build().unwrap_or_else(|_| Gitignore::empty()),
        }
    }
}

impl Exclusions {
    /// The rule that keeps the file at `path` from being sent, if there is one. Any form of path will do: a URI's, one
    /// with backslashes, one that is only a name.
    pub fn rule_for(&self, path: &str) -> Option<String> {
        let path = path.replace('\\', "/");
        let path = path.trim_start_matches('/');
        match self.rules.matched_path_or_any_parents(path, false) {
            ignore::Match::Ignore(rule) => Some(rule.original().to_owned()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_whole_lines_go_along_within_the_budget() {
        let text = Rope::from_str("one\ntwo\nthree\nfour\nfive\nsix\n");
        let selection = Span::new(8, 13);
        let cases = [
            (0, "", ""),
            (3, "", ""),
            (4, "two", ""),
            (9, "two", "four"),
            (14, "one\ntwo", "four"),
            (100, "one\ntwo", "four\nfive\nsix"),
        ];
        for (budget, before, after) in cases {
            assert_eq!(
                around(&text, selection, budget),
                (before.to_owned(), after.to_owned()),
                "budget {budget}"
            );
        }
    }

    #[test]
    fn any_selection_in_any_text_is_taken() {
        for text in ["", "a", "\n", "\r\n\r", "é\r\nb"] {
            let rope = Rope::from_str(text);
            for start in 0..=text.len() {
                for end in start..=text.len() {
                    let _ = around(&rope, Span::new(start, end), 10);
                }
            }
        }
    }

    #[test]
    fn files_named_like_secrets_are_excluded_and_the_rule_is_named() {
        let exclusions = Exclusions::default();
        let cases = [
            ("/home/u/app/.env", Some(".env")),
            (".env.local", Some(".env.*")),
            (".ENV", Some(".env")),
            ("C:\\work\\server.pem", Some("*.pem")),
            ("/home/u/.ssh/config", Some("**/.ssh/*")),
            ("/home/u/.aws/credentials", Some("**/.aws/*")),
            ("id_ed25519", Some("id_ed25519")),
            ("src/main.rs", None),
            ("docs/environment.md", None),
            (".env.example", None),
            ("src/keys.rs", None),
        ];
        for (path, rule) in cases {
            assert_eq!(exclusions.rule_for(path).as_deref(), rule, "{path}");
        }
    }
}
