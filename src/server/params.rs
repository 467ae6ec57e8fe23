//! The parameters of requests and notifications as this server reads them: without ever refusing a message for a detail.
//! The framework's typed parameters would turn a range that does not parse into "the whole document" and drop a
//! notification for a null version; both lose text. What a change means for a document is decided elsewhere.
//!
//! Each type here deserializes from every JSON object that has what its fields without `Option` or default need (most often
//! `textDocument.uri`, a string). Numbers may be floats, as some Lua encoders write them.

use serde::de::{Deserialize, Deserializer, Error};
use serde_json::Value;

use crate::text::{Position, Range};

/// `textDocument/didOpen`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenParams {
    /// The client's own spelling: the key of the document, to be echoed as it is.
    pub uri: String,
    /// The language id; `plaintext` if the client gave none.
    pub language: String,
    /// The version, if the client gave a number.
    pub version: Option<i32>,
    /// The text; `None` if it is missing, and then nothing is known about the document's content.
    pub text: Option<String>,
}

/// `textDocument/didChange`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeParams {
    /// The client's own spelling of the document's URI.
    pub uri: String,
    /// The version after the changes, if the client gave a number.
    pub version: Option<i32>,
    /// The changes in the order in which they apply, each to the result of the one before.
    pub changes: Vec<ContentChange>,
}

/// One entry of `contentChanges`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContentChange {
    /// The document now reads so.
    Whole(String),
    /// The range now reads so. Its start is not behind its end; it may lie outside the document.
    Partial {
        /// What is replaced, in the negotiated encoding.
        range: Range,
        /// What stands there afterwards.
        text: String,
    },
    /// Something changed, but it cannot be said what: the mirror of the document is out of step. The text is the reason,
    /// a lower-case fragment.
    Unreadable(String),
}

/// `textDocument/didClose` and `textDocument/didSave`, of which nothing else is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentParams {
    /// The client's own spelling of the document's URI.
    pub uri: String,
}

/// `textDocument/hover` and other requests about one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PositionParams {
    /// The client's own spelling of the document's URI.
    pub uri: String,
    /// The place, as [`position`] reads it.
    pub position: Position,
}

/// `textDocument/codeAction`.
#[derive(Clone, Debug, PartialEq)]
pub struct CodeActionParams {
    /// The client's own spelling of the document's URI.
    pub uri: String,
    /// The selection, as [`range`] reads it.
    pub range: Range,
    /// The client's diagnostics that overlap the range, as it sent them.
    pub diagnostics: Vec<Value>,
    /// The kinds that the client wants; `None` means all.
    pub only: Option<Vec<String>>,
    /// Why the client asks.
    pub trigger: Trigger,
}

/// Why a client asks for code actions (LSP 3.18, `CodeActionTriggerKind`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// The user asked, or the client does not say.
    Invoked,
    /// The cursor moved or the editor was idle.
    Automatic,
}

/// `workspace/executeCommand`.
#[derive(Clone, Debug, PartialEq)]
pub struct CommandParams {
    /// The command's name.
    pub command: String,
    /// The first argument, unchecked; null if there is none.
    pub argument: Value,
}

/// `window/workDoneProgress/cancel`.
#[derive(Clone, Debug, PartialEq)]
pub struct ProgressParams {
    /// The progress token, a string or a number.
    pub token: Value,
}

/// `workspace/didChangeConfiguration`.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigurationParams {
    /// The settings as sent; null from clients that want to be asked.
    pub settings: Value,
}

/// `workspace/didChangeWorkspaceFolders`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderParams {
    /// URI and name of each folder that came.
    pub added: Vec<(String, String)>,
    /// URI and name of each folder that went.
    pub removed: Vec<(String, String)>,
}

/// Parameters that do not matter: read from anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnyParams;

/// A position in a request or a command, moved to the nearest sensible one: what is missing, negative or no number is 0, a
/// fraction is cut off, a number beyond `u32` is its end. Places outside the document are clamped where they are used.
pub fn position(value: &Value) -> Position {
    let number = |name| value.get(name).and_then(Value::as_f64).map_or(0, saturated);
    Position {
        line: number("line"),
        character: number("character"),
    }
}

