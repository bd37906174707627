//! The model's words as the wire's, and back.

use std::sync::Arc;

use protocol::presence::PersonId;
use protocol::vp::awareness::{Block, OnlineState, status_from_word, status_word};
use protocol::vp::prim::UserStatus as WireStatus;
use protocol::vp::prim::{AwareId, LoginDetail, LoginId, LoginInfo, PrivacyInfo, UserItem};

use crate::model::{LoginCard, PrivacyList, Sighting, UserStatus, WatchId, WatchKind};

pub(super) fn status_from(status: &WireStatus) -> UserStatus {
    let (word, mobile) = status_from_word(status.status);
    UserStatus { status: word, mobile, text: status.desc.as_str().into() }
}

/// The time is not to be interpreted (vp-wire.md 2.1): none is sent.
pub(super) fn status(status: &UserStatus) -> WireStatus {
    let word = status_word(status.status, status.mobile);
    WireStatus { status: word, time: 0, desc: status.text.to_string() }
}

pub(super) fn privacy_from(list: PrivacyInfo) -> PrivacyList {
    let people = list.users.into_iter().map(|user| PersonId::from(user.id)).collect();
    PrivacyList { deny: list.deny, people }
}

pub(super) fn privacy(list: PrivacyList) -> PrivacyInfo {
    let item = |id: PersonId| UserItem { id: id.to_string(), community: String::new(), name: None };
    PrivacyInfo { deny: list.deny, users: list.people.into_iter().map(item).collect() }
}

pub(super) fn watch_from(id: AwareId) -> WatchId {
    let kind = match id.kind {
        AwareId::USER => WatchKind::User,
        AwareId::GROUP => WatchKind::Group,
        other => WatchKind::Other(other),
    };
    WatchId { kind, user: id.user.into(), community: id.community.into() }
}

pub(super) fn watch(id: &WatchId) -> AwareId {
    let kind = match id.kind {
        WatchKind::User => AwareId::USER,
        WatchKind::Group => AwareId::GROUP,
        WatchKind::Other(other) => other,
    };
    let text = |text: &Arc<str>| text.to_string();
    AwareId { kind, user: text(&id.user), community: text(&id.community) }
}

pub(super) fn block(sighting: &Sighting) -> Block {
    let presence = &sighting.presence;
    let state = presence.status.is_online().then(|| OnlineState {
        alt_id: sighting.id.user.to_string(),
        status: WireStatus {
            status: status_word(presence.status, presence.mobile),
            time: 0,
            desc: presence.text.to_string(),
        },
        name: presence.name.to_string(),
    });
    Block { id: watch(&sighting.id), group: sighting.group.to_string(), state }
}

pub(super) fn login(card: &LoginCard) -> LoginInfo {
    LoginInfo {
        login_id: LoginId::from(card.login_id.as_str()),
        login_type: card.login_type,
        user_id: card.user.to_string(),
        user_name: card.name.clone(),
        community: card.community.clone(),
        detail: Some(LoginDetail { desc: String::new(), ip: card.address, server_id: card.server.clone() }),
    }
}
