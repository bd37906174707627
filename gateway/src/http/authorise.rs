//! Whether a request may be served, by its token and its route's policy; and where a page is sent whose user
//! has to log in.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use http::{HeaderMap, Method, Request, header};

use super::{Failure, Live, Scheme};
use crate::auth::login::{self, Wanted};
use crate::auth::{Identity, Rejection};
use crate::config::{AuthPolicy, Route};

/// Checks the cookies if the policy asks for it.
pub(super) fn authorise<B>(
    live: &Live,
    route: &Route,
    request: &Request<B>,
    host: &str,
    scheme: Scheme,
) -> Result<Option<Arc<Identity>>, Failure> {
    if route.auth == AuthPolicy::Off {
        return Ok(None);
    }
    // HTTP/2 clients may send one header per cookie.
    let cookies: Vec<&str> =
        request.headers().get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).collect();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    match live.authenticator.check(&cookies, now) {
        Ok(identity) => Ok(Some(Arc::new(identity))),
        Err(rejection) if route.auth == AuthPolicy::Required => {
            Err(refusal(live, route, request, host, scheme, rejection))
        }
        Err(_) => Ok(None),
    }
}

/// People are sent to the login page, programs are told. Nothing depends on why the token was refused.
fn refusal<B>(
    live: &Live,
    route: &Route,
    request: &Request<B>,
    host: &str,
    scheme: Scheme,
    rejection: Rejection,
) -> Failure {
    let path_and_query = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let wanted = Wanted { scheme: scheme.name(), host, path_and_query };
    let address = route
        .login
        .as_ref()
        .filter(|_| is_navigation(request.method(), request.headers()))
        .and_then(|page| login::address(page, wanted, &route.hosts, live.sso.domain.as_deref()));
    match address {
        Some(address) => Failure::Login { rejection, address },
        None => Failure::Token(rejection),
    }
}

/// Whether a person looks at the answer. Current browsers say so (Fetch Metadata); of others, a page that is
/// asked for as HTML and not by a script counts.
fn is_navigation(method: &Method, headers: &HeaderMap) -> bool {
    let says = |name: &str, wanted: &str| {
        headers.get(name).and_then(|value| value.to_str().ok()).is_some_and(|value| value.contains(wanted))
    };
    let by_script = headers.contains_key("x-requested-with") || headers.contains_key(header::UPGRADE);
    let is_page = if headers.contains_key("sec-fetch-mode") {
        says("sec-fetch-mode", "navigate")
    } else {
        says("accept", "text/html")
    };
    is_page && !by_script && (method == Method::GET || method == Method::HEAD)
}
