//! `[[route]]`.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, Uri};

use super::community::{Named, client};
use super::sso;
use crate::config::section::{Given, Section};
use crate::config::value::{ServeWord, quoted};
use crate::config::{
    AuthPolicy, OwnPresence, Route, SametimeProtocol, Serve, Sso, Upstream, UpstreamRoute, tls,
};

/// Headers that may carry an identity: the bridge removes them from every request.
const IDENTITY_HEADERS: [&str; 7] =
    ["x-livename-user", "x-forwarded-user", "remote-user", "x-remote-user", "$wsru", "iv-user", "sm-user"];

pub(super) fn read(root: &Section<'_>, communities: &[Named], sso: &Sso) -> Vec<Arc<Route>> {
    // Keys that are there but wrong have been named already.
    let keys_given = root.table("sso").has("key") || root.table("sso").has("delegated");
    let sections = root.tables("route");
    if sections.is_empty() && !root.has("route") {
        root.wrong("route", "there is no route; add [[route]] with a path, and serve or upstreams");
    }
    let mut seen: Vec<(String, String)> = Vec::new();
    let mut routes = Vec::new();
    for section in &sections {
        let hosts = hosts(section);
        let path = section.must::<String>("path", "give the path prefix, \"/\" for everything");
        if let Some(path) = &path {
            check_path(section, path);
            conflict(section, &hosts, path, &mut seen);
        }
        let auth = auth(section, keys_given);
        let serve = serve(section, communities, auth);
        let own_login = sso::login(section, sso.domain.as_deref());
        if own_login.is_some() && auth != AuthPolicy::Required {
            section.wrong("login_url", "only auth = \"required\" sends anybody there");
        }
        let serves_pages = matches!(serve, Some(Serve::Upstream(_)));
        let login = own_login.or_else(|| sso.login.clone());
        let login = login.filter(|_| auth == AuthPolicy::Required && serves_pages);
        if let (Some(path), Some(serve)) = (path, serve) {
            routes.push(Arc::new(Route { hosts, path: path.value, auth, login, serve }));
        }
    }
    routes
}

fn hosts(section: &Section<'_>) -> Vec<String> {
    let given = section.list::<String>("hosts");
    if section.is_empty_list("hosts") {
        section.wrong("hosts", "the list is empty; leave the key out to mean every host");
    }
    let legal = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    for host in &given {
        if !host.value.chars().all(legal) {
            let text =
                format!("{} is not a host name; write it without scheme, port and path", quoted(&host.value));
            section.wrong_at(host.at, "hosts", text);
        }
    }
    given.into_iter().map(|host| host.value.to_ascii_lowercase()).collect()
}

fn check_path(section: &Section<'_>, path: &Given<String>) {
    let text = path.value.as_str();
    let legal = |byte: u8| byte.is_ascii_graphic() && !b"?#\\%\"<>".contains(&byte);
    let wrong = if !text.starts_with('/') {
        "must start with \"/\""
    } else if text.len() > 1 && text.ends_with('/') {
        "leave the \"/\" at the end out; the prefix ends at a segment border anyway"
    } else if text.contains("//") || text.split('/').any(|segment| segment == "." || segment == "..") {
        "must not have empty, \".\" or \"..\" segments"
    } else if !text.bytes().all(legal) {
        "must be a plain path, without query, escapes or blanks"
    } else {
        return;
    };
    section.wrong_at(path.at, "path", wrong);
}

fn conflict(section: &Section<'_>, hosts: &[String], path: &Given<String>, seen: &mut Vec<(String, String)>) {
    let every = [String::new()];
    for host in if hosts.is_empty() { &every } else { hosts } {
        let place = (host.clone(), path.value.clone());
        if seen.contains(&place) {
            let host = if host.is_empty() { "every host".to_owned() } else { quoted(host) };
            section.wrong_at(
                path.at,
                "path",
                format!("there is another route for {} on {host}", quoted(&path.value)),
            );
        }
        seen.push(place);
    }
}

fn auth(section: &Section<'_>, keys_given: bool) -> AuthPolicy {
    if section.has("auth") {
        // A word that is none is one mistake, not two.
        let Some(given) = section.value("auth") else { return AuthPolicy::Off };
        check_auth(section, given.value, keys_given)
    } else {
        check_auth(section, section.or("auth", AuthPolicy::Required), keys_given)
    }
}

