//! The client machine against the server machine, in memory: what either says reaches the other in chunks of
//! random size, and both must come to the right end whatever the chunks.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of tests")]

mod channels;
mod encryption;
mod login;
mod pair;
mod redirect;
mod replay;
mod rules;
#[path = "../support/set.rs"]
mod set;
mod timers;
