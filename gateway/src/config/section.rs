//! A TOML document that is read key by key: what is read is also noted, so that mistakes are gathered with
//! their lines and the effective configuration can be written out afterwards.

use std::cell::RefCell;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use settings::kind;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::errors::{ConfigError, ConfigErrors};
use super::keys;
use super::value::{FromValue, Wrong, quoted};

/// A document while it is read.
pub(super) struct Reader<'a> {
    file: &'a Path,
    text: &'a str,
    errors: RefCell<Vec<(usize, ConfigError)>>,
    groups: RefCell<Vec<Group>>,
}

/// One table of the document, or one that was left out.
pub(super) struct Section<'a> {
    reader: &'a Reader<'a>,
    /// Dotted, without indexes: `community.tuning`; empty for the document.
    path: String,
    table: Option<&'a DeTable<'a>>,
    /// Byte offset of its header.
    at: usize,
    group: usize,
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Given<T> {
    pub(super) value: T,
    pub(super) at: usize,
}

/// What was read in one table.
struct Group {
    parent: Option<usize>,
    /// `[limits]` or `[[route]]`; empty for the document.
    header: String,
    lines: Vec<Line>,
}

/// One effective setting.
pub(super) struct Line {
    pub(super) key: &'static str,
    pub(super) literal: String,
    pub(super) default: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(file: &'a Path, text: &'a str) -> Self {
        let document = Group { parent: None, header: String::new(), lines: Vec::new() };
        Self { file, text, errors: RefCell::default(), groups: RefCell::new(vec![document]) }
    }

    /// The whole document.
    pub(super) fn root(&'a self, table: &'a DeTable<'a>) -> Section<'a> {
        Section { reader: self, path: String::new(), table: Some(table), at: 0, group: 0 }
    }

    /// Notes a mistake at a byte offset of the text.
    pub(super) fn wrong(&self, at: usize, key: &str, message: impl Into<String>) {
        let line = 1 + self.text.bytes().take(at).filter(|byte| *byte == b'\n').count();
        let error =
            ConfigError { file: self.file.to_owned(), line, key: key.to_owned(), message: message.into() };
        self.errors.borrow_mut().push((at, error));
    }

    /// Every mistake that was noted, in the order of the file; `Ok` if there is none.
    pub(super) fn finish(&self) -> Result<(), ConfigErrors> {
        let mut errors = self.errors.take();
        if errors.is_empty() {
            return Ok(());
        }
        errors.sort_by_key(|(at, _)| *at);
        Err(ConfigErrors(errors.into_iter().map(|(_, error)| error).collect()))
    }

    /// The effective configuration: what was given and the defaults of what was not.
    pub(super) fn effective(&self) -> String {
        let mut out = String::new();
        self.write_group(0, &mut out);
        out
    }

    /// Calls `visit` with the path of the table and each setting that was read.
    #[cfg(test)]
    pub(super) fn each_line(&self, mut visit: impl FnMut(&str, &Line)) {
        for group in self.groups.borrow().iter() {
            for line in &group.lines {
                visit(group.header.trim_matches(['[', ']']), line);
            }
        }
    }

    fn write_group(&self, index: usize, out: &mut String) {
        let groups = self.groups.borrow();
        let Some(group) = groups.get(index) else { return };
        // An array element counts even when it is empty; a plain table does not.
        if !group.lines.is_empty() || group.header.starts_with("[[") {
            if !out.is_empty() {
                out.push('\n');
            }
            out.push_str(&group.header);
            out.push('\n');
            for line in &group.lines {
                let mark = if line.default { "  # default" } else { "" };
                out.push_str(&format!("{} = {}{mark}\n", line.key, line.literal));
            }
        }
        for (child, group) in groups.iter().enumerate() {
            if group.parent == Some(index) {
                self.write_group(child, out);
            }
        }
    }

    fn open(&self, parent: usize, path: &str, element: bool) -> usize {
        let header = if element { format!("[[{path}]]") } else { format!("[{path}]") };
        let mut groups = self.groups.borrow_mut();
        groups.push(Group { parent: Some(parent), header, lines: Vec::new() });
        groups.len() - 1
    }
}

impl<'a> Section<'a> {
    /// Notes a mistake at a key's line, or at the header's if the key is not there.
    pub(super) fn wrong(&self, key: &str, message: impl Into<String>) {
        let at = self.find(key).map_or(self.at, |(at, _)| at);
        self.wrong_at(at, key, message);
    }

