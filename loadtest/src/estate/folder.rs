//! Files that an estate is started with, gone when it is up.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::EstateError;

pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new() -> Result<Self, EstateError> {
        let number = getrandom::u64().map_err(EstateError::Random)?;
        let path = std::env::temp_dir().join(format!("livename-load-{number:016x}"));
        let made = DirBuilder::new().mode(0o700).create(&path);
        made.map_err(|error| EstateError::File { file: path.clone(), error })?;
        Ok(Self(path))
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(super) fn write(&self, name: &str, text: &str) -> Result<PathBuf, EstateError> {
        let file = self.path(name);
        match std::fs::write(&file, text) {
            Ok(()) => Ok(file),
            Err(error) => Err(EstateError::File { file, error }),
        }
    }

    pub(super) fn root(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
