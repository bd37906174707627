//! A TOML document that is read key by key: mistakes are gathered with their lines, and what was never
//! asked for is an unknown key.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::errors::{PlanError, PlanErrors};

/// A document while it is read.
pub(super) struct Reader<'a> {
    file: &'a Path,
    text: &'a str,
    errors: RefCell<Vec<(usize, PlanError)>>,
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
        Self { file, text, errors: RefCell::default() }
    }

    pub(super) fn root(&'a self, table: &'a DeTable<'a>) -> Section<'a> {
        Section { reader: self, path: String::new(), table: Some(table), at: 0, asked: RefCell::default() }
    }

    /// Notes a mistake at a byte offset of the text.
    pub(super) fn wrong(&self, at: usize, key: &str, message: impl Into<String>) {
        let line = 1 + self.text.bytes().take(at).filter(|byte| *byte == b'\n').count();
        self.errors.borrow_mut().push((at, PlanError { line, key: key.to_owned(), message: message.into() }));
    }

    /// Every mistake, in the order of the file; `Ok` if there is none.
    pub(super) fn finish(&self) -> Result<(), PlanErrors> {
        let mut errors = self.errors.take();
        if errors.is_empty() {
            return Ok(());
        }
        errors.sort_by_key(|(at, _)| *at);
        let errors = errors.into_iter().map(|(_, error)| error).collect();
        Err(PlanErrors { file: self.file.to_owned(), errors })
    }
}

impl<'a> Section<'a> {
    /// Whether the table is in the document.
    pub(super) fn is_there(&self) -> bool {
        self.table.is_some()
    }

    /// Notes a mistake at a key's line, or at the header's if the key is not there.
    pub(super) fn wrong(&self, key: &'static str, message: impl Into<String>) {
        let at = self.find(key).map_or(self.at, |(at, _)| at);
        self.reader.wrong(at, &self.full(key), message);
    }

    /// A text.
    pub(super) fn text(&self, key: &'static str) -> Option<&'a str> {
        self.value(key, "a string", DeValue::as_str)
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

    /// Something that is written as a string.
    pub(super) fn parsed<T: FromStr>(&self, key: &'static str, expected: &str) -> Option<T> {
        let text = self.text(key)?;
        let value = text.parse().ok();
        if value.is_none() {
            self.wrong(key, format!("expected {expected}, found \"{text}\""));
        }
        value
    }

    pub(super) fn yes(&self, key: &'static str) -> Option<bool> {
        self.value(key, "true or false", DeValue::as_bool)
    }

    /// A number, with or without a fraction, within limits.
    pub(super) fn number<T>(&self, key: &'static str, limits: RangeInclusive<T>) -> Option<T>
    where
        T: FromStr + PartialOrd + Display + Copy,
    {
        let number = self.value(key, "a number", |value| match value {
            DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str().parse::<T>().ok(),
            DeValue::Float(float) => float.as_str().parse::<T>().ok(),
            _ => None,
        })?;
        if limits.contains(&number) {
            return Some(number);
        }
        self.wrong(key, format!("{number} is outside {} to {}", limits.start(), limits.end()));
        None
    }

    /// `"250ms"`, `"5s"`, `"5min"`, `"1h"`.
    pub(super) fn duration(&self, key: &'static str) -> Option<Duration> {
        let text = self.text(key)?;
        let duration = duration(text);
        if duration.is_none() {
            let expected = "a duration such as \"250ms\", \"5s\", \"5min\" or \"1h\"";
            self.wrong(key, format!("expected {expected}, found \"{text}\""));
        }
        duration
    }

    /// A number or a text, as text.
    pub(super) fn loose(&self, key: &'static str, expected: &str) -> Option<String> {
        self.value(key, expected, |value| match value {
            DeValue::Integer(integer) => Some(integer.as_str().to_owned()),
            DeValue::String(text) => Some(text.as_ref().to_owned()),
            _ => None,
        })
    }

    /// A list of things that are written as strings; wrong ones are noted and left out.
    pub(super) fn list<T: FromStr>(&self, key: &'static str, expected: &str) -> Option<Vec<T>> {
        let array = self.value(key, "a list", DeValue::as_array)?;
        let mut values = Vec::new();
        for element in array.iter() {
            match element.get_ref().as_str().and_then(|text| text.parse().ok()) {
                Some(value) => values.push(value),
                None => {
                    self.reader.wrong(element.span().start, &self.full(key), format!("expected {expected}"));
                }
            }
        }
        Some(values)
    }

    /// A table below this one.
    pub(super) fn section(&self, key: &'static str) -> Section<'a> {
        let at = self.find(key).map_or(self.at, |(at, _)| at);
        let table = self.value(key, "a table", DeValue::as_table);
        self.below(key, table, at)
    }

    /// All tables of an array.
    pub(super) fn sections(&self, key: &'static str) -> Vec<Section<'a>> {
        let Some(array) = self.value(key, "tables: [[…]]", DeValue::as_array) else { return Vec::new() };
        let mut sections = Vec::new();
        for element in array.iter() {
            match element.get_ref().as_table() {
                Some(table) => sections.push(self.below(key, Some(table), element.span().start)),
                None => self.reader.wrong(element.span().start, &self.full(key), "expected a table"),
            }
        }
        sections
    }

    /// Notes every key that nobody has asked for; to be called when all have been.
    pub(super) fn end(self) {
        let asked = self.asked.borrow();
        let Some(table) = self.table else { return };
        for (key, _) in table.iter() {
            let name: &str = key.get_ref();
            if asked.contains(name) {
                continue;
            }
            let known: Vec<_> = asked.iter().copied().collect();
            let message = format!("unknown key; known here are {}", known.join(", "));
            let full = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
            self.reader.wrong(key.span().start, &full, message);
        }
    }

    fn below(&self, key: &str, table: Option<&'a DeTable<'a>>, at: usize) -> Section<'a> {
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Section { reader: self.reader, path, table, at, asked: RefCell::default() }
    }

    fn value<T>(
        &self,
        key: &'static str,
        expected: &str,
        read: impl FnOnce(&'a DeValue<'a>) -> Option<T>,
    ) -> Option<T> {
        let (_, value) = self.find(key)?;
        let read = read(value);
        if read.is_none() {
            self.wrong(key, format!("expected {expected}, found {}", kind(value)));
        }
        read
    }

    fn find(&self, key: &'static str) -> Option<(usize, &'a DeValue<'a>)> {
        self.asked.borrow_mut().insert(key);
        let (key, value) = self.table?.iter().find(|(name, _)| name.get_ref() == key)?;
        Some((key.span().start, value.get_ref()))
    }

    fn full(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

pub(super) fn duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (count, unit) = text.split_at_checked(digits)?;
    let factor: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "min" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    count.parse::<u64>().ok()?.checked_mul(factor).map(Duration::from_millis)
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
