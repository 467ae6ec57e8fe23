//! An action that a user or a project has defined: validated, with the place where it was written, for messages; and what
//! becomes of the placeholders in its prompt. It does not read settings.

use super::Kind;

/// An action of the user's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    /// Names it in commands: letters, digits, `_`, `-` and `.`.
    pub id: String,
    /// What menus show: one line.
    pub title: String,
    /// What happens with the reply.
    pub kind: Kind,
    /// What the model is told; may hold `{selection}`, `{language}`, `{file}` and `{diagnostics}`.
    pub prompt: String,
    /// The LSP language ids that it is offered in; in all if there are none.
    pub languages: Vec<String>,
    /// The model that is asked; the one in force without it.
    pub model: Option<String>,
    /// Where it was written, such as `~/.config/ezrouter/config.toml:12`.
    pub place: String,
}

/// What stands for the placeholders of a prompt.
#[derive(Clone, Copy, Debug, Default)]
pub struct Placeholders<'a> {
    /// For `{selection}`: the selected text.
    pub selection: &'a str,
    /// For `{language}`: the LSP language id.
    pub language: &'a str,
    /// For `{file}`: the path as people name it.
    pub file: &'a str,
    /// For `{diagnostics}`: what other servers say about the selection.
    pub diagnostics: &'a str,
}

impl Own {
    /// Whether it is offered in this language.
    pub fn fits(&self, language: &str) -> bool {
        self.languages.is_empty() || self.languages.iter().any(|one| one == language)
    }
}

/// `prompt` with its placeholders filled in, once: what stands for one is never searched for another. Braces around anything
/// else stay as they are.
pub fn fill_in(prompt: &str, placeholders: &Placeholders<'_>) -> String {
    let names = [
        ("{selection}", placeholders.selection),
        ("{language}", placeholders.language),
        ("{file}", placeholders.file),
        ("{diagnostics}", placeholders.diagnostics),
    ];
    let mut filled = String::with_capacity(prompt.len());
    let mut rest = prompt;
    while let Some(at) = rest.find('{') {
        let (before, from) = rest.split_at(at);
        filled.push_str(before);
        let known = names
            .iter()
            .find_map(|(name, value)| Some((from.strip_prefix(name)?, value)));
        rest = if let Some((behind, value)) = known {
            filled.push_str(value);
            behind
        } else {
            filled.push('{');
            from.get(1..).unwrap_or_default()
        };
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_in_once_and_other_braces_stay() {
        let placeholders = Placeholders {
            selection: "{file}",
            language: "rust",
            file: "a.rs",
            diagnostics: "",
        };
        let filled = fill_in(
            "In {file} ({language}): {selection}{diagnostics} {x} {{file}} {",
            &placeholders,
        );
        assert_eq!(filled, "In a.rs (rust): {file} {x} {a.rs} {");
    }
}
