//! Livename: the presence and awareness gateway between iNotes browsers and Sametime.
//!
//! **Life of a request**: accept (`net`), handshake (`net::tls`), read head (`http::serve`), route
//! (`http::router`), authenticate and authorise (`auth`), then *serve presence* (`session`) or
//! *forward* (`bridge`), respond, log. The log phase always runs, once.
//!
//! **Life of a presence change**: decode (`community`), apply to the hub and bump the revision if
//! anything differs (`gateway_core::hub`), mark the watching subscribers dirty and wake them
//! (`shard`), encode once per wire form and share the bytes (`session`), write.
//!
//! **Threads**: the main runtime runs the hub, the upstream logins, the acceptors and the admin
//! listener. Each worker is a thread with its own runtime that serves browser connections from
//! handshake to end, and has one shard: the outboxes of the subscribers whose connections it serves.

#![forbid(unsafe_code)]
// What a library has to say goes to its caller, or to the log.
#![warn(clippy::print_stdout)]

pub mod admin;
pub mod app;
pub mod auth;
pub mod bridge;
pub mod cli;
pub mod community;
pub mod config;
#[cfg(feature = "demo")]
pub mod demo;
pub mod http;
pub mod hub;
pub mod names;
pub mod net;
pub mod pilot;
pub mod scripts;
pub mod session;
pub mod shard;
pub mod telemetry;
