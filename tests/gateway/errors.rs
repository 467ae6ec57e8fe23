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
        for surface in SURFACES {
            let (standin, gateway) = play_on(surface, Script::always(case.answer.clone())).await;
            let failure = failure(gateway.send(request())).await;
            assert_eq!(failure.what, case.what, "{surface:?}");
            // Where the Anthropic surface is has a second setting.
            let advice = failure.advice.replace(ELSEWHERE, "");
            assert_eq!(advice, case.advice, "{surface:?}: {}", case.what);
            assert_eq!(failure.kind, case.kind, "{surface:?}: {failure}");
            assert_eq!(failure.request_id.as_deref(), case.request_id, "{failure}");
            assert_eq!(
                standin.requests().len(),
                case.attempts,
                "{surface:?}: {failure}"
            );
        }
    }
}

const ELSEWHERE: &str = ", or set EZROUTER_ANTHROPIC_BASE_URL if this surface is elsewhere";

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
const ADDRESS: &str = "Check base_url (EZROUTER_BASE_URL)";
const LATER: &str = "Try again in a moment, or choose another model";

/// Every error that the gateway and the servers behind it are known to answer with.
const TABLE: &str = include_str!("../fixtures/errors.txt");

/// The answers that a row of the table stands for. On the Anthropic surface an error of the relay has an envelope of its own,
/// and one of what stands in front of the relay has the other surface's.
fn answers(row: &str) -> Vec<(Choice, Answer)> {
    let (head, message) = row.split_once(" | ").unwrap_or((row, ""));
    let words: Vec<&str> = head.split(' ').collect();
    let status = words[0].parse().unwrap();
    let word = |text: &str| text.trim_start_matches('-').to_owned();
    let [_, code, kind] = words.as_slice() else {
        let answer = match words[1] {
            "html" => Answer::html(status, "<html><h1>Bad Gateway</h1></html>"),
            "empty" => Answer {
                content_type: "text/plain".to_owned(),
                ..Answer::html(status, "")
            },
            other => panic!("{other}"),
        };
        return SURFACES.map(|surface| (surface, answer.clone())).to_vec();
    };
    let error = json!({"code": word(code), "type": word(kind), "message": word(message)});
    let plain = Answer::error(status, json!({"error": error}));
    let relay = Answer::error(status, json!({"type": "error", "error": error}));
    vec![
        (Choice::OpenAi, plain.clone()),
        (Choice::Anthropic, plain),
        (Choice::Anthropic, relay),
    ]
}

#[tokio::test]
async fn every_known_error_reads_as_the_table_says_and_is_repeated_as_often() {
    let rows: Vec<&str> = TABLE
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    let mut wrong = Vec::new();
    for row in rows.chunks(2) {
        let [row, expected] = row else {
            panic!("a row without its outcome: {row:?}")
        };
        for (surface, answer) in answers(row) {
            let (standin, gateway) = play_on(surface, Script::always(answer)).await;
            let failure = failure(gateway.send(request())).await;
            let attempts = standin.requests().len();
            let read = failure.to_string().replace(ELSEWHERE, "");
            let found = format!("  {attempts} {:?}: {read}", failure.kind);
            if found != *expected {
                wrong.push(format!("{row}\n{found}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_limit_on_the_rate_is_waited_for_by_the_user_alone() {
    for (after, advice) in [
        ("30", "Try again in 30 seconds"),
        ("1", "Try again in 1 second"),
        ("soon", LATER),
    ] {
        let answer = error(429, "", NEW_API, "").header("retry-after", after);
        let what = "The model's provider limits the rate of requests (429 Too Many Requests)";
        check(vec![case(answer, Kind::Rejected, what, advice, 1)]).await;
    }
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
            redirect(302, "http://127.0.0.1:1/v1"),
            "The gateway redirects to another address (302 Found)",
            "Set base_url (EZROUTER_BASE_URL) to http://127.0.0.1:1",
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
    let script = Script::new([
        busy(),
        Answer::stream([Step::Reset]),
        Answer::stream([Step::Cut]),
        Answer::text("x"),
    ]);
    let (standin, gateway) = play(script).await;
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
    let error = |body: &str| Step::Raw(format!("{{\"error\":{body}}}").into_bytes());
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
        // An error in one piece, where nothing but the body says that it is one.
        (
            vec![Step::Raw(
                b"{\"success\":false,\"message\":\"no\"}".to_vec(),
            )],
            2,
            Kind::Unreachable,
        ),
        // An end in order would come again.
        (vec![Step::ping()], 1, Kind::Cut),
        // An error in words is what it would have been without the comment before it: a status of 500 is repeated, one of
        // 400 is not, and of one that says nothing of itself one more attempt is made.
        (
            vec![
                Step::ping(),
                error("{\"type\":\"new_api_error\",\"code\":\"do_request_failed\"}"),
            ],
            5,
            Kind::Unreachable,
        ),
        (
            vec![
                Step::ping(),
                error("{\"type\":\"overloaded_error\"}"),
                Step::Cut,
            ],
            5,
            Kind::Unreachable,
        ),
        (
            vec![Step::ping(), error("{\"type\":\"invalid_request_error\"}")],
            1,
            Kind::Rejected,
        ),
        (
            vec![Step::ping(), error("{\"message\":\"no\"}"), Step::Cut],
            2,
            Kind::Unreachable,
        ),
        (
            vec![Step::text("a"), error("{\"type\":\"overloaded_error\"}")],
            1,
            Kind::Cut,
        ),
        (vec![Step::text("a"), Step::Done], 1, Kind::Cut),
        (vec![Step::finish("stop"), Step::Done], 1, Kind::Empty),
    ] {
        for surface in SURFACES {
            let script = Script::always(Answer::stream(steps.clone()));
            let (standin, gateway) = play_on(surface, script).await;
            let failure = failure(gateway.send(request())).await;
            assert_eq!(
                (failure.kind, standin.requests().len()),
                (kind, attempts),
                "{surface:?} {steps:?}: {failure}"
            );
        }
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
        for (answer, surface) in answers
            .into_iter()
            .flat_map(|it| SURFACES.map(|on| (it.clone(), on)))
        {
            let (_standin, gateway) = play_on(surface, Script::always(answer)).await;
            let signals = collect(gateway.send(request())).await;
            let shown = format!("{signals:?} {gateway:?}");
            assert!(
                !shown.contains("testkey") && !shown.contains("abcdefgh"),
                "{shown}"
            );
        }
    }
}
