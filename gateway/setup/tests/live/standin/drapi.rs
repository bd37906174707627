//! The REST API: tokens that expire, scopes, modes, `null` removes, revisions.

use serde_json::{Map, Value, json};

use super::{Asked, Document, Fault, Met, PASSWORD, Reply, State, USER, reply};

pub(crate) fn answer(state: &mut State, asked: &Asked) -> Reply {
    if asked.path == "/api/v1/auth" {
        return log_in(state, asked);
    }
    let token = asked.header("authorization").strip_prefix("Bearer ").unwrap_or_default().to_owned();
    match state.tokens.get_mut(&token) {
        Some(left) if *left > 0 => *left -= 1,
        _ => return failure(401, "the token is not valid or has expired"),
    }
    if let Some(form) = asked.path.strip_prefix("/api/setup-v1/design/forms/") {
        let design = state.designs.get(form).cloned();
        return design.map_or_else(|| failure(404, "no such form"), |design| reply(200, design));
    }
    if let Some(name) = asked.path.strip_prefix("/api/setup-v1/design/subforms/") {
        let design = state.subforms.get(name).cloned();
        return design.map_or_else(|| failure(404, "no such subform"), |design| reply(200, design));
    }
    if asked.path == "/api/setup-v1/designlist/subforms" {
        let names = state.subforms.keys().map(|name| json!({"name": name, "type": "subform"}));
        return reply(200, json!({"subforms": names.collect::<Vec<_>>()}));
    }
    if !state.enabled || !asked.has("dataSource", "directory") {
        return failure(404, "no scope with this dataSource; names.nsf is excluded");
    }
    match (asked.method.as_str(), asked.path.as_str()) {
        ("POST", "/api/v1/query") => query(state, asked),
        ("POST", "/api/v1/document") => create(state, asked),
        (_, path) => match path.strip_prefix("/api/v1/document/") {
            Some(unid) => one(state, asked, unid),
            None => failure(404, "no such path"),
        },
    }
}

fn failure(status: u16, message: &str) -> Reply {
    reply(status, json!({"status": status, "message": message, "details": ""}))
}

fn refused(status: u16) -> Reply {
    match status {
        401 => failure(401, "the token has expired"),
        _ => failure(403, "you are not authorized to perform that operation"),
    }
}

fn log_in(state: &mut State, asked: &Asked) -> Reply {
    let locked = state.faults.iter().any(|fault| matches!(fault, Fault::Lockout(0)));
    if locked || asked.body["username"] != USER || asked.body["password"] != PASSWORD {
        return failure(401, "wrong name or password");
    }
    state.logins += 1;
    let token = format!("token{}", state.logins);
    state.tokens.insert(token.clone(), state.token_uses);
    reply(200, json!({"bearer": token, "expSeconds": 3600}))
}

fn shown(unid: &str, document: &Document) -> Value {
    let mut json = document.items.clone();
    json.insert("@meta".to_owned(), json!({"unid": unid, "revision": document.revision.to_string()}));
    Value::Object(json)
}

/// The part of DQL that is asked: terms with `=`, joined by `and`, one group of `or`.
fn query(state: &State, asked: &Asked) -> Reply {
    let text = asked.body["query"].as_str().unwrap();
    let fits = |items: &Map<String, Value>| {
        text.split(" and ").all(|group| {
            group.trim_matches(['(', ')']).split(" or ").any(|term| {
                let (item, value) = term.split_once(" = ").unwrap();
                let value = match value.strip_prefix('?') {
                    Some(name) => asked.body["variables"][name].clone(),
                    None => json!(value.trim_matches('\'')),
                };
                let same = |found: &Value| {
                    found.as_str().unwrap_or_default().to_lowercase()
                        == value.as_str().unwrap().to_lowercase()
                };
                let name = items.keys().find(|name| name.eq_ignore_ascii_case(item));
                name.and_then(|name| items.get(name)).is_some_and(|found| match found {
                    Value::Array(values) => values.iter().any(same),
                    single => same(single),
                })
            })
        })
    };
    let number = |name: &str| asked.query[name].parse::<usize>().unwrap();
    let found = state.documents.iter().filter(|(_, document)| fits(&document.items));
    let page =
        found.skip(number("start")).take(number("count")).map(|(unid, document)| shown(unid, document));
    reply(200, Value::Array(page.collect()))
}

fn create(state: &mut State, asked: &Asked) -> Reply {
    if asked.body.get("Form").is_none() {
        return failure(400, "Form is required");
    }
    let cut = match state.meets(None) {
        Met::Refused(status) => return refused(status),
        Met::Cut => return None,
        Met::Done { cut } => cut,
    };
    let mut body = asked.body.clone();
    if body["Form"] == "Local" {
        // The form computes what is left out.
        body["Schedule"] = json!("08:00 AM - 10:00 PM");
    }
    let unid = state.put(body);
    if cut {
        return None;
    }
    reply(201, shown(&unid, &state.documents[&unid]))
}

fn one(state: &mut State, asked: &Asked, unid: &str) -> Reply {
    if asked.method != "GET" && asked.method != "DELETE" && !asked.has("mode", "default") {
        return failure(400, "no such mode");
    }
    if !state.documents.contains_key(unid) {
        return failure(404, "no such document");
    }
    if asked.method == "GET" {
        return reply(200, shown(unid, &state.documents[unid]));
    }
    let cut = match state.meets(Some(unid)) {
        Met::Refused(status) => return refused(status),
        Met::Cut => return None,
        Met::Done { cut } => cut,
    };
    if asked.method == "DELETE" {
        state.documents.remove(unid);
        return reply(200, json!({"status": 200}));
    }
    let revision = state.documents[unid].revision.to_string();
    if asked.query.get("revision").is_some_and(|known| *known != revision) {
        return failure(409, "the document has a newer revision");
    }
    let revision = state.touched();
    let document = state.documents.get_mut(unid).unwrap();
    document.revision = revision;
    if asked.method == "PUT" {
        document.items.retain(|name, _| name.starts_with('$') || name == "Form");
    }
    for (name, value) in asked.body.as_object().unwrap() {
        if value.is_null() {
            document.items.remove(name);
        } else {
            document.items.insert(name.clone(), value.clone());
        }
    }
    if cut { None } else { reply(200, shown(unid, &state.documents[unid])) }
}
