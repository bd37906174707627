//! How long a user is logged in: grace, several pages, limits, expiry, drain.

use std::time::Duration;

use protocol::presence::Status;
use serde_json::json;

use crate::estate::{Estate, Plan, id, person};
use crate::page::{BOTH, Page, Transport};
use crate::support::{soon, tokens, until};

const SOCKETS: &str = "livename_subscribers{transport=\"websocket\"}";

fn grace(time: Duration) -> Plan {
    Plan::default().limits(|limits| limits.session_grace = time)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_change_is_not_seen_by_others() {
    let estate = grace(Duration::from_secs(60)).start().await;
    let mut watcher = estate.page_up(1).await;
    watcher.watch(&[id(0)]).await;
    let mut page = estate.page_up(0).await;
    watcher.sees(&id(0), "active").await;
    assert_eq!(page.ask(json!({"op": "status", "status": "dnd", "text": "deep"})).await["type"], "ok");
    watcher.sees(&id(0), "dnd").await;
    watcher.told.clear();
    for transport in BOTH {
        drop(page);
        until("the page is gone", || estate.gateway.metric(SOCKETS) == 1.0).await;
        assert_eq!(estate.logins(0), 1);
        page = estate.page_over(transport, 0).await;
        assert_eq!(
            (&page.me["status"], &page.me["login"]),
            (&json!("dnd"), &json!("up")),
            "it is the same login"
        );
    }
    page.ask(json!({"op": "status", "status": "away"})).await;
    watcher.sees(&id(0), "away").await;
    assert_eq!(watcher.told, [(id(0), "away".to_owned())], "nothing in between");
    assert_eq!(
        estate.gateway.metric("livename_upstream_logins_total{community=\"acme\",result=\"ok\"}"),
        2.0
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_grace_time_the_user_is_offline() {
    let estate = grace(Duration::from_millis(100)).start().await;
    let mut watcher = estate.page_up(1).await;
    watcher.watch(&[id(0)]).await;
    for transport in BOTH {
        let mut page = estate.page_over(transport, 0).await;
        page.is_up().await;
        watcher.sees(&id(0), "active").await;
        drop(page);
        watcher.sees(&id(0), "offline").await;
        assert_eq!(estate.community.truth(&person(0)).status, Status::Offline);
        assert_eq!(estate.logins(0), 0);
    }
    estate.metric_is("livename_sessions", 1.0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_has_so_many_pages_and_a_reload_changes_how_many() {
    let estate = Plan::default().limits(|limits| limits.sessions_per_user = 2).start().await;
    let try_open = async |transport| {
        Page::try_open(estate.address(), transport, Some(&tokens::cookie(&id(0))), &[]).await.map(drop)
    };
    let first = estate.page(0).await;
    let second = estate.page_over(Transport::Stream, 0).await;
    for transport in BOTH {
        let (status, body) = try_open(transport).await.unwrap_err();
        assert_eq!((status.as_u16(), body.contains("too_many_sessions")), (429, true), "{body}");
    }
    drop(first);
    until("a place is free", || estate.gateway.metric(SOCKETS) == 0.0).await;
    let again = estate.page(0).await;

    let mut setup = estate.setup.clone();
    setup.limits.sessions_per_user = 3;
    setup.limits.watches_per_session = 1;
    setup.limits.message_bytes = 100;
    estate.gateway.reads_next(Ok(setup));
    estate.gateway.running.reload().await.unwrap();
    let mut third = estate.page(0).await;
    assert_eq!(third.hello["limits"], json!({"watches": 1, "message_bytes": 100}));
    let refused = third.ask(json!({"op": "watch", "ids": ["a", "b"]})).await;
    assert_eq!(refused["code"], "too_many_watches", "{refused}");
    drop((second, again));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_ends_with_its_token() {
    let estate = Plan::default().start().await;
    for transport in BOTH {
        let cookie = tokens::short_cookie(&id(0), 2);
        let mut page = Page::open(estate.address(), transport, Some(&cookie)).await;
        assert_eq!(page.ends().await, ("token_expired".into(), false));
        let code = (transport == Transport::Socket).then_some(4401);
        assert_eq!(page.close_code, code);
    }
    assert_eq!(estate.gateway.metric("livename_subscribers_ended_total{reason=\"token_expired\"}"), 2.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_tells_pages_to_come_back() {
    let estate = Plan::default().start().await;
    let Estate { gateway, community, .. } = &estate;
    let mut pages = [estate.page(0).await, estate.page_over(Transport::Stream, 1).await];
    for page in &mut pages {
        page.is_up().await;
        page.watch(&[id(5)]).await;
        page.sees(&id(5), "offline").await;
    }
    gateway.running.lifecycle().request_drain();
    for page in &mut pages {
        assert_eq!(page.ends().await, ("draining".into(), true));
    }
    assert_eq!(pages[0].close_code, Some(1001));
    // No grace time, no silent page holds up the end.
    let begin = tokio::time::Instant::now();
    soon("the end", gateway.running.stopped()).await;
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
    until("all logins are gone", || community.connections() == 0).await;
}
