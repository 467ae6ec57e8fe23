//! The state machine against editors, users and gateways of every kind.

mod found;
mod hunks;
mod minimality;
mod sheet;
mod simulation;
mod world;

use super::{Delivery, Event, Options, Outcome, Pace, Phase, Review};
use crate::text::Span;
use sheet::Sheet;
use world::{Act, Deed, MANNERS, Manner, Place, World};

const TEXT: &str = "above 1\nabove 2\nTOP\nold one\nold two\nold three\nEND\nbelow 1\nbelow 2\n";
const OLD: &str = "old one\nold two\nold three\n";
const NEW: &str = "new one\nnew two and more\nlast\n";

fn world(manner: Manner) -> World {
    world_with(manner, Delivery::Stream)
}

fn world_with(manner: Manner, delivery: Delivery) -> World {
    let start = TEXT.find(OLD).unwrap();
    let pace = if manner.guards_versions() {
        Pace::Unknown
    } else {
        Pace::Late
    };
    let options = Options {
        delivery,
        pace,
        guard: simulation::guard(manner),
        review: Review::Wait,
    };
    World::new(manner, TEXT, Span::new(start, start + OLD.len()), options)
}

/// The reply in pieces, one each 40 ms.
fn reply(world: &mut World, pieces: &[&str]) -> u64 {
    let mut time = 10;
    for piece in pieces {
        world.at(time, Act::Reply(Event::Text((*piece).to_owned())));
        time += 40;
    }
    time
}

fn pieces() -> Vec<&'static str> {
    NEW.split_inclusive(' ').collect()
}

fn rewritten() -> String {
    TEXT.replace(OLD, NEW)
}

const DONE: Outcome = Outcome::Pending { parked: None };

#[test]
fn alone_the_result_lands_and_one_undo_gives_the_original() {
    for manner in [
        Manner::Helix,
        Manner::Neovim,
        Manner::NeovimAtOnce,
        Manner::Kakoune,
        Manner::Eglot,
        Manner::Mute,
    ] {
        let mut world = world(manner);
        let end = reply(&mut world, &pieces());
        world.at(end, Act::Reply(Event::Complete(String::new())));
        world.run(60_000);
        assert_eq!(world.text, rewritten(), "{manner:?}");
        assert_eq!(world.settled, [DONE], "{manner:?}");
        assert_eq!(
            world.undo.last().map(Sheet::as_str),
            Some(TEXT),
            "{manner:?}: one undo"
        );
        assert_eq!(world.text, world.document.text().to_string(), "{manner:?}");
        let streamed = 1 < world.phases.len();
        assert_eq!(
            streamed,
            manner.guards_versions(),
            "{manner:?}: {:?}",
            world.phases
        );
    }
}

#[test]
fn lines_that_both_have_are_not_touched_while_it_streams() {
    for manner in [Manner::Helix, Manner::Neovim, Manner::NeovimAtOnce] {
        let mut world = world(manner);
        let end = reply(
            &mut world,
            &["old one\nne", "w two\nold thr", "ee\n", "more\n"],
        );
        world.run(end);
        assert_eq!(
            world.text,
            TEXT.replace("old two\n", "new two\n")
                .replace("old three\n", "old three\nmore\n")
        );
        let end = world.now;
        world.at(end, Act::Reply(Event::Complete(String::new())));
        world.run(60_000);
        assert_eq!(
            world.undo.last().map(Sheet::as_str),
            Some(TEXT),
            "{manner:?}: one undo"
        );
        assert_eq!(world.settled, [DONE]);
    }
}

