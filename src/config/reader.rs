//! One layer of settings is read over those below it: what is right is taken, what is wrong is told with its place and left
//! out, and what a layer may not say is told once. It opens no file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::given::{Given, Mistake, Placed, Table};
use super::settings::Settings;
use super::table::{self, DAY, Kind, LONGEST_LINE, LONGEST_TEXT, MOST, SETTINGS, Scope, Setting};
use crate::gateway::error::on_one_line;
use crate::gateway::route::Proxy;
use crate::key::without_keys;
use crate::text::nearest::nearest;

/// Where a layer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin<'a> {
    /// The user's own file.
    User(Place<'a>),
    /// The file of a project, which nobody vouches for.
    Project(Place<'a>),
    /// The editor, which may have it from a project.
    Editor,
}

/// A file of settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place<'a> {
    /// What messages call it.
    pub(super) name: &'a str,
    /// Where relative paths in it begin.
    pub(super) directory: &'a Path,
    /// What `~` stands for.
    pub(super) home: Option<&'a Path>,
}

/// What reading layers one over the other has given so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Reading {
    pub(super) settings: Settings,
    /// Where each setting was last set, by its key.
    pub(super) sources: BTreeMap<&'static str, String>,
    /// What was wrong, one sentence each without a full stop.
    pub(super) problems: Vec<String>,
}

/// The most problems of one layer that are told; a hostile file could have a hundred thousand.
pub(super) const MOST_PROBLEMS: usize = 10;

/// What editors' own client code keeps in the same section (`trace.server` is that of VS Code's client library).
const OF_THE_CLIENT: &[&str] = &["trace", "server"];

impl Reading {
    /// Reads a layer over what has been read so far.
    pub(super) fn add(&mut self, origin: Origin<'_>, table: &Table, mistakes: &[Mistake]) {
        let mut reader = Reader {
            origin,
            reading: self,
            problems: Vec::new(),
            left_out: 0,
        };
        for (line, what) in mistakes {
            reader.problem(*line, what);
        }
        reader.walk("", table);
        let Reader {
            mut problems,
            left_out,
            ..
        } = reader;
        if 0 < left_out {
            problems.push(format!("{}: {left_out} more problems", origin.name()));
        }
        for problem in problems {
            // The editor may say the same in two ways.
            if !self.problems.contains(&problem) {
                self.problems.push(problem);
            }
        }
    }

    /// Reads a variable of the environment; `home` is what `~` stands for, as editors set variables without a shell.
    pub(super) fn add_variable(&mut self, variable: &str, value: &str, home: Option<&Path>) {
        let named = SETTINGS
            .iter()
            .find(|setting| setting.variable == Some(variable));
        let Some(setting) = named else { return };
        let given = Given::Text(value.to_owned());
        let files = Place {
            name: variable,
            directory: Path::new(""),
            home,
        };
        match set(setting, &given, Origin::User(files), &mut self.settings) {
            Ok(()) => drop(self.sources.insert(setting.key, variable.to_owned())),
            Err(wanted) => self.problems.push(format!("{variable} must be {wanted}")),
        }
    }
}

impl Origin<'_> {
    fn name(&self) -> &str {
        match self {
            Self::User(place) | Self::Project(place) => place.name,
            Self::Editor => "the editor settings",
        }
    }

    fn permits(&self, scope: Scope) -> bool {
        match self {
            Self::User(_) => true,
            Self::Project(_) => scope == Scope::Project,
            Self::Editor => scope != Scope::User,
        }
    }
}

pub(super) struct Reader<'a> {
    pub(super) origin: Origin<'a>,
    pub(super) reading: &'a mut Reading,
    problems: Vec<String>,
    left_out: usize,
}

