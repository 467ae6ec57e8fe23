//! Characters that cannot be seen but change what is read or done: controls, marks that turn the direction of text, characters
//! without width. What comes from elsewhere is shown with them written out, and never slips them into a file.
//!
//! They are written as `⟨U+202E⟩`: the same in every language and in prose, and nothing that a compiler, a terminal or a Markdown
//! renderer takes for an escape.

use std::collections::BTreeSet;

/// Where a character cannot be seen although it does something, unless it stands where writing needs it: between the parts of an
/// emoji, or between letters of a script that is written so.
///
/// Tabs and line feeds are not hidden; carriage returns are, unless a line feed follows.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\0'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a hidden character stands where writing needs it.
fn is_needed(before: Option<char>, c: char, after: Option<char>) -> bool {
    let joins = |test: fn(char) -> bool| before.is_some_and(test) && after.is_some_and(test);
    match c {
        '\r' => after == Some('\n'),
        '\u{200d}' => joins(is_emoji) || joins(is_joined),
        '\u{200c}' => joins(is_joined),
        // Drawn as text or as an image; digits only as keys.
        '\u{fe0e}' | '\u{fe0f}' => before.is_some_and(|c| match c {
            '#' | '*' | '0'..='9' => after == Some('\u{20e3}'),
            _ => is_emoji(c) && c != '\u{fe0f}',
        }),
        _ => false,
    }
}

/// Whether a character is, or ends, one that is drawn as an image: what a zero width joiner joins.
fn is_emoji(c: char) -> bool {
    matches!(c, '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{2190}'..='\u{21ff}'
        | '\u{2300}'..='\u{23ff}' | '\u{24c2}' | '\u{25a0}'..='\u{27bf}' | '\u{2900}'..='\u{297f}' | '\u{2b00}'..='\u{2bff}'
        | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}' | '\u{fe0f}' | '\u{1f000}'..='\u{1faff}')
}

/// Whether a letter belongs to a script in which joiners decide how letters are drawn: Arabic and its relatives, and those of
/// India and its neighbours.
fn is_joined(c: char) -> bool {
    matches!(c,
        '\u{600}'..='\u{7bf}' | '\u{840}'..='\u{8ff}' | '\u{900}'..='\u{dff}' | '\u{e80}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{1820}'..='\u{18aa}' | '\u{a840}'..='\u{a877}' | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}')
        && !is_hidden(c)
}

/// The hidden characters of a text, each once.
pub fn hidden(text: &str) -> BTreeSet<char> {
    let mut watch = Watch::default();
    let mut found = BTreeSet::new();
    let mut note = |c: char, hidden: bool| {
        if hidden {
            found.insert(c);
        }
    };
    watch.push(text, &mut note);
    watch.finish(&mut note);
    found
}

/// A text with its hidden characters written out.
pub fn visible(text: &str) -> String {
    let mut filter = Visible::default();
    let out = filter.push(text);
    out + &filter.finish()
}

/// How a hidden character is told to people.
pub fn name(c: char) -> String {
    let number = format!("U+{:04X}", u32::from(c));
    let known = match c {
        '\u{1b}' => "escape",
        '\u{ad}' => "soft hyphen",
        '\u{200b}' => "zero width space",
        '\u{200c}' => "zero width non-joiner",
        '\u{200d}' => "zero width joiner",
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}' => {
            "direction of text"
        }
        '\u{2028}' | '\u{2029}' => "line or paragraph separator",
        '\u{2060}' | '\u{feff}' => "zero width no-break space",
        '\u{e0000}'..='\u{e007f}' => "tag",
        '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => "variation selector",
        c if c.is_control() => "control character",
        _ => "invisible",
    };
    format!("{number}, {known}")
}

/// Tells of each character of a text that comes in pieces whether it is hidden; one is held back until what follows decides.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    before: Option<char>,
    held: Option<char>,
}

impl Watch {
    /// Takes the next piece and tells of its characters, in order.
    pub fn push(&mut self, text: &str, mut tell: impl FnMut(char, bool)) {
        for c in text.chars() {
            if let Some(held) = self.held.take() {
                self.decide(held, Some(c), &mut tell);
            }
            if is_hidden(c) {
                self.held = Some(c);
            } else {
                tell(c, false);
                self.before = Some(c);
            }
        }
    }

    /// No more follows.
    pub fn finish(&mut self, mut tell: impl FnMut(char, bool)) {
        if let Some(held) = self.held.take() {
            self.decide(held, None, &mut tell);
        }
    }

