//! Why bytes are not a value, and why a value has no bytes.

/// The peer sent something that is not what its place in the protocol requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end inside a field.
    #[error("{field}: needs {needed} bytes, {left} are left")]
    Truncated {
        /// The field that was being read.
        field: &'static str,
        /// Bytes that the field needs.
        needed: usize,
        /// Bytes that are left.
        left: usize,
    },
    /// A count promises more items than the bytes that follow can hold.
    #[error("{field}: {count} items cannot be in the {left} bytes that are left")]
    Count {
        /// The list that was being read.
        field: &'static str,
        /// The promised number of items.
        count: u32,
        /// Bytes that are left.
        left: usize,
    },
    /// The end offset of an awareness block lies outside of its payload (vp-wire.md 8.2).
    #[error("awareness block ends at {offset}, its payload at {len}")]
    EndOffset {
        /// The offset as sent.
        offset: u32,
        /// Length of the payload.
        len: usize,
    },
    /// A field has a value that the layout does not allow.
    #[error("{field}: unexpected value {value}")]
    Unexpected {
        /// The field that was being read.
        field: &'static str,
        /// Its value.
        value: u32,
    },
}

/// We were asked to send something that the wire cannot carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// A string is longer than 65535 bytes, or another length does not fit its 4-byte field.
    #[error("{field}: {len} is more than the wire can carry ({max})")]
    TooLong {
        /// The field that was being written.
        field: &'static str,
        /// Its length, in bytes or items.
        len: usize,
        /// The greatest length.
        max: usize,
    },
}
