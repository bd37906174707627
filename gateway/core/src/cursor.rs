//! The opaque cursor with which a client that comes back asks for what has changed.
//!
//! A cursor says: *for every person I watched, I hold the newest state up to this change*. It never
//! expires within its epoch and scope, because states are compared and no history is needed. With another
//! epoch or scope everything is sent.

use std::fmt;
use std::str::FromStr;

use crate::{Epoch, ScopeId};

/// See the module. As text: three hexadecimal numbers joined by dots, at most 50 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub(crate) epoch: Epoch,
    pub(crate) scope: ScopeId,
    pub(crate) seq: u64,
}

impl Cursor {
    /// The change up to which everything was seen, if the cursor belongs to this epoch and scope.
    pub(crate) fn floor(self, epoch: Epoch, scope: ScopeId) -> Option<u64> {
        (self.epoch == epoch && self.scope == scope).then_some(self.seq)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}.{:x}.{:x}", self.epoch.0, self.scope.0, self.seq)
    }
}

/// A text that no node has made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor")]
pub struct NotACursor;

impl FromStr for Cursor {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Self, NotACursor> {
        let mut numbers = text.split('.').map(number);
        let mut next = || numbers.next().flatten().ok_or(NotACursor);
        let cursor = Self { epoch: Epoch(next()?), scope: ScopeId(next()?), seq: next()? };
        if numbers.next().is_some() { Err(NotACursor) } else { Ok(cursor) }
    }
}

/// `from_str_radix` takes a sign; we do not.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u64::from_str_radix(text, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_text() {
        let cursor = Cursor { epoch: Epoch(u64::MAX), scope: ScopeId(7), seq: 0 };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        assert!(cursor.to_string().len() <= 50);
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "1", "1.2", "1.2.3.4", "1.2.x", "+1.2.3", "1..3", "11111111111111111.0.0"] {
            assert_eq!(text.parse::<Cursor>(), Err(NotACursor), "{text}");
        }
    }

    #[test]
    fn a_cursor_of_another_epoch_or_scope_has_no_floor() {
        let cursor = Cursor { epoch: Epoch(1), scope: ScopeId(2), seq: 3 };
        assert_eq!(cursor.floor(Epoch(1), ScopeId(2)), Some(3));
        assert_eq!(cursor.floor(Epoch(9), ScopeId(2)), None);
        assert_eq!(cursor.floor(Epoch(1), ScopeId(9)), None);
    }
}
