//! Finding people, their cards, and texts for several of them.

use std::sync::Arc;

use http::StatusCode;
use protocol::vp::resolve::Match;
use protocol::webapi::Code;
use protocol::webapi::update::Update;
use serde_json::{Value, json};

use super::session::WebSession;
use super::watching::{AT_ONCE, person};
use super::{Refused, Work};
use crate::hub::OwnCommand;
use crate::names::Meaning;

/// The longest announcement, in bytes (browser-side.md 3.2).
const LONGEST_TEXT: usize = 10_000;
/// People and groups that are listed for a beginning.
const FOUND: usize = 200;

impl WebSession {
    /// Finds people and groups by the beginning of their names; `people` wants only one of the two.
    pub(super) fn find(
        self: &Arc<Self>,
        text: String,
        people: Option<bool>,
        work: Work<'_>,
    ) -> Result<(), Refused> {
        self.later(work, move |session| async move {
            let action = ["quickfind", "find"];
            let Some(found) = session.names.search(&text, &session.asker).await else {
                let fields = json!({"searchString": text});
                return session.tell(&Update::failed(action, fields, 500, Code::NoSearch));
            };
            let list = |groups: bool| -> Vec<Value> {
                let wanted = people != Some(groups);
                let found = found.iter().filter(|found| wanted && (found.kind == Match::GROUP) == groups);
                found.take(FOUND).map(entry).collect()
            };
            let fields = json!({"searchString": text, "Persons": list(false), "Groups": list(true)});
            session.tell(&Update::new(action, fields));
        })
    }

    /// The business card: what the resolve service knows.
    pub(super) fn user_info(self: &Arc<Self>, user: String, work: Work<'_>) -> Result<(), Refused> {
        self.later(work, |session| async move {
            let action = ["user", "info"];
            let names = [Arc::from(user.as_str())];
            let meaning = session.names.resolve(&names, &session.asker).await.pop();
            let update = match person(&user, meaning.unwrap_or(Meaning::Unavailable)) {
                Ok((id, name)) => {
                    let mut info = json!({"id": id.as_str(), "userId": id.as_str(), "displayName": &*name, "name": &*name});
                    if let (Some(fields), true) = (info.as_object_mut(), user.contains('@')) {
                        fields.insert("mail".into(), user.as_str().into());
                    }
                    Update::new(action, json!({"userId": user, "info": info}))
                }
                Err((status, code)) => {
                    Update::failed(action, json!({"userId": user}), status.as_u16(), code)
                }
            };
            session.tell(&update);
        })
    }

    /// Sends a text to people and groups. Nothing is sent if one of them is not found.
    pub(super) fn announce(
        self: &Arc<Self>,
        receivers: Vec<String>,
        text: String,
        may_reply: bool,
        work: Work<'_>,
    ) -> Result<(), Refused> {
        if receivers.len() > AT_ONCE || text.len() > LONGEST_TEXT {
            return Err((StatusCode::BAD_REQUEST, Code::BadParameters));
        }
        self.later(work, move |session| async move {
            let action = ["announcement", "sent"];
            let names: Vec<Arc<str>> = receivers.into_iter().map(Arc::from).collect();
            let meanings = session.names.resolve(&names, &session.asker).await;
            let mut recipients = Vec::with_capacity(names.len());
            for (name, meaning) in names.iter().zip(meanings) {
                let found = match meaning {
                    Meaning::Group(group) => Ok(format!("@G {group}")),
                    meaning => person(name, meaning).map(|(id, _)| format!("@U {id}")),
                };
                match found {
                    Ok(recipient) => recipients.push(recipient),
                    Err((status, code)) => {
                        let fields = json!({"userId": &**name});
                        return session.tell(&Update::failed(action, fields, status.as_u16(), code));
                    }
                }
            }
            let sent = session.command(OwnCommand::Announce { recipients, text, may_reply });
            session.tell(&match sent {
                Ok(()) => {
                    let receivers: Vec<&str> = names.iter().map(|name| &**name).collect();
                    Update::new(action, json!({"receivers": receivers}))
                }
                Err((status, code)) => Update::failed(action, json!({}), status.as_u16(), code),
            });
        })
    }
}

fn entry(found: &Match) -> Value {
    let Match { id, name, desc, .. } = found;
    json!({"id": id, "userId": id, "displayName": name, "name": name, "description": desc})
}
