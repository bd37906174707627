//! Many polls hanging at once. 10,000 with `LIVENAME_LONG`, otherwise enough to see what one costs.

use std::time::Duration;

use protocol::presence::Status;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::browser::{BASE, Browser};
use crate::estate::{Plan, id};
use crate::support::soon;

/// Bytes that a session with its hanging poll may cost, the browser's end of the connection in this process
/// included (about 4 KiB).
const EACH: usize = 24 << 10;

fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

async fn hang(page: &Browser, address: std::net::SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let cookies: Vec<_> = page.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let head = format!(
        "GET {BASE}RTCServlet?format=json HTTP/1.1\r\nHost: im.test.example\r\nCookie: {}\r\nRtc4web-Nonce: {}\r\n\r\n",
        cookies.join("; "),
        page.nonce.clone().unwrap()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn polls_hang_by_thousands_in_bounded_memory_and_all_are_answered() {
    let count: usize = if std::env::var_os("LIVENAME_LONG").is_some() { 9_000 } else { 500 };
    // Guests: no upstream logins beside the observer, so that it is the polls that are measured.
    let mut plan = Plan::trust().auth(gateway::config::AuthPolicy::Optional).limits(|limits| {
        limits.connections_per_address = 100_000;
    });
    plan.setup.logins.anonymous = true;
    let estate = plan.start().await;
    estate.online([1]);
    let mut pages = Vec::with_capacity(count);
    for _ in 0..count {
        let mut page = Browser::new(estate.address());
        page.connect_with("loginMethod=anonymous").await;
        page.join().await;
        page.post("presence?users=p1").await;
        pages.push(page);
    }
    for page in &mut pages {
        page.sees(&id(1), 1).await;
    }
    let before = resident();
    let mut streams = Vec::with_capacity(count);
    for page in &pages {
        streams.push(soon("a poll hangs", hang(page, estate.address())).await);
    }
    let each = resident().saturating_sub(before) / count;
    assert!(each < EACH, "{each} bytes for each hanging poll");
    estate.sets(1, Status::Away, "Lunch");
    for mut stream in streams {
        let answer = async {
            let mut text = Vec::new();
            while !text.ends_with(b"0\r\n\r\n") {
                assert!(stream.read_buf(&mut text).await.unwrap() > 0);
            }
            text
        };
        let answer = tokio::time::timeout(Duration::from_secs(30), answer).await.unwrap();
        assert!(String::from_utf8_lossy(&answer).contains("Lunch"));
    }
    estate.metric_is("livename_subscribers{transport=\"poll\"}", count as f64).await;
}
