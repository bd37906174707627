//! The channels of one session: who created them, what they wait for, their ciphers (vp-wire.md 6.4, 7).
//!
//! Both machines use it; they translate its [`Notice`]s into their own events. It writes its messages into
//! the [`Link`] and keeps no time of its own.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;

use super::channel::{ChannelLimits, Incoming, NewChannel, OfferedEncryption, Side};
use super::error::ChannelError;
use super::link::Link;
use crate::vp::crypto::Random;
use crate::vp::crypto::channel::{Codec, Offer};
use crate::vp::message::{
    ChannelAccept, ChannelCreate, ChannelId, ChannelSend, EncryptionOffer, Header, Message,
};
use crate::vp::prim::LoginId;
use crate::vp::reason::Reason;
use crate::vp::service::Service;

mod answer;
mod receive;

/// The largest payload of one message. Frames of peers with our own default limit hold it.
const MAX_PAYLOAD: usize = 16 * 1024 * 1024 - 64;

/// What a waiting message costs beside its payload.
const MESSAGE_COST: usize = 64;

/// Something the owner of the session should know.
pub(crate) enum Notice {
    /// The peer accepted a channel of ours.
    Opened { channel: ChannelId, accept: ChannelAccept },
    /// The peer created a channel that must be answered.
    Incoming { create: ChannelCreate },
    /// Data came. `sealed` if it is ciphertext of a relayed channel.
    Received { channel: ChannelId, send_type: u16, data: Bytes, sealed: bool },
    /// A channel is gone.
    Destroyed { channel: ChannelId, reason: Reason, data: Bytes },
}

/// All channels but the master channel.
pub(crate) struct ChannelTable {
    side: Side,
    next_id: u32,
    limits: ChannelLimits,
    timeout: Duration,
    incoming: Incoming,
    channels: HashMap<ChannelId, Channel>,
    /// No channel's waiting time ends before this.
    next_deadline: Option<Duration>,
    waiting_bytes: usize,
    /// Login id of this end, the key of RC2/40 unless a creator or acceptor block names another.
    own_id: LoginId,
    /// Login id of the other end, likewise.
    peer_id: LoginId,
}

enum Channel {
    /// Created by us, not answered yet.
    Asking { deadline: Duration, asking: Asking, own_id: LoginId, queue: Queue, held: Queue },
    /// Created by the peer, not answered yet.
    Asked { deadline: Duration, offer: PeerOffer, held: Queue },
    /// Both sides may send.
    Open(Cipher),
}

/// What the answer to a peer's ChannelCreate depends on.
struct PeerOffer {
    service: Service,
    encryption: EncryptionOffer,
    creator_id: LoginId,
}

enum Asking {
    Own(Offer),
    Relayed,
}

enum Cipher {
    Clear,
    Own(Box<Codec>),
    Relayed,
}

/// Messages that wait for an accept, in order.
#[derive(Default)]
struct Queue {
    messages: Vec<Payload>,
    bytes: usize,
}

/// Data of a channel. `sealed` if it is ciphertext: on the wire, or of a relayed channel.
pub(crate) struct Payload {
    pub(crate) send_type: u16,
    pub(crate) data: Bytes,
    pub(crate) sealed: bool,
}

impl Payload {
    /// The payload of a ChannelSend.
    pub(crate) fn new(send: ChannelSend, header: &Header) -> Self {
        Self { send_type: send.send_type, data: send.data, sealed: header.is_encrypted() }
    }
}

impl ChannelTable {
    pub(crate) fn new(side: Side, limits: ChannelLimits, timeout: Duration, incoming: Incoming) -> Self {
        Self {
            side,
            next_id: side.first_id(),
            limits,
            timeout,
            incoming,
            channels: HashMap::new(),
            next_deadline: None,
            waiting_bytes: 0,
            own_id: LoginId::default(),
            peer_id: LoginId::default(),
        }
    }

    /// Sets the login id of this end. Known to clients.
    pub(crate) fn set_own_id(&mut self, id: LoginId) {
        self.own_id = id;
    }

    /// Sets the login id of the other end. Known to servers.
    pub(crate) fn set_peer_id(&mut self, id: LoginId) {
        self.peer_id = id;
    }

    /// Creates a channel.
    pub(crate) fn create(
        &mut self,
        new: NewChannel,
        link: &mut Link,
        random: &mut Random,
    ) -> Result<ChannelId, ChannelError> {
        link.has_room()?;
        let channel = self.free_id()?;
        let (asking, encryption) = match new.encryption {
            OfferedEncryption::Own(wish) => {
                let offer = Offer::new(wish, random);
                let message = offer.message();
                (Asking::Own(offer), message)
            }
            OfferedEncryption::Relayed(offer) => (Asking::Relayed, offer),
        };
        let own_id = new.creator.as_ref().map_or(&self.own_id, |creator| &creator.login_id).clone();
        let create = ChannelCreate {
            channel,
            target: new.target,
            service: new.service,
            data: new.data,
            creator: new.creator,
            encryption,
            ..ChannelCreate::default()
        };
        link.write(&Header::master(), &Message::ChannelCreate(create))?;
        self.next_id = channel.0.wrapping_add(1);
        let deadline = self.deadline(link.now());
        let (queue, held) = (Queue::default(), Queue::default());
        self.channels.insert(channel, Channel::Asking { deadline, asking, own_id, queue, held });
        Ok(channel)
    }

