//! What the server does when settings come or change: they are read again, another gateway takes over if need be, and what is
//! wrong with them is told once. What a setting means is decided where it is used.

use std::path::PathBuf;

use serde_json::Value;

use super::outbox::{Message, Outgoing};
use super::params::FolderParams;
use super::state::State;
use crate::config::Settings;
use crate::first_use;
use crate::gateway::Gateway;

/// So many of the settings' problems fit into a message.
const SHOWN_PROBLEMS: usize = 4;

impl State {
    /// The settings that hold for a document.
    pub fn settings(&self, uri: &str) -> &Settings {
        self.config.settings_in(&self.folder_of(uri))
    }

    /// The model to ask about a document.
    pub fn model(&self, uri: &str) -> String {
        self.selected_model
            .clone()
            .unwrap_or_else(|| self.settings(uri).model.clone())
    }

    /// Takes the editor's newest settings, which lie over those of `initialize`; what is wrong with them is said, and the rest is used.
    pub fn configure(&mut self, editor: &Value) {
        self.config.refresh();
        self.config
            .set_editor(&[&self.caps.initialization_options, editor]);
        self.take_settings();
    }

    /// Looks whether a settings file has changed: one look at the disk for each of the few that there are.
    pub fn refresh_settings(&mut self) {
        if self.config.refresh() {
            self.take_settings();
        }
    }

    /// The workspace folders are others now.
    pub fn change_folders(&mut self, params: FolderParams) {
        let folders = &mut self.caps.workspace_folders;
        folders.retain(|folder| !params.removed.iter().any(|removed| removed.0 == folder.0));
        folders.extend(params.added);
        self.read_projects();
        self.take_settings();
    }

    /// Reads the settings files of the workspace folders.
    pub(super) fn read_projects(&mut self) {
        let folders = self.caps.workspace_folders.iter();
        let paths: Vec<(String, PathBuf)> = folders
            .filter_map(|(uri, _)| Some((uri.clone(), super::uri::file_path(uri)?)))
            .collect();
        self.config.set_folders(&paths);
    }

    /// Has it said what is sent where, if this user was never told.
    pub(super) fn introduce(&self) {
        let directory = self.environment.state_directory();
        if let Some(directory) = directory.filter(|_| !self.environment.is_offline()) {
            let text = first_use::sentence(&self.config.settings().base_url);
            self.outbox.send(Outgoing::Introduce { directory, text });
        }
    }

    fn take_settings(&mut self) {
        let gateway = self.config.gateway();
        if !self.gateway.has(&gateway) {
            self.gateway = Gateway::new(gateway);
            if self.is_ready {
                self.gateway.warm_up();
            }
        }
        self.store.set(self.policy());
        self.tell_problems();
    }

    /// Says what is wrong with the settings, each thing once as long as it stays wrong.
    fn tell_problems(&mut self) {
        let problems: Vec<String> = self
            .config
            .problems()
            .into_iter()
            .map(str::to_owned)
            .collect();
        let unsaid = problems
            .iter()
            .filter(|problem| !self.said.contains(*problem));
        let shown: Vec<&str> = unsaid.map(String::as_str).collect();
        let (shown, logged) = shown.split_at(shown.len().min(SHOWN_PROBLEMS));
        if !shown.is_empty() {
            tracing::warn!(problems = problems.len(), "settings");
            let mut text = format!("ezrouter settings: {}", shown.join("; "));
            if !logged.is_empty() {
                text.push_str(&format!("; and {} more, see the log", logged.len()));
            }
            self.show(&Message::warning(text));
        }
        if !logged.is_empty() {
            let text = format!("ezrouter settings: {}", logged.join("; "));
            self.outbox.send(Outgoing::Log(Message::warning(text)));
        }
        self.said = problems.into_iter().collect();
    }
}
