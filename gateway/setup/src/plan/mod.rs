//! From what is wanted and what is there to what has to be done. Pure: no sockets, no files, no clock.
//!
//! Each file plans one step of the procedure; `item` decides about single items; `cut_over` lists what no
//! document holds. Nothing is created that the procedure does not create, and nothing is changed that is
//! right already: the same input planned against the result is empty (domino-directory.md 2.5).

mod audience;
mod connection;
mod cut_over;
mod findings;
mod item;
mod model;
mod server;
mod show;
mod sso;
#[cfg(test)]
mod tests;

use crate::config::{Setup, SsoMethod};
use crate::estate::{Estate, Replica};
use crate::items::{DocumentKind, ItemTable};

pub(crate) use item::means;
pub use model::*;
pub(crate) use server::SINGLE_SERVER;
pub use show::{rollback, table, to_json};

/// Plans the whole procedure.
pub fn plan(setup: &Setup, table: &ItemTable, estate: &Estate) -> Plan {
    let mut draft = Draft { setup, table, estate, findings: Vec::new(), documents: Vec::new() };
    let case = server::case(&draft);
    findings::estate_wide(&mut draft);
    connection::plan(&mut draft);
    if setup.sso.method == SsoMethod::Ltpa {
        sso::plan(&mut draft, case);
        server::plan(&mut draft);
        sso::unseen(&mut draft);
    }
    audience::plan(&mut draft);
    let Draft { mut findings, mut documents, .. } = draft;
    findings.sort_by_key(|finding| finding.level);
    findings.dedup();
    documents.sort_by_key(|document| document.step);
    let cut_over = cut_over::list(setup, table, &documents);
    Plan { topology: setup.topology, case, findings, documents, cut_over }
}

/// A plan while it is made.
struct Draft<'a> {
    setup: &'a Setup,
    table: &'a ItemTable,
    estate: &'a Estate,
    findings: Vec<Finding>,
    documents: Vec<DocumentPlan>,
}

impl<'a> Draft<'a> {
    fn find(&mut self, level: Level, id: &'static str, text: impl Into<String>) {
        self.findings.push(Finding { level, id, text: text.into() });
    }

    /// The replica in which a domain's documents of a kind are written, if it was read or at least named.
    fn written(&self, domain: &str, kind: DocumentKind) -> Option<&'a Replica> {
        self.estate.written(domain, kind)
    }
}
