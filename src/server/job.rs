//! One job: what was asked of which text, how far it has come, and the task that carries the gateway's signals to the
//! state. What a job shows of itself is `progress`'s work.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::Notify;

use super::Shared;
use super::ext::{self, JobState};
use super::prepare;
use super::progress::Progress;
use super::start::Started;
use super::target;
use crate::action::Kind;
use crate::answer::{self, Answer};
use crate::conversation::page::Writing;
use crate::gateway::Gateway;
use crate::gateway::signal::Usage;
use crate::reading::Reading;
use crate::rewrite::{Millis, Rewrite};
use crate::store::Home;
use crate::text::Span;

/// A job, from its command until it is forgotten.
pub struct Job {
    /// An opaque name, unique while the server runs.
    pub id: String,
    /// The document that it works in, by the client's own string.
    pub uri: String,
    /// The document that is asked about, which is another one if the answer goes into that of the conversation; empty for a
    /// question that is about none.
    pub document: String,
    /// What the menu called it, or the beginning of the user's words.
    pub title: String,
    /// The model that was asked.
    pub model: String,
    /// When it began.
    pub started: Millis,
    /// When its generation ended.
    pub finished: Option<Millis>,
    /// How far it has come.
    pub status: Status,
    /// The reply as it came, for the conversation.
    pub raw: String,
    /// The new turn as it was sent, for the conversation.
    pub question: String,
    /// The conversation that the turn belongs to.
    pub home: Home,
    /// The file as people name it.
    pub path: String,
    /// The first and the last line that were asked about, counted from 1.
    pub lines: (u32, u32),
    /// The turn that it has become.
    pub turn: Option<i64>,
    /// Where the text stands that it is about, if its own stands beside that.
    pub about: Option<Span>,
    /// The arguments of the command that started it.
    pub argument: Value,
    /// How many secrets were masked in the request.
    pub masked: usize,
    /// What the footer says of the files that the words named.
    pub note: String,
    /// The URIs of those that went along.
    pub along: Vec<String>,
    /// Token counts, once the gateway has told them.
    pub usage: Option<Usage>,
    /// The gateway's id of the request.
    pub request_id: Option<String>,
    /// One sentence on how it ended, if there is something to say.
    pub message: Option<String>,
    /// What is done with the reply.
    pub work: Work,
    /// What it has to do with the document of its conversation.
    pub part: Part,
    /// Where its progress stands.
    pub progress: Progress,
    /// Whether an earlier server has done it.
    pub is_earlier: bool,
    /// Its entry in the journal, as long as it needs one.
    pub entry: Option<String>,
    /// Told when the connection to the gateway is to be closed.
    pub disconnect: Arc<Notify>,
}

/// What a job has to do with the document of its conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Nothing.
    None,
    /// Its answer is to go there as soon as the document is open.
    Awaited,
    /// It writes a section in front of the question that is not sent yet.
    Section,
    /// It answers the question at the end.
    Reply,
    /// It brings in the sections of turns that were asked elsewhere.
    Lacking,
}

/// What is done with a reply.
pub enum Work {
    /// It is shown.
    Ask(Answer),
    /// It replaces text. Boxed: it is by far the larger one.
    Rewrite(Box<(Rewrite, Reading)>),
    /// It goes into a conversation document, by the same hands.
    Page(Box<(Rewrite, Writing)>),
}

/// How far a job has come, in the words of `ezrouter/job`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nothing has come yet; says what is being waited for.
    Waiting(String),
    /// The model thinks, since this moment.
    Thinking(Millis),
    /// Text is coming.
    Streaming,
    /// A rewrite to be reviewed.
    Pending,
    /// Ended well.
    Done,
    /// Stopped or rejected.
    Cancelled,
    /// Failed.
    Failed,
}

impl Status {
    /// The same as clients are told it.
    pub fn state(&self) -> JobState {
        match self {
            Self::Waiting(_) => JobState::Waiting,
            Self::Thinking(_) => JobState::Thinking,
            Self::Streaming => JobState::Streaming,
            Self::Pending => JobState::Pending,
            Self::Done => JobState::Done,
            Self::Cancelled => JobState::Cancelled,
            Self::Failed => JobState::Failed,
        }
    }

