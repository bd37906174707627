//! The messages of a connection: vp-wire.md 1.2 and 3.
//!
//! Decoding is strict about what a message must hold and ignores what newer peers append. An unknown type is
//! no error: the frame is to be skipped. What order messages may come in is for the session machines.

mod announce;
mod channel;
mod encryption;
mod handshake;
mod header;
pub mod kind;
mod login;
mod one_time;

use bytes::{Bytes, BytesMut};

pub use announce::Announce;
pub use channel::{ChannelAccept, ChannelCreate, ChannelDestroy, ChannelSend};
pub use encryption::{EncryptionChoice, EncryptionOffer, RepeatedMode, mode};
pub use handshake::{Handshake, HandshakeAck, Version};
pub use header::{ChannelId, Header};
pub use login::{AcceptedLogin, Login, LoginAck, LoginRedirect, auth_type};
pub use one_time::OneTime;

use super::prim::{DecodeError, EncodeError, PrivacyInfo, Reader, UserStatus, Wire, Writer};

/// The greatest length that a frame can announce: the top bit is always clear (vp-wire.md 1.1).
const MAX_FRAME: usize = 0x7fff_ffff;

/// A message without its header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Client to server: first message.
    Handshake(Handshake),
    /// Server to client: the answer.
    HandshakeAck(HandshakeAck),
    /// Client to server: who logs in.
    Login(Login),
    /// Server to client: logged in.
    LoginAck(LoginAck),
    /// Server to client: the user's home is another server.
    LoginRedirect(LoginRedirect),
    /// Client to server: stay here all the same.
    LoginContinue,
    /// Either: opens a channel.
    ChannelCreate(ChannelCreate),
    /// Either: takes a channel.
    ChannelAccept(ChannelAccept),
    /// Either: data on a channel.
    ChannelSend(ChannelSend),
    /// Either: ends a channel; on the master channel, the session.
    ChannelDestroy(ChannelDestroy),
    /// Either: data without a channel.
    OneTime(OneTime),
    /// Client: my status is this. Server: it is.
    SetUserStatus(UserStatus),
    /// Client: these may see me. Server: so it is.
    SetPrivacyList(PrivacyInfo),
    /// Client: tell me when this service is up. Server: it is.
    SenseService(u32),
    /// Server to client: a text for the user.
    Admin(String),
    /// Either: a text for several users.
    Announce(Announce),
    /// A type that has no known content: skip it.
    Unknown {
        /// The type.
        kind: u16,
        /// What follows the header.
        body: Bytes,
    },
}

impl Message {
    /// Decodes the content of a frame.
    pub fn decode(frame: &Bytes) -> Result<(Header, Self), DecodeError> {
        let mut reader = Reader::shared(frame);
        let (kind, header) = Header::read(&mut reader)?;
        let body = &mut reader;
        let message = match kind {
            kind::HANDSHAKE => Self::Handshake(Wire::read(body)?),
            kind::HANDSHAKE_ACK => Self::HandshakeAck(Wire::read(body)?),
            kind::LOGIN => Self::Login(Wire::read(body)?),
            kind::LOGIN_ACK => Self::LoginAck(Wire::read(body)?),
            kind::LOGIN_REDIRECT => Self::LoginRedirect(Wire::read(body)?),
            kind::LOGIN_CONTINUE => Self::LoginContinue,
            kind::CHANNEL_CREATE => Self::ChannelCreate(Wire::read(body)?),
            kind::CHANNEL_ACCEPT => Self::ChannelAccept(Wire::read(body)?),
            kind::CHANNEL_SEND => Self::ChannelSend(Wire::read(body)?),
            kind::CHANNEL_DESTROY => Self::ChannelDestroy(Wire::read(body)?),
            kind::ONE_TIME => Self::OneTime(Wire::read(body)?),
            kind::SET_USER_STATUS => Self::SetUserStatus(Wire::read(body)?),
            kind::SET_PRIVACY_LIST => Self::SetPrivacyList(Wire::read(body)?),
            kind::SENSE_SERVICE => Self::SenseService(body.u32("service")?),
            kind::ADMIN => Self::Admin(body.string("admin text")?),
            kind::ANNOUNCE => Self::Announce(Wire::read(body)?),
            kind => Self::Unknown { kind, body: body.remainder() },
        };
        Ok((header, message))
    }

