//! Cookies on their way up. When a browser has several cookies that could carry the token, the upstream could
//! believe another one than the gateway did: it gets those that were accepted (ltpa.md 6).

use http::header::{COOKIE, HeaderMap, HeaderValue};
use protocol::ltpa::{base64, cookie};
use protocol::secret::Secret;

use crate::auth::Identity;

/// HTTP/2 splits cookies over several lines; HTTP/1.1 allows one.
pub(super) fn join(headers: &mut HeaderMap) {
    let mut lines = headers.get_all(COOKIE).iter();
    let (Some(first), Some(_)) = (lines.next(), lines.next()) else { return };
    let mut joined = first.as_bytes().to_vec();
    for line in headers.get_all(COOKIE).iter().skip(1) {
        joined.extend_from_slice(b"; ");
        joined.extend_from_slice(line.as_bytes());
    }
    if let Ok(joined) = HeaderValue::from_bytes(&joined) {
        headers.insert(COOKIE, joined);
    }
}

/// Of the cookies of single sign-on, keeps those that were accepted. Call it after [`join`].
pub(super) fn keep_accepted(headers: &mut HeaderMap, identity: &Identity) {
    let Some(line) = headers.get(COOKIE).map(HeaderValue::as_bytes) else { return };
    if identity.others.is_empty() && cookie::values(line, &identity.cookie).count() < 2 {
        return;
    }
    let others = identity.others.iter().map(|(name, token)| (&**name, token.as_ref()));
    let mut known: Vec<_> = others.chain([(&*identity.cookie, Some(&identity.token))]).collect();
    let mut is_kept = |pair: &&[u8]| {
        for (name, token) in &mut known {
            let Some(value) = cookie::values(*pair, name).next() else { continue };
            let accepted = |token: &mut &Secret| {
                base64::normalise(value).is_ok_and(|value| value.as_bytes() == token.expose())
            };
            // Once only.
            return token.take_if(accepted).is_some();
        }
        true
    };
    let pairs = line.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let kept = pairs.filter(|pair| is_kept(pair)).collect::<Vec<_>>().join(&b"; "[..]);
    if let Ok(mut kept) = HeaderValue::from_bytes(&kept) {
        kept.set_sensitive(true);
        headers.insert(COOKIE, kept);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn kept(others: Vec<(Arc<str>, Option<Secret>)>, line: &[u8]) -> String {
        let identity = Identity {
            user: "Ada".to_owned(),
            expires: 1,
            key_id: "k".into(),
            cookie: "LtpaToken".into(),
            token: Secret::from("QUJD+A=="),
            others,
        };
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_bytes(line).unwrap());
        keep_accepted(&mut headers, &identity);
        String::from_utf8_lossy(headers.get(COOKIE).unwrap().as_bytes()).into_owned()
    }

    #[test]
    fn the_upstream_gets_the_token_that_was_accepted() {
        for (line, expected) in [
            ("a=b; LtpaToken=QUJD%2BA; LtpaToken2=x", "a=b; LtpaToken=QUJD%2BA; LtpaToken2=x"),
            ("LtpaToken=evil; a=b;LtpaToken=\"QUJD+A==\"", "a=b; LtpaToken=\"QUJD+A==\""),
            ("LtpaToken=QUJD+A==; LtpaToken=evil; LtpaToken2=x", "LtpaToken=QUJD+A==; LtpaToken2=x"),
            ("LtpaToken=QUJD+A==; LtpaToken=QUJD+A; flag", "LtpaToken=QUJD+A==; flag"),
            ("é=é; LtpaToken=é; LtpaToken=QUJD+A; LtpaToken=evil", "é=é; LtpaToken=QUJD+A"),
        ] {
            assert_eq!(kept(Vec::new(), line.as_bytes()), expected);
        }
        let latin1 = b"x=caf\xE9; LtpaToken=evil; LtpaToken=QUJD+A";
        assert_eq!(kept(Vec::new(), latin1), "x=caf\u{FFFD}; LtpaToken=QUJD+A");
    }

    #[test]
    fn another_cookie_of_single_sign_on_goes_on_only_if_it_proves_the_same_user() {
        let line = b"LtpaToken2=RUZH; LtpaToken=QUJD+A==; LtpaToken2=evil; a=b";
        let other = |token| vec![(Arc::from("LtpaToken2"), token)];
        assert_eq!(kept(other(None), line), "LtpaToken=QUJD+A==; a=b");
        assert_eq!(kept(other(Some("RUZH".into())), line), "LtpaToken2=RUZH; LtpaToken=QUJD+A==; a=b");
    }
}
