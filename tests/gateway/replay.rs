//! Replies recorded from llama.cpp's server on both surfaces, byte for byte, whole and in small writes; and one reply of each
//! surface cut at every byte.

use std::fmt::Write as _;

use ezrouter_lsp::gateway::reader::Reader;
use ezrouter_lsp::reply::thinking::Thoughts;

use super::*;

const TRANSCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/transcripts");

/// A recorded reply.
struct Recorded {
    name: String,
    surface: Choice,
    answer: Answer,
}

impl Recorded {
    fn body(&self) -> &[u8] {
        let [Step::Raw(body)] = self.answer.steps.as_slice() else {
            panic!("{:?}", self.answer)
        };
        body
    }
}

/// The recorded replies in the order of their names. Whose name says neither surface came from the one of its path.
fn recorded() -> Vec<Recorded> {
    let files = std::fs::read_dir(TRANSCRIPTS).unwrap();
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|it| it == "http"));
    paths.sort();
    let replies = paths.iter().map(|path| {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let name = name.strip_prefix("llamacpp.").unwrap().to_owned();
        let anthropic = name.starts_with("ant-") || name.starts_with("messages-");
        Recorded {
            surface: SURFACES[usize::from(anthropic)],
            answer: Answer::recorded(&std::fs::read(path).unwrap()),
            name,
        }
    });
    replies.collect()
}

/// What a reply comes to, in one line.
fn summary(signals: &[Signal]) -> String {
    let mut text = String::new();
    let mut usage = String::new();
    let mut end = String::new();
    for signal in signals {
        match signal {
            Signal::Text(piece) => text.push_str(piece),
            Signal::Usage(it) => {
                let about = if it.estimated { "~" } else { "" };
                usage = format!(
                    ", {about}{} in, {} cached, {} out",
                    it.input, it.cached, it.output
                );
            }
            Signal::End(Ok(finish)) => end = format!("{finish:?}"),
            Signal::End(Err(failure)) => end = format!("{:?}: {}", failure.kind, failure.what),
            _ => {}
        }
    }
    let beginning: String = text.chars().take(30).collect();
    format!("{end}{usage}, {} bytes of text: {beginning:?}", text.len())
}

#[tokio::test]
async fn every_recorded_reply_ends_as_it_should_however_it_is_written() {
    let expected = std::fs::read_to_string(format!("{TRANSCRIPTS}/expected.txt")).unwrap();
    let mut found = String::new();
    for reply in recorded() {
        let mut summaries = Vec::new();
        for size in [usize::MAX, 7, 1] {
            let answer = reply.answer.clone().split_every(size);
            let (_standin, gateway) = play_on(reply.surface, Script::always(answer)).await;
            summaries.push(summary(&collect(gateway.send(request())).await));
        }
        let name = reply.name;
        assert!(
            summaries.iter().all(|it| *it == summaries[0]),
            "{name} tells something else in small writes: {summaries:#?}"
        );
        writeln!(found, "{name}: {}", summaries[0]).unwrap();
    }
    let differing: Vec<_> = expected
        .lines()
        .zip(found.lines())
        .filter(|(one, other)| one != other)
        .collect();
    assert!(
        expected == found,
        "expected and found: {differing:#?}, in all:\n{found}"
    );
}

#[test]
fn every_recorded_stream_tells_the_same_in_pieces_of_any_size() {
    for reply in recorded().iter().filter(|reply| reply.answer.status == 200) {
        let read = |size: usize| {
            let mut reader = Reader::new(reply.surface.surface("", None), Thoughts::out());
            let mut signals = Vec::new();
            for piece in reply.body().chunks(size) {
                reader.push(piece, &mut signals);
            }
            (reader.finish(&mut signals), signals)
        };
        let whole = read(reply.body().len());
        for size in [1, 2, 3, 7, 97] {
            assert!(read(size) == whole, "{} in pieces of {size}", reply.name);
        }
    }
}

#[tokio::test]
async fn a_reply_cut_at_any_byte_is_complete_only_behind_its_finish_reason() {
    const OPENAI: &str = "data: {\"id\":\"m\",\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"hé\"}}]}\n\n: PING\n\ndata: {\"id\":\"m\",\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    const ANTHROPIC: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\"}}\n\n\n: PING\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"hé\"}}\n\n\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"stop\"}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n\n";
    for (surface, body, behind) in [
        (Choice::OpenAi, OPENAI, "}]}"),
        (Choice::Anthropic, ANTHROPIC, "}}"),
    ] {
        let word = format!("\"stop\"{behind}");
        let finished = body.find(&word).unwrap() + word.len();
        for cut in 0..=body.len() {
            for last in [vec![], vec![Step::Cut]] {
                let mut steps = vec![Step::Headers, Step::Raw(body.as_bytes()[..cut].to_vec())];
                steps.extend(last);
                let script = Script::always(Answer::stream(steps.clone()));
                let standin = Standin::start(script).await.unwrap();
                let gateway = Gateway::new(Settings {
                    attempts: 1,
                    surface,
                    ..settings(&standin.base_url())
                });
                let (text, end) = outcome(gateway.send(request())).await;
                assert_eq!(end.is_ok(), finished <= cut, "{steps:?}: {end:?}");
                assert!(["", "hé"].contains(&text.as_str()), "{text:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_hundred_thousand_pieces_of_one_character_make_one_answer() {
    let new = "x🦀".repeat(50_000);
    for choice in SURFACES {
        let mut steps: Vec<Step> = new.chars().map(|c| Step::Text(c.to_string())).collect();
        steps.extend([Step::finish("stop"), Step::Done]);
        let bytes = body(choice.surface("", None), &steps);
        let answer = Answer::stream([Step::Raw(bytes)]).split_every(1 << 16);
        let (_standin, gateway) = play_on(choice, Script::always(answer)).await;
        let (text, end) = outcome(gateway.send(request())).await;
        assert!(
            text == new && end == Ok(Finish::Complete),
            "{choice:?}: {end:?}"
        );
    }
}
