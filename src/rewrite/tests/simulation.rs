//! Any client, any user, any gateway: scripts at random, and what must hold in every one of them.
//!
//! Who wrote which byte is known, so an edit that touches text that is not the server's is seen in the moment in which the
//! editor applies it. `EZROUTER_SIMULATIONS` sets the number of runs, `EZROUTER_SEED` the seed, which is printed; a script
//! that fails is made as small as it can be and printed in a form that can be added to `found.rs`.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngSeed, TestError, TestRunner};

use super::super::{Delivery, Event, Guard, Options, Outcome, Pace, Review};
use super::sheet::{Author, Damage, Sheet};
use super::world::{Act, Deed, MANNERS, Manner, Reached, World};
use crate::text::Span;

const ABOVE: &str = "above 1\nabove 2\nTOP\n";
const BELOW: &str = "END\nbelow 1\nbelow 2\n";

/// Lines that both texts are made of; some occur within others.
const LINES: [&str; 9] = [
    "old one",
    "old",
    "",
    "}",
    "new two and more",
    "  π ≈ 3, 😀",
    "x",
    "return x;",
    "one",
];

/// How the reply ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Fault {
    /// As it should.
    None,
    /// At the limit on tokens.
    Cut,
    /// With an error.
    Error,
    /// Not at all, until the time-out strikes.
    Silence,
}

const FAULTS: [Fault; 4] = [Fault::None, Fault::Cut, Fault::Error, Fault::Silence];

/// What only one editor does, and what ends a rewrite early, is played more often: each is to meet each deed.
const RARE: [Manner; 4] = [
    Manner::Eglot,
    Manner::Kakoune,
    Manner::Refuses,
    Manner::Reloads,
];
const EARLY: [Fault; 2] = [Fault::Cut, Fault::Error];

/// A run, as data.
#[derive(Clone, Debug)]
pub(super) struct Script {
    pub(super) manner: Manner,
    pub(super) delivery: Delivery,
    pub(super) fault: Fault,
    /// Lines of the original and of the result, by number.
    pub(super) old: Vec<u8>,
    pub(super) new: Vec<u8>,
    /// Whether the region and the result end with a line break.
    pub(super) ends_with_break: bool,
    pub(super) crlf: bool,
    /// Characters per piece and milliseconds in front of it, over and over.
    pub(super) pieces: Vec<(u8, u8)>,
    /// Of 255 parts of the reply, so many come before it is cut.
    pub(super) cut: u8,
    /// When the user does what.
    pub(super) deeds: Vec<(u16, Deed)>,
    pub(super) cancel: Option<u16>,
    /// When another rewrite of the same document takes its turn.
    pub(super) other: Option<u16>,
}

/// What a user does, and when: now one thing, now an undo and the redo of it, which otherwise hardly ever meet before the
/// rewrite has ended.
fn deeds() -> impl Strategy<Value = Vec<(u16, Deed)>> {
    let moment = || prop_oneof![0..1_600_u16, 0..300_u16];
    let again = (moment(), 0..300_u16)
        .prop_map(|(moment, wait)| vec![(moment, Deed::Undo), (moment + wait, Deed::Redo)]);
    let step = prop_oneof![
        10 => (moment(), deed()).prop_map(|one| vec![one]),
        2 => again,
    ];
    prop::collection::vec(step, 0..7).prop_map(|steps| steps.concat())
}

fn deed() -> impl Strategy<Value = Deed> {
    let number = any::<u8>;
    prop_oneof![
        prop_oneof![
            3 => any::<bool>().prop_map(Deed::Above),
            1 => Just(Deed::DeleteAbove),
        ],
        any::<bool>().prop_map(Deed::Below),
        number().prop_map(Deed::Written),
        number().prop_map(Deed::Waiting),
        number().prop_map(Deed::Across),
        Just(Deed::DeleteRegion),
        Just(Deed::Undo),
        Just(Deed::Redo),
        Just(Deed::Format),
        Just(Deed::Close),
    ]
}

