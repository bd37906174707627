//! Who is asking: LTPA cookies in, an identity or a reason out. Knows no HTTP types.

/// What a valid token proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Canonical name as the token has it (`CN=Ann Example/O=Acme`).
    pub user: String,
    /// Unix time in seconds after which the token is worth nothing.
    pub expires: u64,
}
