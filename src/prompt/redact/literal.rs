//! Texts that read like our placeholders but are none, such as in this very repository: they are masked like secrets, so
//! that each placeholder in what is sent is ours.

use super::find::{Kind, Secret, from, is_word};
use super::restore::{Word, read};

/// The longest beginning of a word in front of such a text that is masked with it, in bytes.
const LONGEST: usize = 256;

/// Appends where such texts stand, with the whole words that they are part of.
pub(super) fn find(bytes: &[u8], found: &mut Vec<Secret>) {
    for at in memchr::memchr2_iter(b'E', b'e', bytes) {
        if let Word::Placeholder(length) = read(from(bytes, at), true) {
            let near = at.saturating_sub(LONGEST);
            let front = bytes.get(near..at).unwrap_or_default();
            let start = front.iter().rposition(|&byte| !is_word(byte));
            let start = near + start.map_or(0, |last| last + 1);
            found.push(Secret::new(start..at + length, Kind::Lookalike));
        }
    }
}
