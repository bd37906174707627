//! Whether the browser may and can read what Sametime answers: redirects, CORS, failures, content policies.

use super::super::har::{Allowed, Exchange, Kind, Origin, Scheme};
use super::family::Family;
use super::{Browser, Check};

pub(super) fn take(browser: &mut Browser, exchange: &Exchange, family: Family) {
    let server = exchange.url.origin.to_string();
    match exchange.status {
        0 if exchange
            .error
            .as_deref()
            .is_some_and(|error| error.starts_with("net::") && error != "net::ERR_ABORTED") =>
        {
            let error = exchange.error.as_deref().unwrap_or_default();
            browser.see(Check::NoAnswer, &format!("{server} ({error})"), exchange);
        }
        300..=399 if exchange.status != 304 && family == Family::Api => {
            let to = exchange.location.as_ref().map_or("an unknown place".to_owned(), ToString::to_string);
            browser.see(Check::Redirect, &to, exchange);
        }
        401 | 403 => browser.see(Check::Refused, &format!("{} from {server}", exchange.status), exchange),
        500..=599 => browser.see(Check::Failed, &format!("{} from {server}", exchange.status), exchange),
        _ => {}
    }
    cors(browser, exchange, family);
}

/// A script's call to another origin, answered in a way that the script may not read.
fn cors(browser: &mut Browser, exchange: &Exchange, family: Family) {
    let asks = family == Family::Api
        && (exchange.kind == Kind::Script || exchange.preflight)
        && exchange.status != 0;
    let Some(page) = exchange.origin.as_ref().or(exchange.page.as_ref()).filter(|_| asks) else { return };
    if *page == exchange.url.origin {
        return;
    }
    let readable = exchange.allows_credentials && exchange.allowed == Some(Allowed::One(page.clone()));
    if !readable {
        browser.see(Check::Cors, &page.to_string(), exchange);
    }
}

/// The directives of a page's policies that keep scripts or calls from reaching the gateway over https.
pub(super) fn forbidden(policies: &[String], page: &Origin, gateway: &str) -> Vec<&'static str> {
    ["script-src", "connect-src"]
        .into_iter()
        .filter(|directive| policies.iter().any(|policy| !allows(policy, directive, page, gateway)))
        .collect()
}

fn allows(policy: &str, directive: &str, page: &Origin, gateway: &str) -> bool {
    let sources = |wanted: &str| {
        policy.split(';').map(str::trim).find_map(|one| {
            let (name, rest) = one.split_once(char::is_whitespace).unwrap_or((one, ""));
            name.eq_ignore_ascii_case(wanted).then_some(rest)
        })
    };
    let Some(sources) = sources(directive).or_else(|| sources("default-src")) else { return true };
    sources.split_whitespace().any(|source| matches(&source.to_ascii_lowercase(), page, gateway))
}

/// Whether one source of a policy covers the gateway on https, or on the page's own scheme.
fn matches(source: &str, page: &Origin, gateway: &str) -> bool {
    match source {
        "*" | "https:" | "http:" => return true,
        "'self'" => return page.host == gateway,
        _ => {}
    }
    let (scheme, rest) = source.split_once("://").unwrap_or(("", source));
    if page.scheme == Scheme::Https && matches!(scheme, "ws" | "wss") {
        return false;
    }
    let host = rest.split(['/', ':']).next().unwrap_or("");
    match host.strip_prefix("*.") {
        Some(domain) => gateway.strip_suffix(domain).is_some_and(|before| before.ends_with('.')),
        None => host == gateway,
    }
}
