//! Raw settings become validated ones: the environment and the editor's settings over the defaults. The only file that
//! reads the process environment. Does not read files.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::gateway;
use crate::key::Key;
use crate::task::Limits;

/// The environment variables that the server was started with; tests give their own.
#[derive(Clone, Default)]
pub struct Environment {
    /// Names and values.
    pub variables: BTreeMap<String, String>,
}

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

    /// Where the gateway is and how to talk to it. Only the environment says so: a workspace must not be able to send
    /// the key elsewhere.
    pub fn gateway(&self, settings: &Settings) -> gateway::Settings {
        let defaults = gateway::Settings::default();
        gateway::Settings {
            base_url: self
                .get("EZROUTER_BASE_URL")
                .map_or(defaults.base_url, str::to_owned),
            key: self.get("EZROUTER_API_KEY").and_then(Key::new),
            timeouts: settings.timeouts,
            attempts: settings.retry_attempts,
            ..gateway::Settings::default()
        }
    }
}

/// How a rewrite reaches the document (`rewrite.apply`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Apply {
    /// Stream where the client can follow, one edit at the end where it cannot.
    Auto,
    /// Always stream.
    Stream,
    /// One edit at the end.
    Single,
    /// Show the result first.
    Preview,
}

/// Validated settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The model's id.
    pub model: String,
    /// The limit on generated tokens.
    pub max_output_tokens: u32,
    /// The user's own addition to the system prompt.
    pub instructions: String,
    /// Budget for the code around a selection, in bytes.
    pub context_max_bytes: usize,
    /// Whether past turns go along.
    pub history: bool,
    /// Budget for past turns, in bytes.
    pub history_max_bytes: usize,
    /// How a rewrite reaches the document.
    pub apply: Apply,
    /// Whether a finished rewrite waits to be accepted.
    pub review: bool,
    /// Time-outs of the gateway.
    pub timeouts: gateway::Timeouts,
    /// Attempts in all, for connection errors and 5xx.
    pub retry_attempts: u32,
}

impl Settings {
    /// What of the settings goes into a request.
    pub fn limits(&self) -> Limits<'_> {
        Limits {
            instructions: &self.instructions,
            max_output_tokens: self.max_output_tokens,
            context_max_bytes: self.context_max_bytes,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        let gateway = gateway::Settings::default();
        Self {
            model: "claude-sonnet-4-6".to_owned(),
            max_output_tokens: 8192,
            instructions: String::new(),
            context_max_bytes: 24_000,
            history: true,
            history_max_bytes: 240_000,
            apply: Apply::Auto,
            review: true,
            timeouts: gateway.timeouts,
            retry_attempts: gateway.attempts,
        }
    }
}

/// The settings in force, and what was wrong with those that were given, one sentence each.
///
/// Later layers win: defaults, then the environment, then the editor's settings in the order given (each an object, or one
/// under `ezrouter`).
pub fn settings(environment: &Environment, editor: &[&Value]) -> (Settings, Vec<String>) {
    let mut settings = Settings::default();
    if let Some(model) = environment.get("EZROUTER_MODEL") {
        model.clone_into(&mut settings.model);
    }
    let mut problems = Vec::new();
    for layer in editor {
        let editor = layer.get("ezrouter").unwrap_or(layer);
        let mut reader = Reader {
            editor,
            problems: Vec::new(),
        };
        reader.read(&mut settings);
        problems.append(&mut reader.problems);
    }
    (settings, problems)
}

const APPLY: &[(&str, Apply)] = &[
    ("auto", Apply::Auto),
    ("stream", Apply::Stream),
    ("single", Apply::Single),
    ("preview", Apply::Preview),
];

/// Settings that only the environment may give: an editor's settings may come from a workspace that nobody vouches for.
const ENVIRONMENT_ONLY: &[&str] = &[
    "base_url",
    "api_key",
    "api_key_command",
    "api_key_file",
    "proxy",
    "ca_file",
    "log",
];

struct Reader<'a> {
    editor: &'a Value,
    problems: Vec<String>,
}

