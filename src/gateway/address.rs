//! From the base URL that a user wrote to the address that requests go to. It opens no connection.

use url::{Host, Url};

use super::error::{Failure, Kind};
use super::surface::Surface;

/// Where a server's endpoints are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The URL of the OpenAI surface, `/v1/chat/completions`.
    pub chat: String,
    /// The URL of the Anthropic surface, `/anthropic/v1/messages`.
    pub messages: String,
    /// The URL of `/v1/models`.
    pub models: String,
    /// The host, with the port if the base URL names one, to show in messages.
    pub host: String,
    /// How it is spoken to.
    pub scheme: Scheme,
    /// Whether the host is this computer.
    pub is_loopback: bool,
}

/// The two schemes that are spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Encrypted.
    Https,
    /// Not encrypted; to this computer only.
    Http,
}

impl Address {
    /// Reads a base URL. The root, `/v1`, `/anthropic`, `/anthropic/v1` and the full path of an endpoint all mean the same,
    /// with or without a slash at the end; any other path is kept as a prefix.
    ///
    /// # Errors
    /// [`Kind::WrongAddress`] if it is no URL, holds credentials, or would send the key unencrypted over a network.
    pub fn new(base: &str) -> Result<Self, Failure> {
        let url = parse(base, ADVICE)?;
        let suffixes = ["/chat/completions", "/messages", "/v1", "/anthropic"];
        let prefix = without(url.path(), &suffixes).to_owned();
        Ok(Self::at(url, &prefix, "/anthropic"))
    }

    /// Reads the base URL of a server that speaks the Anthropic surface: `/v1/messages` follows on it. A `/v1` and the full
    /// path of the endpoint may stand there, and nothing is added to the path before: not every server has the surface
    /// below `/anthropic`.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn of_anthropic(base: &str) -> Result<Self, Failure> {
        let url = parse(base, ANTHROPIC_ADVICE)?;
        let prefix = without(url.path(), &["/messages", "/v1"]).to_owned();
        Ok(Self::at(url, &prefix, ""))
    }

    /// The URL that requests to a surface go to.
    pub fn endpoint(&self, surface: Surface) -> &str {
        match surface {
            Surface::OpenAi => &self.chat,
            Surface::Anthropic => &self.messages,
        }
    }

    fn at(mut url: Url, prefix: &str, surface: &str) -> Self {
        let mut endpoint = |path: &str| {
            url.set_path(&format!("{prefix}{path}"));
            url.to_string()
        };
        let chat = endpoint("/v1/chat/completions");
        let models = endpoint("/v1/models");
        let messages = endpoint(&format!("{surface}/v1/messages"));
        let host = match (url.host_str(), url.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (host, _) => host.unwrap_or_default().to_owned(),
        };
        Self {
            chat,
            messages,
            models,
            host,
            scheme: if url.scheme() == "http" {
                Scheme::Http
            } else {
                Scheme::Https
            },
            is_loopback: url.host().is_some_and(|host| is_loopback(&host)),
        }
    }
}

/// A URL that a key may be sent to, without query and fragment.
fn parse(base: &str, advice: &str) -> Result<Url, Failure> {
    let wrong = |what: String| Failure::new(Kind::WrongAddress, what, advice);
    let mut url = Url::parse(base.trim())
        .map_err(|_| wrong("The base URL is not a web address".to_owned()))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(
            "The base URL must not hold a user name or a password".to_owned(),
        ));
    }
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => {}
        ("http", Some(host)) if is_loopback(&host) => {}
        ("http", Some(host)) => {
            return Err(wrong(format!(
                "The base URL would send the key to {host} unencrypted"
            )));
        }
        (scheme, _) => {
            return Err(wrong(format!(
                "The base URL begins with {scheme}: instead of https:"
            )));
        }
    }
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

impl Address {
    /// The host's name or address as the resolver takes it, and the port.
    pub fn host_and_port(&self) -> (String, u16) {
        let default = match self.scheme {
            Scheme::Https => 443,
            Scheme::Http => 80,
        };
        let split = self
            .host
            .rsplit_once(':')
            .and_then(|(host, port)| Some((host, port.parse().ok()?)));
        let (host, port) = split.unwrap_or((&self.host, default));
        let host = host.trim_start_matches('[').trim_end_matches(']');
        (host.to_owned(), port)
    }
}

const ADVICE: &str = "Set base_url (EZROUTER_BASE_URL) to an address that begins with https://";

