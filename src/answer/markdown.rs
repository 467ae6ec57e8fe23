//! An answer as Markdown that a client may draw: no HTML, no image that would be loaded, no link but to the web, and code only
//! where every renderer sees code. What a model writes is text, whatever it reads like.
//!
//! Renderers differ, so nothing is left to their judgement. A fence stands at the start of its line, where no list and no quote
//! can end it early; backticks without their partner on the line are escaped; a link is kept only in its plainest form. Inside
//! code nothing is changed, since nothing there is alive.

use crate::text::hidden::Visible;

/// What of a line is held back at most because it is not decided, in bytes. Beyond it the harmless reading counts.
const MAX_HELD: usize = 2_000;

/// Makes Markdown of an answer that comes in pieces. However it is split, the whole is the same.
#[derive(Clone, Debug, Default)]
pub struct Markdown {
    visible: Visible,
    after_return: bool,
    mode: Mode,
    /// The part of the line that is not decided.
    held: String,
    /// The word that the line ends with so far.
    word: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Mode {
    /// At the start of a line.
    #[default]
    Start,
    /// In a line of text.
    Text,
    /// At the start of a line of code.
    Code(Fence),
    /// In a line of code.
    CodeLine(Fence),
}

/// A fence that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fence {
    mark: char,
    length: usize,
    /// How far it was indented, which its lines are too.
    indent: usize,
    quoted: bool,
}

impl Markdown {
    /// Takes the next piece and gives what can be drawn of it.
    pub fn push(&mut self, text: &str) -> String {
        let text = self.unified(text);
        let text = self.visible.push(&text);
        self.take(&text)
    }

    /// No more follows: gives the rest.
    pub fn finish(&mut self) -> String {
        let text = self.visible.finish();
        let mut out = self.take(&text);
        self.decide(true, &mut out);
        out
    }

    /// What ends the fence that is open, to be drawn behind what was given so far.
    pub fn closing(&self) -> String {
        match &self.mode {
            Mode::Code(fence) => fence.line(),
            Mode::CodeLine(fence) => format!("\n{}", fence.line()),
            Mode::Start | Mode::Text => String::new(),
        }
    }

    /// Carriage returns end lines too.
    fn unified(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            let ends_return = std::mem::replace(&mut self.after_return, c == '\r');
            match c {
                '\r' => out.push('\n'),
                '\n' if ends_return => {}
                _ => out.push(c),
            }
        }
        out
    }

    fn take(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut lines = text.split('\n');
        self.held.push_str(lines.next().unwrap_or_default());
        for line in lines {
            self.decide(true, &mut out);
            out.push('\n');
            self.word.clear();
            self.mode = match std::mem::take(&mut self.mode) {
                Mode::Start | Mode::Text => Mode::Start,
                Mode::Code(fence) | Mode::CodeLine(fence) => Mode::Code(fence),
            };
            self.held.push_str(line);
        }
        self.decide(false, &mut out);
        out
    }

    /// Gives out what is decided of the line; all of it if it has ended.
    fn decide(&mut self, ended: bool, out: &mut String) {
        match self.mode.clone() {
            Mode::Start => self.begin_line(ended, out),
            Mode::Code(fence) => self.begin_code(&fence, ended, out),
            Mode::Text | Mode::CodeLine(_) => {}
        }
        match self.mode {
            Mode::Text => self.inline(ended, out),
            Mode::CodeLine(_) => out.push_str(&std::mem::take(&mut self.held)),
            Mode::Start | Mode::Code(_) => {}
        }
    }

    /// Tells a fence from text, also behind the marks of quotes and lists.
    fn begin_line(&mut self, ended: bool, out: &mut String) {
        let prefix = container(&self.held);
        let (front, rest) = self.held.split_at_checked(prefix).unwrap_or_default();
        let mark = rest.chars().next().filter(|c| matches!(c, '`' | '~'));
        let length = mark.map_or(0, |mark| rest.chars().take_while(|c| *c == mark).count());
        // A mark of a list may still become one: the digits of its number, or the dash without its blank.
        let is_open = rest
            .chars()
            .all(|c| c.is_ascii_digit() || "-*+.)".contains(c))
            && rest.len() < 12;
        let is_short = self.held.len() < MAX_HELD;
        let waits = is_open || mark.is_some() && (3 <= length || length == rest.len());
        if !ended && waits && is_short {
            return;
        }
        let info = rest.get(length..).unwrap_or_default();
        let is_fence = ended && 3 <= length && (mark == Some('~') || !info.contains('`'));
        let Some(mark) = mark.filter(|_| is_fence) else {
            self.mode = Mode::Text;
            return;
        };
        let fence = Fence {
            mark,
            length,
            indent: front.chars().count(),
            quoted: front.contains('>'),
        };
        if !front.trim().is_empty() {
            out.push_str(front.trim_end());
            out.push('\n');
        }
        out.push_str(&fence.line());
        let is_name = |c: char| c.is_alphanumeric() || "+#-_.".contains(c);
        let name = info.split_whitespace().next().unwrap_or_default();
        out.extend(name.chars().take_while(|c| is_name(*c)));
        self.held.clear();
        self.mode = Mode::Code(fence);
    }

    /// Tells the end of a fence from code.
    fn begin_code(&mut self, fence: &Fence, ended: bool, out: &mut String) {
        let line = fence.without_indent(&self.held);
        let marks = line.trim_start_matches(' ');
        let blanks = line.len() - marks.len();
        let length = marks.chars().take_while(|c| *c == fence.mark).count();
        let behind = marks.trim_start_matches(fence.mark);
        let may_close = blanks <= 3 && behind.chars().all(|c| " \t`~".contains(c));
        if !ended && may_close && self.held.len() < MAX_HELD {
            return;
        }
        let closes = may_close && fence.length <= length;
        if ended && closes && behind.trim().is_empty() {
            out.push_str(&fence.line());
            self.mode = Mode::Text;
        } else {
            // Some renderers end a fence here and others do not: indented, none does.
            let indent = if closes { "    " } else { "" };
            let line = format!("{indent}{line}");
            out.push_str(&line);
            self.mode = Mode::CodeLine(fence.clone());
        }
        self.held.clear();
    }

    fn inline(&mut self, ended: bool, out: &mut String) {
        let line = std::mem::take(&mut self.held);
        let mut rest = line.as_str();
        while let Some(c) = rest.chars().next() {
            let end = match ended {
                true => End::OfLine,
                false if MAX_HELD <= rest.len() => End::OfPatience,
                false => End::Open,
            };
            let Some((written, length)) = token(rest, &self.word, end) else {
                rest.clone_into(&mut self.held);
                return;
            };
            if c.is_whitespace() {
                self.word.clear();
            } else if self.word.len() < MAX_HELD {
                self.word.push_str(&written);
            }
            out.push_str(&written);
            rest = rest.get(length..).unwrap_or_default();
        }
    }
}

