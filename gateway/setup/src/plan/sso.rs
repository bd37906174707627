//! The Web SSO Configuration document: read, compared, never rewritten (domino-directory.md 1.3).
//!
//! It is encrypted for named servers and people. A name that is added without encrypting anew is useless,
//! so whatever has to change is a step for somebody who can decrypt it, and is checked afterwards.

use std::collections::BTreeMap;

use super::item::want;
use super::{Action, Current, DocumentPlan, Draft, Level, SsoCase, SsoState, Step};
use crate::config::{Setup, TokenFormat, Topology};
use crate::estate::{Document, Replica, Value};
use crate::items::{DocumentKind, Setting};
use crate::names::NotesName;

pub(super) fn plan(draft: &mut Draft<'_>, case: SsoCase) {
    let mut domains: Vec<String> = Vec::new();
    for server in draft.setup.servers.iter().filter(|server| server.name.is_some()) {
        if !domains.iter().any(|domain| domain.eq_ignore_ascii_case(&server.domain)) {
            domains.push(server.domain.clone());
        }
    }
    if domains.len() > 1 {
        let text = "both directories need an SSO document with the same keys: copy it into the other directory, list there only the \
                    servers that have Server documents in that directory, and make sure that the administrator's Person document exists in both";
        draft.find(Level::Warning, "same-keys", text);
    }
    for domain in domains {
        if let Some(replica) = draft.written(&domain, DocumentKind::Sso) {
            in_directory(draft, replica, &domain, case);
        }
    }
}

/// Whether servers may be switched to the SSO documents, directory by directory: each lists the servers of its own.
pub(super) fn states(documents: &[DocumentPlan]) -> BTreeMap<String, SsoState> {
    let decides = [Setting::SsoName, Setting::SsoDomain, Setting::SsoServers];
    let mut states = BTreeMap::new();
    for document in documents.iter().filter(|document| document.step == Step::SsoDocument) {
        let open = document
            .items
            .iter()
            .filter(|item| item.action != Action::Leave && decides.contains(&item.setting))
            .map(|item| match item.current {
                Current::Unseen => SsoState::Unseen,
                _ if item.item.is_some() => SsoState::Wrong,
                _ => SsoState::Right,
            });
        states.insert(document.directory.clone(), open.max().unwrap_or(SsoState::Right));
    }
    states
}

/// Says so where servers would be switched to a document that nobody has seen.
pub(super) fn unseen(draft: &mut Draft<'_>) {
    let states = states(&draft.documents);
    let is_unseen = |directory: &str| states.get(directory) == Some(&SsoState::Unseen);
    let switched: Vec<&str> = draft
        .documents
        .iter()
        .filter(|document| matches!(document.step, Step::InotesServer | Step::SametimeServer))
        .filter(|document| document.action.writes() && is_unseen(&document.directory))
        .map(|document| document.title.as_str())
        .collect();
    if switched.is_empty() {
        return;
    }
    let text = format!(
        "nobody can see from here whether the SSO document lists {}. A server that is switched to it and is not listed answers every page \
         with an error 500 after its HTTP is restarted, mail included. Look at \"Domino Server Names\" in the Notes client, or let \
         `setup discover` find the item; `apply` switches servers only with --sso-checked",
        switched.join(" and ")
    );
    draft.find(Level::Warning, "sso-unseen", text);
}

