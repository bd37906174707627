//! What is asked of an upstream login beside presence. Whoever cannot answer drops the sender: the asker
//! then knows that there is no answer.

use bytes::Bytes;
use protocol::vp::resolve;
use tokio::sync::oneshot;

/// A question with the place for its answer.
#[derive(Debug)]
pub enum Ask {
    /// Names to directory ids (vp-wire.md 9.1). The answers are in the order of the names.
    LookUp {
        names: Vec<String>,
        /// Bits of [`resolve::flags`].
        flags: u32,
        answer: oneshot::Sender<Vec<resolve::Answer>>,
    },
    /// One of the user's stored values (vp-wire.md 9.2); `None` if there is none.
    Load { key: u32, answer: oneshot::Sender<Option<Bytes>> },
    /// Stores one of the user's values.
    Store { key: u32, data: Bytes, answer: oneshot::Sender<()> },
}
