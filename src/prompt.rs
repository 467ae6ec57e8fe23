//! Selection, instruction, surroundings and conversation become a request to a model, free of any wire format.
//!
//! Order, for the sake of prompt caches: the system prompt, the past turns, then the new turn. Nothing before the new turn
//! depends on the time, the cursor or chance. Asking and rewriting share one system prompt, since a different one would
//! lose the cache for the whole conversation.

pub mod context;
pub mod exclusion;
pub mod mention;
pub mod redact;

use crate::action::{Kind, Target};
use crate::conversation::Conversation;
use crate::reply::{SENTINEL, thinking};
use crate::words::words;
use redact::Redact;
use redact::restore::PREFIX;

/// Who says a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The person, or this program on their behalf.
    User,
    /// The model.
    Assistant,
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// The text; never empty.
    pub text: String,
}

/// What is sent to the model: roles alternate, the first and the last message are the user's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The model's id.
    pub model: String,
    /// The system prompt.
    pub system: String,
    /// Past turns, then the new one.
    pub messages: Vec<Message>,
    /// The limit on the tokens of an answer; always sent, since gateways put in small ones of their own.
    pub max_output_tokens: u32,
    /// How long the model may think before it answers.
    pub thinking: Thinking,
    /// Whether an answer that begins with a tag of thinking may mean it as text of the document.
    pub keeps_tags: bool,
}

words! {
    /// The setting `thinking`: how long the model may think before it answers.
    Thinking {
        /// Not at all.
        Off = "off",
        /// As the model likes.
        Auto = "auto",
        /// A little.
        Low = "low",
        /// Some time.
        Medium = "medium",
        /// Long.
        High = "high",
    }
}

impl Request {
    /// The messages with neighbours of one role joined, as strictly alternating formats want them: the gateway would join
    /// them with a space and trim quotation marks off their ends, which damages code.
    pub fn alternating(&self) -> Vec<(Role, String)> {
        let mut joined: Vec<(Role, String)> = Vec::with_capacity(self.messages.len());
        for message in &self.messages {
            match joined.last_mut() {
                Some((role, text)) if *role == message.role => {
                    text.push_str("\n\n");
                    text.push_str(&message.text);
                }
                _ => joined.push((message.role, message.text.clone())),
            }
        }
        joined
    }
}

/// The new turn: what is asked of which text.
#[derive(Clone, Debug)]
pub struct Turn<'a> {
    /// Ask or rewrite.
    pub kind: Kind,
    /// The file's path as people name it: relative to the workspace where there is one. Empty if the question is about no
    /// file; then it is all that is said.
    pub path: &'a str,
    /// The LSP language id.
    pub language: &'a str,
    /// Zero-based first line of the selection.
    pub first_line: usize,
    /// Zero-based last line of the selection.
    pub last_line: usize,
    /// The selected text, verbatim.
    pub selection: &'a str,
    /// Other files that the instruction names: path and text.
    pub files: &'a [(String, String)],
    /// Whole lines in front of the selection.
    pub before: &'a str,
    /// Whole lines behind the selection.
    pub after: &'a str,
    /// What other servers say about the selection, a line each; may be empty.
    pub diagnostics: &'a str,
    /// The question, or the instruction.
    pub instruction: &'a str,
    /// Where the text of a rewrite goes.
    pub target: Target,
}

/// The system prompt, with the user's own `instructions` behind it.
///
/// It says who reads the reply, because some gateways put a hidden prompt in front that makes the model behave like an
/// agent ("I'll edit the file ..."), and it names the two forms of reply, because each turn only says which one it wants.
pub fn system(instructions: &str, redact: Redact) -> String {
    let mut text = format!(
        "You help a person who is working in a text editor. You cannot run commands, open files or use tools; your \
         reply is all there is.\n\
         Asked a question, answer in Markdown, briefly and to the point.\n\
         Told to rewrite, reply with nothing but the text that replaces the selection: no explanation before or after, \
         no code fence around it. Keep the indentation of the selection. If it cannot be done, reply with one line that \
         begins with {SENTINEL} and says why."
    );
    if redact == Redact::On {
        text.push_str(&format!(
            "\nWords such as {PREFIX}1 stand for secrets that were taken out of the text: keep each one exactly as it is, \
             where it is."
        ));
    }
    if !instructions.trim().is_empty() {
        text.push_str("\n\n");
        text.push_str(instructions.trim());
    }
    text
}

/// Puts a request together, without thinking, and gives it with the text of its new turn, which is what a conversation keeps.
/// `system` is what [`system`] gives.
pub fn request(
    model: String,
    system: String,
    max_output_tokens: u32,
    conversation: &Conversation,
    turn: &Turn<'_>,
) -> (Request, String) {
    let question = render(turn, conversation);
    let mut messages = conversation.messages();
    messages.push(Message {
        role: Role::User,
        text: question.clone(),
    });
    (
        Request {
            model,
            system,
            messages,
            max_output_tokens,
            thinking: Thinking::Off,
            keeps_tags: turn.kind == Kind::Rewrite
                && thinking::may_be_meant(
                    turn.language,
                    turn.selection,
                    &[turn.before, turn.after],
                ),
        },
        question,
    )
}

