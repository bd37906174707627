//! The end of the program: drain, then stop, in an order in which nobody waits for somebody who has
//! gone already.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tracing::{error, warn};

use super::acceptor::Doors;
use super::{Lifecycle, Phase, Upstream};
use crate::http::AccessLog;
use crate::net::{Phases, WorkerThreads};

/// What the upstream side may take for its good-byes.
const GOOD_BYE: Duration = Duration::from_secs(5);

/// Everything that has an end.
pub(super) struct Machinery {
    pub(super) lifecycle: Arc<Lifecycle>,
    pub(super) doors: Doors,
    pub(super) phases: Phases,
    /// Worker threads must not outlive the runtime that this task is dropped with.
    pub(super) cut: DropGuard,
    pub(super) threads: WorkerThreads,
    pub(super) upstream: Arc<Upstream>,
    pub(super) access_log: Arc<AccessLog>,
    pub(super) admin_stop: CancellationToken,
    pub(super) admin_tasks: TaskTracker,
}

/// Waits for the wish to end, and ends.
pub(super) async fn supervise(machinery: Machinery) {
    let Machinery { lifecycle, doors, phases, cut, threads, upstream, access_log, admin_stop, admin_tasks } =
        machinery;
    lifecycle.drain_requested().cancelled().await;

    // Readiness goes off, then the ports close, then open connections are told to finish.
    lifecycle.enter(Phase::Draining);
    doors.close().await;
    phases.draining.cancel();

    // Whoever has not finished in time is cut.
    let patience = lifecycle.live().limits.drain;
    let mut joining = tokio::task::spawn_blocking(move || threads.join());
    let joined = tokio::select! {
        biased;
        () = lifecycle.stop_requested().cancelled() => None,
        joined = timeout(patience, &mut joining) => joined.ok(),
    };
    let joined = match joined {
        Some(joined) => joined,
        None => {
            warn!(seconds = patience.as_secs(), "connections are left after the time for draining");
            phases.stopped.cancel();
            joining.await
        }
    };
    if !matches!(joined, Ok(0)) {
        error!("a worker had ended with a panic");
    }

    access_log.flush();
    // Nobody is left who could ask the upstream side for anything.
    drop(cut);
    if timeout(GOOD_BYE, upstream.finish()).await.is_err() {
        warn!("the upstream side did not end in time");
    }
    lifecycle.enter(Phase::Stopped);
    admin_stop.cancel();
    admin_tasks.close();
}
