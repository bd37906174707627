//! Host names and the DNS domain of single sign-on (domino-directory.md 1.3, "Host names").

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A full host name that cookies of an SSO domain can reach: at least three labels, no address. Kept in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostName(String);

/// Why a text cannot be the host name of a participating server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHost {
    #[error("{0:?} is an IP address; single sign-on cookies need a host name")]
    Address(String),
    #[error(
        "{0:?} has fewer than three parts; single sign-on needs a full name such as mail1.renovation.example"
    )]
    Short(String),
    #[error("{0:?} is a server name; here a DNS host name is needed, such as mail1.renovation.example")]
    ServerName(String),
    #[error("{0:?} is a URL; write the host name alone")]
    Url(String),
    #[error("{0:?} is no host name")]
    Form(String),
}

impl HostName {
    /// The name in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the name ends with the domain, on a label boundary.
    pub fn is_below(&self, domain: &DnsDomain) -> bool {
        self.0.len() > domain.0.len() && self.0.ends_with(&domain.0)
    }
}

impl FromStr for HostName {
    type Err = BadHost;

    fn from_str(text: &str) -> Result<Self, BadHost> {
        let owned = || text.to_owned();
        if text.contains("://") {
            return Err(BadHost::Url(owned()));
        }
        if text.contains(['/', '=']) {
            return Err(BadHost::ServerName(owned()));
        }
        if text.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
            return Err(BadHost::Address(owned()));
        }
        let name = text.trim_end_matches('.').to_lowercase();
        if name.len() > 253 || !name.split('.').all(is_label) {
            return Err(BadHost::Form(owned()));
        }
        if name.split('.').count() < 3 {
            return Err(BadHost::Short(owned()));
        }
        Ok(Self(name))
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The domain of the cookies, with its leading dot: `.renovation.example`. Kept in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DnsDomain(String);

/// Why a text cannot be the DNS domain of an SSO configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadDomain {
    #[error("the leading dot is missing; write {:?}", format!(".{}", .0))]
    NoDot(String),
    #[error("{0:?} has fewer than two parts; browsers refuse cookies for such a domain")]
    Short(String),
    #[error("{0:?} is no DNS domain")]
    Form(String),
}

impl DnsDomain {
    /// With the leading dot, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DnsDomain {
    type Err = BadDomain;

    fn from_str(text: &str) -> Result<Self, BadDomain> {
        let Some(labels) = text.strip_prefix('.') else { return Err(BadDomain::NoDot(text.to_owned())) };
        let labels = labels.to_lowercase();
        if !labels.split('.').all(is_label) || labels.parse::<IpAddr>().is_ok() {
            return Err(BadDomain::Form(text.to_owned()));
        }
        if labels.split('.').count() < 2 {
            return Err(BadDomain::Short(text.to_owned()));
        }
        Ok(Self(format!(".{labels}")))
    }
}

impl fmt::Display for DnsDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_label(label: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=63).contains(&label.len())
        && label.bytes().all(inner)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_full_host_names_take_part() {
        let host: HostName = "Mail1.Renovation.Example.".parse().unwrap();
        assert_eq!(host.as_str(), "mail1.renovation.example");
        for (text, says) in [
            ("10.1.0.5", "IP address"),
            ("[::1]", "IP address"),
            ("mail1", "fewer than three"),
            ("renovation.example", "fewer than three"),
            ("Mail1/Renovation", "server name"),
            ("CN=Mail1", "server name"),
            ("https://im.renovation.example", "URL"),
            ("mail 1.renovation.example", "no host name"),
            ("a..renovation.example", "no host name"),
        ] {
            let error = text.parse::<HostName>().unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn a_domain_has_its_dot_and_ends_on_a_label() {
        let domain: DnsDomain = ".Renovation.example".parse().unwrap();
        let below = |text: &str| text.parse::<HostName>().unwrap().is_below(&domain);
        assert!(below("mail1.renovation.example"));
        assert!(below("a.b.renovation.example"));
        assert!(!below("mail1.myrenovation.example"));
        let error = "renovation.example".parse::<DnsDomain>().unwrap_err().to_string();
        assert!(error.contains(".renovation.example"), "{error}");
        assert!(".example".parse::<DnsDomain>().is_err());
        assert!(".10.1.0.5".parse::<DnsDomain>().is_err());
    }
}
