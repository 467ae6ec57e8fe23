//! Holds the architecture: every file says why it exists, stays small, and knows only its own layer and those below.
#![expect(clippy::expect_used, clippy::string_slice, reason = "this is a test")]

use std::path::{Path, PathBuf};

/// The most lines of a file without its tests, and of a function.
const LONGEST_FILE: usize = 450;
const LONGEST_FUNCTION: usize = 60;

/// Layers from the bottom; the first pattern that a path begins with counts.
const LAYERS: &[(u8, &str)] = &[
    (0, "text"),
    (1, "action"),
    (1, "answer"),
    (1, "comment"),
    (1, "conversation"),
    (2, "key/command"),
    (2, "key/source"),
    (1, "key"),
    (1, "language"),
    (1, "prompt"),
    (1, "reading"),
    (1, "recovery"),
    (1, "reply"),
    (1, "request_view"),
    (1, "rewrite"),
    (1, "task"),
    (1, "words"),
    (2, "gateway.rs"),
    (2, "gateway/attempt"),
    (2, "gateway/connection"),
    (2, "gateway/keyed"),
    (2, "gateway/known"),
    (2, "gateway/pace"),
    (2, "gateway/route"),
    (2, "gateway/visit"),
    (2, "gateway/way"),
    (1, "gateway/"),
    (2, "config"),
    (2, "exclusions"),
    (2, "first_use"),
    (2, "journal"),
    (2, "log"),
    (2, "mentions"),
    (2, "offline"),
    (2, "pages"),
    (2, "store"),
    (2, "views"),
    (3, ""),
];

/// Words that no layer up to the given one may use, with the reason.
const FORBIDDEN: &[(u8, &str, &str)] = &[
    (1, "tokio", "the core knows no runtime"),
    (1, "reqwest", "the core knows no network"),
    (1, "std::net", "the core knows no network"),
    (1, "std::fs", "the core knows no disk"),
    (1, "Instant", "the core has no clock"),
    (1, "SystemTime", "the core has no clock"),
    (2, "tower_lsp", "LSP types live at the edge"),
    (2, "gen_lsp_types", "LSP types live at the edge"),
];

/// Words that belong to a few files only.
const RESERVED: &[(&str, &[&str])] = &[
    ("rusqlite", &["store/database.rs", "store/database/rows.rs"]),
    ("reqwest::", &["gateway/attempt.rs", "gateway/way.rs"]),
    ("std::env::var", &["config.rs"]),
    ("tower_lsp::Client", &["server/outbox.rs"]),
];

#[test]
fn the_sources_are_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    assert!(20 < files.len(), "the sources were not found");
    let mut problems = Vec::new();
    for file in files {
        let name = file
            .strip_prefix(&root)
            .expect("inside")
            .to_string_lossy()
            .replace('\\', "/");
        let source = std::fs::read_to_string(&file).expect("readable");
        problems.extend(check(&name, &source));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Everything that is wrong with a file.
fn check(name: &str, source: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let first = source.lines().next().unwrap_or_default();
    if !first.starts_with("//! ") || first.len() < 34 {
        problems.push(format!(
            "{name}: the first line does not say why the file exists"
        ));
    }
    if name.contains("/tests") {
        return problems;
    }
    let code = without_tests(source);
    let lines = code.lines().count();
    if LONGEST_FILE < lines {
        problems.push(format!("{name}: {lines} lines, at most {LONGEST_FILE}"));
    }
    for (function, length) in functions(code) {
        if LONGEST_FUNCTION < length {
            problems.push(format!(
                "{name}: {function} has {length} lines, at most {LONGEST_FUNCTION}"
            ));
        }
    }
    problems.extend(layer_problems(name, code));
    problems
}

fn without_tests(source: &str) -> &str {
    let inline = source.find("#[cfg(test)]\nmod tests {").or_else(|| {
        let tests = source.find("#[cfg(test)]\n#[expect")?;
        source[tests..].contains("mod tests {").then_some(tests)
    });
    inline.map_or(source, |tests| &source[..tests])
}

/// The names and lengths of functions, by the indentation that rustfmt gives them.
fn functions(code: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let mut open: Option<(String, usize, String)> = None;
    for (number, line) in code.lines().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let is_function = line.trim_start().split("fn ").next().is_some_and(|before| {
            before.split_whitespace().all(|word| {
                word.starts_with("pub")
                    || ["const", "async", "in", "crate)", "super)"].contains(&word)
            })
        }) && line.contains("fn ");
        if let Some((name, start, end)) = &open {
            if line == end {
                found.push((name.clone(), number - start + 1));
                open = None;
            }
        } else if is_function && !line.trim_end().ends_with(';') {
            let name = line.split("fn ").nth(1).unwrap_or_default();
            let name = name.split(['(', '<']).next().unwrap_or_default().to_owned();
            open = Some((name, number, format!("{}}}", " ".repeat(indent))));
        }
    }
    found
}

