//! How bodies are written, and how replies of every shape end.

use proptest::prelude::*;

use super::super::error::Kind;
use super::super::reader::tests::{self as reader, Case, ends, fails, whole};
use super::super::signal::{Finish, Signal};
use super::super::surface::Surface::OpenAi;
use super::*;
use crate::prompt::{Message, Thinking};

const HALF_WAY: &str = "The reply stopped half-way";
const IN_REPLY: &str = "The gateway reported an error in its reply";
const ANOTHER: &str = "The gateway broke off the answer and began another one";

#[track_caller]
fn check(cases: &[Case]) {
    reader::check(OpenAi, cases);
}

#[test]
fn a_reply_is_whole_if_and_only_if_a_finish_reason_was_seen() {
    check(&[
        whole(
            "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
            "a",
        ),
        whole(
            "data:{\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\ndata:[DONE]",
            "a",
        ),
        // No end mark.
        whole(
            "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: {\"choices\":[{\"delta\":{},\"finish_reason\":\"end_turn\"}]}",
            "a",
        ),
        // What follows the end mark is not looked at.
        whole(
            "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\ndata: [DONE]\n\n{",
            "a",
        ),
        // Neither does it matter what goes wrong behind the finish reason.
        whole(
            "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DO",
            "a",
        ),
        whole(
            "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\n{\"error\":{\"message\":\"no\"}}",
            "a",
        ),
        // Text behind the finish reason belongs to the answer.
        whole(
            "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"b\"},\"finish_reason\":\"stop\"}]}\n\n",
            "ab",
        ),
        ends(
            "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"length\"}]}\n\n",
            "a",
            Finish::Length,
        ),
        ends(
            "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"content_filter\"}]}\n\n",
            "",
            Finish::Refused,
        ),
        ends(
            "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n",
            "",
            Finish::Other("tool_calls".to_owned()),
        ),
        fails(
            "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"\"}]}\n\ndata: [DONE]\n\n",
            "a",
            Kind::Cut,
            HALF_WAY,
        ),
        fails(
            "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: [DONE]\n\n",
            "a",
            Kind::Cut,
            HALF_WAY,
        ),
        fails(
            "data: {\"choices\":[{\"delta\":{\"content\":\"if a {\"}}]}\n\ndata: {\"id\":\"c3\",\"choices\":[{\"delta\":{\"cont",
            "if a {",
            Kind::Cut,
            HALF_WAY,
        ),
        fails(
            "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n",
            "a",
            Kind::Cut,
            HALF_WAY,
        ),
        fails(": PING\n\n", "", Kind::Cut, HALF_WAY),
        fails("", "", Kind::Cut, HALF_WAY),
        fails("\r\n", "", Kind::Cut, HALF_WAY),
        fails("data: noise\n\n", "", Kind::Cut, HALF_WAY),
        fails(
            "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
            "",
            Kind::Empty,
            "The model answered without any text",
        ),
        fails(
            "data: {\"choices\":[{\"delta\":{\"reasoning\":\"hm\"},\"finish_reason\":\"length\"}]}\n\n",
            "",
            Kind::Empty,
            "The model reached the limit on output tokens before it wrote any text",
        ),
    ]);
}

#[test]
fn missing_and_odd_fields_are_passed_over() {
    check(&[
        whole(
            "data: {}\n\ndata: 7\n\ndata: null\n\ndata: {\"choices\":null}\n\ndata: {\"choices\":[]}\n\ndata: {\"choices\":[{}]}\n\ndata: {\"choices\":[{\"delta\":null}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":null,\"role\":null}}]}\n\ndata: {\"id\":7,\"choices\":[{\"index\":0.0,\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}],\"usage\":7}\n\n",
            "a",
        ),
        // Only the first of several alternatives counts.
        whole(
            "data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"b\"},\"finish_reason\":\"length\"},{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\n",
            "a",
        ),
        whole(
            "data: {\"choices\":[{\"delta\":{\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"image\"},{\"text\":\"b\"}]},\"finish_reason\":\"stop\"}]}\n\n",
            "ab",
        ),
        // A role in every chunk is no restart.
        whole(
            "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"a\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"b\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":\"stop\"}]}\n\n",
            "ab",
        ),
        // Neither is a role in the last chunk, nor another id on the chunk with the token counts.
        whole(
            "data: {\"id\":\"x\",\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: {\"id\":\"x\",\"choices\":[{\"delta\":{\"role\":\"assistant\"},\"finish_reason\":\"stop\"}]}\n\ndata: {\"id\":\"y\",\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\n",
            "a",
        ),
        // A new id before any text is none either.
        whole(
            "data: {\"id\":\"x\",\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\ndata: {\"id\":\"y\",\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\n",
            "a",
        ),
    ]);
}

