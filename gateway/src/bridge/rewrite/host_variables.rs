//! The two scripts of Sametime Links that hold host names by themselves, not in URLs: `hostinfo.js` (host and
//! port variables; their names are not public, so values decide) and `stlinks.js` (`ll_proxyName`,
//! `ll_AffinityId`: commented out as shipped, and all that pages need behind a reverse proxy)
//! (browser-side.md 2.1 and 2.3).

use super::names::Names;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VendorScript {
    Links,
    HostInfo,
}

impl VendorScript {
    /// Domino does not tell upper and lower case apart, and pages do not agree on it.
    pub(super) fn at(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or_default();
        [("stlinks.js", Self::Links), ("hostinfo.js", Self::HostInfo)]
            .into_iter()
            .find_map(|(script, kind)| script.eq_ignore_ascii_case(name).then_some(kind))
    }

    /// The script with the page's names in its variables. Idempotent but for the lines at the end.
    pub(super) fn rewrite(self, script: &[u8], names: &Names) -> Vec<u8> {
        let mut out = Vec::with_capacity(script.len() + 128);
        let mut done = 0;
        for (at, _) in script.iter().enumerate().filter(|(_, byte)| matches!(byte, b'=' | b':')) {
            let Some(value) = Value::read(script, at).filter(|value| value.start >= done) else { continue };
            let Some(new) = self.replacement(&value, names) else { continue };
            out.extend_from_slice(script.get(done..value.start).unwrap_or_default());
            out.extend_from_slice(new.as_bytes());
            done = value.start + value.text.len();
        }
        out.extend_from_slice(script.get(done..).unwrap_or_default());
        if self == Self::Links && !names.affinity().is_empty() {
            let proxy = names.authority();
            let affinity = names.affinity().trim_start_matches('/');
            out.extend_from_slice(
                format!("\nvar ll_proxyName = \"{proxy}\", ll_AffinityId = \"{affinity}\";\n").as_bytes(),
            );
        }
        out
    }

    fn replacement(self, value: &Value<'_>, names: &Names) -> Option<String> {
        let text = std::str::from_utf8(value.text).ok()?;
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        };
        if value.quoted && names.is_upstream_host(host.as_bytes()) {
            return match port {
                None => Some(names.host().to_owned()),
                Some(port) => {
                    let ours = names.is_upstream_port(port.parse().ok()?);
                    ours.then(|| names.authority().to_owned())
                }
            };
        }
        if self != Self::HostInfo {
            return None;
        }
        let name = value.name.to_ascii_lowercase();
        if name.ends_with(b"port") && names.is_upstream_port(text.parse().ok()?) {
            return Some(names.port().to_string());
        }
        let word = |tls| if tls { "https" } else { "http" };
        let rest = text.strip_prefix(word(names.answered_tls()))?;
        let is_scheme = value.quoted && matches!(rest, "" | ":" | "://");
        is_scheme.then(|| format!("{}{rest}", word(names.sametime_tls())))
    }
}

/// `name = "text"`, `name: 'text'` or a plain number.
struct Value<'a> {
    name: &'a [u8],
    text: &'a [u8],
    /// Where the text starts, behind its quote.
    start: usize,
    quoted: bool,
}

impl<'a> Value<'a> {
    /// `at` is the place of the `=` or `:`.
    fn read(script: &'a [u8], at: usize) -> Option<Self> {
        let (before, after) = script.split_at_checked(at)?;
        let after = after.get(1..)?;
        // Comparisons are no assignments.
        if before.last().is_some_and(|byte| b"=!<>".contains(byte)) || after.first() == Some(&b'=') {
            return None;
        }
        let bare = before.trim_ascii_end();
        let bare = bare.strip_suffix(b"\"").or_else(|| bare.strip_suffix(b"'")).unwrap_or(bare);
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$');
        let length = bare.iter().rev().take_while(|byte| is_name(byte)).count();
        let name = bare.get(bare.len() - length..)?;
        let blanks = after.len() - after.trim_ascii_start().len();
        let value = after.get(blanks..)?;
        let quote = value.first().filter(|byte| matches!(byte, b'"' | b'\''));
        let (text, skip) = match quote {
            Some(quote) => {
                let rest = value.get(1..)?;
                let end = rest.iter().position(|byte| byte == quote || matches!(byte, b'\\' | b'\n'))?;
                (rest.get(..end).filter(|_| rest.get(end) == Some(quote))?, 1)
            }
            None => {
                let end = value.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(value.len());
                (value.get(..end)?, 0)
            }
        };
        let usable = !name.is_empty() && !text.is_empty();
        usable.then_some(Self { name, text, start: at + 1 + blanks + skip, quoted: quote.is_some() })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::names::Page;
    use super::*;
    use crate::config::Address;

    fn names(affinity: &str) -> Names {
        let known = Arc::new([Address { tls: false, host: "st1.example".into(), port: 8088 }]);
        let page = Page { tls: true, sametime_tls: true, authority: "im.example:8443".into() };
        Names::new(known, false, page, affinity)
    }

    fn host_info(script: &str) -> String {
        String::from_utf8(VendorScript::HostInfo.rewrite(script.as_bytes(), &names(""))).unwrap()
    }

    #[test]
    fn host_variables_hold_the_pages_names() {
        let script = "var STHost = \"st1.example\", webPort=8088, vpPort = 1533;\n\
             var H = { communityHost: 'ST1.example', \"HttpPort\" : \"8088\", protocol: \"http\", at: 'st1.example:8088' };\n\
             if (location.protocol == \"http\" || a != 'st1.example') { other = \"st2.example\"; url = 'http://x'; }";
        let expected = "var STHost = \"im.example\", webPort=8443, vpPort = 1533;\n\
             var H = { communityHost: 'im.example', \"HttpPort\" : \"8443\", protocol: \"https\", at: 'im.example:8443' };\n\
             if (location.protocol == \"http\" || a != 'st1.example') { other = \"st2.example\"; url = 'http://x'; }";
        assert_eq!(host_info(script), expected);
        assert_eq!(host_info(expected), expected);
    }

    #[test]
    fn the_script_of_the_links_learns_who_the_proxy_is() {
        let script = b"// var ll_proxyName = \"\";\nvar isTAM_env = false; var scheme = 'http';";
        let out = VendorScript::Links.rewrite(script, &names("/st01"));
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with(std::str::from_utf8(script).unwrap()), "{text}");
        assert!(
            text.ends_with("\nvar ll_proxyName = \"im.example:8443\", ll_AffinityId = \"st01\";\n"),
            "{text}"
        );
        assert_eq!(VendorScript::Links.rewrite(script, &names("")), script);
    }

    #[test]
    fn the_two_scripts_are_known_by_name_in_any_case() {
        assert_eq!(VendorScript::at("/st01/sametime/stlinks/hostInfo.js"), Some(VendorScript::HostInfo));
        assert_eq!(VendorScript::at("/sametime/stlinks/STLinks.js"), Some(VendorScript::Links));
        assert_eq!(VendorScript::at("/sametime/stlinks/my-stlinks.js"), None);
    }
}