    /// The word for it.
    pub fn word(&self) -> &'static str {
        self.state().word()
    }

    /// Whether the generation goes on.
    pub fn is_running(&self) -> bool {
        matches!(self, Self::Waiting(_) | Self::Thinking(_) | Self::Streaming)
    }
}

impl Job {
    /// A job that waits for nothing yet.
    pub fn new(id: &str, uri: String, title: String, work: Work, now: Millis) -> Self {
        Self {
            id: id.to_owned(),
            document: uri.clone(),
            uri,
            title,
            model: String::new(),
            started: now,
            finished: None,
            status: Status::Waiting(String::new()),
            raw: String::new(),
            question: String::new(),
            home: Home::default(),
            path: String::new(),
            lines: (0, 0),
            turn: None,
            about: None,
            argument: Value::Null,
            masked: 0,
            note: String::new(),
            along: Vec::new(),
            usage: None,
            request_id: None,
            message: None,
            work,
            part: Part::None,
            progress: Progress::None,
            is_earlier: false,
            entry: None,
            disconnect: Arc::default(),
        }
    }

    /// Ask or rewrite.
    pub fn kind(&self) -> Kind {
        match self.work {
            Work::Ask(_) | Work::Page(_) => Kind::Ask,
            Work::Rewrite(_) => Kind::Rewrite,
        }
    }

    /// What brings text into the document, if it does that.
    pub fn rewrite(&self) -> Option<&Rewrite> {
        match &self.work {
            Work::Rewrite(work) => Some(&work.0),
            Work::Page(work) => Some(&work.0),
            Work::Ask(_) => None,
        }
    }

    /// The same, to be changed.
    pub fn rewrite_mut(&mut self) -> Option<&mut Rewrite> {
        match &mut self.work {
            Work::Rewrite(work) => Some(&mut work.0),
            Work::Page(work) => Some(&mut work.0),
            Work::Ask(_) => None,
        }
    }

    /// The answer, if it is shown beside the text.
    pub fn answer(&self) -> Option<&Answer> {
        match &self.work {
            Work::Ask(answer) => Some(answer),
            Work::Rewrite(_) | Work::Page(_) => None,
        }
    }

    /// Where its text stands, in bytes of the document; `None` once that text is gone.
    pub fn span(&self) -> Option<Span> {
        let written = || self.rewrite().map(Rewrite::span);
        self.answer().map_or_else(written, Answer::span)
    }

    /// Whole seconds since it began, until it ended.
    pub fn seconds(&self, now: Millis) -> u64 {
        self.finished.unwrap_or(now).saturating_sub(self.started) / 1000
    }

    /// What it took and what went along, in one line.
    pub fn footer(&self, now: Millis) -> String {
        let footer = answer::footer(&self.model, self.usage, self.seconds(now), self.masked);
        answer::noted(footer, &self.note)
    }

    /// The token counts as our own methods carry them.
    pub fn told_usage(&self) -> Option<ext::Usage> {
        self.usage.map(ext::Usage::from)
    }
}

/// Sends the request and carries its signals to the state until it ends or the job is told to disconnect. Dropping the
/// reply closes the connection.
pub async fn run(shared: Arc<Shared>, gateway: Gateway, mut started: Started) {
    let disconnect = Arc::clone(&started.disconnect);
    let request = tokio::select! {
        biased;
        () = disconnect.notified() => return,
        request = async {
            target::settle(&shared, &mut started).await;
            prepare::request(&shared, &started).await
        } => request,
    };
    let Some(request) = request else { return };
    let id = started.id;
    let mut reply = gateway.send(request);
    loop {
        let signal = tokio::select! {
            biased;
            () = disconnect.notified() => return,
            signal = reply.next() => signal,
        };
        let Some(signal) = signal else { return };
        shared.change(|state| state.signal(&id, signal));
    }
}
