//! Takes a change back out of a text that the user has changed since: a merge by lines with the change turned round. Leaves out
//! when that is done and how the user is told what was kept.

use std::ops::Range;

use super::{Group, Tokens, differing, distance, edits, groups, piece, trimmed};
use crate::text::{Edit, Span};

/// How to take a change back; see [`revert`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revert {
    /// What turns the text of now into one without the change; spans are in bytes of the text of now.
    pub edits: Vec<Edit>,
    /// What was left because the user had changed it, in bytes of the text of now.
    pub kept: Vec<Span>,
}

/// Takes back what the program made of `original`, from a text that the user has changed since.
///
/// `written` is what the program made of `original`, `now` is what the user made of `written`. For each group of lines that
/// differs between `original` and `written`: its written lines that still stand are deleted, lines that the user changed or
/// added inside it stay and are named in [`Revert::kept`], and the original lines are put back at the group's place. An
/// original line that the user has already brought back there stays where it is and counts as put back. What the user
/// changed outside the groups stays and is not named. Where kept text would run into an original line that has no line break,
/// one is put between them.
///
/// If nothing was changed since, applying the edits gives exactly `original`.
pub fn revert(original: &str, written: &str, now: &str) -> Revert {
    if written == original || now == original {
        return Revert::default();
    }
    if now == written {
        return Revert {
            edits: edits(now, original),
            kept: Vec::new(),
        };
    }
    merged(original, written, now)
}

/// [`revert`] without the short cuts.
fn merged(original: &str, written: &str, now: &str) -> Revert {
    let (source, output, current) = (
        Tokens::lines(original),
        Tokens::lines(written),
        Tokens::lines(now),
    );
    let user = by_user(&output, &current);
    let mut merge = Merge {
        source,
        typed: vec![false; current.len()],
        current,
        edits: Vec::new(),
        kept: Vec::new(),
    };
    for change in &user {
        merge
            .typed
            .get_mut(change.new.clone())
            .unwrap_or_default()
            .fill(true);
    }
    let mut from = 0;
    for group in groups(&merge.source, &output) {
        let lines = image(&user, &group.new, from);
        from = merge.take_back(group.old, lines);
    }
    merge.finish(now)
}

/// Up to this many bytes on both sides together lines are also compared one by one.
const LINES_LIMIT: usize = 16 * 1024;

/// The groups of lines that the user changed. Where there are as many lines as before, each may be the one that it was: with lines
/// that are alike, on some of which somebody typed, the common lines alone may pair the wrong ones.
fn by_user(written: &Tokens<'_>, now: &Tokens<'_>) -> Vec<Group> {
    let common = line_by_line(groups(written, now));
    if written.len() != now.len() || LINES_LIMIT < written.text.len() + now.text.len() {
        return common;
    }
    let pairs = written.list.iter().zip(&now.list);
    let changed = pairs.enumerate().filter(|(_, (old, new))| old != new);
    let each = changed.map(|(line, _)| Group {
        old: line..line + 1,
        new: line..line + 1,
    });
    let each: Vec<Group> = each.collect();
    let apart = |group: &Group| distance(written.text(&group.old), now.text(&group.new));
    // Somebody who types in a line brings characters or takes some away; a line that has become another one is no such thing.
    let is_typed_on = |group: &Group| {
        let (old, new) = (written.text(&group.old), now.text(&group.new));
        apart(group) == old.len().abs_diff(new.len())
    };
    let cost = |groups: &[Group]| groups.iter().map(apart).sum::<usize>();
    if each.iter().all(is_typed_on) && cost(&each) < cost(&common) {
        each
    } else {
        common
    }
}

/// Takes groups that changed lines and left their number as it was apart: then each line is the one that it was, as after a
/// formatter, and what stood between two of them has its place.
fn line_by_line(groups: Vec<Group>) -> Vec<Group> {
    let mut apart = Vec::with_capacity(groups.len());
    for Group { old, new } in groups {
        if old.len() == new.len() {
            let lines = old.zip(new).map(|(old, new)| Group {
                old: old..old + 1,
                new: new..new + 1,
            });
            apart.extend(lines);
        } else {
            apart.push(Group { old, new });
        }
    }
    apart
}

/// The lines of now that stand where the `written` lines stood, at or behind line `from`: what `user` replaced within or across
/// their ends belongs to them, what was inserted at their ends does not.
fn image(user: &[Group], written: &Range<usize>, from: usize) -> Range<usize> {
    let find = |line: usize| {
        let index = user.partition_point(|group| group.old.end < line);
        let touching = user.get(index).filter(|group| group.old.start <= line);
        let last = index.checked_sub(1).and_then(|before| user.get(before));
        (
            touching,
            last.map_or(line, |last| last.new.end + (line - last.old.end)),
        )
    };
    let end = match find(written.end) {
        (Some(group), _) if group.old.start == written.end => group.new.start,
        (Some(group), _) => group.new.end,
        (None, line) => line,
    };
    let start = match find(written.start) {
        _ if written.is_empty() => end,
        (Some(group), _) if group.old.end == written.start => group.new.end,
        (Some(group), _) => group.new.start,
        (None, line) => line,
    };
    let start = start.max(from);
    start..end.max(start)
}

