//! Replies recorded from llama.cpp's server, byte for byte, whole and in small writes; and one reply cut at every byte.

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

#[tokio::test]
async fn every_recorded_reply_ends_as_it_should_however_it_is_cut() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/transcripts");
    let mut count = 0;
    for file in std::fs::read_dir(directory).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let answer = Answer::recorded(&std::fs::read(&path).unwrap());
        let mut texts = Vec::new();
        for size in [usize::MAX, 7, 1] {
            let (_standin, gateway) = play(Script::always(answer.clone().split_every(size))).await;
            let (text, end) = outcome(gateway.send(request())).await;
            assert_eq!(
                end.map_err(|failure| failure.kind),
                expected(name),
                "{name} in writes of {size}"
            );
            texts.push(text);
        }
        assert!(
            texts.iter().all(|text| *text == texts[0]),
            "{name}: {texts:?}"
        );
        count += 1;
    }
    assert_eq!(count, 23);
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
