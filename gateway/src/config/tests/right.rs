use std::time::Duration;

use protocol::ltpa::{Charset, KeyLife, SystemSeconds};

use super::*;
use crate::config::{
    AuthPolicy, CommunityTuning, Cors, Limits, LogFormat, LoginPage, NameForm, ObserverCredential,
    OriginHeader, OwnPresence, PageRules, Privacy, Redirect, SametimeProtocol, Serve, TokenForm, TokenFormat,
    admin_address, print,
};

#[test]
fn every_setting_arrives_where_it_belongs() {
    let folder = Folder::new();
    let config = folder.load(FULL).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!((config.listen.http.len(), config.listen.https.len(), config.listen.workers), (1, 1, 2));
    assert_eq!(config.tls.as_ref().unwrap().alpn_protocols, [b"h2".to_vec(), b"http/1.1".to_vec()]);

    let sso = &config.sso;
    assert_eq!((sso.domain.as_deref(), sso.skew), (Some(".acme.example"), Duration::from_secs(30)));
    assert_eq!(
        (sso.charset, sso.max_lifetime, sso.fallback),
        (Charset::Utf8, Some(Duration::from_secs(43_200)), true)
    );
    assert_eq!(sso.origins, ["https://portal.other.example"]);
    assert_eq!((sso.cookies[0].name.as_str(), sso.keys[0].id.as_str()), ("LtpaToken", "2026"));
    assert_eq!((sso.names, sso.login.is_some()), (NameForm::Domino, true));
    let life = KeyLife {
        not_before: Some(SystemSeconds(1_767_225_600)),
        not_after: Some(SystemSeconds(1_798_758_000)),
    };
    assert_eq!((sso.keys[0].life, sso.keys[1].life), (KeyLife::ALWAYS, life));
    assert_eq!((sso.realms.len(), sso.cookies[1].unsigned_expiry, sso.fips), (1, true, true));
    assert!(sso.keys[1].is_for(TokenFormat::Ltpa2, false) && !sso.keys[1].is_for(TokenFormat::Domino, true));

    let acme = &config.communities[0];
    assert_eq!((acme.name.as_str(), acme.login_type), ("acme", 0x100a));
    assert_eq!(acme.servers, ["st1.acme.example:1533", "st2.acme.example:1534"]);
    assert_eq!(acme.host_map, [("CN=st1/O=Acme".to_owned(), "st1.acme.example:1533".to_owned())]);
    assert_eq!((acme.own_presence, acme.privacy), (OwnPresence::Login, Privacy::Own));
    assert_eq!((acme.token_form, acme.redirect), (TokenForm::Dh, Redirect::Continue));
    assert_eq!(acme.tls.as_ref().unwrap().server_name.as_deref(), Some("im.acme.example"));
    assert_eq!(acme.source_addresses.len(), 2);
    let CommunityTuning { batch, watches_per_login, backoff, keepalive, .. } = acme.tuning;
    assert_eq!((batch, watches_per_login, keepalive), (100, Some(5000), Duration::from_secs(90)));
    assert_eq!(backoff, (Duration::from_millis(250), Duration::from_secs(120)));

    let labs = &config.communities[1];
    assert_eq!((labs.own_presence, labs.privacy), (OwnPresence::Off, Privacy::Trust));
    let [one, two, three] = &labs.observers[..] else { panic!("{:?}", labs.observers) };
    assert!(
        matches!(&one.credential, ObserverCredential::Password(p) if p.expose() == b"pa55w0rd-of-the-observer")
    );
    assert!(matches!(&two.credential, ObserverCredential::TokenFile(path) if path.is_absolute()));
    assert!(matches!(&three.credential, ObserverCredential::Mint(_)));

    let [awareness, other] = &config.routes[..] else { panic!("{:?}", config.routes) };
    assert!(
        matches!(&awareness.serve, Serve::Awareness(community) if std::sync::Arc::ptr_eq(community, acme))
    );
    assert_eq!((awareness.auth, other.auth), (AuthPolicy::Optional, AuthPolicy::Required));
    assert!(awareness.logins.token && awareness.logins.password && !awareness.logins.anonymous);
    assert_eq!(other.hosts, ["im.acme.example"]);
    assert!(awareness.login.is_none(), "programs ask there");
    assert_eq!(other.login, LoginPage::parse("/names.nsf?Login&RedirectTo={return}"));
    let Serve::Upstream(upstream) = &other.serve else { panic!("{:?}", other.serve) };
    let addresses: Vec<_> =
        upstream.upstreams.iter().map(|one| (one.tls, one.host.as_str(), one.port)).collect();
    assert_eq!(addresses, [(false, "st1.acme.example", 80), (true, "st2.acme.example", 8443)]);
    assert_eq!(upstream.sametime_protocol, SametimeProtocol::Http);
    let known: Vec<_> =
        upstream.rewrite.known.iter().map(|one| (one.tls, one.host.as_str(), one.port)).collect();
    assert_eq!(known[..2], addresses);
    assert_eq!(known[2..], [(false, "st1", 80), (true, "2001:db8::1", 8443)]);
    assert!(!upstream.rewrite.bodies && upstream.rewrite.affinity == "/st01");
    let pages = PageRules { cors: Cors::Gateway, origin_header: OriginHeader::Page };
    assert_eq!(upstream.pages, pages);
    let [redirect] = &config.redirects[..] else { panic!("{:?}", config.redirects) };
    assert_eq!(
        (&redirect.hosts[..], redirect.tls, redirect.port),
        (&["im.acme.example".to_owned()][..], true, Some(8443))
    );
    assert_eq!(redirect.except, ["/.well-known/acme-challenge"]);
    assert_eq!(upstream.identity_header.as_ref().map(|name| name.as_str()), Some("x-livename-user"));
    assert_eq!(
        (upstream.connect_timeout, upstream.head_timeout),
        (Duration::from_secs(3), Some(Duration::from_secs(3600)))
    );

    assert_eq!((config.limits.connections, config.limits.trusted_proxies.len()), (1000, 2));
    assert_eq!(
        (config.log.format, config.log.level.as_str()),
        (LogFormat::Json, "info,gateway::bridge=debug")
    );
}

