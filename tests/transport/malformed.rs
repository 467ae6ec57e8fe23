//! What real clients get wrong: each message is answered or mended, and the next one is served.

use serde_json::{Value, json};

use crate::client::{Client, framed};

#[tokio::test]
async fn every_malformed_message_is_answered_and_the_next_one_served() {
    let mut client = Client::initialized().await;
    let deep = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"test/echo","params":{}"#,
        "[".repeat(200_000)
    );
    let cases: [(&str, &[u8], i64); 12] = [
        ("bad JSON", br#"{"jsonrpc":"2.0","id":1,"#, -32700),
        ("an empty body", b"", -32700),
        ("deep nesting", deep.as_bytes(), -32700),
        (
            "raw control characters",
            b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"test/echo\",\"params\":[\"\x01\"]}",
            -32700,
        ),
        (
            "a batch",
            br#"[{"jsonrpc":"2.0","id":1,"method":"test/echo","params":[]}]"#,
            -32600,
        ),
        ("an empty batch", b"[]", -32600),
        (
            "a float id",
            br#"{"jsonrpc":"2.0","id":1.5,"method":"test/echo","params":[]}"#,
            -32600,
        ),
        (
            "an id that is a list",
            br#"{"jsonrpc":"2.0","id":[],"method":"test/echo","params":[]}"#,
            -32600,
        ),
        ("no object", b"17", -32600),
        ("no method", br#"{"jsonrpc":"2.0"}"#, -32600),
        (
            "a method that is no string",
            br#"{"jsonrpc":"2.0","method":1}"#,
            -32600,
        ),
        ("no JSON at all", b"\xff\xfe\x00\x00", -32700),
    ];
    for (name, body, code) in cases {
        client.send_bytes(&framed(body)).await;
        let answer = client.receive().await;
        assert_eq!(
            (&answer["error"]["code"], &answer["id"]),
            (&json!(code), &Value::Null),
            "{name}: {answer}"
        );
        client.assert_served().await;
    }
}

#[tokio::test]
async fn every_damaged_header_costs_at_most_its_own_message() {
    let mut client = Client::initialized().await;
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"test/echo","params":["x"]}"#;
    let length = body.len();
    for header in [
        format!("content-length: {length}\r\n\r\n"),
        format!("a stray line\r\nContent-Length: {length}\r\n\r\n"),
        format!("\r\n\r\nContent-Length: {length}\r\n\r\n"),
        format!("Content-Type: text/plain\r\nCONTENT-LENGTH:{length}\r\n\r\n"),
        format!("Content-Length: {length}\n\n"),
    ] {
        client
            .send_bytes(format!("{header}{body}").as_bytes())
            .await;
        let answer = client.receive().await;
        assert_eq!(
            (&answer["id"], &answer["result"]),
            (&json!(1), &json!(["x"])),
            "{header:?}"
        );
        client.assert_served().await;
    }
    for header in [
        "Content-Length: x\r\n\r\n",
        "Content-Length: -1\r\n\r\n",
        "X: 1\r\n\r\n",
        "Content-Length: 99999999999\r\n\r\n",
    ] {
        client
            .send_bytes(format!("{header}{body}").as_bytes())
            .await;
        // In the middle of what was skipped stands the next header.
        client
            .send(&json!({ "jsonrpc": "2.0", "id": 2, "method": "test/echo", "params": ["y"] }))
            .await;
        let lost = client.receive().await;
        assert_eq!(
            (&lost["error"]["code"], &lost["id"]),
            (&json!(-32700), &Value::Null),
            "{header:?}"
        );
        assert_eq!(client.receive().await["result"], json!(["y"]), "{header:?}");
        client.assert_served().await;
    }
}

#[tokio::test]
async fn text_that_is_not_unicode_is_mended_and_served() {
    let mut client = Client::initialized().await;
    for (written, read_as) in [
        (br"\ud83d".as_slice(), "\u{fffd}"),
        (br"a\ude00b", "a\u{fffd}b"),
        (b"a\xffb", "a\u{fffd}b"),
        (br"\ud83d\ude00", "\u{1f600}"),
    ] {
        let body = [
            br#"{"jsonrpc":"2.0","id":1,"method":"test/echo","params":[""#.as_slice(),
            written,
            br#""]}"#,
        ]
        .concat();
        client.send_bytes(&framed(&body)).await;
        assert_eq!(
            client.receive().await["result"],
            json!([read_as]),
            "{}",
            written.escape_ascii()
        );
        client.assert_served().await;
    }
}

#[tokio::test]
async fn a_message_without_jsonrpc_or_with_a_whole_float_id_is_served() {
    let mut client = Client::initialized().await;
    for (message, id) in [
        (
            json!({ "id": 1, "method": "test/echo", "params": ["x"] }),
            json!(1),
        ),
        (
            json!({ "jsonrpc": "1.0", "id": 1, "method": "test/echo", "params": ["x"] }),
            json!(1),
        ),
        (
            json!({ "jsonrpc": "2.0", "id": 1.0, "method": "test/echo", "params": ["x"] }),
            json!(1),
        ),
        (
            json!({ "jsonrpc": "2.0", "id": "a", "method": "test/echo", "params": ["x"] }),
            json!("a"),
        ),
    ] {
        client.send(&message).await;
        let answer = client.receive().await;
        assert_eq!(
            (&answer["id"], &answer["result"]),
            (&id, &json!(["x"])),
            "{message}"
        );
    }
}

#[tokio::test]
async fn a_message_may_come_byte_by_byte_and_many_at_once() {
    let mut client = Client::initialized().await;
    let message = framed(br#"{"jsonrpc":"2.0","id":1,"method":"test/echo","params":["x"]}"#);
    for byte in &message {
        client.send_bytes(&[*byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(client.receive().await["result"], json!(["x"]));
    client.send_bytes(&message.repeat(50)).await;
    for _ in 0..50 {
        assert_eq!(client.receive().await["result"], json!(["x"]));
    }
}

#[tokio::test]
async fn an_answer_of_any_shape_reaches_the_handler_that_asked() {
    let mut client = Client::initialized().await;
    for (answer, heard) in [
        (json!({ "result": [1] }), "[1]"),
        (json!({ "result": [1], "error": null }), "[1]"),
        (
            json!({ "error": { "code": -32001, "message": "not now" } }),
            "-32001: not now",
        ),
        (
            json!({ "error": "not now", "result": null }),
            "-32603: not now",
        ),
    ] {
        client.notify("test/ask", Value::Null).await;
        let question = client.receive().await;
        assert_eq!(question["method"], "workspace/configuration");
        let mut message = answer.clone();
        message["id"] = question["id"].clone();
        client.send(&message).await;
        assert_eq!(
            client.receive().await["params"]["message"],
            heard,
            "{answer}"
        );
        // A second answer, and one to a question that was never asked, are dropped.
        client.send(&message).await;
        client
            .send(&json!({ "jsonrpc": "2.0", "id": 9999, "result": 1 }))
            .await;
        client.assert_served().await;
    }
}
