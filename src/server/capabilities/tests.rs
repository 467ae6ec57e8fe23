//! What is promised in the file beside this one, as tables.

use serde_json::json;

use super::*;

fn caps(capabilities: &Value) -> Caps {
    Caps::read(&json!({ "capabilities": capabilities }))
}

#[test]
fn each_capability_is_read_from_its_place_and_only_true_is_true() {
    type Read = fn(&Caps) -> bool;
    let places: [(&str, Read); 12] = [
        ("/workspace/applyEdit", |caps| caps.apply_edit),
        ("/workspace/workspaceEdit/documentChanges", |caps| {
            caps.document_changes
        }),
        ("/workspace/codeLens/refreshSupport", |caps| {
            caps.code_lens_refresh
        }),
        ("/workspace/configuration", |caps| caps.configuration),
        (
            "/workspace/didChangeConfiguration/dynamicRegistration",
            |caps| caps.did_change_configuration,
        ),
        (
            "/workspace/didChangeWatchedFiles/dynamicRegistration",
            |caps| caps.did_change_watched_files,
        ),
        ("/window/workDoneProgress", |caps| caps.work_done_progress),
        ("/window/showDocument/support", |caps| caps.show_document),
        ("/experimental/ezrouter/jobs", |caps| caps.ext_jobs),
        ("/experimental/ezrouter/answer", |caps| caps.ext_answer),
        ("/experimental/ezrouter/applyEdit", |caps| {
            caps.ext_apply_edit
        }),
        // An object here, not a flag.
        (
            "/textDocument/codeAction/codeActionLiteralSupport",
            |caps| caps.code_action_literals,
        ),
    ];
    for (index, (place, _)) in places.iter().enumerate() {
        let on = if place.ends_with("LiteralSupport") {
            json!({})
        } else {
            json!(true)
        };
        for (value, expected) in [
            (on, true),
            (json!("yes"), false),
            (json!(1), false),
            (json!(false), false),
            (json!(null), false),
        ] {
            let nested = place
                .split('/')
                .skip(1)
                .collect::<Vec<_>>()
                .into_iter()
                .rev();
            let capabilities = nested.fold(value.clone(), |inner, name| json!({ name: inner }));
            let caps = caps(&capabilities);
            for (other, (_, read)) in places.iter().enumerate() {
                assert_eq!(
                    read(&caps),
                    expected && other == index,
                    "{place} {value} seen by {}",
                    places[other].0
                );
            }
        }
    }
}

#[test]
fn nothing_at_all_is_a_client_that_can_nothing() {
    let nothing = Caps {
        show_message: true,
        initialization_options: json!({}),
        ..Caps::default()
    };
    for params in [
        json!(null),
        json!([]),
        json!({}),
        json!({ "capabilities": null, "clientInfo": null, "processId": null, "workspaceFolders": null, "rootUri": null }),
        json!({ "capabilities": [], "clientInfo": [], "processId": "x", "workspaceFolders": {}, "rootPath": "" }),
        json!({ "capabilities": { "workspace": [], "window": 3, "general": null, "experimental": { "ezrouter": [] } } }),
        json!({ "initializationOptions": [], "processId": -1 }),
    ] {
        assert_eq!(Caps::read(&params), nothing, "{params}");
    }
    let never_sent = lsp::InitializeParams::default();
    assert_eq!(Caps::from_initialize(&never_sent), nothing);
}

#[test]
fn the_best_listed_encoding_is_taken_and_offered_back() {
    for (listed, encoding, wire) in [
        (json!(["utf-16", "utf-8"]), Encoding::Utf8, "utf-8"),
        (
            json!(["utf-32", "utf-8", "utf-16"]),
            Encoding::Utf8,
            "utf-8",
        ),
        (json!(["utf-16", "utf-32"]), Encoding::Utf32, "utf-32"),
        (json!(["utf-16"]), Encoding::Utf16, "utf-16"),
        (json!(["UTF-8", 8]), Encoding::Utf16, "utf-16"),
        (json!([]), Encoding::Utf16, "utf-16"),
        (json!("utf-8"), Encoding::Utf16, "utf-16"),
    ] {
        let caps = caps(&json!({ "general": { "positionEncodings": listed } }));
        assert_eq!(caps.encoding, encoding, "{listed}");
        let offered = serde_json::to_value(server_capabilities(&caps, &[])).unwrap();
        assert_eq!(offered["positionEncoding"], wire, "{listed}");
    }
}

