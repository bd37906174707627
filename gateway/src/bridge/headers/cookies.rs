//! Cookies on their way up. When a browser has several cookies of the name that carries the token, the upstream
//! could believe another one than the gateway did: it gets the one that was accepted (ltpa.md 6).

use http::header::{COOKIE, HeaderMap, HeaderValue};
use protocol::ltpa::{base64, cookie};

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

/// Of several cookies with the name of the accepted one, keeps only that. Call it after [`join`].
pub(super) fn keep_accepted(headers: &mut HeaderMap, identity: &Identity) {
    let Some(line) = headers.get(COOKIE).and_then(|line| line.to_str().ok()) else { return };
    let name = &*identity.cookie;
    if cookie::values(line, name).count() < 2 {
        return;
    }
    let mut is_kept = false;
    let pairs: Vec<_> = line
        .split(';')
        .map(str::trim)
        .filter(|pair| {
            let Some(value) = cookie::values(pair, name).next() else { return true };
            let is_accepted =
                base64::normalise(value).is_ok_and(|token| token.as_bytes() == identity.token.expose());
            let keep = is_accepted && !is_kept;
            is_kept |= keep;
            keep
        })
        .collect();
    if let Ok(mut kept) = HeaderValue::from_str(&pairs.join("; ")) {
        kept.set_sensitive(true);
        headers.insert(COOKIE, kept);
    }
}

#[cfg(test)]
mod tests {
    use protocol::secret::Secret;

    use super::*;

    fn kept(line: &str) -> String {
        let identity = Identity {
            user: "Ada".to_owned(),
            expires: 1,
            key_id: "k".into(),
            cookie: "LtpaToken".into(),
            token: Secret::from("QUJD+A=="),
        };
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, line.parse().unwrap());
        keep_accepted(&mut headers, &identity);
        headers.get(COOKIE).unwrap().to_str().unwrap().to_owned()
    }

    #[test]
    fn the_upstream_gets_the_token_that_was_accepted() {
        for (line, expected) in [
            ("a=b; LtpaToken=QUJD%2BA; LtpaToken2=x", "a=b; LtpaToken=QUJD%2BA; LtpaToken2=x"),
            ("LtpaToken=evil; a=b;LtpaToken=\"QUJD+A==\"", "a=b; LtpaToken=\"QUJD+A==\""),
            ("LtpaToken=QUJD+A==; LtpaToken=evil; LtpaToken2=x", "LtpaToken=QUJD+A==; LtpaToken2=x"),
            ("LtpaToken=QUJD+A==; LtpaToken=QUJD+A; flag", "LtpaToken=QUJD+A==; flag"),
        ] {
            assert_eq!(kept(line), expected);
        }
    }
}
