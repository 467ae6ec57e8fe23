//! A pending result decided hunk by hunk, in any order, in any editor, while the user types elsewhere: the text is always
//! the chosen mixture of the original and the result.

#![expect(clippy::string_slice, reason = "the texts are ASCII")]

use super::super::{Delivery, Event, Guard, Options, Outcome, Pace, Review};
use super::world::{Act, Manner, Place, World};
use crate::text::{Span, diff};

const HEAD: &str = "above\nTOP\n";
const TAIL: &str = "END\nbelow\n";

/// Lines of few kinds, so that the two texts share some.
fn text(random: &mut fastrand::Rng) -> String {
    let lines =
        (0..random.usize(1..9)).map(|_| ["one", "two", "three", "", "four"][random.usize(..5)]);
    lines.flat_map(|line| [line, "\n"]).collect()
}

#[test]
fn any_decisions_give_the_mixture_that_they_say() {
    let first = std::iter::repeat_with(|| fastrand::u64(..)).take(1);
    for seed in (0..400).chain(first) {
        for manner in [
            Manner::Helix,
            Manner::Neovim,
            Manner::NeovimAtOnce,
            Manner::Slow,
        ] {
            decide(seed, manner);
        }
    }
}

fn decide(seed: u64, manner: Manner) {
    let mut random = fastrand::Rng::with_seed(seed);
    let (old, new) = (text(&mut random), text(&mut random));
    if old == new {
        return;
    }
    let options = Options {
        delivery: Delivery::Stream,
        pace: Pace::Unknown,
        guard: Guard::Versions,
        review: Review::Wait,
    };
    let whole = format!("{HEAD}{old}{TAIL}");
    let span = Span::new(HEAD.len(), HEAD.len() + old.len());
    let mut world = World::new(manner, &whole, span, options);
    world.at(10, Act::Reply(Event::Complete(new.clone())));
    world.run(20_000);
    let hunks = diff::hunks(&old, &new);
    let verdicts: Vec<bool> = hunks.iter().map(|_| random.bool()).collect();
    let mut order: Vec<usize> = (0..hunks.len()).collect();
    random.shuffle(&mut order);
    let mut time = 20_000;
    let mut typed = String::new();
    for number in order {
        let event = if verdicts[number] {
            Event::AcceptHunk(number)
        } else {
            Event::RejectHunk(number)
        };
        if random.u8(..3) == 0 {
            typed.push_str("<u>");
            world.at(time, Act::Insert(Place::Above, "<u>".to_owned()));
            time += random.u64(..300);
        }
        world.at(time, Act::Say(event));
        time += 5_000;
        world.run(time);
    }
    let mut expected = String::new();
    let mut at = 0;
    for ((old_span, new_span), accepted) in hunks.iter().zip(&verdicts) {
        expected.push_str(&old[at..old_span.start]);
        expected.push_str(if *accepted {
            &new[new_span.start..new_span.end]
        } else {
            &old[old_span.start..old_span.end]
        });
        at = old_span.end;
    }
    expected.push_str(&old[at..]);
    let context = format!("seed {seed}, {manner:?}, {verdicts:?}\n{old}--\n{new}");
    let shown = world.text.replace("<u>", "");
    assert_eq!(shown, format!("{HEAD}{expected}{TAIL}"), "{context}");
    assert_eq!(
        world.text.matches("<u>").count() * 3,
        typed.len(),
        "{context}"
    );
    let fate = if verdicts.contains(&true) {
        Outcome::Done
    } else {
        Outcome::Cancelled
    };
    assert_eq!(
        world.settled,
        [Outcome::Pending { parked: None }, fate],
        "{context}"
    );
    assert_eq!(world.refused, [""; 0], "{context}");
}
