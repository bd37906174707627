//! The journal: one JSON object a line, what was there before each write and what was written.
//!
//! Values only; no passwords, tokens or keys are ever written by this tool, so none can be in here.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::{self, BufWriter, Read, Write};
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
    Done {
        number: u64,
        unid: Unid,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        beside: Vec<Beside>,
    },
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

/// An item that the form or the server has changed on its own while the document was written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Beside {
    pub item: ItemName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// A write that was not taken back.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    pub intent: Intent,
    /// The document, if the write is known to be done.
    pub unid: Option<Unid>,
    pub beside: Vec<Beside>,
}

/// Why the journal cannot be used. Nothing is written without it.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("journal {}: {}", .0.display(), .1)]
    File(PathBuf, io::Error),
    #[error("journal {}: another run is writing it", .0.display())]
    Busy(PathBuf),
    #[error("journal {}:{}: {}", .0.display(), .1, .2)]
    Line(PathBuf, usize, serde_json::Error),
}

/// A journal that is open for writing.
pub struct Journal {
    path: PathBuf,
    file: BufWriter<File>,
    records: Vec<Record>,
    /// Number of the next intention.
    next: u64,
    unsynced: u32,
}

impl Journal {
    /// Opens a journal, reads what is in it, and appends from now on. One run at a time: two would mix up each
    /// other's numbers.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let failed = |error| JournalError::File(path.to_owned(), error);
        let mut options = File::options();
        options.create(true).read(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::Busy(path.to_owned())),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(failed)?;
        let (records, whole) = parsed(path, &text)?;
        file.set_len(whole as u64).map_err(failed)?;
        let last = records.iter().filter_map(|record| match record {
            Record::Intent(intent) => Some(intent.number),
            _ => None,
        });
        let next = last.max().unwrap_or(0) + 1;
        Ok(Self { path: path.to_owned(), file: BufWriter::new(file), records, next, unsynced: 0 })
    }

    /// What stands in a journal, without touching the file.
    pub fn look(path: &Path) -> Result<Vec<Standing>, JournalError> {
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|error| JournalError::File(path.to_owned(), error))?;
        parsed(path, &text).map(|(records, _)| standing(&records))
    }

    /// Everything that was written and not taken back, the newest first.
    pub fn standing(&self) -> Vec<Standing> {
        standing(&self.records)
    }

    /// The number of the next intention.
    pub(super) fn next_number(&self) -> u64 {
        self.next
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
        if let Record::Intent(intent) = &record {
            self.next = self.next.max(intent.number + 1);
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

/// The records of a journal, and how many bytes of it are whole lines. A line that was cut off with the machine
/// has no end; its request has not left then.
fn parsed(path: &Path, text: &str) -> Result<(Vec<Record>, usize), JournalError> {
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    let mut records = Vec::new();
    for (index, line) in text.get(..whole).unwrap_or_default().lines().enumerate() {
        let record = serde_json::from_str(line);
        records.push(record.map_err(|error| JournalError::Line(path.to_owned(), index + 1, error))?);
    }
    Ok((records, whole))
}

fn standing(records: &[Record]) -> Vec<Standing> {
    let mut standing: BTreeMap<u64, Standing> = BTreeMap::new();
    for record in records {
        match record {
            Record::Intent(intent) => {
                let open = Standing { intent: intent.clone(), unid: None, beside: Vec::new() };
                standing.insert(intent.number, open);
            }
            Record::Done { number, unid, beside } => {
                if let Some(open) = standing.get_mut(number) {
                    open.unid = Some(unid.clone());
                    open.beside.clone_from(beside);
                }
            }
            Record::Void { number } | Record::Undone { number } => {
                standing.remove(number);
            }
        }
    }
    standing.into_values().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intent(number: u64) -> Record {
        Record::Intent(Intent {
            number,
            directory: "d".to_owned(),
            kind: DocumentKind::Server,
            unid: None,
            title: format!("t{number}"),
            items: Vec::new(),
        })
    }

    #[test]
    fn one_run_writes_and_a_look_changes_nothing() {
        let path = std::env::temp_dir().join(format!("livename-journal-{}", std::process::id()));
        drop(std::fs::remove_file(&path));
        assert!(Journal::look(&path).is_err() && !path.exists());
        let mut journal = Journal::open(&path).unwrap();
        assert!(matches!(Journal::open(&path), Err(JournalError::Busy(_))));
        for _ in 0..2 {
            let next = journal.next_number();
            journal.add(intent(next)).unwrap();
        }
        drop(journal);
        // The machine went down in the middle of a line.
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.push_str("{\"record\":\"undo");
        std::fs::write(&path, &text).unwrap();
        let titles: Vec<String> =
            Journal::look(&path).unwrap().into_iter().map(|standing| standing.intent.title).collect();
        assert_eq!((titles, std::fs::read_to_string(&path).unwrap()), (vec!["t2".into(), "t1".into()], text));
        let journal = Journal::open(&path).unwrap();
        assert_eq!((journal.next_number(), journal.standing().len()), (3, 2));
        std::fs::remove_file(&path).unwrap();
    }
}
