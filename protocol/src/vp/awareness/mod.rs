//! The awareness service, as its channel carries it: vp-wire.md 8.
//!
//! Each value is the payload of one ChannelSend. Which users are watched, and when, is not decided here.

mod block;
pub mod send_type;
mod status;
mod to_client;
mod to_server;

pub use block::{Block, OnlineState};
pub use status::{MOBILE, status_from_word, status_word};
pub use to_client::{AttributeSet, AttributeUnset, ToClient};
pub use to_server::ToServer;
