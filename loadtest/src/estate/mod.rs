//! What is tested: an estate of our own (a simulated community and a gateway, as processes), or a target
//! that runs already.

mod clock;
mod community;
mod control;
mod folder;
mod livename;
mod started;

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use protocol::secret::Secret;

use crate::actors::{Actor, Actors, ActorsError, Call};
use crate::clients::{Cast, CastError, DialError, Dialer, TokenSource, Tokens};
use crate::interrupt::Interrupt;
use crate::measure::{Clocks, Latency, PersonState, Process, Punctuality, Truth};
use crate::plan::{self, Part, Plan, Target};
use crate::tls::{self, TlsError};
use crate::tokens::{KeyProblem, TokenKey};

use clock::ClockWatch;
use community::Community;
use control::Control;
use livename::Gateway;

/// A simulated community takes many.
const SIMULATED_LOGINS: f64 = 500.0;

/// Everything that a test needs to know of what it tests.
pub struct Estate {
    pub cast: Arc<Cast>,
    pub dialer: Arc<Dialer>,
    /// What to measure, where it runs on this machine.
    pub gateway: Option<Process>,
    /// The way to the gateway's metrics, where it runs elsewhere and the plan says where they are.
    pub metrics: Option<Arc<Dialer>>,
    /// See `gateway`.
    pub community: Option<Process>,
    /// Where the gateway is.
    pub url: String,
    /// Version of the gateway, if it was started by us.
    pub version: String,
    control: Option<Control>,
    actors: Option<Actors>,
    /// Changes a second by test users, where people are simulated.
    actors_rate: f64,
    /// How many of a hundred simulated people ever change.
    changing: u8,
    started: Option<Started>,
    /// Which of several generators this is.
    part: Part,
    clock: Option<ClockWatch>,
}

/// How often people change their status.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// In all, as the plan says.
    pub per_second: f64,
    /// How much of it, and of what test users do beside, there is at this time of day.
    pub share: f64,
    /// Still the same, at another time of day.
    pub goes_on: bool,
}

impl Rate {
    /// Nobody changes.
    pub const NONE: Self = Self { per_second: 0.0, share: 0.0, goes_on: false };
}

/// Processes of our own.
struct Started {
    gateway: Gateway,
    community: Community,
}

