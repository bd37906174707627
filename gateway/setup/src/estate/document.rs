//! Documents, and where they were found.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ItemName, Value};
use crate::items::{DocumentKind, ItemTable, Setting};
use crate::names::NotesName;

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

    /// Whether it lost a replication or save conflict (`$Conflict`, domino-directory.md 2.5).
    pub fn is_conflict(&self) -> bool {
        "$Conflict".parse::<ItemName>().is_ok_and(|name| self.items.contains_key(&name))
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
    /// The kinds of documents that could be read; nothing is known about the others.
    pub seen: BTreeSet<DocumentKind>,
    pub documents: Vec<Document>,
}

impl Replica {
    /// A replica that cannot be read: everything has to be handed over as files and instructions.
    pub fn unseen(access: &str, domain: &str) -> Self {
        Self {
            access: access.to_owned(),
            domain: domain.to_owned(),
            server: None,
            seen: BTreeSet::new(),
            documents: Vec::new(),
        }
    }

    /// The documents of a kind, conflict documents left out.
    pub fn of(&self, kind: DocumentKind) -> impl Iterator<Item = &Document> {
        self.documents.iter().filter(move |document| document.kind == kind && !document.is_conflict())
    }

    /// Whether documents of the kind could be read.
    pub fn sees(&self, kind: DocumentKind) -> bool {
        self.seen.contains(&kind)
    }
}

/// Every replica that was read. The first one of a domain is the one that is written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Estate {
    pub replicas: Vec<Replica>,
}

impl Estate {
    /// The replica in which a domain's documents are written.
    pub fn written(&self, domain: &str) -> Option<&Replica> {
        self.of_domain(domain).next()
    }

    /// All replicas of a domain, the written one first.
    pub fn of_domain<'a>(&'a self, domain: &str) -> impl Iterator<Item = &'a Replica> {
        let domain = domain.to_lowercase();
        self.replicas.iter().filter(move |replica| replica.domain.to_lowercase() == domain)
    }
}
