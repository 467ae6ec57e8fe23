//! Selection, instruction, surroundings and conversation become a request to a model, free of any wire format.
//!
//! Order, for the sake of prompt caches: the system prompt, the past turns, then the new turn. Nothing before the new turn
//! depends on the time, the cursor or chance. Asking and rewriting share one system prompt, since a different one would
//! lose the cache for the whole conversation.

pub mod context;

use crate::action::Kind;
use crate::conversation::Conversation;
use crate::reply::SENTINEL;

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
    /// The limit on generated tokens; always sent, since gateways put in small ones of their own.
    pub max_output_tokens: u32,
}

/// The new turn: what is asked of which text.
#[derive(Clone, Debug)]
pub struct Turn<'a> {
    /// Ask or rewrite.
    pub kind: Kind,
    /// The file's path as people name it: relative to the workspace where there is one.
    pub path: &'a str,
    /// The LSP language id.
    pub language: &'a str,
    /// Zero-based first line of the selection.
    pub first_line: usize,
    /// Zero-based last line of the selection.
    pub last_line: usize,
    /// The selected text, verbatim.
    pub selection: &'a str,
    /// Whole lines in front of the selection.
    pub before: &'a str,
    /// Whole lines behind the selection.
    pub after: &'a str,
    /// The question, or the instruction.
    pub instruction: &'a str,
}

/// The system prompt, with the user's own `instructions` behind it.
///
/// It says who reads the reply, because some gateways put a hidden prompt in front that makes the model behave like an
/// agent ("I'll edit the file ..."), and it names the two forms of reply, because each turn only says which one it wants.
pub fn system(instructions: &str) -> String {
    let mut text = format!(
        "You help a person who is working in a text editor. You cannot run commands, open files or use tools; your \
         reply is all there is.\n\
         Asked a question, answer in Markdown, briefly and to the point.\n\
         Told to rewrite, reply with nothing but the text that replaces the selection: no explanation before or after, \
         no code fence around it. Keep the indentation of the selection. If it cannot be done, reply with one line that \
         begins with {SENTINEL} and says why."
    );
    if !instructions.trim().is_empty() {
        text.push_str("\n\n");
        text.push_str(instructions.trim());
    }
    text
}

/// Puts a request together and gives it with the text of its new turn, which is what a conversation keeps.
pub fn request(
    model: String,
    instructions: &str,
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
            system: system(instructions),
            messages,
            max_output_tokens,
        },
        question,
    )
}

fn render(turn: &Turn<'_>, conversation: &Conversation) -> String {
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
    block(&mut text, "before", turn.before, conversation);
    block(&mut text, "after", turn.after, conversation);
    text.push_str(&format!(
        "<selection>\n{}\n</selection>\n\n",
        turn.selection
    ));
    text.push_str(turn.instruction);
    if turn.kind == Kind::Rewrite {
        text.push_str("\nReply with nothing but the text that replaces the selection.");
    }
    text
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
            before: "fn f() {",
            after: "}",
            instruction: "Do it.",
        }
    }

    #[test]
    fn a_rewrite_reads_as_its_place_its_surroundings_its_text_and_what_to_do() {
        let (request, question) = request(
            "m".to_owned(),
            "",
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
            let (request, question) = request("m".to_owned(), "", 100, &conversation, &turn);
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
            conversation.append(conversation::Turn { question, answer }, 1_000_000);
        }
    }

    #[test]
    fn the_users_instructions_stand_behind_the_system_prompt() {
        assert!(system(" Speak French. \n").ends_with("says why.\n\nSpeak French."));
        assert!(system("  ").ends_with("says why."));
    }
}
