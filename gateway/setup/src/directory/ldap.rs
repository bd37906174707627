//! LDAP: the Sametime server of persons, nothing else (domino-directory.md 3.5).
//!
//! A value is written by removing the one that was read and adding the new one in the same request, so a
//! change by somebody else in between fails instead of being lost. The attribute's syntax decides between
//! the Notes form and a distinguished name.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use ldap3::adapters::{Adapter, EntriesOnly, PagedResults};
use ldap3::{
    Ldap as Handle, LdapConnAsync, LdapConnSettings, LdapError, LdapResult, Mod, Scope, SearchEntry,
    ldap_escape,
};
use protocol::secret::Secret;
use rustls::ClientConfig;

use super::{Change, Directory, DirectoryError, Field, Persons, Query, Update};
use crate::config::Url;
use crate::estate::{Document, ItemName, Unid, Value};
use crate::items::{DocumentKind, Form};
use crate::names::NotesName;

const PATIENCE: Duration = Duration::from_secs(60);
/// Distinguished name.
const DN_SYNTAX: &str = "1.3.6.1.4.1.1466.115.121.1.12";
/// Names in one filter.
const NAMES_IN_FILTER: usize = 50;

/// A client of a Domino LDAP service.
pub struct Ldap {
    url: Url,
    tls: Option<Arc<ClientConfig>>,
    base: String,
    user: String,
    password: Secret,
    page: u32,
    handle: Option<Handle>,
    /// Whether the attribute for the Sametime server holds distinguished names; asked once.
    dn_values: Option<bool>,
}

impl Ldap {
    /// A client; nothing is connected yet.
    pub fn new(
        url: Url,
        tls: Option<Arc<ClientConfig>>,
        base: &str,
        user: &str,
        password: Secret,
        page: u32,
    ) -> Self {
        let (base, user) = (base.to_owned(), user.to_owned());
        Self { url, tls, base, user, password, page, handle: None, dn_values: None }
    }

    async fn handle(&mut self) -> Result<Handle, DirectoryError> {
        if let Some(handle) = &mut self.handle
            && !handle.is_closed()
        {
            let mut handle = handle.clone();
            handle.with_timeout(PATIENCE);
            return Ok(handle);
        }
        let mut settings = LdapConnSettings::new().set_conn_timeout(Duration::from_secs(10));
        if let Some(tls) = &self.tls {
            settings = settings.set_config(Arc::clone(tls));
        }
        let scheme = if self.url.tls { "ldaps" } else { "ldap" };
        let host =
            if self.url.host.contains(':') { format!("[{}]", self.url.host) } else { self.url.host.clone() };
        let url = format!("{scheme}://{host}:{}", self.url.port);
        let connected = LdapConnAsync::with_settings(settings, &url).await;
        let (connection, mut handle) =
            connected.map_err(|error| DirectoryError::Unreachable(error.to_string()))?;
        // Its end closes the handle; whoever waits for an answer is told then.
        tokio::spawn(async move { drop(connection.drive().await) });
        let password = String::from_utf8_lossy(self.password.expose()).into_owned();
        handle.with_timeout(PATIENCE);
        let bound = handle.simple_bind(&self.user, &password).await.map_err(|error| lost(&error))?;
        if bound.rc != 0 {
            return Err(DirectoryError::Unauthorized(said(&bound)));
        }
        self.handle = Some(handle.clone());
        handle.with_timeout(PATIENCE);
        Ok(handle)
    }

    async fn search(
        &mut self,
        base: &str,
        scope: Scope,
        filter: &str,
        attributes: &[&str],
    ) -> Result<Vec<SearchEntry>, DirectoryError> {
        let reused = self.handle.is_some();
        match self.try_search(base, scope, filter, attributes).await {
            // A server may end an idle connection at any time; searching again does no harm.
            Err(DirectoryError::Lost(_)) if reused => {
                self.handle = None;
                self.try_search(base, scope, filter, attributes).await
            }
            other => other,
        }
    }

