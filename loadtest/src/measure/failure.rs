//! What can go wrong for a browser, by kind, with words for people.

use std::collections::BTreeMap;

/// Why a page could not be opened, or was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailureKind {
    Unreachable,
    UnknownHost,
    ConnectTimeout,
    NoPorts,
    NoDescriptors,
    Certificate,
    Tls,
    NoHttp2,
    LoginRefused,
    OriginRefused,
    TooManyPages,
    NotThere,
    Unavailable,
    BadAnswer,
    NoAnswer,
    CommandRefused,
    LoginEnded,
    NotLoggedIn,
    Sent,
    Lost,
}

impl FailureKind {
    /// All kinds.
    pub const ALL: [Self; 20] = [
        Self::Unreachable,
        Self::UnknownHost,
        Self::ConnectTimeout,
        Self::NoPorts,
        Self::NoDescriptors,
        Self::Certificate,
        Self::Tls,
        Self::NoHttp2,
        Self::LoginRefused,
        Self::OriginRefused,
        Self::TooManyPages,
        Self::NotThere,
        Self::Unavailable,
        Self::BadAnswer,
        Self::NoAnswer,
        Self::CommandRefused,
        Self::LoginEnded,
        Self::NotLoggedIn,
        Self::Sent,
        Self::Lost,
    ];

    /// The name in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::UnknownHost => "unknown host",
            Self::ConnectTimeout => "connect timeout",
            Self::NoPorts => "no local ports",
            Self::NoDescriptors => "no descriptors",
            Self::Certificate => "certificate",
            Self::Tls => "tls",
            Self::NoHttp2 => "no http2",
            Self::LoginRefused => "login refused",
            Self::OriginRefused => "origin refused",
            Self::TooManyPages => "too many pages",
            Self::NotThere => "not there",
            Self::Unavailable => "unavailable",
            Self::BadAnswer => "bad answer",
            Self::NoAnswer => "no answer",
            Self::CommandRefused => "command refused",
            Self::LoginEnded => "login ended",
            Self::NotLoggedIn => "not logged in",
            Self::Sent => "sent away",
            Self::Lost => "connection lost",
        }
    }

    /// What it means and what to look at.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Unreachable => {
                "nothing accepts connections there: is the gateway running, and at this address?"
            }
            Self::UnknownHost => "the host name of the target has no address",
            Self::ConnectTimeout => {
                "no connection within 10 s: a firewall, or a gateway that does not accept"
            }
            Self::NoPorts => "this machine has no local ports left: give more addresses in \"sources\"",
            Self::NoDescriptors => "this process may not open more files: raise its limit (ulimit -n)",
            Self::Certificate => "the certificate is not trusted, expired or for another name: see target.ca",
            Self::Tls => "the TLS handshake failed: is this an https port?",
            Self::NoHttp2 => {
                "the server does not agree on HTTP/2: leave transports.http2 out, or let it offer that"
            }
            Self::LoginRefused => {
                "401: the token was not accepted; do the [target]'s key, realm and cookie fit the gateway's [sso], and the clocks?"
            }
            Self::OriginRefused => "403: the gateway does not allow pages of this host: see sso.origins",
            Self::TooManyPages => "429: a user has too many pages: see limits.sessions_per_user",
            Self::NotThere => "404: no event channels below this URL",
            Self::Unavailable => "a 5xx answer: the gateway or something in front of it is not ready",
            Self::BadAnswer => "an answer that is no event channel",
            Self::NoAnswer => {
                "the page did not come up within 60 s, or before the test ended: the gateway accepts connections and does not answer"
            }
            Self::CommandRefused => {
                "the gateway refused a command, for example a watch list that is too long"
            }
            Self::LoginEnded => {
                "the channel was ended for good: token expired, login refused or logged in elsewhere"
            }
            Self::NotLoggedIn => {
                "a user has no login at the community, or not yet: does the gateway log users in (own_presence)?"
            }
            Self::Sent => {
                "the gateway ended the channel and asked to come back: draining, or the browser was too slow"
            }
            Self::Lost => "the connection broke",
        }
    }

    /// Whether a page would try again.
    pub fn passes(self) -> bool {
        !matches!(
            self,
            Self::Certificate
                | Self::NoHttp2
                | Self::LoginRefused
                | Self::OriginRefused
                | Self::NotThere
                | Self::CommandRefused
                | Self::LoginEnded
        )
    }
}

/// Adds to failures by name those of another thread, time or phase.
pub fn add_failures(all: &mut BTreeMap<String, u64>, more: &BTreeMap<String, u64>) {
    for (name, count) in more {
        *all.entry(name.clone()).or_default() += count;
    }
}