impl Reader<'_> {
    /// Takes over every setting in a table; `prefix` is the name of the table, empty for that of the whole layer.
    fn walk(&mut self, prefix: &str, table: &Table) {
        for (written, placed) in table {
            let key = self.key(prefix, written);
            let group = format!("{key}.");
            if let Some(setting) = table::find(&key) {
                self.take(setting, placed);
            } else if SETTINGS
                .iter()
                .any(|setting| setting.key.starts_with(&group))
            {
                match &placed.given {
                    Given::Table(inner) => self.walk(&key, inner),
                    _ => self.problem(placed.line, &format!("{} must be a table", self.call(&key))),
                }
            } else {
                self.unknown(&key, placed);
            }
        }
    }

    /// The full name of a key. Editors may write it in camel case, and with the section in front.
    fn key(&self, prefix: &str, written: &str) -> String {
        let part = match self.origin {
            Origin::Editor => {
                let own = written.strip_prefix("ezrouter.").unwrap_or(written);
                snake_case(own)
            }
            _ => written.to_owned(),
        };
        if prefix.is_empty() {
            part
        } else {
            format!("{prefix}.{part}")
        }
    }

    fn take(&mut self, setting: &'static Setting, placed: &Placed) {
        if !self.origin.permits(setting.scope) {
            let name = self.call(setting.key);
            let why = match self.origin {
                Origin::Project(_) => {
                    "was ignored: a project may only set actions, exclude, exclude_gitignored, instructions and model"
                }
                _ => {
                    "was ignored: an editor's settings may come from a workspace, so this is set in the user file only"
                }
            };
            return self.problem(placed.line, &format!("{name} {why}"));
        }
        if let Kind::Actions = setting.kind {
            self.take_actions(placed);
        } else if let Kind::Patterns(field) = setting.kind {
            if !self.take_patterns(setting, placed, field) {
                return;
            }
        } else if let Err(wanted) = set(
            setting,
            &placed.given,
            self.origin,
            &mut self.reading.settings,
        ) {
            let name = self.call(setting.key);
            // Whoever puts a key into the wrong place must not find it in a log.
            let found = if setting.scope == Scope::User {
                String::new()
            } else {
                format!(", not {}", placed.given.shown())
            };
            return self.problem(placed.line, &format!("{name} must be {wanted}{found}"));
        }
        let source = self.place(placed.line);
        self.reading.sources.insert(setting.key, source);
    }

    fn unknown(&mut self, key: &str, placed: &Placed) {
        let first = key.split('.').next().unwrap_or_default();
        if self.origin == Origin::Editor && OF_THE_CLIENT.contains(&first) {
            return;
        }
        if ["api_key", "key"].contains(&key) {
            let name = self.call(key);
            let text = format!(
                "{name} was ignored: settings get copied and shared, so the key itself is never in them; set \
                 EZROUTER_API_KEY, or api_key_command or api_key_file in the user file"
            );
            return self.problem(placed.line, &text);
        }
        if MOST_PROBLEMS <= self.problems.len() {
            self.left_out += 1;
            return;
        }
        let (kind, section) = match self.origin {
            Origin::Editor => ("editor setting", "ezrouter."),
            _ => ("setting", ""),
        };
        let near = nearest(SETTINGS.iter().map(|setting| setting.key), key);
        let meant = near.map_or_else(String::new, |near| {
            format!("; did you mean {section}{near}?")
        });
        let key: String = key.chars().take(40).collect();
        self.problem(
            placed.line,
            &format!("there is no {kind} {section}{key}{meant}"),
        );
    }

    /// Notes what is wrong with what stands on a line.
    pub(super) fn problem(&mut self, line: Option<usize>, what: &str) {
        if MOST_PROBLEMS <= self.problems.len() {
            self.left_out += 1;
            return;
        }
        let what = without_keys(&on_one_line(what));
        self.problems.push(match self.origin {
            Origin::Editor => what,
            _ => format!("{}: {what}", self.place(line)),
        });
    }

    /// What messages call a setting.
    pub(super) fn call(&self, key: &str) -> String {
        match self.origin {
            Origin::Editor => format!("the editor setting ezrouter.{key}"),
            _ => key.to_owned(),
        }
    }

    /// A place as compilers write it.
    pub(super) fn place(&self, line: Option<usize>) -> String {
        match line {
            Some(line) => format!("{}:{line}", self.origin.name()),
            None => self.origin.name().to_owned(),
        }
    }
}

