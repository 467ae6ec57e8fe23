//! Keeps the key out of a text that comes in pieces: a gateway that answers with the key must not have it written into a
//! document or a history. Where the text comes from is not known here.

use zeroize::Zeroizing;

use super::{HIDDEN, Key};

/// So much of a key's beginning is not held back: it gives nothing away, and text that happens to end so is not delayed.
const HARMLESS: usize = 7;

/// What a text goes through.
pub struct Screen {
    secret: Zeroizing<String>,
    /// The end of what has gone out, as far as a key may have begun in it.
    sent: Zeroizing<String>,
    /// What may be the beginning of a key.
    held: Zeroizing<String>,
}

impl Screen {
    /// A screen that lets everything through but this key.
    pub fn new(key: &Key) -> Self {
        Self {
            secret: Zeroizing::new(key.expose().to_owned()),
            sent: Zeroizing::default(),
            held: Zeroizing::default(),
        }
    }

    /// Takes a piece and gives what may go out now.
    pub fn push(&mut self, piece: &str) -> String {
        self.held.push_str(piece);
        let whole = Zeroizing::new(format!("{}{}", self.sent.as_str(), self.held.as_str()));
        let mut out = String::with_capacity(self.held.len());
        // In bytes of `whole`: what stands before it has gone out, or is on its way out.
        let mut done = self.sent.len();
        let mut hidden = 0;
        for (at, found) in whole.match_indices(self.secret.as_str()) {
            out.push_str(whole.get(done..at).unwrap_or_default());
            out.push_str(HIDDEN);
            hidden = at + found.len();
            done = hidden;
        }
        let rest = whole.get(done..).unwrap_or_default();
        let kept = self.begun(&whole, rest.len());
        let (now, later) = rest
            .split_at_checked(rest.len() - kept)
            .unwrap_or((rest, ""));
        out.push_str(now);
        self.held = Zeroizing::new(later.to_owned());
        *self.sent = tail(&whole, whole.len() - kept, hidden);
        out
    }

    /// What was held back, when nothing follows.
    pub fn finish(&mut self) -> String {
        std::mem::take(&mut *self.held)
    }

    /// How many bytes at the end of `whole`, at most `most`, are held back because a key may have begun there.
    fn begun(&self, whole: &str, most: usize) -> usize {
        let lengths = (HARMLESS + 1..self.secret.len()).rev();
        let mut begun = lengths.filter(|length| {
            let beginning = self.secret.get(..*length);
            beginning.is_some_and(|beginning| whole.ends_with(beginning))
        });
        begun.next().unwrap_or(0).min(most)
    }
}

/// The end of `whole[..end]` that a key may have begun in, no further back than `from`.
fn tail(whole: &str, end: usize, from: usize) -> String {
    let mut start = end.saturating_sub(HARMLESS).max(from.min(end));
    while !whole.is_char_boundary(start) {
        start += 1;
    }
    whole.get(start..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "sk-screen-key-123";

    fn through<'a>(pieces: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        let mut screen = Screen::new(&Key::new(KEY).unwrap());
        let mut out: Vec<String> = pieces.into_iter().map(|piece| screen.push(piece)).collect();
        out.push(screen.finish());
        out
    }

    #[test]
    fn text_goes_through_at_once_and_the_key_does_not() {
        let cases: [(&[&str], &[&str]); 7] = [
            (&["plain s", "k-text"], &["plain s", "k-text", ""]),
            (&["a sk-screen-key-123 b"], &["a [key] b", ""]),
            (&["a sk-screen", "-key-123b"], &["a ", "[key]b", ""]),
            (&["a sk-screen", "s"], &["a ", "sk-screens", ""]),
            (&["a sk-screen"], &["a ", "sk-screen"]),
            (&["sk-sc", "reen-key-123"], &["sk-sc", "[key]", ""]),
            (&["s", "k-screen", "-key-123"], &["s", "", "[key]", ""]),
        ];
        for (pieces, expected) in cases {
            assert_eq!(through(pieces.iter().copied()), expected, "{pieces:?}");
        }
    }

    proptest! {
        #[test]
        fn no_split_lets_the_key_through_or_changes_anything_else(
            parts in prop::collection::vec(prop_oneof!["[sk-é ]{0,5}", Just(KEY.to_owned()), "sk-screen-[k-]{0,3}"], 0..6),
            cuts in prop::collection::vec(0_usize..80, 0..12),
        ) {
            let whole = parts.concat();
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| whole.is_char_boundary(*cut)).collect();
            cuts.extend([0, whole.len()]);
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|cut| whole.get(cut[0]..cut[1]).unwrap());
            let out = through(pieces).concat();
            prop_assert!(!out.contains(KEY));
            // What has gone out of a key before it was known to be one is a harmless beginning.
            // Text of its own in front of the key may read like one too, so all of them are left out on both sides.
            let without_beginnings = |mut text: String| loop {
                let beginnings = (1..=HARMLESS).rev().map(|length| KEY.get(..length).unwrap());
                let shorter = beginnings.fold(text.clone(), |text, beginning| {
                    text.replace(&format!("{beginning}{HIDDEN}"), HIDDEN)
                });
                if shorter == text {
                    break text;
                }
                text = shorter;
            };
            let expected = without_beginnings(whole.replace(KEY, HIDDEN));
            prop_assert_eq!(without_beginnings(out), expected);
        }
    }
}
