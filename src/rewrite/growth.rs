//! How the written part of a region grows: the edit that brings new text in among the old lines. When it is sent is
//! `moves`' business.

use super::flight::Stroke;
use super::region::Border;
use super::stray::is_insertion;
use super::{Now, Rewrite};
use crate::text::diff::stream::{self, End, Start};
use crate::text::{Edit, Span};

impl Rewrite {
    /// The edit that brings what of the reply is not placed yet into the region, as far as it can be placed; nothing if
    /// it stands there already.
    pub(super) fn grow(&mut self, now: Now, end: End) -> Option<Stroke> {
        let placed = self.region.ours.len();
        let rest = self.reply.total.get(placed..).unwrap_or_default();
        let start = if self.region.ours.is_empty() || self.region.ours.ends_with(['\n', '\r']) {
            Start::Line
        } else {
            Start::WithinLine
        };
        let plan = stream::plan(&self.region.waiting, rest, start, end);
        let ours = self
            .reply
            .total
            .get(..placed + plan.placed)
            .unwrap_or_default()
            .to_owned();
        let waiting = self
            .region
            .waiting
            .get(plan.passed..)
            .unwrap_or_default()
            .to_owned();
        if plan.edits.is_empty() {
            self.region.pass(plan.placed, ours, waiting);
            return None;
        }
        if self.is_unguarded(now) && !is_insertion(&plan.edits) {
            return Some(self.insert());
        }
        let border = Border::Behind(plan.placed);
        let edits = self.region.place_waiting(plan.edits);
        Some(Stroke {
            edits,
            border,
            ours,
            waiting,
        })
    }

    /// All text that is not placed yet as one insertion, whatever waits.
    pub(super) fn insert(&self) -> Stroke {
        let rest = self
            .reply
            .total
            .get(self.region.ours.len()..)
            .unwrap_or_default()
            .to_owned();
        let border = Border::Behind(rest.len());
        let insertion = Edit {
            span: Span::default(),
            text: rest,
        };
        Stroke {
            edits: self.region.place_waiting(vec![insertion]),
            border,
            ours: self.reply.total.clone(),
            waiting: self.region.waiting.clone(),
        }
    }
}
