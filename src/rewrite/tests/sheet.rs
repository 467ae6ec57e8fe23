//! A text that knows who wrote each of its bytes, so that a test sees at once when an edit touches what is not its own.

use crate::text::Span;

/// Who wrote a byte, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Author {
    /// Stands in front of the region; the server must never touch it.
    Above,
    /// Stands behind the region; the server must never touch it.
    Below,
    /// The text that is to be rewritten.
    Old,
    /// Written by the server.
    New,
    /// Typed by the user into the region; the server must never touch it.
    User,
}

/// What an edit of the server must not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Damage {
    /// It replaces text of this author.
    Replaced(Author),
    /// It inserts text outside the region.
    Outside,
}

/// What an editor shows.
#[derive(Clone, Debug)]
pub(super) struct Sheet {
    text: String,
    /// One for each byte of the text.
    authors: Vec<Author>,
}

impl Sheet {
    /// A text whose bytes in `region` are to be rewritten.
    pub(super) fn new(text: &str, region: Span) -> Self {
        let author = |at| {
            if at < region.start {
                Author::Above
            } else if at < region.end {
                Author::Old
            } else {
                Author::Below
            }
        };
        Self {
            text: text.to_owned(),
            authors: (0..text.len()).map(author).collect(),
        }
    }

    pub(super) fn put(&mut self, span: Span, text: &str, author: Author) {
        self.text.replace_range(span.start..span.end, text);
        let authors = std::iter::repeat_n(author, text.len());
        drop(self.authors.splice(span.start..span.end, authors));
    }

    /// What replacing `span` would do to text that is not the server's.
    pub(super) fn damage(&self, span: Span) -> Option<Damage> {
        let is_others = |author: &&Author| !matches!(author, Author::Old | Author::New);
        if let Some(&author) = self.authors[span.start..span.end].iter().find(is_others) {
            return Some(Damage::Replaced(author));
        }
        let region = self.region();
        (span.start < region.start || region.end < span.end).then_some(Damage::Outside)
    }

    /// From behind the last byte that stands above to the first one that stands below.
    pub(super) fn region(&self) -> Span {
        let above = self.authors.iter().rposition(|&one| one == Author::Above);
        let below = self.authors.iter().position(|&one| one == Author::Below);
        Span::new(
            above.map_or(0, |at| at + 1),
            below.unwrap_or(self.authors.len()),
        )
    }

    /// The region without what the user typed into it.
    pub(super) fn region_but_the_users(&self) -> String {
        let Span { start, end } = self.region();
        let bytes = self.text.bytes().zip(&self.authors);
        let wanted = bytes.skip(start).take(end - start);
        let wanted = wanted.filter(|(_, author)| **author != Author::User);
        String::from_utf8(wanted.map(|(byte, _)| byte).collect()).expect("authors write characters")
    }

    /// Whether server text stands where it must not: above the last byte of the text above, or below the first one below.
    pub(super) fn strayed(&self) -> bool {
        let Span { start, end } = self.region();
        let ours = |authors: &[Author]| authors.contains(&Author::New);
        ours(&self.authors[..start]) || ours(&self.authors[end..])
    }

    /// Boundaries between two characters that `author` wrote, in bytes.
    pub(super) fn within(&self, author: Author) -> Vec<usize> {
        let inside = |&at: &usize| {
            self.text.is_char_boundary(at)
                && self.authors[at - 1] == author
                && self.authors[at] == author
                && !(self.text.as_bytes()[at - 1] == b'\r' && self.text.as_bytes()[at] == b'\n')
        };
        (1..self.text.len()).filter(inside).collect()
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn author_at(&self, at: usize) -> Author {
        self.authors.get(at).copied().unwrap_or(Author::Below)
    }
}

impl std::ops::Deref for Sheet {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl PartialEq for Sheet {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl PartialEq<&str> for Sheet {
    fn eq(&self, other: &&str) -> bool {
        self.text == *other
    }
}

impl PartialEq<String> for Sheet {
    fn eq(&self, other: &String) -> bool {
        self.text == *other
    }
}

impl std::fmt::Display for Sheet {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.text)
    }
}
