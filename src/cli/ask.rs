//! `ezrouter-lsp ask`: the answer streams to stdout, what it took goes to stderr.

use std::io::IsTerminal as _;

use super::input::{Input, Lines};
use super::{Context, Cursor, Ending, print};
use crate::action::Kind;
use crate::text::hidden::Visible;

/// Asks `question` about the selected lines of a file. What has come of an incomplete answer has been printed.
pub async fn run(
    context: &mut Context,
    file: &str,
    lines: Option<Lines>,
    question: &str,
) -> Ending {
    let input = match Input::read(file, lines, Kind::Ask, context) {
        Ok(input) => input,
        Err(reason) => return Ending::Failed(reason),
    };
    let composed = match input.compose(context, Kind::Ask, question) {
        Ok(composed) => composed,
        Err(reason) => return Ending::Failed(reason),
    };
    // A terminal would obey some of what cannot be seen.
    let mut visible = Visible::default();
    let mut last = '\n';
    let terminal = std::io::stdout().is_terminal();
    let answered = context
        .converse(composed.request, |text| {
            let text = visible.push(text);
            last = text.chars().next_back().unwrap_or(last);
            print(&text)?;
            Ok(if terminal && last != '\n' {
                Cursor::WithinLine
            } else {
                Cursor::LineStart
            })
        })
        .await;
    let rest = visible.finish();
    let ends_line = rest.is_empty() && last == '\n';
    let end = if ends_line { "" } else { "\n" };
    if let Err(ending) = print(&format!("{rest}{end}")) {
        return ending;
    }
    match answered {
        Ok(()) => {
            context.meter.finish();
            Ending::Complete
        }
        Err(ending) => {
            context.meter.stop();
            ending
        }
    }
}
