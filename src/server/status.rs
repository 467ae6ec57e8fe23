//! `ezrouter.status`: what the server is doing and which settings are in force, safe to be pasted into a bug report: no key,
//! no text of documents or of what was asked, and `~` for the home directory.

use serde_json::{Value, json};

use super::job::Job;
use super::progress::Progress;
use super::state::State;
use crate::action::BUILT_IN;
use crate::gateway::address::Address;

impl State {
    pub(super) fn status(&self) -> Value {
        let jobs = self.jobs.values().rev().filter(|job| !job.is_earlier);
        let mut settings = self.config.report();
        settings["model"] = json!(
            self.selected_model
                .as_ref()
                .unwrap_or(&self.config.settings().model)
        );
        settings["base_url"] = json!(self.base_url());
        settings["key"] = json!(self.config.gateway().key.name());
        settings["offline"] = json!(self.environment.is_offline());
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "client": {"name": self.caps.client_name, "version": self.caps.client_version},
            "settings": settings,
            "sources": self.config.sources(),
            "problems": self.config.problems(),
            "jobs": jobs.map(|job| self.job_status(job)).collect::<Vec<_>>(),
        })
    }

    /// Where requests go; a base URL that is none may hold anything, so it is not shown.
    fn base_url(&self) -> String {
        let base = &self.config.settings().base_url;
        match Address::new(base) {
            Ok(_) => base.clone(),
            Err(failure) => failure.what,
        }
    }

    fn job_status(&self, job: &Job) -> Value {
        let message = job.message.as_deref();
        json!({
            "job": job.id,
            "title": title(job),
            "uri": self.environment.without_home(&job.uri),
            "range": self.job_range(job),
            "state": job.status.word(),
            "model": job.model,
            "seconds": job.seconds(self.now()),
            "usage": job.told_usage(),
            "masked": job.masked,
            "requestId": job.request_id,
            "message": message.map(|message| self.environment.without_home(message)),
            "progress": matches!(job.progress, Progress::Shown(_)),
        })
    }
}

/// The name of a built-in action; any other title may be the beginning of what the user asked.
fn title(job: &Job) -> &str {
    let is_built_in = BUILT_IN.iter().any(|action| action.title == job.title);
    if is_built_in {
        &job.title
    } else {
        "in the user's words"
    }
}
