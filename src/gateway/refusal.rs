//! What an HTTP status other than success means for the user, and whether the request may be repeated. It knows nothing of
//! connections and clocks.
//!
//! The status decides, then the `code` or `type` of the body: ezrouter's error reference calls its codes inconsistent and
//! its messages partly Chinese, so each sentence begins with our own words and quotes the gateway behind them.

use super::complaint::Complaint;
use super::error::{BASE_URL, CHECK_ADDRESS, Failure, Kind, Repeat, Setback};

/// What a reply with an error status says.
#[derive(Clone, Copy, Debug, Default)]
pub struct Refusal<'a> {
    /// What was asked for.
    pub wanted: Wanted,
    /// The HTTP status.
    pub status: u16,
    /// The body, or its beginning.
    pub body: &'a str,
    /// The header `retry-after`.
    pub retry_after: Option<&'a str>,
    /// The header `location`.
    pub location: Option<&'a str>,
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// An answer of a model.
    #[default]
    Answer,
    /// The list of models; none is named, so none can be unknown.
    Catalog,
}

const SEND_LESS: &str =
    "Send less: select fewer lines, attach fewer files or start a new conversation";
const OTHER_MODEL: &str = "Choose another model";
const CHECK_ACCESS: &str = "Check at ezrouter.dev that the account is active and that the key may use this model from this network";
const TRY_LATER: &str = "Try again in a moment, or choose another model";

/// Judges a reply with an error status.
pub fn judge(refusal: Refusal<'_>) -> Setback {
    if (300..400).contains(&refusal.status) {
        return redirected(refusal);
    }
    let mut complaint = Complaint::of_body(refusal.body);
    let code_is_word = complaint.code.contains(char::is_alphabetic);
    if complaint.message.is_empty() && code_is_word {
        complaint.message.clone_from(&complaint.code);
    }
    let judgement = match (refusal.wanted, refusal.status) {
        (Wanted::Catalog, 404 | 405 | 501) => nowhere("There is no list of models at this address"),
        (_, status) => judgement(status, &complaint, refusal.retry_after),
    };
    let line = status_line(refusal.status);
    let what = format!("{} ({line})", judgement.1);
    setback(judgement, &what, complaint, line)
}

/// Judges an error inside a reply whose status said success, before any text of the answer: as if it had come with the
/// status that it stands for. Had the gateway not sent a comment before, to keep the connection open, it would have.
pub fn in_stream(complaint: Complaint) -> Setback {
    const WHAT: &str = "The gateway reported an error in its reply";
    let mut complaint = complaint;
    if complaint.message.is_empty() {
        let words = format!("{} {}", complaint.kind, complaint.code);
        words.trim().clone_into(&mut complaint.message);
    }
    if let Some(status) = complaint.status() {
        let judgement = judgement(status, &complaint, None);
        let what = judgement.1;
        return setback(judgement, what, complaint, status_line(status));
    }
    let (kind, _, advice, repeat) = judgement(500, &complaint, None);
    let repeat = match repeat {
        // Of an error without a name nothing is known.
        Repeat::Allowed if complaint.kind.is_empty() && complaint.code.is_empty() => Repeat::Once,
        repeat => repeat,
    };
    setback(
        (kind, WHAT, advice, repeat),
        WHAT,
        complaint,
        "an error in the reply".to_owned(),
    )
}

fn setback(
    (kind, _, advice, repeat): Judgement,
    what: &str,
    complaint: Complaint,
    reason: String,
) -> Setback {
    Setback {
        failure: Failure {
            kind,
            what: quoting(what, &complaint.message),
            advice,
            request_id: complaint.request_id,
        },
        repeat,
        reason,
    }
}

fn judgement(status: u16, complaint: &Complaint, retry_after: Option<&str>) -> Judgement {
    match status {
        400 | 422 if is_about_length(complaint) => too_long(),
        401 => (
            Kind::BadKey,
            "The gateway does not accept the key",
            "Set EZROUTER_API_KEY to a valid key".to_owned(),
            Repeat::Never,
        ),
        402 => out_of_money(),
        403 => forbidden(complaint),
        404 | 405 if is_about_model(complaint) => (
            Kind::Rejected,
            "The gateway does not know the model",
            OTHER_MODEL.to_owned(),
            Repeat::Never,
        ),
        404 | 405 | 501 => nowhere("There is no chat endpoint at this address"),
        408 => (
            Kind::Unreachable,
            "The gateway waited too long for the request",
            TRY_LATER.to_owned(),
            Repeat::Allowed,
        ),
        413 => (
            Kind::Rejected,
            "The request is too large for the gateway",
            SEND_LESS.to_owned(),
            Repeat::Never,
        ),
        // The gateway never limits the rate itself; a limit comes from behind it, and repeating makes it worse.
        429 => (
            Kind::Rejected,
            "The model's provider limits the rate of requests",
            rate_advice(retry_after),
            Repeat::Never,
        ),
        500.. => broken(status, complaint),
        _ => (
            Kind::Rejected,
            "The gateway refused the request",
            "Check the model and the settings".to_owned(),
            Repeat::Never,
        ),
    }
}

/// Whether the model may be what was refused: it does not exist, or the key may not use it.
pub fn may_blame_the_model(failure: &Failure) -> bool {
    [OTHER_MODEL, CHECK_ACCESS].contains(&failure.advice.as_str())
}

/// Codes and types of mistakes that repeating does not cure, whatever the status says: the gateway sends some with 500.
const PERMANENT: &[&str] = &[
    "invalid_request",
    "invalid_request_error",
    "count_token_failed",
];

