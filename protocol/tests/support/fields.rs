//! Decodes and encodes each kind of vector, and puts what was decoded into the words of the vectors.

use bytes::{Bytes, BytesMut};
use protocol::vp::awareness::{Block, ToClient, ToServer, send_type as aware};
use protocol::vp::prim::{
    AwareId, EncryptItem, IdBlock, LoginInfo, PrivacyInfo, Reader, UserItem, UserStatus, Wire, Writer,
};
use protocol::vp::{resolve, storage};
use serde_json::{Value, json};

use super::messages;

/// A decoded vector: its fields, and its bytes encoded anew.
pub(crate) struct Decoded {
    pub(crate) fields: Value,
    pub(crate) bytes: Vec<u8>,
}

/// Decodes by kind. The error is the decoder's, or says that the kind is not known.
pub(crate) fn decode(kind: &str, bytes: &[u8]) -> Result<Decoded, String> {
    match kind {
        "u16" => primitive(bytes, |r| r.u16("u16"), |v, w| w.u16(*v), |v| json!({"value": v})),
        "u32" => primitive(bytes, |r| r.u32("u32"), |v, w| w.u32(*v), |v| json!({"value": v})),
        "bool" => primitive(bytes, |r| r.bool("bool"), |v, w| w.bool(*v), |v| json!({"value": v})),
        "opaque" => primitive(
            bytes,
            |r| r.opaque("opaque"),
            |v, w| w.opaque("opaque", v).unwrap(),
            |v| json!({"value_hex": hex::encode(v)}),
        ),
        "string" => block(bytes, |v: &String| json!({"value": v})),
        "id_block" => block(bytes, id_block),
        "aware_id" => block(bytes, aware_id),
        "login_info" => block(bytes, login_info),
        "user_status" => block(bytes, user_status),
        "privacy_info" => block(bytes, privacy),
        "encrypt_item" => block(bytes, encrypt_item),
        "message" => messages::message(bytes),
        "frame" => messages::frame(bytes),
        "keepalive" => messages::keepalive(bytes),
        "aware_add" => to_server(aware::ADD, bytes),
        "aware_remove" => to_server(aware::REMOVE, bytes),
        "aware_opt_set" => to_server(aware::SET_ATTRIBUTE, bytes),
        "aware_opt_unset" => to_server(aware::UNSET_ATTRIBUTE, bytes),
        "aware_opt_watch" => to_server(aware::WATCH_ATTRIBUTES, bytes),
        "aware_snapshot" => to_client(aware::SNAPSHOT, bytes),
        "aware_update" => to_client(aware::UPDATE, bytes),
        "aware_group" => to_client(aware::GROUP, bytes),
        "aware_opt_got_set" => to_client(aware::ATTRIBUTE_SET, bytes),
        "aware_opt_got_unset" => to_client(aware::ATTRIBUTE_UNSET, bytes),
        "resolve_request" | "resolve_response" => resolve(kind, bytes),
        "storage_load" | "storage_loaded" | "storage_save" | "storage_saved" => storage(kind, bytes),
        other => panic!("no reader for vectors of kind {other}"),
    }
}

