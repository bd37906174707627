//! Integers, strings and the blocks that several messages share: vp-wire.md 2.
//!
//! Reading never trusts a length: it is compared with the bytes at hand before anything is
//! allocated. Writing refuses what the wire cannot carry instead of cutting it.

mod blocks;
mod error;
mod login_info;
mod reader;
mod text;
mod writer;

pub use blocks::{AwareId, EncryptItem, IdBlock, PrivacyInfo, UserItem, UserStatus};
pub use error::{DecodeError, EncodeError};
pub use login_info::{LoginDetail, LoginId, LoginInfo};
pub use reader::Reader;
pub use text::decode_text;
pub use writer::Writer;

/// What has one layout on the wire.
pub trait Wire: Sized {
    /// Reads the value at the reader's position.
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError>;

    /// Appends the value.
    fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError>;
}

/// A [`Wire`] value that occurs in counted lists.
pub trait Listed: Wire {
    /// The fewest bytes that one item takes. A count that promises more items than the bytes at
    /// hand can hold is refused before anything is allocated (vp-wire.md 12, point 7).
    const MIN_SIZE: usize;
}

impl Wire for String {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.string("string")
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.string("string", self)
    }
}

impl Listed for String {
    const MIN_SIZE: usize = 2;
}

impl Wire for u32 {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.u32("number")
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.u32(*self);
        Ok(())
    }
}

impl Listed for u32 {
    const MIN_SIZE: usize = 4;
}

#[cfg(test)]
mod tests;
