//! The task that looks names up: in batches, paced, and each name once however many ask for it.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use protocol::vp::resolve::{Answer, flags};
use tokio::sync::{mpsc, oneshot};

use super::allowance::Allowance;
use super::spelling::{Key, Spelling};
use super::{Asked, Meaning, Names};

/// Names in one request.
const BATCH: usize = 100;
/// Requests that may be without an answer.
const IN_FLIGHT: usize = 4;

/// A name that somebody waits for.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) spelling: Spelling,
    /// The own login of whoever asks.
    pub(super) login: Option<Asked>,
    pub(super) answer: oneshot::Sender<Meaning>,
}

/// See the module. Run it until the program stops.
#[derive(Debug)]
pub struct LookUps {
    names: Weak<Names>,
    wanted: mpsc::Receiver<Wanted>,
    allowance: Allowance,
    /// Who waits for the names that are being asked for.
    waiting: HashMap<Key, Vec<oneshot::Sender<Meaning>>>,
}

type Done = Vec<(Key, Meaning)>;

impl LookUps {
    pub(super) fn new(names: &Arc<Names>, wanted: mpsc::Receiver<Wanted>) -> Self {
        let allowance = Allowance::new(names.tuning.per_second);
        Self { names: Arc::downgrade(names), wanted, allowance, waiting: HashMap::new() }
    }

    /// Runs until nobody can ask any more.
    pub async fn run(mut self) {
        let mut under_way: FuturesUnordered<BoxFuture<'static, Done>> = FuturesUnordered::new();
        let mut turn = Vec::with_capacity(BATCH);
        loop {
            tokio::select! {
                count = self.wanted.recv_many(&mut turn, BATCH), if under_way.len() < IN_FLIGHT => {
                    if count == 0 {
                        return;
                    }
                    let Some(names) = self.names.upgrade() else { return };
                    if let Some((batch, login)) = self.gather(&names, &mut turn) {
                        for _ in &batch {
                            self.allowance.take().await;
                        }
                        under_way.push(Box::pin(look_up(names, batch, login)));
                    }
                }
                Some(done) = under_way.next() => self.answer(done),
            }
        }
    }

    /// Whom nobody is asking for yet, and a login that can ask.
    fn gather(&mut self, names: &Names, turn: &mut Vec<Wanted>) -> Option<(Vec<Spelling>, Option<Asked>)> {
        let (mut batch, mut login) = (Vec::new(), None);
        for Wanted { spelling, login: own, answer } in turn.drain(..) {
            // Somebody else's question may have been answered while this one stood in line.
            if let Some(known) = names.remembered(spelling.key()) {
                let _ = answer.send(known);
                continue;
            }
            let waiting = self.waiting.entry(spelling.key().clone()).or_default();
            waiting.push(answer);
            if waiting.len() == 1 {
                batch.push(spelling);
            }
            login = login.or(own).filter(|login: &Asked| !login.is_closed());
        }
        (!batch.is_empty()).then_some((batch, login))
    }

    fn answer(&mut self, done: Done) {
        for (key, meaning) in done {
            for answer in self.waiting.remove(&key).unwrap_or_default() {
                // Whoever asked may have gone.
                let _ = answer.send(meaning.clone());
            }
        }
    }
}

async fn look_up(names: Arc<Names>, batch: Vec<Spelling>, login: Option<Asked>) -> Done {
    let asked = batch.iter().flat_map(|spelling| spelling.variants().to_vec()).collect();
    let answers = names.look_up(asked, flags::USERS | flags::GROUPS, login.as_ref()).await;
    let answers = answers.unwrap_or_default();
    let by_name: HashMap<&str, &Answer> =
        answers.iter().map(|answer| (answer.name.as_str(), answer)).collect();
    let mut done = Vec::with_capacity(batch.len());
    for spelling in &batch {
        let known = spelling.variants().iter().filter_map(|variant| by_name.get(variant.as_str()));
        let meanings = known.map(|answer| spelling.meaning(answer));
        let meaning = best(meanings).unwrap_or(Meaning::Unavailable);
        names.remember(spelling.key(), &meaning);
        done.push((spelling.key().clone(), meaning));
    }
    done
}

/// A person beats a group beats nobody.
fn best(meanings: impl Iterator<Item = Meaning>) -> Option<Meaning> {
    meanings.min_by_key(|meaning| match meaning {
        Meaning::Person { .. } => 0,
        Meaning::Ambiguous => 1,
        Meaning::Group(_) => 2,
        _ => 3,
    })
}
