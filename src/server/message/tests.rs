//! What is promised in the file beside this one, as tables.

use proptest::prelude::*;
use tower_lsp::jsonrpc::ErrorCode;

use super::*;

fn call(body: &str) -> Request {
    match read(body.as_bytes()) {
        Incoming::Call(request) => request,
        other => panic!("{body} was read as {other:?}"),
    }
}

fn answer(body: &str) -> Response {
    match read(body.as_bytes()) {
        Incoming::Answer(response) => response,
        other => panic!("{body} was read as {other:?}"),
    }
}

#[test]
fn what_cannot_be_served_is_refused_with_its_code() {
    let deep = "[".repeat(100_000);
    for (body, id, code) in [
        ("", Id::Null, ErrorCode::ParseError),
        ("{", Id::Null, ErrorCode::ParseError),
        (
            r#"{"id":1,"method":"a","params":{}"#,
            Id::Null,
            ErrorCode::ParseError,
        ),
        (
            r#"{"id":1,"method":"a"} {}"#,
            Id::Null,
            ErrorCode::ParseError,
        ),
        (
            r#"{"id":1,"method":"a","params":{"x":1e999}}"#,
            Id::Null,
            ErrorCode::ParseError,
        ),
        (deep.as_str(), Id::Null, ErrorCode::ParseError),
        ("null", Id::Null, ErrorCode::InvalidRequest),
        ("3", Id::Null, ErrorCode::InvalidRequest),
        (r#""text""#, Id::Null, ErrorCode::InvalidRequest),
        ("[]", Id::Null, ErrorCode::InvalidRequest),
        (
            r#"[{"jsonrpc":"2.0","id":1,"method":"a"}]"#,
            Id::Null,
            ErrorCode::InvalidRequest,
        ),
        ("{}", Id::Null, ErrorCode::InvalidRequest),
        (
            r#"{"id":1.5,"method":"a"}"#,
            Id::Null,
            ErrorCode::InvalidRequest,
        ),
        (
            r#"{"id":1e300,"method":"a"}"#,
            Id::Null,
            ErrorCode::InvalidRequest,
        ),
        (
            r#"{"id":18446744073709551615,"method":"a"}"#,
            Id::Null,
            ErrorCode::InvalidRequest,
        ),
        (
            r#"{"id":true,"method":"a"}"#,
            Id::Null,
            ErrorCode::InvalidRequest,
        ),
        (
            r#"{"id":[1],"method":"a"}"#,
            Id::Null,
            ErrorCode::InvalidRequest,
        ),
        (
            r#"{"id":7,"method":3}"#,
            Id::Number(7),
            ErrorCode::InvalidRequest,
        ),
        (
            r#"{"id":"x","method":null}"#,
            Id::String("x".to_owned()),
            ErrorCode::InvalidRequest,
        ),
        (
            r#"{"jsonrpc":"2.0","id":7,"method":"$/unknown"}"#,
            Id::Number(7),
            ErrorCode::MethodNotFound,
        ),
    ] {
        let Incoming::Refused(response) = read(body.as_bytes()) else {
            panic!("{body} is not refused")
        };
        let found = response.error().map(|error| error.code);
        assert_eq!((response.id(), found), (&id, Some(code)), "{body:.80}");
    }
}

#[test]
fn a_request_is_served_whatever_its_jsonrpc_member_says() {
    for version in [
        "",
        r#""jsonrpc":"2.0","#,
        r#""jsonrpc":"1.0","#,
        r#""jsonrpc":2,"#,
    ] {
        let request = call(&format!(
            r#"{{{version}"id":1,"method":"a/b","params":[1]}}"#
        ));
        assert_eq!(
            request,
            Request::build("a/b").id(1).params(json!([1])).finish()
        );
    }
}

#[test]
fn ids_are_whole_numbers_strings_and_null() {
    for (id, read_as) in [
        ("0", Id::Number(0)),
        ("-3", Id::Number(-3)),
        ("3.0", Id::Number(3)),
        ("\"3\"", Id::String("3".to_owned())),
        ("null", Id::Null),
    ] {
        let request = call(&format!(r#"{{"id":{id},"method":"a"}}"#));
        assert_eq!(request.id(), Some(&read_as), "{id}");
    }
    assert_eq!(call(r#"{"method":"a"}"#).id(), None);
    assert_eq!(call(r#"{"method":"$/setTrace"}"#).method(), "$/setTrace");
}

#[test]
fn lifecycle_messages_are_read_whatever_their_parameters() {
    for params in [
        "",
        r#","params":null"#,
        r#","params":[]"#,
        r#","params":{"x":1}"#,
    ] {
        assert_eq!(
            call(&format!(r#"{{"id":1,"method":"shutdown"{params}}}"#)).params(),
            None
        );
        assert_eq!(
            call(&format!(r#"{{"method":"initialized"{params}}}"#)).params(),
            Some(&json!({}))
        );
        assert_eq!(
            read(format!(r#"{{"method":"exit"{params}}}"#).as_bytes()),
            Incoming::Exit
        );
    }
}

#[test]
fn initialize_always_parses_and_carries_what_the_client_wrote() {
    for raw in [
        json!(null),
        json!([]),
        json!({ "capabilities": null }),
        json!({ "capabilities": [], "processId": "none", "rootUri": 3 }),
        json!({ "capabilities": { "workspace": { "applyEdit": "yes" } }, "clientInfo": [] }),
    ] {
        let request = call(&json!({ "id": 1, "method": "initialize", "params": raw }).to_string());
        let params = request.params().unwrap().clone();
        let typed: tower_lsp::gen_lsp_types::InitializeParams =
            serde_json::from_value(params.clone()).unwrap();
        assert_eq!(params["capabilities"]["experimental"], raw);
        assert_eq!(typed.capabilities.experimental.unwrap_or_default(), raw);
    }
}

#[test]
fn an_answer_of_any_shape_reaches_whoever_waits_for_it() {
    for (body, result) in [
        (
            r#"{"id":4,"result":{"applied":true}}"#,
            json!({ "applied": true }),
        ),
        (r#"{"id":4.0,"result":1}"#, json!(1)),
        (r#"{"id":4,"result":null}"#, json!(null)),
        (r#"{"id":4}"#, json!(null)),
        (r#"{"id":4,"result":1,"error":null}"#, json!(1)),
    ] {
        assert_eq!(
            answer(body),
            Response::from_ok(Id::Number(4), result),
            "{body}"
        );
    }
    for (error, code, text) in [
        (r#"{"code":-32001,"message":"no"}"#, -32001, "no"),
        (r#"{"code":"x","message":"no"}"#, -32603, "no"),
        (r#""no""#, -32603, "no"),
        ("{}", -32603, "the client gave no reason"),
    ] {
        for result in ["", r#""result":null,"#] {
            let response = answer(&format!(r#"{{"id":4,{result}"error":{error}}}"#));
            let found = response.error().unwrap();
            assert_eq!(
                (found.code.code(), &*found.message),
                (code, text),
                "{error}"
            );
        }
    }
    assert_eq!(read(br#"{"id":1.5,"result":1}"#), Incoming::Ignored);
}

#[test]
fn text_that_is_not_unicode_is_mended_one_unit_for_one_unit() {
    for (written, read_as) in [
        (br"a\ud83db".as_slice(), "a\u{fffd}b"),
        (br"a\uDE00b", "a\u{fffd}b"),
        (br"\ud83d\ud83d\ude00", "\u{fffd}\u{1f600}"),
        (br"\ud83d\u0041", "\u{fffd}A"),
        (br"\ude00\ud83d", "\u{fffd}\u{fffd}"),
        (br"\ud83d\n", "\u{fffd}\n"),
        (br"\\ud83d\ud83d", "\\ud83d\u{fffd}"),
        (br"\\\ud83d", "\\\u{fffd}"),
        (b"a\xffb\xfe", "a\u{fffd}b\u{fffd}"),
        // The first two bytes of a character of three: Neovim and Emacs count each as one character.
        (b"\xe2\x82x", "\u{fffd}\u{fffd}x"),
        // Surrogates in the form of UTF-8, alone and as a pair.
        (b"\xed\xa0\xbdx", "\u{fffd}x"),
        (b"\xed\xa0\xbd\xed\xb8\x80", "\u{fffd}\u{fffd}"),
        (b"\xed\xa0", "\u{fffd}\u{fffd}"),
        (b"\xff\\ud83d", "\u{fffd}\u{fffd}"),
    ] {
        let body = [
            br#"{"method":"a","params":[""#.as_slice(),
            written,
            br#""]}"#,
        ]
        .concat();
        let shown = written.escape_ascii();
        let Incoming::Call(request) = read(&body) else {
            panic!("{shown} was not mended")
        };
        assert_eq!(request.params(), Some(&json!([read_as])), "{shown}");
    }
}

/// A text in UTF-16, lone surrogates included.
fn units() -> impl Strategy<Value = Vec<u16>> {
    let unit = prop_oneof![0xD7F0_u16..0xE010, 0_u16..0x80, any::<u16>()];
    proptest::collection::vec(unit, 0..30)
}

proptest! {
    #[test]
    fn any_utf_16_text_keeps_its_units(units in units()) {
        let escaped = units.iter().map(|unit| format!("\\u{unit:04x}")).collect::<Vec<_>>().concat();
        let request = call(&format!(r#"{{"method":"a","params":["{escaped}"]}}"#));
        let text = request.params().unwrap()[0].as_str().unwrap();
        prop_assert_eq!(text, String::from_utf16_lossy(&units));
        prop_assert_eq!(text.encode_utf16().count(), units.len());
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80), text in r#"(\\?["u\\d0-9a-f]|[\[{]){0,40}"#) {
        let _ = read(&bytes);
        let _ = read(text.as_bytes());
        let _ = read(&[br#"{"id":1,"method":"#.as_slice(), &bytes].concat());
    }

    #[test]
    fn mending_leaves_only_unicode(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        if let Some(mended) = mend(&bytes) {
            prop_assert!(std::str::from_utf8(&mended).is_ok());
            prop_assert_eq!(mend(&mended), None);
        }
    }
}
