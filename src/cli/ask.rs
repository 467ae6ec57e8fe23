//! `ezrouter-lsp ask`: the answer streams to stdout, what it took goes to stderr.

use super::input::Input;
use super::{Context, Ending, print};
use crate::action::Kind;
use crate::conversation::Conversation;
use crate::task::Subject;

/// Asks `question` about the selected lines of a file. What has come of an incomplete answer has been printed.
pub async fn run(context: &mut Context, file: &str, lines: Option<&str>, question: &str) -> Ending {
    let input = match Input::read(file, lines, Kind::Ask, &context.settings) {
        Ok(input) => input,
        Err(reason) => return Ending::Failed(reason),
    };
    let subject = Subject {
        kind: Kind::Ask,
        path: &input.name,
        document: &input.document,
        span: input.span,
        instruction: question,
    };
    let model = context.settings.model.clone();
    let (request, _) = subject.request(model, &context.settings.limits(), &Conversation::default());
    let mut last = '\n';
    let answered = context
        .converse(request, |text| {
            last = text.chars().next_back().unwrap_or(last);
            print(text)
        })
        .await;
    if last != '\n'
        && let Err(ending) = print("\n")
    {
        return ending;
    }
    match answered {
        Ok(usage) => {
            context.meter.finish(usage);
            Ending::Complete
        }
        Err(ending) => ending,
    }
}
