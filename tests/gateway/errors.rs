//! What goes wrong before an answer, as tables: what the gateway sends, what the user reads, how many attempts are made.

use super::*;

/// What the gateway answers to every attempt, and what comes of it.
struct Case {
    answer: Answer,
    kind: Kind,
    what: &'static str,
    advice: &'static str,
    request_id: Option<&'static str>,
    attempts: usize,
}

async fn check(cases: Vec<Case>) {
    for case in cases {
        let (standin, gateway) = play(Script::always(case.answer)).await;
        let failure = failure(gateway.send(request())).await;
        assert_eq!(failure.what, case.what);
        assert_eq!(failure.advice, case.advice, "{}", case.what);
        assert_eq!(failure.kind, case.kind, "{failure}");
        assert_eq!(failure.request_id.as_deref(), case.request_id, "{failure}");
        assert_eq!(standin.requests().len(), case.attempts, "{failure}");
    }
}

/// An error of the gateway's own making.
fn error(status: u16, code: &str, kind: &str, message: &str) -> Answer {
    Answer::error(
        status,
        json!({"error": {"code": code, "type": kind, "message": message}}),
    )
}

fn case(
    answer: Answer,
    kind: Kind,
    what: &'static str,
    advice: &'static str,
    attempts: usize,
) -> Case {
    Case {
        answer,
        kind,
        what,
        advice,
        request_id: Some(REQUEST_ID),
        attempts,
    }
}

const NEW_API: &str = "new_api_error";
const SETTINGS: &str = "Check the model and the settings";
const ADDRESS: &str = "Check base_url (EZROUTER_BASE_URL)";
const LESS: &str = "Send less: select fewer lines, attach fewer files or start a new conversation";
const MODEL: &str = "Choose another model";
const LATER: &str = "Try again in a moment, or choose another model";
const VALID_KEY: &str = "Set EZROUTER_API_KEY to a valid key";
const TOP_UP: &str = "Top up the account at ezrouter.dev, or lower max_output_tokens";

#[tokio::test]
async fn mistakes_are_told_once_and_never_repeated() {
    use Kind::{BadKey, Rejected, WrongAddress};
    check(vec![
        case(error(400, "", NEW_API, "bad model"), Rejected, "The gateway refused the request (400 Bad Request): bad model", SETTINGS, 1),
        case(
            error(400, "", "invalid_request_error", "prompt is too long: 300000 tokens > 200000 maximum"),
            Rejected,
            "The request is too long for the model (400 Bad Request): prompt is too long: 300000 tokens > 200000 maximum",
            LESS,
            1,
        ),
        case(
            error(401, "invalid_api_key", "authentication_error", "无效的令牌 (request id: 2026e1)"),
            BadKey,
            "The gateway does not accept the key (401 Unauthorized): 无效的令牌",
            VALID_KEY,
            1,
        ),
        case(error(402, "billing_error", "", ""), Rejected, "The balance does not cover the request (402 Payment Required)", TOP_UP, 1),
        case(
            error(403, "access_denied", NEW_API, "no access to standin"),
            Rejected,
            "The model is not in the catalog, or the key may not use it (403 Forbidden): no access to standin",
            MODEL,
            1,
        ),
        case(
            error(403, "insufficient_user_quota", NEW_API, "用户额度不足。"),
            Rejected,
            "The balance does not cover the request (403 Forbidden): 用户额度不足",
            TOP_UP,
            1,
        ),
        case(
            error(403, "pre_consume_token_quota_failed", NEW_API, ""),
            Rejected,
            "The key's own quota is spent (403 Forbidden)",
            "Raise the key's quota at ezrouter.dev, or use another key",
            1,
        ),
        case(
            error(403, "", NEW_API, "user banned"),
            Rejected,
            "The gateway does not allow this request (403 Forbidden): user banned",
            "Check at ezrouter.dev that the account is active and that the key may use this model from this network",
            1,
        ),
        case(
            error(404, "", "invalid_request_error", "Invalid URL (POST /v1/x)"),
            WrongAddress,
            "There is no chat endpoint at this address (404 Not Found): Invalid URL (POST /v1/x)",
            ADDRESS,
            1,
        ),
        case(error(404, "model_not_found", "", "x"), Rejected, "The gateway does not know the model (404 Not Found): x", MODEL, 1),
        case(error(413, "read_request_body_failed", NEW_API, ""), Rejected, "The request is too long for the model (413 Content Too Large)", LESS, 1),
        case(error(418, "", NEW_API, "teapot"), Rejected, "The gateway refused the request (418): teapot", SETTINGS, 1),
        case(
            error(429, "", NEW_API, "slow down"),
            Rejected,
            "The model's provider limits the rate of requests (429 Too Many Requests): slow down",
            LATER,
            1,
        ),
        case(
            error(429, "", NEW_API, "").header("retry-after", "30"),
            Rejected,
            "The model's provider limits the rate of requests (429 Too Many Requests)",
            "Try again in 30 seconds",
            1,
        ),
        case(error(500, "invalid_request", NEW_API, "no messages"), Rejected, "The gateway refused the request (500 Internal Server Error): no messages", SETTINGS, 1),
        case(
            error(500, "sensitive_words_detected", NEW_API, ""),
            Rejected,
            "The gateway's filter blocked the request (500 Internal Server Error)",
            "Change the request, or choose another model",
            1,
        ),
        case(
            error(501, "api_not_implemented", NEW_API, ""),
            WrongAddress,
            "There is no chat endpoint at this address (501 Not Implemented)",
            ADDRESS,
            1,
        ),
    ])
    .await;
}