#[test]
fn a_client_whose_echo_is_late_gets_the_rest_at_the_end_and_one_undo() {
    for (manner, pace) in [(Manner::Slow, Pace::Late), (Manner::Neovim, Pace::Prompt)] {
        let mut world = world(manner);
        let end = reply(&mut world, &pieces());
        world.at(end + 3_000, Act::Reply(Event::Complete(String::new())));
        world.run(60_000);
        assert_eq!(world.learned, Some(pace), "{manner:?}");
        assert_eq!(world.text, rewritten(), "{manner:?}");
        assert_eq!(world.settled, [DONE], "{manner:?}");
        assert_eq!(
            world.undo.last().map(Sheet::as_str),
            Some(TEXT),
            "{manner:?}: one undo"
        );
        if pace == Pace::Late {
            let phases = [Phase::First, Phase::Rewind, Phase::Last];
            assert_eq!(world.phases, phases, "the probe, the rewind, the commit");
        }
    }
}

#[test]
fn a_client_that_joins_edits_gets_no_rewind() {
    let mut world = world_with(Manner::Helix, Delivery::StreamJoined);
    let end = reply(&mut world, &pieces());
    world.at(end, Act::Reply(Event::Complete(String::new())));
    world.run(60_000);
    assert_eq!(world.text, rewritten());
    assert_eq!(world.phases.first(), Some(&Phase::First));
    assert_eq!(world.phases.last(), Some(&Phase::Last));
    assert!(!world.phases.contains(&Phase::Rewind), "{:?}", world.phases);
}

#[test]
fn the_first_text_goes_out_at_once() {
    let mut world = world(Manner::Helix);
    world.at(10, Act::Reply(Event::Text("new".to_owned())));
    world.run(11);
    assert_eq!(world.text, TEXT.replace(OLD, &format!("new{OLD}")));
}

#[test]
fn a_client_that_takes_no_edits_ends_parked_with_its_text_untouched() {
    for manner in [Manner::Refuses, Manner::Deaf, Manner::Liar] {
        let mut world = world(manner);
        let end = reply(&mut world, &pieces());
        world.at(end, Act::Reply(Event::Complete(String::new())));
        world.run(60_000);
        assert_eq!(world.text, TEXT, "{manner:?}");
        assert!(
            matches!(world.settled[..], [Outcome::Pending { parked: Some(_) }]),
            "{manner:?}: {:?}",
            world.settled
        );
        assert!(
            world.phases.len() <= 5,
            "{manner:?}: {} edits were sent",
            world.phases.len()
        );
    }
}

#[test]
fn every_wait_has_its_bound() {
    // The reply is there at once; the client takes nothing.
    let silent = (Manner::Deaf, 20_000..20_100);
    let refuses = (Manner::Refuses, 1_200..1_400);
    let says_true = (Manner::Liar, 5_000..5_100);
    for (manner, bound) in [silent, refuses, says_true] {
        let mut world = world(manner);
        world.at(10, Act::Reply(Event::Complete(NEW.to_owned())));
        world.run(60_000);
        assert!(
            bound.contains(&world.told_at[0]),
            "{manner:?} parks at {:?}",
            world.told_at
        );
    }
    // A sign of life, five seconds after the edit, from a client that does not answer it.
    let mut world = world(Manner::Deaf);
    world.at(10, Act::Reply(Event::Complete(NEW.to_owned())));
    world.at(900, Act::Say(Event::Heard));
    world.run(60_000);
    assert!(
        (5_000..5_100).contains(&world.told_at[0]),
        "parks at {:?}",
        world.told_at
    );
}

#[test]
fn between_the_rewind_and_the_commit_an_editor_has_time_to_close_an_undo_step() {
    for manner in [Manner::Helix, Manner::NeovimAtOnce, Manner::Neovim] {
        let mut world = world(manner);
        let end = reply(&mut world, &pieces());
        world.at(end, Act::Reply(Event::Complete(String::new())));
        world.run(60_000);
        let [.., rewind, commit] = world.sent[..] else {
            panic!("{:?}", world.sent)
        };
        assert!(
            rewind + 40 <= commit,
            "{manner:?}: rewind at {rewind}, commit at {commit}"
        );
    }
}