#[test]
fn an_error_inside_the_stream_is_the_end_in_its_own_words() {
    check(&[
        fails(
            "data: {\"choices\":[{\"delta\":{\"content\":\"let x = \"}}]}\n\ndata: {\"error\":{\"message\":\"The server had an error\",\"type\":\"server_error\"}}\n\ndata: [DONE]\n\n",
            "let x = ",
            Kind::Cut,
            "The gateway reported an error in its reply: The server had an error",
        ),
        fails(
            ": PING\n\n{\"error\":{\"code\":\"do_request_failed\",\"message\":\"upstream error (request id: 2026e4)\",\"type\":\"new_api_error\"}}",
            "",
            Kind::Unreachable,
            "The gateway reported an error in its reply: upstream error",
        ),
        fails(
            "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n{\"error\":{\"code\":\"bad_response\",\"message\":\"\",\"type\":\"new_api_error\"}}",
            "a",
            Kind::Cut,
            "The gateway reported an error in its reply: new_api_error bad_response",
        ),
        fails(
            "data: {\"error\":\"too long\",\"type\":\"invalid_request_error\"}\n\n",
            "",
            Kind::Rejected,
            "The gateway refused the request: too long",
        ),
        // With status 200, and in one piece.
        fails(
            "{\"error\":{\"message\":\"no\",\"type\":\"upstream_error\"}}",
            "",
            Kind::Unreachable,
            "The gateway reported an error in its reply: no",
        ),
        fails(
            "{\"success\":false,\"message\":\"no\"}",
            "",
            Kind::Unreachable,
            "The gateway reported an error in its reply: no",
        ),
        fails("data: {\"error\":{}}\n\n", "", Kind::Unreachable, IN_REPLY),
        fails(
            "<!doctype html>\n<html></html>",
            "",
            Kind::WrongAddress,
            "The address answers with a web page, not with the gateway",
        ),
        fails(
            "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n<html>502</html>",
            "a",
            Kind::Cut,
            HALF_WAY,
        ),
    ]);
}

#[test]
fn a_second_answer_in_the_same_stream_is_not_joined_to_the_first() {
    check(&[
        fails(
            "data: {\"id\":\"A\",\"choices\":[{\"delta\":{\"content\":\"let x =\"}}]}\n\ndata: {\"id\":\"B\",\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\ndata: {\"id\":\"B\",\"choices\":[{\"delta\":{\"content\":\"let x = 1;\"},\"finish_reason\":\"stop\"}]}\n\n",
            "let x =",
            Kind::Cut,
            ANOTHER,
        ),
        fails(
            "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n",
            "a",
            Kind::Cut,
            ANOTHER,
        ),
        fails(
            "data: {\"id\":\"A\",\"choices\":[{\"delta\":{\"reasoning_content\":\"a\"}}]}\n\ndata: {\"id\":\"B\",\"choices\":[{\"delta\":{\"content\":\"b\"}}]}\n\n",
            "",
            Kind::Cut,
            ANOTHER,
        ),
    ]);
}

