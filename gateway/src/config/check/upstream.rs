//! The part of `[[route]]` that is about upstreams.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, Uri};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;

use super::{pages, rewrite};
use crate::config::section::{Given, Section};
use crate::config::value::{TlsWord, quoted};
use crate::config::{AuthPolicy, Check, Health, PoolBounds, SametimeProtocol, Upstream, UpstreamRoute, tls};

/// Keys and tables that only mean something with `upstreams`.
pub(super) const KEYS: &[&str] = &[
    "sametime_protocol",
    "identity_header",
    "connect_timeout",
    "head_timeout",
    "body_timeout",
    "tls",
    "weights",
    "sticky_cookie",
    "retry",
    "http2",
    "proxy_protocol",
    "pool",
    "health",
    "rewrite",
    "aliases",
    "affinity_id",
    "cors",
    "origin_header",
];

/// Headers that may carry an identity: the bridge removes them from every request.
const IDENTITY_HEADERS: [&str; 7] =
    ["x-livename-user", "x-forwarded-user", "remote-user", "x-remote-user", "$wsru", "iv-user", "sm-user"];

const TIMEOUT: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(600);

const DAY: Duration = Duration::from_secs(86_400);
/// One bit for each while a request looks for one that takes it.
const MOST_UPSTREAMS: usize = 64;

/// What `key` lists (`upstreams`, or `pass_to` of an awareness route), and how to speak to it.
pub(super) fn read(section: &Section<'_>, auth: AuthPolicy, key: &'static str) -> Option<UpstreamRoute> {
    if section.has("community") && key == "upstreams" {
        section.wrong("community", "has no meaning with upstreams; it is for serve = \"awareness\"");
    }
    let addresses = addresses(section, key);
    let defaults = UpstreamRoute::to(Vec::new());
    let sametime_protocol = section.or("sametime_protocol", SametimeProtocol::Page);
    let connect_timeout = section.within("connect_timeout", defaults.connect_timeout, TIMEOUT);
    let head_timeout = section.value("head_timeout").map(|given| given.value);
    let body_timeout = section.within("body_timeout", defaults.body_timeout, TIMEOUT);
    let identity_header = identity_header(section);
    if identity_header.is_some() && auth == AuthPolicy::Off {
        section.wrong("identity_header", "with auth = \"off\" nobody is known");
    }
    let tls = tls_settings(section, addresses.iter().any(|(tls, ..)| *tls))?;
    let http2 = section.or("http2", false);
    if http2 && !addresses.iter().any(|(tls, ..)| *tls) {
        section.wrong("http2", "needs an https upstream, where HTTP/2 is agreed on");
    }
    let proxy = section.value("proxy_protocol").map(|given| given.value);
    let weights = weights(section, key);
    let (pool, health) = (pool(&section.table("pool")), health(&section.table("health")));
    let upstreams = addresses
        .into_iter()
        .enumerate()
        .map(|(index, (https, host, port))| Upstream {
            server_name: tls.server_name.clone(),
            http2,
            proxy,
            weight: weights.get(index).copied().unwrap_or(1),
            pool,
            health: health.clone(),
            ..Upstream::at(https, &host, port, tls.client.clone())
        })
        .collect::<Vec<_>>();
    Some(UpstreamRoute {
        rewrite: rewrite::read(section, &upstreams),
        upstreams,
        sametime_protocol,
        connect_timeout,
        head_timeout,
        body_timeout,
        identity_header,
        sticky_cookie: sticky_cookie(section),
        retry: section.or("retry", defaults.retry),
        pages: pages::read(section),
    })
}

fn weights(section: &Section<'_>, key: &str) -> Vec<u32> {
    let weights = section.list::<u32>("weights");
    let upstreams = section.count(key);
    if section.has("weights") && weights.len() != upstreams {
        let text = format!("give one number for each of the {upstreams} upstreams, in their order");
        section.wrong("weights", text);
    }
    for weight in &weights {
        if !(1..=1000).contains(&weight.value) {
            section.wrong_at(weight.at, "weights", format!("{} is outside 1 to 1000", weight.value));
        }
    }
    weights.into_iter().map(|weight| weight.value).collect()
}

fn sticky_cookie(section: &Section<'_>) -> Option<String> {
    let given = section.value::<String>("sticky_cookie")?;
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if !given.value.bytes().all(legal) {
        let text =
            format!("{} is not a name for a cookie; use letters, digits, - and _", quoted(&given.value));
        section.wrong_at(given.at, "sticky_cookie", text);
    }
    Some(given.value)
}

fn pool(section: &Section<'_>) -> PoolBounds {
    let defaults = PoolBounds::default();
    PoolBounds {
        connections: section.within("connections", defaults.connections, 1..=1_000_000),
        waiting: section.within("waiting", defaults.waiting, 0..=1_000_000),
        idle: section.within("idle", defaults.idle, 0..=100_000),
        idle_time: section.within("idle_time", defaults.idle_time, TIMEOUT),
        lifetime: section.within("lifetime", defaults.lifetime, Duration::from_millis(1)..=DAY),
    }
}

