//! How bodies are written, and how replies of every shape end.

use proptest::prelude::*;

use super::super::error::{Kind, Repeat};
use super::super::reader::tests::{self as reader, Case, ends, fails, whole};
use super::super::signal::{Finish, Signal};
use super::super::surface::Surface::Anthropic;
use super::*;
use crate::prompt::{Message, Thinking};

const HALF_WAY: &str = "The reply stopped half-way";
const ANOTHER: &str = "The gateway broke off the answer and began another one";

#[track_caller]
fn check(cases: &[Case]) {
    reader::check(Anthropic, cases);
}

/// An event as the gateway writes it, with three line feeds behind it.
fn event(kind: &str, mut event: Value) -> String {
    event["type"] = kind.into();
    format!("event: {kind}\ndata: {event}\n\n\n")
}

fn start(id: &str, usage: &Value) -> String {
    let message = json!({"id": id, "type": "message", "role": "assistant", "content": [], "stop_reason": null, "usage": usage});
    event("message_start", json!({"message": message}))
}

fn begin() -> String {
    start("msg_1", &json!({"input_tokens": 42, "output_tokens": 1}))
}

fn delta(index: u32, delta: &Value) -> String {
    event(
        "content_block_delta",
        json!({"index": index, "delta": delta}),
    )
}

fn text(text: &str) -> String {
    delta(0, &json!({"type": "text_delta", "text": text}))
}

fn thinking(text: &str) -> String {
    delta(0, &json!({"type": "thinking_delta", "thinking": text}))
}

fn reason(word: &str) -> String {
    let delta = json!({"stop_reason": word, "stop_sequence": null});
    event(
        "message_delta",
        json!({"delta": delta, "usage": {"output_tokens": 57}}),
    )
}

fn stop() -> String {
    event("message_stop", json!({}))
}

fn reply(events: &[String]) -> String {
    events.concat()
}

/// A whole stream with everything that the reference shows.
fn full() -> String {
    let block = |index: u32, block: Value| {
        event(
            "content_block_start",
            json!({"index": index, "content_block": block}),
        )
    };
    let end = |index: u32| event("content_block_stop", json!({"index": index}));
    reply(&[
        start(
            "msg_05",
            &json!({
                "input_tokens": 42, "cache_creation_input_tokens": 310, "cache_read_input_tokens": 5120,
                "cache_creation": {"ephemeral_5m_input_tokens": 310, "ephemeral_1h_input_tokens": 0}, "output_tokens": 1,
            }),
        ),
        event("ping", json!({})),
        block(
            0,
            json!({"type": "thinking", "thinking": "", "signature": ""}),
        ),
        thinking("Rename needs two edits."),
        delta(
            0,
            &json!({"type": "signature_delta", "signature": "EqQB...=="}),
        ),
        end(0),
        ": PING\n\n".to_owned(),
        block(1, json!({"type": "text", "text": ""})),
        delta(1, &json!({"type": "text_delta", "text": "let total"})),
        delta(1, &json!({"type": "text_delta", "text": " = 0;"})),
        end(1),
        event(
            "message_delta",
            json!({
                "delta": {"stop_reason": "end_turn", "stop_sequence": null},
                "usage": {"input_tokens": 42, "cache_creation_input_tokens": 310, "cache_read_input_tokens": 5120, "output_tokens": 57},
            }),
        ),
        stop(),
    ])
}

#[test]
fn a_stream_tells_thinking_text_and_counts_in_their_order() {
    let (answer, signals, end) = reader::read(Anthropic, full().as_bytes(), 9);
    assert_eq!(
        (answer.as_str(), end),
        ("let total = 0;", Ok(Finish::Complete))
    );
    let usage = |output, estimated| {
        Signal::Usage(Usage {
            input: 5472,
            cached: 5120,
            written: 310,
            output,
            estimated,
        })
    };
    assert_eq!(
        signals,
        [
            usage(1, true),
            Signal::Thinking { bytes: 0 },
            Signal::Thinking { bytes: 23 },
            usage(57, false),
        ]
    );
}

