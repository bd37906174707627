//! The presence core: who watches whom, what everybody's newest state is, and which browser has not
//! seen it yet.
//!
//! * [`hub::Hub`]: one per node. Owns upstream truth per [`ScopeId`], interest per shard, and decides
//!   which upstream login watches which person ([`watchset`]).
//! * [`shard::Shard`]: one per worker thread. Owns the subscribers (one per open event channel of a
//!   browser), their outboxes, and the index person → watching subscribers.
//! * [`upstream::Session`]: one connection to a community, between the VP client machine and the hub.
//! * [`messages`]: what travels between the two, in order in each direction.
//!
//! No I/O and no clock: `now` is an argument (time since any fixed start that never goes back), random
//! numbers are arguments too. The program and the seeded simulation run exactly this code.

#![forbid(unsafe_code)]
#![warn(missing_docs)]
// What a library has to say goes to its caller, or to the log.
#![warn(clippy::print_stdout)]
#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

pub mod cursor;
mod hashing;
pub mod hub;
mod ids;
pub mod messages;
#[cfg(test)]
mod properties;
mod record;
pub mod shard;
mod slab;
mod timers;
pub mod upstream;
pub mod watchset;

pub use cursor::Cursor;
pub use ids::{Epoch, LoginId, ScopeId, ShardId, SubscriberId, Ticket};
pub use record::{StateRecord, WireForm};
