//! What signals ask for: SIGHUP reloads, SIGTERM and SIGINT drain, the second of them ends at once.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::app::Running;

/// The signals that steer the program, caught from the moment this exists: none ends the process on its
/// own any more.
#[derive(Debug)]
pub struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Begins to catch them. Needs a tokio runtime.
    pub fn catch() -> io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Passes wishes on until the program has ended, whoever wished for it.
    pub async fn steer(mut self, running: &Running) {
        let mut ending = false;
        loop {
            let end = tokio::select! {
                () = running.stopped() => return,
                _ = self.hangup.recv() => false,
                _ = self.terminate.recv() => true,
                _ = self.interrupt.recv() => true,
            };
            match (end, ending) {
                // The lifecycle logs and counts how it went.
                (false, _) => drop(running.reload().await),
                (true, false) => {
                    tracing::info!("asked to end: draining; the next signal ends at once");
                    running.lifecycle().request_drain();
                    ending = true;
                }
                (true, true) => {
                    tracing::warn!("asked to end at once");
                    running.lifecycle().request_stop();
                }
            }
        }
    }
}
