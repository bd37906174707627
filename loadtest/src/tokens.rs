//! Tokens of single sign-on (ltpa.md), made for browsers and test users with the key that the estate's own
//! tokens are made with.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use protocol::ltpa::domino::{self, DominoSecret};
use protocol::ltpa::keyfile::KeyFile;
use protocol::ltpa::websphere::{MintError, SigningKey, VerifyKey, Version};
use protocol::ltpa::{SystemSeconds, lmbcs};
use protocol::secret::Secret;
use tokio::task::JoinSet;

/// Tokens are good for so long, from a little before now: a soak takes hours.
const LIFETIME: Duration = Duration::from_secs(24 * 3600);
const EARLIER: u64 = 60;
/// More than any secret or key file has.
const MOST_BYTES: u64 = 64 << 10;
/// Tokens that are made at a time: whoever wants it to end does not wait for all of them.
const BATCH: usize = 200;

/// What makes tokens.
pub struct TokenKey(Kind);

enum Kind {
    Domino(DominoSecret),
    WebSphere { key: Box<SigningKey>, version: Version, realm: String },
}

/// Why no tokens can be made. Says nothing of what is in the files.
#[derive(Debug, thiserror::Error)]
pub enum KeyProblem {
    /// The system does not give it.
    #[error("{file}: {error}", file = .file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Another kind of file.
    #[error("{file}: {text}", file = .file.display())]
    Content {
        /// Which.
        file: PathBuf,
        /// What is wrong with it.
        text: String,
    },
    /// The realm is part of every token.
    #[error("{}: names no realm; give it as \"realm\"", .0.display())]
    NoRealm(PathBuf),
}

impl TokenKey {
    /// The secret of a Domino SSO document.
    pub fn domino(secret: DominoSecret) -> Self {
        Self(Kind::Domino(secret))
    }

    /// The same from a file with its base64 text.
    pub fn domino_file(file: &Path) -> Result<Self, KeyProblem> {
        domino_secret(file).map(Self::domino)
    }

    /// The key file that was exported from WebSphere, with its private key; its own realm or another.
    pub fn websphere_file(
        file: &Path,
        password: &Secret,
        version: Version,
        realm: Option<&str>,
    ) -> Result<Self, KeyProblem> {
        let keys = key_file(file, password)?;
        let realm = realm.or(keys.realm()).ok_or_else(|| KeyProblem::NoRealm(file.to_owned()))?.to_owned();
        let key = Box::new(SigningKey::new(&keys).map_err(|error| content(file, &error))?);
        let made = Self(Kind::WebSphere { key, version, realm });
        // Keys for FIPS make no tokens of version 1.
        made.mint("CN=Nobody").map_err(|error| content(file, &error))?;
        Ok(made)
    }

    /// How the cookie is called where nobody has named it otherwise.
    pub fn cookie(&self) -> &'static str {
        match &self.0 {
            Kind::WebSphere { version: Version::Two, .. } => "LtpaToken2",
            Kind::WebSphere { version: Version::One, .. } | Kind::Domino(_) => "LtpaToken",
        }
    }

    /// A fresh token for a user; `None` for a name that no token can hold.
    pub fn token(&self, user: &str) -> Option<Secret> {
        let token = match &self.0 {
            Kind::Domino(secret) => {
                let (created, expires) = life();
                domino::mint(&lmbcs::encode(user), created, expires, secret).ok()
            }
            Kind::WebSphere { .. } => self.mint(user).ok(),
        };
        token.map(|token| Secret::new(token.into_bytes()))
    }

    /// Whether a token takes no time worth a thought; an RSA signature takes about a millisecond, which a browser
    /// would be late by.
    pub fn is_quick(&self) -> bool {
        matches!(self.0, Kind::Domino(_))
    }

    /// A token for each of these users, by all cores.
    pub async fn tokens(self: &Arc<Self>, users: &[String]) -> Vec<Secret> {
        let (mut making, mut batches) = (JoinSet::new(), users.chunks(BATCH).enumerate());
        let mut made: Vec<(usize, Vec<Secret>)> = Vec::new();
        loop {
            while making.len() < available_parallelism().map_or(1, usize::from)
                && let Some((number, batch)) = batches.next()
            {
                let (key, batch) = (Arc::clone(self), batch.to_vec());
                making.spawn_blocking(move || {
                    // A browser whose name fits no token is refused, as its user would be.
                    let token = |user: &String| key.token(user).unwrap_or_default();
                    (number, batch.iter().map(token).collect())
                });
            }
            match making.join_next().await {
                Some(batch) => made.extend(batch),
                None => break,
            }
        }
        made.sort_by_key(|(number, _)| *number);
        made.into_iter().flat_map(|(_, batch)| batch).collect()
    }

    fn mint(&self, user: &str) -> Result<String, MintError> {
        match &self.0 {
            Kind::WebSphere { key, version, realm } => key.mint(*version, realm, user, life().1.0 * 1000),
            Kind::Domino(_) => Err(MintError::NoPrivateKey),
        }
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKey(…)")
    }
}

