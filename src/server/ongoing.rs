//! The conversations that go on: each is read from the store when the first question of its workspace is asked, and goes on
//! here from then on, so that its past stays as it was sent. What another server adds to it meanwhile is seen by the next
//! one that starts.

use serde_json::Value;
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use super::Shared;
use super::history::{BUSY, PATIENCE};
use super::job::Part;
use super::state::State;
use crate::config::HistoryScope;
use crate::conversation::Conversation;
use crate::store::{self, Change, Home, Past, Store};

/// The conversation of a workspace.
#[derive(Clone, Debug)]
pub struct Ongoing {
    /// Its id.
    pub(super) id: String,
    /// What of it goes along with the next question.
    past: Conversation,
}

impl Ongoing {
    pub(super) fn new() -> Self {
        Self {
            id: store::new_conversation(),
            past: Conversation::default(),
        }
    }

    fn resume(past: Past, budget: usize) -> Self {
        Self {
            id: past.conversation,
            past: Conversation::resume(past.turns, budget),
        }
    }
}

/// What would go along with a question, as far as it is known without the store.
pub(super) enum Known {
    /// All of it.
    Past(Conversation),
    /// It is still to be read, for this workspace.
    Unread(Store, String),
}

impl Default for Known {
    fn default() -> Self {
        Self::Past(Conversation::default())
    }
}

impl Known {
    /// All of it, as [`open`] would have it; it begins nothing.
    pub(super) async fn read(self, budget: usize) -> Conversation {
        let (store, workspace) = match self {
            Self::Past(past) => return past,
            Self::Unread(store, workspace) => (store, workspace),
        };
        let read = timeout(PATIENCE, store.current(&workspace)).await;
        let turns = read.ok().flatten().map(|past| past.turns);
        turns.map_or_else(Conversation::default, |turns| {
            Conversation::resume(turns, budget)
        })
    }
}

/// What of the store is to be read before a job's request can be put together.
enum Unread {
    /// The conversation that goes on in a workspace.
    Current(String),
    /// This conversation.
    Named(String),
}

/// Reads the past of a job's conversation, unless that is known. What cannot be read in time begins anew.
pub(super) async fn open(shared: &Shared, id: &str) {
    let Some((store, unread)) = shared.change(|state| state.unread(id)) else {
        return;
    };
    match unread {
        Unread::Current(workspace) => {
            let past = current(&store, &workspace).await;
            shared.change(|state| state.take_past(id, past));
        }
        Unread::Named(conversation) => {
            let found = timeout(PATIENCE, store.find(&conversation)).await;
            shared.change(|state| state.take_named(id, found));
        }
    }
}

/// The conversation that goes on in a workspace, as the store has it.
pub(super) async fn current(store: &Store, workspace: &str) -> Option<Past> {
    let read = timeout(PATIENCE, store.current(workspace)).await;
    read.unwrap_or_else(|_| {
        tracing::warn!("the history cannot be read in time; a new conversation begins");
        None
    })
}

impl State {
    /// The workspace of a document, as the store knows it: the path of the innermost workspace folder that holds it, however
    /// the client spells that.
    fn workspace_of(&self, uri: &str) -> String {
        let page = self.page_of(uri);
        page.map_or_else(|| workspace(&self.folder_of(uri)), |page| page.workspace)
    }

    /// Where a question about a document belongs. The conversation has no id yet if it is still to be read.
    pub(super) fn home_of(&mut self, uri: &str) -> Home {
        let workspace = self.workspace_of(uri);
        if self.settings(uri).history_scope == HistoryScope::None {
            return Home {
                conversation: store::new_conversation(),
                workspace,
                alone: true,
            };
        }
        if !self.policy().persist {
            let ongoing = self.conversations.entry(workspace.clone());
            ongoing.or_insert_with(Ongoing::new);
        }
        let ongoing = self.conversations.get(&workspace);
        Home {
            conversation: ongoing.map_or_else(String::new, |ongoing| ongoing.id.clone()),
            workspace,
            alone: false,
        }
    }

    /// What would go along with a question about a document.
    pub(super) fn known_past(&self, uri: &str) -> Known {
        let workspace = self.workspace_of(uri);
        let goes_on = self.settings(uri).history_scope != HistoryScope::None;
        match self.conversations.get(&workspace) {
            Some(ongoing) if goes_on => Known::Past(ongoing.past.clone()),
            None if goes_on && self.policy().persist => {
                Known::Unread(self.store.clone(), workspace)
            }
            _ => Known::default(),
        }
    }

    fn unread(&self, id: &str) -> Option<(Store, Unread)> {
        let job = self.jobs.get(id)?;
        let home = &job.home;
        let unread = if home.conversation.is_empty() {
            Unread::Current(home.workspace.clone())
        } else if job.part == Part::Reply && !home.alone && self.past(home).is_none() {
            Unread::Named(home.conversation.clone())
        } else {
            return None;
        };
        Some((self.store.clone(), unread))
    }

