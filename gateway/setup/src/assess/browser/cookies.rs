//! The flags of the cookies that carry a login (ltpa.md 6).

use super::super::har::{Exchange, SetCookie};
use super::{Browser, Check};

pub(super) fn take(browser: &mut Browser, exchange: &Exchange) {
    for cookie in &exchange.cookies {
        domain(browser, exchange, cookie);
        flags(browser, exchange, cookie);
    }
}

fn domain(browser: &mut Browser, exchange: &Exchange, cookie: &SetCookie) {
    // The cookie of single-server sessions belongs to one host by design.
    if !cookie.name.starts_with("Ltpa") {
        return;
    }
    let Some(domain) = &cookie.domain else {
        return browser.see(Check::HostOnlyCookie, cookie.name, exchange);
    };
    let outside = |host: &String| {
        host != domain && !host.strip_suffix(domain.as_str()).is_some_and(|before| before.ends_with('.'))
    };
    if browser.gateway.as_ref().is_some_and(outside) {
        browser.see(Check::CookieDomain, &format!("{} is for .{domain}", cookie.name), exchange);
    }
}

fn flags(browser: &mut Browser, exchange: &Exchange, cookie: &SetCookie) {
    if cookie.secure {
        browser.see(Check::SecureCookie, cookie.name, exchange);
    }
    if cookie.http_only && cookie.name.starts_with("Ltpa") {
        browser.see(Check::HttpOnlyCookie, cookie.name, exchange);
    }
    match cookie.same_site {
        Some("strict") => {
            browser.see(Check::SameSite, &format!("{} is marked SameSite=Strict", cookie.name), exchange);
        }
        Some("none") if !cookie.secure => {
            let subject = format!("{} is marked SameSite=None without Secure", cookie.name);
            browser.see(Check::SameSite, &subject, exchange);
        }
        _ => {}
    }
}