/// A range in a request or a command: both ends as [`position`] reads them, in order, a missing end at the start.
pub fn range(value: &Value) -> Range {
    let start = value.get("start").map(position).unwrap_or_default();
    let end = value.get("end").map_or(start, position);
    Range {
        start: start.min(end),
        end: start.max(end),
    }
}

/// A range as LSP writes it.
pub fn range_value(range: Range) -> Value {
    let position = |position: Position| serde_json::json!({"line": position.line, "character": position.character});
    serde_json::json!({"start": position(range.start), "end": position(range.end)})
}

/// URI and name of each workspace folder in a list; entries without a URI are left out, a missing name is the URI's last
/// segment.
pub fn folders(value: Option<&Value>) -> Vec<(String, String)> {
    let entries = value
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    entries
        .iter()
        .filter_map(|folder| {
            let uri = folder.get("uri")?.as_str()?;
            let name = folder
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_else(|| last_segment(uri));
            Some((uri.to_owned(), name.to_owned()))
        })
        .collect()
}

/// What stands behind the last slash of a URI or path, a slash at its end not counted.
pub fn last_segment(uri: &str) -> &str {
    uri.trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default()
}

/// A type that is read from a JSON value, or refused with a reason.
trait FromValue: Sized {
    fn from_value(params: Value) -> Result<Self, &'static str>;
}

macro_rules! deserialize_from_value {
    ($($name:ty),* $(,)?) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::from_value(Value::deserialize(deserializer)?).map_err(D::Error::custom)
            }
        }
    )*};
}

deserialize_from_value!(
    OpenParams,
    ChangeParams,
    DocumentParams,
    PositionParams,
    CodeActionParams,
    CommandParams,
    ProgressParams,
    ConfigurationParams,
    FolderParams,
    AnyParams,
);

impl FromValue for OpenParams {
    fn from_value(mut params: Value) -> Result<Self, &'static str> {
        let uri = document_uri(&params)?;
        let language = params
            .pointer("/textDocument/languageId")
            .and_then(Value::as_str)
            .unwrap_or("plaintext")
            .to_owned();
        let version = document_version(&params);
        let text = params
            .pointer_mut("/textDocument/text")
            .and_then(take_string);
        Ok(Self {
            uri,
            language,
            version,
            text,
        })
    }
}

impl FromValue for ChangeParams {
    fn from_value(mut params: Value) -> Result<Self, &'static str> {
        let uri = document_uri(&params)?;
        let version = document_version(&params);
        let changes = match params.get_mut("contentChanges").map(Value::take) {
            Some(Value::Array(changes)) => changes.into_iter().map(content_change).collect(),
            // An empty table of Lua.
            Some(Value::Object(changes)) if changes.is_empty() => Vec::new(),
            _ => vec![ContentChange::Unreadable(
                "contentChanges is not a list".to_owned(),
            )],
        };
        Ok(Self {
            uri,
            version,
            changes,
        })
    }
}

impl FromValue for DocumentParams {
    fn from_value(params: Value) -> Result<Self, &'static str> {
        Ok(Self {
            uri: document_uri(&params)?,
        })
    }
}

impl FromValue for PositionParams {
    fn from_value(params: Value) -> Result<Self, &'static str> {
        let position = params.get("position").map(position).unwrap_or_default();
        Ok(Self {
            uri: document_uri(&params)?,
            position,
        })
    }
}

impl FromValue for CodeActionParams {
    fn from_value(params: Value) -> Result<Self, &'static str> {
        let list = |path| params.pointer(path).and_then(Value::as_array);
        let kinds = |kinds: &Vec<Value>| {
            kinds
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect()
        };
        let trigger = params
            .pointer("/context/triggerKind")
            .and_then(Value::as_f64);
        Ok(Self {
            uri: document_uri(&params)?,
            range: params.get("range").map(range).unwrap_or_default(),
            diagnostics: list("/context/diagnostics").cloned().unwrap_or_default(),
            only: list("/context/only").map(kinds),
            trigger: if trigger == Some(2.0) {
                Trigger::Automatic
            } else {
                Trigger::Invoked
            },
        })
    }
}

