//! Many polls hanging at once: 10,000 with `LIVENAME_LONG`, otherwise enough to see what one costs. The gateway is a
//! process of its own, so that its memory is measured alone and has all its descriptors to itself.

use std::net::SocketAddr;

use protocol::presence::Status;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::browser::BASE;
use crate::estate::person;
use crate::program::Program;
use crate::support::soon;

/// Bytes that a session with its connection and its hanging poll may cost the gateway; a debug build takes most of it.
const EACH: usize = 40 << 10;
/// What the whole process may have beside that.
const PROGRAM: usize = 96 << 20;

/// A guest's page with its one connection.
struct Page {
    stream: TcpStream,
    cookie: String,
    nonce: String,
}

impl Page {
    /// Logs in, watches somebody, and polls until everything is known.
    async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let mut page = Self { stream, cookie: String::new(), nonce: String::new() };
        page.ask("POST", "user/connect?loginMethod=anonymous").await;
        let login: Value = serde_json::from_str(&page.answer().await).unwrap();
        page.cookie = format!("sid={}", login["sid"].as_str().unwrap());
        page.nonce = login["rtc4webNonce"].as_str().unwrap().to_owned();
        page.ask("POST", "presence?users=p1").await;
        assert!(page.answer().await.contains("200"));
        page.poll().await;
        while !page.answer().await.contains("\"status\":1") {
            page.poll().await;
        }
        page
    }

    async fn poll(&mut self) {
        self.ask("GET", "RTCServlet?format=json").await;
    }

    async fn ask(&mut self, verb: &str, path: &str) {
        let Self { cookie, nonce, .. } = &self;
        let request = format!(
            "{verb} {BASE}{path} HTTP/1.1\r\nHost: im.test.example\r\nContent-Length: 0\r\nCookie: {cookie}\r\nRtc4web-Nonce: {nonce}\r\n\r\n"
        );
        self.stream.write_all(request.as_bytes()).await.unwrap();
    }

    /// The head of an answer, which a poll gets at once.
    async fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        head.to_ascii_lowercase()
    }

    /// The rest of an answer: as long as the head says, or in pieces, as polls are answered.
    async fn body(&mut self, head: &str) -> String {
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = Vec::new();
        match length {
            Some(length) => {
                body.resize(length.parse().unwrap(), 0);
                self.stream.read_exact(&mut body).await.unwrap();
            }
            None => {
                while !body.ends_with(b"0\r\n\r\n") {
                    assert!(self.stream.read_buf(&mut body).await.unwrap() > 0);
                }
            }
        }
        String::from_utf8(body).unwrap()
    }

    async fn answer(&mut self) -> String {
        let head = self.head().await;
        self.body(&head).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn polls_hang_by_thousands_in_bounded_memory_and_all_are_answered() {
    let count: usize = if std::env::var_os("LIVENAME_LONG").is_some() { 10_000 } else { 500 };
    let program = Program::start(50).await;
    assert!(program.community.login_virtual(&person(1)));
    let idle = program.resident();
    let mut pages = Vec::with_capacity(count);
    for _ in 0..count {
        pages.push(soon("a page opens", Page::open(program.http())).await);
    }
    for page in &mut pages {
        page.poll().await;
    }
    let mut heads = Vec::with_capacity(count);
    for page in &mut pages {
        heads.push(soon("a poll hangs", page.head()).await);
    }
    let resident = program.resident();
    let each = resident.saturating_sub(idle) / count;
    println!("{count} hanging polls: {each} bytes each, {} MiB in all", resident >> 20);
    assert!(each < EACH, "{each} bytes for each session with its hanging poll");
    assert!(resident < PROGRAM + count * EACH, "{resident} bytes in all");
    assert!(program.community.set_status(&person(1), Status::Away, "Lunch"));
    for (page, head) in pages.iter_mut().zip(heads) {
        let heard = async {
            let mut body = page.body(&head).await;
            // On a slow machine it had hung for its time when the change came; the next one has it.
            while !body.contains("Lunch") {
                page.poll().await;
                body = page.answer().await;
            }
        };
        soon("the change is heard of", heard).await;
    }
    let listed = program.metric("livename_subscribers{transport=\"poll\"}").await;
    assert_eq!(listed, count as f64);
}
