//! What is noticed across the whole estate, whatever is planned.

use std::collections::{BTreeMap, BTreeSet};

use super::server::{self, SINGLE_SERVER};
use super::{Draft, Level};
use crate::config::{Audience, SsoMethod, WritePath};
use crate::estate::Document;
use crate::items::{DocumentKind, Setting};
use crate::names::{HostName, NotesName};

pub(super) fn estate_wide(draft: &mut Draft<'_>) {
    conflict_documents(draft);
    single_server_sessions(draft);
    one_mechanism(draft);
    host_in_persons(draft);
    other_server_in_persons(draft);
    protocol_setting(draft);
    accesses(draft);
}

/// What the ways to the directories cannot do, or do at a risk.
fn accesses(draft: &mut Draft<'_>) {
    for access in &draft.setup.directories {
        let server = draft.setup.written(&access.domain, DocumentKind::Server);
        if access.path == WritePath::Ldap && server.is_none_or(|server| server.name == access.name) {
            let text = format!(
                "{}: LDAP reaches only the Sametime server of persons; the rest has to be written by another path or by hand",
                access.name
            );
            draft.find(Level::Note, "ldap", text);
        }
        if access.path == WritePath::Drapi {
            let text = format!(
                "{}: the REST API refuses to write over somebody else's change only if the schema says `requireRevisionToUpdate`; without it the \
                 document is read just before it is written, and a moment remains",
                access.name
            );
            draft.find(Level::Note, "locking", text);
        }
        if let Some(url) = access.url.as_ref().filter(|url| url.is_open()) {
            let text =
                format!("{}: the password is sent to {} in the clear (plain = true)", access.name, url.host);
            draft.find(Level::Warning, "clear-text", text);
        }
    }
}

fn conflict_documents(draft: &mut Draft<'_>) {
    for replica in &draft.estate.replicas {
        for kind in DocumentKind::ALL {
            let count = replica
                .documents
                .iter()
                .filter(|document| document.kind == kind && document.is_conflict())
                .count();
            if count > 0 {
                let text = format!(
                    "{}: {count} replication conflicts among the {kind}s; they are ignored here, resolve them by hand",
                    replica.access
                );
                draft.find(Level::Warning, "conflict-documents", text);
            }
        }
    }
}

/// The procedure requires secrets and tokens when any server of the domain uses something other than
/// multi-server SSO (domino-directory.md 2.3).
fn single_server_sessions(draft: &mut Draft<'_>) {
    let planned: BTreeSet<String> =
        draft.setup.servers.iter().filter_map(|server| Some(server.name.as_ref()?.folded())).collect();
    let mut names = BTreeSet::new();
    for domain in draft.setup.domains() {
        let Some(replica) = draft.written(domain, DocumentKind::Server) else { continue };
        let single =
            |document: &&Document| document.text(draft.table, Setting::ServerSession) == SINGLE_SERVER;
        for document in replica.of(DocumentKind::Server).filter(single) {
            if let Some(name) = document.name(draft.table, Setting::ServerName) {
                names.insert(name);
            }
        }
    }
    let elsewhere: Vec<String> =
        names.iter().filter(|name| !planned.contains(&name.folded())).map(ToString::to_string).collect();
    match draft.setup.sso.method {
        SsoMethod::Ltpa if !elsewhere.is_empty() => {
            let text = format!(
                "single-server sessions on {}: with any such server in the domain the procedure requires secrets and tokens ([sso] auth = \"secrets-and-tokens\"); \
                 Sametime 8.0 and later is said to need SSO alone. Decide before users see it",
                elsewhere.join(", ")
            );
            draft.find(Level::Warning, "single-server-session", text);
        }
        SsoMethod::SecretsAndTokens => {
            let text = "secrets and tokens: Server and SSO documents are left alone; make sure that stauths.nsf and stautht.nsf (names inferred) are on all servers and replicate";
            draft.find(Level::Note, "secrets-and-tokens", text);
        }
        SsoMethod::Ltpa => {}
    }
}

