//! What is promised in the file beside this one, as tables.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn at(line: u32, character: u32) -> Position {
    Position { line, character }
}

fn change(entry: &Value) -> ContentChange {
    let params = json!({ "textDocument": { "uri": "u", "version": 2 }, "contentChanges": [entry] });
    let params: ChangeParams = serde_json::from_value(params).unwrap();
    let [change] = <[_; 1]>::try_from(params.changes).unwrap();
    change
}

#[test]
fn an_open_document_has_what_the_client_sent_and_defaults_for_the_rest() {
    let read =
        |document: Value| serde_json::from_value::<OpenParams>(json!({ "textDocument": document }));
    let full = json!({ "uri": "file:///[a] b", "languageId": "rust", "version": 3, "text": "fn" });
    let expected = OpenParams {
        uri: "file:///[a] b".to_owned(),
        language: "rust".to_owned(),
        version: Some(3),
        text: Some("fn".to_owned()),
    };
    assert_eq!(read(full).unwrap(), expected);
    let bare = OpenParams {
        uri: "u".to_owned(),
        language: "plaintext".to_owned(),
        version: None,
        text: None,
    };
    assert_eq!(read(json!({ "uri": "u" })).unwrap(), bare);
    assert_eq!(
        read(json!({ "uri": "u", "languageId": 1, "version": "3", "text": null })).unwrap(),
        bare
    );
}

#[test]
fn a_version_is_any_number() {
    for (version, read_as) in [
        (json!(7), Some(7)),
        (json!(0), Some(0)),
        (json!(-1), Some(-1)),
        (json!(7.0), Some(7)),
        (json!(7.9), Some(7)),
        (json!(1e12), Some(i32::MAX)),
        (json!(null), None),
        (json!("7"), None),
    ] {
        let params =
            json!({ "textDocument": { "uri": "u", "version": version }, "contentChanges": [] });
        let params: ChangeParams = serde_json::from_value(params).unwrap();
        assert_eq!(
            (params.version, params.changes),
            (read_as, vec![]),
            "{version}"
        );
    }
}

#[test]
fn without_a_uri_nothing_is_read() {
    for params in [
        json!(null),
        json!([]),
        json!({}),
        json!({ "textDocument": {} }),
        json!({ "textDocument": { "uri": 1 } }),
    ] {
        assert!(serde_json::from_value::<OpenParams>(params.clone()).is_err());
        assert!(serde_json::from_value::<ChangeParams>(params.clone()).is_err());
        assert!(serde_json::from_value::<DocumentParams>(params.clone()).is_err());
        assert!(serde_json::from_value::<PositionParams>(params.clone()).is_err());
        assert!(serde_json::from_value::<CodeActionParams>(params).is_err());
    }
}

#[test]
fn only_a_missing_or_null_range_means_the_whole_document() {
    let whole = ContentChange::Whole("x".to_owned());
    assert_eq!(change(&json!({ "text": "x" })), whole);
    assert_eq!(change(&json!({ "text": "x", "range": null })), whole);
    for range in [json!([]), json!({}), json!(1), json!("all"), json!(false)] {
        assert!(
            matches!(
                change(&json!({ "text": "x", "range": range })),
                ContentChange::Unreadable(_)
            ),
            "{range}"
        );
    }
}

#[test]
fn a_range_of_whole_numbers_is_taken_and_any_other_number_is_refused() {
    for (number, read_as) in [
        (json!(2), Some(2)),
        (json!(2.0), Some(2)),
        (json!(0), Some(0)),
        (json!(-0.0), Some(0)),
        (json!(4_294_967_295_u32), Some(u32::MAX)),
        (json!(4_294_967_296_u64), Some(u32::MAX)),
        (json!(i64::MAX), Some(u32::MAX)),
        (json!(1e300), Some(u32::MAX)),
        (json!(-1), None),
        (json!(-1.0), None),
        (json!(0.5), None),
        (json!("2"), None),
        (json!(null), None),
        (json!([2]), None),
    ] {
        let end = json!({ "line": u32::MAX, "character": u32::MAX });
        for name in ["line", "character"] {
            let mut start = json!({ "line": 0, "character": 0 });
            start[name] = number.clone();
            let found = change(
                &json!({ "range": { "start": start, "end": end }, "rangeLength": "x", "text": "x" }),
            );
            let value = |start: Position| {
                if name == "line" {
                    start.line
                } else {
                    start.character
                }
            };
            match (read_as, found) {
                (Some(expected), ContentChange::Partial { range, text }) => {
                    assert_eq!((value(range.start), text.as_str()), (expected, "x"));
                }
                (None, ContentChange::Unreadable(_)) => {}
                (expected, found) => panic!("{name} {number}: {found:?} instead of {expected:?}"),
            }
        }
    }
}