    async fn try_search(
        &mut self,
        base: &str,
        scope: Scope,
        filter: &str,
        attributes: &[&str],
    ) -> Result<Vec<SearchEntry>, DirectoryError> {
        let mut handle = self.handle().await?;
        let adapters: Vec<Box<dyn Adapter<'_, &str, Vec<&str>>>> = vec![
            Box::new(EntriesOnly::new()),
            Box::new(PagedResults::new(i32::try_from(self.page).unwrap_or(500))),
        ];
        let stream = handle.streaming_search_with(adapters, base, scope, filter, attributes.to_vec()).await;
        let mut stream = stream.map_err(|error| lost(&error))?;
        let mut entries = Vec::new();
        while let Some(entry) = stream.next().await.map_err(|error| lost(&error))? {
            entries.push(SearchEntry::construct(entry));
        }
        let result = stream.finish().await;
        match result.rc {
            0 => Ok(entries),
            32 => Ok(Vec::new()),
            _ => Err(refused(&result)),
        }
    }

    /// Reads the attribute's syntax in the schema, wherever the root entry says that it is.
    async fn dn_values(&mut self) -> Result<bool, DirectoryError> {
        if let Some(known) = self.dn_values {
            return Ok(known);
        }
        let mut handle = self.handle().await?;
        let root = handle.search("", Scope::Base, "(objectClass=*)", vec!["subschemaSubentry"]).await;
        let root = root.map_err(|error| lost(&error))?.0.into_iter().next().map(SearchEntry::construct);
        let place = root.and_then(|root| first(&root, "subschemaSubentry"));
        let mut answer = false;
        if let Some(place) = place {
            let schema = handle.search(&place, Scope::Base, "(objectClass=*)", vec!["attributeTypes"]).await;
            for entry in schema.map_err(|error| lost(&error))?.0 {
                let types = SearchEntry::construct(entry).attrs.into_values().flatten();
                answer |= types
                    .filter(|text| text.contains("'SametimeServer'"))
                    .any(|text| text.contains(DN_SYNTAX));
            }
        }
        self.dn_values = Some(answer);
        Ok(answer)
    }

    fn spelled(value: &str, dn_values: bool, change: &Change) -> String {
        let name = if change.kind.is_names() { value.parse::<NotesName>().ok() } else { None };
        name.filter(|_| dn_values).map_or_else(|| value.to_owned(), |name| name.dn())
    }
}

impl Directory for Ldap {
    fn kinds(&self) -> BTreeSet<DocumentKind> {
        BTreeSet::from([DocumentKind::Person])
    }

    async fn read(&mut self, query: &Query) -> Result<Vec<Document>, DirectoryError> {
        let base = self.base.clone();
        // Items with `$` are none of LDAP's.
        let wanted = query.items.as_deref().unwrap_or_default();
        let mut attributes: Vec<&str> =
            wanted.iter().map(ItemName::as_str).filter(|name| !name.starts_with('$')).collect();
        if attributes.is_empty() {
            attributes.push("*");
        }
        let filters: Vec<String> = match &query.persons {
            Persons::All => vec!["(objectClass=dominoPerson)".to_owned()],
            Persons::With { item, names } if item.as_str().eq_ignore_ascii_case("FullName") => {
                let mut found = Vec::new();
                for name in names {
                    let filter = "(objectClass=dominoPerson)";
                    found.extend(self.search(&name.dn(), Scope::Base, filter, &attributes).await?);
                }
                return Ok(found.into_iter().map(document).collect());
            }
            Persons::With { item, names } => names
                .chunks(NAMES_IN_FILTER)
                .map(|names| {
                    let each = |name: &NotesName| {
                        format!(
                            "({item}={})({item}={})",
                            ldap_escape(name.canonical()),
                            ldap_escape(name.dn())
                        )
                    };
                    format!("(&(objectClass=dominoPerson)(|{}))", names.iter().map(each).collect::<String>())
                })
                .collect(),
        };
        let mut found = Vec::new();
        for filter in filters {
            found.extend(
                self.search(&base, Scope::Subtree, &filter, &attributes).await?.into_iter().map(document),
            );
        }
        Ok(found)
    }

