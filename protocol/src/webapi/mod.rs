//! What browsers say to a Sametime Proxy below `/stwebapi`, and what it says back: browser-side.md 3.
//!
//! [`Command::read`] makes a checked command of a request's verb, path and parameters; [`answer`] writes what
//! is answered at once, [`update`] what follows on the long poll. Strict in what is sent, generous in what is
//! read: where the notes doubt, both readings are accepted and both spellings sent.

pub mod answer;
mod code;
mod command;
mod parameters;
pub mod percent;
mod status;
pub mod update;

pub use code::Code;
pub use command::{Command, Connect, Edit, LoginMethod, Wrong};
pub use parameters::{Parameters, Verb};
pub use status::ScriptStatus;
