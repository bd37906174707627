//! `[[server]]`: the servers of the procedure, and whether their domains fit the topology.

use super::directory::{WEB, url};
use crate::config::checked::{Role, Server, Topology};
use crate::names::{HostName, NotesName};
use settings::Section;

/// The servers, and whether each one that the file has could be read: what refers to one that could not is no
/// mistake of its own.
pub(super) fn servers(root: &Section<'_>, topology: Option<Topology>) -> (Vec<Server>, bool) {
    let roles = [("inotes", Role::Inotes), ("sametime", Role::Sametime)];
    let mut servers: Vec<Server> = Vec::new();
    let mut complete = true;
    for section in root.tables("server") {
        if !section.has("role") {
            section.wrong("role", "is missing; write \"inotes\" or \"sametime\"");
        }
        let role = section.word("role", &roles);
        let nameless = role == Some(Role::Sametime) && topology == Some(Topology::Sametime12);
        let name: Option<NotesName> = if nameless {
            if section.has("name") {
                section.wrong("name", "a Sametime 12 server has no Server document; leave it out");
            }
            None
        } else {
            section.must("name", "write the server's full name, \"Mail1/Renovation\"")
        };
        if name.as_ref().is_some_and(|name| !name.is_hierarchical()) {
            section.wrong(
                "name",
                "is only a common name; write the full hierarchical name, \"Mail1/Renovation\"",
            );
        }
        if name.is_some() && servers.iter().any(|server| server.name == name) {
            section.wrong("name", "is named twice");
        }
        let domain = if nameless {
            section.text("domain").map(str::to_owned).or(Some(String::new()))
        } else {
            let why = "write the Domino domain (not the DNS domain), \"Renovation\"";
            section.must_text("domain", why).map(str::to_owned)
        };
        let host =
            section.must::<HostName>("host", "write the full DNS host name, \"mail1.renovation.example\"");
        let web = url(&section, "web", &WEB);
        section.no_others();
        if let (Some(role), Some(domain), Some(host), true) = (role, domain, host, nameless || name.is_some())
        {
            servers.push(Server { role, name, domain, host, web });
        } else {
            complete = false;
        }
    }
    for (word, role) in roles {
        if complete && !servers.iter().any(|server| server.role == role) {
            root.wrong("server", format!("there is no [[server]] with role = \"{word}\""));
        }
    }
    if complete {
        domains(root, topology, &servers);
    }
    (servers, complete)
}

/// Whether the servers' domains fit the topology.
fn domains(root: &Section<'_>, topology: Option<Topology>, servers: &[Server]) {
    let of = |role| {
        servers.iter().filter(move |server| server.role == role).map(|server| server.domain.to_lowercase())
    };
    let all_same = of(Role::Sametime).all(|domain| of(Role::Inotes).all(|other| other == domain));
    match topology {
        Some(Topology::SameDomain | Topology::NotClustered) if !all_same => {
            root.wrong(
                "topology",
                "the servers are in different Domino domains; write \"different-domains\"",
            );
        }
        Some(Topology::DifferentDomains) if all_same && servers.len() > 1 => {
            root.wrong(
                "topology",
                "all servers are in one Domino domain; write \"same-domain\" or \"not-clustered\"",
            );
        }
        _ => {}
    }
}