#[test]
fn a_reply_is_whole_if_and_only_if_a_stop_reason_was_seen() {
    check(&[
        whole(full(), "let total = 0;"),
        whole(
            reply(&[begin(), text("a"), reason("end_turn"), stop()]),
            "a",
        ),
        whole(
            reply(&[begin(), text("a"), reason("stop_sequence"), stop()]),
            "a",
        ),
        // No end mark, or one of the other surface, or two.
        whole(reply(&[begin(), text("a"), reason("end_turn")]), "a"),
        whole(
            reply(&[
                begin(),
                text("a"),
                reason("end_turn"),
                "data: [DONE]\n\n".to_owned(),
            ]),
            "a",
        ),
        whole(
            reply(&[
                begin(),
                text("a"),
                reason("end_turn"),
                stop(),
                stop(),
                text("b"),
            ]),
            "a",
        ),
        // What goes wrong behind the stop reason takes nothing away.
        whole(
            reply(&[
                begin(),
                text("a"),
                reason("end_turn"),
                "event: message_st".to_owned(),
            ]),
            "a",
        ),
        whole(
            reply(&[
                begin(),
                text("a"),
                reason("end_turn"),
                "{\"error\":{}}".to_owned(),
            ]),
            "a",
        ),
        whole(
            reply(&[begin(), text("a"), reason("end_turn"), begin(), text("b")]),
            "a",
        ),
    ]);
}

#[test]
fn each_stop_reason_has_its_meaning_and_without_one_the_reply_is_cut() {
    check(&[
        // The reason may come twice, and text behind it belongs to the answer.
        whole(
            reply(&[
                begin(),
                reason("end_turn"),
                text("a"),
                reason("end_turn"),
                stop(),
            ]),
            "a",
        ),
        ends(
            reply(&[begin(), text("a"), reason("max_tokens"), stop()]),
            "a",
            Finish::Length,
        ),
        ends(
            reply(&[
                begin(),
                text("a"),
                reason("model_context_window_exceeded"),
                stop(),
            ]),
            "a",
            Finish::Length,
        ),
        ends(
            reply(&[begin(), reason("refusal"), stop()]),
            "",
            Finish::Refused,
        ),
        ends(
            reply(&[begin(), text("a"), reason("pause_turn"), stop()]),
            "a",
            Finish::Other("pause_turn".to_owned()),
        ),
        ends(
            reply(&[begin(), reason("tool_use"), stop()]),
            "",
            Finish::Other("tool_use".to_owned()),
        ),
        fails(
            reply(&[begin(), text("a"), stop()]),
            "a",
            Kind::Cut,
            HALF_WAY,
        ),
        fails(
            reply(&[begin(), text("a"), reason(""), stop()]),
            "a",
            Kind::Cut,
            HALF_WAY,
        ),
        fails(reply(&[begin(), text("a")]), "a", Kind::Cut, HALF_WAY),
        fails(
            reply(&[
                begin(),
                text("a"),
                "event: content_block_delta\ndata: {\"type\":\"con".to_owned(),
            ]),
            "a",
            Kind::Cut,
            HALF_WAY,
        ),
        fails(begin(), "", Kind::Cut, HALF_WAY),
        fails("", "", Kind::Cut, HALF_WAY),
        fails(
            reply(&[begin(), thinking("hm"), reason("end_turn"), stop()]),
            "",
            Kind::Empty,
            "The model answered without any text",
        ),
        fails(
            reply(&[begin(), text(" \n"), reason("end_turn"), stop()]),
            " \n",
            Kind::Empty,
            "The model answered without any text",
        ),
        fails(
            reply(&[begin(), thinking("hm"), reason("max_tokens"), stop()]),
            "",
            Kind::Empty,
            "The model reached the limit on output tokens before it wrote any text",
        ),
    ]);
}

