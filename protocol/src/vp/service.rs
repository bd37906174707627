//! The services that channels lead to: vp-wire.md 7.1.

use super::prim::{DecodeError, EncodeError, Reader, Wire, Writer};

/// A service with the protocol that is spoken on its channels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Service {
    /// The service.
    pub id: u32,
    /// Its protocol.
    pub proto_type: u32,
    /// Version of the protocol.
    pub proto_version: u32,
}

impl Service {
    /// Watching others' presence (vp-wire.md 8).
    pub const AWARENESS: Self = Self::new(0x0000_0011, 0x11, 0x0003_0005);
    /// Names to directory ids (vp-wire.md 9.1).
    pub const RESOLVE: Self = Self::new(0x0000_0015, 0x15, 0);
    /// A user's stored values, among them the buddy list (vp-wire.md 9.2).
    pub const STORAGE: Self = Self::new(0x0000_0018, 0x25, 1);
    /// Directory browsing.
    pub const DIRECTORY: Self = Self::new(0x0000_001a, 0x1c, 5);
    /// File transfer.
    pub const FILE_TRANSFER: Self = Self::new(0x0000_0038, 0, 1);
    /// Instant messages (vp-wire.md 9.3).
    pub const IM: Self = Self::new(0x0000_1000, 0x1000, 3);
    /// Chats of more than two.
    pub const CONFERENCE: Self = Self::new(0x8000_0010, 0x10, 2);
    /// Places.
    pub const PLACES: Self = Self::new(0x8000_0022, 0, 5);

    /// A service.
    pub const fn new(id: u32, proto_type: u32, proto_version: u32) -> Self {
        Self { id, proto_type, proto_version }
    }
}

impl Wire for Service {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            id: reader.u32("service")?,
            proto_type: reader.u32("protocol type")?,
            proto_version: reader.u32("protocol version")?,
        })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.u32(self.id);
        writer.u32(self.proto_type);
        writer.u32(self.proto_version);
        Ok(())
    }
}
