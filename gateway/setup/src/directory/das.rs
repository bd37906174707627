//! Domino Access Services, the data API (domino-directory.md 3.3). Legacy, with sharp edges:
//!
//! * `PUT` deletes every item that is not in the body, so it is never used; `PATCH` cannot remove an item,
//!   so what was absent becomes empty when a write is undone.
//! * Servers often allow no `PATCH`; the service honours an override header on `POST`.
//! * Documents are found by full-text search, or without an index by walking the list.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::{Method, StatusCode};
use protocol::secret::Secret;
use serde_json::{Map, Value as Json};

use super::drapi::to_json;
use super::http::{Answer, Client, escaped};
use super::{Directory, DirectoryError, Field, Persons, Query, Update};
use crate::estate::{Document, ItemName, Unid, Value};
use crate::items::{DocumentKind, Form};
use crate::names::NotesName;

/// A client of the service.
pub struct Das {
    client: Client,
    base: String,
    authorization: Secret,
    /// Whether the server has refused `PATCH`.
    override_patch: bool,
}

impl Das {
    /// A client for one database; nothing is asked yet.
    pub fn new(client: Client, database: &str, user: &str, password: &Secret) -> Self {
        let pair = Secret::new([user.as_bytes(), b":", password.expose()].concat());
        let authorization =
            Secret::new(format!("Basic {}", BASE64_STANDARD.encode(pair.expose())).into_bytes());
        let base = format!("/{database}/api/data/documents");
        Self { client, base, authorization, override_patch: false }
    }

    async fn ask(
        &mut self,
        method: Method,
        path: &str,
        more: &[(&str, &str)],
        body: Option<&Json>,
    ) -> Result<Answer, DirectoryError> {
        let authorization = String::from_utf8_lossy(self.authorization.expose()).into_owned();
        let mut headers = vec![("authorization", authorization.as_str()), ("accept", "application/json")];
        headers.extend(more);
        let body = body.map(|body| body.to_string().into_bytes());
        if body.is_some() {
            headers.push(("content-type", "application/json"));
        }
        let answer = self.client.send(method, path, &headers, body.as_deref().unwrap_or_default()).await?;
        let text = || {
            String::from_utf8_lossy(&answer.body)
                .chars()
                .filter(|char| !char.is_control())
                .take(200)
                .collect()
        };
        match answer.status.as_u16() {
            200..=299 | 405 => Ok(answer),
            401 => Err(DirectoryError::Unauthorized("401".to_owned())),
            403 => Err(DirectoryError::Forbidden(
                "403: the account may not, or the data service is not enabled for the database ($AllowRESTDbAPI)".to_owned(),
            )),
            404 => Err(DirectoryError::NotFound),
            409 | 412 => Err(DirectoryError::Conflict),
            status => Err(DirectoryError::Refused { status, message: text() }),
        }
    }

    /// The UNIDs that a search finds; all of them where there is no index.
    async fn unids(&mut self, search: &str) -> Result<Vec<Unid>, DirectoryError> {
        let path = format!("{}?search={}", self.base, escaped(search));
        let answer = match self.ask(Method::GET, &path, &[], None).await {
            Err(DirectoryError::Refused { .. }) => {
                let path = self.base.clone();
                self.ask(Method::GET, &path, &[], None).await?
            }
            other => other?,
        };
        let list: Json = parsed(&answer)?;
        let list =
            list.as_array().ok_or_else(|| DirectoryError::BadAnswer("a list was expected".to_owned()))?;
        Ok(list.iter().filter_map(|entry| Some(Unid(entry.get("@unid")?.as_str()?.to_owned()))).collect())
    }

    async fn patch(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
        body: &Json,
    ) -> Result<(), DirectoryError> {
        if !self.override_patch {
            let answer = self.ask(Method::PATCH, path, headers, Some(body)).await?;
            if answer.status != StatusCode::METHOD_NOT_ALLOWED {
                return Ok(());
            }
            self.override_patch = true;
        }
        let headers: Vec<_> = headers.iter().copied().chain([("x-http-method-override", "PATCH")]).collect();
        let answer = self.ask(Method::POST, path, &headers, Some(body)).await?;
        if answer.status == StatusCode::METHOD_NOT_ALLOWED {
            let message = "neither PATCH nor its override is allowed (HTTPEnableMethods)".to_owned();
            return Err(DirectoryError::NotEnabled(message));
        }
        Ok(())
    }
}

impl Directory for Das {
    fn kinds(&self) -> BTreeSet<DocumentKind> {
        DocumentKind::ALL.into()
    }

