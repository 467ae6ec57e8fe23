//! The beginning of an answer that is too long for a hover. No editor scrolls far in one, and some draw it anew at each move of
//! the cursor; the whole of it is in the document of its conversation.

use super::Format;

/// So many lines of an answer are shown at most.
const LINES: usize = 200;

/// So many bytes of it, which is some seconds of reading.
const BYTES: usize = 16 << 10;

/// Says where the rest is.
const POINTER: &str = "the answer goes on: choose \"Open conversation\" in the list of code actions to read all of it";

/// The text as it is shown: whole if it is short, else its beginning, with the fence of a code block closed, and a line that says
/// how to read the rest. Markdown is as [`super::markdown`] draws it, where every fence stands at the beginning of its line.
pub(super) fn cut(text: &str, format: Format) -> String {
    let mut kept = 0;
    let mut fence = None;
    for line in text.split_inclusive('\n').take(LINES) {
        if BYTES < kept + line.len() {
            break;
        }
        kept += line.len();
        fence = fence_behind(fence, line.trim_end());
    }
    if kept == text.len() {
        return text.to_owned();
    }
    if kept == 0 {
        // One line that never ends.
        kept = (0..=BYTES)
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(0);
    }
    let shown = text.get(..kept).unwrap_or_default().trim_end();
    match format {
        Format::Plain => format!("{shown}\n\n… {POINTER}"),
        Format::Markdown => {
            let closing = fence.map_or_else(String::new, |fence| format!("\n{fence}"));
            format!("{shown}{closing}\n\n*… {POINTER}*")
        }
    }
}

/// The fence that is open behind a line, if `open` was in front of it.
fn fence_behind<'a>(open: Option<&'a str>, line: &'a str) -> Option<&'a str> {
    let mark = line.chars().next().filter(|c| matches!(c, '`' | '~'));
    let length = line.len() - line.trim_start_matches(mark.unwrap_or(' ')).len();
    let Some(marks) = line.get(..length).filter(|_| mark.is_some() && 3 <= length) else {
        return open;
    };
    match open {
        None => Some(marks),
        Some(open) if marks.starts_with(open) && marks == line => None,
        Some(open) => Some(open),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_answer_is_whole_and_a_long_one_ends_where_it_says_so() {
        let line = "a line\n";
        for lines in [0, 1, LINES] {
            let text = line.repeat(lines);
            assert_eq!(cut(&text, Format::Markdown), text);
        }
        let long = line.repeat(LINES + 1);
        let shown = line.repeat(LINES);
        assert_eq!(cut(&long, Format::Plain), format!("{shown}\n… {POINTER}"));
        assert_eq!(
            cut(&long, Format::Markdown),
            format!("{shown}\n*… {POINTER}*")
        );
        let wide = format!("{}\n", "é".repeat(3_000)).repeat(4);
        assert_eq!(
            cut(&wide, Format::Plain).matches('\n').count(),
            3,
            "two lines fit"
        );
        let endless = "é".repeat(BYTES);
        assert!(cut(&endless, Format::Plain).starts_with(&"é".repeat(BYTES / 2)));
    }

    #[test]
    fn a_code_block_that_is_cut_is_closed_by_its_own_fence() {
        let code = "let a = 1;\n".repeat(LINES);
        for (opening, closing) in [
            ("```rust", Some("```")),
            ("````\n```\n", Some("````")),
            ("~~~~ x", Some("~~~~")),
            ("````\n```\n````\n```", Some("```")),
            ("```\n```", None),
            ("```\n    ```\n", Some("```")),
            ("``inline``", None),
        ] {
            let shown = cut(&format!("{opening}\n{code}"), Format::Markdown);
            let body = shown.strip_suffix(&format!("\n\n*… {POINTER}*")).unwrap();
            let last = body.lines().next_back().unwrap();
            let expected = closing.unwrap_or("let a = 1;");
            assert_eq!(last, expected, "{opening}");
        }
    }
}
