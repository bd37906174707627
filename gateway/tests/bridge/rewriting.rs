//! Answers in the page's terms, over real sockets.

use std::io::Read;

use gateway::http::Scheme;

use crate::support::{Backend, Browser, Front, Setting, header, headers};

/// Answers each request with what `answer` makes of its head and of the backend's own origin.
async fn saying(answer: impl Fn(&str, &str) -> Vec<u8> + Clone + Send + Sync + 'static) -> Backend {
    Backend::http(move |mut peer| {
        let answer = answer.clone();
        async move {
            while let Some(head) = peer.head().await {
                let origin = format!("http://{}", header(&head, "host").unwrap());
                let bytes = answer(&head, &origin);
                peer.send(bytes).await;
            }
        }
    })
    .await
}

fn answer(lines: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n{lines}\r\n{body}").into_bytes()
}

fn html(origin: &str) -> String {
    let (escaped, encoded) = (origin.replace('/', "\\/"), origin.replace(':', "%3A").replace('/', "%2F"));
    format!(
        "<script src=\"{origin}/a.js\"></script> var u = '{escaped}'; ?to={encoded}%2Fx {}",
        "x".repeat(50_000)
    )
}

#[tokio::test]
async fn texts_are_rewritten_and_everything_else_passes_untouched() {
    let backend = saying(|head, origin| {
        let kind = head.split([' ', '?']).nth(2).unwrap().replace("%2F", "/");
        answer(
            &format!("Content-Type: {kind}\r\nETag: \"e\"\r\nContent-MD5: x\r\nAccept-Ranges: bytes\r\n"),
            &html(origin),
        )
    })
    .await;
    let front = Front::to(&backend).await;
    let mut browser = Browser::at(&front).await;
    let origin = format!("http://{}", backend.address);
    for kind in ["text/html", "text/css", "application/x-javascript", "application/json"] {
        let seen = browser.get(&format!("/?{kind}")).await;
        assert_eq!(seen.body, html("https://im.example"), "{kind}");
        assert!(seen.whole);
        assert_eq!(seen.header("content-length"), None);
        assert_eq!(seen.header("content-md5"), None);
        assert_eq!(seen.header("accept-ranges"), Some("none"));
        assert!(seen.header("etag").unwrap().starts_with("W/\"e."), "{}", seen.head);
    }
    for kind in ["image/png", "text/plain", "application/octet-stream", "text/event-stream"] {
        let seen = browser.get(&format!("/?{kind}")).await;
        assert_eq!(seen.body, html(&origin), "{kind}");
        assert_eq!(seen.header("content-length"), Some(seen.body.len().to_string().as_str()));
        assert_eq!((seen.header("content-md5"), seen.header("etag")), (Some("x"), Some("\"e\"")));
        assert_eq!(seen.header("accept-ranges"), Some("bytes"));
    }
    assert!(backend.heads().iter().all(|head| header(head, "accept-encoding") == Some("identity")));
    assert_eq!(backend.connections(), 1);
}

#[tokio::test]
async fn a_route_may_leave_bodies_alone() {
    let backend = saying(|_, origin| answer("Content-Type: text/html\r\n", origin)).await;
    let front = Setting { rewrite: false, ..Setting::to(&backend) }.start().await;
    let request = "GET / HTTP/1.1\r\nHost: im.example\r\nAccept-Encoding: br\r\n\r\n";
    assert_eq!(Browser::ask(&front, request).await.body, format!("http://{}", backend.address));
    assert_eq!(header(&backend.heads()[0], "accept-encoding"), Some("br"));
}

#[tokio::test]
async fn an_address_cut_over_chunks_is_found() {
    let backend = saying(|_, origin| {
        let text = format!("<a href=\"{origin}/a\">x</a>");
        let chunks: String = text.chars().map(|c| format!("1\r\n{c}\r\n")).collect();
        format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n{chunks}0\r\nX-T: 1\r\n\r\n")
            .into_bytes()
    })
    .await;
    let front = Front::to(&backend).await;
    let seen = Browser::ask(&front, "GET / HTTP/1.1\r\nHost: im.example\r\nTE: trailers\r\n\r\n").await;
    assert_eq!((seen.body.as_str(), seen.whole), ("<a href=\"https://im.example/a\">x</a>", true));
    assert_eq!(seen.trailers.to_lowercase(), "x-t: 1\r\n");
}

