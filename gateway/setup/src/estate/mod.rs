//! The directory as it was read: documents with their items, replica by replica.
//!
//! Only values; what they mean is the planner's business.

mod document;
mod value;

pub(crate) use document::CONFLICT;
pub use document::{Document, Estate, Replica, Unid};
pub use value::{BadItemName, ItemName, Value};