    /// Sends data, or queues it until the peer accepts. `sealed` data is ciphertext of a relayed channel.
    pub(crate) fn send(
        &mut self,
        channel: ChannelId,
        message: Payload,
        link: &mut Link,
    ) -> Result<(), ChannelError> {
        link.has_room()?;
        if message.data.len() > MAX_PAYLOAD {
            return Err(ChannelError::TooLarge);
        }
        let room = self.limits.waiting_bytes.saturating_sub(self.waiting_bytes);
        match self.channels.get_mut(&channel).ok_or(ChannelError::Unknown)? {
            Channel::Asked { .. } => Err(ChannelError::NotWaiting),
            Channel::Asking { queue, .. } => {
                let added = queue.push(message, room);
                self.waiting_bytes += added.ok_or(ChannelError::QueueFull)?;
                Ok(())
            }
            Channel::Open(cipher) => cipher.send(channel, message, link),
        }
    }

    /// Destroys a channel from this side. Unknown ones are gone already.
    pub(crate) fn destroy(
        &mut self,
        channel: ChannelId,
        reason: Reason,
        link: &mut Link,
    ) -> Result<(), ChannelError> {
        if !self.remove(channel) {
            return Err(ChannelError::Unknown);
        }
        link.write_destroy(channel, reason);
        Ok(())
    }

    /// Destroys every channel, for logout. In the order of their ids.
    pub(crate) fn destroy_all(&mut self, reason: Reason, link: &mut Link) {
        let mut ids: Vec<ChannelId> = self.channels.keys().copied().collect();
        ids.sort_unstable();
        for channel in ids {
            link.write_destroy(channel, reason);
        }
        self.clear();
    }

    /// Forgets every channel: the session has ended.
    pub(crate) fn clear(&mut self) {
        self.channels = HashMap::new();
        self.next_deadline = None;
        self.waiting_bytes = 0;
    }

    /// Destroys the channels that waited too long for an answer, of either side.
    pub(crate) fn tick<E: From<Notice>>(&mut self, link: &mut Link, events: &mut VecDeque<E>) {
        if self.next_deadline.is_none_or(|deadline| deadline > link.now()) {
            return;
        }
        let overdue = |state: &Channel| state.deadline().is_some_and(|deadline| deadline <= link.now());
        let mut late: Vec<ChannelId> =
            self.channels.iter().filter(|(_, state)| overdue(state)).map(|(channel, _)| *channel).collect();
        late.sort_unstable();
        for channel in late {
            self.abandon(channel, Reason::CONNECTION_TIMED_OUT, link, events);
        }
        self.next_deadline = self.channels.values().filter_map(Channel::deadline).min();
    }

    /// When [`ChannelTable::tick`] has something to do. May be early, never late.
    pub(crate) fn next_wake(&self) -> Option<Duration> {
        self.next_deadline
    }

    /// When a channel that starts to wait now has waited too long. The first of them is the earliest, since
    /// all wait equally long.
    fn deadline(&mut self, now: Duration) -> Duration {
        let deadline = now + self.timeout;
        self.next_deadline.get_or_insert(deadline);
        deadline
    }

    /// Ids count up and are used again only after all others: an id that was just given up may still be
    /// named by messages under way.
    fn free_id(&self) -> Result<ChannelId, ChannelError> {
        if self.channels.len() >= self.limits.channels {
            return Err(ChannelError::TooMany);
        }
        // At most `channels` ids are taken, so one of the next `channels + 1` is free.
        let first = self.side.first_id();
        (0..=self.limits.channels)
            .scan(self.next_id, |next, _| {
                let id = if self.side.owns(ChannelId(*next)) { *next } else { first };
                *next = id.wrapping_add(1);
                Some(ChannelId(id))
            })
            .find(|id| !self.channels.contains_key(id))
            .ok_or(ChannelError::TooMany)
    }

    fn remove(&mut self, channel: ChannelId) -> bool {
        let Some(state) = self.channels.remove(&channel) else { return false };
        self.waiting_bytes = self.waiting_bytes.saturating_sub(state.waiting_bytes());
        true
    }

    /// Gives a channel up and tells both the peer and the owner.
    fn abandon<E: From<Notice>>(
        &mut self,
        channel: ChannelId,
        reason: Reason,
        link: &mut Link,
        events: &mut VecDeque<E>,
    ) {
        if self.remove(channel) {
            events.push_back(Notice::Destroyed { channel, reason, data: Bytes::new() }.into());
        }
        link.write_destroy(channel, reason);
    }
}

impl Channel {
    fn deadline(&self) -> Option<Duration> {
        match self {
            Self::Asking { deadline, .. } | Self::Asked { deadline, .. } => Some(*deadline),
            Self::Open(_) => None,
        }
    }

    fn waiting_bytes(&self) -> usize {
        match self {
            Self::Asking { queue, held, .. } => queue.bytes + held.bytes,
            Self::Asked { held, .. } => held.bytes,
            Self::Open(_) => 0,
        }
    }
}

impl Cipher {
    fn new(codec: Option<Codec>) -> Self {
        codec.map_or(Self::Clear, |codec| Self::Own(Box::new(codec)))
    }

    fn send(&mut self, channel: ChannelId, message: Payload, link: &mut Link) -> Result<(), ChannelError> {
        let Payload { send_type, data, sealed } = message;
        let (data, encrypted) = match self {
            Self::Own(codec) => (codec.seal(&data), true),
            Self::Relayed => (data, sealed),
            Self::Clear => (data, false),
        };
        let header = Header::on(channel);
        let header = if encrypted { header.encrypted() } else { header };
        link.write(&header, &Message::ChannelSend(ChannelSend { send_type, data }))
    }
}

impl Queue {
    /// Appends if it costs no more than `room`; says what it cost.
    fn push(&mut self, message: Payload, room: usize) -> Option<usize> {
        let cost = message.data.len().checked_add(MESSAGE_COST).filter(|cost| *cost <= room)?;
        self.bytes += cost;
        self.messages.push(message);
        Some(cost)
    }
}
