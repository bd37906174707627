//! What a page is promised whatever the transport: docs/events.md, sentence by sentence.

use protocol::presence::Status;
use serde_json::json;

use crate::estate::{Plan, id, person};
use crate::page::{BOTH, Page, Transport};
use crate::support::until;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_told_who_it_is_and_what_others_do() {
    let estate = Plan::default().start().await;
    estate.online([1, 2]);
    estate.sets(1, Status::Meeting, "Board <room> \"1\" 会議");
    for transport in BOTH {
        let mut page = estate.page_over(transport, 0).await;
        assert_eq!((&page.hello["version"], &page.hello["me"]["id"]), (&json!(1), &json!(id(0))));
        assert_eq!(page.hello["limits"], json!({"watches": 5000, "message_bytes": 65536}));
        page.is_up().await;
        assert_eq!(page.me["status"], "active");

        // The snapshot, then changes.
        page.watch(&[id(1), id(2), id(3), "CN=Nobody/O=Nowhere".into()]).await;
        page.sees(&id(1), "meeting").await;
        assert_eq!(page.people[&id(1)]["text"], "Board <room> \"1\" 会議");
        assert_eq!(page.people[&id(1)]["name"], "Person 1");
        page.sees(&id(2), "active").await;
        page.sees(&id(3), "offline").await;
        page.sees("CN=Nobody/O=Nowhere", "offline").await;
        estate.sets(2, Status::Away, "Lunch");
        page.sees(&id(2), "away").await;
        assert_eq!(page.people[&id(2)]["text"], "Lunch");
        assert!(page.people[&id(2)]["revision"].as_u64() > Some(0));

        // Whom one does not watch any more, one does not hear of.
        assert_eq!(page.ask(json!({"op": "unwatch", "ids": [id(2)]})).await["type"], "ok");
        page.told.clear();
        estate.sets(2, Status::Dnd, "");
        estate.sets(1, Status::Idle, "");
        page.sees(&id(1), "idle").await;
        assert!(page.told.iter().all(|(who, _)| *who == id(1)), "{:?}", page.told);
        assert_eq!(page.ask(json!({"op": "unwatch", "all": true})).await["type"], "ok");
        page.told.clear();
        page.people.clear();
        estate.sets(1, Status::Active, "");
        // By the same way, later.
        page.watch(&[id(3)]).await;
        page.sees(&id(3), "offline").await;
        assert_eq!(page.told, [(id(3), "offline".to_owned())]);
        estate.sets(1, Status::Meeting, "Board <room> \"1\" 会議");
        estate.sets(2, Status::Active, "");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_status_is_seen_by_others_and_by_all_own_pages() {
    let estate = Plan::default().start().await;
    for transport in BOTH {
        let mut mine = estate.page_over(transport, 0).await;
        mine.is_up().await;
        let mut second = estate.page_up(0).await;
        let mut other = estate.page_up(1).await;
        other.watch(&[id(0)]).await;
        other.sees(&id(0), "active").await;
        let answer = mine.ask(json!({"op": "status", "status": "dnd", "text": "Writing"})).await;
        assert_eq!(answer["type"], "ok");
        other.sees(&id(0), "dnd").await;
        assert_eq!(other.people[&id(0)]["text"], "Writing");
        for page in [&mut mine, &mut second] {
            page.until("the own status", |page| page.me["status"] == "dnd").await;
            assert_eq!((&page.me["text"], &page.me["login"]), (&json!("Writing"), &json!("up")));
        }
        let back = mine.ask(json!({"op": "status", "status": "active"})).await;
        assert_eq!(back["type"], "ok");
        other.sees(&id(0), "active").await;
        assert_eq!(estate.logins(0), 1, "pages share a login");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_states_come_in_one_frame() {
    let estate = Plan::default().start().await;
    estate.online(1..40);
    for transport in BOTH {
        let mut first = estate.page_over(transport, 0).await;
        first.is_up().await;
        let ids: Vec<_> = (1..40).map(id).collect();
        first.watch(&ids).await;
        first.until("all states", |page| page.people.len() == 39).await;
        // Known already: a second page gets all in one.
        let mut second = estate.page_over(transport, 0).await;
        second.watch(&ids).await;
        if second.people.is_empty() {
            second.until("a frame", |page| !page.people.is_empty()).await;
        }
        assert_eq!(second.people.len(), 39, "in one frame");
        assert!(second.cursor.is_some(), "with it, everything is known");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_back_gets_only_what_has_changed() {
    let estate = Plan::default().start().await;
    estate.online(1..6);
    for transport in BOTH {
        let ids: Vec<_> = (1..6).map(id).collect();
        let mut before = estate.page_over(transport, 0).await;
        before.watch(&ids).await;
        before.until("all states", |page| page.people.len() == 5).await;
        let cursor = before.has_cursor().await;
        let others_cursor = {
            let mut other = estate.page(9).await;
            other.watch(&ids).await;
            other.until("all states", |page| page.people.len() == 5).await;
            other.has_cursor().await
        };
        drop(before);
        // Another page of the user keeps the session's view alive while nobody reads this one's.
        let mut witness = estate.page(0).await;
        witness.watch(&ids).await;
        estate.sets(3, Status::Away, "moved");
        witness.sees(&id(3), "away").await;

        let mut after = estate.page_over(transport, 0).await;
        after.watch_since(&ids, &cursor).await;
        after.sees(&id(3), "away").await;
        after.settle().await;
        assert_eq!(after.told, [(id(3), "away".to_owned())], "only the change");

        for unknown in ["1.2.3", "not a cursor", &others_cursor] {
            let mut page = estate.page_over(transport, 0).await;
            page.watch_since(&ids, unknown).await;
            page.until("everything", |page| page.people.len() == 5).await;
        }
        estate.sets(3, Status::Active, "");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_pages_share_a_login_and_a_logout() {
    let estate = Plan::default().start().await;
    let mut watcher = estate.page_up(1).await;
    watcher.watch(&[id(0)]).await;
    for transport in BOTH {
        let mut pages = vec![
            estate.page_over(transport, 0).await,
            estate.page_over(Transport::Socket, 0).await,
            estate.page_over(Transport::Stream, 0).await,
        ];
        for page in &mut pages {
            page.is_up().await;
        }
        watcher.sees(&id(0), "active").await;
        assert_eq!(estate.logins(0), 1);
        // This one reads nothing any more, and must not hold the user back.
        let silent = pages.pop().unwrap();
        assert_eq!(pages[0].ask(json!({"op": "logout"})).await["type"], "ok");
        for page in &mut pages {
            assert_eq!(page.ends().await, ("logged_out".into(), false));
        }
        assert_eq!(pages[1].close_code, Some(1000));
        estate.has_logins(0, 0).await;
        watcher.sees(&id(0), "offline").await;
        drop(silent);
    }
    let closed = || estate.gateway.metric("livename_sessions") == 1.0;
    until("only the watcher's session is left", closed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_of_a_stream_belong_to_its_page() {
    let estate = Plan::default().limits(|limits| limits.message_bytes = 2000).start().await;
    let page = estate.page_over(Transport::Stream, 0).await;
    let stranger = estate.page_over(Transport::Stream, 1).await;

    let several = r#"[{"op":"ping","id":1},{"op":"dance","id":2},{"op":"watch","ids":["CN=A"],"id":3}]"#;
    let answer = page.post(several).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json"));
    let answers: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(answers[0], json!({"type": "pong", "id": 1}));
    assert_eq!((&answers[1]["code"], &answers[1]["id"]), (&json!("unknown_op"), &json!(2)));
    assert_eq!(answers[2], json!({"type": "ok", "id": 3}));
    assert_eq!(page.post("[]").await.body, "[]");
    assert_eq!(page.post("nonsense").await.status, 400);

    let cookie = crate::support::tokens::cookie(&id(0));
    let wrong_key = "0123456789abcdef0123456789abcdef";
    for (cookie, channel, status) in [
        (Some(&*cookie), wrong_key, 404),
        (Some(&*cookie), "x", 404),
        (Some(&*cookie), stranger.channel(), 404),
        (None, page.channel(), 401),
    ] {
        let answer = page.post_as(cookie, channel, r#"{"op":"logout"}"#).await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
    let large = format!(r#"{{"op":"watch","ids":["{}"]}}"#, "x".repeat(3000));
    assert_eq!(page.post(&large).await.status, 413);
    assert_eq!(page.post(r#"{"op":"ping"}"#).await.body, r#"[{"type":"pong"}]"#, "nobody was logged out");
    drop(page);
    until("the channel is gone", || estate.gateway.metric("livename_subscribers{transport=\"sse\"}") == 1.0)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_somebody_where_the_route_allows_it() {
    use gateway::config::{AuthPolicy, OwnPresence};
    let estate = Plan::trust()
        .community(|community| community.own_presence = OwnPresence::Off)
        .auth(AuthPolicy::Optional)
        .start()
        .await;
    estate.online([1]);
    for transport in BOTH {
        let mut page = Page::open(estate.address(), transport, None).await;
        assert!(page.hello["me"].is_null());
        page.watch(&[id(1)]).await;
        page.sees(&id(1), "active").await;
        let refused = page.ask(json!({"op": "status", "status": "away"})).await;
        assert_eq!(refused["code"], "not_logged_in");
        let mut known = estate.page_over(transport, 2).await;
        assert_eq!(known.hello["me"]["login"], "off");
        known.watch(&[id(1)]).await;
        known.sees(&id(1), "active").await;
        let refused = known.ask(json!({"op": "status", "status": "away"})).await;
        assert_eq!(refused["code"], "not_logged_in");
        // One login for everybody, and it is not the user's.
        assert_eq!((estate.logins(2), estate.community.connections()), (0, 1));
        assert_eq!(estate.community.truth(&person(2)).status, Status::Offline);
    }
}
