//! A TOML document that is read key by key: mistakes are gathered with their lines, and what was never
//! asked for is an unknown key.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use toml::de::{DeTable, DeValue};

/// One mistake in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// From 1; 0 if the file as a whole is meant.
    pub line: usize,
    /// Dotted name of the key; empty if the text is not TOML.
    pub key: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// Every mistake of a file, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes {
    pub file: PathBuf,
    pub mistakes: Vec<Mistake>,
}

impl Mistakes {
    /// One that is about the file as a whole.
    pub fn of_file(file: &Path, message: String) -> Self {
        Self { file: file.to_owned(), mistakes: vec![Mistake { line: 0, key: String::new(), message }] }
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.mistakes.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{}:", self.file.display())?;
            if mistake.line > 0 {
                write!(f, "{}:", mistake.line)?;
            }
            if !mistake.key.is_empty() {
                write!(f, " {}:", mistake.key)?;
            }
            write!(f, " {}", mistake.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

/// A document while it is read.
pub(super) struct Reader<'a> {
    file: &'a Path,
    text: &'a str,
    mistakes: RefCell<Vec<(usize, Mistake)>>,
}

/// One table of the document, or one that was left out.
pub(super) struct Section<'a> {
    reader: &'a Reader<'a>,
    path: String,
    table: Option<&'a DeTable<'a>>,
    at: usize,
    asked: RefCell<BTreeSet<&'static str>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(file: &'a Path, text: &'a str) -> Self {
        Self { file, text, mistakes: RefCell::default() }
    }

    pub(super) fn root(&'a self, table: &'a DeTable<'a>) -> Section<'a> {
        Section { reader: self, path: String::new(), table: Some(table), at: 0, asked: RefCell::default() }
    }

    /// Notes a mistake at a byte offset of the text.
    pub(super) fn wrong(&self, at: usize, key: &str, message: impl Into<String>) {
        let line = 1 + self.text.bytes().take(at).filter(|byte| *byte == b'\n').count();
        let mistake = Mistake { line, key: key.to_owned(), message: message.into() };
        self.mistakes.borrow_mut().push((at, mistake));
    }

    /// Every mistake, in the order of the file; `Ok` if there is none.
    pub(super) fn finish(&self) -> Result<(), Mistakes> {
        let mut mistakes = self.mistakes.take();
        if mistakes.is_empty() {
            return Ok(());
        }
        mistakes.sort_by_key(|(at, _)| *at);
        let mistakes = mistakes.into_iter().map(|(_, mistake)| mistake).collect();
        Err(Mistakes { file: self.file.to_owned(), mistakes })
    }
}

impl<'a> Section<'a> {
    /// Whether the table is in the document.
    pub(super) fn is_there(&self) -> bool {
        self.table.is_some()
    }

    pub(super) fn has(&self, key: &'static str) -> bool {
        self.find(key).is_some()
    }

    /// Notes a mistake at a key's line, or at the header's if the key is not there.
    pub(super) fn wrong(&self, key: &'static str, message: impl Into<String>) {
        let at = self.find(key).map_or(self.at, |(at, _)| at);
        self.reader.wrong(at, &self.full(key), message);
    }

