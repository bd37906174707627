//! Test users that speak the community's own protocol (vp-wire.md): they log in, change their status, and
//! watch each other.
//!
//! Beside a simulated community they are the rich clients of an estate. Behind a real one nobody stamps changes, so the
//! actors do: a browser that watches an actor is measured
//! as it would be with the simulated community. What they see of each other came without Livename: that is
//! the baseline of the same minutes, and the load of rich clients beside browsers. Only users that the plan
//! names log in, and each leaves with a logout.

mod login;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use loadtest_sim::Pace;
use protocol::presence::Status;
use protocol::secret::Secret;
use rustls::ClientConfig;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::interrupt::Interrupt;
use crate::measure::{Latency, PersonState, Punctuality, clock};
use crate::plan::Dice;
use crate::tokens::TokenKey;

/// Until all have tried to log in.
const LOGINS: Duration = Duration::from_secs(60);
/// Until all have logged out.
const LOGOUTS: Duration = Duration::from_secs(10);
/// How often it is looked whether all have tried.
const LOOK: Duration = Duration::from_millis(20);
/// What an actor may be at, in turn.
const STATUSES: [Status; 4] = [Status::Active, Status::Away, Status::Dnd, Status::Meeting];

/// All actors, logged in. Dropping it cuts their connections; [`Actors::leave`] logs out.
pub struct Actors {
    stage: Arc<Stage>,
    rate: watch::Sender<f64>,
    tasks: JoinSet<()>,
}

/// What the actors share.
struct Stage {
    server: String,
    tls: Option<Arc<ClientConfig>>,
    login_type: u16,
    /// Whom everybody watches.
    watched: Vec<String>,
    board: Mutex<Board>,
    up: AtomicUsize,
    tried: AtomicUsize,
    /// Orders given, and those of them that nobody has carried out.
    due: AtomicU64,
    missed: AtomicU64,
    /// The longest that an order was late, in microseconds.
    latest: AtomicU64,
}

/// Who logs in where, and how fast.
pub struct Call {
    /// `host:port` of a community server.
    pub server: String,
    /// How TLS is spoken to it, if it is.
    pub tls: Option<Arc<ClientConfig>>,
    /// Kind of client.
    pub login_type: u16,
    /// Whom everybody watches.
    pub watched: Vec<String>,
    /// Logins a second.
    pub per_second: f64,
    /// For what is left to chance.
    pub seed: u64,
}

#[derive(Default)]
struct Board {
    /// What each actor has set last; nothing of those that are not there.
    states: HashMap<String, (Status, String)>,
    /// From change to another actor.
    seen: Latency,
    /// Why logins failed, the last one.
    trouble: Option<String>,
}

/// An order to an actor.
struct Change {
    status: Status,
    /// When it was due, in microseconds since 1970.
    at: u64,
}

/// One test user and how it proves who it is.
pub struct Actor {
    /// Login name or directory id.
    pub id: String,
    /// Without one, a token is made.
    pub password: Option<Secret>,
}

/// Why nobody acts.
#[derive(Debug, thiserror::Error)]
pub enum ActorsError {
    /// No login succeeded.
    #[error("none of {count} test users could log in at {server}: {why}")]
    NoneIn {
        /// How many tried.
        count: usize,
        /// Where.
        server: String,
        /// The last reason.
        why: String,
    },
    /// Somebody wants it to end; who was in has logged out.
    #[error("interrupted")]
    Interrupted,
    /// Neither password nor key.
    #[error(
        "{0} has no password, and there is no key to make a token with (domino_secret_file, websphere_key_file)"
    )]
    NoProof(String),
}