#[test]
fn a_reply_in_one_piece_is_read_too() {
    check(&[
        whole(
            "{\"choices\":[{\"finish_reason\":\"stop\",\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"a\"}}]}",
            "a",
        ),
        whole(
            "\n{\n  \"choices\": [\n\n{\"finish_reason\":\"stop\",\"message\":{\"content\":\"a\"}}]\n}\n",
            "a",
        ),
        fails(
            "{\"choices\":[{\"finish_reason\":\"stop\",\"message\":{\"content\":\"\"}}]}",
            "",
            Kind::Empty,
            "The model answered without any text",
        ),
        fails(
            "{\"choices\":[{\"finish_reason\":\"st",
            "",
            Kind::Cut,
            HALF_WAY,
        ),
        fails(
            "{\"object\":\"list\",\"data\":[]}",
            "",
            Kind::Cut,
            "The gateway's reply is not one of a chat endpoint",
        ),
        fails(
            "[]",
            "",
            Kind::Cut,
            "The gateway's reply is not one of a chat endpoint",
        ),
    ]);
}

#[test]
fn thinking_is_counted_and_token_counts_are_read_from_any_chunk() {
    let usage = |input, cached, output| {
        Signal::Usage(Usage {
            input,
            cached,
            output,
            ..Usage::default()
        })
    };
    let reply = concat!(
        "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"你好\"}}],\"usage\":null}\n\n",
        "data: {\"choices\":[{\"delta\":{\"reasoning\":\"abc\",\"content\":\"x\"}}],\"usage\":{\"output_tokens\":9}}\n\n",
        "data: {\"choices\":[{\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":12.0,\"completion_tokens\":null}}\n\n",
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":25231,\"completion_tokens\":96,\"prompt_tokens_details\":{\"cached_tokens\":24901},\"output_tokens\":0}}\n\n",
        "data: {\"choices\":null,\"usage\":{\"prompt_tokens\":-1.5,\"completion_tokens\":1,\"prompt_tokens_details\":null}}\n\n",
    );
    let (text, signals, end) = reader::read(OpenAi, reply.as_bytes(), 5);
    assert_eq!((text.as_str(), end), ("x", Ok(Finish::Complete)));
    let expected = [
        Signal::Thinking { bytes: 6 },
        Signal::Thinking { bytes: 3 },
        usage(12, 0, 0),
        usage(25231, 24901, 96),
        usage(0, 0, 1),
    ];
    assert_eq!(signals, expected);
}

#[test]
fn a_body_has_everything_that_the_gateway_would_otherwise_fill_in() {
    let message = |role, text: &str| Message {
        role,
        text: text.to_owned(),
    };
    let mut request = Request {
        model: "m".to_owned(),
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
    let expected = json!({
        "model": "m",
        "messages": [
            {"role": "system", "content": "s"},
            {"role": "user", "content": "\"a\"\n\nb"},
            {"role": "assistant", "content": "c"},
            {"role": "user", "content": "d"},
        ],
        "max_tokens": 4096,
        "stream": true,
        "stream_options": {"include_usage": true},
    });
    assert_eq!(parsed(&request), expected);
    request.system.clear();
    assert_eq!(parsed(&request)["messages"][0]["role"], "user");
}

/// Chunks of any sense and nonsense.
fn chunks() -> impl Strategy<Value = String> {
    let chunk = prop_oneof![
        4 => "[a-z你]{0,4}".prop_map(|text| format!("data: {}\n\n", json!({"id": "x", "choices": [{"delta": {"content": text}}]}))),
        1 => Just("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n".to_owned()),
        1 => Just("data: {\"id\":\"y\",\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n".to_owned()),
        1 => Just("data: [DONE]\n\n".to_owned()),
        1 => Just(": PING\n\n".to_owned()),
        1 => Just("{\"error\":{\"message\":\"no\"}}".to_owned()),
        1 => Just("<html>\n".to_owned()),
        1 => "[ -~]{0,12}\n".prop_map(|noise| noise),
    ];
    prop::collection::vec(chunk, 0..12).prop_map(|chunks| chunks.concat())
}

proptest! {
    #[test]
    fn pieces_of_any_size_tell_the_same_and_completeness_needs_a_finish_reason(reply in chunks(), size in 1..40_usize) {
        let whole = reader::read(OpenAi, reply.as_bytes(), usize::MAX);
        prop_assert_eq!(&reader::read(OpenAi, reply.as_bytes(), size), &whole);
        if whole.2.is_ok() {
            prop_assert!(reply.contains("finish_reason"));
            prop_assert!(!whole.0.is_empty());
        }
    }
}
