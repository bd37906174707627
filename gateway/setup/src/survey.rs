//! Reads what the planner needs, replica by replica.

use std::collections::BTreeSet;

use crate::config::{Access, Audience, Setup, WritePath};
use crate::directory::{Directory, DirectoryError, Field, Persons, Query};
use crate::discover::{self, Discovery};
use crate::estate::{CONFLICT, Estate, Replica};
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
        replica.path = access.path;
        if let Some(directory) = directory {
            let failed = |error| SurveyError { access: access.name.clone(), error };
            for kind in directory.kinds() {
                let wish = wish(setup, access.path, kind);
                if wish == Wish::None {
                    continue;
                }
                match directory.read(&query(setup, table, kind)).await {
                    Ok(read) => replica.documents.extend(read),
                    Err(error) if wish == Wish::IfAllowed && error.is_about_rights() => continue,
                    Err(error) => return Err(failed(error)),
                }
                replica.seen.insert(kind);
                if let Some(fields) = design(directory, table, kind).await.map_err(failed)? {
                    let of_kind = replica.documents.iter().filter(|document| document.kind == kind);
                    let of_documents = of_kind.flat_map(|document| document.items.keys().cloned());
                    let known = fields.into_iter().map(|field| field.name).chain(of_documents).collect();
                    replica.known.insert(kind, known);
                }
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
        let mut asked = false;
        for kind in kinds {
            let fields = design(directory, table, kind).await;
            let fields = fields.map_err(|error| SurveyError { access: access.name.clone(), error })?;
            if let Some(fields) = fields {
                discovery.merge(discover::settle(table, kind, &fields));
                asked = true;
            }
        }
        if asked {
            let host = access.url.as_ref().map(|url| url.host.as_str()).unwrap_or_default();
            discovery.sources.push(format!("{} at {host}", access.name));
        }
    }
    Ok(discovery)
}

/// The fields of a kind's form. Reading designs is a right of its own; without it nothing is known of them.
async fn design<D: Directory>(
    directory: &mut D,
    table: &ItemTable,
    kind: DocumentKind,
) -> Result<Option<Vec<Field>>, DirectoryError> {
    match directory.design(&table.form(kind).form).await {
        Ok(fields) => Ok(fields.filter(|fields| !fields.is_empty())),
        Err(error) if error.is_about_rights() => Ok(None),
        Err(error) => Err(error),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wish {
    Needed,
    /// Worth a look: what is found there is a finding, and nothing is written.
    IfAllowed,
    None,
}

/// Person documents are many. Where nobody is chosen among them, what they hold still decides whether a gateway
/// may go in front; the data API has to ask for each of them alone, which is too slow for that.
fn wish(setup: &Setup, path: WritePath, kind: DocumentKind) -> Wish {
    match (kind, &setup.awareness.audience) {
        (DocumentKind::Person, Audience::All { .. }) if path == WritePath::Das => Wish::None,
        (DocumentKind::Person, Audience::All { .. }) => Wish::IfAllowed,
        _ => Wish::Needed,
    }
}

/// What to ask for documents of a kind.
pub(crate) fn query(setup: &Setup, table: &ItemTable, kind: DocumentKind) -> Query {
    let with = |setting, names: Vec<NotesName>| match table.name(setting) {
        Some(item) => Persons::With { item: item.clone(), names },
        None => Persons::All,
    };
    let persons = match (&setup.awareness.audience, kind) {
        (Audience::Persons { names, .. }, DocumentKind::Person) => with(Setting::PersonName, names.clone()),
        (Audience::MailServers { .. } | Audience::All { .. }, DocumentKind::Person) => {
            with(Setting::PersonMailServer, setup.inotes().filter_map(|server| server.name.clone()).collect())
        }
        _ => Persons::All,
    };
    // Persons are many, and hold certificates and pictures.
    let items = (kind == DocumentKind::Person).then(|| {
        let of_kind = Setting::ALL.iter().filter(|setting| setting.kind() == kind);
        let known = of_kind.filter_map(|setting| table.name(*setting).cloned());
        known.chain(CONFLICT.parse()).collect()
    });
    Query { kind, form: table.form(kind), persons, items }
}