#[test]
fn the_rewind_waits_for_a_pause_in_the_typing_but_not_for_ever() {
    for (keys, bound) in [(1, 700..800), (60, 5_000..5_200)] {
        let mut world = world(Manner::Helix);
        let end = reply(&mut world, &pieces());
        world.at(end, Act::Reply(Event::Complete(String::new())));
        for key in 0..keys {
            world.at(
                end - 5 + key * 200,
                Act::Insert(Place::Below, "k".to_owned()),
            );
        }
        world.run(60_000);
        let rewind = world
            .phases
            .iter()
            .position(|phase| *phase == Phase::Rewind)
            .unwrap();
        let waited = world.sent[rewind] - (end - 5);
        assert!(bound.contains(&waited), "{keys} keys: waited {waited}");
        assert_eq!(
            world.text,
            format!(
                "{}{}",
                rewritten(),
                "k".repeat(usize::try_from(keys).unwrap())
            )
        );
    }
}

#[test]
fn cancel_at_any_moment_gives_the_original_back() {
    for manner in MANNERS {
        for moment in (0..900).step_by(7) {
            let mut world = world(manner);
            let end = reply(&mut world, &pieces());
            world.at(end, Act::Reply(Event::Complete(String::new())));
            world.at(moment, Act::Say(Event::Cancel));
            world.run(60_000);
            let context = format!("{manner:?} cancelled at {moment}: {:?}", world.settled);
            assert_eq!(world.settled.len(), 1, "{context}");
            match &world.settled[0] {
                Outcome::Cancelled => assert_eq!(world.text, TEXT, "{context}"),
                Outcome::Pending { parked: None } => {
                    assert_eq!(world.text, rewritten(), "{context}");
                }
                other => assert!(
                    !manner.guards_versions() || world.text == TEXT,
                    "{context} {other:?}"
                ),
            }
        }
    }
}

#[test]
fn failure_at_any_moment_gives_the_original_back() {
    for manner in [
        Manner::Helix,
        Manner::Neovim,
        Manner::NeovimAtOnce,
        Manner::Kakoune,
        Manner::Eglot,
        Manner::Mute,
    ] {
        for count in 0..pieces().len() {
            let mut world = world(manner);
            let end = reply(&mut world, &pieces()[..count]);
            world.at(end, Act::Reply(Event::Failed("cut".to_owned())));
            world.run(60_000);
            assert_eq!(world.text, TEXT, "{manner:?} after {count}");
            assert_eq!(
                world.settled,
                [Outcome::Failed("cut".to_owned())],
                "{manner:?} after {count}"
            );
        }
    }
}

#[test]
fn an_answer_cut_at_its_limit_is_parked_and_can_be_taken_back_or_applied() {
    for (verdict, text) in [
        (Event::Reject, TEXT.to_owned()),
        (Event::Apply, TEXT.replace(OLD, "new one\n")),
    ] {
        let mut world = world(Manner::Neovim);
        let end = reply(&mut world, &["new ", "one"]);
        world.at(end, Act::Reply(Event::Incomplete("cut".to_owned())));
        world.at(end, Act::Reply(Event::Text("\n".to_owned())));
        world.run(2_000);
        assert_eq!(
            world.settled,
            [Outcome::Pending {
                parked: Some("cut".to_owned())
            }]
        );
        world.at(2_000, Act::Say(verdict));
        world.run(60_000);
        assert_eq!(world.text, text);
        assert_eq!(world.settled.len(), 2);
    }
}

#[test]
fn text_typed_outside_stays_and_the_rewrite_lands() {
    let mut damaged = 0;
    for manner in MANNERS
        .into_iter()
        .filter(|manner| !matches!(manner, Manner::Refuses | Manner::Deaf | Manner::Liar))
    {
        for place in [Place::Above, Place::Below] {
            for moment in (0..700).step_by(11) {
                let mut world = world(manner);
                let end = reply(&mut world, &pieces());
                world.at(end, Act::Reply(Event::Complete(String::new())));
                world.at(moment, Act::Insert(place, "typed\n".to_owned()));
                world.run(60_000);
                let wanted = match place {
                    Place::Above => format!("typed\n{}", rewritten()),
                    _ => format!("{}typed\n", rewritten()),
                };
                let context = format!("{manner:?} {place:?} at {moment}: {:?}", world.settled);
                if !manner.guards_versions() && world.settled != [DONE] {
                    // The weaker promise: the damage is noticed, and one undo takes it out.
                    assert!(
                        matches!(world.settled[..], [Outcome::Pending { parked: Some(_) }]),
                        "{context}"
                    );
                    assert!(
                        world
                            .undo
                            .last()
                            .is_some_and(|text| text.contains(OLD) && text.contains("typed"))
                    );
                    damaged += 1;
                    continue;
                }
                assert_eq!(world.text, wanted, "{context}");
                assert_eq!(world.settled, [DONE], "{context}");
            }
        }
    }
    assert!(
        damaged < 40,
        "{damaged} runs without a version guard were damaged"
    );
}

