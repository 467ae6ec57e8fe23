//! The decoder against the standard, and on what gateways do beside it.

use std::convert::Infallible;

use futures_util::StreamExt;
use proptest::prelude::*;

use super::*;

/// Decodes `bytes`, cut at the given places.
fn decode(bytes: &[u8], cuts: impl IntoIterator<Item = usize>) -> Vec<Event> {
    let mut decoder = Decoder::default();
    let mut events = Vec::new();
    let mut start = 0;
    for cut in cuts {
        let cut = cut.clamp(start, bytes.len());
        decoder.push(&bytes[start..cut], &mut events);
        start = cut;
    }
    decoder.push(&bytes[start..], &mut events);
    decoder.finish(&mut events);
    events
}

fn message(data: &str) -> Event {
    named("", data)
}

fn named(name: &str, data: &str) -> Event {
    Event::Message {
        name: name.to_owned(),
        data: data.to_owned(),
    }
}

fn stray(text: &str) -> Event {
    Event::Stray(text.to_owned())
}

#[test]
fn every_form_of_event_is_read_however_it_is_cut() {
    let table: &[(&[u8], &[Event])] = &[
        (b"", &[]),
        (b"\n\n\r\n\r", &[]),
        (b"data: a\n\n", &[message("a")]),
        (
            b"data:a\r\n\r\ndata:b\r\rdata: c\n\n",
            &[message("a"), message("b"), message("c")],
        ),
        (b"data:  two spaces\n\n", &[message(" two spaces")]),
        (b"data: a\ndata: b\n\n", &[message("a\nb")]),
        (b"data: a\ndata\ndata:\n\n", &[message("a\n\n")]),
        (b"data:\n\n", &[]),
        (b"event: ping\n\ndata: a\n\n", &[message("a")]),
        (b"event: ping\ndata: {}\n\n", &[named("ping", "{}")]),
        (b"event: a\nevent: b\ndata: x\n\n", &[named("b", "x")]),
        (b": PING\n\n:\n\ndata: a\n: in between\n\n", &[message("a")]),
        (b"id: 7\nretry: 10\ndata: a\n\n", &[message("a")]),
        (b"unknown: x\nalso unknown\ndata: a\n\n", &[message("a")]),
        (
            "\u{feff}data: a\n\n\u{feff}data: b\n\n".as_bytes(),
            &[message("a")],
        ),
        ("data: 你好\n\n".as_bytes(), &[message("你好")]),
        (b"data: \xff\xe4\xbd\n\n", &[message("\u{fffd}\u{fffd}")]),
        // The end of the stream completes what is unfinished.
        (b"data: a\n", &[message("a")]),
        (b"data: [DONE]", &[message("[DONE]")]),
        (b"data: a\r", &[message("a")]),
        // Errors without framing.
        (b": PING\n\n{\"error\":{}}", &[stray("{\"error\":{}}")]),
        (
            b"data: a\n\n{\"error\":{}}",
            &[message("a"), stray("{\"error\":{}}")],
        ),
        (
            b"data: a\n{\"error\":{}}",
            &[message("a"), stray("{\"error\":{}}")],
        ),
        (
            b"{\n  \"error\": {}\n}\n\ndata: b\n\n",
            &[stray("{\n  \"error\": {}\n}"), message("b")],
        ),
        (
            b"<html>\r\n<body>502</body>\n",
            &[stray("<html>\n<body>502</body>")],
        ),
        (
            b"{\"a\":1}\ndata: b\n\n",
            &[stray("{\"a\":1}"), message("b")],
        ),
        (b"error: {\"code\":500}\n\n", &[stray("{\"code\":500}")]),
    ];
    for (bytes, events) in table {
        let shown = String::from_utf8_lossy(bytes);
        assert_eq!(decode(bytes, []), *events, "{shown:?} in one piece");
        for size in [1, 2, 7] {
            assert_eq!(
                decode(bytes, (0..bytes.len()).step_by(size)),
                *events,
                "{shown:?} in pieces of {size}"
            );
        }
    }
}

#[test]
fn a_line_of_a_megabyte_is_kept_and_one_above_the_limit_is_dropped() {
    let long = "x".repeat(1 << 20);
    // Not `assert_eq`, which would print megabytes.
    assert!(decode(format!("data: {long}\n\n").as_bytes(), []) == [message(&long)]);
    let too_long = format!("data: {}\n\ndata: b\n\n", "x".repeat(LONGEST));
    for size in [too_long.len(), 1 << 16] {
        let cuts = (0..too_long.len()).step_by(size);
        assert!(decode(too_long.as_bytes(), cuts) == [Event::TooLong, message("b")]);
    }
    let line = format!("data: {}\n", "x".repeat(LONGEST / 2 + 1));
    let many_lines = format!("{line}{line}\ndata: b\n\n");
    assert!(decode(many_lines.as_bytes(), []) == [Event::TooLong, message("b")]);
}

