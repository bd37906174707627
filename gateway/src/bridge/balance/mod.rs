//! Which of a route's upstreams gets a request: the one that the browser's cookie names, else one in turn by
//! weight, among those that are well. Knows nothing of connections being made.

mod sticky;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError, Weak};

pub(super) use sticky::{named, remember};

use super::health::{FULL_SHARE, Outlook, Standing, Upstreams};
use super::pool::{Origin, Pool};
use crate::config::{Route, Upstream, UpstreamRoute};

/// The upstreams of one route, as one worker uses them.
pub(super) struct Group {
    members: Vec<Member>,
    /// What each member is owed, in thousandths of a request: smooth weighted round robin.
    owed: Mutex<Vec<i64>>,
}

/// One upstream of a route.
pub(super) struct Member {
    pub(super) upstream: Upstream,
    /// This worker's connections.
    pub(super) origin: Arc<Origin>,
    /// What all workers know of it.
    pub(super) standing: Arc<Standing>,
    /// Its name in cookies, which tells outsiders nothing.
    pub(super) alias: String,
}

/// Members that were asked already: one bit each.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tried(u64);

impl Group {
    pub(super) fn new(route: &UpstreamRoute, upstreams: &Upstreams, pool: &Pool) -> Self {
        let member = |upstream: &Upstream| Member {
            upstream: upstream.clone(),
            origin: pool.origin(upstream),
            standing: upstreams.standing(upstream),
            alias: sticky::alias(upstream),
        };
        let members: Vec<_> = route.upstreams.iter().map(member).collect();
        let owed = Mutex::new(vec![0; members.len()]);
        Self { members, owed }
    }

    /// The next member to ask; `preferred` is an alias. `None`: nobody is left who is well.
    pub(super) fn choose(&self, tried: &mut Tried, preferred: Option<&str>) -> Option<&Member> {
        let index = match &self.members[..] {
            [only] => {
                let open = match only.standing.outlook() {
                    Outlook::Up(_) => true,
                    Outlook::Rested => only.standing.claim(),
                    Outlook::Down => false,
                };
                (open && !tried.has(0)).then_some(0)?
            }
            _ => self
                .named(*tried, preferred)
                .or_else(|| self.rested(*tried))
                .or_else(|| self.in_turn(*tried))?,
        };
        tried.add(index);
        self.members.get(index)
    }

    /// Whether somebody is left who could be asked after this one.
    pub(super) fn has_more(&self, tried: Tried) -> bool {
        self.open(tried).any(|member| member.standing.outlook() != Outlook::Down)
    }

    /// Whether requests have nobody else to go to.
    pub(super) fn is_last(&self, member: &Member) -> bool {
        let mut others = self.members.iter().filter(|other| !std::ptr::eq(*other, member));
        !others.any(|other| matches!(other.standing.outlook(), Outlook::Up(_)))
    }

    fn open(&self, tried: Tried) -> impl Iterator<Item = &Member> {
        let open = self.members.iter().enumerate().filter(move |(index, _)| !tried.has(*index));
        open.map(|(_, member)| member)
    }

    fn named(&self, tried: Tried, preferred: Option<&str>) -> Option<usize> {
        let preferred = preferred?;
        let index = self.members.iter().position(|member| member.alias == preferred)?;
        let member = self.members.get(index)?;
        let up = matches!(member.standing.outlook(), Outlook::Up(_));
        (up && !tried.has(index)).then_some(index)
    }

    fn rested(&self, tried: Tried) -> Option<usize> {
        self.members.iter().enumerate().position(|(index, member)| {
            !tried.has(index) && member.standing.outlook() == Outlook::Rested && member.standing.claim()
        })
    }

    /// Each turn every member earns its weight, and who is owed most pays for all (the way nginx shares).
    fn in_turn(&self, tried: Tried) -> Option<usize> {
        // No code that holds the lock can leave it half done.
        let mut owed = self.owed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut paid = 0;
        let mut best: Option<(i64, usize)> = None;
        for (index, (member, owed)) in self.members.iter().zip(owed.iter_mut()).enumerate() {
            let Outlook::Up(share) = member.standing.outlook() else { continue };
            if tried.has(index) {
                continue;
            }
            let earned = i64::try_from(u64::from(member.upstream.weight) * share).unwrap_or(i64::MAX);
            *owed = owed.saturating_add(earned);
            paid += earned;
            if best.is_none_or(|(most, _)| *owed > most) {
                best = Some((*owed, index));
            }
        }
        let (_, index) = best?;
        if let Some(owed) = owed.get_mut(index) {
            *owed -= paid;
        }
        Some(index)
    }
}

impl Tried {
    fn has(self, index: usize) -> bool {
        self.0 >> index.min(63) & 1 == 1
    }

    fn add(&mut self, index: usize) {
        self.0 |= 1 << index.min(63);
    }
}

/// The groups of a worker, by route.
#[derive(Default)]
pub(super) struct Groups(Mutex<Vec<(Weak<Route>, Arc<Group>)>>);

impl Groups {
    /// That of a route, which passes requests on in one way only; made at its first request.
    pub(super) fn of(&self, route: &Arc<Route>, make: impl FnOnce() -> Group) -> Arc<Group> {
        let mut groups = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // While the entry is there, no other route can have the same place in memory.
        if let Some((_, group)) = groups.iter().find(|(known, _)| known.as_ptr() == Arc::as_ptr(route)) {
            return Arc::clone(group);
        }
        groups.retain(|(known, _)| known.strong_count() > 0);
        let group = Arc::new(make());
        groups.push((Arc::downgrade(route), Arc::clone(&group)));
        group
    }
}

/// A member that is up and warm has this share.
const _: () = assert!(FULL_SHARE == 1000, "`owed` counts thousandths");