impl Actors {
    /// Logs everybody in and waits until each has tried. Interrupted, it logs them out again.
    pub async fn log_in(
        call: Call,
        cast: Vec<Actor>,
        key: Option<&TokenKey>,
        mut interrupt: Interrupt,
    ) -> Result<Self, ActorsError> {
        let stage = Arc::new(Stage {
            server: call.server,
            tls: call.tls,
            login_type: call.login_type,
            watched: call.watched,
            board: Mutex::default(),
            up: AtomicUsize::new(0),
            tried: AtomicUsize::new(0),
            due: AtomicU64::new(0),
            missed: AtomicU64::new(0),
            latest: AtomicU64::new(0),
        });
        let count = cast.len();
        let pause = Duration::from_secs_f64(1.0 / call.per_second);
        let (mut tasks, mut orders) = (JoinSet::new(), Vec::new());
        let coming = async {
            for actor in cast {
                let auth = login::auth(&actor, key);
                let auth = auth.ok_or_else(|| ActorsError::NoProof(actor.id.clone()))?;
                let (order, ordered) = mpsc::channel(8);
                orders.push(order);
                tasks.spawn(login::play(actor.id, auth, ordered, Arc::clone(&stage)));
                sleep(pause).await;
            }
            let begun = Instant::now();
            while stage.tried.load(Ordering::Relaxed) < count && begun.elapsed() < LOGINS {
                sleep(LOOK).await;
            }
            Ok(())
        };
        let came = tokio::select! {
            came = coming => came,
            () = interrupt.asked() => Err(ActorsError::Interrupted),
        };
        let (rate, rates) = watch::channel(0.0);
        let end = match came {
            Ok(()) if stage.up.load(Ordering::Relaxed) == 0 => {
                let why = stage.board().trouble.clone().unwrap_or_else(|| "no answer".to_owned());
                ActorsError::NoneIn { count, server: stage.server.clone(), why }
            }
            Ok(()) => {
                tasks.spawn(conduct(orders, rates, call.seed, Arc::clone(&stage)));
                return Ok(Self { stage, rate, tasks });
            }
            Err(error) => error,
        };
        drop(orders);
        Self { stage, rate, tasks }.leave().await;
        Err(end)
    }

    /// Changes a second from now on, in all.
    pub fn change_rate(&self, per_second: f64) {
        self.rate.send_replace(per_second);
    }

    /// Who is logged in.
    pub fn count(&self) -> usize {
        self.stage.up.load(Ordering::Relaxed)
    }

    /// What is true of this person, if an actor has made it so.
    pub fn state_of(&self, id: &str) -> Option<PersonState> {
        self.stage.board().states.get(id).map(|(status, text)| PersonState::new(status.name(), false, text))
    }

    /// From change to other actors, since the last call.
    pub fn take_seen(&self) -> Latency {
        std::mem::take(&mut self.stage.board().seen)
    }

    /// Whether they were ordered in time and did what was ordered, since the last call.
    pub fn take_punctuality(&self) -> Punctuality {
        let take = |number: &AtomicU64| number.swap(0, Ordering::Relaxed);
        let Stage { due, missed, latest, .. } = &*self.stage;
        Punctuality { due: take(due), missed: take(missed), latest: take(latest) as f64 / 1e6 }
    }

    /// Logs everybody out.
    pub async fn leave(mut self) {
        // The conductor ends with the rate, and with it the orders for which actors wait.
        drop(self.rate);
        let everybody = async { while self.tasks.join_next().await.is_some() {} };
        let _ = timeout(LOGOUTS, everybody).await;
    }
}

impl Stage {
    /// An order was given to nobody, or not carried out.
    fn missed(&self) {
        self.missed.fetch_add(1, Ordering::Relaxed);
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives orders at the rate, whoever it takes. Ends when nobody sets the rate any more.
async fn conduct(
    orders: Vec<mpsc::Sender<Change>>,
    mut rates: watch::Receiver<f64>,
    seed: u64,
    stage: Arc<Stage>,
) {
    let mut dice = Dice::new(seed, u64::MAX / 5);
    let mut pace = Pace::still();
    loop {
        let tick = async {
            match pace.due() {
                Some(due) => sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = rates.changed() => {
                if changed.is_err() {
                    return;
                }
                pace.set(*rates.borrow_and_update());
            }
            () = tick => {
                let Some(due) = pace.take(Instant::now()) else { continue };
                let (at, late) = clock().due_at(due);
                stage.due.fetch_add(1, Ordering::Relaxed);
                stage.latest.fetch_max(late, Ordering::Relaxed);
                let change = Change { status: STATUSES[dice.below(STATUSES.len())], at };
                let order = orders.get(dice.below(orders.len()));
                if order.is_none_or(|order| order.try_send(change).is_err()) {
                    stage.missed();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
