//! Configuration: one TOML file, read and checked in full before anything starts.

mod checked;

pub use checked::*;
