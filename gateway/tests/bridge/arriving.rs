//! How browsers arrive: on the scheme that their host is meant for, and through proxies that say who they are.

use gateway::config::{SchemeRedirect, UpstreamRoute};
use http::StatusCode;

use crate::edge::Setup;
use crate::edge::client::{Connection, get_with, post_with, send};
use crate::edge::tls::Certificate;
use crate::support::{Backend, header};

fn redirect(hosts: &[&str], tls: bool, port: Option<u16>) -> SchemeRedirect {
    let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
    SchemeRedirect { hosts, tls, port, except: vec!["/.well-known/acme-challenge".to_owned()] }
}

#[tokio::test]
async fn browsers_are_sent_to_the_scheme_of_the_host() {
    let certificate = Certificate::new("arriving");
    let mut setup = Setup::default().https(&certificate);
    setup.redirects =
        vec![redirect(&["im.example"], true, Some(8443)), redirect(&["old.example"], false, None)];
    let gateway = setup.start().await;
    let http = gateway.http();

    let answer = send(http, get_with("/mail?a=%2F", &[])).await;
    assert_eq!(answer.status, StatusCode::MOVED_PERMANENTLY);
    assert_eq!(answer.header("location"), "https://im.example:8443/mail?a=%2F");
    assert_eq!(answer.header("cache-control"), "no-store");
    let answer = send(http, post_with("/mail", &[])).await;
    assert_eq!(answer.status, StatusCode::PERMANENT_REDIRECT);
    let kept = send(http, get_with("/.well-known/acme-challenge/x", &[])).await;
    assert_eq!(kept.status, StatusCode::OK);

    // On the right scheme already, and the other way round.
    let stream = certificate.connect(gateway.https(), &["h2"]).await.unwrap();
    let mut secure = Connection::http2(stream).await;
    assert_eq!(secure.get("/mail").await.unwrap().status, StatusCode::OK);
    let old = http::Request::builder().uri("https://old.example:9443/a?b").body(Default::default()).unwrap();
    let answer = secure.send(old).await.unwrap();
    assert_eq!(answer.header("location"), "http://old.example/a?b");
    // Another host has no such rule.
    let mut other = get_with("/", &[]);
    other.headers_mut().insert("host", "other.example".parse().unwrap());
    assert_eq!(send(http, other).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_browser_that_a_proxy_met_on_https_is_there_already() {
    let mut setup = Setup::default().limits(|limits| {
        limits.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    });
    setup.redirects = vec![redirect(&[], true, None)];
    let gateway = setup.start().await;
    for (name, value) in [("x-forwarded-proto", "https"), ("forwarded", "for=192.0.2.7;proto=https")] {
        assert_eq!(send(gateway.http(), get_with("/", &[(name, value)])).await.status, StatusCode::OK);
    }
    let plain = send(gateway.http(), get_with("/a", &[("x-forwarded-host", "im.example:8080")])).await;
    assert_eq!(plain.header("location"), "https://im.example/a");
}

/// It is about the upstream's own name, and would end the http pages of a mixed estate.
#[tokio::test]
async fn https_for_ever_is_said_only_where_there_is_nothing_else() {
    let backend = Backend::http(|mut peer| async move {
        while peer.head().await.is_some() {
            peer.send("HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=9\r\nContent-Length: 0\r\n\r\n")
                .await;
        }
    })
    .await;
    let certificate = Certificate::new("arriving");
    let said = async |change: fn(&mut Setup)| {
        let mut setup =
            Setup::default().https(&certificate).passing("/x", UpstreamRoute::to(vec![backend.upstream()]));
        change(&mut setup);
        let gateway = setup.start().await;
        let stream = certificate.connect(gateway.https(), &["h2"]).await.unwrap();
        let answer = Connection::http2(stream).await.get("/x").await.unwrap();
        answer.header("strict-transport-security").to_owned()
    };
    assert_eq!(said(|_| ()).await, "");
    assert_eq!(said(|setup| setup.http.clear()).await, "max-age=9");
    let everything = |setup: &mut Setup| {
        let only = SchemeRedirect { except: Vec::new(), ..redirect(&[], true, None) };
        setup.redirects = vec![only];
    };
    assert_eq!(said(everything).await, "max-age=9");
}

/// Which of the two dialects is believed, and of whom.
#[tokio::test]
async fn proxies_that_are_trusted_say_who_asks_in_either_dialect() {
    let backend = Backend::mirror().await;
    let trusting = |trusted: &str| {
        let trusted = vec![trusted.parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
        Setup::default()
            .limits(|limits| limits.trusted_proxies = trusted)
            .passing("/x", UpstreamRoute::to(vec![backend.upstream()]))
    };
    let gateway = trusting("127.0.0.1").start().await;
    let forwarded = "for=6.6.6.6;host=evil.example, for=192.0.2.7;proto=https;host=mail.example, for=\"10.1.1.1:99\";proto=http";
    for (sent, client, scheme, host) in [
        (vec![("forwarded", forwarded)], "192.0.2.7", "https", "mail.example"),
        (vec![("forwarded", "for=\"[2001:db8::7]:99\"")], "2001:db8::7", "http", "im.example"),
        // The nearest proxy hides whom it met; its other words hold.
        (vec![("forwarded", "for=6.6.6.6, for=_hidden;proto=https")], "127.0.0.1", "https", "im.example"),
        // Proxies that write one dialect pass the other on as browsers wrote it.
        (
            vec![("forwarded", "for=6.6.6.6;proto=https"), ("x-forwarded-for", "192.0.2.8")],
            "192.0.2.8",
            "http",
            "im.example",
        ),
        (vec![("forwarded", "for=\""), ("forwarded", "for=192.0.2.9")], "192.0.2.9", "http", "im.example"),
    ] {
        let seen = send(gateway.http(), get_with("/x", &sent)).await.body;
        let of = |name| header(&seen, name).unwrap_or_default();
        let arrived = (of("x-forwarded-for"), of("x-forwarded-proto"), of("x-forwarded-host"));
        assert_eq!(arrived, (client, scheme, host), "{sent:?}");
    }
    // Nobody else is believed.
    let gateway = trusting("127.0.0.9").start().await;
    let seen = send(gateway.http(), get_with("/x", &[("forwarded", forwarded)])).await.body;
    assert_eq!(header(&seen, "x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(header(&seen, "forwarded"), Some("for=127.0.0.1;proto=http;host=\"im.example\""));
}
