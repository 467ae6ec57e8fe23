//! Everything that this server sends of its own accord. The only file that names the LSP `Client`: a queue that never
//! blocks whoever fills it, and one task that empties it in order.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc::{Sender, UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;
use tower_lsp::Client;
use tower_lsp::gen_lsp_types::{
    self as lsp, LspNotificationMethod, LspRequestMethod, MessageDirection,
};

use super::Shared;
use super::earlier;
use super::ext::{AnswerNote, EditAnswer, EditRequest, JobNote};
use super::job;
use super::moved;
use super::pages;
use super::start::Started;
use super::target;
use crate::config::PROJECT_FILE;
use crate::first_use;
use crate::rewrite::Event;
use crate::store::Store;
use crate::views;

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
        /// The edit, and its part in its job.
        request: EditRequest,
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
    Job(JobNote),
    /// `ezrouter/answer`.
    Answer(AnswerNote),
    /// `window/showMessage`.
    Show(Message),
    /// `window/logMessage`.
    Log(Message),
    /// Looks in the journal for what was left of this document, and of those that it may be under another name.
    Look(String, Vec<String>),
    /// Asks where the text of a rewrite goes; the answer is the title that was chosen.
    AskForTarget {
        /// What the job is called.
        title: String,
        /// Takes the answer; it goes without one if the client has none.
        answer: Sender<String>,
    },
    /// Looks in the store for answers about this document.
    LookForAnswers(Store, String),
    /// Starts the request of a job.
    Start(Started),
    /// Writes a file that shows something, and has the client open it.
    View {
        /// Where it is written.
        path: PathBuf,
        /// What it reads.
        text: String,
        /// The same place as the client knows it.
        uri: String,
    },
    /// Has the client open a view that is written.
    Open {
        /// Where it was written.
        path: PathBuf,
        /// The same place as the client knows it.
        uri: String,
    },
    /// Has the client open a conversation document: the parameters of `window/showDocument`.
    Page(Value),
    /// Does what is due in the conversation document of this URI.
    GoOn(String),
    /// Says what is sent where, if this user was never told.
    Introduce {
        /// The state directory, which holds the mark.
        directory: PathBuf,
        /// What is said.
        text: String,
    },
    /// Asks for the section `ezrouter` of the client's settings.
    PullSettings,
    /// Asks the client to tell when something changes.
    Watch(Watched),
}

/// What a client can tell changes of.
#[derive(Clone, Copy, Debug)]
pub enum Watched {
    /// Its own settings.
    Settings,
    /// The settings files of projects.
    ProjectFiles,
}

impl Watched {
    fn registration(self) -> Value {
        let (id, method, options) = match self {
            Self::Settings => (
                "ezrouter-settings",
                "workspace/didChangeConfiguration",
                json!({"section": "ezrouter"}),
            ),
            Self::ProjectFiles => (
                "ezrouter-project-files",
                "workspace/didChangeWatchedFiles",
                json!({"watchers": [{"globPattern": format!("**/{PROJECT_FILE}")}]}),
            ),
        };
        json!({"registrations": [{"id": id, "method": method, "registerOptions": options}]})
    }
}

/// The sending end: cheap to clone, never blocks.
#[derive(Clone)]
pub struct Outbox {
    queue: UnboundedSender<Outgoing>,
    waiting: Arc<AtomicUsize>,
}

/// How long an edit waits for the journal: a disk that is slower must not hold the work up.
const JOURNAL: Duration = Duration::from_millis(250);

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
            Outgoing::Job(note) => {
                client
                    .send_notification::<JobNotification>(json!(note))
                    .await;
            }
            Outgoing::Answer(note) => {
                client
                    .send_notification::<AnswerNotification>(json!(note))
                    .await;
            }
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
        Outgoing::Edit { request, joined } => edit(&shared, &client, request, joined).await,
        Outgoing::CreateProgress { job, token } => {
            let answer = client
                .send_request::<CreateProgress>(json!({"token": token}))
                .await;
            shared.change(|state| state.progress_created(&job, answer.is_ok()));
        }
        Outgoing::Look(uri, former) => moved::look(&shared, &uri, former).await,
        Outgoing::AskForTarget { title, answer } => ask_for_target(&client, &title, answer).await,
        Outgoing::LookForAnswers(store, uri) => earlier::look(&shared, &store, &uri).await,
        Outgoing::Start(started) => {
            let gateway = shared.change(|state| state.gateway.clone());
            job::run(shared, gateway, started).await;
        }
        Outgoing::View { path, text, uri } => {
            let written = write_view(path.clone(), text).await;
            open_view(&shared, &client, &path, &written, &uri).await;
        }
        Outgoing::Page(params) => show_document(&client, params).await,
        Outgoing::GoOn(uri) => pages::go_on(&shared, &uri).await,
        Outgoing::Open { path, uri } => open_view(&shared, &client, &path, &Ok(()), &uri).await,
        Outgoing::Introduce { directory, text } => introduce(&shared, directory, text).await,
        Outgoing::PullSettings => pull_settings(&shared, &client).await,
        Outgoing::Watch(what) => {
            if let Err(error) = client.send_request::<Register>(what.registration()).await {
                tracing::debug!(?what, "the client does not tell changes: {error}");
            }
        }
        _ => {}
    }
}