    async fn fetch(&mut self, _kind: DocumentKind, unid: &Unid) -> Result<Option<Document>, DirectoryError> {
        let found = self.search(&unid.0, Scope::Base, "(objectClass=*)", &["*"]).await?;
        Ok(found.into_iter().next().map(document))
    }

    async fn create(
        &mut self,
        _form: &Form,
        _items: &BTreeMap<ItemName, Value>,
    ) -> Result<Unid, DirectoryError> {
        Err(DirectoryError::CannotDo("LDAP makes no documents here"))
    }

    async fn update(&mut self, update: &Update) -> Result<(), DirectoryError> {
        let dn_values = self.dn_values().await?;
        let mut modifications = Vec::new();
        for change in &update.changes {
            let name = change.item.as_str().to_owned();
            if let Some(before) = &change.before {
                modifications.push(Mod::Delete(name.clone(), before.texts().into_iter().collect()));
            }
            if let Some(after) = &change.after {
                let spelled: HashSet<String> =
                    after.texts().iter().map(|text| Self::spelled(text, dn_values, change)).collect();
                modifications.push(Mod::Add(name, spelled));
            }
        }
        let mut handle = self.handle().await?;
        let result = handle.modify(&update.unid.0, modifications).await.map_err(|error| lost(&error))?;
        if result.rc == 0 { Ok(()) } else { Err(refused(&result)) }
    }

    async fn delete(&mut self, _unid: &Unid) -> Result<(), DirectoryError> {
        Err(DirectoryError::CannotDo("LDAP removes no documents here"))
    }

    async fn design(&mut self, _form: &str) -> Result<Option<Vec<Field>>, DirectoryError> {
        Ok(None)
    }
}

fn document(entry: SearchEntry) -> Document {
    let mut items: BTreeMap<ItemName, Value> = BTreeMap::new();
    for (name, values) in entry.attrs {
        let value = match <[String; 1]>::try_from(values) {
            Ok([single]) => Value::Text(single),
            Err(several) => Value::Texts(several),
        };
        if let Ok(name) = name.parse() {
            items.insert(name, value);
        }
    }
    // The entry's name is the user's; LDAP has it nowhere else.
    if let (Ok(item), Ok(name)) = ("FullName".parse(), entry.dn.parse::<NotesName>()) {
        items.entry(item).or_insert_with(|| Value::Text(name.canonical()));
    }
    Document { kind: DocumentKind::Person, unid: Unid(entry.dn), revision: None, items }
}

fn first(entry: &SearchEntry, name: &str) -> Option<String> {
    let found = entry.attrs.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    found.1.first().cloned()
}

fn lost(error: &LdapError) -> DirectoryError {
    match error {
        LdapError::LdapResult { result } => refused(result),
        other => DirectoryError::Lost(other.to_string()),
    }
}

fn refused(result: &LdapResult) -> DirectoryError {
    match result.rc {
        // No such value, a value where none was, more than one value: it is not what was read.
        16 | 19 | 20 => DirectoryError::Conflict,
        32 => DirectoryError::NotFound,
        8 | 49 => DirectoryError::Unauthorized(said(result)),
        10 => DirectoryError::NotEnabled(format!(
            "{}: the directory is held elsewhere; name that server",
            said(result)
        )),
        17 => DirectoryError::NotEnabled(format!("{}: the directory has no such attribute", said(result))),
        50 | 53 => DirectoryError::Forbidden(format!(
            "{}: LDAP write access has to be allowed, and the ACL decides",
            said(result)
        )),
        code => {
            DirectoryError::Refused { status: u16::try_from(code).unwrap_or(u16::MAX), message: said(result) }
        }
    }
}

fn said(result: &LdapResult) -> String {
    let text: String = result.text.chars().filter(|char| !char.is_control()).take(200).collect();
    if text.is_empty() {
        format!("LDAP result {}", result.rc)
    } else {
        format!("LDAP result {}: {text}", result.rc)
    }
}
