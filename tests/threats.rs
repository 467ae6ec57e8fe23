//! The README's table of threats: each promise names tests that there are, and each threat says what is not promised.
#![expect(clippy::expect_used, reason = "this is a test")]

use std::path::Path;

/// Those that the table must speak of.
const THREATS: &[&str] = &[
    "hostile repository",
    "hostile gateway",
    "hostile answer of a model",
    "other users of this computer",
];

/// A row of the table: whom it is about, what is said, and the tests.
struct Row<'a> {
    threat: &'a str,
    said: &'a str,
    tests: Vec<&'a str>,
}

fn rows(readme: &str) -> Vec<Row<'_>> {
    let (_, chapter) = readme.split_once("\n## Threats\n").expect("a chapter");
    let chapter = chapter.split("\n## ").next().unwrap_or_default();
    let lines = chapter.lines().filter(|line| line.starts_with('|')).skip(2);
    let mut threat = "";
    lines
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [from, said, tests] = cells[..] else {
                panic!("not three cells: {line}");
            };
            threat = if from.is_empty() { threat } else { from };
            let tests = tests.split('`').skip(1).step_by(2).collect();
            Row {
                threat,
                said,
                tests,
            }
        })
        .collect()
}

/// What is wrong with the name of a test.
fn problem(named: &str) -> Option<String> {
    let Some((file, name)) = named.split_once(": ") else {
        return Some(format!("{named} names no file"));
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let Ok(source) = std::fs::read_to_string(path) else {
        return Some(format!("there is no {file}"));
    };
    let Some((before, _)) = source.split_once(&format!("fn {name}(")) else {
        return Some(format!("there is no {name} in {file}"));
    };
    // Attributes stand right above the function, behind the end of whatever comes before it.
    let attributes = before.rsplit(['}', ';']).next().unwrap_or_default();
    let is_test = attributes.contains("#[test]") || attributes.contains("#[tokio::test");
    (!is_test).then(|| format!("{name} in {file} is no test"))
}

#[test]
fn each_promise_has_its_tests_and_each_threat_what_is_not_promised() {
    let rows = rows(include_str!("../README.md"));
    let mut problems = Vec::new();
    for row in &rows {
        let is_promise = !row.said.starts_with("*not promised*: ");
        if is_promise == row.tests.is_empty() {
            problems.push(format!("{}: {} tests", row.said, row.tests.len()));
        }
        problems.extend(row.tests.iter().filter_map(|named| problem(named)));
    }
    for threat in THREATS {
        let of = rows.iter().filter(|row| row.threat == *threat);
        let (promised, not): (Vec<&Row<'_>>, Vec<&Row<'_>>) =
            of.partition(|row| !row.tests.is_empty());
        if promised.is_empty() || not.len() != 1 {
            let (promised, not) = (promised.len(), not.len());
            problems.push(format!(
                "{threat}: {promised} promises, {not} that are none"
            ));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn a_name_that_is_wrong_is_told() {
    for (named, part) in [
        ("no_file", "names no file"),
        ("tests/none.rs: x", "there is no tests/none.rs"),
        ("tests/threats.rs: no_such_test", "there is no no_such_test"),
        ("tests/threats.rs: rows", "is no test"),
    ] {
        let problem = problem(named).unwrap_or_default();
        assert!(problem.contains(part), "{named}: {problem:?}");
    }
    let own = "tests/threats.rs: a_name_that_is_wrong_is_told";
    assert_eq!(problem(own), None);
}
