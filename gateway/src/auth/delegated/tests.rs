use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use protocol::ltpa::SystemSeconds;
use protocol::ltpa::domino::{DominoSecret, mint};
use tokio::sync::Semaphore;

use super::*;
use crate::config::NameForm;

const NOW: u64 = 1_700_000_000;
const LONG: Duration = Duration::from_secs(300);

/// Knows everybody whose name begins so; counts how often it is asked, and answers as far as the gate is open.
struct Community {
    asked: AtomicUsize,
    away: AtomicBool,
    gate: Semaphore,
}

impl Default for Community {
    fn default() -> Self {
        Self { asked: AtomicUsize::new(0), away: AtomicBool::new(false), gate: Semaphore::new(1000) }
    }
}

impl Delegate for Community {
    fn prove(&self, name: String, _: Secret) -> Proving<'_> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            self.gate.acquire().await.unwrap().forget();
            if self.away.load(Ordering::SeqCst) {
                return Err(Unreachable);
            }
            Ok(name.starts_with("CN=A").then_some(name))
        })
    }
}

struct Site {
    community: Arc<Community>,
    delegated: Arc<Delegated>,
    metrics: Arc<Metrics>,
    sso: Sso,
    good_for: Duration,
    client: u8,
    limits: Limits,
}

impl Site {
    fn new() -> Self {
        let (community, metrics) = (Arc::new(Community::default()), Arc::new(Metrics::new()));
        let delegate = Arc::clone(&community) as Arc<dyn Delegate>;
        let delegated = Arc::new(Delegated::new(delegate, Arc::clone(&metrics)));
        let (sso, limits) = (Sso::default(), Limits::default());
        Self { community, delegated, metrics, sso, good_for: LONG, client: 1, limits }
    }

    async fn check(&self, header: &str) -> Result<String, Rejection> {
        let cookies = [header.as_bytes()];
        let shown = Shown { cookies: &cookies, client: [192, 0, 2, self.client].into(), now: NOW };
        let (cookie, community) = ("LtpaToken".to_owned(), "acme".to_owned());
        let delegation = Delegation { cookie, community, good_for: self.good_for };
        let checked = self.delegated.check(shown, &self.sso, &delegation, &self.limits).await;
        checked.map(|identity| identity.user)
    }

    fn asked(&self) -> usize {
        self.community.asked.load(Ordering::SeqCst)
    }

    fn sizes(&self) -> (usize, usize, usize) {
        self.delegated.lock().sizes()
    }

    fn counted(&self, series: &str) -> bool {
        self.metrics.gather().lines().any(|line| line == format!("livename_{series}"))
    }
}

fn between(name: &str, created: u64, expires: u64) -> String {
    let secret = DominoSecret::from_bytes(&[7; 20]).unwrap();
    let token = mint(name.as_bytes(), SystemSeconds(created), SystemSeconds(expires), &secret).unwrap();
    format!("LtpaToken={token}")
}

fn cookie(name: &str) -> String {
    between(name, NOW - 600, NOW + 60)
}

#[tokio::test]
async fn a_token_is_proved_once_for_all_who_wait_and_remembered() {
    let mut site = Site::new();
    let header = cookie("CN=Ada/O=Acme");
    let (first, second) = tokio::join!(site.check(&header), site.check(&header));
    assert_eq!((first, second), (Ok("CN=Ada/O=Acme".into()), Ok("CN=Ada/O=Acme".into())));
    assert_eq!(site.check(&header).await, Ok("CN=Ada/O=Acme".into()));
    assert_eq!(site.asked(), 1);
    assert!(site.counted("token_checks_total{format=\"delegated\",outcome=\"ok\"} 3"));
    assert!(site.counted("token_cache_total{result=\"hit\"} 1"));
    assert!(site.counted("token_cache_total{result=\"miss\"} 1"));
    // A proof is believed no longer than configured.
    site.good_for = Duration::ZERO;
    site.check(&header).await.unwrap();
    assert_eq!(site.asked(), 2);
}

#[tokio::test]
async fn what_can_be_seen_to_be_worthless_costs_no_login() {
    let mut site = Site::new();
    site.sso.max_lifetime = Some(Duration::from_secs(3600));
    for (header, expected, outcome) in [
        ("LtpaToken=AAEC".to_owned(), Rejection::Invalid, "too_short"),
        ("LtpaToken=\u{e9}".to_owned(), Rejection::Invalid, "bad_base64"),
        (between("CN=Ada/O=Acme", NOW - 600, NOW - 61), Rejection::Expired, "expired"),
        (between("CN=Ada/O=Acme", NOW + 61, NOW + 600), Rejection::NotYetValid, "not_yet_valid"),
        (between("CN=Ada/O=Acme", NOW - 600, NOW + 3600), Rejection::Invalid, "lifetime"),
    ] {
        assert_eq!(site.check(&header).await, Err(expected), "{outcome}");
        let series = format!("token_checks_total{{format=\"delegated\",outcome=\"{outcome}\"}} 1");
        assert!(site.counted(&series), "{outcome}: {}", site.metrics.gather());
    }
    assert_eq!(site.check("other=1").await, Err(Rejection::Missing));
    assert_eq!(site.asked(), 0);
    let foreign = cookie("CN=Eve/O=Acme");
    for _ in 0..3 {
        assert_eq!(site.check(&foreign).await, Err(Rejection::Invalid));
    }
    assert_eq!(site.asked(), 1);
    assert!(site.counted("token_checks_total{format=\"delegated\",outcome=\"refused\"} 3"));
    assert!(site.counted("token_cache_total{result=\"refused\"} 2"));
}