impl FromValue for CommandParams {
    fn from_value(mut params: Value) -> Result<Self, &'static str> {
        let command = params
            .get("command")
            .and_then(Value::as_str)
            .ok_or("command is not a string")?
            .to_owned();
        let argument = match params.get_mut("arguments").map(Value::take) {
            Some(Value::Array(arguments)) => arguments.into_iter().next(),
            // Some clients leave the list around the argument out.
            bare => bare,
        };
        Ok(Self {
            command,
            argument: argument.unwrap_or_default(),
        })
    }
}

impl FromValue for ProgressParams {
    fn from_value(mut params: Value) -> Result<Self, &'static str> {
        let token = params.get_mut("token").map(Value::take);
        let token = token
            .filter(|token| token.is_string() || token.is_number())
            .ok_or("token is not a string or number")?;
        Ok(Self { token })
    }
}

impl FromValue for ConfigurationParams {
    fn from_value(mut params: Value) -> Result<Self, &'static str> {
        Ok(Self {
            settings: params
                .get_mut("settings")
                .map(Value::take)
                .unwrap_or_default(),
        })
    }
}

impl FromValue for FolderParams {
    fn from_value(params: Value) -> Result<Self, &'static str> {
        Ok(Self {
            added: folders(params.pointer("/event/added")),
            removed: folders(params.pointer("/event/removed")),
        })
    }
}

impl FromValue for AnyParams {
    fn from_value(_: Value) -> Result<Self, &'static str> {
        Ok(Self)
    }
}

fn document_uri(params: &Value) -> Result<String, &'static str> {
    let uri = params.pointer("/textDocument/uri").and_then(Value::as_str);
    uri.map(str::to_owned)
        .ok_or("textDocument.uri is not a string")
}

/// A version as LSP's `integer`; a fraction is cut off, a number beyond the type is its end.
fn document_version(params: &Value) -> Option<i32> {
    params
        .pointer("/textDocument/version")
        .and_then(Value::as_f64)
        .map(|version| version as i32)
}

fn take_string(value: &mut Value) -> Option<String> {
    match value.take() {
        Value::String(text) => Some(text),
        _ => None,
    }
}

fn content_change(mut change: Value) -> ContentChange {
    let Some(text) = change.get_mut("text").and_then(take_string) else {
        return ContentChange::Unreadable("a change has no text".to_owned());
    };
    match change.get("range") {
        None | Some(Value::Null) => ContentChange::Whole(text),
        Some(range) => match strict_range(range) {
            Ok(range) => ContentChange::Partial { range, text },
            Err(reason) => ContentChange::Unreadable(reason),
        },
    }
}

/// The range of a change. Here nothing is moved to a sensible value: a wrong guess would put the text in the wrong place.
fn strict_range(range: &Value) -> Result<Range, String> {
    let number = |end: &str, name: &str| {
        let value = range.get(end).and_then(|position| position.get(name));
        value
            .and_then(whole_number)
            .ok_or_else(|| format!("the range of a change has no whole number as {end}.{name}"))
    };
    let position = |end| {
        Ok::<_, String>(Position {
            line: number(end, "line")?,
            character: number(end, "character")?,
        })
    };
    let (start, end) = (position("start")?, position("end")?);
    if end < start {
        return Err("the range of a change ends before it starts".to_owned());
    }
    Ok(Range { start, end })
}

/// A whole number that is not negative, an end beyond `u32` being its end.
fn whole_number(value: &Value) -> Option<u32> {
    let number = value
        .as_f64()
        .filter(|number| 0.0 <= *number && number.fract() == 0.0)?;
    Some(saturated(number))
}

/// The nearest `u32`, a fraction cut off.
#[expect(
    clippy::cast_sign_loss,
    reason = "the cast saturates: a negative number becomes 0"
)]
fn saturated(number: f64) -> u32 {
    number as u32
}

#[cfg(test)]
mod tests;
