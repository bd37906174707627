//! Tokens that pages bring along (Sametime's "secrets and tokens"): only the community can judge them, and whose they
//! are is what the community says.

use http::{Method, StatusCode};
use loadtest_sim::TokenCheck;
use protocol::presence::Status;
use protocol::vp::reason::Reason;

use crate::browser::{Browser, encoded, json};
use crate::estate::{Estate, Plan, id};
use crate::logins::{ALL, plan};

/// A community that takes tokens of its own kind: `st:` and the user's short name.
async fn estate() -> Estate {
    let check = TokenCheck::new(|token| {
        let text = str::from_utf8(token.expose()).map_err(|_| Reason::TOKEN_INVALID)?;
        match text.strip_prefix("st:") {
            Some("old") => Err(Reason::TOKEN_EXPIRED),
            Some(user) => Ok(user.to_owned()),
            None => Err(Reason::TOKEN_INVALID),
        }
    });
    plan(Plan::default().builder(|builder| builder.tokens(check)), ALL).start().await
}

fn form(user: &str, token: &str) -> String {
    format!("loginMethod=byToken&username={}&password=x&token={}", encoded(user), encoded(token))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_the_community_accepts_logs_its_user_in() {
    let estate = estate().await;
    estate.online([1]);
    for name in ["p0", "Person 0", ""] {
        let mut page = Browser::new(estate.address());
        let login = json(&page.connect_by_form(&form(name, "st:p0")).await);
        assert_eq!(login["person"]["id"], id(0), "who it is, says the community: {login}");
        page.join().await;
        page.does(Method::POST, "presence?users=p1").await;
        page.sees(&id(1), 1).await;
        page.does(Method::POST, "user/status?status=3&statusMessage=x").await;
        assert_eq!(page.own_status().await["status"], 3);
        page.does(Method::DELETE, "user/connect").await;
        estate.has_logins(0, 0).await;
    }
    assert_eq!(estate.community.truth(&crate::estate::person(1)).status, Status::Active);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_the_community_does_not_accept_logs_nobody_in() {
    let estate = estate().await;
    for (name, token) in
        [("p0", "st:old"), ("p0", "nonsense"), ("p0", "st:p1"), ("p0", "st:nobody"), ("", "st:")]
    {
        let answer = Browser::new(estate.address()).connect_by_form(&form(name, token)).await;
        let what = (answer.status, json(&answer)["code"].clone());
        assert_eq!(what, (StatusCode::UNAUTHORIZED, 12.into()), "{name:?} with {token}");
        assert!(!answer.headers.contains_key("set-cookie"));
    }
    assert_eq!((estate.logins(0), estate.logins(1)), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_beside_a_password_login_is_not_mistaken_for_it() {
    let estate = estate().await;
    let mut page = Browser::new(estate.address());
    let right = page.connect_by_form("loginMethod=byPassword&username=p0&password=pw0").await;
    assert_eq!(right.status, StatusCode::OK);
    // The password as a token, and the token as a password.
    let answer = Browser::new(estate.address()).connect_by_form(&form("p0", "pw0")).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let swapped = "loginMethod=byPassword&username=p0&password=st%3Ap0";
    assert_eq!(
        Browser::new(estate.address()).connect_by_form(swapped).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_and_the_cookie_of_somebody_else_do_not_mix() {
    let estate = estate().await;
    // The token says more than the cookie: its user is logged in, and the cookie's user has no part in it.
    let mut page = Browser::of(estate.address(), &id(1));
    let login = json(&page.connect_by_form(&form("p0", "st:p0")).await);
    assert_eq!(login["person"]["id"], id(0));
    assert_eq!((estate.logins(0), estate.logins(1)), (1, 0));
}
