//! The cookie that keeps a browser on one upstream: a session of the Sametime Proxy lives on one server
//! (browser-side.md 4). The value is an alias that tells outsiders nothing about the estate.

use http::header::{CACHE_CONTROL, COOKIE, HeaderMap, HeaderValue, SET_COOKIE};
use protocol::ltpa::cookie;
use ring::digest::{SHA256, digest};

use crate::config::Upstream;
use crate::http::Scheme;

/// The same on every node and after every start.
pub(super) fn alias(upstream: &Upstream) -> String {
    let digest = digest(&SHA256, upstream.to_string().as_bytes());
    digest.as_ref().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// Takes our cookie out of a request, whose cookies are in one line; the upstream has no use for it.
pub(in crate::bridge) fn named(headers: &mut HeaderMap, cookie: &str) -> Option<String> {
    let line = headers.get(COOKIE)?.as_bytes();
    let ours = cookie::values(line, cookie).next()?;
    let alias = str::from_utf8(ours).ok().map(str::to_owned);
    let is_other = |pair: &&[u8]| cookie::values(*pair, cookie).next().is_none();
    let pairs = line.split(|byte| *byte == b';').filter(is_other).map(<[u8]>::trim_ascii);
    let others = pairs.collect::<Vec<_>>().join(&b"; "[..]);
    if others.is_empty() {
        headers.remove(COOKIE);
    } else if let Ok(others) = HeaderValue::from_bytes(&others) {
        headers.insert(COOKIE, others);
    }
    alias
}

/// Tells the browser who has answered, if it does not know already. Not on answers that shared caches keep:
/// their readers would all come to one upstream.
pub(in crate::bridge) fn remember(headers: &mut HeaderMap, cookie: &str, alias: &str, page: Scheme) {
    let public = headers.get(CACHE_CONTROL).and_then(|value| value.to_str().ok());
    if public.is_some_and(|value| value.to_ascii_lowercase().contains("public")) {
        return;
    }
    // Pages of another host, on another site too, have to send it back; browsers allow that with Secure only.
    let flags = match page {
        Scheme::Https => "; Secure; SameSite=None",
        Scheme::Http => "",
    };
    if let Ok(value) = HeaderValue::try_from(format!("{cookie}={alias}; Path=/; HttpOnly{flags}")) {
        headers.append(SET_COOKIE, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_cookie_is_taken_out_and_the_others_stay() {
        for (line, ours, left) in [
            ("a=1; Server=abc; b=2", Some("abc"), Some("a=1; b=2")),
            ("Server=abc", Some("abc"), None),
            ("a=1; xServer=abc", None, Some("a=1; xServer=abc")),
            ("a=é; Server=abc", Some("abc"), Some("a=é")),
            ("Server=é; a=1", Some("é"), Some("a=1")),
        ] {
            let line = HeaderValue::from_bytes(line.as_bytes()).unwrap();
            let mut headers = HeaderMap::from_iter([(COOKIE, line)]);
            assert_eq!(named(&mut headers, "Server").as_deref(), ours);
            assert_eq!(headers.get(COOKIE).map(HeaderValue::as_bytes), left.map(str::as_bytes));
        }
    }

    #[test]
    fn what_shared_caches_keep_does_not_carry_it() {
        let mut headers =
            HeaderMap::from_iter([(CACHE_CONTROL, HeaderValue::from_static("Public, max-age=9"))]);
        remember(&mut headers, "Server", "abc", Scheme::Https);
        assert!(!headers.contains_key(SET_COOKIE));
        headers.remove(CACHE_CONTROL);
        remember(&mut headers, "Server", "abc", Scheme::Https);
        assert_eq!(headers[SET_COOKIE], "Server=abc; Path=/; HttpOnly; Secure; SameSite=None");
    }
}
