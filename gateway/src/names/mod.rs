//! Who is meant by the names that pages hand over: canonical and abbreviated names, mail addresses, display
//! names. A name is looked up once through the community's resolve service (vp-wire.md 9.1) and remembered,
//! also when nobody has it; addresses of other companies are not looked up at all.
//!
//! Look-ups gather while others are under way, and are paced, for one session and for all. It is carried out by
//! an observer where there is one, otherwise by the own login of one of those who ask. The memory is shared: a
//! directory says the same to everybody.
//!
//! ```text
//! page ── names ──> Names ── remembered? ──> answer
//!                     └──> queue ── batches ──> login (hub::Ask) ──> answers, remembered
//! ```

mod allowance;
mod lookup;
mod memory;
mod spelling;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use protocol::presence::PersonId;
use protocol::vp::resolve::{Match, flags};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout};

use crate::config::NameTuning;
use crate::hub::{Ask, LoginState, Me, OwnCommand, OwnLogin};

pub use allowance::Allowance;
pub use lookup::LookUps;

use lookup::Wanted;
use memory::Memory;
use spelling::{Key, Spelling};

/// Names that may wait to be looked up; whoever has more waits.
const QUEUE: usize = 4096;
/// The longest name that is one.
pub const LONGEST_NAME: usize = 512;
/// How long an answer may take, turns included.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where questions for a login go.
pub type Asked = mpsc::Sender<OwnCommand>;

/// Who is meant by a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// One person.
    Person {
        /// The id to watch.
        id: PersonId,
        /// What others see; may be empty.
        name: Arc<str>,
    },
    /// A public group, by its name.
    Group(Arc<str>),
    /// Nobody has that name.
    Nobody,
    /// More than one person has that name.
    Ambiguous,
    /// An address of a mail domain that is not looked up.
    Outside,
    /// The community could not be asked, or did not answer. Not remembered.
    Unavailable,
}

/// See the module. One for each community.
#[derive(Debug)]
pub struct Names {
    tuning: NameTuning,
    memory: Mutex<Memory>,
    queue: mpsc::Sender<Wanted>,
    /// Observers' common queue; `None` where there is none.
    observers: Option<Asked>,
}

/// One session that asks.
#[derive(Debug)]
pub struct Asker {
    allowance: Allowance,
    /// The own login, where there is one.
    login: Option<OwnWay>,
}

/// To the community by the user's own login.
#[derive(Debug)]
struct OwnWay {
    asked: Asked,
    me: watch::Receiver<Me>,
}

impl Names {
    /// The facility and the task that must be run for it.
    pub fn new(tuning: NameTuning, observers: Option<Asked>) -> (Arc<Self>, LookUps) {
        let (queue, wanted) = mpsc::channel(QUEUE);
        let memory = Mutex::new(Memory::new(tuning.remembered));
        let names = Arc::new(Self { tuning, memory, queue, observers });
        let lookups = LookUps::new(&names, wanted);
        (names, lookups)
    }

    /// A session that may ask.
    pub fn asker(&self, login: Option<&OwnLogin>) -> Asker {
        let own_way = |login: &OwnLogin| OwnWay { asked: login.commands.clone(), me: login.me.clone() };
        Asker { allowance: Allowance::new(self.tuning.session_per_second), login: login.map(own_way) }
    }

    /// Who is meant, if that is known without asking.
    pub fn recall(&self, name: &str) -> Option<Meaning> {
        self.judge(name, &Spelling::of(name))
    }

    /// Who is meant by each of the names, in their order.
    pub async fn resolve(&self, names: &[Arc<str>], asker: &Asker) -> Vec<Meaning> {
        let mut answers = Vec::with_capacity(names.len());
        for name in names {
            let spelling = Spelling::of(name);
            answers.push(match self.judge(name, &spelling) {
                Some(known) => Pending::Known(known),
                None => Pending::Asked(self.ask(spelling, asker).await),
            });
        }
        let end = Instant::now() + PATIENCE;
        let mut meanings = Vec::with_capacity(names.len());
        for answer in answers {
            meanings.push(match answer {
                Pending::Known(known) => known,
                Pending::Asked(answer) => {
                    let left = end.saturating_duration_since(Instant::now());
                    let answered = timeout(left, answer).await.ok().and_then(Result::ok);
                    answered.unwrap_or(Meaning::Unavailable)
                }
            });
        }
        meanings
    }

    /// Everybody and every group whose name begins so. Not remembered.
    pub async fn search(&self, beginning: &str, asker: &Asker) -> Option<Vec<Match>> {
        asker.allowance.take().await;
        self.is_ready(asker).await;
        let names = vec![beginning.to_owned()];
        let flags = flags::USERS | flags::GROUPS;
        let answers = self.look_up(names, flags, asker.way()).await?;
        Some(answers.into_iter().flat_map(|answer| answer.matches).collect())
    }

    /// The display name that was seen with an id.
    pub fn display_name(&self, id: &PersonId) -> Option<Arc<str>> {
        self.memory().display_name(id.as_str(), Instant::now())
    }

    fn judge(&self, name: &str, spelling: &Spelling) -> Option<Meaning> {
        if name.trim().is_empty() || name.len() > LONGEST_NAME {
            return Some(Meaning::Nobody);
        }
        if spelling.is_outside(&self.tuning) {
            return Some(Meaning::Outside);
        }
        self.remembered(spelling.key())
    }

    fn remembered(&self, key: &Key) -> Option<Meaning> {
        self.memory().recall(key, Instant::now())
    }

    async fn ask(&self, spelling: Spelling, asker: &Asker) -> oneshot::Receiver<Meaning> {
        let (sender, answer) = oneshot::channel();
        asker.allowance.take().await;
        self.is_ready(asker).await;
        // A closed queue means that the program stops; the dropped sender says so.
        let _ = self.queue.send(Wanted { spelling, login: asker.way().cloned(), answer: sender }).await;
        answer
    }

    /// Waits a moment for the own login if there is no other way: pages have names at hand before it is up.
    async fn is_ready(&self, asker: &Asker) {
        if let (None, Some(own)) = (&self.observers, &asker.login) {
            let mut me = own.me.clone();
            let ready = me.wait_for(|me| me.login != LoginState::Connecting);
            // Late is as bad as lost: the question will say so.
            let _ = timeout(PATIENCE / 2, ready).await;
        }
    }

    /// Asks a login: an observer if there is one.
    async fn look_up(
        &self,
        names: Vec<String>,
        flags: u32,
        login: Option<&Asked>,
    ) -> Option<Vec<protocol::vp::resolve::Answer>> {
        let (sender, answer) = oneshot::channel();
        let asked = self.observers.as_ref().or(login)?;
        asked.try_send(OwnCommand::Ask(Ask::LookUp { names, flags, answer: sender })).ok()?;
        timeout(PATIENCE / 2, answer).await.ok()?.ok()
    }

    fn remember(&self, key: &Key, meaning: &Meaning) {
        let good_for = match meaning {
            Meaning::Person { .. } | Meaning::Group(_) => self.tuning.good_for,
            Meaning::Nobody | Meaning::Ambiguous => self.tuning.nobody_for,
            Meaning::Outside | Meaning::Unavailable => return,
        };
        self.memory().remember(key, meaning, Instant::now() + good_for);
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asker {
    fn way(&self) -> Option<&Asked> {
        self.login.as_ref().map(|own| &own.asked)
    }
}

enum Pending {
    Known(Meaning),
    Asked(oneshot::Receiver<Meaning>),
}
