//! Settings files: TOML that is read key by key, so that all mistakes come at once with their lines, and what
//! nobody asked for is an unknown key with the one that was probably meant.
//!
//! It opens no file, and knows none of the settings. The gateway's own configuration has a reader of its own
//! beside this one: it also writes the effective settings out again.

// What a library has to say goes to its caller, or to the log.
#![warn(clippy::print_stdout)]

mod mistake;
mod section;
mod value;

pub use mistake::{Mistake, Mistakes};
pub use section::{Section, read};
pub use value::{distance, duration, kind};
