//! What a browser sees when an upstream misbehaves, and an upstream when a browser does.

use std::time::Duration;

use rustls::RootCertStore;

use crate::support::backend::{nobody, trusting};
use crate::support::{Backend, Browser, Front, Setting, header, until};

#[tokio::test]
async fn nobody_there_is_a_bad_gateway() {
    let front = Setting::upstreams(vec![nobody()]).start().await;
    let answer = Browser::at(&front).await.get("/").await;
    assert_eq!((answer.status, answer.body.as_str()), (502, "connect_failed retry=true"));
    assert_eq!(front.metric("livename_bridge_requests_total{outcome=\"connect_failed\"}"), 1.0);
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    let backend = Backend::https(|mut peer| async move { drop(peer.head().await) }).await;
    let mut upstream = backend.upstream();
    upstream.client = trusting(RootCertStore::empty());
    let front = Setting::upstreams(vec![upstream]).start().await;
    let answer = Browser::at(&front).await.get("/").await;
    assert_eq!((answer.status, answer.body.as_str()), (502, "tls_failed retry=true"));
    assert!(backend.heads().is_empty());
}

#[tokio::test]
async fn silence_before_the_head_is_a_time_out_where_one_is_set() {
    let backend = Backend::http(|mut peer| async move {
        peer.head().await;
        peer.rest().await;
    })
    .await;
    let limit = Some(Duration::from_millis(100));
    let front = Setting { head_timeout: limit, ..Setting::to(&backend) }.start().await;
    let answer = Browser::at(&front).await.get("/").await;
    assert_eq!((answer.status, answer.body.as_str()), (504, "timeout retry=false"));
    // The exchange that nobody waits for is over on the other side as well.
    until(|| backend.open() == 0).await;
}

#[tokio::test]
async fn answers_that_are_none_are_a_bad_gateway() {
    for answer in [
        "",
        "HTTP/1.1 2",
        "SSH-2.0-OpenSSH\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nbody",
        "HTTP/1.1 200 OK\r\nContent Length: 4\r\n\r\nbody",
    ] {
        let backend = Backend::http(move |mut peer| async move {
            peer.head().await;
            peer.send(answer).await;
        })
        .await;
        let front = Front::to(&backend).await;
        let seen = Browser::at(&front).await.get("/").await;
        assert_eq!((seen.status, seen.body.as_str()), (502, "upstream_failed retry=false"), "{answer}");
        assert_eq!(backend.connections(), 1, "a first connection is not stale: {answer}");
    }
}

#[tokio::test]
async fn a_head_without_end_is_given_up() {
    let backend = Backend::http(|mut peer| async move {
        peer.head().await;
        peer.send("HTTP/1.1 200 OK\r\nX: ").await;
        // As long as the gateway takes it.
        while tokio::io::AsyncWriteExt::write_all(&mut peer.io, &[b'x'; 4096]).await.is_ok() {}
    })
    .await;
    let front = Front::to(&backend).await;
    assert_eq!(Browser::at(&front).await.get("/").await.status, 502);
    until(|| backend.open() == 0).await;
}

/// Answers with these bytes, then with `more` as long as the gateway takes them.
async fn flooding(begin: &'static str, more: &'static str) -> Backend {
    Backend::http(move |mut peer| async move {
        peer.head().await;
        peer.send(begin).await;
        let more = more.repeat(1 + 4096 / more.len());
        while tokio::io::AsyncWriteExt::write_all(&mut peer.io, more.as_bytes()).await.is_ok() {}
    })
    .await
}

#[tokio::test]
async fn header_lines_without_end_are_given_up() {
    let backend = flooding("HTTP/1.1 200 OK\r\n", "X: y\r\n").await;
    let front = Front::to(&backend).await;
    assert_eq!(Browser::at(&front).await.get("/").await.status, 502);
    until(|| backend.open() == 0).await;
}

#[tokio::test]
async fn trailers_without_end_break_the_answer_off() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n";
    let backend = flooding(chunked, "X: y\r\n").await;
    let front = Front::to(&backend).await;
    let answer = Browser::at(&front).await.get("/").await;
    assert_eq!((answer.body.as_str(), answer.whole), ("body", false));
    until(|| backend.open() == 0).await;
}

#[tokio::test]
async fn interim_answers_without_end_do_not_hold_off_the_time_limit() {
    let backend = flooding("", "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n").await;
    let limit = Some(Duration::from_millis(200));
    let front = Setting { head_timeout: limit, ..Setting::to(&backend) }.start().await;
    assert_eq!(Browser::at(&front).await.get("/").await.status, 504);
    until(|| backend.open() == 0).await;
}

