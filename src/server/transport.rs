//! Serves an [`LspService`] over a pair of byte streams. It replaces the framework's own `Server`, which one malformed
//! message ends, four hanging handlers stop, a panic kills and the end of its input does not end. What the messages mean
//! is the service's business.
//!
//! Order: every message is polled once when it is read, so a handler sees the state as its sender saw it, whatever comes
//! later. Replies and the server's own messages leave through one queue in the order in which they were put there. Both
//! need a current-thread runtime: on a multi-thread one a job that a handler spawns may speak before the handler's reply.

use std::future::Future;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::{FutureExt, Sink, SinkExt, Stream, StreamExt};
use serde::Serialize;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout};
use tower_lsp::jsonrpc::{Error, Request, Response};
use tower_lsp::{ClientSocket, LanguageServer, LspService};
use tower_service::Service;

use super::framing::{Frame, Framing};
use super::message::{self, Incoming};
use super::parent::{self, Parent};

/// How long the last replies may take to leave when the connection ends.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// How much of the server's own traffic may wait for a client that does not read, in bytes. Replies do not count.
const OWN_TRAFFIC: u32 = 1 << 20;

/// What a short message counts, in bytes, so that the number of waiting messages is bounded too.
const SMALLEST_COUNT: u32 = 4 << 10;

/// What the transport tells its owner, beside the messages themselves.
pub struct Hooks {
    /// Called for each message that comes from the client, readable or not, before it is handled: a sign of life.
    pub heard: Box<dyn Fn() + Send>,
    /// Called once when the connection ends, for whatever reason, before the last messages are written: the moment to
    /// stop jobs. It must not block.
    pub ended: Box<dyn FnOnce() + Send>,
}

impl Default for Hooks {
    fn default() -> Self {
        Self {
            heard: Box::new(|| ()),
            ended: Box::new(|| ()),
        }
    }
}

/// Serves until `exit`, the end of the input, the end of the output or the end of the client's process.
///
/// Returns the code for the process to exit with: 0 after `shutdown` and `exit`, otherwise 1. It returns at most 200 ms
/// after the end, whatever handlers are still running (they are dropped) and whether or not the client reads. The caller
/// then ends the process: a thread may still wait in a read of stdin.
///
/// Run it on a current-thread runtime (see the module's description).
pub async fn run<R, W, S>(
    mut reader: R,
    writer: W,
    service: LspService<S>,
    socket: ClientSocket,
    hooks: Hooks,
) -> i32
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin + Send + 'static,
    S: LanguageServer,
{
    let (requests, answers) = socket.split();
    let (queue, outgoing) = Queue::new();
    let mut writing = tokio::spawn(write(writer, outgoing));
    let forwarding = tokio::spawn(forward(requests, queue.clone()));
    let mut edge = Edge {
        service,
        answers,
        queue,
        running: JoinSet::new(),
        parent: None,
        shut_down: false,
    };
    let mut framing = Framing::default();
    let mut chunk = vec![0; 64 << 10];
    let code = loop {
        tokio::select! {
            read = reader.read(&mut chunk) => {
                let Ok(count @ 1..) = read else { break 1 };
                framing.push(chunk.get(..count).unwrap_or_default());
                if let ControlFlow::Break(code) = edge.take_frames(&mut framing, &hooks) {
                    break code;
                }
            }
            () = parent_gone(edge.parent.as_mut()) => break 1,
            // Nobody reads the answers any more.
            _ = &mut writing => break 1,
        }
    };
    (hooks.ended)();
    forwarding.abort();
    // With the last sender the writer's queue ends.
    drop(edge);
    if !writing.is_finished() {
        // A client that does not read its last replies forgoes them.
        let _ = timeout(LAST_WORDS, writing).await;
    }
    code
}

/// Ready when the watched process has ended; never, if none is watched.
async fn parent_gone(watched: Option<&mut (Parent, Interval)>) {
    match watched {
        None => std::future::pending().await,
        Some((parent, clock)) => loop {
            clock.tick().await;
            if !parent.is_alive() {
                tracing::warn!("the client's process has ended");
                return;
            }
        },
    }
}

struct Edge<S, A> {
    service: LspService<S>,
    /// Takes the client's answers to the server's own requests.
    answers: A,
    queue: Queue,
    /// The handlers that were not ready at their first poll.
    running: JoinSet<()>,
    parent: Option<(Parent, Interval)>,
    /// Whether `shutdown` has been accepted.
    shut_down: bool,
}

impl<S: LanguageServer, A: Sink<Response> + Unpin> Edge<S, A> {
    /// Handles every complete message; breaks with the exit code.
    fn take_frames(&mut self, framing: &mut Framing, hooks: &Hooks) -> ControlFlow<i32> {
        while let Some(frame) = framing.next_frame() {
            (hooks.heard)();
            match frame {
                Frame::Body(body) => self.take_message(message::read(&body))?,
                Frame::Lost(reason) => {
                    tracing::warn!("lost a message: {reason}");
                    self.queue.reply(&message::lost());
                }
            }
        }
        while self.running.try_join_next().is_some() {}
        ControlFlow::Continue(())
    }

