//! Every way in which a request can fail, and the one table of what becomes of it.
//!
//! The browser gets a short text and the request's id; the cause is for the log alone.

use http::{HeaderValue, Response, StatusCode, header};
use protocol::webapi::Code;
use tracing::Level;

use super::head::HeadError;
use super::{Body, BodyError, RouteError, full};
use crate::auth::Rejection;
use crate::auth::origin::OriginError;
use crate::bridge::{BridgeError, Side};
use crate::session::SessionError;

/// Why a request is not served.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("bad request head: {0}")]
    Head(#[from] HeadError),
    #[error("not routed: {0}")]
    Route(#[from] RouteError),
    #[error("page not allowed: {0}")]
    Origin(#[from] OriginError),
    #[error("not authorised: {0}")]
    Token(Rejection),
    /// The same for a page that a person looks at: the browser is sent to log in.
    #[error("sent to log in: {rejection}")]
    Login { rejection: Rejection, address: String },
    #[error("body not read: {0}")]
    Body(#[from] BodyError),
    #[error("not passed on: {0}")]
    Bridge(#[from] BridgeError),
    #[error("no event channel: {0}")]
    Session(#[from] SessionError),
    /// The route's room is not part of this program.
    #[error("nothing serves this route")]
    NotServed,
}

/// What becomes of a failure.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) status: StatusCode,
    pub(super) level: Level,
    /// For the log; also the `error` of a JSON body.
    pub(super) label: &'static str,
    /// One sentence for the user.
    pub(super) text: &'static str,
    /// Whether trying again soon may help (`Retry-After`).
    pub(super) retry: bool,
}

impl Failure {
    /// The table.
    pub(super) fn verdict(&self) -> Verdict {
        use StatusCode as S;
        let (status, level, label, text, retry) = match self {
            Self::Head(HeadError::Method) => {
                (S::METHOD_NOT_ALLOWED, Level::DEBUG, "method", "The method is not allowed.", false)
            }
            Self::Head(_) => (S::BAD_REQUEST, Level::DEBUG, "head", "The request is not valid.", false),
            Self::Route(RouteError::None) => {
                (S::NOT_FOUND, Level::DEBUG, "no_route", "There is nothing here.", false)
            }
            Self::Route(_) => (S::BAD_REQUEST, Level::INFO, "path", "The path is not valid.", false),
            Self::Origin(_) => {
                (S::FORBIDDEN, Level::INFO, "origin", "This page may not use this server.", false)
            }
            Self::Token(Rejection::Unavailable) => {
                let text = "The community is not ready.";
                (S::SERVICE_UNAVAILABLE, Level::INFO, "not_ready", text, true)
            }
            // One answer whatever the reason (ltpa.md 8).
            Self::Token(_) => (S::UNAUTHORIZED, Level::DEBUG, "token", "Please log in.", false),
            Self::Login { .. } => (S::FOUND, Level::DEBUG, "login", "Please log in.", false),
            Self::Body(BodyError::TooLarge) => {
                (S::PAYLOAD_TOO_LARGE, Level::INFO, "body_size", "The request is too large.", false)
            }
            Self::Body(BodyError::TooSlow) => {
                (S::REQUEST_TIMEOUT, Level::DEBUG, "body_time", "The request took too long.", false)
            }
            Self::Body(BodyError::Broken) => {
                (S::BAD_REQUEST, Level::DEBUG, "body", "The request is not valid.", false)
            }
            Self::Bridge(error) => {
                let (level, text) = match error.side {
                    Side::Upstream => (Level::WARN, "The server behind this one has a problem."),
                    Side::Downstream => (Level::DEBUG, "The request is not valid."),
                    Side::Internal => (Level::ERROR, "This server has a problem."),
                };
                (error.status(), level, error.label(), text, error.retry)
            }
            Self::Session(error) => match error {
                SessionError::NotFound => {
                    (S::NOT_FOUND, Level::DEBUG, "not_found", "There is nothing here.", false)
                }
                SessionError::Method => {
                    (S::METHOD_NOT_ALLOWED, Level::DEBUG, "method", "The method is not allowed.", false)
                }
                SessionError::NotAChannel => {
                    let text = "An event channel is a WebSocket or text/event-stream.";
                    (S::BAD_REQUEST, Level::DEBUG, "not_a_channel", text, false)
                }
                SessionError::Handshake => {
                    let text = "A WebSocket handshake of version 13 is expected.";
                    (S::UPGRADE_REQUIRED, Level::DEBUG, "handshake", text, false)
                }
                SessionError::NoChannel => {
                    let text = "There is no such event channel (any more).";
                    (S::NOT_FOUND, Level::DEBUG, "no_channel", text, false)
                }
                SessionError::TooManyPages => {
                    let text = "Too many pages are open for this user.";
                    (S::TOO_MANY_REQUESTS, Level::INFO, "too_many_sessions", text, false)
                }
                SessionError::NotAccepted => {
                    (S::UNAUTHORIZED, Level::DEBUG, "password", "Name, password or token is wrong.", false)
                }
                SessionError::NotReady => {
                    let text = "The community is not ready.";
                    (S::SERVICE_UNAVAILABLE, Level::WARN, "not_ready", text, true)
                }
            },
            Self::NotServed => {
                (S::NOT_IMPLEMENTED, Level::ERROR, "not_served", "This server cannot do that.", false)
            }
        };
        Verdict { status, level, label, text, retry }
    }

    /// Who sends such a head is not to be trusted with what follows it; after CONNECT it may be no HTTP at all.
    pub(super) fn ends_connection(&self) -> bool {
        let refused = [StatusCode::BAD_REQUEST, StatusCode::METHOD_NOT_ALLOWED];
        refused.contains(&self.verdict().status) && matches!(self, Self::Head(_) | Self::Route(_))
    }

    /// The answer: JSON for programs, plain text with the request's id for people. Who has to log in gets
    /// JSON everywhere, so that every such answer is the same.
    pub(super) fn response(&self, request_id: u64, json: bool) -> Response<Body> {
        let verdict = self.verdict();
        let id = format!("{request_id:016x}");
        let is_refusal = matches!(self, Self::Token(rejection) if *rejection != Rejection::Unavailable);
        let (kind, body) = if json || is_refusal {
            // Scripts of the Sametime Proxy look for the `returnCode` first.
            let code = if matches!(self, Self::Token(_)) { Code::NotLoggedIn } else { Code::Failed };
            let body = serde_json::json!({
                "error": verdict.label, "message": verdict.text, "returnCode": verdict.status.as_u16(),
                "code": code.number(), "reason": code.number().to_string(),
            });
            ("application/json", body.to_string())
        } else {
            ("text/plain; charset=utf-8", format!("{}\nRequest {id}\n", verdict.text))
        };
        let mut response = Response::new(full(body));
        *response.status_mut() = verdict.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Ok(id) = HeaderValue::from_str(&id) {
            headers.insert("x-request-id", id);
        }
        if let Self::Login { address, .. } = self
            && let Ok(address) = HeaderValue::from_str(address)
        {
            headers.insert(header::LOCATION, address);
        }
        if verdict.retry {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if verdict.status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, POST, PUT, DELETE, OPTIONS"));
        }
        response
    }
}