#[tokio::test]
async fn heads_up_to_the_limits_pass() {
    for (lines, length, status) in [(199, 10, 200), (200, 10, 502), (10, 6_000, 200), (20, 6_000, 502)] {
        let backend = Backend::http(move |mut peer| async move {
            peer.head().await;
            let line = |n: usize| format!("X-{n}: {}\r\n", "y".repeat(length));
            let lines: String = (0..lines).map(line).collect();
            peer.send(format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{lines}\r\n")).await;
            peer.rest().await;
        })
        .await;
        let front = Front::to(&backend).await;
        let answer = Browser::at(&front).await.get("/").await;
        assert_eq!(answer.status, status, "{lines} lines of {length}");
        let arrived = answer.head.matches("\r\nx-").count();
        assert_eq!(arrived, if status == 200 { lines } else { 0 });
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_never_taken_for_whole() {
    for framing in ["Content-Length: 100\r\n\r\nhalf", "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"] {
        let backend = Backend::http(move |mut peer| async move {
            peer.head().await;
            peer.send(format!("HTTP/1.1 200 OK\r\n{framing}")).await;
        })
        .await;
        let front = Front::to(&backend).await;
        let answer = Browser::at(&front).await.get("/").await;
        assert_eq!((answer.body.as_str(), answer.whole), ("half", false), "{framing}");
        let two = Setting { http2: true, ..Setting::to(&backend) }.start().await;
        let mut browser = crate::support::browser::Two::at(&two).await;
        assert!(browser.try_ask("http://im.example/").await.is_err(), "{framing}");
    }
}

#[tokio::test]
async fn a_browser_that_leaves_takes_the_upstreams_work_with_it() {
    let backend = Backend::http(|mut peer| async move {
        let head = peer.head().await.unwrap();
        if head.starts_with("GET /body") {
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf").await;
        }
        peer.rest().await;
    })
    .await;
    let front = Front::to(&backend).await;
    for path in ["/poll", "/body"] {
        let mut browser = Browser::at(&front).await;
        browser.send(format!("GET {path} HTTP/1.1\r\nHost: im.example\r\n\r\n")).await;
        until(|| backend.open() == 1).await;
        drop(browser);
        until(|| backend.open() == 0).await;
    }
}

#[tokio::test]
async fn half_an_upload_never_looks_whole() {
    let backend = Backend::http(|mut peer| async move {
        peer.head().await;
        let rest = peer.rest().await;
        assert!(!rest.ends_with(b"0\r\n\r\n"));
    })
    .await;
    let front = Front::to(&backend).await;
    let mut browser = Browser::at(&front).await;
    browser
        .send("POST / HTTP/1.1\r\nHost: im.example\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
        .await;
    until(|| backend.heads().len() == 1).await;
    drop(browser);
    until(|| backend.open() == 0).await;
}

const EXPECTING: &str =
    "POST / HTTP/1.1\r\nHost: im.example\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";

#[tokio::test]
async fn a_browser_is_told_to_continue_when_the_upstream_says_so() {
    let backend = Backend::http(|mut peer| async move {
        let head = peer.head().await.unwrap();
        assert_eq!(header(&head, "expect"), Some("100-continue"));
        peer.send("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n").await;
        let body = peer.take(4).await.unwrap();
        peer.answer(std::str::from_utf8(&body).unwrap()).await;
    })
    .await;
    let front = Front::to(&backend).await;
    let mut browser = Browser::at(&front).await;
    browser.send(EXPECTING).await;
    assert_eq!(browser.head().await, "HTTP/1.1 100 Continue\r\n\r\n");
    browser.send("body").await;
    assert_eq!(browser.answer(false).await.body, "body");
}

#[tokio::test]
async fn an_upload_that_the_upstream_does_not_want_is_never_asked_for() {
    let backend = Backend::http(|mut peer| async move {
        peer.head().await;
        peer.send("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n").await;
        assert_eq!(peer.rest().await, b"");
    })
    .await;
    let front = Front::to(&backend).await;
    let mut browser = Browser::at(&front).await;
    browser.send(EXPECTING).await;
    assert_eq!(browser.answer(false).await.status, 413);
    until(|| backend.open() == 0).await;
}

#[tokio::test]
async fn an_upstream_that_does_not_know_expect_gets_the_body_anyway() {
    let backend = Backend::http(|mut peer| async move {
        peer.head().await;
        let body = peer.take(4).await.unwrap();
        peer.answer(std::str::from_utf8(&body).unwrap()).await;
    })
    .await;
    let front = Front::to(&backend).await;
    let mut browser = Browser::at(&front).await;
    browser.send(EXPECTING).await;
    assert_eq!(browser.head().await, "HTTP/1.1 100 Continue\r\n\r\n");
    browser.send("body").await;
    assert_eq!(browser.answer(false).await.body, "body");
}

#[tokio::test]
async fn a_browser_that_does_not_send_its_body_is_given_up_but_not_in_a_tunnel() {
    let backend = Backend::http(|mut peer| async move {
        peer.head().await;
        peer.rest().await;
    })
    .await;
    let limit = Duration::from_millis(100);
    let front = Setting { body_timeout: limit, ..Setting::to(&backend) }.start().await;
    let begun =
        |path: &str| format!("POST {path} HTTP/1.1\r\nHost: im.example\r\nContent-Length: 9\r\n\r\nhalf");
    let answer = Browser::ask(&front, &begun("/")).await;
    assert_eq!((answer.status, answer.body.as_str()), (408, "upload_stalled retry=false"));
    until(|| backend.open() == 0).await;

    let mut tunnel = Browser::at(&front).await;
    tunnel.send(begun("/st01/communityCBR/CC.1")).await;
    until(|| backend.open() == 1).await;
    assert!(tokio::time::timeout(limit * 5, tunnel.answer(false)).await.is_err());
    assert_eq!(backend.open(), 1);
}

#[tokio::test]
async fn a_stream_has_no_time_limit_for_its_head_either() {
    let backend = Backend::http(|mut peer| async move {
        peer.head().await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        peer.answer("late").await;
    })
    .await;
    let limit = Some(Duration::from_millis(50));
    let front = Setting { head_timeout: limit, ..Setting::to(&backend) }.start().await;
    assert_eq!(Browser::at(&front).await.get("/CommunityCBR").await.body, "late");
    assert_eq!(Browser::at(&front).await.get("/other").await.status, 504);
}

#[tokio::test]
async fn a_reset_before_the_head_is_a_bad_gateway_and_in_the_body_breaks_it_off() {
    for (answer, status) in [("", 502), ("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", 200)] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut byte = [0];
            tokio::io::AsyncReadExt::read_exact(&mut stream, &mut byte).await.unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut stream, answer.as_bytes()).await.unwrap();
            // What was not read makes a reset of the end; a moment for what was written to be read.
            tokio::time::sleep(Duration::from_millis(50)).await;
            drop(stream);
        });
        let upstream =
            gateway::config::Upstream::at(false, "127.0.0.1", port, trusting(RootCertStore::empty()));
        let front = Setting::upstreams(vec![upstream]).start().await;
        let seen = Browser::at(&front).await.get("/").await;
        assert_eq!((seen.status, seen.status == 502 || !seen.whole), (status, true));
    }
}

