//! Every bound that the rewrite's state machine waits by, in milliseconds, each with the behaviour that it was measured
//! against. Nothing here reads a clock.

/// A moment, in milliseconds since the server started. The machine is given it with every event.
pub type Millis = u64;

/// The shortest time between two streamed edits: editors redraw at about this rate.
pub(super) const PACE: Millis = 30;
/// An echo within this time of the client's first sign of life shows that the client can follow a stream. Neovim flushes
/// its changes 150 ms after the first of them.
pub(super) const PROMPT_ECHO: Millis = 250;
/// How long a refused edit waits for the change that explains the refusal.
pub(super) const RETRY: Millis = 300;
/// Refusals in a row, without a change that explains them, after which the client is taken to refuse for ever.
pub(super) const REFUSALS: u32 = 5;
/// How long refusals that changes do explain may go on.
pub(super) const EXPLAINED_REFUSALS: Millis = 10_000;
/// kak-lsp answers `applied: true` before it applies: a change without our text proves a drop only after this time.
pub(super) const DROP_GRACE: Millis = 300;
/// Drops in a row after which the rewrite parks.
pub(super) const DROPS: u32 = 2;
/// How long to wait for the change that must follow `applied: true`.
pub(super) const ECHO: Millis = 5_000;
/// How long to wait for a reply from a client that has said something since.
pub(super) const REPLY: Millis = 5_000;
/// How long to wait for a reply from a client that says nothing at all, as one with an open menu does.
pub(super) const SILENT_REPLY: Millis = 20_000;
/// A pause in typing: the time without a change after which one edit may land.
pub(super) const QUIET: Millis = 700;
/// A change that came within this time means that the user is typing.
pub(super) const TYPING: Millis = 1_000;
/// How long the rewind waits for a pause before it goes on all the same.
pub(super) const REWIND_PATIENCE: Millis = 5_000;
/// How long a buffered edit waits for a pause before the rewrite parks.
pub(super) const BUFFER_PATIENCE: Millis = 10_000;
/// The gap between the rewind and the final edit: Neovim closes an undo block in it.
pub(super) const REWIND_GAP: Millis = 40;
/// The pause after an undo in mid-stream, since one key press may undo in several changes.
pub(super) const UNDO_SETTLE: Millis = 300;
/// A `didOpen` within this time of a `didClose` is a reload (Neovim does that after an external formatter).
pub(super) const RELOAD: Millis = 2_000;
