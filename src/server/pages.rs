//! Conversation documents in the editor: which documents are some, and how turns that were asked elsewhere come into one.
//! How one is opened is the work of `opening`, questions that are written in one are that of `send`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::Notify;
use tokio::time::timeout;

use super::Shared;
use super::history::PATIENCE;
use super::job::{Job, Part, Status, Work};
use super::ongoing;
use super::outbox::Outgoing;
use super::state::State;
use super::uri;
use crate::action::Kind;
use crate::config::AnswerShow;
use crate::conversation::Record;
use crate::conversation::page::{self, Writing};
use crate::pages::Place;
use crate::rewrite::{Delivery, Event, Options, Review, Rewrite};
use crate::store::{self, Home};
use crate::text::Span;

/// What is to be done in conversation documents.
#[derive(Default)]
pub struct Pages {
    /// The documents that are to get what they lack as soon as that can be.
    pub(super) due: BTreeSet<PathBuf>,
    /// The turns that were brought into each conversation's document since it was opened: what the user has taken out of it
    /// again does not come back.
    pub(super) brought: BTreeMap<String, BTreeSet<i64>>,
    /// The conversation of each workspace whose questions do not go on from each other (`history.scope`).
    pub(super) lone: BTreeMap<String, String>,
    /// Told when one is opened.
    pub(super) opened: Arc<Notify>,
}

/// A conversation document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// Its conversation.
    pub(super) conversation: String,
    /// The workspace, as the store knows it.
    pub(super) workspace: String,
}

impl Page {
    /// That of a conversation.
    pub(super) fn of(home: &Home) -> Self {
        Self {
            conversation: home.conversation.clone(),
            workspace: home.workspace.clone(),
        }
    }
}

/// Does what is due in a conversation document that is open.
pub(super) async fn go_on(shared: &Shared, uri: &str) {
    let Some((store, page)) = shared.change(|state| state.take_work(uri)) else {
        return;
    };
    let turns = timeout(PATIENCE, store.turns(&page.conversation)).await;
    shared.change(|state| {
        let is_done = turns.is_ok_and(|turns| state.bring_into_page(uri, &page, &turns));
        if !is_done {
            state.pages.due.extend(state.path_of(&page));
        }
    });
}

impl State {
    /// The conversation document that a document is, by its decoded path.
    pub(super) fn page_of(&self, uri: &str) -> Option<Page> {
        let path = uri::file_path(uri)?;
        let folders = self.caps.workspace_folders.iter();
        let folders = folders.map(|(folder, _)| ongoing::workspace(folder));
        let mut workspaces = folders.chain([String::new()]);
        workspaces.find_map(|workspace| {
            let place = self.place_of(&workspace).ok()?;
            let conversation = place.conversation(&path)?.to_owned();
            Some(Page {
                conversation,
                workspace,
            })
        })
    }

    /// What a job about a document has to do with that of its conversation, as the settings say (`answer.show`).
    pub(super) fn part_for(&self, kind: Kind, uri: &str) -> Part {
        match (kind, self.settings(uri).answer_show) {
            (Kind::Ask, AnswerShow::Document) => Part::Awaited,
            _ => Part::None,
        }
    }

    /// Where the documents of a workspace are kept.
    pub(super) fn place_of(&self, workspace: &str) -> Result<Place, String> {
        if workspace.is_empty() {
            let directory = self.environment.state_directory();
            return directory.map(Place::State).ok_or_else(|| {
                "there is no home directory to keep a conversation in; set EZROUTER_STATE_DIR"
                    .to_owned()
            });
        }
        let folder = self.folder_at(workspace).ok_or_else(|| {
            format!("that conversation belongs to {workspace}; open a file there first")
        })?;
        let folder = uri::file_path(&folder);
        folder.map(Place::Workspace).ok_or_else(|| {
            format!("{workspace} is no folder on this computer, so no document can be kept there")
        })
    }

    /// How the client spells a conversation document, if that is open.
    pub(super) fn open_page(&self, page: &Page) -> Option<String> {
        let path = self.path_of(page)?;
        let mut open = self.documents.keys();
        let found = open.find(|uri| uri::file_path(uri).as_ref() == Some(&path));
        found.cloned()
    }

    /// Whether an answer that was shown beside its text comes into the document of its conversation behind that.
    pub(super) fn is_going_to_page(&self, job: &Job) -> bool {
        job.part == Part::Awaited && self.open_page(&Page::of(&job.home)).is_some()
    }

    /// A document was opened, or opened again; it may be one of a conversation.
    pub(super) fn page_opened(&mut self, uri: &str) {
        let Some(page) = self.page_of(uri) else {
            return;
        };
        let mut jobs = self.jobs.values();
        if !jobs.any(|job| job.uri == uri && job.status.is_running()) {
            // What it reads may be what was saved, not what was there.
            self.pages.brought.remove(&page.conversation);
        }
        self.pages.opened.notify_waiters();
        self.outbox.send(Outgoing::GoOn(uri.to_owned()));
    }

