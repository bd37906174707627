//! The community's words as the wire's, and back; as far as watching needs them.

use loadtest_sim::model::{Effect, LoginCard, PrivacyList, Sighting, UserStatus, WatchId, WatchKind};
use protocol::vp::awareness::{Block, OnlineState, ToClient, status_from_word, status_word};
use protocol::vp::prim::{self, AwareId, LoginId, LoginInfo, PrivacyInfo, UserItem};

pub(crate) fn status_from(status: &prim::UserStatus) -> UserStatus {
    let (word, mobile) = status_from_word(status.status);
    UserStatus { status: word, mobile, text: status.desc.as_str().into() }
}

pub(crate) fn status(status: &UserStatus) -> prim::UserStatus {
    let word = status_word(status.status, status.mobile);
    prim::UserStatus { status: word, time: 0, desc: status.text.to_string() }
}

pub(crate) fn privacy(list: PrivacyList) -> PrivacyInfo {
    let users = list.people.iter().map(|id| UserItem { id: id.to_string(), ..UserItem::default() }).collect();
    PrivacyInfo { deny: list.deny, users }
}

pub(crate) fn login(card: &LoginCard) -> LoginInfo {
    LoginInfo {
        login_id: LoginId::from(card.login_id.as_str()),
        login_type: card.login_type,
        user_id: card.user.to_string(),
        user_name: card.name.clone(),
        ..LoginInfo::default()
    }
}

pub(crate) fn watch_from(id: &AwareId) -> WatchId {
    assert_eq!((id.kind, id.community.as_str()), (AwareId::USER, ""));
    WatchId { kind: WatchKind::User, user: id.user.as_str().into(), community: "".into() }
}

/// What travels on the awareness channel.
pub(crate) fn awareness(effect: &Effect) -> Option<ToClient> {
    Some(match effect {
        Effect::Snapshot(sightings) => ToClient::Snapshot(sightings.iter().map(block).collect()),
        Effect::Update(sighting) => ToClient::Update(block(sighting)),
        _ => return None,
    })
}

fn block(sighting: &Sighting) -> Block {
    let presence = &sighting.presence;
    let status = UserStatus { status: presence.status, mobile: presence.mobile, text: presence.text.clone() };
    let online = || OnlineState {
        alt_id: String::new(),
        status: self::status(&status),
        name: presence.name.to_string(),
    };
    let state = presence.status.is_online().then(online);
    Block { id: AwareId::user(sighting.id.user.to_string()), group: String::new(), state }
}
