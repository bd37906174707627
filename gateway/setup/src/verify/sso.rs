//! The checks of single sign-on that documents answer: C8 to C13, C17. Pure.

use std::collections::BTreeSet;

use super::documents::{Looker, unseen};
use super::{Check, Outcome, check};
use crate::config::SsoMethod;
use crate::estate::{Document, Replica, Value};
use crate::items::{DocumentKind, Setting};
use crate::names::{HostName, NotesName};
use crate::plan::{SINGLE_SERVER, SsoCase, Step};

impl Looker<'_> {
    pub(super) fn sso(&self) -> Vec<Check> {
        vec![
            self.once(),
            self.participants(),
            self.domain(),
            self.organization(),
            self.mechanism(),
            self.judge(
                "C13",
                |plan| matches!(plan.step, Step::InotesServer | Step::SametimeServer),
                |_| true,
            ),
        ]
    }

    /// C8: one document of the name in every replica that was asked, not only in the one that is written.
    fn once(&self) -> Check {
        let name = &self.setup.sso.name;
        let mut asked = Vec::new();
        for replica in self.estate.replicas.iter().filter(|replica| self.takes_part(replica)) {
            let found: Vec<&Document> = self.of_name(replica).collect();
            let ours = found.iter().filter(|document| self.is_ours(document)).count();
            let text = match (ours, found.len()) {
                (1, _) => {
                    asked.push(replica.access.as_str());
                    continue;
                }
                (0, 0) => format!("there is no configuration \"{name}\" in {}", replica.access),
                (0, _) => {
                    format!("the configuration \"{name}\" in {} is for another organization", replica.access)
                }
                (several, _) => format!("{several} documents are named \"{name}\" in {}", replica.access),
            };
            return check("C8", Outcome::Fail, text);
        }
        if asked.is_empty() {
            return unseen("C8");
        }
        check("C8", Outcome::Pass, format!("\"{name}\" is there once, in {}", asked.join(" and in ")))
    }

    /// C9: every server is listed, and nothing but servers.
    fn participants(&self) -> Check {
        let listed = self.judge_sso("C9", Setting::SsoServers);
        if listed.outcome == Outcome::Fail {
            return listed;
        }
        let mut open = Vec::new();
        for (replica, text) in self.listed() {
            let problem = match text.parse::<NotesName>() {
                _ if text.contains('*') => "wildcards do not work there".to_owned(),
                Ok(name) if name.is_hierarchical() => {
                    let is_server =
                        |document: &Document| document.has_name(self.table, Setting::ServerName, &name);
                    if replica.sees(DocumentKind::Server) && !replica.of(DocumentKind::Server).any(is_server)
                    {
                        open.push(format!(
                            "\"{text}\" has no Server document in {}: a group, or a server that is gone?",
                            replica.access
                        ));
                    }
                    continue;
                }
                Ok(_) => "that is no full server name, and groups do not work there".to_owned(),
                Err(error) => error.to_string(),
            };
            let text = format!("the SSO document in {} lists \"{text}\": {problem}", replica.access);
            return check("C9", Outcome::Fail, text);
        }
        if listed.outcome == Outcome::Pass && !open.is_empty() {
            return check("C9", Outcome::Unknown, open.join("; "));
        }
        listed
    }

    /// C10: the domain is right, and every participating host is below it; those that only the SSO document
    /// lists, too.
    fn domain(&self) -> Check {
        let own = self.judge_sso("C10", Setting::SsoDomain);
        if own.outcome == Outcome::Fail {
            return own;
        }
        let domain = &self.setup.sso.domain;
        let listed = self.listed();
        let mut names: BTreeSet<NotesName> =
            listed.iter().filter_map(|(_, text)| text.parse().ok()).collect();
        names.extend(self.setup.servers.iter().filter_map(|server| server.name.clone()));
        let (mut wrong, mut open) = (Vec::new(), Vec::new());
        if listed.is_empty() {
            open.push("which other servers the SSO document lists cannot be read".to_owned());
        }
        for name in &names {
            let hosts = self.seen().hosts_of(name);
            if hosts.iter().all(|(_, host)| host.is_empty()) {
                open.push(format!("the host name of {name} cannot be read"));
            }
            for (_, host) in hosts.iter().filter(|(_, host)| !host.is_empty()) {
                match host.parse::<HostName>() {
                    Ok(host) if host.is_below(domain) => {}
                    Ok(host) => wrong.push(format!("{host} of {name} is not below {domain}")),
                    Err(error) => wrong.push(format!("{name}: {error}")),
                }
            }
        }
        wrong.dedup();
        if !wrong.is_empty() {
            check("C10", Outcome::Fail, wrong.join("; "))
        } else if own.outcome == Outcome::Pass && open.is_empty() {
            check("C10", Outcome::Pass, format!("{domain}, and {} hosts below it", names.len()))
        } else if own.outcome == Outcome::Pass {
            check("C10", Outcome::Unknown, open.join("; "))
        } else {
            own
        }
    }

    fn organization(&self) -> Check {
        match self.has("organization") {
            Some(text) => check("C11", Outcome::Fail, text),
            None => self.judge_sso("C11", Setting::SsoOrganization),
        }
    }

    fn mechanism(&self) -> Check {
        match self.has("mixed-mechanism").or(self.has("no-web-site")) {
            Some(text) => check("C12", Outcome::Fail, text),
            None if self.plan.case == SsoCase::Unseen => unseen("C12"),
            None => check("C12", Outcome::Pass, "all servers use the same"),
        }
    }

    /// C17. Of the servers of `setup.toml`, those on SSO are the business of C13.
    pub(super) fn single_server(&self) -> Check {
        let replicas: Vec<&Replica> =
            self.estate.replicas.iter().filter(|replica| replica.sees(DocumentKind::Server)).collect();
        if replicas.is_empty() {
            return unseen("C17");
        }
        let ltpa = self.setup.sso.method == SsoMethod::Ltpa;
        let planned = |name: &NotesName| {
            ltpa && self.setup.servers.iter().any(|server| server.name.as_ref() == Some(name))
        };
        let names: BTreeSet<NotesName> = replicas
            .iter()
            .flat_map(|replica| replica.of(DocumentKind::Server))
            .filter(|document| document.text(self.table, Setting::ServerSession) == SINGLE_SERVER)
            .filter_map(|document| document.name(self.table, Setting::ServerName))
            .filter(|name| !planned(name))
            .collect();
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        match (names.is_empty(), ltpa) {
            (true, true) => check("C17", Outcome::Pass, "none in the domain"),
            (true, false) => {
                check("C17", Outcome::Pass, "none in the domain; secrets and tokens are not needed for that")
            }
            (false, true) => {
                check("C17", Outcome::Fail, format!("single-server sessions on {}", names.join(", ")))
            }
            (false, false) => check(
                "C17",
                Outcome::Unknown,
                format!(
                    "single-server sessions on {}, so awareness rests on secrets and tokens; whether stauths.nsf and stautht.nsf (names inferred) are on all servers cannot be seen from here",
                    names.join(", ")
                ),
            ),
        }
    }

    fn judge_sso(&self, id: &'static str, setting: Setting) -> Check {
        self.judge(id, |plan| plan.step == Step::SsoDocument, move |item| item.setting == setting)
    }

    /// Whether a replica is one of a server's domain and shows SSO documents.
    fn takes_part(&self, replica: &Replica) -> bool {
        replica.sees(DocumentKind::Sso)
            && self.setup.servers.iter().any(|server| {
                server.name.is_some() && server.domain.to_lowercase() == replica.domain.to_lowercase()
            })
    }

    fn of_name<'a>(&'a self, replica: &'a Replica) -> impl Iterator<Item = &'a Document> {
        replica.of(DocumentKind::Sso).filter(|document| {
            document.text(self.table, Setting::SsoName).eq_ignore_ascii_case(&self.setup.sso.name)
        })
    }

    fn is_ours(&self, document: &Document) -> bool {
        let organization = self.setup.sso.organization.as_deref().unwrap_or_default();
        document.text(self.table, Setting::SsoOrganization).eq_ignore_ascii_case(organization)
    }

    /// What the SSO documents list as participating servers, as it is written there.
    fn listed(&self) -> Vec<(&Replica, String)> {
        let replicas = self.estate.replicas.iter().filter(|replica| self.takes_part(replica));
        let of_replica = |replica| {
            let documents = self.of_name(replica).filter(|document| self.is_ours(document));
            documents.flat_map(move |document| {
                let value = document.value(self.table, Setting::SsoServers);
                value.map(Value::texts).unwrap_or_default().into_iter().map(move |text| (replica, text))
            })
        };
        replicas.flat_map(of_replica).collect()
    }
}
