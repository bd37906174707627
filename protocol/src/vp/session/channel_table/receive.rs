//! What the peer says about channels.

use std::collections::VecDeque;

use bytes::Bytes;

use super::{Asking, Channel, ChannelTable, Cipher, Notice, Payload, PeerOffer, Queue};
use crate::vp::crypto::CryptoError;
use crate::vp::crypto::channel::LoginIds;
use crate::vp::message::{ChannelAccept, ChannelCreate, ChannelDestroy, ChannelId};
use crate::vp::reason::Reason;
use crate::vp::session::ChannelError;
use crate::vp::session::link::Link;

impl ChannelTable {
    /// A ChannelCreate. Whatever cannot become an event is destroyed at once: a create is always answered.
    pub(crate) fn created<E: From<Notice>>(
        &mut self,
        create: ChannelCreate,
        link: &mut Link,
        events: &mut VecDeque<E>,
    ) {
        let channel = create.channel;
        if self.side.owns(channel) {
            return link.write_destroy(channel, Reason::INVALID_REQUEST);
        }
        if self.channels.contains_key(&channel) {
            // The peer means two channels by one id; neither can be told from the other any more.
            return self.abandon(channel, Reason::CHANNEL_EXISTS, link, events);
        }
        if !self.incoming.wants(create.service.id) {
            return link.write_destroy(channel, Reason::SERVICE_UNSUPPORTED);
        }
        if self.channels.len() >= self.limits.channels {
            return link.write_destroy(channel, Reason::OUT_OF_RESOURCES);
        }
        let creator_id = create.creator.as_ref().map_or(&self.peer_id, |creator| &creator.login_id).clone();
        let (service, encryption) = (create.service, create.encryption.clone());
        let offer = PeerOffer { service, encryption, creator_id };
        let deadline = self.deadline(link.now());
        self.channels.insert(channel, Channel::Asked { deadline, offer, held: Queue::default() });
        events.push_back(Notice::Incoming { create }.into());
    }

    /// A ChannelAccept. For a channel that does not wait for one: destroy.
    pub(crate) fn accepted<E: From<Notice>>(
        &mut self,
        channel: ChannelId,
        accept: ChannelAccept,
        link: &mut Link,
        events: &mut VecDeque<E>,
    ) {
        if !matches!(self.channels.get(&channel), Some(Channel::Asking { .. })) {
            return self.abandon(channel, Reason::INVALID_REQUEST, link, events);
        }
        let Some(Channel::Asking { asking, own_id, queue, held, .. }) = self.channels.remove(&channel) else {
            return;
        };
        self.waiting_bytes = self.waiting_bytes.saturating_sub(queue.bytes + held.bytes);
        let peer_id = accept.acceptor.as_ref().map_or(&self.peer_id, |acceptor| &acceptor.login_id);
        let agreed = match &asking {
            Asking::Relayed => Ok(Cipher::Relayed),
            Asking::Own(offer) => {
                offer.answered(&accept.encryption, LoginIds { own: &own_id, peer: peer_id }).map(Cipher::new)
            }
        };
        let mut cipher = match agreed {
            Ok(cipher) => cipher,
            Err(error) => {
                let reason = reason_for(error);
                events.push_back(Notice::Destroyed { channel, reason, data: Bytes::new() }.into());
                return link.write_destroy(channel, reason);
            }
        };
        events.push_back(Notice::Opened { channel, accept }.into());
        for waiting in queue.messages {
            let sent = cipher.send(channel, waiting, link);
            if sent.is_err() {
                // Too large for a message; the owner was promised delivery, so the channel ends.
                events.push_back(
                    Notice::Destroyed { channel, reason: Reason::BAD_DATA, data: Bytes::new() }.into(),
                );
                return link.write_destroy(channel, Reason::BAD_DATA);
            }
        }
        self.channels.insert(channel, Channel::Open(cipher));
        self.deliver_held(channel, held, link, events);
    }

    /// A ChannelSend. For an unknown channel: nothing, a destroy may have crossed it.
    pub(crate) fn received<E: From<Notice>>(
        &mut self,
        channel: ChannelId,
        message: Payload,
        link: &mut Link,
        events: &mut VecDeque<E>,
    ) {
        let room = self.limits.waiting_bytes.saturating_sub(self.waiting_bytes);
        match self.channels.get_mut(&channel) {
            None => {}
            Some(Channel::Asking { held, .. } | Channel::Asked { held, .. }) => {
                // Copied, so that a short message does not keep a long frame alive.
                let data = Bytes::copy_from_slice(&message.data);
                match held.push(Payload { data, ..message }, room) {
                    Some(added) => self.waiting_bytes += added,
                    None => self.abandon(channel, Reason::OUT_OF_RESOURCES, link, events),
                }
            }
            Some(Channel::Open(cipher)) => match cipher.open(message.data, message.sealed) {
                Ok((data, sealed)) => {
                    let send_type = message.send_type;
                    events.push_back(Notice::Received { channel, send_type, data, sealed }.into());
                }
                Err(reason) => self.abandon(channel, reason, link, events),
            },
        }
    }

    /// A ChannelDestroy of any channel but the master channel.
    pub(crate) fn destroyed<E: From<Notice>>(
        &mut self,
        channel: ChannelId,
        destroy: ChannelDestroy,
        events: &mut VecDeque<E>,
    ) {
        if self.remove(channel) {
            let ChannelDestroy { reason, data } = destroy;
            events.push_back(Notice::Destroyed { channel, reason, data }.into());
        }
    }

    /// What the peer sent before the channel was open.
    pub(super) fn deliver_held<E: From<Notice>>(
        &mut self,
        channel: ChannelId,
        held: Queue,
        link: &mut Link,
        events: &mut VecDeque<E>,
    ) {
        for message in held.messages {
            // Stops by itself when one of them ends the channel: sends to unknown channels are ignored.
            self.received(channel, message, link, events);
        }
    }
}

impl Cipher {
    fn open(&mut self, data: Bytes, encrypted: bool) -> Result<(Bytes, bool), Reason> {
        match (self, encrypted) {
            (Self::Relayed, sealed) => Ok((data, sealed)),
            // A message in clear is allowed on an encrypted channel and leaves the chain alone.
            (_, false) => Ok((data, false)),
            (Self::Own(codec), true) => codec.open(&data).map(|data| (data, false)).map_err(reason_for),
            (Self::Clear, true) => Err(Reason::ENCRYPTION_NOT_READY),
        }
    }
}

pub(super) fn reason_for(error: CryptoError) -> Reason {
    match error {
        CryptoError::NoCommonCipher => Reason::NO_COMMON_ENCRYPTION,
        _ => Reason::ENCRYPTION_BAD_DATA,
    }
}

impl From<CryptoError> for ChannelError {
    fn from(_: CryptoError) -> Self {
        Self::Encryption
    }
}
