//! What a server session tells its owner.

use bytes::Bytes;

pub use crate::vp::crypto::login::Credential;
use crate::vp::message::{Announce, ChannelAccept, ChannelCreate, ChannelId, Handshake, OneTime};
use crate::vp::prim::{PrivacyInfo, UserStatus};
use crate::vp::reason::Reason;
use crate::vp::session::{Notice, ProtocolError};

/// In the order in which things happened. The last one is always [`Event::Closed`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The client has introduced itself; the answer is on its way.
    Handshake(Handshake),
    /// The client wants in: answer with `admit`, `redirect` or `refuse`. It may say nothing until then.
    Login(LoginRequest),
    /// The client insists on this server after a redirect: answer as to a Login.
    Continue,
    /// The client sets its user's status; confirm with `status_echo`.
    SetStatus(UserStatus),
    /// The client sets who may see its user; confirm with `privacy_echo`.
    SetPrivacy(PrivacyInfo),
    /// The client wants to hear when a service (by number) is up; say so with `service_up`, once.
    Sense(u32),
    /// The client creates a channel: answer with `accept` or `destroy`. Comes only for what
    /// [`Config::incoming`](super::Config::incoming) lets through.
    Create {
        /// The channel.
        channel: ChannelId,
        /// For which service, to whom, with which data.
        create: ChannelCreate,
    },
    /// The client accepted a channel of ours.
    Accepted {
        /// The channel.
        channel: ChannelId,
        /// What it says about it.
        accept: ChannelAccept,
    },
    /// Data on a channel.
    Received {
        /// The channel.
        channel: ChannelId,
        /// Meaning depends on the service.
        send_type: u16,
        /// The payload, decrypted unless `sealed`.
        data: Bytes,
        /// Whether the payload is ciphertext; only on relayed channels.
        sealed: bool,
    },
    /// A channel is gone, of whichever side; also one that nobody answered in time.
    Destroyed {
        /// The channel.
        channel: ChannelId,
        /// Why.
        reason: Reason,
        /// Additional data, by service.
        data: Bytes,
    },
    /// The client sends a text to others.
    Announce(Announce),
    /// The client sends data without a channel.
    OneTime(OneTime),
    /// The client says that it lives.
    PeerKeepalive,
    /// The session has ended; no event follows.
    Closed(Closed),
}

/// A Login, its secret already opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginRequest {
    /// Login name or directory id; may be empty with a token.
    pub name: String,
    /// What the client says it is (vp-wire.md 4).
    pub login_type: u16,
    /// What it shows.
    pub credential: Credential,
    /// How it travelled: one of [`auth_type`](crate::vp::message::auth_type).
    pub auth_type: u16,
}

impl From<Notice> for Event {
    fn from(notice: Notice) -> Self {
        match notice {
            Notice::Opened { channel, accept } => Self::Accepted { channel, accept },
            Notice::Incoming { create } => Self::Create { channel: create.channel, create },
            Notice::Received { channel, send_type, data, sealed } => {
                Self::Received { channel, send_type, data, sealed }
            }
            Notice::Destroyed { channel, reason, data } => Self::Destroyed { channel, reason, data },
        }
    }
}

/// Why a server session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The client logged out.
    ByClient(Reason),
    /// This side ended it: refused, kicked, closed.
    ByServer(Reason),
    /// The client took too long; the text names the phase (`handshake`, `login` or `continue`).
    Timeout(&'static str),
    /// The client said something that cannot be.
    Protocol(ProtocolError),
    /// The transport ended.
    Transport,
}

impl Closed {
    /// A short fixed name, for metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ByClient(_) => "by_client",
            Self::ByServer(_) => "by_server",
            Self::Timeout(_) => "timeout",
            Self::Protocol(error) => error.kind(),
            Self::Transport => "transport",
        }
    }
}
