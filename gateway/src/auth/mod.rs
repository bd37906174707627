//! Who is asking: LTPA cookies in, an identity or a reason out; and which pages may open event channels.
//!
//! Knows no HTTP types. Implements `ltpa.md` sections 6 and 8 around the key ring of `protocol::ltpa`.

mod authenticator;
mod cache;
mod delegated;
mod digest;
pub mod login;
mod names;
pub mod origin;
mod ring;
#[cfg(test)]
mod storm;
#[cfg(test)]
mod tests;
pub(crate) mod tries;

use std::sync::Arc;

use protocol::secret::Secret;

pub use authenticator::{Authenticator, Rejection};
pub(crate) use delegated::claimed;
pub use delegated::{Delegate, Delegated, Proving, Shown, Unreachable};
pub(crate) use names::spelled;
pub use ring::{UnusableRing, ring};

/// What a valid token proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The name in the configured spelling, usually canonical (`CN=Ann Example/O=Acme`).
    pub user: String,
    /// Unix time in seconds after which the token is worth nothing.
    pub expires: u64,
    /// Which key of the ring proved it.
    pub key_id: Arc<str>,
    /// The name of the cookie that carried it.
    pub cookie: Arc<str>,
    /// The token itself, as base64 text, for the user's own login upstream.
    pub token: Secret,
    /// The other cookies of single sign-on that are there, each with its token if that proves the same user.
    pub others: Vec<(Arc<str>, Option<Secret>)>,
}
