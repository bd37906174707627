//! The offer and the choice of a channel's cipher, with the quirks of their tails: vp-wire.md 3 and 6.4.

use crate::vp::prim::{DecodeError, EncodeError, EncryptItem, Reader, Wire, Writer};

/// Encryption modes.
pub mod mode {
    /// No encryption.
    pub const NONE: u16 = 0x0000;
    /// Any cipher or none, as the acceptor likes.
    pub const ANY_OR_NONE: u16 = 0x0001;
    /// All data, with any cipher.
    pub const ANY: u16 = 0x0002;
    /// RC2/40.
    pub const RC2_40: u16 = 0x1000;
    /// RC2/128.
    pub const RC2_128: u16 = 0x2000;
}

/// What a channel's creator offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncryptionOffer {
    /// One of [`mode`].
    pub mode: u16,
    /// The ciphers.
    pub items: Vec<EncryptItem>,
    /// On the wire only if there are items; otherwise the default.
    pub repeated: RepeatedMode,
}

impl EncryptionOffer {
    /// Ciphers to choose from, or none at all.
    pub fn any_of(items: Vec<EncryptItem>) -> Self {
        let mode = mode::ANY_OR_NONE;
        Self { mode, items, repeated: RepeatedMode { mode, flag: false } }
    }
}

impl Wire for EncryptionOffer {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mode = reader.u16("encryption mode")?;
        // Without items libmeanwhile leaves this opaque out, and the first number of its trailer
        // reads as an empty one. What follows is of no use either way.
        let mut content = reader.nested("encryption items")?;
        if content.is_empty() {
            return Ok(Self { mode, ..Self::default() });
        }
        let items: Vec<EncryptItem> = content.list("encryption items")?;
        let repeated = RepeatedMode::read(&mut content)?;
        Ok(if items.is_empty() { Self { mode, ..Self::default() } } else { Self { mode, items, repeated } })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.u16(self.mode);
        if !self.items.is_empty() {
            writer.nested("encryption items", |writer| {
                writer.list("encryption items", &self.items)?;
                self.repeated.write(writer)
            })?;
        }
        write_trailer(writer);
        Ok(())
    }
}

/// What a channel's acceptor chose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncryptionChoice {
    /// [`mode::RC2_40`] or [`mode::RC2_128`], or [`mode::NONE`] without an item.
    pub mode: u16,
    /// The cipher.
    pub item: Option<EncryptItem>,
    /// The mode of the offer again; on the wire only behind an item.
    pub repeated: Option<RepeatedMode>,
}

impl EncryptionChoice {
    /// The fewest bytes of an item.
    const ITEM_SIZE: usize = 6;
    const REPEATED_SIZE: usize = 3;
}

impl Wire for EncryptionChoice {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut choice = Self { mode: reader.u16("encryption mode")?, ..Self::default() };
        let mut content = reader.nested("encryption item")?;
        if content.left() >= Self::ITEM_SIZE {
            choice.item = Some(Wire::read(&mut content)?);
            if content.left() >= Self::REPEATED_SIZE {
                choice.repeated = Some(Wire::read(&mut content)?);
            }
        }
        Ok(choice)
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.u16(self.mode);
        if let Some(item) = &self.item {
            writer.nested("encryption item", |writer| {
                item.write(writer)?;
                self.repeated.as_ref().map_or(Ok(()), |repeated| repeated.write(writer))
            })?;
        }
        write_trailer(writer);
        Ok(())
    }
}

/// The mode once more, and a flag of unknown meaning (false).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RepeatedMode {
    /// The mode of the offer.
    pub mode: u16,
    /// Meaning unknown.
    pub flag: bool,
}

impl Wire for RepeatedMode {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { mode: reader.u16("repeated encryption mode")?, flag: reader.bool("encryption flag")? })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.u16(self.mode);
        writer.bool(self.flag);
        Ok(())
    }
}

/// What libmeanwhile ends a ChannelCreate and a ChannelAccept with. Meaning unknown.
fn write_trailer(writer: &mut Writer<'_>) {
    writer.u32(0);
    writer.u32(0);
    writer.u16(7);
}
