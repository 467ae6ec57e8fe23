//! Which of some names a misspelt one was meant to be. It knows nothing of what the names stand for.

use similar::TextDiff;

/// Names that share less than this part of their characters are not alike.
const ALIKE: f32 = 0.5;

/// Longer names are not compared: nobody misspells at such length, and the time grows with it.
const LONGEST: usize = 64;

/// The name that is most like `wanted`, if one is like it at all.
pub fn nearest<'a>(names: impl IntoIterator<Item = &'a str>, wanted: &str) -> Option<&'a str> {
    if LONGEST < wanted.len() {
        return None;
    }
    let likeness = |name: &str| TextDiff::from_chars(name, wanted).ratio();
    let rated = names.into_iter().map(|name| (likeness(name), name));
    let best = rated.max_by(|(one, _), (other, _)| one.total_cmp(other));
    best.filter(|(likeness, _)| ALIKE <= *likeness)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_nonsense_is_not() {
        let names = ["model", "rewrite.apply", "max_output_tokens"];
        for (wanted, meant) in [
            ("modle", Some("model")),
            ("rewrite.aply", Some("rewrite.apply")),
            ("max_tokens", Some("max_output_tokens")),
            ("zzzz", None),
            ("", None),
            (&"model".repeat(20), None),
        ] {
            assert_eq!(nearest(names, wanted), meant, "{wanted}");
        }
    }
}
