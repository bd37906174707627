//! The write paths, behind one trait: Domino REST API, Domino Access Services, LDAP.
//!
//! A path reads documents of a kind, reads one again, and writes single items; it decides nothing. Which
//! request may have been done although no answer came is said by the error, so that the caller can look.

mod credential;
mod das;
mod design;
mod drapi;
mod error;
mod http;
mod ldap;
mod open;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use crate::estate::{Document, ItemName, Unid, Value};
use crate::items::{DocumentKind, Form, ItemKind};
use crate::names::NotesName;

pub use credential::{CredentialError, password};
pub use error::DirectoryError;
pub use http::{Answer, BadAuthorities, Client, tls};
pub use open::{AnyDirectory, OpenError, open};

/// One replica of a directory that can be asked.
pub trait Directory {
    /// The kinds of documents that this path reaches.
    fn kinds(&self) -> BTreeSet<DocumentKind>;

    /// The documents that a query asks for; conflict documents too.
    fn read(&mut self, query: &Query) -> impl Future<Output = Result<Vec<Document>, DirectoryError>>;

    /// One document as it is now; `None` if it is gone.
    fn fetch(
        &mut self,
        kind: DocumentKind,
        unid: &Unid,
    ) -> impl Future<Output = Result<Option<Document>, DirectoryError>>;

    /// Makes a document. The form computes what is left out, where the path can ask for that.
    fn create(
        &mut self,
        form: &Form,
        items: &BTreeMap<ItemName, Value>,
    ) -> impl Future<Output = Result<Unid, DirectoryError>>;

    /// Changes items of a document and leaves all others as they are.
    fn update(&mut self, update: &Update) -> impl Future<Output = Result<(), DirectoryError>>;

    /// Removes a document that this tool has made.
    fn delete(&mut self, unid: &Unid) -> impl Future<Output = Result<(), DirectoryError>>;

    /// The fields of a form's design; `None` if this path cannot read designs.
    fn design(&mut self, form: &str) -> impl Future<Output = Result<Option<Vec<Field>>, DirectoryError>>;
}

/// Which documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    pub kind: DocumentKind,
    pub form: Form,
    /// For Person documents: only those.
    pub persons: Persons,
    /// Only these items are of interest; `None`: all of them.
    pub items: Option<Vec<ItemName>>,
}

impl Query {
    /// The document without what nobody asked for: certificates and pictures of 100,000 persons are gigabytes.
    fn trimmed(&self, mut document: Document) -> Document {
        if let Some(items) = &self.items {
            document.items.retain(|name, _| items.contains(name));
        }
        document
    }
}

/// Which Person documents. Item names come from the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Persons {
    /// Everybody, or another kind of document.
    All,
    /// Those whose item holds one of the names: the mail server, or the user name.
    With { item: ItemName, names: Vec<NotesName> },
}

/// Changes of one document.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    pub unid: Unid,
    /// What it was when it was read, for optimistic locking.
    pub revision: Option<String>,
    pub changes: Vec<Change>,
}

/// Change of one item.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub item: ItemName,
    pub kind: ItemKind,
    /// `None`: it was absent.
    pub before: Option<Value>,
    /// `None`: it is removed.
    pub after: Option<Value>,
}

/// One field of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: ItemName,
    pub kind: Option<ItemKind>,
    /// What the form writes beside it, if the design says so.
    pub label: String,
}
