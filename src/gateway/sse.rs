//! Server-sent events, from bytes in pieces of any size to events. No JSON, no meaning, no network: what an event says is
//! the surface's business.
//!
//! Written by hand because a gateway's stream is not always the standard's: it may append a bare JSON error or an HTML page
//! without framing, and end without the blank line that completes an event. A standard parser drops all of these in
//! silence, and an error would look like a short answer. A well-formed stream is read as the standard says, but for `id` and
//! `retry`, which nobody here asks for. Other streams are read differently in four ways, each on purpose:
//! - The end of the stream completes an event, and a line.
//! - Lines that begin with `{` or `<`, those that follow, and a field named `error` are kept, as what they are.
//! - Bytes that are not UTF-8 spoil no more than themselves.
//! - A line or an event beyond 8 MB is dropped, and that is told.

use std::mem::take;

/// The longest line, and the longest event, that is kept; real ones stay far below.
const LONGEST: usize = 8 << 20;

/// The most that is kept of text outside any event: enough for every error message.
const LONGEST_STRAY: usize = 64 << 10;

/// One thing that a stream said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A whole event with data.
    Message {
        /// The `event` field; empty if there was none.
        name: String,
        /// The `data` fields, joined by line feeds.
        data: String,
    },
    /// Text outside any event: a bare JSON error, an HTML page. It reaches to the next blank line or field, or to the end.
    Stray(String),
    /// A line or an event was longer than 8 MB; it is dropped.
    TooLong,
}

/// Cuts a byte stream into events. Lines may end in CR, LF or both; bytes that are not UTF-8 become U+FFFD.
///
/// The result does not depend on how the bytes are cut into pieces.
#[derive(Debug, Default)]
pub struct Decoder {
    line: Vec<u8>,
    /// The current line is too long; its rest is skipped.
    skipping: bool,
    /// The last byte was a CR: a LF that follows belongs to the same line end.
    after_return: bool,
    /// A byte order mark may only stand before the first line.
    past_first_line: bool,
    name: String,
    data: Option<String>,
    stray: Option<String>,
    /// How many bytes were touched, which tests hold against the length of the stream.
    #[cfg(test)]
    touched: u64,
}

impl Decoder {
    /// Takes the next bytes and appends the events that they complete.
    pub fn push(&mut self, mut bytes: &[u8], out: &mut Vec<Event>) {
        #[cfg(test)]
        self.touch(bytes.len());
        if self.after_return && !bytes.is_empty() {
            self.after_return = false;
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while let Some(end) = memchr::memchr2(b'\r', b'\n', bytes) {
            let (line, rest) = bytes.split_at(end);
            self.extend_line(line, out);
            self.end_line(out);
            bytes = match rest {
                [b'\r', b'\n', after @ ..] | [_, after @ ..] => after,
                [] => rest,
            };
            self.after_return = rest == b"\r";
        }
        self.extend_line(bytes, out);
    }

    /// The stream is over: what is unfinished counts as finished, since some gateways leave out the last line end.
    pub fn finish(&mut self, out: &mut Vec<Event>) {
        if !self.line.is_empty() {
            self.end_line(out);
        }
        self.end_event(out);
        self.end_stray(out);
    }

    fn extend_line(&mut self, bytes: &[u8], out: &mut Vec<Event>) {
        if self.skipping {
            return;
        }
        if LONGEST < self.line.len() + bytes.len() {
            self.skipping = true;
            self.line = Vec::new();
            out.push(Event::TooLong);
            return;
        }
        #[cfg(test)]
        self.touch(bytes.len());
        self.line.extend_from_slice(bytes);
    }

    fn end_line(&mut self, out: &mut Vec<Event>) {
        if take(&mut self.skipping) {
            return;
        }
        let bytes = take(&mut self.line);
        #[cfg(test)]
        self.touch(bytes.len());
        let mut line = bytes.as_slice();
        if !self.past_first_line {
            self.past_first_line = true;
            line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
        }
        self.take_line(&String::from_utf8_lossy(line), out);
        // The allocation serves the next line.
        self.line = bytes;
        self.line.clear();
    }

    fn take_line(&mut self, line: &str, out: &mut Vec<Event>) {
        if line.is_empty() {
            self.end_event(out);
            self.end_stray(out);
            return;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                self.end_stray(out);
                self.take_data(value, out);
            }
            "event" => {
                self.end_stray(out);
                value.clone_into(&mut self.name);
            }
            // The first is a comment, sent to keep the connection open.
            "" | "id" | "retry" => self.end_stray(out),
            // Older llama.cpp servers frame an error as a field of this name.
            "error" => self.take_stray(value, out),
            _ if self.stray.is_some() || line.starts_with(['{', '<']) => self.take_stray(line, out),
            _ => {}
        }
    }

    fn take_data(&mut self, value: &str, out: &mut Vec<Event>) {
        #[cfg(test)]
        self.touch(value.len());
        match &mut self.data {
            None => self.data = Some(value.to_owned()),
            Some(data) if LONGEST < data.len() + value.len() => {
                self.data = None;
                out.push(Event::TooLong);
            }
            Some(data) => {
                data.push('\n');
                data.push_str(value);
            }
        }
    }

    fn take_stray(&mut self, line: &str, out: &mut Vec<Event>) {
        // An event before it was completed by nothing but this line; it comes first.
        self.end_event(out);
        match &mut self.stray {
            None => self.stray = Some(line.to_owned()),
            Some(stray) if LONGEST_STRAY < stray.len() + line.len() => {}
            Some(stray) => {
                stray.push('\n');
                stray.push_str(line);
            }
        }
    }

    #[cfg(test)]
    fn touch(&mut self, bytes: usize) {
        self.touched += bytes as u64;
    }

    /// How many bytes were touched so far, and how many are kept.
    #[cfg(test)]
    pub(super) fn burden(&self) -> (u64, usize) {
        let kept = |text: &Option<String>| text.as_ref().map_or(0, String::capacity);
        let kept =
            self.line.capacity() + self.name.capacity() + kept(&self.data) + kept(&self.stray);
        (self.touched, kept)
    }

    fn end_event(&mut self, out: &mut Vec<Event>) {
        let name = take(&mut self.name);
        if let Some(data) = self.data.take().filter(|data| !data.is_empty()) {
            out.push(Event::Message { name, data });
        }
    }

    fn end_stray(&mut self, out: &mut Vec<Event>) {
        out.extend(self.stray.take().map(Event::Stray));
    }
}

#[cfg(test)]
mod tests;