/// The secret of a Domino SSO document, from a file with its base64 text.
pub(crate) fn domino_secret(file: &Path) -> Result<DominoSecret, KeyProblem> {
    let text = read_secret(file)?;
    DominoSecret::from_base64(text_of(file, &text)?).map_err(|error| content(file, &error))
}

/// What checks the tokens of WebSphere, from its key file.
pub(crate) fn verify_key(file: &Path, password: &Secret) -> Result<VerifyKey, KeyProblem> {
    VerifyKey::new(&key_file(file, password)?).map_err(|error| content(file, &error))
}

fn key_file(file: &Path, password: &Secret) -> Result<KeyFile, KeyProblem> {
    let text = read_secret(file)?;
    KeyFile::read(text_of(file, &text)?, password).map_err(|error| content(file, &error))
}

/// The content of a file, without the line end that editors put there.
pub(crate) fn read_secret(file: &Path) -> Result<Secret, KeyProblem> {
    // Room from the start: a buffer that grows leaves copies behind that nobody wipes.
    let mut bytes = Vec::with_capacity(MOST_BYTES as usize + 1);
    let read = File::open(file).and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes));
    read.map_err(|error| KeyProblem::File { file: file.to_owned(), error })?;
    let whole = Secret::new(bytes);
    let text = whole.expose();
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    match text.len() as u64 {
        0 => Err(content(file, &"there is nothing in it")),
        1..=MOST_BYTES => Ok(Secret::new(text.to_vec())),
        _ => Err(content(file, &"longer than any secret")),
    }
}

fn text_of<'a>(file: &Path, text: &'a Secret) -> Result<&'a str, KeyProblem> {
    str::from_utf8(text.expose()).map_err(|_| content(file, &"this is not text"))
}

fn content(file: &Path, text: &dyn fmt::Display) -> KeyProblem {
    KeyProblem::Content { file: file.to_owned(), text: text.to_string() }
}

fn life() -> (SystemSeconds, SystemSeconds) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    (SystemSeconds(now.saturating_sub(EARLIER)), SystemSeconds(now + LIFETIME.as_secs()))
}

#[cfg(test)]
mod tests {
    use protocol::ltpa::websphere::{self, WebSphereKey};
    use protocol::ltpa::{KeyLife, Policy};

    use super::*;

    const KEYS: &str = include_str!("estate/websphere.keys");

    fn text(token: &Secret) -> &str {
        str::from_utf8(token.expose()).unwrap()
    }

    #[test]
    fn tokens_of_a_key_file_prove_their_users() {
        let file = std::env::temp_dir().join(format!("livename-load-keys-{}", std::process::id()));
        std::fs::write(&file, KEYS).unwrap();
        let password = Secret::from("load test");
        let verify = Arc::new(VerifyKey::read(KEYS, &password).unwrap());
        let keys = [WebSphereKey { id: "k".into(), key: verify, life: KeyLife::ALWAYS }];
        let user = "CN=Ann $:|%\\/O=R";
        for (version, cookie, realm) in
            [(Version::One, "LtpaToken", None), (Version::Two, "LtpaToken2", Some("ldap:389"))]
        {
            let key = TokenKey::websphere_file(&file, &password, version, realm).unwrap();
            assert_eq!((key.cookie(), format!("{key:?}").as_str()), (cookie, "TokenKey(…)"));
            let token = key.token(user).unwrap();
            let policy = Policy { require_inner_expire: version == Version::Two, ..Policy::default() };
            let proof = websphere::prove(version, text(&token), &keys, life().0, &policy).unwrap();
            assert_eq!((proof.identity().user.as_str(), key.is_quick()), (user, false));
            assert_eq!(proof.identity().realm.as_deref(), Some(realm.unwrap_or("load")));
        }
        std::fs::remove_file(file).unwrap();
    }

    #[tokio::test]
    async fn many_tokens_come_in_the_order_of_their_users() {
        let secret = DominoSecret::from_bytes(&[7; 20]).unwrap();
        let keys = [domino::DominoKey { id: "k".into(), secret: secret.clone(), life: KeyLife::ALWAYS }];
        let users: Vec<String> = (0..3 * BATCH + 1).map(|number| format!("CN=P{number}/O=R")).collect();
        let tokens = Arc::new(TokenKey::domino(secret)).tokens(&users).await;
        assert_eq!(tokens.len(), users.len());
        for (token, user) in tokens.iter().zip(&users) {
            let proved = domino::verify(text(token), &keys, life().0, &Policy::default()).unwrap();
            assert_eq!(&proved.user, user);
        }
    }
}
