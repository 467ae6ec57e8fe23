//! The set-ups that users paste: what the README quotes is a part of the files in `editors/`, those files are the ones that
//! the real editors of `tests/editors/` start with, and what VS Code's file names is a server that answers.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "these are tests: a panic is a failure"
)]

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use ezrouter_lsp::client::editor::Editor;
use ezrouter_lsp::client::{Connection, Incoming};
use serde_json::{Map, Value, json};
use tokio::process::{Child, Command};

const README: &str = include_str!("../README.md");

/// The language of a quoted block, and the file that it is from.
const FILES: [(&str, &str); 4] = [
    ("lua", "neovim.lua"),
    ("toml", "helix.toml"),
    ("elisp", "emacs.el"),
    ("jsonc", "vscode.jsonc"),
];

/// A file of this repository.
fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The fenced blocks of the README's chapter on setting up, as language and text.
fn blocks() -> Vec<(&'static str, String)> {
    let mut blocks = Vec::new();
    let (_, chapter) = README.split_once("\n## Set-up\n").expect("a chapter");
    let (chapter, _) = chapter.split_once("\n## ").expect("another chapter");
    let mut lines = chapter.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push((language, text.join("\n")));
        }
    }
    blocks
}

#[test]
fn what_the_readme_shows_and_links_to_is_there() {
    let targets: Vec<&str> = README
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', '#']).next())
        .filter(|target| !target.is_empty() && !target.contains("://"))
        .collect();
    assert!(
        targets.contains(&"editors/pictures/neovim.svg"),
        "{targets:?}"
    );
    for target in targets {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(target);
        assert!(path.exists(), "the README names {target}");
    }
}

#[test]
fn what_the_readme_quotes_stands_in_the_files() {
    for (language, file) in FILES {
        let text = read(&format!("editors/{file}"));
        let quoted: Vec<String> = blocks()
            .into_iter()
            .filter(|(block, _)| *block == language)
            .map(|(_, text)| text)
            .collect();
        assert!(!quoted.is_empty(), "the README quotes nothing of {file}");
        for quoted in quoted {
            assert!(
                format!("\n{text}").contains(&format!("\n{quoted}\n")),
                "this is not in editors/{file}:\n{quoted}"
            );
        }
        assert!(README.contains(&format!("(editors/{file})")), "{file}");
        assert!(
            text.contains("--offline"),
            "how to try {file} without a key"
        );
    }
}

#[test]
fn the_real_editors_start_with_the_very_files() {
    for (editor, file) in [
        ("neovim.py", "neovim.lua"),
        ("helix.py", "helix.toml"),
        ("emacs.py", "emacs.el"),
        ("emacs.py", "emacs"),
        ("helix.py", "helix-keys.toml"),
        ("kakoune.py", "kakoune.kak"),
    ] {
        let harness = read(&format!("tests/editors/{editor}"));
        assert!(
            harness.contains(&format!("\"editors\" / \"{file}\"")),
            "{editor} does not load editors/{file}"
        );
    }
}

