//! `ezrouter-lsp history`: the conversations that are kept on disk. Lists them, shows one as Markdown, deletes one or all.
//! What was stored came from files and from models, so nothing of it reaches a terminal that the terminal would obey.

use std::io::{IsTerminal as _, Write as _};

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::models::Form;
use super::{Ending, print};
use crate::config::Environment;
use crate::conversation::markdown;
use crate::store::{Archive, Cause, Problem, Summary};
use crate::text::hidden;

/// What is done with the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All conversations, the one that was used last first.
    List(Form),
    /// One as Markdown.
    Show(String),
    /// One is deleted.
    Delete(String),
    /// All are deleted.
    Clear(Consent),
}

/// Whether the user has to be asked before everything is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// It was given on the command line.
    Given,
    /// It is asked for on the terminal.
    Asked,
}

/// Does what is wanted.
pub async fn run(environment: &Environment, wanted: Wanted) -> Ending {
    match carry_out(environment, wanted).await {
        Ok(()) => Ending::Complete,
        Err(ending) => ending,
    }
}

async fn carry_out(environment: &Environment, wanted: Wanted) -> Result<(), Ending> {
    let directory = environment.state_directory().ok_or(Problem {
        place: None,
        cause: Cause::Homeless,
    })?;
    let mut archive = Archive::open(&directory)?;
    let conversations = match &mut archive {
        Some(archive) => archive.conversations()?,
        None => Vec::new(),
    };
    match (wanted, archive) {
        (Wanted::List(form), _) => print(&list(&conversations, form)),
        (Wanted::Show(id), Some(mut archive)) => {
            let found = find(&conversations, &id)?;
            let turns = archive.turns(&found.conversation)?;
            print(&harmless(&markdown::page(&found.title, &turns)))
        }
        (Wanted::Delete(id), Some(mut archive)) => {
            let found = find(&conversations, &id)?;
            archive.delete(&found.conversation)?;
            Ok(())
        }
        (Wanted::Show(id) | Wanted::Delete(id), None) => find(&[], &id).map(drop),
        (Wanted::Clear(consent), Some(mut archive)) => {
            if consent == Consent::Asked {
                ask(&conversations).await?;
            }
            archive.clear()?;
            Ok(())
        }
        (Wanted::Clear(_), None) => Ok(()),
    }
}

impl From<Problem> for Ending {
    fn from(problem: Problem) -> Self {
        Self::Failed(problem.to_string())
    }
}

/// The conversation that an id means; its beginning is enough where no other begins so.
fn find<'a>(conversations: &'a [Summary], id: &str) -> Result<&'a Summary, Ending> {
    let fitting: Vec<&Summary> = conversations
        .iter()
        .filter(|summary| !id.is_empty() && summary.conversation.starts_with(id))
        .collect();
    match fitting.as_slice() {
        [found] => Ok(found),
        [] => Err(Ending::Failed(format!(
            "there is no conversation {}; `ezrouter-lsp history` lists them",
            harmless(id)
        ))),
        [_, ..] => Err(Ending::Failed(format!(
            "{} conversations begin with {}; give more of the id",
            fitting.len(),
            harmless(id)
        ))),
    }
}

fn list(conversations: &[Summary], form: Form) -> String {
    if form == Form::Json {
        let value = |summary: &Summary| {
            json!({
                "conversation": summary.conversation, "workspace": summary.workspace, "title": summary.title,
                "created": summary.created, "updated": summary.updated, "turns": summary.turns,
            })
        };
        let list: Vec<Value> = conversations.iter().map(value).collect();
        return format!("{}\n", escaped(&json!(list).to_string()));
    }
    let rows: Vec<[String; 5]> = conversations
        .iter()
        .map(|summary| {
            let workspace = match summary.workspace.as_str() {
                "" => "-",
                workspace => workspace,
            };
            let turns = counted(summary.turns, "turn");
            let cells = [
                &summary.conversation,
                &summary.when,
                &turns,
                workspace,
                &summary.title,
            ];
            cells.map(|cell| harmless(cell).replace(['\n', '\t'], " "))
        })
        .collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths = [0, 1, 2, 3].map(width);
    let [a, b, c, d] = widths;
    let mut list = String::new();
    for [id, when, turns, workspace, title] in &rows {
        list.push_str(&format!(
            "{id:a$}  {when:b$}  {turns:>c$}  {workspace:d$}  {title}\n"
        ));
    }
    list
}

/// Asks on the terminal; without one nothing is deleted.
async fn ask(conversations: &[Summary]) -> Result<(), Ending> {
    let kept = |why: &str| Err(Ending::Failed(format!("nothing was deleted{why}")));
    if !std::io::stdin().is_terminal() {
        return kept("; with --yes nobody is asked");
    }
    let turns: u64 = conversations.iter().map(|summary| summary.turns).sum();
    let conversations = counted(conversations.len() as u64, "conversation");
    let question = format!(
        "Delete everything: {conversations}, {}? [y/N] ",
        counted(turns, "turn")
    );
    tokio::select! {
        // First, so that Ctrl-C is heard from the moment on that the question stands there.
        biased;
        _ = tokio::signal::ctrl_c() => Err(Ending::Interrupted),
        answer = answered(&question) => match answer.to_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => kept(""),
        },
    }
}

fn counted(count: u64, thing: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {thing}{plural}")
}

/// The line that is typed behind a question; none counts as empty.
async fn answered(question: &str) -> String {
    // A question that cannot be read is not answered with yes.
    let _ = std::io::stderr().write_all(question.as_bytes());
    let (line, read) = oneshot::channel();
    // Not a thread of the runtime's: that would be waited for even after Ctrl-C.
    std::thread::spawn(move || {
        let mut text = String::new();
        let read = std::io::stdin().read_line(&mut text);
        // Nobody may be waiting any more.
        let _ = line.send(read.map(|_| text));
    });
    let text = read.await.ok().and_then(Result::ok).unwrap_or_default();
    text.trim().to_owned()
}

/// Text with its hidden characters written out: a terminal obeys some of them. Line breaks and tabs stay.
fn harmless(text: &str) -> String {
    hidden::visible(&text.replace("\r\n", "\n"))
}

/// JSON leaves two kinds of control characters as they are.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if ('\x7f'..='\u{9f}').contains(&character) {
            escaped.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            escaped.push(character);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_told_nothing_that_it_would_obey() {
        let text = "a\u{1b}[2J\r\nb\rc\u{7}\u{7f}\u{9b}31m\0é\tz";
        assert_eq!(
            harmless(text),
            "a⟨U+001B⟩[2J\nb⟨U+000D⟩c⟨U+0007⟩⟨U+007F⟩⟨U+009B⟩31m⟨U+0000⟩é\tz"
        );
        assert!(
            harmless(&('\0'..='\u{a0}').collect::<String>())
                .chars()
                .all(|c| !c.is_control() || c == '\n' || c == '\t')
        );
        let json = escaped(&json!({"a": text}).to_string());
        assert!(!json.chars().any(char::is_control), "{json}");
        let back: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(back["a"], text);
    }
}
