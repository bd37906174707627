//! The checks that documents answer. Pure.

use std::collections::BTreeMap;

use super::{Check, Outcome, check};
use crate::config::{Audience, Setup, SsoMethod, Topology};
use crate::estate::{Document, Estate, Replica, Unid};
use crate::items::{DocumentKind, ItemKind, ItemTable, Setting};
use crate::plan::{Action, Current, DocumentPlan, ItemPlan, Plan, Step};

/// Judges what was read; `plan` was made from the same estate.
pub fn documents(setup: &Setup, table: &ItemTable, estate: &Estate, plan: &Plan) -> Vec<Check> {
    let looker = Looker { setup, table, estate, plan };
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
        checks.extend([looker.mechanism(), looker.sessions()]);
    }
    checks.extend([looker.single_server(), looker.own_status(), looker.protocol()]);
    checks
}

struct Looker<'a> {
    setup: &'a Setup,
    table: &'a ItemTable,
    estate: &'a Estate,
    plan: &'a Plan,
}

impl Looker<'_> {
    fn has(&self, id: &str) -> Option<&str> {
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

    /// C5: the persons of the mail domain, in a replica that the Sametime server answers for.
    fn persons(&self) -> Check {
        let names: Vec<_> = self.setup.sametime().filter_map(|server| server.name.as_ref()).collect();
        let there = self.estate.replicas.iter().find(|replica| {
            replica.sees(DocumentKind::Person)
                && replica.server.as_ref().is_some_and(|server| names.contains(&server))
        });
        let (Some(there), Some(mail)) = (
            there,
            self.setup
                .inotes()
                .next()
                .and_then(|server| self.estate.written(&server.domain, DocumentKind::Person)),
        ) else {
            return check(
                "C5",
                Outcome::Unknown,
                "the Sametime server's own directory was not asked for persons",
            );
        };
        // By name: LDAP has other ids.
        let name = |document: &Document| document.name(self.table, Setting::PersonName);
        let names: std::collections::BTreeSet<_> = there.of(DocumentKind::Person).filter_map(name).collect();
        let persons = || mail.of(DocumentKind::Person);
        let missing =
            persons().filter(|document| name(document).is_none_or(|name| !names.contains(&name))).count();
        let outcome = match missing {
            0 => Outcome::Pass,
            // Directory assistance brings them to the server without a document in its own directory.
            _ if !there.domain.eq_ignore_ascii_case(&mail.domain) => Outcome::Unknown,
            _ => Outcome::Fail,
        };
        check(
            "C5",
            outcome,
            format!("{missing} of {} persons are missing in {}", persons().count(), there.access),
        )
    }

    fn audience(&self) -> Check {
        self.judge("C6", |plan| plan.step >= Step::AllUsers, |_| true)
    }

    fn sso(&self) -> Vec<Check> {
        let documents: Vec<&DocumentPlan> =
            self.plan.documents.iter().filter(|plan| plan.step == Step::SsoDocument).collect();
        let duplicate = self
            .plan
            .findings
            .iter()
            .find(|finding| finding.id == "duplicate" && finding.text.contains(&self.setup.sso.name));
        let c8 = if let Some(finding) = duplicate {
            check("C8", Outcome::Fail, finding.text.clone())
        } else if documents.is_empty()
            || documents.iter().any(|plan| plan.items.iter().all(|item| item.current == Current::Unseen))
        {
            unseen("C8")
        } else if documents.iter().any(|plan| plan.unid.is_none()) {
            check("C8", Outcome::Fail, format!("there is no configuration \"{}\"", self.setup.sso.name))
        } else {
            check("C8", Outcome::Pass, format!("\"{}\"", self.setup.sso.name))
        };
        let of = |id, setting: Setting| {
            self.judge(id, |plan| plan.step == Step::SsoDocument, move |item| item.setting == setting)
        };
        vec![
            c8,
            of("C9", Setting::SsoServers),
            of("C10", Setting::SsoDomain),
            self.organization(of("C11", Setting::SsoOrganization)),
        ]
    }

    fn organization(&self, of_document: Check) -> Check {
        match self.has("organization") {
            Some(text) => check("C11", Outcome::Fail, text),
            None => of_document,
        }
    }

    fn mechanism(&self) -> Check {
        match self.has("mixed-mechanism").or(self.has("no-web-site")) {
            Some(text) => check("C12", Outcome::Fail, text),
            None if self.plan.case == crate::plan::SsoCase::Unseen => unseen("C12"),
            None => check("C12", Outcome::Pass, "all servers use the same"),
        }
    }

    fn sessions(&self) -> Check {
        self.judge("C13", |plan| matches!(plan.step, Step::InotesServer | Step::SametimeServer), |_| true)
    }

    fn single_server(&self) -> Check {
        match self.has("single-server-session") {
            Some(text) => check("C17", Outcome::Fail, text),
            None if self.plan.case == crate::plan::SsoCase::Unseen => unseen("C17"),
            None => check("C17", Outcome::Pass, "none in the domain"),
        }
    }

    /// C20 rests on the same settings as C6.
    fn own_status(&self) -> Check {
        let c6 = self.audience();
        check(
            "C20",
            c6.outcome,
            if c6.outcome == Outcome::Pass {
                "the setting it needs is there (C6)".to_owned()
            } else {
                c6.reason
            },
        )
    }

    fn protocol(&self) -> Check {
        let text = self.has("protocol").unwrap_or_default().to_owned();
        match &self.setup.gateway {
            Some(gateway) if !(gateway.http && gateway.https) => check("C21", Outcome::Fail, text),
            _ => check("C21", Outcome::Unknown, text),
        }
    }

    /// Right if the plan would leave every item; unknown if an item has no known name or was not read.
    fn judge(
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

fn unseen(id: &'static str) -> Check {
    check(id, Outcome::Unknown, "the documents cannot be read from here")
}
