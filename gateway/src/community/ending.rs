//! What follows from the end of an upstream connection: the policy of vp-wire.md 10.
//!
//! A user's login that the community ends or refuses is not fought. An observer belongs to the gateway:
//! it is refused for good only before its first login, and comes back late after a kick.

use protocol::vp::client::Closed;
use protocol::vp::reason::{Reason, Retry};

use crate::hub::{LoginState, Proof};

/// How a connection ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Try again after a wait.
    Retry,
    /// Try again after the longest wait.
    Rest,
    /// Try again at once: the server has sent us on.
    Redirected,
    /// Try again when there is another token.
    NeedsToken(Proof),
    /// Never try again.
    Final(LoginState),
    /// Nobody wants the login any more.
    Unwanted,
}

/// What is known of a connection at its end.
pub(super) struct Past {
    /// It was logged in.
    pub(super) was_up: bool,
    /// With what a user logged in; `None` for observers, who get their tokens from a file or make them.
    pub(super) token: Option<Proof>,
    pub(super) is_observer: bool,
    /// Where the server has sent us, if that can be followed.
    pub(super) sent_on: bool,
}

/// See the module. Without `closed` nobody wants the login any more.
pub(super) fn judge(closed: Option<&Closed>, past: Past) -> Ending {
    match closed {
        None | Some(Closed::LoggedOut) => Ending::Unwanted,
        Some(Closed::Redirected) => follow(&past),
        Some(Closed::Protocol(_) | Closed::Transport | Closed::Timeout(_)) => Ending::Retry,
        Some(Closed::ByServer(reason)) => judge_reason(*reason, past),
    }
}

fn judge_reason(reason: Reason, past: Past) -> Ending {
    match reason.retry() {
        Retry::Backoff => Ending::Retry,
        Retry::Follow => follow(&past),
        Retry::FreshToken => past.token.map_or(Ending::Retry, Ending::NeedsToken),
        // A second login of a user ends the first with `Once`; coming back would end the other.
        Retry::Once | Retry::Never => match (past.is_observer, past.was_up) {
            (true, true) => Ending::Rest,
            (false, true) => Ending::Final(LoginState::Kicked),
            (_, false) => Ending::Final(LoginState::Refused),
        },
    }
}

fn follow(past: &Past) -> Ending {
    if past.sent_on { Ending::Redirected } else { Ending::Retry }
}

#[cfg(test)]
mod tests {
    use protocol::secret::Secret;

    use super::*;

    fn token() -> Proof {
        Proof::Token(Secret::from("token"))
    }

    fn ending(reason: Reason, was_up: bool, is_observer: bool, sent_on: bool) -> Ending {
        let token = (!is_observer).then(token);
        judge(Some(&Closed::ByServer(reason)), Past { was_up, token, is_observer, sent_on })
    }

    #[test]
    fn a_user_is_not_fought_for() {
        for reason in [Reason::OTHER_COMPUTER, Reason::SIGNED_ON_AGAIN, Reason::USER_REMOVED] {
            assert_eq!(ending(reason, true, false, false), Ending::Final(LoginState::Kicked));
            assert_eq!(ending(reason, false, false, false), Ending::Final(LoginState::Refused));
        }
        assert_eq!(ending(Reason::RELOGIN, true, false, false), Ending::Retry);
        assert_eq!(ending(Reason::SERVER_FULL, false, false, false), Ending::Retry);
        let expired = ending(Reason::TOKEN_EXPIRED, true, false, false);
        assert_eq!(expired, Ending::NeedsToken(token()));
    }

    #[test]
    fn an_observer_comes_back_but_does_not_guess_passwords() {
        assert_eq!(ending(Reason::OTHER_COMPUTER, true, true, false), Ending::Rest);
        assert_eq!(ending(Reason::TOKEN_EXPIRED, false, true, false), Ending::Retry);
        let wrong = ending(Reason::INCORRECT_LOGIN, false, true, false);
        assert_eq!(wrong, Ending::Final(LoginState::Refused));
    }

    #[test]
    fn a_redirect_that_cannot_be_followed_costs_a_wait() {
        assert_eq!(ending(Reason::CONNECT_ELSEWHERE, false, false, true), Ending::Redirected);
        assert_eq!(ending(Reason::CONNECT_ELSEWHERE, false, false, false), Ending::Retry);
        let past = Past { was_up: false, token: None, is_observer: true, sent_on: false };
        assert_eq!(judge(Some(&Closed::Redirected), past), Ending::Retry);
    }

    #[test]
    fn losses_are_mended_and_logouts_are_not() {
        let past = || Past { was_up: true, token: None, is_observer: false, sent_on: false };
        assert_eq!(judge(Some(&Closed::Transport), past()), Ending::Retry);
        assert_eq!(judge(Some(&Closed::Timeout("login")), past()), Ending::Retry);
        assert_eq!(judge(Some(&Closed::LoggedOut), past()), Ending::Unwanted);
        assert_eq!(judge(None, past()), Ending::Unwanted);
    }
}