fn layer_problems(name: &str, code: &str) -> Vec<String> {
    let layer = layer_of(name);
    let mut problems = Vec::new();
    for line in code
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("//"))
    {
        for (highest, word, reason) in FORBIDDEN {
            if layer <= *highest && line.contains(word) {
                problems.push(format!("{name}: names {word}: {reason}"));
            }
        }
        for (word, files) in RESERVED {
            if line.contains(word) && !files.contains(&name) {
                problems.push(format!(
                    "{name}: names {word}, which belongs to {}",
                    files.join(", ")
                ));
            }
        }
        for used in line.split("crate::").skip(1) {
            let module = used
                .split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
                .next()
                .unwrap_or_default();
            let path = module.trim_end_matches(':').replace("::", "/");
            let other = layer_of(&format!("{path}/"));
            let other = if path.split('/').next() == Some("gateway") {
                gateway_layer(&path)
            } else {
                other
            };
            if layer < other && !path.is_empty() && path.starts_with(char::is_lowercase) {
                problems.push(format!("{name}: uses crate::{module} of a higher layer"));
            }
        }
    }
    problems
}

fn layer_of(path: &str) -> u8 {
    let found = LAYERS.iter().find(|(_, pattern)| path.starts_with(pattern));
    found.map_or(3, |(layer, _)| *layer)
}

/// `crate::gateway::Settings` is the client's; `crate::gateway::signal` is a word.
fn gateway_layer(path: &str) -> u8 {
    let word = path.split('/').nth(1).unwrap_or_default();
    if word.starts_with(char::is_lowercase) {
        layer_of(&format!("gateway/{word}"))
    } else {
        2
    }
}

#[test]
fn each_rule_can_be_broken() {
    let header = "//! Says at some length why this file exists.\n";
    let long_function = format!("{header}fn long() {{\n{}}}\n", "    x();\n".repeat(60));
    let cases = [
        (
            "text.rs",
            "fn a() {}\n".to_owned(),
            "the first line does not say",
        ),
        (
            "text.rs",
            format!("{header}{}", "// line\n".repeat(450)),
            "451 lines, at most 450",
        ),
        ("text.rs", long_function, "long has 62 lines"),
        (
            "rewrite.rs",
            format!("{header}use tokio::time;\n"),
            "no runtime",
        ),
        (
            "offline.rs",
            format!("{header}use tower_lsp::Client;\n"),
            "at the edge",
        ),
        (
            "text/diff.rs",
            format!("{header}use crate::rewrite::Event;\n"),
            "crate::rewrite::Event of a higher layer",
        ),
        (
            "answer.rs",
            format!("{header}use crate::gateway::Gateway;\n"),
            "of a higher layer",
        ),
        (
            "server.rs",
            format!("{header}fn a() {{ std::env::var(\"X\"); }}\n"),
            "belongs to config.rs",
        ),
        (
            "server.rs",
            format!("{header}use reqwest::Client;\n"),
            "belongs to gateway/attempt.rs",
        ),
    ];
    for (name, source, problem) in cases {
        let found = check(name, &source).join("\n");
        assert!(
            found.contains(problem),
            "{name}: {found:?} lacks {problem:?}"
        );
    }
    let good = format!(
        "{header}use crate::gateway::signal::Usage;\nuse crate::text::Span;\n\nfn a() {{\n    b();\n}}\n"
    );
    assert_eq!(check("answer.rs", &good), [""; 0]);
}
