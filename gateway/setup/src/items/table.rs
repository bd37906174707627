//! Reading the table, overriding it, filling it by discovery.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{DocumentKind, Setting};
use crate::estate::ItemName;

/// How sure a fact is. From best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    /// Stated by a public source.
    Verified,
    /// Stated by the procedure itself.
    Stated,
    /// Read from the design of the directory that is written.
    Discovered,
    /// Named by the administrator's own file.
    Given,
    /// Follows from other facts; no source says it.
    Inferred,
    /// In no public source.
    Unknown,
}

impl Mark {
    /// The word in tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Stated => "stated",
            Self::Discovered => "discovered",
            Self::Given => "given",
            Self::Inferred => "inferred",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// What an item holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ItemKind {
    Text,
    /// A name, canonical; the item carries the names flag.
    Names,
    Number,
    TextList,
    NamesList,
    /// Not published: never written.
    Unknown,
}

impl ItemKind {
    /// Whether values are compared and written as hierarchical names.
    pub fn is_names(self) -> bool {
        matches!(self, Self::Names | Self::NamesList)
    }

    /// Whether there can be several values, in no order that matters.
    pub fn is_list(self) -> bool {
        matches!(self, Self::TextList | Self::NamesList)
    }
}

/// One entry: the item that holds a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// `None` if no public source names it.
    pub name: Option<ItemName>,
    pub kind: ItemKind,
    /// How sure the name is.
    pub mark: Mark,
    /// How sure the values are.
    pub value_mark: Mark,
    /// Where that is said.
    pub source: String,
    /// What the form calls it, for people.
    pub field: String,
}

impl Item {
    /// Its name, if it can be written: name and type are known.
    pub fn writable(&self) -> Option<&ItemName> {
        self.name.as_ref().filter(|_| self.kind != ItemKind::Unknown)
    }
}

/// The form of a kind of document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// Value of `Form`.
    pub form: String,
    /// Value of `Type`, where the form has one.
    pub kind: Option<String>,
    pub mark: Mark,
}

/// The whole table; every setting has an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemTable {
    forms: BTreeMap<DocumentKind, Form>,
    items: BTreeMap<Setting, Item>,
}

/// Why a table cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadTable {
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    #[error(
        "there is no kind of document \"{0}\"; known are connection, sso, server, web-site, configuration, person"
    )]
    Kind(String),
    #[error("there is no setting \"{0}\"; known are {1}")]
    Setting(String, String),
    #[error("item.{0}: {1} is missing, and the built-in table has none")]
    Missing(String, &'static str),
    #[error("\"{0}\" is no item name")]
    Name(String),
}

/// The file's shape.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    form: BTreeMap<String, FormEntry>,
    #[serde(default)]
    item: BTreeMap<String, BTreeMap<String, Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FormEntry {
    form: String,
    #[serde(rename = "type")]
    kind: Option<String>,
    mark: Option<Mark>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    item: Option<String>,
    #[serde(rename = "type")]
    kind: Option<ItemKind>,
    mark: Option<Mark>,
    value_mark: Option<Mark>,
    source: Option<String>,
    field: Option<String>,
}

impl ItemTable {
    /// The table that is built in.
    pub fn built_in() -> Self {
        let mut table = Self { forms: BTreeMap::new(), items: BTreeMap::new() };
        let read = table.overlay(include_str!("items.toml"), Mark::Unknown);
        debug_assert!(read.is_ok(), "{read:?}");
        table
    }

    /// This table with the entries of a file instead of its own. What the file does not say about its marks
    /// counts as given by the administrator.
    pub fn overridden(mut self, text: &str) -> Result<Self, BadTable> {
        self.overlay(text, Mark::Given)?;
        Ok(self)
    }

    /// The entry of a setting.
    pub fn item(&self, setting: Setting) -> Item {
        let unknown = || Item {
            name: None,
            kind: ItemKind::Unknown,
            mark: Mark::Unknown,
            value_mark: Mark::Unknown,
            source: String::new(),
            field: setting.to_string(),
        };
        self.items.get(&setting).cloned().unwrap_or_else(unknown)
    }

    /// The name of a setting's item, if it is known.
    pub fn name(&self, setting: Setting) -> Option<&ItemName> {
        self.items.get(&setting)?.name.as_ref()
    }

    /// The form of a kind of document.
    pub fn form(&self, kind: DocumentKind) -> Form {
        let unknown = || Form { form: kind.word().to_owned(), kind: None, mark: Mark::Unknown };
        self.forms.get(&kind).cloned().unwrap_or_else(unknown)
    }

    /// The settings that cannot be written yet: no name, or no type.
    pub fn unsettled(&self) -> Vec<Setting> {
        let open = |setting: &&Setting| self.item(**setting).writable().is_none();
        Setting::ALL.iter().filter(open).copied().collect()
    }

    /// Fills an entry with what the directory's design says.
    pub fn discovered(&mut self, setting: Setting, name: ItemName, kind: ItemKind) {
        let item = Item { name: Some(name), kind, mark: Mark::Discovered, ..self.item(setting) };
        self.items.insert(setting, item);
    }

    fn overlay(&mut self, text: &str, mark: Mark) -> Result<(), BadTable> {
        let file: File = toml::from_str(text)?;
        for (word, entry) in file.form {
            let kind = kind(&word)?;
            let mark = entry.mark.unwrap_or(mark);
            self.forms.insert(kind, Form { form: entry.form, kind: entry.kind, mark });
        }
        for (kind_word, entries) in file.item {
            let kind = kind(&kind_word)?;
            for (word, entry) in entries {
                let known = Setting::ALL.iter().filter(|setting| setting.kind() == kind);
                let setting = known.clone().find(|setting| setting.word() == word).ok_or_else(|| {
                    let words: Vec<_> = known.map(|setting| setting.word()).collect();
                    BadTable::Setting(format!("{kind_word}.{word}"), words.join(", "))
                })?;
                let item = merged(*setting, entry, self.items.get(setting), mark)?;
                self.items.insert(*setting, item);
            }
        }
        Ok(())
    }
}

fn kind(word: &str) -> Result<DocumentKind, BadTable> {
    let found = DocumentKind::ALL.into_iter().find(|kind| kind.word() == word);
    found.ok_or_else(|| BadTable::Kind(word.to_owned()))
}

fn merged(setting: Setting, entry: Entry, old: Option<&Item>, mark: Mark) -> Result<Item, BadTable> {
    let named =
        entry.item.map(|name| name.parse::<ItemName>().map_err(|_| BadTable::Name(name))).transpose()?;
    let missing = |what| move || BadTable::Missing(setting.to_string(), what);
    let is_new = named.is_some();
    Ok(Item {
        name: named.or_else(|| old.and_then(|old| old.name.clone())),
        kind: entry.kind.or(old.map(|old| old.kind)).ok_or_else(missing("type"))?,
        mark: entry.mark.or(old.filter(|_| !is_new).map(|old| old.mark)).unwrap_or(mark),
        value_mark: entry.value_mark.or(old.map(|old| old.value_mark)).unwrap_or(mark),
        source: entry.source.or(old.map(|old| old.source.clone())).unwrap_or_default(),
        field: entry.field.or(old.map(|old| old.field.clone())).ok_or_else(missing("field"))?,
    })
}
