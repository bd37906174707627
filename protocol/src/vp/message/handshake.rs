//! The first two messages of a connection: vp-wire.md 3 and 4.
//!
//! Each side lays its message out by the version that it announces itself.

use bytes::Bytes;

use crate::vp::prim::{DecodeError, EncodeError, Reader, Wire, Writer};

/// The protocol version that one side announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version {
    /// 0x1e everywhere.
    pub major: u16,
    /// 0x18 is Sametime 1.5, 0x1d what libmeanwhile announces.
    pub minor: u16,
}

impl Version {
    /// What we announce unless told otherwise.
    pub const CURRENT: Self = Self { major: 0x1e, minor: 0x1d };

    /// Whether a Handshake of this version carries the client's host name.
    pub fn has_local_host(self) -> bool {
        self.major >= 0x1e && self.minor >= 0x1d
    }

    /// Whether a HandshakeAck of this version carries a magic number and a DH key.
    pub fn has_key(self) -> bool {
        self.major >= 0x1e && self.minor > 0x18
    }
}

impl Default for Version {
    fn default() -> Self {
        Self::CURRENT
    }
}

impl From<(u16, u16)> for Version {
    fn from((major, minor): (u16, u16)) -> Self {
        Self { major, minor }
    }
}

impl Wire for Version {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { major: reader.u16("major version")?, minor: reader.u16("minor version")? })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.u16(self.major);
        writer.u16(self.minor);
        Ok(())
    }
}

/// The client's first message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// What the client speaks.
    pub version: Version,
    /// Always 0.
    pub master_channel: u32,
    /// The client's address as the server sees it: 0, the server fills it in.
    pub server_calculated_ip: u32,
    /// What the client is (vp-wire.md 4).
    pub login_type: u16,
    /// The client's own IPv4 address; 0 will do.
    pub client_ip: u32,
    /// Meaning unknown, 0x0100. From here on only if [`Version::has_local_host`].
    pub reserved_a: u16,
    /// Meaning unknown, 0.
    pub reserved_b: u32,
    /// The client's host name.
    pub local_host: String,
}

impl Default for Handshake {
    fn default() -> Self {
        Self {
            version: Version::CURRENT,
            master_channel: 0,
            server_calculated_ip: 0,
            login_type: 0,
            client_ip: 0,
            reserved_a: 0x0100,
            reserved_b: 0,
            local_host: String::new(),
        }
    }
}

impl Wire for Handshake {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut handshake = Self {
            version: Wire::read(reader)?,
            master_channel: reader.u32("master channel")?,
            server_calculated_ip: reader.u32("server-calculated address")?,
            login_type: reader.u16("login type")?,
            client_ip: reader.u32("client address")?,
            ..Self::default()
        };
        if handshake.version.has_local_host() {
            handshake.reserved_a = reader.u16("handshake reserved u16")?;
            handshake.reserved_b = reader.u32("handshake reserved u32")?;
            handshake.local_host = reader.string("local host")?;
        }
        Ok(handshake)
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        self.version.write(writer)?;
        writer.u32(self.master_channel);
        writer.u32(self.server_calculated_ip);
        writer.u16(self.login_type);
        writer.u32(self.client_ip);
        if self.version.has_local_host() {
            writer.u16(self.reserved_a);
            writer.u32(self.reserved_b);
            writer.string("local host", &self.local_host)?;
        }
        Ok(())
    }
}

/// The server's answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HandshakeAck {
    /// What the server speaks.
    pub version: Version,
    /// The client's IPv4 address as the server sees it.
    pub client_ip: u32,
    /// Proves that a DH login was made for this connection. From here on only if [`Version::has_key`].
    pub magic: u32,
    /// The server's DH public key; empty if it offers none.
    pub public_key: Bytes,
}

impl Wire for HandshakeAck {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut ack = Self {
            version: Wire::read(reader)?,
            client_ip: reader.u32("client address")?,
            ..Self::default()
        };
        if ack.version.has_key() {
            ack.magic = reader.u32("handshake magic")?;
            ack.public_key = reader.opaque("server DH key")?;
        }
        Ok(ack)
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        self.version.write(writer)?;
        writer.u32(self.client_ip);
        if self.version.has_key() {
            writer.u32(self.magic);
            writer.opaque("server DH key", &self.public_key)?;
        }
        Ok(())
    }
}
