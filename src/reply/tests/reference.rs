//! What the cleaner must give, written for reading: the whole reply is there at once, and each rule is applied in turn.

#![expect(
    clippy::string_slice,
    reason = "slices at lengths that were just measured read best, and a panic is a failed test"
)]

use super::super::{Indent, Rejected, SENTINEL, Shape, language};

const WHITE: [char; 3] = [' ', '\t', '\n'];
const BLANK: [char; 2] = [' ', '\t'];

pub(super) fn clean(shape: &Shape, reply: &str) -> Result<String, Rejected> {
    let reply = reply.replace("\r\n", "\n").replace('\r', "\n");
    let content = unwrap(shape, &reply);
    let text = content.trim_matches(WHITE);
    if text.is_empty() {
        return Err(Rejected::Empty);
    }
    if let Some(reason) = text.strip_prefix(SENTINEL) {
        return Err(Rejected::Refused(
            reason.split('\n').next().unwrap().trim().to_owned(),
        ));
    }
    let mut lines: Vec<&str> = content.trim_end_matches(WHITE).split('\n').collect();
    while lines[0].trim_matches(BLANK).is_empty() {
        lines.remove(0);
    }
    Ok(place(shape, &lines))
}

// --- What is content -------------------------------------------------------------------------------------------------

fn unwrap(shape: &Shape, reply: &str) -> String {
    let code = !language::is_markdown(&shape.language) && shape.language != "plaintext";
    let selected = shape.selection.trim();
    let one_line = !selected.is_empty() && !selected.contains(['\r', '\n']);
    let beside = !shape.line_prefix.trim_matches(BLANK).is_empty()
        || !shape.line_suffix.trim_matches(BLANK).is_empty();
    let in_line = one_line && beside;
    let mut rest = reply;
    loop {
        while let Some((line, after)) = rest
            .split_once('\n')
            .filter(|(line, _)| line.trim_matches(BLANK).is_empty())
        {
            let _ = line;
            rest = after;
        }
        let text = rest.trim_start_matches(BLANK);
        if !selected.starts_with("<think>") && !selected.starts_with("<thinking>") {
            let tags = [("<think>", "</think>"), ("<thinking>", "</thinking>")];
            if let Some((open, close)) = tags.into_iter().find(|(open, _)| text.starts_with(open)) {
                let Some((_, after)) = text[open.len()..].split_once(close) else {
                    return String::new();
                };
                rest = after;
                continue;
            }
        }
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        if fence(line).is_some_and(|fence| wraps(shape, fence, false)) {
            return block(shape, line, after);
        }
        let alone = after.trim_matches(WHITE).is_empty();
        if is_opener(line.trim_start_matches(BLANK)) {
            let next = after
                .trim_start_matches('\n')
                .split('\n')
                .find(|line| !line.trim_matches(BLANK).is_empty());
            let gap = after
                .split('\n')
                .next()
                .unwrap()
                .trim_matches(BLANK)
                .is_empty();
            if alone {
                return if code && !in_line {
                    String::new()
                } else {
                    rest.to_owned()
                };
            }
            if code && gap {
                rest = after;
                continue;
            }
            if let Some(next) =
                next.filter(|next| fence(next).is_some_and(|fence| wraps(shape, fence, true)))
            {
                let inside = after.split_once(next).unwrap().1;
                return block(shape, next, inside.strip_prefix('\n').unwrap_or(inside));
            }
            return rest.to_owned();
        }
        if alone && one_line && !selected.contains('`') && !language::has_backticks(&shape.language)
        {
            let line = line.trim_matches(BLANK);
            for marks in 1..=line.len() / 2 {
                let ticks = "`".repeat(marks);
                let inside = line
                    .strip_prefix(&ticks)
                    .and_then(|line| line.strip_suffix(&ticks));
                if let Some(inside) =
                    inside.filter(|inside| !inside.is_empty() && !inside.contains('`'))
                {
                    return inside.to_owned();
                }
            }
        }
        return rest.to_owned();
    }
}

