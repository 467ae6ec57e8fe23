//! Reads the replies of `tests/fixtures/replies`; their README.md tells the format. What they must become is not judged here.

use std::fs;
use std::path::Path;

use super::super::{Indent, Rejected, Shape};

pub(super) struct Case {
    pub(super) name: String,
    pub(super) shape: Shape,
    pub(super) reply: String,
    pub(super) result: Result<String, Rejected>,
}

/// Undoes the marks that make white space visible.
fn visible(section: &str) -> String {
    let text = section.strip_suffix('\n').unwrap_or(section);
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
    let header = section("language").unwrap_or_else(|| panic!("{name}: no language"));
    let mut words = header.split(", ");
    let language = words.next().unwrap_or_default().to_owned();
    let (mut indent, mut line_ending) = (Indent::Spaces(4), "\n");
    for word in words {
        match word {
            "tabs" => indent = Indent::Tabs,
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
    let selection = section("selection").unwrap_or_else(|| panic!("{name}: no selection"));
    let (line_prefix, rest) = selection.split_once('«').unwrap_or(("", &selection));
    let (selected, line_suffix) = rest.split_once('»').unwrap_or((rest, ""));
    let result = match (section("result"), section("refused")) {
        (Some(text), None) => Ok(text),
        (None, Some(reason)) => Err(Rejected::Refused(reason)),
        (None, None) => Err(Rejected::Empty),
        _ => panic!("{name}: two results"),
    };
    Case {
        name: name.to_owned(),
        shape: Shape {
            language,
            selection: selected.to_owned(),
            line_prefix: line_prefix.to_owned(),
            line_suffix: line_suffix.to_owned(),
            line_ending,
            indent,
        },
        reply: section("reply").unwrap_or_else(|| panic!("{name}: no reply")),
        result,
    }
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
    let parse = |text: String| {
        let blocks = text
            .split("\n=== ")
            .filter_map(|block| block.split_once('\n'));
        blocks
            .map(|(name, body)| parse_case(name.trim_start_matches("=== "), body))
            .collect::<Vec<_>>()
    };
    texts.flat_map(parse).collect()
}
