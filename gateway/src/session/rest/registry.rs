//! All sessions of the REST interface, by their ids; and the sweep that ends those whose pages are gone.

use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use dashmap::DashMap;
use http::StatusCode;
use protocol::webapi::Code;
use tokio::time::sleep;

use super::request::Asked;
use super::session::WebSession;
use super::{Refused, Visit};
use crate::http::Live;

/// How often a grace time is looked at within its length, and how often at most.
const LOOKS: u32 = 4;
const SHORTEST_LOOK: Duration = Duration::from_millis(20);

/// See the module.
#[derive(Default)]
pub(in crate::session) struct Registry {
    sessions: DashMap<String, Arc<WebSession>>,
}

impl Registry {
    pub(super) fn insert(&self, session: &Arc<WebSession>) {
        self.sessions.insert(session.sid.clone(), Arc::clone(session));
    }

    pub(super) fn len(&self) -> usize {
        self.sessions.len()
    }

    pub(super) fn find(&self, sid: &str) -> Option<Arc<WebSession>> {
        self.sessions.get(sid).map(|entry| Arc::clone(entry.value()))
    }

    /// Logs the user out, on all pages.
    pub(super) fn end(&self, session: &Arc<WebSession>) {
        self.sessions.remove(&session.sid);
        session.log_out();
    }

    /// Ends what nobody has asked for during the grace time, until the registry is dropped.
    pub(in crate::session) async fn sweep(this: Weak<Self>, live: Arc<ArcSwap<Live>>) {
        loop {
            let grace = live.load().limits.session_grace;
            sleep((grace / LOOKS).clamp(SHORTEST_LOOK, Duration::from_secs(5))).await;
            let Some(this) = this.upgrade() else { return };
            this.sessions.retain(|_, session| !session.is_over(grace));
        }
    }
}

impl Visit<'_> {
    /// The session of the request, if its nonce and user are right: otherwise 401 without a session, 403 with
    /// one that is not this page's.
    pub(super) fn session(self, asked: &Asked) -> Result<Arc<WebSession>, Refused> {
        let mut refusal = (StatusCode::UNAUTHORIZED, Code::NotLoggedIn);
        for sid in &asked.sids {
            let Some(session) = self.sessions.rest.find(sid) else { continue };
            let identity = self.context.identity.as_deref();
            if session.community != self.name {
                continue;
            }
            if !session.is_of(identity) {
                refusal = (StatusCode::FORBIDDEN, Code::BadSession);
            } else if !session.has_nonce(asked.nonce.as_deref().unwrap_or_default()) {
                refusal = (StatusCode::FORBIDDEN, Code::WrongCredentials);
            } else {
                session.touch(identity);
                return Ok(session);
            }
        }
        Err(refusal)
    }
}
