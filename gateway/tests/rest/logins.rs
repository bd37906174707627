//! The three ways to log in, where a route allows them.

use gateway::config::{AuthPolicy, Logins};
use http::{Method, StatusCode};

use crate::browser::{Browser, json};
use crate::estate::{Plan, id};
use crate::support::tokens;

pub const ALL: Logins = Logins { token: true, password: true, anonymous: true };

pub fn plan(mut plan: Plan, logins: Logins) -> Plan {
    plan.setup.logins = logins;
    plan.auth(AuthPolicy::Optional)
}

async fn by_password(page: &mut Browser, name: &str, password: &str) -> crate::support::client::Answer {
    page.connect_by_form(&format!("loginMethod=byPassword&username={name}&password={password}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_logs_in_where_the_route_allows_it() {
    let estate = plan(Plan::default(), ALL).start().await;
    estate.online([1]);
    let mut page = Browser::new(estate.address());
    let login = json(&by_password(&mut page, "p0", "pw0").await);
    assert_eq!(login["person"]["id"], id(0), "who it is, says the community: {login}");
    assert_eq!(login["loginName"], "p0");
    page.join().await;
    page.does(Method::POST, "presence?users=p1").await;
    page.sees(&id(1), 1).await;
    // A second tab and a second browser: one upstream login.
    let mut tab = page.clone();
    assert_eq!(json(&by_password(&mut tab, "p0", "pw0").await)["sid"], page.sid());
    let mut other = Browser::new(estate.address());
    assert_ne!(json(&by_password(&mut other, "p0", "pw0").await)["sid"], page.sid());
    assert_eq!(estate.logins(0), 1);
    page.does(Method::DELETE, "user/connect").await;
    estate.has_logins(0, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_refused_even_while_the_right_one_is_in_use() {
    let estate = plan(Plan::default(), ALL).start().await;
    let mut page = Browser::new(estate.address());
    assert_eq!(by_password(&mut page, "p0", "pw0").await.status, StatusCode::OK);
    for (name, password) in [("p0", "wrong"), ("p0", "pw1"), ("nobody", "pw0")] {
        let answer = by_password(&mut Browser::new(estate.address()), name, password).await;
        assert_eq!((answer.status, &json(&answer)["code"]), (StatusCode::UNAUTHORIZED, &2.into()), "{name}");
        assert!(!answer.headers.contains_key("set-cookie"));
    }
    let missing = page.post("user/connect?loginMethod=byPassword&username=p0").await;
    assert_eq!(missing.status, StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_route_does_not_allow_is_refused() {
    let estate = plan(Plan::default(), Logins::default()).start().await;
    let mut page = Browser::new(estate.address());
    assert_eq!(by_password(&mut page, "p0", "pw0").await.status, StatusCode::FORBIDDEN);
    let guest = page.post("user/connect?loginMethod=anonymous").await;
    assert_eq!((guest.status, &json(&guest)["code"]), (StatusCode::FORBIDDEN, &15.into()));
    assert_eq!(page.post("user/connect?loginMethod=byToken").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(estate.logins(0), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_the_community_refuses_is_a_bare_401() {
    let estate = Plan::default().start().await;
    // Only rich clients may log in.
    estate.community.change_settings(|settings| settings.allowed_types = [0x1700].into());
    let answer = Browser::of(estate.address(), &id(0)).connect().await;
    assert_eq!((answer.status, &json(&answer)["code"]), (StatusCode::UNAUTHORIZED, &12.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_a_token_ends_with_the_token_and_goes_on_with_a_fresh_one() {
    let estate = Plan::default().start().await;
    let mut page = Browser::logged_in(estate.address(), &id(0)).await;
    let fresh = page.cookies["LtpaToken"].clone();
    let expired = tokens::expired_cookie(&id(0));
    page.cookies.insert("LtpaToken".into(), expired.split_once('=').unwrap().1.into());
    let answer = page.get("preferences").await;
    assert_eq!((answer.status, &json(&answer)["returnCode"]), (StatusCode::UNAUTHORIZED, &401.into()));
    page.cookies.insert("LtpaToken".into(), fresh);
    page.does(Method::GET, "preferences").await;
}
