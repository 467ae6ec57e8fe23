//! Everything that this server sends of its own accord. The only file that names the LSP `Client`: a queue that never
//! blocks whoever fills it, and one task that empties it in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tower_lsp::Client;
use tower_lsp::gen_lsp_types::{
    self as lsp, LspNotificationMethod, LspRequestMethod, MessageDirection,
};

use super::Shared;
use crate::rewrite::{Event, Phase};

/// A message to the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// LSP `MessageType`: 1 error, 2 warning, 3 information.
    kind: u8,
    /// One line.
    pub text: String,
}

impl Message {
    /// Something went wrong.
    pub fn error(text: String) -> Self {
        Self { kind: 1, text }
    }

    /// Something needs attention.
    pub fn warning(text: String) -> Self {
        Self { kind: 2, text }
    }

    /// Something is good to know.
    pub fn info(text: String) -> Self {
        Self { kind: 3, text }
    }

    /// Whether it tells of an error.
    pub fn is_error(&self) -> bool {
        self.kind == 1
    }

    /// The same with other words.
    #[must_use]
    pub fn with_text(&self, text: String) -> Self {
        Self {
            kind: self.kind,
            text,
        }
    }

    fn value(&self) -> Value {
        json!({"type": self.kind, "message": self.text})
    }
}

/// What is to be sent.
#[derive(Clone, Debug)]
pub enum Outgoing {
    /// An edit of a document, made for the last version received.
    Edit {
        /// The job that it belongs to.
        job: String,
        /// Its number within the job.
        seq: u64,
        /// Its part in the job.
        phase: Phase,
        /// A `TextDocumentEdit`.
        edit: Value,
        /// Whether the client joins edits itself (`ezrouter/applyEdit`).
        joined: bool,
    },
    /// Asks for a progress token.
    CreateProgress {
        /// The job that it is for.
        job: String,
        /// The token.
        token: String,
    },
    /// `$/progress`.
    Progress {
        /// The token.
        token: String,
        /// Begin, report or end.
        value: Value,
    },
    /// `ezrouter/job`.
    Job(Value),
    /// `ezrouter/answer`.
    Answer(Value),
    /// `window/showMessage`.
    Show(Message),
    /// `window/logMessage`.
    Log(Message),
    /// Asks for the section `ezrouter` of the client's settings.
    PullSettings,
    /// Asks the client to tell when its settings change.
    WatchSettings,
}

/// The sending end: cheap to clone, never blocks.
#[derive(Clone)]
pub struct Outbox {
    queue: UnboundedSender<Outgoing>,
    waiting: Arc<AtomicUsize>,
}

/// Above so many waiting messages the client is taken not to read, and what can be left out is.
const FULL: usize = 256;

impl Outbox {
    /// A queue and its receiving end.
    pub fn new() -> (Self, Inbox) {
        let (sender, receiver) = unbounded_channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        (
            Self {
                queue: sender,
                waiting: Arc::clone(&waiting),
            },
            Inbox {
                queue: receiver,
                waiting,
            },
        )
    }

    /// Puts a message behind all others.
    pub fn send(&self, message: Outgoing) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        // The receiver is gone only when the server is stopping.
        let _ = self.queue.send(message);
    }

    /// Whether the client does not keep up, so that reports are better left out.
    pub fn is_full(&self) -> bool {
        FULL < self.waiting.load(Ordering::Relaxed)
    }
}

/// The receiving end.
pub struct Inbox {
    queue: UnboundedReceiver<Outgoing>,
    waiting: Arc<AtomicUsize>,
}