/// Codes of a filter on what is asked.
const FILTERED: &[&str] = &["sensitive_words_detected", "prompt_blocked"];

type Judgement = (Kind, &'static str, String, Repeat);

fn nowhere(what: &'static str) -> Judgement {
    (
        Kind::WrongAddress,
        what,
        CHECK_ADDRESS.to_owned(),
        Repeat::Never,
    )
}

fn too_long() -> Judgement {
    (
        Kind::Rejected,
        "The request is too long for the model",
        SEND_LESS.to_owned(),
        Repeat::Never,
    )
}

fn out_of_money() -> Judgement {
    // The gateway reserves the price of max_tokens in advance, so a smaller limit may pass where a large one does not.
    let advice = "Top up the account at ezrouter.dev, or lower max_output_tokens".to_owned();
    (
        Kind::Rejected,
        "The balance does not cover the request",
        advice,
        Repeat::Never,
    )
}

fn forbidden(complaint: &Complaint) -> Judgement {
    match complaint.code.as_str() {
        "insufficient_user_quota" => out_of_money(),
        "pre_consume_token_quota_failed" => (
            Kind::Rejected,
            "The key's own quota is spent",
            "Raise the key's quota at ezrouter.dev, or use another key".to_owned(),
            Repeat::Never,
        ),
        "access_denied" => (
            Kind::Rejected,
            "The model is not in the catalog, or the key may not use it",
            OTHER_MODEL.to_owned(),
            Repeat::Never,
        ),
        _ => (
            Kind::Rejected,
            "The gateway does not allow this request",
            CHECK_ACCESS.to_owned(),
            Repeat::Never,
        ),
    }
}

/// Statuses from 500 up.
fn broken(status: u16, complaint: &Complaint) -> Judgement {
    if complaint.is_one_of(FILTERED) {
        let advice = "Change the request, or choose another model".to_owned();
        return (
            Kind::Rejected,
            "The gateway's filter blocked the request",
            advice,
            Repeat::Never,
        );
    }
    if is_about_length(complaint) {
        return too_long();
    }
    if complaint.is_one_of(PERMANENT) || is_about_a_field(complaint) {
        let advice = "Check the model and the settings".to_owned();
        return (
            Kind::Rejected,
            "The gateway refused the request",
            advice,
            Repeat::Never,
        );
    }
    if status == 503 && complaint.code == "model_not_found" {
        let what = "The gateway has no provider for this model right now";
        return (
            Kind::Unreachable,
            what,
            OTHER_MODEL.to_owned(),
            Repeat::Once,
        );
    }
    let repeat = if complaint.is_one_of(&["new_api_panic"]) {
        Repeat::Once
    } else {
        Repeat::Allowed
    };
    let what = match status {
        500 => "The gateway failed",
        529 => "The model's provider is overloaded",
        _ => "The gateway is not available",
    };
    (Kind::Unreachable, what, TRY_LATER.to_owned(), repeat)
}

fn redirected(refusal: Refusal<'_>) -> Setback {
    let advice = match refusal.location.and_then(origin) {
        Some(origin) => format!("Set {BASE_URL} to {origin}"),
        None => CHECK_ADDRESS.to_owned(),
    };
    // Never followed: a redirect may turn POST into GET, and would carry the key and the code to another host.
    let what = format!(
        "The gateway redirects to another address ({})",
        status_line(refusal.status)
    );
    Setback::last(Failure::new(Kind::WrongAddress, what, advice))
}

/// The scheme and authority of an absolute URL, without user information.
fn origin(location: &str) -> Option<String> {
    let (scheme, rest) = location.split_once("://")?;
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host = authority.rsplit('@').next()?;
    (!host.is_empty()).then(|| format!("{scheme}://{host}"))
}

fn is_about_length(complaint: &Complaint) -> bool {
    let message = complaint.message.to_lowercase();
    complaint.is_one_of(&[
        "exceed_context_size_error",
        "context_length_exceeded",
        "request_too_large",
    ]) || message.contains("prompt is too long")
        || message.contains("maximum context length")
        || message.contains("context size")
        || message.contains("context window")
}

/// Whether a part of the request is said to be missing: a mistake, under whatever name and status it comes.
fn is_about_a_field(complaint: &Complaint) -> bool {
    complaint.message.ends_with(" is required")
}

fn is_about_model(complaint: &Complaint) -> bool {
    // The gateway names the path that it does not know, and one ends in `models`.
    complaint.is_one_of(&["model_not_found"])
        || complaint.message.to_lowercase().contains("model")
            && !complaint.message.starts_with("Invalid URL")
}

fn rate_advice(retry_after: Option<&str>) -> String {
    match retry_after.and_then(|text| text.trim().parse::<u64>().ok()) {
        Some(1) => "Try again in 1 second".to_owned(),
        Some(seconds) => format!("Try again in {seconds} seconds"),
        None => TRY_LATER.to_owned(),
    }
}

/// Our own words, then the gateway's, if it had any.
fn quoting(what: &str, message: &str) -> String {
    if message.is_empty() {
        what.to_owned()
    } else {
        format!("{what}: {message}")
    }
}

/// A status with its name, such as `502 Bad Gateway`.
fn status_line(status: u16) -> String {
    let name = match status {
        301 => "Moved Permanently",
        302 => "Found",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        529 => "Overloaded",
        _ => return status.to_string(),
    };
    format!("{status} {name}")
}
