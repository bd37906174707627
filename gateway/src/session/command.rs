//! What a page may ask for on its event channel (docs/events.md): JSON in, a checked command or an error
//! that says what is wrong with it.

use std::sync::Arc;

use gateway_core::Cursor;
use protocol::presence::{PersonId, Status};
use serde_json::{Map, Value};

use crate::names::LONGEST_NAME;

/// Directory ids and status texts are short; anything longer is not one.
const LONGEST_ID: usize = 512;
const LONGEST_TEXT: usize = 1024;

/// One command, and the number by which the page wants to recognise the answer.
#[derive(Debug, PartialEq)]
pub(crate) struct Command {
    pub(crate) id: Option<u64>,
    pub(crate) op: Op,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Op {
    Watch { ids: Vec<PersonId>, names: Vec<Arc<str>>, since: Option<Cursor> },
    Unwatch(Vec<PersonId>),
    UnwatchAll,
    Status { status: Status, text: Arc<str> },
    Logout,
    Ping,
    Renew,
}

/// A command that was not carried out. Other commands and watches are untouched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) id: Option<u64>,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(id: Option<u64>, code: &'static str, message: impl Into<String>) -> Self {
        Self { id, code, message: message.into() }
    }
}

/// One command, as a WebSocket message carries it.
pub(crate) fn one(text: &[u8]) -> Result<Command, Refusal> {
    command(&parse(text)?)
}

/// One command or an array of them, as a `POST` carries it. The outer error is for the whole body.
pub(crate) fn many(text: &[u8]) -> Result<Vec<Result<Command, Refusal>>, Refusal> {
    Ok(match parse(text)? {
        Value::Array(commands) => commands.iter().map(command).collect(),
        single => vec![command(&single)],
    })
}

fn parse(text: &[u8]) -> Result<Value, Refusal> {
    serde_json::from_slice(text).map_err(|error| {
        // The position is ours to tell; the text around it is not.
        let place = format!("line {}, column {}", error.line(), error.column());
        Refusal::new(None, "bad_json", format!("not JSON: {place}"))
    })
}

fn command(value: &Value) -> Result<Command, Refusal> {
    let Value::Object(fields) = value else {
        return Err(Refusal::new(None, "bad_json", "a command is an object"));
    };
    let id = match fields.get("id") {
        None => None,
        Some(number) => match number.as_u64() {
            Some(number) => Some(number),
            None => return Err(Refusal::new(None, "bad_json", "id: a whole number is expected")),
        },
    };
    let op = match fields.get("op").and_then(Value::as_str) {
        Some("watch") => watch(fields),
        Some("unwatch") => unwatch(fields),
        Some("status") => status(fields),
        Some("logout") => Ok(Op::Logout),
        Some("ping") => Ok(Op::Ping),
        Some("renew") => Ok(Op::Renew),
        Some(_) => Err(("unknown_op", "op: no such command".to_owned())),
        None => Err(("unknown_op", "op: the name of a command is expected".to_owned())),
    };
    match op {
        Ok(op) => Ok(Command { id, op }),
        Err((code, message)) => Err(Refusal { id, code, message }),
    }
}