fn render(turn: &Turn<'_>, conversation: &Conversation) -> String {
    if turn.path.is_empty() {
        let files = files(turn, conversation);
        let gap = if files.is_empty() { "" } else { "\n" };
        return format!("{files}{gap}{}", turn.instruction);
    }
    let mut text = format!("File {} ({}), ", turn.path, turn.language);
    if turn.first_line == turn.last_line {
        text.push_str(&format!("line {}.\n", turn.first_line + 1));
    } else {
        text.push_str(&format!(
            "lines {} to {}.\n",
            turn.first_line + 1,
            turn.last_line + 1
        ));
    }
    text.push_str(&files(turn, conversation));
    block(&mut text, "before", turn.before, conversation);
    block(&mut text, "after", turn.after, conversation);
    let at_cursor = turn.selection.trim().is_empty();
    if at_cursor {
        text.push_str(CURSOR);
    } else {
        text.push_str(&format!(
            "<selection>\n{}\n</selection>\n\n",
            turn.selection
        ));
    }
    if !turn.diagnostics.is_empty() {
        text.push_str(&format!(
            "<diagnostics>\n{}\n</diagnostics>\n\n",
            turn.diagnostics
        ));
    }
    text.push_str(turn.instruction);
    match turn.kind {
        Kind::Ask => {}
        Kind::Rewrite if at_cursor => text.push_str(INSERT_ENDING),
        Kind::Rewrite if turn.target != Target::Selection => text.push_str(ADD_ENDING),
        Kind::Rewrite => text.push_str(REWRITE_ENDING),
    }
    text
}

/// The files that the words name; what an earlier turn shows word for word is not sent again.
fn files(turn: &Turn<'_>, conversation: &Conversation) -> String {
    let files = turn.files.iter().map(|(path, content)| {
        let shown = format!("<file path=\"{path}\">\n{content}{FILE_END}");
        if conversation.shows(&shown) {
            format!("<file path=\"{path}\">as shown above</file>\n")
        } else {
            shown
        }
    });
    files.collect()
}

/// What follows a file that goes along.
const FILE_END: &str = "\n</file>\n";

/// The words of a question that is about no file, without the files that went along.
pub fn words_of(question: &str) -> &str {
    let with_files = question.strip_prefix("<file path=\"");
    let words = with_files.and_then(|rest| rest.rsplit_once("</file>\n\n"));
    words.map_or(question, |(_, words)| words)
}

/// Stands in the place of a selection where there is none.
const CURSOR: &str = "The cursor stands between <before> and <after>; nothing is selected.\n\n";

/// What ends a turn that asks for a rewrite.
const REWRITE_ENDING: &str = "\nReply with nothing but the text that replaces the selection.";

/// What ends a turn that asks for new text.
const INSERT_ENDING: &str = "\nReply with nothing but the text to insert at the cursor.";

/// What ends a turn that asks for text beside the selection.
const ADD_ENDING: &str = "\nReply with nothing but the text to add; the selection stays.";

/// What a turn asks for, read back from its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked<'a> {
    /// Ask or rewrite.
    pub kind: Kind,
    /// The file's path.
    pub path: &'a str,
    /// The LSP language id.
    pub language: &'a str,
    /// `line 3` or `lines 3 to 4`.
    pub lines: &'a str,
    /// The selected text.
    pub selection: &'a str,
    /// The question, or the instruction.
    pub instruction: &'a str,
}

/// Reads the text of a turn as [`request`] makes it; `None` for any other text. The scripted stand-in answers by it.
pub fn read(text: &str) -> Option<Asked<'_>> {
    let (head, rest) = text.split_once(".\n")?;
    let (place, lines) = head.strip_prefix("File ")?.rsplit_once("), ")?;
    let (path, language) = place.rsplit_once(" (")?;
    let (selection, instruction) = match rest.split_once("<selection>\n") {
        Some((_, rest)) => rest.rsplit_once("\n</selection>\n\n")?,
        None => ("", rest.split_once(CURSOR)?.1),
    };
    let instruction = match instruction.strip_prefix("<diagnostics>\n") {
        Some(rest) => rest.split_once("\n</diagnostics>\n\n")?.1,
        None => instruction,
    };
    let ending = if selection.is_empty() {
        INSERT_ENDING
    } else {
        REWRITE_ENDING
    };
    let rewrite = instruction
        .strip_suffix(ending)
        .or_else(|| instruction.strip_suffix(ADD_ENDING));
    let (kind, instruction) = match rewrite {
        Some(instruction) => (Kind::Rewrite, instruction),
        None => (Kind::Ask, instruction),
    };
    Some(Asked {
        kind,
        path,
        language,
        lines,
        selection,
        instruction,
    })
}

