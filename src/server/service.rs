//! The list of LSP methods that are served, and by which function. It says nothing about what they do.
//!
//! The framework's own full set of methods is not used, because its typed parameters refuse or misread what real clients
//! send and because a built-in method cannot be replaced: from it come `initialize`, `initialized`, `shutdown`, `exit` and
//! `$/cancelRequest` alone, and the rest is registered here with parameters that are read leniently.

use std::future::{Ready, ready};

use serde_json::Value;
use tower_lsp::jsonrpc::Result;
use tower_lsp::{Client, ClientSocket, LspService};

use super::Backend;

/// Builds the service around the backend that `make` makes of the client's handle, and the socket that the server's own
/// messages come out of.
pub fn service(make: impl FnOnce(Client) -> Backend) -> (LspService<Backend>, ClientSocket) {
    LspService::build_with_lifecycle_methods(make)
        .custom_method("textDocument/didOpen", Backend::did_open)
        .custom_method("textDocument/didChange", Backend::did_change)
        .custom_method("textDocument/didClose", Backend::did_close)
        .custom_method("textDocument/didSave", Backend::did_save)
        .custom_method("textDocument/codeAction", Backend::code_action)
        .custom_method("textDocument/hover", Backend::hover)
        .custom_method("workspace/executeCommand", Backend::execute_command)
        .custom_method(
            "workspace/didChangeConfiguration",
            Backend::did_change_configuration,
        )
        .custom_method(
            "workspace/didChangeWatchedFiles",
            Backend::did_change_watched_files,
        )
        .custom_method(
            "workspace/didChangeWorkspaceFolders",
            Backend::did_change_folders,
        )
        .custom_method("codeAction/resolve", resolve)
        .custom_method("window/workDoneProgress/cancel", Backend::cancel_progress)
        .custom_method("$/setTrace", Backend::set_trace)
        .finish()
}

/// Gives every action back as it came. It is not offered, but Neovim, Helix and kak-lsp resolve actions that need nothing
/// more, and an error there makes the action silently do nothing.
fn resolve(_: &Backend, action: Value) -> Ready<Result<Value>> {
    ready(Ok(action))
}