/// Why there is nothing to test.
#[derive(Debug, thiserror::Error)]
pub enum EstateError {
    /// A file.
    #[error("{file}: {error}", file = .file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Secrets and names of folders need random numbers.
    #[error("no random numbers from the system: {0}")]
    Random(getrandom::Error),
    /// The keys of a started estate.
    #[error(transparent)]
    Key(#[from] KeyProblem),
    /// A certificate for the estate.
    #[error("no certificate can be made: {0}")]
    Certificate(String),
    /// The gateway's program is not beside this one.
    #[error("{program} is not there: build it (cargo build --release -p gateway), or give --gateway", program = .0.display())]
    NoGateway(PathBuf),
    /// A process does not come up; its last words are in the text.
    #[error("the {what} does not start: {said}")]
    Start {
        /// Which.
        what: &'static str,
        /// Its last words.
        said: String,
    },
    /// The control interface of the community.
    #[error("control interface of the community: {0}")]
    Control(String),
    /// Other generators of the same test do not come.
    #[error("waiting for {others} more of this test ({at}): {error}")]
    Meeting {
        /// For what.
        at: String,
        /// How many.
        others: usize,
        /// What the community says, or that it says nothing.
        error: String,
    },
    /// The address.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The people.
    #[error(transparent)]
    Cast(#[from] CastError),
    /// Test users.
    #[error(transparent)]
    Actors(#[from] ActorsError),
    /// TLS to the community.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Somebody wants it to end.
    #[error("interrupted")]
    Interrupted,
}

impl EstateError {
    /// Nothing is wrong: it was to end.
    pub fn is_interrupt(&self) -> bool {
        matches!(self, Self::Interrupted | Self::Actors(ActorsError::Interrupted))
    }
}

/// An estate whose test users have not come yet.
struct Found {
    estate: Estate,
    users: Vec<Actor>,
    /// What makes tokens for them.
    key: Option<Arc<TokenKey>>,
}

impl Estate {
    /// Looks at the plan's target, or starts an estate; `program` is the gateway's.
    pub async fn prepare(
        plan: &Plan,
        program: Option<PathBuf>,
        mut interrupt: Interrupt,
    ) -> Result<Self, EstateError> {
        let found = async {
            match &plan.target {
                Some(target) => Self::given(plan, target).await,
                None => Self::start(plan, program).await,
            }
        };
        let Found { mut estate, users, key } = tokio::select! {
            found = found => found?,
            () = interrupt.asked() => return Err(EstateError::Interrupted),
        };
        if let Some(control) = &estate.control {
            estate.clock = Some(ClockWatch::start(control.addr()).await?);
        }
        if let Some(actors) = &plan.actors
            && plan.part.leads()
            && estate.dialer.nowhere().is_none()
        {
            estate.admit(plan, actors, users, key, interrupt).await?;
        }
        Ok(estate)
    }

    async fn given(plan: &Plan, target: &Target) -> Result<Found, EstateError> {
        let mut control = target.control.map(Control::new);
        let ids = match (&mut control, &target.people_file) {
            (_, Some(file)) => lines(file)?,
            (Some(control), None) => control.people().await?.into_iter().map(|person| person.id).collect(),
            (None, None) => Vec::new(),
        };
        let players = ids.len();
        let file = plan.actors.as_ref().and_then(|actors| actors.file.as_ref());
        let users = file.map(test_users).transpose()?.unwrap_or_default();
        let taken: HashSet<String> = users.iter().map(|actor| actor.id.clone()).collect();
        let known: HashSet<String> = ids.iter().cloned().collect();
        let more = users.iter().map(|actor| actor.id.clone()).filter(|id| !known.contains(id));
        let key = target.key.clone();
        let source = match (&target.token_file, &key) {
            (Some(file), _) => {
                let tokens = lines(file)?.iter().map(|token| Secret::from(token.as_str())).collect();
                Some(TokenSource::Given(tokens))
            }
            (None, Some(key)) => Some(TokenSource::of(Arc::clone(key), plan, &ids).await),
            (None, None) => None,
        };
        let ids = ids.into_iter().chain(more).collect();
        let tokens = source.map(|source| Tokens { cookie: target.cookie.clone(), source });
        let (ca, plain) = (target.ca.as_deref(), target.plain_url.as_deref());
        let (dialer, url) = dialer(&target.url, plain, ca).await?;
        let metrics = match &target.metrics {
            Some(url) => Some(Arc::new(Dialer::new(url, ca).await?)),
            None => None,
        };
        let cast = Cast::new(plan, ids, tokens)?.played_by(players);
        let cast = cast.changing_themselves(plan, |id| taken.contains(id));
        take_over(control.as_mut(), &cast).await;
        let estate = Self {
            cast: Arc::new(cast),
            dialer: Arc::new(dialer),
            gateway: target.gateway_pid.map(Process),
            metrics,
            community: target.community_pid.map(Process),
            url,
            version: "version not known".into(),
            control,
            actors: None,
            actors_rate: 0.0,
            changing: plan.population.changing_percent,
            started: None,
            part: plan.part,
            clock: None,
        };
        Ok(Found { estate, users, key })
    }

    /// Logs test users in. Where people are simulated, they stand for rich clients: they watch people like
    /// everybody else, and make the changes that the plan gives them. Elsewhere they watch each other and make all
    /// changes.
    async fn admit(
        &mut self,
        plan: &Plan,
        actors: &plan::Actors,
        users: Vec<Actor>,
        key: Option<Arc<TokenKey>>,
        interrupt: Interrupt,
    ) -> Result<(), EstateError> {
        let watched = match &mut self.control {
            Some(control) => {
                for user in &users {
                    control.hand_over(&user.id).await;
                }
                (0..)
                    .take(actors.watch.min(self.cast.len()))
                    .map(|one| self.cast.id(one).to_owned())
                    .collect()
            }
            None => users.iter().take(actors.watch).map(|user| user.id.clone()).collect(),
        };
        let started = self.started.as_ref().map(|started| started.community.listen.to_string());
        let call = Call {
            server: started.unwrap_or_else(|| actors.server.clone()),
            tls: if actors.tls { Some(Arc::new(tls::client(actors.ca.as_deref(), &[])?)) } else { None },
            login_type: actors.login_type,
            watched,
            per_second: if plan.is_real() { plan.safety.logins_per_second } else { SIMULATED_LOGINS },
            seed: plan.seed,
        };
        self.actors_rate = actors.changes_per_second;
        self.actors = Some(Actors::log_in(call, users, key.as_deref(), interrupt).await?);
        Ok(())
    }

    /// Whether the community can be asked what is true.
    pub fn knows_truth(&self) -> bool {
        self.control.is_some() || self.actors.is_some()
    }

    /// From change to test users that watch without Livename, since the last call.
    pub fn take_direct(&self) -> Latency {
        self.actors.as_ref().map(Actors::take_seen).unwrap_or_default()
    }

    /// Waits for the other generators of this test, as long as the limit.
    pub async fn meet(&self, at: String, limit: Duration) -> Result<(), EstateError> {
        match &self.control {
            Some(control) if !self.part.is_whole() => control.meet(at, self.part, limit).await,
            _ => Ok(()),
        }
    }

    /// What is known of the community's clock, if it is asked.
    pub async fn clocks(&self) -> Option<Clocks> {
        match &self.clock {
            Some(clock) => Some(clock.clocks().await),
            None => None,
        }
    }

    /// Sets how often people change, in all; with neither a control interface nor test users they do as they
    /// like.
    pub async fn change_rate(&mut self, rate: Rate) -> Result<(), EstateError> {
        if let Some(actors) = &self.actors {
            let beside = if rate.per_second > 0.0 { self.actors_rate } else { 0.0 };
            let per_second = if self.control.is_some() { beside } else { rate.per_second };
            actors.change_rate(per_second * rate.share);
        }
        match &mut self.control {
            Some(control) if self.part.leads() => control.change_rate(rate, self.changing).await,
            _ => Ok(()),
        }
    }

    /// Whether the changes since the last change of the rate were made in time. `None`: nobody says.
    pub async fn punctuality(&mut self) -> Option<Punctuality> {
        let actors = self.actors.as_ref().map(Actors::take_punctuality);
        let simulated = match &mut self.control {
            Some(control) if self.part.leads() => control.punctuality().await.ok().flatten(),
            _ => None,
        };
        [actors, simulated].into_iter().flatten().reduce(|mut one, other| {
            one.add(other);
            one
        })
    }

    /// What the community says of everybody, or what test users have set. `None`: there is nobody to ask.
    pub async fn truth(&mut self) -> Result<Option<Truth>, EstateError> {
        let Some(control) = &mut self.control else {
            let Some(actors) = &self.actors else { return Ok(None) };
            let of = |person| actors.state_of(self.cast.id(person)).unwrap_or_default();
            return Ok(Some(Truth { states: (0..).take(self.cast.len()).map(of).collect() }));
        };
        let mut truth = Truth { states: vec![PersonState::default(); self.cast.len()] };
        for person in control.people().await? {
            let index = self.cast.index_of(&person.id).map(|index| index as usize);
            if let Some(state) = index.and_then(|index| truth.states.get_mut(index)) {
                *state = PersonState::new(&person.status, person.mobile, &person.text);
            }
        }
        Ok(Some(truth))
    }

    /// Whether a process of ours has ended by itself, and its last words.
    pub fn casualty(&mut self) -> Option<String> {
        let started = self.started.as_mut()?;
        started.gateway.casualty().or_else(|| started.community.casualty())
    }

    /// Leaves the community in peace, and ends what was started, downstream first.
    pub async fn stop(mut self) {
        if self.started.is_none() {
            // A community that does not answer any more has no peace to be left in.
            let _ = self.change_rate(Rate::NONE).await;
        }
        if let Some(actors) = self.actors {
            actors.leave().await;
        }
        if let Some(Started { gateway, community }) = self.started {
            gateway.stop().await;
            community.stop().await;
        }
    }
}

/// Who changes status on a page was online without a client, and is not any more.
async fn take_over(control: Option<&mut Control>, cast: &Cast) {
    let Some(control) = control else { return };
    for person in cast.changers() {
        control.hand_over(cast.id(*person)).await;
    }
}

/// The way to a gateway, or the two ways, and what to call it.
async fn dialer(url: &str, plain: Option<&str>, ca: Option<&Path>) -> Result<(Dialer, String), DialError> {
    let dialer = Dialer::new(url, ca).await?;
    match plain {
        Some(plain) => Ok((dialer.or(plain, None).await?, format!("{url} and {plain}"))),
        None => Ok((dialer, url.to_owned())),
    }
}

fn test_users(file: &PathBuf) -> Result<Vec<Actor>, EstateError> {
    let actor = |line: String| match line.split_once(';') {
        Some((id, password)) => {
            Actor { id: id.trim().to_owned(), password: Some(Secret::from(password.trim())) }
        }
        None => Actor { id: line, password: None },
    };
    Ok(lines(file)?.into_iter().map(actor).collect())
}

fn lines(file: &PathBuf) -> Result<Vec<String>, EstateError> {
    let text = read(file)?;
    Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

fn read(file: &PathBuf) -> Result<String, EstateError> {
    std::fs::read_to_string(file).map_err(|error| EstateError::File { file: file.clone(), error })
}