/// Sends what the queue holds, in order, until the server stops. Requests are awaited elsewhere, so that a client that
/// does not answer holds nothing up.
pub async fn run(shared: Arc<Shared>, client: Client, mut inbox: Inbox) {
    while let Some(message) = inbox.queue.recv().await {
        inbox.waiting.fetch_sub(1, Ordering::Relaxed);
        match message {
            Outgoing::Progress { token, value } => {
                client
                    .send_notification::<ProgressNotification>(
                        json!({"token": token, "value": value}),
                    )
                    .await;
            }
            Outgoing::Job(value) => client.send_notification::<JobNotification>(value).await,
            Outgoing::Answer(value) => client.send_notification::<AnswerNotification>(value).await,
            Outgoing::Show(message) => {
                client
                    .send_notification::<ShowMessage>(message.value())
                    .await;
            }
            Outgoing::Log(message) => {
                client
                    .send_notification::<LogMessage>(message.value())
                    .await;
            }
            request => drop(tokio::spawn(ask(
                Arc::clone(&shared),
                client.clone(),
                request,
            ))),
        }
    }
}

/// Sends a request and carries its answer to the state. A client that never answers leaves one waiting task behind; the
/// rewrite that waits for the answer has bounds of its own.
async fn ask(shared: Arc<Shared>, client: Client, request: Outgoing) {
    match request {
        Outgoing::Edit {
            job,
            seq,
            phase,
            edit,
            joined,
        } => {
            let answer = if joined {
                let phase = phase_word(phase);
                let params = json!({"job": job, "seq": seq, "phase": phase, "edit": edit});
                client.send_request::<JoinedEdit>(params).await
            } else {
                client
                    .send_request::<ApplyEdit>(json!({"edit": {"documentChanges": [edit]}}))
                    .await
            };
            let applied =
                answer.is_ok_and(|answer| answer.get("applied") == Some(&Value::Bool(true)));
            shared.change(|state| state.step_rewrite(&job, Event::Answered { seq, applied }));
        }
        Outgoing::CreateProgress { job, token } => {
            let answer = client
                .send_request::<CreateProgress>(json!({"token": token}))
                .await;
            shared.change(|state| state.progress_created(&job, answer.is_ok()));
        }
        Outgoing::PullSettings => {
            let params = json!({"items": [{"section": "ezrouter"}]});
            if let Ok(Value::Array(mut sections)) =
                client.send_request::<PullSettings>(params).await
                && let Some(section) = sections.pop().filter(Value::is_object)
            {
                shared.change(|state| state.configure(&section));
            }
        }
        Outgoing::WatchSettings => {
            let registration = json!({"registrations": [{"id": "ezrouter-settings", "method": "workspace/didChangeConfiguration",
                       "registerOptions": {"section": "ezrouter"}}]});
            if let Err(error) = client.send_request::<Register>(registration).await {
                tracing::debug!("the client does not tell when settings change: {error}");
            }
        }
        _ => {}
    }
}

fn phase_word(phase: Phase) -> &'static str {
    match phase {
        Phase::First => "first",
        Phase::Next => "next",
        Phase::Last => "last",
        Phase::Rewind => "rewind",
    }
}

/// Declares a method whose parameters and result are plain JSON: what a client answers is read leniently, since an
/// answer that does not parse must not look like an answer that never came.
macro_rules! messages {
    (requests: $($request:ident = $request_method:literal),+; notifications: $($note:ident = $note_method:literal),+) => {
        $(
            enum $request {}
            impl lsp::Request for $request {
                type Params = Value;
                type Result = Value;
                const METHOD: LspRequestMethod<'static> = LspRequestMethod::new($request_method);
                const MESSAGE_DIRECTION: MessageDirection = MessageDirection::ServerToClient;
            }
        )+
        $(
            enum $note {}
            impl lsp::Notification for $note {
                type Params = Value;
                const METHOD: LspNotificationMethod<'static> = LspNotificationMethod::new($note_method);
                const MESSAGE_DIRECTION: MessageDirection = MessageDirection::ServerToClient;
            }
        )+
    };
}

messages! {
    requests:
        ApplyEdit = "workspace/applyEdit",
        JoinedEdit = "ezrouter/applyEdit",
        CreateProgress = "window/workDoneProgress/create",
        PullSettings = "workspace/configuration",
        Register = "client/registerCapability";
    notifications:
        ProgressNotification = "$/progress",
        JobNotification = "ezrouter/job",
        AnswerNotification = "ezrouter/answer",
        ShowMessage = "window/showMessage",
        LogMessage = "window/logMessage"
}
