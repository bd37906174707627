//! `[[redirect]]`.

use super::route::{check_path, hosts};
use crate::config::section::Section;
use crate::config::value::{SchemeWord, quoted};
use crate::config::{Limits, Listen, SchemeRedirect};

pub(super) fn read(root: &Section<'_>, listen: &Listen, limits: &Limits) -> Vec<SchemeRedirect> {
    let mut seen: Vec<String> = Vec::new();
    let mut redirects = Vec::new();
    for section in &root.tables("redirect") {
        let hosts = hosts(section);
        conflict(section, &hosts, &mut seen);
        let to = section.must::<SchemeWord>("to", "say where to: \"https\" or \"http\"");
        let port = section.value::<u32>("port").and_then(|given| {
            let port = u16::try_from(given.value).ok().filter(|port| *port > 0);
            if port.is_none() {
                section.wrong_at(given.at, "port", format!("{} is no port", given.value));
            }
            port
        });
        let except = section.list::<String>("except");
        for path in &except {
            check_path(section, "except", path);
        }
        let Some(to) = to else { continue };
        let tls = to.value == SchemeWord::Https;
        // Or a proxy in front speaks that scheme.
        let listeners = if tls { &listen.https } else { &listen.http };
        if listeners.is_empty() && limits.trusted_proxies.is_empty() {
            section.wrong_at(to.at, "to", "nobody listens there: there is no such address in [listen]");
        }
        let except = except.into_iter().map(|given| given.value).collect();
        redirects.push(SchemeRedirect { hosts, tls, port, except });
    }
    redirects
}

fn conflict(section: &Section<'_>, hosts: &[String], seen: &mut Vec<String>) {
    let every = [String::new()];
    for host in if hosts.is_empty() { &every } else { hosts } {
        if seen.contains(host) {
            let host = if host.is_empty() { "every host".to_owned() } else { quoted(host) };
            section.wrong("hosts", format!("there is another redirect for {host}"));
        }
        seen.push(host.clone());
    }
}
