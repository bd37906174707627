//! Ctrl-C and its relatives: the first ends a test with its report, the second ends the program at once.

use std::future::poll_fn;
use std::io;
use std::process;
use std::task::Poll;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::report::{INTERRUPTED, give_back};

/// Somebody who may be asked to end. Clones hear the same.
#[derive(Clone, Debug)]
pub struct Interrupt(watch::Receiver<bool>);

impl Interrupt {
    /// From now on, to SIGINT, SIGTERM and the end of the terminal (SIGHUP, unless it is ignored as under nohup).
    pub fn listen() -> io::Result<Self> {
        let mut signals = vec![signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?];
        if !is_ignored(SignalKind::hangup()) {
            signals.push(signal(SignalKind::hangup())?);
        }
        let (tell, told) = watch::channel(false);
        tokio::spawn(async move {
            any(&mut signals).await;
            tell.send_replace(true);
            any(&mut signals).await;
            give_back();
            // Whatever was started ends with this process (see `Service::command`).
            process::exit(i32::from(INTERRUPTED));
        });
        Ok(Self(told))
    }

    #[cfg(test)]
    pub(crate) fn on_request() -> (watch::Sender<bool>, Self) {
        let (tell, told) = watch::channel(false);
        (tell, Self(told))
    }

    #[cfg(test)]
    pub(crate) fn never() -> Self {
        let (tell, own) = Self::on_request();
        tokio::spawn(async move { tell.closed().await });
        own
    }

    /// Waits until somebody asks; at once if somebody has.
    pub async fn asked(&mut self) {
        // The other side waits for signals as long as the program runs.
        let _ = self.0.wait_for(|asked| *asked).await;
    }
}

async fn any(signals: &mut [Signal]) {
    poll_fn(|context| {
        let told = signals.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
        if told { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// Whether the process was started with this signal ignored (proc(5), SigIgn).
fn is_ignored(kind: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (kind.as_raw_value() - 1) & 1 == 1
}