    async fn read(&mut self, query: &Query) -> Result<Vec<Document>, DirectoryError> {
        let mut found = Vec::new();
        for unid in self.unids(&format!("FIELD Form CONTAINS {}", query.form.form)).await? {
            let Some(document) = self.fetch(query.kind, &unid).await? else { continue };
            if is_of(&document, query) {
                found.push(query.trimmed(document));
            }
        }
        Ok(found)
    }

    async fn fetch(&mut self, kind: DocumentKind, unid: &Unid) -> Result<Option<Document>, DirectoryError> {
        let path = format!("{}/unid/{}?hidden=true&markread=false", self.base, escaped(&unid.0));
        let answer = match self.ask(Method::GET, &path, &[], None).await {
            Err(DirectoryError::NotFound) => return Ok(None),
            other => other?,
        };
        let json = parsed(&answer)?;
        let object = json
            .as_object()
            .ok_or_else(|| DirectoryError::BadAnswer("a document was expected".to_owned()))?;
        let items = object.iter().filter(|(name, _)| !name.starts_with('@'));
        let items = items.filter_map(|(name, value)| {
            Some((name.parse().ok()?, serde_json::from_value(value.clone()).ok()?))
        });
        let revision = answer.header("last-modified").map(str::to_owned);
        let unid = object.get("@unid").and_then(Json::as_str).unwrap_or(&unid.0);
        Ok(Some(Document { kind, unid: Unid(unid.to_owned()), revision, items: items.collect() }))
    }

    async fn create(
        &mut self,
        form: &Form,
        items: &BTreeMap<ItemName, Value>,
    ) -> Result<Unid, DirectoryError> {
        let mut body: Map<String, Json> =
            items.iter().map(|(name, value)| (name.as_str().to_owned(), to_json(value))).collect();
        if let Some(kind) = &form.kind {
            body.insert("Type".to_owned(), Json::String(kind.clone()));
        }
        let path = format!("{}?form={}&computewithform=true", self.base, escaped(&form.form));
        let answer = self.ask(Method::POST, &path, &[], Some(&Json::Object(body))).await?;
        let unid = answer
            .header("location")
            .and_then(|location| location.rsplit('/').next())
            .filter(|unid| !unid.is_empty());
        unid.map(|unid| Unid(unid.to_owned()))
            .ok_or_else(|| DirectoryError::BadAnswer("a new document without Location".to_owned()))
    }

    async fn update(&mut self, update: &Update) -> Result<(), DirectoryError> {
        let changes = update.changes.iter().map(|change| {
            let after = change.after.as_ref().map_or(Json::String(String::new()), to_json);
            (change.item.as_str().to_owned(), after)
        });
        let body = Json::Object(changes.collect());
        let path = format!("{}/unid/{}?computewithform=true", self.base, escaped(&update.unid.0));
        let unchanged = update.revision.as_deref().map(|revision| ("if-unmodified-since", revision));
        let headers: Vec<(&str, &str)> = unchanged.into_iter().collect();
        self.patch(&path, &headers, &body).await
    }

    async fn delete(&mut self, unid: &Unid) -> Result<(), DirectoryError> {
        let path = format!("{}/unid/{}", self.base, escaped(&unid.0));
        self.ask(Method::DELETE, &path, &[], None).await.map(drop)
    }

    async fn design(&mut self, _form: &str) -> Result<Option<Vec<Field>>, DirectoryError> {
        Ok(None)
    }
}

fn parsed(answer: &Answer) -> Result<Json, DirectoryError> {
    serde_json::from_slice(&answer.body).map_err(|error| DirectoryError::BadAnswer(error.to_string()))
}

/// A search is coarse, and a walk finds everything: the document decides.
fn is_of(document: &Document, query: &Query) -> bool {
    let has = |name: &str, value: &str| {
        let found = name.parse::<ItemName>().ok().and_then(|name| document.items.get(&name));
        found.is_some_and(|found| found.first().eq_ignore_ascii_case(value))
    };
    let of_kind =
        has("Form", &query.form.form) && query.form.kind.as_ref().is_none_or(|kind| has("Type", kind));
    let of_persons = match &query.persons {
        Persons::All => true,
        Persons::With { item, names } => document.items.get(item).is_some_and(|value| {
            value
                .texts()
                .iter()
                .filter_map(|text| text.parse::<NotesName>().ok())
                .any(|name| names.contains(&name))
        }),
    };
    of_kind && of_persons
}
