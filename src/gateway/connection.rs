//! What a broken connection means for the user, read out of the chain of errors that the HTTP client gives. It opens no
//! connection itself and names no client.

use std::error::Error;
use std::io::ErrorKind;

use super::error::{Failure, Kind, Repeat, Setback};

/// Judges an error of the HTTP client that came before the first byte of an answer; `host` is whom it wanted to reach.
pub fn judge(error: &(dyn Error + 'static), host: &str) -> Setback {
    let chain = chain(error);
    let cause = cause(&chain);
    // The innermost error names the cause; those around it say only that there was one.
    let last = chain.last().map(ToString::to_string).unwrap_or_default();
    let (reason, what, advice) = words(cause, host, &last);
    let repeat = match cause {
        // These are settings, not accidents.
        Cause::Certificate | Cause::Proxy | Cause::NoTls => Repeat::Never,
        _ => Repeat::Allowed,
    };
    Setback {
        failure: Failure::new(Kind::Unreachable, what, advice),
        repeat,
        reason: reason.to_owned(),
    }
}

/// The cause of an error of the HTTP client that came before the first byte of an answer.
pub fn cause_of(error: &(dyn Error + 'static)) -> Cause {
    cause(&chain(error))
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source()).collect()
}

/// Why there is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The host's name has no address.
    UnknownHost,
    /// The host's certificate is not accepted.
    Certificate,
    /// The proxy, or the way behind it.
    Proxy,
    /// Nothing listens there.
    Refused,
    /// What listens there does not speak TLS.
    NoTls,
    /// No answer in time.
    TimedOut,
    /// Broken by the other side.
    Reset,
    /// Ended by the other side without an answer.
    Closed,
    /// Anything else.
    Other,
}

