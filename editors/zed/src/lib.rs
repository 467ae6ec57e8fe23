//! Tells Zed how `ezrouter-lsp` is started: Zed starts a language server only for an extension.

use zed_extension_api::settings::LspSettings;
use zed_extension_api::{self as zed, serde_json, LanguageServerId, Result, Worktree};

/// The name in `extension.toml`, and that of the section under `lsp` in Zed's settings.
const NAME: &str = "ezrouter-lsp";

struct Ezrouter;

impl zed::Extension for Ezrouter {
    fn new() -> Self {
        Self
    }

    fn language_server_command(
        &mut self,
        _id: &LanguageServerId,
        worktree: &Worktree,
    ) -> Result<zed::Command> {
        let binary = LspSettings::for_worktree(NAME, worktree)?.binary;
        let set = binary.as_ref().and_then(|binary| binary.path.clone());
        let command = set.or_else(|| worktree.which(NAME)).ok_or_else(|| {
            format!("{NAME} is not on PATH; install it, or set lsp.{NAME}.binary.path")
        })?;
        let arguments = binary.and_then(|binary| binary.arguments);
        Ok(zed::Command {
            command,
            args: arguments.unwrap_or_else(|| vec!["--stdio".to_owned()]),
            env: worktree.shell_env(),
        })
    }

    fn language_server_initialization_options(
        &mut self,
        _id: &LanguageServerId,
        worktree: &Worktree,
    ) -> Result<Option<serde_json::Value>> {
        Ok(LspSettings::for_worktree(NAME, worktree)?.initialization_options)
    }
}

zed::register_extension!(Ezrouter);
