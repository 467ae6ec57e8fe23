//! The layers of settings, the later ones over the earlier: defaults, the user file, the project file, the environment, the
//! editor's settings. What comes of them is kept for each workspace folder, since each may have a project file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::Environment;
use super::file::SettingsFile;
use super::given::{Table, from_json};
use super::reader::{Origin, Place, Reading};
use super::settings::Settings;
use super::table::{Kind, SETTINGS};
use crate::gateway;
use crate::key::Key;
use crate::key::source::{Origin as KeyOrigin, Source};

/// The name of a project's settings file, in its workspace folder.
pub const PROJECT_FILE: &str = ".ezrouter.toml";

/// All settings of this process.
#[derive(Debug)]
pub struct Config {
    environment: Environment,
    user: Option<SettingsFile>,
    /// The project files, by the name of their folder.
    projects: BTreeMap<String, SettingsFile>,
    /// The editor's settings, the older first.
    editor: Vec<Table>,
    /// What holds outside of all folders.
    common: Reading,
    /// What holds in each folder.
    folders: BTreeMap<String, Reading>,
    key: Source,
}

/// The folder of the project that the file at `path` belongs to: the nearest directory upwards that holds a project file or a
/// git repository, as editors find it too.
pub fn project_of(path: &Path) -> Option<PathBuf> {
    let holds = |directory: &&Path| {
        [PROJECT_FILE, ".git"]
            .iter()
            .any(|name| directory.join(name).exists())
    };
    path.ancestors().skip(1).find(holds).map(Path::to_owned)
}

impl Config {
    /// Reads the user file; there is no workspace and no editor yet. Blocks while it reads.
    pub fn new(environment: &Environment) -> Self {
        let mut config = Self {
            environment: environment.clone(),
            user: environment.user_file().map(SettingsFile::of_user),
            projects: BTreeMap::new(),
            editor: Vec::new(),
            common: Reading::default(),
            folders: BTreeMap::new(),
            key: Source::default(),
        };
        config.resolve();
        config
    }

    /// The same with the project in `folder`, if there is one.
    pub fn with_project(environment: &Environment, folder: Option<&Path>) -> Self {
        let mut config = Self::new(environment);
        if let Some(folder) = folder {
            config.set_folders(&[(String::new(), folder.to_owned())]);
        }
        config
    }

    /// Takes the workspace folders there are now, by any name, and reads the project files of new ones. Blocks while it
    /// reads.
    pub fn set_folders(&mut self, folders: &[(String, PathBuf)]) {
        self.projects
            .retain(|name, _| folders.iter().any(|(known, _)| known == name));
        for (name, path) in folders {
            self.projects
                .entry(name.clone())
                .or_insert_with(|| SettingsFile::of_project(path));
        }
        self.resolve();
    }

    /// Takes the editor's settings, the older first: each the section `ezrouter`, or an object that holds it.
    pub fn set_editor(&mut self, layers: &[&Value]) {
        let section = |layer: &&Value| {
            let own = layer.get("ezrouter").filter(|own| own.is_object());
            from_json(own.unwrap_or(layer))
        };
        self.editor = layers.iter().map(section).collect();
        self.resolve();
    }

    /// Looks whether a file has changed, and reads those that have; says whether there was one. Costs one look at the disk
    /// for each file.
    pub fn refresh(&mut self) -> bool {
        let files = self.user.iter_mut().chain(self.projects.values_mut());
        let mut changed = false;
        for file in files {
            changed |= file.refresh();
        }
        if changed {
            self.resolve();
        }
        changed
    }

    /// The settings that hold outside of all workspace folders.
    pub fn settings(&self) -> &Settings {
        &self.common.settings
    }

    /// The settings that hold in a workspace folder.
    pub fn settings_in(&self, folder: &str) -> &Settings {
        let reading = self.folders.get(folder).unwrap_or(&self.common);
        &reading.settings
    }

    /// What is wrong with the settings, one sentence each, without a full stop and without the value of anything secret.
    pub fn problems(&self) -> Vec<&str> {
        let mut problems: Vec<&str> = Vec::new();
        for reading in self.readings() {
            for problem in &reading.problems {
                if !problems.contains(&problem.as_str()) {
                    problems.push(problem);
                }
            }
        }
        problems
    }

    /// Where a setting comes from, as people call it; `None` if it is the default.
    pub fn source(&self, key: &str) -> Option<&str> {
        self.common.sources.get(key).map(String::as_str)
    }

