//! The send types of vp-wire.md 8.1.

/// Client to server: watch these.
pub const ADD: u16 = 0x0068;
/// Client to server: watch these no longer.
pub const REMOVE: u16 = 0x0069;
/// Client to server: publish an attribute of mine.
pub const SET_ATTRIBUTE: u16 = 0x00c9;
/// Client to server: withdraw an attribute of mine.
pub const UNSET_ATTRIBUTE: u16 = 0x00ca;
/// Client to server: watch these attributes, and no others.
pub const WATCH_ATTRIBUTES: u16 = 0x00cb;
/// Server to client: the state of several users.
pub const SNAPSHOT: u16 = 0x01f4;
/// Server to client: the state of one user.
pub const UPDATE: u16 = 0x01f5;
/// Server to client: a watched group is known.
pub const GROUP: u16 = 0x01f6;
/// Server to client: an attribute was set.
pub const ATTRIBUTE_SET: u16 = 0x0259;
/// Server to client: an attribute was withdrawn.
pub const ATTRIBUTE_UNSET: u16 = 0x025a;
