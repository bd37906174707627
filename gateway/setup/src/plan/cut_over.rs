//! What has to be checked and done around the switch, beside the documents.

use super::{Action, CutOver, DocumentPlan, Step, When};
use crate::config::{Setup, Topology};
use crate::items::{DocumentKind, ItemTable, Setting};
use crate::names::NotesName;

/// Settings whose values no source gives, so that no program can tell right from wrong.
const BY_EYE: &[(DocumentKind, Setting, &str)] = &[
    (
        DocumentKind::Connection,
        Setting::ConnectionFiles,
        "blank replicates everything; if it names files, names.nsf and admin4.nsf have to be among them",
    ),
    (
        DocumentKind::Configuration,
        Setting::ConfigurationImEnabled,
        "instant messaging has to be on; which value the item has then is published nowhere",
    ),
    (
        DocumentKind::Configuration,
        Setting::ConfigurationSecrets,
        "off where SSO is used, on with secrets and tokens; which value the item has then is published nowhere",
    ),
];

pub(super) fn list(setup: &Setup, table: &ItemTable, documents: &[DocumentPlan]) -> Vec<CutOver> {
    let mut steps = Vec::new();
    let mut add = |when, text: String| steps.push(CutOver { when, text });
    for server in &setup.servers {
        let who = server.name.as_ref().map_or("the Sametime server".to_owned(), NotesName::canonical);
        add(
            When::Before,
            format!("DNS: {} resolves, from browsers and from every server, to {who}", server.host),
        );
        let is_unseen = |document: &&DocumentPlan| {
            document.kind == DocumentKind::Server && document.unid.is_none() && document.title == who
        };
        if documents.iter().any(|document| is_unseen(&document)) {
            let field = table.item(Setting::ServerHost).field;
            add(
                When::Before,
                format!(
                    "host name: look whether the Server document of {who} has \"{field}\" = {}; it could not be read, and is never written from here",
                    server.host
                ),
            );
        }
    }
    for (kind, setting, advice) in BY_EYE {
        let item = table.item(*setting);
        if documents.iter().any(|document| document.kind == *kind) {
            let name = item.name.map_or("published nowhere".to_owned(), |name| name.to_string());
            add(When::Before, format!("{kind}: the field \"{}\" (item {name}): {advice}", item.field));
        }
    }
    if let Some(gateway) = &setup.gateway {
        let host = &gateway.host;
        add(
            When::Before,
            format!(
                "DNS: {host} resolves to the gateway; give the name a TTL of 300 seconds or less until the switch has settled"
            ),
        );
        let ports: Vec<&str> = [(gateway.http, "80"), (gateway.https, "443")]
            .iter()
            .filter(|(on, _)| *on)
            .map(|(_, port)| *port)
            .collect();
        add(
            When::Before,
            format!(
                "ports: browsers reach {host} on {}; the gateway reaches the Sametime servers on 1533 and on their web ports",
                ports.join(" and ")
            ),
        );
        if gateway.https {
            add(
                When::Before,
                format!(
                    "certificate: the gateway's covers {host}, is trusted by every browser, and outlasts the pilot (`livename check-config` opens it)"
                ),
            );
        }
        add(When::Before, "keys: the gateway proves tokens of this SSO configuration (`livename token verify` with a cookie of a mail page)".to_owned());
    }
    if setup.topology == Topology::Sametime12 {
        add(When::Before, "keys: the LTPA keys of Sametime 12 are imported into the SSO document (\"Import WebSphere LTPA Keys\"), and names agree in LDAP form".to_owned());
    }
    add(When::Before, "instant messaging itself: two test users log in to Sametime directly and exchange a message (check C18)".to_owned());
    let touched = |steps: &[Step]| {
        documents.iter().any(|document| steps.contains(&document.step) && document.action != Action::Leave)
    };
    for domain in setup.domains() {
        if touched(&[
            Step::Connections,
            Step::SsoDocument,
            Step::InotesServer,
            Step::SametimeServer,
            Step::AllUsers,
            Step::SingleUsers,
        ]) {
            add(
                When::At,
                format!(
                    "replicate names.nsf of {domain} to every server (`replicate \"SERVER\" names.nsf` on the console), before HTTP is restarted"
                ),
            );
        }
    }
    if touched(&[Step::SsoDocument, Step::InotesServer, Step::SametimeServer, Step::AllUsers]) {
        for server in setup.servers.iter().filter_map(|server| server.name.as_ref()) {
            add(
                When::At,
                format!("HTTP restart on {server}: `tell http restart` (web sessions of that server end)"),
            );
        }
    }
    add(When::After, "`livename setup verify`: checks C1 to C21, then a real login".to_owned());
    add(When::After, "way back: rollback.md beside this plan, or `livename setup undo`".to_owned());
    steps
}
