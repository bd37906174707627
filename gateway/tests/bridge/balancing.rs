//! Several upstreams of a route: who gets a request, who is left alone, and who comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gateway::config::{Check, Health, PoolBounds, Retry};

use crate::support::backend::nobody;
use crate::support::{Backend, Browser, Front, Setting, header, until};

/// Answers with its name.
async fn named(name: &'static str) -> Backend {
    Backend::http(move |mut peer| async move {
        while peer.head().await.is_some() {
            peer.answer(name).await;
        }
    })
    .await
}

/// Hangs up on every request while it is not well. Answers checks accordingly.
async fn moody(well: &Arc<AtomicBool>) -> Backend {
    let well = Arc::clone(well);
    Backend::http(move |mut peer| {
        let well = Arc::clone(&well);
        async move {
            while let Some(head) = peer.head().await {
                if well.load(Ordering::SeqCst) {
                    peer.answer("well").await;
                } else if head.starts_with("GET /check") {
                    peer.send("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n").await;
                } else {
                    return;
                }
            }
        }
    })
    .await
}

fn state(front: &Front) -> &'static str {
    front.servers.status()[0].state
}

const POST: &str = "POST / HTTP/1.1\r\nHost: im.example\r\nContent-Length: 0\r\n\r\n";

#[tokio::test]
async fn requests_are_shared_by_weight() {
    let (one, two) = (named("one").await, named("two").await);
    let mut upstreams = vec![one.upstream(), two.upstream()];
    upstreams[0].weight = 3;
    let front = Setting::upstreams(upstreams).start().await;
    let mut browser = Browser::at(&front).await;
    let mut ones = 0;
    for _ in 0..40 {
        ones += usize::from(browser.get("/").await.body == "one");
    }
    assert_eq!(ones, 30);
}

#[tokio::test]
async fn a_cookie_keeps_a_browser_on_its_upstream() {
    let (one, two) = (Backend::mirror().await, Backend::mirror().await);
    let setting = Setting::upstreams(vec![one.upstream(), two.upstream()]);
    let front = Setting { sticky_cookie: Some("Server".to_owned()), ..setting }.start().await;
    let mut browser = Browser::at(&front).await;
    browser.get("/").await;
    let first = browser.get("/").await;
    let cookie = first.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let host = header(&first.body, "host").unwrap().to_owned();
    for _ in 0..4 {
        let ask = format!("GET / HTTP/1.1\r\nHost: im.example\r\nCookie: a=1; {cookie}; b=2\r\n\r\n");
        browser.send(ask).await;
        let answer = browser.answer(false).await;
        assert_eq!(header(&answer.body, "host"), Some(host.as_str()));
        assert_eq!(header(&answer.body, "cookie"), Some("a=1; b=2"), "the upstream has no use for ours");
        assert_eq!(answer.header("set-cookie"), None, "the browser knows already");
    }
    browser.send("GET / HTTP/1.1\r\nHost: im.example\r\nCookie: Server=nobody\r\n\r\n").await;
    assert!(browser.answer(false).await.header("set-cookie").is_some());
}

#[tokio::test]
async fn what_may_be_repeated_goes_to_the_next_upstream() {
    let sick = moody(&Arc::default()).await;
    let well = named("well").await;
    // Nobody is taken out, so that every second request meets the sick one first.
    let health = Health { failures: 1000, ..Health::default() };
    let setting = |retry| {
        let setting = Setting::upstreams(vec![sick.upstream(), well.upstream()]);
        Setting { health: health.clone(), retry, ..setting }
    };
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: im.example\r\n\r\n");
    for (retry, request, statuses) in [
        (Retry::Idempotent, get("/"), [200, 200]),
        (Retry::Idempotent, POST.to_owned(), [502, 200]),
        (Retry::Idempotent, get("/stwebapi/RTCServlet?format=json"), [502, 200]),
        (Retry::Unsent, get("/"), [502, 200]),
    ] {
        let front = setting(retry).start().await;
        for status in statuses {
            assert_eq!(Browser::ask(&front, &request).await.status, status, "{retry:?} {request}");
        }
    }
    let front = setting(Retry::Idempotent).start().await;
    Browser::ask(&front, &get("/")).await;
    assert_eq!(front.metric("livename_bridge_retries_total{kind=\"next\"}"), 1.0);
}

#[tokio::test]
async fn who_fails_is_left_alone_and_tried_by_one_request_after_a_rest() {
    let well = Arc::new(AtomicBool::new(false));
    let (backend, other) = (moody(&well).await, named("other").await);
    let rest = Duration::from_millis(300);
    let health = Health { failures: 2, rest, ..Health::default() };
    let setting = Setting::upstreams(vec![backend.upstream(), other.upstream()]);
    let front = Setting { health, ..setting }.start().await;
    for status in [502, 200, 502, 200, 200, 200] {
        assert_eq!(Browser::ask(&front, POST).await.status, status);
    }
    assert_eq!((state(&front), backend.heads().len()), ("down", 2));
    let up = format!("livename_bridge_upstream_up{{upstream=\"http://{}\"}}", backend.address);
    assert_eq!(front.metric(&up), 0.0);

    until(|| state(&front) == "resting").await;
    assert_eq!(Browser::ask(&front, POST).await.status, 502, "one may try");
    assert_eq!(Browser::ask(&front, POST).await.body, "other", "the next may not");
    well.store(true, Ordering::SeqCst);
    until(|| state(&front) == "resting").await;
    assert_eq!(Browser::ask(&front, POST).await.body, "well");
    assert_eq!((state(&front), front.metric(&up)), ("up", 1.0));
}

