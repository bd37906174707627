//! The user's own login: what it adopts, what it does not fight, and what it waits for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use loadtest_sim::TokenCheck;
use loadtest_sim::peer::{Peer, PeerProof};
use protocol::presence::Status;
use protocol::vp::reason::Reason;
use serde_json::json;

use crate::estate::{Estate, Plan, id, person};
use crate::page::{BOTH, Page, Transport};
use crate::support::{PATIENCE, tokens, until};

const USERS_UP: &str = "livename_upstream_logins_up{community=\"acme\",login_kind=\"user\"}";
const LOGGED_IN: &str = "livename_upstream_logins_total{community=\"acme\",result=\"ok\"}";
const ENDED: &str = "livename_upstream_logins_total{community=\"acme\",result=\"by_server\"}";

/// Nothing is left of the user on this node, so nothing can come back by itself.
async fn nothing_is_left(estate: &Estate) {
    estate.metric_is("livename_sessions", 0.0).await;
    estate.metric_is(USERS_UP, 0.0).await;
}

/// A real Sametime client of that person; `None` where the library is missing.
pub fn peer(estate: &Estate, number: usize) -> Option<Peer> {
    if !Peer::is_installed().unwrap() {
        return None;
    }
    let (name, password) = (format!("p{number}"), format!("pw{number}"));
    let server = estate.community.addr();
    let mut peer = Peer::log_in(server, 0x1700, &name, PeerProof::Password(&password)).unwrap();
    peer.wait_for("started", PATIENCE, |_| true).unwrap();
    Some(peer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_status_set_elsewhere_stays_when_a_page_opens() {
    let estate = Plan::default().start().await;
    let mut watcher = estate.page_up(1).await;
    watcher.watch(&[id(0)]).await;
    watcher.sees(&id(0), "offline").await;
    estate.online([0]);
    estate.sets(0, Status::Dnd, "Not now");
    watcher.sees_text(&id(0), "Not now").await;
    watcher.told.clear();
    for transport in BOTH {
        let mut page = estate.page_over(transport, 0).await;
        page.is_up().await;
        assert_eq!((&page.me["status"], &page.me["text"]), (&json!("dnd"), &json!("Not now")));
        estate.sets(0, Status::Meeting, "Board");
        page.until("the status of the other client", |page| page.me["status"] == "meeting").await;
        estate.sets(0, Status::Dnd, "Not now");
        page.until("the status of the other client", |page| page.me["status"] == "dnd").await;
    }
    // Whoever is logged in is not shown as offline to herself, even if no client has set a status.
    assert!(estate.community.set_status(&person(0), Status::Offline, ""));
    let mut page = estate.page_up(0).await;
    page.settle().await;
    assert_eq!(page.me["status"], "active");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_client_and_a_page_share_a_user() {
    let estate = Plan::default().start().await;
    let Some(mut client) = peer(&estate, 0) else { return };
    client.tell(&["status", "80", "real and busy"]).unwrap();
    until("the real client is busy", || &*estate.community.truth(&person(0)).text == "real and busy").await;
    let mut page = estate.page_up(0).await;
    assert_eq!((&page.me["status"], &page.me["text"]), (&json!("dnd"), &json!("real and busy")));
    assert_eq!(estate.logins(0), 2);
    assert_eq!(
        page.ask(json!({"op": "status", "status": "away", "text": "from the page"})).await["type"],
        "ok"
    );
    client.wait_for("status", PATIENCE, |event| event["text"] == "from the page").unwrap();
    // And the client sees whom the page's user watches, the page's user among them.
    let mut other = estate.page_up(1).await;
    client.tell(&["add", &id(1)]).unwrap();
    client.wait_for("aware", PATIENCE, |seen| seen["id"] == id(1) && seen["online"] == 1).unwrap();
    other.ask(json!({"op": "status", "status": "meeting", "text": "会議"})).await;
    client.wait_for("aware", PATIENCE, |seen| seen["text"] == "会議").unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_elsewhere_is_not_fought() {
    let estate = Plan::default().start().await;
    estate.community.change_settings(|settings| settings.single_login = true);
    let other_node = estate.setup.clone().start().await;
    for transport in BOTH {
        let mut page = estate.page_over(transport, 0).await;
        let mut second = estate.page(0).await;
        page.is_up().await;
        second.is_up().await;
        let before = estate.gateway.metric(LOGGED_IN);
        let mut elsewhere =
            Page::open(other_node.http(), Transport::Socket, Some(&tokens::cookie(&id(0)))).await;
        elsewhere.is_up().await;
        for page in [&mut page, &mut second] {
            assert_eq!(page.ends().await, ("logged_in_elsewhere".into(), false));
        }
        assert_eq!(second.close_code, Some(4403));
        nothing_is_left(&estate).await;
        assert_eq!((estate.gateway.metric(LOGGED_IN), estate.logins(0)), (before, 1));
        elsewhere.settle().await;
        assert!(elsewhere.end.is_none(), "the other login was left alone");
        assert_eq!(elsewhere.ask(json!({"op": "logout"})).await["type"], "ok");
        estate.has_logins(0, 0).await;
    }
    // The page loaded anew is a new wish.
    estate.page_up(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kick_is_final_and_a_restart_of_the_server_is_not() {
    let estate = Plan::default().start().await;
    for transport in BOTH {
        let mut page = estate.page_over(transport, 0).await;
        page.is_up().await;
        let before = estate.gateway.metric(LOGGED_IN);
        assert!(estate.community.kick(&person(0), Reason::USER_REMOVED));
        assert_eq!(page.ends().await, ("logged_in_elsewhere".into(), false));
        nothing_is_left(&estate).await;
        until("the connection is gone", || estate.community.connections() == 0).await;
        assert_eq!(estate.gateway.metric(LOGGED_IN), before);
    }
    let mut page = estate.page_up(0).await;
    assert!(estate.community.kick(&person(0), Reason::RELOGIN));
    page.login_is("down").await;
    let refused = page.ask(json!({"op": "status", "status": "away"})).await;
    assert!(refused["type"] == "ok" || refused["code"] == "not_logged_in", "{refused}");
    page.is_up().await;
    assert_eq!(estate.logins(0), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_login_is_told_and_not_tried_again() {
    for reason in [Reason::TOKEN_INVALID, Reason::USER_NOT_TRUSTED] {
        let refuse = TokenCheck::new(move |_| Err(reason));
        let estate = Plan::default().builder(|builder| builder.tokens(refuse)).start().await;
        for (index, transport) in BOTH.into_iter().enumerate() {
            let mut page = estate.page_over(transport, 0).await;
            assert_eq!(page.ends().await, ("login_refused".into(), false), "{reason}");
            let code = (transport == Transport::Socket).then_some(4404);
            assert_eq!(page.close_code, code);
            nothing_is_left(&estate).await;
            assert_eq!(estate.gateway.metric(ENDED), (index + 1) as f64, "one try for one page");
        }
    }
    let plan = Plan::default().community(|community| community.login_type = 0x1234);
    let estate = plan.start().await;
    estate.community.change_settings(|settings| settings.allowed_types = [0x14b4].into());
    assert_eq!(estate.page(0).await.ends().await.0, "login_refused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_grew_old_is_replaced_by_the_next_page() {
    let (expired, checks) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let old = tokens::cookie(&id(0)).trim_start_matches("LtpaToken=").to_owned();
    let check = {
        let (expired, checks, old) = (expired.clone(), checks.clone(), old.clone());
        TokenCheck::new(move |token| {
            checks.fetch_add(1, Ordering::SeqCst);
            let is_old = token.expose() == old.as_bytes();
            if is_old && expired.load(Ordering::SeqCst) { Err(Reason::TOKEN_EXPIRED) } else { Ok(id(0)) }
        })
    };
    let estate = Plan::default().builder(|builder| builder.tokens(check)).start().await;
    let cookie = format!("LtpaToken={old}");
    let mut page = Page::open(estate.address(), Transport::Socket, Some(&cookie)).await;
    page.is_up().await;
    expired.store(true, Ordering::SeqCst);
    assert_eq!(estate.community.drop_connections(&person(0)), 1);
    page.login_is("down").await;
    until("the old token was tried", || checks.load(Ordering::SeqCst) == 2).await;
    // The old one again is no news.
    let same = Page::open(estate.address(), Transport::Socket, Some(&cookie)).await;
    drop(same);
    let fresh = tokens::short_cookie(&id(0), 1200);
    let mut fresh = Page::open(estate.address(), Transport::Socket, Some(&fresh)).await;
    fresh.is_up().await;
    page.is_up().await;
    assert_eq!(checks.load(Ordering::SeqCst), 3, "nothing was tried without hope");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_without_awareness_shows_unknown_until_the_service_is_there() {
    let estate =
        Plan::default().tuning(|tuning| tuning.unknown_after = Duration::from_millis(100)).start().await;
    estate.online([1]);
    estate.community.set_service(17, false);
    let mut page = estate.page_up(0).await;
    page.watch(&[id(1)]).await;
    page.sees(&id(1), "unknown").await;
    assert_eq!(
        page.ask(json!({"op": "status", "status": "away"})).await["type"],
        "ok",
        "that needs no service"
    );
    page.until("the own status", |page| page.me["status"] == "away").await;
    estate.community.set_service(17, true);
    page.sees(&id(1), "active").await;
    assert_eq!(estate.gateway.metric(LOGGED_IN), 1.0, "the login stood all the time");
}
