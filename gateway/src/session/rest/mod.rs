//! The Sametime Proxy's REST interface and its long poll, below `/stwebapi/` of any awareness route
//! (browser-side.md 3 and 6).
//!
//! A request is read (`request`), its session is found and its nonce compared (`registry`), and the command is
//! carried out: at once, or by a task whose result travels on the event channel (`poll`). A session is kept for
//! the grace time after its last request, so that a page change is not a logout.
//!
//! Chats between two are carried here where the route says so; chats of more, meetings and calls are not of this
//! program: a route of their own passes them to a Sametime Proxy, otherwise they are refused.

mod answer;
mod chat;
mod connect;
mod contacts;
mod news;
mod people;
mod poll;
mod registry;
mod request;
mod session;
mod status;
mod watching;

use std::sync::Arc;

use http::{Response, StatusCode};
use hyper::body::Incoming;
use protocol::webapi::{Code, Command, Wrong, answer as texts};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Community, Desk, Sessions};
use crate::http::{Body, Failure, RequestContext};

pub(super) use registry::Registry;
pub(super) use request::below;
pub use request::is_foreign;

use answer::{json, refuse};
use request::Asked;
use session::WebSession;

/// What a request is served with.
#[derive(Clone, Copy)]
struct Visit<'a> {
    sessions: &'a Sessions,
    context: &'a RequestContext,
    /// Name of the community, and the community.
    name: &'a str,
    community: &'a Community,
    desk: &'a Desk,
}

impl Sessions {
    /// Serves a request below `/stwebapi/`; `path` is what follows.
    pub(super) async fn serve_rest(
        &self,
        request: http::Request<Incoming>,
        path: &str,
        context: &RequestContext,
        community: (&str, &Community),
        desk: &Desk,
    ) -> Result<Response<Body>, Failure> {
        let (name, community) = community;
        let visit = Visit { sessions: self, context, name, community, desk };
        let limits = self.live.load().limits.clone();
        let (asked, command) = Asked::read(request, path, limits.message_bytes).await?;
        let command = match command {
            Err(Wrong::Unknown) => return Ok(refuse(StatusCode::NOT_FOUND, Code::Failed)),
            Err(Wrong::Verb) => return Ok(refuse(StatusCode::METHOD_NOT_ALLOWED, Code::Failed)),
            other => other,
        };
        // These make a session or look for one; whoever only may send a GET has to have one.
        if !asked.by_get {
            match &command {
                Ok(Command::Connect(connect)) => {
                    return visit.connect(&asked, connect.clone(), limits).await;
                }
                Ok(Command::Join { sid }) => return Ok(visit.join(&asked, sid)),
                Ok(Command::LoggedIn) => return Ok(visit.logged_in(&asked)),
                Err(Wrong::Missing(name)) if asked.is_login => return Ok(answer::bad_parameter(name)),
                Err(Wrong::Bad(name)) if asked.is_login => return Ok(answer::bad_parameter(name)),
                _ => {}
            }
        }
        let session = match visit.session(&asked) {
            Ok(session) => session,
            Err((status, code)) => return Ok(refuse(status, code)),
        };
        match command {
            Ok(command) => visit.carry_out(&session, command, &asked, limits).await,
            Err(Wrong::Missing(name) | Wrong::Bad(name)) => Ok(answer::bad_parameter(name)),
            Err(Wrong::Unknown | Wrong::Verb) => Ok(refuse(StatusCode::NOT_FOUND, Code::Failed)),
        }
    }
}

impl Visit<'_> {
    /// A command of a session whose nonce was right.
    async fn carry_out(
        self,
        session: &Arc<WebSession>,
        command: Command,
        asked: &Asked,
        limits: crate::config::Limits,
    ) -> Result<Response<Body>, Failure> {
        let work = Work { tasks: &self.desk.connections, draining: &self.desk.draining };
        let done = match command {
            Command::Connect(connect) => return self.connect(asked, connect, limits).await,
            Command::Join { sid } => return Ok(self.join(asked, &sid)),
            Command::LoggedIn => return Ok(self.logged_in(asked)),
            Command::Poll { ack } => return Ok(poll::response(session, ack, self.desk.draining.clone())),
            Command::Disconnect => {
                self.sessions.rest.end(session);
                return Ok(answer::logged_out(self.context.scheme));
            }
            // The grace time begins; a page that comes within it finds everything as it was.
            Command::Leave => Ok(()),
            Command::EndUpdate => {
                session.end_update();
                Ok(())
            }
            Command::SetStatus { status, message } => session.set_status(status, &message),
            Command::OwnStatus => {
                session.tell_own_status();
                Ok(())
            }
            Command::Watch(users) => session.watch(users, work),
            Command::Unwatch(users) => {
                session.unwatch(users);
                Ok(())
            }
            Command::WatchGroup(group) => session.watch_group(group, true, work),
            Command::UnwatchGroup(group) => session.watch_group(group, false, work),
            Command::ReadStatus(users) => session.read_status(users, work),
            Command::Suspend => {
                session.suspend();
                Ok(())
            }
            Command::Resume => {
                session.resume();
                Ok(())
            }
            Command::Attributes { names, add } => {
                session.attributes(&names, add);
                Ok(())
            }
            Command::Contacts { people, groups, private, watch } => {
                session.contacts(contacts::Shown { people, groups, private, watch }, work)
            }
            Command::Edit(edit) => session.edit(edit, work),
            Command::Announce { receivers, message, may_reply } => {
                session.announce(receivers, message, may_reply, work)
            }
            Command::Find { text, people } => session.find(text, people, work),
            Command::UserInfo(user) => session.user_info(user, work),
            Command::Privacy => {
                session.tell_privacy();
                Ok(())
            }
            Command::SetPrivacy { list, excluding } => session.set_privacy(list, excluding, work),
            Command::Preferences(name) => {
                session.tell_preferences(name.as_deref());
                Ok(())
            }
            Command::SetPreference { name, value } => session.set_preference(name, value),
            Command::Chat { user, text } => session.say(&user, text).await,
            Command::Typing { user, typing } => session.typing(&user, typing).await,
            Command::Elsewhere => Err((StatusCode::CONFLICT, Code::NoChat)),
        };
        Ok(match done {
            Ok(()) => json(StatusCode::OK, &texts::done()),
            Err((status, code)) => refuse(status, code),
        })
    }
}

/// Why a command is not carried out.
type Refused = (StatusCode, Code);

/// Where what takes longer is done.
#[derive(Clone, Copy)]
struct Work<'a> {
    tasks: &'a TaskTracker,
    draining: &'a CancellationToken,
}
