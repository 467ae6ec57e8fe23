//! What other servers say about a text, as the client passes it on with a request for code actions: LSP diagnostics as lines
//! for a prompt and as titles for a menu. Keeps none.

use serde_json::Value;

/// So many of them go along: the first ones say what is wrong, the rest follows from it.
const MOST: usize = 20;

/// The longest message, in characters.
const LONGEST: usize = 500;

/// The longest message in a title, in characters.
const LONGEST_TITLE: usize = 80;

/// A line for each diagnostic: where it is, how bad, what it says and who says it.
pub(super) fn lines(diagnostics: &[Value]) -> String {
    let lines: Vec<String> = diagnostics.iter().take(MOST).filter_map(line).collect();
    lines.join("\n")
}

fn line(diagnostic: &Value) -> Option<String> {
    let message = message(diagnostic, LONGEST)?;
    let line = diagnostic
        .pointer("/range/start/line")
        .and_then(Value::as_u64)?;
    let source = diagnostic
        .get("source")
        .and_then(Value::as_str)
        .map_or_else(String::new, |source| format!(" ({source})"));
    Some(format!(
        "line {}: {}: {message}{source}",
        line.saturating_add(1),
        severity(diagnostic)
    ))
}

/// What the menu calls a diagnostic.
pub(super) fn title(diagnostic: &Value) -> Option<String> {
    message(diagnostic, LONGEST_TITLE)
}

/// The message on one line: a string, or since LSP 3.18 a `MarkupContent`.
fn message(diagnostic: &Value, longest: usize) -> Option<String> {
    let message = diagnostic.get("message")?;
    let text = message
        .as_str()
        .or_else(|| message.get("value").and_then(Value::as_str))?;
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    let mut short: String = text.chars().take(longest).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    (!short.is_empty()).then_some(short)
}

/// `DiagnosticSeverity` of LSP 3.18; one that is not given is left to the client, and here to the reader.
fn severity(diagnostic: &Value) -> &'static str {
    match diagnostic.get("severity").and_then(Value::as_u64) {
        Some(1) => "error",
        Some(2) => "warning",
        Some(3) => "information",
        Some(4) => "hint",
        _ => "problem",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_diagnostic_is_one_line_whatever_its_shape() {
        let at = |line: u64| json!({"start": {"line": line, "character": 0}, "end": {"line": line, "character": 1}});
        let found = lines(&[
            json!({"range": at(2), "severity": 1, "source": "rustc", "message": "unused\n  variable"}),
            json!({"range": at(4), "message": {"kind": "markdown", "value": "**odd**"}}),
            json!({"range": at(5), "severity": 2}),
            json!({"message": "no range"}),
            json!("nonsense"),
        ]);
        assert_eq!(
            found,
            "line 3: error: unused variable (rustc)\nline 5: problem: **odd**"
        );
        let long = json!({"message": "x".repeat(100)});
        assert_eq!(title(&long).map(|title| title.chars().count()), Some(81));
        assert_eq!(
            lines(&vec![json!({"range": at(0), "message": "m"}); 30])
                .lines()
                .count(),
            MOST
        );
    }
}
