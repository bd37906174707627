//! The community as its servers see it: who is logged in where, what they do, who may see it and who
//! wants to know. The reference for everything that is tested against it.
//!
//! Pure: no sockets, no clock, no randomness. [`Community::apply`] takes what one login did and
//! returns what every login has to be told. Implements the server's side of `vp-wire.md` 4, 5.1, 8, 9
//! and 11.2 above the wire; simple data structures, so that it can be trusted, with an index from
//! each person to the watchers, so that a community of 20,000 people stays quick.

mod chats;
mod community;
mod csv;
mod directory;
mod event;
mod invent;
mod logins;
mod services;
mod settings;
mod watches;

pub use community::{Community, Effects};
pub use csv::CsvError;
pub use directory::{Directory, Found, Group, Person};
pub use event::{
    Announcement, Chat, ChatId, Effect, Event, LogIn, LoginCard, LoginId, Proof, ResolveAnswer, Sighting,
    UserStatus, WatchId, WatchKind,
};
pub(crate) use invent::Dice;
pub use settings::{PrivacyList, Server, Settings};

#[cfg(test)]
mod tests;