impl Fence {
    fn line(&self) -> String {
        String::from(self.mark).repeat(self.length)
    }

    /// A line of code without the marks of the quote and the indentation that the fence has.
    fn without_indent<'a>(&self, line: &'a str) -> &'a str {
        let mut rest = line;
        for _ in 0..self.indent {
            let mark = if self.quoted {
                [' ', '\t', '>']
            } else {
                [' ', '\t', ' ']
            };
            match rest.strip_prefix(mark) {
                Some(inner) => rest = inner,
                None => break,
            }
        }
        rest
    }
}

/// How many of the first bytes of a line are the marks of quotes and lists, and blanks.
fn container(line: &str) -> usize {
    let mut rest = line;
    loop {
        let inner = rest.trim_start_matches([' ', '\t', '>']);
        let number = inner.trim_start_matches(|c: char| c.is_ascii_digit());
        let digits = inner.len() - number.len();
        let bullet = inner.strip_prefix(['-', '*', '+']);
        let numbered = number
            .strip_prefix(['.', ')'])
            .filter(|_| (1..=9).contains(&digits));
        let item = bullet
            .or(numbered)
            .filter(|item| item.starts_with([' ', '\t']));
        match item {
            Some(item) => rest = item,
            None => return line.len() - inner.len(),
        }
    }
}

/// What follows a piece of a line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// More may come, and may decide.
    Open,
    /// More may come, but is not waited for.
    OfPatience,
    /// Nothing.
    OfLine,
}

/// What the beginning of a text is to be written as, and its length; nothing if that is to be decided by what may come. `word`
/// is what stands in front of it up to the last blank.
fn token(text: &str, word: &str, end: End) -> Option<(String, usize)> {
    let mut characters = text.chars();
    let first = characters.next()?;
    let second = characters.next();
    let as_it_is = || Some((first.to_string(), first.len_utf8()));
    match (first, second) {
        ('\\' | '<' | '!' | ']', None) if end == End::Open => None,
        ('\\', Some(second)) => Some((format!("\\{second}"), 1 + second.len_utf8())),
        ('<', Some('h' | 'H')) => web_address(text, end),
        ('<', Some(second)) if second.is_ascii_alphabetic() || "/!?".contains(second) => {
            Some(("\\<".to_owned(), 1))
        }
        ('!', Some('[')) => Some(("\\!".to_owned(), 1)),
        (']', Some('(' | ':')) => link(text, end),
        ('`', _) => code(text, word, end),
        _ => as_it_is(),
    }
}

