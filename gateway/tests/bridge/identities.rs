//! Users share connections to an upstream. None must ever see what is another's.

use tokio::task::JoinSet;

use gateway::config::PoolBounds;

use crate::support::{Backend, Browser, Front, Setting, header, until};

#[tokio::test]
async fn many_users_on_few_connections_each_see_their_own() {
    let backend = Backend::http(|mut peer| async move {
        while let Some(head) = peer.head().await {
            let user = header(&head, "cookie").unwrap().to_owned();
            peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
            for _ in 0..20 {
                peer.send(format!("{:x}\r\n{user}\n\r\n", user.len() + 1)).await;
                tokio::task::yield_now().await;
            }
            peer.send("0\r\n\r\n").await;
        }
    })
    .await;
    let bounds = PoolBounds { connections: 3, ..PoolBounds::default() };
    let front = Setting { bounds, ..Setting::to(&backend) }.start().await;
    let mut users = JoinSet::new();
    for user in 0..30 {
        let mut browser = Browser::at(&front).await;
        users.spawn(async move {
            for turn in 0..10 {
                let cookie = format!("LtpaToken=user{user:02}turn{turn}");
                browser.send(format!("GET / HTTP/1.1\r\nHost: im.example\r\nCookie: {cookie}\r\n\r\n")).await;
                if user % 3 == 0 && turn == 5 {
                    // Leaves in the middle of its answer.
                    browser.head().await;
                    browser.take(10).await;
                    return;
                }
                let answer = browser.answer(false).await;
                assert!(answer.whole);
                assert_eq!(answer.body.lines().count(), 20);
                assert!(answer.body.lines().all(|line| line == cookie), "{cookie} got {}", answer.body);
            }
        });
    }
    while let Some(user) = users.join_next().await {
        user.unwrap();
    }
    until(|| backend.open() <= 3).await;
}

#[tokio::test]
async fn a_connection_that_signs_a_user_in_serves_nobody_else() {
    let backend = Backend::http(|mut peer| async move {
        while let Some(head) = peer.head().await {
            if head.starts_with("GET /challenge") {
                peer.send(
                    "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: NTLM TlRMTVNTUAAC\r\nContent-Length: 0\r\n\r\n",
                )
                .await;
            } else {
                peer.answer(&peer.nth.to_string()).await;
            }
        }
    })
    .await;
    let front = Front::to(&backend).await;
    let ask = async |line: &str| {
        Browser::ask(&front, &format!("{line} HTTP/1.1\r\nHost: im.example\r\n\r\n")).await.body
    };
    assert_eq!(ask("GET /").await, "0");
    assert_eq!(ask("GET /").await, "0");
    let signed = "GET / HTTP/1.1\r\nHost: im.example\r\nAuthorization: Negotiate YII\r\n\r\n";
    assert_eq!(Browser::ask(&front, signed).await.body, "0");
    assert_eq!(ask("GET /").await, "1");
    assert_eq!(ask("GET /challenge").await, "");
    assert_eq!(ask("GET /").await, "2");
}
