//! What is known of the catalog, and when it is asked for again: behind the requests, none of which waits for it, and only
//! by a client that stays, as a server does. How it is asked for stands in [`super::visit`].

use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};

use super::catalog::{self, Model};
use super::error::Failure;
use super::signal::Finish;
use super::visit::Visit;
use super::{Gateway, Shared, refusal};
use crate::key::Key;

/// The header by which the gateway says what it runs; its catalog may change with that.
pub(super) const VERSION: &str = "x-new-api-version";

/// When the catalog is asked for again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// It is, once it is as old as this.
    pub longest: Duration,
    /// It is not, if that was tried less than this ago. Half of a gateway's machines may run another version for a while,
    /// and one that is down is not helped by being asked.
    pub pause: Duration,
}

impl Default for Freshness {
    fn default() -> Self {
        Self {
            longest: Duration::from_secs(3600),
            pause: Duration::from_secs(60),
        }
    }
}

/// How long a failed request waits for the catalog, to say which model may have been meant.
const SUGGESTION: Duration = Duration::from_secs(2);

/// What is known of the catalog.
#[derive(Debug, Default)]
pub(super) struct Known {
    models: Vec<Model>,
    /// When they were told, and under which version of the gateway.
    learned: Option<(Instant, Option<String>)>,
    /// When they were asked for last.
    asked: Option<Instant>,
    /// The version that the newest reply named.
    version: Option<String>,
    /// Whether the catalog is to be kept fresh.
    is_followed: bool,
    /// Asks for it now, unless it has finished.
    task: Option<AbortHandle>,
}

impl Known {
    pub(super) fn follow(&mut self) {
        self.is_followed = true;
    }

    /// A reply named this version of the gateway.
    pub(super) fn note(&mut self, version: Option<String>) {
        self.version = version.or(self.version.take());
    }

    pub(super) fn model(&self, id: &str) -> Option<&Model> {
        self.models.iter().find(|model| model.id == id)
    }

    /// Whether it is time to ask again, at `now`.
    fn is_due(&self, freshness: Freshness, now: Instant) -> bool {
        let paused = |asked: Instant| now < asked + freshness.pause;
        if !self.is_followed || self.asked.is_some_and(paused) {
            return false;
        }
        let Some((at, version)) = &self.learned else {
            return true;
        };
        // A reply that names no version came from something in front of the gateway.
        let differs = version.is_some() && self.version.is_some() && *version != self.version;
        differs || *at + freshness.longest <= now
    }

    fn is_being_asked(&self) -> bool {
        self.task.as_ref().is_some_and(|task| !task.is_finished())
    }
}

/// The catalog as it was seen last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The models that can be spoken to.
    pub models: Vec<Model>,
    /// How long ago it was seen; `None` if it never was.
    pub age: Option<Duration>,
}

impl Seen {
    /// What to say of a model that the catalog lacks, as a clause; `None` if it has the model, or was never seen.
    pub fn lack_of(&self, model: &str) -> Option<String> {
        if self.models.is_empty() || self.models.iter().any(|known| known.id == model) {
            return None;
        }
        let lacks = "the catalog does not have it";
        Some(match catalog::nearest(&self.models, model) {
            Some(near) => format!("{lacks}; did you mean {}?", near.id),
            None => lacks.to_owned(),
        })
    }
}

impl Gateway {
    /// The catalog as it was seen last.
    pub fn seen(&self) -> Seen {
        let known = self.shared.known();
        Seen {
            models: known.models.clone(),
            age: known.learned.as_ref().map(|(at, _)| at.elapsed()),
        }
    }

    /// Asks for the catalog in the background, unless that is being done or the key would have to be asked for. Needs a
    /// tokio runtime; returns at once.
    pub fn refresh(&self) {
        self.shared.refresh();
    }
}

impl Shared {
    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refresh(self: &Arc<Self>) {
        let mut known = self.known();
        if !known.is_being_asked() {
            let shared = Arc::clone(self);
            let task = tokio::spawn(async move { shared.ask_for_catalog().await });
            known.task = Some(task.abort_handle());
        }
    }

    async fn ask_for_catalog(&self) {
        // Nobody is to be asked for a password out of the blue.
        let Some(key) = self.settings.key.at_hand().await else {
            return;
        };
        self.known().asked = Some(Instant::now());
        let mut visit = self.visit(Some(&key)).await;
        self.learn(&mut visit, Some(&key));
        if let Err(failure) = visit.catalog {
            let failure = failure.presentable(Some(&key));
            tracing::info!("the catalog could not be read: {failure}");
        }
    }

