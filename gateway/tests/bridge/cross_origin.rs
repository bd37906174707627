//! Pages of other hosts and upstreams: who may read answers, and what upstreams are told of pages.

use std::net::SocketAddr;

use bytes::Bytes;
use gateway::config::{AuthPolicy, Cors, UpstreamRoute};
use http::{Request, StatusCode};
use http_body_util::Full;

use crate::edge::client::{Answer, get_with, post_with, send};
use crate::edge::{Gateway, Setup, tls};
use crate::support::{Backend, backend, header};

const MAIL: &str = "https://mail1.example";
const EVIL: &str = "https://evil.test";

/// Two routes to one upstream: `/open` where the gateway answers for pages, `/plain` where the upstream does.
async fn gateway(upstream: &Backend) -> Gateway {
    let to = |cors| {
        let mut route = UpstreamRoute::to(vec![upstream.upstream()]);
        route.pages.cors = cors;
        route
    };
    Setup::default()
        .passing("/open", to(Cors::Gateway))
        .passing_with("/open/known", AuthPolicy::Required, to(Cors::Gateway))
        .passing("/plain", to(Cors::Upstream))
        .start()
        .await
}

/// Answers with the status that ends the path, and lets everybody read.
async fn permissive() -> Backend {
    Backend::http(|mut peer| async move {
        while let Some(head) = peer.head().await {
            let status = head.split(' ').nth(1).unwrap().rsplit('/').next().unwrap().to_owned();
            peer.send(format!(
                "HTTP/1.1 {status} Status\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Expose-Headers: x-theirs\r\n\
                 Access-Control-Max-Age: 9\r\nContent-Length: 2\r\n\r\nok"
            ))
            .await;
        }
    })
    .await
}

fn preflight(path: &str, origin: &str) -> Request<Full<Bytes>> {
    let asks = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type, x-csrf-token"),
    ];
    let mut request = get_with(path, &asks);
    *request.method_mut() = http::Method::OPTIONS;
    request
}

fn readers(answer: &Answer) -> (&str, &str) {
    (answer.header("access-control-allow-origin"), answer.header("access-control-allow-credentials"))
}

#[tokio::test]
async fn preflights_are_answered_here_for_pages_that_may_read() {
    let backend = Backend::mirror().await;
    let gateway = gateway(&backend).await;
    // Before any token is asked for: browsers send none along.
    for path in ["/open", "/open/known"] {
        let answer = send(gateway.http(), preflight(path, MAIL)).await;
        assert_eq!((answer.status, readers(&answer)), (StatusCode::NO_CONTENT, (MAIL, "true")), "{path}");
        assert_eq!(answer.header("access-control-allow-methods"), "POST");
        assert_eq!(answer.header("access-control-allow-headers"), "content-type, x-csrf-token");
        let answer = send(gateway.http(), preflight(path, EVIL)).await;
        assert_eq!((answer.status, readers(&answer)), (StatusCode::FORBIDDEN, ("", "")), "{path}");
    }
    assert_eq!(backend.connections(), 0);
    // Elsewhere they are the upstream's to answer.
    let answer = send(gateway.http(), preflight("/plain", EVIL)).await;
    assert!(answer.body.starts_with("OPTIONS /plain HTTP/1.1\r\n"), "{}", answer.body);
    assert_eq!(header(&answer.body, "origin"), Some(EVIL));
}

