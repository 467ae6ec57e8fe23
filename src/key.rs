//! The API key as a type that cannot be printed: no `Display`, a `Debug` that hides it, zeroed when dropped. It does not
//! know where a key comes from or where it goes.

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

    /// The secret itself, for the one place that writes the request header, and for the one that removes it from messages.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// `text` with every occurrence of the key replaced by `[key]`: gateways echo keys in their error messages.
    pub fn hide_in(&self, text: &str) -> String {
        text.replace(self.expose(), "[key]")
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Key([key])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_trimmed_hidden_in_debug_and_removed_from_messages() {
        let key = Key::new(" sk-secret-1\n").unwrap();
        assert_eq!(key.expose(), "sk-secret-1");
        assert_eq!(format!("{key:?}"), "Key([key])");
        assert_eq!(key.hide_in("bad key sk-secret-1!"), "bad key [key]!");
        assert!(Key::new(" \n").is_none());
    }
}
