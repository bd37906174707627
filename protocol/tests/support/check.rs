//! Checks one vector, whatever its kind.

use protocol::vp::frame::{Item, Splitter};
use protocol::vp::message::Message;
use serde_json::{Value, json};

use super::Vector;
use super::expected::compare;
pub(crate) use super::expected::is_informative;
use super::fields::decode;
use super::messages::items;

/// How a vector was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Decoded to its fields, encoded to its bytes.
    Same,
    /// Decoded to its fields; encoded to other bytes that mean the same.
    Equivalent,
    /// Rejected, ignored or skipped, as it should be.
    Refused,
    /// A vector of the cryptography: the tests of `vectors_crypto.rs`.
    Cryptography,
}

/// Checks a vector; the error says what was wrong.
pub(crate) fn check(vector: &Vector) -> Result<Outcome, String> {
    if matches!(vector.kind.as_str(), "rc2_cbc" | "dh_exchange" | "dh_parameters" | "auth_data" | "keys") {
        return Ok(Outcome::Cryptography);
    }
    match vector.expect.as_str() {
        "accept" if vector.kind == "stream" => stream(vector),
        "accept" => accept(vector),
        "reject" if vector.kind == "stream" => match items(&vector.bytes, chunk(vector).unwrap_or(1)) {
            Ok((items, _)) => Err(format!("was accepted as {items:?}")),
            Err(_) => Ok(Outcome::Refused),
        },
        "reject" => match decode(&vector.kind, &vector.bytes) {
            Ok(decoded) => Err(format!("was accepted as {}", decoded.fields)),
            Err(_) => Ok(Outcome::Refused),
        },
        "ignore" => {
            let decoded = decode(&vector.kind, &vector.bytes)?;
            compare(&vector.kind, &vector.fields, &decoded.fields, true)?;
            if decoded.fields["message"] == "Unknown" { Ok(Outcome::Refused) } else { Err("is known".into()) }
        }
        "skip" => skip(vector),
        other => Err(format!("nobody knows how to expect {other}")),
    }
}

fn accept(vector: &Vector) -> Result<Outcome, String> {
    let decoded = decode(&vector.kind, &vector.bytes)?;
    compare(&vector.kind, &vector.fields, &decoded.fields, vector.origin == "mutated")?;
    if decoded.bytes == vector.bytes {
        return Ok(Outcome::Same);
    }
    // What an encoder wrote must come out the same; what was composed may use an unusual form.
    if matches!(vector.origin.as_str(), "lib_encode" | "lib_session") {
        return Err(format!("encoded as {}", hex::encode(decoded.bytes)));
    }
    let again = decode(&vector.kind, &decoded.bytes)?;
    if again.fields == decoded.fields {
        Ok(Outcome::Equivalent)
    } else {
        Err(format!("means something else when encoded again: {}", again.fields))
    }
}

/// An empty message has no frame of its own: the splitter passes over it.
fn skip(vector: &Vector) -> Result<Outcome, String> {
    let mut splitter = Splitter::new(1 << 24);
    let mut stream = bytes::BytesMut::new();
    protocol::vp::frame::frame(&vector.bytes, &mut stream);
    splitter.push(&stream);
    match (splitter.next(), splitter.buffered()) {
        (Ok(None), 0) => Ok(Outcome::Refused),
        other => Err(format!("was not skipped: {other:?}")),
    }
}

fn stream(vector: &Vector) -> Result<Outcome, String> {
    let (items, left) = items(&vector.bytes, chunk(vector).ok_or("no size of chunks")?)?;
    let mut names: Vec<&str> = items.iter().map(item_name).collect();
    if left > 0 {
        names.push("incomplete");
    }
    // Empty frames are passed over; what they take of the stream is accounted for by the bytes below.
    let mut expected = vector.fields.clone();
    let mut empty_frames = 0;
    if let Some(expected) = expected["items"].as_array_mut() {
        empty_frames = expected.iter().filter(|item| **item == "empty").count();
        expected.retain(|item| item != "empty");
    }
    let saw: String = items.iter().filter_map(admin_text).map(|text| text + "|").collect();
    compare("stream", &expected, &json!({"items": names, "library_saw": saw}), false)?;
    let consumed: usize = items.iter().map(item_len).sum::<usize>() + 4 * empty_frames;
    if consumed + left == vector.bytes.len() {
        Ok(Outcome::Same)
    } else {
        Err(format!("{consumed} bytes used and {left} left, of {}", vector.bytes.len()))
    }
}

fn chunk(vector: &Vector) -> Option<usize> {
    usize::try_from(vector.fields["fed_in_chunks_of"].as_u64()?).ok().filter(|chunk| *chunk > 0)
}

fn item_name(item: &Item) -> &'static str {
    match item {
        Item::Frame(_) => "frame",
        Item::Keepalive => "keepalive",
        Item::Counter(_) => "counter",
    }
}

fn item_len(item: &Item) -> usize {
    match item {
        Item::Frame(frame) => 4 + frame.len(),
        Item::Keepalive | Item::Counter(_) => 1,
    }
}

fn admin_text(item: &Item) -> Option<String> {
    let Item::Frame(frame) = item else { return None };
    match Message::decode(frame) {
        Ok((_, Message::Admin(text))) => Some(text),
        _ => None,
    }
}

/// The same value, but not equal to it.
pub(crate) fn altered(value: &Value) -> Value {
    match value {
        Value::Null => json!(0),
        Value::Bool(value) => json!(!value),
        Value::Number(number) => json!(number.as_u64().unwrap() ^ 1),
        Value::String(text) => json!(format!("{text}00")),
        Value::Array(items) => json!([items.as_slice(), &[json!({})]].concat()),
        Value::Object(fields) => {
            let mut fields = fields.clone();
            fields.insert("more".into(), json!(0));
            Value::Object(fields)
        }
    }
}