#[test]
fn an_empty_range_is_an_insertion() {
    let here = json!({ "line": 1, "character": 4 });
    let range = Range {
        start: at(1, 4),
        end: at(1, 4),
    };
    let text = "x".to_owned();
    assert_eq!(
        change(&json!({ "range": { "start": here, "end": here }, "text": "x" })),
        ContentChange::Partial { range, text }
    );
}

#[test]
fn what_is_wrong_with_a_change_is_said() {
    let position = |line: u32, character: u32| json!({ "line": line, "character": character });
    for (entry, reason) in [
        (json!(3), "a change has no text"),
        (json!({ "range": null }), "a change has no text"),
        (json!({ "text": 3 }), "a change has no text"),
        (
            json!({ "text": "", "range": { "start": position(1, 0), "end": position(0, 9) } }),
            "the range of a change ends before it starts",
        ),
        (
            json!({ "text": "", "range": { "start": position(1, 4), "end": position(1, 3) } }),
            "the range of a change ends before it starts",
        ),
        (
            json!({ "text": "", "range": { "start": { "line": -1, "character": 0 }, "end": position(0, 0) } }),
            "the range of a change has no whole number as start.line",
        ),
        (
            json!({ "text": "", "range": { "start": position(0, 0), "end": { "line": 3 } } }),
            "the range of a change has no whole number as end.character",
        ),
    ] {
        assert_eq!(change(&entry), ContentChange::Unreadable(reason.to_owned()));
    }
    for changes in [json!(null), json!("x"), json!({ "text": "x" })] {
        let params = json!({ "textDocument": { "uri": "u" }, "contentChanges": changes });
        let params: ChangeParams = serde_json::from_value(params).unwrap();
        assert_eq!(
            params.changes,
            [ContentChange::Unreadable(
                "contentChanges is not a list".to_owned()
            )]
        );
    }
    let empty_table = json!({ "textDocument": { "uri": "u" }, "contentChanges": {} });
    assert_eq!(
        serde_json::from_value::<ChangeParams>(empty_table)
            .unwrap()
            .changes,
        []
    );
}

#[test]
fn a_position_in_a_request_is_moved_to_the_nearest_sensible_one() {
    for (value, expected) in [
        (json!({ "line": 3, "character": 4 }), at(3, 4)),
        (json!({ "line": 3.7, "character": 4.0 }), at(3, 4)),
        (json!({ "line": -3, "character": -0.5 }), at(0, 0)),
        (
            json!({ "line": 1e300, "character": u64::MAX }),
            at(u32::MAX, u32::MAX),
        ),
        (json!({ "line": "3" }), at(0, 0)),
        (json!(null), at(0, 0)),
    ] {
        assert_eq!(position(&value), expected, "{value}");
    }
    let start = json!({ "line": 3, "character": 4 });
    let end = json!({ "line": 1, "character": 9 });
    assert_eq!(
        range(&json!({ "start": start, "end": end })),
        Range {
            start: at(1, 9),
            end: at(3, 4)
        }
    );
    assert_eq!(
        range(&json!({ "start": start })),
        Range {
            start: at(3, 4),
            end: at(3, 4)
        }
    );
    assert_eq!(range(&json!([])), Range::default());
}

