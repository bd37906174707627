//! Passwords cannot be guessed through the gateway as fast as it answers.

use http::StatusCode;

use crate::browser::{Browser, json};
use crate::estate::{Plan, id};
use crate::logins::{ALL, plan};

fn form(name: &str, password: &str) -> String {
    format!("loginMethod=byPassword&username={name}&password={password}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_has_failed_too_often_has_to_wait_and_others_do_not() {
    let estate = plan(Plan::default().limits(|limits| limits.login_tries_per_name = 3), ALL).start().await;
    let mut page = Browser::new(estate.address());
    // What succeeds is not counted.
    for _ in 0..5 {
        assert_eq!(page.connect_by_form(&form("p0", "pw0")).await.status, StatusCode::OK);
    }
    let mut stranger = Browser::new(estate.address());
    for number in 0..3 {
        let answer = stranger.connect_by_form(&form("p0", &format!("guess{number}"))).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    let connections =
        estate.gateway.metric("livename_upstream_logins_total{community=\"acme\",result=\"ok\"}");
    for password in ["guess", "pw0"] {
        let answer = stranger.connect_by_form(&form("P0", password)).await;
        assert_eq!((answer.status, &json(&answer)["code"]), (StatusCode::TOO_MANY_REQUESTS, &3.into()));
        let wait: u64 = answer.header("retry-after").parse().unwrap();
        assert!((1..=200).contains(&wait), "{wait}");
        assert!(!answer.headers.contains_key("set-cookie"));
    }
    assert_eq!(
        estate.gateway.metric("livename_upstream_logins_total{community=\"acme\",result=\"ok\"}"),
        connections,
        "the community is not asked"
    );
    // Neither another name nor the cookie of the same user has to wait.
    assert_eq!(stranger.connect_by_form(&form("p1", "pw1")).await.status, StatusCode::OK);
    assert_eq!(Browser::of(estate.address(), &id(0)).connect().await.status, StatusCode::OK);
    for (by, result, count) in [
        ("password", "ok", 6.0),
        ("password", "refused", 3.0),
        ("password", "limited", 2.0),
        ("cookie", "ok", 1.0),
    ] {
        let series = format!("livename_page_logins_total{{by=\"{by}\",result=\"{result}\"}}");
        assert_eq!(estate.gateway.metric(&series), count, "{series}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_has_failed_too_often_has_to_wait_whatever_name_it_tries() {
    let limits = |limits: &mut gateway::config::Limits| limits.login_tries_per_address = 4;
    let estate = plan(Plan::default().limits(limits), ALL).start().await;
    for number in 0..4 {
        let answer =
            Browser::new(estate.address()).connect_by_form(&form(&format!("p{number}"), "guess")).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    let token = "loginMethod=byToken&username=p9&token=guess";
    for form in [form("p9", "pw9"), token.to_owned()] {
        let answer = Browser::new(estate.address()).connect_by_form(&form).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_community_that_cannot_be_asked_is_nobodys_failure() {
    let estate = plan(Plan::default().limits(|limits| limits.login_tries_per_name = 2), ALL).start().await;
    estate.community.set_verification(false);
    for _ in 0..5 {
        let answer = Browser::new(estate.address()).connect_by_form(&form("p0", "pw0")).await;
        assert_eq!((answer.status, &json(&answer)["code"]), (StatusCode::INTERNAL_SERVER_ERROR, &1.into()));
    }
    estate.community.set_verification(true);
    let answer = Browser::new(estate.address()).connect_by_form(&form("p0", "pw0")).await;
    assert_eq!(answer.status, StatusCode::OK);
}