    /// A job has ended; what has waited for its document goes on.
    pub(super) fn go_on_in_page(&mut self, id: &str) {
        let Some(job) = self.jobs.get(id) else {
            return;
        };
        let part = job.part;
        let uri = match part {
            Part::None => return,
            Part::Awaited => {
                // There was no room for it while it came.
                let page = Page::of(&job.home);
                self.pages.due.extend(self.path_of(&page));
                let open = self.open_page(&page);
                let is_shown_there = open.is_some() && job.status == Status::Done;
                if let Some(Work::Ask(answer)) = self.jobs.get_mut(id).map(|job| &mut job.work) {
                    answer.dismissed |= is_shown_there;
                }
                open
            }
            Part::Section | Part::Reply | Part::Lacking => {
                if part == Part::Section && job.status != Status::Done {
                    // What came with it went with it.
                    self.pages.due.extend(uri::file_path(&job.uri));
                }
                Some(job.uri.clone())
            }
        };
        let is_over = |job: &Job| job.rewrite().is_some_and(Rewrite::is_over);
        if part == Part::Lacking && self.jobs.get(id).is_some_and(is_over) {
            // There is nothing that the user may want to do about it.
            self.jobs.remove(id);
        }
        if let Some(uri) = uri {
            self.outbox.send(Outgoing::GoOn(uri));
        }
    }

    pub(super) fn path_of(&self, page: &Page) -> Option<PathBuf> {
        let place = self.place_of(&page.workspace).ok()?;
        place.document(&page.conversation)
    }

    /// What is due in a document, if anything is and nothing else is being brought into it. It is due no longer: what is asked
    /// elsewhere from now on is not among the turns that are read for it.
    fn take_work(&mut self, uri: &str) -> Option<(store::Store, Page)> {
        let page = self.page_of(uri).filter(|_| !self.is_brought_in(uri))?;
        let is_due = self
            .path_of(&page)
            .is_some_and(|path| self.pages.due.remove(&path));
        let is_wanted = is_due || self.awaiting(&page).is_some();
        is_wanted.then(|| (self.store.clone(), page))
    }

    /// Whether something is being brought into a document in front of the question.
    fn is_brought_in(&self, uri: &str) -> bool {
        let mut jobs = self.jobs.values().filter(|job| job.uri == uri);
        jobs.any(|job| matches!(job.part, Part::Section | Part::Lacking) && job.status.is_running())
    }

    /// The oldest answer that waits for a place in a document, as soon as it is known what was sent.
    fn awaiting(&self, page: &Page) -> Option<String> {
        let mut jobs = self.jobs.values();
        let found = jobs.find(|job| {
            job.part == Part::Awaited
                && job.status.is_running()
                && !job.question.is_empty()
                && job.home.conversation == page.conversation
        });
        found.map(|job| job.id.clone())
    }

    /// Brings into a document what it lacks of these turns, and makes room for an answer that waits for it. Gives whether that
    /// could be.
    fn bring_into_page(&mut self, uri: &str, page: &Page, turns: &[(Record, String)]) -> bool {
        let document = self.documents.get(uri);
        let Some(document) = document.filter(|document| !document.is_out_of_step()) else {
            return false;
        };
        if self.is_brought_in(uri) {
            return false;
        }
        let text = document.text().to_string();
        let line_ending = document.line_ending().as_str();
        let nothing = BTreeSet::new();
        let brought = self.pages.brought.get(&page.conversation);
        let addition = page::lacking(&text, turns, brought.unwrap_or(&nothing), line_ending);
        let has_place = page::read(&text).question.is_some();
        if let Some(id) = self.awaiting(page).filter(|_| has_place) {
            self.write_section(&id, uri, &text, addition);
            return true;
        }
        for (record, _) in turns {
            self.is_in_page(&page.conversation, record.turn.id);
        }
        if let Some(addition) = addition {
            // An answer that waits goes on when the heading is back.
            self.bring_in_lacking(uri, page, addition);
        }
        true
    }

    /// Brings in the sections of turns that were asked elsewhere, as one edit.
    fn bring_in_lacking(&mut self, uri: &str, page: &Page, addition: page::Addition) {
        let Some(document) = self.documents.get(uri) else {
            return;
        };
        let mut options = self.page_options(uri);
        if options.delivery == Delivery::Stream {
            options.delivery = Delivery::Single;
        }
        let span = Span::new(addition.at, addition.at);
        let rewrite = Rewrite::new(document.text(), span, options);
        let work = Work::Page(Box::new((rewrite, Writing::default())));
        let id = self.new_job_id();
        let job = Job {
            part: Part::Lacking,
            document: String::new(),
            home: Home {
                conversation: page.conversation.clone(),
                workspace: page.workspace.clone(),
                alone: false,
            },
            ..Job::new(
                &id,
                uri.to_owned(),
                "Turns asked elsewhere".to_owned(),
                work,
                self.now(),
            )
        };
        self.jobs.insert(id.clone(), job);
        self.step_rewrite(&id, Event::Complete(addition.text));
    }

    /// A document may lack turns that were asked elsewhere.
    pub(super) fn lacks_turns(&mut self, uri: &str) {
        if let Some(path) = uri::file_path(uri) {
            self.pages.due.insert(path);
            self.outbox.send(Outgoing::GoOn(uri.to_owned()));
        }
    }

    /// A turn has its place in the document of its conversation.
    pub(super) fn is_in_page(&mut self, conversation: &str, turn: i64) {
        let brought = self.pages.brought.entry(conversation.to_owned());
        brought.or_default().insert(turn);
    }

    /// How text gets into a conversation document: as it comes where that can be, whatever is set for code, and without a
    /// review.
    pub(super) fn page_options(&self, uri: &str) -> Options {
        let options = self.rewrite_options(self.settings(uri));
        let delivery = match options.delivery {
            Delivery::Preview if self.caps.ext_apply_edit => Delivery::StreamJoined,
            Delivery::Preview if self.caps.apply_edit => Delivery::Stream,
            delivery => delivery,
        };
        Options {
            delivery,
            review: Review::AcceptAtOnce,
            ..options
        }
    }
}