#[test]
fn a_code_action_request_says_where_what_and_why() {
    let read = |params: Value| serde_json::from_value::<CodeActionParams>(params).unwrap();
    let params = read(json!({
        "textDocument": { "uri": "u" },
        "range": { "start": { "line": 1, "character": 0 }, "end": { "line": 2, "character": 0 } },
        "context": { "diagnostics": [{ "message": "m" }], "only": ["quickfix", 3], "triggerKind": 2 },
    }));
    assert_eq!(
        params.range,
        Range {
            start: at(1, 0),
            end: at(2, 0)
        }
    );
    assert_eq!(params.diagnostics, [json!({ "message": "m" })]);
    assert_eq!(params.only, Some(vec!["quickfix".to_owned()]));
    assert_eq!(params.trigger, Trigger::Automatic);
    let bare = read(json!({ "textDocument": { "uri": "u" }, "context": [] }));
    assert_eq!(
        (bare.range, bare.only, bare.trigger),
        (Range::default(), None, Trigger::Invoked)
    );
}

#[test]
fn a_command_has_one_argument_however_it_is_wrapped() {
    for (arguments, argument) in [
        (json!(null), json!(null)),
        (json!([]), json!(null)),
        (json!({}), json!({})),
        (json!([null]), json!(null)),
        (json!([[]]), json!([])),
        (json!(["x"]), json!("x")),
        (json!([{ "job": "1" }, 2]), json!({ "job": "1" })),
        (json!({ "job": "1" }), json!({ "job": "1" })),
    ] {
        let params = json!({ "command": "c", "arguments": arguments });
        let params: CommandParams = serde_json::from_value(params).unwrap();
        assert_eq!(
            (params.command.as_str(), params.argument),
            ("c", argument),
            "{arguments}"
        );
    }
    let bare: CommandParams = serde_json::from_value(json!({ "command": "c" })).unwrap();
    assert_eq!(bare.argument, json!(null));
    assert!(serde_json::from_value::<CommandParams>(json!({ "arguments": [] })).is_err());
}

#[test]
fn the_small_notifications_are_read() {
    let token = |token: Value| {
        serde_json::from_value::<ProgressParams>(json!({ "token": token }))
            .ok()
            .map(|read| read.token)
    };
    assert_eq!(token(json!("a")), Some(json!("a")));
    assert_eq!(token(json!(1)), Some(json!(1)));
    assert_eq!(token(json!(null)), None);

    let folders = json!({ "event": { "added": [{ "uri": "file:///a/b/", "name": "n" }, { "uri": "file:///a/b/" }, {}] } });
    let folders: FolderParams = serde_json::from_value(folders).unwrap();
    let named = |name: &str| ("file:///a/b/".to_owned(), name.to_owned());
    assert_eq!(
        (folders.added, folders.removed),
        (vec![named("n"), named("b")], vec![])
    );

    let settings: ConfigurationParams =
        serde_json::from_value(json!({ "settings": { "ezrouter": {} } })).unwrap();
    assert_eq!(settings.settings, json!({ "ezrouter": {} }));
    assert_eq!(
        serde_json::from_value::<ConfigurationParams>(json!([]))
            .unwrap()
            .settings,
        Value::Null
    );
    assert_eq!(
        serde_json::from_value::<AnyParams>(json!([1])).unwrap(),
        AnyParams
    );
}

/// Any JSON value, shallow.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,5}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let name = prop_oneof![
            "line|character|start|end|range|text|uri|version|contentChanges|context|only",
            ".{0,3}",
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((name, inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_stands_beside_the_uri_is_read(document in any_json(), params in any_json(), inner in any_json()) {
        let mut document = if document.is_object() { document } else { json!({}) };
        document["uri"] = json!("u");
        let mut params = if params.is_object() { params } else { json!({}) };
        params["textDocument"] = document;
        params["contentChanges"] = json!([inner, { "text": "x", "range": inner }]);
        params["range"] = inner;
        prop_assert!(serde_json::from_value::<OpenParams>(params.clone()).is_ok());
        let changes = serde_json::from_value::<ChangeParams>(params.clone()).unwrap().changes;
        for change in changes {
            if let ContentChange::Partial { range, .. } = change {
                prop_assert!(range.start <= range.end);
            }
        }
        let action = serde_json::from_value::<CodeActionParams>(params.clone()).unwrap();
        prop_assert!(action.range.start <= action.range.end);
        prop_assert!(serde_json::from_value::<PositionParams>(params.clone()).is_ok());
        prop_assert!(serde_json::from_value::<DocumentParams>(params).is_ok());
    }
}
