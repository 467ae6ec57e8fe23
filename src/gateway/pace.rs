//! How long the next byte of a reply may take. It has no clock of its own: every moment is given to it.

use std::time::{Duration, Instant};

use super::error::{Failure, Kind};
use super::reader::Progress;
use super::signal::Signal;
use crate::prompt::Thinking;

/// How long to wait for what. There is no limit on a whole request: a long answer is not a fault.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timeouts {
    /// Until the connection stands.
    pub connect: Duration,
    /// Until the headers, and from them until the first byte. The gateway sends headers with the first token, and its
    /// reference names delay as its only sign of overload, so this is long.
    pub first_byte: Duration,
    /// Between two bytes; a comment that keeps the connection open counts.
    pub idle: Duration,
    /// Between two pieces of text or thinking, whatever else comes.
    pub content: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(90),
            idle: Duration::from_secs(60),
            content: Duration::from_secs(300),
        }
    }
}

impl Timeouts {
    /// The limits for a model that may think: it may be silent twice as long before its answer and within it.
    pub(super) fn with(self, thinking: Thinking) -> Self {
        if thinking == Thinking::Off {
            return self;
        }
        Self {
            first_byte: self.first_byte.saturating_mul(2),
            idle: self.idle.saturating_mul(2),
            ..self
        }
    }
}

/// How long token counts and the end mark are waited for once the answer is whole.
const CLOSING: Duration = Duration::from_secs(2);

/// When the next byte of a reply must have come.
#[derive(Debug)]
pub struct Pace {
    timeouts: Timeouts,
    /// When the last byte came, or the headers.
    heard: Instant,
    /// When the last content came, or the headers.
    content: Instant,
    phase: Phase,
}

#[derive(Debug, PartialEq)]
enum Phase {
    BeforeFirstByte,
    Streaming,
    /// The answer is whole.
    Closing,
}

impl Pace {
    /// The headers came at `now`.
    pub fn new(timeouts: Timeouts, now: Instant) -> Self {
        Self {
            timeouts,
            heard: now,
            content: now,
            phase: Phase::BeforeFirstByte,
        }
    }

    /// Bytes came at `now`; they told `signals`, and the reply is now as far as `progress`.
    pub fn note(&mut self, signals: &[Signal], progress: &Progress, now: Instant) {
        let phase = if *progress == Progress::Finished {
            Phase::Closing
        } else {
            Phase::Streaming
        };
        self.heard = now;
        if !signals.is_empty() || (phase == Phase::Closing && self.phase != Phase::Closing) {
            self.content = now;
        }
        self.phase = phase;
    }

    /// When the next byte must have come.
    pub fn deadline(&self) -> Instant {
        let content = self.content + self.timeouts.content;
        match self.phase {
            Phase::BeforeFirstByte => content.min(self.heard + self.timeouts.first_byte),
            Phase::Streaming => content.min(self.heard + self.timeouts.idle),
            // Counted from the last content: comments must not hold back an answer that is whole.
            Phase::Closing => self.content + CLOSING.min(self.timeouts.idle),
        }
    }

    /// The failure if the deadline passes before the answer is whole.
    pub fn failure(&self) -> Failure {
        let content = self.content + self.timeouts.content;
        if content <= self.deadline() && self.content < self.heard {
            let limit = self.timeouts.content.as_secs_f64();
            return Failure::new(
                Kind::Silence,
                format!(
                    "The gateway keeps the connection open, but the model wrote nothing for {limit} s"
                ),
                "Try again, or choose another model",
            );
        }
        silence(match self.phase {
            Phase::BeforeFirstByte => self.timeouts.first_byte,
            Phase::Streaming | Phase::Closing => self.timeouts.idle,
        })
    }
}

/// The failure if no byte came for so long.
pub fn silence(limit: Duration) -> Failure {
    Failure::new(
        Kind::Silence,
        format!(
            "Nothing came from the gateway for {} s",
            limit.as_secs_f64()
        ),
        "Try again, or choose another model: the gateway is slow when it is overloaded",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinking_doubles_what_may_pass_in_silence_and_nothing_else() {
        let plain = Timeouts::default();
        assert_eq!(plain.with(Thinking::Off), plain);
        for thinking in [Thinking::Auto, Thinking::Low, Thinking::High] {
            let longer = plain.with(thinking);
            assert_eq!(longer.first_byte, Duration::from_secs(180));
            assert_eq!(longer.idle, Duration::from_secs(120));
            assert_eq!(
                (longer.connect, longer.content),
                (plain.connect, plain.content)
            );
        }
    }

    /// What comes at a second: nothing that counts, some text, or the finish reason.
    #[derive(Clone, Copy)]
    enum Heard {
        Comment,
        Text,
        Finish,
    }

    /// What is heard when, the deadline after it in seconds, and how the failure begins.
    type Case = (&'static [(u64, Heard)], u64, &'static str);

    #[test]
    fn the_deadline_follows_what_was_heard_last() {
        use Heard::{Comment, Finish, Text};
        let table: &[Case] = &[
            (&[], 90, "Nothing came from the gateway for 90 s"),
            (
                &[(10, Comment)],
                70,
                "Nothing came from the gateway for 60 s",
            ),
            (&[(10, Text)], 70, "Nothing came from the gateway for 60 s"),
            (
                &[(50, Comment), (100, Comment), (150, Comment)],
                210,
                "Nothing came",
            ),
            (
                &[(50, Comment), (290, Comment)],
                300,
                "The gateway keeps the connection open, but the model wrote nothing for 300 s",
            ),
            (
                &[(50, Text), (345, Comment)],
                350,
                "The gateway keeps the connection open",
            ),
            (&[(50, Text), (345, Text)], 405, "Nothing came"),
            (&[(10, Text), (20, Finish)], 22, ""),
            (&[(10, Text), (20, Finish), (21, Comment)], 22, ""),
            (&[(10, Text), (20, Finish), (21, Text)], 23, ""),
        ];
        let start = Instant::now();
        for (heard, deadline, words) in table {
            let mut pace = Pace::new(Timeouts::default(), start);
            let mut progress = Progress::Open;
            for (second, what) in *heard {
                let signals = match what {
                    Comment => vec![],
                    Text => vec![Signal::Text("x".to_owned())],
                    Finish => {
                        progress = Progress::Finished;
                        vec![]
                    }
                };
                pace.note(&signals, &progress, start + Duration::from_secs(*second));
            }
            assert_eq!((pace.deadline() - start).as_secs(), *deadline, "{words}");
            if progress == Progress::Open {
                let failure = pace.failure();
                assert_eq!(failure.kind, Kind::Silence);
                assert!(failure.what.starts_with(words), "{failure}");
            }
        }
    }
}
