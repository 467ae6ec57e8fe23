//! Reads one message body into what the transport does with it, and mends what real clients get wrong: lone surrogate
//! escapes (VS Code writes them when a pair is cut), invalid UTF-8 (Neovim and Emacs pass a file's raw bytes on), a missing
//! `jsonrpc`, whole numbers written as floats, `initialize` options of the wrong type. It does no I/O and calls nobody.

use serde_json::{Map, Value, json};
use tower_lsp::jsonrpc::{Error, Id, Request, Response};

/// What a client's message asks the transport to do.
#[derive(Debug, PartialEq)]
pub enum Incoming {
    /// Hand this request or notification to the service.
    Call(Request),
    /// Hand this answer to whoever sent the request that it answers.
    Answer(Response),
    /// Send this error answer: the message is not one that can be served.
    Refused(Response),
    /// Stop (the `exit` notification).
    Exit,
    /// Do nothing: an answer to nothing.
    Ignored,
}

/// Reads a message body. Every input has a result; none panics.
pub fn read(body: &[u8]) -> Incoming {
    match parse(body) {
        Err(error) => {
            tracing::warn!("a message that is not JSON: {error}");
            refused(Id::Null, Error::parse_error())
        }
        Ok(Value::Object(message)) => read_object(message),
        Ok(_) => refused(Id::Null, Error::invalid_request()),
    }
}

/// The answer to a message whose beginning was never found.
pub fn lost() -> Response {
    Response::from_error(Id::Null, Error::parse_error())
}

fn refused(id: Id, error: Error) -> Incoming {
    Incoming::Refused(Response::from_error(id, error))
}

fn read_object(mut message: Map<String, Value>) -> Incoming {
    let id = message.remove("id").map(|id| read_id(&id));
    match (message.remove("method"), id) {
        (Some(Value::String(method)), Some(None)) => {
            tracing::warn!("{method} came with an id that is neither a whole number nor a string");
            refused(Id::Null, Error::invalid_request())
        }
        (Some(Value::String(method)), id) => {
            read_call(method, id.flatten(), message.remove("params"))
        }
        (Some(_), id) => refused(id.flatten().unwrap_or_default(), Error::invalid_request()),
        (None, Some(Some(id))) => Incoming::Answer(read_answer(id, message)),
        (None, Some(None)) => Incoming::Ignored,
        (None, None) => refused(Id::Null, Error::invalid_request()),
    }
}

/// An id as LSP allows it, with `null` (which JSON-RPC allows) and whole floats (which some Lua encoders write) added.
fn read_id(id: &Value) -> Option<Id> {
    match id {
        Value::Null => Some(Id::Null),
        Value::String(text) => Some(Id::String(text.clone())),
        number => whole_number(number).map(Id::Number),
    }
}

/// A whole number, be it written as a float.
pub(super) fn whole_number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_f64().and_then(whole))
}

/// A float as an integer, if it is one and small enough that the float is exact.
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
}

fn read_call(method: String, id: Option<Id>, params: Option<Value>) -> Incoming {
    let params = match method.as_str() {
        "exit" => return Incoming::Exit,
        "initialize" => Some(wrap_initialize(params)),
        // Both carry nothing that is read, and clients put all sorts of things there (`null`, `[]`).
        "initialized" => Some(json!({})),
        "shutdown" => None,
        _ => params,
    };
    if let Some(id) = &id
        && method.starts_with("$/")
    {
        // LSP 3.18, "$ Notifications and Requests": these are answered with MethodNotFound, which the framework leaves out.
        return refused(id.clone(), Error::method_not_found());
    }
    let mut request = Request::build(method);
    if let Some(params) = params {
        request = request.params(params);
    }
    if let Some(id) = id {
        request = request.id(id);
    }
    Incoming::Call(request.finish())
}

