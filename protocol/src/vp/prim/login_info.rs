//! Who is logged in: LoginInfo of vp-wire.md 2.1.

use std::fmt;

use bytes::Bytes;

use super::{DecodeError, EncodeError, Reader, Wire, Writer, decode_text};

/// One login of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoginInfo {
    /// Unique per login.
    pub login_id: LoginId,
    /// What the client is (vp-wire.md 4).
    pub login_type: u16,
    /// Directory id of the user.
    pub user_id: String,
    /// Display name of the user.
    pub user_name: String,
    /// Community of the user, usually a domain.
    pub community: String,
    /// The rest, if the sender gave it (the "full" form).
    pub detail: Option<LoginDetail>,
}

/// The second half of a full [`LoginInfo`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoginDetail {
    /// Normally empty.
    pub desc: String,
    /// IPv4 address of the login, as the server sees it.
    pub ip: u32,
    /// The server that holds the login.
    pub server_id: String,
}

impl Wire for LoginInfo {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            login_id: LoginId(Bytes::copy_from_slice(reader.string_bytes("login id")?)),
            login_type: reader.u16("login type")?,
            user_id: reader.string("login user id")?,
            user_name: reader.string("login user name")?,
            community: reader.string("login community")?,
            detail: reader.optional("login full flag")?,
        })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.string_bytes("login id", self.login_id.as_bytes())?;
        writer.u16(self.login_type);
        writer.string("login user id", &self.user_id)?;
        writer.string("login user name", &self.user_name)?;
        writer.string("login community", &self.community)?;
        writer.optional(self.detail.as_ref())
    }
}

impl Wire for LoginDetail {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            desc: reader.string("login description")?,
            ip: reader.u32("login address")?,
            server_id: reader.string("login server id")?,
        })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.string("login description", &self.desc)?;
        writer.u32(self.ip);
        writer.string("login server id", &self.server_id)
    }
}

/// The id of a login. Kept as bytes: it need not be text, and its first bytes are a cipher key that
/// lenient decoding would change.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct LoginId(Bytes);

impl LoginId {
    /// The bytes of the wire.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The RC2/40 key of this login: its first 5 bytes, if it has as many (vp-wire.md 6.4).
    pub fn cipher_key(&self) -> Option<[u8; 5]> {
        self.0.first_chunk().copied()
    }
}

impl From<&str> for LoginId {
    fn from(id: &str) -> Self {
        Self(Bytes::copy_from_slice(id.as_bytes()))
    }
}

impl From<Bytes> for LoginId {
    fn from(id: Bytes) -> Self {
        Self(id)
    }
}

impl fmt::Display for LoginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&decode_text(&self.0))
    }
}

impl fmt::Debug for LoginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", decode_text(&self.0))
    }
}
