//! Data without a channel: vp-wire.md 3. Known only from the unreleased branch of libmeanwhile.

use bytes::Bytes;

use crate::vp::prim::{DecodeError, EncodeError, IdBlock, LoginInfo, Reader, Wire, Writer};
use crate::vp::service::Service;

/// One piece of data for one user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OneTime {
    /// The sender's choice.
    pub id: u32,
    /// Whom it is for.
    pub target: IdBlock,
    /// What it belongs to.
    pub service: Service,
    /// What the data is.
    pub send_type: u16,
    /// The data.
    pub data: Bytes,
    /// Who sent it; filled in by the server.
    pub sender: Option<LoginInfo>,
}

impl Wire for OneTime {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            id: reader.u32("one-time id")?,
            target: Wire::read(reader)?,
            service: Wire::read(reader)?,
            send_type: reader.u16("send type")?,
            data: reader.opaque("one-time data")?,
            sender: reader.optional("one-time sender flag")?,
        })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.u32(self.id);
        self.target.write(writer)?;
        self.service.write(writer)?;
        writer.u16(self.send_type);
        writer.opaque("one-time data", &self.data)?;
        writer.optional(self.sender.as_ref())
    }
}