fn scripts() -> impl Strategy<Value = Script> {
    let lines = || prop::collection::vec(0..LINES.len() as u8, 1..8);
    let delivery = prop_oneof![
        6 => Just(Delivery::Stream),
        1 => Just(Delivery::StreamJoined),
        1 => Just(Delivery::Single),
    ];
    let manner = prop_oneof![10 => select(&MANNERS[..]), 3 => select(&RARE[..])];
    let fault = prop_oneof![4 => select(&FAULTS[..]), 1 => select(&EARLY[..])];
    let how = (manner, delivery, fault);
    let texts = (lines(), lines(), any::<bool>(), prop::bool::weighted(0.1));
    let reply = (
        prop::collection::vec((1..20_u8, any::<u8>()), 1..5),
        any::<u8>(),
    );
    let moment = || 0..1_600_u16;
    let deeds = (
        deeds(),
        prop::option::weighted(0.1, moment()),
        prop::option::weighted(0.1, moment()),
    );
    (how, texts, reply, deeds).prop_map(
        |(
            (manner, delivery, fault),
            (old, new, ends_with_break, crlf),
            (pieces, cut),
            (deeds, cancel, other),
        )| Script {
            manner,
            delivery,
            fault,
            old,
            new,
            ends_with_break,
            crlf,
            pieces,
            cut,
            deeds,
            cancel,
            other,
        },
    )
}

impl Script {
    fn text(&self, lines: &[u8]) -> String {
        let lines: Vec<&str> = lines.iter().map(|&line| LINES[usize::from(line)]).collect();
        let mut text = lines.join("\n");
        if self.ends_with_break {
            text.push('\n');
        }
        self.with_breaks(&text)
    }

    fn with_breaks(&self, text: &str) -> String {
        if self.crlf {
            text.replace('\n', "\r\n")
        } else {
            text.to_owned()
        }
    }

    /// The world at its beginning, with all that is to happen on its agenda.
    fn world(&self) -> World {
        let old = self.text(&self.old);
        let above = self.with_breaks(ABOVE);
        let gap = if self.ends_with_break { "" } else { "\n" };
        let below = self.with_breaks(&format!("{gap}{BELOW}"));
        let text = format!("{above}{old}{below}");
        let guard = guard(self.manner);
        let options = Options {
            delivery: self.delivery,
            pace: if guard == Guard::Nothing {
                Pace::Late
            } else {
                Pace::Unknown
            },
            guard,
            review: Review::Wait,
        };
        let span = Span::new(above.len(), above.len() + old.len());
        let mut world = World::new(self.manner, &text, span, options);
        // What the user did before: undo goes back beyond the beginning of the rewrite.
        let mut earlier = Sheet::new(&text, span);
        earlier.put(Span::new(0, 5), "", Author::Above);
        world.undo.push(earlier);
        self.put_reply(&mut world);
        self.put_deeds(&mut world);
        world
    }

    fn put_reply(&self, world: &mut World) {
        let new = self.text(&self.new);
        let mut rest: Vec<char> = new.chars().collect();
        if self.fault != Fault::None {
            rest.truncate(rest.len() * usize::from(self.cut) / 255);
        }
        let mut time = 5;
        let mut pieces = self.pieces.iter().cycle();
        while !rest.is_empty() {
            let &(length, gap) = pieces.next().expect("there is a piece");
            time += u64::from(gap);
            let piece: String = rest.drain(..usize::from(length).min(rest.len())).collect();
            world.at(time, Act::Reply(Event::Text(piece)));
        }
        let end = match self.fault {
            Fault::None => Event::Complete(String::new()),
            Fault::Cut => Event::Incomplete("cut".to_owned()),
            Fault::Error => Event::Failed("error".to_owned()),
            Fault::Silence => Event::Failed("silence".to_owned()),
        };
        let wait = if self.fault == Fault::Silence {
            60_000
        } else {
            40
        };
        world.at(time + wait, Act::Reply(end));
    }

