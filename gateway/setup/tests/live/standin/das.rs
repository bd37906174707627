//! The data API: Basic, 403 when not enabled, PUT that removes, an override header for PATCH, 412.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::{Asked, Fault, Met, PASSWORD, Reply, State, USER, reply};

const BASE: &str = "/names.nsf/api/data/documents";

pub(crate) fn answer(state: &mut State, asked: &Asked) -> Reply {
    let expected = format!("Basic {}", BASE64_STANDARD.encode(format!("{USER}:{PASSWORD}")));
    let locked = state.faults.contains(&Fault::Lockout(0));
    if locked || asked.header("authorization") != expected {
        return reply(401, Value::Null);
    }
    if !state.enabled {
        return reply(403, json!({"code": 403}));
    }
    let Some(rest) = asked.path.strip_prefix(BASE) else { return reply(404, Value::Null) };
    let overridden = asked.header("x-http-method-override");
    let method = if overridden.is_empty() { asked.method.as_str() } else { overridden };
    match (method, rest.strip_prefix("/unid/")) {
        ("GET", None) => list(state, asked),
        ("POST", None) => create(state, asked),
        ("PATCH", _) if asked.method == "PATCH" && !state.patch_allowed => reply(405, Value::Null),
        (method, Some(unid)) => one(state, asked, method, unid),
        _ => reply(405, Value::Null),
    }
}

fn list(state: &State, asked: &Asked) -> Reply {
    let form = match asked.query.get("search").and_then(|search| search.strip_prefix("FIELD Form CONTAINS "))
    {
        Some(_) if !state.indexed => {
            return reply(500, json!({"message": "the database is not full-text indexed"}));
        }
        form => form,
    };
    // A full-text search finds words anywhere in the item.
    let fits = |items: &serde_json::Map<String, Value>| {
        form.is_none_or(|form| items["Form"].as_str().unwrap().contains(form))
    };
    let found = state.documents.iter().filter(|(_, document)| fits(&document.items));
    reply(
        200,
        found.map(|(unid, _)| json!({"@unid": unid, "@href": format!("{BASE}/unid/{unid}")})).collect(),
    )
}

fn time(revision: u64) -> String {
    // Not a real date: only its equality matters to the client, and its order to the stand-in.
    format!("Mon, 23 Nov 2026 {revision} GMT")
}

fn create(state: &mut State, asked: &Asked) -> Reply {
    let cut = match state.meets(None) {
        Met::Refused(status) => return reply(status, Value::Null),
        Met::Cut => return None,
        Met::Done { cut } => cut,
    };
    let mut body = asked.body.clone();
    body["Form"] = json!(asked.query["form"]);
    let unid = state.put(body);
    (!cut).then_some(())?;
    Some((201, vec![("location", format!("{BASE}/unid/{unid}"))], Value::Null))
}

fn one(state: &mut State, asked: &Asked, method: &str, unid: &str) -> Reply {
    let Some(document) = state.documents.get(unid) else { return reply(404, Value::Null) };
    if method == "GET" {
        let mut json = document.items.clone();
        json.insert("@unid".to_owned(), json!(unid));
        return Some((200, vec![("last-modified", time(document.revision))], Value::Object(json)));
    }
    let cut = match state.meets(Some(unid)) {
        Met::Refused(status) => return reply(status, Value::Null),
        Met::Cut => return None,
        Met::Done { cut } => cut,
    };
    if method == "DELETE" {
        state.documents.remove(unid);
        return if cut { None } else { reply(200, Value::Null) };
    }
    let known = asked.header("if-unmodified-since");
    if !known.is_empty() && known != time(state.documents[unid].revision) {
        return reply(412, Value::Null);
    }
    let revision = state.touched();
    let computed = state.computed.filter(|_| asked.has("computewithform", "true"));
    let document = state.documents.get_mut(unid).unwrap();
    document.revision = revision;
    if method == "PUT" {
        document.items.retain(|name, _| name.starts_with('$') || name == "Form");
    }
    for (name, value) in asked.body.as_object().unwrap() {
        if !name.starts_with(['$', '@']) && name != "Form" {
            document.items.insert(name.clone(), value.clone());
        }
    }
    if let Some((name, always)) = computed
        && document.items["Form"] == "Server"
        && (always || asked.body.get(name).is_none())
    {
        document.items.insert(name.to_owned(), json!("computed by the form"));
    }
    if cut { None } else { reply(200, Value::Null) }
}
