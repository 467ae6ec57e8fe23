//! Replies with anything in them, at random: recorded ones, damaged, joined, and cut in other places. Nothing panics, the cuts
//! change nothing, the work grows with the bytes and not faster, and no stream makes the reader keep more than its bounds.
//! `EZROUTER_FUZZ` sets the number of replies, `EZROUTER_SEED` the seed, which is printed.
#![expect(
    clippy::disallowed_methods,
    reason = "the knobs of a test are variables"
)]

use fastrand::Rng;

use super::*;

/// How often a byte of a stream may be touched: once to look for its line's end, once each to keep it, to decode it and to
/// take it over into an event.
const TOUCHES: u64 = 4;

/// The most that may be kept of a stream: a line or an event of 8 MB, in a buffer that grows by doubling, and some more.
const KEPT: usize = 17 << 20;

const REPLIES: u64 = 600;

/// What streams are made of, and what does not belong into them.
const TOKENS: &[&str] = &[
    "data:",
    "data: ",
    "event: error\n",
    "event: ",
    "error: ",
    ": PING\n\n",
    "\n",
    "\r",
    "\r\n",
    "\n\n",
    "\u{feff}",
    "{",
    "}",
    "<",
    "<think>",
    "</think>",
    "[DONE]",
    "data: [DONE]\n\n",
    "null",
    "\\u0000",
    "\\ud800",
    "\u{0}",
    "é",
    "🦀",
    "data: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}\n\n",
    "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\n",
    "data: {\"type\":\"message_start\",\"message\":{\"id\":\"y\"}}\n\n",
    "{\"error\":{\"message\":\"no\"}}",
];

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// The bodies of the recorded replies, none longer than is good for many rounds.
fn recorded() -> Vec<Vec<u8>> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/transcripts");
    let mut paths: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "http"))
        .collect();
    paths.sort();
    let body = |path: &std::path::PathBuf| {
        let reply = std::fs::read(path).unwrap();
        let start = memchr::memmem::find(&reply, b"\r\n\r\n").unwrap() + 4;
        reply[start..].iter().copied().take(4_000).collect()
    };
    paths.iter().map(body).collect()
}

/// A recorded reply with some damage.
fn damaged(recorded: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    let any = |rng: &mut Rng| recorded[rng.usize(..recorded.len())].clone();
    let mut reply = any(rng);
    for _ in 0..rng.usize(..6) {
        let at = rng.usize(..=reply.len());
        let end = (at + rng.usize(..200)).min(reply.len());
        match rng.u8(..6) {
            0 => drop(reply.drain(at..end)),
            1 => {
                let twice = reply[at..end].to_vec();
                reply.splice(at..at, twice);
            }
            2 => {
                let token = TOKENS[rng.usize(..TOKENS.len())];
                reply.splice(at..at, token.bytes());
            }
            3 => {
                let noise: Vec<u8> = (0..rng.usize(..20)).map(|_| rng.u8(..)).collect();
                reply.splice(at..end, noise);
            }
            4 => {
                let other = any(rng);
                let from = rng.usize(..=other.len());
                reply.splice(at.., other[from..].iter().copied());
            }
            _ => {
                let long = vec![b"x\n:{<"[rng.usize(..5)]; rng.usize(..3_000)];
                reply.splice(at..at, long);
            }
        }
    }
    reply
}

/// What a reply tells when it comes in pieces of at most `most` bytes; holds what it costs.
fn tell(
    surface: Surface,
    reply: &[u8],
    most: usize,
    rng: &mut Rng,
) -> (Vec<Signal>, Result<Finish, Setback>) {
    let mut reader = Reader::new(surface, Thoughts::out());
    let mut signals = Vec::new();
    let mut rest = reply;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rng.usize(1..=most.min(rest.len())));
        let progress = reader.push(piece, &mut signals);
        let (work, kept) = burden(&reader);
        assert!(
            work <= TOUCHES * reply.len() as u64,
            "{work} for {}",
            reply.len()
        );
        assert!(kept <= KEPT);
        if let Progress::Ended(end) = progress {
            return (signals, end);
        }
        rest = after;
    }
    let end = reader.finish(&mut signals);
    (signals, end)
}

/// How many bytes a reader has touched, and how many it keeps.
fn burden(reader: &Reader) -> (u64, usize) {
    match &reader.shape {
        Shape::Unknown => (0, 0),
        Shape::Stream(decoder) => decoder.burden(),
        Shape::Whole(body) => (0, body.capacity()),
    }
}

#[test]
fn whatever_comes_is_read_alike_in_any_pieces_at_a_cost_that_is_bounded() {
    let seed = variable("EZROUTER_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("EZROUTER_SEED={seed}");
    let mut rng = Rng::with_seed(seed);
    let recorded = recorded();
    let mut ends = [0; 2];
    for _ in 0..variable("EZROUTER_FUZZ").unwrap_or(REPLIES) {
        let reply = damaged(&recorded, &mut rng);
        for surface in [Surface::OpenAi, Surface::Anthropic] {
            let whole = tell(surface, &reply, usize::MAX, &mut rng);
            for most in [1, 7, 300] {
                let cut = tell(surface, &reply, most, &mut rng);
                assert!(
                    cut == whole,
                    "{surface:?} in pieces of {most}: {}",
                    reply.escape_ascii()
                );
            }
            let (signals, end) = whole;
            ends[usize::from(end.is_ok())] += 1;
            let text: String = signals
                .iter()
                .filter_map(|signal| match signal {
                    Signal::Text(text) => Some(text.as_str()),
                    _ => None,
                })
                .collect();
            if let Ok(Finish::Complete | Finish::Length) = end {
                assert!(!text.trim().is_empty(), "{}", reply.escape_ascii());
            }
        }
    }
    assert!(
        ends.iter().all(|count| 0 < *count),
        "only one kind of end: {ends:?}"
    );
}

#[test]
fn no_endless_stream_makes_the_reader_keep_more_than_its_bounds() {
    let piece = |text: &str| text.repeat((1 << 16) / text.len());
    for (name, begin, endless) in [
        ("one line", "data: ", piece("x")),
        (
            "data that no blank line ends",
            "",
            piece("data: xxxxxxxxxxxxxxxx\n"),
        ),
        (
            "text outside of events",
            "<html>\n",
            piece("<p>xxxxxxxxxxxxxxxxx</p>\n"),
        ),
        ("a comment", ": ", piece("x")),
        ("comments", "", piece(":\n\n")),
        ("the name of an event", "event: ", piece("x")),
        ("white space", "", piece(" \n")),
        ("JSON", "{\"a\":\"", piece("x")),
        ("lines of nothing", "data: x\n\n", piece("\r\n")),
    ] {
        let mut reader = Reader::new(Surface::OpenAi, Thoughts::out());
        let mut signals = Vec::new();
        reader.push(begin.as_bytes(), &mut signals);
        let mut bytes = begin.len() as u64;
        while bytes < 20 << 20 {
            let progress = reader.push(endless.as_bytes(), &mut signals);
            bytes += endless.len() as u64;
            let (work, kept) = burden(&reader);
            assert!(kept <= KEPT, "{name}: {kept} bytes are kept");
            assert!(work <= TOUCHES * bytes, "{name}: {work} for {bytes}");
            if let Progress::Ended(_) = progress {
                break;
            }
        }
        let end = reader.finish(&mut signals);
        assert!(end.is_err(), "{name}");
        assert!(signals.is_empty(), "{name}");
    }
}