/// A [`revert`] in the making.
struct Merge<'a> {
    source: Tokens<'a>,
    current: Tokens<'a>,
    /// For each line of now whether it is the user's: not one of the written lines.
    typed: Vec<bool>,
    edits: Vec<Edit>,
    kept: Vec<Span>,
}

impl Merge<'_> {
    /// Puts the `original` lines in the place of `lines` of now. Gives the first line of now that is not settled by that.
    fn take_back(&mut self, mut original: Range<usize>, lines: Range<usize>) -> usize {
        let settled = lines.end + self.returned_behind(&original, lines.end);
        original.end -= settled - lines.end;
        let typed: Vec<usize> = lines.clone().filter(|line| self.is_typed(*line)).collect();
        let candidates: Vec<&str> = typed
            .iter()
            .filter_map(|line| self.current.list.get(*line))
            .copied()
            .collect();
        let returned = equal_pairs(self.source.get(original.clone()), &candidates)
            .into_iter()
            .filter_map(|(index, line)| Some((original.start + index, *typed.get(line)?)));
        let (mut next, mut place) = (original.start, lines.start);
        for (index, line) in returned.chain([(original.end, lines.end)]) {
            self.insert(place, next..index);
            self.clear(place..line);
            (next, place) = (index + 1, line + 1);
        }
        settled
    }

    /// How many of the last `original` lines the user has put back right behind the group, for example by undoing in steps.
    /// Blank lines and brackets alone prove nothing.
    fn returned_behind(&self, original: &Range<usize>, line: usize) -> usize {
        let behind = self
            .typed
            .get(line..)
            .unwrap_or_default()
            .iter()
            .take_while(|typed| **typed)
            .count();
        let fits = |count: &usize| {
            let lines = self.source.get(original.end - count..original.end);
            lines == self.current.get(line..line + count)
                && lines
                    .iter()
                    .any(|line| line.contains(char::is_alphanumeric))
        };
        (1..=behind.min(original.len()))
            .rev()
            .find(fits)
            .unwrap_or(0)
    }

    fn is_typed(&self, line: usize) -> bool {
        self.typed.get(line).is_some_and(|typed| *typed)
    }

    /// Puts `original` lines in front of `line` of now.
    fn insert(&mut self, line: usize, original: Range<usize>) {
        let at = self.current.start(line);
        let text = self.source.text(&original).to_owned();
        self.push(Edit {
            span: Span::new(at, at),
            text,
        });
    }

    /// Deletes the written ones of these lines of now and notes the others as kept.
    fn clear(&mut self, lines: Range<usize>) {
        for line in lines {
            let span = self.current.span(&(line..line + 1));
            if !self.is_typed(line) {
                self.push(Edit {
                    span,
                    text: String::new(),
                });
            } else if let Some(last) = self.kept.last_mut().filter(|last| last.end == span.start) {
                last.end = span.end;
            } else {
                self.kept.push(span);
            }
        }
    }

    fn push(&mut self, edit: Edit) {
        match self.edits.last_mut() {
            Some(last) if last.span.end == edit.span.start => {
                last.span.end = edit.span.end;
                last.text.push_str(&edit.text);
            }
            _ => self.edits.push(edit),
        }
    }

    fn finish(self, now: &str) -> Revert {
        let line_break = first_break(now)
            .or_else(|| first_break(self.source.text))
            .unwrap_or("\n");
        let separated = self.edits.into_iter().map(|mut edit| {
            if edit.text.is_empty() {
                return edit;
            }
            if edit.span.end < now.len() && !ends_line(&edit.text) {
                edit.text.push_str(line_break);
            }
            let before = piece(now, 0..edit.span.start);
            if !before.is_empty() && !ends_line(before) {
                edit.text.insert_str(0, line_break);
            }
            edit
        });
        Revert {
            edits: separated.filter_map(|edit| trimmed(now, edit)).collect(),
            kept: self.kept,
        }
    }
}

/// The indices of the tokens that two lists have in common, in ascending order on both sides.
fn equal_pairs<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<(usize, usize)> {
    let end = Group {
        old: old.len()..old.len(),
        new: new.len()..new.len(),
    };
    let mut pairs = Vec::new();
    let (mut old_done, mut new_done) = (0, 0);
    for group in differing(old, new).into_iter().chain([end]) {
        pairs.extend((old_done..group.old.start).zip(new_done..group.new.start));
        (old_done, new_done) = (group.old.end, group.new.end);
    }
    pairs
}

fn ends_line(text: &str) -> bool {
    text.ends_with(['\n', '\r'])
}

/// The first line break of `text`.
fn first_break(text: &str) -> Option<&str> {
    let lines = Tokens::lines(text);
    let first = lines.list.first().filter(|line| ends_line(line))?;
    Some(piece(
        first,
        first.trim_end_matches(['\n', '\r']).len()..first.len(),
    ))
}

#[cfg(test)]
mod tests;
