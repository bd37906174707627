//! Logging in and joining: the two calls without a nonce, and the question whether somebody is logged in
//! (browser-side.md 3.3).
//!
//! A login never takes a session id from the request: it makes a new one, or finds the session that the same
//! user had in this browser a moment ago. `initialStatus` is read and not used: presence is the user's, and a
//! page that opens does not change it.

use std::sync::Arc;
use std::time::Duration;

use http::{Response, StatusCode};
use protocol::webapi::answer::{self as texts, LoggedIn};
use protocol::webapi::{Code, Connect, LoginMethod, ScriptStatus};
use tokio::time::timeout;

use super::Visit;
use super::answer::{json, logged_in, refuse, too_often};
use super::request::Asked;
use super::session::{Door, Owner, Seat, WebSession};
use crate::auth::{Identity, Rejection, origin};
use crate::config::{Limits, Origin, Privacy};
use crate::http::{Body, Failure};
use crate::hub::{LoginState, Proof};
use crate::session::users::Page;
use crate::session::{SessionError, end_of};

/// How long a login waits for the community; then it goes on without, and heals by itself.
const PATIENCE: Duration = Duration::from_secs(10);

/// By what somebody logs in.
#[derive(Clone, Copy)]
enum Way {
    Cookie,
    PageToken,
    Password,
    Nothing,
}

impl Way {
    fn of(connect: &Connect) -> Self {
        match connect.method {
            LoginMethod::Token if connect.token.is_empty() => Self::Cookie,
            // It says more than the cookie that comes along.
            LoginMethod::Token => Self::PageToken,
            LoginMethod::Password => Self::Password,
            LoginMethod::Anonymous => Self::Nothing,
        }
    }

    /// For metrics.
    fn name(self) -> &'static str {
        match self {
            Self::Cookie => "cookie",
            Self::PageToken => "token",
            Self::Password => "password",
            Self::Nothing => "nothing",
        }
    }

    /// The code where the route does not allow it.
    fn forbidden(self) -> Code {
        match self {
            Self::Nothing => Code::NoGuests,
            Self::Cookie | Self::PageToken | Self::Password => Code::WrongCredentials,
        }
    }

    /// The code where the community does not accept it.
    fn wrong(self) -> Code {
        match self {
            Self::Password => Code::BadPassword,
            Self::Cookie | Self::PageToken | Self::Nothing => Code::WrongCredentials,
        }
    }
}