/// Kinds of system errors tell some causes; the others are told only by what the layers of the client say.
fn cause(chain: &[&(dyn Error + 'static)]) -> Cause {
    let said: Vec<String> = chain
        .iter()
        .map(|error| error.to_string().to_lowercase())
        .collect();
    let says = |words: &[&str]| {
        said.iter()
            .any(|text| words.iter().any(|word| text.contains(word)))
    };
    let is = |kinds: &[ErrorKind]| {
        let mut found = chain.iter().filter_map(|error| io_kind(*error));
        found.any(|kind| kinds.contains(&kind))
    };
    if says(&["dns error", "failed to lookup address"]) {
        Cause::UnknownHost
    } else if says(&["certificate"]) {
        Cause::Certificate
    } else if says(&["tunnel", "proxy", "socks"]) {
        Cause::Proxy
    } else if is(&[ErrorKind::ConnectionRefused]) {
        Cause::Refused
    } else if says(&["corrupt message", "fatal alert"]) {
        Cause::NoTls
    } else if is(&[ErrorKind::TimedOut]) || says(&["timed out"]) {
        Cause::TimedOut
    } else if is(&[
        ErrorKind::ConnectionReset,
        ErrorKind::ConnectionAborted,
        ErrorKind::BrokenPipe,
    ]) {
        Cause::Reset
    } else if says(&[
        "connection closed",
        "before message completed",
        "eof",
        "end of file",
    ]) {
        Cause::Closed
    } else {
        Cause::Other
    }
}

/// The reason in short, the sentence and the advice for a cause.
fn words(cause: Cause, host: &str, last: &str) -> (&'static str, String, &'static str) {
    match cause {
        Cause::UnknownHost => (
            "unknown host",
            format!("The host {host} has no known address"),
            CHECK_NETWORK,
        ),
        Cause::Certificate => (
            "certificate refused",
            format!("The certificate of {host} is not trusted: {last}"),
            CHECK_CERTIFICATE,
        ),
        Cause::Proxy => (
            "proxy failed",
            format!("The proxy did not open a connection to {host}: {last}"),
            CHECK_PROXY,
        ),
        Cause::Refused => (
            "connection refused",
            format!("{host} refused the connection"),
            CHECK_NETWORK,
        ),
        Cause::NoTls => (
            "no TLS",
            format!("{host} does not answer with TLS: {last}"),
            CHECK_ADDRESS,
        ),
        Cause::TimedOut => (
            "connection timed out",
            format!("{host} did not answer in time"),
            CHECK_NETWORK,
        ),
        Cause::Reset => (
            "connection reset",
            format!("{host} broke the connection"),
            TRY_AGAIN,
        ),
        Cause::Closed => (
            "connection closed",
            format!("{host} closed the connection without an answer"),
            TRY_AGAIN,
        ),
        Cause::Other => (
            "connection failed",
            format!("The connection to {host} failed: {last}"),
            CHECK_NETWORK,
        ),
    }
}

const CHECK_NETWORK: &str = "Check the network connection and base_url (EZROUTER_BASE_URL)";
const CHECK_CERTIFICATE: &str = "If a company proxy signs connections anew, name its certificate file in the setting ca_file or in SSL_CERT_FILE";
const CHECK_PROXY: &str = "Check HTTPS_PROXY and NO_PROXY, or the setting proxy";
const CHECK_ADDRESS: &str = "Check base_url (EZROUTER_BASE_URL) and HTTPS_PROXY";
const TRY_AGAIN: &str = "Try again";

fn io_kind(error: &(dyn Error + 'static)) -> Option<ErrorKind> {
    error
        .downcast_ref::<std::io::Error>()
        .map(std::io::Error::kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An error that says something, around another one.
    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Around(&'static str, #[source] Box<dyn Error>);

    fn io(kind: ErrorKind) -> Box<dyn Error> {
        Box::new(std::io::Error::from(kind))
    }

    /// What the outer and the inner error say, and the reason, the sentence and the repeating that follow.
    type Case = (
        &'static str,
        Box<dyn Error>,
        &'static str,
        &'static str,
        Repeat,
    );

    #[test]
    fn each_cause_has_its_own_words_and_only_what_may_pass_is_repeated() {
        use Repeat::{Allowed, Never};
        let table: Vec<Case> = vec![
            (
                "dns error",
                "failed to lookup address information: Name or service not known".into(),
                "unknown host",
                "The host h:1 has no known address",
                Allowed,
            ),
            (
                "tcp connect error",
                io(ErrorKind::ConnectionRefused),
                "connection refused",
                "h:1 refused the connection",
                Allowed,
            ),
            (
                "connection error",
                io(ErrorKind::ConnectionReset),
                "connection reset",
                "h:1 broke the connection",
                Allowed,
            ),
            (
                "connection error",
                io(ErrorKind::BrokenPipe),
                "connection reset",
                "h:1 broke the connection",
                Allowed,
            ),
            (
                "connection error",
                "connection closed before message completed".into(),
                "connection closed",
                "h:1 closed the connection without an answer",
                Allowed,
            ),
            (
                "tls handshake eof",
                io(ErrorKind::UnexpectedEof),
                "connection closed",
                "h:1 closed the connection without an answer",
                Allowed,
            ),
            (
                "client error (Connect)",
                "operation timed out".into(),
                "connection timed out",
                "h:1 did not answer in time",
                Allowed,
            ),
            (
                "client error (Connect)",
                "invalid peer certificate: UnknownIssuer".into(),
                "certificate refused",
                "The certificate of h:1 is not trusted: invalid peer certificate: UnknownIssuer",
                Never,
            ),
            (
                "client error (Connect)",
                "received corrupt message of type InvalidContentType".into(),
                "no TLS",
                "h:1 does not answer with TLS: received corrupt message of type InvalidContentType",
                Never,
            ),
            (
                "tunnel error: unsuccessful",
                "407".into(),
                "proxy failed",
                "The proxy did not open a connection to h:1: 407",
                Never,
            ),
            (
                "odd",
                "odder".into(),
                "connection failed",
                "The connection to h:1 failed: odder",
                Allowed,
            ),
        ];
        for (outer, inner, reason, what, repeat) in table {
            let setback = judge(
                &Around("error sending request", Box::new(Around(outer, inner))),
                "h:1",
            );
            assert_eq!(
                (setback.reason.as_str(), setback.failure.what.as_str()),
                (reason, what)
            );
            assert_eq!(setback.repeat, repeat, "{what}");
            assert_eq!(setback.failure.kind, Kind::Unreachable, "{what}");
        }
    }
}