/// All servers of one SSO group use Server documents, or all use Internet Sites (domino-directory.md 1.4).
fn one_mechanism(draft: &mut Draft<'_>) {
    let mut with = Vec::new();
    let mut without = Vec::new();
    for server in &draft.setup.servers {
        let Some(name) = &server.name else { continue };
        let Some(replica) = draft.written(&server.domain, DocumentKind::Server) else { continue };
        let Some(document) = server::of_name(draft.table, replica, name).first().copied() else { continue };
        if server::loads_sites(draft.table, document) {
            with.push(name.canonical())
        } else {
            without.push(name.canonical())
        }
    }
    if !with.is_empty() && !without.is_empty() {
        let text = format!(
            "{} load Internet Sites, {} use their Server documents; all servers of an SSO group have to use the same. Sametime on Domino is reported not to support Internet Sites",
            with.join(", "),
            without.join(", ")
        );
        draft.find(Level::Refusal, "mixed-mechanism", text);
    } else if !with.is_empty() && draft.setup.sso.organization.is_none() {
        let text = "the servers load Internet Sites, so the SSO document needs their organization: set [sso] organization";
        draft.find(Level::Refusal, "organization", text);
    } else if with.is_empty() && !without.is_empty() && draft.setup.sso.organization.is_some() {
        let text = "the servers use Server documents, so the SSO document's organization has to be blank: leave [sso] organization out";
        draft.find(Level::Refusal, "organization", text);
    }
}

/// The gateway's host in a Person document breaks everything but browsers.
fn host_in_persons(draft: &mut Draft<'_>) {
    let gateway = draft.setup.gateway.as_ref().map(|gateway| gateway.host.as_str().to_owned());
    for replica in &draft.estate.replicas {
        let values = replica
            .of(DocumentKind::Person)
            .map(|document| document.text(draft.table, Setting::PersonSametimeServer));
        let hosts: Vec<String> = values.filter(|value| value.parse::<HostName>().is_ok()).collect();
        if hosts.is_empty() {
            continue;
        }
        let ours = hosts
            .iter()
            .filter(|host| gateway.as_ref().is_some_and(|gateway| host.eq_ignore_ascii_case(gateway)))
            .count();
        let text = format!(
            "{}: {} persons have a host name as their Sametime server, {ours} of them the gateway's. A server name belongs there; a host breaks Connect logins and home-server routing",
            replica.access,
            hosts.len()
        );
        draft.find(Level::Warning, "host-for-server-name", text);
    }
}

/// Where all users get a host name, nothing is written into Person documents; what is there still decides where
/// clients other than browsers log in.
fn other_server_in_persons(draft: &mut Draft<'_>) {
    if !matches!(draft.setup.awareness.audience, Audience::All { .. }) {
        return;
    }
    let ours: BTreeSet<NotesName> = draft.setup.sametime().filter_map(|server| server.name.clone()).collect();
    for replica in &draft.estate.replicas {
        let names = replica
            .of(DocumentKind::Person)
            .map(|document| document.text(draft.table, Setting::PersonSametimeServer))
            .filter(|text| text.parse::<HostName>().is_err())
            .filter_map(|text| text.parse::<NotesName>().ok());
        let mut others: BTreeMap<NotesName, usize> = BTreeMap::new();
        for name in names.filter(|name| !ours.contains(name)) {
            *others.entry(name).or_default() += 1;
        }
        if others.is_empty() {
            continue;
        }
        let list: Vec<String> = others.iter().map(|(name, count)| format!("{name} ({count})")).collect();
        let text = format!(
            "{}: persons name other Sametime servers than setup.toml: {}. Pages take the host name for all users; other clients of these \
             persons log in there, so make sure that the servers are one community",
            replica.access,
            list.join(", ")
        );
        draft.find(Level::Warning, "person-other-server", text);
    }
}

/// `iNotes_WA_SametimeProtocol` (domino-directory.md 5, C21).
fn protocol_setting(draft: &mut Draft<'_>) {
    let text = match &draft.setup.gateway {
        Some(gateway) if gateway.http && gateway.https => {
            "iNotes_WA_SametimeProtocol: leave it unset (notes.ini and Configuration document). The gateway listens on both schemes, so pages use their own; \
             http on an https page is blocked as mixed content, https on an http page is cross-site for cookies"
        }
        Some(gateway) if gateway.https => {
            "iNotes_WA_SametimeProtocol=https on every mail server: the gateway listens on https only. Pages over http then reach it cross-site, and current browsers \
             send no cookies with that: force mail pages to https, or let the gateway listen on both schemes"
        }
        Some(_) => {
            "iNotes_WA_SametimeProtocol=http on every mail server: the gateway listens on http only. Pages over https will not get awareness (mixed content is blocked)"
        }
        None => {
            "iNotes_WA_SametimeProtocol: set it only if mail pages and Sametime use different schemes (http or https, the Sametime side's); unset, pages use their own"
        }
    };
    draft.find(Level::Note, "protocol", text);
}
