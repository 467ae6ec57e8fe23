//! The arguments of commands: which there are, and what each is. One that is there and is something else is an error, and
//! nothing happens: read as left out it would have a command do more than was meant, `{"job": 7}` stop every job.

use serde_json::{Map, Value};

use super::message::whole_number;

/// What an argument is.
#[derive(Clone, Copy)]
enum Form {
    Text,
    /// A whole number that is not negative.
    Number,
    /// A version of a document, which may be negative.
    Version,
    Truth,
    List,
    Position,
    Range,
}

/// Every argument that some command reads. A name means the same in all of them.
const KNOWN: &[(&str, Form)] = &[
    ("action", Form::Text),
    ("conversation", Form::Text),
    ("diagnostics", Form::List),
    ("finished", Form::Truth),
    ("hunk", Form::Number),
    ("instruction", Form::Text),
    ("job", Form::Text),
    ("kind", Form::Text),
    ("model", Form::Text),
    ("position", Form::Position),
    ("question", Form::Text),
    ("range", Form::Range),
    ("target", Form::Text),
    ("uri", Form::Text),
    ("version", Form::Version),
];

/// The argument of a command as an object in which all that is known has its form and nothing is null, or what is wrong.
pub(super) fn read(argument: &Value) -> Result<Value, String> {
    let given = match argument {
        Value::Null => return Ok(Value::Object(Map::new())),
        // An empty table of Lua.
        Value::Array(list) if list.is_empty() => return Ok(Value::Object(Map::new())),
        Value::Object(given) => given,
        other => return Err(wrong("the argument of a command", "an object", other)),
    };
    let mut taken = Map::new();
    for (name, value) in given.iter().filter(|(_, value)| !value.is_null()) {
        let known = KNOWN.iter().find(|(known, _)| known == name);
        let value = match known {
            Some((_, form)) => read_one(name, *form, value)?,
            None => value.clone(),
        };
        taken.insert(name.clone(), value);
    }
    Ok(Value::Object(taken))
}

fn read_one(name: &str, form: Form, value: &Value) -> Result<Value, String> {
    let number = whole_number(value);
    let read = match form {
        Form::Text => value.is_string().then(|| value.clone()),
        // Some encoders of Lua write whole numbers as floats.
        Form::Number => number
            .and_then(|number| usize::try_from(number).ok())
            .map(Value::from),
        Form::Version => number.map(Value::from),
        Form::Truth => value.is_boolean().then(|| value.clone()),
        Form::List => match value {
            Value::Object(table) if table.is_empty() => Some(Value::Array(Vec::new())),
            _ => value.is_array().then(|| value.clone()),
        },
        Form::Position => {
            check_position(name, value)?;
            Some(value.clone())
        }
        Form::Range => {
            check_object(name, value)?;
            for end in ["start", "end"] {
                if let Some(position) = member(value, end) {
                    check_position(&format!("{name}.{end}"), position)?;
                }
            }
            Some(value.clone())
        }
    };
    read.ok_or_else(|| wrong(name, form.name(), value))
}

impl Form {
    fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "a whole number that is not negative",
            Self::Version => "a whole number",
            Self::Truth => "true or false",
            Self::List => "a list",
            Self::Position | Self::Range => "an object",
        }
    }
}

/// Numbers beyond the text are moved to its ends where they are used; here it is enough that they are numbers.
fn check_position(name: &str, value: &Value) -> Result<(), String> {
    check_object(name, value)?;
    for axis in ["line", "character"] {
        if let Some(number) = member(value, axis).filter(|number| !number.is_number()) {
            return Err(wrong(&format!("{name}.{axis}"), "a number", number));
        }
    }
    Ok(())
}

fn check_object(name: &str, value: &Value) -> Result<(), String> {
    if value.is_object() {
        return Ok(());
    }
    Err(wrong(name, "an object", value))
}

/// What an object has under a name, unless that is null.
fn member<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    object.get(name).filter(|value| !value.is_null())
}

/// Text is not repeated: it may be anything.
fn wrong(name: &str, wanted: &str, found: &Value) -> String {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(number) if wanted.contains("number") => {
            return format!("{name} must be {wanted}, not {number}");
        }
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    format!("{name} must be {wanted}, not {found}")
}
