//! An error as gateways and the servers behind them word it, out of JSON of many shapes. What follows from it is decided in
//! [`super::refusal`].

use serde_json::Value;

/// The parts of an error that a server told; a part that it left out is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Complaint {
    /// `code`, which may be a word, a number or nothing.
    pub code: String,
    /// `type`, such as `new_api_error`.
    pub kind: String,
    /// The message, without the request id that ezrouter appends to it; may be Chinese.
    pub message: String,
    /// The request id out of the message.
    pub request_id: Option<String>,
}

impl Complaint {
    /// Reads the body of a reply whose status says that it is an error: JSON of any known shape, or plain text. An HTML page
    /// comes from something between us and the gateway, and holds no words worth showing.
    pub fn of_body(body: &str) -> Self {
        let body = body.trim();
        if let Ok(value) = serde_json::from_str::<Value>(body) {
            return Self::of_value(&value).unwrap_or_else(|| Self::of_object(&value));
        }
        if body.starts_with('<') {
            return Self::default();
        }
        Self::default().with_message(body)
    }

    /// Reads one JSON value of a reply whose status says nothing; `None` if it is no error.
    ///
    /// Known shapes: `{"error": {..}}`, `{"error": ".."}`, `{"detail": ..}` (`FastAPI`), `{"success": false, ..}` (new-api),
    /// `{"object": "error", ..}` (vLLM) and `{"type": "error", ..}`.
    pub fn of_value(value: &Value) -> Option<Self> {
        match value.get("error") {
            Some(error @ Value::Object(_)) => return Some(Self::of_object(error)),
            Some(Value::String(error)) if !error.is_empty() => {
                return Some(Self::of_object(value).with_message(error));
            }
            _ => {}
        }
        let says_error = |name: &str| value.get(name).and_then(Value::as_str) == Some("error");
        let is_error = says_error("object")
            || says_error("type")
            || value.get("success") == Some(&Value::Bool(false))
            || value.get("detail").is_some_and(|detail| !detail.is_null());
        is_error.then(|| Self::of_object(value))
    }

    /// The HTTP status that the error stands for, as far as it says so itself: by a code that is a number, or by the type,
    /// as Anthropic's reference pairs them.
    pub fn status(&self) -> Option<u16> {
        let number = self.code.parse().ok();
        number
            .filter(|status| (400..600).contains(status))
            .or(match self.kind.as_str() {
                "invalid_request_error" => Some(400),
                "authentication_error" => Some(401),
                "billing_error" => Some(402),
                "permission_error" => Some(403),
                "not_found_error" => Some(404),
                "request_too_large" => Some(413),
                "rate_limit_error" => Some(429),
                "api_error" => Some(500),
                "timeout_error" => Some(504),
                "overloaded_error" => Some(529),
                _ => None,
            })
    }

    /// Whether the code or the type is one of `words`.
    pub fn is_one_of(&self, words: &[&str]) -> bool {
        words.contains(&self.code.as_str()) || words.contains(&self.kind.as_str())
    }

    fn of_object(object: &Value) -> Self {
        let message = match object.get("message").or_else(|| object.get("detail")) {
            Some(Value::String(text)) => text.clone(),
            // FastAPI lists one complaint for each wrong field.
            Some(Value::Array(list)) => list
                .iter()
                .filter_map(|item| item.get("msg")?.as_str())
                .collect::<Vec<_>>()
                .join("; "),
            _ => String::new(),
        };
        let complaint = Self {
            code: word(object.get("code")),
            kind: word(object.get("type")),
            ..Self::default()
        };
        complaint.with_message(&message)
    }

    fn with_message(mut self, text: &str) -> Self {
        let (message, request_id) = without_request_id(text);
        self.message = message;
        self.request_id = request_id;
        self
    }
}

fn word(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// Splits `text (request id: X)` into the text and X.
fn without_request_id(text: &str) -> (String, Option<String>) {
    let parts = text.split_once("(request id:").and_then(|(before, rest)| {
        let (id, after) = rest.split_once(')')?;
        Some((before.trim_end(), id.trim(), after))
    });
    match parts {
        Some((before, id, after)) => (
            format!("{before}{after}"),
            (!id.is_empty()).then(|| id.to_owned()),
        ),
        None => (text.to_owned(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(code: &str, kind: &str, message: &str, request_id: Option<&str>) -> Complaint {
        Complaint {
            code: code.to_owned(),
            kind: kind.to_owned(),
            message: message.to_owned(),
            request_id: request_id.map(str::to_owned),
        }
    }

    #[test]
    fn every_shape_of_error_body_is_read() {
        let table = [
            (
                r#"{"error":{"code":"invalid_api_key","message":"无效的令牌 (request id: 2026e1)","type":"authentication_error"}}"#,
                complaint(
                    "invalid_api_key",
                    "authentication_error",
                    "无效的令牌",
                    Some("2026e1"),
                ),
            ),
            (
                r#"{"error":{"message":"Invalid API Key","type":"authentication_error","code":401}}"#,
                complaint("401", "authentication_error", "Invalid API Key", None),
            ),
            (
                r#"{"error":{"message":null,"type":null,"code":null}}"#,
                complaint("", "", "", None),
            ),
            (
                r#"{"error":"model is loading","code":7}"#,
                complaint("7", "", "model is loading", None),
            ),
            (
                r#"{"error":{"message":"too large (request id: r)","type":"invalid_request_error"},"type":"error"}"#,
                complaint("", "invalid_request_error", "too large", Some("r")),
            ),
            (
                r#"{"detail":"Not Found"}"#,
                complaint("", "", "Not Found", None),
            ),
            (
                r#"{"detail":[{"msg":"field required"},{"msg":"bad"}]}"#,
                complaint("", "", "field required; bad", None),
            ),
            (
                r#"{"success":false,"message":"no"}"#,
                complaint("", "", "no", None),
            ),
            (
                r#"{"object":"error","message":"no","type":"BadRequestError","code":400}"#,
                complaint("400", "BadRequestError", "no", None),
            ),
            (r#"{"message":"bare"}"#, complaint("", "", "bare", None)),
            (
                "plain text (request id: 7) here\n",
                complaint("", "", "plain text here", Some("7")),
            ),
            (
                "broken (request id: 7",
                complaint("", "", "broken (request id: 7", None),
            ),
            ("<html><h1>502</h1></html>", Complaint::default()),
            ("[1]", Complaint::default()),
            ("", Complaint::default()),
        ];
        for (body, expected) in table {
            assert_eq!(Complaint::of_body(body), expected, "{body}");
        }
    }

    #[test]
    fn a_chunk_of_an_answer_is_no_error() {
        for chunk in [
            r#"{"id":"a","choices":[{"delta":{"content":"error"}}]}"#,
            r#"{"error":null,"choices":[]}"#,
            r#"{"error":"","choices":[]}"#,
            r#"{"success":true,"detail":null,"type":"message","object":"chat.completion.chunk"}"#,
        ] {
            assert_eq!(
                Complaint::of_value(&serde_json::from_str(chunk).unwrap()),
                None,
                "{chunk}"
            );
        }
    }
}
