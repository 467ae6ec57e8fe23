//! Scripts of the simulation that once failed, as small as they could be made, each with what went wrong.

use super::super::Delivery;
use super::simulation::{Fault, Script, play};
use super::world::{Deed, Manner};

#[expect(clippy::too_many_lines, reason = "a list")]
fn found() -> Vec<Script> {
    use Deed::{Above, Across, Below, DeleteRegion, Format, Undo, Written};
    let script = |manner, fault, old: &[u8], new: &[u8], pieces: &[(u8, u8)], deeds: &[_]| Script {
        manner,
        delivery: Delivery::Stream,
        fault,
        old: old.to_vec(),
        new: new.to_vec(),
        ends_with_break: false,
        crlf: false,
        pieces: pieces.to_vec(),
        cut: 128,
        deeds: deeds.to_vec(),
        cancel: None,
        other: None,
    };
    let (helix, neovim, slow) = (Manner::Helix, Manner::Neovim, Manner::Slow);
    let whole = Fault::None;
    let mut nowhere = script(
        helix,
        Fault::Error,
        &[0],
        &[3],
        &[(1, 31)],
        &[(76, DeleteRegion), (192, Undo), (76, Across(0))],
    );
    (nowhere.ends_with_break, nowhere.other) = (true, Some(38));
    let mut twice = script(
        neovim,
        whole,
        &[0, 0, 7],
        &[7, 5],
        &[(3, 201)],
        &[(661, Format)],
    );
    twice.cancel = Some(809);
    let mut beside = script(
        neovim,
        Fault::Error,
        &[7, 1, 2],
        &[7, 1, 7],
        &[(16, 76)],
        &[(0, Format), (152, Written(0))],
    );
    (beside.cut, beside.ends_with_break) = (181, true);
    let mut shared = script(
        slow,
        Fault::Error,
        &[0, 8, 8, 4],
        &[8, 4, 0],
        &[(4, 0)],
        &[(7, Written(56)), (7, Written(23))],
    );
    (shared.cut, shared.ends_with_break) = (36, true);
    let mut glued = script(
        Manner::Reloads,
        whole,
        &[0, 4],
        &[4, 3],
        &[(18, 231)],
        &[(86, Above(true)), (259, Format)],
    );
    glued.cancel = Some(236);
    let mut slid = script(
        slow,
        Fault::Silence,
        &[5],
        &[2, 0, 5],
        &[(3, 27)],
        &[
            (34, Below(false)),
            (33, Undo),
            (1035, Undo),
            (1035, Above(false)),
        ],
    );
    slid.cancel = Some(534);
    let mut reopened = script(
        Manner::Reloads,
        Fault::Error,
        &[8],
        &[1, 2, 0],
        &[(6, 80)],
        &[(237, Format), (938, Written(0))],
    );
    reopened.cut = 85;
    let mut around = script(
        slow,
        Fault::Silence,
        &[8],
        &[2, 8, 0],
        &[(7, 0)],
        &[(507, Undo), (507, Format)],
    );
    (around.cut, around.ends_with_break) = (138, true);
    let mut beside_typing = script(
        Manner::Reloads,
        whole,
        &[0],
        &[1],
        &[(3, 160)],
        &[(207, Deed::Waiting(0)), (55, Above(true))],
    );
    beside_typing.delivery = Delivery::Single;
    let mut alike = script(
        Manner::Reloads,
        Fault::Silence,
        &[0, 3, 7, 5],
        &[3, 3, 7, 5],
        &[(2, 0)],
        &[(158, Deed::Waiting(43)), (7, Written(0))],
    );
    alike.cut = 149;
    let mut blank = script(
        helix,
        whole,
        &[0],
        &[2, 0],
        &[(1, 6)],
        &[(13, Deed::DeleteAbove)],
    );
    blank.cancel = Some(11);
    vec![
        // The line above a blank one of ours was deleted, which was taken for an undo of the blank one.
        blank,
        // A formatter's marks and two unguarded insertions between them, told as one, were taken for a deleted region.
        script(
            Manner::Eglot,
            whole,
            &[1],
            &[2, 1, 2],
            &[(2, 41)],
            &[(278, Format), (370, Above(false))],
        ),
        // Of two brackets, on one of which somebody had typed, the other one was taken back.
        alike,
        // Somebody typed in the old text in the change that told of an insertion that strayed: it was replaced with it.
        beside_typing,
        // A file that was opened again is at version 0 again, and a deletion took a key press along.
        reopened,
        // An undo and a formatter's marks on all lines, told as one.
        around,
        // An undo and a key press above it, told as one: the line break in front of the region was taken for one of ours.
        slid,
        // Somebody typed in the middle of an insertion that strayed, so that it was not found and taken for dropped.
        script(
            Manner::Reloads,
            whole,
            &[2],
            &[4],
            &[(2, 212)],
            &[(67, Above(true)), (219, Written(0))],
        ),
        // A formatter ran twice around an insertion that strayed, which was taken for dropped.
        script(
            neovim,
            Fault::Silence,
            &[2],
            &[7],
            &[(1, 168)],
            &[(23, Format), (175, Format)],
        ),
        // Somebody typed between a line of ours and one of the original, and a formatter touched both.
        glued,
        // A key press in the new text and one above it, told as one, were taken for an undo.
        script(
            slow,
            whole,
            &[0],
            &[1, 3],
            &[(3, 0)],
            &[(620, Written(160)), (507, Above(false))],
        ),
        // An undo and a key press above it, told as one, were taken for a deletion of the line break in front of the region.
        script(
            slow,
            whole,
            &[0, 2, 0],
            &[2, 2, 0],
            &[(1, 0)],
            &[(898, Above(false)), (727, Undo), (898, Deed::Redo)],
        ),
        // An edit that landed beside the region together with what somebody had typed was taken for a dropped one.
        script(
            Manner::Eglot,
            whole,
            &[3],
            &[6],
            &[(1, 0)],
            &[(247, Format)],
        ),
        // The original came back beside its place, which somebody had replaced together with what stood around it.
        nowhere,
        // Of two lines that are alike, on one of which somebody had typed, the wrong one was taken for it.
        shared,
        // A line of ours that the original had too was left, since it was not known which of the two was ours.
        twice,
        // Ours stood in front of what a formatter had put at its place, and behind it in our books.
        beside,
        // An unguarded edit that was a character too short left one behind the region, unnoticed.
        script(
            Manner::Eglot,
            whole,
            &[5],
            &[3],
            &[(1, 26)],
            &[(0, Undo), (702, Written(0))],
        ),
        // Two undos, of which the second can be read as a deletion of the text behind the region, went unnoticed.
        script(
            helix,
            whole,
            &[2],
            &[7, 0],
            &[(1, 21)],
            &[(238, Undo), (238, Undo)],
        ),
        // A blank line was taken for another one, and our own text for text that somebody had undone.
        script(
            neovim,
            whole,
            &[5, 2, 0],
            &[2, 4],
            &[(2, 134)],
            &[(0, Format)],
        ),
        // The result held a line of the original, and was taken for it.
        script(
            neovim,
            whole,
            &[0, 4, 0],
            &[4, 0],
            &[(2, 198), (7, 134)],
            &[(521, Format)],
        ),
        script(
            neovim,
            whole,
            &[0, 7, 6],
            &[7, 6, 3],
            &[(3, 0), (10, 68)],
            &[(0, Format)],
        ),
        // What somebody had deleted altogether was put back, beside its place.
        script(
            Manner::Mute,
            Fault::Silence,
            &[1],
            &[3, 2],
            &[(1, 0)],
            &[(732, Across(0)), (732, Undo), (431, DeleteRegion)],
        ),
        // A deleted line came back behind the lines that a formatter had changed, not among them.
        script(
            slow,
            Fault::Silence,
            &[6, 0, 8, 0],
            &[2, 6, 8, 4],
            &[(4, 0)],
            &[(502, Format), (502, Above(false)), (0, Above(false))],
        ),
        // A key in front of the region's first word and one within it made the border fall into the word.
        script(
            slow,
            Fault::Silence,
            &[0, 7, 1],
            &[7, 5, 4],
            &[(2, 0)],
            &[(507, Written(72)), (507, Above(true)), (7, Above(true))],
        ),
    ]
}

#[test]
fn what_was_found_once_stays_mended() {
    for script in found() {
        if let Err(failure) = play(&script) {
            panic!("{failure}\n{script:?}");
        }
    }
}
