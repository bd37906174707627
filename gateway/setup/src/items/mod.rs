//! The item table: which item of which form holds a setting, of what type, and how sure that is.
//!
//! Names are data (domino-directory.md 0.1): a table is built in (`items.toml`), a file can override single
//! entries, and discovery in a live directory fills what no public source has. The mark of an entry is
//! shown wherever the item is.

mod setting;
mod table;
#[cfg(test)]
mod tests;

pub use setting::{DocumentKind, Setting};
pub use table::{BadTable, Form, Item, ItemKind, ItemTable, Mark};
