//! What the log says of tokens. Alone in its program: a log that is caught for one test is disturbed by the
//! threads of others.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::io;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use gateway::auth::Authenticator;
use gateway::telemetry::Metrics;
use support::tokens;

#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl io::Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn log_lines_about_one_token_match_and_do_not_show_it() {
    let page = Page::default();
    let writer = page.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let name = "CN=Ada Test/O=Example";
    let cookies = [tokens::forged_cookie(name), tokens::expired_cookie(name), tokens::cookie(name)];
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    tracing::subscriber::with_default(subscriber, || {
        let authenticator = Authenticator::new(&tokens::sso(), Arc::new(Metrics::new()));
        for cookie in cookies.iter().flat_map(|cookie| [cookie, cookie]) {
            drop(authenticator.check(&[cookie], now));
        }
    });
    let log = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
    let digest = |line: &str| line.split("token=").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    let digests: Vec<_> = log.lines().map(digest).collect();
    assert_eq!(digests.len(), 6, "{log}");
    assert!(digests.chunks(2).all(|pair| pair[0] == pair[1]), "{log}");
    assert!(digests[0] != digests[2] && digests[2] != digests[4], "{log}");
    for told in ["reason=\"bad_mac\"", "reason=\"expired\"", "key=\"test\""] {
        assert!(log.contains(told), "{told}: {log}");
    }
    for cookie in &cookies {
        let token = cookie.split_once('=').unwrap().1;
        assert!(!log.contains(&token[..16]), "{log}");
    }
    assert!(!log.contains("Ada"), "{log}");
}
