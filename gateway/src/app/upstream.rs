//! The upstream side as `app` sees it: shards, hub, communities and sessions, built in that order.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use gateway_core::{Epoch, ShardId};
use serde::Serialize;
use tokio_util::task::TaskTracker;

use crate::auth::Delegated;
use crate::bridge::{UpstreamServer, Upstreams};
use crate::community::Communities;
use crate::config::Community;
use crate::http::{AccessLog, Builtin, Live, Services};
use crate::hub::{Clock, HubHandle, Inbox, hub};
use crate::net::{Phases, Seat};
use crate::pilot::Bypass;
use crate::session::{Desk, Sessions};
use crate::shard::{self, Shard};
use crate::telemetry::Metrics;

/// What the status page says of the upstream side.
#[derive(Clone, Debug, Default, Serialize)]
pub struct UpstreamStatus {
    /// Users logged in on this node.
    pub sessions: usize,
    pub communities: Vec<CommunityStatus>,
    /// Web servers that requests are passed on to.
    pub upstreams: Vec<UpstreamServer>,
}

/// One community at a glance.
#[derive(Clone, Debug, Serialize)]
pub struct CommunityStatus {
    pub name: String,
    /// `up`, `down`, or `idle` where nobody has to be logged in.
    pub state: &'static str,
    /// Logins that are up.
    pub logins: usize,
}

/// Runs on the main runtime, is asked by the workers.
#[derive(Debug)]
pub struct Upstream {
    tasks: TaskTracker,
    hub: HubHandle,
    shards: Vec<Arc<Shard>>,
    communities: Communities,
    sessions: Arc<Sessions>,
    delegates: Arc<HashMap<String, Arc<Delegated>>>,
    servers: Arc<Upstreams>,
    metrics: Arc<Metrics>,
}

impl Upstream {
    /// Starts what serves all workers; tasks go into the tracker and end at `phases.stopped`.
    pub(super) async fn start(
        configured: &[Arc<Community>],
        live: &Arc<ArcSwap<Live>>,
        workers: usize,
        metrics: &Arc<Metrics>,
        phases: &Phases,
    ) -> Result<Self, getrandom::Error> {
        let tasks = TaskTracker::new();
        let clock = Clock::start();

        // Shards and the hub between them.
        let epoch = Epoch(getrandom::u64()?);
        let lanes = shard::limits(&live.load().limits);
        let inboxes: Vec<Arc<Inbox>> = (0..workers).map(|_| Arc::default()).collect();
        let mut shards = Vec::with_capacity(workers);
        for (index, inbox) in inboxes.iter().enumerate() {
            let id = ShardId(u16::try_from(index).unwrap_or(u16::MAX));
            let inbox = Arc::clone(inbox);
            shards.push(Arc::new(Shard::new(id, epoch, lanes, getrandom::u64()?, inbox, clock)));
        }
        let (hub, task) = hub(inboxes, getrandom::u64()?, clock, Arc::clone(metrics));
        let stopped = phases.stopped.clone();
        tasks.spawn(async move { stopped.run_until_cancelled(task.run()).await });

        // Communities, and what they offer to sessions.
        let (communities, offers) =
            Communities::start(configured, &hub, &tasks, &phases.stopped, metrics).await;
        let live = Arc::clone(live);
        let sessions = Sessions::new(offers, live, &tasks, &phases.stopped, Arc::clone(metrics));

        // Web servers that requests are passed on to.
        let servers = Upstreams::new(Arc::clone(metrics), tasks.clone(), phases.stopped.clone());

        let (sessions, metrics) = (Arc::new(sessions), Arc::clone(metrics));
        let delegates = Arc::new(communities.delegates());
        let servers = Arc::new(servers);
        Ok(Self { tasks, hub, shards, communities, sessions, delegates, servers, metrics })
    }

    /// What one worker serves with; called once per worker, before its thread runs.
    pub(super) fn services(
        &self,
        seat: &Seat,
        builtins: &Arc<HashMap<String, Arc<dyn Builtin>>>,
        bypass: &Arc<Bypass>,
        access_log: &Arc<AccessLog>,
    ) -> Services {
        // One shard was made for each worker.
        let shard = Arc::clone(&self.shards[seat.index]);
        let pump = Arc::clone(&shard).pump(self.hub.clone(), Arc::clone(&self.metrics));
        seat.background.spawn_on(pump, &seat.runtime);
        let desk =
            Desk { shard, connections: seat.connections.clone(), draining: seat.phases.draining.clone() };
        let (builtins, sessions) = (Arc::clone(builtins), Arc::clone(&self.sessions));
        let (delegates, upstreams) = (Arc::clone(&self.delegates), Arc::clone(&self.servers));
        let (bypass, access_log) = (Arc::clone(bypass), Arc::clone(access_log));
        Services { builtins, sessions, delegates, upstreams, desk, bypass, access_log }
    }

    /// Web servers that requests are passed on to.
    pub fn servers(&self) -> &Arc<Upstreams> {
        &self.servers
    }

    /// For the status page.
    pub fn status(&self) -> UpstreamStatus {
        let communities = self.communities.status();
        let communities = communities
            .into_iter()
            .map(|(name, state, logins)| CommunityStatus { name, state, logins })
            .collect();
        UpstreamStatus { sessions: self.sessions.count(), communities, upstreams: self.servers.status() }
    }

    /// Waits for all tasks; `phases.stopped` has told them to end.
    pub(super) async fn finish(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}
