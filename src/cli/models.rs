//! `ezrouter-lsp models`: the catalog, one model a line.

use serde_json::json;

use super::{Context, Ending, print};

/// How the catalog is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A line for each model: id and surfaces.
    Lines,
    /// A JSON list.
    Json,
}

/// Prints the catalog; the model in force is marked.
pub async fn run(context: &Context, form: Form) -> Ending {
    let models = match context.gateway.models().await {
        Ok(models) => models,
        Err(failure) => return Ending::Failed(failure.to_string()),
    };
    let text = match form {
        Form::Json => {
            let list: Vec<_> = models
                .iter()
                .map(|model| json!({"id": model.id, "surfaces": model.surfaces}))
                .collect();
            format!("{}\n", json!(list))
        }
        Form::Lines => {
            let width = models
                .iter()
                .map(|model| model.id.len())
                .max()
                .unwrap_or_default();
            let line = |model: &crate::gateway::catalog::Model| {
                let mark = if model.id == context.settings().model {
                    '*'
                } else {
                    ' '
                };
                format!(
                    "{mark} {:width$}  {}\n",
                    model.id,
                    model.surfaces.join(", ")
                )
            };
            models.iter().map(line).collect()
        }
    };
    print(&text).err().unwrap_or(Ending::Complete)
}