    /// Notes a mistake in a value that was read.
    pub(super) fn wrong_at(&self, at: usize, key: &str, message: impl Into<String>) {
        self.reader.wrong(at, &self.full(key), message);
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    /// The table itself, for the search for unknown keys.
    pub(super) fn raw(&self) -> Option<&'a DeTable<'a>> {
        self.table
    }

    /// Where the section starts.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// A setting without a default. `None` if it is not there, or wrong and noted.
    pub(super) fn value<T: FromValue>(&self, key: &'static str) -> Option<Given<T>> {
        let (at, value) = self.find(key)?;
        let value = self.read(at, key, value.get_ref())?;
        self.note(key, T::literal(&value), false);
        Some(Given { value, at })
    }

    /// A setting with a default.
    pub(super) fn or<T: FromValue>(&self, key: &'static str, default: T) -> T {
        if let Some(given) = self.value(key) {
            return given.value;
        }
        if !self.has(key) {
            self.note(key, default.literal(), true);
        }
        default
    }

    /// A setting with a default and limits.
    pub(super) fn within<T>(&self, key: &'static str, default: T, range: RangeInclusive<T>) -> T
    where
        T: FromValue + PartialOrd + Copy,
    {
        let value = self.or(key, default);
        if !range.contains(&value) {
            let (low, high) = (range.start().literal(), range.end().literal());
            self.wrong(key, format!("{} is outside {low} to {high}", value.literal()));
        }
        value
    }

    /// A setting that has to be there; `why` says what to do.
    pub(super) fn must<T: FromValue>(&self, key: &'static str, why: &str) -> Option<Given<T>> {
        if !self.has(key) {
            self.wrong(key, format!("is missing; {why}"));
        }
        self.value(key)
    }

    /// A list; wrong elements are noted and left out. Not there is an empty list.
    pub(super) fn list<T: FromValue>(&self, key: &'static str) -> Vec<Given<T>> {
        let Some((at, value)) = self.find(key) else { return Vec::new() };
        let DeValue::Array(array) = value.get_ref() else {
            self.wrong_at(at, key, format!("expected a list, found {}", kind(value.get_ref())));
            return Vec::new();
        };
        let read = |element: &Spanned<DeValue<'a>>| {
            let at = element.span().start;
            self.read(at, key, element.get_ref()).map(|value| Given { value, at })
        };
        let values: Vec<Given<T>> = array.iter().filter_map(read).collect();
        let literals: Vec<_> = values.iter().map(|given| given.value.literal()).collect();
        self.note(key, format!("[{}]", literals.join(", ")), false);
        values
    }

    /// A path, taken from the folder of the configuration file.
    pub(super) fn path(&self, key: &'static str) -> Option<Given<PathBuf>> {
        let (at, value) = self.find(key)?;
        let text: String = self.read(at, key, value.get_ref())?;
        let path = self.absolute(&text);
        self.note(key, quoted(&path.to_string_lossy()), false);
        Some(Given { value: path, at })
    }

    /// A list of paths, each as in [`Section::path`].
    pub(super) fn paths(&self, key: &'static str) -> Vec<Given<PathBuf>> {
        let given = self.list::<String>(key).into_iter();
        let paths: Vec<_> =
            given.map(|Given { value, at }| Given { value: self.absolute(&value), at }).collect();
        if let Some(group) = self.reader.groups.borrow_mut().get_mut(self.group)
            && let Some(line) = group.lines.iter_mut().find(|line| line.key == key)
        {
            let literals: Vec<_> = paths.iter().map(|path| quoted(&path.value.to_string_lossy())).collect();
            line.literal = format!("[{}]", literals.join(", "));
        }
        paths
    }

    fn absolute(&self, text: &str) -> PathBuf {
        let folder = self.reader.file.parent().unwrap_or(Path::new(""));
        std::path::absolute(folder.join(text)).unwrap_or_else(|_| folder.join(text))
    }

    /// A path that has to be there; `why` says what to do.
    pub(super) fn must_path(&self, key: &'static str, why: &str) -> Option<Given<PathBuf>> {
        if !self.has(key) {
            self.wrong(key, format!("is missing; {why}"));
        }
        self.path(key)
    }

    /// Whether the key is there and an empty list.
    pub(super) fn is_empty_list(&self, key: &str) -> bool {
        self.find(key)
            .is_some_and(|(_, value)| value.get_ref().as_array().is_some_and(|array| array.is_empty()))
    }

    /// How many tables an array has.
    pub(super) fn count(&self, key: &str) -> usize {
        self.find(key).and_then(|(_, value)| value.get_ref().as_array()).map_or(0, |array| array.len())
    }

    /// Where an element of an array starts, or this section if there is none.
    pub(super) fn element_at(&self, key: &str, index: usize) -> usize {
        let array = self.find(key).and_then(|(_, value)| value.get_ref().as_array());
        array.and_then(|array| array.get(index)).map_or(self.at, |element| element.span().start)
    }

    /// A table below this one; one that is not there reads as empty.
    pub(super) fn table(&self, key: &str) -> Section<'a> {
        self.given_table(key).unwrap_or_else(|| self.child(key, None, self.at, false))
    }

