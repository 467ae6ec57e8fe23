//! How long a model may think, in the words of each surface and each family of models. What comes of it is told apart from
//! the answer in the surfaces' own files.

use serde_json::{Value, json};

use super::surface::is_claude;
use crate::prompt::{Request, Thinking};

/// What a model may think in tokens, where it is told so; each counts on top of the answer. 1024 is the least that is taken.
const LITTLE: u32 = 2_048;
const SOME: u32 = 8_192;
const LONG: u32 = 16_384;

/// The limit on all generated tokens is raised for thinking up to this: every claude model that thinks can write so much. A
/// higher one is the user's own.
const RAISED: u32 = 32_000;

/// The `reasoning_effort` of the OpenAI surface; `None` if the model is not to think longer than it does by itself. To let
/// the model choose is `medium` there: what models do that know the word when nobody says it.
pub(super) fn on_openai(thinking: Thinking) -> Option<&'static str> {
    match thinking {
        Thinking::Off => None,
        Thinking::Low => Some("low"),
        Thinking::Auto | Thinking::Medium => Some("medium"),
        Thinking::High => Some("high"),
    }
}

/// Adds to a body of the Anthropic surface how long the model may think. Newer models choose a budget themselves and refuse
/// one (with status 400), older ones want it; in both cases thinking counts against `max_tokens`, so that is raised.
pub(super) fn on_anthropic(request: &Request, body: &mut Value) {
    let budget = match request.thinking {
        Thinking::Off => return,
        Thinking::Low => LITTLE,
        Thinking::Auto | Thinking::Medium => SOME,
        Thinking::High => LONG,
    };
    let limit = request.max_output_tokens;
    body["max_tokens"] = limit.max(limit.saturating_add(budget).min(RAISED)).into();
    if !is_adaptive(&request.model) {
        body["thinking"] = json!({"type": "enabled", "budget_tokens": budget});
        return;
    }
    body["thinking"] = json!({"type": "adaptive"});
    if request.thinking != Thinking::Auto {
        body["output_config"] = json!({"effort": request.thinking.word()});
    }
}

/// Whether a model chooses the budget for its thinking itself: opus from 4.7, the other families from 5, and families of
/// claude that have come since.
fn is_adaptive(model: &str) -> bool {
    if !is_claude(model) {
        return false;
    }
    let parts: Vec<&str> = model.split(['-', '.']).collect();
    // A date stands behind the version in some names.
    let mut numbers = parts
        .iter()
        .filter(|part| part.len() < 3)
        .filter_map(|part| part.parse::<u32>().ok());
    let version = numbers
        .next()
        .map(|major| (major, numbers.next().unwrap_or(0)));
    let first = if parts.contains(&"sonnet") || parts.contains(&"haiku") {
        (5, 0)
    } else {
        (4, 7)
    };
    version.is_none_or(|version| first <= version)
}

#[cfg(test)]
mod tests {
    use super::super::{anthropic, openai};
    use super::*;

    /// The parts of a body that thinking changes.
    fn parts(body: &str) -> Value {
        let body: Value = serde_json::from_str(body).unwrap();
        let part = |name: &str| body.get(name).cloned().unwrap_or_default();
        json!([
            part("max_tokens"),
            part("thinking"),
            part("output_config"),
            part("reasoning_effort")
        ])
    }

    fn request(model: &str, thinking: Thinking, max_output_tokens: u32) -> Request {
        Request {
            model: model.to_owned(),
            system: String::new(),
            messages: Vec::new(),
            max_output_tokens,
            thinking,
            keeps_tags: false,
        }
    }

    #[test]
    fn newer_models_choose_their_budget_and_older_ones_get_one() {
        let table = [
            ("claude-opus-4-7", true),
            ("claude-opus-4-8", true),
            ("claude-opus-4-10-20270101", true),
            ("claude-opus-5", true),
            ("claude-opus-4.7", true),
            ("claude-sonnet-5", true),
            ("claude-haiku-5-1", true),
            ("claude-something-5", true),
            ("claude-something", true),
            ("claude-opus-4-6", false),
            ("claude-opus-4-20250514", false),
            ("claude-3-opus-20240229", false),
            ("claude-sonnet-4-6", false),
            ("claude-sonnet-4-7", false),
            ("claude-haiku-4-5-20251001", false),
            ("claude-3-7-sonnet-20250219", false),
            // Whatever else is spoken to on this surface knows the older form.
            ("deepseek-v4-pro", false),
        ];
        for (model, adaptive) in table {
            assert_eq!(is_adaptive(model), adaptive, "{model}");
        }
    }

    #[test]
    fn each_level_reads_as_each_family_wants_it() {
        use Thinking::{Auto, High, Low, Medium, Off};
        let (opus, sonnet, haiku, gpt) = (
            "claude-opus-4-7",
            "claude-sonnet-4-6",
            "claude-haiku-4-5",
            "gpt-5",
        );
        let none = Value::Null;
        let budget = |tokens: u32| json!({"type": "enabled", "budget_tokens": tokens});
        let adaptive = json!({"type": "adaptive"});
        let effort = |word: &str| json!({"effort": word});
        let table = [
            (opus, Off, json!([8192, none, none, none])),
            (opus, Auto, json!([16384, adaptive, none, none])),
            (opus, Low, json!([10240, adaptive, effort("low"), none])),
            (
                opus,
                Medium,
                json!([16384, adaptive, effort("medium"), none]),
            ),
            (opus, High, json!([24576, adaptive, effort("high"), none])),
            (sonnet, Off, json!([8192, none, none, none])),
            (sonnet, Auto, json!([16384, budget(8192), none, none])),
            (sonnet, Low, json!([10240, budget(2048), none, none])),
            (haiku, Medium, json!([16384, budget(8192), none, none])),
            (haiku, High, json!([24576, budget(16384), none, none])),
        ];
        for (model, thinking, expected) in table {
            let body = anthropic::body(&request(model, thinking, 8192));
            assert_eq!(parts(&body), expected, "{model} {thinking:?}");
        }
        for (thinking, word) in [
            (Off, none.clone()),
            (Auto, json!("medium")),
            (Low, json!("low")),
            (Medium, json!("medium")),
            (High, json!("high")),
        ] {
            let body = openai::body(&request(gpt, thinking, 8192));
            assert_eq!(
                parts(&body),
                json!([8192, none, none, word]),
                "{thinking:?}"
            );
        }
    }

    #[test]
    fn a_budget_is_always_large_enough_and_below_the_limit() {
        for thinking in [Thinking::Low, Thinking::Medium, Thinking::High] {
            for limit in [1, 64, 1024, 8192, 20_000, 31_999, 32_000, 64_000, 1_000_000] {
                let body = anthropic::body(&request("claude-sonnet-4-6", thinking, limit));
                let body: Value = serde_json::from_str(&body).unwrap();
                let most = body["max_tokens"].as_u64().unwrap();
                let budget = body["thinking"]["budget_tokens"].as_u64().unwrap();
                assert!((1024..most).contains(&budget), "{body}");
                assert!(u64::from(limit) <= most, "{body}");
                assert!(most <= u64::from(limit.max(RAISED)), "{body}");
            }
        }
    }
}
