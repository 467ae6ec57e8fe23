//! The line with which a model says that it cannot do what was asked. Decides only whether the content begins with it.

use super::{Pass, is_blank};

/// A first line that begins so refuses: no text is to be replaced, and the rest of the line is the reason.
pub const SENTINEL: &str = "EZROUTER_CANNOT:";

/// The longest reason that is kept, in bytes.
const MAX_REASON: usize = 1_000;

/// Lets content through unless it begins with [`SENTINEL`].
#[derive(Debug)]
pub(super) enum Gate {
    /// What may still become it.
    Closed(String),
    Open,
    /// The reason as it has come so far, and whether it is complete.
    Refused(String, bool),
}

impl Gate {
    pub(super) fn new() -> Self {
        Self::Closed(String::new())
    }

    /// The reason of a refusal, if the content is one.
    pub(super) fn refusal(&self) -> Option<&str> {
        match self {
            Self::Refused(reason, _) => Some(reason.trim()),
            _ => None,
        }
    }
}

impl Pass for Gate {
    fn push(&mut self, c: char, out: &mut String) {
        match self {
            Self::Open => out.push(c),
            Self::Refused(reason, complete) => {
                *complete |= c == '\n';
                if !*complete && reason.len() < MAX_REASON {
                    reason.push(c);
                }
            }
            Self::Closed(held) if held.is_empty() && (is_blank(c) || c == '\n') => out.push(c),
            Self::Closed(held) => {
                held.push(c);
                if held == SENTINEL {
                    *self = Self::Refused(String::new(), false);
                } else if !SENTINEL.starts_with(held.as_str()) {
                    out.push_str(held);
                    *self = Self::Open;
                }
            }
        }
    }

    fn finish(&mut self, out: &mut String) {
        if let Self::Closed(held) = self {
            out.push_str(&std::mem::take(held));
        }
    }

    #[cfg(test)]
    fn held(&self) -> usize {
        match self {
            Self::Closed(held) | Self::Refused(held, _) => held.len(),
            Self::Open => 0,
        }
    }
}
