//! A gateway in front of a simulated community whose people have simple names.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use gateway::config::{
    AuthPolicy, Community, CommunityTuning, Limits, NameTuning, Observer, ObserverCredential, OwnPresence,
    Privacy, Redirect, TokenForm,
};
use loadtest_sim::model::Directory;
use loadtest_sim::{Builder, Simulator, TokenCheck};
use protocol::presence::{PersonId, Status};
use protocol::secret::Secret;

use crate::page::{Page, Transport};
use crate::support::{Gateway, Setup, tokens, until};

pub const OBSERVER: &str = "CN=Observer/O=Acme";

/// What is to be started. `Default` is privacy `own`, patience short enough for a test.
pub struct Plan {
    pub setup: Setup,
    pub builder: Builder,
    pub community: Community,
    pub auth: AuthPolicy,
}

pub struct Estate {
    pub gateway: Gateway,
    pub community: Simulator,
    pub setup: Setup,
}

/// The id of a person.
pub fn id(number: usize) -> String {
    format!("CN=Person {number}/O=Acme")
}

pub fn person(number: usize) -> PersonId {
    PersonId::from(id(number))
}

/// So many people and the observer.
pub fn directory(people: usize) -> Directory {
    let mut text = "id,short_name,display_name,mail,password\n".to_owned();
    text += &format!("{OBSERVER},observer,Observer,observer@acme.example,observer\n");
    for number in 0..people {
        text += &format!("{},p{number},Person {number},p{number}@acme.example,pw{number}\n", id(number));
    }
    Directory::from_csv("people", &text).unwrap()
}

pub fn builder(people: usize) -> Builder {
    Simulator::builder().directory(directory(people)).tokens(TokenCheck::domino(tokens::secret()))
}

impl Default for Plan {
    fn default() -> Self {
        let tuning = CommunityTuning {
            linger: Duration::from_millis(100),
            unknown_after: Duration::from_secs(1),
            backoff: (Duration::from_millis(20), Duration::from_millis(200)),
            logins_per_second: 1000,
            ..CommunityTuning::default()
        };
        let community = Community {
            name: "acme".into(),
            servers: Vec::new(),
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
        };
        let builder = builder(50);
        Self { setup: Setup::default(), builder, community, auth: AuthPolicy::Required }
    }
}

impl Plan {
    /// Watches go through an observer.
    pub fn trust() -> Self {
        let credential = ObserverCredential::Password(Secret::from("observer"));
        Self::default().community(|community| {
            community.privacy = Privacy::Trust;
            community.observers = vec![Observer { name: OBSERVER.into(), credential }];
        })
    }

    pub fn community(mut self, change: impl FnOnce(&mut Community)) -> Self {
        change(&mut self.community);
        self
    }

    pub fn tuning(self, change: impl FnOnce(&mut CommunityTuning)) -> Self {
        self.community(|community| change(&mut community.tuning))
    }

    pub fn limits(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.setup.limits);
        self
    }

    pub fn builder(mut self, change: impl FnOnce(Builder) -> Builder) -> Self {
        self.builder = change(self.builder);
        self
    }

    pub fn auth(mut self, auth: AuthPolicy) -> Self {
        self.auth = auth;
        self
    }

    pub async fn start(self) -> Estate {
        let simulator = self.builder.start().await.unwrap();
        let mut community = self.community;
        if community.servers.is_empty() {
            community.servers = vec![simulator.addr().to_string()];
        }
        let mut setup = self.setup;
        setup.communities.push(Arc::new(community));
        let setup = setup.route("/im", self.auth, "awareness:acme");
        let gateway = setup.clone().start().await;
        Estate { gateway, community: simulator, setup }
    }
}

impl Estate {
    pub fn address(&self) -> SocketAddr {
        self.gateway.http()
    }

    /// A page of that person, with its hello.
    pub async fn page(&self, number: usize) -> Page {
        self.page_over(Transport::Socket, number).await
    }

    pub async fn page_over(&self, transport: Transport, number: usize) -> Page {
        Page::open(self.address(), transport, Some(&tokens::cookie(&id(number)))).await
    }

    /// A page of that person whose login is up.
    pub async fn page_up(&self, number: usize) -> Page {
        let mut page = self.page(number).await;
        page.is_up().await;
        page
    }

    /// Lets people be online in the community without a client.
    pub fn online(&self, numbers: impl IntoIterator<Item = usize>) {
        for number in numbers {
            assert!(self.community.login_virtual(&person(number)), "{number} can be online");
        }
    }

    pub fn sets(&self, number: usize, status: Status, text: &str) {
        assert!(self.community.set_status(&person(number), status, text), "{number} is online");
    }

    /// How many logins the person has upstream.
    pub fn logins(&self, number: usize) -> usize {
        self.community.login_count(&person(number))
    }

    /// Waits until the person has so many logins upstream.
    pub async fn has_logins(&self, number: usize, count: usize) {
        until(&format!("person {number} has {count} logins"), || self.logins(number) == count).await;
    }

    /// Waits until a series has the value.
    pub async fn metric_is(&self, series: &str, value: f64) {
        until(&format!("{series} is {value}"), || self.gateway.metric(series) == value).await;
    }
}
