//! Random values of the common blocks.

use bytes::Bytes;
use proptest::prelude::*;
use protocol::vp::prim::{
    AwareId, EncryptItem, IdBlock, LoginDetail, LoginId, LoginInfo, PrivacyInfo, UserItem, UserStatus,
};
use protocol::vp::service::Service;

pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[ -~]{1,20}", ".{0,10}"]
}

pub(crate) fn bytes() -> impl Strategy<Value = Bytes> {
    prop::collection::vec(any::<u8>(), 0..40).prop_map(Bytes::from)
}

pub(crate) fn user_status() -> impl Strategy<Value = UserStatus> {
    (any::<u16>(), any::<u32>(), text()).prop_map(|(status, time, desc)| UserStatus { status, time, desc })
}

pub(crate) fn privacy() -> impl Strategy<Value = PrivacyInfo> {
    let user = (text(), text(), prop::option::of(text())).prop_map(|(id, community, name)| UserItem {
        id,
        community,
        name,
    });
    (any::<bool>(), prop::collection::vec(user, 0..5)).prop_map(|(deny, users)| PrivacyInfo { deny, users })
}

pub(crate) fn id_block() -> impl Strategy<Value = IdBlock> {
    (text(), text()).prop_map(|(user, community)| IdBlock { user, community })
}

pub(crate) fn aware_id() -> impl Strategy<Value = AwareId> {
    (any::<u16>(), text(), text()).prop_map(|(kind, user, community)| AwareId { kind, user, community })
}

pub(crate) fn encrypt_item() -> impl Strategy<Value = EncryptItem> {
    (any::<u16>(), bytes()).prop_map(|(cipher, info)| EncryptItem { cipher, info })
}

pub(crate) fn service() -> impl Strategy<Value = Service> {
    any::<(u32, u32, u32)>().prop_map(|(id, kind, version)| Service::new(id, kind, version))
}

pub(crate) fn login_info() -> impl Strategy<Value = LoginInfo> {
    let detail =
        (text(), any::<u32>(), text()).prop_map(|(desc, ip, server_id)| LoginDetail { desc, ip, server_id });
    (bytes(), any::<u16>(), text(), text(), text(), prop::option::of(detail)).prop_map(
        |(login_id, login_type, user_id, user_name, community, detail)| LoginInfo {
            login_id: LoginId::from(login_id),
            login_type,
            user_id,
            user_name,
            community,
            detail,
        },
    )
}

/// Java's own way to write text: U+0000 as two bytes, supplementary characters as two surrogates.
pub(crate) fn modified_utf8(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for unit in text.encode_utf16() {
        match unit {
            1..=0x7f => out.push(unit as u8),
            0 | 0x80..=0x7ff => out.extend([0xc0 | (unit >> 6) as u8, 0x80 | (unit & 0x3f) as u8]),
            _ => out.extend([
                0xe0 | (unit >> 12) as u8,
                0x80 | (unit >> 6 & 0x3f) as u8,
                0x80 | (unit & 0x3f) as u8,
            ]),
        }
    }
    out
}
