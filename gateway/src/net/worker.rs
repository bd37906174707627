//! Worker threads: each has a single-threaded runtime and serves browser connections from handshake to
//! end, so that the connections of one worker never contend with those of another.
//!
//! Phases: connections come in until `draining`; then the worker waits for those that are open; at
//! `stopped` it drops whatever is left.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Admitted;

/// Connections that may wait for one worker.
const HAND_OVER: usize = 1024;

/// What everybody who runs tasks watches.
#[derive(Clone, Debug, Default)]
pub struct Phases {
    /// Finish what is under way and take nothing new.
    pub draining: CancellationToken,
    /// Whatever is left will be dropped now.
    pub stopped: CancellationToken,
}

/// Which kind of listener a connection came through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listen {
    Http,
    Https,
}

impl Listen {
    /// Value of a metric label.
    pub fn label(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// An admitted connection on its way to a worker.
#[derive(Debug)]
pub struct Accepted {
    pub stream: TcpStream,
    pub peer: SocketAddr,
    pub listen: Listen,
    /// Begins with a PROXY header.
    pub proxied: bool,
    pub admitted: Admitted,
}

/// One worker as those see it who put tasks there (connections, shard, upstream pool).
#[derive(Clone, Debug)]
pub struct Seat {
    pub index: usize,
    /// The worker's runtime.
    pub runtime: Handle,
    /// Work for a browser: drain waits for it. Includes upgraded connections.
    pub connections: TaskTracker,
    /// Work of the worker itself (its shard): dropped at the end, nobody waits for it.
    pub background: TaskTracker,
    pub phases: Phases,
}

/// Serves connections on a worker.
pub trait Serving: Send + Sync + 'static {
    fn serve(self: Arc<Self>, accepted: Accepted) -> impl Future<Output = ()> + Send;
}

/// All workers.
#[derive(Debug)]
pub struct Workers {
    hand_over: Vec<mpsc::Sender<Accepted>>,
    next: AtomicUsize,
}

impl Workers {
    /// Starts `count` workers; `serving` is called once for each, before its thread runs.
    pub fn start<S: Serving>(
        count: usize,
        phases: &Phases,
        mut serving: impl FnMut(&Seat) -> Arc<S>,
    ) -> io::Result<(Self, WorkerThreads)> {
        let mut hand_over = Vec::with_capacity(count);
        let mut threads = Vec::with_capacity(count);
        for index in 0..count {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let seat = Seat {
                index,
                runtime: runtime.handle().clone(),
                connections: TaskTracker::new(),
                background: TaskTracker::new(),
                phases: phases.clone(),
            };
            let serving = serving(&seat);
            let (sender, receiver) = mpsc::channel(HAND_OVER);
            hand_over.push(sender);
            let thread = std::thread::Builder::new().name(format!("worker-{index}"));
            threads.push(thread.spawn(move || work(runtime, seat, serving, receiver))?);
        }
        Ok((Self { hand_over, next: AtomicUsize::new(0) }, WorkerThreads(threads)))
    }

    /// Gives the connection to the next worker in turn that has room; `Err` if none has.
    pub fn hand_over(&self, mut accepted: Accepted) -> Result<(), Box<Accepted>> {
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let count = self.hand_over.len();
        for sender in self.hand_over.iter().cycle().skip(first % count.max(1)).take(count) {
            match sender.try_send(accepted) {
                Ok(()) => return Ok(()),
                Err(mpsc::error::TrySendError::Full(back) | mpsc::error::TrySendError::Closed(back)) => {
                    accepted = back;
                }
            }
        }
        Err(Box::new(accepted))
    }
}

/// The threads, to wait for their end.
#[derive(Debug)]
pub struct WorkerThreads(Vec<JoinHandle<()>>);

impl WorkerThreads {
    /// Blocks until every worker has ended, which happens after drain or at `stopped`. Returns how many
    /// had panicked.
    pub fn join(self) -> usize {
        self.0.into_iter().map(JoinHandle::join).filter(Result::is_err).count()
    }
}

fn work<S: Serving>(runtime: Runtime, seat: Seat, serving: Arc<S>, mut incoming: mpsc::Receiver<Accepted>) {
    runtime.block_on(async {
        let Phases { draining, stopped } = seat.phases.clone();
        let take = async {
            loop {
                let accepted = tokio::select! {
                    biased;
                    () = draining.cancelled(), if !incoming.is_closed() => {
                        // Those that were handed over already are still served.
                        incoming.close();
                        continue;
                    }
                    accepted = incoming.recv() => accepted,
                };
                let Some(accepted) = accepted else { break };
                seat.connections.spawn(Arc::clone(&serving).serve(accepted));
            }
            seat.connections.close();
            seat.connections.wait().await;
        };
        tokio::select! { biased; () = stopped.cancelled() => {}, () = take => {} }
    });
    // Drops every task that is left. A name look-up that hangs must not hold the end up.
    runtime.shutdown_background();
}
