//! One-touch set-up (domino-directory.md 3.1): for a server that is set up for the first time, and for no other.
//!
//! JSON holds no remarks; what the values rest on stands in `by-hand.md`.

use serde_json::{Map, Value as Json, json};

use super::{carried, ini_lines, is_carried, keys, texts};
use crate::config::Setup;
use crate::items::{ItemKind, ItemTable};
use crate::plan::{Action, DocumentPlan, ItemPlan};

pub(super) fn file(setup: &Setup, table: &ItemTable, documents: &[&DocumentPlan]) -> Option<String> {
    let entries: Vec<Json> = documents
        .iter()
        .filter(|document| is_carried(document))
        .filter_map(|document| match document.action {
            Action::Create => Some(created(document)),
            _ => updated(table, document),
        })
        .collect();
    let variables: Map<String, Json> = ini_lines::to_set(setup)
        .filter_map(|line| Some((line.name.to_owned(), Json::String(line.value?))))
        .collect();
    if entries.is_empty() && variables.is_empty() {
        return None;
    }
    let mut file = json!({
        "appConfiguration": {
            "databases": [{ "filePath": "names.nsf", "action": "update", "documents": entries }]
        }
    });
    if !variables.is_empty() {
        file["serverSetup"] = json!({ "notesINI": variables });
    }
    Some(format!("{file:#}\n"))
}

fn created(document: &DocumentPlan) -> Json {
    let mut items = items(document);
    items.insert("Form".into(), json!(document.form));
    if let Some(kind) = &document.form_type {
        items.insert("Type".into(), json!(kind));
    }
    json!({ "action": "create", "computeWithForm": true, "items": items })
}

/// None where the document could not be found by plain item values.
fn updated(table: &ItemTable, document: &DocumentPlan) -> Option<Json> {
    let mut find = Map::new();
    match &document.form_type {
        Some(kind) => find.insert("Type".into(), json!(kind)),
        None => find.insert("Form".into(), json!(document.form)),
    };
    for (item, text) in keys(table, document)? {
        find.insert(item.as_str().to_owned(), json!(text));
    }
    Some(json!({ "action": "update", "findDocument": find, "items": items(document) }))
}

fn items(document: &DocumentPlan) -> Map<String, Json> {
    carried(document).map(|(name, item)| (name.as_str().to_owned(), value(item))).collect()
}

fn value(item: &ItemPlan) -> Json {
    let texts = texts(item.kind, &item.wanted);
    let first = texts.first().cloned().unwrap_or_default();
    match item.kind {
        ItemKind::Number => first.parse::<i64>().map_or(Json::String(first), Json::from),
        kind if kind.is_list() => json!(texts),
        _ => Json::String(first),
    }
}
