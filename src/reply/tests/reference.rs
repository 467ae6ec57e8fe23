//! What the cleaner must give, written for reading: the whole reply is there at once, and each rule is applied in turn, line
//! by line. What single lines read like is asked of the same functions as the cleaner asks; that they can be asked while a
//! line is still coming, and all that follows from several lines, is what the comparison proves.

#![expect(
    clippy::string_slice,
    reason = "slices at lengths that were just measured read best, and a panic is a failed test"
)]
#![expect(
    clippy::too_many_lines,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::format_collect,
    reason = "one rule behind the other reads best, numbers are small, and nothing has to be fast"
)]

use super::super::fence::Fence;
use super::super::language::{self, Family};
use super::super::spanning::{Indentation, Spanning};
use super::super::talk::{self, Sentence};
use super::super::{Indent, Rejected, SENTINEL, Shape, prompted, shown, thinking, turn};

const WHITE: [char; 3] = [' ', '\t', '\n'];
const BLANK: [char; 2] = [' ', '\t'];

const TAGS: [&str; 8] = [
    "<before>",
    "<after>",
    "<diagnostics>",
    "<selection>",
    "</before>",
    "</after>",
    "</diagnostics>",
    "</selection>",
];

pub(super) fn clean(shape: &Shape, reply: &str) -> Result<String, Rejected> {
    let reply = reply.replace("\r\n", "\n").replace('\r', "\n");
    let reply = own_turn(shape, &reply);
    let content = match unwrap(shape, &reply) {
        Unwrapped::Plain(text) => cut(shape, &text, true),
        Unwrapped::Fenced(text) => cut(shape, &text, false),
        Unwrapped::Words(words) => return Err(Rejected::Words(shown(&words))),
    };
    if let Some(reason) = content.trim_start_matches(WHITE).strip_prefix(SENTINEL) {
        return Err(Rejected::Refused(
            reason.split('\n').next().unwrap().trim().to_owned(),
        ));
    }
    let content = without_prefix(shape, without_lines_before(shape, &content));
    if content.trim_matches(WHITE).is_empty() {
        return Err(Rejected::Empty);
    }
    let mut lines: Vec<&str> = content.trim_end_matches(WHITE).split('\n').collect();
    while lines[0].trim_matches(BLANK).is_empty() {
        lines.remove(0);
    }
    let text = without_lines_behind(shape, place(shape, &lines));
    let text = without_suffix(shape, text);
    let (lead, end) = margins(shape);
    Ok(lead + &text.replace('\n', shape.line_ending) + &end)
}

fn own_turn(shape: &Shape, reply: &str) -> String {
    let mut kept: Vec<&str> = vec![];
    for line in reply.split('\n') {
        let about_marks = turn::MARKS.iter().any(|mark| shape.surrounds(mark));
        let known = turn::MARKS.iter().copied().filter(|_| !about_marks);
        let end = prompted::is_foreign(shape).then_some(prompted::END);
        let places = known.chain(end).flat_map(|mark| {
            let places = line.match_indices(mark);
            places.map(move |(at, _)| (at, mark))
        });
        let mark = places
            .filter(|(at, mark)| {
                let behind = line[at + mark.len()..].trim_matches(BLANK);
                let alone = line[..*at].trim_matches(BLANK).is_empty();
                (behind.is_empty() || behind.starts_with("<|"))
                    && !(*mark == prompted::END && alone)
            })
            .min();
        if let Some((at, _)) = mark {
            kept.push(&line[..at]);
            break;
        }
        kept.push(line);
    }
    kept.join("\n")
}

// --- How it begins ---------------------------------------------------------------------------------------------------

enum Unwrapped {
    Plain(String),
    Fenced(String),
    Words(String),
}

/// Speech that waits for what follows it.
struct Talk {
    lines: String,
    known: bool,
    colon: bool,
    gap: bool,
}

const THINKING: [(&str, &str); 4] = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
];

