//! The small common blocks of vp-wire.md 2.1.

use bytes::Bytes;

use super::{DecodeError, EncodeError, Listed, Reader, Wire, Writer};

/// A user's own status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserStatus {
    /// The status word of vp-wire.md 8.3.
    pub status: u16,
    /// Not to be interpreted: minutes, seconds or milliseconds, depending on the client. Send 0.
    pub time: u32,
    /// The text that the user wrote.
    pub desc: String,
}

impl Wire for UserStatus {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            status: reader.u16("status")?,
            time: reader.u32("status time")?,
            desc: reader.string("status text")?,
        })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.u16(self.status);
        writer.u32(self.time);
        writer.string("status text", &self.desc)
    }
}

/// Who may see a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivacyInfo {
    /// True: those in the list may not see the user. False: only those may.
    pub deny: bool,
    /// The list, in the order of the wire. The order has no meaning.
    pub users: Vec<UserItem>,
}

impl Default for PrivacyInfo {
    /// The normal state: everybody may see the user.
    fn default() -> Self {
        Self { deny: true, users: Vec::new() }
    }
}

impl Wire for PrivacyInfo {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { deny: reader.bool("privacy deny flag")?, users: reader.list("privacy list")? })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.bool(self.deny);
        writer.list("privacy list", &self.users)
    }
}

/// A user in a privacy list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserItem {
    /// Directory id.
    pub id: String,
    /// Community; empty for the own one.
    pub community: String,
    /// Display name, if the item carries one (the "full" form).
    pub name: Option<String>,
}

impl Wire for UserItem {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let full = reader.bool("user item full flag")?;
        Ok(Self {
            id: reader.string("user item id")?,
            community: reader.string("user item community")?,
            name: if full { Some(reader.string("user item name")?) } else { None },
        })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.bool(self.name.is_some());
        writer.string("user item id", &self.id)?;
        writer.string("user item community", &self.community)?;
        self.name.as_ref().map_or(Ok(()), |name| writer.string("user item name", name))
    }
}

impl Listed for UserItem {
    const MIN_SIZE: usize = 5;
}

/// Whom a channel or a one-time message is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdBlock {
    /// Directory id; empty means "whoever offers the service".
    pub user: String,
    /// Community; empty for the own one.
    pub community: String,
}

impl Wire for IdBlock {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { user: reader.string("target user")?, community: reader.string("target community")? })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.string("target user", &self.user)?;
        writer.string("target community", &self.community)
    }
}

/// Whom somebody watches. Equal only byte by byte: servers answer with the id exactly as it was asked
/// for, and clients compare it so (vp-wire.md 8.2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct AwareId {
    /// [`AwareId::USER`], [`AwareId::GROUP`] or [`AwareId::SERVER`].
    pub kind: u16,
    /// Directory id, or name of a public group.
    pub user: String,
    /// Community; empty for the own one.
    pub community: String,
}

impl AwareId {
    /// A user.
    pub const USER: u16 = 0x0002;
    /// A public group of the directory.
    pub const GROUP: u16 = 0x0003;
    /// A server.
    pub const SERVER: u16 = 0x0008;

    /// A user of the own community.
    pub fn user(id: impl Into<String>) -> Self {
        Self { kind: Self::USER, user: id.into(), community: String::new() }
    }

    /// A public group of the own community.
    pub fn group(name: impl Into<String>) -> Self {
        Self { kind: Self::GROUP, user: name.into(), community: String::new() }
    }
}

impl Wire for AwareId {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            kind: reader.u16("awareness id type")?,
            user: reader.string("awareness id")?,
            community: reader.string("awareness id community")?,
        })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.u16(self.kind);
        writer.string("awareness id", &self.user)?;
        writer.string("awareness id community", &self.community)
    }
}

impl Listed for AwareId {
    const MIN_SIZE: usize = 6;
}

/// A cipher that a channel can use (vp-wire.md 6.4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncryptItem {
    /// [`EncryptItem::RC2_40`] or [`EncryptItem::RC2_128`].
    pub cipher: u16,
    /// Empty for RC2/40, the sender's DH public key for RC2/128.
    pub info: Bytes,
}

impl EncryptItem {
    /// Keys are the first 5 bytes of the login ids.
    pub const RC2_40: u16 = 0x0000;
    /// The key comes from a DH exchange.
    pub const RC2_128: u16 = 0x0001;
}

impl Wire for EncryptItem {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { cipher: reader.u16("cipher id")?, info: reader.opaque("cipher info")? })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.u16(self.cipher);
        writer.opaque("cipher info", &self.info)
    }
}

impl Listed for EncryptItem {
    const MIN_SIZE: usize = 6;
}
