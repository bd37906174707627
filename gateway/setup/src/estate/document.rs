//! Documents, and where they were found.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ItemName, Value};
use crate::config::WritePath;
use crate::items::{DocumentKind, ItemTable, Setting};
use crate::names::NotesName;

/// The item that marks a document which lost a replication or save conflict (domino-directory.md 2.5).
pub(crate) const CONFLICT: &str = "$Conflict";

/// The universal id of a document: 32 hex digits in Domino, the entry's name in LDAP.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Unid(pub String);

impl fmt::Display for Unid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// One document as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    pub kind: DocumentKind,
    pub unid: Unid,
    /// What the API gives for optimistic locking and for comparing replicas: a revision or the time of the
    /// last change.
    pub revision: Option<String>,
    pub items: BTreeMap<ItemName, Value>,
}

impl Document {
    /// The value of a setting; `None` if the item is absent, empty, or its name unknown.
    pub fn value(&self, table: &ItemTable, setting: Setting) -> Option<&Value> {
        self.items.get(table.name(setting)?).filter(|value| !value.is_empty())
    }

    /// The first value of a setting as text; empty if there is none.
    pub fn text(&self, table: &ItemTable, setting: Setting) -> String {
        self.value(table, setting).map(Value::first).unwrap_or_default()
    }

    /// The first value of a setting as a name.
    pub fn name(&self, table: &ItemTable, setting: Setting) -> Option<NotesName> {
        self.text(table, setting).parse().ok()
    }

    /// Whether a setting holds this name, in whatever spelling.
    pub fn has_name(&self, table: &ItemTable, setting: Setting, name: &NotesName) -> bool {
        let values = self.value(table, setting).map(Value::texts).unwrap_or_default();
        values.iter().any(|value| value.parse::<NotesName>().is_ok_and(|value| value == *name))
    }

    /// Whether it lost a replication or save conflict.
    pub fn is_conflict(&self) -> bool {
        CONFLICT.parse::<ItemName>().is_ok_and(|name| self.items.contains_key(&name))
    }
}

/// One replica of a domain's directory, as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Replica {
    /// Name of the access in `setup.toml`.
    pub access: String,
    /// Domino domain whose directory it is.
    pub domain: String,
    /// The server that was asked, if it is one of those that `setup.toml` names.
    pub server: Option<NotesName>,
    /// How it is reached.
    pub path: WritePath,
    /// The kinds of documents that could be read; nothing is known about the others.
    pub seen: BTreeSet<DocumentKind>,
    pub documents: Vec<Document>,
    /// The items that a form or one of its documents has, for the kinds whose design could be read.
    pub known: BTreeMap<DocumentKind, BTreeSet<ItemName>>,
}

impl Replica {
    /// A replica that cannot be read: everything has to be handed over as files and instructions.
    pub fn unseen(access: &str, domain: &str) -> Self {
        Self {
            access: access.to_owned(),
            domain: domain.to_owned(),
            server: None,
            path: WritePath::Files,
            seen: BTreeSet::new(),
            documents: Vec::new(),
            known: BTreeMap::new(),
        }
    }

    /// The documents of a kind, conflict documents left out.
    pub fn of(&self, kind: DocumentKind) -> impl Iterator<Item = &Document> {
        self.documents.iter().filter(move |document| document.kind == kind && !document.is_conflict())
    }

    /// Whether an item of a kind of document exists as far as one could look. A name from a table that neither the
    /// form nor any document has belongs to another release of the template.
    pub fn has_item(&self, kind: DocumentKind, item: &ItemName) -> bool {
        self.known.get(&kind).is_none_or(|known| known.contains(item))
    }

    /// Whether documents have the same ids here and there: LDAP names its entries otherwise.
    pub fn shares_ids(&self, other: &Self) -> bool {
        (self.path == WritePath::Ldap) == (other.path == WritePath::Ldap)
    }

    /// Whether documents of the kind could be read.
    pub fn sees(&self, kind: DocumentKind) -> bool {
        self.seen.contains(&kind)
    }
}

/// Every replica that was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Estate {
    pub replicas: Vec<Replica>,
}

impl Estate {
    /// The replica in which a domain's documents of a kind are written: the first one that is reached by a path for
    /// that kind. Where there is none, the first one, which then says so.
    pub fn written(&self, domain: &str, kind: DocumentKind) -> Option<&Replica> {
        let reaches = |replica: &&Replica| replica.path.reaches(kind);
        self.of_domain(domain).find(reaches).or_else(|| self.of_domain(domain).next())
    }

    /// All replicas of a domain, in the order of `setup.toml`.
    pub fn of_domain<'a>(&'a self, domain: &str) -> impl Iterator<Item = &'a Replica> {
        let domain = domain.to_lowercase();
        self.replicas.iter().filter(move |replica| replica.domain.to_lowercase() == domain)
    }
}
