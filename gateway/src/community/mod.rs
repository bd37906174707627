//! The upstream side: logins to Sametime communities, kept up, paced and redirected.
//!
//! A community has observers, which watch people for everybody (privacy `trust`), and users' own logins.
//! What they learn goes to the hub; what they are to ask for comes from it. Browsers are unknown here.

mod chats;
mod credential;
mod ending;
mod link;
mod login;
mod machine;
mod pace;
mod proof;
mod rehearsal;
mod servers;
mod services;
mod silence;
mod visitors;

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gateway_core::hub::Settings;
use gateway_core::watchset::Pace as WatchPace;
use protocol::presence::{PersonId, Presence};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::auth::{Delegate, Delegated};
use crate::config::{self, CommunityTuning, OwnPresence, Privacy};
use crate::hub::{Access, HubHandle, LoginState, Me, News, OwnLogin, OwnLogins, Proof};
use crate::names::{Asked, Names};
use crate::telemetry::Metrics;

use login::{Login, Who};
use pace::{Pace, Share};
pub use rehearsal::{Account, Rehearsal, Trouble, rehearse};

/// Commands of a user's pages that may wait for the login.
const OWN_COMMANDS: usize = 16;

/// All communities of a node.
#[derive(Debug)]
pub struct Communities(Vec<Arc<Community>>);

/// One community: what all its logins share.
pub(super) struct Community {
    config: Arc<config::Community>,
    settings: Arc<Settings>,
    hub: HubHandle,
    pace: Pace,
    proofs: Share,
    metrics: Arc<Metrics>,
    tasks: TaskTracker,
    stopped: CancellationToken,
    /// Logins are opened by workers and run on the main runtime, which outlives them.
    runtime: Handle,
    /// Logins that were started, to spread them over servers and source addresses.
    started: AtomicUsize,
    /// Logins that are up.
    up: AtomicUsize,
}

impl Communities {
    /// Starts the observers, and says what each community offers to sessions. Tasks end at `stopped`.
    pub async fn start(
        configured: &[Arc<config::Community>],
        hub: &HubHandle,
        tasks: &TaskTracker,
        stopped: &CancellationToken,
        metrics: &Arc<Metrics>,
    ) -> (Self, HashMap<String, Access>) {
        let mut communities = Vec::with_capacity(configured.len());
        let mut offers = HashMap::new();
        for config in configured {
            let community = Arc::new(Community {
                config: Arc::clone(config),
                settings: Arc::new(settings(&config.tuning)),
                hub: hub.clone(),
                pace: Pace::new(config.tuning.logins_per_second),
                proofs: Share::new(config.tuning.logins_per_second),
                metrics: Arc::clone(metrics),
                tasks: tasks.clone(),
                stopped: stopped.clone(),
                runtime: Handle::current(),
                started: AtomicUsize::new(0),
                up: AtomicUsize::new(0),
            });
            let (shared, asked) = match config.privacy {
                Privacy::Own => (None, None),
                Privacy::Trust => {
                    let (scope, asked) = community.start_observers().await;
                    (Some(scope), Some(asked))
                }
            };
            let (names, lookups) = Names::new(config.names.clone(), asked);
            let end = stopped.clone();
            tasks.spawn(async move { end.run_until_cancelled(lookups.run()).await });
            let logins = match config.own_presence {
                OwnPresence::Off => None,
                OwnPresence::Login => Some(Arc::new(Arc::clone(&community)) as Arc<dyn OwnLogins>),
            };
            offers.insert(config.name.clone(), Access { shared, logins, privacy: config.privacy, names });
            communities.push(community);
        }
        (Self(communities), offers)
    }

    /// Who can prove tokens by a login, by the name of the community.
    pub fn delegates(&self) -> HashMap<String, Arc<Delegated>> {
        let delegate = |community: &Arc<Community>| {
            let prover = Arc::clone(community) as Arc<dyn Delegate>;
            (community.config.name.clone(), Arc::new(Delegated::new(prover, Arc::clone(&community.metrics))))
        };
        self.0.iter().map(delegate).collect()
    }

    /// Name, state and number of logins of each.
    pub fn status(&self) -> Vec<(String, &'static str, usize)> {
        let status = |community: &Arc<Community>| {
            let up = community.up.load(Ordering::Relaxed);
            let state = match (up, community.config.privacy) {
                (0, Privacy::Trust) => "down",
                (0, Privacy::Own) => "idle",
                _ => "up",
            };
            (community.config.name.clone(), state, up)
        };
        self.0.iter().map(status).collect()
    }
}

impl Community {
    /// What they see, and where to ask them.
    async fn start_observers(self: &Arc<Self>) -> (gateway_core::ScopeId, Asked) {
        let scope = self.hub.open_scope(Arc::clone(&self.settings)).await;
        let (asked, queue) = mpsc::channel(OWN_COMMANDS);
        let queue = Arc::new(Mutex::new(queue));
        for observer in &self.config.observers {
            let who = Who::Observer { observer: observer.clone(), asked: Arc::clone(&queue) };
            self.spawn(Login::new(self, scope, who));
        }
        (scope, asked)
    }

    async fn open_own(self: &Arc<Self>, person: PersonId, proof: Proof) -> OwnLogin {
        let scope = self.hub.open_scope(Arc::clone(&self.settings)).await;
        let presence = Presence::default();
        let (me, receiver) =
            watch::channel(Me { person, presence, login: LoginState::Connecting, privacy: None });
        let (commands, queue) = mpsc::channel(OWN_COMMANDS);
        let (proof, proofs) = watch::channel(proof);
        let (told, news) = watch::channel(News::default());
        let (audience, over) = (Arc::default(), CancellationToken::new());
        let who =
            Who::User { me, news: told, audience: Arc::clone(&audience), queue, proofs, over: over.clone() };
        self.spawn(Login::new(self, scope, who));
        OwnLogin { scope, me: receiver, commands, news, audience, proof, over }
    }

    fn spawn(&self, login: Login) {
        self.tasks.spawn_on(login.run(), &self.runtime);
    }

    /// The next number in turn.
    fn turn(&self) -> usize {
        self.started.fetch_add(1, Ordering::Relaxed)
    }

    /// The local address for a login.
    fn source(&self, turn: usize) -> Option<IpAddr> {
        let addresses = &self.config.source_addresses;
        addresses.get(turn.checked_rem(addresses.len())?).copied()
    }
}

impl OwnLogins for Arc<Community> {
    fn open(&self, user: &PersonId, proof: Proof) -> Pin<Box<dyn Future<Output = OwnLogin> + Send + '_>> {
        Box::pin(self.open_own(user.clone(), proof))
    }
}

impl fmt::Debug for Community {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Community").field("name", &self.config.name).finish_non_exhaustive()
    }
}

fn settings(tuning: &CommunityTuning) -> Settings {
    Settings {
        linger: tuning.linger,
        unknown_after: tuning.unknown_after,
        pace: WatchPace {
            batch: tuning.batch,
            batches_in_flight: tuning.batches_in_flight,
            answer_timeout: tuning.answer_timeout,
        },
        watches_per_login: tuning.watches_per_login,
        retry: (Duration::from_secs(10), tuning.backoff.1),
    }
}
