//! The list of models that the gateway offers (`GET /v1/models`), read leniently. It opens no connection.

use serde_json::Value;

use crate::text::hidden;

/// A model of the catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// What requests name.
    pub id: String,
    /// The surfaces that it is spoken to on (`supported_endpoint_types`), in the gateway's order of preference; `openai` if
    /// the gateway does not say. There may be others than ours among them.
    pub surfaces: Vec<String>,
}

/// The surfaces of ours, in the catalog's words.
const OURS: [&str; 2] = ["openai", "anthropic"];

/// The longest word of a catalog that is taken for one, in bytes.
const LONGEST: usize = 200;

/// Reads the reply to `GET /v1/models`; `None` if it is none. Left out are entries without an id, with one that a terminal
/// would obey or nobody can read, and models that are spoken to on neither of our surfaces, such as those that make pictures.
pub fn read(body: &Value) -> Option<Vec<Model>> {
    let entries = body.get("data")?.as_array()?;
    let models = entries.iter().filter_map(model);
    let ours = |model: &Model| {
        let mut surfaces = model.surfaces.iter();
        surfaces.any(|surface| OURS.contains(&surface.as_str()))
    };
    Some(models.filter(ours).collect())
}

fn model(entry: &Value) -> Option<Model> {
    let id = word(entry.get("id")?)?;
    let named = entry.get("supported_endpoint_types");
    let words = named.and_then(Value::as_array).into_iter().flatten();
    let mut surfaces: Vec<String> = words.filter_map(word).collect();
    if surfaces.is_empty() {
        surfaces.push("openai".to_owned());
    }
    Some(Model { id, surfaces })
}

/// A word that can be shown as it is.
fn word(value: &Value) -> Option<String> {
    let word = value.as_str()?;
    let is_plain = word.len() <= LONGEST && !word.contains(['\n', '\t']);
    (is_plain && hidden::hidden(word).is_empty()).then(|| word.to_owned())
}

/// The model whose id is most like `wanted`, if one is like it at all.
pub fn nearest<'a>(models: &'a [Model], wanted: &str) -> Option<&'a Model> {
    let id = crate::text::nearest::nearest(models.iter().map(|model| model.id.as_str()), wanted)?;
    models.iter().find(|model| model.id == id)
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
            {"id": "draws", "supported_endpoint_types": ["image-generation"]},
            {"id": "silent", "supported_endpoint_types": []},
            {"id": "both", "supported_endpoint_types": ["gemini", "openai", "\u{1b}[2J"]},
            {"id": "red\u{1b}[31m"}, {"id": "turned\u{202e}"}, {"id": "two\nlines"}, {"id": "x".repeat(201)},
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
                r#"kimi-k2.6 ["openai"]"#,
                r#"silent ["openai"]"#,
                r#"both ["gemini", "openai"]"#,
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
