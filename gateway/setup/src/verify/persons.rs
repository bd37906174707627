//! The persons: C5, whether the Sametime server knows them, and C20, what the page of one of them is sent to.

use std::collections::BTreeSet;

use super::documents::Looker;
use super::{Check, Outcome, check};
use crate::config::{AppliesTo, Audience, Setup};
use crate::directory::{Directory, DirectoryError, Persons, Query};
use crate::estate::{Document, Replica};
use crate::items::{DocumentKind, ItemTable, Setting};
use crate::names::NotesName;
use crate::survey::{Opened, SurveyError, query};

/// What one replica has for one of the probe's users.
#[derive(Clone, Debug)]
pub struct TestUser {
    pub user: NotesName,
    /// Name of the access.
    pub access: String,
    pub domain: String,
    pub server: Option<NotesName>,
    /// Their Person documents, without conflict documents.
    pub documents: Vec<Document>,
}

/// Reads the Person documents of the probe's users in every replica. They are looked up by their full names, so a
/// common name alone finds nobody.
pub async fn test_users<D: Directory>(
    setup: &Setup,
    table: &ItemTable,
    opened: &mut [Opened<D>],
) -> Result<Vec<TestUser>, SurveyError> {
    let Some(item) = table.name(Setting::PersonName) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for user in full_names(setup) {
        for Opened { access, directory } in opened.iter_mut() {
            let Some(directory) = directory.as_mut() else { continue };
            if !directory.kinds().contains(&DocumentKind::Person) {
                continue;
            }
            let persons = Persons::With { item: item.clone(), names: vec![user.clone()] };
            let query = Query { persons, ..query(setup, table, DocumentKind::Person) };
            let documents = match directory.read(&query).await {
                Ok(documents) => documents,
                // An account for other documents need not see persons.
                Err(DirectoryError::Forbidden(_)) => continue,
                Err(error) => return Err(SurveyError { access: access.name.clone(), error }),
            };
            found.push(TestUser {
                user: user.clone(),
                access: access.name.clone(),
                domain: access.domain.clone(),
                server: access.server.clone(),
                documents: documents.into_iter().filter(|document| !document.is_conflict()).collect(),
            });
        }
    }
    Ok(found)
}

fn full_names(setup: &Setup) -> Vec<NotesName> {
    let texts = setup.probe.iter().flat_map(|probe| [&probe.user, &probe.other]);
    texts.filter_map(|text| text.parse::<NotesName>().ok()).filter(NotesName::is_hierarchical).collect()
}