#[tokio::test]
async fn answers_and_refusals_can_be_read_by_pages_that_may_and_by_no_others() {
    let backend = permissive().await;
    let gateway = gateway(&backend).await;
    for (path, status) in
        [("/open/200", 200), ("/open/401", 401), ("/open/403", 403), ("/open/known/200", 401)]
    {
        let answer = send(gateway.http(), post_with(path, &[("origin", MAIL)])).await;
        assert_eq!((answer.status.as_u16(), readers(&answer)), (status, (MAIL, "true")), "{path}");
        assert!(answer.headers.get_all("vary").iter().any(|vary| vary == "Origin"), "{path}");
        assert!(answer.header("access-control-max-age").is_empty(), "{path}");
        // A foreign page is not told what the upstream would have let it know.
        let answer = send(gateway.http(), post_with(path, &[("origin", EVIL)])).await;
        assert_eq!((answer.status.as_u16(), readers(&answer)), (status, ("", "")), "{path}");
    }
    let exposed = send(gateway.http(), get_with("/open/200", &[("origin", MAIL)])).await;
    let exposed: Vec<_> = exposed.headers.get_all("access-control-expose-headers").iter().collect();
    assert!(exposed.iter().any(|names| *names == "x-theirs"), "{exposed:?}");
    assert!(exposed.iter().any(|names| names.to_str().unwrap().contains("x-csrf-token")), "{exposed:?}");
    // Shared caches must not give a page what was fetched without one.
    let answer = send(gateway.http(), get_with("/open/200", &[])).await;
    assert_eq!((readers(&answer), answer.header("vary")), (("", ""), "Origin"));
    let answer = send(gateway.http(), get_with("/plain/200", &[("origin", EVIL)])).await;
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    gateway.running.stop().await;
}

#[tokio::test]
async fn an_upstream_that_is_not_there_is_no_riddle_for_the_page() {
    let mut route = UpstreamRoute::to(vec![backend::nobody()]);
    route.pages.cors = Cors::Gateway;
    let gateway = Setup::default().passing("/open", route).start().await;
    let answer = send(gateway.http(), get_with("/open", &[("origin", MAIL)])).await;
    assert_eq!((answer.status, readers(&answer)), (StatusCode::BAD_GATEWAY, (MAIL, "true")));
}

/// `Origin` and `Referer` as they arrive.
async fn told(address: SocketAddr, path: &str, origin: &str, referer: &str) -> (String, String) {
    let answer = send(address, post_with(path, &[("origin", origin), ("referer", referer)])).await;
    let of = |name| header(&answer.body, name).unwrap_or_default().to_owned();
    (of("origin"), of("referer"))
}

#[tokio::test]
async fn an_upstream_takes_the_gateways_pages_for_its_own() {
    let backend = Backend::mirror().await;
    let gateway = gateway(&backend).await;
    let http = gateway.http();
    let upstream = format!("http://{}", backend.address);
    let own = told(http, "/plain", "http://im.example", "http://im.example/plain/a?b").await;
    assert_eq!(own, (upstream.clone(), format!("{upstream}/plain/a?b")));
    let mail = told(http, "/open", MAIL, "https://mail1.example/mail/ann.nsf").await;
    assert_eq!(mail, (upstream.clone(), format!("{upstream}/")));
    for (path, origin, referer) in [
        ("/plain", MAIL, "https://mail1.example/mail/ann.nsf"),
        ("/open", EVIL, "https://evil.test/im.example"),
        ("/plain", "null", "http://im.example.evil.test/"),
    ] {
        let seen = told(http, path, origin, referer).await;
        assert_eq!(seen, (origin.to_owned(), referer.to_owned()), "{path}");
    }
}

#[tokio::test]
async fn every_upstream_that_is_tried_is_named_by_its_own_name() {
    let (first, second) = (backend::nobody(), Backend::mirror().await);
    let route = UpstreamRoute::to(vec![first, second.upstream()]);
    let gateway = Setup::default().passing("/x", route).start().await;
    let upstream = format!("http://{}", second.address);
    for _ in 0..2 {
        let seen = told(gateway.http(), "/x", "http://im.example", "http://im.example/x").await;
        assert_eq!(seen, (upstream.clone(), format!("{upstream}/x")));
    }
}

/// What is allowed follows from the configuration of single sign-on, not from the route alone.
#[tokio::test]
async fn without_a_domain_no_page_of_another_host_may_read() {
    let backend = Backend::mirror().await;
    let mut route = tls::upstream(backend.address);
    route.pages.cors = Cors::Gateway;
    let setup = Setup { sso: false, ..Setup::default() };
    let gateway = setup.passing("/open", route).start().await;
    assert_eq!(send(gateway.http(), preflight("/open", MAIL)).await.status, StatusCode::FORBIDDEN);
    let answer = send(gateway.http(), preflight("/open", "http://im.example")).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
}
