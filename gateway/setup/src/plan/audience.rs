//! Who gets awareness: a host name for all users in the Configuration Settings document, or a server name
//! in Person documents (domino-directory.md 1.6, 1.7). The gateway's host goes into the first only.

use std::collections::{BTreeMap, BTreeSet};

use super::item::want;
use super::{Action, Draft, Level, Step};
use crate::config::{AppliesTo, Audience, Topology};
use crate::estate::{Document, Replica, Value};
use crate::items::{DocumentKind, Setting};
use crate::names::{HostName, NotesName};

pub(super) fn plan(draft: &mut Draft<'_>) {
    let setup = draft.setup;
    match &setup.awareness.audience {
        Audience::All { host, applies_to } => all(draft, host, applies_to),
        Audience::MailServers { sametime } => {
            for domain in setup.mail_domains() {
                let Some(replica) = draft.written(domain, DocumentKind::Person) else { continue };
                let servers: Vec<NotesName> =
                    setup.inotes().filter_map(|server| server.name.clone()).collect();
                let is_ours = |document: &&Document| {
                    document
                        .name(draft.table, Setting::PersonMailServer)
                        .is_some_and(|name| servers.contains(&name))
                };
                let persons: Vec<&Document> = replica.of(DocumentKind::Person).filter(is_ours).collect();
                persons_of(draft, replica, &persons, sametime);
            }
        }
        Audience::Persons { names, sametime } => listed(draft, names, sametime),
    }
}

/// The host name for all users of some servers.
fn all(draft: &mut Draft<'_>, host: &HostName, applies_to: &AppliesTo) {
    let titles: Vec<Option<NotesName>> = match applies_to {
        AppliesTo::Everything => vec![None],
        AppliesTo::Servers(names) => names.iter().cloned().map(Some).collect(),
    };
    for name in titles {
        let server = draft.setup.inotes().find(|server| name.is_none() || server.name == name);
        let kind = DocumentKind::Configuration;
        let Some(replica) = server.and_then(|server| draft.written(&server.domain, kind)) else { continue };
        let text = name.as_ref().map_or("*".to_owned(), NotesName::canonical);
        let applies = |document: &&Document| match &name {
            Some(name) => document.has_name(draft.table, Setting::ConfigurationAppliesTo, name),
            None => document.text(draft.table, Setting::ConfigurationAppliesTo) == "*",
        };
        let found: Vec<&Document> = replica.of(DocumentKind::Configuration).filter(applies).collect();
        let why = if draft.setup.gateway.is_some() {
            "pages of all users reach the gateway; here a host name belongs, not a server name"
        } else {
            "pages of all users reach Sametime; here a host name belongs, not a server name"
        };
        let mut wants = vec![want(Setting::ConfigurationImHost, host.as_str(), why)];
        let title = format!("Configuration Settings for {text}");
        let plan = match found.as_slice() {
            [] => {
                wants
                    .insert(0, want(Setting::ConfigurationAppliesTo, text.as_str(), "the servers it is for"));
                if name.is_none() {
                    wants.insert(1, want(Setting::ConfigurationDefault, "1", "the settings for all servers"));
                }
                draft.create(
                    replica,
                    Step::AllUsers,
                    DocumentKind::Configuration,
                    wants,
                    title,
                    "a document of its own overrides the default one setting by setting",
                )
            }
            [document] => {
                let current = document.text(draft.table, Setting::ConfigurationImHost);
                if current.parse::<HostName>().is_err() && current.parse::<NotesName>().is_ok() {
                    let text = format!(
                        "{title}: the instant messaging host is \"{current}\", which is a server name; a DNS host name belongs there"
                    );
                    draft.find(Level::Warning, "server-name-for-host", text);
                }
                draft.update(replica, Step::AllUsers, document, wants, title, "the setting for all users")
            }
            several => {
                let text = format!(
                    "{}: {} Configuration Settings documents are for {text}; delete all but one",
                    replica.access,
                    several.len()
                );
                draft.find(Level::Refusal, "duplicate", text);
                continue;
            }
        };
        draft.documents.push(plan);
    }
}