#[test]
fn lists_are_searched_for_what_matters() {
    let with = |place: Value| caps(&json!({ "textDocument": place }));
    assert!(
        with(json!({ "hover": { "contentFormat": ["plaintext", "markdown"] } })).markdown_hover
    );
    assert!(!with(json!({ "hover": { "contentFormat": ["plaintext"] } })).markdown_hover);
    assert!(with(json!({ "codeAction": { "tagSupport": { "valueSet": [1] } } })).llm_tag);
    assert!(!with(json!({ "codeAction": { "tagSupport": { "valueSet": [2] } } })).llm_tag);
    assert!(!with(json!({ "codeAction": { "tagSupport": {} } })).llm_tag);
}

#[test]
fn the_client_and_its_workspace_are_known_by_name() {
    let caps = Caps::read(&json!({
        "processId": 12,
        "clientInfo": { "name": "Neovim", "version": "0.11.4" },
        "locale": "de",
        "workspaceFolders": [{ "uri": "file:///a", "name": "A" }, { "uri": "file:///b/c" }, { "name": "no uri" }],
        "rootUri": "file:///ignored",
    }));
    assert_eq!(
        (caps.client_name.as_str(), caps.client_version.as_str()),
        ("Neovim", "0.11.4")
    );
    assert_eq!(
        (caps.process_id, caps.locale.as_deref()),
        (Some(12), Some("de"))
    );
    let folder = |uri: &str, name: &str| (uri.to_owned(), name.to_owned());
    assert_eq!(
        caps.workspace_folders,
        [folder("file:///a", "A"), folder("file:///b/c", "c")]
    );
    for (params, expected) in [
        (
            json!({ "rootUri": "file:///x/y", "rootPath": "/other" }),
            folder("file:///x/y", "y"),
        ),
        (
            json!({ "rootUri": null, "rootPath": "/x/y z" }),
            folder("file:///x/y%20z", "y%20z"),
        ),
        (
            json!({ "workspaceFolders": [], "rootPath": "/x" }),
            folder("file:///x", "x"),
        ),
    ] {
        assert_eq!(
            Caps::read(&params).workspace_folders,
            [expected],
            "{params}"
        );
    }
}

#[test]
fn settings_are_the_options_themselves_or_a_section_of_them() {
    for (options, settings) in [
        (json!({ "model": "m" }), json!({ "model": "m" })),
        (
            json!({ "ezrouter": { "model": "m" }, "other": 1 }),
            json!({ "model": "m" }),
        ),
        (
            json!({ "ezrouter": null, "model": "m" }),
            json!({ "ezrouter": null, "model": "m" }),
        ),
        (json!(null), json!({})),
        (json!("x"), json!({})),
    ] {
        let caps = Caps::read(&json!({ "initializationOptions": options }));
        assert_eq!(caps.initialization_options, settings, "{options}");
    }
}

#[test]
fn clients_that_take_stale_edits_are_known() {
    let named = |name: &str, own: bool| {
        Caps::read(&json!({
            "clientInfo": { "name": name },
            "capabilities": { "experimental": { "ezrouter": { "applyEdit": own } } },
        }))
    };
    for (name, plain, with_plugin) in [
        ("Neovim", true, true),
        ("Visual Studio Code", true, true),
        ("", true, true),
        ("Eglot", false, true),
        ("Emacs", false, true),
        ("emacs", false, true),
        ("kakoune-lsp", false, false),
        ("kak-lsp", false, false),
    ] {
        let found = (
            named(name, false).version_guard(),
            named(name, true).version_guard(),
        );
        assert_eq!(found, (plain, with_plugin), "{name}");
        assert_eq!(named(name, false).is_plain_neovim(), name == "Neovim");
        assert!(!named(name, true).is_plain_neovim(), "{name}");
    }
}

