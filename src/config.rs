//! Where settings come from. It reads the process environment, once; it sends nothing anywhere.

use std::collections::BTreeMap;

/// The environment variables of the process, or those that a test or an embedder gives instead. It holds the API key, so
/// it cannot be printed.
#[derive(Clone, Default)]
pub struct Environment {
    /// Name and value of each variable that is valid Unicode.
    pub variables: BTreeMap<String, String>,
}

impl Environment {
    /// The variables of this process; those that are not Unicode are left out.
    pub fn from_process() -> Self {
        let variables = std::env::vars_os();
        let variables = variables.filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Self {
            variables: variables.collect(),
        }
    }
}
