//! Which pages may open an event channel. Browsers send cookies with a WebSocket handshake whatever the
//! page, so the `Origin` header is what keeps a foreign page from reading as the user (RFC 6455 10.2).

use crate::config::{Origin, Sso, is_below};

/// Why a page was turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// `null`, or not `scheme://host[:port]`.
    #[error("the origin is not a web page")]
    NotAPage,
    /// A well-formed origin outside everything that is allowed.
    #[error("the origin is not allowed")]
    Foreign,
}

impl OriginError {
    /// The word for logs and metrics.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotAPage => "origin_not_a_page",
            Self::Foreign => "origin_foreign",
        }
    }
}

/// Judges the `Origin` header of a request that came to `host` (the `Host` header, port and all).
///
/// Allowed are: no header (not a browser, or a same-origin GET), the gateway's own host whatever the
/// scheme (a front may end TLS), hosts below the cookie domain, and the listed origins, which are
/// compared whole.
pub fn check(origin: Option<&str>, host: &str, sso: &Sso) -> Result<(), OriginError> {
    let Some(origin) = origin else { return Ok(()) };
    let page = Origin::parse(origin).ok_or(OriginError::NotAPage)?;
    let allowed = page.host() == Origin::host_of(host).to_ascii_lowercase()
        || sso.domain.as_deref().is_some_and(|domain| is_below(page.host(), domain))
        || sso.origins.contains(&page.to_string());
    if allowed { Ok(()) } else { Err(OriginError::Foreign) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sso() -> Sso {
        Sso {
            domain: Some(".acme.example".into()),
            origins: vec!["https://portal.other.example".into(), "http://kiosk.other.example:8080".into()],
            ..Sso::default()
        }
    }

    #[test]
    fn who_may_open_an_event_channel() {
        use OriginError::{Foreign, NotAPage};
        for (origin, expected) in [
            (None, Ok(())),
            (Some("https://im.host.test"), Ok(())),
            (Some("http://IM.host.test:8080"), Ok(())),
            (Some("https://mail1.acme.example"), Ok(())),
            (Some("https://a.b.ACME.example:8443"), Ok(())),
            (Some("https://acme.example"), Ok(())),
            (Some("https://portal.other.example"), Ok(())),
            (Some("https://portal.other.example:443"), Ok(())),
            (Some("http://kiosk.other.example:8080"), Ok(())),
            (Some("http://portal.other.example"), Err(Foreign)),
            (Some("https://portal.other.example:444"), Err(Foreign)),
            (Some("https://x.portal.other.example"), Err(Foreign)),
            (Some("https://evilacme.example"), Err(Foreign)),
            (Some("https://acme.example.evil.test"), Err(Foreign)),
            (Some("https://im.host.test.evil.test"), Err(Foreign)),
            (Some("null"), Err(NotAPage)),
            (Some(""), Err(NotAPage)),
            (Some("https://"), Err(NotAPage)),
            (Some("https://a@acme.example"), Err(NotAPage)),
            (Some("https://evil.test/.acme.example"), Err(NotAPage)),
            (Some("https://evil.test#.acme.example"), Err(NotAPage)),
            (Some("https://evil.test\\.acme.example"), Err(NotAPage)),
            (Some("https://evil.test:x.acme.example"), Err(NotAPage)),
            (Some("file://acme.example"), Err(NotAPage)),
        ] {
            assert_eq!(check(origin, "im.host.test:443", &sso()), expected, "{origin:?}");
        }
    }

    #[test]
    fn without_a_domain_only_the_own_host_remains() {
        let none = Sso::default();
        assert_eq!(check(Some("https://[::1]:9"), "[::1]:8080", &none), Ok(()));
        assert_eq!(
            check(Some("https://mail1.acme.example"), "im.acme.example", &none),
            Err(OriginError::Foreign)
        );
    }
}
