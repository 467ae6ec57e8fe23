//! How a conversation document is opened: which one is meant, the file if there is none, and the editor that shows it. The
//! file is written only to make it; from then on everything goes through the editor, as edits.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ropey::Rope;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::Shared;
use super::commands::Answer;
use super::history::{self, BUSY, PATIENCE};
use super::job::{Job, Part};
use super::ongoing;
use super::outbox::{Message, Outgoing};
use super::pages::{self, Page};
use super::params;
use super::state::State;
use super::uri;
use crate::config::HistoryScope;
use crate::conversation::page;
use crate::store::{self, Home, Past};
use crate::text::{Span, position};

/// How long an answer waits for its document to be opened. After that it shows in the hover.
const OPENING: Duration = Duration::from_secs(3);

/// A document that is to be opened.
pub(super) struct Opening {
    wanted: Wanted,
    /// Whether the cursor goes there.
    takes_focus: bool,
}

/// Which one.
enum Wanted {
    /// That of the conversation that goes on in this workspace.
    Current(String),
    /// That of an earlier conversation.
    Named(String),
    /// This one.
    Page(Page),
}

/// Opens a conversation document, and makes it if there is none.
pub(super) async fn open(shared: &Shared, opening: Opening) -> Answer {
    let opened = timeout(2 * PATIENCE, open_in_time(shared, opening)).await;
    opened.unwrap_or_else(|_| Err(BUSY.to_owned()))
}

async fn open_in_time(shared: &Shared, opening: Opening) -> Answer {
    let page = find(shared, opening.wanted).await?;
    let (store, place) =
        shared.change(|state| (state.store.clone(), state.place_of(&page.workspace)));
    let place = place?;
    let path = place.document(&page.conversation).ok_or_else(|| {
        format!(
            "there is no conversation {}",
            history::shortened(&page.conversation)
        )
    })?;
    let open = shared.change(|state| {
        state.pages.due.insert(path.clone());
        state.open_page(&page)
    });
    let (uri, text) = if let Some(uri) = open {
        if !opening.takes_focus {
            // Helix would split its window at each answer.
            return Ok(json!({"uri": uri}));
        }
        // What stands in the editor may not be saved: the file is left alone.
        pages::go_on(shared, &uri).await;
        let text = shared.change(|state| state.text(&uri).to_string());
        (uri, text)
    } else {
        let turns = store.turns(&page.conversation).await;
        let make = move || place.make(&page.conversation, &page::new(&turns));
        let text = tokio::task::spawn_blocking(make).await;
        let text = text.unwrap_or_else(|_| Err("the document cannot be made".to_owned()))?;
        (uri::file_uri(&path), text)
    };
    shared.change(|state| state.show_page(&uri, &path, &text, opening.takes_focus));
    Ok(json!({"uri": uri}))
}

/// The document that is meant; its conversation is the one that goes on in its workspace from then on.
async fn find(shared: &Shared, wanted: Wanted) -> Result<Page, String> {
    let store = shared.change(|state| state.store.clone());
    match wanted {
        Wanted::Page(page) => Ok(page),
        Wanted::Current(workspace) => {
            let past = ongoing::current(&store, &workspace).await;
            let conversation = shared.change(|state| state.go_on_with(&workspace, past));
            Ok(Page {
                conversation,
                workspace,
            })
        }
        Wanted::Named(conversation) => {
            let found = store.find(&conversation).await;
            let (home, past) = found.ok_or_else(|| {
                format!(
                    "there is no conversation {}; ezrouter.listConversations tells which there are",
                    history::shortened(&conversation)
                )
            })?;
            shared.change(|state| {
                state.place_of(&home.workspace)?;
                state.reopen(&home, past);
                Ok(Page {
                    conversation,
                    workspace: home.workspace,
                })
            })
        }
    }
}

/// Opens the document that a job's answer is to go into, and gives that a place there. An editor that does not open it in time
/// shows the answer in its hover.
pub(super) async fn make_room(shared: &Shared, id: &str) {
    let Some((opening, opened)) = shared.change(|state| state.opening_for(id)) else {
        return;
    };
    if let Err(reason) = open(shared, opening).await {
        return shared.change(|state| state.has_no_room(id, &reason));
    }
    let room = async {
        loop {
            let mut told = std::pin::pin!(opened.notified());
            told.as_mut().enable();
            let uri = match shared.change(|state| state.room_for(id)) {
                Room::Missing => None,
                Room::In(uri) => Some(uri),
                Room::NotWanted => return,
            };
            match uri {
                Some(uri) => {
                    pages::go_on(shared, &uri).await;
                    return;
                }
                None => told.await,
            }
        }
    };
    if timeout(OPENING, room).await.is_err() {
        tracing::info!(
            job = id,
            "the editor has not opened the conversation document"
        );
    }
}