async fn ask_for_target(client: &Client, title: &str, answer: Sender<String>) {
    let question = target::question(title);
    if let Ok(chosen) = client.send_request::<ShowMessageRequest>(question).await
        && let Some(title) = chosen.get("title").and_then(Value::as_str)
    {
        // Who asked may not wait any more.
        let _ = answer.send(title.to_owned()).await;
    }
}

async fn pull_settings(shared: &Shared, client: &Client) {
    let params = json!({"items": [{"section": "ezrouter"}]});
    if let Ok(Value::Array(mut sections)) = client.send_request::<PullSettings>(params).await
        && let Some(section) = sections.pop()
        && (section.is_object() || section.is_null())
    {
        shared.change(|state| state.configure(&section));
    }
}

/// Has the client make an edit once the journal could take it back.
async fn edit(shared: &Shared, client: &Client, request: EditRequest, joined: bool) {
    be_on_disk(shared).await;
    let (job, seq) = (request.job.clone(), request.seq);
    let answer = if joined {
        client.send_request::<JoinedEdit>(json!(request)).await
    } else {
        client
            .send_request::<ApplyEdit>(json!({"edit": {"documentChanges": [request.edit]}}))
            .await
    };
    let answer = answer.map(|answer| EditAnswer::read(&answer));
    let answer = answer.unwrap_or_default();
    let applied = answer.applied;
    shared.change(|state| {
        if joined && answer.is_parted() {
            state.step_rewrite(&job, Event::Parted { seq, applied });
        }
        state.step_rewrite(&job, Event::Answered { seq, applied });
    });
}

/// Says what is sent where, if this user was never told.
async fn introduce(shared: &Shared, directory: PathBuf, text: String) {
    let marked = tokio::task::spawn_blocking(move || first_use::mark(&directory)).await;
    let message = Message::info(text);
    match marked {
        Ok(Ok(false)) => {}
        Ok(Ok(true)) => shared.change(|state| state.show(&message)),
        // As a message it would come at every start.
        _ => shared.change(|state| state.outbox.send(Outgoing::Log(message))),
    }
}

/// Waits until the journal holds what would bring the text back, and says so where it cannot.
async fn be_on_disk(shared: &Shared) {
    let journal = shared.change(|state| state.journal.clone());
    if let Ok(Some(problem)) = timeout(JOURNAL, journal.settled()).await {
        let text = format!("nothing will bring the original back if this server dies: {problem}");
        shared.change(|state| state.outbox.send(Outgoing::Log(Message::warning(text))));
    }
}

async fn write_view(path: PathBuf, text: String) -> std::io::Result<()> {
    let written = tokio::task::spawn_blocking(move || views::write(&path, &text)).await;
    written.unwrap_or_else(|_| Err(std::io::ErrorKind::Other.into()))
}

/// Has the client show a view, if it could be written.
async fn open_view(
    shared: &Shared,
    client: &Client,
    path: &Path,
    written: &std::io::Result<()>,
    uri: &str,
) {
    let shows = shared.change(|state| {
        state.view_written(path, written);
        written.is_ok() && state.shows_documents()
    });
    if shows {
        show_document(client, json!({"uri": uri, "takeFocus": true})).await;
    }
}

async fn show_document(client: &Client, params: Value) {
    if let Err(error) = client.send_request::<ShowDocument>(params).await {
        tracing::debug!("the client does not show a document: {error}");
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
        ShowDocument = "window/showDocument",
        ShowMessageRequest = "window/showMessageRequest",
        Register = "client/registerCapability";
    notifications:
        ProgressNotification = "$/progress",
        JobNotification = "ezrouter/job",
        AnswerNotification = "ezrouter/answer",
        ShowMessage = "window/showMessage",
        LogMessage = "window/logMessage"
}