fn unwrap(shape: &Shape, reply: &str) -> Unwrapped {
    let family = Family::of(&shape.language);
    let selected = shape.selection.trim();
    let one_line = !selected.is_empty() && !selected.contains(['\r', '\n']);
    let beside = |text: &str| !text.trim_matches(BLANK).is_empty();
    let in_line = one_line && (beside(&shape.line_prefix) || beside(&shape.line_suffix));
    let prose = selected.lines().next().is_some_and(talk::is_sentence);
    let openers = family.is_code() && !prose;
    let sentences = openers && !in_line;
    let strict = openers
        && match family {
            Family::Markup => selected.starts_with('<'),
            _ => talk::has_code(selected, &shape.language),
        };
    let own = |line: &str| selected.split(['\n', '\r']).any(|own| own.trim() == line);
    let around = [shape.before.as_str(), shape.after.as_str()];
    let thinks = !thinking::is_at_home(&shape.language, &shape.selection, &around);

    let mut rest = reply;
    // What waits: speech, or thinking in XML that may be an element.
    let mut waiting: Option<Talk> = None;
    let mut element: Option<String> = None;
    loop {
        let (line, after) = match rest.split_once('\n') {
            Some((line, after)) => (line, Some(after)),
            None => (rest, None),
        };
        let text = line.trim_matches(BLANK);
        let start = rest.trim_start_matches(BLANK);
        if text.is_empty() {
            let Some(after) = after else {
                return match (waiting, element) {
                    (Some(talk), _)
                        if sentences
                            && (talk.known
                                || strict && talk.lines.contains(char::is_alphabetic)) =>
                    {
                        Unwrapped::Words(talk.lines)
                    }
                    (Some(talk), _) => Unwrapped::Plain(talk.lines),
                    (None, element) => Unwrapped::Plain(element.unwrap_or_default()),
                };
            };
            if let Some(talk) = &mut waiting {
                talk.gap = true;
                talk.lines += "\n";
            }
            rest = after;
            continue;
        }
        element = None;
        if thinks
            && let Some((open, close)) = THINKING.iter().find(|(open, _)| start.starts_with(open))
        {
            let Some((inside, behind)) = start[open.len()..].split_once(close) else {
                return Unwrapped::Plain(String::new());
            };
            if language::is_xml(&shape.language) {
                element = Some(format!("{open}{inside}{close}"));
                waiting = None;
            }
            rest = behind;
            continue;
        }
        if prompted::is_foreign(shape) {
            if let Some(tag) = TAGS.iter().find(|tag| start.starts_with(*tag)) {
                waiting = None;
                rest = &start[tag.len()..];
                if ["<before>", "<after>", "<diagnostics>"].contains(tag) {
                    match rest.split_once(&tag.replace('<', "</")) {
                        Some((_, behind)) => rest = behind,
                        None => return Unwrapped::Plain(rest.to_owned()),
                    }
                }
                continue;
            }
            if prompted::is_line(text, &shape.language) {
                rest = after.unwrap_or_default();
                continue;
            }
        }
        // The end of thinking that had no beginning, at the start of the line or in what may be speech.
        let ends = THINKING
            .iter()
            .filter_map(|(_, close)| text.find(close).map(|at| (at, close)));
        if thinks && let Some((at, close)) = ends.min_by_key(|(at, _)| *at) {
            let before = &text[..at];
            let speech = talk::may_become_opener(before)
                || Sentence::read(before).is_possible()
                || waiting.is_some() && talk::may_go_on(before, Sentence::read(before));
            if at == 0 || sentences && speech {
                waiting = None;
                rest = &start[at + close.len()..];
                continue;
            }
        }
        if let Some(fence) = Fence::parse(line.trim_start_matches(BLANK))
            && wraps(shape, &fence, waiting.is_some())
        {
            return Unwrapped::Fenced(block(shape, line, after.unwrap_or_default()));
        }
        let known = talk::is_opener(text);
        let emphasis = text.len() <= 3 && text.chars().all(|c| c == '*');
        let speaks = match waiting {
            _ if own(text) => false,
            None => known || sentences && (talk::is_sentence(text) || emphasis),
            Some(_) => {
                let cut = after.is_none() && Sentence::read(text).is_possible();
                known || sentences && (cut || talk::goes_on(text))
            }
        };
        if speaks {
            let before = waiting.take();
            waiting = Some(Talk {
                known: known || before.as_ref().is_some_and(|talk| talk.known),
                lines: before.map_or(String::new(), |talk| talk.lines)
                    + line
                    + if after.is_some() { "\n" } else { "" },
                colon: text.trim_end_matches(['*', '_']).ends_with([':', '：']),
                gap: false,
            });
            rest = after.unwrap_or_default();
            if after.is_none() {
                rest = "";
            }
            continue;
        }
        if let Some(talk) = waiting.take() {
            if talk.gap && (talk.known && openers || talk.colon && strict) {
                continue;
            }
            return Unwrapped::Plain(talk.lines + rest);
        }
        let alone = after.is_none_or(|after| after.trim_matches(WHITE).is_empty());
        let span = one_line && !selected.contains('`');
        let free = span && !language::has_backticks(&shape.language);
        if alone && (free || span && family.is_code() && text.starts_with("```")) && !own(text) {
            for marks in 1..=text.len() / 2 {
                let ticks = "`".repeat(marks);
                let inside = text
                    .strip_prefix(&ticks)
                    .and_then(|text| text.strip_suffix(&ticks));
                if let Some(inside) =
                    inside.filter(|inside| !inside.is_empty() && !inside.contains('`'))
                {
                    return Unwrapped::Plain(inside.to_owned());
                }
            }
        }
        return Unwrapped::Plain(rest.to_owned());
    }
}

