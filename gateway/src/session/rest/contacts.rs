//! The contact list, which the community's storage service keeps for all clients of the user
//! (browser-side.md 3.4, vp-wire.md 9.2), and the groups in it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use protocol::vp::contact_list::{Contact, ContactList, Group};
use protocol::vp::storage::key;
use protocol::webapi::update::Update;
use protocol::webapi::{Code, Edit};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::session::WebSession;
use super::{Refused, Work};
use crate::hub::{Ask, OwnCommand};
use crate::names::Meaning;

/// How long the storage service may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// The group of a person that is added to none.
const FIRST_GROUP: &str = "Contacts";

const FAILED: Refused = (StatusCode::INTERNAL_SERVER_ERROR, Code::ServiceUnavailable);

/// What of the list is wanted.
#[derive(Clone, Copy)]
pub(super) struct Shown {
    pub(super) people: bool,
    pub(super) groups: bool,
    pub(super) private: Option<bool>,
    pub(super) watch: bool,
}

impl Shown {
    /// The action's second word, by which a page knows what it has asked for.
    fn word(self) -> &'static str {
        match (self.people, self.groups) {
            (true, false) => "users",
            (false, true) => "groups",
            (true, true) | (false, false) => "get",
        }
    }
}

impl WebSession {
    /// Tells the contact list.
    pub(super) fn contacts(self: &Arc<Self>, shown: Shown, work: Work<'_>) -> Result<(), Refused> {
        self.later(work, move |session| async move {
            match session.load().await {
                Ok(list) => {
                    session.tell(&told(&list, shown, &session.community));
                    if shown.watch {
                        let people = list.groups.iter().flat_map(|group| &group.people);
                        session.watch_contacts(people);
                    }
                }
                Err((status, code)) => {
                    let action = ["buddylist", shown.word()];
                    session.tell(&Update::failed(action, json!({}), status.as_u16(), code));
                }
            }
        })
    }

    /// Watches the people of a private group, or stops it.
    pub(super) fn watch_group(
        self: &Arc<Self>,
        name: String,
        add: bool,
        work: Work<'_>,
    ) -> Result<(), Refused> {
        self.later(work, move |session| async move {
            let action = ["watchlist", if add { "addGroup" } else { "removeGroup" }];
            let list = session.load().await;
            let group = list.and_then(|list| {
                let group = list.group(&name).filter(|group| !group.public).cloned();
                // Members of the directory's own groups are not told to clients.
                group.ok_or((StatusCode::NOT_FOUND, Code::NoGroup))
            });
            match group {
                Ok(group) => {
                    let fields = json!({"groupId": name, "children": people(&group, &session.community)});
                    session.tell(&Update::new(action, fields));
                    if add {
                        session.watch_contacts(&group.people);
                    } else {
                        let ids = group.people.into_iter().map(|contact| contact.id).collect();
                        session.unwatch(Some(ids));
                    }
                }
                Err((status, code)) => {
                    let fields = json!({"groupId": name});
                    session.tell(&Update::failed(action, fields, status.as_u16(), code));
                }
            }
        })
    }

    /// Their ids are the directory's.
    fn watch_contacts<'a>(&self, people: impl IntoIterator<Item = &'a Contact>) {
        let people: Vec<&Contact> = people.into_iter().filter(|contact| !contact.external).collect();
        for some in people.chunks(super::watching::AT_ONCE) {
            let names: Vec<Arc<str>> = some.iter().map(|contact| contact.id.as_str().into()).collect();
            let person = |contact: &&Contact| Meaning::Person {
                id: contact.id.as_str().into(),
                name: contact.name.as_str().into(),
            };
            self.watch_meant(&names, some.iter().map(person).collect());
        }
    }

    /// Changes the list for all clients of the user.
    pub(super) fn edit(self: &Arc<Self>, edit: Edit, work: Work<'_>) -> Result<(), Refused> {
        self.later(work, |session| async move {
            let _one_at_a_time = session.editing.lock().await;
            let changed = async {
                let mut list = session.load().await?;
                change(&mut list, &edit)?;
                session.store(&list).await
            };
            let (word, fields) = named(&edit);
            session.tell(&match changed.await {
                Ok(()) => Update::new(["buddylist", word], fields),
                Err((status, code)) => Update::failed(["buddylist", word], fields, status.as_u16(), code),
            });
        })
    }

    async fn load(&self) -> Result<ContactList, Refused> {
        let (sender, answer) = oneshot::channel::<Option<Bytes>>();
        self.command(OwnCommand::Ask(Ask::Load { key: key::BUDDY_LIST, answer: sender }))?;
        let value = timeout(PATIENCE, answer).await.ok().and_then(Result::ok).ok_or(FAILED)?;
        value.map_or(Ok(ContactList::default()), |value| ContactList::decode(&value).map_err(|_| FAILED))
    }

    async fn store(&self, list: &ContactList) -> Result<(), Refused> {
        let data = list.encode().map_err(|_| (StatusCode::CONFLICT, Code::Failed))?;
        let (sender, answer) = oneshot::channel();
        self.command(OwnCommand::Ask(Ask::Store { key: key::BUDDY_LIST, data, answer: sender }))?;
        timeout(PATIENCE, answer).await.ok().and_then(Result::ok).ok_or(FAILED)
    }
}

