//! What is promised in the file beside this one, as tables.

use proptest::prelude::*;

use super::*;

/// Every frame of a stream that arrives in pieces of the given sizes, over and over.
fn frames(stream: &[u8], sizes: &[usize]) -> Vec<Frame> {
    let mut framing = Framing::default();
    let mut found = Vec::new();
    let mut rest = stream;
    for &size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, behind) = rest.split_at(size.min(rest.len()));
        framing.push(piece);
        found.extend(std::iter::from_fn(|| framing.next_frame()));
        rest = behind;
    }
    found
}

fn body(text: &str) -> Frame {
    Frame::Body(Bytes::copy_from_slice(text.as_bytes()))
}

const MISSING: Frame = Frame::Lost("a header without Content-Length");
const NO_NUMBER: Frame = Frame::Lost("a Content-Length that is no number");
const TOO_LARGE: Frame = Frame::Lost("a Content-Length beyond 256 MiB");

#[test]
fn a_body_is_found_behind_every_header_that_says_its_length() {
    for header in [
        "Content-Length: 2\r\n\r\n",
        "content-length: 2\r\n\r\n",
        "CONTENT-LENGTH:2\r\n\r\n",
        "Content-Length : 2 \r\n\r\n",
        "Content-Length: 2\n\n",
        "Content-Length: 0002\r\n\r\n",
        "\r\n\n\r\nContent-Length: 2\r\n\r\n",
        "Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: 2\r\n\r\n",
        "Content-Length: 2\r\nX-Other\r\n\r\n",
        "a stray line\r\nContent-Length: 2\r\n\r\n",
        "glued to itContent-Length: 2\r\n\r\n",
        "Content-Length: 7Content-Length: 2\r\n\r\n",
        "Content-Length: 7\r\nContent-Length: 2\r\n\r\n",
        "\u{feff}Content-Length: 2\r\n\r\n",
    ] {
        let stream = format!("{header}{{}}Content-Length: 0\r\n\r\n");
        for size in [1, 2, 3, 1000] {
            assert_eq!(
                frames(stream.as_bytes(), &[size]),
                [body("{}"), body("")],
                "{header:?} by {size}"
            );
        }
    }
}

#[test]
fn an_unusable_header_loses_one_message_and_says_so_once() {
    let next = "Content-Length: 4\r\n\r\nnext";
    for (stream, lost) in [
        ("Content-Type: x\r\n\r\n{}", MISSING),
        ("noise\n\nmore noise\n\n", MISSING),
        ("Content-Length: abc\r\n\r\n{}", NO_NUMBER),
        ("Content-Length: -2\r\n\r\n{}", NO_NUMBER),
        ("Content-Length: 2.0\r\n\r\n{}", NO_NUMBER),
        ("Content-Length: +2\r\n\r\n{}", NO_NUMBER),
        ("Content-Length:\r\nContent-Length: ?\r\n\r\n{}", NO_NUMBER),
        ("Content-Length: 268435457\r\n\r\n{}\r\n\r\n", TOO_LARGE),
        (
            "Content-Length: 99999999999999999999999\r\n\r\n{}",
            TOO_LARGE,
        ),
    ] {
        let stream = format!("{stream}{next}");
        for size in [1, 2, 3, 1000] {
            assert_eq!(
                frames(stream.as_bytes(), &[size]),
                [lost.clone(), body("next")],
                "{stream:?} by {size}"
            );
        }
    }
}

#[test]
fn a_body_of_another_length_than_announced_costs_at_most_the_next_message() {
    let next = "Content-Length: 4\r\n\r\nnext";
    let short = format!("Content-Length: 1\r\n\r\n{{}}{next}");
    assert_eq!(frames(short.as_bytes(), &[7]), [body("{"), body("next")]);
    let long = format!("Content-Length: 9\r\n\r\n{{}}{next}{next}");
    assert_eq!(
        frames(long.as_bytes(), &[7]),
        [body("{}Content"), MISSING, body("next")]
    );
}

#[test]
fn endless_noise_costs_no_memory() {
    let mut framing = Framing::default();
    for _ in 0..10_000 {
        framing.push(&[b'x'; 1000]);
        assert_eq!(framing.next_frame(), None);
        assert!(framing.buffer.len() <= LONGEST_LINE + 1000);
    }
    framing.push(b"Content-Len");
    assert_eq!(framing.next_frame(), None);
    framing.push(b"gth: 2\r\n\r\n{}");
    assert_eq!(framing.next_frame(), Some(body("{}")));
}

/// Bytes that look like the protocol, and bytes that do not.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"Content-Length: ".to_vec()),
        Just(b"\r\n\r\n".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"{}".to_vec()),
        "[0-9]{1,3}".prop_map(String::into_bytes),
        proptest::collection::vec(any::<u8>(), 0..20),
    ];
    proptest::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_bytes_panic_and_chunks_make_no_difference(stream in soup(), sizes in proptest::collection::vec(1_usize..40, 1..10)) {
        prop_assert_eq!(frames(&stream, &sizes), frames(&stream, &[stream.len().max(1)]));
    }

    /// Noise without a colon holds no header, so every message between it must come through, in order.
    #[test]
    fn every_message_between_noise_is_found(
        parts in proptest::collection::vec(("[^:]{0,60}", ".{0,60}"), 0..6),
        sizes in proptest::collection::vec(1_usize..40, 1..10),
    ) {
        let message = |(noise, text): &(String, String)| format!("{noise}Content-Length: {}\r\n\r\n{text}", text.len());
        let stream = parts.iter().map(message).collect::<Vec<_>>().concat();
        let found = frames(stream.as_bytes(), &sizes);
        let bodies: Vec<_> = found.into_iter().filter(|frame| matches!(frame, Frame::Body(_))).collect();
        let expected: Vec<_> = parts.iter().map(|(_, text)| body(text)).collect();
        prop_assert_eq!(bodies, expected);
    }
}
