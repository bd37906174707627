//! What the community has to tell, said by the machine.

use bytes::Bytes;
use protocol::vp::awareness::{AttributeSet, AttributeUnset, ToClient};
use protocol::vp::message::{Announce, ChannelId, EncryptionChoice};
use protocol::vp::prim::{EncodeError, IdBlock};
use protocol::vp::reason::Reason;
use protocol::vp::resolve::{Answer, Match, Response};
use protocol::vp::service::Service;
use protocol::vp::session::{Acceptance, AnsweredEncryption, NewChannel, OfferedEncryption};
use protocol::vp::storage::{Loaded, Saved, Value};

use super::{Session, Use, words};
use crate::model::{Announcement, Chat, ChatId, Effect, Event, LoginCard, ResolveAnswer};

impl Session {
    /// Tells the client.
    pub(in crate::server) fn tell(&mut self, effect: Effect) {
        let told = match effect {
            Effect::Admitted { card, privacy, status } => {
                let (card, privacy) = (words::login(&card), words::privacy(privacy));
                let admitted = self.machine.admit(card, privacy, words::status(&status));
                self.check(admitted);
                return self.probe();
            }
            Effect::Refused(reason) => self.machine.refuse(reason),
            Effect::Redirected { host, server } => self.machine.redirect(&host, &server),
            Effect::Kicked(reason) => {
                self.machine.kick(reason);
                Ok(())
            }
            Effect::StatusEcho(status) => self.machine.status_echo(words::status(&status)),
            Effect::PrivacyEcho(list) => self.machine.privacy_echo(words::privacy(list)),
            Effect::ServiceUp(service) => self.machine.service_up(service),
            Effect::ServiceLost(service) => return self.lose(service),
            Effect::Announced(Announcement { from, may_reply, text }) => {
                let sender = from.as_ref().map(words::login);
                self.machine.announce(Announce { sender, may_reply, text, ..Announce::default() })
            }
            Effect::Snapshot(sightings) => {
                let blocks = sightings.iter().map(words::block).collect();
                return self.awareness(&ToClient::Snapshot(blocks));
            }
            Effect::Update(sighting) => return self.awareness(&ToClient::Update(words::block(&sighting))),
            Effect::GroupKnown(id) => return self.awareness(&ToClient::Group(words::watch(&id))),
            Effect::AttributeSet { id, key, value } => {
                let set = AttributeSet { id: words::watch(&id), key, value, ..AttributeSet::default() };
                return self.awareness(&ToClient::AttributeSet(set));
            }
            Effect::AttributeUnset { id, key } => {
                let unset = AttributeUnset { id: words::watch(&id), key, unknown: 0 };
                return self.awareness(&ToClient::AttributeUnset(unset));
            }
            Effect::Resolved { request, code, answers } => {
                let results = answers.into_iter().map(answer).collect();
                return self.say(Use::Resolve, Response { id: request, code, results }.encode());
            }
            Effect::Loaded { request, key, value } => {
                let value = value.map(|data| Value { key, data });
                let result = if value.is_some() { Reason::OK } else { Reason::NO_SUCH_ELEMENT };
                return self.say(Use::Storage, Loaded { id: request, result: result.0, value }.encode());
            }
            Effect::Saved { request, reason } => {
                return self.say(Use::Storage, Saved { id: request, result: reason.0 }.encode());
            }
            Effect::ChatOffered { chat, from } => return self.offer(chat, &from),
            Effect::ChatAccepted { chat, by, data, choice } => return self.accept(chat, &by, data, choice),
            Effect::ChatSent { chat, send_type, encrypted, data } => {
                let Some(channel) = self.channels.get(&chat).copied() else { return };
                if encrypted {
                    self.machine.send_sealed(channel, send_type, data)
                } else {
                    self.machine.send(channel, send_type, data)
                }
            }
            Effect::ChatClosed { chat, reason, data: _ } => {
                let Some(channel) = self.channels.remove(&chat) else { return };
                self.uses.remove(&channel);
                self.machine.destroy(channel, reason)
            }
        };
        self.check(told);
        // A refusal or kick ends the machine, which says so.
        self.listen();
    }

    fn awareness(&mut self, payload: &ToClient) {
        self.say(Use::Awareness, payload.encode());
    }

    /// Sends on the (newest) channel of a service.
    fn say(&mut self, service: Use, payload: Result<(u16, Bytes), EncodeError>) {
        let Ok((send_type, data)) = payload else { return };
        let channels = self.uses.iter().filter(|(_, open)| **open == service).map(|(channel, _)| *channel);
        let Some(channel) = channels.max_by_key(|channel| channel.0) else { return };
        let sent = self.machine.send(channel, send_type, data);
        self.check(sent);
    }

    /// A service went down: its channels go.
    fn lose(&mut self, service: u32) {
        let lost = |open: &Use| match open {
            Use::Awareness => service == Service::AWARENESS.id,
            Use::Resolve => service == Service::RESOLVE.id,
            Use::Storage => service == Service::STORAGE.id,
            Use::Chat(_) | Use::Probe => false,
        };
        let channels: Vec<ChannelId> =
            self.uses.iter().filter(|(_, open)| lost(open)).map(|(channel, _)| *channel).collect();
        for channel in channels {
            self.uses.remove(&channel);
            let destroyed = self.machine.destroy(channel, Reason::SERVICE_UNSUPPORTED);
            self.check(destroyed);
        }
    }

    fn offer(&mut self, chat: Chat, from: &LoginCard) {
        let created = self.machine.create(NewChannel {
            service: chat.service,
            target: IdBlock { user: chat.target, community: String::new() },
            data: chat.data,
            creator: Some(words::login(from)),
            encryption: OfferedEncryption::Relayed(chat.offer),
        });
        match created {
            Ok(channel) => {
                self.uses.insert(channel, Use::Chat(chat.chat));
                self.channels.insert(chat.chat, channel);
            }
            Err(_) => {
                let (reason, data) = (Reason::OUT_OF_RESOURCES, Bytes::new());
                self.do_it(Event::CloseChat { chat: chat.chat, reason, data });
            }
        }
    }

    fn accept(&mut self, chat: ChatId, by: &LoginCard, data: Bytes, choice: EncryptionChoice) {
        let Some(channel) = self.channels.get(&chat).copied() else { return };
        let encryption = AnsweredEncryption::Relayed(choice);
        let acceptance = Acceptance { data, acceptor: Some(words::login(by)), encryption };
        let accepted = self.machine.accept(channel, acceptance);
        self.check(accepted);
    }
}

fn answer(answer: ResolveAnswer) -> Answer {
    let matches = answer.matches.into_iter().map(|(id, name, desc, group)| {
        let kind = if group { Match::GROUP } else { Match::USER };
        Match { id, name, desc, kind }
    });
    Answer { code: answer.code, name: answer.name, matches: matches.collect() }
}
