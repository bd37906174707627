//! The upstream side as `app` sees it: hub, communities and sessions, built in that order.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde::Serialize;
use tokio_util::task::TaskTracker;

use crate::config::Community;
use crate::http::{Builtin, Live, Services};
use crate::net::{Phases, Seat};
use crate::telemetry::Metrics;

/// What the status page says of the upstream side.
#[derive(Clone, Debug, Default, Serialize)]
pub struct UpstreamStatus {
    /// Browser sessions on this node.
    pub sessions: usize,
    pub communities: Vec<CommunityStatus>,
}

/// One community at a glance.
#[derive(Clone, Debug, Serialize)]
pub struct CommunityStatus {
    pub name: String,
    /// `up`, `down`, or a word between.
    pub state: String,
    /// Logins that are up.
    pub logins: usize,
    /// Persons that are watched.
    pub watched: usize,
}

/// Runs on the main runtime, is asked by the workers.
#[derive(Debug)]
pub struct Upstream {
    tasks: TaskTracker,
}

impl Upstream {
    /// Starts what serves all workers; tasks go into the tracker and end at `phases.stopped`.
    pub(super) fn start(
        _communities: &[Arc<Community>],
        _live: &Arc<ArcSwap<Live>>,
        _metrics: &Arc<Metrics>,
        _phases: &Phases,
    ) -> Self {
        Self { tasks: TaskTracker::new() }
    }

    /// What one worker serves with; called once per worker, before its thread runs.
    pub(super) fn services(
        &self,
        _seat: &Seat,
        builtins: &Arc<HashMap<String, Arc<dyn Builtin>>>,
    ) -> Services {
        Services { builtins: Arc::clone(builtins) }
    }

    /// For the status page.
    pub fn status(&self) -> UpstreamStatus {
        UpstreamStatus::default()
    }

    /// Waits for all tasks; `phases.stopped` has told them to end.
    pub(super) async fn finish(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}
