//! One attempt at a request, from the connection to the end of the reply, and how bodies are read within bounds. Whether
//! there is another attempt is decided in [`super`].

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use tokio::time::{Instant, timeout, timeout_at};

use super::connection::Cause;
use super::error::Setback;
use super::known::VERSION;
use super::pace::{Pace, Timeouts};
use super::reader::{Progress, Reader};
use super::refusal::{self, Refusal, Wanted};
use super::signal::{Finish, Signal};
use super::surface::Surface;
use super::{Sender, Shared, connection, pace, reader, tell};
use crate::key::Key;
use crate::key::screen::Screen;
use crate::prompt::Request;
use crate::reply::thinking::Thoughts;

/// What is read of an error body, and for how long.
const ERROR_BODY: (usize, Duration) = (64 << 10, Duration::from_secs(5));

/// What is read behind the end mark, and for how long, so that the connection can serve the next request.
const REMAINDER: (usize, Duration) = (64 << 10, Duration::from_secs(1));

/// The header by which the gateway names a request, to quote to support.
pub(super) const REQUEST_ID: &str = "x-oneapi-request-id";

/// What all attempts of a request share.
pub(super) struct Attempt<'a> {
    /// Hears which version of the gateway answers.
    pub(super) shared: &'a Shared,
    pub(super) surface: Surface,
    pub(super) request: &'a Request,
    /// Whom it goes to, for messages.
    pub(super) host: &'a str,
    pub(super) key: &'a Key,
    pub(super) timeouts: Timeouts,
    /// Where what happens is told.
    pub(super) sender: &'a Sender,
}

impl Attempt<'_> {
    /// One attempt, from the connection to the end of the reply.
    pub(super) async fn run(&self, post: reqwest::RequestBuilder) -> Result<Finish, Setback> {
        let limit = self.timeouts.first_byte;
        let sent = Instant::now();
        let response = answered(post, self.host, limit)
            .await
            .map_err(|(_, setback)| setback)?;
        self.shared.known().note(header(&response, VERSION));
        let request_id = header(&response, REQUEST_ID).map(|id| self.key.hide_in(&id));
        tracing::debug!(
            status = response.status().as_u16(),
            milliseconds = sent.elapsed().as_millis(),
            request_id,
            "answered"
        );
        let name = |setback: Setback| Setback {
            failure: setback.failure.named(request_id.clone()),
            ..setback
        };
        if !response.status().is_success() {
            return Err(name(refused(response, Wanted::Answer).await));
        }
        let started = Signal::Started {
            request_id: request_id.clone(),
        };
        tell(self.sender, started);
        if header(&response, CONTENT_TYPE.as_str())
            .is_some_and(|kind| kind.starts_with("text/html"))
        {
            return Err(name(Setback::last(reader::web_page())));
        }
        self.stream(response).await.map_err(name)
    }

    /// Reads the body of a reply whose status said success.
    async fn stream(&self, mut response: reqwest::Response) -> Result<Finish, Setback> {
        let thoughts = if self.request.keeps_tags {
            Thoughts::kept()
        } else {
            Thoughts::out()
        };
        let mut reader = Reader::new(self.surface, thoughts);
        let mut pace = Pace::new(self.timeouts, Instant::now().into_std());
        let mut screen = Screen::new(self.key);
        loop {
            let mut signals = Vec::new();
            let chunk = timeout_at(Instant::from_std(pace.deadline()), response.chunk()).await;
            let end = if let Ok(Ok(Some(bytes))) = &chunk {
                let progress = reader.push(bytes, &mut signals);
                pace.note(&signals, &progress, Instant::now().into_std());
                match progress {
                    Progress::Open | Progress::Finished => None,
                    Progress::Ended(end) => Some(end),
                }
            } else {
                Some(reader.finish(&mut signals))
            };
            for signal in signals {
                match signal {
                    Signal::Text(text) => self.tell_text(screen.push(&text)),
                    other => tell(self.sender, other),
                }
            }
            let Some(end) = end else { continue };
            self.tell_text(screen.finish());
            return match (end, chunk) {
                (Ok(finish), chunk) => {
                    if chunk.is_ok_and(|chunk| chunk.is_ok_and(|bytes| bytes.is_some())) {
                        tokio::spawn(read_remainder(response));
                    }
                    Ok(finish)
                }
                // What the gateway said about it tells more than how it was cut off.
                (Err(setback), _) if setback.failure != reader::cut() => Err(setback),
                (Err(_), Err(_)) => Err(Setback::last(pace.failure())),
                (Err(_), Ok(Err(error))) if !reader.has_spoken() => {
                    Err(connection::judge(&error.without_url(), self.host))
                }
                (Err(setback), _) => Err(setback),
            };
        }
    }

    fn tell_text(&self, text: String) {
        if !text.is_empty() {
            tell(self.sender, Signal::Text(text));
        }
    }
}

/// Sends to `host` and waits for the first byte of its answer; else why there is none, and what that means.
pub(super) async fn answered(
    request: reqwest::RequestBuilder,
    host: &str,
    limit: Duration,
) -> Result<reqwest::Response, (Cause, Setback)> {
    match timeout(limit, request.send()).await {
        Err(_) => Err((Cause::TimedOut, Setback::last(pace::silence(limit)))),
        Ok(Err(error)) => {
            let error = error.without_url();
            let cause = connection::cause_of(&error);
            Err((cause, connection::judge(&error, host)))
        }
        Ok(Ok(response)) => Ok(response),
    }
}

/// A header of a response; `None` if it is empty or no text.
pub(super) fn header(response: &reqwest::Response, name: &str) -> Option<String> {
    let value = response.headers().get(name)?.to_str().ok()?;
    (!value.is_empty()).then(|| value.to_owned())
}

/// What a reply with an error status means where `wanted` was asked for.
pub(super) async fn refused(response: reqwest::Response, wanted: Wanted) -> Setback {
    let status = response.status().as_u16();
    let retry_after = header(&response, RETRY_AFTER.as_str());
    let location = header(&response, LOCATION.as_str());
    let body = read_some(response, ERROR_BODY).await;
    refusal::judge(Refusal {
        wanted,
        status,
        body: &String::from_utf8_lossy(&body),
        retry_after: retry_after.as_deref(),
        location: location.as_deref(),
    })
}

/// Reads a body until it ends or breaks, the time is over, or there is more of it than wanted.
pub(super) async fn read_some(
    mut response: reqwest::Response,
    (most, limit): (usize, Duration),
) -> Vec<u8> {
    let deadline = Instant::now() + limit;
    let mut body = Vec::new();
    while let Ok(Ok(Some(bytes))) = timeout_at(deadline, response.chunk()).await {
        body.extend_from_slice(&bytes);
        if most <= body.len() {
            break;
        }
    }
    body
}

async fn read_remainder(response: reqwest::Response) {
    read_some(response, REMAINDER).await;
}