/// The first `length` bytes of a compressed answer, as if they were all.
fn gzip(text: &str, length: usize) -> Vec<u8> {
    let mut coded = Vec::new();
    flate2::read::GzEncoder::new(text.as_bytes(), flate2::Compression::fast())
        .read_to_end(&mut coded)
        .unwrap();
    coded.truncate(length);
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        coded.len()
    );
    [head.into_bytes(), coded].concat()
}

#[tokio::test]
async fn a_compressed_answer_is_rewritten_though_identity_was_asked_for() {
    let backend = saying(|_, origin| gzip(&html(origin), usize::MAX)).await;
    let front = Front::to(&backend).await;
    // Who does not take gzip gets the plain text.
    let plain = Browser::ask(&front, "GET / HTTP/1.1\r\nHost: im.example\r\n\r\n").await;
    assert_eq!(plain.header("content-encoding"), None);
    assert_eq!(plain.body, html("https://im.example"));

    let mut browser = Browser::at(&front).await;
    browser.send("GET / HTTP/1.0\r\nHost: im.example\r\nAccept-Encoding: gzip\r\n\r\n").await;
    let head = browser.head().await;
    assert_eq!(header(&head, "content-encoding"), Some("gzip"));
    let mut text = String::new();
    flate2::read::GzDecoder::new(browser.rest().await.as_slice()).read_to_string(&mut text).unwrap();
    assert_eq!(text, html("https://im.example"));
}

#[tokio::test]
async fn a_body_that_is_not_what_its_coding_says_breaks_off() {
    let lines: String = (0..20_000).map(|line| format!("{:x}", line * 7919)).collect();
    let backend = saying(move |_, _| gzip(&lines, 40_000)).await;
    let front = Front::to(&backend).await;
    let seen = Browser::at(&front).await.get("/").await;
    assert!(seen.body.starts_with("01eef") && !seen.whole);
    let unknown = saying(|_, o| answer("Content-Type: text/html\r\nContent-Encoding: zstd\r\n", o)).await;
    let front = Front::to(&unknown).await;
    let seen = Browser::at(&front).await.get("/").await;
    assert_eq!(seen.header("content-encoding"), Some("zstd"));
    assert_eq!(seen.body, format!("http://{}", unknown.address));
}

#[tokio::test]
async fn a_browsers_copy_is_checked_with_the_upstreams_validator() {
    let backend = saying(|head, origin| match header(head, "if-none-match") {
        Some("\"v1\"") => b"HTTP/1.1 304 Not Modified\r\nETag: \"v1\"\r\n\r\n".to_vec(),
        Some(other) => panic!("{other}"),
        None => answer("Content-Type: text/html\r\nETag: \"v1\"\r\n", origin),
    })
    .await;
    let front = Front::to(&backend).await;
    let mut browser = Browser::at(&front).await;
    let first = browser.get("/").await;
    let tag = first.header("etag").unwrap();
    browser.send(format!("GET / HTTP/1.1\r\nHost: im.example\r\nIf-None-Match: {tag}\r\n\r\n")).await;
    let second = browser.answer(false).await;
    assert_eq!((second.status, second.header("etag")), (304, Some(tag)));
    // For another name of the gateway the copy is another one.
    browser.send(format!("GET / HTTP/1.1\r\nHost: other.example\r\nIf-None-Match: {tag}\r\n\r\n")).await;
    assert_eq!(browser.answer(false).await.body, "https://other.example");

    // An answer to HEAD is described as the one to GET would be.
    browser.send("HEAD / HTTP/1.1\r\nHost: im.example\r\n\r\n").await;
    let head = browser.answer(true).await;
    assert_eq!((head.header("etag"), head.header("content-length")), (Some(tag), None));
}

#[tokio::test]
async fn a_part_of_a_text_is_passed_as_it_is() {
    let backend = saying(|head, origin| {
        assert_eq!(header(head, "range"), Some("bytes=5-"));
        let lines = "Content-Range: bytes 5-10/11\r\nContent-Type: text/html\r\nETag: \"e\"\r\n";
        String::from_utf8(answer(lines, origin))
            .unwrap()
            .replace("200 OK", "206 Partial Content")
            .into_bytes()
    })
    .await;
    let front = Front::to(&backend).await;
    let seen = Browser::ask(&front, "GET / HTTP/1.1\r\nHost: im.example\r\nRange: bytes=5-\r\n\r\n").await;
    assert_eq!((seen.status, seen.header("etag")), (206, Some("\"e\"")));
    assert_eq!(seen.body, format!("http://{}", backend.address));
}

