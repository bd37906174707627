//! Chats of pages, where the route has them (`chat = "here"`).
//!
//! A line is handed to the user's login before its request is answered: lines keep their order. What becomes of
//! it is told on the event channel.

use std::sync::Arc;

use http::StatusCode;
use protocol::webapi::Code;

use super::Refused;
use super::session::WebSession;
use super::watching::person;
use crate::hub::{OwnCommand, Partner};

/// The longest line, in bytes, as for announcements.
const LONGEST_LINE: usize = 10_000;

impl WebSession {
    /// Begins a chat, or says something in it.
    pub(super) async fn say(&self, user: &str, text: Option<String>) -> Result<(), Refused> {
        if text.as_ref().is_some_and(|text| text.len() > LONGEST_LINE) {
            return Err((StatusCode::BAD_REQUEST, Code::BadParameters));
        }
        let with = self.partner(user).await?;
        self.command(OwnCommand::Chat { with, text })
    }

    pub(super) async fn typing(&self, user: &str, typing: bool) -> Result<(), Refused> {
        let with = self.partner(user).await?.id;
        self.command(OwnCommand::Typing { with, typing })
    }

    async fn partner(&self, user: &str) -> Result<Partner, Refused> {
        if !self.chat {
            return Err((StatusCode::CONFLICT, Code::NoChat));
        }
        let meaning = self.names.resolve(&[Arc::from(user)], &self.asker).await.pop();
        let meaning = meaning.ok_or((StatusCode::INTERNAL_SERVER_ERROR, Code::ServiceUnavailable))?;
        let (id, name) = person(user, meaning)?;
        Ok(Partner { id: id.as_str().to_owned(), name: name.to_string() })
    }
}
