//! Login, its acceptance and the redirect to a home server: vp-wire.md 3 and 5.
//!
//! What the authentication data holds is not read here.

use bytes::Bytes;

use super::{Header, kind};
use crate::secret::Secret;
use crate::vp::prim::{DecodeError, EncodeError, LoginInfo, PrivacyInfo, Reader, UserStatus, Wire, Writer};

/// The values of [`Login::auth_type`] (vp-wire.md 5).
pub mod auth_type {
    /// A string: the password.
    pub const PLAIN_PASSWORD: u16 = 0;
    /// The token.
    pub const PLAIN_TOKEN: u16 = 1;
    /// A 5-byte key in clear and the password under it.
    pub const RC2_PASSWORD: u16 = 2;
    /// Nothing.
    pub const ANONYMOUS: u16 = 3;
    /// A DH public key and the password under the shared key.
    pub const DH_PASSWORD: u16 = 4;
    /// A DH public key and the token under the shared key.
    pub const DH_TOKEN: u16 = 5;
}

/// Who logs in, and how it is proved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Login {
    /// The same as in the Handshake.
    pub login_type: u16,
    /// The user's login name or id.
    pub name: String,
    /// Password or token in the form that `auth_type` tells.
    pub auth_data: Secret,
    /// One of [`auth_type`].
    pub auth_type: u16,
}

impl Wire for Login {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        // A u16 of zero follows the auth type; it may be absent.
        Ok(Self {
            login_type: reader.u16("login type")?,
            name: reader.string("login name")?,
            auth_data: Secret::new(reader.opaque_bytes("auth data")?.to_vec()),
            auth_type: reader.u16("auth type")?,
        })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.u16(self.login_type);
        writer.string("login name", &self.name)?;
        writer.opaque("auth data", self.auth_data.expose())?;
        writer.u16(self.auth_type);
        writer.u16(0);
        Ok(())
    }
}

/// The server let the user in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoginAck {
    /// The login, in full form.
    pub login: LoginInfo,
    /// Meaning unknown, 0.
    pub reserved: u16,
    /// Who may see the user.
    pub privacy: PrivacyInfo,
    /// The status of the user's other logins, if there are any.
    pub status: UserStatus,
}

impl Wire for LoginAck {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            login: Wire::read(reader)?,
            reserved: reader.u16("login ack reserved u16")?,
            privacy: Wire::read(reader)?,
            status: Wire::read(reader)?,
        })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        self.login.write(writer)?;
        writer.u16(self.reserved);
        self.privacy.write(writer)?;
        self.status.write(writer)
    }
}

/// What a client takes from a LoginAck. Newer servers may lay the tail out differently, and a client needs only
/// the LoginInfo: if that parses, the login succeeded (vp-wire.md 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedLogin {
    /// The login.
    pub login: LoginInfo,
    /// Who may see the user, if the tail was understood.
    pub privacy: Option<PrivacyInfo>,
    /// The status of the user's other logins, if the tail was understood.
    pub status: Option<UserStatus>,
}

impl AcceptedLogin {
    /// Decodes the content of a frame tolerantly; `None` if it is another message.
    pub fn decode(frame: &Bytes) -> Result<Option<(Header, Self)>, DecodeError> {
        let mut reader = Reader::shared(frame);
        let (kind, header) = Header::read(&mut reader)?;
        if kind != kind::LOGIN_ACK {
            return Ok(None);
        }
        let whole = LoginAck::read(&mut reader.clone()).ok();
        let accepted = match whole {
            Some(LoginAck { login, privacy, status, .. }) => {
                Self { login, privacy: Some(privacy), status: Some(status) }
            }
            None => Self { login: Wire::read(&mut reader)?, privacy: None, status: None },
        };
        Ok(Some((header, accepted)))
    }
}

/// The user's home is another server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoginRedirect {
    /// Host name of the home server, as the community knows it.
    pub host: String,
    /// Id of the home server; empty if the server did not send one that can be read.
    pub server_id: String,
}

impl Wire for LoginRedirect {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            host: reader.string("home server host")?,
            // In the draft a version number is here instead: the host is all that can be relied on.
            server_id: reader.string("home server id").unwrap_or_default(),
        })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.string("home server host", &self.host)?;
        writer.string("home server id", &self.server_id)
    }
}
