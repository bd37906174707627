//! Messages, frames and streams in the words of the vectors.

use bytes::{Bytes, BytesMut};
use protocol::vp::frame::{Item, Splitter};
use protocol::vp::message::{
    Announce, ChannelAccept, ChannelCreate, Handshake, HandshakeAck, Header, LoginAck, Message, OneTime,
};
use protocol::vp::service::Service;
use serde_json::{Value, json};

use super::fields::{Decoded, encrypt_item, id_block, login_info, privacy, user_status};

pub(crate) fn message(bytes: &[u8]) -> Result<Decoded, String> {
    let (header, message) =
        Message::decode(&Bytes::copy_from_slice(bytes)).map_err(|error| error.to_string())?;
    let mut out = BytesMut::new();
    message.encode(&header, &mut out).unwrap();
    Ok(Decoded { fields: message_fields(&header, &message), bytes: out.to_vec() })
}

pub(crate) fn frame(bytes: &[u8]) -> Result<Decoded, String> {
    let (items, left) = items(bytes, bytes.len().max(1))?;
    let [Item::Frame(frame)] = items.as_slice() else {
        return Err(format!("{} items instead of one frame", items.len()));
    };
    if left != 0 {
        return Err(format!("{left} bytes are left"));
    }
    let (header, message) = Message::decode(frame).map_err(|error| error.to_string())?;
    let mut out = BytesMut::new();
    message.encode_frame(&header, &mut out).unwrap();
    Ok(Decoded { fields: message_fields(&header, &message), bytes: out.to_vec() })
}

pub(crate) fn keepalive(bytes: &[u8]) -> Result<Decoded, String> {
    let (items, left) = items(bytes, 1)?;
    if items != [Item::Keepalive] || left != 0 {
        return Err(format!("{items:?} and {left} bytes instead of one keepalive"));
    }
    Ok(Decoded { fields: json!({"keepalive": true}), bytes: vec![protocol::vp::frame::KEEPALIVE] })
}

/// The items of a stream that arrives in chunks, and the number of bytes that wait for more. The error is the
/// splitter's.
pub(crate) fn items(stream: &[u8], chunk: usize) -> Result<(Vec<Item>, usize), String> {
    let mut splitter = Splitter::new(1 << 24);
    let mut items = Vec::new();
    for chunk in stream.chunks(chunk) {
        splitter.push(chunk);
        while let Some(item) = splitter.next().map_err(|error| error.to_string())? {
            items.push(item);
        }
    }
    Ok((items, splitter.buffered()))
}

fn message_fields(header: &Header, message: &Message) -> Value {
    let mut fields = json!({
        "message": name(message), "type": message.kind(), "options": header.options, "channel": header.channel.0,
    });
    if let Some(attributes) = &header.attributes {
        fields["attribs"] = json!(hex::encode(attributes));
    }
    let Value::Object(body) = body_fields(message) else { panic!("fields are an object") };
    for (key, value) in body {
        fields[key] = value;
    }
    fields
}

fn name(message: &Message) -> &'static str {
    match message {
        Message::Handshake(_) => "Handshake",
        Message::HandshakeAck(_) => "HandshakeAck",
        Message::Login(_) => "Login",
        Message::LoginAck(_) => "LoginAck",
        Message::LoginRedirect(_) => "LoginRedirect",
        Message::LoginContinue => "LoginContinue",
        Message::ChannelCreate(_) => "ChannelCreate",
        Message::ChannelAccept(_) => "ChannelAccept",
        Message::ChannelSend(_) => "ChannelSend",
        Message::ChannelDestroy(_) => "ChannelDestroy",
        Message::OneTime(_) => "OneTime",
        Message::SetUserStatus(_) => "SetUserStatus",
        Message::SetPrivacyList(_) => "SetPrivacyList",
        Message::SenseService(_) => "SenseService",
        Message::Admin(_) => "Admin",
        Message::Announce(_) => "Announce",
        Message::Unknown { .. } => "Unknown",
    }
}

