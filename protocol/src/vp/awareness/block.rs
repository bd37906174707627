//! The state of one watched user: vp-wire.md 8.2.

use crate::presence::{Presence, Status};
use crate::vp::prim::{AwareId, DecodeError, EncodeError, Reader, UserStatus, Wire, Writer};

use super::status_from_word;

/// What the community tells about one id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// The id, exactly as it was asked for.
    pub id: AwareId,
    /// Name of the watched group that brought this user in; empty if it was asked for by id.
    pub group: String,
    /// `None` for a user that is offline, unknown, or hidden from the asker.
    pub state: Option<OnlineState>,
}

/// What is told about a user that is online.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OnlineState {
    /// Another id of the user.
    pub alt_id: String,
    /// Status word and text.
    pub status: UserStatus,
    /// Display name.
    pub name: String,
}

/// What to do with an end offset that lies behind the end of the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overrun {
    /// It is an error.
    Reject,
    /// It means the end of the payload, as in libmeanwhile.
    Clip,
}

impl Block {
    /// The fewest bytes of a block, its end offset included.
    pub(super) const MIN_SIZE: usize = 13;

    /// The block in the words of presence.
    pub fn presence(&self) -> Presence {
        let Some(state) = &self.state else { return Presence::of(Status::Offline) };
        match status_from_word(state.status.status) {
            (Status::Offline, _) => Presence::of(Status::Offline),
            (status, mobile) => Presence {
                status,
                mobile,
                text: state.status.desc.as_str().into(),
                name: state.name.as_str().into(),
            },
        }
    }

    /// Reads a block of the payload that `reader` was made for: the end offset counts from its start.
    pub(super) fn read(reader: &mut Reader<'_>, overrun: Overrun) -> Result<Self, DecodeError> {
        let offset = reader.u32("block end offset")?;
        let end = match usize::try_from(offset) {
            Ok(end) if end <= reader.len() => end,
            _ if overrun == Overrun::Clip => reader.len(),
            _ => return Err(DecodeError::EndOffset { offset, len: reader.len() }),
        };
        let block = Self {
            id: Wire::read(reader)?,
            group: reader.string("block group")?,
            state: reader.optional("block online flag")?,
        };
        // Newer servers add fields. An offset that lies behind us is ignored, as libmeanwhile does.
        reader.seek(end);
        Ok(block)
    }

    /// Writes a block; `origin` is where the payload starts in the writer's buffer.
    pub(super) fn write(&self, writer: &mut Writer<'_>, origin: usize) -> Result<(), EncodeError> {
        let slot = writer.slot();
        self.id.write(writer)?;
        writer.string("block group", &self.group)?;
        writer.optional(self.state.as_ref())?;
        let end = writer.position() - origin;
        writer.fill(slot, "block end offset", end)
    }
}

impl Wire for OnlineState {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            alt_id: reader.string("block alternative id")?,
            status: Wire::read(reader)?,
            name: reader.string("block name")?,
        })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.string("block alternative id", &self.alt_id)?;
        self.status.write(writer)?;
        writer.string("block name", &self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn online(word: u16) -> Block {
        let status = UserStatus { status: word, time: 0, desc: "here".into() };
        Block {
            state: Some(OnlineState { status, name: "Ann".into(), ..OnlineState::default() }),
            ..Block::default()
        }
    }

    #[test]
    fn an_online_user_has_text_and_name() {
        let presence = online(0x0220).presence();
        assert_eq!((presence.status, presence.mobile), (Status::Active, true));
        assert_eq!((&*presence.text, &*presence.name), ("here", "Ann"));
    }

    #[test]
    fn offline_has_no_text() {
        assert_eq!(Block::default().presence(), Presence::of(Status::Offline));
        assert_eq!(online(0).presence(), Presence::of(Status::Offline));
    }
}