impl Visit<'_> {
    pub(super) async fn connect(
        self,
        asked: &Asked,
        connect: Connect,
        limits: Limits,
    ) -> Result<Response<Body>, Failure> {
        if !self.is_own_page(asked) {
            return Ok(refuse(StatusCode::FORBIDDEN, Code::WrongCredentials));
        }
        let way = Way::of(&connect);
        let logins = self.context.route.logins;
        let allowed = match way {
            Way::Cookie | Way::PageToken => logins.token,
            Way::Password => logins.password,
            Way::Nothing => logins.anonymous,
        };
        let answer = match way {
            _ if !allowed => Ok(refuse(StatusCode::FORBIDDEN, way.forbidden())),
            Way::Cookie => self.by_cookie(asked, connect, limits).await,
            Way::PageToken | Way::Password => self.by_proof(asked, connect, way, limits).await,
            Way::Nothing => self.as_guest(limits).await,
        };
        let result = match answer.as_ref().map(Response::status) {
            Ok(StatusCode::OK) => "ok",
            Ok(StatusCode::TOO_MANY_REQUESTS) => "limited",
            Ok(status) if status.is_client_error() => "refused",
            Err(Failure::Token(_)) => "refused",
            _ => "unavailable",
        };
        self.sessions.metrics.page_login(way.name(), result);
        answer
    }

    async fn by_cookie(
        self,
        asked: &Asked,
        connect: Connect,
        limits: Limits,
    ) -> Result<Response<Body>, Failure> {
        let identity = self.context.identity.as_deref().ok_or(Failure::Token(Rejection::Missing))?;
        let owner = Owner::Token(identity.user.clone());
        if let Some(session) = self.known(asked, &owner) {
            session.touch(Some(identity));
            return Ok(self.answer(&session));
        }
        let page = self.page_of(identity, &limits).await?;
        if let Some(refusal) = refused_login(&page, Code::WrongCredentials).await {
            return Ok(refusal);
        }
        let name = if connect.user.is_empty() { identity.user.clone() } else { connect.user };
        self.open(owner, Seat::User(page), &name, limits)
    }

    async fn page_of(self, identity: &Identity, limits: &Limits) -> Result<Page, Failure> {
        Ok(self.community.users.join(identity, &at_once(limits)).await?)
    }

    /// By what only the community can judge: the session is that of whom it names.
    async fn by_proof(
        self,
        asked: &Asked,
        connect: Connect,
        way: Way,
        limits: Limits,
    ) -> Result<Response<Body>, Failure> {
        let trying = match self.sessions.tries.begin(&connect.user, self.context.client, &limits) {
            Ok(trying) => trying,
            Err(wait) => return Ok(too_often(wait)),
        };
        let proof = match way {
            Way::PageToken => Proof::PageToken(connect.token),
            _ => Proof::Password(connect.password),
        };
        let joined = self.community.users.join_by_proof(&connect.user, proof, &at_once(&limits)).await;
        if joined.as_ref().err() != Some(&SessionError::NotAccepted) {
            trying.give_back();
        }
        let page = match joined {
            Ok(page) => page,
            Err(SessionError::NotAccepted) => return Ok(refuse(StatusCode::UNAUTHORIZED, way.wrong())),
            Err(SessionError::NotReady) => {
                return Ok(refuse(StatusCode::INTERNAL_SERVER_ERROR, Code::CommunityOffline));
            }
            Err(error) => return Err(error.into()),
        };
        let owner = Owner::Proved(page.user.person().clone());
        if let Some(session) = self.known(asked, &owner) {
            session.touch(None);
            return Ok(self.answer(&session));
        }
        self.open(owner, Seat::User(page), &connect.user, limits)
    }

    /// Guests look through the observers where everybody does, otherwise through an anonymous login, so that they
    /// see whom the community shows to everybody.
    async fn as_guest(self, limits: Limits) -> Result<Response<Body>, Failure> {
        let page = match self.community.access.privacy {
            Privacy::Trust => None,
            Privacy::Own => {
                // One login for all of them.
                let limits = Limits { sessions_per_user: usize::MAX, ..at_once(&limits) };
                self.community.guests.join_as_guest(&limits).await?
            }
        };
        if let Some(page) = &page
            && let Some(refusal) = refused_login(page, Code::NoGuests).await
        {
            return Ok(refusal);
        }
        self.open(Owner::Guest, Seat::Guest(page), "", limits)
    }

    /// The session that this browser had, if it was the same user's.
    fn known(self, asked: &Asked, owner: &Owner) -> Option<Arc<WebSession>> {
        let mine = |session: &Arc<WebSession>| {
            session.community == self.name && session.owner == *owner && !session.has_ended()
        };
        asked.sids.iter().filter_map(|sid| self.sessions.rest.find(sid)).find(mine)
    }

    fn open(self, owner: Owner, seat: Seat, name: &str, limits: Limits) -> Result<Response<Body>, Failure> {
        // Guests are counted by nothing else.
        if self.sessions.rest.len() >= limits.connections {
            return Err(SessionError::NotReady.into());
        }
        let scope = match self.community.access.privacy {
            Privacy::Own => seat.login().map(|login| login.scope),
            Privacy::Trust => self.community.access.shared,
        };
        let door = Door {
            community: self.name.to_owned(),
            scope: scope.ok_or(SessionError::NotReady)?,
            shard: Arc::clone(&self.desk.shard),
            names: Arc::clone(&self.community.access.names),
            metrics: Arc::clone(&self.sessions.metrics),
            limits,
            chat: self.context.route.chat,
            expires: self
                .context
                .identity
                .as_deref()
                .filter(|_| matches!(owner, Owner::Token(_)))
                .map(end_of),
        };
        let session = WebSession::open(door, owner, seat, name).map_err(|_| SessionError::NotReady)?;
        let session = Arc::new(session);
        self.sessions.rest.insert(&session);
        Ok(self.answer(&session))
    }

    fn answer(self, session: &WebSession) -> Response<Body> {
        let me = session.seat.user().map(|page| page.user.me());
        let known = me.as_ref().filter(|me| me.login == LoginState::Up);
        let value = LoggedIn {
            sid: &session.sid,
            nonce: session.nonce(),
            name: &session.name,
            id: me.as_ref().map_or("", |me| me.person.as_str()),
            status: known.map_or(ScriptStatus::UNKNOWN, |me| ScriptStatus::of_presence(&me.presence)),
            message: known.map_or("", |me| &me.presence.text),
            version: env!("CARGO_PKG_VERSION"),
        };
        logged_in(&value.answer(), &session.sid, &session.name, self.context.scheme)
    }

    /// Gives the nonce to whoever has the session's id, which is as secret, and is its user.
    pub(super) fn join(self, asked: &Asked, sid: &str) -> Response<Body> {
        let identity = self.context.identity.as_deref();
        let session = self.sessions.rest.find(sid).filter(|session| session.community == self.name);
        let Some(session) = session else {
            return refuse(StatusCode::UNAUTHORIZED, Code::NotLoggedIn);
        };
        if !session.is_of(identity) || !self.is_own_page(asked) {
            return refuse(StatusCode::FORBIDDEN, Code::BadSession);
        }
        session.touch(identity);
        let anonymous = session.owner == Owner::Guest;
        json(StatusCode::OK, &texts::joined(session.nonce(), &session.name, anonymous))
    }

    pub(super) fn logged_in(self, asked: &Asked) -> Response<Body> {
        let identity = self.context.identity.as_deref();
        let mut found = asked.sids.iter().filter_map(|sid| self.sessions.rest.find(sid));
        let session = found.find(|session| session.community == self.name && session.is_of(identity));
        let session = session.as_ref().map(|session| (session.sid.as_str(), session.name.as_str()));
        json(StatusCode::OK, &texts::logged_in(session))
    }

    /// Whether the request comes from a page that may log its user in. An `Origin` has been judged before; old
    /// browsers send a `Referer` instead, programs neither.
    fn is_own_page(self, asked: &Asked) -> bool {
        if asked.origin {
            return true;
        }
        let live = self.sessions.live.load();
        match &asked.referer {
            Some(referer) => {
                let page = referer_origin(referer);
                page.is_some_and(|page| origin::check(Some(&page), &self.context.host, &live.sso).is_ok())
            }
            None => !asked.is_cross_site,
        }
    }
}

