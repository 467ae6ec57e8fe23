//! The key of a request: asked for when a request needs it, asked for again when it is refused, and in nothing that is told.
#![cfg(unix)]

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ezrouter_lsp::key::source::{Origin, Source};

use super::*;

/// A source that runs a script of the shell.
fn script(text: &str) -> Source {
    let argv = ["sh", "-c", text].map(str::to_owned).to_vec();
    Source::new(Origin::Command(argv), None)
}

/// A command that prints `sk-counted-1`, then `sk-counted-2`, and notes each run in a file.
fn counting(runs: &Path) -> Source {
    let runs = runs.display();
    script(&format!(
        "echo run >> '{runs}'; echo sk-counted-$(wc -l < '{runs}' | tr -d ' ')"
    ))
}

fn gateway_with(standin: &Standin, key: Source) -> Gateway {
    Gateway::new(Settings {
        key,
        ..settings(&standin.base_url())
    })
}

fn refusal(message: &str) -> Answer {
    let error =
        json!({"message": message, "type": "authentication_error", "code": "invalid_api_key"});
    Answer::error(401, json!({"error": error}))
}

fn keys_sent(standin: &Standin) -> Vec<String> {
    let requests = standin.requests();
    let keys = requests.iter().map(|request| {
        let bearer = request.header("authorization");
        let bearer = bearer.and_then(|value| value.strip_prefix("Bearer "));
        bearer.or(request.header("x-api-key")).unwrap().to_owned()
    });
    keys.collect()
}

#[tokio::test]
async fn a_refused_key_is_asked_for_again_once_and_a_new_one_is_used_from_then_on() {
    for surface in SURFACES {
        let directory = tempfile::tempdir().unwrap();
        let script = Script::new([refusal("expired"), Answer::text("yes")]);
        let standin = Standin::start(script).await.unwrap();
        let gateway = Gateway::new(Settings {
            surface,
            key: counting(&directory.path().join("runs")),
            ..settings(&standin.base_url())
        });
        for _ in 0..2 {
            assert_eq!(outcome(gateway.send(request())).await.0, "yes");
        }
        let expected = ["sk-counted-1", "sk-counted-2", "sk-counted-2"];
        assert_eq!(keys_sent(&standin), expected, "{surface:?}");
    }
}

#[tokio::test]
async fn a_key_that_stays_refused_is_sent_no_more_and_its_source_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let runs = directory.path().join("runs");
    let standin = Standin::start(Script::always(refusal("bad key sk-same")))
        .await
        .unwrap();
    let same = script(&format!("echo run >> '{}'; echo sk-same", runs.display()));
    let failure = failure(gateway_with(&standin, same).send(request())).await;
    assert_eq!(
        (failure.kind, failure.advice.as_str()),
        (
            Kind::BadKey,
            "Have the api_key_command (sh) print a valid key"
        )
    );
    assert_eq!(keys_sent(&standin), ["sk-same"]);
    assert_eq!(std::fs::read_to_string(&runs).unwrap().lines().count(), 2);
    let different = counting(&directory.path().join("other"));
    let failure = self::failure(gateway_with(&standin, different).send(request())).await;
    assert_eq!(failure.kind, Kind::BadKey);
    assert_eq!(keys_sent(&standin)[1..], ["sk-counted-1", "sk-counted-2"]);
}

#[tokio::test]
async fn a_file_is_read_for_each_request() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("key");
    std::fs::write(&file, "sk-old\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let standin = Standin::start(Script::always(Answer::text("yes")))
        .await
        .unwrap();
    let source = Source::new(Origin::File(file.clone(), "~/key".to_owned()), None);
    let gateway = gateway_with(&standin, source);
    outcome(gateway.send(request())).await.1.unwrap();
    std::fs::write(&file, "sk-new\n").unwrap();
    outcome(gateway.send(request())).await.1.unwrap();
    assert_eq!(keys_sent(&standin), ["sk-old", "sk-new"]);
}

