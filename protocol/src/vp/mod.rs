//! The Sametime community protocol (VP, TCP 1533): wire layer and session state machines.
//! Implements `vp-wire.md`.

pub mod awareness;
pub mod client;
pub mod contact_list;
pub mod crypto;
pub mod frame;
pub mod im;
pub mod message;
pub mod prim;
pub mod reason;
pub mod resolve;
pub mod server;
pub mod service;
pub mod session;
pub mod storage;
