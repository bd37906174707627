//! The journal: one JSON object a line, what was there before each write and what was written.
//!
//! Values only; no passwords, tokens or keys are ever written by this tool, so none can be in here.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::estate::{ItemName, Unid, Value};
use crate::items::{DocumentKind, ItemKind};

/// Written after so many lines at the latest, so that little is lost with the machine.
const LINES_UNSYNCED: u32 = 64;

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "record")]
pub enum Record {
    /// A request is about to leave.
    Intent(Intent),
    /// It was done, and read back.
    Done { number: u64, unid: Unid },
    /// It was not done.
    Void { number: u64 },
    /// It was taken back.
    Undone { number: u64 },
}

/// What is about to be written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    pub number: u64,
    /// Name of the access.
    pub directory: String,
    pub kind: DocumentKind,
    /// `None` if the document is made.
    pub unid: Option<Unid>,
    pub title: String,
    pub items: Vec<JournalItem>,
}

/// One item of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JournalItem {
    pub item: ItemName,
    pub kind: ItemKind,
    /// Absent if the item was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    pub after: Value,
}

/// Why the journal cannot be used. Nothing is written without it.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("journal {}: {}", .0.display(), .1)]
    File(PathBuf, io::Error),
    #[error("journal {}:{}: {}", .0.display(), .1, .2)]
    Line(PathBuf, usize, serde_json::Error),
}

/// A journal that is open for writing.
pub struct Journal {
    path: PathBuf,
    file: BufWriter<File>,
    records: Vec<Record>,
    unsynced: u32,
}

impl Journal {
    /// Opens a journal, reads what is in it, and appends from now on.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let failed = |error| JournalError::File(path.to_owned(), error);
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(failed(error)),
        };
        // A line that was cut off with the machine has no end; its request has not left then.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let mut records = Vec::new();
        for (index, line) in text.get(..whole).unwrap_or_default().lines().enumerate() {
            let record = serde_json::from_str(line);
            records.push(record.map_err(|error| JournalError::Line(path.to_owned(), index + 1, error))?);
        }
        let mut options = File::options();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(failed)?;
        file.set_len(whole as u64).map_err(failed)?;
        Ok(Self { path: path.to_owned(), file: BufWriter::new(file), records, unsynced: 0 })
    }

    /// Everything that was written and not taken back, the newest first: the intention, and the document's
    /// UNID if the write is known to be done.
    pub fn standing(&self) -> Vec<(Intent, Option<Unid>)> {
        let mut ends: BTreeMap<u64, Option<Unid>> = BTreeMap::new();
        let mut intents = Vec::new();
        for record in &self.records {
            match record {
                Record::Intent(intent) => {
                    ends.insert(intent.number, None);
                    intents.push(intent);
                }
                Record::Done { number, unid } => {
                    ends.insert(*number, Some(unid.clone()));
                }
                Record::Void { number } | Record::Undone { number } => {
                    ends.remove(number);
                }
            }
        }
        intents
            .iter()
            .rev()
            .filter_map(|intent| Some(((*intent).clone(), ends.get(&intent.number)?.clone())))
            .collect()
    }

    /// The number of the next intention.
    pub(super) fn next_number(&self) -> u64 {
        let last = self.records.iter().filter_map(|record| match record {
            Record::Intent(intent) => Some(intent.number),
            _ => None,
        });
        last.max().map_or(1, |last| last + 1)
    }

    /// Adds a record. An intention is in the file before this returns.
    pub(super) fn add(&mut self, record: Record) -> Result<(), JournalError> {
        let failed = |error| JournalError::File(self.path.clone(), error);
        let line = serde_json::to_string(&record).map_err(|error| failed(error.into()))?;
        writeln!(self.file, "{line}").and_then(|()| self.file.flush()).map_err(failed)?;
        self.unsynced += 1;
        // Many persons are written in a row, and each of them can be found again; a document that is made cannot.
        let made = matches!(&record, Record::Intent(intent) if intent.unid.is_none());
        if made || self.unsynced >= LINES_UNSYNCED {
            self.flush()?;
        }
        self.records.push(record);
        Ok(())
    }

    pub(super) fn flush(&mut self) -> Result<(), JournalError> {
        self.unsynced = 0;
        let synced = self.file.flush().and_then(|()| self.file.get_ref().sync_data());
        synced.map_err(|error| JournalError::File(self.path.clone(), error))
    }
}
