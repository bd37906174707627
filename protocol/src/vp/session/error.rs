//! How a session breaks, in names that fit a metric label.

use thiserror::Error;

use crate::vp::crypto::login::{AuthError, OpenError};
use crate::vp::frame::FrameError;
use crate::vp::message::Version;
use crate::vp::prim::DecodeError;
use crate::vp::reason::Reason;

/// What the peer did that ends the session.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// The byte stream does not split into frames, or a frame is over the limit.
    #[error("frame: {0}")]
    Frame(#[from] FrameError),
    /// A message of a known type does not decode.
    #[error("message: {0}")]
    Message(#[from] DecodeError),
    /// What came on a channel is not what its service says (told by the owner of the channel).
    #[error("{service}: {error}")]
    Payload {
        /// A short fixed name of the service.
        service: &'static str,
        /// What is wrong.
        error: DecodeError,
    },
    /// A message that has no place in this phase (vp-wire.md 11).
    #[error("{message} has no place in this phase")]
    OutOfOrder {
        /// Name of the message.
        message: &'static str,
    },
    /// A channel message that names the master channel.
    #[error("the master channel cannot be created or accepted")]
    MasterChannel,
    /// The peer speaks another major version.
    #[error("protocol version {:#x}.{:#x} is not spoken here", .0.major, .0.minor)]
    Version(Version),
    /// The client's login secret does not open (server side).
    #[error("login secret: {0}")]
    Credential(OpenError),
    /// The login secret cannot be built for what the server offers (client side).
    #[error("login secret: {0}")]
    Auth(AuthError),
    /// More redirects than a login may have, or twice to the same host.
    #[error("the login is redirected in circles")]
    RedirectLoop,
}

impl ProtocolError {
    /// What the peer is told when the session ends for this.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Frame(_) => Reason::MESSAGE_TOO_LARGE,
            Self::OutOfOrder { .. } | Self::MasterChannel => Reason::INVALID_REQUEST,
            Self::Message(_) | Self::Payload { .. } | Self::RedirectLoop => Reason::PROTOCOL_ERROR,
            Self::Version(_) => Reason::VERSION_MISMATCH,
            Self::Credential(_) => Reason::INCORRECT_LOGIN,
            Self::Auth(_) => Reason::ENCRYPTION_MISMATCH,
        }
    }

    /// A short fixed name: a metric label, never text of the peer.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Frame(_) => "frame",
            Self::Message(_) => "message",
            Self::Payload { service, .. } => service,
            Self::OutOfOrder { .. } => "out_of_order",
            Self::MasterChannel => "master_channel",
            Self::Version(_) => "version",
            Self::Credential(_) => "credential",
            Self::Auth(error) => error.kind(),
            Self::RedirectLoop => "redirect_loop",
        }
    }
}

/// Why a command on a channel was not carried out. Nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ChannelError {
    /// The session is not up.
    #[error("the session is not up")]
    NotUp,
    /// No such channel, or it is gone: the peer may have destroyed it meanwhile.
    #[error("no such channel")]
    Unknown,
    /// The channel does not wait for an answer of this side.
    #[error("the channel does not wait for an answer")]
    NotWaiting,
    /// As many channels as allowed exist, or no id is left.
    #[error("too many channels")]
    TooMany,
    /// The peer has not accepted the channel yet and as much is queued as allowed.
    #[error("too much waits for the channel to be accepted")]
    QueueFull,
    /// More output waits for the transport than allowed; send again when it has drained.
    #[error("too much output waits for the transport")]
    Backlog,
    /// A text or payload that does not fit into a message.
    #[error("too large for a message")]
    TooLarge,
    /// The two sides have no cipher in common; the channel was destroyed.
    #[error("no cipher that both sides know")]
    Encryption,
}
