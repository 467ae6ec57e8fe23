//! To come.
mod fence;
mod indent;