    /// Appends header and message, without the length of a frame. On an error nothing is appended.
    pub fn encode(&self, header: &Header, out: &mut BytesMut) -> Result<(), EncodeError> {
        Writer::encode(out, |writer| self.write(header, writer))
    }

    /// Appends a frame: length, header and message. On an error nothing is appended.
    pub fn encode_frame(&self, header: &Header, out: &mut BytesMut) -> Result<(), EncodeError> {
        Writer::encode(out, |writer| {
            let slot = writer.slot();
            let start = writer.position();
            self.write(header, writer)?;
            let len = writer.position() - start;
            if len > MAX_FRAME {
                return Err(EncodeError::TooLong { field: "frame", len, max: MAX_FRAME });
            }
            writer.fill(slot, "frame", len)
        })
    }

    /// The type in the header.
    pub fn kind(&self) -> u16 {
        match self {
            Self::Handshake(_) => kind::HANDSHAKE,
            Self::HandshakeAck(_) => kind::HANDSHAKE_ACK,
            Self::Login(_) => kind::LOGIN,
            Self::LoginAck(_) => kind::LOGIN_ACK,
            Self::LoginRedirect(_) => kind::LOGIN_REDIRECT,
            Self::LoginContinue => kind::LOGIN_CONTINUE,
            Self::ChannelCreate(_) => kind::CHANNEL_CREATE,
            Self::ChannelAccept(_) => kind::CHANNEL_ACCEPT,
            Self::ChannelSend(_) => kind::CHANNEL_SEND,
            Self::ChannelDestroy(_) => kind::CHANNEL_DESTROY,
            Self::OneTime(_) => kind::ONE_TIME,
            Self::SetUserStatus(_) => kind::SET_USER_STATUS,
            Self::SetPrivacyList(_) => kind::SET_PRIVACY_LIST,
            Self::SenseService(_) => kind::SENSE_SERVICE,
            Self::Admin(_) => kind::ADMIN,
            Self::Announce(_) => kind::ANNOUNCE,
            Self::Unknown { kind, .. } => *kind,
        }
    }

    /// The name of the type, as in vp-wire.md 3.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Handshake(_) => "Handshake",
            Self::HandshakeAck(_) => "HandshakeAck",
            Self::Login(_) => "Login",
            Self::LoginAck(_) => "LoginAck",
            Self::LoginRedirect(_) => "LoginRedirect",
            Self::LoginContinue => "LoginContinue",
            Self::ChannelCreate(_) => "ChannelCreate",
            Self::ChannelAccept(_) => "ChannelAccept",
            Self::ChannelSend(_) => "ChannelSend",
            Self::ChannelDestroy(_) => "ChannelDestroy",
            Self::OneTime(_) => "OneTime",
            Self::SetUserStatus(_) => "SetUserStatus",
            Self::SetPrivacyList(_) => "SetPrivacyList",
            Self::SenseService(_) => "SenseService",
            Self::Admin(_) => "Admin",
            Self::Announce(_) => "Announce",
            Self::Unknown { .. } => "unknown message",
        }
    }

    fn write(&self, header: &Header, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        header.write(self.kind(), writer)?;
        match self {
            Self::Handshake(body) => body.write(writer),
            Self::HandshakeAck(body) => body.write(writer),
            Self::Login(body) => body.write(writer),
            Self::LoginAck(body) => body.write(writer),
            Self::LoginRedirect(body) => body.write(writer),
            Self::LoginContinue => Ok(()),
            Self::ChannelCreate(body) => body.write(writer),
            Self::ChannelAccept(body) => body.write(writer),
            Self::ChannelSend(body) => body.write(writer),
            Self::ChannelDestroy(body) => body.write(writer),
            Self::OneTime(body) => body.write(writer),
            Self::SetUserStatus(body) => body.write(writer),
            Self::SetPrivacyList(body) => body.write(writer),
            Self::SenseService(service) => service.write(writer),
            Self::Admin(text) => writer.string("admin text", text),
            Self::Announce(body) => body.write(writer),
            Self::Unknown { body, .. } => {
                writer.bytes(body);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests;
