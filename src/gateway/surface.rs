//! The two languages that the gateway speaks, and which of them a model is spoken to in. How each is written and read stands
//! in [`super::openai`] and [`super::anthropic`].

use super::error::{BASE_URL, CHECK_ADDRESS, Failure};
use super::{anthropic, openai};
use crate::prompt::Request;
use crate::words::words;

/// A wire format of the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// `/v1/chat/completions`.
    OpenAi,
    /// `/anthropic/v1/messages`: the only one with cache marks, and with thinking that is told from text for claude.
    Anthropic,
}

words! {
    /// The setting `surface`.
    Choice {
        /// By the catalog, else by the model's name.
        Auto = "auto",
        /// Always `/v1/chat/completions`.
        OpenAi = "openai",
        /// Always `/anthropic/v1/messages`.
        Anthropic = "anthropic",
    }
}

impl Choice {
    /// The surface for a model; `offered` is what the catalog says of it (`supported_endpoint_types`), if it is known.
    ///
    /// Claude models are spoken to on the Anthropic surface and all others on the OpenAI surface, unless the catalog has
    /// the model on the other one only. Other words of the catalog (`gemini`, `embeddings`) are no surface of ours.
    pub fn surface(self, model: &str, offered: Option<&[String]>) -> Surface {
        let by_name = if is_claude(model) {
            Surface::Anthropic
        } else {
            Surface::OpenAi
        };
        let offers =
            |word: &str| offered.is_some_and(|offered| offered.iter().any(|it| it == word));
        match self {
            Self::OpenAi => Surface::OpenAi,
            Self::Anthropic => Surface::Anthropic,
            Self::Auto => match (offers("openai"), offers("anthropic")) {
                (true, false) => Surface::OpenAi,
                (false, true) => Surface::Anthropic,
                (true, true) | (false, false) => by_name,
            },
        }
    }
}

/// Whether a model's id names one of the claude family.
pub fn is_claude(model: &str) -> bool {
    model.starts_with("claude")
}

impl Surface {
    /// The body of a request on this surface.
    pub fn body(self, request: &Request) -> String {
        match self {
            Self::OpenAi => openai::body(request),
            Self::Anthropic => anthropic::body(request),
        }
    }
}

/// The environment variable that says where the Anthropic surface is.
const ANTHROPIC_BASE_URL: &str = "EZROUTER_ANTHROPIC_BASE_URL";

impl Surface {
    /// A failure on this surface, with advice that names the setting that its address comes from; `has_own_base` if that is
    /// the surface's own.
    pub(super) fn advise(self, has_own_base: bool, mut failure: Failure) -> Failure {
        match self {
            Self::Anthropic if has_own_base => {
                failure.advice = failure.advice.replace(BASE_URL, ANTHROPIC_BASE_URL);
            }
            Self::Anthropic if failure.advice == CHECK_ADDRESS => {
                let other = format!(", or set {ANTHROPIC_BASE_URL} if this surface is elsewhere");
                failure.advice.push_str(&other);
            }
            Self::OpenAi | Self::Anthropic => {}
        }
        failure
    }
}

#[cfg(test)]
mod tests {
    use super::super::error::Kind;
    use super::*;

    #[test]
    fn advice_names_the_setting_that_the_address_comes_from() {
        let advice = |surface: Surface, own: bool, advice: &str| {
            let failure = Failure::new(Kind::WrongAddress, "x", advice);
            surface.advise(own, failure).advice
        };
        let set = "Set base_url (EZROUTER_BASE_URL) to https://x";
        assert_eq!(advice(Surface::OpenAi, true, CHECK_ADDRESS), CHECK_ADDRESS);
        assert_eq!(advice(Surface::Anthropic, false, set), set);
        assert_eq!(
            advice(Surface::Anthropic, true, set),
            "Set EZROUTER_ANTHROPIC_BASE_URL to https://x"
        );
        assert_eq!(
            advice(Surface::Anthropic, false, CHECK_ADDRESS),
            "Check base_url (EZROUTER_BASE_URL), or set EZROUTER_ANTHROPIC_BASE_URL if this surface is elsewhere"
        );
    }

    #[test]
    fn the_surface_follows_the_setting_then_the_catalog_then_the_name() {
        use Surface::{Anthropic, OpenAi};
        let (claude, other) = ("claude-sonnet-4-6", "deepseek-v4-pro");
        let none: Option<&[&str]> = None;
        let table = [
            (Choice::Auto, claude, none, Anthropic),
            (Choice::Auto, other, none, OpenAi),
            (Choice::Auto, "my-claude", none, OpenAi),
            (
                Choice::Auto,
                claude,
                Some(&["anthropic", "openai"]),
                Anthropic,
            ),
            (Choice::Auto, other, Some(&["anthropic", "openai"]), OpenAi),
            (Choice::Auto, claude, Some(&["openai"]), OpenAi),
            (Choice::Auto, other, Some(&["anthropic"]), Anthropic),
            (Choice::Auto, claude, Some(&["gemini"]), Anthropic),
            (Choice::Auto, other, Some(&[]), OpenAi),
            (Choice::OpenAi, claude, Some(&["anthropic"]), OpenAi),
            (Choice::Anthropic, other, Some(&["openai"]), Anthropic),
        ];
        for (choice, model, offered, surface) in table {
            let offered: Option<Vec<String>> =
                offered.map(|words| words.iter().map(|word| (*word).to_owned()).collect());
            assert_eq!(
                choice.surface(model, offered.as_deref()),
                surface,
                "{choice:?} {model} {offered:?}"
            );
        }
    }
}
