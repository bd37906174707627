//! The chats of one user's own login (vp-wire.md 7 and 9.3): one with each partner, however many channels it takes.
//!
//! A chat is taken only while a page is there that shows it. Whatever cannot be shown or delivered ends the chat,
//! which both sides see: nothing that was said is swallowed.

use bytes::Bytes;
use protocol::presence::{Presence, Status};
use protocol::vp::awareness::status_word;
use protocol::vp::client::{Client, Event};
use protocol::vp::crypto::channel::Wish;
use protocol::vp::im::{Invitation, SEND_TYPE, Said, Welcome, features};
use protocol::vp::message::{ChannelCreate, ChannelId};
use protocol::vp::prim::{DecodeError, IdBlock, LoginInfo, UserStatus};
use protocol::vp::reason::Reason;
use protocol::vp::service::Service;
use protocol::vp::session::{Acceptance, AnsweredEncryption, ChannelError, NewChannel, OfferedEncryption};

use crate::hub::{Chat, Item, Partner};

/// Chats of one login. Whoever has more is one who floods.
const CHATS: usize = 64;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Chats(Vec<Line>);

/// The channel to a partner.
#[derive(Debug)]
struct Line {
    channel: ChannelId,
    with: Partner,
    is_open: bool,
}

impl Chats {
    /// Somebody wants to chat. `own` is the user's state, `None` if no page is there to show it.
    pub(super) fn invited(
        &mut self,
        create: &ChannelCreate,
        own: Option<&Presence>,
        client: &mut Client,
    ) -> Option<Item> {
        let with = partner(create.creator.as_ref());
        let welcome = match self.welcome(create, own) {
            Ok(welcome) => welcome,
            Err(reason) => {
                // It fails only if the channel is gone already.
                let _ = client.destroy(create.channel, reason);
                // Whoever offers more than text tries again with text.
                let again = reason == Reason::IM_TYPE_UNKNOWN;
                return (!again).then_some(Item::ChatRefused { from: with.id, name: with.name });
            }
        };
        let encryption = AnsweredEncryption::Own(Wish::Prefer);
        let acceptance = Acceptance { data: welcome, encryption, ..Acceptance::default() };
        client.accept(create.channel, acceptance).ok()?;
        let is_new = !self.0.iter().any(|line| line.is_open && line.with.id == with.id);
        self.0.push(Line { channel: create.channel, with: with.clone(), is_open: true });
        is_new.then_some(Item::Chat { with, what: Chat::Opened })
    }

    fn welcome(&self, create: &ChannelCreate, own: Option<&Presence>) -> Result<Bytes, Reason> {
        let own = own.ok_or(Reason::PEER_OFFLINE)?;
        if own.status == Status::Dnd {
            return Err(Reason::PEER_DND);
        }
        let offered = Invitation::decode(&create.data).map_err(|_| Reason::BAD_DATA)?;
        if offered.features != features::PLAIN {
            return Err(Reason::IM_TYPE_UNKNOWN);
        }
        if self.0.len() >= CHATS {
            return Err(Reason::OUT_OF_RESOURCES);
        }
        let (status, desc) = (status_word(own.status, own.mobile), own.text.to_string());
        let status = UserStatus { status, time: 0, desc };
        Welcome { features: features::PLAIN, status }.encode().map_err(|_| Reason::BAD_DATA)
    }

    /// Begins a chat, or says something in it. What is said before the other side agrees waits. `Some` if that
    /// is not possible.
    pub(super) fn say(&mut self, with: Partner, text: Option<String>, client: &mut Client) -> Option<Item> {
        let said = self.try_to_say(&with, text, client);
        said.err().map(|reason| Item::Chat { with, what: Chat::Closed(reason) })
    }

    fn try_to_say(
        &mut self,
        with: &Partner,
        text: Option<String>,
        client: &mut Client,
    ) -> Result<(), Reason> {
        let channel = match self.channel(&with.id) {
            Some(channel) => channel,
            None if self.0.len() >= CHATS => return Err(Reason::OUT_OF_RESOURCES),
            None => {
                let data = Invitation { features: features::PLAIN }.encode().map_err(|_| Reason::BAD_DATA)?;
                let new = NewChannel {
                    target: IdBlock { user: with.id.clone(), ..IdBlock::default() },
                    data,
                    encryption: OfferedEncryption::Own(Wish::Prefer),
                    ..NewChannel::to_service(Service::IM)
                };
                let channel = client.create(new).map_err(|error| reason_of(&error))?;
                self.0.push(Line { channel, with: with.clone(), is_open: false });
                channel
            }
        };
        let Some(text) = text else { return Ok(()) };
        let (send_type, data) = Said::Text(text).encode().map_err(|_| Reason::BAD_DATA)?;
        client.send(channel, send_type, data).map_err(|error| {
            self.0.retain(|line| line.channel != channel);
            let _ = client.destroy(channel, Reason::ABORTED);
            reason_of(&error)
        })
    }

    /// Only where a chat is open: typing begins none.
    pub(super) fn typing(&mut self, with: &str, typing: bool, client: &mut Client) {
        let open = self.0.iter().rev().find(|line| line.is_open && line.with.id == with);
        if let (Some(line), Ok((send_type, data))) = (open, Said::Typing(typing).encode()) {
            // It is of no use later.
            let _ = client.send(line.channel, send_type, data);
        }
    }

