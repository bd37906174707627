//! What browsers and test users of a target log in with: a key that makes tokens, or tokens that were made
//! elsewhere.

use std::sync::Arc;

use protocol::ltpa::websphere::Version;
use settings::Section;

use crate::tokens::{KeyProblem, TokenKey, read_secret};

/// The key, read and tried; every mistake is told at the key of the plan that has to be changed.
pub(super) fn key(section: &Section<'_>) -> Option<Arc<TokenKey>> {
    let (secret, keys) = (section.path("domino_secret_file"), section.path("websphere_key_file"));
    let password = section.path("websphere_password_file");
    let version = section.word("token", &[("ltpa2", Version::Two), ("ltpa1", Version::One)]);
    let realm = section.text("realm");
    let wrong = |key| move |problem: KeyProblem| section.wrong(key, problem.to_string());
    let Some(keys) = keys else {
        for key in ["websphere_password_file", "token", "realm"].into_iter().filter(|key| section.has(key)) {
            section.wrong(key, "is for the keys of WebSphere: give websphere_key_file");
        }
        let key = TokenKey::domino_file(&secret?).map_err(wrong("domino_secret_file"));
        return key.ok().map(Arc::new);
    };
    if secret.is_some() {
        let why = "browsers have tokens of one kind: leave out this or domino_secret_file";
        section.wrong("websphere_key_file", why);
    }
    let Some(password) = password else {
        section.wrong("websphere_password_file", "is missing; the file with the password of the key file");
        return None;
    };
    let password = read_secret(&password).map_err(wrong("websphere_password_file")).ok()?;
    let version = version.unwrap_or(Version::Two);
    let key = TokenKey::websphere_file(&keys, &password, version, realm).map_err(wrong("websphere_key_file"));
    key.ok().map(Arc::new)
}
