//! TLS towards browsers: protocols, patience, certificates that change.

mod support;

use std::time::Duration;

use gateway::config::AuthPolicy;
use http::Version;
use support::client::{Connection, raw};
use support::tls::Certificate;
use support::{Setup, until};

#[tokio::test]
async fn alpn_decides_the_protocol() {
    let certificate = Certificate::new("first");
    let gateway = Setup::default().https(&certificate).start().await;
    let h2 = certificate.connect(gateway.https(), &["h2", "http/1.1"]).await.unwrap();
    let answer = Connection::http2(h2).await.get("/").await.unwrap();
    assert_eq!(answer.version, Version::HTTP_2);
    assert!(answer.body.contains("scheme=https\nhost=im.example\n"), "{}", answer.body);
    for offer in [&["http/1.1"][..], &[]] {
        let h1 = certificate.connect(gateway.https(), offer).await.unwrap();
        let answer = Connection::http1(h1).await.get("/").await.unwrap();
        assert_eq!(answer.version, Version::HTTP_11, "{offer:?}");
    }
    assert!(certificate.connect(gateway.https(), &["smtp"]).await.is_err());
}

#[tokio::test]
async fn http2_requests_share_a_connection() {
    let certificate = Certificate::new("first");
    let gateway = Setup::default().https(&certificate).route("/gate", AuthPolicy::Off, "gate").start().await;
    let stream = certificate.connect(gateway.https(), &["h2"]).await.unwrap();
    let Connection::Http2(sender) = Connection::http2(stream).await else { unreachable!() };
    let mut connection = Connection::Http2(sender.clone());
    let waiting = tokio::spawn(async move { Connection::Http2(sender).get("/gate").await });
    until("the first request is under way", || gateway.gate.waiting() == 1).await;
    assert!(connection.get("/").await.unwrap().body.contains("version=HTTP/2.0"));
    gateway.gate.open(1);
    assert_eq!(waiting.await.unwrap().unwrap().body, "through the gate");
    assert_eq!(gateway.metric("livename_connections_accepted_total{listener=\"https\"}"), 1.0);
}

#[tokio::test]
async fn drain_lets_http2_requests_finish() {
    let certificate = Certificate::new("first");
    let gateway = Setup::default().https(&certificate).route("/gate", AuthPolicy::Off, "gate").start().await;
    let stream = certificate.connect(gateway.https(), &["h2"]).await.unwrap();
    let mut connection = Connection::http2(stream).await;
    let waiting = tokio::spawn(async move {
        let answer = connection.get("/gate").await;
        (answer, connection)
    });
    until("the request is under way", || gateway.gate.waiting() == 1).await;
    gateway.running.lifecycle().request_drain();
    gateway.running.lifecycle().reached(gateway::app::Phase::Draining).await;
    gateway.gate.open(1);
    let (answer, connection) = support::soon("the answer", waiting).await.unwrap();
    assert_eq!(answer.unwrap().body, "through the gate");
    until("the connection is closed", || connection.is_closed()).await;
    support::soon("the end", gateway.running.stopped()).await;
}

#[tokio::test]
async fn idle_http2_connections_are_closed() {
    let certificate = Certificate::new("first");
    let gateway = Setup::default()
        .https(&certificate)
        .limits(|limits| limits.idle_timeout = Duration::from_millis(100))
        .start()
        .await;
    let stream = certificate.connect(gateway.https(), &["h2"]).await.unwrap();
    let mut connection = Connection::http2(stream).await;
    connection.get("/").await.unwrap();
    until("the idle connection is closed", || connection.is_closed()).await;
}

#[tokio::test]
async fn a_slow_handshake_is_cut() {
    let certificate = Certificate::new("first");
    let gateway = Setup::default()
        .https(&certificate)
        .limits(|limits| limits.tls_handshake_timeout = Duration::from_millis(100))
        .start()
        .await;
    assert_eq!(raw(gateway.https(), "\u{16}\u{3}").await, "");
    until("it is counted", || gateway.metric("livename_tls_handshakes_failed_total") == 1.0).await;
}

#[tokio::test]
async fn a_reload_changes_the_certificate_and_disturbs_nobody() {
    let (first, second) = (Certificate::new("first"), Certificate::new("second"));
    let setup = Setup::default().https(&first);
    let gateway = setup.clone().start().await;
    let stream = first.connect(gateway.https(), &["http/1.1"]).await.unwrap();
    let mut before = Connection::http1(stream).await;
    before.get("/").await.unwrap();

    // Browsers keep coming while the certificate changes; each meets one of the two.
    let address = gateway.https();
    let (old, new) = (first.clone(), second.clone());
    let load = tokio::spawn(async move {
        let (mut met_old, mut met_new) = (0, 0);
        while met_new < 20 {
            let (stream, met) = match old.connect(address, &["http/1.1"]).await {
                Ok(stream) => (stream, &mut met_old),
                Err(_) => (new.connect(address, &["http/1.1"]).await.unwrap(), &mut met_new),
            };
            assert_eq!(Connection::http1(stream).await.get("/").await.unwrap().status, 200);
            *met += 1;
        }
        met_old
    });
    until("browsers meet the old one", || {
        gateway.metric("livename_connections_accepted_total{listener=\"https\"}") > 10.0
    })
    .await;
    gateway.reads_next(Ok(setup.https(&second)));
    gateway.running.reload().await.unwrap();
    assert!(support::soon("the load", load).await.unwrap() > 0);

    assert_eq!(before.get("/").await.unwrap().status, 200, "open connections go on");
    assert!(first.connect(gateway.https(), &["h2"]).await.is_err());
}
