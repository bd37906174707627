//! Strict reading of a request head where HTTP leaves room: one host, a method that we can pass on.

use http::{HeaderMap, Method, Request, Version, header};

/// What is wrong with a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    #[error("the request names no host")]
    NoHost,
    #[error("the request names more than one host")]
    TwoHosts,
    #[error("the host is not a host")]
    BadHost,
    /// RFC 9112 6.1: a body in another coding would be passed on as something that it is not.
    #[error("the transfer coding is not plain \"chunked\"")]
    Coding,
    /// Servers differ in which methods they take for what.
    #[error("the method is not one")]
    BadMethod,
    /// CONNECT and TRACE have no meaning here (405).
    #[error("the method is not allowed")]
    Method,
}

/// Refuses what could be read in two ways. The host that is asked for, in lower case, with its port. Empty only in
/// HTTP/1.0.
pub(super) fn host<B>(request: &Request<B>) -> Result<String, HeadError> {
    if matches!(*request.method(), Method::CONNECT | Method::TRACE) {
        return Err(HeadError::Method);
    }
    let legal = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    if !request.method().as_str().bytes().all(legal) {
        return Err(HeadError::BadMethod);
    }
    let mut codings = request.headers().get_all(header::TRANSFER_ENCODING).iter();
    let is_chunked =
        codings.next().is_none_or(|coding| coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked"));
    if !is_chunked || codings.next().is_some() {
        return Err(HeadError::Coding);
    }
    let in_target = request.uri().authority().map(|authority| authority.as_str());
    let in_header = one_host(request.headers())?;
    let host = match (in_target, in_header) {
        // RFC 9112 3.2.2 lets the target win; a backend may think otherwise, so they must agree.
        (Some(target), Some(header)) if !target.eq_ignore_ascii_case(header) => {
            return Err(HeadError::TwoHosts);
        }
        (Some(host), _) | (None, Some(host)) => host,
        (None, None) if request.version() < Version::HTTP_11 => return Ok(String::new()),
        (None, None) => return Err(HeadError::NoHost),
    };
    valid_host(host)
}

/// `host[:port]` in lower case, if it is one.
pub(super) fn valid_host(host: &str) -> Result<String, HeadError> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~[]:%".contains(&byte);
    let port = host.rsplit_once(':').map_or("", |(_, port)| port);
    let has_port = port.bytes().all(|byte| byte.is_ascii_digit()) || port.ends_with(']');
    let good = !host.is_empty() && host.len() <= 262 && host.bytes().all(legal) && has_port;
    if good { Ok(host.to_ascii_lowercase()) } else { Err(HeadError::BadHost) }
}

fn one_host(headers: &HeaderMap) -> Result<Option<&str>, HeadError> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let first = hosts.next();
    if hosts.next().is_some() {
        return Err(HeadError::TwoHosts);
    }
    first.map(|host| host.to_str().map_err(|_| HeadError::BadHost)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(target: &str, hosts: &[&str], version: Version) -> Result<String, HeadError> {
        let mut request = Request::builder().uri(target).version(version);
        for host in hosts {
            request = request.header("host", *host);
        }
        host(&request.body(()).unwrap())
    }

    #[test]
    fn one_request_has_one_host() {
        let eleven = Version::HTTP_11;
        assert_eq!(asked("/", &["IM.Example:8080"], eleven), Ok("im.example:8080".into()));
        assert_eq!(asked("http://im.example/", &["IM.example"], eleven), Ok("im.example".into()));
        assert_eq!(asked("https://im.example/", &[], Version::HTTP_2), Ok("im.example".into()));
        assert_eq!(asked("/", &[], Version::HTTP_10), Ok(String::new()));
        assert_eq!(asked("/", &[], eleven), Err(HeadError::NoHost));
        assert_eq!(asked("/", &["a", "a"], eleven), Err(HeadError::TwoHosts));
        assert_eq!(asked("http://a/", &["b"], eleven), Err(HeadError::TwoHosts));
        assert_eq!(asked("/", &[""], eleven), Err(HeadError::BadHost));
        assert_eq!(asked("/", &["a/b"], eleven), Err(HeadError::BadHost));
        assert_eq!(asked("/", &["u@a"], eleven), Err(HeadError::BadHost));
        assert_eq!(asked("/", &["a:8x"], eleven), Err(HeadError::BadHost));
        assert_eq!(asked("/", &["[::1]"], eleven), Ok("[::1]".into()));
    }
}