#[test]
fn missing_and_odd_fields_are_passed_over() {
    let nothing = [
        "data: {}\n\n", "data: 7\n\n", "data: null\n\n", "event: ping\ndata: {}\n\n",
        "data: {\"type\":7}\n\n", "data: {\"type\":\"content_block_delta\"}\n\n",
        "data: {\"type\":\"content_block_delta\",\"delta\":null}\n\n",
        "data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":null}}\n\n",
        "data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\"}}\n\n",
        "data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"citations_delta\",\"citation\":{}}}\n\n",
        "data: {\"type\":\"something_new\",\"text\":\"x\"}\n\n",
        "data: {\"type\":\"message_delta\"}\n\n", "data: {\"type\":\"message_start\"}\n\n",
    ]
    .concat();
    check(&[
        whole(reply(&[nothing, text("a"), reason("end_turn")]), "a"),
        // The kind stands in the JSON, in the frame, or in both.
        whole(
            "data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}\n\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\n",
            "a",
        ),
        whole(
            "event: content_block_delta\ndata: {\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}\n\nevent: message_delta\ndata: {\"delta\":{\"stop_reason\":\"end_turn\"}}\n\n",
            "a",
        ),
        // A block may begin with its text, and blocks may come out of order, without a start or an end.
        whole(
            reply(&[
                begin(),
                event(
                    "content_block_start",
                    json!({"index": 3, "content_block": {"type": "text", "text": "a"}}),
                ),
                delta(3, &json!({"type": "text_delta", "text": "b"})),
                delta(1, &json!({"type": "text_delta", "text": "c"})),
                reason("end_turn"),
            ]),
            "abc",
        ),
        // No text, only the input of a tool.
        ends(
            reply(&[
                begin(),
                event(
                    "content_block_start",
                    json!({"index": 0, "content_block": {"type": "tool_use", "name": "x", "input": {}}}),
                ),
                reason("tool_use"),
            ]),
            "",
            Finish::Other("tool_use".to_owned()),
        ),
    ]);
}

#[test]
fn an_error_inside_the_stream_is_the_end_in_its_own_words() {
    let overloaded = json!({"error": {"type": "overloaded_error", "message": "Overloaded"}});
    check(&[
        fails(
            reply(&[begin(), text("let x = "), event("error", overloaded.clone())]),
            "let x = ",
            Kind::Cut,
            "The model's provider is overloaded: Overloaded",
        ),
        fails(
            reply(&[begin(), event("error", overloaded)]),
            "",
            Kind::Unreachable,
            "The model's provider is overloaded: Overloaded",
        ),
        // Known by its frame only.
        fails(
            "event: error\ndata: {\"message\":\"no\"}\n\n",
            "",
            Kind::Unreachable,
            "The gateway reported an error in its reply: no",
        ),
        // Bare JSON behind the events, in the envelope of either surface.
        fails(
            reply(&[begin(), text("a"), "{\"error\":{\"message\":\"upstream error (request id: 2026e4)\",\"type\":\"upstream_error\"},\"type\":\"error\"}".to_owned()]),
            "a",
            Kind::Cut,
            "The gateway reported an error in its reply: upstream error",
        ),
        fails(
            ": PING\n\n{\"error\":{\"code\":\"do_request_failed\",\"message\":\"upstream error\",\"type\":\"new_api_error\"}}",
            "",
            Kind::Unreachable,
            "The gateway reported an error in its reply: upstream error",
        ),
        fails(
            reply(&[begin(), event("error", json!({"error": {"type": "invalid_request_error", "message": "max_tokens: too large"}}))]),
            "",
            Kind::Rejected,
            "The gateway refused the request: max_tokens: too large",
        ),
        fails(
            "<!doctype html>\n<html></html>",
            "",
            Kind::WrongAddress,
            "The address answers with a web page, not with the gateway",
        ),
        fails(reply(&[begin(), text("a"), "<html>502</html>".to_owned()]), "a", Kind::Cut, HALF_WAY),
    ]);
}

#[test]
fn an_error_inside_the_stream_may_be_repeated_as_its_status_might_unless_text_has_come() {
    let error = |kind: &str| event("error", json!({"error": {"type": kind, "message": "no"}}));
    for (reply, repeat) in [
        (
            reply(&[begin(), error("overloaded_error")]),
            Repeat::Allowed,
        ),
        (reply(&[begin(), error("api_error")]), Repeat::Allowed),
        (reply(&[begin(), error("new_api_error")]), Repeat::Allowed),
        (reply(&[begin(), error("")]), Repeat::Once),
        (reply(&[begin(), error("rate_limit_error")]), Repeat::Never),
        (
            reply(&[begin(), error("authentication_error")]),
            Repeat::Never,
        ),
        (
            reply(&[begin(), text("a"), error("overloaded_error")]),
            Repeat::Never,
        ),
        (
            reply(&[begin(), thinking("a"), error("overloaded_error")]),
            Repeat::Never,
        ),
        (begin(), Repeat::Never),
    ] {
        let setback = reader::read(Anthropic, reply.as_bytes(), 11).2.unwrap_err();
        assert_eq!(setback.repeat, repeat, "{reply}");
    }
}

