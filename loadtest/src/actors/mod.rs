//! Test users that speak the community's own protocol (vp-wire.md): they log in, change their status, and
//! watch each other.
//!
//! Behind a real estate nobody stamps changes, so the actors do: a browser that watches an actor is measured
//! as it would be with the simulated community. What they see of each other came without Livename: that is
//! the baseline of the same minutes, and the load of rich clients beside browsers. Only users that the plan
//! names log in, and each leaves with a logout.

mod login;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use protocol::ltpa::domino::DominoSecret;
use protocol::presence::Status;
use protocol::secret::Secret;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::measure::{Latency, PersonState, micros};
use crate::plan::{self, Dice};

/// Until all have tried to log in.
const LOGINS: Duration = Duration::from_secs(60);
/// Until all have logged out.
const LOGOUTS: Duration = Duration::from_secs(10);
/// Between two logins: a real server is not to notice.
const PACE: Duration = Duration::from_millis(20);
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
    login_type: u16,
    /// Who watches whom: everybody the first of all.
    watched: Vec<String>,
    board: Mutex<Board>,
    up: AtomicUsize,
    tried: AtomicUsize,
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
    text: String,
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
    /// Neither password nor key.
    #[error("{0} has no password, and there is no domino_secret_file to make a token with")]
    NoProof(String),
}

impl Actors {
    /// Logs everybody in and waits until each has tried.
    pub async fn log_in(
        plan: &plan::Actors,
        cast: Vec<Actor>,
        secret: Option<&DominoSecret>,
        seed: u64,
    ) -> Result<Self, ActorsError> {
        let watched = cast.iter().take(plan.watch).map(|actor| actor.id.clone()).collect();
        let stage = Arc::new(Stage {
            server: plan.server.clone(),
            login_type: plan.login_type,
            watched,
            board: Mutex::default(),
            up: AtomicUsize::new(0),
            tried: AtomicUsize::new(0),
        });
        let (count, mut tasks, mut orders) = (cast.len(), JoinSet::new(), Vec::new());
        for actor in cast {
            let auth = login::auth(&actor, secret).ok_or_else(|| ActorsError::NoProof(actor.id.clone()))?;
            let (order, ordered) = mpsc::channel(8);
            orders.push(order);
            tasks.spawn(login::play(actor.id, auth, ordered, Arc::clone(&stage)));
            sleep(PACE).await;
        }
        let begun = Instant::now();
        while stage.tried.load(Ordering::Relaxed) < count && begun.elapsed() < LOGINS {
            sleep(PACE).await;
        }
        if stage.up.load(Ordering::Relaxed) == 0 {
            let why = stage.board().trouble.clone().unwrap_or_else(|| "no answer".to_owned());
            return Err(ActorsError::NoneIn { count, server: stage.server.clone(), why });
        }
        let (rate, rates) = watch::channel(0.0);
        tasks.spawn(conduct(orders, rates, seed));
        Ok(Self { stage, rate, tasks })
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
        self.stage.board().states.get(id).map(|(status, text)| PersonState::new(status.name(), text))
    }

    /// From change to other actors, since the last call.
    pub fn take_seen(&self) -> Latency {
        std::mem::take(&mut self.stage.board().seen)
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
    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives orders at the rate, whoever it takes. Ends when nobody sets the rate any more.
async fn conduct(orders: Vec<mpsc::Sender<Change>>, mut rates: watch::Receiver<f64>, seed: u64) {
    let mut dice = Dice::new(seed, u64::MAX / 5);
    let mut due = Instant::now();
    let mut number = 0_u32;
    loop {
        let rate = *rates.borrow_and_update();
        let tick = async { if rate > 0.0 { sleep_until(due).await } else { std::future::pending().await } };
        tokio::select! {
            changed = rates.changed() => {
                if changed.is_err() {
                    return;
                }
                due = Instant::now();
            }
            () = tick => {
                due += Duration::from_secs_f64(1.0 / rate);
                number = number.wrapping_add(1);
                let status = STATUSES[dice.below(STATUSES.len())];
                // The form in which the simulated community stamps; the number is of all, not of the actor.
                let change = Change { status, text: format!("{} test", micros()) };
                if let Some(order) = orders.get(dice.below(orders.len())) {
                    // An actor that is not logged in misses it.
                    let _ = order.try_send(change);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
