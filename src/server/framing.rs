//! Cuts the bytes that a client writes into message bodies (LSP 3.18, "Base Protocol") and finds the next header again
//! after anything that is none. It knows nothing of JSON, and it never fails: a bad header costs one message, not the
//! connection.

use bytes::{Buf, Bytes, BytesMut};

/// The largest body that is read, in bytes. Nothing that an editor sends comes near; a header that claims more is an error.
pub const LARGEST_BODY: usize = 256 << 20;

/// The longest header line that is kept while its end has not come, in bytes.
const LONGEST_LINE: usize = 8 << 10;

/// How much of an overlong line is kept, in bytes: enough for a `Content-Length` header whose first half is already here.
const KEPT_OF_LONG_LINE: usize = 128;

const LENGTH_FIELD: &[u8] = b"content-length";

/// What [`Framing::next_frame`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// The body of a message, as its header announced it.
    Body(Bytes),
    /// A message was lost because its header does not say, in a usable way, how long it is. The text says what was wrong.
    Lost(&'static str),
}

/// A buffer that bytes are pushed into, in pieces of any size, and frames are taken out of.
///
/// Header names are read in any case, unknown headers are skipped, lines may end in LF alone, and blank lines before a
/// header do not matter. A line that has `Content-Length:` behind other text counts as that header: so the stream is found
/// again when an earlier message was longer or shorter than it said, or when something else wrote into the pipe.
#[derive(Debug, Default)]
pub struct Framing {
    buffer: BytesMut,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Between two messages.
    #[default]
    Between,
    /// Inside a header that has not named a length yet.
    Header,
    /// Inside a header that has named the length of its body.
    Measured(usize),
    /// Behind the blank line that ends a header.
    Body(usize),
    /// A message was lost and reported; the next usable length ends this.
    Lost,
}

impl Framing {
    /// Takes the next bytes of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next frame, or `None` if it is not complete yet. Call it until it gives `None`.
    pub fn next_frame(&mut self) -> Option<Frame> {
        loop {
            if let State::Body(length) = self.state {
                if self.buffer.len() < length {
                    return None;
                }
                self.state = State::Between;
                return Some(Frame::Body(self.buffer.split_to(length).freeze()));
            }
            let line = self.next_line()?;
            if let Some(reason) = self.read_line(&line) {
                return Some(Frame::Lost(reason));
            }
        }
    }

    /// The next line without its line ending. While there is none, an overlong beginning is thrown away, so that a stream
    /// of noise costs no memory.
    fn next_line(&mut self) -> Option<Bytes> {
        let Some(found) = memchr::memchr(b'\n', &self.buffer) else {
            if LONGEST_LINE < self.buffer.len() {
                self.buffer.advance(self.buffer.len() - KEPT_OF_LONG_LINE);
            }
            return None;
        };
        let mut line = self.buffer.split_to(found);
        self.buffer.advance(1);
        if line.ends_with(b"\r") {
            line.truncate(line.len() - 1);
        }
        Some(line.freeze())
    }

    /// Takes one header line in. Gives a reason when it shows that a message is lost.
    fn read_line(&mut self, line: &[u8]) -> Option<&'static str> {
        if line.is_empty() {
            let (state, reason) = match self.state {
                State::Measured(length) => (State::Body(length), None),
                State::Header => (State::Lost, Some("a header without Content-Length")),
                state => (state, None),
            };
            self.state = state;
            return reason;
        }
        match content_length(line) {
            Some(Ok(length)) => self.state = State::Measured(length),
            Some(Err(reason)) => {
                let reported = self.state == State::Lost;
                self.state = State::Lost;
                return (!reported).then_some(reason);
            }
            None if self.state == State::Between => self.state = State::Header,
            None => {}
        }
        None
    }
}

/// The length that a header line names: `None` if it is another line, an error if the number cannot be used.
fn content_length(line: &[u8]) -> Option<Result<usize, &'static str>> {
    let name_ends = line
        .windows(LENGTH_FIELD.len())
        .rposition(|window| window.eq_ignore_ascii_case(LENGTH_FIELD))?
        + LENGTH_FIELD.len();
    let value = line
        .get(name_ends..)?
        .trim_ascii_start()
        .strip_prefix(b":")?
        .trim_ascii();
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Some(Err("a Content-Length that is no number"));
    }
    let length = std::str::from_utf8(value)
        .ok()
        .and_then(|digits| digits.parse::<usize>().ok());
    Some(
        length
            .filter(|length| *length <= LARGEST_BODY)
            .ok_or("a Content-Length beyond 256 MiB"),
    )
}

#[cfg(test)]
mod tests;
