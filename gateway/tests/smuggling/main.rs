//! Requests that two servers could read differently, against three kinds of backend: each row of `table.txt` is
//! refused, or what the backends received is canonical and the same (RFC 9112, RFC 9113 8; docs/bridge.md).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod attacker;
mod backends;
mod floods;
#[path = "../support/mod.rs"]
mod support;

use std::fmt::Write;

use backends::{Backend, Seen};
use gateway::config::AuthPolicy;
use support::tls::Certificate;
use support::{Gateway, Setup};

const TABLE: &str = include_str!("table.txt");
const SMUGGLED: &str = "GET /smuggled HTTP/1.1~Host: im.example~~";

/// One line of the table.
struct Row {
    name: &'static str,
    /// `h2` rows speak HTTP/2.
    expected: &'static str,
    /// With macros replaced, escapes left.
    sent: String,
}

fn rows() -> impl Iterator<Item = Row> {
    let lines = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| {
        let mut columns = line.splitn(3, '|');
        let mut column = || columns.next().unwrap_or_else(|| panic!("three columns: {line}"));
        let (name, expected) = (column().trim(), column().trim());
        let sent = column();
        let sent = sent.strip_prefix(' ').unwrap_or(sent);
        let length = SMUGGLED.replace('~', "\r\n").len();
        let sent = sent
            .replace("@P", "POST /a HTTP/1.1~Host: im.example~")
            .replace("@G", "GET /a HTTP/1.1~Host: im.example~")
            .replace("@S", SMUGGLED)
            .replace("@N", &length.to_string())
            .replace("@X", &format!("{length:x}"))
            .replace("@C", "4~abcd~0~~");
        Row { name, expected, sent }
    })
}

/// The bytes that an escaped text stands for.
fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.chars();
    while let Some(char) = rest.next() {
        match char {
            '~' => bytes.extend(b"\r\n"),
            '\\' => bytes.push(match rest.next().unwrap() {
                'r' => b'\r',
                'n' => b'\n',
                't' => b'\t',
                '0' => 0,
                'x' => {
                    let digits: String = rest.by_ref().take(2).collect();
                    u8::from_str_radix(&digits, 16).unwrap()
                }
                other => panic!("escape {other}"),
            }),
            plain => bytes.extend(plain.to_string().as_bytes()),
        }
    }
    bytes
}

/// A gateway of its own before each backend.
struct Front {
    gateway: Gateway,
    certificate: Certificate,
    backend: Backend,
}

impl Front {
    async fn to(backend: Backend) -> Self {
        let certificate = Certificate::new("smuggling");
        let mut setup = Setup { workers: 1, ..Setup::default() }.https(&certificate);
        setup.routes = vec![("/".to_owned(), AuthPolicy::Off, format!("http://{}", backend.address))];
        Self { gateway: setup.start().await, certificate, backend }
    }

    /// What came back, in the words of the table, and what the backend saw.
    async fn attacked(&self, row: &Row) -> (String, Vec<Seen>) {
        let outcome = if row.expected.starts_with("h2") {
            let stream = self.certificate.connect(self.gateway.https(), &["h2"]).await.unwrap();
            format!("h2 {}", attacker::two(stream, &row.sent).await)
        } else {
            attacker::one(self.gateway.http(), &bytes(&row.sent)).await
        };
        // Whatever was still under way has arrived when this one has.
        support::client::fetch(self.gateway.http(), "/barrier").await;
        let mut seen = self.backend.seen().await;
        seen.retain(|seen| seen.path != "/barrier");
        (outcome, seen)
    }
}

#[tokio::test]
async fn every_request_is_refused_or_reaches_every_backend_as_the_same_one() {
    let mut fronts = Vec::new();
    for backend in backends::start().await {
        fronts.push(Front::to(backend).await);
    }
    let mut failures = String::new();
    let mut count = 0;
    for row in rows() {
        count += 1;
        let mut first: Option<Vec<Seen>> = None;
        for front in &fronts {
            let (outcome, seen) = front.attacked(&row).await;
            let kind = front.backend.kind;
            let mut complain = |what: String| writeln!(failures, "{} ({kind}): {what}", row.name).unwrap();
            if outcome != row.expected {
                complain(format!("expected {:?}, got {outcome:?}", row.expected));
            }
            if let Some(seen) = seen.iter().find(|seen| !seen.problem.is_empty()) {
                complain(format!("not canonical: {seen:?}"));
            }
            if outcome.matches("200").count() != seen.len() {
                complain(format!("{outcome:?} but the backend saw {seen:?}"));
            }
            match &first {
                None => first = Some(seen),
                Some(first) if *first == seen => {}
                Some(first) => complain(format!("it saw {seen:?}, the first backend {first:?}")),
            }
        }
    }
    assert!(count >= 150, "the table has {count} rows");
    assert!(failures.is_empty(), "\n{failures}");
}
