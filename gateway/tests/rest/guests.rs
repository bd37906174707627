//! Guests: they look through a login that is nobody's, see whom the community shows to everybody, and change nothing.

use http::{Method, StatusCode};
use loadtest_sim::model::PrivacyList;
use protocol::presence::Status;

use crate::browser::{Browser, json};
use crate::estate::{Estate, Plan, id, person};
use crate::logins::{ALL, plan};
use crate::support::until;

async fn guest(estate: &Estate) -> Browser {
    let mut page = Browser::new(estate.address());
    let login = json(&page.connect_with("loginMethod=anonymous&username=Guest").await);
    assert_eq!((&login["returnCode"], &login["person"]["id"]), (&200.into(), &"".into()), "{login}");
    assert_eq!(json(&page.join().await)["isAnon"], true);
    page
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_looks_and_does_nothing_else_in_either_privacy_mode() {
    for start in [Plan::trust, Plan::default] {
        let estate = plan(start(), ALL).start().await;
        estate.online([1]);
        let mut page = guest(&estate).await;
        page.does(Method::POST, "presence?users=p1").await;
        page.sees(&id(1), 1).await;
        estate.sets(1, Status::Away, "Lunch");
        page.sees(&id(1), 2).await;
        let answer = page.post("user/status?status=1").await;
        assert_eq!((answer.status, &json(&answer)["code"]), (StatusCode::CONFLICT, &11.into()));
        for (path, action) in [
            ("user/privacy?list=p1&isExcluding=true", ["privacy", "set"]),
            ("buddylist/user?userId=p1", ["buddylist", "addUser"]),
            ("buddylist/alerts?receivers=p1&message=x", ["announcement", "sent"]),
        ] {
            page.does(Method::POST, path).await;
            let told = page.hears(&action).await;
            assert_eq!((&told["returnCode"], &told["code"]), (&409.into(), &11.into()), "{path}: {told}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_sees_whom_the_community_shows_to_everybody_and_nobody_else() {
    let estate = plan(Plan::default(), ALL).start().await;
    estate.online([1, 2, 3]);
    // Only the second person may see the first; the second hides from the third.
    let only = |number| PrivacyList { deny: false, people: vec![person(number)] };
    assert!(estate.community.set_privacy(&person(1), only(2)));
    let hides = PrivacyList { deny: true, people: vec![person(3)] };
    assert!(estate.community.set_privacy(&person(2), hides));
    // Somebody who may see everything looks at the same time, through the same gateway.
    let mut friend = Browser::logged_in(estate.address(), &id(2)).await;
    friend.does(Method::POST, "presence?users=p1|p2|p3").await;
    friend.sees(&id(1), 1).await;
    let mut page = guest(&estate).await;
    page.does(Method::POST, "presence?users=p1|p2|p3").await;
    page.sees(&id(1), 0).await;
    page.sees(&id(2), 1).await;
    page.sees(&id(3), 1).await;
    estate.sets(1, Status::Dnd, "Secret");
    friend.sees(&id(1), 3).await;
    page.does(Method::GET, "presence/status?users=p1").await;
    assert_eq!(page.hears(&["watchlist", "userStatus"]).await["userStatus"]["status"], 0);
    assert!(!page.people[&id(1)].to_string().contains("Secret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn guests_share_one_login_which_goes_with_the_last_of_them() {
    let estate = plan(Plan::default().limits(|limits| limits.sessions_per_user = 2), ALL).start().await;
    estate.online([1]);
    let mut guests = Vec::new();
    for _ in 0..5 {
        let mut page = guest(&estate).await;
        page.does(Method::POST, "presence?users=p1").await;
        page.sees(&id(1), 1).await;
        guests.push(page);
    }
    assert_eq!(estate.community.connections(), 1, "one login for all");
    for mut page in guests {
        assert_eq!(estate.community.connections(), 1);
        page.does(Method::DELETE, "user/connect").await;
    }
    until("the login is gone", || estate.community.connections() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_out_of_a_guest_is_no_other_guests() {
    let estate = plan(Plan::default(), ALL).start().await;
    estate.online([1]);
    let (mut one, mut other) = (guest(&estate).await, guest(&estate).await);
    other.does(Method::POST, "presence?users=p1").await;
    other.sees(&id(1), 1).await;
    one.does(Method::DELETE, "user/connect").await;
    assert_eq!(one.get("preferences").await.status, StatusCode::UNAUTHORIZED);
    estate.sets(1, Status::Away, "");
    other.sees(&id(1), 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_community_without_guests_refuses_them_and_nobody_becomes_one_by_name() {
    let estate = plan(Plan::default(), ALL).start().await;
    estate.community.change_settings(|settings| settings.anonymous = false);
    let answer = Browser::new(estate.address()).connect_with("loginMethod=anonymous").await;
    assert_eq!((answer.status, &json(&answer)["code"]), (StatusCode::FORBIDDEN, &15.into()));
    assert!(!answer.headers.contains_key("set-cookie"));
    // Allowed again, the next guest is let in.
    estate.community.change_settings(|settings| settings.anonymous = true);
    guest(&estate).await;
    let named = Browser::of(estate.address(), "Guest").connect().await;
    assert_eq!(named.status, StatusCode::UNAUTHORIZED, "a user of that name is not known to the community");
}
