//! What the client can do, as one flat struct read once from `initialize`, and what this server offers in return. What
//! follows from a capability is decided where it is used.

use serde_json::{Map, Value};
use tower_lsp::gen_lsp_types as lsp;

use super::params::{folders, last_segment};
use super::uri::file_uri;
use crate::text::Encoding;

/// The client's side of `initialize`. A capability that is absent, misspelt or of the wrong type is `false`.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an independent capability of the client"
)]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Caps {
    /// How positions are counted from here on: UTF-8 if the client lists it, else UTF-32, else UTF-16.
    pub encoding: Encoding,
    /// `workspace.applyEdit`
    pub apply_edit: bool,
    /// `workspace.workspaceEdit.documentChanges`. Neovim takes them and does not say so.
    pub document_changes: bool,
    /// `workspace.codeLens.refreshSupport`
    pub code_lens_refresh: bool,
    /// `workspace.configuration`
    pub configuration: bool,
    /// `workspace.didChangeConfiguration.dynamicRegistration`
    pub did_change_configuration: bool,
    /// `workspace.didChangeWatchedFiles.dynamicRegistration`
    pub did_change_watched_files: bool,
    /// `window.workDoneProgress`
    pub work_done_progress: bool,
    /// `window.showDocument.support`. Helix 25.01 shows documents and does not say so.
    pub show_document: bool,
    /// Whether `window/showMessage` may be sent: always, LSP has no capability for it.
    pub show_message: bool,
    /// `textDocument.codeAction.codeActionLiteralSupport`
    pub code_action_literals: bool,
    /// Whether `textDocument.codeAction.tagSupport` lists `LLMGenerated`.
    pub llm_tag: bool,
    /// `window.showMessage.messageActionItem`: the client can ask the user (`window/showMessageRequest`).
    pub message_actions: bool,
    /// Whether `textDocument.hover.contentFormat` lists `markdown`.
    pub markdown_hover: bool,
    /// `experimental.ezrouter.jobs`: the client takes `ezrouter/job`.
    pub ext_jobs: bool,
    /// `experimental.ezrouter.answer`: the client takes `ezrouter/answer`.
    pub ext_answer: bool,
    /// `experimental.ezrouter.applyEdit`: the client takes `ezrouter/applyEdit`.
    pub ext_apply_edit: bool,
    /// `clientInfo.name`, empty if the client does not say.
    pub client_name: String,
    /// `clientInfo.version`, empty if the client does not say.
    pub client_version: String,
    /// The process that started the server, if the client says.
    pub process_id: Option<u32>,
    /// URI and name of each workspace folder; from `rootUri` or `rootPath` in clients without folders.
    pub workspace_folders: Vec<(String, String)>,
    /// The settings in `initializationOptions`: that object, or the one in it under `ezrouter`. Always an object.
    pub initialization_options: Value,
    /// The user's language, an IETF tag.
    pub locale: Option<String>,
}

/// `CodeActionTag.LLMGenerated`
const LLM_GENERATED: u64 = 1;

impl Caps {
    /// Reads the parameters as the transport hands them over: unread, inside parameters that always parse.
    pub fn from_initialize(params: &lsp::InitializeParams) -> Self {
        Self::read(
            params
                .capabilities
                .experimental
                .as_ref()
                .unwrap_or(&Value::Null),
        )
    }

    /// Reads the parameters of `initialize` as the client wrote them.
    pub fn read(params: &Value) -> Self {
        let text = |path| params.pointer(path).and_then(Value::as_str);
        let capability = |path: &str| {
            params
                .pointer("/capabilities")
                .and_then(|capabilities| capabilities.pointer(path))
        };
        let is_true = |path| capability(path) == Some(&Value::Bool(true));
        let lists = |path, wanted: Value| {
            capability(path)
                .and_then(Value::as_array)
                .is_some_and(|list| list.contains(&wanted))
        };
        Self {
            encoding: encoding(capability("/general/positionEncodings")),
            apply_edit: is_true("/workspace/applyEdit"),
            document_changes: is_true("/workspace/workspaceEdit/documentChanges"),
            code_lens_refresh: is_true("/workspace/codeLens/refreshSupport"),
            configuration: is_true("/workspace/configuration"),
            did_change_configuration: is_true(
                "/workspace/didChangeConfiguration/dynamicRegistration",
            ),
            did_change_watched_files: is_true(
                "/workspace/didChangeWatchedFiles/dynamicRegistration",
            ),
            work_done_progress: is_true("/window/workDoneProgress"),
            show_document: is_true("/window/showDocument/support"),
            show_message: true,
            message_actions: capability("/window/showMessage/messageActionItem")
                .is_some_and(Value::is_object),
            code_action_literals: capability("/textDocument/codeAction/codeActionLiteralSupport")
                .is_some_and(Value::is_object),
            llm_tag: lists(
                "/textDocument/codeAction/tagSupport/valueSet",
                LLM_GENERATED.into(),
            ),
            markdown_hover: lists("/textDocument/hover/contentFormat", "markdown".into()),
            ext_jobs: is_true("/experimental/ezrouter/jobs"),
            ext_answer: is_true("/experimental/ezrouter/answer"),
            ext_apply_edit: is_true("/experimental/ezrouter/applyEdit"),
            client_name: text("/clientInfo/name").unwrap_or_default().to_owned(),
            client_version: text("/clientInfo/version").unwrap_or_default().to_owned(),
            process_id: params
                .get("processId")
                .and_then(Value::as_u64)
                .and_then(|id| u32::try_from(id).ok()),
            workspace_folders: workspace_folders(params),
            initialization_options: settings(params.get("initializationOptions")),
            locale: text("/locale").map(str::to_owned),
        }
    }