fn is_opener(line: &str) -> bool {
    line.len() <= 400
        && super::super::head::OPENERS.iter().any(|opener| {
            line.starts_with(opener)
                && !line[opener.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
        })
        && [':', '.', '!']
            .iter()
            .any(|&end| line.trim_end_matches([' ', '\t', '*', '_']).ends_with(end))
}

/// The mark, how many of it, and the tag.
fn fence(line: &str) -> Option<(char, usize, String)> {
    let line = line.trim_start_matches(BLANK);
    let mark = line
        .chars()
        .next()
        .filter(|mark| ['`', '~'].contains(mark))?;
    let length = line.chars().take_while(|&c| c == mark).count();
    let info = &line[length..];
    let wanted = 3 <= length && line.len() <= 400 && !(mark == '`' && info.contains('`'));
    wanted.then(|| {
        (
            mark,
            length,
            info.split_whitespace().next().unwrap_or("").to_lowercase(),
        )
    })
}

fn wraps(shape: &Shape, (_, _, tag): (char, usize, String), announced: bool) -> bool {
    let own = shape
        .selection
        .trim()
        .lines()
        .next()
        .and_then(fence)
        .map(|(_, _, tag)| tag);
    match (language::is_markdown(&shape.language), own) {
        (false, own) => own.is_none(),
        (true, None) if tag.is_empty() => !announced,
        (true, own) => {
            language::is_markdown(&tag) && !own.is_some_and(|own| language::is_markdown(&own))
        }
    }
}

fn block(shape: &Shape, opening: &str, inside: &str) -> String {
    let width = |line: &str| line.len() - line.trim_start_matches(BLANK).len();
    let (mark, length, _) = fence(opening).unwrap();
    let lines: Vec<&str> = inside.split('\n').collect();
    let as_opening = |line: &str| {
        fence(line).filter(|(its_mark, its_length, _)| *its_mark == mark && length <= *its_length)
    };
    let mut nested = vec![];
    let mut at = 0;
    while at < lines.len() {
        if let Some((_, its_length, tag)) = as_opening(lines[at]) {
            if !tag.is_empty() {
                nested.push(its_length);
            } else if let Some(inner) = nested.last() {
                if *inner <= its_length {
                    nested.pop();
                }
            } else {
                let doubtful =
                    language::is_markdown(&shape.language) || width(opening) + 3 < width(lines[at]);
                let next = (at + 1..lines.len()).find(|&next| as_opening(lines[next]).is_some());
                match next {
                    Some(next) if doubtful && as_opening(lines[next]).unwrap().2.is_empty() => {
                        at = next;
                    }
                    _ => return lines[..at].join("\n"),
                }
            }
        }
        at += 1;
    }
    lines.join("\n")
}

// --- Where it goes ---------------------------------------------------------------------------------------------------

fn place(shape: &Shape, lines: &[&str]) -> String {
    let selection = shape.selection.as_str();
    let white = [' ', '\t', '\n', '\r'];
    let from_newline = |text: &str| {
        text.find(['\n', '\r'])
            .map_or(String::new(), |newline| text[newline..].to_owned())
    };
    let (lead, tail) = if selection.trim_matches(white).is_empty() {
        (
            selection.split(['\n', '\r']).next().unwrap().to_owned(),
            from_newline(selection),
        )
    } else {
        let tail = &selection[selection.trim_end_matches(white).len()..];
        let keep = !tail.contains(['\n', '\r']) && !shape.line_suffix.is_empty();
        (
            selection[..selection.len() - selection.trim_start_matches(white).len()].to_owned(),
            if keep {
                tail.to_owned()
            } else {
                from_newline(tail)
            },
        )
    };
    let base = shape.base_indent();
    let split = |line: &str| {
        let text = line.trim_start_matches(BLANK);
        (line[..line.len() - text.len()].to_owned(), text.to_owned())
    };
    let lines: Vec<(String, String)> = lines.iter().map(|line| split(line)).collect();
    let old: Vec<(String, String)> = selection
        .split(['\n', '\r'])
        .map(split)
        .filter(|(_, text)| !text.is_empty())
        .collect();

    let mut first = lines[0].0.clone();
    let mut moved_at_second = false;
    let indented: Vec<&(String, String)> = lines[1..]
        .iter()
        .filter(|(_, text)| !text.is_empty())
        .collect();
    if let (Some(second), Some(old_second)) = (indented.first(), old.get(1))
        && second.0 == old_second.0
        && first.len() < base.len()
    {
        let squeeze = |text: &str| text.replace(BLANK, "");
        let opens = |text: &str| squeeze(text).ends_with(['{', '(', '[', ':', '>']);
        if squeeze(&lines[0].1) == squeeze(&old[0].1) || opens(&lines[0].1) && opens(&old[0].1) {
            first.clone_from(&base);
            moved_at_second = true;
        }
    }

    let mut unit = None;
    let mut out = lead + &lines[0].1;
    for (indent, text) in &lines[1..] {
        out += shape.line_ending;
        if text.is_empty() {
            continue;
        }
        if std::mem::take(&mut moved_at_second) {
            // The second line showed where the first one belongs, not how the reply indents.
        } else if unit.is_none() && !(first.clone() + indent).contains('\t') {
            let step = first.len().abs_diff(indent.len());
            let fit = [8, 4, 3, 2]
                .into_iter()
                .find(|unit| step.is_multiple_of(*unit) && first.len().is_multiple_of(*unit));
            unit = fit.filter(|_| 0 < step && step <= 8);
        }
        out += &shifted(shape, &base, &first, indent, unit.unwrap_or(4));
        out += text;
    }
    out + &tail
}

/// The indentation of a line that the reply indents by `indent`, when its first line has `first`.
fn shifted(shape: &Shape, base: &str, first: &str, indent: &str, unit: usize) -> String {
    let verbatim = language::is_markdown(&shape.language);
    let tabs = shape.language == "makefile" || shape.indent == Indent::Tabs;
    let tab = match shape.indent {
        Indent::Spaces(width) if !tabs && !verbatim => usize::from(width.max(1)),
        _ => unit,
    };
    let columns = |text: &str| text.replace('\t', &" ".repeat(tab)).len();
    let written = |columns: usize| {
        let tabs = if tabs && !verbatim { columns / unit } else { 0 };
        "\t".repeat(tabs) + &" ".repeat(columns - tabs * unit)
    };
    match indent.strip_prefix(first) {
        Some(beyond) if verbatim || tabs && (first.to_owned() + beyond).contains('\t') => {
            base.to_owned() + beyond
        }
        Some(beyond) => base.to_owned() + &written(columns(beyond)),
        None => match (columns(base) + columns(indent)).saturating_sub(columns(first)) {
            target if columns(base) <= target => base.to_owned() + &written(target - columns(base)),
            target => {
                let kept = (0..=base.len())
                    .rev()
                    .find(|&kept| columns(&base[..kept]) <= target)
                    .unwrap();
                base[..kept].to_owned() + &" ".repeat(target - columns(&base[..kept]))
            }
        },
    }
}