const LETS: (&str, &str, &str) = (
    "{\nlet a = 100;\n",
    "let b = 2;\nlet c = 3;\n",
    "let b = Some(20);\nlet c = Some(30);\n",
);

/// A rewrite of two lines below one that resembles what the first one becomes.
fn below_a_line_like_it(manner: Manner) -> World {
    let (front, old, _) = LETS;
    let options = Options {
        delivery: Delivery::Stream,
        pace: Pace::Unknown,
        guard: simulation::guard(manner),
        review: Review::Wait,
    };
    let span = Span::new(front.len(), front.len() + old.len());
    World::new(manner, &format!("{front}{old}}}\n"), span, options)
}

/// The text that is written may stand where the deleted line stood, and resemble it.
#[test]
fn a_line_deleted_right_above_stays_deleted_and_the_rewrite_lands() {
    let guards = |one: &Manner| one.guards_versions() && !one.refuses();
    for manner in MANNERS.into_iter().filter(guards) {
        for moment in (0..400).step_by(20) {
            let mut world = below_a_line_like_it(manner);
            let pieces: Vec<&str> = LETS.2.split_inclusive([' ', ';']).collect();
            let end = reply(&mut world, &pieces);
            world.at(end, Act::Reply(Event::Complete(String::new())));
            world.at(moment, Act::Do(Deed::DeleteAbove, 'x'));
            world.run(30_000);
            assert_eq!(world.settled, [DONE], "{manner:?} at {moment}");
            let wanted = format!("{{\n{}}}\n", LETS.2);
            assert_eq!(world.text.as_str(), wanted, "{manner:?} at {moment}");
        }
    }
}

/// The same with what was typed far above, while no edit of ours is under way: the text that is written still stands.
#[test]
fn a_line_deleted_right_above_and_typing_told_as_one_are_no_undo() {
    for manner in [Manner::Neovim, Manner::Reloads, Manner::Slow] {
        let mut world = below_a_line_like_it(manner);
        let (first, rest) = LETS.2.split_at(17);
        world.at(10, Act::Reply(Event::Text(first.to_owned())));
        // Told at once; what follows is told together.
        world.at(700, Act::Do(Deed::Below(false), '②'));
        world.at(720, Act::Do(Deed::DeleteAbove, 'x'));
        world.at(730, Act::Do(Deed::Above(false), '①'));
        world.at(2_000, Act::Reply(Event::Text(rest.to_owned())));
        world.at(2_040, Act::Reply(Event::Complete(String::new())));
        world.run(30_000);
        assert_eq!(world.settled, [DONE], "{manner:?}");
        let wanted = format!("①{{\n{}}}\n②", LETS.2);
        assert_eq!(world.text.as_str(), wanted, "{manner:?}");
    }
}

#[test]
fn somebody_who_types_on_and_on_above_does_not_keep_the_rewrite_from_landing() {
    for manner in [Manner::Helix, Manner::Neovim, Manner::NeovimAtOnce] {
        for gap in [60, 120, 200, 350] {
            let mut world = world(manner);
            let end = reply(&mut world, &pieces());
            world.at(end, Act::Reply(Event::Complete(String::new())));
            for key in 0..20 {
                world.at(5 + key * gap, Act::Insert(Place::Above, "k".to_owned()));
            }
            world.run(60_000);
            let wanted = format!("{}{}", "k".repeat(20), rewritten());
            assert_eq!(
                world.text, wanted,
                "{manner:?} every {gap} ms: {:?}",
                world.settled
            );
            assert_eq!(world.settled, [DONE], "{manner:?} every {gap} ms");
        }
    }
}