fn check_auth(section: &Section<'_>, auth: AuthPolicy, keys_given: bool) -> AuthPolicy {
    if auth != AuthPolicy::Off && !keys_given {
        section.wrong("auth", "needs a key to prove tokens with; add [[sso.key]], or write auth = \"off\"");
    }
    auth
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

fn serve(section: &Section<'_>, communities: &[Named], auth: AuthPolicy) -> Option<Serve> {
    match (section.has("serve"), section.has("upstreams")) {
        (true, false) => awareness(section, communities, auth),
        (false, true) => upstream_route(section, auth).map(Serve::Upstream),
        (true, true) => {
            section.wrong("upstreams", "a route has either serve or upstreams; make two routes");
            None
        }
        (false, false) => {
            section.wrong(
                "path",
                "the route does nothing; add serve = \"awareness\" or upstreams = [\"http://…\"]",
            );
            None
        }
    }
}

fn awareness(section: &Section<'_>, communities: &[Named], auth: AuthPolicy) -> Option<Serve> {
    section.value::<ServeWord>("serve")?;
    for key in ["sametime_protocol", "login_url", "identity_header", "connect_timeout", "head_timeout", "tls"]
    {
        if section.has(key) {
            section.wrong(key, "has no meaning with serve = \"awareness\"; it is for upstreams");
        }
    }
    let name = section.must::<String>("community", "say whose presence is served")?;
    let Some(named) = communities.iter().find(|named| named.name == name.value) else {
        let known: Vec<_> = communities.iter().map(|named| quoted(&named.name)).collect();
        let known = if known.is_empty() {
            "there is none".to_owned()
        } else {
            format!("known are {}", known.join(", "))
        };
        section.wrong_at(
            name.at,
            "community",
            format!("there is no community {}; {known}", quoted(&name.value)),
        );
        return None;
    };
    let community = named.community.clone()?;
    if auth == AuthPolicy::Off && community.own_presence == OwnPresence::Login {
        section.wrong("auth", "the community logs users in (own_presence = \"login\"), which needs their tokens; write \"required\"");
    }
    Some(Serve::Awareness(community))
}

fn upstream_route(section: &Section<'_>, auth: AuthPolicy) -> Option<UpstreamRoute> {
    if section.has("community") {
        section.wrong("community", "has no meaning with upstreams; it is for serve = \"awareness\"");
    }
    let given = section.list::<String>("upstreams");
    if section.is_empty_list("upstreams") {
        section.wrong(
            "upstreams",
            "the list is empty; give at least one, such as [\"http://st1.acme.example\"]",
        );
    }
    let parsed: Vec<_> = given
        .iter()
        .filter_map(|one| {
            let upstream = address(&one.value);
            if upstream.is_none() {
                let text = format!("{} is not an upstream; write \"http://host\", \"https://host\" or with a port, without a path", quoted(&one.value));
                section.wrong_at(one.at, "upstreams", text);
            }
            upstream
        })
        .collect();
    let sametime_protocol = section.or("sametime_protocol", SametimeProtocol::Page);
    let connect_timeout = section.within(
        "connect_timeout",
        Duration::from_secs(10),
        Duration::from_millis(1)..=Duration::from_secs(600),
    );
    let head_timeout = section.value("head_timeout").map(|given| given.value);
    let identity_header = identity_header(section);
    if identity_header.is_some() && auth == AuthPolicy::Off {
        section.wrong("identity_header", "with auth = \"off\" nobody is known");
    }
    let client = if section.has("tls") {
        client(&section.given_table("tls")?)?
    } else if parsed.iter().any(|(tls, ..)| *tls) {
        client(&section.table("tls"))?
    } else {
        // Never used: no upstream of this route speaks TLS.
        tls::client_with(rustls::RootCertStore::empty()).ok()?
    };
    let upstreams =
        parsed.into_iter().map(|(tls, host, port)| Upstream { tls, host, port, client: client.clone() });
    let upstreams = upstreams.collect();
    Some(UpstreamRoute { upstreams, sametime_protocol, connect_timeout, head_timeout, identity_header })
}

/// Scheme, host and port of `http://host[:port]`.
fn address(text: &str) -> Option<(bool, String, u16)> {
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
