//! The manifest of the VS Code extension against the server: the same settings, nothing that a workspace could redirect the
//! key with, no registry in the lock file. What the extension does is tested in a real VS Code (`tests/editors/`).
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "these are tests: a panic is a failure"
)]

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::{Map, Value};

const MANIFEST: &str = include_str!("../editors/vscode/package.json");
const HANDED_ON: &str = include_str!("../editors/vscode/src/core/settings.ts");
const LOCK: &str = include_str!("../editors/vscode/package-lock.json");
const MENU: [&str; 4] = ["description", "x-where", "x-environment", "type"];

/// Settings of the extension itself, which the server never sees.
const OWN: [&str; 4] = ["server.path", "baseUrl", "offline", "progress"];

fn manifest() -> Value {
    serde_json::from_str(MANIFEST).expect("JSON")
}

/// The settings of the manifest, without their section.
fn settings() -> Map<String, Value> {
    let manifest = manifest();
    let parts = manifest["contributes"]["configuration"].as_array().unwrap();
    let properties = parts
        .iter()
        .flat_map(|part| part["properties"].as_object().unwrap());
    properties
        .map(|(name, value)| {
            let name = name.strip_prefix("ezrouter.").expect("our section");
            (name.to_owned(), value.clone())
        })
        .collect()
}

fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let mut camel = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (first, rest) = part.split_at(1);
        camel.push_str(&first.to_uppercase());
        camel.push_str(rest);
    }
    camel
}

/// The settings that an editor may make, by their names in VS Code, as the server describes them.
fn offered(properties: &Map<String, Value>, prefix: &str, found: &mut BTreeMap<String, Value>) {
    for (name, value) in properties {
        let name = format!("{prefix}{}", camel(name));
        match value.get("properties").and_then(Value::as_object) {
            Some(inner) => offered(inner, &format!("{name}."), found),
            None if value["x-where"].as_str().unwrap().contains("editor") => {
                found.insert(name, value.clone());
            }
            None => {}
        }
    }
}

fn schema() -> BTreeMap<String, Value> {
    let server = Command::new(env!("CARGO_BIN_EXE_ezrouter-lsp"))
        .arg("schema")
        .output()
        .unwrap();
    let schema: Value = serde_json::from_slice(&server.stdout).expect("a schema");
    let mut found = BTreeMap::new();
    offered(schema["properties"].as_object().unwrap(), "", &mut found);
    found
}

#[test]
fn the_extension_has_the_servers_settings() {
    let mut manifest = settings();
    for own in OWN {
        manifest.remove(own).unwrap_or_else(|| panic!("no {own}"));
    }
    let schema = schema();
    let (here, there): (Vec<_>, Vec<_>) = (manifest.keys().collect(), schema.keys().collect());
    let mut here = here;
    here.sort();
    assert_eq!(here, there, "run `npm run settings` in editors/vscode");
    for (name, described) in &schema {
        for (key, value) in described.as_object().unwrap() {
            if !MENU.contains(&key.as_str()) {
                let here = manifest[name].get(key);
                // JavaScript writes 1.0 as 1.
                let numbers = here.and_then(Value::as_f64).zip(value.as_f64());
                let same = numbers.map_or(here == Some(value), |(one, other)| {
                    (one - other).abs() < f64::EPSILON
                });
                assert!(
                    same,
                    "{name}, {key}: run `npm run settings` in editors/vscode"
                );
            }
        }
        let handed = format!("\n  \"{name}\",\n");
        assert!(HANDED_ON.contains(&handed), "{name} is not handed on");
    }
    let listed = HANDED_ON.split_once("HANDED_ON = [\n").unwrap().1;
    let listed = listed.split_once("\n] as const").unwrap().0.lines().count();
    assert_eq!(listed, schema.len());
}

#[test]
fn no_workspace_can_say_where_the_key_goes_or_weaken_what_protects_the_user() {
    let settings = settings();
    for name in [
        "server.path",
        "baseUrl",
        "offline",
        "redact",
        "history.persist",
    ] {
        assert_eq!(settings[name]["scope"], "machine", "{name}");
    }
    let manifest = manifest();
    let trust = &manifest["capabilities"]["untrustedWorkspaces"];
    assert_eq!(trust["supported"], "limited");
    let restricted = trust["restrictedConfigurations"].as_array().unwrap();
    for (name, setting) in &settings {
        let is_users = setting["scope"] == "machine" || setting["scope"] == "application";
        let is_restricted = restricted.contains(&format!("ezrouter.{name}").into());
        assert!(
            is_users != is_restricted,
            "{name} is a workspace's to make and counts in a workspace that is not trusted"
        );
    }
}

#[test]
fn the_lock_file_names_no_registry() {
    let lock: Value = serde_json::from_str(LOCK).expect("JSON");
    for (name, package) in lock["packages"].as_object().unwrap() {
        if let Some(from) = package["resolved"].as_str() {
            assert!(from.starts_with("https://registry.npmjs.org/"), "{name}");
        }
    }
}

#[test]
fn every_command_of_a_menu_or_a_key_is_listed_and_registered() {
    let commands = include_str!("../editors/vscode/src/commands.ts");
    let manifest = manifest();
    let listed = manifest["contributes"]["commands"].as_array().unwrap();
    let listed: Vec<&str> = listed
        .iter()
        .map(|command| command["command"].as_str().unwrap())
        .collect();
    for command in &listed {
        let name = command.strip_prefix("ezrouter.vscode.").expect(command);
        let entry = format!("\n    {name}: ");
        assert!(commands.contains(&entry), "{name} is not registered");
    }
    let menus = manifest["contributes"]["menus"].as_object().unwrap();
    let keys = manifest["contributes"]["keybindings"].as_array().unwrap();
    let entries = menus.values().flat_map(|menu| menu.as_array().unwrap());
    for entry in entries.chain(keys) {
        if let Some(command) = entry.get("command") {
            let command = command.as_str().unwrap();
            assert!(listed.contains(&command), "{command} is not listed");
        }
    }
}
