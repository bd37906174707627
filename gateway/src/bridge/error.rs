//! What can go wrong while a request is passed on: who failed, in which phase, and whether another try
//! would be safe. The status and the metric label of each case are decided here, once.

use std::{fmt, io};

use http::StatusCode;

use crate::net::DialError;

/// A request that could not be passed on, or a body that broke off.
#[derive(Debug, thiserror::Error)]
#[error("{side} failed in phase {phase}: {fault}")]
pub struct BridgeError {
    pub side: Side,
    pub phase: Phase,
    pub fault: Fault,
    /// Nothing was sent, or what was sent may be repeated: an idempotent method without a body.
    pub retry: bool,
}

/// Who failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Upstream,
    Downstream,
    Internal,
}

/// What was being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The request was judged, no upstream knows of it.
    Judge,
    /// Waiting for a connection, or making one.
    Connect,
    Tls,
    /// The request was being written.
    Write,
    /// The head of the answer was awaited or read.
    Head,
    /// A body was being streamed.
    Body,
}

#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("{0}")]
    Dial(DialError),
    #[error("{0}")]
    Http(hyper::Error),
    /// A limit of the route's configuration has passed.
    #[error("time limit reached")]
    Timeout,
    /// The browser does not send the body that it announced.
    #[error("the request body makes no progress")]
    SlowUpload,
    /// All connections to the upstream are in use, and nobody may wait any more.
    #[error("too many connections to the upstream")]
    Busy,
    /// This machine has nothing left to make a connection with.
    #[error("nothing left here to connect with: {0}")]
    Exhausted(io::Error),
    /// All upstreams of the route have failed lately and are left alone.
    #[error("no upstream is well")]
    Down,
    #[error("{0} is not offered")]
    Unsupported(&'static str),
    #[error("malformed {0}")]
    Malformed(&'static str),
    /// The request has passed through this program several times already.
    #[error("the upstream leads back to this gateway")]
    Loop,
    /// The upstream switched protocols without being asked to, or to another one.
    #[error("the upstream switched protocols unasked")]
    UnaskedUpgrade,
    /// Cannot be, by construction.
    #[error("{0}")]
    Invariant(&'static str),
}

impl BridgeError {
    /// Nothing has reached an upstream.
    pub(super) fn judged(fault: Fault) -> Self {
        Self { side: Side::Downstream, phase: Phase::Judge, fault, retry: false }
    }

    pub(super) fn upstream(phase: Phase, fault: Fault) -> Self {
        Self { side: Side::Upstream, phase, fault, retry: false }
    }

    /// No request was sent yet: any other upstream may be tried.
    pub(super) fn unsent(phase: Phase, fault: Fault) -> Self {
        Self { side: Side::Upstream, phase, fault, retry: true }
    }

    pub(super) fn internal(phase: Phase, fault: Fault) -> Self {
        Self { side: Side::Internal, phase, fault, retry: false }
    }

    /// Another upstream may be within reach still: ports run out by address.
    pub(super) fn exhausted(error: io::Error) -> Self {
        let (side, phase) = (Side::Internal, Phase::Connect);
        Self { side, phase, fault: Fault::Exhausted(error), retry: true }
    }

    /// It tells against the upstream's health.
    pub(super) fn blames_upstream(&self) -> bool {
        self.side == Side::Upstream
            && !matches!(self.fault, Fault::Busy | Fault::Down | Fault::UnaskedUpgrade)
    }

    /// The answer for the browser.
    pub fn status(&self) -> StatusCode {
        match (&self.fault, self.side) {
            (Fault::Timeout, _) => StatusCode::GATEWAY_TIMEOUT,
            (Fault::SlowUpload, _) => StatusCode::REQUEST_TIMEOUT,
            (Fault::Busy | Fault::Down | Fault::Exhausted(_), _) => StatusCode::SERVICE_UNAVAILABLE,
            (Fault::Unsupported(_), _) => StatusCode::NOT_IMPLEMENTED,
            (Fault::Loop, _) => StatusCode::LOOP_DETECTED,
            (Fault::Malformed(_), _) | (_, Side::Downstream) => StatusCode::BAD_REQUEST,
            (_, Side::Upstream) => StatusCode::BAD_GATEWAY,
            (_, Side::Internal) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// For metrics: one of a small fixed set.
    pub fn label(&self) -> &'static str {
        match (&self.fault, self.side, self.phase) {
            (Fault::Timeout, _, _) => "timeout",
            (Fault::SlowUpload, _, _) => "upload_stalled",
            (Fault::Busy, _, _) => "busy",
            (Fault::Down, _, _) => "down",
            (Fault::Exhausted(_), _, _) => "exhausted",
            (_, Side::Internal, _) => "internal",
            (_, Side::Downstream, Phase::Judge) => "refused",
            (_, Side::Downstream, _) => "downstream_failed",
            (_, Side::Upstream, Phase::Connect) => "connect_failed",
            (_, Side::Upstream, Phase::Tls) => "tls_failed",
            (_, Side::Upstream, _) => "upstream_failed",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Upstream => "upstream",
            Self::Downstream => "downstream",
            Self::Internal => "gateway",
        })
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Judge => "judge",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Write => "write",
            Self::Head => "head",
            Self::Body => "body",
        })
    }
}