/// A session waits before its page goes; the user's login then need not.
fn at_once(limits: &Limits) -> Limits {
    Limits { session_grace: Duration::ZERO, ..limits.clone() }
}

/// `scheme://host[:port]` of a page's address.
fn referer_origin(referer: &str) -> Option<String> {
    let after = referer.find("://")? + 3;
    let end = referer.get(after..)?.find(['/', '?', '#']).map_or(referer.len(), |length| after + length);
    Origin::parse(referer.get(..end)?).map(|origin| origin.to_string())
}

/// Waits until it is known how the login goes; `Some`, with that code, if the community does not want it.
async fn refused_login(page: &Page, code: Code) -> Option<Response<Body>> {
    let login = page.user.login()?;
    let mut me = login.me.clone();
    // Without an answer the page is let in: names are unknown until the community is back.
    let _ = timeout(PATIENCE, me.wait_for(|me| me.login != LoginState::Connecting)).await;
    let state = login.me.borrow().login;
    match state {
        LoginState::Refused if code == Code::NoGuests => Some((StatusCode::FORBIDDEN, code)),
        LoginState::Refused => Some((StatusCode::UNAUTHORIZED, code)),
        LoginState::Kicked => Some((StatusCode::UNAUTHORIZED, Code::LoggedInElsewhere)),
        LoginState::Off | LoginState::Connecting | LoginState::Up | LoginState::Down => None,
    }
    .map(|(status, code)| {
        // The next page begins anew instead of finding this login again.
        page.log_out();
        refuse(status, code)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_of_a_referer_is_its_beginning() {
        let origin = |text: &str| referer_origin(text);
        assert_eq!(origin("https://mail1.acme.example/a?b#c").as_deref(), Some("https://mail1.acme.example"));
        assert_eq!(
            origin("http://mail1.acme.example:8080").as_deref(),
            Some("http://mail1.acme.example:8080")
        );
        for text in ["", "mail1", "https://evil.example@mail1.acme.example/", "about:blank"] {
            assert_eq!(origin(text), None, "{text}");
        }
    }
}