/// Carries the parameters of `initialize` unread in `capabilities.experimental` of parameters that always parse. The typed
/// form refuses the whole handshake for one option of the wrong type (`"applyEdit": "yes"`, `"capabilities": null`, Lua's
/// `[]` for `{}`); read with [`super::capabilities::Caps::read`], such an option is merely absent.
fn wrap_initialize(params: Option<Value>) -> Value {
    json!({
        "processId": null,
        "rootUri": null,
        "capabilities": { "experimental": params.unwrap_or_default() },
    })
}

/// An answer of the client. One without `result` and `error` counts as `null` (a Lua table drops a nil member), and an
/// error of any shape stays an error.
fn read_answer(id: Id, mut message: Map<String, Value>) -> Response {
    match message.remove("error") {
        None | Some(Value::Null) => {
            Response::from_ok(id, message.remove("result").unwrap_or_default())
        }
        Some(error) => {
            let text = error
                .get("message")
                .and_then(Value::as_str)
                .or_else(|| error.as_str());
            let error = Error {
                code: error
                    .get("code")
                    .and_then(Value::as_i64)
                    .map_or(Error::internal_error().code, Into::into),
                message: text
                    .unwrap_or("the client gave no reason")
                    .to_owned()
                    .into(),
                data: error.get("data").cloned(),
            };
            Response::from_error(id, error)
        }
    }
}

/// Parses a body, mending it if that makes it JSON.
fn parse(body: &[u8]) -> Result<Value, serde_json::Error> {
    serde_json::from_slice(body).or_else(|error| match mend(body) {
        Some(mended) => serde_json::from_slice(&mended),
        None => Err(error),
    })
}

/// The body with U+FFFD for every lone surrogate escape, every surrogate written as three bytes and every other byte that
/// is not UTF-8; `None` if there is nothing of the kind. Each of these is one UTF-16 unit before and after (Neovim and Emacs
/// count an invalid byte as one character), so positions behind it stay right.
fn mend(body: &[u8]) -> Option<Vec<u8>> {
    let text = replace_invalid_utf8(body);
    match replace_lone_surrogates(text.as_deref().unwrap_or(body)) {
        None => text,
        mended => mended,
    }
}

const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();

fn replace_invalid_utf8(body: &[u8]) -> Option<Vec<u8>> {
    std::str::from_utf8(body).err()?;
    let mut mended = Vec::with_capacity(body.len() + 64);
    let mut rest = body;
    while let Some(chunk) = rest.utf8_chunks().next() {
        mended.extend_from_slice(chunk.valid().as_bytes());
        rest = rest.get(chunk.valid().len()..).unwrap_or_default();
        let invalid = match rest {
            [] => break,
            // A surrogate in the form of UTF-8: one unit, although it is three invalid bytes.
            [0xED, 0xA0..=0xBF, 0x80..=0xBF, ..] => 3,
            _ => 1,
        };
        mended.extend_from_slice(REPLACEMENT);
        rest = rest.get(invalid..).unwrap_or_default();
    }
    Some(mended)
}

fn replace_lone_surrogates(body: &[u8]) -> Option<Vec<u8>> {
    let mut mended: Option<Vec<u8>> = None;
    let mut at = 0;
    while let Some(found) = body.get(at..).and_then(|rest| memchr::memchr(b'\\', rest)) {
        let start = at + found;
        at = match escaped_unit(body, start) {
            Some(0xD800..=0xDBFF)
                if matches!(escaped_unit(body, start + 6), Some(0xDC00..=0xDFFF)) =>
            {
                start + 12
            }
            Some(0xD800..=0xDFFF) => {
                let mended = mended.get_or_insert_with(|| body.to_vec());
                if let Some(escape) = mended.get_mut(start..start + 6) {
                    escape.copy_from_slice(br"\ufffd");
                }
                start + 6
            }
            Some(_) => start + 6,
            None => start + 2,
        };
    }
    mended
}

/// The UTF-16 unit of the escape `\uXXXX` that stands at `start`.
fn escaped_unit(body: &[u8], start: usize) -> Option<u16> {
    let digits = body.get(start..start + 6)?.strip_prefix(br"\u")?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests;
