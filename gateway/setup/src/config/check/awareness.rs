//! `[awareness]`: who gets it, and where the gateway may not be named.

use std::fmt;
use std::str::FromStr;

use crate::config::checked::{AppliesTo, Audience, Awareness, Gateway, Role, Server, Topology};
use crate::names::{HostName, NotesName};
use settings::Section;

pub(super) fn awareness(
    section: &Section<'_>,
    topology: Option<Topology>,
    servers: &[Server],
    gateway: Option<&Gateway>,
) -> Option<Awareness> {
    #[derive(Clone, Copy, PartialEq)]
    enum For {
        All,
        MailServers,
        Persons,
    }
    if !section.has("for") {
        section.wrong("for", "is missing; write \"all\", \"mail-servers\" or \"persons\"");
    }
    let audience = section
        .word("for", &[("all", For::All), ("mail-servers", For::MailServers), ("persons", For::Persons)]);
    let overwrite = section.flag("overwrite", false);
    let host: Option<HostName> = section.parsed("host");
    let applies_to = applies_to(section, servers);
    let listed = section.list::<NotesName>("persons");
    let file = persons_of_file(section);
    let named: Option<NotesName> = sametime_server(section, gateway);
    section.no_others();
    let first = |role| servers.iter().find(move |server: &&Server| server.role == role);
    let audience = audience?;
    if audience != For::All {
        if topology == Some(Topology::Sametime12) {
            section.wrong("for", "a Sametime 12 server has no Server document that a Person document could name; write \"all\"");
        }
        if let Some(gateway) = gateway {
            let text = format!(
                "with a [gateway] write \"all\": {} is a host name and belongs in the Configuration Settings document. A Person's \
                 SametimeServer names a server; the gateway there would break Connect logins and home-server routing. For a pilot \
                 name one mail server in applies_to",
                gateway.host
            );
            section.wrong("for", text);
        }
    }
    let sametime = named.or_else(|| first(Role::Sametime)?.name.clone());
    let audience = match audience {
        For::All => {
            let host = host.or_else(|| gateway.map(|gateway| gateway.host.clone()));
            if let (Some(host), Some(gateway)) = (&host, gateway)
                && *host != gateway.host
            {
                section.wrong(
                    "host",
                    format!("is not the gateway's; leave it out, or write \"{}\"", gateway.host),
                );
            }
            let host = host.or_else(|| first(Role::Sametime).map(|server| server.host.clone()))?;
            Audience::All { host, applies_to }
        }
        For::MailServers => Audience::MailServers { sametime: sametime? },
        For::Persons => {
            let mut names: Vec<NotesName> = listed.into_iter().chain(file).flatten().collect();
            names.sort();
            names.dedup();
            if names.is_empty() {
                section.wrong(
                    "persons",
                    "is empty; list the persons, or give persons_file with one name a line",
                );
            }
            Audience::Persons { names, sametime: sametime? }
        }
    };
    Some(Awareness { audience, overwrite })
}

/// `sametime_server`, a server name. A host name here is the most likely mistake of the whole set-up.
fn sametime_server(section: &Section<'_>, gateway: Option<&Gateway>) -> Option<NotesName> {
    let text = section.text("sametime_server")?;
    if let (Ok(host), Some(gateway)) = (text.parse::<HostName>(), gateway)
        && host == gateway.host
    {
        let text = "is the gateway's host. Refused: Person documents name a Sametime server, and clients other than browsers \
                    log in there; the gateway would break Connect logins and home-server routing";
        section.wrong("sametime_server", text);
        return None;
    }
    section.parsed("sametime_server")
}

fn applies_to(section: &Section<'_>, servers: &[Server]) -> AppliesTo {
    let inotes = || {
        servers.iter().filter(|server| server.role == Role::Inotes).filter_map(|server| server.name.clone())
    };
    let Some(texts) = section.list::<Verbatim>("applies_to") else {
        return AppliesTo::Servers(inotes().collect());
    };
    if texts.iter().any(|text| text.0 == "*") {
        if texts.len() > 1 {
            section.wrong("applies_to", "\"*\" is for all servers; write it alone");
        }
        return AppliesTo::Everything;
    }
    let names = section.list::<NotesName>("applies_to").unwrap_or_default();
    for name in &names {
        if !inotes().any(|known| known == *name) {
            section.wrong(
                "applies_to",
                format!("there is no [[server]] of role \"inotes\" with the name \"{name}\""),
            );
        }
    }
    AppliesTo::Servers(names)
}

fn persons_of_file(section: &Section<'_>) -> Option<Vec<NotesName>> {
    let path = section.path("persons_file")?;
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            section.wrong("persons_file", format!("{}: {error}", path.display()));
            return None;
        }
    };
    let mut names = Vec::new();
    for (index, line) in
        text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
    {
        match line.parse() {
            Ok(name) => names.push(name),
            Err(error) => section.wrong("persons_file", format!("{}:{}: {error}", path.display(), index + 1)),
        }
    }
    Some(names)
}

/// A text as it is.
struct Verbatim(String);

impl FromStr for Verbatim {
    type Err = fmt::Error;

    fn from_str(text: &str) -> Result<Self, fmt::Error> {
        Ok(Self(text.to_owned()))
    }
}
