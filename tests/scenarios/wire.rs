//! Every odd way in which a reply may come over the wire, on both surfaces, through the whole server into the document: the
//! answer lands as it was meant, or the original stands and one message says why.

use std::time::Duration;

use ezrouter_lsp::gateway::signal::Usage;
use ezrouter_lsp::gateway::surface::Surface;
use ezrouter_lsp::offline::{Answer, Script, Standin, Step, body};
use serde_json::json;

use crate::manner::Manner;
use crate::scene::{Plan, Scene, scene_of};

const SURFACES: [(&str, Surface); 2] = [
    ("openai", Surface::OpenAi),
    ("anthropic", Surface::Anthropic),
];

/// What becomes of a rewrite.
#[derive(Clone, Copy)]
enum Outcome {
    /// It lands; the text takes the place of the selection.
    Lands(&'static str),
    /// The original stands, and the message holds this.
    Fails(&'static str),
}

use Outcome::{Fails, Lands};

const NEW: &str = "new öne\nnew two\n";

const USAGE: Usage = Usage {
    input: 90,
    cached: 60,
    written: 0,
    output: 7,
    estimated: false,
};

/// A whole answer in a few pieces.
fn steps() -> Vec<Step> {
    vec![
        Step::text("new ö"),
        Step::text("ne\nnew "),
        Step::text("two\n"),
        Step::finish("stop"),
        Step::Usage(USAGE),
        Step::Done,
    ]
}

/// The bytes of a whole answer.
fn whole(surface: Surface) -> Vec<u8> {
    body(surface, &steps())
}

fn text(surface: Surface) -> String {
    String::from_utf8(whole(surface)).unwrap()
}

fn raw(bytes: impl Into<Vec<u8>>) -> Answer {
    Answer::stream([Step::Raw(bytes.into())])
}

/// The same with steps behind the bytes.
fn raw_and(bytes: impl Into<Vec<u8>>, rest: Step) -> Answer {
    Answer::stream([Step::Raw(bytes.into()), rest])
}

/// The answer without the events that hold one of `words`.
fn without(surface: Surface, words: &[&str]) -> String {
    let text = text(surface);
    let events = text.split_inclusive("\n\n");
    events
        .filter(|event| !words.iter().any(|word| event.contains(word)))
        .collect()
}

const END_MARKS: &[&str] = &["[DONE]", "message_stop"];
const FINISH: &[&str] = &["\"finish_reason\":\"stop\"", "end_turn"];

/// How long the pauses of a slow reply may be.
const IDLE: Duration = Duration::from_secs(1);

async fn start(surface: &str, answer: Answer, variables: Vec<(&str, String)>) -> (Scene, String) {
    let silent = answer.steps.iter().any(|step| matches!(step, Step::Hang));
    let slow = answer
        .steps
        .iter()
        .any(|step| matches!(step, Step::Wait(_)));
    // No shorter than it must be: on a busy computer a reply that is not silent may be late.
    let seconds = match (silent, slow) {
        (true, _) => 0.3,
        (false, true) => IDLE.as_secs_f64(),
        (false, false) => 30.0,
    };
    let plan = Plan {
        settings: json!({
            "surface": surface, "retry": {"attempts": 1},
            "timeouts": {"idle_s": seconds, "first_byte_s": seconds},
        }),
        script: Script::new([answer]),
        variables,
        ..Plan::default()
    };
    let mut scene = scene_of(Manner::Helix, plan).await;
    let job = scene.start("Simplify").await;
    (scene, job)
}

/// Waits for the end of a rewrite and holds what it must have come to.
async fn settle(mut scene: Scene, job: &str, outcome: Outcome, name: &str) {
    match outcome {
        Lands(new) => {
            assert_eq!(scene.editor.settled(job).await, "pending", "{name}");
            assert_eq!(scene.editor.text, scene.rewritten(new), "{name}");
        }
        Fails(part) => {
            assert_eq!(scene.editor.settled(job).await, "failed", "{name}");
            assert_eq!(scene.editor.text, scene.original, "{name}");
            let message = scene.editor.message().await;
            assert!(
                message.starts_with("Simplify failed: "),
                "{name}: {message}"
            );
            assert!(message.contains(part), "{name}: {message}");
            assert!(!message.contains("sk-scenario-key"), "{name}: {message}");
        }
    }
    // A second message would be seen here.
    scene.editor.finish().await;
}

/// A name, what comes on a surface, and what becomes of the rewrite.
type Case = (&'static str, fn(Surface) -> Answer, Outcome);

async fn check(cases: &[Case]) {
    for (name, answer, outcome) in cases {
        for (word, surface) in SURFACES {
            let (scene, job) = start(word, answer(surface), Vec::new()).await;
            settle(scene, &job, *outcome, &format!("{name}, {word}")).await;
        }
    }
}

#[tokio::test]
async fn framing_that_a_standard_parser_takes_and_some_that_it_does_not() {
    check(&[
        ("as it should be", |it| raw(whole(it)), Lands(NEW)),
        (
            "one byte at a time",
            |it| raw(whole(it)).split_every(1),
            Lands(NEW),
        ),
        (
            "seven bytes at a time",
            |it| raw(whole(it)).split_every(7),
            Lands(NEW),
        ),
        (
            "CRLF",
            |it| raw(text(it).replace('\n', "\r\n")).split_every(5),
            Lands(NEW),
        ),
        (
            "CR",
            |it| raw(text(it).replace('\n', "\r")).split_every(5),
            Lands(NEW),
        ),
        (
            "no space",
            |it| {
                raw(text(it)
                    .replace("data: ", "data:")
                    .replace("event: ", "event:"))
            },
            Lands(NEW),
        ),
        (
            "byte order mark",
            |it| raw(format!("\u{feff}{}", text(it))).split_every(2),
            Lands(NEW),
        ),
        (
            "comments",
            |it| raw(text(it).replace("\n\n", "\n\n: PING\n\n:\n\n")),
            Lands(NEW),
        ),
        (
            "comments within events",
            |it| raw(text(it).replace("data: ", ": PING\ndata: ")),
            Lands(NEW),
        ),
        (
            "ids and unknown fields",
            |it| raw(text(it).replace("data: ", "id: 7\nretry: 5\nx: y\ndata: ")),
            Lands(NEW),
        ),
        (
            "no blank line at the end",
            |it| raw(text(it).trim_end()),
            Lands(NEW),
        ),
        (
            "blank lines in front",
            |it| raw(format!("\r\n\n  {}", text(it).trim_end())),
            Lands(NEW),
        ),
    ])
    .await;
}

#[tokio::test]
async fn keep_alives_before_and_between_are_waited_through() {
    let slow = |surface| {
        let pauses = || (0..5).flat_map(|_| [Step::ping(), Step::Wait(IDLE / 8)]);
        let text = text(surface);
        let (before, after) = text.split_at(text.find("ne\\n").unwrap());
        let (begin, rest) = before.rsplit_once("data: ").unwrap();
        let answer = [begin.to_owned(), format!("data: {rest}{after}")];
        // In all more than may pass in silence.
        let steps = answer.map(|part| pauses().chain([Step::Raw(part.into_bytes())]));
        Answer::stream(steps.into_iter().flatten())
    };
    check(&[("slow", slow, Lands(NEW))]).await;
}

#[tokio::test]
async fn a_reply_is_whole_by_its_finish_reason_and_by_nothing_else() {
    check(&[
        ("no end mark", |it| raw(without(it, END_MARKS)), Lands(NEW)),
        (
            "no end mark, cut",
            |it| raw_and(without(it, END_MARKS), Step::Cut),
            Lands(NEW),
        ),
        (
            "no end mark, reset",
            |it| raw_and(without(it, END_MARKS), Step::Reset),
            Lands(NEW),
        ),
        (
            "no end mark, silence",
            |it| raw_and(without(it, END_MARKS), Step::Hang),
            Lands(NEW),
        ),
        (
            "two end marks",
            |it| raw(format!("{}{}", text(it), body_of(it, Step::Done))),
            Lands(NEW),
        ),
        (
            "half an end mark",
            |it| raw_and(format!("{}data: [DO", without(it, END_MARKS)), Step::Cut),
            Lands(NEW),
        ),
        (
            "an error behind the end",
            |it| raw(format!("{}{{\"error\":{{}}}}", without(it, END_MARKS))),
            Lands(NEW),
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_reply_that_ends_before_its_finish_reason_leaves_the_original() {
    check(&[
        (
            "no finish reason",
            |it| raw(without(it, FINISH)),
            Fails("half-way"),
        ),
        (
            "neither",
            |it| raw(without(it, &[FINISH, END_MARKS].concat())),
            Fails("half-way"),
        ),
        ("half an event", |it| raw(half(it)), Fails("half-way")),
        (
            "half an event, cut",
            |it| raw_and(half(it), Step::Cut),
            Fails("half-way"),
        ),
        (
            "half an event, reset",
            |it| raw_and(half(it), Step::Reset),
            Fails("half-way"),
        ),
        (
            "half an event, silence",
            |it| raw_and(half(it), Step::Hang),
            Fails("0.3 s"),
        ),
        ("cut", |it| raw_and(begun(it), Step::Cut), Fails("half-way")),
        (
            "reset",
            |it| raw_and(begun(it), Step::Reset),
            Fails("half-way"),
        ),
        (
            "silence",
            |it| raw_and(begun(it), Step::Hang),
            Fails("0.3 s"),
        ),
        ("nothing", |_| Answer::stream([]), Fails("half-way")),
        (
            "only comments",
            |_| raw(": PING\n\n:\n\n"),
            Fails("half-way"),
        ),
        (
            "comments, then silence",
            |_| raw_and(": PING\n\n", Step::Hang),
            Fails("0.3 s"),
        ),
        (
            "silence from the start",
            |_| Answer::stream([Step::Hang]),
            Fails("0.3 s"),
        ),
        (
            "silence behind the headers",
            |_| Answer::stream([Step::Headers, Step::Hang]),
            Fails("0.3 s"),
        ),
        (
            "reset before the headers",
            |_| Answer::stream([Step::Reset]),
            Fails("broke the connection"),
        ),
        (
            "closed before the headers",
            |_| Answer::stream([Step::Cut]),
            Fails("without an answer"),
        ),
    ])
    .await;
}

/// The bytes of one step.
fn body_of(surface: Surface, step: Step) -> String {
    String::from_utf8(body(surface, &[step])).unwrap()
}

/// The answer until some text has come.
fn begun(surface: Surface) -> Vec<u8> {
    body(surface, &steps()[..1])
}

/// The answer until the middle of its second piece.
fn half(surface: Surface) -> Vec<u8> {
    let two = body(surface, &steps()[..2]);
    two[..two.len() - 12].to_vec()
}

#[tokio::test]
async fn a_second_answer_in_one_body_is_not_joined_to_the_first() {
    check(&[
        (
            "another id",
            |it| {
                let second = text(it).replace("\"standin\"", "\"another\"");
                raw([begun(it), second.into_bytes()].concat())
            },
            Fails("began another one"),
        ),
        (
            "nothing said before",
            |it| {
                let second = text(it).replace("\"standin\"", "\"another\"");
                let begin = body(it, &[Step::text("")]);
                raw([begin, second.into_bytes()].concat())
            },
            Lands(NEW),
        ),
    ])
    .await;
}

#[tokio::test]
async fn keep_alives_alone_go_on_until_the_user_stops() {
    for (word, _) in SURFACES {
        let quiet = (0..10_000).flat_map(|_| [Step::ping(), Step::Wait(IDLE / 100)]);
        let (mut scene, job) = start(word, Answer::stream(quiet), Vec::new()).await;
        scene.gateway.received(1).await;
        let (start, end) = scene.selection;
        scene.editor.choose(start, end, "Stop").await;
        assert_eq!(scene.editor.settled(&job).await, "cancelled", "{word}");
        assert_eq!(scene.editor.text, scene.original, "{word}");
        scene.gateway.closed(0).await;
        scene.editor.finish().await;
    }
}

#[tokio::test]
async fn bytes_of_any_kind_are_read_for_what_they_are() {
    check(&[
        (
            "not UTF-8",
            |it| {
                let broken: Vec<u8> = whole(it).into_iter().filter(|byte| *byte != 0xc3).collect();
                raw(broken)
            },
            Lands("new \u{fffd}ne\nnew two\n"),
        ),
        (
            "a line of 2 MB",
            |it| {
                let mut steps = steps();
                steps.insert(0, Step::Thinking("x".repeat(2 << 20)));
                raw(body(it, &steps)).split_every(1 << 16)
            },
            Lands(NEW),
        ),
        (
            "a comment of 2 MB",
            |it| raw(format!(": {}\n\n{}", "x".repeat(2 << 20), text(it))),
            Lands(NEW),
        ),
        (
            "a line beyond all bounds",
            |it| {
                let long = format!("data: {}\n\n", "x".repeat(9 << 20));
                raw([begun(it), long.into_bytes(), whole(it)].concat()).split_every(1 << 16)
            },
            Fails("not one of a chat endpoint"),
        ),
        (
            "100,000 tiny events",
            |it| {
                let nothing = body_of(it, Step::text("")).replace("\"standin\"", "\"x\"");
                let nothing = nothing.split_inclusive("\n\n").last().unwrap().to_owned();
                let ending = text(it).replace("\"standin\"", "\"x\"");
                raw(format!("{}{ending}", nothing.repeat(100_000))).split_every(1 << 16)
            },
            Lands(NEW),
        ),
        (
            "gzip",
            |it| {
                raw(gzip(&whole(it)))
                    .split_every(9)
                    .header("content-encoding", "gzip")
            },
            Lands(NEW),
        ),
        (
            "half of a gzip",
            |it| {
                let whole = gzip(&whole(it));
                raw_and(&whole[..whole.len() / 2], Step::Cut).header("content-encoding", "gzip")
            },
            Fails("half-way"),
        ),
        (
            "said to be gzip",
            |it| raw(whole(it)).header("content-encoding", "gzip"),
            Fails(""),
        ),
    ])
    .await;
}

/// `bytes` as gzip has them (RFC 1952), in blocks that are stored and not compressed.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = crc >> 1 ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let blocks: Vec<&[u8]> = bytes.chunks(100).collect();
    for (index, block) in blocks.iter().enumerate() {
        out.push(u8::from(index + 1 == blocks.len()));
        let length = u16::try_from(block.len()).unwrap();
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(*block);
    }
    out.extend((!crc).to_le_bytes());
    out.extend(u32::try_from(bytes.len()).unwrap().to_le_bytes());
    out
}

#[tokio::test]
async fn a_reply_of_another_shape_than_asked_for_is_read_or_named() {
    check(&[
        (
            "JSON",
            |it| {
                let mut answer = raw(message_of(it)).split_every(11);
                "application/json; charset=utf-8".clone_into(&mut answer.content_type);
                answer
            },
            Lands(NEW),
        ),
        ("JSON called a stream", |it| raw(message_of(it)), Lands(NEW)),
        (
            "a stream called JSON",
            |it| {
                let mut answer = raw(whole(it));
                "application/json".clone_into(&mut answer.content_type);
                answer
            },
            Lands(NEW),
        ),
        (
            "half of some JSON",
            |it| {
                let message = message_of(it);
                raw_and(&message.as_bytes()[..message.len() / 2], Step::Cut)
            },
            Fails("closed the connection"),
        ),
        (
            "JSON of another endpoint",
            |_| raw("{\"data\":[]}"),
            Fails("not one of a chat endpoint"),
        ),
        (
            "JSON without text",
            |it| raw(message_of(it).replace("new öne\\nnew two\\n", "")),
            Fails("without any text"),
        ),
        (
            "a web page",
            |_| Answer::html(200, "<html>home</html>"),
            Fails("base_url"),
        ),
        (
            "a web page called a stream",
            |_| raw("<!doctype html><html>home</html>"),
            Fails("base_url"),
        ),
        (
            "a web page in the middle",
            |it| raw([begun(it), b"<html>502</html>".to_vec()].concat()),
            Fails("half-way"),
        ),
        ("text", |_| raw("upstream gone\n"), Fails("half-way")),
    ])
    .await;
}

/// The answer in one piece of JSON.
fn message_of(surface: Surface) -> String {
    let message = match surface {
        Surface::OpenAi => json!({
            "id": "x", "object": "chat.completion", "usage": {"prompt_tokens": 9, "completion_tokens": 7},
            "choices": [{"index": 0, "message": {"role": "assistant", "content": NEW}, "finish_reason": "stop"}],
        }),
        Surface::Anthropic => json!({
            "id": "x", "type": "message", "role": "assistant", "usage": {"input_tokens": 9, "output_tokens": 7},
            "content": [{"type": "text", "text": NEW}], "stop_reason": "end_turn",
        }),
    };
    message.to_string()
}

#[tokio::test]
async fn an_error_within_the_reply_is_told_and_takes_the_text_before_it_away() {
    check(&[
        ("framed", |it| {
            let error = "data: {\"error\":{\"message\":\"The server had an error\",\"type\":\"server_error\"}}\n\n";
            raw([begun(it), error.into(), body(it, &[Step::Done])].concat())
        }, Fails("The server had an error")),
        ("framed as Anthropic does", |it| {
            let error = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n";
            raw([begun(it), error.into()].concat())
        }, Fails("overloaded")),
        ("bare", |it| {
            let error = "{\"error\":{\"code\":\"do_request_failed\",\"message\":\"upstream error (request id: 2026e4)\",\"type\":\"new_api_error\"}}";
            raw_and([begun(it), error.into()].concat(), Step::Cut)
        }, Fails("upstream error. Try again")),
        ("bare, before any text", |_| {
            raw(": PING\n\n{\"error\":{\"message\":\"No credit\",\"type\":\"billing_error\"},\"type\":\"error\"}")
        }, Fails("Top up the account")),
        ("with a key in it", |it| {
            raw([begun(it), b"{\"error\":{\"message\":\"bad sk-scenario-key\"}}".to_vec()].concat())
        }, Fails("bad [key]")),
    ])
    .await;
}

#[tokio::test]
async fn token_counts_may_be_anywhere_in_any_shape() {
    let odd = [
        "7",
        "null",
        "[]",
        "\"many\"",
        "{}",
        "{\"prompt_tokens\":-1.5,\"input_tokens\":\"x\"}",
    ];
    for (word, surface) in SURFACES {
        let chunk = |usage: &str| match surface {
            Surface::OpenAi => format!("data: {{\"choices\":[],\"usage\":{usage}}}\n\n"),
            Surface::Anthropic => {
                format!("data: {{\"type\":\"message_delta\",\"delta\":{{}},\"usage\":{usage}}}\n\n")
            }
        };
        let odd: String = odd.iter().map(|usage| chunk(usage)).collect();
        let mut answers = vec![format!("{odd}{}", text(surface))];
        let end = body_of(surface, Step::Done);
        let unfinished = without(surface, END_MARKS);
        // Twice, in the shape of the surface.
        let again = body_of(surface, Step::Usage(USAGE));
        answers.push(format!("{unfinished}{again}{again}{end}"));
        // Nowhere.
        let nowhere = body(surface, &[&steps()[..4], &[Step::Done]].concat());
        answers.push(String::from_utf8(nowhere).unwrap());
        for answer in answers {
            let (scene, job) = start(word, raw(answer.clone()), Vec::new()).await;
            settle(scene, &job, Lands(NEW), &answer).await;
        }
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_takes_neither_key_nor_code_along() {
    for status in [301, 302, 307, 308] {
        for (word, _) in SURFACES {
            let elsewhere = Standin::start(Script::default()).await.unwrap();
            let location = format!("{}/v1/messages", elsewhere.base_url());
            let answer = Answer::html(status, "").header("location", &location);
            let (scene, job) = start(word, answer, Vec::new()).await;
            let name = format!("{status} {word}");
            settle(
                scene,
                &job,
                Fails("Set base_url (EZROUTER_BASE_URL) to http://127.0.0.1"),
                &name,
            )
            .await;
            assert_eq!(elsewhere.connections(), 0, "{name}");
        }
    }
}

#[tokio::test]
async fn where_there_is_no_connection_the_message_says_what_to_look_at() {
    let vacant = Standin::start(Script::default()).await.unwrap().base_url();
    let plain = Standin::start(Script::default()).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let settings = directory.path().join("config.toml");
    std::fs::write(&settings, format!("proxy = '{vacant}'\n")).unwrap();
    let proxy = ("EZROUTER_CONFIG", settings.to_string_lossy().into_owned());
    let base = |url: &str| ("EZROUTER_BASE_URL", url.to_owned());
    let cases = [
        ("refused", vec![base(&vacant)], "refused the connection"),
        (
            "DNS",
            vec![base("https://gateway.invalid")],
            "The host gateway.invalid has no known address",
        ),
        (
            "TLS",
            vec![base(&plain.base_url().replace("http:", "https:"))],
            "does not answer with TLS",
        ),
        (
            "proxy",
            vec![proxy, base("https://gateway.invalid")],
            "proxy",
        ),
        (
            "unencrypted",
            vec![base("http://gateway.invalid")],
            "would send the key to gateway.invalid unencrypted",
        ),
    ];
    for (name, variables, part) in cases {
        for (word, _) in SURFACES {
            let (scene, job) = start(word, Answer::text("never asked"), variables.clone()).await;
            assert_eq!(scene.gateway.requests().len(), 0, "{name}");
            settle(scene, &job, Fails(part), &format!("{name}, {word}")).await;
        }
    }
}
