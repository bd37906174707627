//! Single sign-on as browsers and operators meet it: the real program, its configuration files and its sockets.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod attacks;
mod command;
mod policies;
mod rotation;
mod support;
mod vectors;
