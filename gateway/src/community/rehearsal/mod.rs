//! A rehearsal for two users, before any page comes: both log in as the gateway would log them in, see each other,
//! exchange a message, and one sees the other's status change. Proves the community, not the pages.
//!
//! **Nothing is left behind.** The changed status is put back however the rehearsal ends, and both log out.

mod guest;
mod trouble;

use std::time::Duration;

use protocol::presence::{Presence, Status};
use protocol::vp::client::Login;
use tokio::time::{Instant, timeout};

use super::credential;
use crate::config::Community;
use crate::hub::Proof;
use guest::Guest;
pub use trouble::Trouble;

/// For each thing that is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// For putting the status back.
const BACK: Duration = Duration::from_secs(5);
/// What one user writes to the other.
const MESSAGE: &str = "livename setup verify";

/// One of the two users: a login name, and how it is proved.
#[derive(Clone, Debug)]
pub struct Account {
    pub name: String,
    pub proof: Proof,
}

/// What became of a rehearsal, once both were logged in.
#[derive(Debug)]
pub struct Rehearsal {
    /// A message of the first user has reached the second.
    pub message: Result<(), Trouble>,
    /// How long it took until the first user saw the second go away.
    pub change: Result<Duration, Trouble>,
}

/// Rehearses with two different users.
///
/// # Errors
/// If one of them cannot log in.
pub async fn rehearse(community: &Community, one: Account, two: Account) -> Result<Rehearsal, Trouble> {
    let login = |Account { name, proof }| {
        let auth = credential::of_user(&proof, community.token_form);
        Login { name, auth }
    };
    let one = Guest::log_in(community, login(one)).await?;
    let two = match Guest::log_in(community, login(two)).await {
        Ok(two) => two,
        Err(trouble) => {
            one.leave().await;
            return Err(trouble);
        }
    };
    let mut pair = Pair { one, two };
    let (message, change) = match pair.meet().await {
        Ok(()) => pair.play().await,
        Err(trouble) => (Err(trouble.clone()), Err(trouble)),
    };
    let Pair { one, two } = pair;
    one.leave().await;
    two.leave().await;
    Ok(Rehearsal { message, change })
}

struct Pair {
    one: Guest,
    two: Guest,
}

impl Pair {
    /// Both watch both, and see each other online.
    async fn meet(&mut self) -> Result<(), Trouble> {
        if self.one.me == self.two.me {
            return Err(Trouble::SamePerson(self.one.me.clone()));
        }
        self.until(|pair| pair.one.watches() && pair.two.watches(), |_| Trouble::NoAwareness).await?;
        let both = [self.one.me.clone(), self.two.me.clone()];
        self.one.watch(&both);
        self.two.watch(&both);
        let online = |seen: Option<Status>| !matches!(seen, None | Some(Status::Unknown | Status::Offline));
        let trouble = |pair: &Self| {
            let sees = online(pair.one.seen(&pair.two.me));
            let (blind, hidden) = if sees { (&pair.two, &pair.one) } else { (&pair.one, &pair.two) };
            Trouble::Unseen { viewer: blind.me.clone(), person: hidden.me.clone() }
        };
        let done = |pair: &Self| online(pair.one.seen(&pair.two.me)) && online(pair.two.seen(&pair.one.me));
        self.until(done, trouble).await
    }

    /// A message from the first to the second.
    async fn talk(&mut self) -> Result<(), Trouble> {
        let to = self.two.me.clone();
        self.one.write_to(&to, MESSAGE);
        let trouble = |_: &Self| Trouble::NoMessage { to: to.clone() };
        let done = |pair: &Self| pair.two.heard(MESSAGE) || pair.one.chat_refused().is_some();
        self.until(done, trouble).await?;
        match self.one.chat_refused() {
            Some(reason) if !self.two.heard(MESSAGE) => Err(Trouble::ChatRefused { to, reason }),
            _ => Ok(()),
        }
    }

    /// The second user is there, gets a message, and goes away; then everything is as it was before.
    async fn play(&mut self) -> (Result<(), Trouble>, Result<Duration, Trouble>) {
        let of = |status| Presence { status, ..Presence::default() };
        let before = self.two.own().clone();
        let there = self.set(&of(Status::Active)).await;
        let message = self.talk().await;
        let start = Instant::now();
        let change = match there {
            Ok(()) => self.set(&of(Status::Away)).await.map(|()| start.elapsed()),
            Err(trouble) => Err(trouble),
        };
        // Also if the first user's login is gone by now.
        self.two.set_status(&before);
        let back = timeout(BACK, self.two.becomes(before.status)).await;
        let change = match (change, back) {
            (Ok(_), Err(_) | Ok(Err(_))) => {
                Err(Trouble::NotBack { user: self.two.me.clone(), status: before.status })
            }
            (change, _) => change,
        };
        (message, change)
    }

    /// Sets the second user's status and waits until the first sees it.
    async fn set(&mut self, wanted: &Presence) -> Result<(), Trouble> {
        self.two.set_status(wanted);
        let done = |pair: &Self| pair.one.seen(&pair.two.me) == Some(wanted.status);
        let trouble = |pair: &Self| Trouble::NoChange {
            viewer: pair.one.me.clone(),
            person: pair.two.me.clone(),
            status: wanted.status,
        };
        self.until(done, trouble).await
    }

    /// Drives both until something is true.
    async fn until(
        &mut self,
        done: impl Fn(&Self) -> bool,
        trouble: impl Fn(&Self) -> Trouble,
    ) -> Result<(), Trouble> {
        let end = Instant::now() + PATIENCE;
        while !done(self) {
            tokio::select! {
                stepped = self.one.step() => stepped?,
                stepped = self.two.step() => stepped?,
                () = tokio::time::sleep_until(end) => return Err(trouble(self)),
            }
        }
        Ok(())
    }
}
