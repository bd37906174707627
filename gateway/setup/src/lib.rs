//! The documents of a Domino Directory that awareness in iNotes needs: planned, written, verified.
//!
//! ```text
//! setup.toml ── config ──┐
//! items.toml ── items ───┼─> plan (pure) ──> apply ── directory ──> names.nsf
//! names.nsf ── estate ───┘      │              │
//!                               │              └─ journal ──> undo
//!                               └─> table, JSON, rollback page, files to hand over
//!
//! notes.ini, sametime.ini ── ini ──┬─> assess ──> go or no-go, without access to any server
//! recording of a browser ──────────┘
//! ```
//!
//! `names`, `items`, `estate` and `plan` are pure: no sockets, no files. The write paths stand at the edge,
//! behind one trait. Knows nothing of the gateway: the program's `setup` commands are thin callers.
//! Implements domino-directory.md, whose marks (verified, inferred, unknown) every item carries along.

// What a library has to say goes to its caller, or to the log.
#![warn(clippy::print_stdout)]

pub mod apply;
pub mod assess;
pub mod config;
pub mod directory;
pub mod discover;
pub mod estate;
pub mod export;
pub mod ini;
pub mod items;
pub mod names;
pub mod plan;
pub mod routes;
pub mod survey;
pub mod verify;
