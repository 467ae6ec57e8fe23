//! Reads the replies of `tests/fixtures/replies`; their README.md tells the format. What they must become is not judged here.

use std::fs;
use std::path::Path;

use super::super::{Indent, Rejected, Shape};
use crate::prompt;

pub(super) struct Case {
    pub(super) name: String,
    pub(super) shape: Shape,
    pub(super) reply: String,
    pub(super) result: Result<String, Rejected>,
    /// Whether another block of code behind the result is dropped.
    pub(super) drops_block: bool,
    /// Where it was seen; empty for one that was thought of.
    pub(super) see: String,
    /// Whether the request that was answered is recorded.
    pub(super) has_request: bool,
}

/// Where a case's text goes.
#[derive(Default)]
struct Place {
    language: String,
    before: String,
    selection: String,
    after: String,
}

/// Reads the place off the request, so that a recorded reply is cleaned for the text that it answers.
fn requested(request: &str, name: &str) -> Place {
    let asked = prompt::read(request).unwrap_or_else(|| panic!("{name}: no request of ours"));
    let block = |tag: &str| {
        let block = request.split_once(&format!("<{tag}>\n"));
        let block = block.and_then(|(_, rest)| rest.split_once(&format!("\n</{tag}>\n")));
        block
            .map(|(block, _)| format!("{block}\n"))
            .unwrap_or_default()
    };
    Place {
        language: asked.language.to_owned(),
        before: block("before"),
        selection: asked.selection.to_owned(),
        after: block("after"),
    }
}

/// Undoes the marks that make white space visible.
fn visible(section: &str) -> String {
    let text = section.strip_suffix('\n').unwrap_or(section);
    let text = text.replace("\\--", "--");
    let text = text
        .replace("⏎\n", "\n")
        .replace("␍\n", "\r\n")
        .replace('␍', "\r");
    let text = text
        .strip_suffix('⏎')
        .map(|text| format!("{text}\n"))
        .unwrap_or(text);
    text.replace('→', "\t").replace('·', " ")
}

fn parse_case(name: &str, body: &str) -> Case {
    let mut sections = vec![];
    for line in body.split_inclusive('\n') {
        match line.strip_prefix("-- ") {
            Some(title) => sections.push((title.trim_end(), String::new())),
            None => sections
                .last_mut()
                .expect("a section begins with `-- `")
                .1
                .push_str(line),
        }
    }
    let section = |title: &str| {
        sections
            .iter()
            .find(|(found, _)| *found == title)
            .map(|(_, text)| visible(text))
    };
    let request = section("request");
    let place = match &request {
        Some(request) => requested(request, name),
        None => Place {
            before: section("before").unwrap_or_default(),
            selection: section("selection").unwrap_or_else(|| panic!("{name}: no selection")),
            after: section("after").unwrap_or_default(),
            ..Place::default()
        },
    };
    let header = section("language").unwrap_or_else(|| panic!("{name}: no language"));
    let mut words = header.split(", ");
    let language = words.next().unwrap_or_default().to_owned();
    assert!(
        request.is_none() || language == place.language,
        "{name}: two languages"
    );
    let (mut indent, mut line_ending) = (Indent::Spaces(4), "\n");
    for word in words {
        match word {
            "tabs" => indent = Indent::Tabs,
            "any indent" => indent = Indent::Unknown,
            "crlf" => line_ending = "\r\n",
            "cr" => line_ending = "\r",
            _ => {
                indent = Indent::Spaces(
                    word.strip_prefix("spaces ")
                        .and_then(|n| n.parse().ok())
                        .expect(name),
                );
            }
        }
    }
    let selection = &place.selection;
    let (line_prefix, rest) = selection.split_once('«').unwrap_or(("", selection));
    let (selected, line_suffix) = rest.split_once('»').unwrap_or((rest, ""));
    let ends = ["result", "refused", "words", "empty"].map(section);
    let result = match ends {
        [Some(text), None, None, None] => Ok(text),
        [None, Some(reason), None, None] => Err(Rejected::Refused(reason)),
        [None, None, Some(words), None] => Err(Rejected::Words(words)),
        [None, None, None, Some(_)] => Err(Rejected::Empty),
        _ => panic!("{name}: not one result"),
    };
    Case {
        name: name.to_owned(),
        shape: Shape {
            language,
            selection: selected.to_owned(),
            line_prefix: line_prefix.to_owned(),
            line_suffix: line_suffix.to_owned(),
            line_ending,
            before: place.before.clone(),
            after: place.after.clone(),
            indent,
        },
        drops_block: section("dropped").is_some(),
        see: section("see").unwrap_or_default(),
        has_request: request.is_some(),
        reply: section("reply").unwrap_or_else(|| panic!("{name}: no reply")),
        result,
    }
}

/// The cases of a file.
fn parse_all(text: &str) -> Vec<Case> {
    let blocks = text
        .split("\n=== ")
        .filter_map(|block| block.split_once('\n'));
    blocks
        .map(|(name, body)| parse_case(name.trim_start_matches("=== "), body))
        .collect()
}

pub(super) fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/replies");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    files.sort();
    let texts = files.iter().map(|path| fs::read_to_string(path).unwrap());
    texts.flat_map(|text| parse_all(&text)).collect()
}
