//! Why a token proves nothing.

use thiserror::Error;

/// The check that a token failed. For logs and metrics only: a client sees the [`Class`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("{}", self.reason())]
pub enum Rejection {
    /// None of the configured cookies is there.
    NoToken,
    /// The cookie is there without a value.
    Empty,
    /// More text or bytes than any token has.
    TooLong,
    /// Fewer bytes than the smallest token.
    TooShort,
    /// Not strict base64 (ltpa.md 2.2).
    BadBase64,
    /// No active secret gives this hash.
    BadMac,
    /// Not version 0 of the Domino format.
    BadHeader,
    /// A time that is not one, or an end before the beginning.
    BadTime,
    /// A name that cannot be decoded, is blank, or holds control characters.
    BadName,
    /// Longer from creation to expiration than the policy allows.
    Lifetime,
    /// No key decrypts it.
    Undecryptable,
    /// Decrypted to something that is not a token.
    BadBody,
    /// Not signed by the key that decrypts it.
    BadSignature,
    /// The same attribute twice.
    DuplicateAttribute,
    /// Signed, but about nobody.
    NoUser,
    /// The only expiry is outside the signature, which the policy does not accept.
    UnsignedExpiry,
    /// The expiry outside the signature is not the one inside.
    ExpiryMismatch,
    /// From a user registry that the policy does not list.
    WrongRealm,
    /// The key that proved it is not used at this time.
    KeyRetired,
    /// Two valid tokens name different users.
    MixedUsers,
    /// Made in the future.
    NotYetValid,
    /// Its time is over.
    Expired,
}

/// As much as a client may learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Nothing that was shown proves anything.
    Invalid,
    /// Genuine, but its time is over.
    Expired,
    /// Genuine, but from the future: clocks differ.
    NotYetValid,
}

impl Rejection {
    /// How much of this may be said outside. The two classes about time are reached only after a good MAC
    /// or signature.
    pub fn class(self) -> Class {
        match self {
            Self::Expired => Class::Expired,
            Self::NotYetValid => Class::NotYetValid,
            _ => Class::Invalid,
        }
    }

    /// A fixed word for logs and metric labels.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NoToken => "no_token",
            Self::Empty => "empty",
            Self::TooLong => "too_long",
            Self::TooShort => "too_short",
            Self::BadBase64 => "bad_base64",
            Self::BadMac => "bad_mac",
            Self::BadHeader => "bad_header",
            Self::BadTime => "bad_time",
            Self::BadName => "bad_name",
            Self::Lifetime => "lifetime",
            Self::Undecryptable => "undecryptable",
            Self::BadBody => "bad_body",
            Self::BadSignature => "bad_signature",
            Self::DuplicateAttribute => "duplicate_attribute",
            Self::NoUser => "no_user",
            Self::UnsignedExpiry => "unsigned_expiry",
            Self::ExpiryMismatch => "expiry_mismatch",
            Self::WrongRealm => "wrong_realm",
            Self::KeyRetired => "key_retired",
            Self::MixedUsers => "mixed_users",
            Self::NotYetValid => "not_yet_valid",
            Self::Expired => "expired",
        }
    }

    /// Whether the value is no token at all, such as the junk that a logout leaves in the cookie (ltpa.md 6).
    pub(crate) fn is_no_token(self) -> bool {
        matches!(self, Self::NoToken | Self::Empty | Self::BadBase64)
    }
}