#[tokio::test]
async fn an_affinity_id_is_between_the_browser_and_the_gateway_only() {
    let backend = saying(|head, origin| {
        let path = head.split(' ').nth(1).unwrap();
        let lines = "Content-Type: text/javascript\r\nLocation: /next\r\nSet-Cookie: a=1; Path=/sametime\r\n";
        answer(lines, &format!("{path} {origin}/x"))
    })
    .await;
    let front = Setting { path: "/st01", page: Scheme::Http, ..Setting::to(&backend) }.start().await;
    let mut browser = Browser::at(&front).await;
    let seen = browser.get("/st01/sametime/x?y").await;
    assert_eq!(seen.body, "/sametime/x?y http://im.example/st01/x");
    assert_eq!(seen.header("location"), Some("/st01/next"));
    assert_eq!(headers(&seen.head, "set-cookie"), ["a=1; Path=/st01/sametime"]);
    let links = browser.get("/st01/sametime/stlinks/STLinks.js").await.body;
    assert!(links.ends_with("var ll_proxyName = \"im.example\", ll_AffinityId = \"st01\";\n"), "{links}");
}

#[tokio::test]
async fn only_the_affinity_id_is_taken_off_where_the_path_goes_on() {
    let backend = Backend::mirror().await;
    let front = Setting { path: "/st01/CommunityCBR", ..Setting::to(&backend) }.start().await;
    let mut browser = Browser::at(&front).await;
    for (asked, arrived) in [
        ("/st01/CommunityCBR", "/CommunityCBR"),
        ("/st01/communityCBR/CC.39.1", "/communityCBR/CC.39.1"),
        ("/ST01/CommunityCBR/st01?x", "/CommunityCBR/st01?x"),
    ] {
        let sent = browser.get(asked).await.body;
        assert!(sent.starts_with(&format!("GET {arrived} HTTP/1.1\r\n")), "{sent}");
    }
}

#[tokio::test]
async fn a_long_poll_of_json_is_not_held_back() {
    let backend = Backend::http(|mut peer| async move {
        let head = peer.head().await.unwrap();
        let origin = header(&head, "host").unwrap().to_owned();
        peer.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
            .await;
        let first = format!("{{\"u\":\"http:\\/\\/{origin}\\/\"}}\n");
        peer.send(format!("{:x}\r\n{first}\r\n", first.len())).await;
        // Nothing more until the browser has gone.
        peer.rest().await;
    })
    .await;
    let front = Front::to(&backend).await;
    let mut browser = Browser::at(&front).await;
    browser.send("GET /poll HTTP/1.1\r\nHost: im.example\r\n\r\n").await;
    browser.head().await;
    let expected = "{\"u\":\"https:\\/\\/im.example\\/\"}\n";
    assert_eq!(browser.take(4 + expected.len()).await, format!("{:X}\r\n{expected}", expected.len()));
}

#[tokio::test]
async fn a_tunnel_passes_untouched_even_if_it_claims_to_be_text() {
    let backend = saying(|_, origin| answer("Content-Type: text/html\r\n", origin)).await;
    let front = Front::to(&backend).await;
    let origin = format!("http://{}", backend.address);
    for (path, expected) in [
        ("/st01/communityCBR/CC.39.1", origin.as_str()),
        ("/MeetingCBR", &origin),
        ("/BroadcastCBR", &origin),
        // Its answers are JSON with addresses.
        ("/stwebapi/RTCServlet", "https://im.example"),
    ] {
        let ask = format!("GET {path} HTTP/1.1\r\nHost: im.example\r\nAccept-Encoding: br\r\n\r\n");
        assert_eq!(Browser::ask(&front, &ask).await.body, expected, "{path}");
        let asked = if expected == origin { "br" } else { "identity" };
        assert_eq!(header(backend.heads().last().unwrap(), "accept-encoding"), Some(asked), "{path}");
    }
}
