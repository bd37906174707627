//! Requests of pages that are not the user's: without a nonce, with another user's session, from foreign
//! origins, with planted cookies.

use http::{Method, StatusCode};

use crate::browser::{Browser, Call, json};
use crate::estate::{Plan, id};
use crate::support::tokens;

/// Calls that change something, and that a foreign page could send.
const CHANGES: &[(&str, &str)] = &[
    ("DELETE", "user/connect"),
    ("POST", "user/status?status=3"),
    ("POST", "presence?users=p1"),
    ("DELETE", "presence"),
    ("POST", "presence/status"),
    ("DELETE", "presence/status"),
    ("POST", "presence/attributes?attributes=1"),
    ("POST", "buddylist/user?userId=p1"),
    ("DELETE", "buddylist/user?userId=p1"),
    ("PUT", "buddylist/user?userId=p1&newUserDisplayName=x"),
    ("POST", "buddylist/group?groupId=g"),
    ("DELETE", "buddylist/group?groupId=g"),
    ("POST", "buddylist/alerts?receivers=p1&message=x"),
    ("POST", "user/privacy?list=p1&isExcluding=true"),
    ("POST", "preferences/a?value=b"),
    ("PUT", "RTCServlet/SID/endUpdate"),
    ("DELETE", "RTCServlet/SID/user"),
    ("GET", "RTCServlet?format=json"),
    ("GET", "buddylist"),
];

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_done_without_the_nonce_however_the_verb_is_said() {
    let estate = Plan::default().start().await;
    let page = Browser::logged_in(estate.address(), &id(0)).await;
    let nonce = page.nonce.clone().unwrap();
    let wrong = ["", "0", &nonce[..31], &nonce.to_uppercase(), &format!("{nonce}0"), &"0".repeat(32)];
    let wrong: Vec<String> =
        wrong.iter().map(|nonce| (*nonce).to_owned()).filter(|other| *other != nonce).collect();
    for (verb, path) in CHANGES {
        let path = path.replace("SID", &page.sid());
        let mark = if path.contains('?') { '&' } else { '?' };
        let overridden = if *verb == "GET" { path.clone() } else { format!("{path}{mark}method={verb}") };
        for nonce in &wrong {
            let mut foreign = page.clone();
            foreign.nonce = Some(nonce.clone());
            let by_post = if *verb == "GET" { Method::GET } else { Method::POST };
            for (method, path) in
                [(verb.parse().unwrap(), &path), (by_post, &overridden), (Method::GET, &overridden)]
            {
                let answer = foreign.call(method.clone(), path).await;
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path} with {nonce:?}");
            }
        }
    }
    assert_eq!(estate.logins(0), 1, "nobody was logged out");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_is_taken_from_own_pages_only() {
    let estate = Plan::default().start().await;
    let login =
        |origin: Option<&str>, headers: &[(&'static str, &str)], method: Method, path: &'static str| {
            let mut page = Browser::of(estate.address(), &id(0));
            page.origin = origin.map(str::to_owned);
            let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
            async move { page.send(Call { method, path, body: "", headers }).await }
        };
    let connect = "user/connect?loginMethod=byToken";
    for origin in ["https://mail1.acme.example", "http://im.test.example:8080"] {
        let answer = login(Some(origin), &[], Method::POST, connect).await;
        assert_eq!(answer.status, StatusCode::OK, "{origin}");
        assert_eq!(answer.header("access-control-allow-origin"), origin);
        assert_eq!(answer.header("access-control-allow-credentials"), "true");
        assert!(answer.header("access-control-expose-headers").contains("x-csrf-token"));
    }
    for origin in ["https://evil.test", "null", "https://acme.example.evil.test"] {
        assert_eq!(login(Some(origin), &[], Method::POST, connect).await.status, StatusCode::FORBIDDEN);
    }
    for (referer, status) in [
        ("https://mail1.acme.example/mail/ann.nsf?a", StatusCode::OK),
        ("https://evil.test/", StatusCode::FORBIDDEN),
        ("https://evil.test/?https://mail1.acme.example/", StatusCode::FORBIDDEN),
        ("nonsense", StatusCode::FORBIDDEN),
    ] {
        assert_eq!(
            login(None, &[("referer", referer)], Method::POST, connect).await.status,
            status,
            "{referer}"
        );
    }
    let hidden = login(None, &[("sec-fetch-site", "cross-site")], Method::POST, connect).await;
    assert_eq!(hidden.status, StatusCode::FORBIDDEN);
    // An image or link cannot log anybody in.
    let by_get = login(None, &[], Method::GET, "user/connect?loginMethod=byToken&method=POST").await;
    assert_eq!(by_get.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_without_a_login_can_be_read_by_own_pages_and_are_never_redirects() {
    let estate = Plan::default().start().await;
    let mut page = Browser::new(estate.address());
    page.origin = Some("https://mail1.acme.example".into());
    for path in ["user/connect", "presence?users=a", "RTCServlet/x/user?method=put"] {
        let answer = page.post(path).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "https://mail1.acme.example");
        assert!(!answer.headers.contains_key("location") && !answer.headers.contains_key("www-authenticate"));
        assert_eq!(json(&answer)["returnCode"], 401);
    }
    let preflight = page
        .send(Call {
            method: Method::OPTIONS,
            path: "user/status",
            body: "",
            headers: vec![
                ("access-control-request-method", "PUT".into()),
                ("access-control-request-headers", "rtc4web-nonce, x-sametime-app".into()),
            ],
        })
        .await;
    assert_eq!(preflight.status, StatusCode::NO_CONTENT);
    assert_eq!(preflight.header("access-control-allow-headers"), "rtc4web-nonce, x-sametime-app");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_users_session_and_nonce_are_of_no_use() {
    let estate = Plan::default().start().await;
    let victim = Browser::logged_in(estate.address(), &id(0)).await;
    // Everything of the victim's but the token.
    let mut thief = victim.clone();
    let cookie = tokens::cookie(&id(1));
    let (name, value) = cookie.split_once('=').unwrap();
    thief.cookies.insert(name.into(), value.into());
    assert_eq!(thief.delete("user/connect").await.status, StatusCode::FORBIDDEN);
    assert_eq!(thief.get("RTCServlet?format=json").await.status, StatusCode::FORBIDDEN);
    let path = format!("RTCServlet/{}/user?userName=ann&method=put", victim.sid());
    assert_eq!(thief.post(&path).await.status, StatusCode::FORBIDDEN, "no nonce for the thief");
    // The thief's own session with the victim's nonce, and the other way round.
    let mut own = Browser::logged_in(estate.address(), &id(1)).await;
    let nonce = own.nonce.replace(victim.nonce.clone().unwrap());
    assert_eq!(own.get("preferences").await.status, StatusCode::FORBIDDEN);
    own.nonce = nonce;
    own.cookies.insert("sid".into(), victim.sid());
    assert_eq!(own.get("preferences").await.status, StatusCode::FORBIDDEN);
    assert_eq!((estate.logins(0), estate.logins(1)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planted_session_is_not_taken_over() {
    let estate = Plan::default().start().await;
    let attacker = Browser::logged_in(estate.address(), &id(1)).await;
    for planted in [attacker.sid(), "0".repeat(32), "x".into()] {
        let mut victim = Browser::of(estate.address(), &id(0));
        victim.cookies.insert("sid".into(), planted.clone());
        let login = json(&victim.connect().await);
        assert_ne!(login["sid"], planted);
        assert_eq!(login["person"]["id"], id(0));
        assert_eq!(victim.sid(), login["sid"].as_str().unwrap());
    }
    let ids: std::collections::BTreeSet<_> = [attacker.sid(), attacker.nonce.clone().unwrap()].into();
    assert!(ids.iter().all(|id| id.len() == 32) && ids.len() == 2);
}
