//! A scene: an editor with a marked text, and a gateway whose answer comes piece by piece, each when the scenario says so.

use ezrouter_lsp::config::Environment;
use ezrouter_lsp::first_use;
use ezrouter_lsp::gateway::signal::Usage;
use ezrouter_lsp::offline::{Answer, Script, Standin, Step};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::editor::{Editor, Opening};
use crate::manner::Manner;

pub(crate) const URI: &str = "file:///project/src/a.py";

/// The text of most scenes: `«` and `»` mark the selection.
pub(crate) const BEFORE: &str = "above\n«old one\nold two\n»below\n";

pub(crate) struct Scene {
    pub(crate) editor: Editor,
    pub(crate) gateway: Standin,
    /// The selection, in bytes of the text.
    pub(crate) selection: (usize, usize),
    /// The text without its marks.
    pub(crate) original: String,
    /// The server's state directory.
    pub(crate) state: TempDir,
}

/// How a scene differs from the plain one.
pub(crate) struct Plan<'a> {
    pub(crate) before: &'a str,
    pub(crate) settings: Value,
    pub(crate) configuration: Value,
    pub(crate) capabilities: &'a [&'a str],
    /// Whether the editor can ask the user.
    pub(crate) chooses: bool,
    pub(crate) script: Script,
    pub(crate) uri: &'a str,
    pub(crate) language: &'a str,
    /// The workspace folder.
    pub(crate) folder: &'a str,
    pub(crate) variables: Vec<(&'a str, String)>,
    /// Whether the user has been told what is sent where.
    pub(crate) has_been_told: bool,
}

impl Default for Plan<'_> {
    fn default() -> Self {
        Self {
            before: BEFORE,
            settings: json!({}),
            configuration: Value::Null,
            capabilities: &[],
            chooses: false,
            script: Script::default(),
            uri: URI,
            language: "python",
            folder: "file:///project",
            variables: Vec::new(),
            has_been_told: true,
        }
    }
}

/// An answer whose pieces each wait for [`Standin::release`], and so does its end.
pub(crate) fn gated(pieces: &[&str]) -> Answer {
    let pieces = pieces
        .iter()
        .flat_map(|piece| [Step::Gate, Step::text(piece)]);
    let end = [
        Step::Gate,
        Step::finish("stop"),
        Step::Usage(Usage {
            input: 90,
            cached: 60,
            output: 7,
            ..Usage::default()
        }),
        Step::Done,
    ];
    Answer::stream(pieces.chain(end))
}

/// An answer that comes at once.
pub(crate) fn whole(text: &str) -> Answer {
    let usage = Usage {
        input: 90,
        cached: 60,
        output: 7,
        ..Usage::default()
    };
    Answer::stream([
        Step::text(text),
        Step::finish("stop"),
        Step::Usage(usage),
        Step::Done,
    ])
}

pub(crate) async fn scene(manner: Manner, answers: impl IntoIterator<Item = Answer>) -> Scene {
    scene_of(
        manner,
        Plan {
            script: Script::new(answers),
            ..Plan::default()
        },
    )
    .await
}

pub(crate) async fn scene_of(manner: Manner, plan: Plan<'_>) -> Scene {
    let gateway = Standin::start(plan.script).await.expect("a gateway");
    let mut environment = Environment::default();
    let state = tempfile::tempdir().expect("a directory");
    if plan.has_been_told {
        first_use::mark(state.path()).expect("a mark");
    }
    let defaults = [
        (
            "EZROUTER_STATE_DIR",
            state.path().to_string_lossy().into_owned(),
        ),
        ("EZROUTER_API_KEY", "sk-scenario-key".to_owned()),
        ("EZROUTER_BASE_URL", gateway.base_url()),
        ("EZROUTER_MODEL", "test-model".to_owned()),
    ];
    for (name, value) in defaults.into_iter().chain(plan.variables) {
        environment.variables.insert(name.to_owned(), value);
    }
    let (original, selection) = unmark(plan.before);
    let editor = Editor::start(
        manner,
        environment,
        Opening {
            settings: &plan.settings,
            configuration: &plan.configuration,
            capabilities: plan.capabilities,
            chooses: plan.chooses,
            folder: plan.folder,
            uri: plan.uri,
            language: plan.language,
            text: &original,
        },
    )
    .await;
    Scene {
        editor,
        gateway,
        selection,
        original,
        state,
    }
}

/// The text without its marks, and what they marked.
fn unmark(marked: &str) -> (String, (usize, usize)) {
    let start = marked.find('«').expect("a mark");
    let end = marked.find('»').expect("a mark") - '«'.len_utf8();
    (marked.replace(['«', '»'], ""), (start, end))
}

impl Scene {
    /// The text with the selection replaced.
    pub(crate) fn rewritten(&self, new: &str) -> String {
        let (start, end) = self.selection;
        format!("{}{new}{}", &self.original[..start], &self.original[end..])
    }

    /// Chooses an action on the selection and gives its job.
    pub(crate) async fn start(&mut self, title: &str) -> String {
        let (start, end) = self.selection;
        self.start_at(start, end, title).await
    }

    /// Chooses an action at a byte range of the text and gives its job.
    pub(crate) async fn start_at(&mut self, start: usize, end: usize, title: &str) -> String {
        let result = self.editor.choose(start, end, title).await;
        result["job"].as_str().expect("a job").to_owned()
    }

    /// Lets so many pieces of the answer through.
    pub(crate) fn release(&self, pieces: usize) {
        for _ in 0..pieces {
            self.gateway.release();
        }
    }

    pub(crate) async fn shows(&mut self, part: &str) {
        self.editor
            .until(&format!("a text with {part:?}"), |editor| {
                editor.text.contains(part)
            })
            .await;
    }
}
