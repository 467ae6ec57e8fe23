//! Replies recorded from llama.cpp's server, byte for byte, whole and in small writes; and one reply cut at every byte.

use ezrouter_lsp::gateway::openai::Reader;

use super::*;

/// The end that a recorded reply must have.
fn expected(name: &str) -> Result<Finish, Kind> {
    match name {
        "llamacpp.oai-stream-length"
        | "llamacpp.oai-stream-mct"
        | "llamacpp.oai-stream-tools"
        | "llamacpp.oai-stream-unicode"
        | "llamacpp.oai-bad-model"
        | "llamacpp.oai-empty-messages"
        | "llamacpp.oai-stream-ctx-exhausted-midway"
        | "llamacpp.chat-completions-slow-prefill-ping" => Ok(Finish::Length),
        "llamacpp.oai-stream"
        | "llamacpp.oai-stream-usage"
        | "llamacpp.oai-stream-stopword"
        | "llamacpp.oai-nonstream" => Ok(Finish::Complete),
        "llamacpp.oai-dies-midstream" | "llamacpp.oai-models" => Err(Kind::Cut),
        "llamacpp.oai-bad-key" | "llamacpp.oai-no-key" => Err(Kind::BadKey),
        "llamacpp.oai-wrong-path" | "llamacpp.oai-wrong-method" => Err(Kind::WrongAddress),
        _ => Err(Kind::Rejected),
    }
}

/// The recorded replies with their names.
fn recorded() -> Vec<(String, Answer)> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/transcripts");
    let files = std::fs::read_dir(directory)
        .unwrap()
        .map(|file| file.unwrap().path());
    let replies = files.map(|path| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, Answer::recorded(&std::fs::read(&path).unwrap()))
    });
    replies.collect()
}

#[tokio::test]
async fn every_recorded_reply_ends_as_it_should_however_it_is_written() {
    let replies = recorded();
    assert_eq!(replies.len(), 23);
    for (name, answer) in replies {
        let [Step::Raw(body)] = answer.steps.as_slice() else {
            panic!("{answer:?}")
        };
        // Small writes are slow; the reader alone gets the long replies in small pieces below.
        let sizes: &[usize] = if body.len() < 3000 {
            &[usize::MAX, 7, 1]
        } else {
            &[usize::MAX, 97]
        };
        let mut texts = Vec::new();
        for size in sizes {
            let (_standin, gateway) = play(Script::always(answer.clone().split_every(*size))).await;
            let (text, end) = outcome(gateway.send(request())).await;
            assert_eq!(
                end.map_err(|failure| failure.kind),
                expected(&name),
                "{name} in writes of {size}"
            );
            texts.push(text);
        }
        assert!(
            texts.iter().all(|text| *text == texts[0]),
            "{name}: {texts:?}"
        );
    }
}

#[test]
fn every_recorded_stream_tells_the_same_in_pieces_of_any_size() {
    for (name, answer) in recorded() {
        let [Step::Raw(body)] = answer.steps.as_slice() else {
            panic!("{answer:?}")
        };
        if answer.status != 200 {
            continue;
        }
        let read = |size: usize| {
            let mut reader = Reader::default();
            let mut signals = Vec::new();
            for piece in body.chunks(size) {
                reader.push(piece, &mut signals);
            }
            (reader.finish(&mut signals), signals)
        };
        let whole = read(body.len());
        assert_eq!(
            whole.0.clone().map_err(|failure| failure.kind),
            expected(&name),
            "{name}"
        );
        assert!(read(1) == whole && read(7) == whole, "{name}");
    }
}

#[tokio::test]
async fn a_reply_cut_at_any_byte_is_complete_only_behind_its_finish_reason() {
    let body = b"data: {\"id\":\"m\",\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"h\xc3\xa9\"}}]}\n\n: PING\n\ndata: {\"id\":\"m\",\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let finished = body
        .windows(6)
        .position(|window| window == b"\"stop\"")
        .unwrap()
        + 6
        + "}]}".len();
    for cut in 0..=body.len() {
        for last in [vec![], vec![Step::Cut]] {
            let mut steps = vec![Step::Headers, Step::Raw(body[..cut].to_vec())];
            steps.extend(last);
            let standin = Standin::start(Script::always(Answer::stream(steps.clone())))
                .await
                .unwrap();
            let gateway = Gateway::new(Settings {
                attempts: 1,
                ..settings(&standin.base_url())
            });
            let (text, end) = outcome(gateway.send(request())).await;
            assert_eq!(end.is_ok(), finished <= cut, "{steps:?}: {end:?}");
            assert!(["", "hé"].contains(&text.as_str()), "{text:?}");
        }
    }
}
