//! A request as it would go over the wire, for people to look at: put together by the same functions that the client sends
//! with, and without the key. Nothing is sent here.

use super::address::Address;
use super::headers;
use super::surface::Surface;
use crate::prompt::Request;

/// A request as it would be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// The surface that its model is spoken to on.
    pub surface: Surface,
    /// The HTTP method.
    pub method: &'static str,
    /// Where it goes.
    pub url: String,
    /// Its headers, without `host`, names in lower case; `[key]` stands for the key.
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte.
    pub body: String,
}

impl Preview {
    pub(super) fn new(surface: Surface, address: &Address, request: &Request) -> Self {
        let body = surface.body(request);
        let mut headers = headers::shown(surface);
        headers.push(("content-length".to_owned(), body.len().to_string()));
        Self {
            surface,
            method: "POST",
            url: address.endpoint(surface).to_owned(),
            headers,
            body,
        }
    }
}
