//! Proves a user's token by using it: a login to the community that ends as soon as it has succeeded.

use std::time::Duration;

use protocol::secret::Secret;
use protocol::vp::client::{Client, Closed, Event, Login};
use protocol::vp::reason::Retry;
use tokio::time::timeout;

use super::Community;
use super::credential;
use super::link::{Happened, Link};
use super::machine::{client_config, random};
use super::servers::Servers;
use crate::auth::{Delegate, Proving, Unreachable};

/// Servers that are asked before the proof is given up.
const TRIES: usize = 2;

/// What one server says.
enum Answer {
    User(String),
    Refused,
    Elsewhere(String),
    Nothing,
}

impl Delegate for Community {
    fn prove(&self, name: String, token: Secret) -> Proving<'_> {
        Box::pin(async move {
            let limit = self.config.tuning.connect_timeout + self.config.tuning.login_timeout;
            timeout(limit, self.ask(name, token)).await.unwrap_or(Err(Unreachable))
        })
    }
}

impl Community {
    async fn ask(&self, name: String, token: Secret) -> Result<Option<String>, Unreachable> {
        let mut servers = Servers::new(&self.config, self.turn());
        let mut failures = 0;
        while failures < TRIES {
            self.proofs.turn(&self.pace).await;
            match self.ask_server(&servers, &name, &token).await {
                Answer::User(user) => return Ok(Some(user)),
                Answer::Refused => return Ok(None),
                Answer::Elsewhere(host) if servers.redirect(&host).is_ok() => {}
                Answer::Elsewhere(_) | Answer::Nothing => {
                    failures += 1;
                    servers.failed();
                }
            }
        }
        Err(Unreachable)
    }

    async fn ask_server(&self, servers: &Servers, name: &str, token: &Secret) -> Answer {
        let Some(endpoint) = servers.current() else { return Answer::Nothing };
        let Ok(mut link) = Link::connect(&self.config, endpoint, self.source(self.turn())).await else {
            return Answer::Nothing;
        };
        let clock = self.hub.clock;
        let auth = credential::of_token(token.clone(), self.config.token_form);
        let login = Login { name: name.to_owned(), auth };
        let mut client = Client::new(client_config(&self.config), login, random(), clock.now());
        let answer = loop {
            match client.next_event() {
                Some(Event::LoggedIn { info, .. }) => break Answer::User(info.user_id),
                Some(Event::Redirected { host, .. }) => break Answer::Elsewhere(host),
                Some(Event::Closed(Closed::ByServer(reason))) => {
                    break match reason.retry() {
                        Retry::FreshToken | Retry::Never | Retry::Once => Answer::Refused,
                        Retry::Backoff | Retry::Follow => Answer::Nothing,
                    };
                }
                Some(Event::Closed(_)) => break Answer::Nothing,
                Some(_) => continue,
                None => {}
            }
            if link.is_idle() {
                link.send(client.output());
            }
            let wake = client.next_wake().map(|due| due.saturating_sub(clock.now()));
            tokio::select! {
                happened = link.progress() => match happened {
                    Happened::Read(count) => client.receive(link.read(count), clock.now()),
                    Happened::Wrote => {}
                    Happened::Ended => client.closed(clock.now()),
                },
                () = tokio::time::sleep(wake.unwrap_or(Duration::MAX)), if wake.is_some() => {
                    client.tick(clock.now());
                }
            }
        };
        let result = if matches!(answer, Answer::User(_)) { "proof" } else { "proof_refused" };
        self.metrics.upstream_login(&self.config.name, result);
        client.logout(clock.now());
        link.finish(client.output()).await;
        answer
    }
}
