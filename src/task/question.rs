//! A question that is about no file, as it is written in a conversation's document.

use super::{LARGEST_SELECTION, Subject};
use crate::action::{Kind, Target};
use crate::prompt::mention;
use crate::text::Span;
use crate::text::document::Document;

impl Subject {
    /// The question, or one sentence on why it cannot be asked.
    pub fn question(words: &str) -> Result<Self, String> {
        let size = words.len();
        if LARGEST_SELECTION < size {
            return Err(format!(
                "the question is too long: {size} bytes of at most {LARGEST_SELECTION}; shorten it"
            ));
        }
        Ok(Self {
            kind: Kind::Ask,
            path: String::new(),
            document: Document::open("plaintext".to_owned(), None, ""),
            span: Span::default(),
            instruction: words.to_owned(),
            diagnostics: String::new(),
            lines_cut: 0,
            target: Target::Selection,
            names: mention::find(words),
        })
    }
}