fn listed(draft: &mut Draft<'_>, names: &[NotesName], sametime: &NotesName) {
    let mut left: BTreeSet<&NotesName> = names.iter().collect();
    for domain in draft.setup.mail_domains() {
        let Some(replica) = draft.written(domain, DocumentKind::Person) else { continue };
        if !replica.sees(DocumentKind::Person) {
            for name in &left {
                let mut plan = draft.create(
                    replica,
                    Step::SingleUsers,
                    DocumentKind::Person,
                    vec![want(
                        Setting::PersonSametimeServer,
                        sametime.canonical().as_str(),
                        "the user's Sametime server",
                    )],
                    name.canonical(),
                    "it exists but cannot be read from here; Person documents are never created",
                );
                plan.action = Action::Update;
                plan.items.iter_mut().for_each(|item| item.action = Action::Update);
                draft.documents.push(plan);
            }
            return;
        }
        let mut found: BTreeMap<NotesName, Vec<&Document>> = BTreeMap::new();
        for document in replica.of(DocumentKind::Person) {
            let texts =
                document.value(draft.table, Setting::PersonName).map(Value::texts).unwrap_or_default();
            let wanted = texts
                .iter()
                .filter_map(|text| text.parse::<NotesName>().ok())
                .find(|name| left.contains(name));
            if let Some(name) = wanted {
                found.entry(name).or_default().push(document);
            }
        }
        for (name, documents) in &found {
            left.remove(name);
            if documents.len() > 1 {
                let text = format!("{} Person documents answer to {name}; none is changed", documents.len());
                draft.find(Level::Warning, "duplicate", text);
                continue;
            }
            persons_of(draft, replica, documents, sametime);
        }
    }
    for name in left {
        draft.find(
            Level::Warning,
            "no-person",
            format!("there is no Person document for {name}; none is created"),
        );
    }
}

/// Sets the Sametime server of persons who have none; another one is a conflict and is left unless told.
fn persons_of(draft: &mut Draft<'_>, replica: &Replica, persons: &[&Document], sametime: &NotesName) {
    if draft.setup.topology == Topology::Sametime12 {
        return;
    }
    if !replica.sees(DocumentKind::Person) {
        let text = format!(
            "{}: Person documents cannot be read from here; the agent of `setup export` sets them",
            replica.access
        );
        draft.find(Level::Warning, "persons-unseen", text);
        return;
    }
    let overwrite = draft.setup.awareness.overwrite;
    let mut conflicts = 0_usize;
    for person in persons {
        let title = person.text(draft.table, Setting::PersonName);
        let current = person.text(draft.table, Setting::PersonSametimeServer);
        let wants = vec![want(
            Setting::PersonSametimeServer,
            sametime.canonical().as_str(),
            "a server name; its Server document gives the host",
        )];
        let mut plan =
            draft.update(replica, Step::SingleUsers, person, wants, title, "the user's Sametime server");
        if plan.action == Action::Update && !current.is_empty() && !overwrite {
            conflicts += 1;
            let kind = if current.parse::<HostName>().is_ok() {
                "a host name, where a server name belongs"
            } else {
                "another Sametime server"
            };
            plan.action = Action::Manual;
            plan.why = format!(
                "conflict: the document names {kind}; it is left alone unless [awareness] overwrite = true"
            );
            for item in &mut plan.items {
                item.action = Action::Manual;
                item.why.clone_from(&plan.why);
            }
        }
        draft.documents.push(plan);
    }
    if conflicts > 0 {
        let text = format!(
            "{}: {conflicts} of {} persons have another Sametime server; they are reported and left alone",
            replica.access,
            persons.len()
        );
        draft.find(Level::Warning, "person-conflict", text);
    }
}
