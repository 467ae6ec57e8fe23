//! The API key as a type that cannot be printed: neither `Display` nor `Debug` nor `Serialize`, zeroed when dropped. Where it
//! comes from is [`source`]'s work.

pub mod command;
pub mod screen;
pub mod source;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

/// The gateway's API key, trimmed of white space (a key read from a file or a command ends in a newline).
#[derive(Clone)]
pub struct Key(Zeroizing<String>);

impl Key {
    /// Takes a key as found in the environment; `None` if nothing is left after trimming.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// Takes a key as a command or a file gives it: the first line that is not empty.
    pub fn from_output(output: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(output).ok()?;
        Self::new(text.trim().lines().next()?)
    }

    /// The secret itself, for the one place that writes the request header, and for the one that removes it from messages.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether both are the same.
    pub fn is(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    /// What is odd about the key, for a sentence that goes on behind "it"; `None` if it can be one. Most such keys were
    /// copied with something around them.
    pub fn oddity(&self) -> Option<&'static str> {
        let key = self.expose();
        if key.starts_with(['"', '\'']) || key.ends_with(['"', '\'']) {
            Some("stands in quotes")
        } else if key.to_ascii_lowercase().starts_with("bearer ") {
            Some("begins with the word Bearer")
        } else if key.contains(char::is_whitespace) {
            Some("has white space or a line break in it")
        } else if !key.chars().all(|c| c.is_ascii_graphic()) {
            Some("holds characters that a key cannot hold")
        } else {
            None
        }
    }

    /// `text` with every occurrence of the key replaced by `[key]`: gateways echo keys in their error messages, and what
    /// stands in front of a gateway may echo it encoded, or in small letters.
    pub fn hide_in(&self, text: &str) -> String {
        let percent =
            Zeroizing::new(utf8_percent_encode(self.expose(), NON_ALPHANUMERIC).to_string());
        let text = replace_in_any_case(text, &percent);
        let text = replace_in_any_case(&text, self.expose());
        let cores = self.base64_cores();
        let hide = |text: String, core: &Zeroizing<String>| text.replace(core.as_str(), HIDDEN);
        cores.iter().fold(text, hide)
    }

    /// The key in base64, wherever it stands in what was encoded.
    fn base64_cores(&self) -> Vec<Zeroizing<String>> {
        let mut cores = Vec::new();
        for before in 0..3 {
            let padded = Zeroizing::new([&vec![0; before], self.expose().as_bytes()].concat());
            // Characters at either end also depend on what stands around the key.
            let from = (before * 8).div_ceil(6);
            let to = padded.len() * 8 / 6;
            for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
                let encoded = Zeroizing::new(engine.encode(&padded));
                let core = encoded.get(from..to).unwrap_or_default();
                if SHORTEST_CORE <= core.len() {
                    cores.push(Zeroizing::new(core.to_owned()));
                }
            }
        }
        cores
    }
}

/// What stands for a key where one must not be shown.
pub const HIDDEN: &str = "[key]";

/// Fewer characters of base64 may stand in any text.
const SHORTEST_CORE: usize = 8;

/// `text` with every occurrence of `secret` hidden, in capital or small letters.
fn replace_in_any_case(text: &str, secret: &str) -> String {
    // Of the same length, so that places in one are places in the other.
    let lower = Zeroizing::new(text.to_ascii_lowercase());
    let secret = Zeroizing::new(secret.to_ascii_lowercase());
    let mut clean = String::with_capacity(text.len());
    let mut behind = 0;
    for (at, found) in lower.match_indices(secret.as_str()) {
        clean.push_str(text.get(behind..at).unwrap_or_default());
        clean.push_str(HIDDEN);
        behind = at + found.len();
    }
    clean.push_str(text.get(behind..).unwrap_or_default());
    clean
}

/// `text` with each `sk-...` token replaced by `[key]`: a gateway may echo another key than the configured one, or a part of
/// it, and a person may put a key where it does not belong.
pub fn without_keys(text: &str) -> String {
    let belongs = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '*' | '.' | '…');
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("sk-") {
        clean.push_str(before);
        let token = after.find(|c| !belongs(c)).unwrap_or(after.len());
        let (token, tail) = after.split_at(token);
        let inside_word = clean.ends_with(|c: char| c.is_alphanumeric());
        if inside_word || token.len() < 4 {
            clean.push_str("sk-");
            clean.push_str(token);
        } else {
            clean.push_str(HIDDEN);
        }
        rest = tail;
    }
    clean.push_str(rest);
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails to compile if [`Key`] has the trait: then it is not clear which implementation is meant.
    macro_rules! assert_lacks {
        ($trait:path) => {{
            trait Ambiguous<Which> {
                fn mark() {}
            }
            impl<T: ?Sized> Ambiguous<()> for T {}
            struct Other;
            impl<T: ?Sized + $trait> Ambiguous<Other> for T {}
            <Key as Ambiguous<_>>::mark();
        }};
    }

    #[test]
    fn a_key_cannot_be_printed_or_serialized() {
        assert_lacks!(std::fmt::Debug);
        assert_lacks!(std::fmt::Display);
        assert_lacks!(serde::Serialize);
    }

    #[test]
    fn every_form_of_a_key_is_hidden_wherever_it_stands() {
        let key = Key::new("sk-a_b~c/D+1234567890").unwrap();
        let text = format!("k {} {}", key.expose(), "sk%2Da%5Fb%7Ec%2FD%2B1234567890");
        assert_eq!(key.hide_in(&text), "k [key] [key]");
        assert_eq!(
            key.hide_in("é sk%2da%5fb%7ec%2fD%2b1234567890 é"),
            "é [key] é"
        );
        assert_eq!(key.hide_in("SK-A_B~C/D+1234567890."), "[key].");
        for before in ["", "u:", "user", "key=1"] {
            for behind in ["", ":", "::", ":::"] {
                let whole = format!("{before}{}{behind}", key.expose());
                for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
                    let hidden = key.hide_in(&engine.encode(&whole));
                    assert!(hidden.contains("[key]"), "{whole}: {hidden}");
                    assert!(
                        hidden.len() < 5 + 3 + whole.len() - key.expose().len() + 6,
                        "{hidden}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_first_line_of_an_output_is_the_key() {
        for (output, key) in [
            ("sk-1\n", Some("sk-1")),
            ("\n  sk-1  \r\nlogin: me\n", Some("sk-1")),
            (" \n", None),
            ("", None),
        ] {
            let found = Key::from_output(output.as_bytes());
            assert_eq!(found.as_ref().map(Key::expose), key, "{output:?}");
        }
        assert!(Key::from_output(&[0xff]).is_none());
    }

    #[test]
    fn a_key_is_trimmed_and_removed_from_messages() {
        let key = Key::new(" sk-secret-1\n").unwrap();
        assert_eq!(key.expose(), "sk-secret-1");
        assert_eq!(key.hide_in("bad key sk-secret-1!"), "bad key [key]!");
        assert!(Key::new(" \n").is_none());
    }

    #[test]
    fn what_was_copied_with_a_key_is_named() {
        let table = [
            ("sk-a-1_b", None),
            ("\"sk-a\"", Some("stands in quotes")),
            ("Bearer sk-a", Some("begins with the word Bearer")),
            ("sk-a\nsk-b", Some("has white space or a line break in it")),
            ("sk-ä", Some("holds characters that a key cannot hold")),
        ];
        for (key, oddity) in table {
            assert_eq!(Key::new(key).unwrap().oddity(), oddity, "{key}");
        }
    }
}
