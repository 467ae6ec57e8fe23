//! `ezrouter-lsp check`: whether everything is in place, one line for each thing, with what to do where it is not. What
//! cannot be told because something before it is missing says so and is no failure of its own. Safe to paste into a bug
//! report: neither the key nor a proxy's password is printed.

mod finding;
mod local;

use std::time::{Duration, SystemTime};

use self::finding::{Finding, Report};
use super::models::Form;
use super::{Context, Ending};
use crate::config::{Config, Environment};
use crate::gateway::Settings;
use crate::gateway::address::{Address, Scheme};
use crate::gateway::catalog::{Model, nearest};
use crate::gateway::connection::Cause;
use crate::gateway::error::Failure;
use crate::gateway::route::{self, Proxy};
use crate::gateway::surface::Choice;
use crate::gateway::visit::Visit;

/// The longest that a lookup or a connection may take here; the whole answer may take twice as long.
const PATIENCE: Duration = Duration::from_secs(10);

/// A clock that is further off than this fails the checks of certificates and signatures sooner or later.
const CLOCK: Duration = Duration::from_secs(300);

/// Checks everything and prints a line for each thing. All is well only if no line says otherwise.
pub async fn run(context: &Context, environment: &Environment, form: Form) -> Ending {
    let mut report = Report::new(form);
    let outcome = tokio::select! {
        outcome = examine(context, environment, &mut report) => outcome,
        _ = tokio::signal::ctrl_c() => Err(Ending::Interrupted),
    };
    match outcome.and_then(|()| report.end()) {
        Err(ending) => ending,
        Ok(true) => Ending::Complete,
        Ok(false) => Ending::Failed("not everything is in place; see above".to_owned()),
    }
}

async fn examine(
    context: &Context,
    environment: &Environment,
    report: &mut Report,
) -> Result<(), Ending> {
    let settings = context.config.gateway();
    let address = Address::new(&settings.base_url);
    report.add(local::configuration(environment, &context.config))?;
    report.add(local::key(environment, &settings.key).await)?;
    report.add(base_url(environment, &context.config, &address))?;
    if let Some(finding) = anthropic_base_url(context, &settings).await {
        report.add(finding)?;
    }
    report.add(local::state_directory(environment))?;
    let place = report.is_well("state directory");
    report.add(local::store(environment, context.settings(), place))?;
    let ca_file = settings.ca_file.as_deref();
    report.add(local::certificates(environment, ca_file, &address).await)?;
    let Ok(address) = address else {
        let rest = ["proxy", "DNS", "TLS", "clock", "catalog", "model"];
        return report.untried(&rest, "not tried without a base URL");
    };
    let by_setting = settings.proxy.as_ref().map(Proxy::host_and_port);
    let proxy = by_setting.or_else(|| route::proxy_of_environment(&address.models));
    let proxy = proxy.filter(|_| !address.is_loopback);
    report.add(proxy_listens(&address, proxy.as_ref()).await)?;
    report.add(dns(&address, proxy.is_some()).await)?;
    let Ok(visit) = tokio::time::timeout(2 * PATIENCE, context.gateway.visit()).await else {
        report.add(no_answer("TLS"))?;
        return report.untried(
            &["clock", "catalog", "model"],
            "not tried without an answer",
        );
    };
    report.add(tls(&address, &visit))?;
    report.add(clock(visit.date.as_deref(), SystemTime::now()))?;
    let has_key = report.is_well("key");
    report.add(catalog(&visit, has_key))?;
    report.add(model(
        &context.settings().model,
        visit.catalog.as_deref().ok(),
    ))
}

fn base_url(
    environment: &Environment,
    config: &Config,
    address: &Result<Address, Failure>,
) -> Finding {
    let source = match config.source("base_url") {
        _ if environment.is_offline() => "offline: the scripted stand-in answers".to_owned(),
        Some(source) => format!("from {source}"),
        None => "the default".to_owned(),
    };
    match address {
        Ok(address) => {
            let shown = address.models.trim_end_matches("/v1/models");
            Finding::well("base URL", format!("{shown} ({source})"))
        }
        // What is wrong with it may be a password in it, so it is not shown.
        Err(failure) => Finding::failed(
            "base URL",
            format!("{source}: {}. {}", failure.what, failure.advice),
        ),
    }
}

/// Where the Anthropic surface has a base URL of its own: whether it is one, and whether somebody answers there.
async fn anthropic_base_url(context: &Context, settings: &Settings) -> Option<Finding> {
    const SUBJECT: &str = "Anthropic base URL";
    const SOURCE: &str = "from EZROUTER_ANTHROPIC_BASE_URL";
    if settings.surface == Choice::OpenAi {
        let words = "not used, as the setting surface is openai";
        let is_set = settings.anthropic_base_url.is_some();
        return is_set.then(|| Finding::untried(SUBJECT, words));
    }
    let asked = context.gateway.anthropic_address();
    let Ok(address) = tokio::time::timeout(2 * PATIENCE, asked).await else {
        return Some(no_answer(SUBJECT));
    };
    Some(match address? {
        Ok(address) => {
            let shown = address.messages.trim_end_matches("/v1/messages");
            Finding::well(SUBJECT, format!("{shown} ({SOURCE})"))
        }
        // As with the base URL, it may hold a password and is not shown.
        Err(failure) => Finding::failed(
            SUBJECT,
            format!("{SOURCE}: {}. {}", failure.what, failure.advice),
        ),
    })
}

