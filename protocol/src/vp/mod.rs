//! The Sametime community protocol (VP, TCP 1533): wire layer and session state machines.
//! Implements `vp-wire.md`.

pub mod crypto;
