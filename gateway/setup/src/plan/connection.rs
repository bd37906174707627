//! Connection documents: one on each side (domino-directory.md 1.2).

use super::item::want;
use super::{Action, Draft, Level, Step};
use crate::config::{Server, Setup, Topology};
use crate::estate::{Document, Replica, Value};
use crate::items::{DocumentKind, Setting};
use crate::names::NotesName;

pub(super) fn plan(draft: &mut Draft<'_>) {
    let setup = draft.setup;
    match setup.topology {
        Topology::SameDomain => {
            draft.find(
                Level::Note,
                "no-connections",
                "Sametime is clustered with the registration server: no Connection documents are needed",
            );
            return;
        }
        Topology::Sametime12 => {
            draft.find(
                Level::Note,
                "no-connections",
                "a Sametime 12 server has no Domino: no Connection or Server documents for it",
            );
            return;
        }
        Topology::NotClustered | Topology::DifferentDomains => {}
    }
    if setup.topology == Topology::DifferentDomains {
        draft.find(
            Level::Warning,
            "person-documents",
            "the domains have two directories: a Connection document alone does not bring Person documents of one into the other. \
             Make sure that the Sametime server finds the mail users by directory assistance or by a copy of the directory (check C5), \
             and that the servers have a certificate in common",
        );
    }
    let wording = if setup.connection.literal {
        "server names, word by word as the procedure has it (literal = true)"
    } else {
        "Domino domain names, as the form's help defines the fields; the procedure's wording says server names (literal = true writes those)"
    };
    draft.find(
        Level::Note,
        "domain-fields",
        format!("\"Source domain\" and \"Destination domain\" get {wording}"),
    );
    for near in near(setup) {
        for far in setup.sametime() {
            one_way(draft, &near, far);
            one_way(draft, far, &near);
        }
    }
}

/// One server for each domain of mail servers: the registration server, or else the domain's first. Within a
/// domain the directory is replicated already.
fn near(setup: &Setup) -> Vec<Server> {
    let first =
        |domain: &&str| setup.inotes().find(|server| server.domain.eq_ignore_ascii_case(domain)).cloned();
    let mut near: Vec<Server> = setup.mail_domains().iter().filter_map(first).collect();
    if let Some(name) = &setup.connection.registration {
        let known = setup.servers.iter().find(|server| server.name.as_ref() == Some(name));
        // A registration server that is none of the others is in the first mail server's domain.
        let domain = known.or(near.first()).map(|server| server.domain.clone()).unwrap_or_default();
        for server in near.iter_mut().filter(|server| server.domain.eq_ignore_ascii_case(&domain)) {
            server.name = Some(name.clone());
        }
    }
    near
}

fn one_way(draft: &mut Draft<'_>, from: &Server, to: &Server) {
    let (Some(source), Some(destination)) = (&from.name, &to.name) else { return };
    if source == destination {
        return;
    }
    let Some(replica) = draft.written(&from.domain, DocumentKind::Connection) else { return };
    let title = format!("{} -> {}", source.canonical(), destination.canonical());
    let matching = matching(draft, replica, source, destination);
    let literal = draft.setup.connection.literal;
    let domain =
        |server: &Server, name: &NotesName| if literal { name.canonical() } else { server.domain.clone() };
    let mut wants = vec![
        want(Setting::ConnectionSource, source.canonical().as_str(), "the server that calls"),
        want(
            Setting::ConnectionSourceDomain,
            domain(from, source).as_str(),
            "the domain of the server that calls",
        ),
        want(Setting::ConnectionDestination, destination.canonical().as_str(), "the server that is called"),
        want(
            Setting::ConnectionDestinationDomain,
            domain(to, destination).as_str(),
            "the domain of the server that is called",
        ),
        want(Setting::ConnectionEnabled, "1", "a disabled connection replicates nothing"),
        want(
            Setting::ConnectionTasks,
            Value::Texts(vec!["Replication".to_owned()]),
            "the directory has to be replicated",
        ),
    ];
    let why = "the directory reaches the other server by replication; without it new persons and settings are unknown there";
    match matching.as_slice() {
        [] => {
            wants.insert(0, want(Setting::ConnectionLink, "0", "a connection over the local network"));
            wants.push(want(
                Setting::ConnectionPort,
                Value::Texts(vec!["TCPIP".to_owned()]),
                "the port over which it calls",
            ));
            let minutes = draft.setup.connection.interval;
            wants.push(want(
                Setting::ConnectionInterval,
                Value::number(minutes),
                "the form's own 360 minutes are too long for the directory",
            ));
            let plan = draft.create(replica, Step::Connections, DocumentKind::Connection, wants, title, why);
            draft.documents.push(plan);
        }
        [document] => {
            // Mail that is routed over it goes on being routed.
            let mut tasks =
                document.value(draft.table, Setting::ConnectionTasks).map(Value::texts).unwrap_or_default();
            if !replicates(draft, document) {
                tasks.push("Replication".to_owned());
            }
            for want in wants.iter_mut().filter(|want| want.setting == Setting::ConnectionTasks) {
                want.value = Value::Texts(std::mem::take(&mut tasks));
            }
            let plan = draft.update(replica, Step::Connections, document, wants, title, why);
            draft.documents.push(plan);
        }
        several => {
            let unids: Vec<_> = several.iter().map(|document| document.unid.to_string()).collect();
            let text = format!(
                "{title}: {} Connection documents ({}); one per pair is enough. None is changed",
                several.len(),
                unids.join(", ")
            );
            draft.find(Level::Warning, "duplicate", text.clone());
            for document in several {
                let mut plan = draft.update(
                    replica,
                    Step::Connections,
                    document,
                    Vec::new(),
                    title.clone(),
                    "duplicate: delete all but one",
                );
                plan.action = Action::Manual;
                draft.documents.push(plan);
            }
        }
    }
}

/// The Connection documents of a pair that replicate, or else all of the pair.
fn matching<'a>(
    draft: &Draft<'_>,
    replica: &'a Replica,
    source: &NotesName,
    destination: &NotesName,
) -> Vec<&'a Document> {
    let of_pair = |document: &&Document| {
        document.has_name(draft.table, Setting::ConnectionSource, source)
            && document.has_name(draft.table, Setting::ConnectionDestination, destination)
    };
    let all: Vec<&Document> = replica.of(DocumentKind::Connection).filter(of_pair).collect();
    let replicating: Vec<&Document> =
        all.iter().copied().filter(|document| replicates(draft, document)).collect();
    if replicating.is_empty() { all } else { replicating }
}

fn replicates(draft: &Draft<'_>, document: &Document) -> bool {
    let tasks = document.value(draft.table, Setting::ConnectionTasks).map(Value::texts).unwrap_or_default();
    tasks.iter().any(|task| task.eq_ignore_ascii_case("replication"))
}