/// Where the answer of a job may go.
enum Room {
    /// The document is not open yet.
    Missing,
    /// In this one.
    In(String),
    /// Nowhere: the job has ended, or has its place already.
    NotWanted,
}

impl State {
    /// The document that `ezrouter.openConversation` means.
    pub(super) fn opening(&mut self, argument: &Value) -> Opening {
        self.refresh_settings();
        let text = |name: &str| argument.get(name).and_then(Value::as_str);
        let wanted = if let Some(id) = text("conversation") {
            match self.workspace_with(id) {
                Some(workspace) => Wanted::Page(Page {
                    conversation: id.to_owned(),
                    workspace: workspace.to_owned(),
                }),
                None => Wanted::Named(id.to_owned()),
            }
        } else {
            let page = text("uri").and_then(|uri| self.page_of(uri));
            match page {
                Some(page) => Wanted::Page(page),
                None => self.wanted_in(self.workspace_meant(argument)),
            }
        };
        Opening {
            wanted,
            takes_focus: true,
        }
    }

    /// The document that answers of a workspace go into.
    fn wanted_in(&mut self, workspace: String) -> Wanted {
        let folder = self.folder_at(&workspace).unwrap_or_default();
        let is_lone = self.settings(&folder).history_scope == HistoryScope::None;
        let conversation = match self.ongoing(&workspace) {
            _ if is_lone => {
                let lone = self.pages.lone.entry(workspace.clone());
                lone.or_insert_with(store::new_conversation).clone()
            }
            Some(conversation) => conversation.to_owned(),
            None => return Wanted::Current(workspace),
        };
        Wanted::Page(Page {
            conversation,
            workspace,
        })
    }

    /// Questions go on with a conversation that is opened again, if they go on from each other at all.
    fn reopen(&mut self, home: &Home, past: Past) {
        let folder = self.folder_at(&home.workspace).unwrap_or_default();
        if self.settings(&folder).history_scope == HistoryScope::Workspace {
            self.take_up(home, past);
        }
    }

    /// Has the client show a document, with the cursor where a question is written.
    fn show_page(&mut self, uri: &str, path: &Path, text: &str, takes_focus: bool) {
        if !self.shows_documents() {
            if takes_focus {
                let text = format!("The conversation is in {}", path.display());
                self.show(&Message::info(text));
            }
            return;
        }
        let place = page::place_to_write(text);
        let range = position::range(
            &Rope::from_str(text),
            Span::new(place, place),
            self.caps.encoding,
        );
        let params =
            json!({"uri": uri, "takeFocus": takes_focus, "selection": params::range_value(range)});
        self.outbox.send(Outgoing::Page(params));
    }

    /// The document of an answer that is to go there, and who tells when one is opened.
    fn opening_for(&mut self, id: &str) -> Option<(Opening, Arc<Notify>)> {
        let job = self.jobs.get(id)?;
        let home = job.home.clone();
        let is_open = || self.open_page(&Page::of(&home)).is_some();
        if job.part != Part::Awaited || !self.shows_documents() && !is_open() {
            return None;
        }
        let wanted = if home.alone {
            let wanted = self.wanted_in(home.workspace);
            if let (Wanted::Page(page), Some(job)) = (&wanted, self.jobs.get_mut(id)) {
                job.home.conversation.clone_from(&page.conversation);
            }
            wanted
        } else {
            Wanted::Page(Page {
                conversation: home.conversation,
                workspace: home.workspace,
            })
        };
        let opening = Opening {
            wanted,
            takes_focus: false,
        };
        Some((opening, Arc::clone(&self.pages.opened)))
    }

    /// The document cannot be opened: the answer shows in the hover, which says so.
    fn has_no_room(&mut self, id: &str, reason: &str) {
        if let Some(job) = self.jobs.get_mut(id) {
            job.part = Part::None;
            let gap = if job.note.is_empty() { "" } else { ", " };
            job.note = format!(
                "{}{gap}not in the conversation's document: {reason}",
                job.note
            );
        }
    }

    fn room_for(&self, id: &str) -> Room {
        let awaited = |job: &&Job| job.part == Part::Awaited && job.status.is_running();
        let Some(job) = self.jobs.get(id).filter(awaited) else {
            return Room::NotWanted;
        };
        match self.open_page(&Page::of(&job.home)) {
            Some(uri) => Room::In(uri),
            None if self.shows_documents() => Room::Missing,
            None => Room::NotWanted,
        }
    }
}
