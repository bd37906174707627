//! What the log says of tokens. Alone in its program: a log that is caught for one test is disturbed by the
//! threads of others.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gateway::auth::{Authenticator, Delegate, Delegated, Proving, Rejection, Shown, Unreachable};
use gateway::config::{Delegation, Limits, Sso};
use gateway::telemetry::Metrics;
use protocol::secret::Secret;
use support::tokens;
use tracing::Level;

const NAME: &str = "CN=Ada Test/O=Example";

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

/// The lines that are written meanwhile.
fn log_of(level: Level, act: impl FnOnce()) -> Vec<String> {
    let page = Page::default();
    let writer = page.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, act);
    let log = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
    log.lines().map(str::to_owned).collect()
}

fn field<'a>(line: &'a str, name: &str) -> &'a str {
    line.split(&format!("{name}=")).nth(1).unwrap().split(' ').next().unwrap()
}

fn shows_nothing(log: &[String], cookies: &[String]) {
    let log = log.join("\n");
    for cookie in cookies {
        let token = cookie.split_once('=').unwrap().1;
        assert!(!log.contains(&token[..16]), "{log}");
    }
    assert!(!log.contains("Ada"), "{log}");
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A community that knows one way to answer.
struct Answering(Result<Option<&'static str>, Unreachable>);

impl Delegate for Answering {
    fn prove(&self, _: String, _: Secret) -> Proving<'_> {
        Box::pin(async { self.0.map(|user| user.map(str::to_owned)) })
    }
}

/// One test: what is caught for one would miss the lines of places that another has seen before.
#[test]
fn the_log_says_what_is_wrong_and_about_which_token_and_shows_neither_token_nor_name() {
    let cookies = [tokens::forged_cookie(NAME), tokens::expired_cookie(NAME), tokens::cookie(NAME)];
    let authenticator = || Authenticator::new(&tokens::sso(), Arc::new(Metrics::new()));
    let judge = |authenticator: &Authenticator, cookie: &str| drop(authenticator.check(&[cookie], now()));

    // At the level that is the default, the log says which failure it was.
    let log = log_of(Level::INFO, || {
        // A reload makes another one.
        for authenticator in [authenticator(), authenticator()] {
            cookies.iter().for_each(|cookie| judge(&authenticator, cookie));
        }
    });
    let told: Vec<_> = log.iter().map(|line| (field(line, "reason"), field(line, "token"))).collect();
    assert_eq!(told.len(), 4, "{log:?}");
    assert_eq!((told[0].0, told[1].0), ("\"bad_mac\"", "\"expired\""));
    assert!(told[..2] == told[2..] && told[0].1 != told[1].1, "{log:?}");
    shows_nothing(&log, &cookies);

    // However a client spells it, and whatever stands before it.
    let (name, value) = cookies[0].split_once('=').unwrap();
    let log = log_of(Level::INFO, || {
        for header in [
            cookies[0].clone(),
            format!("{name}=\"{value}\""),
            format!("{name}={}", value.replace('=', "%3D").replace('+', "%2B")),
            format!("{name}=junk; {}", cookies[0]),
        ] {
            judge(&authenticator(), &header);
        }
    });
    assert_eq!(log.len(), 4, "{log:?}");
    assert!(log.iter().all(|line| field(line, "token") == told[0].1), "{log:?}");

    // With every detail, accepted ones are told as well.
    let log = log_of(Level::TRACE, || cookies.iter().for_each(|cookie| judge(&authenticator(), cookie)));
    assert_eq!(log.len(), 3, "{log:?}");
    assert!(log[2].contains("key=\"test\"") && log[2].contains("cookie=\"LtpaToken\""), "{log:?}");
    shows_nothing(&log, &cookies);

    for (answer, level, outcome, word) in [
        (Ok(Some(NAME)), Level::TRACE, Ok(()), "key=\"delegated\""),
        (Ok(None), Level::INFO, Err(Rejection::Invalid), "reason=\"refused\""),
        (Err(Unreachable), Level::INFO, Err(Rejection::Unavailable), "reason=\"unreachable\""),
    ] {
        let log = log_of(level, || {
            let delegated = Arc::new(Delegated::new(Arc::new(Answering(answer)), Arc::new(Metrics::new())));
            let checked = delegate(&delegated, &cookies[0]);
            assert_eq!(checked.map(drop), outcome);
        });
        let lines: Vec<_> = log.iter().filter(|line| line.contains("token=")).collect();
        assert_eq!(lines.len(), 1, "{log:?}");
        assert!(lines[0].contains(word) && field(lines[0], "token") == told[0].1, "{log:?}");
        shows_nothing(&log, &cookies);
    }
}

fn delegate(delegated: &Arc<Delegated>, cookie: &str) -> Result<gateway::auth::Identity, Rejection> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (name, community) = ("LtpaToken".to_owned(), "acme".to_owned());
    let delegation = Delegation { cookie: name, community, good_for: Duration::from_secs(60) };
    let shown = Shown { cookies: &[cookie.as_bytes()], client: [127, 0, 0, 1].into(), now: now() };
    runtime.block_on(delegated.check(shown, &Sso::default(), &delegation, &Limits::default()))
}
