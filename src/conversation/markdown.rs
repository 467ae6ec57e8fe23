//! A conversation as a page of Markdown that is read without us: a section for each turn, with what was asked of which text,
//! the answer, and what it took. Nothing is escaped for a terminal here.

use super::Record;
use crate::action::Kind;
use crate::answer;
use crate::prompt;

/// The heading of a question that is about no file. The last one of a document is the one to write under.
pub const QUESTION: &str = "## You";

/// The heading between such a question and its answer.
pub const ANSWER: &str = "### Answer";

/// The page. Each turn comes with its date and time as people read them.
pub fn page(title: &str, turns: &[(Record, String)]) -> String {
    let mut page = format!("# {}\n", one_line(title));
    for (record, when) in turns {
        let footer = answer::footer(&record.model, record.usage, record.seconds, 0);
        let head = Head::of(record, when).text();
        let parts = [head, answer(record), format!("*{footer}*")];
        for part in parts {
            page.push_str(&format!("\n{part}\n"));
        }
    }
    page
}

/// What stands above an answer.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// What the menu called it, or the beginning of the user's words.
    pub title: &'a str,
    /// The file's path as people name it; empty for a question that is about no file.
    pub path: &'a str,
    /// The first and the last line that were asked about, counted from 1.
    pub lines: (u32, u32),
    /// Date and time as people read them; empty if they are not told.
    pub when: &'a str,
    /// The turn as it was sent.
    pub question: &'a str,
}

impl<'a> Head<'a> {
    /// That of a turn.
    pub fn of(record: &'a Record, when: &'a str) -> Self {
        Self {
            title: &record.title,
            path: &record.path,
            lines: record.lines,
            when,
            question: &record.turn.question,
        }
    }

    /// Paragraphs, without a line break at the end.
    pub fn text(&self) -> String {
        if self.path.is_empty() {
            let words = prompt::words_of(self.question).trim();
            return format!("{QUESTION}\n\n{words}\n\n{ANSWER}");
        }
        let lines = match self.lines {
            (first, last) if last <= first => format!("line {first}"),
            (first, last) => format!("lines {first} to {last}"),
        };
        let when = match self.when {
            "" => String::new(),
            when => format!(", {when}"),
        };
        let asked = match prompt::read(self.question) {
            Some(asked) => format!(
                "{}\n\n{}",
                block(asked.language, asked.selection),
                quote(asked.instruction)
            ),
            None => block("", self.question),
        };
        let (title, path) = (one_line(self.title), one_line(self.path));
        format!("## {title}\n\n{path}, {lines}{when}\n\n{asked}")
    }
}

/// The answer of a turn as Markdown: what a rewrite gave is code.
pub(super) fn answer(record: &Record) -> String {
    let answer = record.turn.answer.trim_end();
    if record.kind == Kind::Ask || answer.trim_start().starts_with("```") {
        return answer.to_owned();
    }
    let asked = prompt::read(&record.turn.question);
    block(asked.map_or("", |asked| asked.language), answer)
}

/// Text as a code block, in a fence that is longer than any in it.
fn block(language: &str, text: &str) -> String {
    let mut longest = 2;
    let mut run = 0;
    for character in text.chars() {
        run = if character == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    let is_word = language
        .chars()
        .all(|character| character.is_alphanumeric() || "+#-_.".contains(character));
    let language = if is_word { language } else { "" };
    let text = text.strip_suffix('\n').unwrap_or(text);
    format!("{fence}{language}\n{text}\n{fence}")
}

fn quote(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| format!("> {line}")).collect();
    lines.join("\n")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::{Conversation, Turn};
    use crate::gateway::signal::Usage;
    use crate::gateway::surface::Surface;

    fn record(kind: Kind, selection: &str, instruction: &str, answer: &str) -> Record {
        let turn = prompt::Turn {
            kind,
            path: "src/a.py",
            language: "python",
            first_line: 2,
            last_line: 3,
            selection,
            before: "",
            after: "",
            instruction,
            diagnostics: "",
            files: &[],
            target: crate::action::Target::Selection,
        };
        let (_, question) = prompt::request(
            String::new(),
            String::new(),
            1,
            &Conversation::default(),
            &turn,
        );
        Record {
            turn: Turn {
                id: 1,
                question,
                answer: answer.to_owned(),
                document: String::new(),
            },
            kind,
            title: "Why?".to_owned(),
            path: "src/a.py".to_owned(),
            lines: (3, 4),
            model: "m".to_owned(),
            surface: Surface::OpenAi,
            time: 0,
            usage: Some(Usage {
                input: 90,
                cached: 60,
                written: 0,
                output: 7,
                estimated: false,
            }),
            seconds: 3,
        }
    }

    #[test]
    fn a_page_has_a_section_for_each_turn() {
        let asked = record(
            Kind::Ask,
            "a = 1\nb = a\n",
            "Why?\nReally.",
            "Since **so**.\n",
        );
        let rewritten = Record {
            title: "Simplify".to_owned(),
            lines: (3, 3),
            usage: None,
            ..record(Kind::Rewrite, "a = 1", "Do it.", "a = \"```\"\n")
        };
        let when = "2026-11-26 10:21".to_owned();
        let turns = [(asked, when.clone()), (rewritten, when)];
        insta::assert_snapshot!(page("Why? (src/a.py)", &turns), @r#"
        # Why? (src/a.py)

        ## Why?

        src/a.py, lines 3 to 4, 2026-11-26 10:21

        ```python
        a = 1
        b = a
        ```

        > Why?
        > Really.

        Since **so**.

        *m, 90 tokens in (60 cached), 7 out, 3 s*

        ## Simplify

        src/a.py, line 3, 2026-11-26 10:21

        ```python
        a = 1
        ```

        > Do it.

        ````python
        a = "```"
        ````

        *m, 3 s*
        "#);
    }

    #[test]
    fn a_question_in_another_form_is_shown_as_it_was_sent_and_fences_stay() {
        let turn = Turn {
            question: "Hello,\nyou".to_owned(),
            ..record(Kind::Rewrite, "a", "b", "").turn
        };
        let other = Record {
            turn: Turn {
                answer: "```\nx\n```".to_owned(),
                ..turn
            },
            ..record(Kind::Rewrite, "a", "b", "")
        };
        let page = page("T", &[(other, "now".to_owned())]);
        assert!(
            page.contains("now\n\n```\nHello,\nyou\n```\n\n```\nx\n```\n\n*m"),
            "{page}"
        );
    }
}
