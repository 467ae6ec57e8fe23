//! How replies end, whatever the surface; and the harness with which each surface's tests read replies.

mod fuzz;

use super::*;

/// What a whole reply tells, read in pieces of `size` bytes: the text, the other signals, the end.
pub(in crate::gateway) fn read(
    surface: Surface,
    reply: &[u8],
    size: usize,
) -> (String, Vec<Signal>, Result<Finish, Setback>) {
    let mut reader = Reader::new(surface, Thoughts::out());
    let mut signals = Vec::new();
    let mut end = None;
    for piece in reply.chunks(size) {
        if let Progress::Ended(ended) = reader.push(piece, &mut signals) {
            end = Some(ended);
            break;
        }
    }
    let end = end.unwrap_or_else(|| reader.finish(&mut signals));
    let mut text = String::new();
    signals.retain(|signal| match signal {
        Signal::Text(piece) => {
            text.push_str(piece);
            false
        }
        _ => true,
    });
    (text, signals, end)
}

/// A reply, its text, and its end: the finish, or the kind and words of the failure.
pub(in crate::gateway) struct Case {
    reply: String,
    text: &'static str,
    end: Result<Finish, (Kind, &'static str)>,
}

pub(in crate::gateway) fn whole(reply: impl Into<String>, text: &'static str) -> Case {
    ends(reply, text, Finish::Complete)
}

pub(in crate::gateway) fn ends(
    reply: impl Into<String>,
    text: &'static str,
    finish: Finish,
) -> Case {
    Case {
        reply: reply.into(),
        text,
        end: Ok(finish),
    }
}

pub(in crate::gateway) fn fails(
    reply: impl Into<String>,
    text: &'static str,
    kind: Kind,
    words: &'static str,
) -> Case {
    Case {
        reply: reply.into(),
        text,
        end: Err((kind, words)),
    }
}

/// Reads each reply in one piece, and in pieces of 7 bytes and of one.
#[track_caller]
pub(in crate::gateway) fn check(surface: Surface, cases: &[Case]) {
    for Case { reply, text, end } in cases {
        for size in [usize::MAX, 7, 1] {
            let (found_text, _, found_end) =
                read(surface, reply.as_bytes(), size.min(reply.len().max(1)));
            let found_end = found_end.map_err(|it| (it.failure.kind, it.failure.what));
            let end = end.clone().map_err(|(kind, what)| (kind, what.to_owned()));
            assert_eq!((found_text.as_str(), found_end), (*text, end), "{reply}");
        }
    }
}