/// What stands around the selection; what an earlier turn shows word for word is not sent again.
fn block(text: &mut String, name: &str, content: &str, conversation: &Conversation) {
    if content.trim().is_empty() {
        return;
    }
    let block = format!("<{name}>\n{content}\n</{name}>\n");
    if conversation.shows(&block) {
        text.push_str(&format!("<{name}>as shown above</{name}>\n"));
    } else {
        text.push_str(&block);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation;

    fn turn(kind: Kind) -> Turn<'static> {
        Turn {
            kind,
            path: "src/a.rs",
            language: "rust",
            first_line: 2,
            last_line: 3,
            selection: "let a = 1;\nlet b = a;",
            files: &[],
            before: "fn f() {",
            after: "}",
            diagnostics: "",
            instruction: "Do it.",
            target: Target::Selection,
        }
    }

    #[test]
    fn a_rewrite_reads_as_its_place_its_surroundings_its_text_and_what_to_do() {
        let (request, question) = request(
            "m".to_owned(),
            system("", Redact::On),
            100,
            &Conversation::default(),
            &turn(Kind::Rewrite),
        );
        insta::assert_snapshot!(question, @r"
        File src/a.rs (rust), lines 3 to 4.
        <before>
        fn f() {
        </before>
        <after>
        }
        </after>
        <selection>
        let a = 1;
        let b = a;
        </selection>

        Do it.
        Reply with nothing but the text that replaces the selection.
        ");
        assert_eq!(request.messages.len(), 1);
        assert!(request.system.contains(SENTINEL));
        let asked = read(&question).unwrap();
        assert_eq!(
            (asked.kind, asked.path, asked.language, asked.lines),
            (Kind::Rewrite, "src/a.rs", "rust", "lines 3 to 4")
        );
        assert_eq!(
            (asked.selection, asked.instruction),
            ("let a = 1;\nlet b = a;", "Do it.")
        );
        assert_eq!(read("Hello."), None);
    }

    #[test]
    fn new_text_is_asked_for_at_the_cursor() {
        let turn = Turn {
            selection: "",
            last_line: 2,
            before: "fn f() {\n    let a",
            ..turn(Kind::Rewrite)
        };
        let (_, question) = request(
            "m".to_owned(),
            String::new(),
            100,
            &Conversation::default(),
            &turn,
        );
        insta::assert_snapshot!(question, @r"
        File src/a.rs (rust), line 3.
        <before>
        fn f() {
            let a
        </before>
        <after>
        }
        </after>
        The cursor stands between <before> and <after>; nothing is selected.

        Do it.
        Reply with nothing but the text to insert at the cursor.
        ");
        let asked = read(&question).unwrap();
        assert_eq!(
            (asked.kind, asked.selection, asked.instruction),
            (Kind::Rewrite, "", "Do it.")
        );
    }

    #[test]
    fn what_other_servers_say_stands_behind_the_selection() {
        let turn = Turn {
            diagnostics: "line 3: error: unused `a` (rustc)",
            ..turn(Kind::Ask)
        };
        let (_, question) = request(
            "m".to_owned(),
            String::new(),
            100,
            &Conversation::default(),
            &turn,
        );
        assert!(
            question.ends_with(
                "</selection>\n\n<diagnostics>\nline 3: error: unused `a` (rustc)\n</diagnostics>\n\nDo it."
            ),
            "{question}"
        );
        assert_eq!(read(&question).unwrap().instruction, "Do it.");
    }

    #[test]
    fn each_request_is_the_one_before_plus_its_answer_plus_the_new_turn() {
        let mut conversation = Conversation::default();
        let mut earlier: Vec<Message> = Vec::new();
        for number in 0..10 {
            let instruction = format!("Question {number}?");
            let turn = Turn {
                instruction: &instruction,
                ..turn(Kind::Ask)
            };
            let (request, question) =
                request("m".to_owned(), String::new(), 100, &conversation, &turn);
            assert!(
                request.messages.starts_with(&earlier),
                "turn {number} changed the past"
            );
            assert_eq!(request.messages.len(), 2 * number + 1);
            assert_eq!(question.contains("as shown above"), number != 0);
            earlier = request.messages;
            let answer = format!("Answer {number}.");
            earlier.push(Message {
                role: Role::Assistant,
                text: answer.clone(),
            });
            let turn = conversation::Turn {
                id: i64::try_from(number).unwrap(),
                question,
                answer,
                document: String::new(),
            };
            conversation.append(turn, 1_000_000);
        }
    }

    #[test]
    fn tags_of_thinking_are_kept_where_they_may_be_text_of_the_document() {
        for (kind, selection, keeps) in [
            (Kind::Rewrite, "<think>\na\n</think>", true),
            (Kind::Rewrite, "a <think>", false),
            (Kind::Ask, "<think>", false),
        ] {
            let turn = Turn {
                selection,
                ..turn(kind)
            };
            let past = Conversation::default();
            let (request, _) = request("m".to_owned(), String::new(), 100, &past, &turn);
            assert_eq!(request.keeps_tags, keeps, "{kind:?} {selection}");
        }
    }

    #[test]
    fn the_users_instructions_stand_behind_the_system_prompt() {
        assert!(system(" Speak French. \n", Redact::Off).ends_with("says why.\n\nSpeak French."));
        assert!(system("  ", Redact::Off).ends_with("says why."));
        assert!(system("  ", Redact::On).ends_with("exactly as it is, where it is."));
    }
}