    /// Keeps what a visit has told. The key, if the gateway has put it into a name, is taken out.
    pub(super) fn learn(&self, visit: &mut Visit, key: Option<&Key>) {
        let Ok(models) = &mut visit.catalog else {
            return;
        };
        if let Some(key) = key {
            for model in &mut *models {
                model.id = key.hide_in(&model.id);
                for surface in &mut model.surfaces {
                    *surface = key.hide_in(surface);
                }
            }
        }
        let mut known = self.known();
        known.models.clone_from(models);
        known.learned = Some((Instant::now(), visit.version.clone()));
        known.note(visit.version.clone());
    }

    /// What a request leaves behind: the catalog is asked for if it is time, and a failure that may be the model's says which
    /// one may have been meant.
    pub(super) async fn follow_up(
        self: &Arc<Self>,
        end: Result<Finish, Failure>,
        model: &str,
    ) -> Result<Finish, Failure> {
        let is_due = self.known().is_due(self.settings.freshness, Instant::now());
        if is_due {
            self.refresh();
        }
        match end {
            Err(failure) if refusal::may_blame_the_model(&failure) => {
                Err(self.suggest(failure, model).await)
            }
            end => end,
        }
    }

    /// The failure with the model that may have been meant, if the catalog lacks the one that was asked and has one like it.
    async fn suggest(&self, mut failure: Failure, model: &str) -> Failure {
        let pause = self.settings.freshness.pause;
        let learned = self.known().learned.as_ref().map(|(at, _)| at.elapsed());
        if learned.is_none_or(|age| pause <= age) {
            // Without an answer in time, the failure tells what is known.
            timeout(SUGGESTION, self.ask_for_catalog()).await.ok();
        }
        let known = self.known();
        if known.model(model).is_none()
            && let Some(near) = catalog::nearest(&known.models, model)
        {
            let meant = format!(" (did you mean {}?)", near.id);
            failure.advice.push_str(&meant);
        }
        failure.presentable(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn the_catalog_is_asked_for_again_when_it_is_old_or_the_gateway_is_another() {
        let now = Instant::now() + 200 * MINUTE;
        let before = |minutes: Option<u32>| minutes.map(|minutes| now - minutes * MINUTE);
        let version = |name: &str| (!name.is_empty()).then(|| name.to_owned());
        // How many minutes ago it was told, under which version, when it was asked for, which version was named since.
        for (told, under, asked, named, due) in [
            (None, "", None, "", true),
            (None, "", Some(0), "", false),
            (None, "", Some(1), "", true),
            (Some(59), "1", Some(59), "1", false),
            (Some(60), "1", Some(60), "1", true),
            (Some(60), "1", Some(0), "1", false),
            (Some(5), "1", Some(5), "2", true),
            (Some(5), "1", Some(0), "2", false),
            (Some(5), "1", Some(5), "", false),
            (Some(5), "", Some(5), "2", false),
        ] {
            let mut known = Known {
                learned: before(told).map(|at| (at, version(under))),
                asked: before(asked),
                version: version(named),
                ..Known::default()
            };
            let is_due = |known: &Known| known.is_due(Freshness::default(), now);
            assert!(!is_due(&known), "not followed");
            known.follow();
            assert_eq!(is_due(&known), due, "{told:?} {under} {asked:?} {named}");
        }
    }

    #[test]
    fn a_model_that_the_catalog_lacks_is_told_with_the_nearest_one() {
        let model = |id: &str| Model {
            id: id.to_owned(),
            surfaces: vec!["openai".to_owned()],
        };
        let seen = Seen {
            models: vec![model("claude-sonnet-4-6"), model("glm-5.1")],
            age: Some(MINUTE),
        };
        for (id, said) in [
            ("glm-5.1", None),
            (
                "claude-sonet-4-6",
                Some("the catalog does not have it; did you mean claude-sonnet-4-6?"),
            ),
            ("zzz", Some("the catalog does not have it")),
        ] {
            assert_eq!(seen.lack_of(id).as_deref(), said);
        }
        assert_eq!(Seen::default().lack_of("zzz"), None, "nothing is known");
    }
}
