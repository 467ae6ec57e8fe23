//! Code spans: how a line reads that is nothing but one. Whether it loses its backticks is decided in [`super::head`].

use super::{MAX_HELD, is_blank};

/// What stands between equally long runs of backticks at the ends of `text`.
pub(super) fn content(text: &str) -> Option<&str> {
    let text = text.trim_end_matches(is_blank);
    let behind = text.trim_start_matches('`');
    let marks = text
        .len()
        .checked_sub(behind.len())
        .filter(|&marks| 0 < marks)?;
    let content = behind.trim_end_matches('`');
    (behind.len() - content.len() == marks && !content.is_empty() && !content.contains('`'))
        .then_some(content)
}

/// Whether more text could make a code span of the beginning of a line.
pub(super) fn may_become(text: &str) -> bool {
    let behind = text.trim_start_matches('`');
    let marks = text.len() - behind.len();
    let closing = behind
        .trim_start_matches(|c| c != '`')
        .trim_end_matches(is_blank);
    0 < marks
        && text.len() <= MAX_HELD
        && closing.len() <= marks
        && closing.bytes().all(|byte| byte == b'`')
}
