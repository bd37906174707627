//! What a site demands of a token beyond a good key.

use std::time::Duration;

/// Rules that apply to every token of a key ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Allowed clock difference at both ends of a token's life. Default 60 s; more than 300 s makes no sense.
    pub skew: Duration,
    /// How Domino names are written. Default LMBCS.
    pub charset: Charset,
    /// Longest accepted time between creation and expiration of a Domino token. Default: no limit.
    pub max_lifetime: Option<Duration>,
    /// Realms whose WebSphere tokens are accepted. Empty: any.
    pub realms: Vec<String>,
    /// Whether a WebSphere token must have its expiry inside the signature. Default yes; tokens of version 1
    /// never have it.
    pub require_inner_expire: bool,
    /// How far the expiry outside the signature may be from the one inside; `None` is any distance.
    /// Default 3 s, as Liberty has it.
    pub expiry_difference: Option<Duration>,
    /// Whether FIPS keys are used. Off by default: how their tokens are signed was never confirmed
    /// with a real one (ltpa.md 4.1).
    pub fips: bool,
    /// Whether a cookie that was refused as invalid leaves room for the next cookie name. Off by default: it
    /// lets whoever can plant a cookie choose the weaker format (ltpa.md 6).
    pub fallback: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            skew: Duration::from_secs(60),
            charset: Charset::Lmbcs,
            max_lifetime: None,
            realms: Vec::new(),
            require_inner_expire: true,
            expiry_difference: Some(Duration::from_secs(3)),
            fips: false,
            fallback: false,
        }
    }
}

/// How the name in a Domino token is written. `C3 A9` is valid in both and means different users, so this
/// is never guessed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Charset {
    /// What Domino writes.
    #[default]
    Lmbcs,
    /// What some other issuers write.
    Utf8,
}
