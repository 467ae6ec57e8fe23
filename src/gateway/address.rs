//! From the base URL that a user wrote to the address that requests go to. It opens no connection.

use url::{Host, Url};

use super::error::{Failure, Kind};

/// Where requests go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The URL of `/v1/chat/completions`.
    pub chat: String,
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
    /// Reads a base URL. The root, `/v1`, `/anthropic`, `/anthropic/v1` and the full path of the endpoint all mean the same,
    /// with or without a slash at the end; any other path is kept as a prefix.
    ///
    /// # Errors
    /// [`Kind::WrongAddress`] if it is no URL, holds credentials, or would send the key unencrypted over a network.
    pub fn new(base: &str) -> Result<Self, Failure> {
        let wrong = |what: String| Failure::new(Kind::WrongAddress, what, ADVICE);
        let mut url = Url::parse(base.trim())
            .map_err(|error| wrong(format!("The base URL cannot be read: {error}")))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong(
                "The base URL must not hold a user name or a password".to_owned(),
            ));
        }
        let scheme = match (url.scheme(), url.host()) {
            ("https", Some(_)) => Scheme::Https,
            ("http", Some(host)) if is_loopback(&host) => Scheme::Http,
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
        };
        let is_loopback = url.host().is_some_and(|host| is_loopback(&host));
        let prefix = prefix(url.path()).to_owned();
        url.set_query(None);
        url.set_fragment(None);
        url.set_path(&format!("{prefix}/v1/models"));
        let models = url.to_string();
        url.set_path(&format!("{prefix}/v1/chat/completions"));
        let host = match (url.host_str(), url.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (host, _) => host.unwrap_or_default().to_owned(),
        };
        Ok(Self {
            chat: url.into(),
            models,
            host,
            scheme,
            is_loopback,
        })
    }
}

const ADVICE: &str = "Set base_url (EZROUTER_BASE_URL) to an address that begins with https://";

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// What stands before `/v1` in a path that may already name a surface or an endpoint.
fn prefix(path: &str) -> &str {
    let mut path = path.trim_end_matches('/');
    for suffix in ["/chat/completions", "/messages", "/v1", "/anthropic"] {
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
                address.chat, "https://www.ezrouter.dev/v1/chat/completions",
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
