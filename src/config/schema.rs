//! What describes the settings to programs and people: the JSON Schema of `ezrouter-lsp schema`, and the README's table. Both
//! are made from the one list of settings.

use serde_json::{Map, Value, json};

use super::table::{DAY, Kind, LONGEST_LINE, LONGEST_TEXT, MOST, SETTINGS, Scope, Setting};

/// The JSON Schema (draft 7, which editors' plugins for TOML and JSON read) of the user file. `x-where` says where a setting
/// may be set.
pub fn schema() -> Value {
    let mut properties = Map::new();
    for setting in SETTINGS {
        match setting.key.split_once('.') {
            None => drop(properties.insert(setting.key.to_owned(), described(setting))),
            Some((group, name)) => {
                let group = properties
                    .entry(group)
                    .or_insert_with(|| object(&Map::new()));
                group["properties"][name] = described(setting);
            }
        }
    }
    let mut schema = object(&properties);
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!("Settings of ezrouter-lsp");
    schema
}

fn object(properties: &Map<String, Value>) -> Value {
    json!({"type": "object", "additionalProperties": false, "properties": properties})
}

fn described(setting: &Setting) -> Value {
    let mut schema = form(&setting.kind);
    schema["description"] = json!(setting.meaning.replace('`', ""));
    let default = setting.default_value();
    if !default.is_null() {
        schema["default"] = default;
    }
    schema["x-where"] = json!(setting.scope.words());
    if let Some(variable) = setting.variable {
        schema["x-environment"] = json!(variable);
    }
    schema
}

fn form(kind: &Kind) -> Value {
    let line = || json!({"type": "string", "minLength": 1, "maxLength": LONGEST_LINE});
    match kind {
        Kind::Line(_) | Kind::Path(_) | Kind::Proxy(_) => line(),
        Kind::Instructions => json!({"type": "string", "maxLength": LONGEST_TEXT}),
        Kind::Flag(_) | Kind::Guard(_) => json!({"type": "boolean"}),
        Kind::Whole(bounds, _) => {
            json!({"type": "integer", "minimum": bounds.start(), "maximum": bounds.end()})
        }
        Kind::Seconds(_) => json!({"type": "number", "exclusiveMinimum": 0, "maximum": DAY}),
        Kind::Word { words, .. } => json!({"enum": words}),
        Kind::Command(_) => {
            json!({"type": "array", "items": line(), "minItems": 1, "maxItems": MOST})
        }
        Kind::Patterns(_) => json!({"type": "array", "items": line(), "maxItems": MOST}),
        Kind::Actions => json!({"type": "array", "maxItems": MOST, "items": {
            "type": "object",
            "additionalProperties": false,
            "required": ["id", "title", "kind", "prompt"],
            "properties": {
                "id": {"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$"},
                "title": {"type": "string", "minLength": 1, "maxLength": 80},
                "kind": {"enum": ["ask", "rewrite"]},
                "prompt": {"type": "string", "minLength": 1, "maxLength": LONGEST_TEXT},
                "languages": {"type": "array", "items": line(), "maxItems": MOST},
                "model": line(),
            },
        }}),
    }
}

/// The rows of the README's table of settings: key, default, meaning, and where a setting may be set.
pub fn readme_rows() -> String {
    let row = |setting: &Setting| {
        let default = match setting.default_value() {
            Value::Null => String::new(),
            Value::String(text) => format!("`{text}`"),
            other => other.to_string(),
        };
        let place = match setting.scope {
            Scope::User => "U",
            Scope::Editor => "U E",
            Scope::Project => "U E P",
        };
        let variable = setting
            .variable
            .map_or_else(String::new, |name| format!(" `{name}`"));
        format!(
            "| `{}` | {default} | {} | {place}{variable} |\n",
            setting.key, setting.meaning
        )
    };
    SETTINGS.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_tells_every_setting_as_it_is() {
        let readme = include_str!("../../README.md");
        let rows = readme_rows();
        assert!(
            readme.contains(&format!("|---|---|---|---|\n{rows}\n")),
            "the table of settings in README.md must read:\n{rows}"
        );
    }

    #[test]
    fn the_schema_describes_every_setting_in_its_place() {
        let schema = schema();
        for setting in SETTINGS {
            let path = setting.key.replace('.', "/properties/");
            let found = schema.pointer(&format!("/properties/{path}"));
            let found = found.unwrap_or_else(|| panic!("{} is missing", setting.key));
            assert!(found["description"].is_string(), "{found}");
            assert_eq!(
                found.get("default").cloned().unwrap_or_default(),
                setting.default_value(),
                "{}",
                setting.key
            );
        }
        assert_eq!(
            schema["properties"]["rewrite"]["properties"]["apply"]["enum"],
            json!(["auto", "stream", "single", "preview"])
        );
        assert_eq!(
            schema["properties"]["retry"]["properties"]["attempts"]["maximum"],
            20
        );
    }
}
