//! The life of a session: log in, join, watch, poll, leave, come back, log out.

use std::time::Duration;

use http::{Method, StatusCode};
use protocol::presence::Status;
use protocol::vp::reason::Reason;

use crate::browser::{Browser, encoded, json};
use crate::estate::{Plan, id, person};
use crate::support::{tokens, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_page_logs_in_joins_watches_polls_and_logs_out() {
    let estate = Plan::default().start().await;
    estate.online([1]);
    estate.sets(1, Status::Away, "Lunch \"<b>\"");
    let mut page = Browser::of(estate.address(), &id(0));
    let login = json(&page.connect().await);
    assert_eq!((&login["reason"], &login["returnCode"]), (&"0".into(), &200.into()));
    assert_eq!(login["sid"], page.sid());
    assert_eq!(login["person"]["id"], id(0));
    assert_eq!(login["person"]["status"], 1, "the login adopts what the community says");
    let joined = json(&page.join().await);
    assert_eq!(joined["Rtc4web-Nonce"], login["rtc4webNonce"], "the nonce is in both places");
    assert_eq!(joined["isAnon"], false);

    page.does(Method::POST, &format!("presence?users={}", encoded(&id(1)))).await;
    let added = page.hears(&["watchlist", "addUser"]).await;
    assert_eq!((&added["userId"], &added["displayName"]), (&id(1).into(), &"Person 1".into()));
    page.sees(&id(1), 2).await;
    assert_eq!(page.people[&id(1)]["statusMessage"], "Lunch \"<b>\"");
    estate.sets(1, Status::Dnd, "");
    page.sees(&id(1), 3).await;

    page.does(Method::POST, "user/status?status=5&statusMessage=Board").await;
    let own = page.own_status().await;
    assert_eq!((&own["status"], &own["statusMessage"]), (&5.into(), &"Board".into()));
    assert_eq!(estate.community.truth(&person(0)).status, Status::Meeting);

    page.does(Method::PUT, &format!("RTCServlet/{}/endUpdate", page.sid())).await;
    page.does(Method::DELETE, &format!("RTCServlet/{}/user?userName=ann&broadcast=false", page.sid())).await;
    assert_eq!(estate.logins(0), 1, "leaving the channel is not a logout");
    page.does(Method::DELETE, "user/connect").await;
    assert!(!page.cookies.contains_key("sid"));
    estate.has_logins(0, 0).await;
    assert_eq!(page.get("RTCServlet?format=json").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_told_under_every_name_that_was_asked_for() {
    let estate = Plan::default().start().await;
    estate.online([1]);
    let mut page = Browser::logged_in(estate.address(), &id(0)).await;
    let names = ["p1@acme.example", "Person 1/Acme", "nobody@acme.example"];
    page.does(Method::POST, &format!("presence?users={}", encoded(&names.join("|")))).await;
    for name in &names[..2] {
        let added = page.hears(&["watchlist", "addUser"]).await;
        assert_eq!((&added["userId"], &added["id"]), (&(*name).into(), &id(1).into()));
    }
    let missing = page.hears(&["watchlist", "addUser"]).await;
    assert_eq!((&missing["returnCode"], &missing["code"]), (&404.into(), &7.into()));
    for name in [&id(1), names[0], names[1]] {
        page.sees(name, 1).await;
    }
    page.does(Method::DELETE, &format!("presence?users={}", encoded(names[0]))).await;
    page.hears(&["watchlist", "removeUser"]).await;
    let before = page.people.clone();
    estate.sets(1, Status::Away, "");
    page.does(Method::GET, "preferences").await;
    page.hears(&["preferences", "get"]).await;
    assert_eq!(page.people, before, "nobody is watched any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_comes_back_within_the_grace_time_finds_its_session_and_nobody_sees_it_go() {
    let estate = Plan::default().limits(|limits| limits.session_grace = Duration::from_secs(2)).start().await;
    let mut other = estate.page_up(1).await;
    let mut first = Browser::logged_in(estate.address(), &id(0)).await;
    other.watch(&[id(0)]).await;
    other.sees(&id(0), "active").await;
    first.does(Method::POST, "presence?users=p2").await;
    first.hears(&["watchlist", "addUser"]).await;
    for _ in 0..3 {
        // The tab is closed, and another one opened with the browser's cookies.
        let mut again = Browser::of(estate.address(), &id(0));
        again.cookies.insert("sid".into(), first.sid());
        tokio::time::sleep(Duration::from_millis(900)).await;
        let login = json(&again.connect().await);
        assert_eq!(login["sid"], first.sid(), "it is the same session");
        again.join().await;
        again.does(Method::POST, "presence?users=p2").await;
        again.sees(&id(2), 0).await;
        first = again;
    }
    assert_eq!(estate.logins(0), 1);
    estate.has_logins(0, 0).await;
    other.sees(&id(0), "offline").await;
    let seen: Vec<_> = other.told.iter().map(|(_, status)| status.as_str()).collect();
    assert_eq!(seen, ["active", "offline"], "never offline in between");
    assert_eq!(first.get("RTCServlet?format=json").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn tabs_and_browsers_of_a_user_share_one_upstream_login() {
    let estate = Plan::default().start().await;
    let mut first = Browser::logged_in(estate.address(), &id(0)).await;
    let mut second_tab = first.clone();
    let same = json(&second_tab.connect().await);
    assert_eq!(same["sid"], first.sid());
    let mut other_browser = Browser::logged_in(estate.address(), &id(0)).await;
    assert_ne!(other_browser.sid(), first.sid());
    let _events = estate.page_up(0).await;
    assert_eq!(estate.logins(0), 1);
    first.does(Method::POST, "user/status?status=3&statusMessage=x").await;
    assert_eq!(other_browser.own_status().await["status"], 3);
    // A logout is the user's, on all pages.
    first.does(Method::DELETE, "user/connect").await;
    let ended = other_browser.hears(&["session", "ended"]).await;
    assert_eq!((&ended["end"], &ended["code"]), (&"logged_out".into(), &11.into()));
    estate.has_logins(0, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kick_is_told_and_final() {
    let estate = Plan::default().start().await;
    let mut page = Browser::logged_in(estate.address(), &id(0)).await;
    estate.community.kick(&person(0), Reason::OTHER_COMPUTER);
    let ended = page.hears(&["session", "ended"]).await;
    assert_eq!((&ended["end"], &ended["code"]), (&"logged_in_elsewhere".into(), &16.into()));
    assert_eq!(page.get("RTCServlet?format=json").await.status, StatusCode::GONE);
    // A page that logs in again begins anew.
    let old = page.sid();
    page.connect().await;
    assert_ne!(page.sid(), old);
    until("the new login", || estate.logins(0) == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_either_age_join() {
    let estate = Plan::default().start().await;
    let mut page = Browser::of(estate.address(), &id(0));
    assert_eq!(page.connect().await.status, StatusCode::OK);
    let older = page.join().await;
    // As clients of Sametime 12 do.
    let path = format!("RTCServlet/{}/user?userName=ann", page.sid());
    let newer = page.call(Method::PUT, &path).await;
    assert_eq!((newer.status, json(&newer)), (StatusCode::OK, json(&older)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_told_that_its_token_is_over_and_ends_unless_a_request_shows_a_newer_one() {
    let estate = Plan::default().start().await;
    let with = |page: &mut Browser, cookie: &str| {
        let (name, value) = cookie.split_once('=').unwrap();
        page.cookies.insert(name.into(), value.into());
    };
    let mut pages = [0, 1].map(|number| Browser::of(estate.address(), &id(number)));
    for (number, page) in pages.iter_mut().enumerate() {
        with(page, &tokens::short_cookie(&id(number), 3));
        assert_eq!(page.connect().await.status, StatusCode::OK);
        page.join().await;
    }
    let [mut left, mut kept] = pages;
    with(&mut kept, &tokens::cookie(&id(1)));
    kept.does(Method::POST, "user/status?status=5").await;
    // An older one does not shorten it again.
    with(&mut kept, &tokens::short_cookie(&id(1), 2));
    kept.does(Method::POST, "user/status?status=1").await;
    with(&mut kept, &tokens::cookie(&id(1)));
    let end = left.hears(&["session", "ended"]).await;
    assert_eq!((&end["end"], &end["retry"]), (&"token_expired".into(), &false.into()));
    let gone = left.get("RTCServlet?format=json").await;
    // By the route, for the tolerance is over as well, or by the session.
    assert!(matches!(gone.status, StatusCode::GONE | StatusCode::UNAUTHORIZED), "{gone:?}");
    kept.does(Method::POST, "user/status?status=5&statusMessage=Board").await;
    until("the other one goes on", || estate.community.truth(&person(1)).text == "Board".into()).await;
}
