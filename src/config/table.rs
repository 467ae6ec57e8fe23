//! The one list of all settings: key, form and bounds, where each may be set, and what it means. The reader, the JSON Schema,
//! the check of unknown keys and the README's table are all made from it. Defaults are those of [`Settings::default`].

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::settings::{AnswerShow, Apply, HistoryScope, Settings};
use crate::gateway::route::Proxy;
use crate::gateway::surface::Choice;
use crate::prompt::Thinking;

/// A setting.
pub(super) struct Setting {
    /// Its name, with dots between the parts.
    pub(super) key: &'static str,
    /// What it can be.
    pub(super) kind: Kind,
    /// Where it may be set.
    pub(super) scope: Scope,
    /// The environment variable that sets it too.
    pub(super) variable: Option<&'static str>,
    /// What it means, in words that fit into a table.
    pub(super) meaning: &'static str,
}

/// Where a setting may be set. Nobody vouches for a workspace, and any setting of an editor may come from one, so neither
/// can say where requests and the key go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// The user file and the environment.
    User,
    /// The editor too.
    Editor,
    /// The project file too.
    Project,
}

impl Scope {
    /// In a word or two, for the README and the schema.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::User => "user file",
            Self::Editor => "user file, editor",
            Self::Project => "user file, editor, project file",
        }
    }
}

/// What a setting can be, and where its value is kept.
pub(super) enum Kind {
    /// One line of text.
    Line(fn(&mut Settings) -> &mut String),
    /// The additions to the system prompt.
    Instructions,
    Flag(fn(&mut Settings) -> &mut bool),
    /// A flag that protects: a project can set it and not take it away.
    Guard(fn(&mut Settings) -> &mut bool),
    Whole(RangeInclusive<u32>, fn(&mut Settings) -> &mut u32),
    /// Above 0, at most a day.
    Seconds(fn(&mut Settings) -> &mut Duration),
    /// One of some words.
    Word {
        words: &'static [&'static str],
        get: fn(&Settings) -> &'static str,
        set: fn(&mut Settings, &str),
    },
    /// A program and its arguments.
    Command(fn(&mut Settings) -> &mut Vec<String>),
    /// Patterns in the syntax of `.gitignore`; every layer adds to them, and only the user can take some of them back.
    Patterns(fn(&mut Settings) -> &mut Vec<String>),
    /// `~/` is the home directory; a relative path begins at the file that names it.
    Path(fn(&mut Settings) -> &mut Option<PathBuf>),
    /// The URL of a proxy, which may hold a password.
    Proxy(fn(&mut Settings) -> &mut Option<Proxy>),
    /// A list of actions that every layer adds to.
    Actions,
}

/// The most seconds of a time-out.
pub(super) const DAY: f64 = 86_400.0;

/// The most characters of one line of text, and of a prompt or instructions.
pub(super) const LONGEST_LINE: usize = 500;
pub(super) const LONGEST_TEXT: usize = 32_000;

/// The most entries of a list.
pub(super) const MOST: usize = 200;

macro_rules! word {
    ($field:ident: $type:ident) => {
        Kind::Word {
            words: $type::WORDS,
            get: |settings| settings.$field.word(),
            set: |settings, word| {
                if let Some(known) = $type::from_word(word) {
                    settings.$field = known;
                }
            },
        }
    };
}

const fn setting(key: &'static str, kind: Kind, scope: Scope, meaning: &'static str) -> Setting {
    Setting {
        key,
        kind,
        scope,
        variable: None,
        meaning,
    }
}

impl Setting {
    const fn or(mut self, variable: &'static str) -> Self {
        self.variable = Some(variable);
        self
    }

    /// What it is where nobody sets it; null if that is nothing.
    pub(super) fn default_value(&self) -> Value {
        self.value(&Settings::default())
    }

    /// What it is, as JSON.
    pub(super) fn value(&self, settings: &Settings) -> Value {
        let mut settings = settings.clone();
        let text = |text: &str| match text {
            "" => Value::Null,
            text => json!(text),
        };
        match &self.kind {
            Kind::Line(field) => text(field(&mut settings)),
            Kind::Instructions => text(settings.instructions.text()),
            Kind::Flag(field) | Kind::Guard(field) => json!(*field(&mut settings)),
            Kind::Whole(_, field) => json!(*field(&mut settings)),
            Kind::Seconds(field) => {
                let seconds = field(&mut settings).as_secs_f64();
                // 10 and not 10.0, which is how people write it.
                if seconds.fract() == 0.0 {
                    json!(field(&mut settings).as_secs())
                } else {
                    json!(seconds)
                }
            }
            Kind::Word { get, .. } => json!(get(&settings)),
            Kind::Command(field) | Kind::Patterns(field) => match field(&mut settings).as_slice() {
                [] => Value::Null,
                list => json!(list),
            },
            Kind::Path(field) => field(&mut settings)
                .as_ref()
                .map_or(Value::Null, |path| json!(path.to_string_lossy())),
            Kind::Proxy(field) => field(&mut settings).as_ref().map_or(Value::Null, |proxy| {
                let (host, port) = proxy.host_and_port();
                json!(format!("{host}:{port}"))
            }),
            Kind::Actions => match settings.actions.as_slice() {
                [] => Value::Null,
                actions => actions.iter().map(|action| json!(action.id)).collect(),
            },
        }
    }
}