#[test]
fn the_offer_is_what_clients_rely_on() {
    let offered = serde_json::to_value(server_capabilities(&Caps::default(), &["a", "b"])).unwrap();
    assert_eq!(
        offered,
        json!({
            "positionEncoding": "utf-16",
            "textDocumentSync": { "openClose": true, "change": 2, "save": { "includeText": false } },
            "codeActionProvider": { "codeActionKinds": ["quickfix", "refactor.rewrite.ezrouter", "ezrouter.ask"] },
            "hoverProvider": true,
            "executeCommandProvider": { "commands": ["a", "b"] },
            "workspace": { "workspaceFolders": { "supported": true, "changeNotifications": true } },
        })
    );
}

/// What the real editors say of themselves, as recorded in `tests/fixtures/initialize/`.
fn recorded() -> Vec<(String, Value)> {
    let directory =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/initialize");
    let mut recorded: Vec<(String, Value)> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let params = std::fs::read_to_string(&path).unwrap();
            (name, serde_json::from_str(&params).unwrap())
        })
        .collect();
    recorded.sort_by(|one, other| one.0.cmp(&other.0));
    recorded
}

#[test]
fn what_the_real_editors_can_do_is_read_from_what_they_say() {
    let told: Vec<String> = recorded()
        .into_iter()
        .map(|(editor, params)| {
            let caps = Caps::read(&params);
            let all = format!("{caps:#?}");
            let can: Vec<&str> = all
                .lines()
                .filter_map(|line| line.trim().strip_suffix(": true,"))
                .collect();
            let folders: Vec<&str> = caps
                .workspace_folders
                .iter()
                .map(|(uri, _)| uri.as_str())
                .collect();
            format!(
                "{editor}: {} {}, {:?}, {folders:?}\n    {}\n    plain Neovim: {}, version guard: {}\n",
                caps.client_name,
                caps.client_version,
                caps.encoding,
                can.join(" "),
                caps.is_plain_neovim(),
                caps.version_guard(),
            )
        })
        .collect();
    insta::assert_snapshot!(told.concat(), @r#"
    emacs-30-eglot: Eglot 1.17.30, Utf8, ["file:///home/user/project"]
        apply_edit document_changes configuration did_change_watched_files work_done_progress show_document show_message code_action_literals
        plain Neovim: false, version guard: false
    emacs-30-plugin: Emacs 30.1, Utf32, ["file:///home/user/project"]
        apply_edit document_changes configuration work_done_progress show_document show_message code_action_literals ext_jobs ext_answer ext_apply_edit
        plain Neovim: false, version guard: true
    helix-25.01: helix 25.01.1, Utf8, ["file:///home/user/project"]
        apply_edit document_changes configuration did_change_watched_files work_done_progress show_message code_action_literals markdown_hover
        plain Neovim: false, version guard: true
    kakoune-kak-lsp: kakoune-lsp 22.0.0, Utf8, ["file:///home/user/project"]
        apply_edit document_changes code_lens_refresh configuration work_done_progress show_message code_action_literals message_actions markdown_hover
        plain Neovim: false, version guard: false
    neovim-0.10-plugin: Neovim 0.10.4, Utf16, ["file:///home/user/project"]
        apply_edit configuration work_done_progress show_document show_message code_action_literals message_actions markdown_hover ext_jobs ext_answer ext_apply_edit
        plain Neovim: false, version guard: true
    neovim-0.11: Neovim 0.11.4+v0.11.4, Utf8, ["file:///home/user/project"]
        apply_edit configuration work_done_progress show_document show_message code_action_literals message_actions markdown_hover
        plain Neovim: true, version guard: true
    neovim-0.11-plugin: Neovim 0.11.4+v0.11.4, Utf8, ["file:///home/user/project"]
        apply_edit configuration work_done_progress show_document show_message code_action_literals message_actions markdown_hover ext_jobs ext_answer ext_apply_edit
        plain Neovim: false, version guard: true
    vscode-1.139-extension: code-server 1.139.1, Utf16, ["file:///home/user/project"]
        apply_edit document_changes code_lens_refresh configuration did_change_configuration did_change_watched_files work_done_progress show_document show_message code_action_literals llm_tag message_actions markdown_hover ext_jobs ext_answer ext_apply_edit
        plain Neovim: false, version guard: true
    "#);
}
