//! A page that stays open longer than its token: it goes on with the cookie that the mail server renews.

use http::StatusCode;
use serde_json::{Value, json};

use crate::estate::{Estate, Plan, id};
use crate::page::{BOTH, Page};
use crate::support::tokens;

const RENEW: &str = r#"[{"op":"renew","id":5}]"#;

async fn page(estate: &Estate, transport: crate::page::Transport, cookie: &str) -> Page {
    Page::open(estate.address(), transport, Some(cookie)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_outlives_its_first_token_with_a_renewed_cookie() {
    let estate = Plan::default().start().await;
    for transport in BOTH {
        let mut kept = page(&estate, transport, &tokens::short_cookie(&id(0), 2)).await;
        let mut left = page(&estate, transport, &tokens::short_cookie(&id(0), 2)).await;
        assert!(kept.hello["expires_in"].as_u64().unwrap() <= 2);
        let answer = kept.post_as(Some(&tokens::cookie(&id(0))), kept.channel(), RENEW).await;
        let answer: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!((&answer[0]["type"], &answer[0]["id"]), (&json!("renewed"), &json!(5)));
        assert!(answer[0]["expires_in"].as_u64().unwrap() > 500, "{answer}");
        // An older cookie does not shorten it again.
        let older = kept.post_as(Some(&tokens::short_cookie(&id(0), 1)), kept.channel(), RENEW).await;
        assert!(older.body.contains(r#""expires_in":5"#), "{}", older.body);
        // The page that did not renew ends; the other one is served on.
        assert_eq!(left.ends().await, ("token_expired".into(), false));
        assert_eq!(kept.ask(json!({"op": "ping"})).await["type"], "pong");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_of_somebody_else_renews_nothing() {
    let estate = Plan::default().start().await;
    for transport in BOTH {
        let mut page = page(&estate, transport, &tokens::short_cookie(&id(0), 2)).await;
        let other = page.post_as(Some(&tokens::cookie(&id(1))), page.channel(), RENEW).await;
        assert_eq!(other.status, StatusCode::NOT_FOUND);
        let forged = page.post_as(Some(&tokens::forged_cookie(&id(0))), page.channel(), RENEW).await;
        assert_eq!(forged.status, StatusCode::UNAUTHORIZED);
        assert_eq!(page.ends().await, ("token_expired".into(), false));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_has_no_cookie_to_renew_with() {
    let estate = Plan::default().start().await;
    let mut page = page(&estate, crate::page::Transport::Socket, &tokens::cookie(&id(0))).await;
    assert_eq!(page.ask(json!({"op": "renew"})).await["code"], "no_token");
}
