//! Where a browser is sent that has to log in, and what it is told to come back to. A return address that
//! anybody could choose would make the login page a springboard to foreign sites (ltpa.md 8, *Outside*).

use crate::config::{LoginPage, Origin, is_below};

/// The page that a browser asked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// `http` or `https`, as the browser sees it.
    pub scheme: &'a str,
    /// Lower case, with port if the request had one.
    pub host: &'a str,
    /// As sent.
    pub path_and_query: &'a str,
}

/// The address of the login page for this browser. `None` if it must not be sent there: the page is the login
/// page itself, or its own address cannot be vouched for. `own_hosts` are the hosts of the route, `domain`
/// that of the cookies.
pub fn address(
    page: &LoginPage,
    wanted: Wanted<'_>,
    own_hosts: &[String],
    domain: Option<&str>,
) -> Option<String> {
    let Wanted { scheme, host, path_and_query } = wanted;
    let path = path_and_query.split('?').next().unwrap_or_default();
    let is_same_host = page.host().is_none_or(|login| login.eq_ignore_ascii_case(host));
    if is_same_host && path.eq_ignore_ascii_case(page.path()) {
        return None;
    }
    // `//host` and `/\host` are other hosts to a browser.
    if !path.starts_with('/') || path.starts_with("//") || path.contains('\\') {
        return None;
    }
    if page.is_local() {
        return Some(page.address(path_and_query));
    }
    let name = Origin::host_of(host);
    let is_ours =
        own_hosts.iter().any(|own| own == name) || domain.is_some_and(|domain| is_below(name, domain));
    is_ours.then(|| page.address(&format!("{scheme}://{host}{path_and_query}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(page: &str, host: &str, path: &str) -> Option<String> {
        let page = LoginPage::parse(page).unwrap();
        let wanted = Wanted { scheme: "https", host, path_and_query: path };
        address(&page, wanted, &["im.other.example".to_owned()], Some(".acme.example"))
    }

    #[test]
    fn a_local_login_page_gets_a_local_path() {
        let page = "/names.nsf?Login&RedirectTo={return}";
        assert_eq!(
            sent(page, "any.host", "/mail/ann.nsf?Open").as_deref(),
            Some("/names.nsf?Login&RedirectTo=/mail/ann.nsf%3FOpen")
        );
        for path in ["//evil.example/", "/\\evil.example", "*", "/names.nsf?Login", "/Names.nsf"] {
            assert_eq!(sent(page, "any.host", path), None, "{path}");
        }
    }

    #[test]
    fn a_login_page_elsewhere_is_told_own_hosts_only() {
        let page = "https://login.acme.example/in?to={return}";
        for host in ["mail1.acme.example", "acme.example:8443", "im.other.example"] {
            let to = format!("https%3A//{}/a", host.replace(':', "%3A"));
            assert_eq!(sent(page, host, "/a"), Some(format!("https://login.acme.example/in?to={to}")));
        }
        for host in ["evil.example", "evilacme.example", "acme.example.evil.test", ""] {
            assert_eq!(sent(page, host, "/a"), None, "{host}");
        }
        assert_eq!(sent(page, "login.acme.example", "/in?to=x"), None);
        assert!(sent(page, "mail1.acme.example", "/in").is_some());
    }
}