impl Looker<'_> {
    /// C5: in a replica that the Sametime server answers for. All persons that were read are compared; else at
    /// least the probe's users are looked up.
    pub(super) fn persons(&self) -> Check {
        let sametime: Vec<&NotesName> =
            self.setup.sametime().filter_map(|server| server.name.as_ref()).collect();
        let is_there =
            |server: &Option<NotesName>| server.as_ref().is_some_and(|server| sametime.contains(&server));
        let users: Vec<&TestUser> = self.users.iter().filter(|user| is_there(&user.server)).collect();
        if let Some(lost) = users.iter().find(|user| user.documents.is_empty()) {
            let text = format!("{} is not found in {}", lost.user, lost.access);
            return check("C5", self.missing(&lost.domain), text);
        }
        let mail = self
            .setup
            .inotes()
            .next()
            .and_then(|server| self.estate.written(&server.domain, DocumentKind::Person));
        let mail = mail.filter(|mail| mail.of(DocumentKind::Person).next().is_some());
        let there = self
            .estate
            .replicas
            .iter()
            .find(|replica| replica.sees(DocumentKind::Person) && is_there(&replica.server));
        match (there, mail) {
            (Some(there), Some(mail)) => self.compared(there, mail),
            _ if users.is_empty() => check(
                "C5",
                Outcome::Unknown,
                "the Sametime server's own directory was not asked for persons: it needs a [[directory]] with server = \"…\", and [probe] full names such as \"Ann Archer/Renovation\"",
            ),
            _ => {
                let names: Vec<String> = users.iter().map(|user| user.user.to_string()).collect();
                check(
                    "C5",
                    Outcome::Pass,
                    format!("{} are there; nobody else was looked up", names.join(" and ")),
                )
            }
        }
    }

    fn compared(&self, there: &Replica, mail: &Replica) -> Check {
        // By name: LDAP has other ids.
        let name = |document: &Document| document.name(self.table, Setting::PersonName);
        let names: BTreeSet<_> = there.of(DocumentKind::Person).filter_map(name).collect();
        let persons = || mail.of(DocumentKind::Person);
        let missing =
            persons().filter(|document| name(document).is_none_or(|name| !names.contains(&name))).count();
        let outcome = if missing == 0 { Outcome::Pass } else { self.missing(&there.domain) };
        let text = format!("{missing} of {} persons are missing in {}", persons().count(), there.access);
        check("C5", outcome, text)
    }

    /// Directory assistance brings people of other domains to a server without documents in its own directory.
    fn missing(&self, domain: &str) -> Outcome {
        let is_mail = self.setup.inotes().any(|server| server.domain.eq_ignore_ascii_case(domain));
        if is_mail { Outcome::Fail } else { Outcome::Unknown }
    }

    /// C20: what the documents say to the page of each of the probe's users. C6 looks at documents, this at
    /// people: whether one of those documents is meant for them.
    pub(super) fn own_status(&self) -> Check {
        let unknown = |text: &str| check("C20", Outcome::Unknown, text);
        if self.setup.probe.is_none() {
            return unknown("there are no [probe] accounts to look up");
        }
        let written = |user: &&TestUser| {
            let replica = self.estate.written(&user.domain, DocumentKind::Person);
            self.setup.inotes().any(|server| server.domain.eq_ignore_ascii_case(&user.domain))
                && replica.is_some_and(|replica| replica.access == user.access)
        };
        let users: Vec<&TestUser> = self.users.iter().filter(written).collect();
        if users.is_empty() {
            return unknown(
                "the test users' Person documents cannot be read from here, or [probe] has no full names such as \"Ann Archer/Renovation\"",
            );
        }
        let mut sent = BTreeSet::new();
        for user in users {
            match self.sent_to(user) {
                Ok(target) => {
                    sent.insert(target);
                }
                Err((outcome, text)) => return check("C20", outcome, format!("{}: {text}", user.user)),
            }
        }
        let sent: Vec<String> = sent.into_iter().collect();
        check(
            "C20",
            Outcome::Pass,
            format!("the pages of both test users are sent to {}", sent.join(" and ")),
        )
    }

    /// Where the page of a user is sent, if that is right (domino-directory.md 1.6): the host of the
    /// Configuration Settings document, else the server of the Person document.
    fn sent_to(&self, user: &TestUser) -> Result<String, (Outcome, String)> {
        let fail = |text: String| Err((Outcome::Fail, text));
        let document = match user.documents.as_slice() {
            [document] => document,
            several => return fail(format!("has {} Person documents in {}", several.len(), user.access)),
        };
        let mail = document.name(self.table, Setting::PersonMailServer);
        let Some(mail) =
            mail.filter(|mail| self.setup.inotes().any(|server| server.name.as_ref() == Some(mail)))
        else {
            let text = document.text(self.table, Setting::PersonMailServer);
            return fail(format!("the mail server is \"{text}\", which is none of setup.toml"));
        };
        let host = self.host_for(&user.domain, &mail);
        let server = document.text(self.table, Setting::PersonSametimeServer);
        match &self.setup.awareness.audience {
            Audience::All { host: wanted, applies_to } => {
                let applies = match applies_to {
                    AppliesTo::Everything => true,
                    AppliesTo::Servers(names) => names.contains(&mail),
                };
                match host {
                    None => Err((
                        Outcome::Unknown,
                        "the item of the Configuration Settings document cannot be read; its name is unknown"
                            .to_owned(),
                    )),
                    Some(host) if host.eq_ignore_ascii_case(wanted.as_str()) => Ok(host),
                    Some(_) if !applies => fail(format!(
                        "awareness is not for users of {mail}; take test users of another mail server"
                    )),
                    Some(host) => fail(format!(
                        "the Configuration Settings document says \"{host}\" instead of {wanted}"
                    )),
                }
            }
            Audience::MailServers { sametime } | Audience::Persons { sametime, .. } => {
                if let Some(host) = host.filter(|host| !host.is_empty()) {
                    return fail(format!(
                        "the Configuration Settings document sends everybody to \"{host}\", whatever the Person document says"
                    ));
                }
                match server.parse::<NotesName>() {
                    Ok(server) if server == *sametime => Ok(server.to_string()),
                    _ => fail(format!("SametimeServer is \"{server}\" instead of \"{sametime}\"")),
                }
            }
        }
    }

    /// The host that the Configuration Settings documents set for users of a mail server: its own document, else
    /// the default one. Empty if none is set, `None` if the item's name is not known.
    fn host_for(&self, domain: &str, mail: &NotesName) -> Option<String> {
        self.table.name(Setting::ConfigurationImHost)?;
        let replica = self
            .estate
            .written(domain, DocumentKind::Configuration)
            .filter(|replica| replica.sees(DocumentKind::Configuration))?;
        let host = |document: &Document| document.text(self.table, Setting::ConfigurationImHost);
        let own = replica
            .of(DocumentKind::Configuration)
            .filter(|document| document.has_name(self.table, Setting::ConfigurationAppliesTo, mail));
        let default = replica
            .of(DocumentKind::Configuration)
            .filter(|document| document.text(self.table, Setting::ConfigurationAppliesTo) == "*");
        Some(own.chain(default).map(host).find(|host| !host.is_empty()).unwrap_or_default())
    }
}
