//! What a broken connection means for the user, read out of the chain of errors that the HTTP client gives. It opens no
//! connection itself and names no client.

use std::error::Error;
use std::io::ErrorKind;

use super::error::{Failure, Kind, Repeat, Setback};

/// Judges an error of the HTTP client that came before the first byte of an answer; `host` is whom it wanted to reach.
pub fn judge(error: &(dyn Error + 'static), host: &str) -> Setback {
    let chain: Vec<&(dyn Error + 'static)> =
        std::iter::successors(Some(error), |error| (*error).source()).collect();
    let said = chain
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ");
    let said_lower = said.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| said_lower.contains(word));
    let is = |kind: ErrorKind| {
        chain
            .iter()
            .filter_map(|error| io_kind(*error))
            .any(|found| found == kind)
    };

    let (reason, what, advice, repeat) = if says(&["dns error", "failed to lookup address"]) {
        (
            "unknown host",
            format!("The host {host} has no known address"),
            CHECK_NETWORK,
            Repeat::Allowed,
        )
    } else if says(&["certificate", "unknownissuer"]) {
        (
            "certificate refused",
            format!("The certificate of {host} is not trusted: {}", last(&chain)),
            CHECK_CERTIFICATE,
            Repeat::Never,
        )
    } else if says(&["tunnel", "proxy", "socks"]) {
        (
            "proxy failed",
            format!(
                "The proxy did not open a connection to {host}: {}",
                last(&chain)
            ),
            CHECK_PROXY,
            Repeat::Never,
        )
    } else if is(ErrorKind::ConnectionRefused) {
        (
            "connection refused",
            format!("{host} refused the connection"),
            CHECK_NETWORK,
            Repeat::Allowed,
        )
    } else if says(&["corrupt message", "handshake", "alert"]) {
        (
            "no TLS",
            format!("{host} does not answer with TLS: {}", last(&chain)),
            "Check base_url (EZROUTER_BASE_URL) and HTTPS_PROXY",
            Repeat::Never,
        )
    } else if is(ErrorKind::TimedOut) || says(&["timed out"]) {
        (
            "connection timed out",
            format!("{host} did not answer in time"),
            CHECK_NETWORK,
            Repeat::Allowed,
        )
    } else if is(ErrorKind::ConnectionReset)
        || is(ErrorKind::BrokenPipe)
        || is(ErrorKind::ConnectionAborted)
    {
        (
            "connection reset",
            format!("{host} broke the connection"),
            TRY_AGAIN,
            Repeat::Allowed,
        )
    } else if says(&[
        "connection closed",
        "before message completed",
        "unexpected eof",
        "end of file",
    ]) {
        (
            "connection closed",
            format!("{host} closed the connection without an answer"),
            TRY_AGAIN,
            Repeat::Allowed,
        )
    } else {
        (
            "connection failed",
            format!("The connection to {host} failed: {}", last(&chain)),
            CHECK_NETWORK,
            Repeat::Allowed,
        )
    };
    Setback {
        failure: Failure::new(Kind::Unreachable, what, advice),
        repeat,
        reason: reason.to_owned(),
    }
}

const CHECK_NETWORK: &str = "Check the network connection and base_url (EZROUTER_BASE_URL)";
const CHECK_CERTIFICATE: &str =
    "If a company proxy signs connections anew, name its certificate file in SSL_CERT_FILE";
const CHECK_PROXY: &str = "Check HTTPS_PROXY and NO_PROXY";
const TRY_AGAIN: &str = "Try again";

fn io_kind(error: &(dyn Error + 'static)) -> Option<ErrorKind> {
    error
        .downcast_ref::<std::io::Error>()
        .map(std::io::Error::kind)
}

/// The innermost error names the cause; those around it say only that there was one.
fn last(chain: &[&(dyn Error + 'static)]) -> String {
    chain.last().map(ToString::to_string).unwrap_or_default()
}
