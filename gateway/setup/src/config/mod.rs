//! `setup.toml`: read and checked in full before anything is asked of a server.
//!
//! Every mistake is named at once, with file, line, key and what to do; names come out canonical. Password
//! files are opened only when a directory is.

mod check;
mod checked;
mod template;
#[cfg(test)]
mod tests;

use std::path::Path;

pub use checked::*;
pub use settings::{Mistake, Mistakes};
pub use template::{Answers, GatewayAnswer, ServerAnswer, template};

/// The set-up that a file describes, or everything that is wrong with it.
pub fn load(path: &Path) -> Result<Setup, Mistakes> {
    match std::fs::read_to_string(path) {
        Ok(text) => parse(path, &text),
        Err(error) => Err(Mistakes::of_file(path, format!("cannot be read: {error}"))),
    }
}

/// As [`load`], from text that stands for the file at `path`.
pub fn parse(path: &Path, text: &str) -> Result<Setup, Mistakes> {
    settings::read(path, text, check::document)
}
