//! Host and path to route: the most specific path wins, then a route that names the host.
//!
//! Paths are compared without regard to case, because Domino's are: a route that protects `/admin` also
//! protects `/Admin`.

use std::sync::Arc;

use super::path::{self, PathError};
use crate::config::Route;

/// The routes, most specific first.
#[derive(Debug)]
pub struct Router {
    routes: Vec<Arc<Route>>,
}

/// Why a request has no route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    #[error(transparent)]
    Path(#[from] PathError),
    /// Servers would disagree on what the path names.
    #[error("the path can be read in two ways that lead to different routes")]
    Ambiguous,
    #[error("no route has this host and path")]
    None,
}

impl Router {
    /// Routes of equal rank keep their order.
    pub fn new(mut routes: Vec<Arc<Route>>) -> Self {
        routes.sort_by_key(|route| (std::cmp::Reverse(prefix(&route.path).len()), route.hosts.is_empty()));
        Self { routes }
    }

    /// All routes, most specific first.
    pub fn routes(&self) -> &[Arc<Route>] {
        &self.routes
    }

    /// `host` in lower case, with or without port; `path` as sent, without the query.
    pub fn route(&self, host: &str, path: &str) -> Result<&Arc<Route>, RouteError> {
        let readings = path::read(path)?;
        let host = without_port(host);
        let strict = self.find(host, &readings.strict);
        let loose = self.find(host, &readings.loose);
        match (strict, loose) {
            (Some(strict), Some(loose)) if Arc::ptr_eq(strict, loose) => Ok(strict),
            (None, None) => Err(RouteError::None),
            _ => Err(RouteError::Ambiguous),
        }
    }

    fn find(&self, host: &str, path: &[u8]) -> Option<&Arc<Route>> {
        self.routes.iter().find(|route| {
            is_below(path, prefix(&route.path))
                && (route.hosts.is_empty() || route.hosts.iter().any(|name| name == host))
        })
    }
}

/// `/a/` and `/a` name the same subtree; `/` names everything.
fn prefix(path: &str) -> &[u8] {
    path.trim_end_matches('/').as_bytes()
}

fn is_below(path: &[u8], prefix: &[u8]) -> bool {
    match path.split_at_checked(prefix.len()) {
        Some((start, rest)) => {
            start.eq_ignore_ascii_case(prefix) && matches!(rest.first(), None | Some(b'/'))
        }
        None => false,
    }
}

/// The host of `host[:port]`; an IPv6 address keeps its brackets.
fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Serve;

    fn router(routes: &[(&str, &str)]) -> Router {
        let route = |(host, path): &(&str, &str)| {
            Arc::new(Route {
                hosts: Some((*host).to_owned()).filter(|host| !host.is_empty()).into_iter().collect(),
                ..Route::bare(path, Serve::Builtin(format!("{host}{path}")))
            })
        };
        Router::new(routes.iter().map(route).collect())
    }

    fn name(found: Result<&Arc<Route>, RouteError>) -> Result<&str, RouteError> {
        found.map(|route| match &route.serve {
            Serve::Builtin(name) => name.as_str(),
            _ => unreachable!(),
        })
    }

    #[test]
    fn the_most_specific_path_wins_and_then_the_host() {
        let router =
            router(&[("", "/"), ("im.example", "/"), ("", "/stwebapi"), ("b.example", "/stwebapi/rtc/")]);
        for (host, path, expected) in [
            ("x.example", "/", "/"),
            ("im.example:8080", "/other", "im.example/"),
            ("im.example", "/stwebapi", "/stwebapi"),
            ("im.example", "/STwebAPI/x", "/stwebapi"),
            ("im.example", "/stwebapix", "im.example/"),
            ("im.example", "/stwebapi/rtc/x", "/stwebapi"),
            ("b.example", "/stwebapi/rtc/x", "b.example/stwebapi/rtc/"),
            ("b.example", "/stwebapi/rtc", "b.example/stwebapi/rtc/"),
            ("[::1]:80", "/x", "/"),
        ] {
            assert_eq!(name(router.route(host, path)), Ok(expected), "{host}{path}");
        }
    }

    #[test]
    fn no_spelling_of_a_protected_path_leads_to_another_route() {
        let router = router(&[("", "/"), ("", "/admin")]);
        for path in ["/admin/x", "/%61dmin/x", "/ADMIN/x", "/admin;a=b/x", "/admin%2Fx"] {
            assert_eq!(name(router.route("h", path)), Ok("/admin"), "{path}");
        }
        for path in ["//admin/x", "/admin%5Cx", "/admin\\x", "/%2fadmin", "/%5cadmin/x"] {
            assert_eq!(name(router.route("h", path)), Err(RouteError::Ambiguous), "{path}");
        }
    }

    #[test]
    fn a_host_without_a_route_has_none() {
        let router = router(&[("im.example", "/")]);
        assert_eq!(name(router.route("other.example", "/")), Err(RouteError::None));
        assert_eq!(name(router.route("", "/")), Err(RouteError::None));
    }
}
