//! Origins of pages (RFC 6454) in one spelling, so that two of them can be compared as text.

use std::fmt;

/// `scheme://host[:port]`, lower case, default port left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    tls: bool,
    host: String,
    port: u16,
}

impl Origin {
    /// `None` for anything but an http or https origin.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let host = Self::host_of(rest);
        let port = match rest.get(host.len()..)? {
            "" => default_port(tls),
            port => port.strip_prefix(':')?.parse().ok()?,
        };
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte);
        let whole = !host.is_empty() && host.bytes().all(legal);
        whole.then(|| Self { tls, host: host.to_ascii_lowercase(), port })
    }

    /// An IPv6 address has its brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The host of `host[:port]`; an IPv6 address keeps its brackets.
    pub fn host_of(authority: &str) -> &str {
        let end = match authority.find(']') {
            Some(bracket) => bracket + 1,
            None => authority.find(':').unwrap_or(authority.len()),
        };
        authority.get(..end).unwrap_or(authority)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.tls { "https" } else { "http" }, self.host)?;
        if self.port == default_port(self.tls) { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

/// Whether browsers send a cookie of `domain` (`.acme.example`) to `host`: `mail1.acme.example` is below it,
/// and so is `acme.example` itself.
pub fn is_below(host: &str, domain: &str) -> bool {
    let domain = domain.trim_start_matches('.').to_ascii_lowercase();
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    !domain.is_empty()
        && host.strip_suffix(&domain).is_some_and(|labels| labels.is_empty() || labels.ends_with('.'))
}

fn default_port(tls: bool) -> u16 {
    if tls { 443 } else { 80 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_one_spelling() {
        let canonical = |text| Origin::parse(text).map(|origin| origin.to_string());
        assert_eq!(canonical("HTTPS://A.Example:443").as_deref(), Some("https://a.example"));
        assert_eq!(canonical("http://a.example:81").as_deref(), Some("http://a.example:81"));
        assert_eq!(canonical("https://[::1]:80").as_deref(), Some("https://[::1]:80"));
        assert_eq!(canonical("https://a.example/x"), None);
    }
}
