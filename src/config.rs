//! Raw settings become validated ones, layer over layer; the environment that the program was started in. The only file that
//! reads the environment of the process. It knows no editor: whoever does hands over what the editor says.

mod actions;
mod file;
mod given;
mod layers;
mod patterns;
mod reader;
pub mod schema;
pub mod settings;
mod table;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use self::layers::{Config, PROJECT_FILE, project_of};
pub use self::settings::{AnswerShow, Apply, HistoryScope, Settings};

/// The environment variables that the server was started with; tests give their own.
#[derive(Clone, Default)]
pub struct Environment {
    /// Names and values.
    pub variables: BTreeMap<String, String>,
}

/// The variable that names the user's settings file.
pub const USER_FILE: &str = "EZROUTER_CONFIG";

/// The variable that names the directory for what outlives the server.
pub const STATE_DIRECTORY: &str = "EZROUTER_STATE_DIR";

/// The variables of our own that the environment may hold.
pub const VARIABLES: &[&str] = &[
    "EZROUTER_API_KEY",
    "EZROUTER_BASE_URL",
    "EZROUTER_ANTHROPIC_BASE_URL",
    "EZROUTER_MODEL",
    USER_FILE,
    "EZROUTER_LOG",
    STATE_DIRECTORY,
    "EZROUTER_OFFLINE",
];

impl std::fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Values may be secrets.
        formatter
            .debug_list()
            .entries(self.variables.keys())
            .finish()
    }
}

impl Environment {
    /// The environment of this process; values that are not UTF-8 are left out.
    pub fn from_process() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self { variables }
    }

    /// A variable's value; one that is empty or white space counts as absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables
            .get(name)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
    }

    /// Whether the scripted stand-in answers instead of the gateway (`EZROUTER_OFFLINE`).
    pub fn is_offline(&self) -> bool {
        self.get("EZROUTER_OFFLINE")
            .is_some_and(|value| !["0", "false", "no", "off"].contains(&value))
    }

    /// The directory for what outlives the server: `EZROUTER_STATE_DIR`, else the usual place for such files on this system
    /// (XDG Base Directory Specification; `%LOCALAPPDATA%` on Windows). `None` without a home directory. It may not exist.
    pub fn state_directory(&self) -> Option<PathBuf> {
        if let Some(directory) = self.get(STATE_DIRECTORY) {
            return self.expanded(directory);
        }
        let base = if cfg!(windows) {
            self.absolute("LOCALAPPDATA")
        } else {
            self.absolute("XDG_STATE_HOME")
                .or_else(|| Some(self.home()?.join(".local").join("state")))
        };
        Some(base?.join("ezrouter"))
    }

    /// The user's settings file: `EZROUTER_CONFIG`, else `ezrouter/config.toml` where this system keeps such files (XDG Base
    /// Directory Specification; `%APPDATA%` on Windows). `None` without a home directory. It may not exist.
    pub fn user_file(&self) -> Option<PathBuf> {
        if let Some(file) = self.get(USER_FILE) {
            return self.expanded(file);
        }
        let base = if cfg!(windows) {
            self.absolute("APPDATA")
        } else {
            self.absolute("XDG_CONFIG_HOME")
                .or_else(|| Some(self.home()?.join(".config")))
        };
        Some(base?.join("ezrouter").join("config.toml"))
    }

    /// The user's home directory.
    pub fn home(&self) -> Option<PathBuf> {
        self.absolute(if cfg!(windows) { "USERPROFILE" } else { "HOME" })
    }

    /// A path as people write it, with `~` for the home directory: what is shown may end up in a bug report.
    pub fn shown(&self, path: &Path) -> String {
        let below = self
            .home()
            .and_then(|home| path.strip_prefix(home).ok().map(Path::to_path_buf));
        match below {
            Some(below) => Path::new("~").join(below).display().to_string(),
            None => path.display().to_string(),
        }
    }

    /// `text` with `~` for each mention of the home directory, in URIs too.
    pub fn without_home(&self, text: &str) -> String {
        // The root of the file system would be found in every path.
        let home = self.home().filter(|home| 1 < home.components().count());
        let Some(home) = home else {
            return text.to_owned();
        };
        let home = home.to_string_lossy().replace('\\', "/");
        let home = home.trim_end_matches('/');
        let mut parts = text.split(home);
        let mut clean = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            // `/home/me` does not stand in `/home/melanie`.
            let is_whole = !part.starts_with(|c: char| c.is_alphanumeric() || "-_.".contains(c));
            clean.push_str(if is_whole { "~" } else { home });
            clean.push_str(part);
        }
        clean
    }

    /// What is wrong with a variable that names a path, as a clause about it and what to do: it means another place wherever
    /// the program starts, or there is no home directory for its `~`.
    pub fn complaint_of_path(&self, name: &str) -> Option<String> {
        let path = self.get(name)?;
        let why = match self.expanded(path) {
            Some(expanded) if expanded.is_absolute() => return None,
            Some(_) => "is another place wherever the program starts",
            None => "begins in the home directory, and there is none",
        };
        Some(format!("{path} {why}; set {name} to an absolute path"))
    }

    /// A path as people write it, with `~` for the home directory: whoever starts the program may not be a shell. `None`
    /// without a home directory.
    fn expanded(&self, path: &str) -> Option<PathBuf> {
        match Path::new(path).strip_prefix("~") {
            Ok(below) => Some(self.home()?.iter().chain(below).collect()),
            Err(_) => Some(PathBuf::from(path)),
        }
    }

    fn absolute(&self, name: &str) -> Option<PathBuf> {
        self.get(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    }
}

/// Makes a directory that nobody but its owner can read, with the directories above it; one that exists stays as it is.
pub fn make_private_directory(directory: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

#[cfg(test)]
mod tests;