fn primitive<T>(
    bytes: &[u8],
    read: impl FnOnce(&mut Reader<'_>) -> Result<T, protocol::vp::prim::DecodeError>,
    write: impl FnOnce(&T, &mut Writer<'_>),
    fields: impl FnOnce(&T) -> Value,
) -> Result<Decoded, String> {
    let shared = Bytes::copy_from_slice(bytes);
    let mut reader = Reader::shared(&shared);
    let value = read(&mut reader).map_err(|error| error.to_string())?;
    if reader.left() != 0 {
        return Err(format!("{} bytes are left", reader.left()));
    }
    let mut out = BytesMut::new();
    write(&value, &mut Writer::new(&mut out));
    Ok(Decoded { fields: fields(&value), bytes: out.to_vec() })
}

fn block<T: Wire>(bytes: &[u8], fields: impl FnOnce(&T) -> Value) -> Result<Decoded, String> {
    primitive(bytes, T::read, |value, writer| value.write(writer).unwrap(), fields)
}

fn to_server(send_type: u16, bytes: &[u8]) -> Result<Decoded, String> {
    let payload = ToServer::decode(send_type, bytes).map_err(|error| error.to_string())?;
    let (encoded_type, encoded) = payload.encode().unwrap();
    assert_eq!(encoded_type, send_type);
    let fields = match payload {
        ToServer::Add(ids) | ToServer::Remove(ids) => {
            json!({"count": ids.len(), "ids": ids.iter().map(aware_id).collect::<Vec<_>>()})
        }
        ToServer::SetAttribute { key, value } => {
            json!({"data_len": value.len(), "key": key, "data": hex::encode(value)})
        }
        ToServer::UnsetAttribute { key } => json!({"key": key}),
        ToServer::WatchAttributes(keys) => json!({"count": keys.len(), "keys_any_order": sorted(keys)}),
        ToServer::Ignored(other) => panic!("send type {other:#x} is ignored"),
    };
    Ok(Decoded { fields, bytes: encoded.to_vec() })
}

fn to_client(send_type: u16, bytes: &[u8]) -> Result<Decoded, String> {
    let payload = ToClient::decode(send_type, bytes).map_err(|error| error.to_string())?;
    let (encoded_type, encoded) = payload.encode().unwrap();
    assert_eq!(encoded_type, send_type);
    let fields = match payload {
        ToClient::Snapshot(blocks) => {
            json!({"count": blocks.len(), "entries": blocks.iter().map(entry).collect::<Vec<_>>()})
        }
        ToClient::Update(block) => json!({"entries": [entry(&block)]}),
        ToClient::Group(id) => aware_id(&id),
        ToClient::AttributeSet(set) => json!({
            "junk1": set.unknown[0], "id": aware_id(&set.id), "junk2": set.unknown[1], "data_len": set.value.len(),
            "junk3": set.unknown[2], "key": set.key, "data": hex::encode(&set.value),
        }),
        ToClient::AttributeUnset(unset) => {
            json!({"junk1": unset.unknown, "id": aware_id(&unset.id), "key": unset.key})
        }
        ToClient::Ignored(other) => panic!("send type {other:#x} is ignored"),
    };
    Ok(Decoded { fields, bytes: encoded.to_vec() })
}

fn resolve(kind: &str, bytes: &[u8]) -> Result<Decoded, String> {
    let (fields, (send_type, encoded)) = if kind == "resolve_request" {
        let request = resolve::Request::decode(bytes).map_err(|error| error.to_string())?;
        let fields = json!({"request_id": request.id, "names": request.names, "flags": request.flags});
        (fields, request.encode().unwrap())
    } else {
        let response = resolve::Response::decode(bytes).map_err(|error| error.to_string())?;
        let results: Vec<Value> = response.results.iter().map(answer).collect();
        let fields = json!({"request_id": response.id, "code": response.code, "results": results});
        (fields, response.encode().unwrap())
    };
    assert_eq!(send_type, 0x0002);
    Ok(Decoded { fields, bytes: encoded.to_vec() })
}

fn answer(answer: &resolve::Answer) -> Value {
    let matches: Vec<Value> = answer
        .matches
        .iter()
        .map(|found| json!({"id": found.id, "name": found.name, "desc": found.desc, "type": found.kind}))
        .collect();
    json!({"code": answer.code, "name": answer.name, "matches": matches})
}

fn storage(kind: &str, bytes: &[u8]) -> Result<Decoded, String> {
    let error = |error: protocol::vp::prim::DecodeError| error.to_string();
    let (fields, expected_type, (send_type, encoded)) = match kind {
        "storage_load" => {
            let load = storage::Load::decode(bytes).map_err(error)?;
            (json!({"request_id": load.id, "count": 1, "key": load.key}), 4, load.encode().unwrap())
        }
        "storage_loaded" => {
            let loaded = storage::Loaded::decode(bytes).map_err(error)?;
            let mut fields = json!({"request_id": loaded.id, "result": loaded.result});
            if let Some(value) = &loaded.value {
                fields["key"] = json!(value.key);
                fields["data"] = json!(hex::encode(&value.data));
            }
            (fields, 5, loaded.encode().unwrap())
        }
        "storage_save" => {
            let save = storage::Save::decode(bytes).map_err(error)?;
            let fields = json!({
                "request_id": save.id, "count": 1, "offset": 20 + save.value.data.len(), "key": save.value.key,
                "data": hex::encode(&save.value.data),
            });
            (fields, 6, save.encode().unwrap())
        }
        _ => {
            let saved = storage::Saved::decode(bytes).map_err(error)?;
            (json!({"request_id": saved.id, "result": saved.result}), 7, saved.encode().unwrap())
        }
    };
    assert_eq!(send_type, expected_type);
    Ok(Decoded { fields, bytes: encoded.to_vec() })
}

fn entry(block: &Block) -> Value {
    let mut fields =
        json!({"id": aware_id(&block.id), "group": block.group, "online": block.state.is_some()});
    if let Some(state) = &block.state {
        fields["alt_id"] = json!(state.alt_id);
        fields["status"] = json!(state.status.status);
        fields["desc"] = json!(state.status.desc);
        fields["name"] = json!(state.name);
    }
    fields
}

fn aware_id(id: &AwareId) -> Value {
    json!({"type": id.kind, "user": id.user, "community": id.community})
}

pub(crate) fn id_block(id: &IdBlock) -> Value {
    json!({"user": id.user, "community": id.community})
}

pub(crate) fn login_info(login: &LoginInfo) -> Value {
    let mut fields = json!({
        "login_id": login.login_id.to_string(), "login_type": login.login_type, "user_id": login.user_id,
        "user_name": login.user_name, "community": login.community, "full": login.detail.is_some(),
    });
    if let Some(detail) = &login.detail {
        fields["desc"] = json!(detail.desc);
        fields["ip"] = json!(detail.ip);
        fields["server_id"] = json!(detail.server_id);
    }
    fields
}

pub(crate) fn user_status(status: &UserStatus) -> Value {
    json!({"status": status.status, "time": status.time, "desc": status.desc})
}

/// The library keeps the list in the reverse order of the wire.
pub(crate) fn privacy(privacy: &PrivacyInfo) -> Value {
    let users: Vec<Value> = privacy.users.iter().rev().map(user_item).collect();
    json!({"deny": privacy.deny, "count": users.len(), "users_in_memory_order": users})
}

fn user_item(user: &UserItem) -> Value {
    let mut fields = json!({"full": user.name.is_some(), "id": user.id, "community": user.community});
    if let Some(name) = &user.name {
        fields["name"] = json!(name);
    }
    fields
}

pub(crate) fn encrypt_item(item: &EncryptItem) -> Value {
    json!({"cipher_id": item.cipher, "info": hex::encode(&item.info)})
}

fn sorted(mut keys: Vec<u32>) -> Vec<u32> {
    keys.sort_unstable();
    keys
}