    fn take_message(&mut self, incoming: Incoming) -> ControlFlow<i32> {
        match incoming {
            Incoming::Call(request) => self.call(request),
            // Ready at once: the framework hands the answer over without waiting.
            Incoming::Answer(response) => drop(self.answers.send(response).now_or_never()),
            Incoming::Refused(response) => self.queue.reply(&response),
            Incoming::Exit => return ControlFlow::Break(i32::from(!self.shut_down)),
            Incoming::Ignored => {}
        }
        ControlFlow::Continue(())
    }

    /// Calls the handler and polls it once. What is not ready then goes on as a task.
    fn call(&mut self, request: Request) {
        let id = request.id().cloned();
        let method = request.method().to_owned();
        if method == "initialize" && self.parent.is_none() {
            self.watch_parent(&request);
        }
        let is_shutdown = method == "shutdown" && id.is_some();
        let panicked = move || {
            tracing::error!("the handler of {method} panicked");
            id.map(|id| Response::from_error(id, Error::internal_error()))
        };
        let Ok(answer) = catch_unwind(AssertUnwindSafe(|| self.service.call(request))) else {
            self.queue.reply_if(panicked());
            return;
        };
        let mut answer =
            Box::pin(
                AssertUnwindSafe(answer)
                    .catch_unwind()
                    .map(|outcome| match outcome {
                        Ok(served) => served.ok().flatten(),
                        Err(_) => panicked(),
                    }),
            );
        match answer
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            Poll::Ready(response) => {
                self.shut_down |= is_shutdown && response.as_ref().is_some_and(Response::is_ok);
                self.queue.reply_if(response);
            }
            Poll::Pending => {
                self.shut_down |= is_shutdown;
                let queue = self.queue.clone();
                self.running
                    .spawn(async move { queue.reply_if(answer.await) });
            }
        }
    }

    fn watch_parent(&mut self, initialize: &Request) {
        let process = initialize
            .params()
            .and_then(|params| params.pointer("/capabilities/experimental/processId"));
        self.parent = process
            .and_then(Value::as_u64)
            .and_then(Parent::find)
            .map(|parent| {
                let mut clock = interval_at(Instant::now() + parent::PERIOD, parent::PERIOD);
                clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
                (parent, clock)
            });
    }
}

/// The way out: one queue, so that messages leave in the order in which they were put there. Replies never wait; the
/// server's own messages wait for room, so that a client that does not read costs a bounded amount of memory.
#[derive(Clone)]
struct Queue {
    sender: mpsc::UnboundedSender<Outgoing>,
    room: Arc<Semaphore>,
}

/// A message on its way out.
struct Outgoing {
    /// The whole message, header included.
    bytes: Vec<u8>,
    /// The room that it takes up until it is written; none for a reply.
    _room: Option<OwnedSemaphorePermit>,
}

impl Queue {
    fn new() -> (Self, mpsc::UnboundedReceiver<Outgoing>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (
            Self {
                sender,
                room: Arc::new(Semaphore::new(OWN_TRAFFIC as usize)),
            },
            receiver,
        )
    }

    /// Queues a reply behind everything that is already there.
    fn reply(&self, response: &Response) {
        self.push(framed(response), None);
    }

    fn reply_if(&self, response: Option<Response>) {
        if let Some(response) = response {
            self.reply(&response);
        }
    }

    /// Queues a message of the server's own when there is room for it.
    async fn send(&self, request: &Request) {
        let message = framed(request);
        let count = u32::try_from(message.len())
            .unwrap_or(u32::MAX)
            .clamp(SMALLEST_COUNT, OWN_TRAFFIC);
        if let Ok(room) = self.room.clone().acquire_many_owned(count).await {
            self.push(message, Some(room));
        }
    }

    fn push(&self, bytes: Vec<u8>, room: Option<OwnedSemaphorePermit>) {
        // It fails only when the writer has gone, and then the connection is ending.
        let _ = self.sender.send(Outgoing { bytes, _room: room });
    }
}

/// A message as it goes over the wire; nothing for one that cannot be written as JSON, of which the framework has none.
fn framed(message: &impl Serialize) -> Vec<u8> {
    let body = match serde_json::to_vec(message) {
        Ok(body) => body,
        Err(error) => {
            tracing::error!("a message cannot be written as JSON: {error}");
            return Vec::new();
        }
    };
    let mut framed = format!("Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    framed.extend_from_slice(&body);
    framed
}

/// Passes the server's own requests and notifications on to the queue.
async fn forward(mut requests: impl Stream<Item = Request> + Unpin, queue: Queue) {
    while let Some(request) = requests.next().await {
        queue.send(&request).await;
    }
}

/// Writes what is queued until the end, or until the client has closed its side.
async fn write(
    mut writer: impl AsyncWrite + Unpin,
    mut outgoing: mpsc::UnboundedReceiver<Outgoing>,
) {
    while let Some(message) = outgoing.recv().await {
        let written = writer.write_all(&message.bytes).await;
        let flushed = if outgoing.is_empty() {
            writer.flush().await
        } else {
            Ok(())
        };
        if let Err(error) = written.and(flushed) {
            tracing::warn!("cannot write to the client: {error}");
            return;
        }
    }
    let _ = writer.flush().await;
}
