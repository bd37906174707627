//! A TOML document that is read key by key.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use crate::mistake::{Mistake, Mistakes};
use crate::value::{distance, duration, kind};

/// A document while it is read.
struct Reader<'a> {
    file: &'a Path,
    text: &'a str,
    mistakes: RefCell<Vec<(usize, Mistake)>>,
}

/// One table of the document, or one that was left out.
pub struct Section<'a> {
    reader: &'a Reader<'a>,
    path: String,
    table: Option<&'a DeTable<'a>>,
    at: usize,
    asked: RefCell<BTreeSet<&'static str>>,
}

/// Reads a whole file: `content` takes what it knows from the root table, and everything that it did not ask
/// for is a mistake. `None` from `content` stands for mistakes that it has noted.
///
/// # Errors
/// Every mistake of the file, in its order.
pub fn read<T>(
    file: &Path,
    text: &str,
    content: impl FnOnce(&Section<'_>) -> Option<T>,
) -> Result<T, Mistakes> {
    let reader = Reader::new(file, text);
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        reader.wrong(error.span().map_or(0, |span| span.start), "", error.message());
    }
    // What is left of a broken document would be blamed for what the breakage has swallowed.
    reader.finish()?;
    let root = reader.root(document.get_ref());
    let content = content(&root);
    root.no_others();
    reader.finish()?;
    content.ok_or_else(|| Mistakes::of_file(file, "is incomplete".to_owned()))
}

impl<'a> Reader<'a> {
    fn new(file: &'a Path, text: &'a str) -> Self {
        Self { file, text, mistakes: RefCell::default() }
    }

    fn root(&'a self, table: &'a DeTable<'a>) -> Section<'a> {
        Section { reader: self, path: String::new(), table: Some(table), at: 0, asked: RefCell::default() }
    }

    /// Notes a mistake at a byte offset of the text.
    fn wrong(&self, at: usize, key: &str, message: impl Into<String>) {
        let line = 1 + self.text.bytes().take(at).filter(|byte| *byte == b'\n').count();
        let mistake = Mistake { line, key: key.to_owned(), message: message.into() };
        self.mistakes.borrow_mut().push((at, mistake));
    }

    /// Every mistake, in the order of the file; `Ok` if there is none.
    fn finish(&self) -> Result<(), Mistakes> {
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
    pub fn is_there(&self) -> bool {
        self.table.is_some()
    }

    /// Whether the key is there.
    pub fn has(&self, key: &'static str) -> bool {
        self.find(key).is_some()
    }

    /// Notes a mistake at a key's line, or at the header's if the key is not there.
    pub fn wrong(&self, key: &'static str, message: impl Into<String>) {
        let at = self.find(key).map_or(self.at, |(at, _)| at);
        self.reader.wrong(at, &self.full(key), message);
    }

    /// A text.
    pub fn text(&self, key: &'static str) -> Option<&'a str> {
        self.value(key, "a string", DeValue::as_str)
    }

    /// A text that has to be there; `why` says what to write.
    pub fn must_text(&self, key: &'static str, why: &str) -> Option<&'a str> {
        self.demand(key, why);
        self.text(key)
    }

    /// One of several words.
    pub fn word<T: Copy>(&self, key: &'static str, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(key)?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let words: Vec<_> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            self.wrong(key, format!("expected {}, found \"{text}\"", words.join(" or ")));
        }
        found
    }

    /// Something that is written as a string and says itself what is wrong with it.
    pub fn parsed<T: FromStr<Err: Display>>(&self, key: &'static str) -> Option<T> {
        let text = self.text(key)?;
        text.parse().map_err(|error| self.wrong(key, format!("{error}"))).ok()
    }

    /// [`Self::parsed`] that has to be there; `why` says what to write.
    pub fn must<T: FromStr<Err: Display>>(&self, key: &'static str, why: &str) -> Option<T> {
        self.demand(key, why);
        self.parsed(key)
    }

    /// `true` or `false`.
    pub fn flag(&self, key: &'static str, default: bool) -> bool {
        self.value(key, "true or false", DeValue::as_bool).unwrap_or(default)
    }

    /// A number within limits, with or without a fraction as the type allows.
    pub fn number<T>(&self, key: &'static str, limits: RangeInclusive<T>) -> Option<T>
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
    pub fn duration(&self, key: &'static str) -> Option<Duration> {
        let text = self.text(key)?;
        let duration = duration(text);
        if duration.is_none() {
            let expected = "a duration such as \"250ms\", \"5s\", \"5min\" or \"1h\"";
            self.wrong(key, format!("expected {expected}, found \"{text}\""));
        }
        duration
    }

    /// A number or a text, as text.
    pub fn loose(&self, key: &'static str, expected: &str) -> Option<String> {
        self.value(key, expected, |value| match value {
            DeValue::Integer(integer) => Some(integer.as_str().to_owned()),
            DeValue::String(text) => Some(text.as_ref().to_owned()),
            _ => None,
        })
    }

    /// A list of things that are written as strings; wrong ones are noted and left out.
    pub fn list<T: FromStr<Err: Display>>(&self, key: &'static str) -> Option<Vec<T>> {
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

    /// A table whose keys are the writer's own, with numbers within limits; wrong ones are noted and left out.
    pub fn numbers<K: FromStr<Err: Display>>(
        &self,
        key: &'static str,
        limits: RangeInclusive<f64>,
    ) -> Option<Vec<(K, f64)>> {
        let table = self.value(key, "a table", DeValue::as_table)?;
        let mut numbers = Vec::new();
        for (name, value) in table {
            let full = format!("{}.{}", self.full(key), name.get_ref());
            let wrong = |message: String| self.reader.wrong(name.span().start, &full, message);
            let number = match value.get_ref() {
                DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str().parse::<f64>().ok(),
                DeValue::Float(float) => float.as_str().parse::<f64>().ok(),
                _ => None,
            };
            match (name.get_ref().parse(), number) {
                (Err(error), _) => wrong(format!("{error}")),
                (_, None) => wrong(format!("expected a number, found {}", kind(value.get_ref()))),
                (_, Some(number)) if !limits.contains(&number) => {
                    wrong(format!("{number} is outside {} to {}", limits.start(), limits.end()));
                }
                (Ok(key), Some(number)) => numbers.push((key, number)),
            }
        }
        Some(numbers)
    }

    /// A path, taken from the folder of the file.
    pub fn path(&self, key: &'static str) -> Option<PathBuf> {
        let folder = self.reader.file.parent().unwrap_or(Path::new(""));
        self.text(key).map(|text| folder.join(text))
    }

    /// A table below this one; one that is not there reads as empty.
    pub fn table(&self, key: &'static str) -> Section<'a> {
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
    pub fn tables(&self, key: &'static str) -> Vec<Section<'a>> {
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
    pub fn no_others(&self) {
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
            let found = kind(value);
            self.reader.wrong(at, &self.full(key), format!("expected {expected}, found {found}"));
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
