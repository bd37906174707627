//! With what a login proves itself. Read anew at each try, because files are renewed from outside and tokens
//! grow old.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use protocol::ltpa::domino::{self, DominoSecret};
use protocol::ltpa::{SystemSeconds, lmbcs};
use protocol::secret::Secret;
use protocol::vp::client::{Auth, TokenForm as Form};

use crate::config::{Observer, ObserverCredential, TokenForm};
use crate::hub::Proof;

/// How long a minted token is good for: only the login itself has to fit.
const MINTED_LIFE: Duration = Duration::from_secs(600);

/// Why there is nothing to log in with.
#[derive(Debug, thiserror::Error)]
pub(super) enum CredentialError {
    #[error("the token file cannot be read: {0}")]
    File(std::io::Error),
    #[error("no token can be minted: {0}")]
    Mint(String),
}

/// What the observer logs in with now.
pub(super) fn of_observer(observer: &Observer, form: TokenForm) -> Result<Auth, CredentialError> {
    match &observer.credential {
        ObserverCredential::Password(password) => Ok(Auth::DhPassword(password.clone())),
        ObserverCredential::TokenFile(path) => {
            let text = std::fs::read_to_string(path).map_err(CredentialError::File)?;
            Ok(of_token(Secret::from(text.trim()), form))
        }
        ObserverCredential::Mint(secret) => {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let secret = DominoSecret::from_bytes(secret.expose())
                .map_err(|error| CredentialError::Mint(error.to_string()))?;
            let ends = SystemSeconds((now + MINTED_LIFE).as_secs());
            let token =
                domino::mint(&lmbcs::encode(&observer.name), SystemSeconds(now.as_secs()), ends, &secret)
                    .map_err(|error| CredentialError::Mint(error.to_string()))?;
            Ok(of_token(Secret::from(token.as_str()), form))
        }
    }
}

/// What a user has shown.
pub(super) fn of_user(proof: &Proof, form: TokenForm) -> Auth {
    match proof {
        Proof::Token(token) | Proof::PageToken(token) => of_token(token.clone(), form),
        Proof::Password(password) => Auth::DhPassword(password.clone()),
        Proof::Anonymous => Auth::Anonymous,
    }
}

/// A user's own token, in the form that the community wants.
pub(super) fn of_token(token: Secret, form: TokenForm) -> Auth {
    let form = match form {
        TokenForm::Raw => Form::Raw,
        TokenForm::String => Form::String,
        TokenForm::Dh => Form::Dh,
    };
    Auth::Token { token, form }
}