    /// The past of a job's conversation was read.
    fn take_past(&mut self, id: &str, past: Option<Past>) {
        let Some(job) = self.jobs.get(id) else {
            return;
        };
        let workspace = job.home.workspace.clone();
        let conversation = self.go_on_with(&workspace, past);
        if let Some(job) = self.jobs.get_mut(id) {
            job.home.conversation = conversation;
        }
    }

    /// Goes on with a conversation of the store, unless one goes on in that workspace already; gives which one does.
    pub(super) fn go_on_with(&mut self, workspace: &str, past: Option<Past>) -> String {
        let budget = self.history_budget(workspace);
        // Another job may have brought it, or a new conversation was begun.
        let ongoing = self.conversations.entry(workspace.to_owned());
        let ongoing = ongoing.or_insert_with(|| {
            past.map_or_else(Ongoing::new, |past| Ongoing::resume(past, budget))
        });
        ongoing.id.clone()
    }

    /// The conversation of a job that is named by its document was looked for; the lookup may have taken too long.
    fn take_named(&mut self, id: &str, found: Result<Option<(Home, Past)>, Elapsed>) {
        let Some(job) = self.jobs.get(id) else {
            return;
        };
        let home = job.home.clone();
        match found {
            Err(_) => self.fail(id, BUSY.to_owned()),
            Ok(Some((kept, _))) if kept.workspace != home.workspace => {
                let reason = "this document is named like a conversation of another workspace";
                self.fail(id, reason.to_owned());
            }
            Ok(kept) => {
                let past = kept.map(|(_, past)| past);
                if past.is_none() {
                    self.say_what_is_gone(id);
                }
                self.take_up(&home, past.unwrap_or_else(|| Past::new(&home.conversation)));
            }
        }
    }

    /// Questions of a workspace go on with this conversation from now on.
    pub(super) fn take_up(&mut self, home: &Home, past: Past) {
        let budget = self.history_budget(&home.workspace);
        let ongoing = Ongoing::resume(past, budget);
        self.conversations.insert(home.workspace.clone(), ongoing);
    }

    /// How much of the earlier turns goes along, in bytes.
    fn history_budget(&self, workspace: &str) -> usize {
        let folder = self.folder_at(workspace).unwrap_or_default();
        self.settings(&folder).history_max_bytes as usize
    }

    /// The workspace folder that the store knows by this name, by its URI.
    pub(super) fn folder_at(&self, name: &str) -> Option<String> {
        let mut folders = self.caps.workspace_folders.iter();
        let found = folders.find(|(folder, _)| workspace(folder) == name);
        found.map(|(folder, _)| folder.clone())
    }

    /// The conversation that goes on in a workspace, if that is known.
    pub(super) fn ongoing(&self, workspace: &str) -> Option<&str> {
        let ongoing = self.conversations.get(workspace)?;
        Some(&ongoing.id)
    }

    /// The workspace in which a conversation goes on.
    pub(super) fn workspace_with(&self, conversation: &str) -> Option<&str> {
        let mut all = self.conversations.iter();
        let found = all.find(|(_, ongoing)| ongoing.id == conversation);
        found.map(|(workspace, _)| workspace.as_str())
    }

    /// What goes along with a question, if anything does.
    pub(super) fn past(&self, home: &Home) -> Option<&Conversation> {
        let ongoing = self.conversations.get(&home.workspace)?;
        (ongoing.id == home.conversation).then_some(&ongoing.past)
    }

    pub(super) fn past_mut(&mut self, home: &Home) -> Option<&mut Conversation> {
        let ongoing = self.conversations.get_mut(&home.workspace)?;
        (ongoing.id == home.conversation).then_some(&mut ongoing.past)
    }

    /// Leaves out of a conversation's past what follows from the first turn on that is about a document that is never sent.
    pub(super) fn leave_out(&mut self, home: &Home, is_excluded: impl Fn(&str) -> bool) {
        let past = self.past_mut(home);
        let left = past.map_or_else(Vec::new, |past| past.forget_since(is_excluded));
        if !left.is_empty() {
            self.store.write(Change::Leave(left));
        }
    }

    /// The workspace that a command means: that of the document that it names, or of the newest selection or job.
    pub(super) fn workspace_meant(&self, argument: &Value) -> String {
        let uri = argument.get("uri").and_then(Value::as_str);
        let selected = self
            .selection
            .as_ref()
            .map(|selection| selection.uri.as_str());
        let newest = || {
            let job = self.jobs.values().next_back();
            job.map(|job| job.home.workspace.clone())
        };
        let first = || {
            let folder = self.caps.workspace_folders.first();
            folder.map(|(folder, _)| workspace(folder))
        };
        match uri.or(selected) {
            Some(uri) => self.workspace_of(uri),
            None => newest().or_else(first).unwrap_or_default(),
        }
    }
}

/// A workspace folder as the store knows it.
pub(super) fn workspace(folder: &str) -> String {
    let path = super::uri::file_path(folder).map(|path| path.to_string_lossy().into_owned());
    let name = path.unwrap_or_else(|| folder.to_owned());
    let trimmed = name.trim_end_matches('/');
    if trimmed.is_empty() {
        name
    } else {
        trimmed.to_owned()
    }
}