#[test]
fn a_second_answer_in_the_same_stream_is_not_joined_to_the_first() {
    let second = || start("msg_2", &json!({"input_tokens": 50, "output_tokens": 1}));
    check(&[
        fails(
            reply(&[
                begin(),
                text("let x ="),
                second(),
                text("let x = 1;"),
                reason("end_turn"),
                stop(),
            ]),
            "let x =",
            Kind::Cut,
            ANOTHER,
        ),
        fails(
            reply(&[begin(), thinking("a"), second(), text("b")]),
            "",
            Kind::Cut,
            ANOTHER,
        ),
        // The same id again is a second answer too.
        fails(
            reply(&[begin(), text("a"), begin(), text("a")]),
            "a",
            Kind::Cut,
            ANOTHER,
        ),
        // Nothing has been said yet.
        whole(
            reply(&[begin(), second(), text("b"), reason("end_turn"), stop()]),
            "b",
        ),
    ]);
    let reply = reply(&[begin(), second(), text("b"), reason("end_turn"), stop()]);
    let signals = reader::read(Anthropic, reply.as_bytes(), usize::MAX).1;
    let Some(Signal::Usage(usage)) = signals.last() else {
        panic!("{signals:?}")
    };
    assert_eq!(
        (usage.input, usage.output),
        (50, 57),
        "the counts of the second"
    );
}

#[test]
fn a_reply_in_one_piece_is_read_too() {
    let message = |content: Value, reason: &str| {
        json!({"id": "m", "type": "message", "role": "assistant", "content": content, "stop_reason": reason, "usage": {"input_tokens": 3, "output_tokens": 2}}).to_string()
    };
    let blocks = json!([{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "a"}, {"type": "text", "text": "b"}]);
    check(&[
        whole(message(blocks.clone(), "end_turn"), "ab"),
        ends(message(blocks.clone(), "max_tokens"), "ab", Finish::Length),
        fails(
            message(json!([]), "end_turn"),
            "",
            Kind::Empty,
            "The model answered without any text",
        ),
        fails(
            "{\"type\":\"message\",\"content\":[{\"ty",
            "",
            Kind::Cut,
            HALF_WAY,
        ),
        fails(
            "{\"input_tokens\":43}",
            "",
            Kind::Cut,
            "The gateway's reply is not one of a chat endpoint",
        ),
        fails(
            "{\"type\":\"error\",\"error\":{\"type\":\"permission_error\",\"message\":\"no\"}}",
            "",
            Kind::Rejected,
            "The gateway does not allow this request: no",
        ),
    ]);
    let signals = reader::read(Anthropic, message(blocks, "end_turn").as_bytes(), 8).1;
    let usage = Usage {
        input: 3,
        output: 2,
        ..Usage::default()
    };
    assert_eq!(
        signals,
        [Signal::Thinking { bytes: 2 }, Signal::Usage(usage)]
    );
}

/// The counts at the start, those at the end, and what is told at last.
type Counted = (Value, Value, Option<Usage>);

