//! Header hygiene: what a browser must not be able to say, and what only a trusted proxy may say.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName};

use super::{Scheme, forwarded};
use crate::config::{Network, in_any};

/// Who the browser is and what it used, after trusted proxies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Client {
    pub(super) address: IpAddr,
    pub(super) scheme: Scheme,
    /// The host that a trusted proxy was asked for.
    pub(super) host: Option<String>,
}

/// Takes every header about identity and origin out of the request, whoever sent it, and believes those
/// of a trusted proxy. What goes on to a backend is made anew from the request's context.
pub(super) fn cleanse(headers: &mut HeaderMap, peer: IpAddr, scheme: Scheme, trusted: &[Network]) -> Client {
    let peer = peer.to_canonical();
    let mut client = Client { address: peer, scheme, host: None };
    if in_any(trusted, peer) {
        believe(headers, &mut client, trusted);
    }
    let doomed: Vec<HeaderName> = headers.keys().filter(|name| is_ours(name.as_str())).cloned().collect();
    for name in doomed {
        headers.remove(name);
    }
    client
}

/// `$WS…` and `_WS…` are how Domino and WebSphere take a user name from their web server plug-in: a
/// client that may send them may be anybody. `Proxy` becomes `HTTP_PROXY` in CGI programs.
fn is_ours(name: &str) -> bool {
    ["$ws", "_ws", "x-forwarded-"].iter().any(|prefix| name.starts_with(prefix))
        || matches!(name, "forwarded" | "x-real-ip" | "proxy")
}

/// `X-Forwarded-*` goes before `Forwarded`, which is only read where none of the former is there: a proxy that writes one
/// of the two dialects passes the other on as a browser wrote it, and nearly all write `X-Forwarded-*`.
fn believe(headers: &HeaderMap, client: &mut Client, trusted: &[Network]) {
    let texts = |name: &str| {
        headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join(",")
    };
    if !SPELLED_OUT.iter().any(|name| headers.contains_key(*name)) {
        return believe_forwarded(&texts("forwarded"), client, trusted);
    }
    // The right end was written by the proxy nearest to us. What stands left of the first address that
    // is no proxy of ours was written by anybody.
    for entry in texts("x-forwarded-for").rsplit(',') {
        let Some(address) = address(entry.trim()) else { break };
        client.address = address;
        if !in_any(trusted, address) {
            break;
        }
    }
    match last(&texts("x-forwarded-proto")) {
        Some("https") => client.scheme = Scheme::Https,
        Some("http") => client.scheme = Scheme::Http,
        _ => {}
    }
    client.host = last(&texts("x-forwarded-host")).map(str::to_ascii_lowercase);
}

const SPELLED_OUT: [&str; 3] = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"];

/// Each hop was written by the one before it, so the words of the last proxy of ours hold.
fn believe_forwarded(text: &str, client: &mut Client, trusted: &[Network]) {
    for hop in forwarded::hops(text) {
        match hop.scheme.as_deref() {
            Some("https") => client.scheme = Scheme::Https,
            Some("http") => client.scheme = Scheme::Http,
            _ => {}
        }
        if let Some(host) = hop.host.filter(|host| !host.is_empty()) {
            client.host = Some(host.to_ascii_lowercase());
        }
        let Some(address) = hop.client.as_deref().and_then(address) else { break };
        client.address = address;
        if !in_any(trusted, address) {
            break;
        }
    }
}

/// The nearest proxy's word.
fn last(list: &str) -> Option<&str> {
    list.rsplit(',').next().map(str::trim).filter(|word| !word.is_empty())
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1` or `[2001:db8::1]:80`.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse().ok().or_else(|| text.parse().ok().map(|with_port: SocketAddr| with_port.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        list.iter()
            .map(|(name, value)| {
                (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_static(value))
            })
            .collect()
    }

    #[test]
    fn a_browser_cannot_claim_an_identity_or_an_address() {
        let mut sent = headers(&[
            ("$WSRU", "CN=Admin/O=Acme"),
            ("$wsra", "10.0.0.1"),
            ("_WS_HAPRT_WLMVERSION", "1"),
            ("X-Forwarded-For", "10.0.0.1"),
            ("X-Forwarded-Proto", "https"),
            ("X-Forwarded-Host", "evil.example"),
            ("X-Forwarded-Anything", "1"),
            ("Forwarded", "for=10.0.0.1"),
            ("X-Real-IP", "10.0.0.1"),
            ("Proxy", "http://evil.example"),
            ("Accept", "*/*"),
        ]);
        let client = cleanse(&mut sent, ip("192.0.2.1"), Scheme::Http, &["10.0.0.9".parse().unwrap()]);
        assert_eq!(client, Client { address: ip("192.0.2.1"), scheme: Scheme::Http, host: None });
        assert_eq!(sent, headers(&[("Accept", "*/*")]));
    }

    #[test]
    fn a_trusted_proxy_is_believed_but_not_what_others_told_it() {
        let trusted = ["10.0.0.0/30".parse().unwrap()];
        for (forwarded, expected) in [
            ("192.0.2.7", "192.0.2.7"),
            ("1.1.1.1, 192.0.2.7, 10.0.0.2", "192.0.2.7"),
            ("192.0.2.7:5123", "192.0.2.7"),
            ("[2001:db8::7]:5123", "2001:db8::7"),
            ("2001:db8::7", "2001:db8::7"),
            ("192.0.2.7, unknown", "10.0.0.1"),
            ("", "10.0.0.1"),
        ] {
            let mut sent = headers(&[("X-Forwarded-For", forwarded), ("X-Forwarded-Proto", "https")]);
            sent.insert("$WSRU", HeaderValue::from_static("x"));
            let client = cleanse(&mut sent, ip("::ffff:10.0.0.1"), Scheme::Http, &trusted);
            assert_eq!((client.address, client.scheme), (ip(expected), Scheme::Https), "{forwarded}");
            assert!(sent.is_empty());
        }
    }
}
