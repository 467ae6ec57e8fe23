//! The edge to the editor: the LSP methods and what carries them. Every method reads, locks, changes, unlocks and answers;
//! none waits for the network or the client.

pub mod transport;

pub mod framing;
pub mod message;
pub mod parent;

pub mod service;

pub mod capabilities;
pub mod params;
pub mod uri;

pub mod state;

pub mod documents;
pub mod ext;
pub mod order;

mod arguments;
pub mod commands;
mod diagnostics;
mod earlier;
pub mod history;
pub mod interrupted;
pub mod job;
pub mod menu;
mod moved;
mod offers;
pub mod ongoing;
mod opening;
pub mod outbox;
pub mod pages;
mod prepare;
pub mod progress;
mod record;
pub mod review;
mod send;
pub mod settings;
mod show_request;
pub mod signals;
pub mod start;
mod status;
mod target;

use std::future::{Ready, ready};
use std::sync::{Arc, Mutex, Weak};

use serde_json::Value;
use tokio::sync::Notify;
use tower_lsp::gen_lsp_types as lsp;
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::{Client, LanguageServer};

use self::capabilities::{Caps, server_capabilities};
use self::commands::{COMMANDS, Reply};
use self::outbox::{Outbox, Outgoing, Watched};
use self::params::{
    AnyParams, ChangeParams, CodeActionParams, CommandParams, ConfigurationParams, DocumentParams,
    FolderParams, OpenParams, PositionParams, ProgressParams,
};
use self::state::State;
use crate::config::Environment;

/// The state and the clock that follows it.
pub struct Shared {
    state: Mutex<State>,
    changed: Notify,
}

impl Shared {
    /// Changes the state. The lock is never held over an await; after a panic under it the state is put right.
    pub fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = self.quietly(change);
        self.changed.notify_one();
        result
    }

    /// The same for what cannot move the next moment that the clock waits for.
    fn quietly<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(|poisoned| {
            self.state.clear_poison();
            let mut state = poisoned.into_inner();
            state.recover();
            state
        });
        change(&mut state)
    }

    /// Shows why a command did nothing whose answer came later: Helix shows no error of a command.
    fn when_answered(&self, answer: commands::Answer) -> commands::Answer {
        if let Err(reason) = &answer {
            self.change(|state| state.show(&outbox::Message::error(reason.clone())));
        }
        answer
    }
}

/// Lets the state know when a moment that it waits for has come.
async fn run_clock(shared: Weak<Shared>) {
    loop {
        let Some(strong) = shared.upgrade() else {
            return;
        };
        let next = strong.quietly(|state| state.next_wake().map(|at| state.instant(at)));
        let changed = strong.changed.notified();
        match next {
            Some(at) => tokio::select! {
                () = changed => {}
                () = tokio::time::sleep_until(at) => strong.change(State::tick),
            },
            None => changed.await,
        }
    }
}

/// The server as its client sees it.
pub struct Backend {
    shared: Arc<Shared>,
}

