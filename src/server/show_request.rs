//! `ezrouter.showRequest`: the request that a question or a rewrite would send now, in a document of its own. It is put
//! together by the functions that put the real one together, on a copy of the conversation, so that nothing changes by it.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;

use super::Shared;
use super::commands::Answer;
use super::ongoing::Known;
use super::outbox::Outgoing;
use super::prepare::{self, Case, Named};
use super::start::{DIRECTIVE, Task, counted_from_1};
use super::state::State;
use super::uri;
use crate::action::{self, Kind};
use crate::config::Settings;
use crate::conversation::Conversation;
use crate::exclusions::Rules;
use crate::gateway::Gateway;
use crate::request_view::View;
use crate::task;
use crate::views;

/// How long a client waits for the view: some freeze until a command is answered.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is to be shown.
pub(super) struct Wanted {
    task: Task,
    named: Named,
    known: Known,
    settings: Settings,
    rules: Rules,
    gateway: Gateway,
    /// What messages call the source of the key.
    key: Option<String>,
    path: PathBuf,
}

/// Shows a request and gives the URI of the document that does, or why there would be none.
pub(super) async fn show(shared: &Shared, wanted: Wanted) -> Answer {
    let (path, shown) = (wanted.path.clone(), uri::file_uri(&wanted.path));
    let written = timeout(PATIENCE, write(wanted)).await;
    written.unwrap_or_else(|_| {
        Err("the request could not be put together in time; try again".to_owned())
    })?;
    shared.change(|state| {
        let uri = shown.clone();
        state.outbox.send(Outgoing::Open { path, uri });
    });
    Ok(json!({"uri": shown}))
}

async fn write(mut wanted: Wanted) -> Result<(), String> {
    let known = std::mem::take(&mut wanted.known);
    let past = known.read(wanted.settings.history_max_bytes as usize).await;
    let uris = past.documents().chain([wanted.task.uri.as_str()]);
    let cases: Vec<Case> = uris.map(Case::of).collect();
    let write = move || wanted.write(past, cases);
    let written = tokio::task::spawn_blocking(write).await;
    written.unwrap_or_else(|_| Err("the request could not be put together".to_owned()))
}

impl Wanted {
    /// Puts the request together and writes the view. Blocks.
    fn write(&self, mut past: Conversation, cases: Vec<Case>) -> Result<(), String> {
        let Task {
            uri,
            title,
            model,
            subject,
            ..
        } = &self.task;
        let verdicts = prepare::judge(&self.rules, cases);
        if let Some(Some(rule)) = verdicts.get(uri) {
            return Err(task::never_sent(&uri::name(uri), rule));
        }
        past.forget_since(|document| matches!(verdicts.get(document), Some(Some(_))));
        let (draft, _) = prepare::draft(subject, &self.settings, &self.rules, &self.named)?;
        let composed = draft.request(model.clone(), &mut past);
        let preview = self.gateway.preview(&composed.request);
        let preview = preview.map_err(|failure| failure.presentable(None).to_string())?;
        let view = View {
            kind: subject.kind,
            title: &draft.title(title, &mut past),
            path: &subject.path,
            lines: counted_from_1(subject.lines()),
            request: &composed.request,
            preview: &preview,
            key: self.key.as_deref(),
            redact: self.settings.limits().redact,
            vault: &past.vault,
        };
        views::write(&self.path, &view.markdown())
            .map_err(|error| format!("{} cannot be written: {error}", self.path.display()))
    }
}

impl State {
    /// What a request view is made of, as things stand.
    pub(super) fn request_to_show(&mut self, argument: &Value) -> Result<Wanted, String> {
        self.refresh_settings();
        let kind = self.kind_of(argument)?;
        let task = self.task(kind, argument)?;
        if kind == Kind::Rewrite {
            self.overlapping(&task)?;
        }
        let directory = self
            .environment
            .state_directory()
            .ok_or("there is no home directory to keep a request in; set EZROUTER_STATE_DIR")?;
        self.views += 1;
        let name = format!("{}-request-{}.md", std::process::id(), self.views);
        let key = self.config.gateway().key;
        Ok(Wanted {
            named: self.named(&task.uri, &task.subject),
            known: self.known_past(&task.uri),
            settings: self.settings(&task.uri).clone(),
            rules: self.rules(),
            gateway: self.gateway.clone(),
            key: (!key.is_nowhere()).then(|| key.name()),
            path: views::path(&directory, &name),
            task,
        })
    }

    /// Whether an argument is one of `ezrouter.ask` or of `ezrouter.rewrite`: as it says, else as its action or the name of
    /// its words tells.
    fn kind_of(&self, argument: &Value) -> Result<Kind, String> {
        let text = |name: &str| argument.get(name).and_then(Value::as_str);
        match (text("kind"), text("action").map(str::trim)) {
            (Some("ask"), _) => Ok(Kind::Ask),
            (Some("rewrite"), _) => Ok(Kind::Rewrite),
            (Some(_), _) => Err("kind is \"ask\" or \"rewrite\"".to_owned()),
            (None, Some(DIRECTIVE)) => {
                let asks = self.task(Kind::Ask, argument).is_ok();
                Ok(if asks { Kind::Ask } else { Kind::Rewrite })
            }
            (None, Some(id)) if !id.is_empty() => {
                let (uri, _) = self.place(argument)?;
                let own = &self.settings(&uri).actions;
                let own = own.iter().find(|own| own.id == id).map(|own| own.kind);
                let kind = own.or_else(|| action::by_id(id).map(|action| action.kind));
                Ok(kind.unwrap_or(Kind::Ask))
            }
            _ if text("question").is_none() && text("instruction").is_some() => Ok(Kind::Rewrite),
            _ => Ok(Kind::Ask),
        }
    }
}
