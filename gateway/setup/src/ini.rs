//! `notes.ini`, `sametime.ini` and a Sametime 12 environment file, read with their line numbers.
//!
//! ```text
//! [Config]                                  a section; notes.ini has only [Notes]
//! VPS_ALLOWED_LOGIN_TYPES=1003,14B4         name and value, both trimmed
//! STI__Config__VPS_ALLOWED_LOGIN_TYPES=14B4 the same setting as containers of Sametime 12 spell it
//! ```
//!
//! Reads, and does not judge: what a setting means is the caller's business. Bounded in size, and never
//! fails over a line that it does not understand: such lines are kept as [`IniFile::stray`].
//! Values may be passwords, so `Debug` shows names and lines only.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Bytes of a file that are read at most. Real ones have some kilobytes.
pub const MOST_BYTES: u64 = 4 << 20;

/// The settings of a file in their order.
#[derive(Clone, Debug, Default)]
pub struct IniFile {
    entries: Vec<Entry>,
    stray: Vec<u32>,
}

/// One setting.
#[derive(Clone)]
pub struct Entry {
    /// Where it stands, from 1.
    pub line: u32,
    /// The section it stands in, as written, without brackets; empty above the first one.
    pub section: String,
    /// Its name, as written; the container spelling is reduced to the name itself.
    pub name: String,
    /// What stands behind the equals sign, trimmed.
    pub value: String,
    /// Whether it is spelled the way of containers, `STI__section__name`.
    pub container: bool,
}

/// Why a file cannot be read as settings.
#[derive(Debug, thiserror::Error)]
pub enum IniError {
    #[error("{0}: {1}")]
    Io(PathBuf, io::Error),
    #[error("{0}: more than {MOST_BYTES} bytes; that is no ini file")]
    Large(PathBuf),
    #[error("{0}:{1}: a zero byte; save the file as text in UTF-8 or in a single-byte character set")]
    Binary(PathBuf, u32),
}

impl IniFile {
    /// Reads the file at `path`, at most [`MOST_BYTES`] of it.
    pub fn read(path: &Path) -> Result<Self, IniError> {
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes))
            .map_err(|error| IniError::Io(path.to_owned(), error))?;
        if bytes.len() as u64 > MOST_BYTES {
            return Err(IniError::Large(path.to_owned()));
        }
        if let Some(zero) = bytes.iter().position(|byte| *byte == 0) {
            let before = bytes.iter().take(zero).filter(|byte| **byte == b'\n').count();
            return Err(IniError::Binary(path.to_owned(), u32::try_from(before + 1).unwrap_or(u32::MAX)));
        }
        Ok(Self::parse(&decode(&bytes)))
    }

    /// Takes the settings out of a text. Every line end counts as one: LF, CRLF.
    pub fn parse(text: &str) -> Self {
        let mut file = Self::default();
        let mut section = String::new();
        for (line, text) in (1..).zip(text.strip_prefix('\u{feff}').unwrap_or(text).lines()) {
            let text = text.trim();
            if text.is_empty() || text.starts_with([';', '#']) {
                continue;
            }
            if let Some(name) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                name.trim().clone_into(&mut section);
            } else if let Some((name, value)) = text.split_once('=') {
                file.entries.push(Entry::new(line, &section, name.trim(), value.trim()));
            } else {
                file.stray.push(line);
            }
        }
        file
    }

    /// Every setting, in the order of the file.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Lines that are neither setting, section nor comment.
    pub fn stray(&self) -> &[u32] {
        &self.stray
    }

    /// The first setting of this name that has a value, in whatever section. Names are compared without case.
    pub fn find(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name.eq_ignore_ascii_case(name) && !entry.value.is_empty())
    }

    /// Every setting of this name, empty ones too.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |entry| entry.name.eq_ignore_ascii_case(name))
    }

    /// Settings that say something else than the first one of the same name and section: (first, later).
    pub fn contradictions(&self) -> Vec<(&Entry, &Entry)> {
        let mut first: HashMap<(String, String), &Entry> = HashMap::new();
        let mut found = Vec::new();
        for entry in &self.entries {
            let key = (entry.section.to_ascii_lowercase(), entry.name.to_ascii_lowercase());
            let earlier = *first.entry(key).or_insert(entry);
            if earlier.value != entry.value {
                found.push((earlier, entry));
            }
        }
        found
    }
}

