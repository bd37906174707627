//! HTTP to and from browsers: connection serving, routing, header rules, errors as responses, access log.

mod context;

pub use context::*;
