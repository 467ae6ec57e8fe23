//! The catalog: seen behind the requests, kept fresh, and asked which model may have been meant. When it is asked for again is
//! tested on values beside the code.

use ezrouter_lsp::gateway::known::Freshness;
use ezrouter_lsp::gateway::surface::Surface;
use serde_json::Value;

use super::*;

#[tokio::test]
async fn a_catalog_that_was_seen_says_which_surface_a_model_has() {
    use Surface::{Anthropic, OpenAi};
    let catalog = Answer::error(
        200,
        json!({"data": [
            {"id": "claude-elsewhere", "supported_endpoint_types": ["openai"]},
            {"id": "other", "supported_endpoint_types": ["anthropic"]},
        ]}),
    );
    let script = Script::always(Answer::text("x")).catalog(catalog);
    let (_standin, gateway) = play(script).await;
    let surfaces =
        || ["claude-elsewhere", "other", "claude-new"].map(|model| gateway.surface(model));
    assert_eq!(surfaces(), [Anthropic, OpenAi, Anthropic], "by name");
    gateway.models().await.unwrap();
    assert_eq!(surfaces(), [OpenAi, Anthropic, Anthropic], "by the catalog");
}

fn models(ids: &[&str]) -> Answer {
    let data: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
    Answer::error(200, json!({"data": data}))
}

#[tokio::test]
async fn a_failure_with_status_200_is_asked_over_once_and_then_told() {
    let failed = || {
        Answer::error(
            200,
            json!({"success": false, "message": "database is locked"}),
        )
    };
    let script = Script::default().catalog(failed()).catalog(models(&["a"]));
    let (standin, gateway) = play(script).await;
    let found = gateway.models().await.unwrap();
    assert_eq!(found[0].id, "a");
    assert_eq!(standin.catalogs(), 2);
    let script = Script::default()
        .catalog(failed())
        .catalog(failed())
        .catalog(models(&["a"]));
    let (standin, gateway) = play(script).await;
    let failure = gateway.models().await.unwrap_err();
    assert!(failure.what.contains("database is locked"), "{failure}");
    assert_eq!(standin.catalogs(), 2);
}

/// Waits until the catalog was seen with these models.
async fn sees(gateway: &Gateway, ids: &[&str]) {
    within(async {
        loop {
            let seen = gateway.seen();
            let found: Vec<&str> = seen.models.iter().map(|model| model.id.as_str()).collect();
            if seen.age.is_some() && found == ids {
                return;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn it_is_asked_for_again_behind_a_reply_of_another_version() {
    const VERSION: &str = "x-new-api-version";
    let answer = |version| Answer::text("x").header(VERSION, version);
    let script = Script::new([answer("1"), answer("2"), answer("2")])
        .catalog(models(&["old"]).header(VERSION, "1"))
        .catalog(models(&["old", "new"]).header(VERSION, "2"))
        .catalog(models(&[]));
    let standin = Standin::start(script).await.unwrap();
    let gateway = Gateway::new(Settings {
        freshness: Freshness {
            pause: Duration::ZERO,
            ..Freshness::default()
        },
        ..settings(&standin.base_url())
    });
    assert_eq!(gateway.seen().age, None);
    gateway.warm_up();
    sees(&gateway, &["old"]).await;
    for seen in [&["old"][..], &["old", "new"], &["old", "new"]] {
        outcome(gateway.send(request())).await.1.unwrap();
        sees(&gateway, seen).await;
    }
    assert_eq!(standin.catalogs(), 2);
    // A client that does not stay does not keep it fresh.
    let passing = Gateway::new(settings(&standin.base_url()));
    outcome(passing.send(request())).await.1.unwrap();
    settle().await;
    assert_eq!(standin.catalogs(), 2);
}

#[tokio::test]
async fn the_connection_that_it_came_on_serves_the_first_request() {
    for surface in SURFACES {
        let (standin, gateway) = play_on(surface, Script::always(Answer::text("x"))).await;
        gateway.warm_up();
        sees(&gateway, &["standin", "standin-small", "scripted"]).await;
        settle().await;
        outcome(gateway.send(request())).await.1.unwrap();
        assert_eq!(standin.connections(), 1, "{surface:?}");
    }
}

#[tokio::test]
async fn nothing_waits_for_it_and_nothing_fails_without_it() {
    for catalog in [
        Answer::stream([Step::Hang]),
        Answer::stream([Step::Reset]),
        Answer::error(500, json!({"success": false})),
        Answer::error(200, json!({"success": false, "message": "no"})),
        Answer::html(200, "<html></html>"),
    ] {
        let script = Script::always(Answer::text("x")).catalog(catalog.clone());
        let (_standin, gateway) = play(script).await;
        gateway.warm_up();
        for _ in 0..2 {
            let end = outcome(gateway.send(request())).await;
            assert_eq!(end, ("x".to_owned(), Ok(Finish::Complete)), "{catalog:?}");
        }
        assert_eq!(gateway.seen().age, None, "{catalog:?}");
    }
}

#[tokio::test]
async fn a_model_that_is_refused_and_not_in_it_is_told_with_the_nearest_one() {
    let error = |status, code: &str, message: &str| {
        let error = json!({"code": code, "type": "new_api_error", "message": message});
        Answer::error(status, json!({"error": error}))
    };
    let refusals = [
        (error(403, "access_denied", "no"), "Choose another model"),
        (error(404, "model_not_found", "no"), "Choose another model"),
        (
            error(503, "model_not_found", "no channel"),
            "Choose another model",
        ),
        (error(403, "", "no access"), "Check at ezrouter.dev"),
    ];
    for (answer, surface) in refusals
        .iter()
        .flat_map(|refusal| SURFACES.map(|surface| (refusal, surface)))
    {
        let (answer, advice) = answer;
        for (model, meant) in [
            ("standin-smal", Some(" (did you mean standin-small?)")),
            ("standin", None),
            ("zzzzzz", None),
        ] {
            let (standin, gateway) = play_on(surface, Script::always(answer.clone())).await;
            let request = Request {
                model: model.to_owned(),
                ..request()
            };
            let failure = failure(gateway.send(request)).await;
            assert!(failure.advice.starts_with(advice), "{failure}");
            match meant {
                Some(meant) => assert!(failure.advice.ends_with(meant), "{failure}"),
                None => assert!(!failure.advice.contains("did you mean"), "{failure}"),
            }
            assert_eq!(standin.catalogs(), 1, "{model}");
        }
    }
    // A wrong key has nothing to do with the model.
    let (standin, gateway) = play(Script::always(error(401, "", "no"))).await;
    let failure = failure(gateway.send(request())).await;
    assert_eq!((failure.kind, standin.catalogs()), (Kind::BadKey, 0));
}

#[tokio::test]
async fn nobody_is_asked_for_the_key_just_to_see_it() {
    use ezrouter_lsp::key::source::{Origin, Source};
    let argv = ["sh", "-c", "echo sk-command"].map(str::to_owned);
    let standin = Standin::start(Script::always(Answer::text("x")))
        .await
        .unwrap();
    let gateway = Gateway::new(Settings {
        key: Source::new(Origin::Command(argv.to_vec()), None),
        ..settings(&standin.base_url())
    });
    gateway.warm_up();
    settle().await;
    assert_eq!((standin.catalogs(), gateway.seen().age), (0, None));
    // The request needs it, and behind the request it is known.
    outcome(gateway.send(request())).await.1.unwrap();
    sees(&gateway, &["standin", "standin-small", "scripted"]).await;
}
