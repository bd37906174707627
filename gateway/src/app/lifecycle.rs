//! The phases of the program and the configuration in force.
//!
//! Only this room changes either. Everybody else looks.

use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::reload::{ReloadError, Reloader};
use crate::http::Live;
use crate::telemetry::Metrics;

/// Where the program is between its start and its end. Phases only advance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    Starting,
    /// Browsers are served.
    Ready,
    /// No new connections; those that are open may finish.
    Draining,
    Stopped,
}

impl Phase {
    /// Word for logs and the status page.
    pub fn label(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Draining => "draining",
            Self::Stopped => "stopped",
        }
    }
}

/// Shared by all who look at or steer the program as a whole.
#[derive(Debug)]
pub struct Lifecycle {
    live: Arc<ArcSwap<Live>>,
    metrics: Arc<Metrics>,
    phase: watch::Sender<Phase>,
    reloader: OnceLock<tokio::sync::Mutex<Reloader>>,
    drain: CancellationToken,
    stop: CancellationToken,
}

impl Lifecycle {
    pub(super) fn new(live: Arc<ArcSwap<Live>>, metrics: Arc<Metrics>) -> Self {
        Self {
            live,
            metrics,
            phase: watch::Sender::new(Phase::Starting),
            reloader: OnceLock::new(),
            drain: CancellationToken::new(),
            stop: CancellationToken::new(),
        }
    }

    /// The configuration in force.
    pub fn live(&self) -> Arc<Live> {
        self.live.load_full()
    }

    pub fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Waits until the program is in `phase` or beyond.
    pub async fn reached(&self, phase: Phase) {
        // The sender is `self`: it cannot be gone.
        let _ = self.phase.subscribe().wait_for(|now| *now >= phase).await;
    }

    /// Reads the configuration again and puts it in force, whole or not at all.
    pub async fn reload(&self) -> Result<(), ReloadError> {
        let result = match (self.phase(), self.reloader.get()) {
            // One at a time; the second sees what the first has put in force.
            (Phase::Ready, Some(reloader)) => reloader.lock().await.reload().await,
            _ => Err(ReloadError::NotReady),
        };
        self.metrics.config_reload(result.is_ok());
        match &result {
            Ok(()) => info!("new configuration in force"),
            Err(reason) => error!(%reason, "reload refused, the old configuration stays"),
        }
        result
    }

    /// Begins to drain; returns at once.
    pub fn request_drain(&self) {
        self.drain.cancel();
    }

    /// Ends the program without waiting for browsers; returns at once.
    pub fn request_stop(&self) {
        self.stop.cancel();
        self.drain.cancel();
    }

    pub(super) fn drain_requested(&self) -> &CancellationToken {
        &self.drain
    }

    pub(super) fn stop_requested(&self) -> &CancellationToken {
        &self.stop
    }

    pub(super) fn set_reloader(&self, reloader: Reloader) {
        // Called once, by `App::start`.
        let _ = self.reloader.set(tokio::sync::Mutex::new(reloader));
    }

    pub(super) fn enter(&self, phase: Phase) {
        info!(phase = phase.label(), "phase");
        self.phase.send_replace(phase);
    }
}
