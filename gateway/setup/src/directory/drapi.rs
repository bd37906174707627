//! Domino REST API (domino-directory.md 3.4), and the design of forms through its set-up API (3.9).
//!
//! `PATCH` merges and `null` removes. Tokens expire: one is renewed shortly before its end, and once more
//! when an answer is 401. `names.nsf` is excluded by default, which answers 403 or 404 everywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use protocol::secret::Secret;
use serde_json::{Map, Value as Json, json};

use super::design::{fields_of, names_of, subforms_of};
use super::http::{Answer, Client, escaped};
use super::{Directory, DirectoryError, Field, Persons, Query, Update};
use crate::estate::{Document, ItemName, Unid, Value};
use crate::items::{DocumentKind, Form};

/// Renewed when less than this is left.
const MARGIN: Duration = Duration::from_secs(30);
/// Subforms of one form that are read; the directory's own template has some dozens.
const MOST_SUBFORMS: usize = 300;
/// Names in one query; each is a variable of it.
const NAMES_IN_QUERY: usize = 20;

/// The only `POST` with a token that changes nothing.
const QUERY: &str = "/api/v1/query";

/// A client of the API.
pub struct Drapi {
    client: Client,
    scope: String,
    user: String,
    password: Secret,
    token: Option<Token>,
    page: u32,
    /// Fields of the forms that were asked for; designs do not change during a run.
    designs: BTreeMap<String, Option<Vec<Field>>>,
    subforms: BTreeMap<String, Json>,
}

struct Token {
    header: Secret,
    until: Instant,
}

impl Drapi {
    /// A client for one scope; nothing is asked yet.
    pub fn new(client: Client, scope: &str, user: &str, password: Secret, page: u32) -> Self {
        Self {
            client,
            scope: scope.to_owned(),
            user: user.to_owned(),
            password,
            token: None,
            page,
            designs: BTreeMap::new(),
            subforms: BTreeMap::new(),
        }
    }

    async fn log_in(&mut self) -> Result<(), DirectoryError> {
        let password = String::from_utf8_lossy(self.password.expose());
        let body = Secret::new(json!({"username": self.user, "password": password}).to_string().into_bytes());
        let headers = [("content-type", "application/json"), ("accept", "application/json")];
        let answer = self.client.query("/api/v1/auth", &headers, body.expose()).await?;
        if answer.status == StatusCode::UNAUTHORIZED || answer.status == StatusCode::FORBIDDEN {
            return Err(DirectoryError::Unauthorized(message(&answer)));
        }
        let json = read(&answer)?;
        let bearer = json.get("bearer").and_then(Json::as_str);
        let bearer = bearer.ok_or_else(|| DirectoryError::BadAnswer("a login without a token".to_owned()))?;
        let seconds = json.get("expSeconds").and_then(Json::as_u64).unwrap_or(600);
        let header = Secret::new(format!("Bearer {bearer}").into_bytes());
        self.token = Some(Token { header, until: Instant::now() + Duration::from_secs(seconds) });
        Ok(())
    }

    /// Sends with a token; one that has expired in spite of its time is renewed once.
    async fn ask(
        &mut self,
        method: Method,
        path: &str,
        body: Option<&Json>,
    ) -> Result<Answer, DirectoryError> {
        for renewed in [false, true] {
            if self.token.as_ref().is_none_or(|token| token.until < Instant::now() + MARGIN) {
                self.token = None;
                self.log_in().await?;
            }
            let Some(token) = &self.token else { break };
            let header = String::from_utf8_lossy(token.header.expose()).into_owned();
            let mut headers = vec![("authorization", header.as_str()), ("accept", "application/json")];
            let body = body.map(|body| body.to_string().into_bytes());
            if body.is_some() {
                headers.push(("content-type", "application/json"));
            }
            let body = body.as_deref().unwrap_or_default();
            let answer = if path.starts_with(QUERY) {
                self.client.query(path, &headers, body).await?
            } else {
                self.client.send(method.clone(), path, &headers, body).await?
            };
            if answer.status != StatusCode::UNAUTHORIZED {
                return Ok(answer);
            }
            self.token = None;
            if renewed {
                return Err(DirectoryError::Unauthorized(message(&answer)));
            }
        }
        Err(DirectoryError::Unauthorized("no token".to_owned()))
    }

