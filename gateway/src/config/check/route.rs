//! `[[route]]`.

use std::sync::Arc;

use super::community::Named;
use super::{logins, sso, upstream};
use crate::config::section::{Given, Section};
use crate::config::value::{ChatWord, ServeWord, quoted};
use crate::config::{AuthPolicy, OwnPresence, Route, Serve, Sso, UpstreamRoute};

pub(super) fn read(root: &Section<'_>, communities: &[Named], sso: &Sso) -> Vec<Arc<Route>> {
    // Keys that are there but wrong have been named already.
    let keys_given = root.table("sso").has("key") || root.table("sso").has("delegated");
    let sso_given = root.has("sso");
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
            check_path(section, "path", path);
            conflict(section, &hosts, path, &mut seen);
        }
        // Where nobody has said how tokens are proved, an upstream judges its users as it did before.
        let left_to_upstream = !sso_given && section.has("upstreams") && !section.has("serve");
        let default = if left_to_upstream { AuthPolicy::Off } else { AuthPolicy::Required };
        let auth = auth(section, keys_given, default);
        let serve = serve(section, communities, auth);
        let pass_to = pass_to(section, &serve, auth);
        if let (Some(path), Some(upstreams)) = (&path, passing(&serve, &pass_to)) {
            check_affinity(section, &path.value, &upstreams.rewrite.affinity);
        }
        let own_login = sso::login(section, sso.domain.as_deref());
        if own_login.is_some() && auth != AuthPolicy::Required {
            section.wrong("login_url", "only auth = \"required\" sends anybody there");
        }
        let serves_pages = matches!(serve, Some(Serve::Upstream(_)));
        let logins = logins::read(section, serve.as_ref(), auth);
        let chat = chat(section, serve.as_ref());
        let login = own_login.or_else(|| sso.login.clone());
        let login = login.filter(|_| auth == AuthPolicy::Required && serves_pages);
        if let (Some(path), Some(serve)) = (path, serve) {
            routes.push(Arc::new(Route {
                hosts,
                path: path.value,
                auth,
                login,
                serve,
                logins,
                chat,
                pass_to,
            }));
        }
    }
    routes
}

fn passing<'a>(serve: &'a Option<Serve>, pass_to: &'a Option<UpstreamRoute>) -> Option<&'a UpstreamRoute> {
    match serve {
        Some(Serve::Upstream(upstreams)) => Some(upstreams),
        _ => pass_to.as_ref(),
    }
}

/// `affinity` is `/st01`, or empty.
fn check_affinity(section: &Section<'_>, path: &str, affinity: &str) {
    let (start, rest) = path.split_at_checked(affinity.len()).unwrap_or_default();
    let is_first = start.eq_ignore_ascii_case(affinity) && (rest.is_empty() || rest.starts_with('/'));
    if !affinity.is_empty() && !is_first {
        section.wrong("affinity_id", format!("the path has to begin with it: path = \"{affinity}…\""));
    }
}

pub(super) fn hosts(section: &Section<'_>) -> Vec<String> {
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

/// Of `key`, which has a plain prefix.
pub(super) fn check_path(section: &Section<'_>, key: &str, path: &Given<String>) {
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
    section.wrong_at(path.at, key, wrong);
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

fn auth(section: &Section<'_>, keys_given: bool, default: AuthPolicy) -> AuthPolicy {
    if section.has("auth") {
        // A word that is none is one mistake, not two.
        let Some(given) = section.value("auth") else { return AuthPolicy::Off };
        check_auth(section, given.value, keys_given)
    } else {
        check_auth(section, section.or("auth", default), keys_given)
    }
}

fn check_auth(section: &Section<'_>, auth: AuthPolicy, keys_given: bool) -> AuthPolicy {
    if auth != AuthPolicy::Off && !keys_given {
        section.wrong("auth", "needs a key to prove tokens with; add [[sso.key]], or write auth = \"off\"");
    }
    auth
}

fn serve(section: &Section<'_>, communities: &[Named], auth: AuthPolicy) -> Option<Serve> {
    match (section.has("serve"), section.has("upstreams")) {
        (true, false) => awareness(section, communities, auth),
        (false, true) => upstream::read(section, auth, "upstreams").map(Serve::Upstream),
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
    let given = |key: &&&str| section.has(key) && (!section.has("pass_to") || **key == "identity_header");
    for key in upstream::KEYS.iter().filter(given).chain(section.has("login_url").then_some(&"login_url")) {
        section.wrong(key, "has no meaning with serve = \"awareness\"; it is for upstreams");
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

/// Whether the pages of an awareness route can chat.
fn chat(section: &Section<'_>, serve: Option<&Serve>) -> bool {
    let Some(Serve::Awareness(community)) = serve else {
        if serve.is_some() && section.has("chat") {
            section.wrong("chat", "has a meaning only with serve = \"awareness\"");
        }
        return false;
    };
    let chat = section.or("chat", ChatWord::Refused) == ChatWord::Here;
    if chat && community.own_presence == OwnPresence::Off {
        section.wrong("chat", "nobody is logged in to chat with: it needs own_presence = \"login\"");
    }
    chat
}

/// Where an awareness route passes those on whom it does not serve.
fn pass_to(section: &Section<'_>, serve: &Option<Serve>, auth: AuthPolicy) -> Option<UpstreamRoute> {
    if !section.has("pass_to") {
        return None;
    }
    if matches!(serve, Some(Serve::Upstream(_))) {
        section
            .wrong("pass_to", "is for serve = \"awareness\"; this route passes everybody to its upstreams");
        return None;
    }
    upstream::read(section, auth, "pass_to")
}
