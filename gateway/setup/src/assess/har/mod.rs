//! Reads a browser's recording (HAR 1.2), entry by entry.
//!
//! Recordings hold everything: cookies, tokens, passwords, mail. An [`Exchange`] keeps what the checks need and
//! drops the rest at once: no query, no cookie value, no body. Error texts name file, line and column, and never
//! quote the file. Memory is bounded whatever the file says: strings are cut, nesting is limited, one entry is
//! held at a time ([`guard`]).

mod address;
mod exchange;
mod guard;

use std::cell::Cell;
use std::fmt;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;

pub(super) use address::Address;
pub(super) use address::{Origin, Scheme};
pub(super) use exchange::{Allowed, Exchange, Kind, SetCookie};
use exchange::{Entry, Page};
use guard::Guard;

/// Pages of a recording that are remembered; more are treated as if not named.
const MOST_PAGES: usize = 1000;

/// Why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum HarError {
    #[error("{0}: {1}")]
    Open(PathBuf, io::Error),
    #[error("{path}:{line}:{column}: {problem}")]
    Content { path: PathBuf, line: u64, column: u64, problem: &'static str },
}

/// Reads the recording at `path` and gives every exchange to `take`, in the order of the file.
pub(super) fn read(path: &Path, take: &mut dyn FnMut(Exchange)) -> Result<(), HarError> {
    let file = File::open(path).map_err(|error| HarError::Open(path.to_owned(), error))?;
    read_from(file, take).map_err(|(line, column, problem)| HarError::Content {
        path: path.to_owned(),
        line,
        column,
        problem,
    })
}

/// As [`read`], from any source. Errors are (line, column, problem).
fn read_from(source: impl io::Read, take: &mut dyn FnMut(Exchange)) -> Result<(), (u64, u64, &'static str)> {
    let position = Cell::new(guard::Position::default());
    let mut json = serde_json::Deserializer::from_reader(Guard::new(BufReader::new(source), &position));
    let mut recording = Recording { pages: Vec::new(), document: None, number: 0, take, found: false };
    let outcome = json.deserialize_map(&mut recording).and_then(|()| json.end());
    let guard::Position { line, column, stopped } = position.get();
    match outcome {
        Ok(()) if recording.found => Ok(()),
        Ok(()) => Err((line, column, "JSON without `log.entries`: no recording of a browser")),
        Err(error) => Err((line, column, stopped.unwrap_or_else(|| problem(error.classify())))),
    }
}

fn problem(category: Category) -> &'static str {
    match category {
        Category::Syntax => "this is no JSON",
        Category::Eof => "the file ends in the middle",
        Category::Data => "JSON, but not the shape of a recording (HAR 1.2)",
        Category::Io => "the file cannot be read any further",
    }
}

/// Walks `{"log": {"pages": […], "entries": […]}}`.
struct Recording<'a> {
    pages: Vec<Page>,
    /// Where the last HTML page came from: the page of entries that do not name theirs.
    document: Option<Origin>,
    number: u64,
    take: &'a mut dyn FnMut(Exchange),
    found: bool,
}

impl Recording<'_> {
    fn entry(&mut self, entry: Entry) {
        self.number += 1;
        let page = entry.page.as_deref().and_then(|id| self.pages.iter().find(|page| page.id == id));
        let origin = page.and_then(|page| page.origin.clone()).or_else(|| self.document.clone());
        let Some(exchange) = entry.exchange(self.number, origin) else { return };
        if exchange.kind == Kind::Document && exchange.status == 200 {
            self.document = Some(exchange.url.origin.clone());
        }
        (self.take)(exchange);
    }
}

impl<'de> Visitor<'de> for &mut Recording<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a recording")
    }

    /// Serves the outer object and `log`: both hold named members that are read in their order.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "log" => map.next_value_seed(Log(self))?,
                "pages" => map.next_value_seed(Pages(self))?,
                "entries" => map.next_value_seed(Entries(self))?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

struct Log<'r, 'a>(&'r mut Recording<'a>);
struct Pages<'r, 'a>(&'r mut Recording<'a>);
struct Entries<'r, 'a>(&'r mut Recording<'a>);

impl<'de> DeserializeSeed<'de> for Log<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self.0)
    }
}

impl<'de> DeserializeSeed<'de> for Pages<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Pages<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of pages")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(page) = list.next_element::<Page>()? {
            if self.0.pages.len() < MOST_PAGES {
                self.0.pages.push(page);
            }
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Entries<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of entries")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        self.0.found = true;
        while let Some(entry) = list.next_element::<Entry>()? {
            self.0.entry(entry);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
