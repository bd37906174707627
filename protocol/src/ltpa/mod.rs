//! LTPA single sign-on tokens and the cookies that carry them. Implements `ltpa.md`.
//!
//! A [`ring::KeyRing`] is the way in: it takes the text of a `Cookie` header and the time, and answers
//! with the [`Identity`] that a token proves or with the [`Rejection`] that says why there is none.
//! Nothing here reads a clock, keeps a cache or knows HTTP.

pub mod base64;
mod cipher;
pub mod cookie;
pub mod domino;
mod identity;
pub mod keyfile;
mod life;
pub mod lmbcs;
mod name;
mod policy;
mod proof;
mod rejection;
pub mod ring;
pub mod websphere;

pub use identity::{Format, Identity, SystemSeconds};
pub use life::KeyLife;
pub use policy::{Charset, Policy};
pub use proof::Proof;
pub use rejection::{Class, Rejection};
