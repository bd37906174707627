//! Many names, many pages, and pages that do not keep up.

use std::time::Duration;

use gateway::config::OwnPresence;
use protocol::presence::{PersonId, Status};
use serde_json::json;

use crate::estate::{Estate, OBSERVER, Plan, builder, id, person};
use crate::page::{BOTH, Page, Transport};
use crate::support::{tokens, until};

const PEOPLE: usize = 10_000;

/// A page that watches these persons, in pieces of 500.
async fn watching(estate: &Estate, user: usize, persons: std::ops::Range<usize>) -> Page {
    let mut page = estate.page(user).await;
    let ids: Vec<_> = persons.map(id).collect();
    for piece in ids.chunks(500) {
        page.watch(piece).await;
    }
    page.until("all states", |page| page.people.len() == ids.len()).await;
    page
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_names_are_watched_through_one_observer() {
    let estate = Plan::trust()
        .community(|community| community.own_presence = OwnPresence::Off)
        .builder(|_| builder(PEOPLE))
        .tuning(|tuning| {
            tuning.unknown_after = Duration::from_secs(60);
            tuning.linger = Duration::from_millis(100);
            // A hundred commands when a page goes.
            tuning.batch = 50;
        })
        .start()
        .await;
    let words = [Status::Active, Status::Idle, Status::Away, Status::Dnd, Status::Meeting];
    estate.online((0..PEOPLE).filter(|number| number % 3 != 0));
    for number in (0..PEOPLE).filter(|number| number % 3 != 0) {
        estate.sets(number, words[number % words.len()], "");
    }
    let (mut left, mut right) =
        tokio::join!(watching(&estate, 0, 0..PEOPLE / 2), watching(&estate, 1, PEOPLE / 2..PEOPLE));
    let truth = estate.community.truths(None);
    for page in [&left, &right] {
        for (who, state) in &page.people {
            assert_eq!(state["status"], truth[&PersonId::from(who.as_str())].status.name(), "{who}");
        }
    }
    let observer = PersonId::from(OBSERVER);
    assert_eq!(estate.community.watch_count(&observer), PEOPLE);
    assert_eq!(estate.community.connections(), 1);
    // Somebody far down the list still comes at once.
    estate.sets(PEOPLE - 2, Status::Away, "near the end");
    right.sees_text(&id(PEOPLE - 2), "near the end").await;
    // One more is one too many, and takes nothing away.
    let refused = left.ask(json!({"op": "watch", "ids": ["one more"]})).await;
    assert_eq!(refused["code"], "too_many_watches");
    estate.sets(1, Status::Dnd, "still here");
    left.sees_text(&id(1), "still here").await;

    // All viewers go at once; the login that served them stays.
    drop((left, right));
    until("nobody is watched", || estate.community.watch_count(&observer) == 0).await;
    estate.metric_is("livename_watches", 0.0).await;
    let lost = "livename_upstream_logins_lost_total{community=\"acme\",login_kind=\"observer\"}";
    assert_eq!((estate.gateway.metric(lost), estate.community.connections()), (0.0, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_does_not_read_converges_and_delays_nobody() {
    const NAMES: usize = 50;
    const ROUNDS: usize = 200;
    let estate = Plan::trust()
        .community(|community| community.own_presence = OwnPresence::Off)
        .builder(|_| builder(NAMES + 10))
        .start()
        .await;
    estate.online(0..NAMES);
    let mut slow = Vec::new();
    for transport in BOTH {
        let mut page = estate.page_over(transport, NAMES).await;
        page.watch(&(0..NAMES).map(id).collect::<Vec<_>>()).await;
        page.until("all states", |page| page.people.len() == NAMES).await;
        page.told.clear();
        slow.push(page);
    }
    let mut quick = watching(&estate, NAMES + 1, 0..NAMES).await;
    // States that were taken for a page, but are not news that were written to it.
    let unwritten = || {
        let metric = |series| estate.gateway.metric(series);
        metric("livename_updates_delivered_total") - metric("livename_propagation_seconds_count")
    };
    // The first page asked the community; the others were told what was known.
    until("the pages are told", || unwritten() == 2.0 * NAMES as f64).await;
    // More than any socket holds: 10,000 changes of 2 KB.
    let text = |round: usize| format!("{round} {}", "x".repeat(2000));
    for round in 0..ROUNDS {
        for number in 0..NAMES {
            estate.sets(number, Status::Away, &text(round));
        }
        quick.sees_text(&id(NAMES - 1), &text(round)).await;
    }
    let everything = |page: &Page| page.people.values().all(|state| state["text"] == text(ROUNDS - 1));
    quick.until("the last round", everything).await;
    assert!(unwritten() > 2.0 * NAMES as f64, "what a page does not take is not written");
    for page in &mut slow {
        page.until("the last round", everything).await;
        assert!(page.told.len() < NAMES * ROUNDS / 2, "{} states were told", page.told.len());
        page.settle().await;
        assert!(page.end.is_none());
    }
    until("all is written", || unwritten() == 2.0 * NAMES as f64).await;
    assert!(estate.gateway.metric("livename_updates_coalesced_total") > (NAMES * ROUNDS / 2) as f64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_channels_close_at_once_and_leave_nothing() {
    let estate = Plan::default()
        .builder(|_| builder(200))
        .limits(|limits| {
            limits.connections_per_address = 3000;
            limits.session_grace = Duration::from_millis(50);
        })
        .tuning(|tuning| tuning.linger = Duration::from_millis(50))
        .start()
        .await;
    estate.online([199]);
    let mut pages = Vec::new();
    for user in 0..100 {
        let cookie = tokens::cookie(&id(user));
        for number in 0..10 {
            let transport = if number % 5 == 0 { Transport::Stream } else { Transport::Socket };
            let mut page = Page::open(estate.address(), transport, Some(&cookie)).await;
            page.watch(&[id(199), id(user + 1)]).await;
            pages.push(page);
        }
    }
    for page in &mut pages {
        page.sees(&id(199), "active").await;
    }
    let subscribers = |transport| format!("livename_subscribers{{transport=\"{transport}\"}}");
    assert_eq!(estate.gateway.metric(&subscribers("websocket")), 800.0);
    assert_eq!(estate.gateway.metric("livename_sessions"), 100.0);
    assert!(estate.gateway.metric("livename_watches") >= 200.0);
    assert_eq!(estate.community.connections(), 100);
    drop(pages);
    for series in ["livename_sessions", "livename_watches", &subscribers("websocket"), &subscribers("sse")] {
        estate.metric_is(series, 0.0).await;
    }
    estate.metric_is("livename_upstream_logins_up{community=\"acme\",login_kind=\"user\"}", 0.0).await;
    until("all logins are gone", || estate.community.connections() == 0).await;
    assert_eq!(estate.community.truth(&person(5)).status, Status::Offline);
}
