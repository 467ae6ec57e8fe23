//! The way to the gateway, piece by piece, for `check`: the proxy that requests take, the host's addresses, and the
//! certificates that are trusted. Requests themselves do not come by here.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use hyper_util::client::proxy::matcher::Matcher;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use url::Url;

/// The URL of a proxy. It may hold a password, which is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy(Url);

impl Proxy {
    /// Reads a URL; `None` if it is not one of a proxy that is spoken to.
    pub fn new(url: &str) -> Option<Self> {
        let url = Url::parse(url).ok()?;
        let is_spoken = ["http", "https"].contains(&url.scheme()) && url.has_host();
        is_spoken.then_some(Self(url))
    }

    /// The URL with everything in it, for the HTTP client.
    pub(super) fn url(&self) -> &str {
        self.0.as_str()
    }

    /// Host and port, without user and password.
    pub fn host_and_port(&self) -> (String, u16) {
        let host = self.0.host_str().unwrap_or_default();
        (
            host.to_owned(),
            self.0.port_or_known_default().unwrap_or_default(),
        )
    }
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (host, port) = self.host_and_port();
        write!(formatter, "Proxy({host}:{port})")
    }
}

/// The proxy that a request to `url` takes by the environment, as host and port without user and password; `None` if it goes
/// straight. Reads the environment of the process by the same rules as the HTTP client (`HTTPS_PROXY`, `ALL_PROXY`,
/// `NO_PROXY`).
pub fn proxy_of_environment(url: &str) -> Option<(String, u16)> {
    let url: http::Uri = url.parse().ok()?;
    let intercept = Matcher::from_env().intercept(&url)?;
    let proxy = intercept.uri();
    let default = match proxy.scheme_str() {
        Some("https") => 443,
        Some(scheme) if scheme.starts_with("socks") => 1080,
        _ => 80,
    };
    let port = proxy.port_u16().unwrap_or(default);
    Some((proxy.host()?.to_owned(), port))
}

/// The addresses of a host.
///
/// # Errors
/// That of the name service, or [`io::ErrorKind::TimedOut`] after `limit`.
pub async fn addresses(host: &str, port: u16, limit: Duration) -> io::Result<Vec<SocketAddr>> {
    let found = timeout(limit, lookup_host((host, port))).await??;
    Ok(found.collect())
}

/// Whether something listens at a host and port.
///
/// # Errors
/// That of the connection, or [`io::ErrorKind::TimedOut`] after `limit`.
pub async fn listens(host: &str, port: u16, limit: Duration) -> io::Result<()> {
    timeout(limit, TcpStream::connect((host, port)))
        .await?
        .map(drop)
}

/// How many certificates are in a file of PEM. Blocks while it reads them.
///
/// # Errors
/// What is wrong with the file, as a clause about it.
pub fn count_certificates_in(file: &Path) -> Result<usize, String> {
    super::way::certificates_in(file).map(|certificates| certificates.len())
}

/// How many certificates of authorities are trusted, and what was wrong with reading them. Blocks while it reads them.
pub fn certificates() -> (usize, Option<String>) {
    let found = rustls_native_certs::load_native_certs();
    let problem = found.errors.first().map(ToString::to_string);
    (found.certs.len(), problem)
}
