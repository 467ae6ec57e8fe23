//! Settings as somebody wrote them, in one form for TOML and JSON: values of any type, each with its line. Whether a value
//! makes sense is not asked here.

use serde_json::Value;
use toml::de::{DeTable, DeValue, Error};

use super::table::MOST;

/// A value as it was written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Given {
    Flag(bool),
    Whole(i64),
    Fraction(f64),
    Text(String),
    List(Vec<Placed>),
    Table(Table),
    /// What no setting can be, in a word.
    Odd(&'static str),
}

/// A value and the line that it begins on, counted from 1; JSON has no lines.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Placed {
    pub(super) line: Option<usize>,
    pub(super) given: Given,
}

/// Keys and values; the line of an entry is that of its key. Entries are in the order in which they were written where
/// lines tell it.
pub(super) type Table = Vec<(String, Placed)>;

/// What is wrong with the form of a file: the line, and a fragment that says what.
pub(super) type Mistake = (Option<usize>, String);

impl Given {
    /// The value as a person recognises it, cut to a length that fits into a message.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Flag(yes) => yes.to_string(),
            Self::Whole(number) => number.to_string(),
            Self::Fraction(number) => number.to_string(),
            Self::Text(text) => {
                let mut short: String = text.chars().take(40).collect();
                if short.len() < text.len() {
                    short.push('…');
                }
                format!("{short:?}")
            }
            Self::List(_) => "a list".to_owned(),
            Self::Table(_) => "a table".to_owned(),
            Self::Odd(word) => (*word).to_owned(),
        }
    }
}

/// A longer text with a slip is left out whole: each slip costs, and a hostile text has many.
const LARGEST_WITH_SLIPS: usize = 32 << 10;

/// Reads TOML 1.1. What cannot be read is told, with at most `most` mistakes, and left out, and the rest is used.
pub(super) fn from_toml(text: &str, most: usize) -> (Table, Vec<Mistake>) {
    let lines = Lines::of(text);
    let mistake = |error: &Error| {
        let line = error.span().map(|span| lines.line(span.start));
        (line, error.message().to_owned())
    };
    match DeTable::parse(text) {
        Ok(document) => (table(document.get_ref(), &lines), Vec::new()),
        Err(error) if LARGEST_WITH_SLIPS < text.len() => {
            let (line, message) = mistake(&error);
            let message = format!("{message}; the whole file was ignored, as it is long");
            (Table::new(), vec![(line, message)])
        }
        Err(_) => {
            let (document, errors) = DeTable::parse_recoverable(text);
            let mistakes = errors.iter().take(most).map(mistake);
            (table(document.get_ref(), &lines), mistakes.collect())
        }
    }
}

fn table(table: &DeTable<'_>, lines: &Lines) -> Table {
    let mut entries: Table = table
        .iter()
        .map(|(key, value)| {
            let placed = Placed {
                line: Some(lines.line(key.span().start)),
                given: value_of(value.get_ref(), lines),
            };
            (key.get_ref().clone().into_owned(), placed)
        })
        .collect();
    // The parser sorts keys by name.
    entries.sort_by_key(|(_, placed)| placed.line);
    entries
}

fn value_of(value: &DeValue<'_>, lines: &Lines) -> Given {
    match value {
        DeValue::String(text) => Given::Text(text.clone().into_owned()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Given::Odd("a number of that size"), Given::Whole),
        DeValue::Float(number) => number
            .as_str()
            .parse()
            .map_or(Given::Odd("such a number"), Given::Fraction),
        DeValue::Boolean(yes) => Given::Flag(*yes),
        DeValue::Datetime(_) => Given::Odd("a date"),
        DeValue::Array(list) => {
            // Whoever reads the list says that it is too long.
            let read = list.iter().take(MOST + 1);
            let placed = read.map(|value| Placed {
                line: Some(lines.line(value.span().start)),
                given: value_of(value.get_ref(), lines),
            });
            Given::List(placed.collect())
        }
        DeValue::Table(inner) => Given::Table(table(inner, lines)),
    }
}

/// Where lines begin, in bytes.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        let breaks = memchr::memchr_iter(b'\n', text.as_bytes());
        Self(breaks.map(|at| at + 1).collect())
    }

    /// The line of a byte, counted from 1.
    fn line(&self, offset: usize) -> usize {
        self.0.partition_point(|start| *start <= offset) + 1
    }
}

/// Takes over a JSON object. Null counts as absent: editors send it for settings that nobody has set.
pub(super) fn from_json(value: &Value) -> Table {
    let Some(object) = value.as_object() else {
        return Table::new();
    };
    let set = object.iter().filter(|(_, value)| !value.is_null());
    set.map(|(key, value)| (key.clone(), placed(value)))
        .collect()
}

fn placed(value: &Value) -> Placed {
    let given = match value {
        Value::Null => Given::Odd("null"),
        Value::Bool(yes) => Given::Flag(*yes),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Given::Whole(whole),
            (None, Some(fraction)) => Given::Fraction(fraction),
            (None, None) => Given::Odd("a number of that size"),
        },
        Value::String(text) => Given::Text(text.clone()),
        Value::Array(list) => Given::List(list.iter().map(placed).collect()),
        Value::Object(_) => Given::Table(from_json(value)),
    };
    Placed { line: None, given }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn toml_keeps_its_lines_and_what_follows_a_slip() {
        let text = "model = \"a\"\n\n[rewrite]\napply = single\nreview = false\n[[actions]]\nid = 'x'\nwhen = 2026-11-24\n";
        let (table, mistakes) = from_toml(text, 3);
        assert_eq!(mistakes.len(), 1, "{mistakes:?}");
        assert_eq!(mistakes[0].0, Some(4));
        let lines: Vec<_> = table
            .iter()
            .map(|(key, placed)| (key.as_str(), placed.line))
            .collect();
        assert_eq!(
            lines,
            [
                ("model", Some(1)),
                ("rewrite", Some(3)),
                ("actions", Some(6))
            ]
        );
        let Given::Table(rewrite) = &table[1].1.given else {
            panic!("{table:?}")
        };
        let review = rewrite.iter().find(|(key, _)| key == "review").unwrap();
        assert_eq!(
            (review.1.line, &review.1.given),
            (Some(5), &Given::Flag(false))
        );
        let Given::List(actions) = &table[2].1.given else {
            panic!("{table:?}")
        };
        let Given::Table(action) = &actions[0].given else {
            panic!("{table:?}")
        };
        assert_eq!(
            action[1].1,
            Placed {
                line: Some(8),
                given: Given::Odd("a date")
            }
        );
    }

    #[test]
    fn json_gives_the_same_values_without_lines() {
        let value =
            json!({"a": 1, "b": 1.5, "c": null, "d": ["x", null], "e": {"f": true}, "g": u64::MAX});
        let table = from_json(&value);
        let shown: Vec<String> = table
            .iter()
            .map(|(key, placed)| format!("{key} {}", placed.given.shown()))
            .collect();
        assert_eq!(
            shown,
            [
                "a 1",
                "b 1.5",
                "d a list",
                "e a table",
                "g 18446744073709552000"
            ]
        );
    }
}
