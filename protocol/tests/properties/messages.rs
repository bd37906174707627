//! Random messages, in the one form that decoding gives: what a version does not carry has its default.

use proptest::prelude::*;
use protocol::secret::Secret;
use protocol::vp::message::{
    Announce, ChannelAccept, ChannelCreate, ChannelDestroy, ChannelId, ChannelSend, EncryptionChoice,
    EncryptionOffer, Handshake, HandshakeAck, Header, Login, LoginAck, LoginRedirect, Message, OneTime,
    RepeatedMode, Version, kind,
};
use protocol::vp::reason::Reason;

use super::values::{bytes, encrypt_item, id_block, login_info, privacy, service, text, user_status};

pub(crate) fn any() -> impl Strategy<Value = (Header, Message)> {
    (header(), message())
}

fn header() -> impl Strategy<Value = Header> {
    (any_u16(), channel(), prop::option::of(bytes())).prop_map(|(options, channel, attributes)| {
        let plain = options & !Header::ATTRIBUTES;
        let options = if attributes.is_some() { plain | Header::ATTRIBUTES } else { plain };
        Header { options, channel, attributes }
    })
}

fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        handshake().prop_map(Message::Handshake),
        handshake_ack().prop_map(Message::HandshakeAck),
        login().prop_map(Message::Login),
        (login_info(), any_u16(), privacy(), user_status()).prop_map(|(login, reserved, privacy, status)| {
            Message::LoginAck(LoginAck { login, reserved, privacy, status })
        }),
        (text(), text())
            .prop_map(|(host, server_id)| Message::LoginRedirect(LoginRedirect { host, server_id })),
        Just(Message::LoginContinue),
        channel_create().prop_map(Message::ChannelCreate),
        channel_accept().prop_map(Message::ChannelAccept),
        (any_u16(), bytes())
            .prop_map(|(send_type, data)| Message::ChannelSend(ChannelSend { send_type, data })),
        (any_u32(), bytes()).prop_map(|(reason, data)| {
            Message::ChannelDestroy(ChannelDestroy { reason: Reason(reason), data })
        }),
        one_time().prop_map(Message::OneTime),
        user_status().prop_map(Message::SetUserStatus),
        privacy().prop_map(Message::SetPrivacyList),
        any_u32().prop_map(Message::SenseService),
        text().prop_map(Message::Admin),
        announce().prop_map(Message::Announce),
        (any_u16().prop_filter("an unknown type", |kind| !is_known(*kind)), bytes())
            .prop_map(|(kind, body)| Message::Unknown { kind, body }),
    ]
}

fn is_known(kind: u16) -> bool {
    matches!(
        kind,
        kind::HANDSHAKE
            | kind::HANDSHAKE_ACK
            | kind::LOGIN
            | kind::LOGIN_ACK
            | kind::LOGIN_REDIRECT
            | kind::LOGIN_CONTINUE
            | kind::CHANNEL_CREATE
            | kind::CHANNEL_ACCEPT
            | kind::CHANNEL_SEND
            | kind::CHANNEL_DESTROY
            | kind::ONE_TIME
            | kind::SET_USER_STATUS
            | kind::SET_PRIVACY_LIST
            | kind::SENSE_SERVICE
            | kind::ADMIN
            | kind::ANNOUNCE
    )
}

fn handshake() -> impl Strategy<Value = Handshake> {
    (version(), any_u32(), any_u32(), any_u16(), any_u32(), any_u16(), any_u32(), text()).prop_map(
        |(version, master_channel, server_calculated_ip, login_type, client_ip, a, b, host)| {
            let short = Handshake {
                version,
                master_channel,
                server_calculated_ip,
                login_type,
                client_ip,
                ..Handshake::default()
            };
            if version.has_local_host() {
                Handshake { reserved_a: a, reserved_b: b, local_host: host, ..short }
            } else {
                short
            }
        },
    )
}

fn handshake_ack() -> impl Strategy<Value = HandshakeAck> {
    (version(), any_u32(), any_u32(), bytes()).prop_map(|(version, client_ip, magic, public_key)| {
        if version.has_key() {
            HandshakeAck { version, client_ip, magic, public_key }
        } else {
            HandshakeAck { version, client_ip, ..HandshakeAck::default() }
        }
    })
}

fn version() -> impl Strategy<Value = Version> {
    (0x1d..=0x1f_u16, 0x17..=0x1e_u16).prop_map(Version::from)
}

fn login() -> impl Strategy<Value = Login> {
    (any_u16(), text(), bytes(), any_u16()).prop_map(|(login_type, name, auth_data, auth_type)| Login {
        login_type,
        name,
        auth_data: Secret::new(auth_data.to_vec()),
        auth_type,
    })
}

fn channel_create() -> impl Strategy<Value = ChannelCreate> {
    let offer = (any_u16(), prop::collection::vec(encrypt_item(), 0..3), repeated()).prop_map(
        |(mode, items, repeated)| {
            let repeated = if items.is_empty() { RepeatedMode::default() } else { repeated };
            EncryptionOffer { mode, items, repeated }
        },
    );
    let creator = prop::option::of(login_info());
    (any_u32(), channel(), id_block(), service(), any_u32(), bytes(), creator, offer).prop_map(
        |(reserved, channel, target, service, options, data, creator, encryption)| ChannelCreate {
            reserved,
            channel,
            target,
            service,
            options,
            data,
            creator,
            encryption,
        },
    )
}

fn channel_accept() -> impl Strategy<Value = ChannelAccept> {
    let choice = (any_u16(), prop::option::of((encrypt_item(), prop::option::of(repeated())))).prop_map(
        |(mode, item)| match item {
            Some((item, repeated)) => EncryptionChoice { mode, item: Some(item), repeated },
            None => EncryptionChoice { mode, ..EncryptionChoice::default() },
        },
    );
    (service(), bytes(), prop::option::of(login_info()), choice).prop_map(
        |(service, data, acceptor, encryption)| ChannelAccept { service, data, acceptor, encryption },
    )
}

fn repeated() -> impl Strategy<Value = RepeatedMode> {
    (any_u16(), proptest::bool::ANY).prop_map(|(mode, flag)| RepeatedMode { mode, flag })
}

fn one_time() -> impl Strategy<Value = OneTime> {
    (any_u32(), id_block(), service(), any_u16(), bytes(), prop::option::of(login_info())).prop_map(
        |(id, target, service, send_type, data, sender)| OneTime {
            id,
            target,
            service,
            send_type,
            data,
            sender,
        },
    )
}

fn announce() -> impl Strategy<Value = Announce> {
    let recipients = prop::collection::vec(text(), 0..4);
    (prop::option::of(login_info()), any_u16(), proptest::bool::ANY, text(), recipients).prop_map(
        |(sender, reserved, may_reply, text, recipients)| Announce {
            sender,
            reserved,
            may_reply,
            text,
            recipients,
        },
    )
}

fn channel() -> impl Strategy<Value = ChannelId> {
    any_u32().prop_map(ChannelId)
}

fn any_u16() -> impl Strategy<Value = u16> {
    proptest::num::u16::ANY
}

fn any_u32() -> impl Strategy<Value = u32> {
    proptest::num::u32::ANY
}
