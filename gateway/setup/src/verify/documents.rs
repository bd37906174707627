//! The checks that documents answer. Pure.

use std::collections::BTreeMap;

use super::hosts::Seen;
use super::persons::TestUser;
use super::{Check, Outcome, check};
use crate::config::{Audience, Setup, SsoMethod, Topology};
use crate::estate::{Estate, Replica, Unid};
use crate::items::{DocumentKind, ItemKind, ItemTable, Setting};
use crate::plan::{Action, Current, DocumentPlan, ItemPlan, Plan, Step};

/// Judges what was read; `plan` was made from the same estate.
pub fn documents(
    setup: &Setup,
    table: &ItemTable,
    estate: &Estate,
    plan: &Plan,
    users: &[TestUser],
) -> Vec<Check> {
    let looker = Looker { setup, table, estate, plan, users };
    let mut checks = vec![
        looker.servers(),
        looker.connections(),
        looker.replicas(),
        looker.conflicts(),
        looker.persons(),
        looker.audience(),
    ];
    if setup.sso.method == SsoMethod::Ltpa {
        checks.extend(looker.sso());
    }
    checks.extend([looker.single_server(), looker.own_status()]);
    checks
}

/// Whoever judges; the checks of single sign-on and of persons are in files of their own.
pub(super) struct Looker<'a> {
    pub(super) setup: &'a Setup,
    pub(super) table: &'a ItemTable,
    pub(super) estate: &'a Estate,
    pub(super) plan: &'a Plan,
    pub(super) users: &'a [TestUser],
}

impl Looker<'_> {
    pub(super) fn has(&self, id: &str) -> Option<&str> {
        self.plan.findings.iter().find(|finding| finding.id == id).map(|finding| finding.text.as_str())
    }

    /// C1: in every replica of the domain.
    fn servers(&self) -> Check {
        let mut seen = false;
        for server in &self.setup.servers {
            let Some(name) = &server.name else { continue };
            for replica in
                self.estate.of_domain(&server.domain).filter(|replica| replica.sees(DocumentKind::Server))
            {
                seen = true;
                let count = replica
                    .of(DocumentKind::Server)
                    .filter(|document| document.has_name(self.table, Setting::ServerName, name))
                    .count();
                if count != 1 {
                    return check(
                        "C1",
                        Outcome::Fail,
                        format!("{name} has {count} Server documents in {}", replica.access),
                    );
                }
            }
        }
        if seen { check("C1", Outcome::Pass, "each has one Server document") } else { unseen("C1") }
    }

    fn connections(&self) -> Check {
        if matches!(self.setup.topology, Topology::SameDomain | Topology::Sametime12) {
            return check("C2", Outcome::Pass, "none are needed in this topology");
        }
        // The interval does not decide whether it replicates.
        self.judge(
            "C2",
            |plan| plan.step == Step::Connections,
            |item| item.setting != Setting::ConnectionInterval,
        )
    }

    /// C3: each document of the plan is the same in every replica of its domain.
    fn replicas(&self) -> Check {
        let mut compared = 0_usize;
        for domain in self.setup.domains() {
            let pairs = self.estate.of_domain(domain).flat_map(|first| {
                let others = self.estate.of_domain(domain).filter(|other| other.shares_ids(first));
                others.filter(|other| other.access != first.access).map(move |other| (first, other))
            });
            for (first, other) in pairs {
                let (here, there) = (revisions(first), revisions(other));
                for plan in self
                    .plan
                    .documents
                    .iter()
                    .filter(|plan| plan.directory == first.access && other.sees(plan.kind))
                {
                    let Some(unid) = &plan.unid else { continue };
                    if here.get(unid) != there.get(unid) {
                        return check(
                            "C3",
                            Outcome::Fail,
                            format!("{} differs between {} and {}", plan.title, first.access, other.access),
                        );
                    }
                    compared += 1;
                }
            }
        }
        match compared {
            0 => check(
                "C3",
                Outcome::Unknown,
                "only one replica of each directory can be asked; add a [[directory]] for the other server",
            ),
            compared => {
                check("C3", Outcome::Pass, format!("{compared} documents are the same in all replicas"))
            }
        }
    }

    fn conflicts(&self) -> Check {
        match self.has("conflict-documents") {
            Some(text) => check("C4", Outcome::Fail, text),
            None if self.estate.replicas.iter().all(|replica| replica.seen.is_empty()) => unseen("C4"),
            None => check("C4", Outcome::Pass, "none"),
        }
    }

    fn audience(&self) -> Check {
        self.judge("C6", |plan| plan.step >= Step::AllUsers, |_| true)
    }

    /// What Server documents say is shared with the checks from outside.
    pub(super) fn seen(&self) -> Seen<'_> {
        Seen { estate: self.estate, table: self.table }
    }

    /// Right if the plan would leave every item; unknown if an item has no known name or was not read.
    pub(super) fn judge(
        &self,
        id: &'static str,
        documents: impl Fn(&DocumentPlan) -> bool,
        items: impl Fn(&ItemPlan) -> bool,
    ) -> Check {
        let mut open = None;
        let mut count = 0_usize;
        for plan in self.plan.documents.iter().filter(|plan| documents(plan)) {
            if plan.items.is_empty() && plan.action == Action::Manual {
                return check(id, Outcome::Fail, format!("{}: {}", plan.title, plan.why));
            }
            for item in plan.items.iter().filter(|item| items(item)) {
                count += 1;
                let unknown =
                    item.item.is_none() || item.kind == ItemKind::Unknown || item.current == Current::Unseen;
                if item.action == Action::Leave {
                    continue;
                }
                let name = item.item.as_ref().map_or(item.field.as_str(), |name| name.as_str());
                if unknown {
                    open.get_or_insert_with(|| {
                        format!("{}: \"{name}\" cannot be read; its item name is {}", plan.title, item.mark)
                    });
                    continue;
                }
                let now = match &item.current {
                    Current::Is(value) => format!("\"{value}\""),
                    _ => "absent".to_owned(),
                };
                return check(
                    id,
                    Outcome::Fail,
                    format!("{}: {name} is {now} instead of \"{}\"", plan.title, item.wanted),
                );
            }
        }
        match (open, count) {
            (Some(text), _) => check(id, Outcome::Unknown, text),
            (None, 0)
                if id == "C6" && matches!(self.setup.awareness.audience, Audience::MailServers { .. }) =>
            {
                check(id, Outcome::Unknown, "there is no person on these mail servers")
            }
            (None, 0) => check(id, Outcome::Unknown, "there is no document to look at"),
            (None, count) => check(id, Outcome::Pass, format!("{count} items are right")),
        }
    }
}

/// Persons are many: each is looked up, not searched.
fn revisions(replica: &Replica) -> BTreeMap<&Unid, Option<&str>> {
    replica.documents.iter().map(|document| (&document.unid, document.revision.as_deref())).collect()
}

pub(super) fn unseen(id: &'static str) -> Check {
    check(id, Outcome::Unknown, "the documents cannot be read from here")
}
