//! A user's own presence, as their pages see it, and the door through which a page reaches the user's
//! own upstream login without knowing what is behind it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use gateway_core::ScopeId;
use protocol::presence::{PersonId, Presence, Status};
use protocol::secret::Secret;
use protocol::vp::prim::PrivacyInfo;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::{Ask, Audience, News, Partner};
use crate::config::Privacy;
use crate::names::Names;

/// The own state of a logged-in user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Me {
    pub person: PersonId,
    pub presence: Presence,
    pub login: LoginState,
    /// Who may see the user, if the community has said so.
    pub privacy: Option<PrivacyInfo>,
}

/// With what a user proves who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// An LTPA token, which has been verified: it is known whose it is.
    Token(Secret),
    /// The community judges it, and says whose it is.
    Password(Secret),
    /// A token that the page has brought, such as one of Sametime's "secrets and tokens"; judged as a password is.
    PageToken(Secret),
    /// None: whoever it is sees what the community shows to everybody (vp-wire.md 5.2).
    Anonymous,
}

impl Proof {
    /// Whether the name that goes with it is only what somebody has typed.
    pub fn leaves_name_open(&self) -> bool {
        matches!(self, Self::Password(_) | Self::PageToken(_))
    }
}

/// How the user's own upstream login is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginState {
    /// The gateway logs no users in (`own_presence = "off"`).
    Off,
    Connecting,
    Up,
    /// Lost; it is tried again.
    Down,
    /// The community has ended it, and it is not fought.
    Kicked,
    /// The community does not accept it.
    Refused,
}

impl LoginState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Connecting => "connecting",
            Self::Up => "up",
            Self::Down | Self::Kicked | Self::Refused => "down",
        }
    }
}

/// What a user's pages ask of the user's login; of an observer only questions are asked.
#[derive(Debug)]
pub enum OwnCommand {
    SetStatus {
        status: Status,
        text: Arc<str>,
    },
    /// Who may see the user.
    SetPrivacy(PrivacyInfo),
    /// A text for others; a recipient is `@U id` or `@G group`.
    Announce {
        recipients: Vec<String>,
        text: String,
        may_reply: bool,
    },
    /// Begin a chat, or say something in it.
    Chat {
        with: Partner,
        text: Option<String>,
    },
    /// The user types, or has stopped.
    Typing {
        with: String,
        typing: bool,
    },
    Ask(Ask),
}

/// A user's own upstream login, shared by all pages of that user. Dropping it logs the user out.
#[derive(Debug)]
pub struct OwnLogin {
    /// Where the user's watches go.
    pub scope: ScopeId,
    pub me: watch::Receiver<Me>,
    pub commands: mpsc::Sender<OwnCommand>,
    /// What others want of the user.
    pub news: watch::Receiver<News>,
    /// The pages that can show a chat.
    pub audience: Arc<Audience>,
    /// The freshest token that a page has shown; the next connection uses it.
    pub proof: watch::Sender<Proof>,
    /// Cancelled when the user logs out, without waiting for pages that still hold the login.
    pub over: CancellationToken,
}

/// Opens own logins. What is behind it is the community; a page only ever holds what it gives back.
pub trait OwnLogins: Send + Sync {
    /// Starts the login of the user. Never fails: how it goes is in [`OwnLogin::me`]. Where the proof leaves the
    /// name open, `user` is whatever somebody has typed; whose login it is says [`Me::person`] when it is up, and
    /// it is empty if the community has not said.
    fn open(&self, user: &PersonId, proof: Proof) -> Pin<Box<dyn Future<Output = OwnLogin> + Send + '_>>;
}

/// What a community offers to sessions.
pub struct Access {
    /// What the observers see; `None` where every user's watches go through the user's own login.
    pub shared: Option<ScopeId>,
    /// `None` where the gateway logs no users in.
    pub logins: Option<Arc<dyn OwnLogins>>,
    pub privacy: Privacy,
    /// Who is meant by the names that pages hand over.
    pub names: Arc<Names>,
}
