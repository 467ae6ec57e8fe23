//! The settings as the rest of the program uses them: typed, valid, with their defaults. Where they come from and how they
//! are written is [`super::table`]'s work.

use std::path::PathBuf;

use crate::action::own::Own;
use crate::exclusions::Exclusions;
use crate::gateway::route::Proxy;
use crate::gateway::surface::Choice;
use crate::gateway::{self, Timeouts};
use crate::prompt::Thinking;
use crate::prompt::redact::Redact;
use crate::task::Limits;
use crate::words::words;

words! {
    /// What a question carries of earlier turns (`history.scope`).
    HistoryScope {
        /// The turns of the same workspace folder.
        Workspace = "workspace",
        /// Nothing.
        None = "none",
    }
}

words! {
    /// How a rewrite reaches the document (`rewrite.apply`).
    Apply {
        /// Stream where the client can follow, one edit at the end where it cannot.
        Auto = "auto",
        /// Always stream.
        Stream = "stream",
        /// One edit at the end.
        Single = "single",
        /// Show the result first.
        Preview = "preview",
    }
}

words! {
    /// Where answers are shown (`answer.show`).
    AnswerShow {
        /// By the plugin where there is one, else in the hover.
        Auto = "auto",
        /// In the hover.
        Hover = "hover",
        /// In the conversation document.
        Document = "document",
    }
}

/// Validated settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The model's id.
    pub model: String,
    /// Which surface is spoken.
    pub surface: Choice,
    /// The limit on generated tokens.
    pub max_output_tokens: u32,
    /// How long the model may think.
    pub thinking: Thinking,
    /// The user's and the project's additions to the system prompt.
    pub instructions: Instructions,
    /// Budget for the code around a selection, in bytes.
    pub context_max_bytes: u32,
    /// What a question carries of earlier turns.
    pub history_scope: HistoryScope,
    /// Budget for earlier turns, in bytes.
    pub history_max_bytes: u32,
    /// Whether conversations are kept on disk.
    pub history_persist: bool,
    /// For how many days they are kept.
    pub history_keep_days: u32,
    /// How a rewrite reaches the document.
    pub apply: Apply,
    /// Whether a finished rewrite waits to be accepted.
    pub review: bool,
    /// Where answers are shown.
    pub answer_show: AnswerShow,
    /// The actions beside the built-in ones; their ids differ.
    pub actions: Vec<Own>,
    /// Which files are never sent, beside those that have built-in names.
    pub exclusions: Exclusions,
    /// Whether secrets are masked in what is sent.
    pub redact: bool,
    /// Time-outs of the gateway.
    pub timeouts: Timeouts,
    /// Attempts in all, for connection errors and 5xx.
    pub retry_attempts: u32,
    /// The root of the gateway, as it was written.
    pub base_url: String,
    /// The program that prints the key, and its arguments; empty if there is none.
    pub api_key_command: Vec<String>,
    /// The file that holds the key.
    pub api_key_file: Option<PathBuf>,
    /// The proxy; without one the environment says.
    pub proxy: Option<Proxy>,
    /// A file of certificates that are trusted beside the system's.
    pub ca_file: Option<PathBuf>,
    /// Where the log goes; stderr without it.
    pub log: Option<PathBuf>,
}

/// What is added to the system prompt. A project adds to what its user says and cannot take it away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instructions {
    user: String,
    project: String,
    all: String,
}

impl Instructions {
    /// The user's, then the project's.
    pub fn text(&self) -> &str {
        &self.all
    }

    /// Takes what the user says, in the user file or in the editor.
    pub(super) fn set_user(&mut self, text: &str) {
        text.clone_into(&mut self.user);
        self.join();
    }

    /// Takes what the project says.
    pub(super) fn set_project(&mut self, text: &str) {
        text.clone_into(&mut self.project);
        self.join();
    }

    fn join(&mut self) {
        let parts = [self.user.as_str(), self.project.as_str()];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        self.all = parts.join("\n\n");
    }
}

impl Settings {
    /// What of the settings goes into a request.
    pub fn limits(&self) -> Limits<'_> {
        Limits {
            instructions: self.instructions.text(),
            max_output_tokens: self.max_output_tokens,
            thinking: self.thinking,
            context_max_bytes: self.context_max_bytes as usize,
            redact: if self.redact { Redact::On } else { Redact::Off },
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        let gateway = gateway::Settings::default();
        Self {
            model: "claude-sonnet-4-6".to_owned(),
            surface: Choice::Auto,
            max_output_tokens: 8192,
            thinking: Thinking::Off,
            instructions: Instructions::default(),
            context_max_bytes: 24_000,
            history_scope: HistoryScope::Workspace,
            history_max_bytes: 240_000,
            history_persist: true,
            history_keep_days: 90,
            apply: Apply::Auto,
            review: true,
            answer_show: AnswerShow::Auto,
            actions: Vec::new(),
            exclusions: Exclusions::default(),
            redact: true,
            timeouts: gateway.timeouts,
            retry_attempts: gateway.attempts,
            base_url: gateway.base_url,
            api_key_command: Vec::new(),
            api_key_file: None,
            proxy: None,
            ca_file: None,
            log: None,
        }
    }
}
