//! The list `actions` of a layer: each action is read for itself, so that a slip in one leaves the others.

use super::given::{Given, Placed, Table};
use super::reader::{Origin, Reader, line, lines, text};
use super::table::MOST;
use crate::action::Kind;
use crate::action::own::Own;
use crate::text::hidden;
use crate::text::nearest::nearest;

/// What an action consists of.
const PARTS: [&str; 6] = ["id", "title", "kind", "prompt", "languages", "model"];

/// A longer title does not fit into a menu.
const LONGEST_TITLE: usize = 80;

/// A longer id names nothing.
const LONGEST_ID: usize = 64;

impl Reader<'_> {
    /// Adds the actions of a layer. One with the id of an earlier layer's takes its place, but a project cannot replace what
    /// its user has defined.
    pub(super) fn take_actions(&mut self, placed: &Placed) {
        let Given::List(list) = &placed.given else {
            let name = self.call("actions");
            let found = placed.given.shown();
            return self.problem(
                placed.line,
                &format!("{name} must be a list of tables, not {found}"),
            );
        };
        let mut own: Vec<Own> = Vec::new();
        for (index, entry) in list.iter().enumerate().take(MOST) {
            match self.action(index, entry) {
                Ok(action) => match own.iter().find(|other| other.id == action.id) {
                    Some(other) => {
                        let (id, first) = (&action.id, &other.place);
                        let text = format!("the action id {id} is taken already ({first})");
                        self.problem(entry.line, &text);
                    }
                    None => own.push(action),
                },
                Err((line, what)) => self.problem(line, &what),
            }
        }
        if MOST < list.len() {
            let name = self.call("actions");
            self.problem(
                placed.line,
                &format!("{name} has more than {MOST} entries; the rest was ignored"),
            );
        }
        for action in own {
            self.put(action);
        }
    }

    fn put(&mut self, action: Own) {
        let actions = &mut self.reading.settings.actions;
        match actions.iter_mut().find(|other| other.id == action.id) {
            None => actions.push(action),
            Some(other) if matches!(self.origin, Origin::Project(_)) => {
                let text = format!(
                    "the action {} was ignored: {} defines it already",
                    action.id, other.place
                );
                self.problem(None, &text);
            }
            Some(other) => *other = action,
        }
    }

    /// One action, or the line of what is wrong with it and what that is.
    fn action(&self, index: usize, entry: &Placed) -> Result<Own, Wrong> {
        let name = self.call(&format!("actions[{index}]"));
        let Given::Table(table) = &entry.given else {
            let found = entry.given.shown();
            return Err((entry.line, format!("{name} must be a table, not {found}")));
        };
        let parts = Parts {
            table,
            name,
            line: entry.line,
        };
        parts.check_names()?;
        Ok(Own {
            id: parts.need("id", "at most 64 letters, digits and any of - _ .", id)?,
            title: parts.need("title", "one line of at most 80 characters", title)?,
            kind: parts.need("kind", "ask or rewrite", kind)?,
            prompt: parts.need("prompt", "text that is not empty", prompt)?,
            languages: parts
                .get(
                    "languages",
                    "a list of language ids, such as [\"rust\"]",
                    lines,
                )?
                .unwrap_or_default(),
            model: parts.get("model", "one line of text", one_line)?,
            place: self.place(entry.line),
        })
    }
}

/// A line, and what is wrong with what stands there.
type Wrong = (Option<usize>, String);

/// The table of one action.
struct Parts<'a> {
    table: &'a Table,
    name: String,
    line: Option<usize>,
}

impl Parts<'_> {
    fn check_names(&self) -> Result<(), Wrong> {
        let odd = self
            .table
            .iter()
            .find(|(key, _)| !PARTS.contains(&key.as_str()));
        let Some((key, placed)) = odd else {
            return Ok(());
        };
        let near = nearest(PARTS, key);
        let meant = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
        let key: String = key.chars().take(40).collect();
        let text = format!("{} cannot have {key}{meant}", self.name);
        Err((placed.line, text))
    }

    /// A part, if it is there.
    fn get<T>(
        &self,
        key: &str,
        wanted: &str,
        read: impl Fn(&Given) -> Option<T>,
    ) -> Result<Option<T>, Wrong> {
        let found = self.table.iter().find(|(written, _)| written == key);
        let Some((_, placed)) = found else {
            return Ok(None);
        };
        let value = read(&placed.given).ok_or_else(|| {
            let text = format!("{}.{key} must be {wanted}", self.name);
            (placed.line, text)
        })?;
        Ok(Some(value))
    }

    /// A part that must be there.
    fn need<T>(
        &self,
        key: &str,
        wanted: &str,
        read: impl Fn(&Given) -> Option<T>,
    ) -> Result<T, Wrong> {
        let value = self.get(key, wanted, read)?;
        value.ok_or_else(|| (self.line, format!("{} has no {key}", self.name)))
    }
}

fn one_line(given: &Given) -> Option<String> {
    line(given).ok().flatten().map(str::to_owned)
}

fn id(given: &Given) -> Option<String> {
    one_line(given).filter(|id| {
        id.len() <= LONGEST_ID
            && id
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    })
}

fn title(given: &Given) -> Option<String> {
    // A menu would show it turned round, or as another one.
    let can_be_seen = |title: &String| hidden::hidden(title).is_empty();
    one_line(given)
        .filter(|title| title.chars().count() <= LONGEST_TITLE)
        .filter(can_be_seen)
}

fn kind(given: &Given) -> Option<Kind> {
    match one_line(given)?.as_str() {
        "ask" => Some(Kind::Ask),
        "rewrite" => Some(Kind::Rewrite),
        _ => None,
    }
}

fn prompt(given: &Given) -> Option<String> {
    let prompt = text(given).ok()?;
    (!prompt.is_empty()).then(|| prompt.to_owned())
}
