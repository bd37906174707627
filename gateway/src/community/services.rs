//! The services of a login that are asked and answer: resolve and storage (vp-wire.md 9.1 and 9.2). Their
//! channels are opened when they are first needed; what is asked before the server has accepted one waits there.
//!
//! Whoever asks sets the time limit. What cannot be sent, and what is lost with its channel, is dropped: the
//! asker sees that there is no answer.

use std::collections::VecDeque;

use bytes::Bytes;
use protocol::vp::client::{Client, Event};
use protocol::vp::message::ChannelId;
use protocol::vp::prim::{DecodeError, EncodeError};
use protocol::vp::service::Service;
use protocol::vp::{resolve, storage};
use tokio::sync::oneshot;

use crate::hub::Ask;

/// Questions of one login that may be without an answer.
const WAITING: usize = 64;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Services {
    resolve: Line,
    storage: Line,
    next_id: u32,
}

/// The channel to one service, and what was asked on it.
#[derive(Debug, Default)]
struct Line {
    channel: Option<ChannelId>,
    waiting: VecDeque<(u32, Answer)>,
}

#[derive(Debug)]
enum Answer {
    Resolved(oneshot::Sender<Vec<resolve::Answer>>),
    Loaded(oneshot::Sender<Option<Bytes>>),
    Saved(oneshot::Sender<()>),
}

impl Services {
    /// Sends a question.
    pub(super) fn ask(&mut self, ask: Ask, client: &mut Client) {
        self.next_id = self.next_id.wrapping_add(1);
        let id = self.next_id;
        let (line, service, payload, answer) = match ask {
            Ask::LookUp { names, flags, answer } => {
                let payload = resolve::Request { id, names, flags }.encode();
                (&mut self.resolve, Service::RESOLVE, payload, Answer::Resolved(answer))
            }
            Ask::Load { key, answer } => {
                let payload = storage::Load { id, key }.encode();
                (&mut self.storage, Service::STORAGE, payload, Answer::Loaded(answer))
            }
            Ask::Store { key, data, answer } => {
                let payload = storage::Save { id, value: storage::Value { key, data } }.encode();
                (&mut self.storage, Service::STORAGE, payload, Answer::Saved(answer))
            }
        };
        line.waiting.retain(|(_, answer)| !answer.is_given_up());
        if line.waiting.len() < WAITING && line.send(service, payload, client).is_some() {
            line.waiting.push_back((id, answer));
        }
    }

    /// Takes what concerns one of the channels; the error says which service's answer cannot be read.
    pub(super) fn take(&mut self, event: &Event) -> Result<(), (&'static str, DecodeError)> {
        match event {
            Event::Received { channel, send_type, data } => {
                if self.resolve.channel == Some(*channel) && *send_type == resolve::SEND_TYPE {
                    let response = resolve::Response::decode(data).map_err(|error| ("resolve", error))?;
                    self.resolve.answer(response.id, Said::Resolved(response.results));
                } else if self.storage.channel == Some(*channel) {
                    self.storage.stored(*send_type, data).map_err(|error| ("storage", error))?;
                }
            }
            Event::Destroyed { channel, .. } => {
                for line in [&mut self.resolve, &mut self.storage] {
                    if line.channel == Some(*channel) {
                        *line = Line::default();
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

enum Said {
    Resolved(Vec<resolve::Answer>),
    Loaded(Option<Bytes>),
    Saved,
}

impl Line {
    fn send(
        &mut self,
        service: Service,
        payload: Result<(u16, Bytes), EncodeError>,
        client: &mut Client,
    ) -> Option<()> {
        let (send_type, data) = payload.ok()?;
        let channel = match self.channel {
            Some(open) => open,
            None => *self.channel.insert(client.open(service, Default::default(), Bytes::new()).ok()?),
        };
        client.send(channel, send_type, data).ok()
    }

    fn stored(&mut self, send_type: u16, data: &[u8]) -> Result<(), DecodeError> {
        match send_type {
            storage::send_type::LOADED => {
                let loaded = storage::Loaded::decode(data)?;
                let value = loaded.value.filter(|_| loaded.result == 0).map(|value| value.data);
                self.answer(loaded.id, Said::Loaded(value));
            }
            storage::send_type::SAVED => {
                let saved = storage::Saved::decode(data)?;
                if saved.result == 0 {
                    self.answer(saved.id, Said::Saved);
                } else {
                    self.waiting.retain(|(id, _)| *id != saved.id);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn answer(&mut self, id: u32, said: Said) {
        let Some(place) = self.waiting.iter().position(|(waiting, _)| *waiting == id) else { return };
        let Some((_, answer)) = self.waiting.remove(place) else { return };
        // Whoever asked may have gone.
        match (answer, said) {
            (Answer::Resolved(answer), Said::Resolved(results)) => drop(answer.send(results)),
            (Answer::Loaded(answer), Said::Loaded(value)) => drop(answer.send(value)),
            (Answer::Saved(answer), Said::Saved) => drop(answer.send(())),
            _ => {}
        }
    }
}

impl Answer {
    fn is_given_up(&self) -> bool {
        match self {
            Self::Resolved(answer) => answer.is_closed(),
            Self::Loaded(answer) => answer.is_closed(),
            Self::Saved(answer) => answer.is_closed(),
        }
    }
}