/// A link from the bracket on that ends its text: kept if it leads to the web and is written without any doubt.
fn link(text: &str, end: End) -> Option<(String, usize)> {
    let defanged = || Some(("\\]".to_owned(), 1));
    let is_inline = text.starts_with("](");
    let target = text.get(2..).unwrap_or_default();
    let blanks = if is_inline {
        0
    } else {
        run(target, |c| c == ' ')
    };
    let address = target.get(blanks..).unwrap_or_default();
    match leads_to_web(address) {
        Some(true) => {}
        None if end == End::Open => return None,
        _ => return defanged(),
    }
    let mut depth = 0_usize;
    let mut length = address.len();
    for (at, c) in address.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if is_inline && depth == 0 => {
                length = at;
                break;
            }
            ')' => depth = depth.saturating_sub(1),
            '`' | '<' | '>' | '\\' | '"' | '\'' | '[' | ']' | ' ' | '\t' => return defanged(),
            _ => {}
        }
    }
    let whole = 2 + blanks + length;
    match (is_inline, length < address.len()) {
        (true, true) => Some((text.get(..=whole)?.to_owned(), whole + 1)),
        (false, false) if end == End::OfLine => Some((text.to_owned(), text.len())),
        _ if end == End::Open => None,
        _ => defanged(),
    }
}

/// Whether an address begins as those of the web do; nothing if too little of it is there to tell.
fn leads_to_web(address: &str) -> Option<bool> {
    let mut open = false;
    for scheme in ["https://", "http://"] {
        let seen = address.get(..scheme.len()).unwrap_or(address);
        let known = scheme.get(..seen.len());
        if known.is_some_and(|known| known.eq_ignore_ascii_case(seen)) {
            if seen.len() == scheme.len() {
                return Some(true);
            }
            open = true;
        }
    }
    (!open).then_some(false)
}

/// An address between angle brackets, or what merely begins so.
fn web_address(text: &str, end: End) -> Option<(String, usize)> {
    let escaped = || Some(("\\<".to_owned(), 1));
    let address = text.get(1..).unwrap_or_default();
    match leads_to_web(address) {
        Some(true) => {}
        None if end == End::Open => return None,
        _ => return escaped(),
    }
    match address.find(|c: char| c.is_whitespace() || "<>`\\\"'[](){}".contains(c)) {
        Some(at) if address.get(at..)?.starts_with('>') => {
            Some((text.get(..at + 2)?.to_owned(), at + 2))
        }
        None if end == End::Open => None,
        _ => escaped(),
    }
}

/// A code span, or backticks that are none.
fn code(text: &str, word: &str, end: End) -> Option<(String, usize)> {
    let marks = run(text, |c| c == '`');
    let mut at = marks;
    let mut closed = None;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find('`')) {
        let length = run(text.get(at + found..)?, |c| c == '`');
        at += found + length;
        let is_whole = at < text.len() || end == End::OfLine;
        if length == marks && is_whole {
            closed = Some(at);
            break;
        }
    }
    let escaped = || Some(("\\`".repeat(marks), marks));
    let Some(closed) = closed else {
        // What is not closed on its line may be closed behind it, or not, as a renderer likes.
        return if end == End::Open { None } else { escaped() };
    };
    let span = text.get(..closed)?;
    // Some renderers end an address only at a blank, split tables before they look for code, or prefer links or formulas.
    let doubts = ["](", "]:", "!["];
    let doubtful = ["://", "www."].iter().any(|begin| word.contains(begin))
        || doubts.iter().any(|doubt| span.contains(doubt))
        || span.contains('|') && span.contains('<')
        || ends_formula_before_tag(span);
    if doubtful {
        return escaped();
    }
    Some((span.to_owned(), closed))
}

/// Whether a formula between dollar signs that began in front of `span` would leave a tag in it alive.
fn ends_formula_before_tag(span: &str) -> bool {
    let behind = span.split_once('$').map_or("", |(_, behind)| behind);
    let mut tags = behind.split('<').skip(1);
    tags.any(|tag| tag.starts_with(|c: char| c.is_ascii_alphabetic() || "/!?".contains(c)))
}

/// How many of the first bytes of a text are such characters.
fn run(text: &str, is: impl Fn(char) -> bool) -> usize {
    text.find(|c| !is(c)).unwrap_or(text.len())
}

/// A text on one line as Markdown.
pub fn line(text: &str) -> String {
    let mut markdown = Markdown {
        mode: Mode::Text,
        ..Markdown::default()
    };
    let text = text.replace(['\r', '\n'], " ");
    markdown.push(&text) + &markdown.finish()
}

#[cfg(test)]
mod tests;
