//! `ezrouter-lsp check`: whether everything is in place, one line for each thing, with what to do where it is not.

use serde_json::json;

use super::models::Form;
use super::{Context, Ending, print};
use crate::config::Environment;
use crate::gateway::catalog::{Model, nearest};
use crate::gateway::error::{Failure, Kind};

/// What was found about one thing.
struct Finding {
    subject: &'static str,
    well: bool,
    words: String,
}

impl Finding {
    fn new(subject: &'static str, well: bool, words: String) -> Self {
        Self {
            subject,
            well,
            words,
        }
    }

    fn line(&self) -> String {
        let word = if self.well { "ok    " } else { "FAILED" };
        format!("{word} {}: {}\n", self.subject, self.words)
    }
}

/// Checks the key, the address, the way there, the catalog and the model. All is well only if every line is.
pub async fn run(context: &Context, environment: &Environment, form: Form) -> Ending {
    let findings = findings(context, environment).await;
    let all_well = findings.iter().all(|finding| finding.well);
    let text: String = match form {
        Form::Json => {
            let list: Vec<_> = findings
                .iter()
                .map(|finding| json!({"subject": finding.subject, "ok": finding.well, "message": finding.words}))
                .collect();
            format!("{}\n", json!({"ok": all_well, "findings": list}))
        }
        Form::Lines => findings.iter().map(Finding::line).collect(),
    };
    match print(&text) {
        Err(ending) => ending,
        Ok(()) if all_well => Ending::Complete,
        Ok(()) => Ending::Failed("not everything is in place; see above".to_owned()),
    }
}

async fn findings(context: &Context, environment: &Environment) -> Vec<Finding> {
    let settings = environment.gateway(&context.settings);
    let catalog = context.gateway.models().await;
    let source = match environment.get("EZROUTER_BASE_URL") {
        Some(_) => "from EZROUTER_BASE_URL",
        None => "the default",
    };
    let wrong = catalog
        .as_ref()
        .err()
        .filter(|failure| failure.kind == Kind::WrongAddress);
    let mut findings = vec![
        key(settings.key.is_some()),
        address(&settings.base_url, source, wrong),
    ];
    match catalog {
        Err(failure) if failure.kind == Kind::WrongAddress => {}
        Err(failure) => findings.push(Finding::new("gateway", false, failure.to_string())),
        Ok(models) => {
            let words = format!(
                "reached, and it takes the key; its catalog has {} models",
                models.len()
            );
            findings.push(Finding::new("gateway", true, words));
            findings.push(model(&context.settings.model, &models));
        }
    }
    findings
}

fn key(is_set: bool) -> Finding {
    let words = if is_set {
        "from EZROUTER_API_KEY"
    } else {
        "none; set EZROUTER_API_KEY to a key of your ezrouter account"
    };
    Finding::new("key", is_set, words.to_owned())
}

fn address(base_url: &str, source: &str, wrong: Option<&Failure>) -> Finding {
    let words = match wrong {
        Some(failure) => format!(
            "{base_url} ({source}): {}. {}.",
            failure.what, failure.advice
        ),
        None => format!("{base_url} ({source})"),
    };
    Finding::new("base URL", wrong.is_none(), words)
}

fn model(model: &str, models: &[Model]) -> Finding {
    let known = models.iter().any(|known| known.id == model);
    let words = match nearest(models, model) {
        _ if known => format!("{model} is in the catalog"),
        Some(near) => format!(
            "{model} is not in the catalog; did you mean {}? Set EZROUTER_MODEL",
            near.id
        ),
        None => format!(
            "{model} is not in the catalog; `ezrouter-lsp models` lists it. Set EZROUTER_MODEL"
        ),
    };
    Finding::new("model", known, words)
}