/// Sets a setting, or says what it must be.
fn set(
    setting: &Setting,
    given: &Given,
    origin: Origin<'_>,
    settings: &mut Settings,
) -> Result<(), String> {
    match &setting.kind {
        Kind::Line(field) => {
            if let Some(line) = line(given)? {
                line.clone_into(field(settings));
            }
        }
        Kind::Proxy(field) => {
            let proxy = line(given)?.map(|url| Proxy::new(url).ok_or(NO_PROXY));
            *field(settings) = proxy.transpose()?;
        }
        Kind::Instructions => {
            let text = text(given)?;
            match origin {
                Origin::Project(_) => settings.instructions.set_project(text),
                _ => settings.instructions.set_user(text),
            }
        }
        Kind::Flag(field) => *field(settings) = flag(given)?,
        Kind::Guard(field) => {
            let wanted = flag(given)?;
            let guard = field(settings);
            *guard = match origin {
                Origin::Project(_) => *guard || wanted,
                _ => wanted,
            };
        }
        Kind::Whole(bounds, field) => {
            let number = whole(given).filter(|number| bounds.contains(number));
            let (from, to) = (bounds.start(), bounds.end());
            *field(settings) =
                number.ok_or_else(|| format!("a whole number from {from} to {to}"))?;
        }
        Kind::Seconds(field) => *field(settings) = seconds(given)?,
        Kind::Word { words, set, .. } => match given {
            Given::Text(word) if words.contains(&word.as_str()) => set(settings, word),
            _ => return Err(format!("one of {}", words.join(", "))),
        },
        Kind::Command(field) => {
            let list = lines(given).filter(|list| !list.is_empty());
            *field(settings) = list.ok_or(
                "a list of a program and its arguments, such as [\"pass\", \"show\", \"ezrouter\"]",
            )?;
        }
        Kind::Path(field) => {
            *field(settings) = line(given)?.map(|path| resolve(path, origin)).transpose()?;
        }
        Kind::Actions => return Err("a list of tables".to_owned()),
        Kind::Patterns(_) => return Err("a list of patterns".to_owned()),
    }
    Ok(())
}

const NO_PROXY: &str = "the URL of a proxy, such as http://proxy.example:8080";

/// One line of text; `None` if it is empty, which counts as absent.
pub(super) fn line(given: &Given) -> Result<Option<&str>, String> {
    let Given::Text(text) = given else {
        return Err("text".to_owned());
    };
    let text = text.trim();
    if text.contains(char::is_control) || LONGEST_LINE < text.chars().count() {
        return Err(format!("one line of at most {LONGEST_LINE} characters"));
    }
    Ok((!text.is_empty()).then_some(text))
}

/// Text of any number of lines.
pub(super) fn text(given: &Given) -> Result<&str, String> {
    match given {
        Given::Text(text) if text.len() <= LONGEST_TEXT => Ok(text.trim()),
        Given::Text(_) => Err(format!("text of at most {LONGEST_TEXT} bytes")),
        _ => Err("text".to_owned()),
    }
}

/// A list of lines of text, none of them empty.
pub(super) fn lines(given: &Given) -> Option<Vec<String>> {
    let Given::List(list) = given else {
        return None;
    };
    if MOST < list.len() {
        return None;
    }
    list.iter()
        .map(|placed| line(&placed.given).ok().flatten().map(str::to_owned))
        .collect()
}

fn flag(given: &Given) -> Result<bool, &'static str> {
    match given {
        Given::Flag(yes) => Ok(*yes),
        _ => Err("true or false"),
    }
}

/// A whole number; some editors write one with a fraction of zero.
fn whole(given: &Given) -> Option<u32> {
    match given {
        Given::Whole(number) => u32::try_from(*number).ok(),
        #[expect(
            clippy::cast_sign_loss,
            reason = "the number is known to be within bounds"
        )]
        Given::Fraction(number)
            if number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(number) =>
        {
            Some(*number as u32)
        }
        _ => None,
    }
}

fn seconds(given: &Given) -> Result<Duration, &'static str> {
    let number = match given {
        #[expect(
            clippy::cast_precision_loss,
            reason = "nobody waits for so many seconds"
        )]
        Given::Whole(number) => *number as f64,
        Given::Fraction(number) => *number,
        _ => f64::NAN,
    };
    if (0.001..=DAY).contains(&number) {
        Ok(Duration::from_secs_f64(number))
    } else {
        Err("a number of seconds above 0, at most a day")
    }
}

fn resolve(path: &str, origin: Origin<'_>) -> Result<PathBuf, String> {
    let (Origin::User(place) | Origin::Project(place)) = origin else {
        return Ok(PathBuf::from(path));
    };
    match path.strip_prefix("~/") {
        Some(below) => match place.home {
            Some(home) => Ok(home.join(below)),
            None => Err("an absolute path, as there is no home directory".to_owned()),
        },
        None => Ok(place.directory.join(path)),
    }
}

/// `maxOutputTokens` as `max_output_tokens`; what is in snake case already stays as it is.
fn snake_case(key: &str) -> String {
    let mut snake = String::with_capacity(key.len() + 4);
    for c in key.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}
