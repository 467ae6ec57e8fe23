//! What of a gateway's words may reach a person.

use super::*;

#[test]
fn what_is_shown_is_one_line_without_keys_and_without_a_full_stop() {
    let table = [
        ("plain", "plain"),
        ("a sentence.", "a sentence"),
        ("余额不足。", "余额不足"),
        ("two\r\n  lines\tand\u{0}a null", "two lines and a null"),
        ("turned \u{202e}round", "turned round"),
        ("bad key sk-secret-1!", "bad key [key]!"),
        ("bad key sk-ABCD1234efgh, sorry", "bad key [key], sorry"),
        ("bad key sk-AB***********yz", "bad key [key]"),
        ("sk-one12 sk-two34", "[key] [key]"),
        ("a task-force for disk-usage", "a task-force for disk-usage"),
        ("no secret: sk- or sk-x", "no secret: sk- or sk-x"),
        ("(sk-proj-abc_DEF)", "([key])"),
    ];
    let key = Key::new("sk-secret-1").unwrap();
    for (text, shown) in table {
        let failure = Failure::new(Kind::Rejected, text, text).presentable(Some(&key));
        assert_eq!(failure.what, shown, "{text:?}");
        assert_eq!(failure.advice, shown, "{text:?}");
    }
}

#[test]
fn a_key_that_straddles_the_cut_of_a_long_message_is_hidden_too() {
    let key = Key::new("very-secret-value").unwrap();
    for padding in 270..310 {
        let text = format!(
            "{} very-secret-value {}",
            "x".repeat(padding),
            "y".repeat(50)
        );
        let shown = Failure::new(Kind::Rejected, text, "")
            .presentable(Some(&key))
            .what;
        assert!(!shown.contains("very"), "{shown}");
        assert!(shown.chars().count() <= LONGEST + 1);
        assert!(shown.ends_with('…'));
    }
}

#[test]
fn a_failure_reads_as_two_sentences_and_the_request_id() {
    let mut failure = Failure::new(Kind::NoKey, "No key is set", "Set EZROUTER_API_KEY");
    assert_eq!(failure.to_string(), "No key is set. Set EZROUTER_API_KEY.");
    failure.request_id = Some("2026".to_owned());
    assert_eq!(
        failure.to_string(),
        "No key is set. Set EZROUTER_API_KEY. (request id: 2026)"
    );
}