#[expect(
    clippy::needless_pass_by_value,
    clippy::unused_self,
    reason = "the framework hands parameters over by value, to methods"
)]
impl Backend {
    /// A server that talks to `client` and takes its settings from `environment`. Needs a runtime: its outbox and its
    /// clock run beside it.
    pub fn new(client: Client, environment: Environment) -> Self {
        let (outbox, inbox) = Outbox::new();
        let (state, problems) = State::new(environment, outbox);
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            changed: Notify::new(),
        });
        tokio::spawn(outbox::run(Arc::clone(&shared), client, inbox));
        tokio::spawn(run_clock(Arc::downgrade(&shared)));
        tokio::spawn(history::tell(Arc::downgrade(&shared), problems));
        Self { shared }
    }

    /// What the transport tells the state.
    pub fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    pub(crate) fn start_up(&self) {
        self.shared.change(|state| {
            if state.caps.did_change_configuration {
                state.outbox.send(Outgoing::Watch(Watched::Settings));
            }
            if state.caps.did_change_watched_files {
                state.outbox.send(Outgoing::Watch(Watched::ProjectFiles));
            }
            if state.caps.configuration {
                state.outbox.send(Outgoing::PullSettings);
            }
            state.configure(&Value::Null);
            state.is_ready = true;
            state.gateway.warm_up();
            state.introduce();
            if let Some(directory) = state.environment.state_directory() {
                tokio::task::spawn_blocking(move || crate::views::clean(&directory));
            }
        });
        tokio::spawn(history::clean_later(Arc::downgrade(&self.shared)));
    }

    pub(crate) fn did_open(&self, params: OpenParams) -> Ready<()> {
        self.shared.change(|state| state.open(params));
        ready(())
    }

    pub(crate) fn did_change(&self, params: ChangeParams) -> Ready<()> {
        self.shared.change(|state| state.change(params));
        ready(())
    }

    pub(crate) fn did_close(&self, params: DocumentParams) -> Ready<()> {
        self.shared.change(|state| state.close(&params.uri));
        ready(())
    }

    pub(crate) fn did_save(&self, _: DocumentParams) -> Ready<()> {
        ready(())
    }

    pub(crate) fn did_change_configuration(&self, params: ConfigurationParams) -> Ready<()> {
        self.shared.change(|state| match params.settings {
            Value::Object(settings) if !settings.is_empty() => {
                state.configure(&Value::Object(settings));
            }
            _ if state.caps.configuration => state.outbox.send(Outgoing::PullSettings),
            // Null says that something has changed, not that there is nothing.
            Value::Object(none) => state.configure(&Value::Object(none)),
            _ => state.refresh_settings(),
        });
        ready(())
    }

    pub(crate) fn did_change_watched_files(&self, _: AnyParams) -> Ready<()> {
        self.shared.change(State::refresh_settings);
        ready(())
    }

    pub(crate) fn did_change_folders(&self, params: FolderParams) -> Ready<()> {
        self.shared.change(|state| state.change_folders(params));
        ready(())
    }

    pub(crate) fn code_action(&self, params: CodeActionParams) -> Ready<Result<Value>> {
        ready(Ok(self.shared.change(|state| state.code_actions(&params))))
    }

    pub(crate) fn hover(&self, params: PositionParams) -> Ready<Result<Value>> {
        ready(Ok(self.shared.change(|state| state.hover(&params))))
    }

    pub(crate) fn execute_command(
        &self,
        params: CommandParams,
    ) -> impl Future<Output = Result<Value>> + Send + use<> {
        let shared = Arc::clone(&self.shared);
        let overtakes = shared.quietly(|state| state.overtakes_its_selection(&params));
        let reply = (!overtakes).then(|| begin(&shared, &params));
        async move {
            let reply = if let Some(reply) = reply {
                reply
            } else {
                tokio::time::sleep(commands::OVERTAKEN).await;
                begin(&shared, &params)
            };
            let answer = match reply {
                Reply::Now(answer) => answer,
                Reply::Later(answer) => shared.when_answered(answer.await),
                Reply::View(wanted) => {
                    let answer = show_request::show(&shared, *wanted).await;
                    shared.when_answered(answer)
                }
                Reply::Page(opening) => shared.when_answered(opening::open(&shared, opening).await),
            };
            answer.map_err(Error::invalid_params)
        }
    }

    pub(crate) fn cancel_progress(&self, params: ProgressParams) -> Ready<()> {
        let token = params
            .token
            .as_str()
            .and_then(progress::job_of_token)
            .map(str::to_owned);
        self.shared
            .change(|state| token.iter().for_each(|id| state.cancel_job(id)));
        ready(())
    }

    pub(crate) fn set_trace(&self, _: AnyParams) -> Ready<()> {
        ready(())
    }
}

/// Executes a command, and lets the job run that it starts.
fn begin(shared: &Arc<Shared>, params: &CommandParams) -> Reply {
    let (reply, started, gateway) = shared.change(|state| {
        let (reply, started) = state.execute(&params.command, &params.argument);
        (reply, started, state.gateway.clone())
    });
    if let Some(started) = started {
        tokio::spawn(job::run(Arc::clone(shared), gateway, started));
    }
    reply
}

impl LanguageServer for Backend {
    async fn initialize(&self, params: lsp::InitializeParams) -> Result<lsp::InitializeResult> {
        let caps = Caps::from_initialize(&params);
        let capabilities = server_capabilities(&caps, COMMANDS);
        record::connected(&caps);
        self.shared.change(|state| state.initialize(caps));
        Ok(lsp::InitializeResult {
            capabilities,
            server_info: Some(lsp::ServerInfo {
                name: env!("CARGO_PKG_NAME").to_owned(),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            }),
        })
    }

    async fn initialized(&self, _: lsp::InitializedParams) {
        self.start_up();
    }

    async fn shutdown(&self) -> Result<()> {
        self.shared.change(State::stop);
        Ok(())
    }
}