#[test]
fn counts_are_merged_from_both_ends_of_the_stream() {
    let usage = |input, cached, written, output| {
        Some(Usage {
            input,
            cached,
            written,
            output,
            estimated: false,
        })
    };
    let table: Vec<Counted> = vec![
        // The prompt at the start, the answer at the end.
        (
            json!({"input_tokens": 1, "cache_read_input_tokens": 42, "output_tokens": 0}),
            json!({"output_tokens": 5}),
            usage(43, 42, 0, 5),
        ),
        // A translated model: a guess at the start, everything at the end.
        (
            json!({"input_tokens": 900, "output_tokens": 0}),
            json!({"input_tokens": 700, "cache_read_input_tokens": 600, "output_tokens": 9}),
            usage(1300, 600, 0, 9),
        ),
        // A provider that leaves counts out at the end, where the gateway puts zeros.
        (
            json!({"input_tokens": 7, "cache_creation_input_tokens": 5, "output_tokens": 1}),
            json!({"input_tokens": 0, "cache_creation_input_tokens": 0, "output_tokens": 9}),
            usage(12, 0, 5, 9),
        ),
        (
            json!({"input_tokens": 12.0, "output_tokens": -1.5}),
            json!({"output_tokens": 3.0, "input_tokens": null}),
            usage(12, 0, 0, 3),
        ),
        (Value::Null, json!({"output_tokens": 3}), usage(0, 0, 0, 3)),
        (Value::Null, json!(7), None),
    ];
    for (at_start, at_end, told) in table {
        let end = json!({"delta": {"stop_reason": "end_turn"}, "usage": at_end});
        let reply = reply(&[
            start("m", &at_start),
            text("x"),
            event("message_delta", end),
            stop(),
        ]);
        let signals = reader::read(Anthropic, reply.as_bytes(), usize::MAX).1;
        let last = signals.iter().rev().find_map(|signal| match signal {
            Signal::Usage(usage) => Some(*usage),
            _ => None,
        });
        assert_eq!(last, told, "{reply}");
    }
}

#[test]
fn counts_of_an_answer_that_broke_off_are_marked_as_guesses() {
    let signals = reader::read(
        Anthropic,
        reply(&[begin(), text("a")]).as_bytes(),
        usize::MAX,
    )
    .1;
    let [Signal::Usage(usage)] = signals.as_slice() else {
        panic!("{signals:?}")
    };
    assert!(usage.estimated && usage.input == 42, "{usage:?}");
}

#[test]
fn a_body_holds_blocks_and_everything_that_the_gateway_would_otherwise_fill_in() {
    let message = |role, text: &str| Message {
        role,
        text: text.to_owned(),
    };
    let mut request = Request {
        model: "claude-sonnet-4-6".to_owned(),
        system: "s".to_owned(),
        messages: vec![
            message(Role::User, "\"a\""),
            message(Role::User, "b"),
            message(Role::Assistant, "c"),
            message(Role::User, "d"),
        ],
        max_output_tokens: 4096,
        thinking: Thinking::Off,
        keeps_tags: false,
    };
    let parsed = |request: &Request| serde_json::from_str::<Value>(&body(request)).unwrap();
    let text = |text: &str| json!({"type": "text", "text": text});
    let marked =
        |text: &str| json!({"type": "text", "text": text, "cache_control": {"type": "ephemeral"}});
    assert_eq!(
        parsed(&request),
        json!({
            "model": "claude-sonnet-4-6",
            "system": [marked("s")],
            "messages": [
                {"role": "user", "content": [text("\"a\"\n\nb")]},
                {"role": "assistant", "content": [marked("c")]},
                {"role": "user", "content": [text("d")]},
            ],
            "max_tokens": 4096,
            "stream": true,
        })
    );
    request.system.clear();
    assert_eq!(parsed(&request).get("system"), None);
}

/// Events of any sense and nonsense.
fn events() -> impl Strategy<Value = String> {
    let event = prop_oneof![
        4 => "[a-z你]{0,4}".prop_map(|it| text(&it)),
        1 => "[a-z]{0,4}".prop_map(|it| thinking(&it)),
        2 => Just(begin()),
        2 => prop::sample::select(vec!["end_turn", "max_tokens", ""]).prop_map(reason),
        1 => Just(stop()),
        1 => Just(": PING\n\n".to_owned()),
        1 => Just("{\"error\":{\"message\":\"no\"}}".to_owned()),
        1 => Just("<html>\n".to_owned()),
        1 => "[ -~]{0,12}\n".prop_map(|noise| noise),
    ];
    prop::collection::vec(event, 0..12).prop_map(|events| events.concat())
}

proptest! {
    #[test]
    fn pieces_of_any_size_tell_the_same_and_completeness_needs_a_stop_reason(reply in events(), size in 1..40_usize) {
        let whole = reader::read(Anthropic, reply.as_bytes(), usize::MAX);
        prop_assert_eq!(&reader::read(Anthropic, reply.as_bytes(), size), &whole);
        if let Ok(finish) = &whole.2 {
            let word = if *finish == Finish::Complete { "\"end_turn\"" } else { "\"max_tokens\"" };
            prop_assert!(reply.contains(word));
            prop_assert!(!whole.0.is_empty());
        }
    }
}