    fn put_deeds(&self, world: &mut World) {
        for (number, &(moment, deed)) in (0..).zip(&self.deeds) {
            // Each its own mark, which stands nowhere else: what is the user's is never a matter of interpretation.
            // One that a formatter puts in front of words is not part of them.
            let base = if deed == Deed::Format { 0x2600 } else { 0x2460 };
            let token = char::from_u32(base + number).expect("a character");
            world.at(moment.into(), Act::Do(deed, token));
        }
        if let Some(moment) = self.cancel {
            world.at(moment.into(), Act::Say(Event::Cancel));
        }
        if let Some(moment) = self.other {
            world.at(moment.into(), Act::Other(400));
        }
    }

    /// Whether anything happened that takes text away, so that what the region should read is the user's business; a line that
    /// is deleted right above and told as one with an edit of ours may have been a part of it and a blank line of ours.
    fn is_destructive(&self) -> bool {
        self.deeds.iter().any(|(_, deed)| match deed {
            Deed::Across(_) | Deed::DeleteRegion | Deed::Undo | Deed::Redo => true,
            Deed::DeleteAbove => !self.manner.tells_at_once(),
            _ => false,
        })
    }
}

pub(super) fn guard(manner: Manner) -> Guard {
    match manner {
        Manner::Neovim | Manner::NeovimAtOnce | Manner::Reloads => Guard::FromFirstChange,
        Manner::Kakoune | Manner::Eglot => Guard::Nothing,
        _ => Guard::Versions,
    }
}

/// What came of one run.
pub(super) struct Result {
    reached: BTreeSet<Reached>,
    deeds: Vec<Deed>,
    /// An edit that no version guarded hit text that is not the server's.
    damaged: bool,
}

/// Plays a script and holds what must hold.
pub(super) fn play(script: &Script) -> std::result::Result<Result, String> {
    let mut world = script.world();
    world.run(200_000);
    let told = format!("{:?}\n{}", world.settled, world.text);
    let check = |holds: bool, what: &str| {
        if holds {
            Ok(())
        } else {
            Err(format!("{what}: {told}"))
        }
    };
    let outcome = world
        .settled
        .first()
        .ok_or_else(|| format!("it never ended: {told}"))?;
    let ends = world
        .settled
        .iter()
        .filter(|one| !matches!(one, Outcome::Pending { .. }));
    let pending = matches!(outcome, Outcome::Pending { .. });
    check(
        ends.count() <= 1 && world.settled.len() <= 1 + usize::from(pending),
        "it ended more than once",
    )?;
    let whole = matches!(outcome, Outcome::Pending { parked: None } | Outcome::Done);
    check(
        !whole || script.fault == Fault::None,
        "an answer that is not complete was taken for one",
    )?;
    let unguarded = guard(script.manner) == Guard::Nothing;
    let damaged = !world.damage.is_empty();
    if unguarded && damaged {
        // Where the user's untold text was replaced together with the old text, what the editor tells is exactly what was
        // to be expected: that cannot be noticed, only undone.
        let unseen = world.first_end.as_ref().is_some_and(|text| {
            text.region_but_the_users() == script.text(&script.new) && !text.strayed()
        });
        check(
            !whole || unseen || script.blurs_the_border(),
            "damage went unnoticed",
        )?;
    } else {
        hold_text(script, &world, outcome, &check)?;
    }
    Ok(Result {
        reached: world.reached,
        deeds: world.deeds,
        damaged,
    })
}