#[tokio::test]
async fn that_the_source_takes_long_is_told_and_a_dropped_request_ends_it() {
    let directory = tempfile::tempdir().unwrap();
    let (started, go) = (
        directory.path().join("started"),
        directory.path().join("go"),
    );
    // Waits for a line in a pipe, as for a person.
    let made = std::process::Command::new("mkfifo").arg(&go).status();
    assert!(made.unwrap().success());
    let text = format!(
        "echo $$ > '{}'; read line < '{}'; echo sk-late",
        started.display(),
        go.display()
    );
    let standin = Standin::start(Script::always(Answer::text("yes")))
        .await
        .unwrap();
    let gateway = Gateway::new(Settings {
        slow_key: Duration::from_millis(1),
        key: script(&text),
        ..settings(&standin.base_url())
    });
    let told = Signal::Key {
        source: "api_key_command (sh)".to_owned(),
    };
    let mut reply = gateway.send(request());
    assert_eq!(within(reply.next()).await, Some(told.clone()));
    std::fs::write(&go, "\n").unwrap();
    assert_eq!(outcome(reply).await.0, "yes");
    assert_eq!(keys_sent(&standin), ["sk-late"]);
    let waiting = Gateway::new(Settings {
        slow_key: Duration::from_millis(1),
        key: script(&text),
        ..settings(&standin.base_url())
    });
    std::fs::remove_file(&started).unwrap();
    let mut reply = waiting.send(request());
    assert_eq!(within(reply.next()).await, Some(told));
    let process = within(async {
        loop {
            match std::fs::read_to_string(&started) {
                Ok(text) if text.ends_with('\n') => break text.trim().to_owned(),
                _ => tokio::task::yield_now().await,
            }
        }
    })
    .await;
    drop(reply);
    let is_alive = || {
        std::fs::read_to_string(format!("/proc/{process}/stat"))
            .is_ok_and(|stat| !stat.contains(") Z "))
    };
    within(async {
        while is_alive() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(standin.requests().len(), 1);
}

#[tokio::test]
async fn nobody_is_asked_for_a_key_that_could_not_be_sent() {
    let directory = tempfile::tempdir().unwrap();
    let runs = directory.path().join("runs");
    let gateway = Gateway::new(Settings {
        key: counting(&runs),
        ..settings("http://gateway.invalid")
    });
    let failure = failure(gateway.send(request())).await;
    assert_eq!(failure.kind, Kind::WrongAddress);
    assert!(!runs.exists());
}

#[tokio::test]
async fn no_form_of_the_key_is_in_what_is_told_wherever_the_gateway_echoes_it() {
    let percent = KEY.replace('-', "%2D");
    let forms = [
        KEY.to_owned(),
        percent.to_lowercase(),
        percent,
        STANDARD.encode(KEY),
        STANDARD.encode(format!("u:{KEY}")),
        STANDARD.encode(format!("user:{KEY}!")),
    ];
    for form in &forms {
        let error = json!({"error": {"message": form, "type": form, "code": form}});
        let finish = Answer::stream([Step::text("a"), Step::finish(form), Step::Done]);
        let answers = [
            Answer::error(401, error.clone()),
            Answer::error(400, error.clone()).header("x-oneapi-request-id", form),
            finish.header("x-oneapi-request-id", form),
            Answer::stream([Step::Raw(format!("data: {error}\n\n").into_bytes())]),
            Answer::stream([Step::Raw(error.to_string().into_bytes())]),
            Answer::html(307, "").header("location", &format!("https://{form}.example")),
        ];
        for answer in answers {
            let (_standin, gateway) = play(Script::always(answer.clone())).await;
            let signals = format!("{:?} {gateway:?}", collect(gateway.send(request())).await);
            for form in &forms {
                let core = form.get(4..form.len() - 4).unwrap();
                assert!(!signals.contains(core), "{form} in {signals}");
            }
        }
        let catalog = Answer::error(200, json!({"data": [{"id": form}]}));
        let (_standin, gateway) = play(Script::default().catalog(catalog)).await;
        let models = format!("{:?}", gateway.models().await);
        assert!(!models.contains(form.get(4..).unwrap()), "{models}");
    }
}