/// All settings, in the order in which they are told.
pub(super) const SETTINGS: &[Setting] = &[
    setting(
        "model",
        Kind::Line(|settings| &mut settings.model),
        Scope::Project,
        "the model's id; the gateway decides whether it has it",
    )
    .or("EZROUTER_MODEL"),
    setting(
        "surface",
        word!(surface: Choice),
        Scope::Editor,
        "which of the gateway's surfaces is spoken; `auto` decides by the model",
    ),
    setting(
        "max_output_tokens",
        Kind::Whole(1..=1_000_000, |settings| &mut settings.max_output_tokens),
        Scope::Editor,
        "the limit on an answer",
    ),
    setting(
        "thinking",
        word!(thinking: Thinking),
        Scope::Editor,
        "how long the model may think first",
    ),
    setting(
        "instructions",
        Kind::Instructions,
        Scope::Project,
        "text added to the system prompt; a project's stands behind yours",
    ),
    setting(
        "context.max_bytes",
        Kind::Whole(0..=1_000_000, |settings| &mut settings.context_max_bytes),
        Scope::Editor,
        "code around the selection that goes along",
    ),
    setting(
        "history.scope",
        word!(history_scope: HistoryScope),
        Scope::Editor,
        "`none`: questions do not carry earlier turns",
    ),
    setting(
        "history.max_bytes",
        Kind::Whole(0..=10_000_000, |settings| &mut settings.history_max_bytes),
        Scope::Editor,
        "how much of the earlier turns goes along",
    ),
    setting(
        "history.persist",
        Kind::Flag(|settings| &mut settings.history_persist),
        Scope::Editor,
        "whether conversations are kept on disk",
    ),
    setting(
        "history.keep_days",
        Kind::Whole(1..=36_500, |settings| &mut settings.history_keep_days),
        Scope::Editor,
        "for how many days",
    ),
    setting(
        "rewrite.apply",
        word!(apply: Apply),
        Scope::Editor,
        "`stream`, `single`: one edit at the end, `preview`: nothing until you apply it",
    ),
    setting(
        "rewrite.review",
        Kind::Flag(|settings| &mut settings.review),
        Scope::Editor,
        "false accepts a rewrite at once",
    ),
    setting(
        "answer.show",
        word!(answer_show: AnswerShow),
        Scope::Editor,
        "where answers are shown; `auto`: by the plugin, else in the hover; `document`: in that of the conversation",
    ),
    setting(
        "actions",
        Kind::Actions,
        Scope::Project,
        "your own actions beside the built-in ones; see below",
    ),
    setting(
        "exclude",
        Kind::Patterns(|settings| &mut settings.exclusions.exclude),
        Scope::Project,
        "files that are never sent, as in `.gitignore` (`!` in your own file only), beside the built-in names; every place adds to them",
    ),
    setting(
        "exclude_gitignored",
        Kind::Guard(|settings| &mut settings.exclusions.gitignored),
        Scope::Project,
        "whether files that git ignores are never sent",
    ),
    setting(
        "redact",
        Kind::Flag(|settings| &mut settings.redact),
        Scope::Editor,
        "whether secrets are masked in what is sent",
    ),
    setting(
        "timeouts.connect_s",
        Kind::Seconds(|settings| &mut settings.timeouts.connect),
        Scope::Editor,
        "seconds until there must be a connection",
    ),
    setting(
        "timeouts.first_byte_s",
        Kind::Seconds(|settings| &mut settings.timeouts.first_byte),
        Scope::Editor,
        "seconds until an answer must begin; twice as many with thinking",
    ),
    setting(
        "timeouts.idle_s",
        Kind::Seconds(|settings| &mut settings.timeouts.idle),
        Scope::Editor,
        "seconds that an answer may pause; twice as many with thinking",
    ),
    setting(
        "retry.attempts",
        Kind::Whole(1..=20, |settings| &mut settings.retry_attempts),
        Scope::Editor,
        "attempts in all, for connection errors and 5xx",
    ),
    setting(
        "base_url",
        Kind::Line(|settings| &mut settings.base_url),
        Scope::User,
        "the gateway; `/v1`, `/anthropic` and a slash at the end may stand there",
    )
    .or("EZROUTER_BASE_URL"),
    setting(
        "api_key_command",
        Kind::Command(|settings| &mut settings.api_key_command),
        Scope::User,
        "the program that prints the key, and its arguments",
    ),
    setting(
        "api_key_file",
        Kind::Path(|settings| &mut settings.api_key_file),
        Scope::User,
        "a file that holds the key",
    ),
    setting(
        "proxy",
        Kind::Proxy(|settings| &mut settings.proxy),
        Scope::User,
        "the URL of a proxy, instead of `HTTPS_PROXY` and `NO_PROXY`",
    ),
    setting(
        "ca_file",
        Kind::Path(|settings| &mut settings.ca_file),
        Scope::User,
        "certificates (PEM) that are trusted beside the system's",
    ),
    setting(
        "log",
        Kind::Path(|settings| &mut settings.log),
        Scope::User,
        "where the log goes instead of stderr",
    )
    .or("EZROUTER_LOG"),
];

/// The setting of a key.
pub(super) fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}