    /// All pages of a query.
    async fn query(
        &mut self,
        query: &Query,
        dql: &str,
        variables: &Map<String, Json>,
    ) -> Result<Vec<Document>, DirectoryError> {
        let mut found: BTreeMap<Unid, Document> = BTreeMap::new();
        let mut start = 0_usize;
        loop {
            let count = self.page as usize;
            let path = format!(
                "{QUERY}?dataSource={}&action=execute&count={count}&start={start}",
                escaped(&self.scope)
            );
            let body =
                json!({"query": dql, "variables": variables, "mode": "dql", "count": count, "start": start});
            let answer = self.ask(Method::POST, &path, Some(&body)).await?;
            let page = match read(&answer)? {
                Json::Array(page) => page,
                _ => return Err(DirectoryError::BadAnswer("a query without a list".to_owned())),
            };
            let known = found.len();
            for document in page.iter().filter_map(|json| document(query.kind, json)) {
                found.insert(document.unid.clone(), query.trimmed(document));
            }
            // A server that does not page sends everything at once, or the same page again.
            if page.len() != count || found.len() == known {
                return Ok(found.into_values().collect());
            }
            start += count;
        }
    }

    fn path(&self, unid: &Unid) -> String {
        format!("/api/v1/document/{}?dataSource={}&mode=default", escaped(&unid.0), escaped(&self.scope))
    }
}

impl Directory for Drapi {
    fn kinds(&self) -> BTreeSet<DocumentKind> {
        DocumentKind::ALL.into()
    }

    async fn read(&mut self, query: &Query) -> Result<Vec<Document>, DirectoryError> {
        let form = format!("form = '{}'", query.form.form.replace('\'', "''"));
        let form = match &query.form.kind {
            Some(kind) if *kind != query.form.form => {
                format!("{form} and Type = '{}'", kind.replace('\'', "''"))
            }
            _ => form,
        };
        let Persons::With { item, names } = &query.persons else {
            return self.query(query, &form, &Map::new()).await;
        };
        let mut found = Vec::new();
        for names in names.chunks(NAMES_IN_QUERY) {
            let terms: Vec<String> = (0..names.len()).map(|index| format!("{item} = ?n{index}")).collect();
            let dql = format!("{form} and ({})", terms.join(" or "));
            let variables = names
                .iter()
                .enumerate()
                .map(|(index, name)| (format!("n{index}"), Json::String(name.canonical())))
                .collect();
            found.extend(self.query(query, &dql, &variables).await?);
        }
        Ok(found)
    }

