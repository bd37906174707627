//! What a server session needs to know before it starts.

use std::time::Duration;

use crate::vp::message::Version;
use crate::vp::session::{ChannelLimits, Incoming};

/// Settings of a session.
#[derive(Clone, Debug)]
pub struct Config {
    /// Announced version. Below minor 0x19 no key is offered, so clients log in with what they have.
    pub version: Version,
    /// How often to prove that this side lives, once the user is in. Zero: never.
    pub keepalive: Duration,
    /// How long the client may take for its Handshake and Login together, and for a LoginContinue.
    pub login_timeout: Duration,
    /// How long a channel may wait to be accepted or destroyed, by either side.
    pub accept_timeout: Duration,
    /// Largest frame before the login, in bytes.
    pub max_frame_before_login: usize,
    /// Largest frame after it, in bytes.
    pub max_frame: usize,
    /// Output that may wait, in bytes, before commands are refused with
    /// [`Backlog`](crate::vp::session::ChannelError::Backlog).
    pub max_output: usize,
    /// Address of the client, as seen here; told in the HandshakeAck.
    pub client_ip: u32,
    /// Which channels that the client creates become events.
    pub incoming: Incoming,
    /// Bounds of the channels.
    pub channels: ChannelLimits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            version: Version::CURRENT,
            keepalive: Duration::from_secs(60),
            login_timeout: Duration::from_secs(30),
            accept_timeout: Duration::from_secs(30),
            max_frame_before_login: 64 * 1024,
            max_frame: 16 * 1024 * 1024,
            max_output: 64 * 1024 * 1024,
            client_ip: 0,
            incoming: Incoming::Ask,
            channels: ChannelLimits::default(),
        }
    }
}
