//! Watching people by the names that a page has for them: looked up first, then watched by their ids; the page
//! is told which id each name became.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use protocol::presence::PersonId;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::message;
use crate::names::{Asker, Meaning, Names};
use crate::shard::Subscription;

/// Names in one command: what they are answered with has to fit the lane.
pub(super) const AT_ONCE: usize = 500;

/// Of one channel.
pub(super) struct ByName {
    names: Arc<Names>,
    asker: Asker,
    tasks: TaskTracker,
    draining: CancellationToken,
    /// Names that are being looked up.
    asking: AtomicUsize,
}

impl ByName {
    pub(super) fn new(
        names: Arc<Names>,
        asker: Asker,
        tasks: TaskTracker,
        draining: CancellationToken,
    ) -> Arc<Self> {
        Arc::new(Self { names, asker, tasks, draining, asking: AtomicUsize::new(0) })
    }

    /// Looks the names up, watches whom they mean and tells the page. `false` if more than `most` names would
    /// be under way; nothing is done then.
    pub(super) fn watch(
        self: &Arc<Self>,
        subscription: &Arc<Subscription>,
        id: Option<u64>,
        names: Vec<Arc<str>>,
        most: usize,
    ) -> bool {
        let recalled: Option<Vec<Meaning>> = names.iter().map(|name| self.names.recall(name)).collect();
        if let Some(meanings) = recalled {
            tell(subscription, id, names, meanings);
            return true;
        }
        let count = names.len();
        if self.asking.fetch_add(count, Ordering::AcqRel) + count > most {
            self.asking.fetch_sub(count, Ordering::AcqRel);
            return false;
        }
        let (this, subscription) = (Arc::clone(self), Arc::downgrade(subscription));
        self.tasks.spawn(async move {
            let looked_up = this.names.resolve(&names, &this.asker);
            let meanings = this.draining.run_until_cancelled(looked_up).await;
            this.asking.fetch_sub(count, Ordering::AcqRel);
            if let (Some(meanings), Some(subscription)) = (meanings, Weak::upgrade(&subscription)) {
                tell(&subscription, id, names, meanings);
            }
        });
        true
    }
}

fn tell(subscription: &Subscription, id: Option<u64>, names: Vec<Arc<str>>, meanings: Vec<Meaning>) {
    let people: Vec<PersonId> = meanings
        .iter()
        .filter_map(|meaning| match meaning {
            Meaning::Person { id, .. } => Some(id.clone()),
            _ => None,
        })
        .collect();
    let watched = subscription.watch(&people, None);
    let named: Vec<_> = names
        .into_iter()
        .zip(meanings)
        .map(|(name, meaning)| match (&watched, meaning) {
            // Too many people are watched already.
            (Err(_), Meaning::Person { .. }) => (name, Meaning::Unavailable),
            (_, meaning) => (name, meaning),
        })
        .collect();
    subscription.notice(message::names(id, &named));
}