fn change(list: &mut ContactList, edit: &Edit) -> Result<(), Refused> {
    let no_group = (StatusCode::NOT_FOUND, Code::NoGroup);
    match edit {
        Edit::AddUser { user, name, group } => {
            let name = name.clone().unwrap_or_else(|| user.clone());
            let contact = Contact { id: user.clone(), external: false, alias: name.clone(), name };
            let wanted = group.as_deref().unwrap_or(FIRST_GROUP);
            if group.is_none() && list.group(wanted).is_none() {
                list.groups.push(Group::named(wanted));
            }
            let group = list.group_mut(wanted).filter(|group| !group.public).ok_or(no_group)?;
            group.people.retain(|known| known.id != *user);
            group.people.push(contact);
        }
        Edit::RemoveUser { user, group } => {
            let mut found = false;
            for known in &mut list.groups {
                if group.as_ref().is_none_or(|group| known.name == *group || known.alias == *group) {
                    let before = known.people.len();
                    known.people.retain(|contact| contact.id != *user);
                    found |= known.people.len() < before;
                }
            }
            if !found {
                return Err((StatusCode::NOT_FOUND, Code::NoPerson));
            }
        }
        Edit::RenameUser { user, name } => {
            let people = list.groups.iter_mut().flat_map(|group| &mut group.people);
            let mut meant = people.filter(|contact| contact.id == *user).peekable();
            meant.peek().ok_or((StatusCode::NOT_FOUND, Code::NoPerson))?;
            meant.for_each(|contact| contact.alias.clone_from(name));
        }
        Edit::AddGroup { group, private } => {
            if list.group(group).is_some() {
                return Err((StatusCode::CONFLICT, Code::GroupExists));
            }
            let mut group = Group::named(group);
            group.public = !private;
            list.groups.push(group);
        }
        Edit::RemoveGroup(group) => {
            let before = list.groups.len();
            list.groups.retain(|known| known.name != *group && known.alias != *group);
            if list.groups.len() == before {
                return Err(no_group);
            }
        }
        Edit::RenameGroup { old, new } => {
            if list.group(new).is_some() {
                return Err((StatusCode::CONFLICT, Code::GroupExists));
            }
            let group = list.group_mut(old).ok_or(no_group)?;
            // The directory's name of a public group stays.
            if !group.public {
                group.name.clone_from(new);
            }
            group.alias.clone_from(new);
        }
    }
    Ok(())
}

fn named(edit: &Edit) -> (&'static str, Value) {
    match edit {
        Edit::AddUser { user, group, .. } => ("addUser", json!({"userId": user, "groupId": group})),
        Edit::RemoveUser { user, group } => ("removeUser", json!({"userId": user, "groupId": group})),
        Edit::RenameUser { user, name } => {
            ("renameUser", json!({"userId": user, "newUserDisplayName": name}))
        }
        Edit::AddGroup { group, private } => ("addGroup", json!({"groupId": group, "isPrivate": private})),
        Edit::RemoveGroup(group) => ("removeGroup", json!({"groupId": group})),
        Edit::RenameGroup { old, new } => ("renameGroup", json!({"oldGroupId": old, "newGroupId": new})),
    }
}

fn told(list: &ContactList, shown: Shown, community: &str) -> Update {
    let of = |public: bool| list.groups.iter().filter(move |group| group.public == public);
    let wanted = |public: bool| shown.private.is_none_or(|private| private != public);
    let groups = |public: bool| -> Vec<Value> {
        of(public).filter(|_| wanted(public)).map(|group| self::group(group, community)).collect()
    };
    let everybody = |public: bool| -> Vec<Value> {
        of(public).filter(|_| wanted(public)).flat_map(|group| people(group, community)).collect()
    };
    let fields = match (shown.people, shown.groups) {
        (true, false) => json!({"AllPrivateUsers": everybody(false), "AllPublicUsers": everybody(true)}),
        (false, true) => json!({"AllPrivateGroups": groups(false), "AllPublicGroups": groups(true)}),
        _ => {
            let all: Vec<Value> = list.groups.iter().map(|group| self::group(group, community)).collect();
            json!({"buddylist": all, "groups": all})
        }
    };
    Update::new(["buddylist", shown.word()], fields)
}

fn group(group: &Group, community: &str) -> Value {
    json!({
        "type": if group.public { "public" } else { "private" },
        "id": group.name,
        "displayName": if group.alias.is_empty() { &group.name } else { &group.alias },
        "isOpen": group.open,
        "children": people(group, community),
    })
}

fn people(group: &Group, community: &str) -> Vec<Value> {
    let person = |contact: &Contact| {
        let name = if contact.alias.is_empty() { &contact.name } else { &contact.alias };
        json!({
            "id": format!("{community}::{}", contact.id),
            "contactId": contact.id,
            "displayName": name,
            "communityId": community,
            "isExternal": contact.external,
        })
    };
    group.people.iter().map(person).collect()
}
