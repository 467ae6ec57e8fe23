//! From a started job to its request: its past is read, which files must not go along is found out on the disk, and what
//! is secret in the rest, all beside the handlers; then the request is put together under the lock, and sent.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ropey::Rope;

use super::Shared;
use super::job::Work;
use super::ongoing;
use super::opening;
use super::record;
use super::start::Started;
use super::state::State;
use super::uri;
use crate::config::Settings;
use crate::conversation::Conversation;
use crate::exclusions::{self, Rules};
use crate::mentions::{self, Fetched, Place};
use crate::prompt::Request;
use crate::task::{self, Draft, Subject};
use crate::text::document::Document;

/// Why documents are never sent, by their URIs; `None` for one that may be.
pub(super) type Verdicts = BTreeMap<String, Option<String>>;

/// A document that is to be judged.
pub(super) struct Case {
    uri: String,
    paths: Vec<PathBuf>,
}

impl Case {
    /// What must be known of a document to judge it.
    pub(super) fn of(uri: &str) -> Self {
        Self {
            uri: uri.to_owned(),
            paths: uri::paths_to_judge(uri),
        }
    }
}

/// How far a request has come.
enum Composed {
    /// It is whole.
    Whole(Request),
    /// A turn was added meanwhile, about a document that is still to be judged.
    Unjudged,
    /// There will be none: the job has ended.
    Nothing,
}

/// Puts the request of a job together; `None` if there is none to be sent, which the job then says.
pub(super) async fn request(shared: &Shared, started: &Started) -> Option<Request> {
    ongoing::open(shared, &started.id).await;
    let mut verdicts = Verdicts::new();
    loop {
        let (cases, settings, rules, named) = shared.change(|state| {
            let cases = state.cases(started, &verdicts);
            let job = state.jobs.get(&started.id);
            let uri = job.map_or("", |job| job.uri.as_str());
            let named = state.named(uri, &started.subject);
            let settings = state.settings_of(started).clone();
            (cases, settings, state.rules(), named)
        });
        let subject = started.subject.clone();
        let prepared = tokio::task::spawn_blocking(move || {
            let judged = judge(&rules, cases);
            let drafted = draft(&subject, &settings, &rules, &named);
            (
                judged,
                drafted.map(|(draft, fetched)| (draft, named.uris(&fetched), fetched.note())),
            )
        });
        let prepared = prepared.await.unwrap_or_else(|_| {
            let reason = "the request could not be put together, so nothing was sent".to_owned();
            (Verdicts::new(), Err(reason))
        });
        let (judged, (draft, along, note)) = match prepared {
            (judged, Ok(drafted)) => (judged, drafted),
            (_, Err(reason)) => {
                shared.change(|state| state.fail(&started.id, reason));
                return None;
            }
        };
        verdicts.extend(judged);
        // What goes along was judged when it was fetched.
        verdicts.extend(along.iter().map(|uri| (uri.clone(), None)));
        shared.change(|state| {
            if let Some(job) = state.jobs.get_mut(&started.id) {
                (job.along, job.note) = (along, note);
            }
        });
        match shared.change(|state| state.compose(&started.id, &draft, &verdicts)) {
            Composed::Whole(request) => {
                opening::make_room(shared, &started.id).await;
                record::requested(&started.id, started.subject.kind, &request);
                return Some(request);
            }
            Composed::Unjudged => {}
            Composed::Nothing => return None,
        }
    }
}

/// What is needed to find the files that the words of a question name.
#[derive(Default)]
pub(super) struct Named {
    place: Place,
    /// The documents that are open: path, URI and text.
    open: Vec<(PathBuf, String, Rope)>,
}

impl Named {
    /// The URIs of files that go along, as the client spells them where it has them open.
    fn uris(&self, fetched: &Fetched) -> Vec<String> {
        let uri_of = |file: &PathBuf| {
            let open = self.open.iter().find(|(path, ..)| path == file);
            open.map_or_else(|| uri::file_uri(file), |(_, uri, _)| uri.clone())
        };
        fetched
            .files
            .iter()
            .map(|file| uri_of(&file.file))
            .collect()
    }
}

/// The draft of a request with the files that its words name, or why nothing is sent. Blocks.
pub(super) fn draft(
    subject: &Subject,
    settings: &Settings,
    rules: &Rules,
    named: &Named,
) -> Result<(Draft, Fetched), String> {
    let mut judges = rules.judges();
    let open = |path: &Path| {
        let document = named.open.iter().find(|(open, ..)| open == path);
        document.map(|(_, _, text)| text.to_string())
    };
    let fetched = mentions::fetch(
        &subject.names,
        &named.place,
        |path| judges.reason(path),
        open,
    )?;
    Ok((subject.draft(&settings.limits(), &fetched.texts()), fetched))
}

