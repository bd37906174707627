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
        let json =
            json.map_err(|error| LoadError::Json { file: self.json.clone(), field: String::new(), error })?;
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
    let wrong = |error| {
        let field = place(&text, &error);
        LoadError::Json { file: file.to_owned(), field, error }
    };
    match serde_json::from_str(&text).map_err(wrong)? {
        Any { format: report::FORMAT } => serde_json::from_str(&text).map_err(wrong),
        Any { format } => Err(LoadError::Format { file: file.to_owned(), found: format }),
    }
}

/// Where in a document the reader stopped, as `phases[0].counts`.
fn place(text: &str, error: &serde_json::Error) -> String {
    let before: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let read = text.as_bytes().get(..before + error.column()).unwrap_or(text.as_bytes());
    // Of each value that is not complete: its key, or its number in a list.
    let mut path: Vec<Step> = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let (mut last, mut escaped) = (Vec::new(), false);
    for byte in read {
        if let Some(letters) = &mut word {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => last = word.take().unwrap_or_default(),
                letter => letters.push(*letter),
            }
            continue;
        }
        match (byte, path.last_mut()) {
            (b'"', _) => word = Some(Vec::new()),
            (b':', Some(Step::Key(key))) => *key = String::from_utf8_lossy(&last).into_owned(),
            (b',', Some(Step::Index(index))) => *index += 1,
            (b'{', _) => path.push(Step::Key(String::new())),
            (b'[', _) => path.push(Step::Index(0)),
            (b'}' | b']', _) => drop(path.pop()),
            _ => {}
        }
    }
    let mut field = String::new();
    for step in path {
        match step {
            Step::Index(index) => field.push_str(&format!("[{index}]")),
            Step::Key(key) if field.is_empty() => field = key,
            Step::Key(key) => field.push_str(&format!(".{key}")),
        }
    }
    if field.is_empty() { field } else { field + ": " }
}

enum Step {
    Key(String),
    Index(usize),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "only read")]
    struct Document {
        list: Vec<Entry>,
    }

    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "only read")]
    struct Entry {
        name: String,
        number: u64,
    }

    #[test]
    fn a_mistake_is_told_with_its_place() {
        let told = |text: &str| {
            let error = serde_json::from_str::<Document>(text).unwrap_err();
            format!("{}{error}", place(text, &error))
        };
        let first = r#"{"list": [{"name": "a \"b\": [{", "number": 1},"#;
        let wrong = told(&format!("{first}\n {{\"name\": \"x\", \"number\": \"2\"}}]}}"));
        assert!(wrong.starts_with("list[1].number: invalid type: string \"2\", expected u64"), "{wrong}");
        let missing = told(&format!("{first} {{\"name\": \"x\"}}]}}"));
        assert!(missing.starts_with("list[1]: missing field `number`"), "{missing}");
        assert!(told("{}").starts_with("missing field `list`"), "{}", told("{}"));
        assert!(told("").starts_with("EOF while"));
    }
}
