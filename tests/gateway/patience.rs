//! How long the client waits, with short limits; how the limits add up is tested on values beside the code.

use ezrouter_lsp::gateway::Timeouts;

use super::*;

const SHORT: Duration = Duration::from_millis(60);

fn impatient(surface: Choice, base_url: &str, change: impl Fn(&mut Timeouts)) -> Gateway {
    let mut settings = Settings {
        surface,
        ..settings(base_url)
    };
    change(&mut settings.timeouts);
    Gateway::new(settings)
}

#[tokio::test]
async fn each_silence_ends_with_words_of_its_own_and_no_second_attempt() {
    type Change = fn(&mut Timeouts);
    let first_byte: Change = |timeouts| timeouts.first_byte = SHORT;
    let idle: Change = |timeouts| timeouts.idle = SHORT;
    let content: Change = |timeouts| timeouts.content = SHORT;
    let pings = || {
        std::iter::repeat_n([Step::ping(), Step::Wait(Duration::from_millis(5))], 1000).flatten()
    };
    let nothing = "Nothing came from the gateway for 0.06 s";
    for (steps, change, what) in [
        (vec![Step::Hang], first_byte, nothing),
        (vec![Step::Headers, Step::Hang], first_byte, nothing),
        (vec![Step::ping(), Step::Hang], idle, nothing),
        (vec![Step::text("a"), Step::Hang], idle, nothing),
        (
            pings().collect(),
            content,
            "The gateway keeps the connection open, but the model wrote nothing for 0.06 s",
        ),
    ] {
        for surface in SURFACES {
            let script = Script::always(Answer::stream(steps.clone()));
            let standin = Standin::start(script).await.unwrap();
            let gateway = impatient(surface, &standin.base_url(), change);
            let failure = failure(gateway.send(request())).await;
            assert_eq!((failure.kind, failure.what.as_str()), (Kind::Silence, what));
            within(standin.closed(0)).await;
            assert_eq!(standin.requests().len(), 1);
        }
    }
}

#[tokio::test]
async fn comments_keep_a_slow_answer_alive() {
    // Long enough for a busy computer, and shorter than the waits together.
    let limit = Duration::from_millis(300);
    let wait = Step::Wait(limit / 3);
    let mut steps = vec![
        Step::ping(),
        wait.clone(),
        Step::ping(),
        wait.clone(),
        Step::ping(),
        wait.clone(),
        Step::ping(),
        wait.clone(),
    ];
    steps.extend([
        Step::text("a"),
        wait.clone(),
        Step::ping(),
        wait,
        Step::finish("stop"),
        Step::Done,
    ]);
    for surface in SURFACES {
        let script = Script::always(Answer::stream(steps.clone()));
        let standin = Standin::start(script).await.unwrap();
        let gateway = impatient(surface, &standin.base_url(), |timeouts| {
            timeouts.idle = limit;
        });
        assert_eq!(
            outcome(gateway.send(request())).await,
            ("a".to_owned(), Ok(Finish::Complete))
        );
    }
}

#[tokio::test]
async fn a_whole_answer_does_not_wait_long_for_an_end_mark_that_never_comes() {
    for surface in SURFACES {
        let steps = [Step::text("a"), Step::finish("stop"), Step::Hang];
        let script = Script::always(Answer::stream(steps));
        let standin = Standin::start(script).await.unwrap();
        let gateway = impatient(surface, &standin.base_url(), |timeouts| {
            timeouts.idle = SHORT;
        });
        assert_eq!(
            outcome(gateway.send(request())).await,
            ("a".to_owned(), Ok(Finish::Complete))
        );
        within(standin.closed(0)).await;
    }
}

#[tokio::test]
async fn token_counts_behind_the_finish_reason_are_waited_for() {
    let usage = Usage {
        input: 9,
        cached: 4,
        output: 2,
        ..Usage::default()
    };
    let steps = [
        Step::text("a"),
        Step::finish("stop"),
        Step::Gate,
        Step::Usage(usage),
    ];
    let (standin, gateway) = play(Script::always(Answer::stream(steps))).await;
    let mut reply = gateway.send(request());
    while within(reply.next()).await != Some(Signal::Text("a".to_owned())) {}
    standin.release();
    assert_eq!(within(reply.next()).await, Some(Signal::Usage(usage)));
    assert_eq!(
        within(reply.next()).await,
        Some(Signal::End(Ok(Finish::Complete)))
    );
    assert_eq!(within(reply.next()).await, None);
}