    fn decide(&mut self, c: char, after: Option<char>, tell: &mut impl FnMut(char, bool)) {
        // A joiner may stand behind the mark that makes an image of what is in front of it.
        tell(c, !is_needed(self.before, c, after));
        self.before = Some(c);
    }
}

/// Writes hidden characters out in a text that comes in pieces.
#[derive(Clone, Debug, Default)]
pub struct Visible {
    watch: Watch,
}

impl Visible {
    /// Takes the next piece and gives what can be shown of it.
    pub fn push(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        self.watch
            .push(text, |c, hidden| write_out(&mut out, c, hidden));
        out
    }

    /// No more follows: gives the rest.
    pub fn finish(&mut self) -> String {
        let mut out = String::new();
        self.watch
            .finish(|c, hidden| write_out(&mut out, c, hidden));
        out
    }
}

fn write_out(out: &mut String, c: char, hidden: bool) {
    if hidden {
        out.push_str(&format!("⟨U+{:04X}⟩", u32::from(c)));
    } else {
        out.push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_written_out_and_what_writing_needs_is_not() {
        let cases = [
            ("plain\ttext\nnaïve 日本 ελ", "plain\ttext\nnaïve 日本 ελ"),
            (
                "a\u{1b}[31mb\0c\u{7f}\u{9b}",
                "a⟨U+001B⟩[31mb⟨U+0000⟩c⟨U+007F⟩⟨U+009B⟩",
            ),
            ("if a\u{202e}/*\u{2066} b", "if a⟨U+202E⟩/*⟨U+2066⟩ b"),
            (
                "a\u{200b}b\u{2060}c\u{feff}\u{ad}",
                "a⟨U+200B⟩b⟨U+2060⟩c⟨U+FEFF⟩⟨U+00AD⟩",
            ),
            ("a\u{200d}b c\u{200c}d", "a⟨U+200D⟩b c⟨U+200C⟩d"),
            ("x\u{e0041}\u{e0042}", "x⟨U+E0041⟩⟨U+E0042⟩"),
            ("a\u{fe00}\u{fe01}b", "a⟨U+FE00⟩⟨U+FE01⟩b"),
            ("line\u{2028}break\u{c}", "line⟨U+2028⟩break⟨U+000C⟩"),
            ("a\r\nb\rc\r", "a\r\nb⟨U+000D⟩c⟨U+000D⟩"),
            // Emoji that are joined, coloured, or keys; twice the mark is once too often.
            (
                "👩\u{200d}💻 ❤\u{fe0f}\u{200d}🔥 👍🏽 1\u{fe0f}\u{20e3} ☎\u{fe0e}",
                "👩\u{200d}💻 ❤\u{fe0f}\u{200d}🔥 👍🏽 1\u{fe0f}\u{20e3} ☎\u{fe0e}",
            ),
            (
                "👩\u{200d} 👩\u{200d}x ❤\u{fe0f}\u{fe0f} 1\u{200d}2 7\u{fe0f}",
                "👩⟨U+200D⟩ 👩⟨U+200D⟩x ❤\u{fe0f}⟨U+FE0F⟩ 1⟨U+200D⟩2 7⟨U+FE0F⟩",
            ),
            // Persian and Hindi, and Hebrew without marks.
            (
                "می\u{200c}خواهم क्\u{200d}ष שלום",
                "می\u{200c}خواهم क्\u{200d}ष שלום",
            ),
            ("שלום\u{200f}", "שלום⟨U+200F⟩"),
        ];
        for (text, shown) in cases {
            assert_eq!(visible(text), shown, "{text:?}");
            for split in (0..=text.len()).filter(|&at| text.is_char_boundary(at)) {
                let (first, second) = text.split_at(split);
                let mut filter = Visible::default();
                let out = filter.push(first) + &filter.push(second) + &filter.finish();
                assert_eq!(out, shown, "split at {split}");
            }
        }
    }

    #[test]
    fn each_hidden_character_is_told_once_by_its_number() {
        let found = hidden("a\u{202e}\u{200b}b\u{202e}👩\u{200d}💻");
        let names: Vec<String> = found.into_iter().map(name).collect();
        assert_eq!(
            names,
            ["U+200B, zero width space", "U+202E, direction of text"]
        );
        assert_eq!(hidden("plain"), BTreeSet::new());
    }
}
