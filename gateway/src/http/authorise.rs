//! Whether a request may be served, by its token and its route's policy; and where a page is sent whose user
//! has to log in.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderValue, Method, Uri, header};

use super::{Failure, Live, Scheme};
use crate::auth::login::{self, Wanted};
use crate::auth::{Delegated, Identity, Rejection, Shown};
use crate::config::{AuthPolicy, Route};

/// What of a request decides.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) method: &'a Method,
    pub(super) uri: &'a Uri,
    pub(super) headers: &'a HeaderMap,
    pub(super) host: &'a str,
    pub(super) scheme: Scheme,
    pub(super) client: IpAddr,
}

/// Whom the cookies prove. Waits only where a community has to be asked.
pub(super) async fn identify(
    live: &Live,
    delegates: &HashMap<String, Arc<Delegated>>,
    asked: Asked<'_>,
) -> Result<Arc<Identity>, Rejection> {
    // HTTP/2 clients may send one header per cookie.
    let cookies: Vec<&[u8]> =
        asked.headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let mut checked = live.authenticator.check(&cookies, now);
    if let Some(delegation) = &live.sso.delegated {
        match &mut checked {
            Err(Rejection::Missing) => {
                if let Some(delegated) = delegates.get(&delegation.community) {
                    let shown = Shown { cookies: &cookies, client: asked.client, now };
                    checked = delegated.check(shown, &live.sso, delegation, &live.limits).await;
                }
            }
            // Nobody has asked about it.
            Ok(identity) => identity.others.push((delegation.cookie.as_str().into(), None)),
            Err(_) => {}
        }
    }
    if checked == Err(Rejection::Missing) {
        live.authenticator.missing();
    }
    checked.map(Arc::new)
}

/// Applies the route's policy; the cookies are looked at if it asks for it and nobody did so before.
pub(super) async fn authorise(
    live: &Live,
    delegates: &HashMap<String, Arc<Delegated>>,
    route: &Route,
    asked: Asked<'_>,
    checked: Option<Result<Arc<Identity>, Rejection>>,
) -> Result<Option<Arc<Identity>>, Failure> {
    if route.auth == AuthPolicy::Off {
        return Ok(None);
    }
    let checked = match checked {
        Some(checked) => checked,
        None => identify(live, delegates, asked).await,
    };
    match checked {
        Ok(identity) => Ok(Some(identity)),
        Err(rejection) if route.auth == AuthPolicy::Required => Err(refusal(live, route, asked, rejection)),
        Err(_) => Ok(None),
    }
}

/// People are sent to the login page, programs are told. Nothing depends on why the token was refused.
fn refusal(live: &Live, route: &Route, asked: Asked<'_>, rejection: Rejection) -> Failure {
    if rejection == Rejection::Unavailable {
        // The login page would send them back with the same token.
        return Failure::Token(rejection);
    }
    let path_and_query = asked.uri.path_and_query().map_or("/", |path| path.as_str());
    let wanted = Wanted { scheme: asked.scheme.name(), host: asked.host, path_and_query };
    let address = route
        .login
        .as_ref()
        .filter(|_| is_navigation(asked.method, asked.headers))
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
