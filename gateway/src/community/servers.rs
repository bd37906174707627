//! Which server of a community to connect to next: the list in turn, and redirects to home servers.

use crate::config::Community;

/// The community port of Sametime.
const PORT: u16 = 1533;
/// More redirects than this in a row are a loop.
const REDIRECTS: u8 = 3;

/// Where to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub(super) host: String,
    pub(super) port: u16,
}

impl Endpoint {
    /// Reads `host`, `host:port` or `[v6]:port`.
    fn parse(text: &str) -> Self {
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
                (host, port.parse().unwrap_or(PORT))
            }
            _ => (text, PORT),
        };
        Self { host: host.trim_matches(['[', ']']).to_owned(), port }
    }
}

/// One login's way through the servers.
#[derive(Debug)]
pub(super) struct Servers {
    list: Vec<Endpoint>,
    map: Vec<(String, Endpoint)>,
    next: usize,
    redirected: Option<Endpoint>,
    redirects: u8,
}

impl Servers {
    /// `start` spreads the logins over the servers.
    pub(super) fn new(community: &Community, start: usize) -> Self {
        let list: Vec<_> = community.servers.iter().map(|server| Endpoint::parse(server)).collect();
        let map =
            community.host_map.iter().map(|(from, to)| (from.to_lowercase(), Endpoint::parse(to))).collect();
        Self { next: start % list.len().max(1), list, map, redirected: None, redirects: 0 }
    }

    /// The server for the next try.
    pub(super) fn current(&self) -> Option<&Endpoint> {
        self.redirected.as_ref().or_else(|| self.list.get(self.next))
    }

    /// The current server failed: the next one of the list.
    pub(super) fn failed(&mut self) {
        if self.redirected.take().is_none() {
            self.next = (self.next + 1) % self.list.len().max(1);
        }
        self.redirects = 0;
    }

    /// The login worked: later redirects start counting anew, and a reconnect begins here.
    pub(super) fn settled(&mut self) {
        self.redirects = 0;
    }

    /// Whether the next try is where a redirect leads.
    pub(super) fn is_redirected(&self) -> bool {
        self.redirected.is_some()
    }

    /// Follows a redirect to a server by the name that the community calls it. Only servers that the
    /// configuration names are followed: an upstream must not send the users' tokens elsewhere.
    pub(super) fn redirect(&mut self, host: &str) -> Result<(), RedirectError> {
        self.redirects = self.redirects.saturating_add(1);
        // A redirect that is not followed leaves the list in charge.
        self.redirected = None;
        if self.redirects > REDIRECTS {
            return Err(RedirectError::Loop);
        }
        let name = host.to_lowercase();
        let wanted = Endpoint::parse(&name);
        let mapped = self.map.iter().find(|(from, _)| *from == name).map(|(_, to)| to);
        let listed = self.list.iter().find(|server| server.host.to_lowercase() == wanted.host);
        self.redirected = Some(mapped.or(listed).ok_or(RedirectError::UnknownHost)?.clone());
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RedirectError {
    #[error("redirected more than {REDIRECTS} times in a row")]
    Loop,
    #[error("redirected to a server that is neither in `servers` nor in `[[community.host]]`")]
    UnknownHost,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers() -> Servers {
        let list = ["st1.acme.example:1533", "st2.acme.example"].map(Endpoint::parse).to_vec();
        let map = vec![("cn=st9/o=acme".to_owned(), Endpoint::parse("10.0.0.9:1600"))];
        Servers { list, map, next: 0, redirected: None, redirects: 0 }
    }

    #[test]
    fn servers_are_tried_in_turn() {
        let mut servers = servers();
        let mut seen = Vec::new();
        for _ in 0..3 {
            seen.push(servers.current().unwrap().host.clone());
            servers.failed();
        }
        assert_eq!(seen, ["st1.acme.example", "st2.acme.example", "st1.acme.example"]);
    }

    #[test]
    fn a_redirect_is_followed_by_map_or_list_only() {
        let mut servers = servers();
        servers.redirect("CN=st9/O=Acme").unwrap();
        assert_eq!(servers.current(), Some(&Endpoint { host: "10.0.0.9".into(), port: 1600 }));
        servers.redirect("ST2.acme.example").unwrap();
        assert_eq!(servers.current(), Some(&Endpoint { host: "st2.acme.example".into(), port: PORT }));
        assert_eq!(servers.redirect("evil.example"), Err(RedirectError::UnknownHost));
        assert_eq!(servers.redirect("st1.acme.example"), Err(RedirectError::Loop));
        assert!(!servers.is_redirected());
        servers.failed();
        assert_eq!(servers.current().unwrap().host, "st2.acme.example");
    }

    #[test]
    fn endpoints_may_be_ipv6() {
        assert_eq!(Endpoint::parse("[::1]:99"), Endpoint { host: "::1".into(), port: 99 });
        assert_eq!(Endpoint::parse("[::1]"), Endpoint { host: "::1".into(), port: PORT });
    }
}
