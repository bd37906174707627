//! What a valid token proves.

use std::fmt;
use std::sync::Arc;

/// A moment in whole seconds since 1970-01-01 UTC. The clock is always the caller's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SystemSeconds(pub u64);

/// The user that a token names, and how far that goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The name as text: canonical (`CN=Ada Test/O=Example`), an LDAP name, or whatever the issuer maps
    /// names to. Never empty, never all blank, without control characters.
    pub user: String,
    /// The name exactly as the token spells it, before any decoding; `None` if that is the text.
    pub user_bytes: Option<Box<[u8]>>,
    /// The user registry that the name belongs to; Domino's own format has none.
    pub realm: Option<String>,
    /// When the token was made; the WebSphere formats do not say.
    pub created: Option<SystemSeconds>,
    /// The last second of the token's life, without the clock tolerance.
    pub expires: SystemSeconds,
    /// Which key accepted the token.
    pub key_id: Arc<str>,
    /// In which format it was written.
    pub format: Format,
}

impl Identity {
    /// The name exactly as the token spells it, before any decoding.
    pub fn user_bytes(&self) -> &[u8] {
        self.user_bytes.as_deref().unwrap_or(self.user.as_bytes())
    }

    /// Whether both name the same user. Letter case and look-alikes count as differences (ltpa.md 2.1); a
    /// missing realm matches every realm.
    pub fn is_same_user(&self, other: &Self) -> bool {
        let realms_agree = match (&self.realm, &other.realm) {
            (Some(mine), Some(theirs)) => mine == theirs,
            _ => true,
        };
        realms_agree && self.user == other.user
    }
}

/// The token formats of ltpa.md 1. Which one a cookie holds is configured, never guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// SHA-1 over the data and a shared secret, made by Domino.
    Domino,
    /// 3DES and an RSA signature that leaves the expiry out, made by old WebSphere.
    WebSphere1,
    /// AES and an RSA signature, made by WebSphere, Liberty, and Domino with imported keys.
    WebSphere2,
}

impl Format {
    /// The name used in configuration and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Domino => "domino",
            Self::WebSphere1 => "ltpa1",
            Self::WebSphere2 => "ltpa2",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
