//! One visit to the catalog: the models, and what the way there has shown. It makes one attempt and judges nothing that
//! `check` could tell the user better.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::address::Address;
use super::attempt::{REQUEST_ID, answered, header, read_some, refused};
use super::catalog::{self, Model};
use super::complaint::Complaint;
use super::connection::Cause;
use super::error::{Failure, Kind};
use super::known::VERSION;
use super::refusal::Wanted;
use super::surface::Surface;
use super::way::Way;
use super::{Gateway, Shared, headers, reader, refusal};
use crate::key::Key;
use crate::key::source::Given;

/// What is read of a catalog, and for how long.
const CATALOG: (usize, Duration) = (4 << 20, Duration::from_secs(20));

/// What a visit has shown.
#[derive(Debug)]
pub struct Visit {
    /// Why there is no connection; `None` if the gateway answered, whatever it said.
    pub obstacle: Option<Cause>,
    /// The header `date` of the answer.
    pub date: Option<String>,
    /// The header `x-new-api-version` of the answer; the gateway's catalog may change when this does.
    pub version: Option<String>,
    /// The models, or what the user reads.
    pub catalog: Result<Vec<Model>, Failure>,
    /// The gateway said with status 200 that it failed.
    stumbled: bool,
}

impl Visit {
    fn failed(obstacle: Option<Cause>, failure: Failure) -> Self {
        Self {
            obstacle,
            date: None,
            version: None,
            catalog: Err(failure),
            stumbled: false,
        }
    }
}

impl Gateway {
    /// Asks for the catalog once, also without a key: then the way there is shown all the same. What it says of surfaces
    /// holds for the requests that follow. Dropping the future cancels it.
    pub async fn visit(&self) -> Visit {
        let source = &self.shared.settings.key;
        let mut given = source.key().await.ok();
        let mut visit = self.shared.visit(key_of(given.as_ref())).await;
        let is_refused = matches!(&visit.catalog, Err(failure) if failure.kind == Kind::BadKey);
        if let Some(refused) = given.take_if(|_| is_refused) {
            given = source.other_than(&refused).await;
            if given.is_some() {
                visit = self.shared.visit(key_of(given.as_ref())).await;
            }
            given = given.or(Some(refused));
        }
        visit.catalog = visit
            .catalog
            .map_err(|failure| source.advise(failure).presentable(key_of(given.as_ref())));
        self.shared.learn(&mut visit, key_of(given.as_ref()));
        visit
    }

    /// The address of the Anthropic surface's own base URL, if it has one, once somebody answers there, whatever the answer
    /// is. Neither the key nor any text goes there, and nothing does where the gateway itself is. Dropping the future
    /// cancels it.
    pub async fn anthropic_address(&self) -> Option<Result<Address, Failure>> {
        let way = self.shared.anthropic.as_ref()?;
        let address = self.shared.answering(way).await;
        Some(address.map_err(|failure| {
            let failure = self.shared.advise(Surface::Anthropic, failure);
            failure.presentable(None)
        }))
    }
}

fn key_of(given: Option<&Given>) -> Option<&Key> {
    given.map(|given| &given.key)
}

impl Shared {
    /// Asks for the catalog, and once more if the gateway says with status 200 that it could not read it itself (new-api:
    /// `{"success": false, ...}`).
    pub(super) async fn visit(&self, key: Option<&Key>) -> Visit {
        let visit = self.visit_once(key).await;
        if visit.stumbled {
            self.visit_once(key).await
        } else {
            visit
        }
    }

    /// The address of a way once somebody answers there.
    async fn answering(&self, way: &Arc<Way>) -> Result<Address, Failure> {
        let address = way.address.clone()?;
        let place = |address: &Address| (address.scheme, address.host.clone());
        if matches!(&self.main.address, Ok(main) if place(main) == place(&address)) {
            return Ok(address);
        }
        let get = way.ready_client().await?.get(&address.messages);
        match answered(get, &address.host, self.settings.timeouts.first_byte).await {
            Ok(_) => Ok(address),
            Err((_, setback)) => Err(setback.failure),
        }
    }

    async fn visit_once(&self, key: Option<&Key>) -> Visit {
        let address = match &self.main.address {
            Ok(address) => address,
            Err(failure) => return Visit::failed(None, failure.clone()),
        };
        let client = match self.main.ready_client().await {
            Ok(client) => client,
            Err(failure) => return Visit::failed(Some(Cause::Other), failure),
        };
        let headers = key.and_then(|key| headers::of(Surface::OpenAi, key).ok());
        let get = client
            .get(&address.models)
            .headers(headers.unwrap_or_default());
        let limit = self.settings.timeouts.first_byte;
        let response = match answered(get, &address.host, limit).await {
            Err((cause, setback)) => return Visit::failed(Some(cause), setback.failure),
            Ok(response) => response,
        };
        let date = header(&response, "date");
        let version = header(&response, VERSION);
        let request_id = header(&response, REQUEST_ID);
        let is_success = response.status().is_success();
        let (catalog, stumbled) = if is_success {
            read(&read_some(response, CATALOG).await)
        } else {
            (Err(refused(response, Wanted::Catalog).await.failure), false)
        };
        Visit {
            obstacle: None,
            date,
            version,
            catalog: catalog.map_err(|failure| failure.named(request_id)),
            stumbled,
        }
    }
}

/// What the body of a reply with status 200 holds, and whether that is an error of the gateway's own.
fn read(body: &[u8]) -> (Result<Vec<Model>, Failure>, bool) {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    match Complaint::of_value(&body) {
        Some(complaint) => (Err(refusal::in_stream(complaint).failure), true),
        None => (catalog::read(&body).ok_or_else(reader::web_page), false),
    }
}
