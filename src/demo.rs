//! `ezrouter-lsp demo`: the whole line with neither key nor network. The real server runs as a child process and talks LSP
//! over pipes to the small editor of [`crate::client`]; the gateway is a scripted stand-in on loopback. Every step is shown
//! and checked. What it looks like is [`screen`]'s work.

pub mod frame;
pub mod screen;

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};

use crate::client::Connection;
use crate::client::editor::Editor;
use crate::gateway::signal::Usage;
use crate::offline::{Answer, Script, Standin, State, Step};
use crate::text::Range;
use frame::View;
use screen::Screen;

const URI: &str = "file:///demo/shopping.py";
const ROOT: &str = "file:///demo";

/// The file that the demo shows. It exists in memory only.
const FILE: &str = "\
PRICES = {\"apple\": 3, \"pear\": 4, \"plum\": 2}


def total(basket):
    result = 0
    for name in basket:
        if name in PRICES:
            result = result + PRICES[name]
        else:
            result = result + 0
    return result


def main():
    print(total([\"apple\", \"plum\", \"fig\"]))
";

/// The first and the last line of the function that is asked about and rewritten.
const FUNCTION: (u32, u32) = (3, 10);

const NEW_FUNCTION: &str = "\
def total(basket):
    \"\"\"Add up what a basket costs; what has no price costs nothing.\"\"\"
    return sum(PRICES.get(name, 0) for name in basket)
";

const TYPED: &str = "# Prices in euros.\n";

const ANSWER: &str = "\
This is a **scripted** answer: no model was asked.

`total` adds up the prices of the things in `basket`. A thing without a price costs nothing, which the `else` branch \
says in a roundabout way: adding 0 changes nothing.
";

/// How long a step may take before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(15);

/// Runs the demo with the server at `server`, on `screen`. An error says, in one sentence, which step did not come out
/// right; then the server has been stopped as well.
pub async fn run(server: &Path, screen: Screen) -> Result<(), String> {
    let standin = Standin::start(script())
        .await
        .map_err(|error| format!("no stand-in gateway: {error}"))?;
    let mut child = start(server, &standin)?;
    let (Some(output), Some(input)) = (child.stdout.take(), child.stdin.take()) else {
        return Err("the server has no pipes".to_owned());
    };
    let connection = Connection::new(output, input);
    let editor = Editor::open(connection, ROOT, URI, "python", FILE).await?;
    let mut demo = Demo {
        editor,
        standin,
        screen,
        step: 0,
        selected: 0..0,
        answer: String::new(),
    };
    let outcome = demo.steps().await;
    demo.screen.leave();
    outcome?;
    demo.editor.close().await?;
    let status = tokio::time::timeout(PATIENCE, child.wait()).await;
    match status {
        Ok(Ok(status)) if status.success() => Ok(()),
        other => Err(format!("the server did not end well: {other:?}")),
    }
}

fn start(server: &Path, standin: &Standin) -> Result<Child, String> {
    let mut command = Command::new(server);
    command
        .arg("--stdio")
        .env("EZROUTER_BASE_URL", standin.base_url())
        .env("EZROUTER_API_KEY", "sk-scripted")
        .env("EZROUTER_MODEL", "scripted-model")
        .env_remove("EZROUTER_ANTHROPIC_BASE_URL")
        .env_remove("EZROUTER_OFFLINE")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    command
        .spawn()
        .map_err(|error| format!("the server at {} does not start: {error}", server.display()))
}

/// What the stand-in says: an answer, and the same rewrite for each of the four rewriting steps.
fn script() -> Script {
    let rewrite = format!(
        "Here is the simplified code:\n\n```python\n{NEW_FUNCTION}```\nLet me know if it helps!"
    );
    let rewrites = (0..4).map(|_| spoken(&rewrite, Duration::from_millis(70)));
    Script::new(std::iter::once(spoken(ANSWER, Duration::from_millis(60))).chain(rewrites))
}

/// A reply that comes word by word.
fn spoken(text: &str, pause: Duration) -> Answer {
    let words = text
        .split_inclusive([' ', '\n'])
        .flat_map(|word| [Step::Wait(pause), Step::text(word)]);
    let usage = Usage {
        input: 412,
        cached: 380,
        output: 64,
        ..Usage::default()
    };
    Answer::stream(words.chain([Step::finish("stop"), Step::Usage(usage), Step::Done]))
}

struct Demo {
    editor: Editor,
    standin: Standin,
    screen: Screen,
    step: u32,
    /// The lines that are shown as selected.
    selected: std::ops::Range<usize>,
    answer: String,
}

impl Demo {
    async fn steps(&mut self) -> Result<(), String> {
        self.say("A file is open. The gateway is scripted: no key, no network, no model.")
            .await;
        self.ask().await?;
        self.rewrite_while_typing().await?;
        self.undo().await?;
        self.cancel().await?;
        self.reject().await?;
        self.accept().await
    }

    async fn ask(&mut self) -> Result<(), String> {
        self.selected = FUNCTION.0 as usize..FUNCTION.1 as usize + 1;
        self.say(
            "Explain: the function is selected, the answer arrives word by word in the hover.",
        )
        .await;
        let job = self.start("Explain").await?;
        let mut seen = 0;
        while self.editor.state_of(&job) != "done" {
            let hover = self.editor.hover(FUNCTION.0, 4).await?;
            seen += u32::from(hover != self.answer);
            self.answer = hover;
            if !self.tick().await {
                return Err("the answer did not come".to_owned());
            }
        }
        self.answer = self.editor.hover(FUNCTION.0, 4).await?;
        self.hold(Duration::from_millis(1_500)).await;
        let whole = self.answer.starts_with(ANSWER.trim_end())
            && self.answer.contains("412 tokens in (380 cached)");
        self.check(
            whole && 3 < seen,
            "the answer is whole, and it was seen to grow",
        )?;
        self.answer.clear();
        self.selected = 0..0;
        Ok(())
    }

    async fn rewrite_while_typing(&mut self) -> Result<(), String> {
        self.say("Simplify: the new text arrives in the file, while somebody types at its top.")
            .await;
        let job = self.start("Simplify").await?;
        // A line of its own first, as people do.
        self.editor.type_at(0, 0, "\n");
        let mut typed = TYPED.trim_end().chars();
        let mut column = 0;
        let mut ticks = 0;
        while !self.is_settled(&job) {
            ticks += 1;
            if ticks % 3 == 0
                && let Some(character) = typed.next()
            {
                self.editor
                    .type_at(0, column, character.encode_utf8(&mut [0; 4]));
                column += 1;
            }
            if !self.tick().await {
                return Err("the rewrite did not end".to_owned());
            }
        }
        let rest: String = typed.collect();
        if !rest.is_empty() {
            self.editor.type_at(0, column, &rest);
        }
        self.hold(Duration::from_millis(1_500)).await;
        let wanted = format!("{TYPED}{}", rewritten());
        self.check(
            self.editor.text() == wanted,
            "the function is rewritten, and what was typed stands above it",
        )
    }

    async fn undo(&mut self) -> Result<(), String> {
        self.say(
            "Undo: one press takes the whole rewrite back; what was typed is undone by itself.",
        )
        .await;
        let mut presses = 0;
        while !self.editor.text().ends_with(FILE) && self.editor.undo() {
            // What was typed behind the end of the rewrite goes first.
            let stands = self.editor.text().ends_with(&rewritten());
            presses = if stands { 0 } else { presses + 1 };
            if !self.tick().await {
                return Err("the editor stopped".to_owned());
            }
        }
        self.hold(Duration::from_secs(1)).await;
        self.check(presses == 1, "one undo took the rewrite back")?;
        while self.editor.text() != FILE && self.editor.undo() {}
        self.check(self.editor.text() == FILE, "the file is as it was")
    }

    async fn cancel(&mut self) -> Result<(), String> {
        self.say("Simplify again, and Stop in the middle of it.")
            .await;
        let job = self.start("Simplify").await?;
        let begun = |editor: &Editor| editor.text().contains("\"\"\"Add up");
        self.until(begun, "text arrives").await?;
        self.choose("Stop").await?;
        self.until(
            move |editor| editor.state_of(&job) == "cancelled",
            "the job is cancelled",
        )
        .await?;
        self.hold(Duration::from_millis(800)).await;
        self.check(self.editor.text() == FILE, "the original is back")?;
        let requests = self.standin.requests().len();
        let ended =
            tokio::time::timeout(PATIENCE, self.standin.ended(requests.saturating_sub(1))).await;
        self.check(
            ended == Ok(State::ClientClosed),
            "the gateway saw the connection close",
        )
    }

    async fn reject(&mut self) -> Result<(), String> {
        self.say("Once more to its end, then Reject.").await;
        self.rewrite_quietly().await?;
        self.choose("Reject").await?;
        let back = self
            .until(|editor| editor.text() == FILE, "the original is back")
            .await;
        self.check(back.is_ok(), "the original is back")
    }

    async fn accept(&mut self) -> Result<(), String> {
        self.say("And once more, then Accept: it stays.").await;
        let job = self.rewrite_quietly().await?;
        self.choose("Accept").await?;
        self.until(
            move |editor| editor.state_of(&job) == "done",
            "the job is done",
        )
        .await?;
        self.check(self.editor.text() == rewritten(), "the new function stays")
    }

    async fn rewrite_quietly(&mut self) -> Result<String, String> {
        let job = self.start("Simplify").await?;
        let watched = job.clone();
        self.until(
            move |editor| editor.state_of(&watched) == "pending",
            "the rewrite waits for a verdict",
        )
        .await?;
        self.hold(Duration::from_millis(700)).await;
        self.check(
            self.editor.text() == rewritten(),
            "the function is rewritten",
        )?;
        Ok(job)
    }

    fn is_settled(&self, job: &str) -> bool {
        !matches!(
            self.editor.state_of(job),
            "" | "waiting" | "thinking" | "streaming"
        )
    }

    /// Starts an action on the function and gives its job.
    async fn start(&mut self, title: &str) -> Result<String, String> {
        let result = self.choose(title).await?;
        let job = result.get("job").and_then(serde_json::Value::as_str);
        job.map(str::to_owned)
            .ok_or_else(|| format!("{title} gave no job"))
    }

    async fn choose(&mut self, title: &str) -> Result<serde_json::Value, String> {
        let first = self
            .editor
            .text()
            .lines()
            .position(|line| line.starts_with("def total"));
        let first = u32::try_from(first.unwrap_or_default()).unwrap_or_default();
        let last = first + FUNCTION.1 - FUNCTION.0;
        let range: Range = self.editor.lines(first, last);
        self.editor.choose(range, title).await
    }

    /// Shows what is there and gives everything a moment; no more once the connection has ended.
    async fn tick(&mut self) -> bool {
        self.draw();
        self.editor
            .wait(Duration::from_millis(50), |editor| editor.ended.is_some())
            .await;
        self.editor.ended.is_none()
    }

    async fn hold(&mut self, time: Duration) {
        let until = tokio::time::Instant::now() + time;
        while tokio::time::Instant::now() < until && self.tick().await {}
    }

    async fn until(&mut self, enough: impl Fn(&Editor) -> bool, what: &str) -> Result<(), String> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !enough(&self.editor) {
            if !self.tick().await || deadline <= tokio::time::Instant::now() {
                return Err(format!("step {}: waited in vain until {what}", self.step));
            }
        }
        self.draw();
        Ok(())
    }

    async fn say(&mut self, words: &str) {
        self.step += 1;
        self.screen.begin(self.step, words);
        self.hold(Duration::from_millis(900)).await;
    }

    fn draw(&mut self) {
        let text = self.editor.text();
        let progress = self
            .editor
            .progress
            .values()
            .next_back()
            .map_or("", String::as_str);
        self.screen.show(&View {
            text: &text,
            original: FILE,
            selected: self.selected.clone(),
            progress,
            answer: &self.answer,
        });
    }

    fn check(&mut self, right: bool, what: &str) -> Result<(), String> {
        self.draw();
        self.screen.result(right, what);
        if right {
            Ok(())
        } else {
            Err(format!("step {}: not so: {what}", self.step))
        }
    }
}

fn rewritten() -> String {
    let old: String = FILE
        .split_inclusive('\n')
        .skip(FUNCTION.0 as usize)
        .take(8)
        .collect();
    FILE.replace(&old, NEW_FUNCTION)
}