fn wraps(shape: &Shape, fence: &Fence, announced: bool) -> bool {
    let own = shape.selection.trim().lines().next().and_then(Fence::parse);
    match (language::is_markdown(&shape.language), own) {
        (false, own) => own.is_none(),
        (true, None) if fence.is_bare() => !announced,
        (true, own) => {
            language::is_markdown(&fence.tag)
                && !own.is_some_and(|own| language::is_markdown(&own.tag))
        }
    }
}

fn block(shape: &Shape, opening: &str, inside: &str) -> String {
    let width = |line: &str| line.len() - line.trim_start_matches(BLANK).len();
    let read = |line: &str| Fence::parse(line.trim_start_matches(BLANK));
    let mut fence = read(opening).unwrap();
    let markdown = language::is_markdown(&shape.language);
    let mut lines: Vec<&str> = inside.split('\n').collect();
    let first = lines
        .iter()
        .position(|line| !line.trim_matches(BLANK).is_empty());
    if let Some(first) = first
        && let Some(second) = read(lines[first])
        && !markdown
        && fence.is_bare()
        && !second.is_bare()
        && second.can_close(&fence)
    {
        fence = second;
        lines.remove(first);
    }
    let as_opening = |line: &str| read(line).filter(|found| found.can_close(&fence));
    let mut nested: Vec<Fence> = vec![];
    let mut at = 0;
    while at < lines.len() {
        if let Some(found) = as_opening(lines[at]) {
            if !found.is_bare() {
                nested.push(found);
            } else if let Some(inner) = nested.last() {
                if found.can_close(inner) {
                    nested.pop();
                }
            } else {
                let mut spanning = Spanning::new(&shape.language);
                let before: String = lines[..at].iter().map(|line| format!("{line}\n")).collect();
                before.chars().for_each(|c| spanning.push(c));
                let doubtful = markdown || width(opening) < width(lines[at]) || spanning.is_open();
                let next = (at + 1..lines.len()).find(|&next| as_opening(lines[next]).is_some());
                match next {
                    Some(next) if doubtful && as_opening(lines[next]).unwrap().is_bare() => {
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

// --- How it ends -----------------------------------------------------------------------------------------------------

/// The content up to its end.
fn cut(shape: &Shape, content: &str, unwrapped: bool) -> String {
    let family = Family::of(&shape.language);
    let markdown = family == Family::Markdown;
    let own: Vec<&str> = shape.selection.split(['\n', '\r']).map(str::trim).collect();
    let own_fences = own
        .iter()
        .filter(|line| Fence::parse(line).is_some())
        .count();
    let fences = unwrapped && (own_fences == 0 || markdown && own_fences.is_multiple_of(2));
    let own_speech = own
        .iter()
        .any(|line| talk::is_sentence(line) || talk::is_heading(line));
    let talks = unwrapped
        && family == Family::Code
        && !own_speech
        && talk::has_code(&shape.selection, &shape.language);

    let lines: Vec<&str> = content.split('\n').collect();
    let mut open: Vec<Fence> = vec![];
    // The first line that may not be content, and the fence that it is.
    let mut suspicion: Option<(usize, Option<Fence>)> = None;
    let kept = |at: usize, suspicion: Option<(usize, Option<Fence>)>| {
        let end = suspicion.map_or(at, |(from, _)| from);
        let text: String = lines[..end]
            .iter()
            .map(|line| format!("{line}\n"))
            .collect();
        text
    };
    for (at, line) in lines.iter().enumerate() {
        let text = line.trim_matches(BLANK);
        let last = at + 1 == lines.len();

        if prompted::is_foreign(shape)
            && (TAGS.iter().any(|tag| text.starts_with(tag))
                || prompted::is_line(text, &shape.language))
        {
            return kept(at, suspicion);
        }
        if let Some(fence) = Fence::parse(text).filter(|_| fences) {
            match suspicion.take() {
                Some((from, None)) => return kept(from, None),
                Some((from, Some(_))) if !fence.is_bare() && !markdown => return kept(from, None),
                Some((_, Some(before))) => open.push(before),
                None => {}
            }
            match open.last() {
                Some(before) if fence.is_bare() && fence.can_close(before) => drop(open.pop()),
                None if fence.is_bare() => suspicion = Some((at, Some(fence))),
                Some(_) if fence.is_bare() || markdown => {}
                _ => open.push(fence),
            }
            continue;
        }
        let before = kept(at, None);
        let may_speak = || {
            let mut spanning = Spanning::new(&shape.language);
            before.chars().for_each(|c| spanning.push(c));
            let gap = 0 < at && lines[at - 1].trim_matches(BLANK).is_empty();
            let begun = !before.trim_matches(WHITE).is_empty();
            talks
                && gap
                && begun
                && open.is_empty()
                && !line.starts_with(BLANK)
                && !spanning.is_open()
        };
        let speaks = !markdown
            && match suspicion {
                Some(_) => talk::goes_on(text) || last && Sentence::read(text).is_possible(),
                None => (talk::is_sentence(text) || talk::is_heading(text)) && may_speak(),
            };
        match &suspicion {
            Some(_) if text.is_empty() || speaks => {}
            None if speaks => suspicion = Some((at, None)),
            Some((_, fence)) => {
                open.extend(fence.clone());
                suspicion = None;
            }
            None => {}
        }
    }
    if suspicion.is_some() {
        return kept(lines.len(), suspicion);
    }
    content.to_owned()
}

// --- What of the document it repeats ---------------------------------------------------------------------------------

fn without_lines_before(shape: &Shape, content: &str) -> String {
    let before: Vec<&str> = shape
        .before
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let own: Vec<&str> = shape
        .selection
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let lines: Vec<&str> = content.split('\n').collect();
    let filled: Vec<usize> = (0..lines.len())
        .filter(|&at| !lines[at].trim_matches(BLANK).is_empty())
        .collect();
    let width = |line: &str| line.len() - line.trim_start_matches(BLANK).len();
    // A last line without its end may still go on.
    let ended = filled.len() - usize::from(filled.last() == Some(&(lines.len() - 1)));
    for count in (1..=ended.min(before.len())).rev() {
        let repeated = &before[before.len() - count..];
        let same = filled.iter().zip(repeated).all(|(&at, line)| {
            lines[at].trim_matches(BLANK) == line.trim() && width(lines[at]) <= width(line)
        });
        let as_selected =
            count <= own.len() && own.iter().zip(repeated).all(|(a, b)| *a == b.trim());
        if same && !as_selected && repeated.iter().any(|line| means_something(line)) {
            if count == filled.len() {
                break;
            }
            return lines[filled[count - 1] + 1..].join("\n");
        }
    }
    content.to_owned()
}

fn means_something(line: &str) -> bool {
    let line = line.trim();
    2 <= line.chars().filter(|c| c.is_alphanumeric()).count()
        || line.starts_with("</")
        || ["\"\"\"", "'''"].contains(&line)
}

fn without_lines_behind(shape: &Shape, text: String) -> String {
    let after: Vec<&str> = shape
        .after
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
        .collect();
    let own: Vec<&str> = shape
        .selection
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let lines: Vec<&str> = text.split('\n').collect();
    let filled: Vec<usize> = (0..lines.len())
        .filter(|&at| !lines[at].is_empty())
        .collect();
    let balance = |text: &str| {
        let count = |marks: [char; 3]| text.matches(marks).count() as i64;
        count(['(', '[', '{']) - count([')', ']', '}'])
    };
    if !shape.line_suffix.trim_matches(BLANK).is_empty() {
        return text;
    }
    for count in (1..filled.len().min(after.len() + 1)).rev() {
        let repeated = &after[..count];
        let first = filled.len() - count;
        let same = filled[first..]
            .iter()
            .zip(repeated)
            .all(|(&at, line)| lines[at].trim_end_matches(BLANK) == *line);
        let as_selected = count <= own.len()
            && own[own.len() - count..]
                .iter()
                .zip(repeated)
                .all(|(a, b)| *a == b.trim());
        let (kept, left_out) = (
            lines[..=filled[first - 1]].join("\n"),
            lines[filled[first]..].join("\n"),
        );
        let sensible = if balance(&left_out) == 0 {
            repeated.iter().any(|line| means_something(line))
        } else {
            balance(&kept) == balance(&shape.selection)
        };
        if same && !as_selected && sensible {
            return kept;
        }
    }
    text
}

fn without_prefix(shape: &Shape, content: String) -> String {
    let prefix = shape.line_prefix.trim_matches(BLANK);
    let suffix = shape.line_suffix.trim_matches(BLANK);
    let suffix = if [";", ","].contains(&suffix) {
        ""
    } else {
        suffix
    };
    let usable = 3 <= prefix.len()
        && prefix.contains(char::is_alphanumeric)
        && !shape
            .selection
            .trim_start_matches(WHITE)
            .starts_with(prefix);
    let inside = content
        .trim_start_matches(WHITE)
        .strip_prefix(prefix)
        .and_then(|text| text.trim_end_matches(WHITE).strip_suffix(suffix))
        .map(|text| text.trim_matches(BLANK))
        .filter(|text| usable && !text.trim_matches(WHITE).is_empty());
    inside.map(str::to_owned).unwrap_or(content)
}

fn without_suffix(shape: &Shape, text: String) -> String {
    let suffix = shape.line_suffix.trim_matches(BLANK);
    let letters = suffix.chars().filter(|c| c.is_alphanumeric()).count();
    let usable = (3 <= letters || [";", ","].contains(&suffix))
        && !shape.selection.trim_end_matches(WHITE).ends_with(suffix);
    let rest = text
        .strip_suffix(suffix)
        .map(|text| text.trim_end_matches(WHITE));
    rest.filter(|rest| usable && !rest.trim_matches(WHITE).is_empty())
        .map(str::to_owned)
        .unwrap_or(text)
}

// --- Where it goes ---------------------------------------------------------------------------------------------------

/// The white space that the text begins and ends with.
fn margins(shape: &Shape) -> (String, String) {
    let selection = shape.selection.as_str();
    let white = [' ', '\t', '\n', '\r'];
    let from_newline = |text: &str| {
        text.find(['\n', '\r'])
            .map_or(String::new(), |newline| text[newline..].to_owned())
    };
    if selection.trim_matches(white).is_empty() {
        let lead = selection.split(['\n', '\r']).next().unwrap().to_owned();
        return (lead, from_newline(selection));
    }
    let end = &selection[selection.trim_end_matches(white).len()..];
    let keep = !end.contains(['\n', '\r']) && !shape.line_suffix.is_empty();
    let lead = selection.len() - selection.trim_start_matches(white).len();
    let end = if keep {
        end.to_owned()
    } else {
        from_newline(end)
    };
    (selection[..lead].to_owned(), end)
}

fn place(shape: &Shape, lines: &[&str]) -> String {
    let base = shape.base_indent();
    let split = |line: &str| {
        let text = line.trim_start_matches(BLANK);
        (line[..line.len() - text.len()].to_owned(), text.to_owned())
    };
    let lines: Vec<(String, String)> = lines.iter().map(|line| split(line)).collect();
    let old: Vec<(String, String)> = shape
        .selection
        .split(['\n', '\r'])
        .map(split)
        .filter(|(_, text)| !text.is_empty())
        .collect();

    let mut first = lines[0].0.clone();
    let mut unit = None;
    let mut looked_at_second = false;
    let mut steps = Steps::default();
    let mut spanning = Spanning::new(&shape.language);
    lines[0]
        .1
        .trim_end_matches(BLANK)
        .chars()
        .for_each(|c| spanning.push(c));
    let mut above = lines[0].1.as_str();
    let mut out = lines[0].1.clone();
    for (indent, text) in &lines[1..] {
        out += "\n";
        if text.is_empty() {
            continue;
        }
        spanning.push('\n');
        let kind = spanning.indentation();
        if kind == Indentation::Fixed || kind == Indentation::Text && has_text_left_of(shape, &base)
        {
            out += indent;
            looked_at_second = true;
        } else {
            let absolute = !std::mem::replace(&mut looked_at_second, true)
                && is_absolute(shape, &base, &lines[0], indent, &old);
            if absolute {
                // It showed where the first line belongs, not how the reply indents.
                first.clone_from(&base);
            } else if unit.is_none() && !(first.clone() + indent).contains('\t') {
                let step = first.len().abs_diff(indent.len());
                let fit = [8, 4, 3, 2]
                    .into_iter()
                    .find(|unit| step.is_multiple_of(*unit) && first.len().is_multiple_of(*unit));
                unit = fit.filter(|_| 0 < step && step <= 8);
            }
            let line = Line {
                base: &base,
                first: &first,
                indent,
                kind,
                unit: unit.unwrap_or(4),
                above,
            };
            out += &shifted(shape, &line, &mut steps);
        }
        if out.ends_with(BLANK) {
            spanning.push(' ');
        }
        text.chars().for_each(|c| spanning.push(c));
        above = text;
        out += text;
    }
    out
}

/// Whether the second line, indented by `indent`, shows that only the first one lost its indentation.
fn is_absolute(
    shape: &Shape,
    base: &str,
    (first, line): &(String, String),
    indent: &str,
    old: &[(String, String)],
) -> bool {
    if base.len() <= first.len() {
        return false;
    }
    let squeeze = |text: &str| text.replace(BLANK, "");
    let opens = |text: &str| squeeze(text).ends_with(['{', '(', '[', ':', '>']);
    let old_line = old.first().map_or("", |(_, text)| text.as_str());
    let alike = squeeze(line) == squeeze(old_line) || opens(line) && opens(old_line);
    let as_selected = old.get(1).is_some_and(|(second, _)| second == indent);
    let brackets =
        line.matches(['(', '[', '{']).count() as i64 - line.matches([')', ']', '}']).count() as i64;
    let goes_on = [
        ':', '(', '[', '{', ',', '\\', '=', '+', '-', '*', '/', '%', '&', '|', '^', '<', '>', '.',
    ];
    let whole = squeeze(line).ends_with(';')
        || shape.language == "python" && !squeeze(line).ends_with(goes_on);
    alike && as_selected || whole && brackets <= 0 && indent.starts_with(base)
}

fn has_text_left_of(shape: &Shape, base: &str) -> bool {
    let mut spanning = Spanning::new(&shape.language);
    let mut found = false;
    for line in shape.selection.split(['\n', '\r']) {
        let text = spanning.indentation() == Indentation::Text && !line.trim().is_empty();
        found |= text && !line.starts_with(base);
        format!("{line}\n").chars().for_each(|c| spanning.push(c));
    }
    found
}

/// How wide the reply's own steps are, and where its levels went.
#[derive(Default)]
struct Steps {
    own: Option<i64>,
    levels: Vec<(i64, i64)>,
}

struct Line<'a> {
    base: &'a str,
    first: &'a str,
    indent: &'a str,
    kind: Indentation,
    unit: usize,
    above: &'a str,
}

/// The indentation of a line in the document.
fn shifted(shape: &Shape, line: &Line<'_>, steps: &mut Steps) -> String {
    let Line {
        base,
        first,
        indent,
        ..
    } = *line;
    let verbatim = language::is_markdown(&shape.language)
        || shape.indent == Indent::Unknown && shape.language != "makefile";
    let tabs = shape.language == "makefile" || shape.indent == Indent::Tabs && !verbatim;
    let width = match shape.indent {
        Indent::Spaces(width) if !tabs && !verbatim => Some(usize::from(width.max(1))),
        _ => None,
    };
    let columns = |text: &str| {
        text.replace('\t', &" ".repeat(width.unwrap_or(line.unit)))
            .len()
    };
    if let Some(beyond) = indent.strip_prefix(first)
        && (verbatim
            || line.kind == Indentation::Text
            || tabs && (first.to_owned() + beyond).contains('\t'))
    {
        return base.to_owned() + beyond;
    }
    let mut moved = columns(indent) as i64 - columns(first) as i64;
    if let Some(width) = width.filter(|_| language::has_free_width(&shape.language))
        && line.kind == Indentation::Code
    {
        let width = width as i64;
        steps.levels.retain(|(own, _)| *own <= moved);
        let (own, converted) = steps.levels.last().copied().unwrap_or((0, 0));
        let step = moved - own;
        let last = line
            .above
            .trim_end_matches(BLANK)
            .chars()
            .next_back()
            .unwrap();
        let any = language::has_word_blocks(&shape.language);
        let opens = match last {
            '{' | ':' | '>' => true,
            '(' | '[' => steps.own == Some(step),
            _ => any && !",=+-*/&|\\.".contains(last),
        };
        moved = if opens && (2..=4).contains(&step) {
            steps.own = steps.own.or(Some(step));
            converted + width
        } else if let Some(own) = steps
            .own
            .filter(|own| step == *own || step < 0 && step % own == 0)
        {
            converted + step / own * width
        } else {
            converted + step
        };
        if 0 < step {
            steps.levels.push((own + step, moved));
        }
    }
    if 0 <= moved {
        let beyond = moved as usize;
        let written = if tabs { beyond / line.unit } else { 0 };
        return base.to_owned() + &"\t".repeat(written) + &" ".repeat(beyond - written * line.unit);
    }
    let target = (columns(base) as i64 + moved).max(0) as usize;
    let kept = (0..=base.len())
        .rev()
        .find(|&kept| columns(&base[..kept]) <= target)
        .unwrap();
    base[..kept].to_owned() + &" ".repeat(target - columns(&base[..kept]))
}