impl Entry {
    fn new(line: u32, section: &str, name: &str, value: &str) -> Self {
        let container = name.strip_prefix("STI__").and_then(|rest| rest.split_once("__"));
        let (section, name) = container.unwrap_or((section, name));
        Self {
            line,
            section: section.to_owned(),
            name: name.to_owned(),
            value: value.to_owned(),
            container: container.is_some(),
        }
    }

    /// The line that gives this setting another value, in the spelling of its file.
    pub fn with(&self, value: &str) -> String {
        let Self { section, name, .. } = self;
        if self.container { format!("STI__{section}__{name}={value}") } else { format!("{name}={value}") }
    }

    /// The value as a list: parts between commas, trimmed, empty ones left out.
    pub fn list(&self) -> impl Iterator<Item = &str> {
        self.value.split(',').map(str::trim).filter(|part| !part.is_empty())
    }

    /// Whether the value switches something on: `1`.
    pub fn is_on(&self) -> bool {
        self.value == "1"
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: [{}] {}=…", self.line, self.section, self.name)
    }
}

/// UTF-8 where it is that; else every byte is a character of its own, which keeps ASCII as it is and is right
/// for Western European files.
fn decode(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMETIME: &str = "\u{feff}; made by setup\r\n[Config]\r\nVPS_ALLOWED_LOGIN_TYPES = 1003, 14B4 ,\r\n\
        vps_empty=\r\nnonsense\r\n\r\n[ Debug ]\r\nA=1\r\na=2\r\nA=1\r\n";

    #[test]
    fn settings_keep_line_section_and_spelling() {
        let file = IniFile::parse(SAMETIME);
        let entry = file.find("vps_allowed_login_types").unwrap();
        assert_eq!(
            (entry.line, entry.section.as_str(), entry.name.as_str()),
            (3, "Config", "VPS_ALLOWED_LOGIN_TYPES")
        );
        assert_eq!(entry.list().collect::<Vec<_>>(), ["1003", "14B4"]);
        assert_eq!(file.find("a").unwrap().section, "Debug");
        assert_eq!(file.stray(), [5]);
    }

    #[test]
    fn an_empty_setting_is_no_setting_but_is_there() {
        let file = IniFile::parse(SAMETIME);
        assert!(file.find("VPS_EMPTY").is_none());
        assert_eq!(file.all("VPS_EMPTY").count(), 1);
    }

    #[test]
    fn a_later_line_that_says_something_else_is_a_contradiction() {
        let file = IniFile::parse(SAMETIME);
        let pairs: Vec<_> = file.contradictions().iter().map(|(one, two)| (one.line, two.line)).collect();
        assert_eq!(pairs, [(8, 9)]);
    }

    #[test]
    fn the_spelling_of_containers_names_the_same_setting() {
        let file = IniFile::parse("STI__Config__VPS_ALLOWED_LOGIN_TYPES=130A\nSTI__odd=1\n");
        let entry = file.find("VPS_ALLOWED_LOGIN_TYPES").unwrap();
        assert_eq!(entry.section, "Config");
        assert_eq!(entry.with("130A,14B4"), "STI__Config__VPS_ALLOWED_LOGIN_TYPES=130A,14B4");
        assert_eq!(file.find("STI__odd").unwrap().with("2"), "STI__odd=2");
    }

    #[test]
    fn values_do_not_reach_a_log() {
        let file = IniFile::parse("LDAP_PASSWORD=sesame\n");
        assert!(!format!("{file:?}").contains("sesame"));
    }

    #[test]
    fn a_file_in_a_single_byte_set_is_read_and_a_binary_one_is_refused() {
        let folder = std::env::temp_dir().join(format!("livename-ini-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("notes.ini");
        std::fs::write(&path, b"[Notes]\nTitle=M\xfcnchen\n").unwrap();
        assert_eq!(IniFile::read(&path).unwrap().find("Title").unwrap().value, "M\u{fc}nchen");
        std::fs::write(&path, b"[Notes]\nA\0=1").unwrap();
        assert!(matches!(IniFile::read(&path), Err(IniError::Binary(_, 2))));
        std::fs::write(&path, vec![b'\n'; MOST_BYTES as usize + 1]).unwrap();
        assert!(matches!(IniFile::read(&path), Err(IniError::Large(_))));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
