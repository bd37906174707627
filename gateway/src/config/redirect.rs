//! Hosts whose browsers are sent from one scheme to the other.

/// Of some hosts, or of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemeRedirect {
    /// Lower case, without port; empty is every host.
    pub hosts: Vec<String>,
    /// To https if true, else to http.
    pub tls: bool,
    /// Port there, if it is not the scheme's usual one.
    pub port: Option<u16>,
    /// Path prefixes that stay where they are.
    pub except: Vec<String>,
}
