//! Requests that two servers could read differently: what the upstream's wire carries has one reading.

use std::sync::{Arc, Mutex};

use crate::support::{Backend, Browser, Front, header, headers};

/// Records every byte, and answers each request with an empty 200.
async fn recorder() -> (Backend, Arc<Mutex<Vec<u8>>>) {
    let record = Arc::new(Mutex::new(Vec::new()));
    let bytes = record.clone();
    let backend = Backend::http(move |mut peer| {
        let bytes = bytes.clone();
        async move {
            while let Some(head) = peer.head().await {
                let body = match (header(&head, "content-length"), header(&head, "transfer-encoding")) {
                    (Some(_), Some(_)) => panic!("two framings"),
                    (Some(length), None) => peer.take(length.parse().unwrap()).await.unwrap(),
                    (None, Some(_)) => peer.take_until(b"0\r\n\r\n").await.unwrap(),
                    (None, None) => Vec::new(),
                };
                bytes.lock().unwrap().extend([head.as_bytes(), &body].concat());
                peer.answer("").await;
            }
        }
    })
    .await;
    (backend, record)
}

#[tokio::test]
async fn ambiguous_requests_do_not_reach_the_upstream() {
    let (backend, record) = recorder().await;
    let front = Front::to(&backend).await;
    for lines in [
        "Content-Length: 4\r\nContent-Length: 5",
        "Content-Length: +4",
        "Content-Length: 4,5",
        "Content-Length: -1",
        "Content-Length: 0x4",
        "Content-Length: 4 4",
        "Content-Length : 4",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding:\r\n chunked",
        "X: a\0b",
        "X: a\rb",
        "X Y: a",
    ] {
        let request = format!(
            "POST / HTTP/1.1\r\nHost: im.example\r\n{lines}\r\n\r\nabcdGET /smuggled HTTP/1.1\r\n\r\n"
        );
        let answer = Browser::ask(&front, &request).await;
        assert_eq!(answer.status, 400, "{lines:?}");
    }
    let old = "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_eq!(Browser::ask(&front, old).await.status, 400);
    assert_eq!(String::from_utf8_lossy(&record.lock().unwrap()), "");
}

#[tokio::test]
async fn what_is_understood_is_written_anew_with_one_framing() {
    let cases = [
        // Transfer-Encoding wins over Content-Length, which does not go on; the connection ends.
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\nTransfer-Encoding: chunked\r\n\r\n\
             0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
            None,
            Some("chunked"),
        ),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nabcd", Some("4"), None),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0004\r\n\r\nabcd", Some("4"), None),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nConnection: content-length\r\nContent-Length: 4\r\n\r\nabcd",
            Some("4"),
            None,
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nConnection: transfer-encoding\r\nTransfer-Encoding: CHUNKED\r\n\r\n\
             4;ext=1\r\nabcd\r\n0\r\n\r\n",
            None,
            Some("chunked"),
        ),
        // A body where none is usual is neither lost nor left over.
        (
            "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n",
            None,
            Some("chunked"),
        ),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd", Some("4"), None),
        ("GET / HTTP/1.1\nHost: a\n\n", None, None),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", None, None),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\
             HTTP2-Settings: AAMAAABk\r\n\r\n",
            None,
            None,
        ),
    ];
    for (request, length, encoding) in cases {
        let (backend, record) = recorder().await;
        let front = Front::to(&backend).await;
        let mut browser = Browser::at(&front).await;
        browser.send(request).await;
        assert_eq!(browser.answer(false).await.status, 200, "{request}");
        let record = String::from_utf8(record.lock().unwrap().clone()).unwrap();
        let (head, body) = record.split_once("\r\n\r\n").unwrap();
        assert_eq!(header(head, "content-length"), length, "{record}");
        assert_eq!(headers(head, "transfer-encoding"), Vec::from_iter(encoding), "{record}");
        assert_eq!(headers(head, "upgrade"), [""; 0], "{record}");
        let expected = match (length, encoding, request.contains("abcd")) {
            (Some(_), _, _) => "abcd",
            (_, Some(_), true) => "4\r\nabcd\r\n0\r\n\r\n",
            (_, Some(_), false) => "0\r\n\r\n",
            _ => "",
        };
        assert_eq!(body, expected, "{request}");
        assert_eq!(backend.heads().len(), 1, "{request}");
    }
}

#[tokio::test]
async fn an_upstream_with_two_framings_is_read_by_one_and_written_by_one() {
    let backend = Backend::http(|mut peer| async move {
        while peer.head().await.is_some() {
            peer.send(
                "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n\
                 5\r\nwhole\r\n0\r\n\r\n",
            )
            .await;
        }
    })
    .await;
    let front = Front::to(&backend).await;
    let mut browser = Browser::at(&front).await;
    for _ in 0..2 {
        let answer = browser.get("/").await;
        assert_eq!(answer.header("content-length"), None);
        assert_eq!((answer.body.as_str(), answer.whole), ("whole", true));
    }
}