#[tokio::test]
async fn a_bad_chunk_ends_the_body_without_an_end() {
    let backend = Backend::http(|mut peer| async move {
        peer.head().await;
        peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\nzz\r\nbad\r\n").await;
        peer.rest().await;
    })
    .await;
    let front = Front::to(&backend).await;
    let answer = Browser::at(&front).await.get("/").await;
    assert_eq!((answer.body.as_str(), answer.whole), ("good", false));
    until(|| backend.open() == 0).await;
}

#[tokio::test]
async fn what_comes_after_the_announced_length_is_nobodys() {
    let backend = Backend::http(|mut peer| async move {
        while peer.head().await.is_some() {
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngoodHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil").await;
        }
    })
    .await;
    let front = Front::to(&backend).await;
    let mut browser = Browser::at(&front).await;
    for _ in 0..5 {
        assert_eq!(browser.get("/").await.body, "good");
    }
    assert_eq!(backend.connections(), 5, "a connection that says too much is not used again");
}

#[tokio::test]
async fn a_body_that_stalls_ends_with_the_browsers_patience() {
    let backend = Backend::http(|mut peer| async move {
        peer.head().await;
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf").await;
        peer.rest().await;
    })
    .await;
    let limit = Duration::from_millis(50);
    let front = Setting { head_timeout: Some(limit), ..Setting::to(&backend) }.start().await;
    let mut browser = Browser::at(&front).await;
    browser.send("GET / HTTP/1.1\r\nHost: im.example\r\n\r\n").await;
    browser.head().await;
    assert_eq!(browser.take(4).await, "half");
    // Bodies have no limit of ours: an answer may take as long as somebody waits for it.
    assert!(tokio::time::timeout(limit * 4, browser.take(1)).await.is_err());
    assert_eq!(backend.open(), 1);
    drop(browser);
    until(|| backend.open() == 0).await;
}
