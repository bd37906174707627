//! Whom a session watches, under the names that its page has for them (browser-side.md 3.4).
//!
//! Pages compare what they are told with what they asked for, so a person is told under the id of the directory
//! and under every other name that was asked for.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use gateway_core::shard::Batch;
use http::StatusCode;
use protocol::presence::{PersonId, Presence};
use protocol::webapi::update::Update;
use protocol::webapi::{Code, ScriptStatus};
use serde_json::json;
use tokio::time::timeout;

use super::session::{WebSession, locked};
use super::{Refused, Work};
use crate::names::Meaning;

/// People in one command: what they are answered with has to fit the lane.
pub(super) const AT_ONCE: usize = 500;
/// How long a status that is asked for once may take.
const GLANCE: Duration = Duration::from_secs(10);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Watching {
    people: BTreeSet<PersonId>,
    /// What the page calls those of them whom it knows by other names.
    names: BTreeMap<PersonId, Vec<Arc<str>>>,
    suspended: bool,
}

impl Watching {
    /// The other names of a person.
    pub(super) fn aliases(&self, id: &PersonId) -> impl Iterator<Item = &str> {
        self.names.get(id).into_iter().flatten().map(|name| &**name)
    }

    fn add(&mut self, id: &PersonId, asked: &Arc<str>) {
        self.people.insert(id.clone());
        if **asked != *id.as_str() {
            let names = self.names.entry(id.clone()).or_default();
            if !names.contains(asked) {
                names.push(Arc::clone(asked));
            }
        }
    }

    /// Takes a person out, by any of the names.
    fn remove(&mut self, asked: &str) -> Option<PersonId> {
        let mut id = PersonId::from(asked);
        if !self.people.contains(&id) {
            let is_meant = |names: &Vec<Arc<str>>| names.iter().any(|name| **name == *asked);
            id = self.names.iter().find(|(_, names)| is_meant(names)).map(|(id, _)| id.clone())?;
        }
        self.people.remove(&id);
        self.names.remove(&id);
        Some(id)
    }

    fn clear(&mut self) {
        self.people.clear();
        self.names.clear();
    }
}

impl WebSession {
    /// Watches people by any names. Who is watched already is told again: the page may be a new one.
    pub(super) fn watch(self: &Arc<Self>, users: Vec<String>, work: Work<'_>) -> Result<(), Refused> {
        if users.len() > AT_ONCE {
            return Err((StatusCode::BAD_REQUEST, Code::BadParameters));
        }
        let names: Vec<Arc<str>> = users.into_iter().map(Arc::from).collect();
        let known: Option<Vec<Meaning>> = names.iter().map(|name| self.names.recall(name)).collect();
        if let Some(meanings) = known {
            self.watch_meant(&names, meanings);
            return Ok(());
        }
        self.later(work, |session| async move {
            let meanings = session.names.resolve(&names, &session.asker).await;
            session.watch_meant(&names, meanings);
        })
    }

    pub(super) fn watch_meant(&self, names: &[Arc<str>], meanings: Vec<Meaning>) {
        let mut updates = Vec::with_capacity(names.len());
        let mut people = Vec::with_capacity(names.len());
        for (asked, meaning) in names.iter().zip(meanings) {
            match person(asked, meaning) {
                Ok((id, name)) => {
                    let fields = json!({
                        "userId": &**asked,
                        "id": id.as_str(),
                        "resolvedId": id.as_str(),
                        "displayName": if name.is_empty() { &**asked } else { &*name },
                    });
                    updates.push(Update::new(["watchlist", "addUser"], fields));
                    people.push((id, asked));
                }
                Err((status, code)) => {
                    let fields = json!({"userId": &**asked});
                    let failed = Update::failed(["watchlist", "addUser"], fields, status.as_u16(), code);
                    updates.push(failed);
                }
            }
        }
        let ids: Vec<PersonId> = people.iter().map(|(id, _)| id.clone()).collect();
        let mut watching = locked(&self.watching);
        if !watching.suspended {
            // What is known is told again only to whoever begins to watch.
            self.subscription.unwatch(&ids);
            if self.subscription.watch(&ids, None).is_err() {
                drop(watching);
                let fields = json!({"users": names.iter().map(|name| &**name).collect::<Vec<_>>()});
                let failed = Update::failed(["watchlist", "addUser"], fields, 409, Code::Failed);
                return self.tell(&failed);
            }
        }
        people.iter().for_each(|(id, asked)| watching.add(id, asked));
        drop(watching);
        self.tell_all(&updates);
    }