#[tokio::test]
async fn clock_tolerance_and_spelling_are_the_configured_ones() {
    let mut site = Site::new();
    let late = between("CN=Ada/O=Acme", NOW - 600, NOW - 60);
    assert!(site.check(&late).await.is_ok());
    site.sso.skew = Duration::from_secs(59);
    assert_eq!(site.check(&late).await, Err(Rejection::Expired));
    site.sso.names = NameForm::Ldap;
    assert_eq!(site.check(&cookie("CN=Ada/O=Acme")).await, Ok("CN=Ada,O=Acme".into()));
}

#[tokio::test]
async fn two_valid_tokens_of_different_users_are_refused() {
    let site = Site::new();
    let (ada, abe, eve) = (cookie("CN=Ada/O=Acme"), cookie("CN=Abe/O=Acme"), cookie("CN=Eve/O=Acme"));
    assert_eq!(site.check(&format!("{eve}; {ada}; {ada}")).await, Ok("CN=Ada/O=Acme".into()));
    assert_eq!(site.check(&format!("{ada}; {abe}")).await, Err(Rejection::Invalid));
    assert!(site.counted("token_checks_total{format=\"delegated\",outcome=\"mixed_users\"} 1"));
}

#[tokio::test]
async fn an_outage_is_shared_by_all_who_wait_and_not_remembered_as_a_refusal() {
    let site = Site::new();
    let header = cookie("CN=Ada/O=Acme");
    site.community.away.store(true, Ordering::SeqCst);
    let all = futures_util::future::join_all((0..8).map(|_| site.check(&header))).await;
    assert!(all.iter().all(|answer| *answer == Err(Rejection::Unavailable)), "{all:?}");
    assert_eq!(site.asked(), 1, "nobody waits for a try of his own");
    assert!(site.counted("token_checks_total{format=\"delegated\",outcome=\"unreachable\"} 8"));
    assert_eq!(site.sizes(), (0, 0, 0));
    site.community.away.store(false, Ordering::SeqCst);
    assert_eq!(site.check(&header).await, Ok("CN=Ada/O=Acme".into()));
}

#[tokio::test]
async fn a_request_that_is_given_up_leaves_nothing_behind_and_its_answer_counts() {
    let site = Site::new();
    site.community.gate.forget_permits(1000);
    let header = cookie("CN=Ada/O=Acme");
    // Polled once, then gone.
    assert!(futures_util::FutureExt::now_or_never(site.check(&header)).is_none());
    assert_eq!(site.sizes(), (0, 0, 1));
    site.community.gate.add_permits(1);
    while site.sizes().2 > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(site.sizes(), (1, 0, 0));
    assert_eq!(site.check(&header).await, Ok("CN=Ada/O=Acme".into()));
    assert_eq!(site.asked(), 1);
}

#[tokio::test]
async fn forged_tokens_wait_by_address_and_disturb_nobody_else() {
    let mut site = Site::new();
    site.limits.login_tries_per_address = 3;
    for number in 0..3 {
        assert_eq!(site.check(&cookie(&format!("CN=Eve{number}"))).await, Err(Rejection::Invalid));
    }
    assert_eq!(site.check(&cookie("CN=Eve9")).await, Err(Rejection::Unavailable));
    assert_eq!(site.asked(), 3);
    assert!(site.counted("token_checks_total{format=\"delegated\",outcome=\"too_many\"} 1"));
    // Good ones cost an address nothing.
    site.client = 2;
    for number in 0..20 {
        assert!(site.check(&cookie(&format!("CN=Ada{number}"))).await.is_ok());
    }
    // Whoever is proved already is let in from everywhere.
    site.client = 1;
    assert!(site.check(&cookie("CN=Ada0")).await.is_ok());
}

#[tokio::test]
async fn more_proofs_at_once_than_there_is_room_for_are_put_off() {
    let mut site = Site::new();
    site.community.gate.forget_permits(1000);
    site.limits.login_tries_per_address = 10_000;
    for number in 0..proofs::UNDER_WAY {
        let header = cookie(&format!("CN=Ada{number}"));
        assert!(futures_util::FutureExt::now_or_never(site.check(&header)).is_none());
    }
    assert_eq!(site.check(&cookie("CN=Abe")).await, Err(Rejection::Unavailable));
    site.community.gate.add_permits(1000);
    while site.sizes().2 > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(site.sizes().0, proofs::UNDER_WAY);
    assert!(site.check(&cookie("CN=Abe")).await.is_ok());
}