/// Finds out which documents are never sent. Blocks.
pub(super) fn judge(rules: &Rules, cases: Vec<Case>) -> Verdicts {
    let mut judges = rules.judges();
    let mut reason = |case: &Case| {
        let by_path = case.paths.iter().find_map(|path| judges.reason(path));
        by_path.or_else(|| exclusions::by_name(&uri::path_of_any(&case.uri)))
    };
    cases
        .into_iter()
        .map(|case| {
            let reason = reason(&case);
            (case.uri, reason)
        })
        .collect()
}

impl State {
    /// The documents whose text would go along: the one that is asked about, and those of the past turns.
    fn cases(&self, started: &Started, judged: &Verdicts) -> Vec<Case> {
        let Some(job) = self.jobs.get(&started.id) else {
            return Vec::new();
        };
        let past = self.past(&job.home);
        let turns = past.into_iter().flat_map(Conversation::documents);
        let uris = turns.chain([job.document.as_str()]);
        uris.filter(|uri| !judged.contains_key(*uri))
            .map(Case::of)
            .collect()
    }

    /// What is never sent, in each workspace folder and outside of them.
    pub(super) fn rules(&self) -> Rules {
        let folders = self.caps.workspace_folders.iter();
        let rules = folders.filter_map(|(folder, _)| {
            let exclusions = self.config.settings_in(folder).exclusions.clone();
            Some((uri::file_path(folder)?, exclusions))
        });
        Rules {
            folders: rules.collect(),
            common: self.config.settings().exclusions.clone(),
        }
    }

    /// Where the files are that the words of a question about the document `asked` name; nothing if they name none.
    pub(super) fn named(&self, asked: &str, subject: &Subject) -> Named {
        if subject.names.is_empty() {
            return Named::default();
        }
        let document = |(uri, document): (&String, &Document)| {
            // Of the document itself goes along what is shown of it: no directive.
            let text = if uri == asked {
                subject.document.text()
            } else {
                document.text()
            };
            let known = !document.is_out_of_step();
            known.then(|| Some((uri::file_path(uri)?, uri.clone(), text.clone())))?
        };
        let near = uri::file_path(asked);
        Named {
            place: Place {
                workspace: uri::file_path(&self.folder_of(asked)),
                near: near.and_then(|path| path.parent().map(Path::to_owned)),
            },
            open: self.documents.iter().filter_map(document).collect(),
        }
    }

    /// The settings that hold for a job's document.
    fn settings_of(&self, started: &Started) -> &Settings {
        let job = self.jobs.get(&started.id);
        job.map_or(self.config.settings(), |job| self.settings(&job.uri))
    }

    /// Makes the request of what the verdicts leave.
    fn compose(&mut self, id: &str, draft: &Draft, verdicts: &Verdicts) -> Composed {
        let running = |job: &&super::job::Job| job.status.is_running();
        let Some(job) = self.jobs.get(id).filter(running) else {
            return Composed::Nothing;
        };
        let (uri, model, home) = (job.document.clone(), job.model.clone(), job.home.clone());
        let title = job.title.clone();
        if let Some(Some(rule)) = verdicts.get(&uri) {
            let reason = task::never_sent(&uri::name(&uri), rule);
            self.fail(id, reason);
            return Composed::Nothing;
        }
        let unjudged = |past: &Conversation| {
            let mut documents = past.documents();
            documents.any(|document| !verdicts.contains_key(document))
        };
        if self.past(&home).is_some_and(unjudged) {
            return Composed::Unjudged;
        }
        self.leave_out(&home, |document| {
            matches!(verdicts.get(document), Some(Some(_)))
        });
        let mut nothing_said = Conversation::default();
        let past = self.past_mut(&home).unwrap_or(&mut nothing_said);
        let composed = draft.request(model, past);
        let title = draft.title(&title, past);
        if let Some(job) = self.jobs.get_mut(id) {
            job.title = title;
            job.question = composed.question;
            job.masked = composed.masked;
            if let Work::Rewrite(work) = &mut job.work {
                let shape = composed.shape.as_ref();
                work.1.restore_with(composed.restorer, shape);
            }
        }
        Composed::Whole(composed.request)
    }
}
