//! What travels on the event channel: browser-side.md 3.4 and 3.5. Values are made here whole, so that no
//! entry can lack its `action` or `returnCode`.

use bytes::{BufMut, Bytes, BytesMut};
use serde_json::{Map, Value, json};

use super::{Code, ScriptStatus};
use crate::presence::Presence;

/// The value of an entry: what happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Update(Value);

impl Update {
    /// With these fields beside the action. Status 200.
    pub fn new(action: [&str; 2], fields: Value) -> Self {
        Self::with_code(action, fields, 200)
    }

    /// What a command cannot bring about.
    pub fn failed(action: [&str; 2], fields: Value, status: u16, code: Code) -> Self {
        let mut update = Self::with_code(action, fields, status);
        if let Some(fields) = update.0.as_object_mut() {
            fields.insert("code".into(), code.number().into());
            fields.insert("reason".into(), code.text().into());
        }
        update
    }

    fn with_code(action: [&str; 2], fields: Value, status: u16) -> Self {
        let mut value = match fields {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        value.insert("action".into(), json!(action));
        value.insert("returnCode".into(), status.into());
        Self(Value::Object(value))
    }

    /// The own status has changed, here or at another client of the user.
    pub fn own_status(id: &str, presence: &Presence) -> Self {
        let person = json!({
            "id": id,
            "status": ScriptStatus::of_presence(presence).0,
            "statusMessage": &*presence.text,
        });
        let fields = json!({
            "type": "MY_STATUS_CHANGED",
            "action": ["MY_STATUS_CHANGED"],
            "person": person,
            "returnCode": 200,
        });
        Self(fields)
    }

    /// The value itself.
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// The entry of a poll's answer.
    pub fn entry(&self, sid: &str, millis: u64) -> Bytes {
        entry(sid, self.0.to_string().as_bytes(), millis)
    }
}

/// A person in a watch list update, as a piece of [`watchlist`]. `name` is the id that the page knows.
pub fn person(name: &str, presence: &Presence) -> Bytes {
    let person = json!({
        "id": name,
        "status": ScriptStatus::of_presence(presence).0,
        "statusMessage": &*presence.text,
        "displayName": &*presence.name,
    });
    person.to_string().into()
}

/// The entry of a watch list update, joined from its persons.
pub fn watchlist<'a>(sid: &str, people: impl Iterator<Item = &'a Bytes>, millis: u64) -> Bytes {
    let mut value = BytesMut::new();
    value.put_slice(br#"{"action":["watchlist","watchlist"],"returnCode":200,"watchlist":["#);
    join(&mut value, people);
    value.put_slice(b"]}");
    entry(sid, &value, millis)
}

/// A poll's whole answer. `number` counts the answers of a session, for clients that confirm them (`ack`).
pub fn answer<'a>(entries: impl Iterator<Item = &'a Bytes>, number: u64) -> Bytes {
    let mut body = BytesMut::new();
    body.put_slice(br#"{"update":["#);
    join(&mut body, entries);
    body.put_slice(format!(r#"],"seq":{number}}}"#).as_bytes());
    body.freeze()
}

/// The answer of a poll that has nothing to say.
pub const NOTHING: Bytes = Bytes::from_static(br#"{"update":[]}"#);

fn entry(sid: &str, value: &[u8], millis: u64) -> Bytes {
    let sid = Value::from(sid).to_string();
    let mut entry = BytesMut::with_capacity(value.len() + 128);
    entry.put_slice(
        format!(r#"{{"sid":{sid},"op":"add","cn":{sid},"type":"channel","key":"","value":"#).as_bytes(),
    );
    entry.put_slice(value);
    entry.put_slice(format!(r#","time":{millis}}}"#).as_bytes());
    entry.freeze()
}

fn join<'a>(out: &mut BytesMut, pieces: impl Iterator<Item = &'a Bytes>) {
    for (index, piece) in pieces.enumerate() {
        if index > 0 {
            out.put_u8(b',');
        }
        out.put_slice(piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presence::Status;

    #[test]
    fn an_entry_has_the_documented_shape() {
        let away =
            Presence { status: Status::Away, text: "\"Lunch\" </script>".into(), ..Presence::default() };
        let added = json!({"userId": "CN=Bo,O=Acme", "displayName": "Bo"});
        let added = Update::new(["watchlist", "addUser"], added).entry("6f0c", 1_790_000_000_000);
        let people = [person("CN=Bo,O=Acme", &away), person("bo@acme.example", &away)];
        let list = watchlist("6f0c", people.iter(), 7);
        let body: Value = serde_json::from_slice(&answer([added, list].iter(), 3)).unwrap();
        let first = &body["update"][0];
        assert_eq!(
            *first,
            json!({"sid": "6f0c", "op": "add", "cn": "6f0c", "type": "channel", "key": "", "time": 1_790_000_000_000_u64,
                "value": {"action": ["watchlist", "addUser"], "userId": "CN=Bo,O=Acme", "displayName": "Bo", "returnCode": 200}})
        );
        let second = &body["update"][1]["value"];
        assert_eq!(second["watchlist"][1]["id"], "bo@acme.example");
        assert_eq!(second["watchlist"][0]["status"], 2);
        assert_eq!(second["watchlist"][0]["statusMessage"], "\"Lunch\" </script>");
        assert_eq!(body["seq"], 3);
    }

    #[test]
    fn nothing_lacks_its_action_or_its_code() {
        let failed = Update::failed(["watchlist", "addUser"], json!({"userId": "x"}), 404, Code::NoPerson);
        assert_eq!((&failed.value()["returnCode"], &failed.value()["code"]), (&json!(404), &json!(7)));
        let own = Update::own_status("CN=Ann", &Presence::of(Status::Dnd));
        assert_eq!(own.value()["person"]["status"], 3);
        assert!(own.value()["action"].is_array() && own.value()["returnCode"] == 200);
        assert_eq!(serde_json::from_slice::<Value>(&NOTHING).unwrap(), json!({"update": []}));
    }
}
