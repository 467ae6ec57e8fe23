//! A request and its key: the source is asked when the request needs it, once more if the gateway refuses what it gave, and
//! what is told of the request never holds it. How a request is made and repeated is not decided here.

use std::sync::Arc;

use tokio::time::sleep;

use super::error::{Failure, Kind};
use super::signal::{Finish, Signal};
use super::surface::Surface;
use super::{Sender, Shared, tell};
use crate::key::Key;
use crate::key::source::Given;
use crate::prompt::Request;

impl Shared {
    /// Sends a request with the key of its source.
    pub(super) async fn run(
        self: &Arc<Self>,
        surface: Surface,
        request: &Request,
        sender: &Sender,
    ) -> Result<Finish, Failure> {
        // Nobody is asked for a password in vain.
        self.way(surface)
            .address
            .as_ref()
            .map_err(|failure| self.advise(surface, failure.clone()))?;
        let source = &self.settings.key;
        let given = self.patiently(source.key(), sender).await?;
        let end = self.attempts(surface, request, &given.key, sender).await;
        let is_refused = matches!(&end, Err(failure) if failure.kind == Kind::BadKey);
        let other = if is_refused {
            self.patiently(source.other_than(&given), sender).await
        } else {
            None
        };
        let (end, other) = match other {
            None => (end, None),
            Some(Given { key, .. }) => {
                let end = self.attempts(surface, request, &key, sender).await;
                (end, Some(key))
            }
        };
        let keys: Vec<&Key> = std::iter::once(&given.key).chain(&other).collect();
        match end {
            Ok(Finish::Other(reason)) => Ok(Finish::Other(hide(&keys, &reason))),
            Ok(finish) => Ok(finish),
            Err(failure) => {
                let failure = self.advise(surface, source.advise(failure));
                Err(keys
                    .iter()
                    .fold(failure, |failure, key| failure.presentable(Some(key))))
            }
        }
    }

    /// Waits for the source of the key, and says so when that takes long: somebody may have to type a password.
    async fn patiently<T>(&self, asking: impl Future<Output = T>, sender: &Sender) -> T {
        tokio::pin!(asking);
        tokio::select! {
            biased;
            answer = &mut asking => return answer,
            () = sleep(self.settings.slow_key) => {}
        }
        let source = self.settings.key.name();
        tell(sender, Signal::Key { source });
        asking.await
    }

    pub(super) fn advise(&self, surface: Surface, failure: Failure) -> Failure {
        surface.advise(self.anthropic.is_some(), failure)
    }
}

fn hide(keys: &[&Key], text: &str) -> String {
    keys.iter()
        .fold(text.to_owned(), |text, key| key.hide_in(&text))
}