    /// Stops watching people, or everybody.
    pub(super) fn unwatch(&self, users: Option<Vec<String>>) {
        let mut watching = locked(&self.watching);
        let Some(users) = users else {
            watching.clear();
            self.subscription.unwatch_all();
            drop(watching);
            return self.tell(&Update::new(["watchlist", "removeUser"], json!({"userId": ""})));
        };
        let mut gone = Vec::new();
        let mut updates = Vec::new();
        for user in &users {
            let meant = watching.remove(user).or_else(|| match self.names.recall(user) {
                Some(Meaning::Person { id, .. }) => watching.remove(id.as_str()),
                _ => None,
            });
            gone.extend(meant);
            updates.push(Update::new(["watchlist", "removeUser"], json!({"userId": user})));
        }
        self.subscription.unwatch(&gone);
        drop(watching);
        self.tell_all(&updates);
    }

    /// No updates for now.
    pub(super) fn suspend(&self) {
        locked(&self.watching).suspended = true;
        self.subscription.unwatch_all();
    }

    /// Updates again, with everybody's state first.
    pub(super) fn resume(&self) {
        let mut watching = locked(&self.watching);
        watching.suspended = false;
        let people: Vec<PersonId> = watching.people.iter().cloned().collect();
        drop(watching);
        self.subscription.unwatch_all();
        // They were within the bound before.
        let _ = self.subscription.watch(&people, None);
    }

    /// Tells the status of people once, without watching them.
    pub(super) fn read_status(self: &Arc<Self>, users: Vec<String>, work: Work<'_>) -> Result<(), Refused> {
        if users.len() > AT_ONCE {
            return Err((StatusCode::BAD_REQUEST, Code::BadParameters));
        }
        self.later(work, |session| async move {
            let names: Vec<Arc<str>> = users.into_iter().map(Arc::from).collect();
            let meanings = session.names.resolve(&names, &session.asker).await;
            let people: Vec<_> =
                names.iter().zip(meanings).map(|(name, meaning)| (name, person(name, meaning))).collect();
            let ids: Vec<PersonId> =
                people.iter().filter_map(|(_, found)| Some(found.as_ref().ok()?.0.clone())).collect();
            let states = session.glance(&ids).await;
            let action = ["watchlist", "userStatus"];
            let updates: Vec<Update> = people
                .into_iter()
                .map(|(asked, found)| match found {
                    Ok((id, name)) => {
                        let state = states.get(&id);
                        let status = state.map_or(ScriptStatus::UNKNOWN, ScriptStatus::of_presence);
                        let message = state.map_or("", |state| &state.text);
                        let fields = json!({
                            "userId": &**asked,
                            "id": id.as_str(),
                            "displayName": &*name,
                            "userStatus": {"status": status.0, "statusMessage": message},
                        });
                        Update::new(action, fields)
                    }
                    Err((status, code)) => {
                        Update::failed(action, json!({"userId": &**asked}), status.as_u16(), code)
                    }
                })
                .collect();
            session.tell_all(&updates);
        })
    }

    /// The state of these people now, as far as it is known in time.
    async fn glance(&self, people: &[PersonId]) -> HashMap<PersonId, Presence> {
        let mut states = HashMap::new();
        let view = self.another_view();
        if view.watch(people, None).is_err() {
            return states;
        }
        let mut batch = Batch::default();
        let looking = async {
            while states.len() < people.len() {
                view.news().await;
                while view.take(&mut batch) {
                    let known = batch.states.iter();
                    states.extend(known.map(|state| (state.person.clone(), state.presence.clone())));
                    if batch.ended.is_some() {
                        return;
                    }
                }
            }
        };
        // Who is not known by then is unknown.
        let _ = timeout(GLANCE, looking).await;
        states
    }
}

/// The person to watch. Where the directory cannot be asked, a distinguished name stands for itself.
pub(super) fn person(asked: &str, meaning: Meaning) -> Result<(PersonId, Arc<str>), Refused> {
    match meaning {
        Meaning::Person { id, name } => Ok((id, name)),
        Meaning::Unavailable if asked.contains('=') => Ok((PersonId::from(asked), "".into())),
        Meaning::Unavailable => Err((StatusCode::INTERNAL_SERVER_ERROR, Code::ServiceUnavailable)),
        Meaning::Nobody | Meaning::Outside | Meaning::Group(_) | Meaning::Ambiguous => {
            Err((StatusCode::NOT_FOUND, Code::NoPerson))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_taken_out_by_any_name() {
        let mut watching = Watching::default();
        let ann = PersonId::from("CN=Ann/O=Acme");
        for name in ["ann@acme.example", "CN=Ann/O=Acme", "Ann/Acme", "Ann/Acme"] {
            watching.add(&ann, &name.into());
        }
        assert_eq!(watching.aliases(&ann).collect::<Vec<_>>(), ["ann@acme.example", "Ann/Acme"]);
        assert_eq!(watching.remove("bo"), None);
        assert_eq!(watching.remove("Ann/Acme"), Some(ann.clone()));
        assert_eq!(watching.remove("Ann/Acme"), None);
        watching.add(&ann, &"Ann".into());
        assert_eq!(watching.remove("CN=Ann/O=Acme"), Some(ann));
    }
}