#[test]
fn text_outside_events_is_kept_up_to_a_limit() {
    let page = format!("<html>\n{}", "<p>line</p>\n".repeat(LONGEST_STRAY));
    let events = decode(page.as_bytes(), []);
    let [Event::Stray(text)] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert!(text.starts_with("<html>\n<p>line</p>\n") && text.len() <= LONGEST_STRAY + 1);
}

/// What another decoder, one that knows the standard only, makes of a stream that comes in these pieces; `None` for an
/// error, which ends it.
fn oracle(pieces: &[&[u8]]) -> Vec<Option<Event>> {
    let pieces: Vec<_> = pieces
        .iter()
        .map(|piece| Ok::<_, Infallible>(bytes::Bytes::copy_from_slice(piece)))
        .collect();
    let stream = futures_util::stream::iter(pieces);
    let events = sse_stream::SseStream::from_bytes_stream(stream).collect::<Vec<_>>();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    // It also gives events without data, which the standard does not dispatch.
    let dispatched = |event: sse_stream::Sse| {
        let data = event.data.filter(|data| !data.is_empty())?;
        Some(named(&event.event.unwrap_or_default(), &data))
    };
    let events = runtime.block_on(events).into_iter();
    events
        .filter_map(|event| match event {
            Ok(event) => dispatched(event).map(Some),
            Err(_) => Some(None),
        })
        .collect()
}

/// A stream, what ours makes of it, and what the standard's does.
type Difference = (&'static [u8], Vec<Event>, Vec<Option<Event>>);

#[test]
fn it_differs_from_the_standard_only_where_that_would_lose_something() {
    let some = |data: &str| Some(message(data));
    let table: Vec<Difference> = vec![
        (
            b"data: a\n\ndata: b",
            vec![message("a"), message("b")],
            vec![some("a")],
        ),
        (
            b"data: a\n\ndata: b\n",
            vec![message("a"), message("b")],
            vec![some("a")],
        ),
        (
            b"data: a\n\n{\"error\":{}}",
            vec![message("a"), stray("{\"error\":{}}")],
            vec![some("a")],
        ),
        (
            b"{\"error\":{}}\n\ndata: a\n\n",
            vec![stray("{\"error\":{}}"), message("a")],
            vec![some("a")],
        ),
        (b"<html>\n\n", vec![stray("<html>")], vec![]),
        (b"error: {}\n\n", vec![stray("{}")], vec![]),
        (
            b"data: \xff\n\ndata: a\n\n",
            vec![message("\u{fffd}"), message("a")],
            vec![None],
        ),
    ];
    for (bytes, ours, standard) in table {
        let shown = String::from_utf8_lossy(bytes);
        assert_eq!(decode(bytes, []), ours, "{shown:?}");
        assert_eq!(oracle(&[bytes]), standard, "{shown:?}");
    }
}

/// Streams as the standard has them: lines of every kind and line end, closed by a blank line.
fn streams() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just(String::new()),
        "[ -~é你🦀]{0,12}",
        Just(" {\"a\":1}".to_owned()),
        Just(" [DONE]".to_owned())
    ];
    let field = prop_oneof![8 => Just("data"), 2 => Just("event"), 1 => Just(""), 1 => Just("id"), 1 => Just("retry"), 1 => Just("other")];
    let line = prop_oneof![
        4 => (field, value).prop_map(|(field, value)| format!("{field}:{value}")),
        1 => Just("data".to_owned()),
        3 => Just(String::new()),
    ];
    let end = prop_oneof![Just("\n"), Just("\r\n"), Just("\r")];
    let lines = prop::collection::vec((line, end), 0..24);
    lines.prop_map(|lines| {
        let text: String = lines
            .into_iter()
            .flat_map(|(line, end)| [line, end.to_owned()])
            .collect();
        format!("{text}\n\n")
    })
}

proptest! {
    #[test]
    fn a_well_formed_stream_reads_as_another_decoder_reads_it(stream in streams(), size in 1..60_usize) {
        let stream = stream.as_bytes();
        let ours: Vec<_> = decode(stream, (0..stream.len()).step_by(size)).into_iter().map(Some).collect();
        prop_assert_eq!(&ours, &oracle(&[stream]));
        let pieces: Vec<_> = stream.chunks(size).collect();
        prop_assert_eq!(&ours, &oracle(&pieces));
    }

    #[test]
    fn the_places_of_the_cuts_do_not_matter(stream in streams(), mut cuts in prop::collection::vec(0..400_usize, 0..20)) {
        cuts.sort_unstable();
        let whole = decode(stream.as_bytes(), []);
        prop_assert_eq!(&decode(stream.as_bytes(), cuts), &whole);
        prop_assert_eq!(&decode(stream.as_bytes(), 0..stream.len()), &whole);
    }

    #[test]
    fn no_bytes_make_it_panic_and_no_cut_changes_the_result(
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"\r\n:{<d ".to_vec())], 0..120),
        cut in 0..120_usize,
    ) {
        prop_assert_eq!(decode(&bytes, [cut]), decode(&bytes, []));
    }
}
