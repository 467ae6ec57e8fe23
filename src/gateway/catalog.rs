//! The list of models that the gateway offers (`GET /v1/models`), read leniently. It opens no connection.

use serde_json::Value;

/// A model of the catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// What requests name.
    pub id: String,
    /// The surfaces that it is spoken to on (`supported_endpoint_types`), in the gateway's order of preference; `openai` if
    /// the gateway does not say.
    pub surfaces: Vec<String>,
}

/// Reads the reply to `GET /v1/models`; `None` if it is none. Entries without an id are left out.
pub fn read(body: &Value) -> Option<Vec<Model>> {
    let entries = body.get("data")?.as_array()?;
    let model = |entry: &Value| {
        let id = entry.get("id")?.as_str()?.to_owned();
        let named = entry
            .get("supported_endpoint_types")
            .and_then(Value::as_array);
        let surfaces = named.map(|names| {
            names
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect()
        });
        Some(Model {
            id,
            surfaces: surfaces.unwrap_or_else(|| vec!["openai".to_owned()]),
        })
    };
    Some(entries.iter().filter_map(model).collect())
}

/// The model whose id is most like `wanted`, if one is like it at all.
pub fn nearest<'a>(models: &'a [Model], wanted: &str) -> Option<&'a Model> {
    const ALIKE: f32 = 0.5;
    let likeness = |model: &Model| similar::TextDiff::from_chars(model.id.as_str(), wanted).ratio();
    let rated = models.iter().map(|model| (likeness(model), model));
    let best = rated.max_by(|(one, _), (other, _)| one.total_cmp(other));
    best.filter(|(likeness, _)| ALIKE <= *likeness)
        .map(|(_, model)| model)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_catalog_is_read_leniently() {
        let body = json!({"success": true, "data": [
            {"id": "claude-sonnet-4-6", "supported_endpoint_types": ["anthropic", "openai"]},
            {"id": "kimi-k2.6"}, {"object": "model"}, 7,
        ]});
        let models = read(&body).unwrap();
        let shown: Vec<String> = models
            .iter()
            .map(|model| format!("{} {:?}", model.id, model.surfaces))
            .collect();
        assert_eq!(
            shown,
            [
                r#"claude-sonnet-4-6 ["anthropic", "openai"]"#,
                r#"kimi-k2.6 ["openai"]"#
            ]
        );
        for body in [
            json!({"success": false, "message": "no"}),
            json!([]),
            json!("data"),
        ] {
            assert_eq!(read(&body), None);
        }
    }

    #[test]
    fn the_nearest_id_is_found() {
        let model = |id: &str| Model {
            id: id.to_owned(),
            surfaces: Vec::new(),
        };
        let models = [
            model("claude-sonnet-4-6"),
            model("claude-opus-4-7"),
            model("glm-5.1"),
        ];
        let cases = [
            ("claude-sonet-4-6", Some("claude-sonnet-4-6")),
            ("claude-4-7-opus", Some("claude-opus-4-7")),
            ("zzzzzz", None),
        ];
        for (wanted, found) in cases {
            assert_eq!(
                nearest(&models, wanted).map(|model| model.id.as_str()),
                found,
                "{wanted}"
            );
        }
    }
}
