//! Connections are kept, bounded, and replaced when they turn out to be dead.

use std::sync::Arc;
use std::time::Duration;

use gateway::config::PoolBounds;
use tokio::sync::Notify;

use crate::support::{Backend, Browser, Front, Setting, until};

/// The first connection answers once and hangs up on the second request.
async fn forgetful() -> Backend {
    Backend::http(|mut peer| async move {
        let answers = if peer.nth == 0 { 1 } else { usize::MAX };
        for _ in 0..answers {
            let Some(_) = peer.head().await else { return };
            peer.answer("fine").await;
        }
        peer.head().await;
    })
    .await
}

#[tokio::test]
async fn a_stale_connection_costs_a_repeatable_request_nothing() {
    for request in
        ["GET / HTTP/1.1\r\nHost: im.example\r\n\r\n", "DELETE / HTTP/1.1\r\nHost: im.example\r\n\r\n"]
    {
        let backend = forgetful().await;
        let front = Front::to(&backend).await;
        for _ in 0..3 {
            assert_eq!(Browser::ask(&front, request).await.body, "fine");
        }
        assert_eq!(backend.connections(), 2);
        assert_eq!(backend.heads().len(), 4, "one was sent twice");
    }
}

#[tokio::test]
async fn what_may_have_been_done_is_not_done_twice() {
    for request in [
        "POST / HTTP/1.1\r\nHost: im.example\r\nContent-Length: 0\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: im.example\r\nContent-Length: 1\r\n\r\nx",
    ] {
        let backend = forgetful().await;
        let front = Front::to(&backend).await;
        assert_eq!(Browser::at(&front).await.get("/").await.status, 200);
        let answer = Browser::ask(&front, request).await;
        assert_eq!((answer.status, answer.body.as_str()), (502, "upstream_failed retry=false"));
        assert_eq!(backend.heads().len(), 2);
    }
}

#[tokio::test]
async fn a_connection_that_died_while_idle_is_not_used() {
    let backend = Backend::http(|mut peer| async move {
        peer.head().await;
        peer.answer("once").await;
    })
    .await;
    let front = Front::to(&backend).await;
    for n in 1..4 {
        let answer =
            Browser::ask(&front, "POST / HTTP/1.1\r\nHost: im.example\r\nContent-Length: 0\r\n\r\n").await;
        assert_eq!(answer.body, "once");
        until(|| backend.open() == 0).await;
        // The driver of the connection ends with it; the pool's sweeper stays.
        until(|| front.tasks.len() == 1).await;
        assert_eq!(backend.connections(), n);
    }
}

#[tokio::test]
async fn an_upstream_that_says_close_is_believed() {
    let backend = Backend::http(|mut peer| async move {
        peer.head().await;
        peer.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok").await;
        peer.rest().await;
    })
    .await;
    let front = Front::to(&backend).await;
    let mut browser = Browser::at(&front).await;
    for _ in 0..2 {
        let answer = browser.get("/").await;
        assert_eq!((answer.body.as_str(), answer.header("connection")), ("ok", None));
    }
    until(|| backend.open() == 0).await;
    assert_eq!(backend.connections(), 2);
}

#[tokio::test]
async fn idle_connections_are_bounded_in_time() {
    let backend = Backend::mirror().await;
    let bounds = PoolBounds { idle_time: Duration::from_millis(50), ..PoolBounds::default() };
    let front = Setting { bounds, ..Setting::to(&backend) }.start().await;
    assert_eq!(Browser::at(&front).await.get("/").await.status, 200);
    until(|| backend.open() == 0).await;
}

/// Holds every answer until all are let go.
async fn holding(all: &Arc<Notify>) -> Backend {
    let all = all.clone();
    Backend::http(move |mut peer| {
        let all = all.clone();
        async move {
            while peer.head().await.is_some() {
                all.notified().await;
                peer.answer("let go").await;
            }
        }
    })
    .await
}

#[tokio::test]
async fn idle_connections_are_bounded_in_number() {
    let all = Arc::new(Notify::new());
    let backend = holding(&all).await;
    let bounds = PoolBounds { idle: 1, ..PoolBounds::default() };
    let front = Setting { bounds, ..Setting::to(&backend) }.start().await;
    let mut browsers = Vec::new();
    for _ in 0..3 {
        let mut browser = Browser::at(&front).await;
        browser.send("GET / HTTP/1.1\r\nHost: im.example\r\n\r\n").await;
        browsers.push(browser);
    }
    until(|| backend.heads().len() == 3).await;
    all.notify_waiters();
    for browser in &mut browsers {
        assert_eq!(browser.answer(false).await.body, "let go");
    }
    until(|| backend.open() == 1).await;
}

#[tokio::test]
async fn one_too_many_waits_for_its_turn_and_no_longer() {
    let all = Arc::new(Notify::new());
    let backend = holding(&all).await;
    let bounds = PoolBounds { connections: 1, waiting: 1, ..PoolBounds::default() };
    let setting = Setting { bounds, connect_timeout: Duration::from_secs(10), ..Setting::to(&backend) };
    let front = setting.start().await;
    let mut first = Browser::at(&front).await;
    first.send("GET /1 HTTP/1.1\r\nHost: im.example\r\n\r\n").await;
    until(|| backend.heads().len() == 1).await;

    // Two want the one place in the queue: who comes second is turned away at once.
    let mut others = [Browser::at(&front).await, Browser::at(&front).await];
    for other in &mut others {
        other.send("GET /2 HTTP/1.1\r\nHost: im.example\r\n\r\n").await;
    }
    let [one, two] = &mut others;
    let waiting = tokio::select! {
        turned_away = one.answer(false) => {
            assert_eq!((turned_away.status, turned_away.body.as_str()), (503, "busy retry=true"));
            two
        }
        turned_away = two.answer(false) => {
            assert_eq!((turned_away.status, turned_away.body.as_str()), (503, "busy retry=true"));
            one
        }
    };
    all.notify_one();
    assert_eq!(first.answer(false).await.body, "let go");
    until(|| backend.heads().len() == 2).await;
    all.notify_one();
    assert_eq!(waiting.answer(false).await.body, "let go");
    assert_eq!(backend.connections(), 1);

    let patience = Setting {
        bounds: PoolBounds { connections: 1, ..PoolBounds::default() },
        connect_timeout: Duration::from_millis(100),
        ..Setting::to(&backend)
    };
    let front = patience.start().await;
    let mut first = Browser::at(&front).await;
    first.send("GET /1 HTTP/1.1\r\nHost: im.example\r\n\r\n").await;
    until(|| backend.heads().len() == 3).await;
    assert_eq!(Browser::at(&front).await.get("/2").await.status, 503);
}

#[tokio::test]
async fn everything_ends_when_it_must() {
    let all = Arc::new(Notify::new());
    let backend = holding(&all).await;
    let front = Front::to(&backend).await;
    let mut browser = Browser::at(&front).await;
    browser.send("GET / HTTP/1.1\r\nHost: im.example\r\n\r\n").await;
    until(|| backend.heads().len() == 1).await;
    front.end.cancel();
    front.tasks.close();
    crate::support::within(front.tasks.wait()).await;
    assert_eq!(browser.answer(false).await.status, 500);
}
