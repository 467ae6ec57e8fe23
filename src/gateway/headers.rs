//! The headers of a request: the key in the form that a surface wants, and what makes the gateway answer as we read it. No
//! connection is opened here.

use http::header::{ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use zeroize::Zeroizing;

use super::anthropic;
use super::error::{Failure, Kind};
use super::surface::Surface;
use crate::key::{HIDDEN, Key};

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");

/// The headers of a request to a surface. The catalog belongs to the OpenAI surface: with the headers of the other one the
/// gateway leaves out what a model is spoken to on.
///
/// # Errors
/// [`Kind::BadKey`] if the key cannot stand in a header.
pub(super) fn of(surface: Surface, key: &Key) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::from_iter([
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (ACCEPT, HeaderValue::from_static("text/event-stream")),
        // A proxy that compresses holds pieces back until it has enough of them. One that compresses unasked is understood.
        (ACCEPT_ENCODING, HeaderValue::from_static("identity")),
        // The gateway words its errors in the language of this header, in Chinese without it.
        (ACCEPT_LANGUAGE, HeaderValue::from_static("en")),
    ]);
    match surface {
        Surface::OpenAi => {
            let bearer = Zeroizing::new(format!("Bearer {}", key.expose()));
            headers.insert(AUTHORIZATION, secret(&bearer)?);
        }
        Surface::Anthropic => {
            headers.insert(API_KEY, secret(key.expose())?);
            let version = HeaderValue::from_static(anthropic::VERSION);
            headers.insert(ANTHROPIC_VERSION, version);
        }
    }
    Ok(headers)
}

/// What the client calls itself.
pub(super) const USER_AGENT: &str = concat!("ezrouter-lsp/", env!("CARGO_PKG_VERSION"));

/// The headers of a request to a surface as they may be shown: `[key]` stands for the key, which is not even asked for.
pub(super) fn shown(surface: Surface) -> Vec<(String, String)> {
    let headers = Key::new(HIDDEN).and_then(|stand_in| of(surface, &stand_in).ok());
    let shown = |(name, value): (&HeaderName, &HeaderValue)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    };
    let headers = headers.unwrap_or_default();
    let own = ("user-agent".to_owned(), USER_AGENT.to_owned());
    headers.iter().map(shown).chain([own]).collect()
}

/// A value that is kept out of logs and out of the tables that compress headers.
fn secret(value: &str) -> Result<HeaderValue, Failure> {
    let mut value = HeaderValue::from_str(value).map_err(|_| {
        let what = "The API key holds characters that a key cannot hold";
        let advice = "Set EZROUTER_API_KEY to one line of letters, digits and dashes, as your account shows it";
        Failure::new(Kind::BadKey, what, advice)
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_goes_in_one_header_and_is_shown_in_none() {
        let key = Key::new("sk-secret-1").unwrap();
        for (surface, name, value) in [
            (Surface::OpenAi, "authorization", "Bearer sk-secret-1"),
            (Surface::Anthropic, "x-api-key", "sk-secret-1"),
        ] {
            let headers = of(surface, &key).unwrap();
            let holding: Vec<_> = headers
                .iter()
                .filter(|(_, value)| value.to_str().unwrap().contains("sk-secret"))
                .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
                .collect();
            assert_eq!(holding, [(name, value)]);
            assert!(!format!("{headers:?}").contains("secret-1"), "{headers:?}");
        }
    }
}
