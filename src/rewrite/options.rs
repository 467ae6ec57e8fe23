//! How a rewrite may use its client: what was set, and what is known of the client. What follows from it is decided where it
//! is used.

/// How a rewrite may use its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How the result reaches the document.
    pub delivery: Delivery,
    /// What is known of the client's pace.
    pub pace: Pace,
    /// Whether the client refuses or drops an edit that was made for an older text.
    pub guard: Guard,
    /// Whether a finished rewrite waits for the user's verdict, or is accepted at once.
    pub review: Review,
}

/// How the result reaches the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// As it comes, then rewind and commit, so that one undo takes it back.
    Stream,
    /// As it comes, to a client that joins all edits of a job into one undo step by itself.
    StreamJoined,
    /// One edit at the end, in a pause.
    Single,
    /// Not at all until the user says so.
    Preview,
}

/// What the first landed edit has shown of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// No edit has landed yet: the first one finds out.
    Unknown,
    /// Changes come back promptly.
    Prompt,
    /// Changes come back late, or the client applies edits that were made for older text: one edit, at the end.
    Late,
}

/// What a client does with an edit that was made for an older text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Refuses or drops it.
    Versions,
    /// Drops it, except while the document has not changed since it was opened, or opened again (Neovim, for version 0).
    FromFirstChange,
    /// Applies it wherever the place then is (kak-lsp; Eglot, whose version moves only when it tells its changes).
    Nothing,
}

/// Whether the user is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Review {
    /// A finished rewrite is pending until it is accepted or rejected.
    Wait,
    /// A finished rewrite is accepted at once.
    AcceptAtOnce,
}
