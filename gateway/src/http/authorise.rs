//! Whether a request may be served, by its token and its route's policy.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use http::{HeaderMap, header};

use super::{Failure, Live};
use crate::auth::Identity;
use crate::config::AuthPolicy;

/// Checks the cookies if the policy asks for it.
pub(super) fn authorise(
    live: &Live,
    policy: AuthPolicy,
    headers: &HeaderMap,
) -> Result<Option<Arc<Identity>>, Failure> {
    if policy == AuthPolicy::Off {
        return Ok(None);
    }
    // HTTP/2 clients may send one header per cookie.
    let cookies: Vec<&str> =
        headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).collect();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    match live.authenticator.check(&cookies, now) {
        Ok(identity) => Ok(Some(Arc::new(identity))),
        Err(rejection) if policy == AuthPolicy::Required => Err(Failure::Token(rejection)),
        Err(_) => Ok(None),
    }
}
