//! The way to a server: its address, and the HTTP client that goes there, set up so that the key and the code reach nobody
//! else. Requests are not made here.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::Settings;
use super::address::{Address, Scheme};
use super::error::{Failure, Kind};
use super::headers::USER_AGENT;
use super::route::Proxy;

/// The way to a server.
#[derive(Debug)]
pub(super) struct Way {
    /// Where it is, or what is wrong with the base URL.
    pub(super) address: Result<Address, Failure>,
    connect: Duration,
    proxy: Option<Proxy>,
    ca_file: Option<PathBuf>,
    /// Built at the first use, since reading the system's certificates takes time and may fail.
    client: OnceLock<Result<reqwest::Client, Failure>>,
}

impl Way {
    /// A way to this address.
    pub(super) fn new(address: Result<Address, Failure>, settings: &Settings) -> Self {
        Self {
            address,
            connect: settings.timeouts.connect,
            proxy: settings.proxy.clone(),
            ca_file: settings.ca_file.clone(),
            client: OnceLock::new(),
        }
    }

    /// The HTTP client, built where blocking harms nobody.
    pub(super) async fn ready_client(self: &Arc<Self>) -> Result<reqwest::Client, Failure> {
        if let Some(client) = self.client.get() {
            return client.clone();
        }
        let way = Arc::clone(self);
        let built = tokio::task::spawn_blocking(move || way.client().clone()).await;
        built.unwrap_or_else(|_| Err(no_client("its setup was broken off")))
    }

    /// The HTTP client, built at the first call; blocks while it reads the system's certificates.
    pub(super) fn client(&self) -> &Result<reqwest::Client, Failure> {
        self.client.get_or_init(|| self.build())
    }

    fn build(&self) -> Result<reqwest::Client, Failure> {
        // Another part of the process may have chosen a provider before; any will do.
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(self.connect)
            .tcp_nodelay(true)
            .user_agent(USER_AGENT);
        if matches!(&self.address, Ok(address) if address.is_loopback) {
            // What stays on this computer must not take the way over a proxy.
            builder = builder.no_proxy();
        } else if let Some(proxy) = &self.proxy {
            let proxy = reqwest::Proxy::all(proxy.url());
            builder = builder.proxy(proxy.map_err(|error| no_client(&innermost(&error)))?);
        }
        if matches!(&self.address, Ok(address) if address.scheme == Scheme::Http) {
            // Plain http needs no certificates, and a system without any would fail the client.
            builder = builder.tls_certs_only([]);
        } else if let Some(file) = &self.ca_file {
            let certificates = certificates_in(file).map_err(|why| {
                let what = format!("The certificates of the setting ca_file are missing: {why}");
                Failure::new(Kind::Unreachable, what, "Correct ca_file in the user file")
            })?;
            builder = builder.tls_certs_merge(certificates);
        }
        builder
            .build()
            .map_err(|error| no_client(&innermost(&error)))
    }
}

/// The certificates in a file of PEM. Blocks while it reads them.
///
/// # Errors
/// What is wrong with the file, as a clause about it.
pub(super) fn certificates_in(file: &Path) -> Result<Vec<reqwest::Certificate>, String> {
    let bytes = std::fs::read(file).map_err(|error| format!("it cannot be read: {error}"))?;
    let read = reqwest::Certificate::from_pem_bundle(&bytes);
    let certificates = read.map_err(|_| "it holds something that is no certificate".to_owned())?;
    if certificates.is_empty() {
        return Err("it holds no certificate".to_owned());
    }
    Ok(certificates)
}

fn no_client(why: &str) -> Failure {
    Failure::new(
        Kind::Unreachable,
        format!("The HTTP client could not be set up: {why}"),
        "Install the system's CA certificates (package ca-certificates), or name a certificate file in SSL_CERT_FILE",
    )
}

fn innermost(error: &dyn Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