/// JSON in which lines may be comments.
fn json_with_comments(path: &str) -> Value {
    let text = read(path);
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let json: String = lines.collect::<Vec<_>>().join("\n");
    serde_json::from_str(&json).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn every_editor_has_a_file_that_names_the_server_and_tells_how_to_try_it() {
    let table = read("editors/README.md");
    for file in [
        "kakoune.kak",
        "vim-lsp.vim",
        "yegappan-lsp.vim",
        "sublime.jsonc",
        "lsp4ij/README.md",
        "zed/README.md",
        "emacs/README.md",
    ] {
        let text = read(&format!("editors/{file}"));
        assert!(text.contains("ezrouter-lsp"), "{file}");
        assert!(
            text.contains("--offline"),
            "how to try {file} without a key"
        );
        assert!(
            table.contains(&format!("]({file})")),
            "{file} is not in the table"
        );
    }
    for (file, table_of) in [
        ("helix-keys.toml", "README.md"),
        ("sublime-commands.jsonc", "README.md"),
    ] {
        assert!(read(&format!("editors/{table_of}")).contains(&format!("]({file})")));
    }
}

#[test]
fn what_is_pasted_as_json_or_toml_is_that_and_names_commands_that_there_are() {
    let known = read("src/server/commands.rs");
    let is_known = |command: &str| known.contains(&format!("\"{command}\""));
    let sublime = json_with_comments("editors/sublime.jsonc");
    assert_eq!(
        sublime["clients"]["ezrouter"]["command"],
        json!(["ezrouter-lsp", "--stdio"])
    );
    let commands = json_with_comments("editors/sublime-commands.jsonc");
    for entry in commands.as_array().expect("a list of commands") {
        assert_eq!(entry["args"]["session_name"], "ezrouter");
        let command = entry["args"]["command_name"].as_str().expect("a command");
        assert!(is_known(command), "{command}");
    }
    let template = json_with_comments("editors/lsp4ij/template.json");
    assert_eq!(template["programArgs"]["default"], "ezrouter-lsp --stdio");
    for file in ["helix-keys.toml", "kakoune.kak", "vim-lsp.vim"] {
        let text = read(&format!("editors/{file}"));
        let named = text
            .split(|c: char| !(c.is_ascii_alphabetic() || c == '.'))
            .filter(|word| word.starts_with("ezrouter."));
        assert!(named.clone().next().is_some(), "{file}");
        for command in named {
            assert!(is_known(command.trim_end_matches('.')), "{file}: {command}");
        }
    }
}

#[test]
fn the_neovim_plugin_is_installed_as_its_readme_and_its_help_tell() {
    let unindented = |text: &str| text.lines().map(str::trim).collect::<Vec<_>>().join("\n");
    let help = unindented(&read("editors/nvim/doc/ezrouter.txt"));
    let readme = read("editors/nvim/README.md");
    let blocks: Vec<&str> = readme
        .split("```lua\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert!(3 <= blocks.len(), "{blocks:?}");
    for line in blocks.iter().take(3).flat_map(|block| block.lines()) {
        // Long lines are broken in the help.
        for part in unindented(line)
            .split(['(', ')'])
            .filter(|part| !part.is_empty())
        {
            assert!(help.contains(part), "the help does not tell: {line}");
        }
    }
    let harness = read("tests/editors/neovim.py");
    assert!(harness.contains("\"editors\" / \"nvim\""));
}

/// VS Code's settings.
fn vscode() -> Map<String, Value> {
    let settings = json_with_comments("editors/vscode.jsonc");
    settings.as_object().expect("an object of settings").clone()
}

fn words(settings: &Map<String, Value>, name: &str) -> Vec<String> {
    let list = settings[name].as_array().expect("a list");
    let word = |value: &Value| value.as_str().expect("a word").to_owned();
    list.iter().map(word).collect()
}

/// Starts the server as the extension does: the command with its arguments, in its own environment with the given variables
/// over it, in the first folder of the workspace.
fn start(arguments: &[String], folder: &Path, variables: &[(&str, &str)]) -> (Child, Connection) {
    let settings = vscode();
    let command = settings["glspc.server.command"].as_str().unwrap();
    let built = Path::new(env!("CARGO_BIN_EXE_ezrouter-lsp"))
        .parent()
        .unwrap();
    // The set-up tells to put it there, and only there it is to be found.
    let mut child = Command::new(command)
        .args(arguments)
        .env_clear()
        .env("PATH", built)
        .env("EZROUTER_STATE_DIR", folder.join("state"))
        .envs(variables.iter().copied())
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("{command}: {error}"));
    let connection = Connection::new(child.stdout.take().unwrap(), child.stdin.take().unwrap());
    (child, connection)
}

#[tokio::test]
async fn vscode_starts_a_server_that_answers() {
    let settings = vscode();
    // The names that the extension reads.
    let known = ["command", "commandArguments", "languageId"];
    let named: Vec<&str> = settings
        .keys()
        .map(|name| name.strip_prefix("glspc.server.").expect("its section"))
        .collect();
    assert_eq!(named, known);
    assert!(words(&settings, "glspc.server.languageId").contains(&"python".to_owned()));
    let folder = tempfile::tempdir().unwrap();
    let arguments = words(&settings, "glspc.server.commandArguments");
    let (_child, mut connection) = start(
        &arguments,
        folder.path(),
        &[("EZROUTER_API_KEY", "sk-test")],
    );
    let hello = json!({
        "processId": std::process::id(),
        "clientInfo": {"name": "Visual Studio Code", "version": "1.104.0"},
        "rootUri": null,
        "capabilities": {"workspace": {"applyEdit": true}},
        "initializationOptions": {},
        "workspaceFolders": null,
    });
    connection.request("initialize", &hello);
    let answer = tokio::time::timeout(Duration::from_secs(20), connection.next()).await;
    let Ok(Incoming::Response {
        result: Ok(result), ..
    }) = answer
    else {
        panic!("{answer:?}");
    };
    assert_eq!(result["serverInfo"]["name"], "ezrouter-lsp");
    assert_eq!(result["capabilities"]["hoverProvider"], true);
}

#[tokio::test]
async fn vscode_can_be_tried_without_a_key_by_the_change_that_the_file_tells() {
    const TEXT: &str = "def add(a, b):\n    return a + b\n";
    let told = r#""glspc.server.commandArguments": ["--stdio", "--offline"]"#;
    assert!(read("editors/vscode.jsonc").contains(told));
    let arguments: Value = serde_json::from_str(&format!("{{{told}}}")).unwrap();
    let arguments = words(
        arguments.as_object().unwrap(),
        "glspc.server.commandArguments",
    );
    let folder = tempfile::tempdir().unwrap();
    let (_child, connection) = start(&arguments, folder.path(), &[]);
    let root = format!("file://{}", folder.path().display());
    let uri = format!("{root}/a.py");
    let mut editor = Editor::open(connection, &root, &uri, "python", TEXT)
        .await
        .expect("the server starts");
    editor
        .choose(editor.lines(0, 1), "Explain")
        .await
        .expect("the action is offered");
    let done = |editor: &Editor| editor.jobs.keys().any(|job| editor.state_of(job) == "done");
    assert!(editor.wait(Duration::from_secs(20), done).await);
    let hover = editor.hover(0, 0).await.expect("a hover");
    assert!(hover.contains("**scripted**"), "{hover}");
    editor.close().await.expect("it ends");
}