    /// Takes what concerns one of the chats. `is_seen`: a page is there to show it.
    pub(super) fn take(
        &mut self,
        event: &Event,
        is_seen: bool,
        client: &mut Client,
    ) -> Result<Vec<Item>, DecodeError> {
        let (Event::Opened { channel, .. }
        | Event::Received { channel, .. }
        | Event::Destroyed { channel, .. }) = event
        else {
            return Ok(Vec::new());
        };
        let Some(place) = self.0.iter().position(|line| line.channel == *channel) else {
            return Ok(Vec::new());
        };
        Ok(match event {
            Event::Received { send_type: SEND_TYPE, data, .. } => {
                let what = match Said::decode(data)? {
                    Said::Text(text) => Chat::Said(text),
                    Said::Typing(typing) => Chat::Typing(typing),
                    Said::Other { .. } => return Ok(Vec::new()),
                };
                let with = self.with(place);
                let mut items: Vec<Item> = with.map(|with| Item::Chat { with, what }).into_iter().collect();
                if !is_seen {
                    let _ = client.destroy(*channel, Reason::PEER_OFFLINE);
                    items.extend(self.end(place, Reason::PEER_OFFLINE));
                }
                items
            }
            Event::Opened { .. } => {
                let Some(line) = self.0.get_mut(place) else { return Ok(Vec::new()) };
                line.is_open = true;
                vec![Item::Chat { with: line.with.clone(), what: Chat::Opened }]
            }
            Event::Destroyed { reason, .. } => self.end(place, *reason).into_iter().collect(),
            _ => Vec::new(),
        })
    }

    /// The connection is gone, and all chats with it.
    pub(super) fn lost(&mut self) -> Vec<Item> {
        let mut items = Vec::new();
        while !self.0.is_empty() {
            items.extend(self.end(0, Reason::CONNECTION_BROKEN));
        }
        items
    }

    /// Forgets a channel; the chat is over if it was the last one with that partner.
    fn end(&mut self, place: usize, reason: Reason) -> Option<Item> {
        let line = self.0.remove(place);
        let goes_on = self.0.iter().any(|other| other.with.id == line.with.id);
        (!goes_on).then_some(Item::Chat { with: line.with, what: Chat::Closed(reason) })
    }

    fn with(&self, place: usize) -> Option<Partner> {
        self.0.get(place).map(|line| line.with.clone())
    }

    /// Where to talk to somebody: what is open rather than what waits.
    fn channel(&self, with: &str) -> Option<ChannelId> {
        let lines = || self.0.iter().rev().filter(|line| line.with.id == with);
        lines().find(|line| line.is_open).or_else(|| lines().next()).map(|line| line.channel)
    }
}

fn partner(login: Option<&LoginInfo>) -> Partner {
    let (id, name) =
        login.map_or_else(Default::default, |login| (login.user_id.clone(), login.user_name.clone()));
    Partner { id, name }
}

fn reason_of(error: &ChannelError) -> Reason {
    match error {
        ChannelError::NotUp => Reason::CONNECTION_BROKEN,
        ChannelError::TooLarge => Reason::BAD_DATA,
        _ => Reason::OUT_OF_RESOURCES,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(features: u32) -> ChannelCreate {
        ChannelCreate { data: Invitation { features }.encode().unwrap(), ..ChannelCreate::default() }
    }

    fn line(number: u32, with: &str, is_open: bool) -> Line {
        let with = Partner { id: with.into(), name: String::new() };
        Line { channel: ChannelId(number), with, is_open }
    }

    #[test]
    fn only_a_chat_that_will_be_seen_is_taken() {
        let (plain, active) = (asked(features::PLAIN), Presence::of(Status::Active));
        let chats = Chats::default();
        let welcome = Welcome::decode(&chats.welcome(&plain, Some(&active)).unwrap()).unwrap();
        assert_eq!((welcome.features, welcome.status.status), (features::PLAIN, 0x0020));
        let refusal = |create: &ChannelCreate, own: Option<Status>| {
            let own = own.map(Presence::of);
            chats.welcome(create, own.as_ref()).unwrap_err()
        };
        assert_eq!(refusal(&plain, None), Reason::PEER_OFFLINE);
        assert_eq!(refusal(&plain, Some(Status::Dnd)), Reason::PEER_DND);
        // vp-wire.md 9.3: who offers more comes again with text only.
        assert_eq!(refusal(&asked(0x0003_3453), Some(Status::Active)), Reason::IM_TYPE_UNKNOWN);
        assert_eq!(refusal(&ChannelCreate::default(), Some(Status::Active)), Reason::BAD_DATA);
        let full = Chats((0..64).map(|number| line(number, "CN=Bo", true)).collect());
        assert_eq!(full.welcome(&plain, Some(&active)).unwrap_err(), Reason::OUT_OF_RESOURCES);
    }

    #[test]
    fn channels_of_both_sides_to_one_partner_are_one_chat() {
        let mut chats = Chats(vec![line(1, "CN=Bo", false), line(2, "CN=Bo", true), line(3, "CN=Cy", false)]);
        assert_eq!(chats.channel("CN=Bo"), Some(ChannelId(2)), "what is open rather than what waits");
        assert_eq!(chats.channel("CN=Cy"), Some(ChannelId(3)));
        assert_eq!(chats.end(0, Reason::OK), None, "it goes on");
        assert!(chats.end(0, Reason::OK).is_some());
        assert_eq!(chats.lost().len(), 1);
        assert_eq!(chats.channel("CN=Cy"), None);
    }
}
