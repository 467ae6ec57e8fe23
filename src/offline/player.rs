//! Plays an answer of the script: HTTP by hand, so that it can break off at any byte, reset and hang.

use std::io;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::Semaphore;

use super::script::{Answer, Step};
use super::voice::Voice;
use crate::gateway::surface::Surface;

/// How a connection goes on after an answer.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Next {
    /// It serves another request.
    Request,
    /// It is closed.
    Close,
    /// It is reset.
    Reset,
}

/// Plays one answer on one connection.
pub(super) struct Player<'a, W> {
    gates: &'a Semaphore,
    writer: &'a mut W,
    answer: Answer,
    voice: Voice,
    sent_headers: bool,
}

impl<'a, W: AsyncWrite + Unpin> Player<'a, W> {
    /// A player of `answer` on `surface`; `index` is the request's number.
    pub(super) fn new(
        gates: &'a Semaphore,
        writer: &'a mut W,
        answer: Answer,
        surface: Surface,
        index: usize,
    ) -> Self {
        Self {
            gates,
            writer,
            voice: Voice::new(surface, format!("standin-{index}"), &answer.steps),
            answer,
            sent_headers: false,
        }
    }

    /// Plays the steps, and says how the connection goes on.
    pub(super) async fn play(&mut self) -> io::Result<Next> {
        let mut steps = std::mem::take(&mut self.answer.steps)
            .into_iter()
            .peekable();
        while let Some(step) = steps.next() {
            match &step {
                Step::Headers => self.send_headers().await?,
                Step::Wait(time) => tokio::time::sleep(*time).await,
                Step::Gate => {
                    if let Ok(permit) = self.gates.acquire().await {
                        permit.forget();
                    }
                }
                Step::Cut => return Ok(Next::Close),
                Step::Reset => return Ok(Next::Reset),
                Step::Hang => std::future::pending().await,
                _ => {
                    let bytes = self.voice.write(&step, steps.peek());
                    self.send(&bytes).await?;
                }
            }
        }
        self.send_headers().await?;
        self.writer.write_all(b"0\r\n\r\n").await?;
        Ok(Next::Request)
    }

    async fn send_headers(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.sent_headers, true) {
            return Ok(());
        }
        let mut lines = vec![format!("HTTP/1.1 {} Stand-in", self.answer.status)];
        let headers = self.answer.headers.iter();
        lines.extend(headers.map(|(name, value)| format!("{name}: {value}")));
        lines.push(format!("content-type: {}", self.answer.content_type));
        lines.push("transfer-encoding: chunked\r\n\r\n".to_owned());
        let head = lines.join("\r\n");
        self.writer.write_all(head.as_bytes()).await
    }

    /// Writes one chunk of the body, in the sense of HTTP.
    async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.send_headers().await?;
        if bytes.is_empty() {
            // An empty chunk would end the body.
            return Ok(());
        }
        let mut framed = format!("{:x}\r\n", bytes.len()).into_bytes();
        framed.extend_from_slice(bytes);
        framed.extend_from_slice(b"\r\n");
        self.writer.write_all(&framed).await?;
        // Lets the reader run between two pieces also where everything shares one thread.
        tokio::task::yield_now().await;
        Ok(())
    }
}
