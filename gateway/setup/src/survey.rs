//! Reads what the planner needs, replica by replica.

use std::collections::BTreeSet;

use crate::config::{Access, Audience, Setup};
use crate::directory::{Directory, DirectoryError, Persons, Query};
use crate::discover::{self, Discovery};
use crate::estate::{Estate, Replica};
use crate::items::{DocumentKind, ItemTable, Setting};
use crate::names::NotesName;

/// An access of `setup.toml` and what answers there; nothing does where only files are made.
pub struct Opened<D> {
    pub access: Access,
    pub directory: Option<D>,
}

/// Which access failed, and why.
#[derive(Debug, thiserror::Error)]
#[error("directory \"{access}\": {error}")]
pub struct SurveyError {
    pub access: String,
    pub error: DirectoryError,
}

/// Reads every replica.
pub async fn survey<D: Directory>(
    setup: &Setup,
    table: &ItemTable,
    opened: &mut [Opened<D>],
) -> Result<Estate, SurveyError> {
    let mut estate = Estate::default();
    for Opened { access, directory } in opened {
        let mut replica = Replica::unseen(&access.name, &access.domain);
        replica.server.clone_from(&access.server);
        if let Some(directory) = directory {
            replica.seen = read_kinds(setup, directory.kinds());
            for kind in replica.seen.clone() {
                let query = query(setup, table, kind);
                let read = directory.read(&query).await;
                let read = read.map_err(|error| SurveyError { access: access.name.clone(), error })?;
                replica.documents.extend(read);
            }
        }
        estate.replicas.push(replica);
    }
    Ok(estate)
}

/// Asks the designs of the forms for the items that no source names, and fills the table with what is
/// beyond doubt. A replica that cannot be asked contributes nothing.
pub async fn discover<D: Directory>(
    table: &mut ItemTable,
    opened: &mut [Opened<D>],
) -> Result<Discovery, SurveyError> {
    let mut discovery = Discovery::default();
    for Opened { access, directory } in opened {
        let Some(directory) = directory else { continue };
        let kinds: BTreeSet<DocumentKind> = table.unsettled().iter().map(|setting| setting.kind()).collect();
        for kind in kinds {
            let fields = match directory.design(&table.form(kind).form).await {
                Ok(Some(fields)) => fields,
                // Reading designs is a right of its own; without it items stay unknown.
                Ok(None)
                | Err(
                    DirectoryError::Forbidden(_) | DirectoryError::NotEnabled(_) | DirectoryError::NotFound,
                ) => continue,
                Err(error) => return Err(SurveyError { access: access.name.clone(), error }),
            };
            discovery.merge(discover::settle(table, kind, &fields));
        }
    }
    Ok(discovery)
}

/// Person documents are many: they are read only if somebody is chosen among them.
fn read_kinds(setup: &Setup, kinds: BTreeSet<DocumentKind>) -> BTreeSet<DocumentKind> {
    let persons = !matches!(setup.awareness.audience, Audience::All { .. });
    kinds.into_iter().filter(|kind| *kind != DocumentKind::Person || persons).collect()
}

/// What to ask for documents of a kind.
pub(crate) fn query(setup: &Setup, table: &ItemTable, kind: DocumentKind) -> Query {
    let with = |setting, names: Vec<NotesName>| match table.name(setting) {
        Some(item) => Persons::With { item: item.clone(), names },
        None => Persons::All,
    };
    let persons = match (&setup.awareness.audience, kind) {
        (Audience::Persons { names, .. }, DocumentKind::Person) => with(Setting::PersonName, names.clone()),
        (Audience::MailServers { .. }, DocumentKind::Person) => {
            with(Setting::PersonMailServer, setup.inotes().filter_map(|server| server.name.clone()).collect())
        }
        _ => Persons::All,
    };
    Query { kind, form: table.form(kind), persons }
}