    async fn fetch(&mut self, kind: DocumentKind, unid: &Unid) -> Result<Option<Document>, DirectoryError> {
        let path = format!("{}&computeWithForm=false", self.path(unid));
        let answer = self.ask(Method::GET, &path, None).await?;
        match read(&answer) {
            Ok(json) => document(kind, &json)
                .map(Some)
                .ok_or_else(|| DirectoryError::BadAnswer("a document without its UNID".to_owned())),
            Err(DirectoryError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn create(
        &mut self,
        form: &Form,
        items: &BTreeMap<ItemName, Value>,
    ) -> Result<Unid, DirectoryError> {
        let mut body = Map::from_iter([("Form".to_owned(), Json::String(form.form.clone()))]);
        if let Some(kind) = &form.kind {
            body.insert("Type".to_owned(), Json::String(kind.clone()));
        }
        for (name, value) in items {
            body.insert(name.as_str().to_owned(), to_json(value));
        }
        let path = format!("/api/v1/document?dataSource={}", escaped(&self.scope));
        let answer = self.ask(Method::POST, &path, Some(&Json::Object(body))).await?;
        let json = read(&answer)?;
        meta(&json)
            .map(|(unid, _)| unid)
            .ok_or_else(|| DirectoryError::BadAnswer("a new document without its UNID".to_owned()))
    }

    async fn update(&mut self, update: &Update) -> Result<(), DirectoryError> {
        let mut path = self.path(&update.unid);
        if let Some(revision) = &update.revision {
            path.push_str(&format!("&revision={}", escaped(revision)));
        }
        let changes = update.changes.iter().map(|change| {
            (change.item.as_str().to_owned(), change.after.as_ref().map_or(Json::Null, to_json))
        });
        let answer = self.ask(Method::PATCH, &path, Some(&Json::Object(changes.collect()))).await?;
        read(&answer).map(drop)
    }

    async fn delete(&mut self, unid: &Unid) -> Result<(), DirectoryError> {
        let path = self.path(unid);
        let answer = self.ask(Method::DELETE, &path, None).await?;
        read(&answer).map(drop)
    }

    async fn design(&mut self, form: &str) -> Result<Option<Vec<Field>>, DirectoryError> {
        if let Some(known) = self.designs.get(form) {
            return Ok(known.clone());
        }
        let fields = match self.element("forms", form).await? {
            Some(json) => Some(self.with_subforms(&json).await?),
            None => None,
        };
        self.designs.insert(form.to_owned(), fields.clone());
        Ok(fields)
    }
}

impl Drapi {
    /// One element of the design of `names.nsf`.
    async fn element(&mut self, what: &str, name: &str) -> Result<Option<Json>, DirectoryError> {
        let path = format!("/api/setup-v1/design/{what}/{}?nsfPath=names.nsf", escaped(name));
        let answer = self.ask(Method::GET, &path, None).await?;
        if answer.status == StatusCode::NOT_FOUND { Ok(None) } else { read(&answer).map(Some) }
    }

    /// The fields of a form, its own first, then those of its subforms. Forms that compute which subforms they show
    /// name none: then all subforms of the directory are candidates.
    async fn with_subforms(&mut self, form: &Json) -> Result<Vec<Field>, DirectoryError> {
        let mut fields = Vec::new();
        fields_of(form, &mut fields);
        let mut left = subforms_of(form);
        if left.is_empty() {
            left = self.all_subforms().await?;
        }
        let mut seen = BTreeSet::new();
        while let Some(name) = left.pop_first() {
            if seen.len() >= MOST_SUBFORMS || !seen.insert(name.clone()) {
                continue;
            }
            if !self.subforms.contains_key(&name) {
                let json = self.element("subforms", &name).await?.unwrap_or_default();
                self.subforms.insert(name.clone(), json);
            }
            if let Some(json) = self.subforms.get(&name) {
                fields_of(json, &mut fields);
                left.extend(subforms_of(json));
            }
        }
        Ok(fields)
    }

    async fn all_subforms(&mut self) -> Result<BTreeSet<String>, DirectoryError> {
        let answer =
            self.ask(Method::GET, "/api/setup-v1/designlist/subforms?nsfPath=names.nsf", None).await?;
        let mut names = BTreeSet::new();
        if answer.status != StatusCode::NOT_FOUND {
            names_of(&read(&answer)?, &mut names);
        }
        Ok(names)
    }
}

/// The body of a success, or what went wrong.
fn read(answer: &Answer) -> Result<Json, DirectoryError> {
    let text = || message(answer);
    match answer.status.as_u16() {
        200..=299 if answer.body.is_empty() => Ok(Json::Null),
        200..=299 => {
            serde_json::from_slice(&answer.body).map_err(|error| DirectoryError::BadAnswer(error.to_string()))
        }
        401 => Err(DirectoryError::Unauthorized(text())),
        403 if text().contains("names.nsf") || text().contains("scope") => Err(not_enabled(text())),
        403 => Err(DirectoryError::Forbidden(text())),
        404 if text().contains("dataSource") || text().contains("scope") => Err(not_enabled(text())),
        404 => Err(DirectoryError::NotFound),
        409 | 412 => Err(DirectoryError::Conflict),
        status => Err(DirectoryError::Refused { status, message: text() }),
    }
}

fn not_enabled(text: String) -> DirectoryError {
    DirectoryError::NotEnabled(format!(
        "{text}. names.nsf is excluded by default: put {{\"nsfExclusions\": {{\"names.nsf\": false}}}} with the other entries into \
         keepconfig.d, restart the REST API on all servers, and make a schema and a scope with the forms in mode `default` and `dql`"
    ))
}

/// What the service says, shortened: an error page may be long.
fn message(answer: &Answer) -> String {
    let json = serde_json::from_slice::<Json>(&answer.body).unwrap_or_default();
    let part = |name: &str| json.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    let text = [part("message"), part("details")]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(": ");
    let text = if text.is_empty() { format!("status {}", answer.status.as_u16()) } else { text };
    text.chars().filter(|char| !char.is_control()).take(300).collect()
}

/// UNID and revision: in `@meta`, or as `@unid` in lists.
fn meta(json: &Json) -> Option<(Unid, Option<String>)> {
    let meta = json.get("@meta");
    let unid = meta.and_then(|meta| meta.get("unid")).or_else(|| json.get("@unid"))?.as_str()?;
    let revision = meta.and_then(|meta| meta.get("revision")).and_then(|revision| match revision {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    });
    Some((Unid(unid.to_owned()), revision))
}

fn document(kind: DocumentKind, json: &Json) -> Option<Document> {
    let (unid, revision) = meta(json)?;
    let items = json.as_object()?.iter().filter(|(name, _)| !name.starts_with('@'));
    let items = items
        .filter_map(|(name, value)| Some((name.parse().ok()?, serde_json::from_value(value.clone()).ok()?)));
    Some(Document { kind, unid, revision, items: items.collect() })
}

pub(super) fn to_json(value: &Value) -> Json {
    serde_json::to_value(value).unwrap_or_default()
}
