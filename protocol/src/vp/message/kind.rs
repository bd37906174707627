//! The message types of vp-wire.md 3.

/// Client to server.
pub const HANDSHAKE: u16 = 0x0000;
/// Server to client.
pub const HANDSHAKE_ACK: u16 = 0x8000;
/// Client to server.
pub const LOGIN: u16 = 0x0001;
/// Server to client.
pub const LOGIN_ACK: u16 = 0x8001;
/// Server to client; "AuthPassed" in the draft.
pub const LOGIN_REDIRECT: u16 = 0x0018;
/// Client to server.
pub const LOGIN_CONTINUE: u16 = 0x0016;
/// Either way.
pub const CHANNEL_CREATE: u16 = 0x0002;
/// Either way.
pub const CHANNEL_ACCEPT: u16 = 0x0006;
/// Either way.
pub const CHANNEL_SEND: u16 = 0x0004;
/// Either way.
pub const CHANNEL_DESTROY: u16 = 0x0003;
/// Either way; only in the unreleased branch of libmeanwhile.
pub const ONE_TIME: u16 = 0x0007;
/// Either way.
pub const SET_USER_STATUS: u16 = 0x0009;
/// Either way.
pub const SET_PRIVACY_LIST: u16 = 0x000b;
/// Either way.
pub const SENSE_SERVICE: u16 = 0x0011;
/// Server to client.
pub const ADMIN: u16 = 0x0019;
/// Either way.
pub const ANNOUNCE: u16 = 0x0022;
