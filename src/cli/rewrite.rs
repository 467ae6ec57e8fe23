//! `ezrouter-lsp rewrite`: the new file, or what changes in it, to stdout, or the file itself written in one step. Nothing is
//! printed or written unless the answer is complete.

use similar::TextDiff;

use super::input::Input;
use super::{Context, Ending, print};
use crate::action::Kind;
use crate::conversation::Conversation;
use crate::reply::{Cleaner, Shape};
use crate::task::Subject;

/// What is done with the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// The new file goes to stdout.
    Print,
    /// A unified diff goes to stdout.
    Diff,
    /// The file is written.
    Write,
    /// The file is written, and a unified diff goes to stdout.
    WriteAndDiff,
}

/// Rewrites the selected lines of a file as `instruction` says.
pub async fn run(
    context: &mut Context,
    file: &str,
    lines: Option<&str>,
    instruction: &str,
    output: Output,
) -> Ending {
    let input = match Input::read(file, lines, Kind::Rewrite, &context.settings) {
        Ok(input) => input,
        Err(reason) => return Ending::Failed(reason),
    };
    let subject = Subject {
        kind: Kind::Rewrite,
        path: &input.name,
        document: &input.document,
        span: input.span,
        instruction,
    };
    let model = context.settings.model.clone();
    let (request, _) = subject.request(model, &context.settings.limits(), &Conversation::default());
    let mut cleaner = Cleaner::new(Shape::of(&input.document, input.span));
    let mut replacement = String::new();
    let answered = context
        .converse(request, |text| {
            replacement.push_str(&cleaner.push(text));
            Ok(())
        })
        .await;
    let usage = match answered {
        Ok(usage) => usage,
        Err(ending) => return ending,
    };
    match cleaner.finish() {
        Ok(rest) => replacement.push_str(&rest),
        Err(rejected) => return Ending::Failed(format!("{rejected}; nothing was changed")),
    }
    let done = put_out(&input, &input.with(&replacement), output);
    if done == Ending::Complete {
        context.meter.finish(usage);
    }
    done
}

fn put_out(input: &Input, text: &str, output: Output) -> Ending {
    if matches!(output, Output::Write | Output::WriteAndDiff)
        && let Err(reason) = input.write(text)
    {
        return Ending::Failed(reason);
    }
    let printed = match output {
        Output::Print => print(text),
        Output::Diff | Output::WriteAndDiff => {
            let (old, new) = (format!("a/{}", input.name), format!("b/{}", input.name));
            let diff = TextDiff::from_lines(input.text(), text);
            print(&diff.unified_diff().header(&old, &new).to_string())
        }
        Output::Write => Ok(()),
    };
    printed.err().unwrap_or(Ending::Complete)
}
