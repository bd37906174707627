//! What concerns the user: own status, privacy, preferences, attributes.

use std::sync::Arc;

use http::StatusCode;
use protocol::vp::prim::{PrivacyInfo, UserItem};
use protocol::webapi::update::Update;
use protocol::webapi::{Code, ScriptStatus};
use serde_json::json;

use super::session::{WebSession, locked};
use super::{Refused, Work};
use crate::hub::OwnCommand;
use crate::names::Meaning;

/// The longest status text, in bytes.
const LONGEST_TEXT: usize = 1024;
/// Preferences of a session, and the longest of them.
const PREFERENCES: usize = 64;
const LONGEST_PREFERENCE: usize = 4096;
/// People in a privacy list.
const LISTED: usize = 500;

const BAD: Refused = (StatusCode::BAD_REQUEST, Code::BadParameters);

impl WebSession {
    /// Sets the own status; that it has changed is told when the community says so.
    pub(super) fn set_status(&self, status: ScriptStatus, message: &str) -> Result<(), Refused> {
        let status = status.to_own().filter(|_| message.len() <= LONGEST_TEXT).ok_or(BAD)?;
        self.command(OwnCommand::SetStatus { status, text: message.into() })
    }

    pub(super) fn tell_own_status(&self) {
        if let Some(page) = self.seat.user() {
            let me = page.user.me();
            self.tell(&Update::own_status(me.person.as_str(), &me.presence));
        }
    }

    pub(super) fn tell_privacy(&self) {
        let known = self.seat.user().and_then(|page| page.user.me().privacy);
        self.tell(&self.privacy("get", &known.unwrap_or_default()));
    }

    /// Says who may see the user. Nothing is set if somebody in the list is not found.
    pub(super) fn set_privacy(
        self: &Arc<Self>,
        list: Vec<String>,
        excluding: bool,
        work: Work<'_>,
    ) -> Result<(), Refused> {
        if list.len() > LISTED {
            return Err(BAD);
        }
        self.later(work, |session| async move {
            let names: Vec<Arc<str>> = list.into_iter().map(Arc::from).collect();
            let meanings = session.names.resolve(&names, &session.asker).await;
            let mut users = Vec::with_capacity(names.len());
            for (name, meaning) in names.iter().zip(meanings) {
                let Meaning::Person { id, name } = meaning else {
                    let fields = json!({"userId": &**name});
                    let failed = Update::failed(["privacy", "set"], fields, 404, Code::NoPerson);
                    return session.tell(&failed);
                };
                let name = Some(name.to_string()).filter(|name| !name.is_empty());
                users.push(UserItem { id: id.as_str().to_owned(), community: String::new(), name });
            }
            let list = PrivacyInfo { deny: excluding, users };
            let update = match session.command(OwnCommand::SetPrivacy(list.clone())) {
                Ok(()) => session.privacy("set", &list),
                Err((status, code)) => Update::failed(["privacy", "set"], json!({}), status.as_u16(), code),
            };
            session.tell(&update);
        })
    }

    fn privacy(&self, word: &str, privacy: &PrivacyInfo) -> Update {
        let entry = |user: &UserItem| {
            let known = self.names.display_name(&user.id.as_str().into());
            let name = user.name.as_deref().or(known.as_deref()).unwrap_or(&user.id);
            json!({"id": user.id, "userId": user.id, "displayName": name})
        };
        let list: Vec<_> = privacy.users.iter().map(entry).collect();
        Update::new(["privacy", word], json!({"list": list, "isExcluding": privacy.deny}))
    }

    /// Accepted without effect: the community's attributes are not watched.
    pub(super) fn attributes(&self, names: &[String], add: bool) {
        let action = ["attributes", if add { "add" } else { "remove" }];
        self.tell(&Update::new(action, json!({"value": names})));
    }

    pub(super) fn tell_preferences(&self, name: Option<&str>) {
        let all = locked(&self.preferences);
        let shown: serde_json::Map<_, _> = all
            .iter()
            .filter(|(key, _)| name.is_none_or(|name| name == **key))
            .map(|(key, value)| (key.clone(), value.as_str().into()))
            .collect();
        drop(all);
        self.tell(&Update::new(["preferences", "get"], json!({"preferences": shown})));
    }

    /// Kept as long as the session.
    pub(super) fn set_preference(&self, name: String, value: String) -> Result<(), Refused> {
        if name.len() + value.len() > LONGEST_PREFERENCE {
            return Err(BAD);
        }
        let mut all = locked(&self.preferences);
        if all.len() >= PREFERENCES && !all.contains_key(&name) {
            return Err((StatusCode::CONFLICT, Code::Failed));
        }
        let update = Update::new(["preferences", "set"], json!({"name": name, "value": value}));
        all.insert(name, value);
        drop(all);
        self.tell(&update);
        Ok(())
    }
}