impl Reader<'_> {
    /// Takes over every setting that this layer gives.
    fn read(&mut self, settings: &mut Settings) {
        self.text("model", &mut settings.model);
        self.number(
            "max_output_tokens",
            1..=1_000_000,
            &mut settings.max_output_tokens,
        );
        self.text("instructions", &mut settings.instructions);
        self.number(
            "context.max_bytes",
            0..=1_000_000,
            &mut settings.context_max_bytes,
        );
        self.number(
            "history.max_bytes",
            0..=10_000_000,
            &mut settings.history_max_bytes,
        );
        self.choice(
            "history.scope",
            &[("workspace", true), ("none", false)],
            &mut settings.history,
        );
        self.choice("rewrite.apply", APPLY, &mut settings.apply);
        self.choice("rewrite.review", &[], &mut settings.review);
        self.seconds("timeouts.connect_s", &mut settings.timeouts.connect);
        self.seconds("timeouts.first_byte_s", &mut settings.timeouts.first_byte);
        self.seconds("timeouts.idle_s", &mut settings.timeouts.idle);
        self.number("retry.attempts", 1..=20, &mut settings.retry_attempts);
        self.forbidden();
    }

    /// The value under a dotted key, in snake case or camel case; null counts as absent.
    fn find(&self, key: &str) -> Option<&Value> {
        let mut value = self.editor;
        for part in key.split('.') {
            value = value.get(part).or_else(|| value.get(camel_case(part)))?;
        }
        (!value.is_null()).then_some(value)
    }

    fn problem(&mut self, key: &str, wanted: &str, found: &Value) {
        let found: String = found.to_string().chars().take(60).collect();
        self.problems.push(format!(
            "the editor setting ezrouter.{key} must be {wanted}, not {found}"
        ));
    }

    fn text(&mut self, key: &str, target: &mut String) {
        match self.find(key).cloned() {
            Some(Value::String(text)) if !text.trim().is_empty() => text.trim().clone_into(target),
            Some(Value::String(_)) | None => {}
            Some(other) => self.problem(key, "text", &other),
        }
    }

    fn number<N: TryFrom<u64> + Copy>(
        &mut self,
        key: &str,
        bounds: std::ops::RangeInclusive<u64>,
        target: &mut N,
    ) {
        let Some(value) = self.find(key).cloned() else {
            return;
        };
        let number = value
            .as_u64()
            .filter(|number| bounds.contains(number))
            .and_then(|number| N::try_from(number).ok());
        match number {
            Some(number) => *target = number,
            None => self.problem(
                key,
                &format!("a number from {} to {}", bounds.start(), bounds.end()),
                &value,
            ),
        }
    }

    fn seconds(&mut self, key: &str, target: &mut Duration) {
        let Some(value) = self.find(key).cloned() else {
            return;
        };
        match value
            .as_f64()
            .filter(|seconds| (0.001..=86_400.0).contains(seconds))
        {
            Some(seconds) => *target = Duration::from_secs_f64(seconds),
            None => self.problem(key, "a number of seconds above 0", &value),
        }
    }

    /// One of some words; a boolean setting takes `true` and `false` as well.
    fn choice<C: Copy + FromBool>(&mut self, key: &str, choices: &[(&str, C)], target: &mut C) {
        let Some(value) = self.find(key).cloned() else {
            return;
        };
        let chosen = match &value {
            Value::String(word) => choices
                .iter()
                .find(|(name, _)| name == word)
                .map(|(_, choice)| *choice),
            Value::Bool(yes) => C::from_bool(*yes),
            _ => None,
        };
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        match chosen {
            Some(chosen) => *target = chosen,
            None if names.is_empty() => self.problem(key, "true or false", &value),
            None => self.problem(key, &format!("one of {}", names.join(", ")), &value),
        }
    }

    fn forbidden(&mut self) {
        for key in ENVIRONMENT_ONLY {
            if self.find(key).is_some() {
                self.problems.push(format!(
                    "the editor setting ezrouter.{key} was ignored: where requests and the key go is set in the \
                     environment only"
                ));
            }
        }
    }
}

/// Lets yes-or-no settings share the reader of word settings.
trait FromBool: Sized {
    fn from_bool(yes: bool) -> Option<Self>;
}

impl FromBool for bool {
    fn from_bool(yes: bool) -> Option<Self> {
        Some(yes)
    }
}

impl FromBool for Apply {
    fn from_bool(_: bool) -> Option<Self> {
        None
    }
}

fn camel_case(key: &str) -> String {
    let mut parts = key.split('_');
    let mut name = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut letters = part.chars();
        name.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        Environment {
            variables: pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        }
    }

    #[test]
    fn later_layers_win_and_both_spellings_are_read() {
        let environment = environment(&[("EZROUTER_MODEL", "from-environment")]);
        let (settings, problems) = settings(&environment, &[&json!({})]);
        assert_eq!(
            (settings.model.as_str(), problems.len()),
            ("from-environment", 0)
        );
        let editor = json!({"ezrouter": {
            "model": "from-editor", "maxOutputTokens": 99, "rewrite": {"apply": "single", "review": false},
            "context": {"max_bytes": 7}, "timeouts": {"idle_s": 0.5}, "history": {"scope": "none"}
        }});
        let (settings, problems) =
            super::settings(&environment, &[&json!({"model": "older"}), &editor]);
        assert_eq!(problems, [""; 0]);
        assert_eq!(
            (settings.model.as_str(), settings.max_output_tokens),
            ("from-editor", 99)
        );
        assert_eq!(
            (settings.apply, settings.review, settings.history),
            (Apply::Single, false, false)
        );
        assert_eq!(
            (settings.context_max_bytes, settings.timeouts.idle),
            (7, Duration::from_millis(500))
        );
    }

    #[test]
    fn a_bad_value_is_named_and_the_rest_works() {
        let editor =
            json!({"model": 7, "max_output_tokens": 10, "rewrite": {"apply": "sometimes"}});
        let (settings, problems) = settings(&Environment::default(), &[&editor]);
        assert_eq!(settings.max_output_tokens, 10);
        assert_eq!(settings.model, Settings::default().model);
        assert_eq!(
            problems,
            [
                "the editor setting ezrouter.model must be text, not 7",
                "the editor setting ezrouter.rewrite.apply must be one of auto, stream, single, preview, not \"sometimes\"",
            ]
        );
    }

    #[test]
    fn an_editor_setting_cannot_say_where_the_key_goes() {
        let environment = environment(&[
            ("EZROUTER_API_KEY", "sk-1"),
            ("EZROUTER_BASE_URL", "https://here.example"),
        ]);
        let editor = json!({"base_url": "https://evil.example", "apiKeyCommand": ["x"]});
        let (settings, problems) = settings(&environment, &[&editor]);
        assert_eq!(
            environment.gateway(&settings).base_url,
            "https://here.example"
        );
        assert_eq!(problems.len(), 2, "{problems:?}");
    }

    #[test]
    fn the_environment_shows_no_values() {
        let shown = format!("{:?}", environment(&[("EZROUTER_API_KEY", "sk-secret")]));
        assert_eq!(shown, "[\"EZROUTER_API_KEY\"]");
    }
}
