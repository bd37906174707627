//! URLs of a recording: what the checks need of them, and a form that may be shown.

use std::fmt;

/// Bytes of a host name that are kept.
const MOST_HOST: usize = 253;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Scheme {
    Http,
    Https,
}

/// Scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Origin {
    pub scheme: Scheme,
    /// In lower case; an IPv6 address in its brackets.
    pub host: String,
    pub port: u16,
}

/// An http or https URL without user, query and fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub origin: Origin,
    /// With its leading slash. Holds names of people and sessions: show it with `to_string` only.
    pub path: String,
}

impl Address {
    /// Takes an absolute http, https, ws or wss URL; none for anything else.
    pub(crate) fn parse(url: &str) -> Option<Self> {
        let (scheme, rest) = url.trim().split_once("://")?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" | "ws" => Scheme::Http,
            "https" | "wss" => Scheme::Https,
            _ => return None,
        };
        let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port.parse().ok()?),
            _ => (authority, if scheme == Scheme::Https { 443 } else { 80 }),
        };
        let known = |c: char| c.is_ascii_alphanumeric() || ".-_[]:".contains(c);
        if host.is_empty() || host.len() > MOST_HOST || !host.chars().all(known) {
            return None;
        }
        let path = rest.split(['?', '#']).next().unwrap_or("");
        let path = if path.is_empty() { "/" } else { path };
        Some(Self { origin: Origin { scheme, host: host.to_ascii_lowercase(), port }, path: path.to_owned() })
    }

    /// Takes what a redirect names: an absolute URL, or one seen from here.
    pub(crate) fn join(&self, location: &str) -> Option<Self> {
        let scheme = match self.origin.scheme {
            Scheme::Http => "http:",
            Scheme::Https => "https:",
        };
        if location.starts_with("//") {
            Self::parse(&format!("{scheme}{location}"))
        } else if location.contains("://") {
            Self::parse(location)
        } else {
            let path = location.split(['?', '#']).next().unwrap_or("");
            Some(Self { origin: self.origin.clone(), path: path.to_owned() })
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, usual) = match self.scheme {
            Scheme::Http => ("http", 80),
            Scheme::Https => ("https", 443),
        };
        write!(f, "{scheme}://{}", self.host)?;
        if self.port == usual { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

/// The path up to the first part that could name a person, a mail file or a session.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.origin)?;
        for part in self.path.split('/').skip(1) {
            if !is_plain(part) {
                return f.write_str("/…");
            }
            write!(f, "/{part}")?;
        }
        Ok(())
    }
}

/// Parts of paths of Domino and Sametime that name no person.
fn is_plain(part: &str) -> bool {
    const KNOWN: [&str; 29] = [
        "",
        "announceframe.html",
        "basecomps.js",
        "communitycbr",
        "connect",
        "connectweb",
        "hostinfo.js",
        "include.js",
        "inotes",
        "latest",
        "livename",
        "livename.js",
        "livenamelight.js",
        "mail",
        "names.nsf",
        "presence",
        "res.js",
        "rtcservlet",
        "sametime",
        "stbaseapi",
        "status",
        "stlinks",
        "stlinks.css",
        "stlinks.js",
        "stwebapi",
        "stwebclient",
        "user",
        "widgets.js",
        "widgetslight.js",
    ];
    let part = part.to_ascii_lowercase();
    let forms = part.strip_prefix("forms").and_then(|rest| rest.strip_suffix(".nsf"));
    KNOWN.contains(&part.as_str())
        || forms.is_some_and(|release| release.bytes().all(|byte| byte.is_ascii_digit()))
}