#[tokio::test]
async fn what_may_pass_is_repeated_and_told_at_last() {
    use Kind::Unreachable;
    let without_id = |case| Case {
        request_id: None,
        ..case
    };
    check(vec![
        case(error(408, "", NEW_API, ""), Unreachable, "The gateway waited too long for the request (408 Request Timeout)", LATER, 5),
        case(
            error(500, "do_request_failed", NEW_API, "upstream error"),
            Unreachable,
            "The gateway failed (500 Internal Server Error): upstream error",
            LATER,
            5,
        ),
        case(error(500, "", "new_api_panic", "oops"), Unreachable, "The gateway failed (500 Internal Server Error): oops", LATER, 2),
        without_id(case(
            Answer::html(502, "<html><h1>502 Bad Gateway</h1></html>"),
            Unreachable,
            "The gateway is not available (502 Bad Gateway)",
            LATER,
            5,
        )),
        case(
            error(503, "model_not_found", NEW_API, "no channel"),
            Unreachable,
            "The gateway has no provider for this model right now (503 Service Unavailable): no channel",
            MODEL,
            2,
        ),
        case(error(503, "system_cpu_overloaded", NEW_API, ""), Unreachable, "The gateway is not available (503 Service Unavailable)", LATER, 5),
        without_id(case(Answer::html(522, ""), Unreachable, "The gateway is not available (522)", LATER, 5)),
        case(error(529, "", "overloaded_error", "Overloaded"), Unreachable, "The model's provider is overloaded (529 Overloaded): Overloaded", LATER, 5),
    ])
    .await;
}

