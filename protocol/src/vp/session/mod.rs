//! What both session machines ([`client`](super::client), [`server`](super::server)) are made of: the byte
//! side, the table of channels, and the words for them. Implements vp-wire.md 1, 7, 11.
//!
//! # How a machine is driven
//!
//! The machines have no socket and no clock. Whoever owns the socket
//! * hands in bytes with `receive`, and the end of the stream with `closed`;
//! * then takes every event with `next_event` and writes what `output` gives;
//! * calls `tick` when the time of `next_wake` has come. Commands move that time, so ask again after them.
//!
//! `now` is the time since any fixed start and must not run backwards; a machine that is handed an older time
//! keeps the newer one.
//!
//! # What bounds memory
//!
//! * Input: one frame of at most the configured size, checked before its bytes are kept.
//! * Events: one frame gives at most one event (plus those held back for a channel that opens, see below),
//!   so they are bounded by what was handed in since they were last taken.
//! * Output: a frame that was received is answered by at most one short message, never larger than twice
//!   itself; whoever takes the output before reading on is safe. Commands refuse with
//!   [`ChannelError::Backlog`] while more than `max_output` bytes wait.
//! * Channels, and the messages that wait for one to be accepted: [`ChannelLimits`].

pub mod channel;
mod channel_table;
mod error;
mod link;

pub use channel::{
    Acceptance, AnsweredEncryption, ChannelLimits, Incoming, NewChannel, OfferedEncryption, Side,
};
pub(crate) use channel_table::{ChannelTable, Notice, Payload};
pub use error::{ChannelError, ProtocolError};
pub(crate) use link::{Input, Link};
