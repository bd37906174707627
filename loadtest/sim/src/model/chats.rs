//! Channels relayed between two logins: instant messages (vp-wire.md 6.4, 7 and 9.3). Data and
//! ciphers pass through unread. Also announcements, which are relayed to many.

use std::collections::BTreeSet;

use bytes::Bytes;
use protocol::presence::Status;
use protocol::vp::message::EncryptionChoice;
use protocol::vp::reason::Reason;
use protocol::vp::service::Service;

use super::community::{Account, Community, Effects};
use super::event::{Announcement, Chat, ChatId, Effect, LoginId};

/// Chats that one login may have open.
const MOST_CHATS: usize = 1000;

/// A relayed channel.
#[derive(Debug)]
pub(super) struct Conversation {
    creator: LoginId,
    target: LoginId,
    accepted: bool,
}

impl Conversation {
    fn has(&self, login: LoginId) -> bool {
        self.creator == login || self.target == login
    }

    fn other(&self, login: LoginId) -> LoginId {
        if self.creator == login { self.target } else { self.creator }
    }
}

impl Community {
    pub(super) fn open_chat(&mut self, login: LoginId, chat: Chat, out: &mut Effects) {
        let id = chat.chat;
        let (Some(from), false) = (self.logins.get(&login), self.chats.contains_key(&id)) else { return };
        let from = from.card.clone();
        match self.chat_target(login, &chat) {
            Ok(target) => {
                self.chats.insert(id, Conversation { creator: login, target, accepted: false });
                out.push(target, Effect::ChatOffered { chat, from });
            }
            Err(reason) => {
                out.push(login, Effect::ChatClosed { chat: id, reason, data: Bytes::new() });
            }
        }
    }

    fn chat_target(&self, creator: LoginId, chat: &Chat) -> Result<LoginId, Reason> {
        if chat.service.id != Service::IM.id || self.down.contains_key(&chat.service.id) {
            return Err(Reason::SERVICE_UNSUPPORTED);
        }
        if self.chats.values().filter(|open| open.has(creator)).count() >= MOST_CHATS {
            return Err(Reason::OUT_OF_RESOURCES);
        }
        let viewer = self.logins.get(&creator).map(|login| &login.card.user);
        let account = self.directory.index_of(&chat.target).and_then(|index| self.accounts.get(index));
        let account = account.ok_or(Reason::PEER_OFFLINE)?;
        match account.shown_to(viewer).status {
            Status::Offline | Status::Unknown => Err(Reason::PEER_OFFLINE),
            Status::Dnd => Err(Reason::PEER_DND),
            _ => self.preferred_login(account).ok_or(Reason::PEER_OFFLINE),
        }
    }

    /// The login that gets chats: the best type of the settings' list, then the newest. Presence
    /// without a client (type 0) never does.
    fn preferred_login(&self, account: &Account) -> Option<LoginId> {
        let preferred = &self.settings.preferred_types;
        let clients = account.logins.iter().filter_map(|id| Some((*id, self.logins.get(id)?)));
        let clients = clients.filter(|(_, login)| login.card.login_type != 0);
        let best = clients.min_by_key(|(id, login)| {
            let rank = preferred.iter().position(|kind| *kind == login.card.login_type);
            (rank.unwrap_or(usize::MAX), std::cmp::Reverse((login.since, *id)))
        });
        best.map(|(id, _)| id)
    }

    pub(super) fn accept_chat(
        &mut self,
        login: LoginId,
        chat: ChatId,
        data: Bytes,
        choice: EncryptionChoice,
        out: &mut Effects,
    ) {
        let Some(open) = self.chats.get_mut(&chat).filter(|open| open.target == login) else { return };
        if std::mem::replace(&mut open.accepted, true) {
            let creator = open.creator;
            self.chats.remove(&chat);
            for end in [login, creator] {
                let data = Bytes::new();
                out.push(end, Effect::ChatClosed { chat, reason: Reason::INVALID_REQUEST, data });
            }
            return;
        }
        let Some(by) = self.logins.get(&login).map(|login| login.card.clone()) else { return };
        out.push(open.creator, Effect::ChatAccepted { chat, by, data, choice });
    }

    pub(super) fn send_chat(&self, login: LoginId, chat: ChatId, said: Effect, out: &mut Effects) {
        if let Some(open) = self.chats.get(&chat).filter(|open| open.has(login)) {
            out.push(open.other(login), said);
        }
    }

    pub(super) fn close_chat(
        &mut self,
        login: LoginId,
        chat: ChatId,
        reason: Reason,
        data: Bytes,
        out: &mut Effects,
    ) {
        if self.chats.get(&chat).is_none_or(|open| !open.has(login)) {
            return;
        }
        if let Some(open) = self.chats.remove(&chat) {
            out.push(open.other(login), Effect::ChatClosed { chat, reason, data });
        }
    }

    pub(super) fn close_chats_of(&mut self, login: LoginId, out: &mut Effects) {
        self.chats.retain(|chat, open| {
            let keep = !open.has(login);
            if !keep {
                let data = Bytes::new();
                let closed = Effect::ChatClosed { chat: *chat, reason: Reason::PEER_OFFLINE, data };
                out.push(open.other(login), closed);
            }
            keep
        });
    }

    pub(super) fn announce(
        &self,
        login: LoginId,
        may_reply: bool,
        text: String,
        recipients: &[String],
        out: &mut Effects,
    ) {
        let mut people = BTreeSet::new();
        for recipient in recipients {
            match recipient.strip_prefix("@G ") {
                Some(group) => {
                    let members = self.directory.group(group).map(|group| group.members.iter());
                    people.extend(
                        members.into_iter().flatten().filter_map(|m| self.directory.index_of(m.as_str())),
                    );
                }
                None => {
                    let user = recipient.strip_prefix("@U ").unwrap_or(recipient);
                    people.extend(self.directory.index_of(user));
                }
            }
        }
        let from = self.logins.get(&login).map(|login| login.card.clone());
        let announced = Effect::Announced(Announcement { from, may_reply, text });
        for account in people.into_iter().filter_map(|index| self.accounts.get(index)) {
            account.logins.iter().for_each(|login| out.push(*login, announced.clone()));
        }
    }
}
