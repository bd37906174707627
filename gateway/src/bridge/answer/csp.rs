//! Content security policies that name the upstream (browser-side.md 3.8): a page that gets its scripts from the
//! gateway must be allowed to.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY_REPORT_ONLY, HeaderMap, HeaderValue};

use super::{Names, replace, rewrite};

/// Would send an http page to https for everything that it loads.
const ONLY_HTTPS: [&str; 2] = ["upgrade-insecure-requests", "block-all-mixed-content"];

pub(super) fn for_page(headers: &mut HeaderMap, names: &Arc<Names>) {
    for name in [CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY_REPORT_ONLY] {
        replace(headers, name, |value| {
            let old = value.to_str().ok()?;
            let new = policies(old, names);
            if new == old { None } else { HeaderValue::try_from(new).ok() }
        });
    }
}

/// A line may have several policies.
fn policies(line: &str, names: &Arc<Names>) -> String {
    let policy = |policy: &str| {
        let directives: Vec<_> = policy
            .split(';')
            .map(|directive| directive.split_ascii_whitespace().collect::<Vec<_>>())
            .filter(|words| names.page_tls() || !is_only_https(words))
            .filter_map(|words| {
                let (name, sources) = words.split_first()?;
                let sources = sources.iter().map(|one| format!(" {}", source(one, names)));
                Some(format!("{name}{}", sources.collect::<String>()))
            })
            .collect();
        directives.join("; ")
    };
    line.split(',').map(policy).filter(|policy| !policy.is_empty()).collect::<Vec<_>>().join(", ")
}

fn is_only_https(words: &[&str]) -> bool {
    words.first().is_some_and(|name| ONLY_HTTPS.iter().any(|one| one.eq_ignore_ascii_case(name)))
}

/// `http://st1.example`, and what only policies have: a bare host, and any port.
fn source(source: &str, names: &Arc<Names>) -> String {
    let rewritten = rewrite::rewrite(Bytes::copy_from_slice(source.as_bytes()), names);
    if rewritten != source.as_bytes() {
        return String::from_utf8_lossy(&rewritten).into_owned();
    }
    let (scheme, rest) =
        source.split_once("://").map_or((None, source), |(scheme, rest)| (Some(scheme), rest));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let any_port =
        port.is_none_or(|port| port == "*" || port.parse().is_ok_and(|port| names.is_upstream_port(port)));
    // With a scheme and a certain port it has been judged above.
    let is_judged = scheme.is_some() && port != Some("*");
    if is_judged || !any_port || names.authority().is_empty() || !names.is_upstream_host(host.as_bytes()) {
        return source.to_owned();
    }
    let scheme = match scheme {
        Some(scheme) if scheme.starts_with("ws") => {
            if names.sametime_tls() {
                "wss://"
            } else {
                "ws://"
            }
        }
        Some(_) => {
            if names.sametime_tls() {
                "https://"
            } else {
                "http://"
            }
        }
        None => "",
    };
    format!("{scheme}{}{path}", names.authority())
}

#[cfg(test)]
mod tests {
    use super::super::tests::names_of;
    use super::*;

    #[test]
    fn sources_name_the_gateway() {
        let names = names_of((true, "im.example:8443"), (false, "st1.example", 8088));
        for (from, to) in [
            (
                "script-src 'self' http://st1.example:8088 'unsafe-eval'",
                "script-src 'self' https://im.example:8443 'unsafe-eval'",
            ),
            ("img-src st1.example", "img-src im.example:8443"),
            ("img-src st1.example:8088 st1.example:*/a/", "img-src im.example:8443 im.example:8443/a/"),
            (
                "connect-src ws://st1.example:* http://st1.example:*",
                "connect-src wss://im.example:8443 https://im.example:8443",
            ),
            ("connect-src ws://st1.example:8088", "connect-src wss://im.example:8443"),
            (
                "frame-ancestors https://mail1.example st2.example *",
                "frame-ancestors https://mail1.example st2.example *",
            ),
            ("img-src st1.example:9, default-src http:", "img-src st1.example:9, default-src http:"),
            ("upgrade-insecure-requests", "upgrade-insecure-requests"),
        ] {
            assert_eq!(policies(from, &names), to);
            assert_eq!(policies(to, &names), to);
        }
    }

    #[test]
    fn an_http_page_is_not_sent_to_https() {
        let names = names_of((false, "im.example"), (true, "st1.example", 443));
        let policy = "upgrade-insecure-requests; script-src https://st1.example; block-all-mixed-content";
        assert_eq!(policies(policy, &names), "script-src http://im.example");
    }
}
