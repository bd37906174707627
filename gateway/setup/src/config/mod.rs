//! `setup.toml`: read and checked in full before anything is asked of a server.
//!
//! Every mistake is named at once, with file, line, key and what to do; names come out canonical. Password
//! files are opened only when a directory is.

mod check;
mod checked;
mod reader;
#[cfg(test)]
mod tests;

use std::path::Path;

use toml::de::DeTable;

pub use checked::*;
pub use reader::{Mistake, Mistakes};

/// The set-up that a file describes, or everything that is wrong with it.
pub fn load(path: &Path) -> Result<Setup, Mistakes> {
    match std::fs::read_to_string(path) {
        Ok(text) => parse(path, &text),
        Err(error) => Err(Mistakes::of_file(path, format!("cannot be read: {error}"))),
    }
}

/// As [`load`], from text that stands for the file at `path`.
pub fn parse(path: &Path, text: &str) -> Result<Setup, Mistakes> {
    let reader = reader::Reader::new(path, text);
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        reader.wrong(error.span().map_or(0, |span| span.start), "", error.message());
    }
    // What is left of a broken document would be blamed for what the breakage has swallowed.
    reader.finish()?;
    let root = reader.root(document.get_ref());
    let setup = check::document(&root);
    root.no_others();
    reader.finish()?;
    setup.ok_or_else(|| Mistakes::of_file(path, "is incomplete".to_owned()))
}