const ANTHROPIC_ADVICE: &str =
    "Set EZROUTER_ANTHROPIC_BASE_URL to an address that begins with https://";

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// What stands in a path before what may already name a surface or an endpoint: suffixes in the order of their removal.
fn without<'a>(path: &'a str, suffixes: &[&str]) -> &'a str {
    let mut path = path.trim_end_matches('/');
    for suffix in suffixes {
        path = path
            .strip_suffix(suffix)
            .unwrap_or(path)
            .trim_end_matches('/');
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_the_base_leads_to_the_same_endpoint() {
        for base in [
            "https://www.ezrouter.dev",
            "https://www.ezrouter.dev/",
            " https://www.ezrouter.dev//\n",
            "https://www.ezrouter.dev/v1",
            "https://www.ezrouter.dev/v1/",
            "https://www.ezrouter.dev/anthropic",
            "https://www.ezrouter.dev/anthropic/",
            "https://www.ezrouter.dev/anthropic/v1",
            "https://www.ezrouter.dev/anthropic/v1//",
            "https://www.ezrouter.dev/anthropic/v1/messages",
            "https://www.ezrouter.dev/v1/chat/completions",
            "HTTPS://WWW.EZROUTER.DEV:443/v1?a=b#c",
        ] {
            let address = Address::new(base).unwrap();
            assert_eq!(
                [address.chat, address.messages, address.models],
                [
                    "https://www.ezrouter.dev/v1/chat/completions",
                    "https://www.ezrouter.dev/anthropic/v1/messages",
                    "https://www.ezrouter.dev/v1/models",
                ],
                "{base:?}"
            );
            assert_eq!(address.host, "www.ezrouter.dev", "{base:?}");
            assert_eq!(address.scheme, Scheme::Https, "{base:?}");
        }
    }

    #[test]
    fn another_path_is_kept_as_a_prefix() {
        for (base, chat) in [
            (
                "https://gateway.example/llm",
                "https://gateway.example/llm/v1/chat/completions",
            ),
            (
                "https://gateway.example/llm/v1/",
                "https://gateway.example/llm/v1/chat/completions",
            ),
            (
                "https://gateway.example/v2",
                "https://gateway.example/v2/v1/chat/completions",
            ),
            (
                "https://gateway.example:8443",
                "https://gateway.example:8443/v1/chat/completions",
            ),
        ] {
            assert_eq!(Address::new(base).unwrap().chat, chat, "{base:?}");
        }
    }

    #[test]
    fn the_base_of_the_anthropic_surface_may_lie_anywhere() {
        for (base, messages) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/v1/messages"),
            (
                "http://127.0.0.1:8080/",
                "http://127.0.0.1:8080/v1/messages",
            ),
            (
                "http://127.0.0.1:8080/v1/",
                "http://127.0.0.1:8080/v1/messages",
            ),
            (
                "http://127.0.0.1:8080/v1/messages",
                "http://127.0.0.1:8080/v1/messages",
            ),
            (
                "https://gateway.example/anthropic",
                "https://gateway.example/anthropic/v1/messages",
            ),
            (
                "https://gateway.example/anthropic/v1//",
                "https://gateway.example/anthropic/v1/messages",
            ),
            (
                "https://gateway.example/a/b?c",
                "https://gateway.example/a/b/v1/messages",
            ),
        ] {
            assert_eq!(
                Address::of_anthropic(base).unwrap().messages,
                messages,
                "{base:?}"
            );
        }
        let failure = Address::of_anthropic("http://gateway.example").unwrap_err();
        assert_eq!(failure.kind, Kind::WrongAddress);
        assert!(
            failure.advice.contains("EZROUTER_ANTHROPIC_BASE_URL"),
            "{failure}"
        );
    }

    #[test]
    fn plain_http_is_for_this_computer_only() {
        for base in [
            "http://127.0.0.1:8080",
            "http://127.9.9.9",
            "http://[::1]:1/v1",
            "http://localhost:3000/",
            "http://LOCALHOST",
            "http://0x7f.1",
        ] {
            assert_eq!(Address::new(base).unwrap().scheme, Scheme::Http, "{base:?}");
        }
        for base in [
            "http://www.ezrouter.dev",
            "http://10.0.0.1",
            "http://0.0.0.0",
            "http://localhost.example",
            "http://127.0.0.1.example",
            "http://127.0.0.1@example.com",
            "http://example.com\\@127.0.0.1",
            "http://[::ffff:10.0.0.1]",
            "ftp://127.0.0.1",
            "file:///v1",
            "www.ezrouter.dev",
            "https://",
            "https://user:word@www.ezrouter.dev",
            "",
        ] {
            let failure = Address::new(base).unwrap_err();
            assert_eq!(failure.kind, Kind::WrongAddress, "{base:?}");
            assert!(!failure.to_string().contains("word@"), "{failure}");
        }
    }
}