    /// Where each setting that is not the default comes from.
    pub fn sources(&self) -> &BTreeMap<&'static str, String> {
        &self.common.sources
    }

    /// The settings by their keys, as they can be shown to anybody: of texts and lists only how much there is.
    pub fn report(&self) -> Value {
        let settings = self.settings();
        let entries = SETTINGS.iter().map(|setting| {
            let value = match setting.kind {
                Kind::Instructions => json!({"bytes": settings.instructions.text().len()}),
                Kind::Patterns(_) | Kind::Actions | Kind::Command(_) => {
                    json!({"entries": setting.value(settings).as_array().map_or(0, Vec::len)})
                }
                Kind::Path(_) => match setting.value(settings).as_str() {
                    Some(path) => json!(self.environment.without_home(path)),
                    None => Value::Null,
                },
                _ => setting.value(settings),
            };
            (setting.key.to_owned(), value)
        });
        Value::Object(entries.collect())
    }

    /// The user file as people write it, and whether it is there.
    pub fn user_file(&self) -> Option<(String, bool)> {
        let file = self.user.as_ref()?;
        Some((self.environment.shown(file.path()), file.exists()))
    }

    /// Where the gateway is and how to talk to it: only the user and the environment say so.
    pub fn gateway(&self) -> gateway::Settings {
        let settings = self.settings();
        gateway::Settings {
            base_url: settings.base_url.clone(),
            anthropic_base_url: self
                .environment
                .get("EZROUTER_ANTHROPIC_BASE_URL")
                .map(str::to_owned),
            surface: settings.surface,
            key: self.key.clone(),
            proxy: settings.proxy.clone(),
            ca_file: settings.ca_file.clone(),
            timeouts: settings.timeouts,
            attempts: settings.retry_attempts,
            ..gateway::Settings::default()
        }
    }

    fn readings(&self) -> impl Iterator<Item = &Reading> {
        std::iter::once(&self.common).chain(self.folders.values())
    }

    fn resolve(&mut self) {
        self.common = self.read(None);
        let folders = self.projects.keys();
        let read = folders.map(|name| (name.clone(), self.read(Some(name))));
        self.folders = read.collect();
        let key = Source::new(self.key_origin(), self.environment.home());
        if key.is_like(&self.key) {
            // Whoever changes settings may have changed what they lead to.
            self.key.forget();
        } else {
            self.key = key;
        }
    }

    /// The first place of the key that there is.
    fn key_origin(&self) -> KeyOrigin {
        let settings = self.settings();
        if let Some(key) = self.environment.get("EZROUTER_API_KEY").and_then(Key::new) {
            return KeyOrigin::Environment(key);
        }
        if !settings.api_key_command.is_empty() {
            return KeyOrigin::Command(settings.api_key_command.clone());
        }
        match &settings.api_key_file {
            Some(file) => KeyOrigin::File(file.clone(), self.environment.shown(file)),
            None => KeyOrigin::Nowhere,
        }
    }

    /// Reads all layers, with the project file of a folder among them.
    fn read(&self, folder: Option<&str>) -> Reading {
        let mut reading = Reading::default();
        let home = self.environment.home();
        reading.settings.exclusions.home.clone_from(&home);
        let place = |file: &SettingsFile, name| (name, file.path().parent().map(Path::to_path_buf));
        if let Some(file) = &self.user {
            let (name, directory) = place(file, self.environment.shown(file.path()));
            let user = Place {
                name: &name,
                directory: directory.as_deref().unwrap_or(Path::new("")),
                home: home.as_deref(),
            };
            reading.add(Origin::User(user), &file.table, &file.mistakes);
        }
        if let Some(file) = folder.and_then(|folder| self.projects.get(folder)) {
            let name = if self.projects.len() == 1 {
                PROJECT_FILE.to_owned()
            } else {
                self.environment.shown(file.path())
            };
            let (name, directory) = place(file, name);
            let project = Place {
                name: &name,
                directory: directory.as_deref().unwrap_or(Path::new("")),
                home: None,
            };
            reading.add(Origin::Project(project), &file.table, &file.mistakes);
        }
        let home = self.environment.home();
        for setting in SETTINGS {
            if let Some(variable) = setting.variable
                && let Some(value) = self.environment.get(variable)
            {
                reading.add_variable(variable, value, home.as_deref());
            }
        }
        for table in &self.editor {
            reading.add(Origin::Editor, table, &[]);
        }
        reading
    }
}
