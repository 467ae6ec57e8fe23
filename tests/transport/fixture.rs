//! A service with handlers that a test can steer.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use ezrouter_lsp::server::capabilities::Caps;
use ezrouter_lsp::server::params::ChangeParams;
use serde_json::{Value, json};
use tower_lsp::gen_lsp_types as lsp;
use tower_lsp::jsonrpc::Result;
use tower_lsp::{Client, ClientSocket, LanguageServer, LspService};

#[derive(Clone)]
pub(crate) struct Fixture {
    client: Client,
    /// The version of the last `didChange`.
    version: Arc<AtomicI64>,
    /// How many handlers hang right now.
    hanging: Arc<AtomicUsize>,
    /// How many own messages have left a handler's job.
    said: Arc<AtomicUsize>,
}

pub(crate) fn service() -> (LspService<Fixture>, ClientSocket) {
    let make = |client| Fixture {
        client,
        version: Arc::default(),
        hanging: Arc::default(),
        said: Arc::default(),
    };
    LspService::build_with_lifecycle_methods(make)
        .custom_method("textDocument/didChange", Fixture::did_change)
        .custom_method("test/echo", Fixture::echo)
        .custom_method("test/hang", Fixture::hang)
        .custom_method("test/panic", Fixture::panic)
        .custom_method("test/panicLater", Fixture::panic_later)
        .custom_method("test/panicNotification", Fixture::panic_notification)
        .custom_method("test/version", Fixture::version)
        .custom_method("test/job", Fixture::job)
        .custom_method("test/ask", Fixture::ask)
        .custom_method("test/say", Fixture::say)
        .finish()
}

/// Counts a hanging handler for as long as it lives.
struct Hanging(Arc<AtomicUsize>);

impl Drop for Hanging {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[expect(clippy::unused_async, reason = "handlers of the framework are async")]
impl Fixture {
    pub(crate) fn hanging(&self) -> usize {
        self.hanging.load(Ordering::SeqCst)
    }

    pub(crate) fn said(&self) -> usize {
        self.said.load(Ordering::SeqCst)
    }

    async fn did_change(&self, params: ChangeParams) {
        self.version
            .store(params.version.unwrap_or(-1).into(), Ordering::SeqCst);
    }

    async fn echo(&self, params: Value) -> Result<Value> {
        Ok(params)
    }

    async fn hang(&self) -> Result<Value> {
        self.hanging.fetch_add(1, Ordering::SeqCst);
        let _hanging = Hanging(self.hanging.clone());
        std::future::pending().await
    }

    async fn panic(&self) -> Result<Value> {
        panic!("as asked")
    }

    async fn panic_later(&self) -> Result<Value> {
        tokio::task::yield_now().await;
        panic!("as asked")
    }

    async fn panic_notification(&self) {
        panic!("as asked")
    }

    /// The version before the first await, given back long after.
    async fn version(&self) -> Result<i64> {
        let version = self.version.load(Ordering::SeqCst);
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
        Ok(version)
    }

    /// Answers at once and leaves a job behind that speaks at once.
    async fn job(&self) -> Result<Value> {
        let client = self.client.clone();
        tokio::spawn(async move {
            client
                .log_message(lsp::MessageType::Info, "from the job")
                .await;
        });
        Ok(json!("a job"))
    }

    /// A job that asks the client for its settings and says what came back.
    async fn ask(&self) {
        let client = self.client.clone();
        tokio::spawn(async move {
            let answer = match client.configuration(vec![]).await {
                Ok(values) => json!(values).to_string(),
                Err(error) => format!("{}: {}", error.code.code(), error.message),
            };
            client.log_message(lsp::MessageType::Info, answer).await;
        });
    }

    /// A job that sends as many messages of 64 KiB as it is told.
    async fn say(&self, count: usize) {
        let this = self.clone();
        tokio::spawn(async move {
            let text = "x".repeat(64 << 10);
            for _ in 0..count {
                this.client.log_message(lsp::MessageType::Info, &text).await;
                this.said.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
}

impl LanguageServer for Fixture {
    async fn initialize(&self, params: lsp::InitializeParams) -> Result<lsp::InitializeResult> {
        let caps = Caps::from_initialize(&params);
        let server_info = Some(lsp::ServerInfo {
            name: format!("for {}", caps.client_name),
            version: None,
        });
        Ok(lsp::InitializeResult {
            server_info,
            ..Default::default()
        })
    }

    async fn shutdown(&self) -> Result<()> {
        Ok(())
    }
}
