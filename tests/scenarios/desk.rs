//! A scene with a workspace on the disk, and a conversation document in it that the editor works in.

use std::path::{Path, PathBuf};

use ezrouter_lsp::offline::{Answer, Script};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::manner::Manner;
use crate::scene::{Plan, Scene, scene_of};

pub(crate) struct Desk {
    pub(crate) scene: Scene,
    /// The workspace.
    pub(crate) folder: TempDir,
    /// The URI of the code that is open in it.
    pub(crate) code: String,
}

/// What a document ends with: the last heading and the line in which the next question is written.
pub(crate) const HEADING: &str = "\n## You\n\n\n";

pub(crate) async fn desk(manner: Manner, answers: impl IntoIterator<Item = Answer>) -> Desk {
    desk_with(manner, answers, json!({})).await
}

pub(crate) async fn desk_with(
    manner: Manner,
    answers: impl IntoIterator<Item = Answer>,
    settings: Value,
) -> Desk {
    let folder = tempfile::tempdir().unwrap();
    let uri = |path: &Path| format!("file://{}", path.display());
    let code = uri(&folder.path().join("a.py"));
    let plan = Plan {
        folder: &uri(folder.path()),
        uri: &code,
        script: Script::new(answers),
        settings,
        ..Plan::default()
    };
    let scene = scene_of(manner, plan).await;
    Desk {
        scene,
        folder,
        code,
    }
}

impl Desk {
    /// Opens the conversation, as a user does by a command, and turns to its document. Gives its path.
    pub(crate) async fn open(&mut self) -> PathBuf {
        self.open_with(json!({})).await
    }

    pub(crate) async fn open_with(&mut self, argument: Value) -> PathBuf {
        let editor = &mut self.scene.editor;
        let opened = editor.command("ezrouter.openConversation", argument).await;
        let uri = opened.expect("it opens")["uri"]
            .as_str()
            .unwrap()
            .to_owned();
        let path = PathBuf::from(uri.strip_prefix("file://").unwrap());
        let manner = editor.manner;
        if matches!(manner, Manner::Helix | Manner::VsCode | Manner::Neovim(_)) {
            let wanted = uri.clone();
            editor
                .until("the document is shown", move |editor| {
                    editor.opened.contains(&wanted)
                })
                .await;
        } else {
            let message = editor.message().await;
            assert_eq!(
                message,
                format!("The conversation is in {}", path.display())
            );
        }
        if editor.uri != uri {
            let text = std::fs::read_to_string(&path).unwrap();
            editor.turn_to(&uri, "markdown", &text);
        }
        path
    }

    /// Writes at the end, in the line that is left for it.
    pub(crate) fn write(&mut self, words: &str) {
        let editor = &mut self.scene.editor;
        assert!(editor.text.ends_with(HEADING), "{}", editor.text);
        let at = editor.text.len() - 1;
        editor.type_over(at, at, words);
    }

    /// Runs *Send* from the list of code actions, and gives the job.
    pub(crate) async fn send(&mut self) -> String {
        let end = self.scene.editor.text.len() - 1;
        self.scene.start_at(end, end, "Send").await
    }

    /// Writes, sends, and waits for the answer.
    pub(crate) async fn ask(&mut self, words: &str) {
        self.write(words);
        let job = self.send().await;
        let state = self.scene.editor.settled(&job).await;
        assert_eq!(state, "done", "{}", self.scene.editor.describe());
    }

    /// Asks about the selected code, in its own document.
    pub(crate) async fn ask_about_code(&mut self, question: &str) -> String {
        let range =
            json!({"start": {"line": 1, "character": 0}, "end": {"line": 3, "character": 0}});
        let argument = json!({"uri": self.code, "range": range, "question": question});
        let answer = self.scene.editor.command("ezrouter.ask", argument).await;
        answer.unwrap()["job"].as_str().unwrap().to_owned()
    }

    /// Tries a command that is refused, and gives the reason.
    pub(crate) async fn refused(&mut self, command: &str, argument: Value) -> String {
        let editor = &mut self.scene.editor;
        let reason = editor.command(command, argument).await.unwrap_err();
        let reason = reason["message"].as_str().unwrap().to_owned();
        assert_eq!(editor.message().await, reason, "it is shown too");
        reason
    }

    /// The texts of a request, of the user and the model in turn.
    pub(crate) fn sent(&self, request: usize) -> Vec<String> {
        let requests = self.scene.gateway.requests();
        let messages = requests[request].body["messages"].as_array().unwrap();
        let text = |(index, message): (usize, &Value)| {
            let role = ["system", "user", "assistant"][if index == 0 { 0 } else { 2 - index % 2 }];
            assert_eq!(message["role"], role);
            message["content"].as_str().unwrap().to_owned()
        };
        messages.iter().enumerate().skip(1).map(text).collect()
    }

    /// The last thing that was asked.
    pub(crate) fn last_sent(&self) -> String {
        let last = self.scene.gateway.requests().len() - 1;
        self.sent(last).pop().unwrap()
    }
}

/// The text with what differs from run to run put right: the names of turns, and seconds.
pub(crate) fn plain(text: &str) -> String {
    let lines = text.split_inclusive('\n').map(|line| {
        let Some((front, _)) = line.split_once(" <!-- turn ") else {
            return line.to_owned();
        };
        let (front, _) = front.rsplit_once(", ").unwrap();
        format!("{front}*\n")
    });
    lines.collect()
}