/// What must be true of the text at the end.
fn hold_text(
    script: &Script,
    world: &World,
    outcome: &Outcome,
    check: &impl Fn(bool, &str) -> std::result::Result<(), String>,
) -> std::result::Result<(), String> {
    let from_first = guard(script.manner) == Guard::FromFirstChange;
    for damage in &world.damage {
        // Only a file that was not changed since it was opened may be hit, and it is put right.
        let blurred = *damage != Damage::Replaced(Author::User) && script.blurs_the_border();
        let excused = from_first || blurred;
        check(excused, &format!("{damage:?}"))?;
    }
    if script.is_destructive() {
        return Ok(());
    }
    check(!world.text.strayed(), "text of the server stands outside")?;
    for token in world.typed.chars() {
        let count = world.text.matches(token).count();
        check(count == 1, "what the user typed stands there once")?;
    }
    let region = world.text.region_but_the_users();
    match outcome {
        Outcome::Pending { parked: None } | Outcome::Done => {
            check(region == script.text(&script.new), "not the result")
        }
        Outcome::Cancelled | Outcome::Failed(_)
            if !world.rewrite.left_changes() && !script.closes() =>
        {
            let Span { start, end } = world.text.region();
            let marked = world.text.get(start..end).unwrap_or_default();
            check(
                is_but_for_marked_lines(marked, &region, &script.text(&script.old)),
                "not the original",
            )
        }
        _ => Ok(()),
    }
}

impl Script {
    /// Whether somebody took text away at the region's border in a client that tells several changes as one: then nobody can
    /// say where the border is.
    fn blurs_the_border(&self) -> bool {
        let takes = |(_, deed): &(u16, Deed)| {
            matches!(
                deed,
                Deed::Across(_) | Deed::DeleteRegion | Deed::DeleteAbove
            )
        };
        !self.manner.is_exact() && self.deeds.iter().any(takes)
    }

    fn closes(&self) -> bool {
        self.deeds.iter().any(|(_, deed)| *deed == Deed::Close)
    }
}

/// Whether `now` reads `original` but for lines on which the user typed; `marked` is `now` with what the user typed. With lines
/// that are alike nobody can say which of them was typed on, so such a line may be one too many; and
/// one that the user typed on may hold a line of the original behind text of ours.
fn is_but_for_marked_lines(marked: &str, now: &str, original: &str) -> bool {
    if now == original {
        return true;
    }
    let original: Vec<&str> = original.split('\n').collect();
    // How many lines of the original the lines so far may have been.
    let mut reached = vec![true];
    reached.resize(original.len() + 1, false);
    for (now, marked) in now.split('\n').zip(marked.split('\n')) {
        let spare = now != marked;
        for count in (0..reached.len()).rev() {
            let matches = 0 < count && reached[count - 1] && original[count - 1] == now;
            let holds = |original: &str| !original.is_empty() && now.ends_with(original);
            let glued = spare && 0 < count && reached[count - 1] && holds(original[count - 1]);
            reached[count] = matches || glued || spare && reached[count];
        }
    }
    reached[original.len()]
}

/// What an editor does, in the words of those who met it.
fn traits(manner: Manner) -> &'static [&'static str] {
    match manner {
        Manner::Helix => &["answers false"],
        Manner::Neovim => &[
            "drops but says true",
            "merges both changes",
            "jumps versions",
        ],
        Manner::NeovimAtOnce | Manner::Liar => &["drops but says true"],
        Manner::Kakoune => &[
            "answers before it applies",
            "sends full text",
            "jumps versions",
        ],
        Manner::Eglot => &["answers an error", "merges both changes", "echoes late"],
        Manner::Slow => &["answers false", "echoes late", "sends full text"],
        Manner::Reloads => &["reloads", "drops but says true", "jumps versions"],
        Manner::Refuses => &["refuses for ever"],
        Manner::Mute | Manner::Deaf => &["never answers"],
    }
}

fn name(deed: Deed) -> &'static str {
    match deed {
        Deed::Above(_) | Deed::DeleteAbove => "types above",
        Deed::Below(_) => "types below",
        Deed::Written(_) => "types in the written part",
        Deed::Waiting(_) => "types in the waiting part",
        Deed::Across(_) => "types across a border",
        Deed::DeleteRegion => "deletes the region",
        Deed::Undo => "undoes",
        Deed::Redo => "redoes",
        Deed::Format => "formats on save",
        Deed::Close => "closes",
    }
}