fn body_fields(message: &Message) -> Value {
    match message {
        Message::Handshake(handshake) => handshake_fields(handshake),
        Message::HandshakeAck(ack) => handshake_ack(ack),
        Message::Login(login) => json!({
            "login_type": login.login_type, "name": login.name, "auth_data": hex::encode(login.auth_data.expose()),
            "auth_type": login.auth_type,
        }),
        Message::LoginAck(LoginAck { login, privacy: list, status, .. }) => json!({
            "login": login_info(login), "privacy": privacy(list), "status": user_status(status),
        }),
        Message::LoginRedirect(redirect) => json!({"host": redirect.host, "server_id": redirect.server_id}),
        Message::LoginContinue | Message::Unknown { .. } => json!({}),
        Message::ChannelCreate(create) => channel_create(create),
        Message::ChannelAccept(accept) => channel_accept(accept),
        Message::ChannelSend(send) => json!({"send_type": send.send_type, "data": hex::encode(&send.data)}),
        Message::ChannelDestroy(destroy) => {
            json!({"reason": destroy.reason.0, "data": hex::encode(&destroy.data)})
        }
        Message::OneTime(one_time) => one_time_fields(one_time),
        Message::SetUserStatus(status) => json!({"status": user_status(status)}),
        Message::SetPrivacyList(list) => json!({"privacy": privacy(list)}),
        Message::SenseService(service) => json!({"service": service}),
        Message::Admin(text) => json!({"text": text}),
        Message::Announce(announce) => announce_fields(announce),
    }
}

fn handshake_fields(handshake: &Handshake) -> Value {
    let mut fields = json!({
        "major": handshake.version.major, "minor": handshake.version.minor,
        "master_channel": handshake.master_channel, "srvrcalc_addr": handshake.server_calculated_ip,
        "login_type": handshake.login_type, "loclcalc_addr": handshake.client_ip,
    });
    if handshake.version.has_local_host() {
        fields["unknown_a"] = json!(handshake.reserved_a);
        fields["unknown_b"] = json!(handshake.reserved_b);
        fields["local_host"] = json!(handshake.local_host);
    }
    fields
}

fn handshake_ack(ack: &HandshakeAck) -> Value {
    let mut fields =
        json!({"major": ack.version.major, "minor": ack.version.minor, "srvrcalc_addr": ack.client_ip});
    if ack.version.has_key() {
        fields["magic"] = json!(ack.magic);
        fields["server_dh_public"] = json!(hex::encode(&ack.public_key));
    }
    fields
}

fn channel_create(create: &ChannelCreate) -> Value {
    let items: Vec<Value> = create.encryption.items.iter().map(encrypt_item).collect();
    let mut fields = json!({
        "reserved": create.reserved, "new_channel": create.channel.0, "target": id_block(&create.target),
        "create_options": create.options, "addtl": hex::encode(&create.data),
        "creator_flag": create.creator.is_some(), "encrypt_mode": create.encryption.mode,
    });
    service(create.service, &mut fields);
    if let Some(creator) = &create.creator {
        fields["creator"] = login_info(creator);
    }
    if !items.is_empty() {
        fields["encrypt_extra"] = json!(create.encryption.repeated.mode);
        fields["encrypt_flag"] = json!(create.encryption.repeated.flag);
    }
    fields["encrypt_items"] = json!(items);
    fields
}

fn channel_accept(accept: &ChannelAccept) -> Value {
    let mut fields = json!({
        "addtl": hex::encode(&accept.data), "acceptor_flag": accept.acceptor.is_some(),
        "encrypt_mode": accept.encryption.mode,
    });
    service(accept.service, &mut fields);
    if let Some(acceptor) = &accept.acceptor {
        fields["acceptor"] = login_info(acceptor);
    }
    if let Some(item) = &accept.encryption.item {
        fields["encrypt_item"] = encrypt_item(item);
    }
    if let Some(repeated) = &accept.encryption.repeated {
        fields["encrypt_extra"] = json!(repeated.mode);
        fields["encrypt_flag"] = json!(repeated.flag);
    }
    fields
}

fn one_time_fields(one_time: &OneTime) -> Value {
    let mut fields = json!({
        "id": one_time.id, "target": id_block(&one_time.target), "send_type": one_time.send_type,
        "data": hex::encode(&one_time.data), "sender_flag": one_time.sender.is_some(),
    });
    service(one_time.service, &mut fields);
    if let Some(sender) = &one_time.sender {
        fields["sender"] = login_info(sender);
    }
    fields
}

fn announce_fields(announce: &Announce) -> Value {
    let mut fields = json!({
        "sender_present": announce.sender.is_some(), "unknown_a": announce.reserved,
        "may_reply": announce.may_reply, "text": announce.text, "recipients": announce.recipients,
    });
    if let Some(sender) = &announce.sender {
        fields["sender"] = login_info(sender);
    }
    fields
}

fn service(service: Service, fields: &mut Value) {
    fields["service"] = json!(service.id);
    fields["proto_type"] = json!(service.proto_type);
    fields["proto_ver"] = json!(service.proto_version);
}
