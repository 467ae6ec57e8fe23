//! How real editors behave as clients, as data. Seen in Neovim 0.11, Helix 25.01, Emacs 30 with Eglot 1.17, kak-lsp 22 and
//! VS Code 1.139; what each sends in `initialize` is reduced to what the server reads.

use serde_json::{Value, json};

/// An editor to be imitated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Tells each change at once, then answers; refuses edits for older text.
    Helix,
    /// Answers, then tells changes in one hull after so many milliseconds; drops edits for older text and says `true`.
    Neovim(u64),
    /// Answers, then tells; has UTF-16 positions only; refuses edits for older text.
    VsCode,
    /// Answers at once, tells half a second after the last key, and takes an edit for whatever version it told last.
    Eglot,
    /// Answers before it applies, applies wherever the place then is, and tells the full text.
    Kakoune,
    /// Refuses every edit.
    Refuses,
    /// Says `true` and drops every edit.
    Drops,
    /// Never answers an edit and does not apply it.
    Deaf,
    /// Takes no edits from servers at all.
    NoEdits,
    /// Joins edits itself (`ezrouter/applyEdit`) and takes `ezrouter/answer`.
    Plugin,
}

impl Manner {
    /// The editors that take edits, for scenarios that must come out the same in all of them.
    pub(crate) const EDITING: [Self; 6] = [
        Self::Helix,
        Self::Neovim(150),
        Self::Neovim(0),
        Self::VsCode,
        Self::Eglot,
        Self::Kakoune,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Helix => "helix",
            Self::Neovim(_) => "Neovim",
            Self::VsCode => "Visual Studio Code",
            Self::Eglot => "Eglot",
            Self::Kakoune => "kakoune-lsp",
            _ => "test",
        }
    }

    fn encodings(self) -> Value {
        match self {
            Self::Helix => json!(["utf-8", "utf-32", "utf-16"]),
            Self::Neovim(_) => json!(["utf-8", "utf-16", "utf-32"]),
            Self::Eglot => json!(["utf-32", "utf-8", "utf-16"]),
            Self::Kakoune => json!(["utf-8", "utf-16"]),
            _ => json!(["utf-16"]),
        }
    }

    pub(crate) fn capabilities(self) -> Value {
        let neovim = matches!(self, Self::Neovim(_));
        let mut capabilities = json!({
            "general": {"positionEncodings": self.encodings()},
            "workspace": {
                "applyEdit": self != Self::NoEdits,
                "configuration": neovim,
                "workspaceEdit": {"documentChanges": !neovim},
            },
            "window": {"workDoneProgress": true, "showDocument": {"support": neovim || self == Self::VsCode}},
            "textDocument": {
                "hover": {"contentFormat": if self == Self::Eglot { json!(["plaintext"]) } else { json!(["markdown"]) }},
                "codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["", "quickfix", "refactor"]}}},
            },
        });
        capabilities["experimental"] = match self {
            Self::Plugin => json!({"ezrouter": {"jobs": true, "answer": true, "applyEdit": true}}),
            _ => json!({"ezrouter": {"jobs": true}}),
        };
        capabilities
    }

    /// How long a change waits before it is told.
    pub(crate) fn delay(self) -> Option<u64> {
        match self {
            Self::Neovim(0) => None,
            Self::Neovim(delay) => Some(delay),
            Self::Eglot => Some(500),
            _ => None,
        }
    }

    /// How far the version moves with a change.
    pub(crate) fn next_version(self, version: i32) -> i32 {
        match self {
            Self::Neovim(_) if version == 0 => 5,
            Self::Kakoune => version + 7,
            _ => version + 1,
        }
    }

    /// Whether an edit that was made for an older text never lands.
    pub(crate) fn guards_versions(self) -> bool {
        !matches!(self, Self::Eglot | Self::Kakoune)
    }
}