fn health(section: &Section<'_>) -> Health {
    let defaults = Health::default();
    let path = section.value::<String>("path");
    if let Some(path) = &path {
        let legal = path.value.starts_with('/') && path.value.parse::<http::uri::PathAndQuery>().is_ok();
        if !legal {
            let text = format!("{} is not a path; write it as \"/health\"", quoted(&path.value));
            section.wrong_at(path.at, "path", text);
        }
    }
    let interval = section.within("interval", Duration::from_secs(10), Duration::from_millis(10)..=DAY);
    let timeout = section.within("timeout", Duration::from_secs(5), TIMEOUT);
    let successes = section.within("successes", 2, 1..=1000);
    Health {
        failures: section.within("failures", defaults.failures, 1..=1000),
        rest: section.within("rest", defaults.rest, TIMEOUT),
        slow_start: section.within("slow_start", defaults.slow_start, Duration::ZERO..=DAY),
        check: path.map(|path| Check { path: path.value, interval, timeout, successes }),
    }
}

fn identity_header(section: &Section<'_>) -> Option<HeaderName> {
    let given = section.value::<String>("identity_header")?;
    let known = IDENTITY_HEADERS.iter().find(|name| name.eq_ignore_ascii_case(&given.value));
    if known.is_none() {
        let text = format!(
            "{} is not among {}, which no browser can forge",
            quoted(&given.value),
            IDENTITY_HEADERS.join(", ")
        );
        section.wrong_at(given.at, "identity_header", text);
    }
    known.map(|name| HeaderName::from_static(name))
}

fn addresses(section: &Section<'_>, key: &'static str) -> Vec<(bool, String, u16)> {
    let given = section.list::<String>(key);
    if section.is_empty_list(key) {
        section.wrong(key, "the list is empty; give at least one, such as [\"http://st1.acme.example\"]");
    }
    if given.len() > MOST_UPSTREAMS {
        section.wrong(key, format!("a route can have {MOST_UPSTREAMS} at most"));
    }
    given
        .iter()
        .filter_map(|one| {
            let upstream = address(&one.value);
            if upstream.is_none() {
                let text = format!("{} is not an upstream; write \"http://host\", \"https://host\" or with a port, without a path", quoted(&one.value));
                section.wrong_at(one.at, key, text);
            }
            upstream
        })
        .collect()
}

/// What the https upstreams of a route have in common.
struct Tls {
    client: Arc<ClientConfig>,
    server_name: Option<String>,
}

fn tls_settings(route: &Section<'_>, needed: bool) -> Option<Tls> {
    let section = match route.has("tls") {
        true => route.given_table("tls")?,
        false if needed => route.table("tls"),
        // Never used: no upstream of this route speaks TLS.
        false => {
            let client = tls::client_with(rustls::RootCertStore::empty()).ok()?;
            return Some(Tls { client, server_name: None });
        }
    };
    let server_name = section.value::<String>("server_name");
    if let Some(name) = &server_name
        && ServerName::try_from(name.value.as_str()).is_err()
    {
        section.wrong_at(name.at, "server_name", format!("{} is not a host name", quoted(&name.value)));
    }
    let newest = section.or("min_version", TlsWord::Tls12) == TlsWord::Tls13;
    let own = match (section.path("chain"), section.path("key")) {
        (Some(chain), Some(key)) => match tls::certificate(&chain.value, &key.value) {
            Ok(own) => Some(own),
            Err(errors) => {
                errors.iter().for_each(|error| section.wrong(error.blames(&key.value), error.to_string()));
                return None;
            }
        },
        (None, None) => None,
        (chain, _) => {
            let (missing, given) = if chain.is_some() { ("key", "chain") } else { ("chain", "key") };
            section.wrong(given, format!("needs {missing}; the certificate has both"));
            None
        }
    };
    let ca = section.path("ca");
    let roots = tls::authorities(ca.as_ref().map(|ca| ca.value.as_path()));
    match roots.and_then(|roots| tls::client_as(roots, newest, own)) {
        Ok(client) => Some(Tls { client, server_name: server_name.map(|given: Given<String>| given.value) }),
        Err(error) => {
            let hint =
                if section.has("ca") { "" } else { "; give the file with the authorities' certificates" };
            section.wrong("ca", format!("{error}{hint}"));
            None
        }
    }
}

/// Scheme, host and port of `http://host[:port]`.
pub(super) fn address(text: &str) -> Option<(bool, String, u16)> {
    let uri: Uri = text.parse().ok()?;
    let tls = match uri.scheme_str()? {
        "http" => false,
        "https" => true,
        _ => return None,
    };
    let authority = uri.authority()?;
    if text.contains('@') || uri.query().is_some() || !matches!(uri.path(), "" | "/") {
        return None;
    }
    let port = match authority.port_u16() {
        None if authority.as_str().len() == authority.host().len() => {
            if tls {
                443
            } else {
                80
            }
        }
        port => port.filter(|port| *port > 0)?,
    };
    Some((tls, authority.host().to_ascii_lowercase(), port))
}
