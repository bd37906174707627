//! Files of results: one for programs, one for people, under one name.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::load::LoadError;
use crate::report::{self, Results};

/// Where results go.
pub(crate) struct Files {
    pub(crate) json: PathBuf,
    pub(crate) html: PathBuf,
}

impl Files {
    /// Makes sure before the test that they can be written after it. What is in them stays until then.
    pub(crate) fn prepare(prefix: &Path) -> Result<Self, LoadError> {
        let files = Self { json: with_ending(prefix, "json"), html: with_ending(prefix, "html") };
        for file in [&files.json, &files.html] {
            let was_there = file.exists();
            let opened = OpenOptions::new().append(true).create(true).open(file);
            opened.map_err(|error| LoadError::File { file: file.clone(), error })?;
            if !was_there {
                let _ = fs::remove_file(file);
            }
        }
        Ok(files)
    }

    pub(crate) fn keep(&self, results: &Results) -> Result<(), LoadError> {
        let json = serde_json::to_string(results);
        let json = json.map_err(|error| LoadError::Json { file: self.json.clone(), error })?;
        write(&self.json, &json)?;
        write(&self.html, &report::page(results))
    }
}

/// The prefix may have dots of its own.
pub(crate) fn with_ending(prefix: &Path, ending: &str) -> PathBuf {
    let mut file = prefix.as_os_str().to_owned();
    file.push(".");
    file.push(ending);
    file.into()
}

/// Writes a file.
pub(crate) fn write(file: &Path, text: &str) -> Result<(), LoadError> {
    fs::write(file, text).map_err(|error| LoadError::File { file: file.to_owned(), error })
}

/// Reads results that `run` has written.
pub(crate) fn read(file: &Path) -> Result<Results, LoadError> {
    let text = fs::read_to_string(file);
    let text = text.map_err(|error| LoadError::File { file: file.to_owned(), error })?;
    #[derive(Deserialize)]
    struct Any {
        format: u32,
    }
    let wrong = |error| LoadError::Json { file: file.to_owned(), error };
    match serde_json::from_str(&text).map_err(wrong)? {
        Any { format: report::FORMAT } => serde_json::from_str(&text).map_err(wrong),
        Any { format } => Err(LoadError::Format { file: file.to_owned(), found: format }),
    }
}
