//! Reading secret files. What they hold never appears in an error.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use protocol::secret::Secret;

/// More than any password, token or secret has.
const MOST_BYTES: u64 = 64 << 10;

/// Why a secret file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("{}: {}", .0.display(), .1)]
    Unreadable(PathBuf, io::Error),
    #[error("{} is empty", .0.display())]
    Empty(PathBuf),
    #[error("{} is longer than any secret", .0.display())]
    TooLong(PathBuf),
}

/// The content of a file without the line end that editors put there.
pub fn read_secret(path: &Path) -> Result<Secret, FileError> {
    let unreadable = |error| FileError::Unreadable(path.to_owned(), error);
    let mut bytes = Vec::new();
    // Room from the start: a buffer that grows leaves copies behind that nobody wipes.
    bytes.reserve_exact(MOST_BYTES as usize + 1);
    let read = File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes));
    read.map_err(unreadable)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(FileError::TooLong(path.to_owned()));
    }
    let whole = Secret::new(bytes);
    let text = whole.expose();
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    if text.is_empty() { Err(FileError::Empty(path.to_owned())) } else { Ok(Secret::new(text.to_vec())) }
}
