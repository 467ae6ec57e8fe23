//! The edge to the editor: the LSP methods and what carries them. Features live in the layers below.

pub mod transport;

pub mod framing;
pub mod message;
pub mod parent;

pub mod service;

pub mod capabilities;
pub mod params;
pub mod uri;

pub mod ext;
pub mod job;
pub mod outbox;
pub mod state;

use std::future::{Ready, ready};

use tower_lsp::gen_lsp_types as lsp;
use tower_lsp::jsonrpc::Result;
use tower_lsp::{Client, LanguageServer};

use self::capabilities::{Caps, server_capabilities};
use self::params::{AnyParams, ChangeParams, DocumentParams, OpenParams, ProgressParams};
use crate::config::Environment;

/// The server as its client sees it.
pub struct Backend;

#[expect(
    clippy::unused_self,
    reason = "the methods are registered before they do anything"
)]
impl Backend {
    /// A server that talks to `client` and takes its settings from `environment`.
    pub fn new(_client: Client, _environment: Environment) -> Self {
        Self
    }

    pub(crate) fn did_open(&self, _: OpenParams) -> Ready<()> {
        ready(())
    }

    pub(crate) fn did_change(&self, _: ChangeParams) -> Ready<()> {
        ready(())
    }

    pub(crate) fn did_close(&self, _: DocumentParams) -> Ready<()> {
        ready(())
    }

    pub(crate) fn did_save(&self, _: DocumentParams) -> Ready<()> {
        ready(())
    }

    pub(crate) fn cancel_progress(&self, _: ProgressParams) -> Ready<()> {
        ready(())
    }

    pub(crate) fn set_trace(&self, _: AnyParams) -> Ready<()> {
        ready(())
    }
}

impl LanguageServer for Backend {
    async fn initialize(&self, params: lsp::InitializeParams) -> Result<lsp::InitializeResult> {
        let caps = Caps::from_initialize(&params);
        Ok(lsp::InitializeResult {
            capabilities: server_capabilities(&caps, &[]),
            server_info: Some(lsp::ServerInfo {
                name: env!("CARGO_PKG_NAME").to_owned(),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            }),
        })
    }

    async fn shutdown(&self) -> Result<()> {
        Ok(())
    }
}