fn in_directory(draft: &mut Draft<'_>, replica: &Replica, domain: &str, case: SsoCase) {
    let name = draft.setup.sso.name.clone();
    let organization = draft.setup.sso.organization.clone().unwrap_or_default();
    let is_ours = |document: &&Document| {
        document.text(draft.table, Setting::SsoName).eq_ignore_ascii_case(&name)
            && document.text(draft.table, Setting::SsoOrganization).eq_ignore_ascii_case(&organization)
    };
    let same_name =
        |document: &&Document| document.text(draft.table, Setting::SsoName).eq_ignore_ascii_case(&name);
    let ours: Vec<&Document> = replica.of(DocumentKind::Sso).filter(is_ours).collect();
    let others = replica.of(DocumentKind::Sso).filter(same_name).count() - ours.len();
    if others > 0 && ours.is_empty() {
        let text = format!(
            "{}: there is a configuration \"{name}\" for another organization; with Server documents the organization has to be blank, with Internet Sites that of the site",
            replica.access
        );
        draft.find(Level::Warning, "organization", text);
    }
    let mut plan = match ours.as_slice() {
        [] => missing(draft, replica, domain),
        [document] => present(draft, replica, domain, document, case),
        several => {
            let unids: Vec<_> = several.iter().map(|document| document.unid.to_string()).collect();
            let text = format!(
                "{}: {} documents are named \"{name}\" ({}); two of one name make single sign-on misbehave. Delete all but the one that the servers use",
                replica.access,
                several.len(),
                unids.join(", ")
            );
            draft.find(Level::Refusal, "duplicate", text);
            return;
        }
    };
    if plan.items.iter().any(|item| item.action != Action::Leave) {
        plan.action = Action::Manual;
    }
    for item in plan.items.iter_mut().filter(|item| item.action.writes()) {
        item.action = Action::Manual;
    }
    draft.documents.push(plan);
}

/// No document: somebody has to make it, because its key is made by an action of the Notes client.
fn missing(draft: &Draft<'_>, replica: &Replica, domain: &str) -> DocumentPlan {
    let setup = draft.setup;
    let mut wants = vec![
        want(Setting::SsoName, setup.sso.name.as_str(), "the name that Server documents refer to"),
        want(
            Setting::SsoDomain,
            setup.sso.domain.as_str(),
            "browsers send the cookie to hosts below this domain",
        ),
        want(
            Setting::SsoServers,
            names_of(participants(setup, domain)),
            "only listed servers can read the secret",
        ),
    ];
    if let Some(organization) = &setup.sso.organization {
        wants.push(want(
            Setting::SsoOrganization,
            organization.as_str(),
            "the organization of the Internet Site",
        ));
    }
    if let Some(minutes) = setup.sso.expiration {
        wants.push(want(Setting::SsoExpiration, Value::number(minutes), "life of a login"));
    }
    let key = if setup.topology == Topology::Sametime12 {
        "Import WebSphere LTPA Keys"
    } else {
        "Create Domino SSO Key"
    };
    let why = if replica.sees(DocumentKind::Sso) {
        format!(
            "there is none. Sametime's installer makes it; else create it in the Notes client (File, Open, names.nsf), choose \"{key}\", and save: it reports for whom it was encrypted"
        )
    } else {
        format!(
            "it cannot be read from here. Compare it in the Notes client; if there is none, create it and choose \"{key}\""
        )
    };
    let mut plan =
        draft.create(replica, Step::SsoDocument, DocumentKind::Sso, wants, setup.sso.name.clone(), &why);
    plan.action = Action::Manual;
    plan
}

