//! What a client session needs to know before it starts.

use std::time::Duration;

pub use crate::vp::crypto::login::{Auth, TokenForm};
use crate::vp::message::Version;
use crate::vp::session::{ChannelLimits, Incoming};

/// Settings of a session. The defaults suit everything but `login_type`, which servers filter on.
#[derive(Clone, Debug)]
pub struct Config {
    /// What this client says it is (vp-wire.md 4).
    pub login_type: u16,
    /// Name of this host, sent in the Handshake. May be empty.
    pub local_host: String,
    /// Announced version.
    pub version: Version,
    /// How often to prove that this side lives, once logged in. Zero: never.
    pub keepalive: Duration,
    /// How long the server may take for a HandshakeAck.
    pub handshake_timeout: Duration,
    /// How long the server may take for the answer to a Login; it may ask a directory.
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
    /// What to do when the user's home is another server.
    pub follow: Follow,
    /// What happens to channels that others create to this login.
    pub incoming: Incoming,
    /// Bounds of the channels.
    pub channels: ChannelLimits,
}

impl Default for Config {
    /// Login type 0x14b4 (an iNotes client of Sametime 9), limits as vp-wire.md 1.1 and 11.1 recommend.
    fn default() -> Self {
        Self {
            login_type: 0x14b4,
            local_host: String::new(),
            version: Version::CURRENT,
            keepalive: Duration::from_secs(60),
            handshake_timeout: Duration::from_secs(15),
            login_timeout: Duration::from_secs(30),
            accept_timeout: Duration::from_secs(30),
            max_frame_before_login: 64 * 1024,
            max_frame: 16 * 1024 * 1024,
            max_output: 16 * 1024 * 1024,
            follow: Follow::default(),
            incoming: Incoming::Refuse,
            channels: ChannelLimits::default(),
        }
    }
}

/// What to do about a LoginRedirect (vp-wire.md 5.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Follow {
    /// End this session and leave it to the caller to dial the named server. The caller bounds how often.
    #[default]
    Reconnect,
    /// Stay on this connection and let this server reach the home server. At most three times, and not twice to
    /// the same host.
    Continue,
}

/// Who logs in.
#[derive(Clone, Debug)]
pub struct Login {
    /// Login name or directory id.
    pub name: String,
    /// How it is proved.
    pub auth: Auth,
}
