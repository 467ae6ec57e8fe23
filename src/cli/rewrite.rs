//! `ezrouter-lsp rewrite`: the new file, or what changes in it, to stdout, or the file itself written in one step. Nothing is
//! printed or written unless the answer is complete.

use similar::TextDiff;

use super::input::{Input, Lines};
use super::{Context, Cursor, Ending, print};
use crate::action::Kind;
use crate::reading::Reading;
use crate::reply::Shape;

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

impl Output {
    fn writes(self) -> bool {
        matches!(self, Self::Write | Self::WriteAndDiff)
    }
}

/// Rewrites the selected lines of a file as `instruction` says.
pub async fn run(
    context: &mut Context,
    file: &str,
    lines: Option<Lines>,
    instruction: &str,
    output: Output,
) -> Ending {
    let input = match Input::read(file, lines, Kind::Rewrite, context) {
        Ok(input) => input,
        Err(reason) => return Ending::Failed(reason),
    };
    if output.writes()
        && let Err(reason) = input.check_writable()
    {
        return Ending::Failed(reason);
    }
    let composed = match input.compose(context, Kind::Rewrite, instruction) {
        Ok(composed) => composed,
        Err(reason) => return Ending::Failed(reason),
    };
    let mut reading = Reading::new(&Shape::of(&input.document, input.span));
    reading.restore_with(composed.restorer, composed.shape.as_ref());
    let mut replacement = String::new();
    let answered = context
        .converse(composed.request, |text| {
            replacement.push_str(&reading.push(text));
            Ok(Cursor::LineStart)
        })
        .await;
    if let Err(ending) = answered {
        context.meter.stop();
        return ending;
    }
    match reading.finish() {
        Ok(rest) => replacement.push_str(&rest),
        Err(rejected) => {
            context.meter.stop();
            return Ending::Failed(format!("{rejected}; nothing was changed"));
        }
    }
    if let Some(doubt) = reading.new_doubt() {
        context.meter.stop();
        return Ending::Failed(format!("{doubt}; nothing was changed"));
    }
    let done = put_out(&input, &input.with(&replacement), output);
    if done == Ending::Complete {
        context.meter.finish();
    }
    done
}

fn put_out(input: &Input, text: &str, output: Output) -> Ending {
    if output.writes()
        && let Err(reason) = input.write(text)
    {
        return Ending::Failed(reason);
    }
    let printed = match output {
        Output::Print => print(text),
        Output::Diff | Output::WriteAndDiff => {
            let (old, new) = (format!("a/{}", input.name), format!("b/{}", input.name));
            // Only a line feed ends a line for the programs that apply it.
            let before: Vec<&str> = input.text().split_inclusive('\n').collect();
            let after: Vec<&str> = text.split_inclusive('\n').collect();
            let mut settings = TextDiff::configure();
            let diff = settings
                .newline_terminated(true)
                .diff_slices(&before, &after);
            print(&diff.unified_diff().header(&old, &new).to_string())
        }
        Output::Write => Ok(()),
    };
    printed.err().unwrap_or(Ending::Complete)
}