    pub(super) fn text(&self, key: &'static str) -> Option<&'a str> {
        self.value(key, "a string", DeValue::as_str)
    }

    /// A text that has to be there; `why` says what to write.
    pub(super) fn must_text(&self, key: &'static str, why: &str) -> Option<&'a str> {
        self.demand(key, why);
        self.text(key)
    }

    /// One of several words.
    pub(super) fn word<T: Copy>(&self, key: &'static str, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(key)?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let words: Vec<_> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            self.wrong(key, format!("expected {}, found \"{text}\"", words.join(" or ")));
        }
        found
    }

    /// Something that is written as a string and says itself what is wrong with it.
    pub(super) fn parsed<T: FromStr<Err: fmt::Display>>(&self, key: &'static str) -> Option<T> {
        let text = self.text(key)?;
        text.parse().map_err(|error| self.wrong(key, format!("{error}"))).ok()
    }

    pub(super) fn must<T: FromStr<Err: fmt::Display>>(&self, key: &'static str, why: &str) -> Option<T> {
        self.demand(key, why);
        self.parsed(key)
    }

    pub(super) fn flag(&self, key: &'static str, default: bool) -> bool {
        self.value(key, "true or false", DeValue::as_bool).unwrap_or(default)
    }

    pub(super) fn number(&self, key: &'static str, low: u32, high: u32) -> Option<u32> {
        let number = self.value(key, "a whole number", |value| {
            value.as_integer().filter(|integer| integer.radix() == 10)?.as_str().parse::<i64>().ok()
        })?;
        let fits = u32::try_from(number).ok().filter(|number| (low..=high).contains(number));
        if fits.is_none() {
            self.wrong(key, format!("{number} is outside {low} to {high}"));
        }
        fits
    }

    /// A list of things that are written as strings; wrong ones are noted and left out.
    pub(super) fn list<T: FromStr<Err: fmt::Display>>(&self, key: &'static str) -> Option<Vec<T>> {
        let array = self.value(key, "a list", DeValue::as_array)?;
        let mut values = Vec::new();
        for element in array.iter() {
            let wrong = |message: String| self.reader.wrong(element.span().start, &self.full(key), message);
            match element.get_ref().as_str().map(str::parse) {
                Some(Ok(value)) => values.push(value),
                Some(Err(error)) => wrong(format!("{error}")),
                None => wrong("expected a string".to_owned()),
            }
        }
        Some(values)
    }

    /// A path, taken from the folder of the file.
    pub(super) fn path(&self, key: &'static str) -> Option<PathBuf> {
        let folder = self.reader.file.parent().unwrap_or(Path::new(""));
        self.text(key).map(|text| folder.join(text))
    }

    /// A table below this one; one that is not there reads as empty.
    pub(super) fn table(&self, key: &'static str) -> Section<'a> {
        let found = self.find(key);
        let table = found.and_then(|(at, value)| {
            let table = value.as_table();
            if table.is_none() {
                self.reader.wrong(
                    at,
                    &self.full(key),
                    format!("expected a table; write [{}]", self.full(key)),
                );
            }
            table
        });
        self.child(key, table, found.map_or(self.at, |(at, _)| at))
    }

    /// The tables of an array (`[[server]]`).
    pub(super) fn tables(&self, key: &'static str) -> Vec<Section<'a>> {
        let Some((at, value)) = self.find(key) else { return Vec::new() };
        let header = format!("expected tables; write [[{}]]", self.full(key));
        let Some(array) = value.as_array() else {
            self.reader.wrong(at, &self.full(key), header);
            // Read as one element all the same, to find what else is wrong.
            return value.as_table().map(|table| self.child(key, Some(table), at)).into_iter().collect();
        };
        let sections = array.iter().filter_map(|element| {
            let at = element.span().start;
            let table = element.get_ref().as_table();
            if table.is_none() {
                self.reader.wrong(at, &self.full(key), header.clone());
            }
            table.map(|table| self.child(key, Some(table), at))
        });
        sections.collect()
    }

    /// Notes every key that was never asked for, with the one that was probably meant.
    pub(super) fn no_others(&self) {
        let Some(table) = self.table else { return };
        let asked = self.asked.borrow();
        for key in table.keys().filter(|key| !asked.contains(key.get_ref().as_ref())) {
            let name: &str = key.get_ref();
            let nearest = asked.iter().map(|known| (distance(name, known), *known)).min();
            let advice = match nearest {
                Some((distance, known)) if distance <= 1 + name.len() / 4 => {
                    format!("did you mean \"{known}\"?")
                }
                _ => format!("known are {}", asked.iter().copied().collect::<Vec<_>>().join(", ")),
            };
            let full = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
            self.reader.wrong(key.span().start, &full, format!("unknown key; {advice}"));
        }
    }

    fn demand(&self, key: &'static str, why: &str) {
        if !self.has(key) {
            self.wrong(key, format!("is missing; {why}"));
        }
    }

    fn value<T>(
        &self,
        key: &'static str,
        expected: &str,
        read: impl Fn(&'a DeValue<'a>) -> Option<T>,
    ) -> Option<T> {
        let (at, value) = self.find(key)?;
        let read = read(value);
        if read.is_none() {
            self.reader.wrong(at, &self.full(key), format!("expected {expected}"));
        }
        read
    }

    fn find(&self, key: &'static str) -> Option<(usize, &'a DeValue<'a>)> {
        self.asked.borrow_mut().insert(key);
        let (name, value) = self.table?.iter().find(|(name, _)| name.get_ref().as_ref() == key)?;
        Some((name.span().start, value.get_ref()))
    }

    fn full(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn child(&self, key: &str, table: Option<&'a DeTable<'a>>, at: usize) -> Section<'a> {
        Section { reader: self.reader, path: self.full(key), table, at, asked: RefCell::default() }
    }
}

/// Levenshtein's distance.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, left) in one.chars().enumerate() {
        let mut diagonal = index;
        let mut before = index + 1;
        for (cell, right) in row.iter_mut().skip(1).zip(&other) {
            let changed = diagonal + usize::from(left != *right);
            diagonal = *cell;
            *cell = changed.min(before + 1).min(diagonal + 1);
            before = *cell;
        }
    }
    row.last().copied().unwrap_or_default()
}
