//! From `setup.toml` to a directory that can be asked.

use std::collections::{BTreeMap, BTreeSet};

use super::http::{BadAuthorities, Client, tls};
use super::ldap::Ldap;
use super::{
    CredentialError, Directory, DirectoryError, Field, Query, Update, das::Das, drapi::Drapi, password,
};
use crate::config::{Access, WritePath};
use crate::estate::{Document, ItemName, Unid, Value};
use crate::items::{DocumentKind, Form};

/// Why an access cannot be used. Nothing has been asked yet.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Credential(#[from] CredentialError),
    #[error(transparent)]
    Authorities(#[from] BadAuthorities),
}

/// Any of the write paths.
pub enum AnyDirectory {
    Drapi(Box<Drapi>),
    Das(Box<Das>),
    Ldap(Box<Ldap>),
}

/// Prepares an access: reads its password and its authorities. `None` if nothing can be reached through it.
pub fn open(access: &Access) -> Result<Option<AnyDirectory>, OpenError> {
    let (Some(url), Some(user)) = (&access.url, &access.user) else { return Ok(None) };
    if access.path == WritePath::Files {
        return Ok(None);
    }
    let password = password(&access.password, &format!("{user} at {}", url.host))?;
    let tls = if url.tls { Some(tls(access.ca.as_deref())?) } else { None };
    Ok(Some(match access.path {
        WritePath::Ldap => {
            let ldap = Ldap::new(url.clone(), tls, &access.base, user, password, access.page);
            AnyDirectory::Ldap(Box::new(ldap))
        }
        WritePath::Das => AnyDirectory::Das(Box::new(Das::new(
            Client::new(url.clone(), tls),
            &access.database,
            user,
            &password,
        ))),
        _ => {
            let client = Client::new(url.clone(), tls);
            AnyDirectory::Drapi(Box::new(Drapi::new(client, &access.database, user, password, access.page)))
        }
    }))
}

macro_rules! each {
    ($self:ident, $directory:ident => $call:expr) => {
        match $self {
            AnyDirectory::Drapi($directory) => $call,
            AnyDirectory::Das($directory) => $call,
            AnyDirectory::Ldap($directory) => $call,
        }
    };
}

impl Directory for AnyDirectory {
    fn kinds(&self) -> BTreeSet<DocumentKind> {
        each!(self, directory => directory.kinds())
    }

    async fn read(&mut self, query: &Query) -> Result<Vec<Document>, DirectoryError> {
        each!(self, directory => directory.read(query).await)
    }

    async fn fetch(&mut self, kind: DocumentKind, unid: &Unid) -> Result<Option<Document>, DirectoryError> {
        each!(self, directory => directory.fetch(kind, unid).await)
    }

    async fn create(
        &mut self,
        form: &Form,
        items: &BTreeMap<ItemName, Value>,
    ) -> Result<Unid, DirectoryError> {
        each!(self, directory => directory.create(form, items).await)
    }

    async fn update(&mut self, update: &Update) -> Result<(), DirectoryError> {
        each!(self, directory => directory.update(update).await)
    }

    async fn delete(&mut self, unid: &Unid) -> Result<(), DirectoryError> {
        each!(self, directory => directory.delete(unid).await)
    }

    async fn design(&mut self, form: &str) -> Result<Option<Vec<Field>>, DirectoryError> {
        each!(self, directory => directory.design(form).await)
    }
}