#[tokio::test]
async fn one_browser_cannot_close_the_last_upstream_to_all_others() {
    let backends = [moody(&Arc::default()).await, moody(&Arc::default()).await];
    let health = Health { failures: 2, rest: Duration::from_secs(600), ..Health::default() };
    let upstreams = backends.iter().map(Backend::upstream).collect();
    let front = Setting { health, ..Setting::upstreams(upstreams) }.start().await;
    for _ in 0..12 {
        assert_eq!(Browser::ask(&front, POST).await.status, 502);
    }
    let states: Vec<_> = front.servers.status().iter().map(|server| server.state).collect();
    assert_eq!(states.iter().filter(|state| **state == "up").count(), 1, "{states:?}");
}

#[tokio::test]
async fn a_last_upstream_that_takes_no_connection_is_left_alone() {
    let health = Health { failures: 2, rest: Duration::from_secs(600), ..Health::default() };
    let front = Setting { health, ..Setting::upstreams(vec![nobody()]) }.start().await;
    for (status, body) in
        [(502, "connect_failed retry=true"), (502, "connect_failed retry=true"), (503, "down retry=true")]
    {
        let answer = Browser::ask(&front, POST).await;
        assert_eq!((answer.status, answer.body.as_str()), (status, body));
    }
}

#[tokio::test]
async fn checks_take_an_upstream_out_and_bring_it_back_and_a_reload_does_not_forget() {
    let well = Arc::new(AtomicBool::new(true));
    let (backend, other) = (moody(&well).await, named("other").await);
    let check = Check {
        path: "/check".to_owned(),
        interval: Duration::from_millis(20),
        timeout: Duration::from_secs(5),
        successes: 2,
    };
    let health = Health { failures: 2, check: Some(check), ..Health::default() };
    let setting = Setting::upstreams(vec![backend.upstream(), other.upstream()]);
    let front = Setting { health, ..setting }.start().await;
    until(|| backend.heads().len() > 2).await;
    assert!(backend.heads()[0].starts_with("GET /check HTTP/1.1\r\n"));
    assert_eq!(state(&front), "up");

    well.store(false, Ordering::SeqCst);
    until(|| state(&front) == "down").await;
    let problem = front.servers.status()[0].last_failure.clone();
    assert_eq!(problem.as_deref(), Some("status 503 Service Unavailable in answer to the check"));
    for _ in 0..4 {
        assert_eq!(Browser::ask(&front, POST).await.body, "other", "no request finds out by itself");
    }
    front.servers.adopt(std::slice::from_ref(&front.route));
    assert_eq!(state(&front), "down");

    well.store(true, Ordering::SeqCst);
    until(|| state(&front) == "up").await;
    front.servers.adopt(&[]);
    assert!(front.servers.status().is_empty());
    // Nobody is asked any more, once what was under way is over.
    until(|| backend.open() == 0).await;
    let asked = backend.heads().len();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(backend.heads().len(), asked);
}

#[tokio::test]
async fn old_connections_are_replaced() {
    let backend = Backend::mirror().await;
    let bounds = PoolBounds { lifetime: Duration::from_millis(50), ..PoolBounds::default() };
    let front = Setting { bounds, ..Setting::to(&backend) }.start().await;
    let mut browser = Browser::at(&front).await;
    assert_eq!(browser.get("/").await.status, 200);
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(browser.get("/").await.status, 200);
    assert_eq!(backend.connections(), 2);
}

#[tokio::test]
async fn checks_speak_as_the_upstream_wants_it() {
    let backend = Backend::https(|mut peer| async move {
        while peer.head().await.is_some() {
            peer.answer("fine").await;
        }
    })
    .await;
    let proxied = Backend::http(|mut peer| async move {
        let line = peer.take_until(b"\r\n").await.unwrap();
        assert!(line.starts_with(b"PROXY TCP4 127.0.0.1 127.0.0.1 "));
        while peer.head().await.is_some() {
            peer.answer("fine").await;
        }
    })
    .await;
    let check = Check {
        path: "/check".to_owned(),
        interval: Duration::from_millis(20),
        timeout: Duration::from_secs(5),
        successes: 1,
    };
    let health = Health { failures: 1, check: Some(check), ..Health::default() };
    let mut told = proxied.upstream();
    told.proxy = Some(gateway::config::ProxyVersion::V1);
    let front = Setting { health, ..Setting::upstreams(vec![backend.upstream(), told]) }.start().await;
    until(|| backend.heads().len() > 1 && proxied.heads().len() > 1).await;
    assert!(front.servers.status().iter().all(|server| server.state == "up"));
}