#[test]
fn what_is_left_out_has_its_default() {
    let config = Folder::new().load(SMALL).unwrap_or_else(|errors| panic!("{errors}"));
    assert!(config.tls.is_none() && config.communities.is_empty() && config.sso.keys.is_empty());
    assert_eq!(config.listen.admin.to_string(), "127.0.0.1:9180");
    assert_eq!(format!("{:?}", config.limits), format!("{:?}", Limits::default()));
}

#[test]
fn printing_gives_the_same_configuration_again() {
    for text in [FULL, SMALL] {
        let folder = Folder::new();
        let first = folder.load(text).unwrap();
        let printed = print(&example(&folder.0)).unwrap();
        // From another folder: relative names must not matter any more.
        let elsewhere = Folder::new();
        let second = elsewhere.load(&printed).unwrap_or_else(|errors| panic!("{errors}\n{printed}"));
        assert_eq!(told(&first), told(&second));
        let again = print(&example(&elsewhere.0)).unwrap();
        let plain = |text: &str| text.replace("  # default", "");
        assert_eq!(plain(&printed), plain(&again));
    }
}

#[test]
fn without_sso_the_upstream_judges_its_users() {
    let folder = Folder::new();
    let text = "[listen]\nhttp = [\"127.0.0.1:0\"]\n[[route]]\npath = \"/\"\nupstreams = [\"http://a\"]\n";
    let config = folder.load(text).unwrap();
    assert_eq!(config.routes[0].auth, AuthPolicy::Off);
    let printed = print(&example(&folder.0)).unwrap();
    assert!(printed.lines().any(|line| line.starts_with("auth = \"off\"")), "{printed}");
}

#[test]
fn secrets_are_neither_printed_nor_shown_by_debug() {
    let folder = Folder::new();
    let config = folder.load(FULL).unwrap();
    let printed = print(&example(&folder.0)).unwrap();
    for text in [printed, format!("{config:?}")] {
        for secret in ["pa55w0rd", "AAECAwQFBg", "PRIVATE KEY"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}

#[test]
fn the_choice_of_privacy_is_said_in_a_sentence() {
    let config = Folder::new().load(FULL).unwrap();
    let said: Vec<_> = config.communities.iter().map(|community| community.explanation()).collect();
    assert!(said[0].starts_with("community \"acme\": users of pages are logged in upstream"), "{}", said[0]);
    assert!(said[1].contains("all users see whom the 3 observers can see"), "{}", said[1]);
}

#[test]
fn the_admin_address_is_found_in_a_file_that_is_wrong() {
    let folder = Folder::new();
    for (text, expected) in [
        ("[listen]\nadmin = \"127.0.0.1:7\"\nhtp = 1\n[route", "127.0.0.1:7"),
        ("[listen]\n", "127.0.0.1:9180"),
    ] {
        assert_eq!(admin_address(&folder.write("livename.toml", text)).unwrap().to_string(), expected);
    }
}

/// Everything that can be compared; TLS settings hold keys and caches and are left out.
fn told(config: &Config) -> String {
    let Config { listen, tls, sso, communities, routes, pilot, redirects, limits, log, access_log } = config;
    let keys: Vec<_> = sso.keys.iter().map(|key| (&key.id, key.life)).collect();
    let sso = (
        &sso.domain,
        &sso.cookies,
        keys,
        sso.skew,
        sso.charset,
        sso.max_lifetime,
        sso.fallback,
        &sso.realms,
        sso.fips,
        (&sso.origins, sso.names, &sso.login),
    );
    let communities: Vec<_> = communities
        .iter()
        .map(|c| {
            let tls = c.tls.as_ref().map(|tls| &tls.server_name);
            let observers: Vec<_> = c.observers.iter().map(|observer| &observer.name).collect();
            let who = (&c.name, &c.servers, &c.host_map, c.own_presence, c.privacy, c.login_type);
            format!(
                "{who:?} {:?} {tls:?} {:?} {observers:?} {:?}",
                (c.token_form, c.redirect),
                c.source_addresses,
                c.tuning
            )
        })
        .collect();
    let routes: Vec<_> = routes
        .iter()
        .map(|route| {
            let serve = match &route.serve {
                Serve::Awareness(community) => community.name.clone(),
                Serve::Upstream(up) => {
                    let upstreams: Vec<_> = up
                        .upstreams
                        .iter()
                        .map(|u| (u.to_string(), &u.server_name, u.weight, &u.pool, &u.health))
                        .collect();
                    let times =
                        (up.connect_timeout, up.head_timeout, up.body_timeout, &up.sticky_cookie, up.retry);
                    let names = (up.sametime_protocol, &up.identity_header, &up.rewrite, up.pages);
                    format!("{upstreams:?} {times:?} {names:?}")
                }
                Serve::Builtin(name) => name.clone(),
            };
            format!("{:?} {} {:?} {:?} {serve}", route.hosts, route.path, route.auth, route.login)
        })
        .collect();
    format!(
        "{listen:?} {} {sso:?} {communities:#?} {routes:#?} {pilot:?} {redirects:?} {limits:?} {log:?} {access_log:?}",
        tls.is_some()
    )
}