#[derive(Default)]
struct Coverage {
    cells: BTreeMap<(&'static str, &'static str, Fault), u32>,
    states: BTreeMap<Reached, u32>,
    damaged: BTreeMap<Manner, u32>,
}

impl Coverage {
    fn note(&mut self, script: &Script, result: &Result) {
        let mut deeds: Vec<&str> = result.deeds.iter().map(|&deed| name(deed)).collect();
        deeds.sort_unstable();
        deeds.dedup();
        for one in traits(script.manner) {
            for deed in &deeds {
                *self.cells.entry((one, deed, script.fault)).or_default() += 1;
            }
        }
        for state in &result.reached {
            *self.states.entry(*state).or_default() += 1;
        }
        *self.damaged.entry(script.manner).or_default() += u32::from(result.damaged);
    }

    fn merge(&mut self, other: Self) {
        for (cell, count) in other.cells {
            *self.cells.entry(cell).or_default() += count;
        }
        for (state, count) in other.states {
            *self.states.entry(state).or_default() += count;
        }
        for (manner, count) in other.damaged {
            *self.damaged.entry(manner).or_default() += count;
        }
    }
}

fn variable(name: &str) -> Option<u64> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a knob of this test, not a setting"
    )]
    std::env::var(name).ok()?.parse().ok()
}

/// Plays so many scripts on this thread.
fn play_many(runs: u32, seed: u64) -> Coverage {
    let coverage = std::cell::RefCell::new(Coverage::default());
    let config = Config {
        cases: runs,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&scripts(), |script| {
        let result = play(&script).map_err(TestCaseError::fail)?;
        coverage.borrow_mut().note(&script, &result);
        Ok(())
    });
    match outcome {
        Ok(()) => coverage.into_inner(),
        Err(TestError::Fail(reason, script)) => {
            panic!("seed {seed}: {reason}\n{script:?}");
        }
        Err(other) => panic!("seed {seed}: {other}"),
    }
}

/// Runs per cell of the coverage that a long simulation must reach.
const PER_CELL: u32 = 1_000;
const LONG: u64 = 200_000;

#[test]
fn whatever_happens_no_text_is_lost_and_every_generation_ends_once() {
    let runs = variable("EZROUTER_SIMULATIONS").unwrap_or(4_000);
    let seed = variable("EZROUTER_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("{runs} runs, EZROUTER_SEED={seed}");
    let half = u32::try_from(runs.div_ceil(2)).expect("a reasonable number");
    let mut coverage = Coverage::default();
    std::thread::scope(|scope| {
        let other = scope.spawn(|| play_many(half, seed.wrapping_add(1)));
        coverage.merge(play_many(half, seed));
        match other.join() {
            Ok(other) => coverage.merge(other),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    });
    report(&coverage, runs);
}

fn report(coverage: &Coverage, runs: u64) {
    for (state, count) in &coverage.states {
        println!("{state:?} in {count} runs");
    }
    assert_eq!(coverage.states.len(), 6, "each state was reached");
    for (manner, count) in &coverage.damaged {
        println!("{manner:?}: text of others hit in {count} runs");
    }
    let manners: BTreeSet<&str> = MANNERS
        .iter()
        .flat_map(|&manner| traits(manner))
        .copied()
        .collect();
    let deeds: BTreeSet<&str> = coverage.cells.keys().map(|(_, deed, _)| *deed).collect();
    assert_eq!((manners.len(), deeds.len()), (11, 10), "all have occurred");
    let mut least = u32::MAX;
    for manner in &manners {
        for deed in &deeds {
            let counts = FAULTS.map(|fault| {
                let count = coverage.cells.get(&(*manner, *deed, fault));
                count.copied().unwrap_or_default()
            });
            least = counts.into_iter().fold(least, u32::min);
            println!("{manner:<26} {deed:<26} {counts:>6?}");
        }
    }
    println!("each manner, deed and fault together: at least {least} runs");
    assert!(
        runs < LONG || PER_CELL <= least,
        "a combination occurred only {least} times"
    );
}
