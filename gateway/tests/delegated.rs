//! Tokens that no key here proves: the community is asked, once per token, and its word is remembered.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

mod support;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gateway::app::{App, Options, Running};
use gateway::config::{
    AuthPolicy, Community, CommunityTuning, Delegation, NameTuning, OwnPresence, Privacy, Redirect, Sso,
    TokenForm,
};
use gateway::http::Builtin;
use gateway::telemetry::Metrics;
use loadtest_sim::{Simulator, TokenCheck};
use protocol::ltpa::SystemSeconds;
use protocol::ltpa::domino::{DominoSecret, mint};
use support::client::{Answer, get_with, send};
use support::{Setup, pages};

struct Estate {
    simulator: Simulator,
    running: Running,
    metrics: Arc<Metrics>,
}

/// A gateway without any key, in front of a community that knows the secret `[7; 20]`.
async fn estate() -> Estate {
    let tokens = TokenCheck::domino(DominoSecret::from_bytes(&[7; 20]).unwrap());
    let simulator = Simulator::builder().people(5).tokens(tokens).start().await.unwrap();
    let mut config = Setup::default().route("/page", AuthPolicy::Required, "echo").config();
    let tuning = CommunityTuning { connect_timeout: Duration::from_secs(2), ..CommunityTuning::default() };
    config.communities = vec![Arc::new(Community {
        name: "acme".into(),
        servers: vec![simulator.addr().to_string()],
        host_map: Vec::new(),
        own_presence: OwnPresence::Login,
        privacy: Privacy::Own,
        login_type: 0x14b4,
        token_form: TokenForm::Raw,
        redirect: Redirect::Reconnect,
        tls: None,
        source_addresses: Vec::new(),
        observers: Vec::new(),
        tuning,
        names: NameTuning::default(),
    })];
    let good_for = Duration::from_secs(60);
    let delegated = Delegation { cookie: "LtpaToken".into(), community: "acme".into(), good_for };
    config.sso = Sso { delegated: Some(delegated), ..Sso::default() };
    let metrics = Arc::new(Metrics::new());
    let builtins = HashMap::from([("echo".to_owned(), Arc::new(pages::Echo) as Arc<dyn Builtin>)]);
    let options = Options { builtins, metrics: Arc::clone(&metrics), ..Options::default() };
    let running = App::start(config, options).await.unwrap();
    Estate { simulator, running, metrics }
}

impl Estate {
    fn cookie(&self, secret: u8, seconds: i64) -> String {
        self.cookie_of(0, secret, seconds)
    }

    fn cookie_of(&self, person: usize, secret: u8, seconds: i64) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let ends = SystemSeconds(now.saturating_add_signed(seconds));
        let secret = DominoSecret::from_bytes(&[secret; 20]).unwrap();
        let name = self.simulator.directory().people()[person].id.to_string();
        let name = protocol::ltpa::lmbcs::encode(&name);
        format!("LtpaToken={}", mint(&name, SystemSeconds(now - 600), ends, &secret).unwrap())
    }

    async fn answer(&self, cookie: &str) -> Answer {
        send(self.running.addresses().http[0], get_with("/page", &[("cookie", cookie)])).await
    }

    async fn status(&self, cookie: &str) -> (u16, String) {
        let answer = self.answer(cookie).await;
        (answer.status.as_u16(), answer.body)
    }

    /// Requests by what delegated tokens proved.
    fn counted(&self, outcome: &str) -> usize {
        let series = format!("livename_token_checks_total{{format=\"delegated\",{outcome}}} ");
        let scrape = self.metrics.gather();
        scrape.lines().find_map(|line| line.strip_prefix(&series)).map_or(0, |count| count.parse().unwrap())
    }

    fn logins(&self, result: &str) -> usize {
        let series = format!("livename_upstream_logins_total{{community=\"acme\",result=\"{result}\"}} ");
        let scrape = self.metrics.gather();
        scrape.lines().find_map(|line| line.strip_prefix(&series)).map_or(0, |count| count.parse().unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_community_proves_a_token_once_and_refuses_a_forged_one() {
    let estate = estate().await;
    let good = estate.cookie(7, 600);
    let all = futures_util::future::join_all((0..20).map(|_| estate.status(&good))).await;
    assert!(all.iter().all(|(status, _)| *status == 200), "{all:?}");
    assert_eq!(estate.logins("proof"), 1);
    // The proof's login is over: nobody is left online by it.
    let person = estate.simulator.directory().people()[0].id.clone();
    support::until("the proof's login to end", || estate.simulator.login_count(&person) == 0).await;

    let forged = estate.status(&estate.cookie(8, 600)).await;
    let expired = estate.status(&estate.cookie(7, -300)).await;
    let nothing = estate.status("a=1").await;
    assert_eq!(forged.0, 401);
    assert_eq!((&forged, &expired), (&nothing, &nothing));
    assert_eq!(estate.logins("proof"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_community_is_away_everybody_is_told_to_come_back_and_nothing_is_remembered() {
    let estate = estate().await;
    let good = estate.cookie(7, 600);
    estate.simulator.stop().await;
    let all = futures_util::future::join_all((0..4).map(|_| estate.answer(&good))).await;
    for answer in &all {
        // Not 401: a login would bring the same token back.
        assert_eq!((answer.status.as_u16(), answer.headers["retry-after"].to_str().unwrap()), (503, "1"));
    }
    assert_eq!(estate.counted("outcome=\"unreachable\""), 4);
    estate.simulator.restart().await.unwrap();
    assert_eq!(estate.status(&good).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tokens_of_different_people_prove_nobody() {
    let estate = estate().await;
    let (first, second) = (estate.cookie(7, 600), estate.cookie_of(1, 7, 600));
    assert_eq!(estate.status(&format!("{first}; x=caf\u{e9}")).await.0, 200);
    assert_eq!(estate.status(&format!("{first}; {second}")).await.0, 401);
    assert_eq!(estate.counted("outcome=\"mixed_users\""), 1);
    let forged = estate.cookie(8, 600);
    assert_eq!(estate.status(&format!("{forged}; {first}")).await.0, 200);
}
