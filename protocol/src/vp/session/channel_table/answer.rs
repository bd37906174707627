//! This side's answer to a channel that the peer created.

use std::collections::VecDeque;

use super::receive::reason_for;
use super::{Channel, ChannelTable, Cipher, Notice};
use crate::vp::crypto::Random;
use crate::vp::crypto::channel::{Choice, LoginIds};
use crate::vp::message::{ChannelAccept, ChannelId, Header, Message};
use crate::vp::session::ChannelError;
use crate::vp::session::channel::{Acceptance, AnsweredEncryption};
use crate::vp::session::link::Link;

impl ChannelTable {
    /// Accepts a channel and hands over what the peer has sent already.
    pub(crate) fn accept<E: From<Notice>>(
        &mut self,
        channel: ChannelId,
        acceptance: Acceptance,
        link: &mut Link,
        random: &mut Random,
        events: &mut VecDeque<E>,
    ) -> Result<(), ChannelError> {
        let Some(Channel::Asked { offer, .. }) = self.channels.get(&channel) else {
            let known = self.channels.contains_key(&channel);
            return Err(if known { ChannelError::NotWaiting } else { ChannelError::Unknown });
        };
        let service = offer.service;
        let (encryption, cipher) = match acceptance.encryption {
            AnsweredEncryption::Relayed(choice) => (choice, Cipher::Relayed),
            AnsweredEncryption::Own(wish) => {
                let own = acceptance.acceptor.as_ref().map_or(&self.own_id, |acceptor| &acceptor.login_id);
                let ids = LoginIds { own, peer: &offer.creator_id };
                match Choice::new(wish, &offer.encryption, ids, random) {
                    Ok(choice) => (choice.message, Cipher::new(choice.codec)),
                    Err(error) => {
                        self.remove(channel);
                        link.write_destroy(channel, reason_for(error));
                        return Err(error.into());
                    }
                }
            }
        };
        let accept =
            ChannelAccept { service, data: acceptance.data, acceptor: acceptance.acceptor, encryption };
        link.write(&Header::on(channel), &Message::ChannelAccept(accept))?;
        let Some(Channel::Asked { held, .. }) = self.channels.insert(channel, Channel::Open(cipher)) else {
            return Ok(());
        };
        self.waiting_bytes = self.waiting_bytes.saturating_sub(held.bytes);
        self.deliver_held(channel, held, link, events);
        Ok(())
    }
}
