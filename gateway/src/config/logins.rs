//! How pages may log in on an awareness route (browser-side.md 3.3).

/// The methods of the Sametime Proxy's log-in that a route allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Logins {
    /// By the cookie of single sign-on.
    pub token: bool,
    /// By name and password, which the page sends.
    pub password: bool,
    /// By nothing: only to look.
    pub anonymous: bool,
}

impl Default for Logins {
    fn default() -> Self {
        Self { token: true, password: false, anonymous: false }
    }
}
