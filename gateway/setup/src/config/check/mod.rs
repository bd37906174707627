//! From the file's shape to types that cannot be wrong: one file per section. Reads on after a mistake, so that
//! all of them are named in one go.

mod awareness;
mod directory;
mod server;
mod sso;

use super::checked::{ConnectionOptions, Probe, Setup, Topology};
use awareness::awareness;
use directory::{WEB, directories, password, url};
use server::servers;
use settings::Section;
use sso::{gateway, sso};

/// Reads every section. `None` if something that has to be there is not, which is then noted.
pub(super) fn document(root: &Section<'_>) -> Option<Setup> {
    let topologies = [
        ("same-domain", Topology::SameDomain),
        ("not-clustered", Topology::NotClustered),
        ("different-domains", Topology::DifferentDomains),
        ("sametime-12", Topology::Sametime12),
    ];
    if !root.has("topology") {
        root.wrong(
            "topology",
            "is missing; write \"same-domain\" (Sametime clustered with the registration server), \
             \"not-clustered\", \"different-domains\" or \"sametime-12\" (Sametime without Domino)",
        );
    }
    let topology = root.word("topology", &topologies);
    let (servers, complete) = servers(root, topology);
    let directories = directories(root, &servers, complete);
    let sso = sso(&root.table("sso"), topology, &servers);
    let gateway = gateway(&root.table("gateway"), &servers, sso.as_ref());
    let awareness = awareness(&root.table("awareness"), topology, &servers, gateway.as_ref());
    let connection = connection(&root.table("connection"));
    let items = root.table("items");
    let items_file = items.path("file");
    let force_items = items.flag("force", false);
    items.no_others();
    let probe = probe(&root.table("probe"));
    Some(Setup {
        topology: topology?,
        directories,
        servers,
        sso: sso?,
        awareness: awareness?,
        gateway,
        connection,
        items: items_file,
        force_items,
        probe,
    })
}

fn connection(section: &Section<'_>) -> ConnectionOptions {
    let options = ConnectionOptions {
        literal: section.flag("literal", false),
        interval: section.number("interval", 5..=360).unwrap_or(30),
        registration: section.parsed("registration_server"),
    };
    section.no_others();
    options
}

fn probe(section: &Section<'_>) -> Option<Probe> {
    if !section.is_there() {
        return None;
    }
    let why = "write the name of a test user";
    let user = section.must_text("user", why).map(str::to_owned);
    let other = section.must_text("other", why).map(str::to_owned);
    if !section.has("login") {
        section
            .wrong("login", "is missing; write where the user logs in, \"https://mail1.renovation.example\"");
    }
    let login = url(section, "login", &WEB);
    let probe = (
        password(section, "password_file", "password_fd"),
        password(section, "other_password_file", "other_password_fd"),
        url(section, "events", &WEB),
        section.path("ca"),
        section.text("events_path").unwrap_or("/livename/v1/events").to_owned(),
        section.parsed("community"),
    );
    section.no_others();
    let (password, other_password, events, ca, events_path, community) = probe;
    Some(Probe {
        user: user?,
        password,
        login: login?,
        other: other?,
        other_password,
        events,
        events_path,
        community,
        ca,
    })
}