type Reason = (&'static str, String);

fn watch(fields: &Map<String, Value>) -> Result<Op, Reason> {
    let since = match fields.get("since") {
        None | Some(Value::Null) => None,
        // A cursor of another node or version is not an error: everything is sent then.
        Some(Value::String(text)) => text.parse().ok(),
        Some(_) => return Err(("bad_json", "since: a cursor is expected".to_owned())),
    };
    // Names alone are enough.
    let ids =
        if fields.contains_key("names") && !fields.contains_key("ids") { Vec::new() } else { ids(fields)? };
    Ok(Op::Watch { ids, names: names(fields)?, since })
}

fn names(fields: &Map<String, Value>) -> Result<Vec<Arc<str>>, Reason> {
    let names = match fields.get("names") {
        None => return Ok(Vec::new()),
        Some(Value::Array(names)) => names,
        Some(_) => return Err(("bad_json", "names: an array of names is expected".to_owned())),
    };
    let text = |(index, name): (usize, &Value)| {
        let name = name.as_str().filter(|name| name.len() <= LONGEST_NAME).map(Arc::from);
        let wrong =
            || ("bad_json", format!("names[{index}]: a text of up to {LONGEST_NAME} bytes is expected"));
        name.ok_or_else(wrong)
    };
    names.iter().enumerate().map(text).collect()
}

fn unwatch(fields: &Map<String, Value>) -> Result<Op, Reason> {
    if fields.get("all").and_then(Value::as_bool) == Some(true) {
        return Ok(Op::UnwatchAll);
    }
    ids(fields).map(Op::Unwatch)
}

fn ids(fields: &Map<String, Value>) -> Result<Vec<PersonId>, Reason> {
    let Some(Value::Array(ids)) = fields.get("ids") else {
        return Err(("bad_json", "ids: an array of directory ids is expected".to_owned()));
    };
    let mut people = Vec::with_capacity(ids.len());
    for (index, id) in ids.iter().enumerate() {
        match id.as_str() {
            Some(id) if !id.is_empty() && id.len() <= LONGEST_ID => people.push(PersonId::from(id)),
            _ => {
                return Err((
                    "bad_json",
                    format!("ids[{index}]: a text of 1 to {LONGEST_ID} bytes is expected"),
                ));
            }
        }
    }
    Ok(people)
}

fn status(fields: &Map<String, Value>) -> Result<Op, Reason> {
    let status = fields.get("status").and_then(Value::as_str).and_then(Status::from_name);
    let Some(status) = status.filter(|status| status.is_online()) else {
        return Err(("bad_status", "status: active, idle, away, dnd or meeting is expected".to_owned()));
    };
    let text = match fields.get("text") {
        None | Some(Value::Null) => "",
        Some(Value::String(text)) if text.len() <= LONGEST_TEXT => text,
        Some(_) => {
            return Err(("bad_status", format!("text: a text of at most {LONGEST_TEXT} bytes is expected")));
        }
    };
    Ok(Op::Status { status, text: text.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> (Option<u64>, &'static str, String) {
        let refusal = one(text.as_bytes()).unwrap_err();
        (refusal.id, refusal.code, refusal.message)
    }

    #[test]
    fn every_command_is_understood() {
        let op = |text: &str| one(text.as_bytes()).unwrap().op;
        let ids = vec![PersonId::from("CN=Bo/O=Acme")];
        let text = r#"{"op":"watch","ids":["CN=Bo/O=Acme"],"since":"1.2.3"}"#;
        assert_eq!(op(text), Op::Watch { ids: ids.clone(), names: vec![], since: "1.2.3".parse().ok() });
        let text = r#"{"op":"watch","ids":["CN=Bo/O=Acme"],"since":"from elsewhere"}"#;
        assert_eq!(op(text), Op::Watch { ids: ids.clone(), names: vec![], since: None });
        let text = r#"{"op":"watch","names":["Bo/Acme"]}"#;
        assert_eq!(op(text), Op::Watch { ids: vec![], names: vec!["Bo/Acme".into()], since: None });
        assert_eq!(op(r#"{"op":"unwatch","ids":["CN=Bo/O=Acme"]}"#), Op::Unwatch(ids));
        assert_eq!(op(r#"{"op":"unwatch","all":true}"#), Op::UnwatchAll);
        let text = r#"{"op":"status","status":"dnd","text":"Writing"}"#;
        assert_eq!(op(text), Op::Status { status: Status::Dnd, text: "Writing".into() });
        assert_eq!(op(r#"{"op":"logout"}"#), Op::Logout);
        assert_eq!(one(br#"{"op":"ping","id":7}"#).unwrap(), Command { id: Some(7), op: Op::Ping });
    }

    #[test]
    fn a_bad_command_is_told_where_it_is_bad() {
        assert_eq!(refusal("{"), (None, "bad_json", "not JSON: line 1, column 1".into()));
        assert_eq!(refusal("[]"), (None, "bad_json", "a command is an object".into()));
        assert_eq!(
            refusal(r#"{"op":"dance","id":3}"#),
            (Some(3), "unknown_op", "op: no such command".into())
        );
        assert_eq!(
            refusal(r#"{"op":"ping","id":-1}"#),
            (None, "bad_json", "id: a whole number is expected".into())
        );
        let (_, code, message) = refusal(r#"{"op":"watch","ids":["a",7]}"#);
        assert_eq!((code, &*message), ("bad_json", "ids[1]: a text of 1 to 512 bytes is expected"));
        let (_, code, _) = refusal(r#"{"op":"status","status":"offline"}"#);
        assert_eq!(code, "bad_status");
        let long = format!(r#"{{"op":"status","status":"away","text":"{}"}}"#, "x".repeat(1025));
        assert_eq!(refusal(&long).1, "bad_status");
    }

    #[test]
    fn deep_nesting_is_an_error_and_no_crash() {
        assert_eq!(refusal(&"[".repeat(60_000)).1, "bad_json");
    }

    #[test]
    fn a_post_may_carry_several() {
        let commands = many(br#"[{"op":"ping"},{"op":"x","id":2},{"op":"logout"}]"#).unwrap();
        assert_eq!(commands.len(), 3);
        assert_eq!(commands[1].as_ref().unwrap_err().id, Some(2));
    }
}
