//! What holds for every input of the wire layer: chunking does not matter, what is encoded is decoded to
//! the same, and no bytes make a decoder panic.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a property that cannot be examined fails")]

mod messages;
mod payloads;
mod stream;
mod values;

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use protocol::vp::awareness::{ToClient, ToServer};
use protocol::vp::message::{AcceptedLogin, Message};
use protocol::vp::prim::decode_text;
use protocol::vp::{im, resolve, storage};

proptest! {
    #[test]
    fn messages_are_decoded_to_what_was_encoded((header, message) in messages::any()) {
        let mut out = BytesMut::from(&b"before"[..]);
        message.encode(&header, &mut out).unwrap();
        let frame = out.split_off(6).freeze();
        prop_assert_eq!(Message::decode(&frame), Ok((header.clone(), message.clone())));

        let mut framed = BytesMut::new();
        message.encode_frame(&header, &mut framed).unwrap();
        let mut expected = BytesMut::new();
        protocol::vp::frame::frame(&frame, &mut expected);
        prop_assert_eq!(framed, expected);
    }

    #[test]
    fn messages_ignore_what_is_appended((header, message) in messages::any(), extra in values::bytes()) {
        prop_assume!(!matches!(message, Message::Unknown { .. }));
        let mut out = BytesMut::new();
        message.encode(&header, &mut out).unwrap();
        out.extend_from_slice(&extra);
        prop_assert_eq!(Message::decode(&out.freeze()), Ok((header, message)));
    }

    /// Only what the notes call optional may be missing.
    #[test]
    fn cut_messages_are_refused((header, message) in messages::any(), cut in any::<prop::sample::Index>()) {
        let optional = match &message {
            Message::Login(_) => 2,
            Message::LoginRedirect(redirect) => 2 + redirect.server_id.len(),
            Message::ChannelCreate(create) if create.encryption.items.is_empty() => 6,
            Message::ChannelAccept(accept) if accept.encryption.item.is_none() => 6,
            Message::ChannelCreate(_) | Message::ChannelAccept(_) => 10,
            Message::Unknown { body, .. } => body.len(),
            _ => 0,
        };
        let mut out = BytesMut::new();
        message.encode(&header, &mut out).unwrap();
        let len = cut.index(out.len());
        let decoded = Message::decode(&out.split_to(len).freeze());
        prop_assert_eq!(decoded.is_ok(), len + optional >= len + out.len(), "{} of {} left out", out.len(), optional);
    }

    #[test]
    fn awareness_is_decoded_to_what_was_encoded(client in payloads::to_server(), server in payloads::to_client()) {
        let (send_type, payload) = client.encode().unwrap();
        prop_assert_eq!(ToServer::decode(send_type, &payload), Ok(client));
        let (send_type, payload) = server.encode().unwrap();
        prop_assert_eq!(ToClient::decode(send_type, &payload), Ok(server));
    }

    #[test]
    fn resolve_is_decoded_to_what_was_encoded(request in payloads::request(), response in payloads::response()) {
        let (_, payload) = request.encode().unwrap();
        prop_assert_eq!(resolve::Request::decode(&payload), Ok(request));
        let (_, payload) = response.encode().unwrap();
        prop_assert_eq!(resolve::Response::decode(&payload), Ok(response));
    }

    #[test]
    fn storage_is_decoded_to_what_was_encoded(id: u32, result: u32, value in payloads::value()) {
        let load = storage::Load { id, key: value.key };
        prop_assert_eq!(storage::Load::decode(&load.encode().unwrap().1), Ok(load));
        let loaded = storage::Loaded { id, result, value: Some(value.clone()) };
        prop_assert_eq!(storage::Loaded::decode(&loaded.encode().unwrap().1), Ok(loaded));
        let save = storage::Save { id, value };
        prop_assert_eq!(storage::Save::decode(&save.encode().unwrap().1), Ok(save));
        let saved = storage::Saved { id, result };
        prop_assert_eq!(storage::Saved::decode(&saved.encode().unwrap().1), Ok(saved));
    }

    #[test]
    fn chats_are_decoded_to_what_was_encoded(said in payloads::said(), features: u32, status in values::user_status()) {
        prop_assert_eq!(im::Said::decode(&said.encode().unwrap().1), Ok(said));
        let invitation = im::Invitation { features };
        prop_assert_eq!(im::Invitation::decode(&invitation.encode().unwrap()), Ok(invitation));
        let welcome = im::Welcome { features, status };
        prop_assert_eq!(im::Welcome::decode(&welcome.encode().unwrap()), Ok(welcome));
    }

    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), send_type: u16) {
        decode_as_everything(&bytes, send_type);
    }

    #[test]
    fn no_damaged_message_makes_a_decoder_panic(
        (header, message) in messages::any(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        send_type: u16,
    ) {
        let mut out = BytesMut::new();
        message.encode(&header, &mut out).unwrap();
        for (place, byte) in damage {
            let place = place.index(out.len());
            out[place] = byte;
        }
        decode_as_everything(&out, send_type);
    }

    #[test]
    fn no_damaged_snapshot_makes_a_decoder_panic(
        server in payloads::to_client(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let (send_type, payload) = server.encode().unwrap();
        prop_assume!(!payload.is_empty());
        let mut payload = payload.to_vec();
        for (place, byte) in damage {
            let place = place.index(payload.len());
            payload[place] = byte;
        }
        decode_as_everything(&payload, send_type);
    }

    #[test]
    fn text_that_is_utf8_is_not_changed(text in ".*") {
        prop_assert_eq!(decode_text(text.as_bytes()), text);
    }

    #[test]
    fn java_text_is_understood(text in ".*") {
        prop_assert_eq!(decode_text(&values::modified_utf8(&text)), text);
    }
}

fn decode_as_everything(bytes: &[u8], send_type: u16) {
    let frame = Bytes::copy_from_slice(bytes);
    let _ = Message::decode(&frame);
    let _ = AcceptedLogin::decode(&frame);
    for send_type in [send_type, 0x68, 0x69, 0xc9, 0xca, 0xcb] {
        let _ = ToServer::decode(send_type, bytes);
    }
    for send_type in [send_type, 0x01f4, 0x01f5, 0x01f6, 0x0259, 0x025a] {
        let _ = ToClient::decode(send_type, bytes);
    }
    let _ = resolve::Request::decode(bytes);
    let _ = resolve::Response::decode(bytes);
    let _ = storage::Load::decode(bytes);
    let _ = storage::Loaded::decode(bytes);
    let _ = storage::Save::decode(bytes);
    let _ = storage::Saved::decode(bytes);
    let _ = im::Said::decode(bytes);
    let _ = im::Invitation::decode(bytes);
    let _ = im::Welcome::decode(bytes);
}