    /// A table below this one, if it is there.
    pub(super) fn given_table(&self, key: &str) -> Option<Section<'a>> {
        let (at, value) = self.find(key)?;
        let DeValue::Table(table) = value.get_ref() else {
            let found = kind(value.get_ref());
            self.wrong_at(at, key, format!("expected a table, found {found}; write [{}]", self.full(key)));
            return None;
        };
        Some(self.child(key, Some(table), at, false))
    }

    /// The tables of an array (`[[route]]`).
    pub(super) fn tables(&self, key: &str) -> Vec<Section<'a>> {
        let Some((at, value)) = self.find(key) else { return Vec::new() };
        let header = format!("write [[{}]]", self.full(key));
        match value.get_ref() {
            DeValue::Array(array) => array
                .iter()
                .filter_map(|element| match element.get_ref() {
                    DeValue::Table(table) => Some(self.child(key, Some(table), element.span().start, true)),
                    other => {
                        let found = kind(other);
                        self.wrong_at(
                            element.span().start,
                            key,
                            format!("expected a table, found {found}; {header}"),
                        );
                        None
                    }
                })
                .collect(),
            // Read as one element all the same, to find what else is wrong.
            DeValue::Table(table) => {
                self.wrong_at(at, key, format!("there can be several; {header}"));
                vec![self.child(key, Some(table), at, true)]
            }
            other => {
                self.wrong_at(at, key, format!("expected tables, found {}; {header}", kind(other)));
                Vec::new()
            }
        }
    }

    /// Dotted name of a key of this section.
    pub(super) fn full(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn child(&self, key: &str, table: Option<&'a DeTable<'a>>, at: usize, element: bool) -> Section<'a> {
        let path = self.full(key);
        let group = self.reader.open(self.group, &path, element);
        Section { reader: self.reader, path, table, at, group }
    }

    fn find(&self, key: &str) -> Option<(usize, &'a Spanned<DeValue<'a>>)> {
        let (name, value) = self.table?.iter().find(|(name, _)| name.get_ref().as_ref() == key)?;
        Some((name.span().start, value))
    }

    fn read<T: FromValue>(&self, at: usize, key: &str, value: &DeValue<'_>) -> Option<T> {
        let message = match T::read(value) {
            Ok(value) => return Some(value),
            Err(Wrong::Type) => format!("expected {}, found {}", T::expected(), kind(value)),
            Err(Wrong::Value(message)) => message,
        };
        self.wrong_at(at, key, message);
        None
    }

    fn note(&self, key: &'static str, literal: String, default: bool) {
        debug_assert!(keys::is_known(&self.path, key), "{} has no entry in the reference", self.full(key));
        if let Some(group) = self.reader.groups.borrow_mut().get_mut(self.group) {
            group.lines.push(Line { key, literal, default });
        }
    }
}
