//! What can go wrong, each with what it may mean: these are the sentences that an administrator reads.

use protocol::presence::Status;
use protocol::vp::reason::{Reason, Retry};

/// Why a rehearsal did not go through.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    #[error("no server of the community is named")]
    NoServer,
    #[error(
        "{at} cannot be reached: {why}. Is that the port of the community (1533), and is a firewall in between?"
    )]
    Unreachable { at: String, why: String },
    #[error(
        "{at} took the connection and said nothing: the server hangs, or something else than a community listens on that port"
    )]
    Silent { at: String },
    #[error(
        "{at} ended the connection without a word: it is no community server, wants TLS, or lets only listed addresses in (VPMX_TRUSTED_CLIENT_IPS)"
    )]
    Closed { at: String },
    #[error("what answers at {at} is no community server: {why}")]
    NoCommunity { at: String, why: String },
    #[error("{user} is refused: {reason}. {}", meaning(*.reason, *.login_type))]
    Refused { user: String, reason: Reason, login_type: u16 },
    #[error(
        "{user} is sent on to the home server {host}, which cannot be followed: ask that server, or name it in [[community.host]] of the gateway's configuration"
    )]
    Elsewhere { user: String, host: String },
    #[error("both accounts are the same person, {0}")]
    SamePerson(String),
    #[error("{user} was logged out in the middle: {why}")]
    Ended { user: String, why: String },
    #[error("the login works, but the community's awareness service did not come up")]
    NoAwareness,
    #[error(
        "{viewer} does not see {person}, who is logged in: privacy settings of that user, or names that differ between token and directory"
    )]
    Unseen { viewer: String, person: String },
    #[error(
        "a message to {to} did not arrive: is that user logged in elsewhere with another client, which got it?"
    )]
    NoMessage { to: String },
    #[error("a message to {to} was refused: {reason}")]
    ChatRefused { to: String, reason: Reason },
    #[error("{viewer} did not see {person} become {}", .status.name())]
    NoChange { viewer: String, person: String, status: Status },
    #[error("the change was seen, but {user} could not be put back to {}", .status.name())]
    NotBack { user: String, status: Status },
}

/// What a refusal usually means.
fn meaning(reason: Reason, login_type: u16) -> String {
    match reason {
        Reason::USER_RESTRICTED | Reason::NOT_AUTHORISED | Reason::WRONG_PRIVILEGE => format!(
            "The community does not let this kind of login in: add the login type {login_type:04x} to VPS_ALLOWED_LOGIN_TYPES (`livename setup assess` says how), or choose another in the gateway's configuration"
        ),
        Reason::USER_NOT_TRUSTED => {
            "The token is for somebody else than the name that logs in, or the community does not know that person".to_owned()
        }
        Reason::INCORRECT_LOGIN | Reason::UNREGISTERED | Reason::NO_SUCH_USER | Reason::BAD_NAME => {
            "The password is wrong, or the community's directory does not know this name".to_owned()
        }
        Reason::VERIFICATION_DOWN => "The community cannot ask its directory".to_owned(),
        Reason::VERSION_MISMATCH | Reason::VERSION_UNSUPPORTED => {
            "The community asks for newer clients: see VP_MINIMUM_VERSION (`livename setup assess`)".to_owned()
        }
        _ if reason.retry() == Retry::FreshToken => {
            "The community does not take this token: its keys are not those of the server that made it, or the token is too old, or the clocks differ".to_owned()
        }
        _ => "Look into the log of the community server".to_owned(),
    }
}
