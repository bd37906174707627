//! Sends browsers from one scheme to the other, for hosts that are configured so. Path and query stay.
//!
//! Browsers do not follow redirects of WebSocket handshakes and of preflights: pages have to name the right scheme
//! for those themselves.

use http::{HeaderValue, Method, Response, StatusCode, Uri, header};

use super::head::HeadError;
use super::{Body, Scheme, full};
use crate::config::{Origin, SchemeRedirect};

/// The answer to a request that belongs to the other scheme. `host` may have a port.
pub(super) fn answer(
    redirects: &[SchemeRedirect],
    method: &Method,
    uri: &Uri,
    host: &str,
    scheme: Scheme,
) -> Result<Option<Response<Body>>, HeadError> {
    if redirects.is_empty() {
        return Ok(None);
    }
    let name = Origin::host_of(host);
    let Some(redirect) = of(redirects, name) else { return Ok(None) };
    let is_there = redirect.tls == (scheme == Scheme::Https);
    // `OPTIONS *` is about no page.
    if is_there
        || !uri.path().starts_with('/')
        || redirect.except.iter().any(|path| is_below(uri.path(), path))
    {
        return Ok(None);
    }
    if name.is_empty() {
        return Err(HeadError::NoHost);
    }
    let to = if redirect.tls { "https" } else { "http" };
    let port = redirect.port.map(|port| format!(":{port}")).unwrap_or_default();
    let rest = uri.path_and_query().map_or("/", |rest| rest.as_str());
    let location =
        HeaderValue::try_from(format!("{to}://{name}{port}{rest}")).map_err(|_| HeadError::BadHost)?;
    let mut response = Response::new(full(""));
    *response.status_mut() = match *method {
        Method::GET | Method::HEAD => StatusCode::MOVED_PERMANENTLY,
        // Sent again as it is, with its body.
        _ => StatusCode::PERMANENT_REDIRECT,
    };
    response.headers_mut().insert(header::LOCATION, location);
    // Browsers keep such answers for ever; the configuration may change its mind.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(Some(response))
}

/// Whether nothing but https is meant for the host, so that a browser may be told so for good.
pub(super) fn is_for_https(redirects: &[SchemeRedirect], host: &str) -> bool {
    of(redirects, Origin::host_of(host)).is_some_and(|redirect| redirect.tls && redirect.except.is_empty())
}

/// The host's own, or the one of every host.
fn of<'a>(redirects: &'a [SchemeRedirect], host: &str) -> Option<&'a SchemeRedirect> {
    let named = redirects.iter().find(|redirect| redirect.hosts.iter().any(|name| name == host));
    named.or_else(|| redirects.iter().find(|redirect| redirect.hosts.is_empty()))
}

/// Spelled as it is configured: any other spelling is redirected.
fn is_below(path: &str, prefix: &str) -> bool {
    let rest = path.strip_prefix(prefix.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirects() -> Vec<SchemeRedirect> {
        let redirect = |hosts: &[&str], tls, port, except: &[&str]| SchemeRedirect {
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            tls,
            port,
            except: except.iter().map(|path| (*path).to_owned()).collect(),
        };
        vec![
            redirect(&[], true, None, &["/.well-known/acme-challenge"]),
            redirect(&["old.example", "[::1]"], false, Some(8080), &[]),
        ]
    }

    fn location(method: Method, uri: &str, host: &str, scheme: Scheme) -> Option<(u16, String)> {
        let answer = answer(&redirects(), &method, &uri.parse().unwrap(), host, scheme).unwrap()?;
        let location = answer.headers()[header::LOCATION].to_str().unwrap().to_owned();
        Some((answer.status().as_u16(), location))
    }

    #[test]
    fn each_host_has_its_scheme_and_path_and_query_stay() {
        use Scheme::{Http, Https};
        let post = Method::POST;
        for (method, uri, host, scheme, expected) in [
            (Method::GET, "/a?b=%2f", "im.example", Http, Some((301, "https://im.example/a?b=%2f"))),
            (Method::HEAD, "/", "im.example:80", Http, Some((301, "https://im.example/"))),
            (post.clone(), "//x", "im.example", Http, Some((308, "https://im.example//x"))),
            (Method::GET, "/", "im.example", Https, None),
            (Method::GET, "/a", "old.example:8443", Https, Some((301, "http://old.example:8080/a"))),
            (post, "/a", "[::1]:8443", Https, Some((308, "http://[::1]:8080/a"))),
            (Method::GET, "/a", "old.example", Http, None),
            (Method::OPTIONS, "*", "im.example", Http, None),
        ] {
            let expected = expected.map(|(status, location)| (status, location.to_owned()));
            assert_eq!(location(method, uri, host, scheme), expected, "{scheme:?} {host} {uri}");
        }
    }

    #[test]
    fn excepted_paths_stay_in_their_own_spelling_only() {
        for (path, stays) in [
            ("/.well-known/acme-challenge/token", true),
            ("/.well-known/acme-challenge", true),
            ("/.well-known/acme-challenges", false),
            ("/.well-known/%61cme-challenge/token", false),
            ("/.WELL-known/acme-challenge/token", false),
        ] {
            let moved = location(Method::GET, path, "im.example", Scheme::Http);
            assert_eq!(moved.is_none(), stays, "{path}");
        }
    }

    #[test]
    fn a_host_with_exceptions_is_not_for_https_alone() {
        let mut redirects = redirects();
        assert!(!is_for_https(&redirects, "im.example"));
        redirects[0].except.clear();
        assert!(is_for_https(&redirects, "im.example:8443"));
        assert!(!is_for_https(&redirects, "old.example"));
        assert!(!is_for_https(&[], "im.example"));
    }

    #[test]
    fn without_a_host_there_is_nowhere_to_go() {
        let answer = answer(&redirects(), &Method::GET, &Uri::from_static("/"), "", Scheme::Http);
        assert_eq!(answer.unwrap_err(), HeadError::NoHost);
    }
}