#[test]
fn text_typed_in_the_waiting_part_wins_and_parks() {
    for manner in [Manner::Helix, Manner::Neovim, Manner::NeovimAtOnce] {
        let mut world = world(manner);
        let end = reply(&mut world, &pieces());
        world.at(end, Act::Reply(Event::Complete(String::new())));
        world.at(90, Act::Insert(Place::Waiting, "typed".to_owned()));
        world.run(60_000);
        assert!(world.text.contains("typed"), "{manner:?}: {}", world.text);
        assert!(
            matches!(world.settled[..], [Outcome::Pending { parked: Some(_) }]),
            "{manner:?} {:?}",
            world.settled
        );
    }
}

#[test]
fn text_typed_in_the_written_part_stays_and_the_rest_goes_on() {
    let mut world = world(Manner::Helix);
    let end = reply(&mut world, &pieces());
    world.at(end, Act::Reply(Event::Complete(String::new())));
    world.at(90, Act::Insert(Place::Written, "typed".to_owned()));
    world.run(60_000);
    assert_eq!(world.text, rewritten().replace("new one", "ntypedew one"));
    assert_eq!(world.settled, [DONE]);
    assert!(
        !world.phases.contains(&Phase::Rewind),
        "what the user changed is not rewound"
    );
    world.at(60_000, Act::Say(Event::Reject));
    world.run(90_000);
    assert!(
        world.text.contains("typed") && world.text.contains(OLD),
        "{}",
        world.text
    );
    assert_eq!(world.settled.last(), Some(&Outcome::Cancelled));
}

#[test]
fn an_undo_in_mid_stream_stops_and_leaves_the_original() {
    for manner in [
        Manner::Helix,
        Manner::Neovim,
        Manner::NeovimAtOnce,
        Manner::Mute,
    ] {
        for moment in (20..300).step_by(7) {
            let mut world = world(manner);
            let end = reply(&mut world, &pieces());
            world.at(end + 600, Act::Reply(Event::Complete(String::new())));
            world.at(moment, Act::Undo);
            world.run(60_000);
            let context = format!("{manner:?} undone at {moment}");
            if world.typed_inside {
                assert_eq!(world.text, TEXT, "{context}");
                assert_eq!(world.settled, [Outcome::Cancelled], "{context}");
                assert!(world.disconnected, "{context}");
            }
        }
    }
}

#[test]
fn a_reload_goes_on_and_a_close_ends() {
    for (reopen, outcome) in [(true, DONE), (false, Outcome::Cancelled)] {
        let mut world = world(Manner::Helix);
        let end = reply(&mut world, &pieces());
        world.at(end, Act::Reply(Event::Complete(String::new())));
        world.at(95, Act::Close);
        if reopen {
            world.at(1_000, Act::Open);
        }
        world.run(60_000);
        assert_eq!(world.settled, [outcome]);
        if reopen {
            assert_eq!(world.text, rewritten());
        }
    }
}

#[test]
fn reject_gives_the_original_back_and_undone_results_are_done() {
    for manner in [
        Manner::Helix,
        Manner::Neovim,
        Manner::NeovimAtOnce,
        Manner::Kakoune,
        Manner::Eglot,
    ] {
        for (act, outcome) in [
            (Act::Say(Event::Reject), Outcome::Cancelled),
            (Act::Undo, Outcome::Done),
        ] {
            let mut world = world(manner);
            let end = reply(&mut world, &pieces());
            world.at(end, Act::Reply(Event::Complete(String::new())));
            world.run(20_000);
            world.at(20_000, act);
            world.run(60_000);
            assert_eq!(world.text, TEXT, "{manner:?}");
            assert_eq!(world.settled, [DONE, outcome], "{manner:?}");
        }
    }
}