fn present(
    draft: &mut Draft<'_>,
    replica: &Replica,
    domain: &str,
    document: &Document,
    case: SsoCase,
) -> DocumentPlan {
    let setup = draft.setup;
    let listed = document.value(draft.table, Setting::SsoServers).map(Value::texts).unwrap_or_default();
    let mut all: Vec<NotesName> = listed.iter().filter_map(|text| text.parse().ok()).collect();
    for name in participants(setup, domain) {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    for name in all.iter().filter(|name| !name.is_hierarchical()) {
        let text = format!(
            "the SSO document lists \"{name}\": groups and wildcards do not work there, only full server names"
        );
        draft.find(Level::Warning, "sso-servers", text);
    }
    let mut wants = vec![
        want(
            Setting::SsoDomain,
            setup.sso.domain.as_str(),
            "browsers send the cookie to hosts below this domain",
        ),
        want(Setting::SsoServers, names_of(all), "only listed servers can read the secret"),
        want(
            Setting::SsoOrganization,
            setup.sso.organization.as_deref().unwrap_or_default(),
            "blank with Server documents, else the site's",
        ),
    ];
    if let Some(minutes) = setup.sso.expiration {
        wants.push(want(Setting::SsoExpiration, Value::number(minutes), "life of a login"));
    }
    if !document.text(draft.table, Setting::SsoDomain).starts_with('.')
        && document.value(draft.table, Setting::SsoDomain).is_some()
    {
        draft.find(Level::Warning, "leading-dot", "the SSO document's DNS domain has no leading dot");
    }
    peer(draft, document);
    let step = if case == SsoCase::B { "B1" } else { "A2" };
    let why = format!(
        "{step}. It exists and is encrypted, so it is never rewritten from here: open it in the Notes client (File, Open, names.nsf; the menu view may hide it), \
         change what differs and save. If you cannot edit it: record name, DNS domain, expiration and servers, delete it, create it anew; \
         its secret cannot be recorded, so web sessions end and all servers have to get the new document together"
    );
    draft.update(replica, Step::SsoDocument, document, wants, setup.sso.name.clone(), &why)
}

/// Token format and life time on both sides (Sametime 12).
fn peer(draft: &mut Draft<'_>, document: &Document) {
    let Some(peer) = &draft.setup.sso.peer else { return };
    let there = document
        .value(draft.table, Setting::SsoExpiration)
        .and_then(|value| value.first().parse::<u32>().ok());
    // What is to be there, or else what is there.
    let minutes = draft.setup.sso.expiration.or(there);
    if let Some(minutes) = minutes.filter(|minutes| *minutes != peer.lifetime) {
        let text = format!(
            "tokens live {minutes} minutes by the SSO document and {} minutes on the Sametime side; make both equal",
            peer.lifetime
        );
        draft.find(Level::Warning, "token-lifetime", text);
    }
    let wanted = peer.format.word();
    let found = document.value(draft.table, Setting::SsoTokenFormat).map(Value::to_string);
    let (level, text) = match found.as_deref().map(|text| (text, format_of(text))) {
        Some((_, Some(format))) if format == peer.format => return,
        Some((_, Some(format))) => (
            Level::Warning,
            format!(
                "Sametime makes and takes {wanted}, the servers of the SSO document {}; set both to the same format",
                format.word()
            ),
        ),
        Some((text, None)) => (
            Level::Note,
            format!(
                "Sametime makes and takes {wanted}; the SSO document's token format is \"{text}\", a code that no source explains. Both have to agree"
            ),
        ),
        None => (
            Level::Note,
            format!(
                "Sametime makes and takes {wanted}; make sure that the SSO document's Token Format says the same (it could not be read)"
            ),
        ),
    };
    draft.find(level, "token-format", text);
}

/// The format that a text names, if it is more than a code.
fn format_of(text: &str) -> Option<TokenFormat> {
    let text = text.to_lowercase();
    let second = text.contains("ltpatoken2");
    let first = text.replace("ltpatoken2", "").contains("ltpatoken");
    match (first, second) {
        (true, true) => Some(TokenFormat::Both),
        (true, false) => Some(TokenFormat::Ltpa1),
        (false, true) => Some(TokenFormat::Ltpa2),
        (false, false) => None,
    }
}

/// The servers that have Server documents in this domain's directory.
fn participants(setup: &Setup, domain: &str) -> Vec<NotesName> {
    let servers = setup.servers.iter().filter(|server| server.domain.eq_ignore_ascii_case(domain));
    servers.filter_map(|server| server.name.clone()).collect()
}

fn names_of(names: Vec<NotesName>) -> Value {
    Value::Texts(names.iter().map(NotesName::canonical).collect())
}