    /// Whether the client is Neovim by itself, where each message to the user is a prompt that waits for a key, and an edit
    /// for version 0 is taken whatever the text is by then. Our plugin shows messages and compares versions itself.
    pub fn is_plain_neovim(&self) -> bool {
        self.client_name.eq_ignore_ascii_case("neovim") && !self.ext_apply_edit
    }

    /// Whether it is Helix, which sends each message from a task of its own (25.01).
    pub fn is_helix(&self) -> bool {
        self.client_name.eq_ignore_ascii_case("helix")
    }

    /// Whether every change of a document counts its version up by one, so that a gap tells of a change that is still to come.
    pub fn counts_versions(&self) -> bool {
        self.is_helix()
    }

    /// Whether the cursor is itself a selection of one character.
    pub fn always_selects(&self) -> bool {
        ["helix", "kakoune-lsp", "kak-lsp"]
            .iter()
            .any(|name| self.client_name.eq_ignore_ascii_case(name))
    }

    /// Whether each edit of a list is a step of undo of its own. kak-lsp makes them one by one (measured in Kakoune 2024 with
    /// kak-lsp 22: six steps for an edit of six parts).
    pub fn undoes_edits_apart(&self) -> bool {
        ["kakoune-lsp", "kak-lsp"]
            .iter()
            .any(|name| self.client_name.eq_ignore_ascii_case(name))
    }

    /// Whether an edit made for an older version of the text is refused or dropped by the client. kak-lsp applies it where
    /// it stood, and Eglot's version moves only when it sends its changes; with our plugin Emacs checks for itself.
    pub fn version_guard(&self) -> bool {
        let is_any = |names: [&str; 2]| {
            names
                .iter()
                .any(|name| self.client_name.eq_ignore_ascii_case(name))
        };
        !is_any(["kakoune-lsp", "kak-lsp"]) && (self.ext_apply_edit || !is_any(["Eglot", "Emacs"]))
    }
}

/// What the server offers a client with these capabilities; `commands` are the names for `workspace/executeCommand`.
pub fn server_capabilities(caps: &Caps, commands: &[&str]) -> lsp::ServerCapabilities {
    let encoding = match caps.encoding {
        Encoding::Utf8 => lsp::PositionEncodingKind::UTF8,
        Encoding::Utf16 => lsp::PositionEncodingKind::UTF16,
        Encoding::Utf32 => lsp::PositionEncodingKind::UTF32,
    };
    let kinds = ["quickfix", "refactor.rewrite.ezrouter", "ezrouter.ask"];
    lsp::ServerCapabilities {
        position_encoding: Some(encoding),
        text_document_sync: Some(lsp::TextDocumentSync::Options(
            lsp::TextDocumentSyncOptions {
                open_close: Some(true),
                change: Some(lsp::TextDocumentSyncKind::Incremental),
                save: Some(lsp::Save::SaveOptions(lsp::SaveOptions {
                    include_text: Some(false),
                })),
                ..Default::default()
            },
        )),
        code_action_provider: Some(lsp::CodeActionProvider::CodeActionOptions(
            lsp::CodeActionOptions {
                code_action_kinds: Some(kinds.map(lsp::CodeActionKind::from).into()),
                ..Default::default()
            },
        )),
        hover_provider: Some(lsp::HoverProvider::Bool(true)),
        execute_command_provider: Some(lsp::ExecuteCommandOptions {
            commands: commands.iter().map(|&command| command.to_owned()).collect(),
            ..Default::default()
        }),
        workspace: Some(lsp::WorkspaceOptions {
            workspace_folders: Some(lsp::WorkspaceFoldersServerCapabilities {
                supported: Some(true),
                change_notifications: Some(lsp::ChangeNotifications::Bool(true)),
            }),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// LSP 3.18, `GeneralClientCapabilities.positionEncodings`: the client's order is its preference, but any that it lists may
/// be taken. UTF-8 costs nothing here, UTF-32 is cheaper than UTF-16, and UTF-16 holds when nothing is listed.
fn encoding(listed: Option<&Value>) -> Encoding {
    let listed = listed
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let lists = |name: &str| listed.iter().any(|entry| entry.as_str() == Some(name));
    if lists("utf-8") {
        Encoding::Utf8
    } else if lists("utf-32") {
        Encoding::Utf32
    } else {
        Encoding::Utf16
    }
}

fn workspace_folders(params: &Value) -> Vec<(String, String)> {
    let listed = folders(params.get("workspaceFolders"));
    if !listed.is_empty() {
        return listed;
    }
    let text = |name| {
        params
            .get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    let root = text("rootUri")
        .map(str::to_owned)
        .or_else(|| text("rootPath").map(|path| file_uri(path.as_ref())));
    root.map(|uri| {
        let name = last_segment(&uri).to_owned();
        (uri, name)
    })
    .into_iter()
    .collect()
}

fn settings(options: Option<&Value>) -> Value {
    let options = options.filter(|options| options.is_object());
    let own = options
        .and_then(|options| options.get("ezrouter"))
        .filter(|own| own.is_object());
    own.or(options)
        .cloned()
        .unwrap_or_else(|| Value::Object(Map::new()))
}

#[cfg(test)]
mod tests;