#[tokio::test]
async fn a_wrong_address_is_named_and_a_redirect_is_not_followed() {
    use Kind::WrongAddress;
    let page = "<!doctype html><html></html>";
    let web_page = "The address answers with a web page, not with the gateway";
    let stream = |body: &str| Answer::stream([Step::Raw(body.as_bytes().to_vec())]);
    let redirect = |status, location: &str| Answer::html(status, page).header("location", location);
    let without_id = |answer, what, advice| Case {
        answer,
        kind: WrongAddress,
        what,
        advice,
        request_id: None,
        attempts: 1,
    };
    check(vec![
        without_id(Answer::html(200, page), web_page, ADDRESS),
        // A page is recognised by its header or by its text.
        without_id(
            Answer::html(
                200,
                "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n",
            ),
            web_page,
            ADDRESS,
        ),
        case(stream(page), WrongAddress, web_page, ADDRESS, 1),
        without_id(
            redirect(301, "https://www.ezrouter.dev/v1/chat/completions"),
            "The gateway redirects to another address (301 Moved Permanently)",
            "Set base_url (EZROUTER_BASE_URL) to https://www.ezrouter.dev",
        ),
        without_id(
            redirect(307, "https://user:word@example.com:8443?x"),
            "The gateway redirects to another address (307 Temporary Redirect)",
            "Set base_url (EZROUTER_BASE_URL) to https://example.com:8443",
        ),
        without_id(
            redirect(308, "/login"),
            "The gateway redirects to another address (308 Permanent Redirect)",
            ADDRESS,
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_request_that_fails_at_first_succeeds_at_last_and_each_wait_is_announced() {
    let busy = || Answer::html(502, "");
    let (standin, gateway) = play(Script::new([
        busy(),
        Answer::stream([Step::Reset]),
        Answer::stream([Step::Cut]),
        Answer::text("x"),
    ]))
    .await;
    let signals = collect(gateway.send(request())).await;
    let mut reasons = Vec::new();
    for signal in &signals {
        if let Signal::Retry {
            seconds,
            next,
            of,
            reason,
        } = signal
        {
            let doubled = 0.001 * 2_f64.powi(i32::try_from(*next).unwrap() - 2);
            assert!(
                (0.79 * doubled..1.21 * doubled).contains(seconds),
                "{signals:?}"
            );
            assert_eq!(*of, 5);
            reasons.push((*next, reason.as_str()));
        }
    }
    assert_eq!(
        reasons,
        [
            (2, "502 Bad Gateway"),
            (3, "connection reset"),
            (4, "connection closed")
        ]
    );
    assert_eq!(signals.last(), Some(&Signal::End(Ok(Finish::Complete))));
    assert_eq!(standin.requests().len(), 4);
}

#[tokio::test]
async fn a_stream_that_breaks_is_repeated_only_before_its_first_text() {
    for (steps, attempts, kind) in [
        (vec![Step::Headers, Step::Reset], 5, Kind::Unreachable),
        (
            vec![Step::Headers, Step::ping(), Step::Cut],
            5,
            Kind::Unreachable,
        ),
        (
            vec![Step::Thinking("hm".to_owned()), Step::Cut],
            1,
            Kind::Cut,
        ),
        (vec![Step::text("a"), Step::Reset], 1, Kind::Cut),
        (vec![Step::text("a"), Step::Cut], 1, Kind::Cut),
        // An end in order, and an error in words, would come again.
        (vec![Step::ping()], 1, Kind::Cut),
        (
            vec![
                Step::ping(),
                Step::Raw(b"{\"error\":{\"message\":\"no\"}}".to_vec()),
                Step::Cut,
            ],
            1,
            Kind::Unreachable,
        ),
        (vec![Step::text("a"), Step::Done], 1, Kind::Cut),
        (vec![Step::finish("stop"), Step::Done], 1, Kind::Empty),
    ] {
        let (standin, gateway) = play(Script::always(Answer::stream(steps.clone()))).await;
        let failure = failure(gateway.send(request())).await;
        assert_eq!(
            (failure.kind, standin.requests().len()),
            (kind, attempts),
            "{steps:?}: {failure}"
        );
    }
}

#[tokio::test]
async fn connections_that_cannot_be_made_have_their_own_words() {
    let standin = Standin::start(Script::default()).await.unwrap();
    let plain = standin.base_url();
    let vacant = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    for (base_url, reason, what) in [
        (
            // The cause is not read out of the URL.
            format!("http://{vacant}/proxy/certificate"),
            "connection refused",
            format!("{vacant} refused the connection"),
        ),
        (
            plain.replace("http:", "https:"),
            "",
            format!(
                "{} does not answer with TLS",
                plain.trim_start_matches("http://")
            ),
        ),
        (
            "http://gateway.example".to_owned(),
            "",
            "The base URL would send the key to gateway.example unencrypted".to_owned(),
        ),
    ] {
        let gateway = Gateway::new(Settings {
            attempts: 2,
            ..settings(&base_url)
        });
        let signals = collect(gateway.send(request())).await;
        let reasons: Vec<_> = signals
            .iter()
            .filter_map(|signal| {
                if let Signal::Retry { reason, .. } = signal {
                    Some(reason.as_str())
                } else {
                    None
                }
            })
            .collect();
        assert_eq!(
            reasons.first().copied().unwrap_or_default(),
            reason,
            "{signals:?}"
        );
        let Some(Signal::End(Err(failure))) = signals.last() else {
            panic!("{signals:?}")
        };
        assert!(failure.what.starts_with(&what), "{failure}");
    }
}

#[tokio::test]
async fn the_key_is_in_no_failure_even_if_the_gateway_echoes_it() {
    let padding = "x".repeat(280);
    for message in [
        format!("bad key {KEY}"),
        format!("{padding} {KEY} {padding}"),
        format!("Bearer {KEY}, other sk-abcdefgh12345678"),
    ] {
        let body = json!({"error": {"message": message, "code": KEY, "type": KEY}});
        let answers = [
            Answer::error(401, body.clone()),
            Answer::error(500, body.clone()),
            Answer::error(200, body.clone()),
            Answer::stream([Step::text("a"), Step::Raw(body.to_string().into_bytes())]),
            Answer::error(400, json!(message)),
            Answer::stream([Step::Raw(message.clone().into_bytes())]),
            Answer {
                status: 400,
                ..Answer::stream([Step::Raw(message.clone().into_bytes())])
            },
            Answer::error(403, body).header("x-oneapi-request-id", KEY),
            Answer::html(302, "").header("location", &format!("https://{KEY}.example/{KEY}")),
        ];
        for answer in answers {
            let (_standin, gateway) = play(Script::always(answer)).await;
            let signals = collect(gateway.send(request())).await;
            let shown = format!("{signals:?} {gateway:?}");
            assert!(
                !shown.contains("testkey") && !shown.contains("abcdefgh"),
                "{shown}"
            );
        }
    }
}