fn no_answer(subject: &'static str) -> Finding {
    let words = format!(
        "no answer within {} s; check the network and the proxy",
        2 * PATIENCE.as_secs()
    );
    Finding::failed(subject, words)
}

async fn proxy_listens(address: &Address, proxy: Option<&(String, u16)>) -> Finding {
    const SUBJECT: &str = "proxy";
    if address.is_loopback {
        return Finding::untried(SUBJECT, "not used for this computer");
    }
    let Some((host, port)) = proxy else {
        return Finding::well(SUBJECT, "none".to_owned());
    };
    match route::listens(host, *port, PATIENCE).await {
        Ok(()) => Finding::well(SUBJECT, format!("{host}:{port} listens")),
        Err(error) => Finding::failed(
            SUBJECT,
            format!(
                "{host}:{port} cannot be reached: {error}; check HTTPS_PROXY and NO_PROXY, or the setting proxy"
            ),
        ),
    }
}

async fn dns(address: &Address, by_proxy: bool) -> Finding {
    const SUBJECT: &str = "DNS";
    let (host, port) = address.host_and_port();
    if by_proxy {
        return Finding::untried(SUBJECT, "left to the proxy");
    }
    match route::addresses(&host, port, PATIENCE).await {
        Ok(found) if !found.is_empty() => {
            let list: Vec<String> = found
                .iter()
                .take(3)
                .map(|address| address.ip().to_string())
                .collect();
            Finding::well(SUBJECT, format!("{host} is {}", list.join(", ")))
        }
        Ok(_) => Finding::failed(
            SUBJECT,
            format!("{host} has no address; check the base URL"),
        ),
        Err(error) => Finding::failed(
            SUBJECT,
            format!(
                "{host} has no known address ({error}); check the network connection and the base URL"
            ),
        ),
    }
}

/// The connection, and its encryption where there is one.
fn tls(address: &Address, visit: &Visit) -> Finding {
    const SUBJECT: &str = "TLS";
    let Some(obstacle) = visit.obstacle else {
        return match address.scheme {
            Scheme::Https => Finding::well(
                SUBJECT,
                format!("{} has a certificate that is trusted", address.host),
            ),
            Scheme::Http => Finding::untried(SUBJECT, "not used for this computer"),
        };
    };
    let words = match &visit.catalog {
        Err(failure) => format!("{}. {}", failure.what, failure.advice),
        Ok(_) => String::new(),
    };
    match obstacle {
        Cause::Certificate => Finding::failed(
            SUBJECT,
            format!(
                "{words}. This computer's clock says {}",
                httpdate::fmt_http_date(SystemTime::now())
            ),
        ),
        Cause::UnknownHost => Finding::untried(SUBJECT, "not tried without an address"),
        _ => Finding::failed(SUBJECT, words),
    }
}

fn clock(date: Option<&str>, now: SystemTime) -> Finding {
    const SUBJECT: &str = "clock";
    let Some(theirs) = date.and_then(|date| httpdate::parse_http_date(date).ok()) else {
        return Finding::untried(SUBJECT, "not known: no answer with a date");
    };
    let apart = now
        .duration_since(theirs)
        .or_else(|_| theirs.duration_since(now))
        .unwrap_or_default();
    if apart <= CLOCK {
        return Finding::well(SUBJECT, format!("{} s from the gateway's", apart.as_secs()));
    }
    Finding::failed(
        SUBJECT,
        format!(
            "this computer says {}, the gateway {}; set the clock, or certificates will be refused",
            httpdate::fmt_http_date(now),
            httpdate::fmt_http_date(theirs)
        ),
    )
}

fn catalog(visit: &Visit, has_key: bool) -> Finding {
    const SUBJECT: &str = "catalog";
    match &visit.catalog {
        _ if visit.obstacle.is_some() => {
            Finding::untried(SUBJECT, "not tried without a connection")
        }
        Ok(models) if has_key => Finding::well(
            SUBJECT,
            format!("the gateway takes the key and has {} models", models.len()),
        ),
        _ if !has_key => Finding::untried(SUBJECT, "not tried without a key"),
        Ok(_) => Finding::untried(SUBJECT, ""),
        Err(failure) => Finding::failed(SUBJECT, failure.to_string()),
    }
}

fn model(model: &str, models: Option<&[Model]>) -> Finding {
    const SUBJECT: &str = "model";
    let Some(models) = models else {
        return Finding::untried(SUBJECT, "not tried without a catalog");
    };
    if models.iter().any(|known| known.id == model) {
        return Finding::well(SUBJECT, format!("{model} is in the catalog"));
    }
    let words = match nearest(models, model) {
        Some(near) => format!(
            "{model} is not in the catalog; did you mean {}? Set EZROUTER_MODEL",
            near.id
        ),
        None => format!(
            "{model} is not in the catalog; `ezrouter-lsp models` lists it. Set EZROUTER_MODEL"
        ),
    };
    Finding::failed(SUBJECT, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_may_be_five_minutes_off_and_no_more() {
        let theirs = "Tue, 24 Nov 2026 12:00:00 GMT";
        let now = httpdate::parse_http_date(theirs).unwrap();
        for (seconds, ok) in [(0, Some(true)), (300, Some(true)), (301, Some(false))] {
            let apart = Duration::from_secs(seconds);
            assert_eq!(clock(Some(theirs), now + apart).ok, ok, "{seconds} s later");
            assert_eq!(
                clock(Some(theirs), now - apart).ok,
                ok,
                "{seconds} s before"
            );
        }
        assert_eq!(clock(None, now).ok, None);
        assert_eq!(clock(Some("yesterday"), now).ok, None);
    }
}
