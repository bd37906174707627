//! What a client session tells its owner.

use bytes::Bytes;

use crate::vp::message::{Announce, ChannelCreate, ChannelId};
use crate::vp::prim::{LoginInfo, PrivacyInfo, UserStatus};
use crate::vp::reason::Reason;
use crate::vp::session::{Notice, ProtocolError};

/// In the order in which things happened. The last one is always [`Event::Closed`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The session is up: open channels now.
    LoggedIn {
        /// This login, as the server knows it.
        info: LoginInfo,
        /// Status of the user's other logins, if the server says so.
        status: Option<UserStatus>,
        /// Who may see the user, if the server says so.
        privacy: Option<PrivacyInfo>,
    },
    /// The user's home is another server. With [`Follow::Reconnect`](super::Follow::Reconnect) the session ends
    /// and the caller dials there; with `Continue` it goes on here.
    Redirected {
        /// Name of the home server as the community advertises it; not necessarily reachable.
        host: String,
        /// Id of the home server; may be empty.
        server_id: String,
    },
    /// A channel of ours was accepted.
    Opened {
        /// The channel.
        channel: ChannelId,
        /// Additional data of the acceptor, by service.
        data: Bytes,
        /// Who accepted, if it was a user.
        peer: Option<LoginInfo>,
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
    /// Data on a channel, decrypted.
    Received {
        /// The channel.
        channel: ChannelId,
        /// Meaning depends on the service.
        send_type: u16,
        /// The payload.
        data: Bytes,
    },
    /// Somebody created a channel to this login: answer with `accept` or `destroy`. Comes only for what
    /// [`Config::incoming`](super::Config::incoming) lets through.
    Incoming {
        /// The channel.
        channel: ChannelId,
        /// Who, for which service, with which data.
        create: ChannelCreate,
    },
    /// The server says what the user's status is now.
    StatusEcho(UserStatus),
    /// The server says who may see the user now.
    PrivacyEcho(PrivacyInfo),
    /// A text for this user among others.
    Announcement(Announce),
    /// A text of the administrators.
    Admin(String),
    /// A service that was sensed (by number) is up.
    ServiceUp(u32),
    /// The server sends keepalives, so its silence may be judged (vp-wire.md 11.3).
    PeerKeepalive,
    /// The session has ended; no event follows.
    Closed(Closed),
}

impl From<Notice> for Event {
    fn from(notice: Notice) -> Self {
        match notice {
            Notice::Opened { channel, accept } => {
                Self::Opened { channel, data: accept.data, peer: accept.acceptor }
            }
            Notice::Incoming { create } => Self::Incoming { channel: create.channel, create },
            Notice::Received { channel, send_type, data, .. } => Self::Received { channel, send_type, data },
            Notice::Destroyed { channel, reason, data } => Self::Destroyed { channel, reason, data },
        }
    }
}

/// Why a client session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The server ended it: refused, kicked, shutting down. [`Reason::retry`] says whether to come back.
    ByServer(Reason),
    /// The server took too long; the text names the phase (`handshake` or `login`).
    Timeout(&'static str),
    /// The server said something that cannot be.
    Protocol(ProtocolError),
    /// The transport ended.
    Transport,
    /// This side logged out.
    LoggedOut,
    /// The home server is another one, see [`Event::Redirected`].
    Redirected,
}

impl Closed {
    /// A short fixed name, for metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ByServer(_) => "by_server",
            Self::Timeout(_) => "timeout",
            Self::Protocol(error) => error.kind(),
            Self::Transport => "transport",
            Self::LoggedOut => "logged_out",
            Self::Redirected => "redirected",
        }
    }
}
