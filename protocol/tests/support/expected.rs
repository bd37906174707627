//! What of a vector's fields is to be compared, and what is only told for the reader.

use serde_json::{Map, Value, json};

/// Fields that no decoder can give: remarks, inputs of the recording, values that a cipher or another message
/// holds, and zeros that are compared as bytes only.
pub(crate) fn is_informative(kind: &str, field: &str) -> bool {
    match kind {
        _ if matches!(field, "why" | "observed_in_library") => true,
        "message" | "frame" => matches!(field, "index_on_channel" | "data_plaintext"),
        "stream" => field == "fed_in_chunks_of",
        "aware_snapshot" | "aware_update" => field == "bytes_left",
        "aware_opt_set" | "aware_opt_unset" | "aware_opt_watch" => {
            matches!(field, "zero" | "zero1" | "zero2")
        }
        "aware_opt_got_set" | "aware_opt_got_unset" => field == "library_callback",
        "resolve_request" => field == "length_field",
        "storage_saved" => matches!(field, "key" | "data"),
        _ => false,
    }
}

/// Fields that some vectors of a kind leave out although the bytes hold them.
fn may_be_missing(kind: &str, field: &str) -> bool {
    match kind {
        // The encrypted sends name only the type.
        "message" => field == "message",
        // "fields are the library's callback", which has no id.
        "storage_loaded" | "storage_saved" => field == "request_id",
        _ => false,
    }
}

/// Whether the decoded fields are those of the vector. With `partly`, the vector may name only some.
pub(crate) fn compare(kind: &str, expected: &Value, decoded: &Value, partly: bool) -> Result<(), String> {
    let expected = comparable(kind, expected);
    let decoded = decoded.as_object().ok_or("decoded fields are no object")?;
    for (field, value) in &expected {
        if decoded.get(field) != Some(value) {
            let found = decoded.get(field).map_or("nothing".to_owned(), Value::to_string);
            return Err(format!("{field} should be {value}, is {found}"));
        }
    }
    for (field, value) in decoded {
        if !expected.contains_key(field) && !partly && !may_be_missing(kind, field) {
            return Err(format!("{field} should not be there, is {value}"));
        }
    }
    Ok(())
}

/// The fields in the one form that is compared.
fn comparable(kind: &str, fields: &Value) -> Map<String, Value> {
    let mut fields = fields.as_object().cloned().unwrap_or_default();
    if let Some(ciphertext) = fields.remove("data_ciphertext") {
        // An encrypted send; its text is that of the plaintext.
        fields.insert("data".into(), ciphertext);
        fields.remove("text");
    }
    if let Some(Value::String(text)) = fields.remove("data_string") {
        let len = u16::try_from(text.len()).unwrap();
        fields.insert("data".into(), json!(hex::encode([&len.to_be_bytes(), text.as_bytes()].concat())));
    }
    if let Some(Value::Array(keys)) = fields.get_mut("keys_any_order") {
        keys.sort_by_key(Value::as_u64);
    }
    fields.retain(|field, _| !is_informative(kind, field));
    fields
}
